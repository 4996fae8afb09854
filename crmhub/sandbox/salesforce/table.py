"""The rows of one object, kept in the order (SystemModstamp, Id) that incremental pulls ask for."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from crmhub.sandbox.salesforce.schema.field import Value
from crmhub.sandbox.salesforce.schema.object import ObjectType

Row = dict[str, Value]
"""Sparse: a missing key is null (false for checkboxes). `_DeletedAt` is when it went to the bin."""

Key = tuple[int, str]
LOWEST: Key = (-(1 << 62), "")
HIGHEST: Key = (1 << 62, "\uffff")
KEPT = 200_000
"""Above this many rows a seeded row is computed anew at each read instead of being kept."""


class Table:
    """Rows are never changed in place: `put` replaces them, so a reader's old row stays whole.

    A seeded row is held as what it is made from (a person, an activity) until somebody reads it.
    """

    def __init__(self, kind: ObjectType) -> None:
        self.kind = kind
        self._rows: dict[str, Any] = {}
        self._make: Callable[[str, Any], Row] | None = None
        self._order: list[Key] | None = None
        self._ids: list[str] | None = None
        self._stale = 0
        self._indexes: dict[str, dict[str, set[str]]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, record_id: object) -> bool:
        return record_id in self._rows

    def seed(self, seeds: Iterable[tuple[str, Any]], make: Callable[[str, Any], Row]) -> None:
        """Many rows at once as (Id, what `make` turns into a row)."""
        self._rows.update(seeds)
        self._ids = self._order = None
        self._make = make

    def get(self, record_id: str) -> Row | None:
        """The row of that 18-character id."""
        found = self._rows.get(record_id)
        if type(found) is dict or found is None:
            return found
        assert self._make is not None
        row = self._make(record_id, found)
        if len(self._rows) <= KEPT:
            self._rows[record_id] = row
        return row

    def all(self) -> Iterator[Row]:
        """Every row by ascending Id."""
        return self.by_id()

    def by_id(self, low: str = LOWEST[1], high: str = HIGHEST[1]) -> Iterator[Row]:
        """Rows with low <= Id <= high by ascending Id."""
        if self._ids is None:
            self._ids = sorted(self._rows)
        for record_id in self._ids[bisect_left(self._ids, low) : bisect_right(self._ids, high)]:
            row = self.get(record_id)
            if row is not None:
                yield row

    def put(self, row: Row) -> None:
        """Insert or replace by Id."""
        record_id = str(row["Id"])
        before = self.get(record_id)
        self._rows[record_id] = row
        if before is None and self._ids is not None:
            insort(self._ids, record_id)
        key = key_of(row)
        if self._order is not None and (before is None or key_of(before) != key):
            insort(self._order, key)
            self._stale += before is not None
        for name, index in self._indexes.items():
            if before is not None:
                _drop(index, before.get(name), record_id)
            _add(index, row.get(name), record_id)

    def drop(self, record_id: str) -> None:
        """Takes a row away for good."""
        row = self._row(record_id)
        del self._rows[record_id]
        self._ids = None
        self._stale += 1
        for name, index in self._indexes.items():
            _drop(index, row.get(name), record_id)

    def between(self, low: Key = LOWEST, high: Key = HIGHEST) -> Iterator[Row]:
        """Rows with low <= (SystemModstamp, Id) <= high, in that order."""
        order = self._ordered()
        for key in order[bisect_left(order, low) : bisect_right(order, high)]:
            row = self.get(key[1])
            if row is not None and row.get("SystemModstamp", 0) == key[0]:
                yield row

    def find(self, name: str, value: Value) -> set[str]:
        """Ids of the rows whose field holds this value, without regard to case."""
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = {}
            for record_id in self._rows:
                _add(index, self._row(record_id).get(name), record_id)
        return index.get(str(value).lower(), set())

    def _row(self, record_id: str) -> Row:
        row = self.get(record_id)
        assert row is not None
        return row

    def _ordered(self) -> list[Key]:
        if self._order is None or (self._stale > 1000 and self._stale * 2 > len(self._order)):
            self._order = sorted(key_of(self._row(record_id)) for record_id in self._rows)
            self._stale = 0
        return self._order


def key_of(row: Row) -> Key:
    """(SystemModstamp, Id)."""
    stamp = row.get("SystemModstamp") or 0
    assert isinstance(stamp, int)
    return stamp, str(row["Id"])


def _add(index: dict[str, set[str]], value: Value, record_id: str) -> None:
    if value is not None:
        index.setdefault(str(value).lower(), set()).add(record_id)


def _drop(index: dict[str, set[str]], value: Value, record_id: str) -> None:
    if value is not None:
        index.get(str(value).lower(), set()).discard(record_id)
