"""The syntax tree of a statement. Every node that can be wrong knows its place (`at`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldPath:
    """`Owner.Name` as ("Owner", "Name")."""

    parts: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        """As written."""
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """COUNT(Id), MAX(CreatedDate) ...; field is None only for COUNT()."""

    function: str
    field: FieldPath | None
    at: int


@dataclass(frozen=True, slots=True)
class AllFields:
    """FIELDS(ALL), FIELDS(STANDARD), FIELDS(CUSTOM)."""

    scope: str
    at: int


@dataclass(frozen=True, slots=True)
class TypeOf:
    """TYPEOF Who WHEN Lead THEN Name ELSE Id END."""

    relationship: str
    branches: tuple[tuple[str, tuple[FieldPath, ...]], ...]
    otherwise: tuple[FieldPath, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Selected:
    """One item of the SELECT list."""

    what: FieldPath | Aggregate | AllFields | TypeOf | Query
    alias: str | None


@dataclass(frozen=True, slots=True)
class Literal:
    """kind: string, number, boolean, null, datetime, date, range (a date literal such as TODAY).

    `pattern` holds a string's characters with their escaped flag, for LIKE.
    """

    kind: str
    text: str
    at: int
    number: int | None = None
    pattern: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """field op literal | field IN (literals) | field IN (query)."""

    field: FieldPath | Aggregate
    op: str
    values: tuple[Literal, ...]
    query: Query | None
    at: int


@dataclass(frozen=True, slots=True)
class Combined:
    """op is "and" or "or"."""

    op: str
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """NOT part."""

    part: Condition


Condition = Comparison | Combined | Negated


@dataclass(frozen=True, slots=True)
class Ordering:
    """One ORDER BY item. The vendor sorts nulls first unless told otherwise."""

    field: FieldPath | Aggregate
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A whole statement or subquery; `count` marks SELECT COUNT()."""

    selected: tuple[Selected, ...]
    source: str
    source_at: int
    alias: str | None
    where: Condition | None
    group_by: tuple[FieldPath, ...]
    having: Condition | None
    order_by: tuple[Ordering, ...]
    limit: int | None
    offset: int
    all_rows: bool
    count: bool
    at: int
    end: int
