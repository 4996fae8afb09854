"""The connector contract: everything a connector author must read.

A connector turns one CRM product into *streams* of rows and takes *write ops* back. It knows HTTP and its vendor;
it knows nothing of people, scores or stages. Values travel in the vendor's own form under the vendor's own field
names; `jobs` translates through the mapping.

    pull ──▶ Page(rows, deletions, merges, bookmark)      push ◀── WriteOp      ──▶ WriteResult, one per op, in order

Errors (named by the cure; nothing else leaves a connector)

    ConnectorError
    ├── AuthFailed          the credentials are refused: stop, a person must renew them
    ├── MissingScope        the credentials lack a permission: stop, IT must grant `scope`
    ├── QuotaExhausted      the daily allowance is spent: stop until `resets_at`
    ├── Throttled           too fast, and waiting within the budget did not help: come back after `retry_after`
    ├── Unavailable         the CRM does not answer or answers 5xx: come back later
    ├── Rejected            the CRM refuses this request and always will: `code`, `message`, `remedy`
    └── ContractBroken      an answer that the vendor's documentation does not allow: `what`, `saw`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

#: A remote value: what JSON can say. A blank field is None, never "" (the connector makes the two one).
Value = str | int | float | bool | None
#: Where a pull stands: small, JSON-able, understood only by the connector that made it.
Bookmark = dict[str, Any]


# ------------------------------------------------------------------------------------------------ errors


class ConnectorError(Exception):
    """Root of what a connector may raise. `connection` is filled in by the transport."""

    connection: str = ""


class AuthFailed(ConnectorError):
    """The CRM refuses the credentials."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"the CRM refuses the credentials: {detail}")


class MissingScope(ConnectorError):
    """The credentials are good but lack a permission."""

    def __init__(self, scope: str, detail: str = "") -> None:
        self.scope, self.detail = scope, detail
        super().__init__(f"the credentials lack the permission {scope!r}" + (f" ({detail})" if detail else ""))


class QuotaExhausted(ConnectorError):
    """The daily allowance is spent. `resets_at`: ms UTC, None when the vendor does not say."""

    def __init__(self, resets_at: int | None, detail: str = "") -> None:
        self.resets_at, self.detail = resets_at, detail
        super().__init__("the daily API allowance is spent" + (f": {detail}" if detail else ""))


class Throttled(ConnectorError):
    """Too many calls in a short time. `retry_after`: seconds."""

    def __init__(self, retry_after: float, detail: str = "") -> None:
        self.retry_after, self.detail = retry_after, detail
        super().__init__(f"the CRM asks us to slow down for {retry_after:g} s" + (f": {detail}" if detail else ""))


class Unavailable(ConnectorError):
    """No answer, a cut answer or a 5xx, also after retries."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"the CRM cannot be reached: {detail}")


class Rejected(ConnectorError):
    """The CRM refuses the request as it stands."""

    def __init__(self, code: str, message: str, remedy: str = "") -> None:
        self.code, self.message, self.remedy = code, message, remedy
        super().__init__(f"{code}: {message}" + (f" ({remedy})" if remedy else ""))


class ContractBroken(ConnectorError):
    """The answer is not what the vendor documents. `saw` is short and holds no personal data."""

    def __init__(self, what: str, saw: str) -> None:
        self.what, self.saw = what, saw
        super().__init__(f"unexpected answer: {what}; saw {saw}")


# ------------------------------------------------------------------------------------------------ description


class Capability(StrEnum):
    """What a connector can do. The contract suite tests exactly what is claimed."""

    INCREMENTAL = "incremental"  # pull(bookmark) reads only what changed
    DELETES = "deletes"  # deletions arrive in pull, without a sweep
    MERGES = "merges"  # merges arrive in pull
    CREATE = "create"  # push can create
    CREATE_BY_KEY = "create_by_key"  # a create repeated with the same key makes no second record
    ENSURE_FIELDS = "ensure_fields"  # can create custom fields
    CONFIRMS_VALUES = "confirms_values"  # WriteResult.values holds what the vendor stored
    BIN = "bin"  # deletions have no feed; `bin()` lists what was deleted, on a rhythm of its own
    LINKS_APART = "links_apart"  # links change without the record's stamp; `links()` reads them again


Entity = Literal["person", "company", "deal", "owner", "activity"]
FieldType = Literal["text", "number", "bool", "date", "datetime", "option", "options", "reference"]


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One readable or writable kind of record in a connection."""

    name: str  # "contacts": the word used in mappings, bookmarks, errors
    entity: Entity
    label: str  # "Contact": what the vendor's screens say
    cursor_field: str | None  # the field that an incremental pull filters on; None = read whole
    tie_break: str | None  # orders rows with one cursor value
    overlap_s: int  # look-back for rows that become visible after their stamp (index lag)
    idle_calls: int  # calls that a pull costs when nothing changed and nothing is inside the overlap
    writable: bool = False
    unique_key: str | None = None  # remote field that makes creates retry-safe once ensured
    page_size: int = 100
    write_batch: int = 100
    read_batch: int = 100
    link_batch: int = 0  # records that one call of `links` takes; 0 = links come with the rows alone
    lasting: bool = False  # an activity stream whose rows are states that end (a membership), however old


