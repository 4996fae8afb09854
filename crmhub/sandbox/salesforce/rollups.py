"""Roll-up summaries: a parent's count, sum, least or greatest of its children."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from crmhub.sandbox.salesforce.schema.field import Field, Value
from crmhub.sandbox.salesforce.schema.object import ObjectType, Schema
from crmhub.sandbox.salesforce.table import Row, Table

FUNCTIONS = ("COUNT", "SUM", "MIN", "MAX")


@dataclass(frozen=True, slots=True)
class Rollup:
    """`key` is the child's reference to the parent; `of` the field summed up, None for COUNT."""

    parent: str
    name: str
    child: str
    key: str
    function: str
    of: Field | None
    holds: Callable[[Row], bool]


class Rollups:
    """The roll-ups of one org."""

    def __init__(self, schema: Schema, tables: Mapping[str, Table]) -> None:
        self._schema = schema
        self._tables = tables
        self._all: list[Rollup] = []

    def add(self, rollup: Rollup) -> Callable[[Row], Value]:
        """-> what the field of a parent's row shows."""
        self._all.append(rollup)
        return lambda row: self._value(rollup, str(row["Id"]))

    def before(self, child: str, row: Row) -> list[tuple[Rollup, str, Value]]:
        """The values that saving this child's row can change, as they are now."""
        mine = [rollup for rollup in self._all if rollup.child == child]
        if not mine:
            return []
        old = self._tables[child].get(str(row["Id"])) or {}
        parents = ((rollup, str(one.get(rollup.key))) for rollup in mine for one in (old, row) if one.get(rollup.key))
        return [(rollup, parent, self._value(rollup, parent)) for rollup, parent in dict.fromkeys(parents)]

    def changed(self, before: Iterable[tuple[Rollup, str, Value]]) -> Iterator[tuple[ObjectType, Row]]:
        """The parents whose values are others by now."""
        for rollup, parent, value in before:
            row = self._tables[rollup.parent].get(parent)
            kind = self._schema.get(rollup.parent)
            if row is not None and kind is not None and self._value(rollup, parent) != value:
                yield kind, row

    def _value(self, rollup: Rollup, parent: str) -> Value:
        table = self._tables[rollup.child]
        found = (table.get(one) for one in table.find(rollup.key, parent))
        rows = [row for row in found if row is not None and not row.get("IsDeleted") and rollup.holds(row)]
        if rollup.of is None:
            return len(rows)
        values = [value for value in map(rollup.of.of, rows) if value is not None]
        if rollup.function == "SUM":
            return float(sum(value for value in values if isinstance(value, int | float)))
        pick: Callable[..., Value] = min if rollup.function == "MIN" else max
        return pick(values, default=None)
