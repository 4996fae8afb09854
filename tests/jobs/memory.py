"""A CRM in memory behind the connector contract: quick enough to try many histories of edits.

Field names carry the CRM's prefix ("a_city"), so that remote and canonical names cannot be confused; helpers take the
bare name. Time is a clock that tests move.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.contract import (
    Actor,
    Bookmark,
    Capability,
    CheckReport,
    ConnectorError,
    Deletion,
    FieldRequest,
    FieldType,
    Link,
    Merge,
    Option,
    Page,
    ReadResult,
    RemoteField,
    Row,
    StreamSpec,
    Unavailable,
    Value,
    WriteOp,
    WriteResult,
)

PEOPLE = ("contacts", "leads")
FACTS = (
    "email", "first_name", "last_name", "phone", "mobile", "job_title", "company_name", "country", "city",
    "postal_code", "lead_source", "opted_out", "crm_stage", "owner_email", "nickname",
)  # fmt: skip
DEAL = (
    "deal_name", "deal_stage", "deal_pipeline", "deal_amount", "deal_currency", "deal_probability", "deal_close_date",
    "deal_is_closed", "deal_is_won", "deal_owner_email",
)  # fmt: skip
START = 1_800_000_000_000
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


class TestClock:
    """Time that stands still but for `pass_` and sleeps."""

    __test__ = False

    def __init__(self) -> None:
        self.at = START

    def now(self) -> int:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += round(seconds * 1000)

    def pass_(self, ms: int) -> None:
        self.at += ms


@dataclass
class Held:
    """One remote object. `seq`: place of its last change in the CRM's feed."""

    id: str
    values: dict[str, Value]
    seq: int
    created_at: int
    modified_at: int
    actor: Actor
    links: tuple[Link, ...] = ()
    read_only: str | None = None
    deleted_at: int | None = None
    merge: Merge | None = None

    @property
    def gone(self) -> bool:
        return self.deleted_at is not None or self.merge is not None


