"""The rows of one object, kept in the order (SystemModstamp, Id) that incremental pulls ask for.

Made for a million rows: a seeded row is held as what it is made from until somebody reads it, the order is two
flat arrays, and a result remembers which rows it has, not the rows.
"""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, overload

from crmhub.sandbox.salesforce.schema.field import Value
from crmhub.sandbox.salesforce.schema.object import ObjectType

Row = dict[str, Value]
"""Sparse: a missing key is null (false for checkboxes). `_DeletedAt` is when it went to the bin."""

Key = tuple[int, str]
LOWEST: Key = (-(1 << 62), "")
HIGHEST: Key = (1 << 62, "\uffff")
KEPT = 60_000
"""Above this many rows a seeded row is computed anew at each read instead of being kept."""


class Seeds(Protocol):
    """Makes seeded rows. `brief` has the fields of `names` only (a missing one is null) and is cheap."""

    names: frozenset[str]

    def stamp(self, seed: Any) -> int:
        """SystemModstamp alone."""

    def value(self, name: str, seed: Any) -> Value:
        """One of `names` other than Id, for an index over everything."""

    def brief(self, record_id: str, seed: Any) -> Row:
        """Id, SystemModstamp and the few fields that searches over everything look at."""

    def make(self, record_id: str, seed: Any) -> Row:
        """The whole row; the same at every call."""


@dataclass(frozen=True, slots=True)
class Patched:
    """A seeded row that a mass change touched: many share one patch."""

    seed: Any
    patch: Row


