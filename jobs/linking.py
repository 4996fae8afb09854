"""Who is who: the records of a batch get identifiers, pairs, verdicts and their entity."""

from __future__ import annotations

from collections.abc import Sequence

from core import identity
from core.identity import RULES, WEIGHTS, Edge, Facts, Groups
from core.store.rows import StoredRecord
from jobs.resolving import BATCH, Context


class Linker:
    """Links records to entities, by the ladder of core.identity."""

    def __init__(self, context: Context) -> None:
        self.c, self.hub, self.entity, self.done = context, context.hub, context.entity, context.done
        self.moved: dict[int, int] = {}  # entities that turned out to be others -> these

    def link(self, batch: dict[int, StoredRecord]) -> list[int]:
        """Identifiers, pairs, verdicts, entities. Returns the records that got their first entity."""
        links = self.hub.links
        links.set_identifiers(list(batch), [(k, v, i) for i, r in batch.items() for k, v in self._identifiers(r)])
        edges = self._edges(batch)
        own = self._ours(batch)
        fresh = [i for i, r in batch.items() if r.entity_id is None and i not in own]
        first = self.hub.entities.create(self.entity, len(fresh), now=self.c.now)
        home = {i: r.entity_id for i, r in batch.items()} | own | dict(zip(fresh, first, strict=True))
        links.assign([(e, i) for i, e in own.items()])
        links.add(
            [(i, self.entity, e, "created", 100, "carries the hub's key") for i, e in own.items()],
            run=self.hub.run,
            at=self.c.now,
        )
        others = [x for e in edges for x in (e.a, e.b) if x not in home]
        home.update(links.entities(others) if others else {})
        links.assign([(e, i) for i, e in zip(fresh, first, strict=True)])

        groups, why = Groups(), dict[int, Edge]()
        sizes = self._sizes([e for e in home.values() if e is not None])
        for e in edges:
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
        links.absorb(self.entity, moves, born=born, run=self.hub.run, at=self.c.now)
        self.done.joined += len(moves) if self.entity != "deal" else 0
        self.moved = joined
        if joined and self.entity == "company":
            self.hub.companies.follow(joined)
            self.hub.deals.follow_companies(joined)
        if joined and self.entity == "person":
            self.hub.entities.keep_opt_outs(joined)
            self.hub.activities.follow(joined, [])
            self.hub.scores.join(joined, now=self.c.now)
        review = [
            e
            for e in edges
            if e.verdict == "review" and groups.find(home.get(e.a) or -e.a) != groups.find(home.get(e.b) or -e.b)
        ]
        self.done.reviews += links.queue_reviews(self.entity, review, run=self.hub.run, at=self.c.now)
        if self.entity == "person":
            self.done.new_people += len(born - moves.keys())
        return fresh

    def _ours(self, batch: dict[int, StoredRecord]) -> dict[int, int]:
        """Records that a killed push of ours created: they carry our key, which names the person."""
        found = {}
        for i, r in batch.items():
            key = self.c.streams[r.connection, r.stream].key_field
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
        self.hub.links.add(rows, run=self.hub.run, at=self.c.now)

    def _sizes(self, entities: Sequence[int]) -> dict[int, int]:
        return self.hub.records.sizes(self.entity, entities) if entities else {}

    def _identifiers(self, r: StoredRecord) -> list[tuple[str, str]]:
        if r.deleted_at is not None and r.merged_into is None:
            return []
        spec = self.c.streams[r.connection, r.stream]
        told = [(c.kind, str(r.remote[c.remote])) for c in spec.cross_ids if r.remote.get(c.remote)]
        canonical = self.c.canonical(r)
        if self.entity != "person":
            recognise = identity.deal_identifiers if self.entity == "deal" else identity.company_identifiers
            return list(
                recognise(
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
                region=self.c.region,
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
            if (r.connection, r.stream) in self.c.streams:
                known[i] = identity.facts_of(i, r.connection, r.stream, r.remote_id, self.entity, self.c.canonical(r))
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
        place = {i: (r.connection, r.stream, r.remote_id) for i, r in (batch | others).items()}
        # the surest first; not by id, which depends on what was pulled first
        return sorted(best.values(), key=lambda e: (-e.weight, *sorted((place[e.a], place[e.b]))))
