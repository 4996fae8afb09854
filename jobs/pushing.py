"""One connection's writes: recover what a killed push began, queue, guard, send, settle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from connectors.contract import (
    ConnectorError,
    MissingScope,
    ReadResult,
    Rejected,
    Unavailable,
    WriteOp,
    WriteResult,
)
from core.errors import Stopped
from core.merge import looks_rewritten
from core.model import Value
from core.store.outbox import Op, PlanItem
from core.store.rows import Seen
from jobs.pages import seen_from
from jobs.runtime import Hub

MAX_TRIES = 5
#: an op that was lost this often travels alone, so that it takes no others with it
ALONE_FROM = 2
MAX_WAIT_MS = 60_000
MOST_LISTED = 1_000
#: a record that stood in the CRM this long before we sent a create was not made by it
CLOCK_DOUBT_MS = 60_000


@dataclass(slots=True)
class Pushed:
    """What a push of one connection did. `held`: why nothing was sent, in words."""

    outcomes: Counter[str] = field(default_factory=Counter)
    created: int = 0
    updated: int = 0
    dead: int = 0
    held: str = ""
    observed: bool = False  # nothing was sent because the hub only observes
    stopped: bool = False  # a limit of [rollout.stop_if] held
    error: ConnectorError | None = None
    unwritable: set[str] = field(default_factory=set)  # "contacts phone": fields that the CRM began to refuse
    left: list[str] = field(default_factory=list)  # records that were not written since they changed or went, with why


class Pusher:
    """One connection's push, under its lease."""

    def __init__(self, hub: Hub, name: str, result: Pushed) -> None:
        self.hub, self.name, self.result = hub, name, result
        self.connector = hub.connector(name)
        self.ensured: set[str] = set()
        self.described: set[str] = set()
        self.changed = False
        self.answered = False  # the CRM told of at least one write what became of it

    # ---- what a killed process left behind

    def recover(self) -> None:
        """Ops of unknown fate: updates are read back, creates are looked up; what did not arrive is queued."""
        ops = self.hub.outbox.under_way(self.name)
        for stream in dict.fromkeys(op.stream for op in ops):
            mine = [op for op in ops if op.stream == stream and op.action == "update"]
            self._lost(self._guard(mine) if mine else [])
        for op in ops:
            if op.action == "create":
                self._recover_create(op)

    def _lost(self, ops: Sequence[Op]) -> None:
        """Ops that did not arrive are queued again. Raises Unavailable when a CRM that answers nothing else lost one
        too often; of a CRM that does take other writes, the op itself is to blame."""
        hub = self.hub
        worn = [op for op in ops if op.attempts >= MAX_TRIES]
        with hub.db.write():
            for op in ops:
                if op in worn and self.answered:
                    self._refused(op, WriteResult(str(op.id), "rejected", message=f"sent {MAX_TRIES} times, no answer"))
                else:
                    hub.outbox.settle(op.id, "queued", now=hub.clock.now(), error="did not arrive")
        if worn and not self.answered:
            raise Unavailable(f"a write was sent {MAX_TRIES} times and never answered")

    def _recover_create(self, op: Op) -> None:
        hub = self.hub
        spec = hub.spec(self.name, op.stream)
        age_s = (hub.clock.now() - (op.sent_at or 0)) / 1000
        if age_s < spec.overlap_s and op.key is None:
            hub.clock.sleep(spec.overlap_s - age_s)  # let the CRM's index show what it stored
        fields = self._fields(op.stream)
        found, ours = self._find(op, fields)
        now = hub.clock.now()
        if found is None:
            self._lost([op])
            return
        with hub.db.write():
            if ours:
                self._created(op, found)
            else:
                fetched = hub.records.field_set(fields)
                hub.records.store(self.name, op.stream, op.entity, [found], fetched=fetched, now=now, since=None)
                self._settle(op, "superseded", error="somebody else made this record meanwhile")

    def _find(self, op: Op, fields: list[str]) -> tuple[Seen | None, bool]:
        """The record that a create of unknown fate would have made, and whether it was us who made it."""
        if op.key is not None:
            rows = self.connector.find(op.stream, op.key[0], [op.key[1]], fields)
            if rows:
                return seen_from(rows[0]), True
        names = {t.field.name: t.remote for t in self.hub.mapping.fields(self.name, op.stream)}
        mail = op.after.get(names.get("email", ""))
        if isinstance(mail, str):
            rows = self.connector.find(op.stream, names["email"], [mail], fields)
            if rows:
                found = seen_from(rows[0])
                return found, (found.created_at or 0) >= (op.sent_at or 0) - CLOCK_DOUBT_MS
        return None, False

    # ---- queueing

    def enqueue(self, plan_id: int | None, items: Sequence[PlanItem] | None, *, approved: bool) -> None:
        """Plan items become ops, unless a limit of [rollout.stop_if] says stop; an approved plan passes."""
        hub = self.hub
        now = hub.clock.now()

        def planned() -> Iterator[PlanItem]:
            """The items one by one, as often as asked: a plan may be larger than memory."""
            if items is not None:
                return iter(items)
            return hub.outbox.items(plan_id, self.name) if plan_id is not None else iter(())

        if not approved:
            self._check_limits(planned())
        with hub.db.write():
            hub.outbox.supersede_queued(self.name, now=now)
            hub.outbox.enqueue(plan_id or 0, hub.config_hash, planned(), now=now, run=hub.run)

    def _check_limits(self, items: Iterable[PlanItem]) -> None:
        limits = self.hub.settings.rollout.stop_if
        by_stream: Counter[str] = Counter()
        creates = owners = 0
        for i in items:
            by_stream[i.stream] += i.action == "update"
            creates += i.action != "update"
            owners += "owner_email" in i.reasons and any(v is not None for v in i.before.values())
        updates = by_stream.total()
        for what, n, limit in (
            ("updates", updates, limits.updates),
            ("creates", creates, limits.creates),
            ("owner_changes", owners, limits.owner_changes),
        ):
            if limit is not None and n > limit:
                raise Stopped(
                    f"{self.name}: the plan holds {n} {what.replace('_', ' ')}, stop_if.{what} is {limit}; "
                    f"nothing was written to {self.name}",
                    "`crmhub plan --out FILE`; if it is right: `crmhub push --plan FILE`, or raise the limit",
                )
        if limits.share is not None and updates:
            for stream, n in by_stream.items():
                total = self.hub.records.count(self.name, stream)
                if total and n > limits.share * total and n > 20:
                    raise Stopped(
                        f"{self.name}: the plan changes {n} of {total} {stream}, more than "
                        f"stop_if.share = {limits.share}; "
                        f"nothing was written to {self.name}",
                        "`crmhub plan --out FILE`; if it is right: `crmhub push --plan FILE`, or raise the limit",
                    )

    # ---- sending

    def send(self) -> None:
        """All queued ops, most urgent first; `writes off` stops before the next batch."""
        hub = self.hub
        while True:
            if hub.runs.setting("writes") == "off":
                raise Stopped("writes were switched off; the rest waits", "`crmhub writes on`, then sync again")
            batch = self._next()
            if not batch:
                return
            hub.alive()
            self._ensure_fields(batch[0].stream)
            ready = self._guard(batch) if batch[0].action == "update" else batch
            for op in (o for o in ready if self._twice(o, ready)):
                ready.remove(op)
            if ready:
                self._write(batch[0].stream, ready)
            hub.progress(f"push {self.name}: {sum(self.result.outcomes.values())} ops")

    def _next(self) -> list[Op]:
        first = self.hub.outbox.next_batch(self.name, 1, now=self.hub.clock.now())
        if not first:
            wait = self.hub.outbox.next_retry(self.name)
            if wait is None or wait - self.hub.clock.now() > MAX_WAIT_MS:
                return []
            self.hub.clock.sleep(max(0.05, (wait - self.hub.clock.now()) / 1000))
            return self._next()
        if first[0].attempts >= ALONE_FROM:
            return first
        size = self.hub.spec(self.name, first[0].stream).write_batch
        return self.hub.outbox.next_batch(self.name, size, now=self.hub.clock.now(), below=ALONE_FROM)

    @staticmethod
    def _twice(op: Op, batch: Sequence[Op]) -> bool:
        """A record stands in a batch once; the later op waits for the next batch."""
        return any(o.id < op.id and o.remote_id == op.remote_id for o in batch if op.remote_id is not None)

    def _fields(self, stream: str) -> list[str]:
        return self.hub.pull_fields(self.name, stream)

    def _ensure_fields(self, stream: str) -> None:
        """Create what the mapping wants created, once per push and stream."""
        hub = self.hub
        if stream in self.ensured:
            return
        self.ensured.add(stream)
        missing = hub.missing_fields(self.name, stream)
        if not missing:
            return
        known = hub.runs.mark(self.name, stream).fetched
        created = self.connector.ensure_fields(stream, missing)
        there = {f.name for f in hub.schema(self.name, stream, fresh=True)}
        lacking = [f.name for f in missing if f.name not in there]
        if lacking:
            raise Rejected(
                "FIELDS_NOT_VISIBLE",
                f"{', '.join(lacking)} of {stream} cannot be seen by our user",
                "grant the user access to them, or create them by hand",
            )
        with hub.db.write():
            hub.records.add_blank_fields(self.name, stream, created)
            hub.runs.widen_mark(self.name, stream, hub.records.field_set(known | set(created)))

    def _guard(self, batch: list[Op]) -> list[Op]:
        """Read the records back: those that changed meanwhile are not written but planned anew."""
        hub = self.hub
        stream = batch[0].stream
        spec = hub.spec(self.name, stream)
        ids = [o.remote_id for o in batch if o.remote_id]
        fields = self._fields(stream)
        shown: dict[str, dict[str, Value]] = {}
        gone: set[str] = set()
        for at in range(0, len(ids), spec.read_batch):
            read = self.connector.read(stream, ids[at : at + spec.read_batch], fields)
            self._store_read(stream, spec.entity, read, fields)
            shown.update({i: r.values for i, r in read.rows.items()})
            gone |= {d.id for d in read.deleted} | {m.old_id for m in read.merges} | set(read.missing)
        ready, now = [], hub.clock.now()
        with hub.db.write():
            for op in batch:
                values = shown.get(op.remote_id or "")
                if values is None or op.remote_id in gone:
                    self._settle(op, "superseded", error="the record is gone")
                elif _holds(values, op.after):
                    state = "applied" if op.attempts else "unchanged"
                    hub.records.pushed(op.record_id or 0, op.after, op.after, modified_at=None, at=now, op_id=op.id)
                    self._settle(op, state)
                    self.result.updated += state == "applied"
                elif _holds(values, op.before):
                    ready.append(op)
                elif op.attempts and _rewritten(values, op.after):
                    shown_now = {k: values.get(k) for k in op.after}  # it arrived, and the CRM has its own form of it
                    hub.records.pushed(op.record_id or 0, op.after, shown_now, modified_at=None, at=now, op_id=op.id)
                    self._settle(op, "applied")
                    self.result.updated += 1
                else:
                    self._settle(op, "superseded", error="changed in the CRM meanwhile; planned anew")
        return ready

    def _store_read(self, stream: str, entity: str, read: ReadResult, fields: Sequence[str]) -> None:
        hub, now = self.hub, self.hub.clock.now()
        with hub.db.write():
            stats = hub.records.store(
                self.name,
                stream,
                entity,
                [seen_from(r) for r in read.rows.values()],
                fetched=hub.records.field_set(fields),
                now=now,
                since=hub.unchanged_up_to(self.name, hub.spec(self.name, stream)),
                hideable=hub.mapped(self.name, stream),
            )
            self.changed |= bool(stats.changed)
            hub.records.mark_deleted(self.name, stream, [(d.id, d.at) for d in read.deleted], now=now)
            hub.records.mark_hidden(self.name, stream, read.missing, now=now)
            hub.records.mark_merged(
                self.name, stream, [(m.old_id, m.new_id, m.new_stream) for m in read.merges], now=now
            )

    def _write(self, stream: str, ops: list[Op]) -> None:
        hub = self.hub
        with hub.db.write():
            hub.outbox.sending([o.id for o in ops], now=hub.clock.now())
        writes = [
            WriteOp(
                str(o.id),
                "create" if o.action == "create" else "update",
                o.remote_id,
                o.after,
                o.key,
            )
            for o in ops
        ]
        try:
            results = self.connector.push(stream, writes)
        except ConnectorError:
            with hub.db.write():  # nothing of the batch was attempted
                for o in ops:
                    hub.outbox.settle(o.id, "queued", now=hub.clock.now())
            raise
        by_op = {r.op_id: r for r in results}
        if any(r.outcome == "rejected" for r in results) and stream not in self.described:
            self.described.add(stream)
            self.hub.schema(self.name, stream, fresh=True)  # a field or an option may be gone
        made = self._read_made(stream, results) if ops[0].action == "create" else {}
        with hub.db.write():
            for o in ops:
                self._outcome(o, by_op[str(o.id)], made)
        if stream in self.described and not any(f.writable for f in hub.known_schema(self.name, stream).values()):
            raise MissingScope(f"edit {stream}", "our user may only read them now")
        self.answered |= any(r.outcome not in ("retry", "unknown") for r in results)
        if any(r.outcome == "unknown" for r in results):
            self.recover()
        if results and all(r.outcome in ("retry", "unknown") for r in results):
            hub.clock.sleep(max((r.retry_after or 1.0) for r in results))

    def _outcome(self, op: Op, r: WriteResult, made: dict[str, Seen]) -> None:
        hub, now = self.hub, self.hub.clock.now()
        if r.outcome in ("applied", "unchanged"):
            if op.action == "create":
                seen = made.get(r.remote_id or "")
                if seen is None:
                    hub.outbox.settle(op.id, "unknown", now=now, error="created, but not shown yet")
                else:
                    self._created(op, seen)
                return
            hub.records.pushed(op.record_id or 0, op.after, r.values, modified_at=r.modified_at, at=now, op_id=op.id)
            self._settle(op, r.outcome)
            self.result.updated += r.outcome == "applied"
        elif r.outcome == "unknown":
            hub.outbox.settle(op.id, "unknown", now=now, error=r.message or "no answer")
        elif r.outcome == "retry" and op.attempts + 1 < MAX_TRIES:
            wait = now + round((r.retry_after or 1.0) * 1000)
            hub.outbox.settle(op.id, "queued", now=now, error=r.message, retry_at=wait)
        elif r.outcome == "gone":
            hub.records.mark_deleted(self.name, op.stream, [(op.remote_id or "", None)], now=now)
            self._settle(op, "superseded", error="the record is gone")
        elif (why := self._out_of_date(op)) is not None:
            self._settle(op, "superseded", error=why)
        else:
            self._refused(op, r)

    def _out_of_date(self, op: Op) -> str | None:
        """Why a refused op is the fault of the description it was planned by: the next plan knows better."""
        shown = self.hub.known_schema(self.name, op.stream)
        for name, value in op.after.items():
            remote = shown.get(name.lower())
            if remote is None or not remote.writable:
                self.result.unwritable.add(f"{op.stream} {name}")
                return f"{name} cannot be written any more; planned anew without it"
            options = {o.value for o in remote.options if o.active}
            given = str(value).split(";") if remote.type == "options" else [str(value)]
            if remote.closed and options and value not in (None, "") and not options.issuperset(given):
                return f"{name} has no option {value!r} any more; planned anew"
        return None

    def _refused(self, op: Op, r: WriteResult) -> None:
        hub = self.hub
        reason = f"{r.code}: {r.message}" if r.code else r.message or "refused"
        self._settle(op, "rejected", error=reason)
        self.result.dead += hub.runs.dead_letter(
            "push",
            self.name,
            op.stream,
            op.remote_id,
            {"after": op.after, "entity": f"{op.entity} {op.entity_id}"},
            reason,
            r.remedy or "mend the value or the mapping; it is tried again when the record changes",
            now=hub.clock.now(),
            run=hub.run,
            op_id=op.id,
        )

    def _read_made(self, stream: str, results: Iterable[WriteResult]) -> dict[str, Seen]:
        """Records that were just created as the CRM shows them: its defaults are no edits. Raises ConnectorError."""
        ids = [r.remote_id for r in results if r.outcome in ("applied", "unchanged") and r.remote_id]
        size = self.hub.spec(self.name, stream).read_batch
        found: dict[str, Seen] = {}
        for at in range(0, len(ids), size):
            read = self.connector.read(stream, ids[at : at + size], self._fields(stream))
            found.update({i: seen_from(row) for i, row in read.rows.items()})
        return found

    def _created(self, op: Op, seen: Seen) -> None:
        """A new record: stored and linked to its person in the commit that closes the op."""
        hub, now = self.hub, self.hub.clock.now()
        before = hub.records.by_remote(self.name, op.stream, seen.remote_id)
        record = hub.records.created(
            self.name,
            op.stream,
            op.entity,
            op.entity_id,
            seen,
            fetched=hub.records.field_set(seen.values),
            now=now,
        )
        if before is None or before.entity_id != op.entity_id:
            link = (record, op.entity, op.entity_id, "created", 100, "created by the hub")
            hub.links.add([link], run=hub.run, at=now)
        told = {f: seen.values[f] for f in op.after if f in seen.values}
        hub.records.pushed(record, op.after, told, modified_at=seen.modified_at, at=now, op_id=op.id)
        hub.outbox.settle(op.id, "applied", now=now, remote_id=seen.remote_id, record_id=record)
        self.result.outcomes["applied"] += 1
        self.result.created += 1

    def _settle(self, op: Op, state: str, *, error: str | None = None) -> None:
        hub = self.hub
        hub.outbox.settle(op.id, state, now=hub.clock.now(), error=error)
        self.result.outcomes[state] += 1
        if state == "superseded" and len(self.result.left) < MOST_LISTED:
            self.result.left.append(f"{self.name} {op.stream} {op.remote_id}: {error}")
        hub.entities.wake_plan("company" if op.entity == "company" else "person", [op.entity_id])


def _holds(values: dict[str, Value], wanted: dict[str, Value]) -> bool:
    """Whether a record shows these values, in remote form."""
    return all(_plain(values.get(k)) == _plain(v) for k, v in wanted.items())


def _rewritten(values: dict[str, Value], sent: dict[str, Value]) -> bool:
    """Whether a record shows what we sent, or what a CRM may have made of it."""
    return all(_plain(values.get(k)) == _plain(v) or looks_rewritten(v, values.get(k)) for k, v in sent.items())


def _plain(value: Value) -> Value:
    return None if value == "" else value
