"""Records of one object type: rows, their values and history, and the search index that lags behind."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from crmhub.sandbox.hubspot.kinds import Kind
from crmhub.sandbox.hubspot.schema import Property, iso
from crmhub.sandbox.world import fraction

BIN_LIFE = 90 * 86_400_000
"""How long a record can be restored, in ms."""
_CORRECTED = frozenset(("phone", "mobilephone", "jobtitle", "lifecyclestage", "hs_lead_status", "hubspot_owner_id"))


class Version(NamedTuple):
    """One value that a property has had."""

    value: str
    at: int
    source_type: str
    source_id: str
    user_id: int | None


class Actor(NamedTuple):
    """Who writes: INTEGRATION with the app's id, or CRM_UI with a user."""

    source_type: str
    source_id: str
    user_id: int | None = None


class Record:
    """One row. `props` is None until somebody looks: seeded rows are computed from the world."""

    __slots__ = (
        "archived_at", "created", "forgotten", "history", "id", "merged_into", "props", "seed", "seeded_at",
        "updated", "writes",
    )  # fmt: skip

    def __init__(self, number: int, created: int, updated: int, seed: Any = None) -> None:
        self.id = number
        self.created = created
        self.updated = updated
        self.seed = seed
        self.seeded_at = updated
        """When the record was last touched before the start; writes do not move it."""
        self.props: dict[str, str] | None = None if seed is not None else {}
        self.history: dict[str, list[Version]] | None = None
        self.archived_at: int | None = None
        self.merged_into: int | None = None
        self.forgotten = False
        self.writes = 0

    def forget(self) -> None:
        """Keep nothing but the number."""
        self.forgotten = True
        self.props = {}
        self.history = None

    @property
    def alive(self) -> bool:
        return self.archived_at is None and self.merged_into is None and not self.forgotten


@dataclass(slots=True)
class Pending:
    """What search still shows of a record until `visible_at`: None = nothing yet."""

    visible_at: int
    shown: tuple[dict[str, str], int] | None


