"""COUNT(Id), MAX(...) and GROUP BY: one AggregateResult per group."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from crmhub.sandbox.salesforce.schema.field import NUMBER_TYPES, Field, Value
from crmhub.sandbox.salesforce.soql.nodes import (
    Aggregate,
    Combined,
    Comparison,
    Condition,
    FieldPath,
    Negated,
    Query,
)
from crmhub.sandbox.salesforce.soql.scope import Bound, Scope
from crmhub.sandbox.salesforce.soql.select import json_value
from crmhub.sandbox.salesforce.soql.where import Conditions, Test, compare, fold
from crmhub.sandbox.salesforce.table import Row

_COUNT = Field("", "int", "")
_AVERAGE = Field("", "double", "")


@dataclass(frozen=True, slots=True)
class _Column:
    """One key of the answer: a grouped field or an aggregate over the group's rows."""

    key: str
    text: str
    field: Field
    value: Callable[[list[Row]], Value]


class Aggregates:
    """Binds the SELECT list, HAVING and ORDER BY of an aggregate query."""

    def __init__(self, scope: Scope, query: Query) -> None:
        self._scope = scope
        self._query = query
        self._groups = [scope.resolve(path) for path in query.group_by]
        self._unnamed = 0
        self._bounds = list(self._groups)
        self._columns = [self._column(item.what, item.alias) for item in query.selected]
        self._having = None if query.having is None else self._condition(query.having)
        self._order = [(self._ordered(order.field), order) for order in query.order_by]

    @property
    def names(self) -> frozenset[str] | None:
        """The fields of a row that are looked at; None: more than those of the row."""
        found: frozenset[str] = frozenset()
        for bound in self._bounds:
            if bound.names is None:
                return None
            found |= bound.names
        return found

    def records(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """The groups in order, as JSON records."""
        groups: dict[tuple[Value, ...], list[Row]] = {}
        if not self._groups:
            groups[()] = []
        for row in rows:
            key = tuple(fold(bound.get(row)) for bound in self._groups)
            groups.setdefault(key, []).append(row)
        kept = [members for members in groups.values() if self._having is None or self._having(members)]
        for column, order in reversed(self._order):
            last = order.nulls_last != order.descending
            kept.sort(
                key=lambda members, column=column, last=last: _sortable(column.value(members), last=last),  # type: ignore[misc]  # bound per turn
                reverse=order.descending,
            )
        end = None if self._query.limit is None else self._query.offset + self._query.limit
        return [self._record(members) for members in kept[self._query.offset : end]]

    def _record(self, members: list[Row]) -> dict[str, Any]:
        record: dict[str, Any] = {"attributes": {"type": "AggregateResult"}}
        for column in self._columns:
            record[column.key] = json_value(column.field, column.value(members))
        return record

    def _column(self, what: object, alias: str | None) -> _Column:
        if isinstance(what, Aggregate):
            key = alias
            if key is None:
                key = f"expr{self._unnamed}"
                self._unnamed += 1
            return self._aggregate(what, key)
        if not isinstance(what, FieldPath):
            raise self._scope.error(
                "MALFORMED_QUERY", "FIELDS and subqueries are not allowed with GROUP BY", self._query.at
            )
        bound = self._scope.resolve(what)
        if not any(bound.field is group.field and bound.steps == group.steps for group in self._groups):
            reason = f"Field must be grouped or aggregated: {bound.field.name}"
            raise self._scope.error("MALFORMED_QUERY", reason, what.at)
        return _Column(alias or bound.field.name, what.text, bound.field, lambda members: bound.get(members[0]))

    def _aggregate(self, what: Aggregate, key: str) -> _Column:
        text = f"{what.function}({what.field.text if what.field else ''})"
        if what.field is None:
            return _Column(key, text, _COUNT, len)
        bound = self._scope.resolve(what.field)
        self._bounds.append(bound)
        self._check(what, bound)
        if what.function == "COUNT":
            return _Column(key, text, _COUNT, lambda members: len(_held(bound, members)))
        if what.function == "COUNT_DISTINCT":
            return _Column(key, text, _COUNT, lambda members: len({fold(value) for value in _held(bound, members)}))
        if what.function in ("MAX", "MIN"):
            pick = max if what.function == "MAX" else min
            return _Column(key, text, bound.field, lambda members: pick(_held(bound, members), default=None))
        if what.function == "SUM":
            return _Column(key, text, _AVERAGE, lambda members: sum(_held(bound, members)) if members else None)
        return _Column(key, text, _AVERAGE, lambda members: _mean(_held(bound, members)))

    def _check(self, what: Aggregate, bound: Bound) -> None:
        numeric = what.function in ("SUM", "AVG")
        unfit = bound.field.type == "boolean" and not what.function.startswith("COUNT")
        if (numeric and bound.field.type not in NUMBER_TYPES) or unfit or not bound.field.filterable:
            reason = f"field {bound.field.name} does not support aggregate operator {what.function}"
            raise self._scope.error("MALFORMED_QUERY", reason, what.at)

    def _ordered(self, field: FieldPath | Aggregate) -> _Column:
        if isinstance(field, Aggregate):
            return self._aggregate(field, "")
        for column in self._columns:
            if column.key.lower() == field.text.lower():
                return column
        return self._column(field, None)

    def _condition(self, condition: Condition) -> Callable[[list[Row]], bool]:
        if isinstance(condition, Negated):
            inner = self._condition(condition.part)
            return lambda members: not inner(members)
        if isinstance(condition, Combined):
            parts = [self._condition(part) for part in condition.parts]
            if condition.op == "and":
                return lambda members: all(part(members) for part in parts)
            return lambda members: any(part(members) for part in parts)
        return self._compared(condition)

    def _compared(self, condition: Comparison) -> Callable[[list[Row]], bool]:
        if condition.op not in ("=", "!=", "<", "<=", ">", ">="):
            reason = f"unexpected token: '{condition.op}'"
            raise self._scope.error("MALFORMED_QUERY", reason, condition.at)
        column = self._ordered(condition.field)
        conditions = Conditions(self._scope, lambda _: frozenset())
        wanted = conditions.value(column.field, condition.values[0])
        test: Test = compare(lambda row: row["value"], column.field, condition.op, wanted, direct=False)
        return lambda members: test.holds({"value": column.value(members)})


def _held(bound: Bound, members: list[Row]) -> list[Any]:
    values = (bound.get(row) for row in members)
    return [value for value in values if value is not None]


def _mean(values: list[Any]) -> float | None:
    return sum(values) / len(values) if values else None


def _sortable(value: Value, *, last: bool) -> tuple[bool, Any]:
    """Nulls in front, or behind when `last`."""
    empty = value is None
    return (empty if last else not empty), 0 if empty else fold(value)