@dataclass(frozen=True, slots=True)
class Option:
    """One allowed value of an option field: what the API takes and what the screens show."""

    value: str
    label: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class RemoteField:
    """One field of a stream as the CRM describes it for these credentials."""

    name: str
    label: str
    type: FieldType
    options: tuple[Option, ...] = ()
    closed: bool = False  # the CRM refuses values that are not in `options`
    readable: bool = True
    writable: bool = True
    required: bool = False  # needed to create a record
    unique: bool = False
    custom: bool = False
    max_length: int | None = None
    calculated: bool = False  # changes without moving the record's modification time
    may_trigger: str | None = None  # a sentence, when writing it can start workflows or cost money


@dataclass(frozen=True, slots=True)
class FieldRequest:
    """A field that write-back needs and `ensure_fields` shall create."""

    name: str
    label: str
    type: FieldType
    options: tuple[Option, ...] = ()
    unique: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that `check` found, in plain words, with what to do about it."""

    text: str
    remedy: str
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class Quota:
    """What the vendor says we may still spend. `limit`/`left` in calls; `resets_at` ms UTC or None."""

    name: str
    limit: int
    left: int
    resets_at: int | None = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of `check()`: who we are there and what stands in the way."""

    account_id: str
    account: str
    user: str
    problems: tuple[Problem, ...] = ()
    quotas: tuple[Quota, ...] = ()


# ------------------------------------------------------------------------------------------------ reading

Actor = Literal["person", "integration", "import", "workflow", "hub", "unknown"]


@dataclass(frozen=True, slots=True)
class Link:
    """What a row points to: a record of another stream, or an e-mail address where the vendor gives no id."""

    stream: str  # "contacts", "accounts", ... or "email"
    id: str
    primary: bool = False
    role: str | None = None  # what the other one is in it, in the vendor's words ("Decision Maker")


@dataclass(slots=True)
class Row:
    """One remote object.

    `values`: the asked-for fields only, keyed by remote name, in the vendor's form; a field that was asked for and
    is empty is None, a field that the credentials cannot see is missing. `links` is None when they were not
    fetched (what is known stays), an empty tuple when there are none. Times are ms UTC.
    """

    id: str
    values: dict[str, Value]
    modified_at: int | None = None
    created_at: int | None = None
    actor: Actor = "unknown"
    links: tuple[Link, ...] | None = None
    read_only: str | None = None  # why this record takes no writes ("converted lead"), None = writable


@dataclass(frozen=True, slots=True)
class Deletion:
    """A record that the CRM says is gone (archived, deleted, in the bin)."""

    id: str
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    """`old_id` now lives on in `new_id` (same stream unless `new_stream` says otherwise: a converted lead)."""

    old_id: str
    new_id: str
    at: int | None = None
    new_stream: str | None = None


@dataclass(slots=True)
class Page:
    """A piece of a pull. Its records and its bookmark are committed together; a pull resumed from any page's
    bookmark loses nothing. `done` is set on the last page of this pull (there is always one, also when empty)."""

    rows: list[Row]
    bookmark: Bookmark
    deletions: list[Deletion] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    done: bool = False
    total: int | None = None  # how many rows the whole pull will have, when the vendor tells


@dataclass(slots=True)
class ReadResult:
    """Answer of `read`: every asked id is in exactly one of the four."""

    rows: dict[str, Row]
    deleted: list[Deletion] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)  # asked old_id, lives on as new_id; new row is in `rows`
    missing: list[str] = field(default_factory=list)  # the CRM knows no such id (or does not show it to us)


# ------------------------------------------------------------------------------------------------ writing


