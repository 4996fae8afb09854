"""What the store hands out and takes in about records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.model import Value
from core.store.db import Row, loads

#: (to_stream, to_id, primary, role in the vendor's words)
LinkTo = tuple[str, str, bool, str | None]


@dataclass(slots=True)
class Seen:
    """One remote object as a pull or read showed it. Values in remote form, keyed by remote name."""

    remote_id: str
    values: dict[str, Value]
    modified_at: int | None = None
    created_at: int | None = None
    actor: str = "unknown"
    links: tuple[LinkTo, ...] | None = None
    read_only: str | None = None


@dataclass(slots=True)
class PageStats:
    """What a page did: records seen, of which new, changed, gone."""

    pulled: int = 0
    created: int = 0
    changed: int = 0
    deleted: int = 0

    def add(self, other: PageStats) -> None:
        self.pulled += other.pulled
        self.created += other.created
        self.changed += other.changed
        self.deleted += other.deleted


@dataclass(slots=True)
class StoredRecord:
    """One row of `record`, decoded."""

    id: int
    connection: str
    stream: str
    remote_id: str
    entity: str
    remote: dict[str, Value]
    base: dict[str, Value] | None
    stamps: dict[str, list[Any]]
    created_at: int | None
    modified_at: int | None
    actor: str
    deleted_at: int | None
    merged_into: str | None
    read_only: str | None
    entity_id: int | None
    pushed: dict[str, tuple[Value, Value, bool]] = field(default_factory=dict)  # field -> (sent, confirmed, known)

    def agreed_field(self, name: str) -> bool:
        """Whether the base has this field (so that a difference is an edit, not a first contact)."""
        return name in (self.remote if self.base is None else self.base)

    def base_value(self, name: str) -> Value:
        return (self.remote if self.base is None else self.base).get(name)

    @property
    def live(self) -> bool:
        return self.deleted_at is None and self.merged_into is None


#: what `decode` reads
COLUMNS = (
    "id, connection, stream, remote_id, entity, remote, base, stamps, created_at, modified_at, actor, "
    "deleted_at, merged_into, read_only, entity_id"
)


def decode(row: Row) -> StoredRecord:
    """A `record` row as an object."""
    return StoredRecord(
        row["id"],
        row["connection"],
        row["stream"],
        row["remote_id"],
        row["entity"],
        loads(row["remote"]),
        None if row["base"] is None else loads(row["base"]),
        {} if row["stamps"] is None else loads(row["stamps"]),
        row["created_at"],
        row["modified_at"],
        row["actor"],
        row["deleted_at"],
        row["merged_into"],
        row["read_only"],
        row["entity_id"],
    )
