"""qualify: facts and activities -> score, stage, clocks. Only people whose facts changed or whose time has come.

Each batch is one transaction; what a batch reads is what it decides on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core import lifecycle, scoring, sla
from core.deals import deal_facts
from core.lifecycle import Facts, StageChange, StageState
from core.model import INTENT_KINDS, ActivityKind, Band, Stage
from core.store.db import Row
from core.store.rows import StoredRecord
from core.store.scores import ScoreRow, StageRow
from jobs.rules import Rules, rules_of
from jobs.runtime import Hub

BATCH = 500
WHY_LENGTH = 250  # fits a text field of every CRM

#: what a rep did that answers a person: a first touch
_TOUCHES = {ActivityKind.CALL, ActivityKind.MEETING, ActivityKind.EMAIL_SENT}


@dataclass(slots=True)
class Qualified:
    """What a qualify did."""

    people: int = 0
    scored: int = 0
    moved: int = 0
    moves: dict[str, int] = field(default_factory=dict)  # "lead -> mql": how many
    clocks: int = 0


def qualify(hub: Hub) -> Qualified:
    """Score and stage whoever is due."""
    done = Qualified()
    if hub.runs.setting("rules_in_force") == hub.config_hash and not hub.scores.due(hub.clock.now(), 1):
        return done  # nothing to do: do not even compile the rules
    rules = rules_of(hub.settings, hub.mapping)
    with hub.lease("decisions"):
        with hub.db.write():
            hub.scores.forget_joined()
            if hub.runs.setting("rules_hash") != rules.hash:
                hub.scores.wake_all()
        now = hub.clock.now()
        while ids := hub.scores.due(now, BATCH):
            hub.alive()
            with hub.db.write():
                _Batch(hub, rules, ids, now, done).run()
            done.people += len(ids)
            hub.progress(f"qualify: {done.people} people")
        if hub.runs.setting("rules_hash") != rules.hash:
            hub.runs.set_setting("rules_hash", rules.hash, now=now)
        if hub.runs.setting("rules_in_force") != hub.config_hash:
            hub.runs.set_setting("rules_in_force", hub.config_hash, now=now)
    return done


def event_of(r: Row) -> scoring.Event:
    """An activity row as scoring reads it."""
    return scoring.Event(r["id"], r["kind"], r["occurred_at"], r["title"] or "")


class _Batch:
    """Some people, decided together."""

    def __init__(self, hub: Hub, rules: Rules, ids: Sequence[int], now: int, done: Qualified) -> None:
        self.hub, self.rules, self.ids, self.now, self.done = hub, rules, list(ids), now, done

    def run(self) -> None:
        hub = self.hub
        self.happened = hub.activities.of_people(self.ids)
        self.deals = hub.deals.of_people(self.ids)
        self.events = {i: [event_of(r) for r in rows] for i, rows in self.happened.items()}
        before = hub.scores.scores(self.ids)
        stages = hub.scores.stages(self.ids)
        recycled = hub.scores.recycled_at(self.ids)
        scores = self._score(before, recycled)
        hub.scores.save_scores(list(scores.values()), rules=self.rules.set.hash, now=self.now, run=hub.run)
        after, moved = self._stage(stages)
        hub.scores.save_stages(list(after.values()), moved, now=self.now, run=hub.run)
        self._clocks(moved)
        turned = {r.person_id for r, _ in moved} | self.explained
        news = [i for i in self.ids if self._differs(before.get(i), scores[i]) or i in turned]
        hub.scores.qualified(self.ids, news)
        self.done.scored += len(scores)
        self.done.moved += len(moved)
        for row, old in moved:
            key = f"{old or 'new'} -> {row.stage}"
            self.done.moves[key] = self.done.moves.get(key, 0) + 1

    # ---- score

    def _score(self, before: Mapping[int, Row], recycled: Mapping[int, int]) -> dict[int, ScoreRow]:
        labels = {r.id: r.label for r in self.rules.set.fit}
        hits = self.hub.scores.which_hold(self.rules.fit, self.rules.custom, self.ids)
        found = {}
        for i in self.ids:
            evidence = {rule: labels[rule] for rule in hits[i]}
            events = scoring.filter_events(self.events[i])
            old = before.get(i)
            previous = Band(old["band"]) if old is not None else None
            book = scoring.ledger(self.rules.set, evidence, events, self.now)
            intent = scoring.has_intent(events, self.now, self.rules.set.bands)
            band = scoring.band(book.engagement, intent, previous, self.rules.set.bands)
            since = recycled.get(i)
            found[i] = ScoreRow(
                i,
                book.total,
                book.fit,
                book.engagement,
                band,
                scoring.grade(book.fit, book.engagement, self.rules.set.grades),
                self._intent(i)[0],
                scoring.explain(book.points, 3),
                scoring.next_due(self.rules.set, evidence, events, self.now, band),
                since_recycle=book.total
                if since is None
                else scoring.ledger(self.rules.set, evidence, events, self.now, since=since).total,
            )
        return found

    def _intent(self, person: int) -> tuple[str | None, int | None]:
        """The newest explicit intent that still counts, and when."""
        oldest = self.now - self.rules.set.bands.intent_days * scoring.DAY_MS
        for e in reversed(self.events[person]):
            if e.kind in INTENT_KINDS and oldest < e.at <= self.now:
                return INTENT_KINDS[ActivityKind(e.kind)], e.at
        return None, None

    @staticmethod
    def _differs(old: Row | None, new: ScoreRow) -> bool:
        return old is None or (old["band"], old["grade"], old["total"], old["why"]) != (
            new.band,
            new.grade,
            new.total,
            new.why,
        )

    # ---- stage

    def _stage(self, stages: dict[int, StageRow]) -> tuple[dict[int, StageRow], list[tuple[StageRow, str | None]]]:
        """Adopt, look at deals, answer claims, then rules. Returns every person's row and those that moved with their
        old stage."""
        hub = self.hub
        shown = self._crm_stages()
        reasons = {i: row.reason for i, row in stages.items()}
        self.before = {i: Stage(s) for i, s in hub.scores.before_deals(self._by_deal(stages)).items()}
        after: dict[int, StageRow] = {}
        old: dict[int, str | None] = {}
        for i in self.ids:
            row = stages.get(i)
            old[i] = row.stage if row else None
            if row is None:
                row = self._adopt(i, shown[i])
            else:
                self._take(row, lifecycle.by_deals(_state(row), self.now, self._facts(row), self._lost_to))
                self._claims(row, shown[i])
            after[i] = row
        hub.scores.save_stages(list(after.values()), [], now=self.now, run=hub.run)  # conditions read person.stage
        true = hub.scores.which_hold(self.rules.move_sql, self.rules.custom, self.ids)
        for i, row in after.items():
            for _ in range(2):  # after what deals say, the rules
                facts = self._facts(row)
                change = lifecycle.move(_state(row), self.rules.moves, true[i], self.now, facts, self._lost_to)
                self._take(row, change)
                if change is None or change.rule != "deal":
                    break
        moved = [(row, old[i]) for i, row in after.items() if row.stage != old[i]]
        self.explained = {i for i, row in after.items() if row.reason != reasons.get(i)}
        hub.scores.wake_at((i, at) for i, row in after.items() if (at := self._rests_until(row)) is not None)
        return after, moved

    @property
    def _lost_to(self) -> Stage:
        return self.hub.settings.lifecycle.lost_deal

    def _by_deal(self, stages: Mapping[int, StageRow]) -> list[int]:
        """People whose stage a deal made, and who take part in none now: rare."""
        return [i for i, row in stages.items() if row.rule == "deal" and i not in self.deals]

    def _facts(self, row: StageRow) -> Facts:
        intent, at = self._intent(row.person_id)
        shown = frozenset(Stage(s) for s in row.claims.values())
        deals = deal_facts(self.deals.get(row.person_id, ()), self.now)
        return Facts(at, intent, deals, shown, self.before.get(row.person_id, Stage.LEAD))

    def _take(self, row: StageRow, change: StageChange | None) -> None:
        """The stage that follows, since now; the recycled rest from when they were given back."""
        if change is None:
            return
        if change.to != row.stage:
            row.since = self.now
        row.stage, row.reason, row.rule = change.to, change.reason, change.rule
        row.hand_set_until = row.cooldown_until = None
        if change.to == Stage.RECYCLED:
            lost = deal_facts(self.deals.get(row.person_id, ()), self.now).lost if change.rule == "deal" else None
            until = (self.now if lost is None else lost.at) + self.hub.settings.lifecycle.cooldown_ms
            row.cooldown_until = until if until > self.now else None

    def _rests_until(self, row: StageRow) -> int | None:
        """When rules may move somebody again whom they leave alone now."""
        return max((t for t in (row.hand_set_until, row.cooldown_until) if t and t > self.now), default=None)

    def _crm_stages(self) -> dict[int, dict[str, tuple[str, Stage, StoredRecord]]]:
        """person -> record key -> (connection, stage the CRM shows, record)."""
        hub = self.hub
        found: dict[int, dict[str, tuple[str, Stage, StoredRecord]]] = {i: {} for i in self.ids}
        known = {(n, s.name) for n in hub.names() for s in hub.mapping.streams(n)}
        for i, records in hub.records.by_entity("person", self.ids).items():
            for r in records:
                if not r.live or r.read_only is not None or (r.connection, r.stream) not in known:
                    continue
                said = hub.mapping.canonical(r.connection, r.stream, r.remote).get("crm_stage")
                if said in _STAGES:
                    found[i][str(r.id)] = (r.connection, Stage(str(said)), r)
        return found

    def _adopt(self, person: int, shown: Mapping[str, tuple[str, Stage, StoredRecord]]) -> StageRow:
        by_connection: dict[str, Stage | None] = {}
        for connection, stage, _ in shown.values():
            best = by_connection.get(connection)
            if best is None or stage.rank > best.rank:
                by_connection[connection] = stage
        found = lifecycle.adopt(by_connection, has_email=True, has_engagement=bool(self.events[person]))
        claims = {key: str(stage) for key, (_, stage, _) in shown.items()}
        return StageRow(person, found.stage, self.now, found.reason, "adopted", claims=claims)

    def _claims(self, row: StageRow, shown: Mapping[str, tuple[str, Stage, StoredRecord]]) -> None:
        """A stage that somebody set in a CRM since we last looked."""
        allowed = self.hub.settings.lifecycle.claims
        for key, (connection, stage, record) in shown.items():
            before = row.claims.get(key)
            row.claims[key] = stage
            if before == stage or (before is None and self.hub.made_by_us(record)):
                continue  # what a CRM fills into a record that we made is nobody's word
            if before is None and stage.rank <= Stage(row.stage).rank:
                continue  # a record that joined says nothing new
            answer = lifecycle.claim(Stage(row.stage), stage, connection, self.now, allowed.get(connection, ()))
            if answer.accepted and answer.stage != row.stage:
                row.stage, row.reason, row.rule, row.since = answer.stage, answer.reason, "claim", self.now
                row.hand_set_until = self.now + self.hub.settings.lifecycle.hold_ms
            elif not answer.accepted:
                row.reason = f"{row.reason.partition(' (refused')[0]} (refused: {connection} set {stage})"

    # ---- clocks

    def _clocks(self, moved: Sequence[tuple[StageRow, str | None]]) -> None:
        hub = self.hub
        calendar = hub.calendar()
        started = []
        for name, policy in hub.settings.sla.items():
            wanted = policy.starts.partition(":")[2]
            for row, old in moved:
                if row.stage != wanted or row.rule == "adopted" or (old is None and row.rule == "deal"):
                    continue  # at first sight it is history
                at = self._intent(row.person_id)[1] or self.now
                within = sla.parse_duration(policy.within)
                if at < hub.live_from() or within is None:
                    continue  # history starts no clock
                started.append((row.person_id, name, at, sla.add_duration(at, within, calendar)))
        hub.scores.start_clocks(started)
        self.done.clocks += len(started)
        stopped = []
        for clock in hub.scores.running_clocks(self.ids):
            touch = next(
                (
                    r
                    for r in self.happened[clock["person_id"]]
                    if r["kind"] in _TOUCHES and r["occurred_at"] >= clock["started_at"] and r["direction"] != "in"
                ),
                None,
            )
            if touch is not None:
                stopped.append((touch["occurred_at"], f"{touch['kind']} in {touch['connection']}", clock["id"]))
        hub.scores.stop_clocks(stopped)


def _state(row: StageRow) -> StageState:
    by_deal = row.rule == "deal"
    return StageState(Stage(row.stage), row.since, row.reason, row.hand_set_until, row.cooldown_until, by_deal)


_STAGES = frozenset(str(s) for s in Stage)
