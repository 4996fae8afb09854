"""Runs a statement: parse, bind, find the rows, order them, shape them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from heapq import nlargest, nsmallest
from itertools import islice
from typing import Any

from crmhub.sandbox.salesforce.schema.field import Field, Value
from crmhub.sandbox.salesforce.schema.object import Child, ObjectType
from crmhub.sandbox.salesforce.soql.aggregates import Aggregates
from crmhub.sandbox.salesforce.soql.lexer import query_error
from crmhub.sandbox.salesforce.soql.nodes import Aggregate, FieldPath, Ordering, Query
from crmhub.sandbox.salesforce.soql.parser import parse
from crmhub.sandbox.salesforce.soql.scope import REFERENCE, Bound, Getter, Org, Scope
from crmhub.sandbox.salesforce.soql.select import Selection, Shape
from crmhub.sandbox.salesforce.soql.where import Conditions, Span, Test
from crmhub.sandbox.salesforce.table import Row, Table, key_of


@dataclass(frozen=True, slots=True)
class Result:
    """`rows` in order and `emit` for each; `count` is set for SELECT COUNT() alone."""

    rows: list[Any]
    emit: Callable[[Any], dict[str, Any]]
    count: int | None = None
    table: str = ""
    """The object whose rows these are; empty for groups."""
    shape: Shape | None = None


def run(statement: str, org: Org, base: str) -> Result:
    """`base` is `/services/data/vNN.0`. Raises ApiError with the vendor's message."""
    query = parse(statement)
    if query.all_rows:
        org = replace(org, all_rows=True)
    return _Runner(statement, org, base).run(query)


class _Runner:
    def __init__(self, statement: str, org: Org, base: str) -> None:
        self._statement = statement
        self._org = org
        self._base = base

    def run(self, query: Query) -> Result:
        scope = self._scope(query)
        test = self._test(query, scope)
        if query.count:
            rows = self._limited(self._matching(scope.kind, test), query)
            return Result([], lambda _: {}, sum(1 for _ in rows))
        if query.group_by or any(isinstance(item.what, Aggregate) for item in query.selected):
            aggregates = Aggregates(scope, query)
            matching = self._matching(scope.kind, test)
            return Result(aggregates.records(matching), lambda record: record)
        if query.having is not None:
            raise scope.error("MALFORMED_QUERY", "unexpected token: 'HAVING'", query.end)
        shape = Selection(scope, self._base, self._children).shape(query)
        return Result(self._rows(query, scope, test), shape.emit, table=scope.kind.name, shape=shape)

    def _scope(self, query: Query, kind: ObjectType | None = None) -> Scope:
        kind = kind or self._org.schema.get(query.source)
        if kind is None or (kind.tooling and not self._org.tooling):
            reason = (
                f"sObject type '{query.source}' is not supported. If you are attempting to use a custom object, be "
                f"sure to append the '__c' after the entity name. {REFERENCE}"
            )
            raise query_error("INVALID_TYPE", reason, self._statement, query.source_at)
        return Scope(self._org, self._statement, kind, query.alias)

    def _test(self, query: Query, scope: Scope) -> Test:
        if query.where is None:
            return Test(_always)
        return Conditions(scope, self._values).bind(query.where)

    def _values(self, query: Query) -> frozenset[Value]:
        """A semi-join: the one selected field of every matching row."""
        scope = self._scope(query)
        if len(query.selected) != 1 or not isinstance(query.selected[0].what, FieldPath):
            raise scope.error("MALFORMED_QUERY", "The inner select must select exactly one field", query.at)
        bound = scope.resolve(query.selected[0].what)
        if bound.field.type not in ("id", "reference"):
            reason = f"The inner select field '{bound.field.name}' must be an id or reference field"
            raise scope.error("MALFORMED_QUERY", reason, query.at)
        test = self._test(query, scope)
        values = (bound.get(row) for row in self._limited(self._matching(scope.kind, test), query))
        return frozenset(value for value in values if value is not None)

    def _children(self, query: Query, child: Child) -> Callable[[str], list[dict[str, Any]]]:
        """A parent-to-child subquery, ready to run for each parent's id."""
        kind = self._org.schema.get(child.object)
        assert kind is not None
        scope = self._scope(query, kind)
        test = self._test(query, scope)
        shape = Selection(scope, self._base, self._children).shape(query)
        table = self._org.tables[kind.name]
        keys = self._keys(query.order_by, scope)

        def records(parent: str) -> list[dict[str, Any]]:
            rows = map(table.get, sorted(table.find(child.field, parent)))
            kept = [row for row in rows if row is not None and self._alive(row) and test.holds(row)]
            return [shape.emit(row) for row in self._limited(_sorted(kept, keys), query)]

        return records

    def _rows(self, query: Query, scope: Scope, test: Test) -> list[Row]:
        keys = self._keys(query.order_by, scope)
        if _is_ascending(query.order_by, keys, ["Id"]) and test.span.ids is None:
            rows = self._org.tables[scope.kind.name].by_id(test.span.id_low, test.span.id_high)
            return list(self._limited((row for row in rows if self._alive(row) and test.holds(row)), query))
        matching = self._matching(scope.kind, test)
        stamped = _is_ascending(query.order_by, keys, ["SystemModstamp"], ["SystemModstamp", "Id"])
        if not keys or stamped:
            return list(self._limited(matching, query))
        wanted = None if query.limit is None else query.limit + query.offset
        if wanted is not None and wanted <= 2000 and len(keys) == 1 and _plain(keys[0]):
            pick = nlargest if keys[0].order.descending else nsmallest
            value = _sort_key(keys[0])
            return list(self._limited(pick(wanted, list(matching), key=value), query))
        return list(self._limited(_sorted(list(matching), keys), query))

    def _matching(self, kind: ObjectType, test: Test) -> Iterator[Row]:
        table = self._org.tables[kind.name]
        return (row for row in _candidates(table, test.span) if self._alive(row) and test.holds(row))

    def _alive(self, row: Row) -> bool:
        if row.get("IsDeleted"):
            return self._org.all_rows and self._org.in_bin(row)
        return self._org.all_rows or not row.get("IsArchived")

    @staticmethod
    def _limited(rows: Iterable[Row], query: Query) -> Iterator[Row]:
        end = None if query.limit is None else query.offset + query.limit
        return islice(iter(rows), query.offset, end)

    def _keys(self, order_by: tuple[Ordering, ...], scope: Scope) -> list["_SortKey"]:
        keys = []
        for order in order_by:
            if isinstance(order.field, Aggregate):
                reason = f"Ordering by an aggregate needs GROUP BY: {order.field.function}"
                raise scope.error("MALFORMED_QUERY", reason, order.field.at)
            bound = scope.resolve(order.field)
            if not bound.field.sortable:
                reason = f"field '{bound.field.name}' can not be sorted in a query call"
                raise scope.error("INVALID_FIELD", reason, order.field.at)
            keys.append(_SortKey(order, bound, bound.get))
        return keys


