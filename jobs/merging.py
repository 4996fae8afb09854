"""What is true: the votes of an entity's records settle each field; agreement, changes and conflicts are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from core import identity, values
from core.deals import deal_state
from core.merge import Conflict, Current, Settled, State, Vote, settle, vote_state
from core.model import MOST_RESTRICTIVE_FIELDS, Value
from core.store.entities import Change, EntityRow
from core.store.rows import StoredRecord
from jobs.resolving import Context


class Merger:
    """Settles the fields of entities, by the rules of core.merge."""

    def __init__(self, context: Context) -> None:
        self.c, self.hub, self.entity, self.done = context, context.hub, context.entity, context.done
        self.mapping = context.mapping
        self.here = context.region
        self.changed: list[int] = []  # deals that say something new, and of those
        self.turned: list[int] = []  # the ones that were opened, won, lost, or are gone

    def merge(self, ids: Sequence[int]) -> None:
        hub = self.hub
        entities = hub.entities.load(self.entity, ids)
        stamped = hub.entities.provenance(self.entity, ids)
        by_entity = hub.records.by_entity(self.entity, ids)
        if self.entity == "person":
            self.c.active = hub.activities.latest_by_record([i for i, rs in by_entity.items() if len(rs) > 1])
        changes: list[Change] = []
        derived: dict[int, dict[str, Value]] = {}
        for i, row in entities.items():
            records = [r for r in by_entity[i] if (r.connection, r.stream) in self.c.streams]
            before = dict(row.values) if self.entity == "deal" else row.values
            self._settle(row, records, stamped, changes)
            if self.entity == "person":
                derived[i] = _derived(row)
            elif self.entity == "deal":
                self._turn(row, before, by_entity[i])
        if self.entity == "person":
            self._attach_companies(entities, by_entity)
            opted = [(i, _evidence(by_entity[i])) for i, r in entities.items() if r.values.get("opted_out") is True]
            hub.entities.note_opt_outs(opted, at=self.c.now)
        hub.entities.save(self.entity, entities.values(), derived=derived, now=self.c.now)
        hub.entities.record_changes(changes, run=hub.run)
        self.done.changes += len(changes)

    def _settle(
        self,
        row: EntityRow,
        records: list[StoredRecord],
        stamped: dict[tuple[int, str], Current],
        changes: list[Change],
    ) -> None:
        live = [r for r in records if r.live]
        voters = [r for r in live if r.read_only is None] or live
        shown = {r.id: self.c.canonical(r) for r in records}
        agreed_before = {
            r.id: shown[r.id]
            if r.base is None
            else self.mapping.canonical(r.connection, r.stream, r.base, self.c.owners.get(r.connection))
            for r in records
        }
        latest = {r.id: r.modified_at or 0 for r in records}
        order = {
            r.id: (
                self.c.position.get(r.connection, 99),
                self.c.streams[r.connection, r.stream].order,
                -latest[r.id],
                place,
            )
            for place, r in enumerate(records)
        }
        after: dict[str, Conflict] = {}
        waiting: dict[int, set[str]] = {r.id: set() for r in records}
        names = {f for r in voters for f in shown[r.id] if self.mapping.field(f).entity == self.entity}
        for name in sorted(names) if self.entity != "deal" else sorted(names, key=_currency_first):
            self.here = identity.region_of(row.values, self.c.region)
            heard = records if name in MOST_RESTRICTIVE_FIELDS else voters  # a no counts, whatever became of its record
            if name == "deal_amount":
                heard = [r for r in heard if self._same_currency(row, shown[r.id])]
            votes = [self._vote(r, name, shown, agreed_before, order) for r in heard if name in shown[r.id]]
            before = row.values.get(name)
            current = stamped.get((row.id, name), Current(before))
            if current.value != before:
                current = Current(before)
            if self.c.reread:
                current, votes = self._read_anew(records, name, current, votes)
            out = self._decide(name, current, votes, row.conflicts.get(name))
            self._apply(row, name, out, votes, before, after, waiting, changes)
        opened = self.hub.entities.save_conflicts(
            self.entity, row.id, row.conflicts, after, now=self.c.now, run=self.hub.run
        )
        self.done.conflicts += opened
        row.conflicts = after
        self.hub.records.save_agreement(_agreement(r, waiting[r.id]) for r in records)
        if self.entity == "person" and voters:
            # not by modification time: our own writes would move it
            ranks = ((order[r.id][1], self.c.active.get(r.id, 0), place) for place, r in enumerate(voters))
            row.lead_record = voters[identity.lead_order(ranks)[0]].id

    def _vote(
        self,
        r: StoredRecord,
        name: str,
        shown: dict[int, dict[str, Value]],
        agreed: dict[int, dict[str, Value]],
        order: Mapping[int, tuple[int, ...]],
    ) -> Vote:
        target = self.c.remote_of[r.connection, r.stream][name]
        value, base = shown[r.id][name], agreed[r.id].get(name)
        if target.remote in r.pushed:
            sent, confirmed, known = r.pushed[target.remote]
            ours = confirmed if known else sent
            if r.agreed_field(target.remote) and r.base_value(target.remote) == ours:
                base = target.to_canonical(sent)
            if r.remote.get(target.remote) == ours:
                value = base = target.to_canonical(sent)  # still shows what we wrote: its vote is what we sent
        state: State = vote_state(
            agreed_before=r.agreed_field(target.remote),
            base=base,
            value=value,
            same=lambda a, b: self._same(name, a, b),
        )
        lo, hi, actor = r.stamps.get(target.remote, (None, r.modified_at, r.actor))
        return Vote(r.id, r.connection, value, base, state, lo, hi, actor, order[r.id], target.remote)

    def _read_anew(
        self, records: Sequence[StoredRecord], name: str, current: Current, votes: list[Vote]
    ) -> tuple[Current, list[Vote]]:
        """Where the mapping of the field changed, what stands in a record is a first contact, not an agreement."""
        new = {r.id for r in records if (r.connection, r.stream, name) in self.c.reread}
        if not new or (current.value is None and current.cleared is not None):
            return current, votes
        votes = [replace(v, state="first") if v.record in new and v.state == "same" else v for v in votes]
        if name in MOST_RESTRICTIVE_FIELDS or all(v.value is None for v in votes):
            return current, votes
        held = any(self._same(name, v.value, current.value) or v.state != "first" for v in votes)
        return (current if held else Current(None)), votes

    def _same(self, name: str, a: Value, b: Value) -> bool:
        return self.mapping.same(name, a, b, self.here)

    def _decide(self, name: str, current: Current, votes: list[Vote], open_conflict: Conflict | None) -> Settled:
        stage_like = name == "crm_stage"
        out = settle(
            "max" if stage_like else self.mapping.wins(name),
            current,
            votes,
            same=lambda a, b: self._same(name, a, b),
            skew_ms=self.hub.settings.hub.clock_skew_ms,
            open_conflict=open_conflict,
            stage_like=stage_like,
        )
        if self.entity == "deal" and out.conflict is not None and out.conflict.kind == "edit":
            return out if self.mapping.wins(name) == "ask" else self._later(out.conflict, votes)
        return out

    def _later(self, conflict: Conflict, votes: list[Vote]) -> Settled:
        """Of two edits of a deal the later one, near enough: no CRM is written, so nobody needs to be asked."""
        best = max(conflict.candidates, key=lambda c: (c.hi or 0, -self.c.position.get(c.connection, 99)))
        source = next((v for v in votes if v.record == best.record and v.state == "edited"), None)
        return Settled(best.value, agreed={v.record for v in votes}, source=source)

    def _apply(
        self,
        row: EntityRow,
        name: str,
        out: Settled,
        votes: list[Vote],
        before: Value,
        after: dict[str, Conflict],
        waiting: dict[int, set[str]],
        changes: list[Change],
    ) -> None:
        if out.conflict is not None:
            after[name] = out.conflict
            if out.conflict.kind == "adoption" and name not in self.c.written:
                # nobody writes this field: a disagreement stops nothing and needs nobody
                after[name] = Conflict("noted", out.conflict.candidates)
        for v in votes:
            if v.record not in out.agreed:
                waiting[v.record].add(v.remote)
        held = [
            (v.record, v.remote, out.value, "emptied in the CRM: not refilled while the value stays")
            for v in votes
            if v.record in out.refused
        ]
        self.hub.entities.hold(held, at=self.c.now)
        self.hub.entities.release((v.record, v.remote) for v in votes if v.state == "edited" and v.record in out.agreed)
        if out.value == before:
            return
        row.values[name] = out.value
        s = out.source
        if s is None:
            return  # a first value: its record is its provenance
        changes.append(
            Change(
                self.entity,
                row.id,
                name,
                before,
                out.value,
                s.lo,
                s.hi or self.c.now,
                s.actor,
                s.connection,
                s.record,
            )
        )

    # ---- deals

    def _same_currency(self, row: EntityRow, said: Mapping[str, Value]) -> bool:
        """Amounts of different currencies are never compared: only those in the deal's own have a vote."""
        return self._same("deal_currency", said.get("deal_currency"), row.values.get("deal_currency"))

    def _turn(self, row: EntityRow, before: Mapping[str, Value], records: Sequence[StoredRecord]) -> None:
        live = [(r.connection, r.stream) for r in records if r.live]
        told = any({"deal_is_closed", "deal_is_won"} & self.c.remote_of.get(key, {}).keys() for key in live)
        closed, won = row.values.get("deal_is_closed"), row.values.get("deal_is_won")
        state = deal_state(closed, won, live=bool(live), told=told)
        turned = state != row.state or not row.since
        if turned:
            row.state, row.since = state, self.c.now
            self.turned.append(row.id)
        if turned or row.values != before:
            self.changed.append(row.id)

    # ---- people and their companies

    def _attach_companies(self, people: dict[int, EntityRow], by_entity: dict[int, list[StoredRecord]]) -> None:
        records = [r for i in people for r in by_entity[i] if r.live]
        told = self.hub.companies.of_records([r.id for r in records]) if records else {}
        hosts: dict[int, str] = {}
        for i, row in people.items():
            mine = sorted((r for r in by_entity[i] if r.live), key=lambda r: r.id != row.lead_record)
            row.company_id = next((told[r.id] for r in mine if r.id in told), None)
            mail = row.values.get("email")
            if row.company_id is None and mail:
                host = values.registrable(str(mail).rpartition("@")[2])
                if host and not values.is_free_mail(host):
                    hosts[i] = host
        found = self.hub.companies.by_domain(sorted(set(hosts.values()))) if hosts else {}
        for i, host in hosts.items():
            people[i].company_id = found.get(host)


def _currency_first(name: str) -> tuple[bool, str]:
    """The amount of a deal is settled after its currency."""
    return name == "deal_amount", name


def _agreement(r: StoredRecord, waiting: set[str]) -> tuple[dict[str, Value] | None, dict[str, list[object]], int]:
    """The record's new base: what it shows, but for the fields that still wait or are hidden from us now."""
    hidden = {k: v for k, v in (r.base or {}).items() if k not in r.remote}
    if not waiting and not hidden:
        return None, {}, r.id
    base = hidden | {k: v for k, v in r.remote.items() if k not in waiting}
    base.update({k: r.base_value(k) for k in waiting if r.agreed_field(k)})
    return base, {k: s for k, s in r.stamps.items() if k in waiting}, r.id


def _derived(row: EntityRow) -> dict[str, Value]:
    title, mail = row.values.get("job_title"), row.values.get("email")
    return {
        "seniority": values.seniority(str(title)) if title else None,
        "function": values.function(str(title)) if title else None,
        "is_free_mail": bool(mail) and values.is_free_mail(str(mail).rpartition("@")[2]),
    }


def _evidence(records: list[StoredRecord]) -> str:
    return "opted out in " + ", ".join(sorted({r.connection for r in records}))
