"""resolve: records -> people and companies. Who is who first, then what is true of them.

Works through the records that changed, in batches; each batch is one transaction, so a killed resolve goes on where
it stopped. Companies come first: people are attached to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core import identity, values
from core.identity import RULES, WEIGHTS, Edge, Facts, Groups
from core.mapping_structs import StreamMap
from core.merge import Conflict, Current, Settled, State, Vote, settle, vote_state
from core.model import ENTITIES, MOST_RESTRICTIVE_FIELDS, Entity, Value
from core.store.entities import Change, EntityRow
from core.store.records import StoredRecord
from jobs.readings import Reading, changed_readings, remember_readings
from jobs.runtime import Hub

BATCH = 500


@dataclass(slots=True)
class Resolved:
    """What a resolve did."""

    records: int = 0
    new_people: int = 0
    joined: int = 0
    reviews: int = 0
    conflicts: int = 0
    changes: int = 0


def resolve(hub: Hub) -> Resolved:
    """Resolve every record that changed since the last time."""
    done = Resolved()
    with hub.lease("decisions"):
        with hub.db.write():
            hub.records.clean(hub.records.dirty("owner", 1_000_000))
            reread = changed_readings(hub)
            for name, stream in sorted({(n, s) for n, s, _ in reread}):
                hub.records.soil(name, stream)
        for entity in ENTITIES[::-1]:  # company, person
            worker = _Resolver(hub, entity, done, reread)
            while ids := hub.records.dirty(entity, BATCH):
                hub.alive()
                with hub.db.write():
                    worker.batch(ids)
                done.records += len(ids)
                hub.progress(f"resolve {entity}: {done.records} records")
        with hub.db.write():
            hub.activities.attach()
            hub.links.close_reviews(at=hub.clock.now())
        remember_readings(hub)
    return done


class _Resolver:
    """One entity kind's resolve; holds what stays the same over the batches."""

    def __init__(self, hub: Hub, entity: Entity, done: Resolved, reread: frozenset[Reading]) -> None:
        self.hub, self.entity, self.done, self.reread = hub, entity, done, reread
        self.mapping = hub.mapping
        self.region = self.here = hub.settings.hub.region
        self.position = {n: i for i, n in enumerate(hub.settings.connections)}
        self.owners = {n: owner_emails(hub, n) for n in hub.names()}
        self.streams: dict[tuple[str, str], StreamMap] = {
            (n, s.name): s for n in hub.names() for s in hub.mapping.streams(n)
        }
        self.remote_of = {key: {t.field.name: t for t in hub.mapping.fields(*key)} for key in self.streams}
        self.written = {t.field.name for key in self.streams for t in hub.mapping.targets(*key)}
        self.active: dict[int, int] = {}  # record -> when its latest activity happened
        self.now = hub.clock.now()

    def batch(self, ids: Sequence[int]) -> None:
        records = self.hub.records.by_id(ids)
        foreign = [i for i, r in records.items() if (r.connection, r.stream) not in self.streams]
        self.hub.records.clean(foreign)  # of a connection that is switched off: keeps its link, has no vote
        mine = {i: r for i, r in records.items() if i not in foreign}
        if not mine:
            return
        self.now = self.hub.clock.now()
        fresh = self._link(mine)
        touched = sorted({e for e in self.hub.links.entities(list(mine)).values() if e is not None})
        self._merge(touched)
        if self.entity == "company":
            self.hub.entities.wake_people_of(touched, fresh)

    # ---- who is who

    def canonical(self, r: StoredRecord) -> dict[str, Value]:
        return self.mapping.canonical(r.connection, r.stream, r.remote, self.owners.get(r.connection))

    def _link(self, batch: dict[int, StoredRecord]) -> list[int]:
        """Identifiers, pairs, verdicts, entities. Returns the records that got their first entity."""
        links = self.hub.links
        links.set_identifiers(list(batch), [(k, v, i) for i, r in batch.items() for k, v in self._identifiers(r)])
        edges = self._edges(batch)
        own = self._ours(batch)
        fresh = [i for i, r in batch.items() if r.entity_id is None and i not in own]
        first = self.hub.entities.create(self.entity, len(fresh), now=self.now)
        home = {i: r.entity_id for i, r in batch.items()} | own | dict(zip(fresh, first, strict=True))
        links.assign([(e, i) for i, e in own.items()])
        links.add(
            [(i, self.entity, e, "created", 100, "carries the hub's key") for i, e in own.items()],
            run=self.hub.run,
            at=self.now,
        )
        others = [x for e in edges for x in (e.a, e.b) if x not in home]
        home.update(links.entities(others) if others else {})
        links.assign([(e, i) for i, e in zip(fresh, first, strict=True)])

        groups, why = Groups(), dict[int, Edge]()
        sizes = self._sizes([e for e in home.values() if e is not None])
        for e in sorted(edges, key=lambda e: (-e.weight, e.a, e.b)):
            a, b = home.get(e.a), home.get(e.b)
            if e.verdict != "link" or a is None or b is None or groups.find(a) == groups.find(b):
                continue
            x, y = groups.find(a), groups.find(b)
            total = sizes.get(x, 1) + sizes.get(y, 1)
            if total > self.hub.settings.identity.cluster_limit:
                continue
            groups.union(a, b)
            sizes[groups.find(a)] = total
            why.setdefault(e.a, e)
            why.setdefault(e.b, e)
        self._note(fresh, home, groups, why)
        moves = groups.moved([e for e in home.values() if e is not None])
        born = set(first)
        joined = {a: b for a, b in moves.items() if a not in born}
        links.absorb(self.entity, moves, born=born, run=self.hub.run, at=self.now)
        self.done.joined += len(moves)
        if joined and self.entity == "person":
            self.hub.entities.keep_opt_outs(joined)
            self.hub.activities.follow(joined, [])
            self.hub.scores.join(joined, now=self.now)
        review = [
            e
            for e in edges
            if e.verdict == "review" and groups.find(home.get(e.a) or -e.a) != groups.find(home.get(e.b) or -e.b)
        ]
        self.done.reviews += links.queue_reviews(self.entity, review, run=self.hub.run, at=self.now)
        if self.entity == "person":
            self.done.new_people += len(born - moves.keys())
        return fresh

    def _ours(self, batch: dict[int, StoredRecord]) -> dict[int, int]:
        """Records that a killed push of ours created: they carry our key, which names the person."""
        found = {}
        for i, r in batch.items():
            key = self.streams[r.connection, r.stream].key_field
            told = str(r.remote.get(key) or "") if key else ""
            store, _, person = told.partition("-")
            if r.entity_id is None and self.entity == "person" and person.isdigit() and store == self.hub.store_id():
                home = self.hub.entities.find_person(person)
                if home is not None:
                    found[i] = home
        return found

    def _note(self, fresh: list[int], home: dict[int, int | None], groups: Groups, why: dict[int, Edge]) -> None:
        rows = []
        for i in fresh:
            e, at = why.get(i), home[i]
            if at is None:
                continue
            rule, weight, evidence = (e.rule, e.weight, e.evidence) if e else ("first", 100, "first seen")
            rows.append((i, self.entity, groups.find(at), rule, weight, evidence))
        new = set(fresh)
        joined = [(i, e) for i, e in why.items() if i not in new and home[i] != groups.find(home[i] or 0)]
        for i, e in joined:
            at = home.get(i)
            if at is not None:
                rows.append((i, self.entity, groups.find(at), e.rule, e.weight, e.evidence))
        self.hub.links.add(rows, run=self.hub.run, at=self.now)

    def _sizes(self, entities: Sequence[int]) -> dict[int, int]:
        return self.hub.records.sizes(self.entity, entities) if entities else {}

    def _identifiers(self, r: StoredRecord) -> list[tuple[str, str]]:
        if r.deleted_at is not None and r.merged_into is None:
            return []
        spec = self.streams[r.connection, r.stream]
        told = [(c.kind, str(r.remote[c.remote])) for c in spec.cross_ids if r.remote.get(c.remote)]
        canonical = self.canonical(r)
        if self.entity == "company":
            return list(
                identity.company_identifiers(
                    canonical,
                    kind=spec.kind,
                    connection=r.connection,
                    stream=r.stream,
                    remote_id=r.remote_id,
                    cross_ids=told,
                    merged_into=r.merged_into,
                )
            )
        return list(
            identity.person_identifiers(
                canonical,
                kind=spec.kind,
                connection=r.connection,
                stream=r.stream,
                remote_id=r.remote_id,
                cross_ids=told,
                merged_into=r.merged_into,
                region=self.region,
            )
        )

    def _edges(self, batch: dict[int, StoredRecord]) -> list[Edge]:
        pairs = self.hub.links.pairs(list(batch), self.entity, shared_limit=self.hub.settings.identity.shared_limit)
        wanted = {p.b for p in pairs} - batch.keys()
        others: dict[int, StoredRecord] = {}
        ordered = sorted(wanted)
        for at in range(0, len(ordered), BATCH):
            others.update(self.hub.records.by_id(ordered[at : at + BATCH]))
        known: dict[int, Facts] = {}
        for i, r in (batch | others).items():
            if (r.connection, r.stream) in self.streams:
                known[i] = identity.facts_of(i, r.connection, r.stream, r.remote_id, self.entity, self.canonical(r))
        forbidden = self.hub.links.forbidden({(min(p.a, p.b), max(p.a, p.b)) for p in pairs})
        best: dict[tuple[int, int], Edge] = {}
        for p in pairs:
            key = (min(p.a, p.b), max(p.a, p.b))
            if key in forbidden or p.a not in known or p.b not in known:
                continue
            rule = RULES[p.kind]
            old = best.get(key)
            if old is not None and (old.verdict == "link" or WEIGHTS[rule] <= old.weight):
                continue
            edge = identity.compare(rule, p.value, known[p.a], known[p.b], self.entity)
            if edge.verdict != "apart" and (old is None or edge.verdict == "link"):
                best[key] = edge
        return list(best.values())

    # ---- what is true

    def _merge(self, ids: Sequence[int]) -> None:
        hub = self.hub
        entities = hub.entities.load(self.entity, ids)
        stamped = hub.entities.provenance(self.entity, ids)
        by_entity = hub.records.by_entity(self.entity, ids)
        if self.entity == "person":
            self.active = hub.activities.latest_by_record([i for i, rs in by_entity.items() if len(rs) > 1])
        changes: list[Change] = []
        derived: dict[int, dict[str, Value]] = {}
        for i, row in entities.items():
            records = [r for r in by_entity[i] if (r.connection, r.stream) in self.streams]
            self._settle(row, records, stamped, changes)
            if self.entity == "person":
                derived[i] = _derived(row)
        if self.entity == "person":
            self._attach_companies(entities, by_entity)
            opted = [(i, _evidence(by_entity[i])) for i, r in entities.items() if r.values.get("opted_out") is True]
            hub.entities.note_opt_outs(opted, at=self.now)
        hub.entities.save(self.entity, entities.values(), derived=derived, now=self.now)
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
        shown = {r.id: self.canonical(r) for r in records}
        agreed_before = {
            r.id: shown[r.id]
            if r.base is None
            else self.mapping.canonical(r.connection, r.stream, r.base, self.owners.get(r.connection))
            for r in records
        }
        latest = {r.id: r.modified_at or 0 for r in records}
        order = {
            r.id: (self.position.get(r.connection, 99), self.streams[r.connection, r.stream].order, -latest[r.id], r.id)
            for r in records
        }
        after: dict[str, Conflict] = {}
        waiting: dict[int, set[str]] = {r.id: set() for r in records}
        names = sorted({f for r in voters for f in shown[r.id] if self.mapping.field(f).entity == self.entity})
        for name in names:
            self.here = identity.region_of(row.values, self.region)
            heard = records if name in MOST_RESTRICTIVE_FIELDS else voters  # a no counts, whatever became of its record
            votes = [self._vote(r, name, shown, agreed_before, order) for r in heard if name in shown[r.id]]
            before = row.values.get(name)
            current = stamped.get((row.id, name), Current(before))
            if current.value != before:
                current = Current(before)
            if self.reread:
                current, votes = self._read_anew(records, name, current, votes)
            out = self._decide(name, current, votes, row.conflicts.get(name))
            self._apply(row, name, out, votes, before, after, waiting, changes)
        opened = self.hub.entities.save_conflicts(
            self.entity, row.id, row.conflicts, after, now=self.now, run=self.hub.run
        )
        self.done.conflicts += opened
        row.conflicts = after
        self.hub.records.save_agreement(_agreement(r, waiting[r.id]) for r in records)
        if self.entity == "person" and voters:
            # not by modification time: our own writes would move it
            row.lead_record = min(voters, key=lambda r: (order[r.id][1], -self.active.get(r.id, 0), r.id)).id

    def _vote(
        self,
        r: StoredRecord,
        name: str,
        shown: dict[int, dict[str, Value]],
        agreed: dict[int, dict[str, Value]],
        order: Mapping[int, tuple[int, ...]],
    ) -> Vote:
        target = self.remote_of[r.connection, r.stream][name]
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
        new = {r.id for r in records if (r.connection, r.stream, name) in self.reread}
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
        return settle(
            "max" if stage_like else self.mapping.wins(name),
            current,
            votes,
            same=lambda a, b: self._same(name, a, b),
            skew_ms=self.hub.settings.hub.clock_skew_ms,
            open_conflict=open_conflict,
            stage_like=stage_like,
        )

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
            if out.conflict.kind == "adoption" and name not in self.written:
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
        self.hub.entities.hold(held, at=self.now)
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
                s.hi or self.now,
                s.actor,
                s.connection,
                s.record,
            )
        )

    # ---- people and their companies

    def _attach_companies(self, people: dict[int, EntityRow], by_entity: dict[int, list[StoredRecord]]) -> None:
        records = [r for i in people for r in by_entity[i] if r.live]
        told = self.hub.entities.company_of([r.id for r in records]) if records else {}
        hosts: dict[int, str] = {}
        for i, row in people.items():
            mine = sorted((r for r in by_entity[i] if r.live), key=lambda r: (r.id != row.lead_record, r.id))
            row.company_id = next((told[r.id] for r in mine if r.id in told), None)
            mail = row.values.get("email")
            if row.company_id is None and mail:
                host = values.registrable(str(mail).rpartition("@")[2])
                if host and not values.is_free_mail(host):
                    hosts[i] = host
        found = self.hub.entities.company_by_domain(sorted(set(hosts.values()))) if hosts else {}
        for i, host in hosts.items():
            people[i].company_id = found.get(host)