@dataclass(frozen=True, slots=True)
class _SortKey:
    order: Ordering
    bound: Bound
    get: Getter


def _candidates(table: Table, span: Span) -> Iterator[Row]:
    """The rows that a condition can be true for, in table order."""
    if span.ids is not None:
        found = [row for row in map(table.get, span.ids) if row is not None]
        return iter(sorted(found, key=key_of))
    return table.between(span.start, span.end)


def _always(_row: Row) -> bool:
    return True


def _is_ascending(order_by: tuple[Ordering, ...], keys: list[_SortKey], *orders: list[str]) -> bool:
    """Whether ORDER BY is one of the orders that a table is kept in; these fields are never null."""
    if any(order.descending for order in order_by) or any(key.bound.steps for key in keys):
        return False
    return [key.bound.field.name for key in keys] in orders


def _plain(key: _SortKey) -> bool:
    return not key.bound.field.nillable


def _sort_key(key: _SortKey) -> Callable[[Row], Any]:
    get, exact = key.get, _exact(key.bound.field)
    return get if exact else lambda row: str(get(row)).lower()


def _exact(field: Field) -> bool:
    return field.type not in (
        "string",
        "textarea",
        "picklist",
        "multipicklist",
        "email",
        "phone",
        "url",
        "combobox",
    )


def _sorted(rows: list[Row], keys: list[_SortKey]) -> list[Row]:
    """Stable sorts from the last key to the first; nulls apart, first unless asked otherwise."""
    for key in reversed(keys):
        full: list[Row] = []
        empty: list[Row] = []
        for row in rows:
            (empty if key.get(row) is None else full).append(row)
        full.sort(key=_sort_key(key), reverse=key.order.descending)
        rows = full + empty if key.order.nulls_last else empty + full
    return rows
