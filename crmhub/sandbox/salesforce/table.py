"""The rows of one object, kept in the order (SystemModstamp, Id) that incremental pulls ask for."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator

from crmhub.sandbox.salesforce.schema.field import Value
from crmhub.sandbox.salesforce.schema.object import ObjectType

Row = dict[str, Value]
"""Sparse: a missing key is null (false for checkboxes). `_DeletedAt` is when it went to the bin."""

Key = tuple[int, str]
LOWEST: Key = (-(1 << 62), "")
HIGHEST: Key = (1 << 62, "\uffff")


class Table:
    """Rows are never changed in place: `put` replaces them, so a reader's old row stays whole."""

    def __init__(self, kind: ObjectType) -> None:
        self.kind = kind
        self.rows: dict[str, Row] = {}
        self._order: list[Key] = []
        self._stale = 0
        self._sorted = True
        self._indexes: dict[str, dict[str, set[str]]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def load(self, rows: Iterable[Row]) -> None:
        """Many new rows at once; sorted at the first read."""
        for row in rows:
            self.rows[str(row["Id"])] = row
            self._order.append(_key(row))
        self._sorted = False
        self._indexes.clear()

    def put(self, row: Row) -> None:
        """Insert or replace by Id."""
        record_id = str(row["Id"])
        before = self.rows.get(record_id)
        self.rows[record_id] = row
        key = _key(row)
        if before is None or _key(before) != key:
            if self._sorted:
                insort(self._order, key)
            else:
                self._order.append(key)
            self._stale += before is not None
        for name, index in self._indexes.items():
            if before is not None:
                _drop(index, before.get(name), record_id)
            _add(index, row.get(name), record_id)

    def drop(self, record_id: str) -> None:
        """Takes a row away for good."""
        row = self.rows.pop(record_id)
        self._stale += 1
        for name, index in self._indexes.items():
            _drop(index, row.get(name), record_id)

    def between(self, low: Key = LOWEST, high: Key = HIGHEST) -> Iterator[Row]:
        """Rows with low <= (SystemModstamp, Id) <= high, in that order."""
        order = self._ordered()
        rows = self.rows
        for at in range(bisect_left(order, low), bisect_right(order, high)):
            key = order[at]
            row = rows.get(key[1])
            if row is not None and row.get("SystemModstamp", 0) == key[0]:
                yield row

    def find(self, name: str, value: Value) -> set[str]:
        """Ids of the rows whose field holds this value, without regard to case."""
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = {}
            for record_id, row in self.rows.items():
                _add(index, row.get(name), record_id)
        return index.get(_fold(value), set())

    def _ordered(self) -> list[Key]:
        if self._stale > 1000 and self._stale * 2 > len(self._order):
            self._order = [_key(row) for row in self.rows.values()]
            self._sorted, self._stale = False, 0
        if not self._sorted:
            self._order.sort()
            self._sorted = True
        return self._order


def _key(row: Row) -> Key:
    stamp = row.get("SystemModstamp", 0)
    assert isinstance(stamp, int)
    return stamp, str(row["Id"])


def _fold(value: Value) -> str:
    return str(value).lower()


def _add(index: dict[str, set[str]], value: Value, record_id: str) -> None:
    if value is not None:
        index.setdefault(_fold(value), set()).add(record_id)


def _drop(index: dict[str, set[str]], value: Value, record_id: str) -> None:
    if value is not None:
        index.get(_fold(value), set()).discard(record_id)