def _agreement(r: StoredRecord, waiting: set[str]) -> tuple[dict[str, Value] | None, dict[str, list[object]], int]:
    """The record's new base: what it shows, but for the fields that still wait."""
    if not waiting:
        return None, {}, r.id
    base = {k: v for k, v in r.remote.items() if k not in waiting}
    base.update({k: r.base_value(k) for k in waiting if r.agreed_field(k)})
    return base, {k: s for k, s in r.stamps.items() if k in waiting}, r.id


def _derived(row: EntityRow) -> dict[str, Value]:
    title, mail = row.values.get("job_title"), row.values.get("email")
    return {
        "seniority": values.seniority(str(title)) if title else None,
        "function": values.function(str(title)) if title else None,
        "is_free_mail": values.is_free_mail(str(mail).rpartition("@")[2]) if mail else None,
    }


def _evidence(records: list[StoredRecord]) -> str:
    return "opted out in " + ", ".join(sorted({r.connection for r in records}))


def owner_emails(hub: Hub, name: str) -> dict[str, str]:
    """Remote owner id -> e-mail of a connection's reps."""
    found = {}
    for stream, remote_id, row in hub.records.owner_emails(name):
        facts = hub.mapping.owner(name, stream, row)
        if facts is not None and facts.email:
            found[remote_id] = facts.email.lower()
    return found