class Table:
    """Rows are never changed in place: `put` replaces them, so a reader's old row stays whole."""

    def __init__(self, kind: ObjectType) -> None:
        self.kind = kind
        self._loaded: dict[str, Any] = {}
        self._waiting: list[Iterable[tuple[str, Any]]] = []
        self._seeds: Seeds | None = None
        self._seeded: frozenset[str] = frozenset()  # fields that seeded rows can have
        self._stamps: array[int] | None = None
        self._order: list[str] = []
        self._ids: list[str] | None = None
        self._indexes: dict[str, dict[str, str | set[str]]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, record_id: object) -> bool:
        return record_id in self._rows

    @property
    def _rows(self) -> dict[str, Any]:
        while self._waiting:
            self._loaded.update(self._waiting.pop())
        return self._loaded

    def seed(self, seeds: Iterable[tuple[str, Any]], source: Seeds) -> None:
        """Many rows as (Id, what `source` turns into a row); `seeds` is gone through when the table is first used."""
        self._waiting.append(seeds)
        self._seeds = source
        self._seeded = frozenset(self.kind.fields)
        self._forget()

    def patch(self, record_ids: Iterable[str], patch: Row) -> None:
        """The same change to many rows."""
        for record_id in record_ids:
            held = self._rows[record_id]
            if type(held) is dict:
                self._rows[record_id] = {**held, **patch}
            elif type(held) is Patched:
                self._rows[record_id] = Patched(held.seed, {**held.patch, **patch})
            else:
                self._rows[record_id] = Patched(held, patch)
        self._forget()

    def held(self, record_id: str) -> Any:
        """What a row is made from: never changes, so it is the row as it is now. For `made`."""
        return self._rows.get(record_id)

    def made(self, record_id: str, held: Any) -> Row:
        """The row of what `held` gave."""
        if type(held) is dict:
            return held
        assert self._seeds is not None
        if type(held) is Patched:
            return {**self._seeds.make(record_id, held.seed), **held.patch}
        return self._seeds.make(record_id, held)

    def get(self, record_id: str) -> Row | None:
        """The row of that 18-character id."""
        held = self._rows.get(record_id)
        if held is None:
            return None
        return self.kept(record_id, held)

    def kept(self, record_id: str, held: Any) -> Row:
        """Like `made`; in a small table the row is kept for the next reader unless it has changed since."""
        row = self.made(record_id, held)
        if row is not held and len(self._rows) <= KEPT and self._rows.get(record_id) is held:
            self._rows[record_id] = row
        return row

    def knows_briefly(self, names: Iterable[str]) -> bool:
        """Whether `brief` is enough for these fields."""
        return self._seeds is None or self._seeds.names.issuperset(names)

    def brief(self, record_id: str) -> Row | None:
        """The row, or as much of it as is cheap."""
        held = self._rows.get(record_id)
        if held is None or type(held) is dict:
            return held
        assert self._seeds is not None
        if type(held) is Patched:
            return {**self._seeds.brief(record_id, held.seed), **held.patch}
        return self._seeds.brief(record_id, held)

    def all(self) -> Iterator[Row]:
        """Every row by ascending Id."""
        return filter(None, map(self.get, self.ids()))

    def ids(self, low: str = LOWEST[1], high: str = HIGHEST[1]) -> list[str]:
        """Ids with low <= Id <= high, ascending."""
        if self._ids is None:
            self._ids = sorted(self._rows)
        return self._ids[bisect_left(self._ids, low) : bisect_right(self._ids, high)]

    def put(self, row: Row) -> None:
        """Insert or replace by Id."""
        record_id = str(row["Id"])
        if record_id not in self._rows:
            if self._ids is not None:
                insort(self._ids, record_id)
        else:
            self._take(record_id)
        self._rows[record_id] = row
        if self._stamps is not None:
            place = self._place(key_of(row))
            self._stamps.insert(place, key_of(row)[0])
            self._order.insert(place, record_id)
        for name, index in self._indexes.items():
            _add(index, row.get(name), record_id)

    def drop(self, record_id: str) -> None:
        """Takes a row away for good."""
        self._take(record_id)
        del self._rows[record_id]
        if self._ids is not None:
            del self._ids[bisect_left(self._ids, record_id)]

    def between(self, low: Key = LOWEST, high: Key = HIGHEST) -> list[str]:
        """Ids of the rows with low <= (SystemModstamp, Id) <= high, in that order."""
        return [record_id for _, record_id in self.keyed(low, high)]

    def keyed(self, low: Key = LOWEST, high: Key = HIGHEST) -> Iterator[Key]:
        """The same with the stamps."""
        if self._stamps is None:
            self._arrange()
        assert self._stamps is not None
        first, last = self._place(low), self._place(high, bisect_right)
        return zip(self._stamps[first:last], self._order[first:last], strict=True)

    def newest_first(self) -> Iterator[Key]:
        """The keys of all rows, the last changed first."""
        if self._stamps is None:
            self._arrange()
        assert self._stamps is not None
        return zip(reversed(self._stamps), reversed(self._order), strict=True)

    def untouched(self, record_id: str) -> bool:
        """Whether a row is just as it was seeded."""
        return type(self._rows[record_id]) not in (dict, Patched)

    @property
    def oldest_day(self) -> str:
        """No seeded activity is older."""
        return getattr(self._seeds, "oldest_day", "")

    def find(self, name: str, value: Value) -> set[str]:
        """Ids of the rows whose field holds this value, without regard to case."""
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = {}
            for record_id, held in self._rows.items():
                _add(index, self._value(name, record_id, held), record_id)
        found = index.get(str(value).lower(), ())
        return {found} if isinstance(found, str) else set(found)

    def _value(self, name: str, record_id: str, held: Any) -> Value:
        """A field of a row, as cheap as possible."""
        patch = held.patch if type(held) is Patched else held
        if type(patch) is dict and (patch is held or name in patch):
            return patch.get(name)
        if name not in self._seeded:
            return None
        assert self._seeds is not None
        if name in self._seeds.names and name != "Id":
            return self._seeds.value(name, held.seed if type(held) is Patched else held)
        return self.made(record_id, held).get(name)

    def _take(self, record_id: str) -> None:
        """Out of order and indexes."""
        if self._stamps is not None:
            place = self._place((self._stamp(self._rows[record_id]), record_id))
            assert self._order[place] == record_id
            del self._stamps[place], self._order[place]
        if self._indexes:
            row = self.get(record_id)
            assert row is not None
            for name, index in self._indexes.items():
                _drop(index, row.get(name), record_id)

    def _stamp(self, held: Any) -> int:
        if type(held) is dict:
            return key_of(held)[0]
        assert self._seeds is not None
        if type(held) is not Patched:
            return self._seeds.stamp(held)
        moved = held.patch.get("SystemModstamp")
        return moved if isinstance(moved, int) else self._seeds.stamp(held.seed)

    def _forget(self) -> None:
        self._ids = self._stamps = None
        self._order = []
        self._indexes = {}

    def _place(self, key: Key, side: Callable[..., int] = bisect_left) -> int:
        """Where a key is or would be."""
        assert self._stamps is not None
        low, high = bisect_left(self._stamps, key[0]), bisect_right(self._stamps, key[0])
        return side(self._order, key[1], low, high)

    def _arrange(self) -> None:
        keys = sorted((self._stamp(held), record_id) for record_id, held in self._rows.items())
        self._stamps = array("q", [stamp for stamp, _ in keys])
        self._order = [record_id for _, record_id in keys]


class Rows(Sequence[Row]):
    """The rows of a result as they were when it was made; each is made anew when asked for."""

    def __init__(self, table: Table, record_ids: list[str]) -> None:
        self.table = table
        self.ids = record_ids
        self._held = [table.held(record_id) for record_id in record_ids]

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            pairs = zip(self.ids[place], self._held[place], strict=True)
            return [self.table.kept(record_id, held) for record_id, held in pairs]
        return self.table.kept(self.ids[place], self._held[place])


def key_of(row: Row) -> Key:
    """(SystemModstamp, Id)."""
    stamp = row.get("SystemModstamp") or 0
    assert isinstance(stamp, int)
    return stamp, str(row["Id"])


def _add(index: dict[str, str | set[str]], value: Value, record_id: str) -> None:
    """One id stands alone, several are a set: most values belong to one row."""
    if value is None:
        return
    key = str(value).lower()
    there = index.get(key)
    if there is None:
        index[key] = record_id
    elif isinstance(there, str):
        index[key] = {there, record_id}
    else:
        there.add(record_id)


def _drop(index: dict[str, str | set[str]], value: Value, record_id: str) -> None:
    there = None if value is None else index.get(str(value).lower())
    if there == record_id:
        del index[str(value).lower()]
    elif isinstance(there, set):
        there.discard(record_id)
