"""Associations between records. Seeded ones follow from the world; a changed side is kept as it is then."""

from __future__ import annotations

from crmhub.sandbox.hubspot.kinds import LINKS, PRIMARY
from crmhub.sandbox.hubspot.records import Table
from crmhub.sandbox.hubspot.seed import Seed
from crmhub.sandbox.world import Activity, KnownPerson

Targets = dict[int, list[int]]
"""to id -> association type ids"""
_TOUCHES = ("calls", "emails", "meetings", "notes", "tasks")


class Links:
    """All associations, both directions."""

    def __init__(self, seed: Seed, tables: dict[str, Table]) -> None:
        self._seed = seed
        self._tables = tables
        self._kept: dict[tuple[str, int, str], Targets] = {}
        self._reverse: dict[tuple[str, str], dict[int, list[int]]] = {}

    def get(self, kind: str, number: int, to: str) -> Targets:
        """The records of type `to` that a record is associated with."""
        kept = self._kept.get((kind, number, to))
        return self._seeded(kind, number, to) if kept is None else kept

    def primary_company(self, contact: int) -> str | None:
        for number, types in self.get("contacts", contact, "companies").items():
            if PRIMARY & set(types):
                return str(number)
        return None

    def add(self, kind: str, number: int, to: str, target: int, types: list[int] | None = None) -> list[int]:
        """Associate; without types the default one. -> the type ids of this direction."""
        plain, primary = LINKS[kind, to]
        back_plain, back_primary = LINKS[to, kind]
        mine, theirs = self._own(kind, number, to), self._own(to, target, kind)
        wanted = set(types or [plain])
        if primary and (primary in wanted or not any(primary in held for held in mine.values())):
            for other, held in mine.items():  # only one company is the primary one
                if primary in held:
                    held.remove(primary)
                    back = self._own(to, other, kind).get(number)
                    if back and back_primary in back:
                        back.remove(back_primary)
            if kind == "contacts" or primary in wanted:
                wanted.add(primary)
        wanted.add(plain)
        mine[target] = sorted(set(mine.get(target, [])) | wanted)
        mirrored = {back_plain} | ({back_primary} if primary and primary in mine[target] else set())
        theirs[number] = sorted(set(theirs.get(number, [])) | mirrored)
        return mine[target]

    def remove(self, kind: str, number: int, to: str, target: int) -> None:
        self._own(kind, number, to).pop(target, None)
        self._own(to, target, kind).pop(number, None)

    def move(self, kind: str, old: int, new: int) -> None:
        """Give a record's associations to another one (merge)."""
        if old == new:
            return
        for to in {pair[1] for pair in LINKS if pair[0] == kind}:
            primary = LINKS[kind, to][1]
            has_primary = any(primary in held for held in self.get(kind, new, to).values())
            for target, types in list(self.get(kind, old, to).items()):
                self.remove(kind, old, to, target)
                kept = [one for one in types if one != primary or not has_primary]
                self.add(kind, new, to, target, kept)

    def drop(self, kind: str, number: int) -> None:
        """Remove every association of a record (archived or forgotten)."""
        for to in {pair[1] for pair in LINKS if pair[0] == kind}:
            for target in list(self.get(kind, number, to)):
                self.remove(kind, number, to, target)

    def _own(self, kind: str, number: int, to: str) -> Targets:
        key = (kind, number, to)
        if key not in self._kept:
            self._kept[key] = {target: list(types) for target, types in self._seeded(kind, number, to).items()}
        return self._kept[key]

    def _seeded(self, kind: str, number: int, to: str) -> Targets:
        record = self._tables[kind].rows.get(number)
        if (kind, to) not in LINKS or record is None:
            return {}
        plain, primary = LINKS[kind, to]
        if isinstance(record.seed, KnownPerson) and to == "companies":
            company = self._seed.company_id(record.seed)
            return {} if company is None else {company: [primary, plain]}
        if isinstance(record.seed, Activity):
            return self._of_activity(record.seed, to, plain)
        if record.seed is None:
            return {}
        back = self._backwards(kind, to).get(number, [])
        if to == "contacts":
            return {contact: [primary, plain] for contact in back}
        return {target: [plain] for target in back}

    def _of_activity(self, act: Activity, to: str, plain: int) -> Targets:
        contact = self._seed.contact_of.get(act.person.number)
        if contact is None or to == "deals":
            return {}
        if to == "contacts":
            return {contact: [plain]}
        company = self._seed.company_id(self._tables["contacts"].rows[contact].seed)
        return {} if company is None else {company: [plain]}

    def _backwards(self, kind: str, to: str) -> dict[int, list[int]]:
        """The seeded associations seen from the other side, worked out when first asked for."""
        if (kind, to) not in self._reverse:
            found: dict[int, list[int]] = {}
            if to in _TOUCHES or to == "contacts":
                for number, record in self._tables[to].rows.items():
                    if record.seed is not None:
                        for target in self._seeded(to, number, kind):
                            found.setdefault(target, []).append(number)
            self._reverse[kind, to] = found
        return self._reverse[kind, to]