@dataclass(frozen=True, slots=True)
class WriteOp:
    """One planned write, in the vendor's form. None clears a field.

    `key` = (unique remote field, value) on creates: the same key never makes two records.
    """

    op_id: str
    action: Literal["update", "create"]
    remote_id: str | None
    values: dict[str, Value]
    key: tuple[str, str] | None = None


Outcome = Literal["applied", "unchanged", "retry", "unknown", "rejected", "gone"]


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of one op.

    applied    stored; `values` = what the vendor made of it, when it tells (capability CONFIRMS_VALUES)
    unchanged  the record already was so
    retry      not attempted or transiently refused: again after `retry_after` seconds
    unknown    sent, no answer: may or may not be stored
    rejected   refused for good: `code`, `message`, `remedy`
    gone       the record is deleted or merged away; `remote_id` names the survivor when known
    """

    op_id: str
    outcome: Outcome
    remote_id: str | None = None
    values: Mapping[str, Value] | None = None
    modified_at: int | None = None
    retry_after: float | None = None
    code: str = ""
    message: str = ""
    remedy: str = ""


# ------------------------------------------------------------------------------------------------ surroundings


class Clock(Protocol):
    """The hub's time. Connectors have no clock of their own."""

    def now(self) -> int:
        """ms UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait in hub time."""
        ...


class CallLedger(Protocol):
    """Where calls are counted and read back, across processes (implemented by `jobs` on the store)."""

    def record(self, endpoint: str, status: int, at: int) -> None:
        """Count one call. `endpoint` is the route with its ids left out; `status` 0 = no answer."""
        ...

    def spent_today(self, at: int) -> int:
        """Calls that this connection made since midnight UTC of `at`, all processes."""
        ...


class SecretStore(Protocol):
    """Tokens that change by themselves (rotation). Values are kept encrypted."""

    def get(self, name: str) -> str | None: ...

    def put(self, name: str, value: str) -> None:
        """Stored durably before this returns."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the runtime hands to a connector beside its own settings."""

    connection: str
    clock: Clock
    ledger: CallLedger
    secrets: SecretStore
    #: called as boundary("send" | "answer", endpoint) around every HTTP call; tests kill the process there
    boundary: Callable[[str, str], None] = lambda _side, _endpoint: None
    budget_daily: int | None = None  # calls a day that the admin grants; None = the vendor's limit
    budget_reserve: float = 0.2  # share of the daily allowance left to other tools
    #: how often values that change without a stamp (formulas, roll-ups) are read again, seconds
    refresh_s: int = 86_400


class Connector(Protocol):
    """One configured account of one CRM product. Synchronous; up to `max_in_flight` calls at once."""

    kind: str
    name: str
    capabilities: frozenset[Capability]
    max_in_flight: int

    def check(self) -> CheckReport:
        """Who are we there, what may we do, what is left to spend. Raises only Unavailable and Throttled;
        a refused token is a Problem."""
        ...

    def streams(self) -> tuple[StreamSpec, ...]: ...

    def describe(self, stream: str) -> tuple[RemoteField, ...]:
        """The fields these credentials can see, live."""
        ...

    def pull(self, stream: str, bookmark: Bookmark | None, fields: Sequence[str]) -> Iterator[Page]:
        """Rows since `bookmark` (None = everything), with deletions and merges, page by page."""
        ...

    def read(self, stream: str, ids: Sequence[str], fields: Sequence[str]) -> ReadResult:
        """The records as they are now, from the system of record (never from a lagging index)."""
        ...

    def find(self, stream: str, key: str, values: Sequence[str], fields: Sequence[str]) -> list[Row]:
        """Records whose unique field `key` holds one of `values`: the answer to an unknown create."""
        ...

    def count(self, stream: str) -> int:
        """Live records that these credentials can see."""
        ...

    def bin(self, stream: str) -> Iterator[list[Deletion]]:
        """Everything in the vendor's recycle bin, call by call (capability BIN; else nothing). What is listed may
        be restored already: the caller reads before it believes."""
        ...

    def links(self, stream: str, ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
        """What these records point to now (capability LINKS_APART; else nothing). Every asked id that still
        exists is in the answer, one without links with an empty tuple."""
        ...

    def push(self, stream: str, ops: Sequence[WriteOp]) -> list[WriteResult]:
        """One result per op, in order; at most `write_batch` ops. Raises only if nothing was attempted."""
        ...

    def ensure_fields(self, stream: str, fields: Sequence[FieldRequest]) -> list[str]:
        """Create what is missing (an existing field of the right type is left alone); names created."""
        ...

    def close(self) -> None: ...
