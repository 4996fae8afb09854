"""Associations between records. Seeded ones follow from the world; a changed side is kept as it is then."""

from __future__ import annotations

from crmhub.sandbox.deals import Deal, people_of
from crmhub.sandbox.hubspot.kinds import LINKS, PRIMARY
from crmhub.sandbox.hubspot.labels import Labels
from crmhub.sandbox.hubspot.records import Table
from crmhub.sandbox.hubspot.seed import Seed
from crmhub.sandbox.world import Activity, KnownPerson

Targets = dict[int, list[int]]
"""to id -> association type ids"""
_SEEDED_FROM = ("calls", "emails", "meetings", "notes", "tasks", "deals", "contacts")


class Links:
    """All associations, both directions."""

    def __init__(self, seed: Seed, tables: dict[str, Table], labels: Labels) -> None:
        self._seed = seed
        self._tables = tables
        self._labels = labels
        self._kept: dict[tuple[str, int, str], Targets] = {}
        self._reverse: dict[tuple[str, str], dict[int, Targets]] = {}

    def get(self, kind: str, number: int, to: str) -> Targets:
        """The records of type `to` that a record is associated with, archived ones included."""
        kept = self._kept.get((kind, number, to))
        return self._seeded(kind, number, to) if kept is None else kept

    def live(self, kind: str, number: int, to: str) -> list[tuple[int, list[int]]]:
        """(id, types) of the records in use that a record is associated with, by id."""
        rows = self._tables[to].rows
        return sorted((target, types) for target, types in self.get(kind, number, to).items() if rows[target].alive)

    def primary_company(self, contact: int) -> str | None:
        for number, types in self.live("contacts", contact, "companies"):
            if PRIMARY & set(types):
                return str(number)
        return None

    def add(self, kind: str, number: int, to: str, target: int, types: list[int] | None = None) -> list[int]:
        """Associate; without types the default one. -> the type ids of this direction."""
        if kind == "companies":  # one company is the primary one of a record, not the other way round
            flipped = None if types is None else [self._labels.mirror(one) for one in types]
            return [self._labels.mirror(one) for one in self.add(to, target, kind, number, flipped)]
        plain, primary = LINKS[kind, to]
        mine, theirs = self._own(kind, number, to), self._own(to, target, kind)
        wanted = set(types or ()) | {plain}
        if primary and not any(primary in held for _, held in self.live(kind, number, to)):
            wanted.add(primary)
        if primary in wanted:
            for other, held in mine.items():
                if other != target and primary in held:
                    self._strip(kind, number, to, other, primary)
        mine[target] = sorted(set(mine.get(target, ())) | wanted)
        theirs[number] = sorted(self._labels.mirror(one) for one in mine[target])
        return mine[target]

    def remove(self, kind: str, number: int, to: str, target: int) -> bool:
        """Take an association away with all its labels; -> whether there was one."""
        held = self._own(kind, number, to).pop(target, None)
        self._own(to, target, kind).pop(number, None)
        return held is not None

    def unlabel(self, kind: str, number: int, to: str, target: int, types: list[int]) -> None:
        """Take labels away; the plain association stays."""
        for one in types:
            if one != LINKS[kind, to][0] and one in self.get(kind, number, to).get(target, ()):
                self._strip(kind, number, to, target, one)

    def move(self, kind: str, old: int, new: int) -> None:
        """Give a record's associations to another one (merge)."""
        if old == new:
            return
        for to in {pair[1] for pair in LINKS if pair[0] == kind}:
            primary = LINKS[kind, to][1] if kind != "companies" else 0
            has_primary = any(primary in held for held in self.get(kind, new, to).values())
            for target, types in list(self.get(kind, old, to).items()):
                self.remove(kind, old, to, target)
                kept = [one for one in types if one != primary or not has_primary]
                self.add(kind, new, to, target, kept)

    def drop(self, kind: str, number: int) -> None:
        """Remove every association of a record (forgotten)."""
        for to in {pair[1] for pair in LINKS if pair[0] == kind}:
            for target in list(self.get(kind, number, to)):
                self.remove(kind, number, to, target)

    def many(self, kind: str, to: str, most: int) -> list[int]:
        """Per record that has more than `most` rows (one per label) inline: how many targets are cut off.

        No seeded record has so many.
        """
        found: list[int] = []
        for number in [number for one, number, other in self._kept if (one, other) == (kind, to)]:
            rows, whole = 0, 0
            held = self.live(kind, number, to)
            for _, types in held:
                rows += len(types)
                whole += rows <= most
            if rows > most:
                found.append(len(held) - whole)
        return found

    def _strip(self, kind: str, number: int, to: str, target: int, one: int) -> None:
        self._own(kind, number, to)[target].remove(one)
        self._own(to, target, kind)[number].remove(self._labels.mirror(one))

    def _own(self, kind: str, number: int, to: str) -> Targets:
        key = (kind, number, to)
        if key not in self._kept:
            self._kept[key] = {target: list(types) for target, types in self._seeded(kind, number, to).items()}
        return self._kept[key]

    def _seeded(self, kind: str, number: int, to: str) -> Targets:
        record = self._tables[kind].rows.get(number)
        if (kind, to) not in LINKS or record is None or record.seed is None:
            return {}
        plain, primary = LINKS[kind, to]
        if isinstance(record.seed, Activity):
            return self._of_activity(record.seed, to, plain)
        if isinstance(record.seed, Deal) and to in ("contacts", "companies"):
            return self._of_deal(record.seed, to)
        if isinstance(record.seed, KnownPerson) and to == "companies":
            company = self._seed.company_id(record.seed)
            return {} if company is None else {company: [primary, plain]}
        return self._backwards(kind, to).get(number, {})

    def _of_deal(self, deal: Deal, to: str) -> Targets:
        if to == "companies":
            company = self._seed.company_of.get(deal.company.number)
            return {} if company is None else {company: [5, 341]}
        found: Targets = {}
        for one in people_of(self._seed.world, deal, "hubspot"):
            contact = self._seed.contact_of.get(one.person.number)
            if contact is not None:
                found[contact] = [3, self._labels.roles[one.role]]
        return found

    def _of_activity(self, act: Activity, to: str, plain: int) -> Targets:
        contact = self._seed.contact_of.get(act.person.number)
        if contact is None or to == "deals":
            return {}
        if to == "contacts":
            return {contact: [plain]}
        company = self._seed.company_id(self._tables["contacts"].rows[contact].seed)
        return {} if company is None else {company: [plain]}

    def _backwards(self, kind: str, to: str) -> dict[int, Targets]:
        """The seeded associations seen from the other side, worked out when first asked for."""
        if (kind, to) not in self._reverse:
            found: dict[int, Targets] = {}
            if to in _SEEDED_FROM:
                shared: dict[tuple[int, ...], list[int]] = {}
                for number, record in self._tables[to].rows.items():
                    if record.seed is None:
                        continue
                    for target, types in self._seeded(to, number, kind).items():
                        mirrored = tuple(sorted(self._labels.mirror(one) for one in types))
                        # nobody changes a seeded list, so equal ones are one
                        found.setdefault(target, {})[number] = shared.setdefault(mirrored, list(mirrored))
            self._reverse[kind, to] = found
        return self._reverse[kind, to]