@dataclass
class MemoryCrm:
    """One account. `rewrite`: bare field -> what this CRM makes of written values; `refuse`: why an op is rejected."""

    name: str
    clock: TestClock
    confirms: bool = True
    kind: str = ""
    max_in_flight: int = 1
    rewrite: dict[str, Callable[[Value], Value]] = field(default_factory=dict)
    refuse: Callable[[WriteOp], str | None] = lambda _op: None
    down: ConnectorError | None = None
    #: called right before a push is done: what else happens there at this moment
    before_push: Callable[[], None] = lambda: None
    before_read: Callable[[], None] = lambda: None
    pushed: list[tuple[str, WriteOp]] = field(default_factory=list)
    ensured: list[str] = field(default_factory=list)
    page_size: int = 3
    asked: Counter[str] = field(default_factory=Counter)
    #: ids that the credentials do not show
    hidden: set[str] = field(default_factory=set)
    account: str = ""
    #: (stream, remote field) that the credentials do not show
    hidden_fields: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.kind = self.kind or self.name
        self.prefix = self.name[0] + "_"
        self.capabilities = frozenset(Capability) - ({Capability.CONFIRMS_VALUES} if not self.confirms else set())
        self.held: dict[str, dict[str, Held]] = {s: {} for s in (*PEOPLE, "companies", "deals", "users", "events")}
        self.schema: dict[str, dict[str, RemoteField]] = {s: {} for s in self.held}
        for stream in PEOPLE:
            self._add_fields(stream, *FACTS)
        self._add_fields("companies", "name", "domain", "industry", "employees")
        self._add_fields("deals", *DEAL, "twin")
        self._add_fields("users", "address", "full_name")
        self._add_fields("events", "what", "when", "title")
        self._seq = self._ids = 0

    def _add_fields(self, stream: str, *names: str) -> None:
        for n in names:
            types: dict[str, FieldType] = {
                "opted_out": "bool", "employees": "number", "seats": "number", "deal_is_closed": "bool",
                "deal_is_won": "bool", "deal_amount": "number", "deal_probability": "number", "deal_close_date": "date",
            }  # fmt: skip
            self.schema[stream][self.prefix + n] = RemoteField(self.prefix + n, n, types.get(n, "text"))

    # ---- what people do there

    def add(
        self,
        stream: str = "contacts",
        given: Mapping[str, Value] | None = None,
        *,
        actor: Actor = "person",
        links: Sequence[Link] = (),
        **values: Value,
    ) -> str:
        """A new record; its id."""
        values = {**(given or {}), **values}
        self._ids += 1
        made = f"{self.name[0]}{self._ids}"
        full = dict.fromkeys(self.schema[stream]) | {self.prefix + n: v for n, v in values.items()}
        now = self.clock.now()
        self.held[stream][made] = Held(made, full, self._next(), now, now, actor, tuple(links))
        return made

    def edit(
        self,
        remote_id: str,
        stream: str = "contacts",
        given: Mapping[str, Value] | None = None,
        *,
        actor: Actor = "person",
        **values: Value,
    ) -> None:
        """Change fields at the clock's time."""
        values = {**(given or {}), **values}
        one = self.held[stream][remote_id]
        one.values.update({self.prefix + n: v for n, v in values.items()})
        one.seq, one.modified_at, one.actor = self._next(), self.clock.now(), actor

    def delete(self, remote_id: str, stream: str = "contacts", *, told: bool = True) -> None:
        """Delete; with `told` False no feed will ever say so."""
        one = self.held[stream][remote_id]
        one.deleted_at = self.clock.now()
        if told:
            one.seq = self._next()

    def restore(self, remote_id: str, stream: str = "contacts") -> None:
        """Take it out of the bin; its modification time does not move and no feed tells."""
        self.held[stream][remote_id].deleted_at = None

    def relink(self, remote_id: str, *links: Link, stream: str = "contacts") -> None:
        """Point elsewhere; the record's modification time does not move and no feed tells."""
        self.held[stream][remote_id].links = links

    def merge(self, old: str, new: str, stream: str = "contacts", new_stream: str | None = None) -> None:
        """`old` lives on in `new`."""
        one = self.held[stream][old]
        one.merge, one.seq = Merge(old, new, self.clock.now(), new_stream), self._next()

    def convert(self, lead: str, **values: Value) -> str:
        """A lead becomes a contact; the lead stays visible, read-only."""
        one = self.held["leads"][lead]
        carried = {k.removeprefix(self.prefix): v for k, v in one.values.items()} | values
        made = self.add("contacts", carried)
        one.read_only, one.seq, one.modified_at = "converted lead", self._next(), self.clock.now()
        return made

    def deal(
        self, name: str, *people: str, stage: str = "Proposal", companies: Sequence[str] = (), **values: Value
    ) -> str:
        """An open deal with contacts, and companies, in it."""
        links = [*(Link("contacts", i) for i in people), *(Link("companies", i, primary=True) for i in companies)]
        open_: dict[str, Value] = {
            "deal_name": name,
            "deal_stage": stage,
            "deal_is_closed": False,
            "deal_is_won": False,
        }
        return self.add("deals", {**open_, **values}, links=links)

    def close_deal(self, deal: str, *, won: bool) -> None:
        """The deal is won or lost."""
        stage = "Closed won" if won else "Closed lost"
        self.edit(deal, "deals", deal_is_closed=True, deal_is_won=won, deal_stage=stage)

    def happened(self, what: str, remote_id: str, *, at: int | None = None, stream: str = "contacts") -> str:
        """An activity of a person."""
        when = self.clock.now() if at is None else at
        return self.add("events", links=[Link(stream, remote_id)], what=what, when=when, title=what)

    def add_column(self, name: str, stream: str = "contacts") -> None:
        """A new custom field, blank everywhere, that moves no modification time."""
        self._add_fields(stream, name)
        for one in self.held[stream].values():
            one.values.setdefault(self.prefix + name, None)

    def shows(self, remote_id: str, name: str, stream: str = "contacts") -> Value:
        """What the record shows."""
        return self.held[stream][remote_id].values.get(self.prefix + name)

    def writes(self, name: str | None = None) -> int:
        """Pushed ops, all or those that carry a field."""
        return sum(name is None or self.prefix + name in op.values for _, op in self.pushed)

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    # ---- the connector

    def check(self) -> CheckReport:
        return CheckReport(self.account or f"acc-{self.name}", self.name, "hub")

    def streams(self) -> tuple[StreamSpec, ...]:
        def spec(name: str, entity: str, *, writable: bool = False) -> StreamSpec:
            return StreamSpec(name, entity, name, "seq", "id", 0, 1, writable, None, 3, 2, 2, 2)  # type: ignore[arg-type]  # names below

        return (
            spec("users", "owner"),
            spec("companies", "company", writable=True),
            *(spec(s, "person", writable=True) for s in PEOPLE),
            spec("deals", "deal"),
            spec("events", "activity"),
        )

    def describe(self, stream: str) -> tuple[RemoteField, ...]:
        self._reach()
        return tuple(f for f in self.schema[stream].values() if (stream, f.name) not in self.hidden_fields)

    def pull(self, stream: str, bookmark: Bookmark | None, fields: Sequence[str]) -> Iterator[Page]:
        self._reach()
        since = 0 if bookmark is None else int(bookmark["seq"])
        shown = (h for h in self.held[stream].values() if h.id not in self.hidden)
        news = sorted((h for h in shown if h.seq > since), key=lambda h: h.seq)
        for start in range(0, max(1, len(news)), self.page_size):
            part = news[start : start + self.page_size]
            done = start + self.page_size >= len(news)
            at = self._seq if done else part[-1].seq
            yield Page(
                [self._row(h, fields) for h in part if not h.gone],
                {"seq": at},
                [Deletion(h.id, h.deleted_at) for h in part if h.deleted_at is not None],
                [h.merge for h in part if h.merge is not None],
                done,
            )

    def read(self, stream: str, ids: Sequence[str], fields: Sequence[str]) -> ReadResult:
        self._reach()
        self.before_read()
        result = ReadResult({})
        for i in ids:
            h = self.held[stream].get(i)
            if h is None or i in self.hidden:
                result.missing.append(i)
            elif h.merge is not None:
                result.merges.append(h.merge)
                result.rows[h.merge.new_id] = self._row(self.held[h.merge.new_stream or stream][h.merge.new_id], fields)
            elif h.deleted_at is not None:
                result.deleted.append(Deletion(i, h.deleted_at))
            else:
                result.rows[i] = self._row(h, fields)
        return result

    def find(self, stream: str, key: str, values: Sequence[str], fields: Sequence[str]) -> list[Row]:
        return [self._row(h, fields) for h in self.held[stream].values() if h.values.get(key) in values and not h.gone]

    def count(self, stream: str) -> int:
        return sum(not h.gone and h.id not in self.hidden for h in self.held[stream].values())

    def bin(self, stream: str) -> Iterator[list[Deletion]]:
        self._reach()
        self.asked["bin"] += 1
        yield [Deletion(h.id, h.deleted_at) for h in self.held[stream].values() if h.deleted_at is not None]

    def links(self, stream: str, ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
        self._reach()
        self.asked["links"] += 1
        return {i: self.held[stream][i].links for i in ids if i in self.held[stream]}

    def push(self, stream: str, ops: Sequence[WriteOp]) -> list[WriteResult]:
        self._reach()
        self.before_push()
        return [self._write(stream, op) for op in ops]

    def _write(self, stream: str, op: WriteOp) -> WriteResult:
        self.pushed.append((stream, op))
        if why := self.refuse(op):
            return WriteResult(op.op_id, "rejected", op.remote_id, code="NO", message=why)
        made = {n: self._stored(n, v) for n, v in op.values.items()}
        if op.action == "create":
            remote_id = self.add(stream, {n.removeprefix(self.prefix): v for n, v in made.items()}, actor="hub")
            if op.key is not None:
                self.held[stream][remote_id].values[op.key[0]] = op.key[1]
        else:
            remote_id = op.remote_id or ""
            h = self.held[stream].get(remote_id)
            if h is None or h.gone:
                return WriteResult(op.op_id, "gone", remote_id)
            assert h.read_only is None, "a read-only record was written"
            h.values.update(made)
            h.seq, h.modified_at, h.actor = self._next(), self.clock.now(), "hub"
        values = {n: self.held[stream][remote_id].values[n] for n in made} if self.confirms else None
        return WriteResult(op.op_id, "applied", remote_id, values, self.clock.now())

    def _stored(self, remote: str, value: Value) -> Value:
        change = self.rewrite.get(remote.removeprefix(self.prefix))
        return value if change is None else change(value)

    def ensure_fields(self, stream: str, fields: Sequence[FieldRequest]) -> list[str]:
        made = []
        for f in fields:
            if f.name not in self.schema[stream]:
                options = tuple(Option(o.value, o.label) for o in f.options)
                self.schema[stream][f.name] = RemoteField(
                    f.name, f.label, f.type, options, custom=True, unique=f.unique
                )
                for h in self.held[stream].values():
                    h.values.setdefault(f.name, None)
                made.append(f.name)
        self.ensured += made
        return made

    def close(self) -> None:
        """Nothing is open."""

    def _row(self, h: Held, fields: Sequence[str]) -> Row:
        stream = next(s for s, held in self.held.items() if held.get(h.id) is h)
        seen = [n for n in fields if (stream, n) not in self.hidden_fields]
        values = {n: h.values.get(n) for n in seen if n in h.values or n in self.schema}
        return Row(h.id, values, h.modified_at, h.created_at, h.actor, h.links, h.read_only)

    def _reach(self) -> None:
        if self.down is not None:
            raise self.down

    def fall(self) -> None:
        """From now on it does not answer."""
        self.down = Unavailable("no answer")