class Table:
    """The records of one type. Ids only grow, so the order of rows is the order of ids."""

    def __init__(
        self, kind: Kind, properties: dict[str, Property], compute: Callable[[Record], dict[str, str]]
    ) -> None:
        self.kind = kind
        self.properties = properties
        self.groups: dict[str, str] = {kind.group: kind.group_label}
        self.rows: dict[int, Record] = {}
        self.ids: list[int] = []
        self.unique: dict[str, dict[str, int]] = {prop.name: {} for prop in properties.values() if prop.unique}
        """unique property -> value -> id"""
        self.bin: dict[int, int] = {}
        """id -> when it was archived, of what lies in the recycle bin"""
        self.derive: Callable[[dict[str, str]], dict[str, str]] | None = None
        """Properties that follow from others, where the type has such."""
        self.past: Callable[[Record, str], list[tuple[str, int]]] | None = None
        """(value, when) of a seeded property with a history of its own, oldest first; empty: it has none."""
        self.seeded_names = frozenset(properties)
        self.written: set[int] = set()
        """Ids of the records that somebody has written to since the start."""
        self.version = 0
        self._compute = compute
        self._by_time: list[tuple[int, int]] = []
        self._indexed_at: dict[int, int] = {}
        self.pending: dict[int, Pending] = {}

    def seeded(self, rows: list[Record]) -> None:
        """Take the rows of the seeded world, in the order of their ids; all of them are in the index."""
        for record in rows:
            self.rows[record.id] = record
        self.ids = [record.id for record in rows]
        self._by_time = sorted((record.updated, record.id) for record in rows)

    def next_id(self) -> int:
        return (self.ids[-1] if self.ids else self.kind.first_id) + 13

    def props(self, record: Record) -> dict[str, str]:
        """The set properties of a record, without the computed ones of `value`."""
        if record.props is None:
            computed = self._compute(record)
            if len(self.rows) > 200_000:
                return computed  # too many to keep; the same again when asked again
            record.props = computed
        return record.props

    def own(self, record: Record) -> dict[str, str]:
        """The properties of a record, for writing."""
        self.written.add(record.id)
        if record.props is None:
            record.props = self._compute(record)
        return record.props

    def find(self, number: int) -> Record | None:
        """The record with this id, or the survivor it was merged into; None if there is none."""
        record = self.rows.get(number)
        while record is not None and record.merged_into is not None:
            record = self.rows.get(record.merged_into)
        return None if record is None or record.forgotten else record

    def add(self, record: Record, lag: float, now: int) -> None:
        self.rows[record.id] = record
        self.ids.append(record.id)
        self.written.add(record.id)
        self.version += 1
        self.pending[record.id] = Pending(now, None)
        self._delay(record, lag, now)

    def before_write(self, record: Record) -> None:
        """Remember what search shows, before a write changes it."""
        if record.id not in self.pending:
            self.pending[record.id] = Pending(0, (dict(self.props(record)), record.updated))

    def after_write(self, record: Record, lag: float, now: int) -> None:
        self.version += 1
        self.written.add(record.id)
        self._delay(record, lag, now)

    def _delay(self, record: Record, lag: float, now: int) -> None:
        """Every write is searchable after a part of the lag of its own, so the order is not kept."""
        record.writes += 1
        share = 0.2 + 0.8 * fraction(record.id, f"lag {record.writes}")
        wait = self.pending[record.id]
        wait.visible_at = max(wait.visible_at, now + int(lag * 1000 * share))
        if wait.visible_at <= now:
            self.settle(now)

    def drop(self, record: Record) -> None:
        """Take a record out of search at once (archived, merged away)."""
        self.before_write(record)
        shown = self.pending.pop(record.id).shown
        if shown is not None:
            self._remove((shown[1], record.id))
        self.version += 1

    def archive(self, record: Record, now: int) -> None:
        """Into the recycle bin."""
        self.drop(record)
        record.archived_at = now
        self.bin[record.id] = now

    def restore(self, record: Record, lag: float, now: int) -> None:
        """Out of the recycle bin; search finds the record again after the lag, under its old stamp."""
        del self.bin[record.id]
        record.archived_at = None
        self.pending[record.id] = Pending(now, None)
        self.after_write(record, lag, now)

    def empty_bin(self, now: int) -> None:
        """What has lain in the recycle bin for 90 days is gone for good."""
        while self.bin:
            number, at = next(iter(self.bin.items()))  # the one that has lain longest
            if now - at < BIN_LIFE:
                return
            del self.bin[number]
            self.rows[number].forget()

    def settle(self, now: int) -> None:
        """Let the index catch up."""
        due = [number for number, wait in self.pending.items() if wait.visible_at <= now]
        for number in due:
            wait, record = self.pending.pop(number), self.rows[number]
            if wait.shown is not None:
                self._remove((wait.shown[1], number))
            if record.alive:
                insort(self._by_time, (record.updated, number))
        if due:
            self.version += 1

    def _remove(self, entry: tuple[int, int]) -> None:
        place = bisect_left(self._by_time, entry)
        if place < len(self._by_time) and self._by_time[place] == entry:
            del self._by_time[place]

    def indexed(self, low: int | None, high: int | None) -> Iterator[tuple[int, int]]:
        """(modified, id) of what search knows, modified from `low` to `high` (inclusive), by time."""
        start = 0 if low is None else bisect_left(self._by_time, (low, -1))
        end = len(self._by_time) if high is None else bisect_right(self._by_time, (high, 1 << 62))
        return iter(self._by_time[start:end])

    def shown(self, number: int) -> tuple[dict[str, str], int]:
        """Properties and modification time as search knows them."""
        wait = self.pending.get(number)
        if wait is not None and wait.shown is not None:
            return wait.shown
        record = self.rows[number]
        return self.props(record), record.updated

    def stamp_all(self, moment: int) -> None:
        """Give every live record one modification time, as a bulk job of the vendor does."""
        self.pending.clear()
        for record in self.rows.values():
            record.updated = moment
        self._by_time = [(moment, number) for number in self.ids if self.rows[number].alive]
        self.version += 1

    def versions(self, record: Record, name: str) -> list[Version]:
        """The history of one property, newest first."""
        if record.history is not None and name in record.history:
            return record.history[name][::-1]
        value = self.props(record).get(name)
        if value is None:
            return []
        past = self.past(record, name) if self.past is not None and record.seed is not None else []
        if past:
            return [Version(old, at, "CRM_UI", "", None) for old, at in reversed(past)]
        return [Version(value, self.seeded_at(record, name), "IMPORT", "", None)]

    @staticmethod
    def seeded_at(record: Record, name: str) -> int:
        """When a seeded property got its value: most at creation, some at the last edit before the start."""
        return record.seeded_at if name in _CORRECTED and fraction(record.id, name) < 0.5 else record.created

    def stamps(self, record: Record, updated: int | None = None, props: dict[str, str] | None = None) -> dict[str, str]:
        """The properties that every answer can show and that no row stores; `props` when not those of now."""
        created = "createdate" if "createdate" in self.properties else "hs_createdate"
        found = {
            created: iso(record.created),
            "hs_createdate": iso(record.created),
            self.kind.modified: iso(record.updated if updated is None else updated),
            "hs_object_id": str(record.id),
        }
        if self.derive is not None:
            found |= self.derive(self.props(record) if props is None else props)
        return found
