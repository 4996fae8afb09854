"""plan: canonical values and decisions against what each record shows -> a plan. Writes nothing to any CRM.

A plan is data: `push` executes exactly its items. Only people and companies that changed since they were last planned
without a difference are looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import blake2b
from typing import Any

from connectors.contract import FieldRequest
from core.expressions import Condition
from core.identity import region_of
from core.mapping import Mapping
from core.mapping_structs import StreamMap, Target, Unwritable
from core.model import Entity, Stage, Value
from core.planning import RecordPlan, View, Wanted, plan_record
from core.store.entities import EntityRow
from core.store.outbox import PlanItem
from core.store.rows import StoredRecord
from jobs.resolving import owner_emails
from jobs.rules import condition, model_of
from jobs.runtime import Hub

BATCH = 500
SAMPLES = 3
#: what the CRM's description of a field speaks against is described anew after this long
ASK_AGAIN_MS = 3600 * 1000


@dataclass(slots=True)
class Plan:
    """A stored plan and its figures. `held`: kind -> fields; `fields`: "hubspot contacts.phone" -> writes."""

    id: int | None
    config_hash: str
    created_at: int
    updates: Counter[str] = field(default_factory=Counter)  # connection -> ops
    creates: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    owners_changed: int = 0
    opt_outs_set: int = 0
    opt_outs_cleared: int = 0
    new_fields: dict[str, list[str]] = field(default_factory=dict)  # "hubspot contacts" -> fields to create
    held_samples: dict[str, list[str]] = field(default_factory=dict)  # kind -> some of what is held, in words
    triggers: dict[str, str] = field(default_factory=dict)  # "hubspot contacts.x" -> what writing it may start

    @property
    def ops(self) -> int:
        return sum(self.updates.values()) + sum(self.creates.values())

    def summary(self) -> dict[str, Any]:
        """For the store, `--json` and plan files."""
        return {
            "plan": self.id,
            "config_hash": self.config_hash,
            "created_at": self.created_at,
            "ops": self.ops,
            "updates": dict(self.updates),
            "creates": dict(self.creates),
            "owners_changed": self.owners_changed,
            "opt_outs_set": self.opt_outs_set,
            "opt_outs_cleared": self.opt_outs_cleared,
            "fields": dict(sorted(self.fields.items())),
            "held": dict(sorted(self.held.items())),
            "held_samples": self.held_samples,
            "new_fields": self.new_fields,
            "may_trigger": self.triggers,
        }


def plan(hub: Hub, names: Sequence[str] = ()) -> Plan:
    """Work out what would be written to the connections (all of them, or the named ones)."""
    with hub.lease("decisions"):
        return _Planner(hub, hub.names(names)).run()


class _Planner:
    def __init__(self, hub: Hub, names: list[str]) -> None:
        self.hub, self.names = hub, names
        self.all = set(names) == set(hub.names())
        self.mapping: Mapping = hub.bound_mapping()
        self.now = hub.clock.now()
        self.plan = Plan(None, hub.config_hash, self.now)
        self.missing: dict[tuple[str, str], list[FieldRequest]] = {}
        self.asking_again: set[tuple[str, str]] = set()
        self.streams: dict[tuple[str, str], StreamMap] = {
            (n, s.name): s for n in names for s in self.mapping.streams(n)
        }
        self.targets = {key: self._writable(*key) for key in self.streams}

    def _writable(self, name: str, stream: str) -> tuple[Target, ...]:
        """The targets that the CRM shows us and lets us write, as last described, and those we are to create."""
        shown = self.hub.known_schema(name, stream)
        found = []
        for t in self.mapping.targets(name, stream):
            remote = shown.get(t.remote.lower())
            if not shown or t.create or (remote is not None and remote.writable):
                found.append(t)
                continue
            why = "only lets us read" if remote is not None else "does not show our user"
            self.plan.held["unwritable"] += 1
            self.plan.held_samples.setdefault("unwritable", []).append(f"{name} {stream} {why} {t.remote}")
            self.hub.describe_soon(name, stream, within_ms=ASK_AGAIN_MS)
        return tuple(found)

    def run(self) -> Plan:
        hub = self.hub
        self._wake_all_when_rules_changed()
        for key in self.streams:
            if any(t.create for t in self.targets[key]) or self._creates(key[0]):
                self.missing[key] = hub.missing_fields(*key)
        with hub.db.write():
            entities: tuple[Entity, ...] = ("company", "person")
            for entity in entities:
                for ids in _todo(hub, entity):
                    hub.alive()
                    self._store(self._batch(entity, ids))
                    hub.progress(f"plan: {self.plan.ops} writes so far")
            self._store(self._missing_records())
            for name, stream in self.asking_again:
                hub.describe_soon(name, stream, within_ms=ASK_AGAIN_MS)
            self._say_fields()
            if self.plan.id is not None:
                hub.outbox.close_plan(self.plan.id, self.plan.summary())
        return self.plan

    def _wake_all_when_rules_changed(self) -> None:
        hub = self.hub
        rules = f"{hub.config_hash} {self._targets_hash()}"
        if hub.runs.setting("planned_hash") != rules:
            with hub.db.write():
                hub.entities.plan_everything()
            hub.runs.set_setting("planned_hash", rules, now=self.now)

    def _targets_hash(self) -> str:
        """Changes with what may be written: fields shown or hidden, options added or gone."""
        told = [
            (t.connection, t.stream, t.remote, sorted(t.allowed or ()))
            for name in self.hub.names()
            for s in self.mapping.streams(name)
            for t in self._targets_of(name, s.name)
        ]
        return blake2b(repr(told).encode(), digest_size=8).hexdigest()

    def _targets_of(self, name: str, stream: str) -> tuple[Target, ...]:
        found = self.targets.get((name, stream))
        return found if found is not None else self._writable(name, stream)

    def _store(self, items: Sequence[PlanItem]) -> None:
        if not items:
            return
        if self.plan.id is None:
            self.plan.id = self.hub.outbox.new_plan(self.hub.config_hash, now=self.now, run=self.hub.run)
        self.hub.outbox.add_items(self.plan.id, items)

    # ---- updates

    def _batch(self, entity: Entity, ids: Sequence[int]) -> list[PlanItem]:
        hub = self.hub
        rows = hub.entities.load(entity, ids)
        records = hub.records.by_entity(entity, ids)
        mine = [r for rs in records.values() for r in rs if r.live and (r.connection, r.stream) in self.streams]
        holds = hub.entities.holds([r.id for r in mine])
        refused = hub.outbox.last_outcome([r.id for r in mine])
        scored = hub.outbox.last_scored([r.id for r in mine])
        untouched, outside = self._limits(entity, ids)
        decisions = self._decisions(ids) if entity == "person" else {}
        stamps = hub.entities.provenance(entity, ids)
        found: list[PlanItem] = []
        settled: list[int] = []
        for i, row in rows.items():
            wanted = self._wanted(entity, row, decisions, stamps, untouched.get(i))
            here = region_of(row.values, hub.settings.hub.region)
            again = False
            for r in (x for x in mine if x.entity_id == i):
                if r.read_only is not None:
                    continue
                view = self._view(r, holds, refused, scored, records[i])
                made = plan_record(
                    wanted,
                    view,
                    self.targets[r.connection, r.stream],
                    same=partial(self._same, here),
                    now=self.now,
                    min_delta=float(hub.settings.rollout.min_delta),
                    owners=self._owner_ids(r.connection),
                    to_create=self._to_create(r.connection, r.stream),
                )
                self._count_held(r, made)
                again = again or made.again or bool(made.writes)
                if i in outside:
                    kept = made.only_opt_outs()
                    self.plan.held["outside canary"] += len(made.writes) - len(kept)
                    made.writes = kept
                if made.writes:
                    found.append(self._item(r, entity, i, made, wanted))
            if not again and self.all:
                settled.append(i)
        hub.entities.planned(entity, settled)
        return found

    def _count_held(self, r: StoredRecord, made: RecordPlan) -> None:
        if any(h.kind == "unwritable" for h in made.held):  # an option may have been added in the CRM
            self.asking_again.add((r.connection, r.stream))
        for h in made.held:
            self.plan.held[h.kind] += 1
            some = self.plan.held_samples.setdefault(h.kind, [])
            if len(some) < SAMPLES:
                some.append(f"{r.connection} {r.stream} {r.remote_id} {h.name}: {h.reason}")

    def _same(self, here: str, name: str, a: Value, b: Value) -> bool:
        return self.mapping.same(name, a, b, here)

    def _wanted(
        self, entity: Entity, row: EntityRow, decisions: dict[int, dict[str, Value]], stamps: Any, untouched: str | None
    ) -> Wanted:
        own = decisions.get(row.id, {})
        reasons: dict[str, str] = dict.fromkeys(own, "follows stage and score")
        reasons |= {n: str(own[n]) for n in ("stage", "score") if n in own}
        if own:
            reasons["stage"], _, reasons["score"] = str(own["why"]).partition(" | ")
        cleared: dict[str, Value] = {}
        for (i, name), c in stamps.items():
            if i != row.id:
                continue
            if row.values.get(name) is None and c.cleared is not None:
                cleared[name] = c.cleared
            elif c.hi is not None:
                reasons[name] = f"changed by {c.actor} elsewhere"
        return Wanted(
            {**row.values, **own},
            reasons,
            {f: c.kind for f, c in row.conflicts.items() if c.kind != "noted"},
            cleared,
            untouched if entity == "person" else None,
        )

    def _view(
        self, r: StoredRecord, holds: Any, refused: Any, scored: dict[int, int], all_of: list[StoredRecord]
    ) -> View:
        last = refused.get(r.id)
        return View(
            r.remote,
            r.pushed,
            {f: h for (i, f), h in holds.items() if i == r.id},
            last[1] if last is not None and (r.modified_at or 0) <= (last[3] or 0) else None,
            scored.get(r.id),
            sum(1 for x in all_of if x.live and x.connection == r.connection) > 1,
        )

    def _item(self, r: StoredRecord, entity: Entity, i: int, made: RecordPlan, wanted: Wanted) -> PlanItem:
        where = f"{r.connection} {r.stream}"
        for w in made.writes:
            self.plan.fields[f"{where}.{w.remote}"] += 1
            self.plan.owners_changed += w.name == "owner_email" and w.before is not None
            self.plan.opt_outs_set += w.name == "opted_out"
            self.plan.opt_outs_cleared += w.name == "opted_out" and w.before not in (None, False, "false")
        for t in self.targets[r.connection, r.stream]:
            if t.may_trigger and any(w.remote == t.remote for w in made.writes):
                self.plan.triggers[f"{where}.{t.remote}"] = t.may_trigger
        self.plan.updates[r.connection] += 1
        priority = 0 if made.opts_out else 2 if wanted.values.get("band") == "hot" else 5
        return PlanItem(
            r.connection,
            r.stream,
            r.id,
            r.remote_id,
            entity,
            i,
            "update",
            {w.remote: w.before for w in made.writes},
            {w.remote: w.after for w in made.writes},
            {w.name: w.reason for w in made.writes},
            priority,
        )

    def _decisions(self, ids: Sequence[int]) -> dict[int, dict[str, Value]]:
        scores, stages = self.hub.scores.scores(ids), self.hub.scores.stages(ids)
        found: dict[int, dict[str, Value]] = {}
        for i in ids:
            s, g = scores.get(i), stages.get(i)
            if s is None or g is None:
                continue
            why = f"{g.stage}: {g.reason}"
            points = s["why"]
            found[i] = {
                "stage": g.stage,
                "score": round(s["total"] / 1000),
                "band": s["band"],
                "grade": s["grade"],
                "why": (f"{why} | {points}" if points else why)[:250],
            }
        return found

    def _limits(self, entity: Entity, ids: Sequence[int]) -> tuple[dict[int, str], set[int]]:
        """(who is never touched, with the reason; who is outside the canary segment)."""
        if entity != "person":
            return {}, set(ids) if self.hub.settings.rollout.mode == "canary" else set()
        conditions = {k: c.sql for k, c in self._conditions.items() if k in ("never_touch", "canary")}
        true = self.hub.scores.which_hold(conditions, self._custom, ids)
        untouched = {i: "never touched: customer or open deal" for i in ids if "never_touch" in true[i]}
        outside = {i for i in ids if "canary" in conditions and "canary" not in true[i]}
        return untouched, outside

    @cached_property
    def _custom(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.mapping.custom_fields.values() if f.entity == "person")

    @cached_property
    def _conditions(self) -> dict[str, Condition]:
        rollout, model = self.hub.settings.rollout, model_of(self.mapping)
        texts = {"never_touch": rollout.never_touch}
        if rollout.mode == "canary":
            texts["canary"] = rollout.canary or "person.email is null and person.email is not null"
        for name in self.names:
            create = self._creates(name)
            if create:
                texts[f"create.{name}"] = create
        return {
            k: condition(self.hub.settings, self.mapping, model, f"rollout.{k}", t)
            for k, t in texts.items()
            if t and t.strip()
        }

    def _owner_ids(self, name: str) -> dict[str, str]:
        if name not in self._owners:
            self._owners[name] = {mail: i for i, mail in owner_emails(self.hub, name).items()}
        return self._owners[name]

    @cached_property
    def _owners(self) -> dict[str, dict[str, str]]:
        return {}

    def _to_create(self, name: str, stream: str) -> frozenset[str]:
        return frozenset(f.name for f in self.missing.get((name, stream), ()))

    def _say_fields(self) -> None:
        for (name, stream), fields in self.missing.items():
            if fields:
                self.plan.new_fields[f"{name} {stream}"] = [f.name for f in fields]

    # ---- creates

    def _creates(self, name: str) -> str | None:
        wanted = self.hub.connection(name).create
        return None if wanted is None else wanted.person

    def _missing_records(self) -> list[PlanItem]:
        """Records to create, where a connection asks for it: people it has no live record of."""
        hub, found = self.hub, list[PlanItem]()
        for name in self.names:
            if not self._creates(name):
                continue
            stream = hub.create_stream(name)
            under_way = hub.outbox.creates_under_way(name)
            for ids in hub.entities.people_without(name, BATCH):
                true = hub.scores.which_hold({k: c.sql for k, c in self._conditions.items()}, self._custom, ids)
                chosen = [
                    i
                    for i in ids
                    if f"create.{name}" in true[i]
                    and "never_touch" not in true[i]
                    and i not in under_way
                    and ("canary" not in self._conditions or "canary" in true[i])
                ]
                rows = hub.entities.load("person", chosen)
                decisions = self._decisions(chosen)
                for i in chosen:
                    item = self._create(name, stream, rows[i], decisions.get(i, {}))
                    if item is not None:
                        found.append(item)
        return found

    def _create(self, name: str, stream: StreamMap, row: EntityRow, own: dict[str, Value]) -> PlanItem | None:
        after: dict[str, Value] = {}
        known = {**row.values, **own}
        if known.get("stage") in (Stage.DISQUALIFIED,) or known.get("opted_out") is True:
            return None
        for t in self.mapping.fields(name, stream.name):
            value = known.get(t.field.name)
            writable = t.pushed or t.field.name in _CREATE_ALWAYS
            if value is None or not writable or t.owner or t.field.name in row.conflicts:
                continue
            remote = t.to_remote(value)
            if not isinstance(remote, Unwritable):
                after[t.remote] = remote
        lacks = [f.name for f in self.hub.schema(name, stream.name) if f.required and not after.get(f.name)]
        if lacks:
            self.plan.held[f"create in {name} lacks {', '.join(lacks)}"] += 1
            return None
        key = (stream.key_field, f"{self.hub.store_id()}-{row.id}") if stream.key_field else None
        self.plan.creates[name] += 1
        return PlanItem(
            name,
            stream.name,
            None,
            None,
            "person",
            row.id,
            "create",
            {},
            after,
            {"create": "not in this CRM yet"},
            6,
            key,
        )


#: what a new record says of itself even where later edits are not written
_CREATE_ALWAYS = frozenset(
    {"email", "first_name", "last_name", "company_name", "phone", "job_title", "country", "city"}
)


def _todo(hub: Hub, entity: Entity) -> Iterator[list[int]]:
    """Ids to plan in batches; each id once."""
    last = 0
    while ids := hub.entities.to_plan(entity, last, BATCH):
        yield ids
        last = ids[-1]
