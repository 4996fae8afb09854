"""What a mapping is made of: streams, fields of streams, option tables, facts about activities. Pure data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from core.model import ActivityKind, Field, Value, Wins

StreamEntity = Literal["person", "company", "deal", "owner", "activity"]
Direction = Literal["pull", "push", "both"]
Write = Literal["always", "if_blank"]
Form = Literal["strings", "native"]


# ------------------------------------------------------------------------------------------------ live schema


class SchemaOption(Protocol):
    """One allowed value of a remote option field."""

    @property
    def value(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def active(self) -> bool: ...


class SchemaField(Protocol):
    """One remote field as the CRM describes it; `connectors.contract.RemoteField` has this shape."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def options(self) -> Sequence[SchemaOption]: ...
    @property
    def closed(self) -> bool: ...
    @property
    def readable(self) -> bool: ...
    @property
    def writable(self) -> bool: ...
    @property
    def required(self) -> bool: ...
    @property
    def unique(self) -> bool: ...
    @property
    def custom(self) -> bool: ...
    @property
    def max_length(self) -> int | None: ...
    @property
    def calculated(self) -> bool: ...
    @property
    def may_trigger(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class RemoteOption:
    """A plain `SchemaOption`."""

    value: str
    label: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class RemoteSchemaField:
    """A plain `SchemaField`, for those who have no connector at hand."""

    name: str
    label: str
    type: str
    options: tuple[RemoteOption, ...] = ()
    closed: bool = False
    readable: bool = True
    writable: bool = True
    required: bool = False
    unique: bool = False
    custom: bool = False
    max_length: int | None = None
    calculated: bool = False
    may_trigger: str | None = None


#: (connection, stream) -> its fields, as `describe` gave them
Schemas = Mapping[tuple[str, str], Sequence[SchemaField]]


# ------------------------------------------------------------------------------------------------ values


@dataclass(frozen=True, slots=True)
class Unwritable:
    """Why a canonical value has no remote form. `deliberate`: the mapping says so (false), nothing to report."""

    reason: str
    deliberate: bool = False


@dataclass(frozen=True, slots=True)
class OptionTable:
    """Canonical value <-> remote values of one field in one connection.

    `write`: canonical -> remote value, None = deliberately not written. `read`: remote (as delivered) -> canonical.
    `lines`: canonical -> line in `file`. A value that the table does not know passes through as its own text.
    """

    write: Mapping[str, str | None]
    read: Mapping[str, str]
    listed: Mapping[str, tuple[str, ...]]
    key: str  # "options.stage.hubspot"
    file: str
    line: int
    lines: Mapping[str, int]
    own: bool  # from the user's mapping.toml (else shipped)


@dataclass(frozen=True, slots=True)
class Target:
    """One canonical field in one stream of a connection: where it is read from and, by `direction`, written to.

    `max_length`, `remote_type`, `allowed` are known after `Mapping.bound(schemas)` only. `allowed` None = any text.
    """

    field: Field
    connection: str
    stream: str
    remote: str
    direction: Direction
    write: Write
    create: bool
    lossy: bool
    form: Form
    options: OptionTable | None
    owner: bool  # the remote value is an owner id of the connection
    key: str  # "fields.industry.hubspot"
    line: int
    max_length: int | None = None
    remote_type: str | None = None
    allowed: frozenset[str] | None = None
    closed: bool = False  # the CRM refuses what is not in `allowed`
    may_trigger: str | None = None
    scale: int | float | None = None  # its number is read times this (a share of 1 as percent: 100)

    @property
    def pulled(self) -> bool:
        return self.direction != "push"

    @property
    def pushed(self) -> bool:
        return self.direction != "pull"

    def to_remote(self, value: Value) -> Value | Unwritable:
        """`value` in the form that this CRM stores: None clears. An `Unwritable` says why there is no such form."""
        from core.mapping_values import to_remote

        return to_remote(self, value)

    def to_canonical(self, value: Value) -> Value:
        """The canonical value of what the CRM delivered; None when blank. An unreadable value stays as its text."""
        from core.mapping_values import to_canonical

        return to_canonical(self, value)


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What `[fields.X]` says beside its connections."""

    field: Field
    wins: Wins | tuple[str, ...]
    line: int


# ------------------------------------------------------------------------------------------------ streams


@dataclass(frozen=True, slots=True)
class CrossId:
    """A remote field that holds an id of a record in another CRM."""

    remote: str
    kind: str
    stream: str
    connections: tuple[str, ...]  # ours of that kind


@dataclass(frozen=True, slots=True)
class ActivityRules:
    """How rows of an activity stream read in the fixed vocabulary. Tables only."""

    kind: ActivityKind | None  # used when no table or word decides; None = such a row is no activity
    kind_field: str | None
    kind_table: Mapping[str, ActivityKind | None]
    words_fields: tuple[str, ...]
    words: tuple[tuple[ActivityKind, tuple[tuple[str, ...], ...]], ...]  # kind, phrases as folded words
    occurred_at: tuple[str, ...]  # first one that is not blank
    ends_at: str | None
    completed: tuple[str, frozenset[str]] | None
    never: tuple[str, frozenset[str]] | None
    never_fields: tuple[str, ...]
    never_words: tuple[tuple[str, ...], ...]
    title: tuple[str, ...]
    direction: tuple[str, Mapping[str, Literal["in", "out"]]] | None
    outcome: tuple[str, Mapping[str, str]] | None
    owner: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class ActivityFacts:
    """One activity in our words. `occurred_at` ms UTC, None = it has not happened (a due date is no occurrence).

    `ends_at`: a meeting that nobody marked counts as held once this has passed; None = `completed` is the last word.
    `owner_id` remote owner id of the rep, `email` address of the person where the vendor gives no link.
    """

    kind: ActivityKind
    occurred_at: int | None
    completed: bool
    title: str | None = None
    direction: Literal["in", "out"] | None = None
    outcome: str | None = None
    ends_at: int | None = None
    owner_id: str | None = None
    email: str | None = None

    def happened(self, now: int) -> bool:
        """Whether it counts at `now`: completed, or a meeting that is over."""
        return self.completed or (self.ends_at is not None and self.ends_at <= now)


@dataclass(frozen=True, slots=True)
class OwnerRules:
    """Remote names of what we keep of a rep or queue."""

    email: str | None
    name: tuple[str, ...]  # joined by a blank
    active: str | None
    inactive: str | None
    queue: bool | tuple[str, str]  # constant, or (field, value that means queue)


@dataclass(frozen=True, slots=True)
class OwnerFacts:
    """A rep or a queue in our words."""

    email: str | None
    name: str
    active: bool
    queue: bool


@dataclass(frozen=True, slots=True)
class StreamMap:
    """One stream of one connection. `order`: contact before lead; among equals 0 comes first."""

    name: str
    connection: str
    kind: str
    entity: StreamEntity
    alias: str
    order: int
    key_field: str | None  # unique remote field that makes creates retry-safe
    cross_ids: tuple[CrossId, ...] = ()
    activity: ActivityRules | None = None
    owner: OwnerRules | None = None


#: remote value -> canonical value, made once per target
Reader = Callable[[Value], Value]


@dataclass(frozen=True, slots=True)
class Shipped:
    """What `mappings/<kind>.toml` says about a CRM."""

    kind: str
    label: str
    form: Form
    streams: Mapping[str, StreamMap] = field(default_factory=dict)
    #: canonical name -> stream alias -> remote name
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: canonical name -> stream alias -> names that orgs often make beside the usual one
    also: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    #: canonical names whose remote value is an owner id
    owner_fields: frozenset[str] = frozenset()
    #: canonical name -> canonical value -> remote values (first is written), () = not written
    options: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    #: canonical names that are suggested as pull only, whatever the rest does
    pull_only: frozenset[str] = frozenset()
    #: canonical name -> what its remote number is multiplied by
    scales: Mapping[str, int | float] = field(default_factory=dict)
