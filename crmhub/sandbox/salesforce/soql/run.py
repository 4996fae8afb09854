"""Runs a statement: parse, bind, find the rows, order them, shape them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest, nsmallest
from itertools import islice
from typing import Any, TypeVar

from crmhub.sandbox.salesforce.schema.field import Field, Value
from crmhub.sandbox.salesforce.schema.object import Child, ObjectType
from crmhub.sandbox.salesforce.soql.aggregates import Aggregates
from crmhub.sandbox.salesforce.soql.lexer import query_error
from crmhub.sandbox.salesforce.soql.nodes import Aggregate, FieldPath, Ordering, Query
from crmhub.sandbox.salesforce.soql.parser import parse
from crmhub.sandbox.salesforce.soql.scope import REFERENCE, SHARED_BY, Bound, Getter, Org, Scope
from crmhub.sandbox.salesforce.soql.select import Selection, Shape
from crmhub.sandbox.salesforce.soql.where import EVERYTHING, Conditions, Span, Test
from crmhub.sandbox.salesforce.table import Key, Row, Rows, Table, key_of

T = TypeVar("T")
Entry = tuple[tuple[Value, ...], T]
"""The values to sort by, and what is sorted."""
_KEY_FIELDS = frozenset({"Id", "SystemModstamp", "IsDeleted", "MasterRecordId"})
"""What is known of an untouched seeded row from its key alone: it is neither deleted nor merged away."""
_ACTIVITY = frozenset({"IsDeleted", "IsClosed", "ActivityDate"})


@dataclass(frozen=True, slots=True)
class Result:
    """`rows` in order and `emit` for each; `count` is set for SELECT COUNT() alone."""

    rows: Sequence[Any]
    emit: Callable[[Any], dict[str, Any]]
    count: int | None = None
    table: str = ""
    """The object whose rows these are; empty for groups."""
    shape: Shape | None = None
    offset: int = 0


def run(statement: str, org: Org, base: str) -> Result:
    """`base` is `/services/data/vNN.0`. Raises ApiError with the vendor's message."""
    query = parse(statement)
    if query.all_rows:
        org = replace(org, all_rows=True)
    return _Runner(statement, org, base).run(query)


def matching(source: str, where: str, org: Org) -> Callable[[Row], bool]:
    """A condition on rows of one object, as a function. Raises ApiError."""
    statement = _listing(source, where)
    return _Runner(statement, org, "").predicate(parse(statement))


def ids_of(source: str, where: str, org: Org) -> list[str]:
    """The ids of the rows of one object that fulfil a condition. Raises ApiError."""
    result = run(_listing(source, where), org, "")
    return [str(row["Id"]) for row in result.rows] if not isinstance(result.rows, Rows) else result.rows.ids


def _listing(source: str, where: str) -> str:
    return " ".join(("SELECT Id FROM", source, *(("WHERE", where) if where else ())))


class _Runner:
    def __init__(self, statement: str, org: Org, base: str) -> None:
        self._statement = statement
        self._org = org
        self._base = base

    def run(self, query: Query) -> Result:
        scope = self._scope(query)
        test = self._test(query, scope)
        if query.count:
            table = self._org.tables[scope.kind.name]
            found = self._limited(self._chosen(table, _candidates(table, test.span), test), query)
            return Result([], lambda _: {}, sum(1 for _ in found))
        if query.group_by or any(isinstance(item.what, Aggregate) for item in query.selected):
            aggregates = Aggregates(scope, query)
            matching = self._matching(scope.kind, test, aggregates.names)
            return Result(aggregates.records(matching), lambda record: record)
        if query.having is not None:
            raise scope.error("MALFORMED_QUERY", "unexpected token: 'HAVING'", query.end)
        shape = Selection(scope, self._base, self._children).shape(query)
        rows = self._rows(query, scope, test)
        return Result(rows, shape.emit, table=scope.kind.name, shape=shape, offset=query.offset)

    def predicate(self, query: Query) -> Callable[[Row], bool]:
        """The condition alone."""
        return self._test(query, self._scope(query)).holds

    def _scope(self, query: Query, kind: ObjectType | None = None) -> Scope:
        kind = kind or self._org.schema.get(query.source)
        if kind is None or (kind.tooling and not self._org.tooling) or not self._org.reads(kind):
            reason = (
                f"sObject type '{query.source}' is not supported. If you are attempting to use a custom object, be "
                f"sure to append the '__c' after the entity name. {REFERENCE}"
            )
            raise query_error("INVALID_TYPE", reason, self._statement, query.source_at)
        return Scope(self._org, self._statement, kind, query.alias)

    def _test(self, query: Query, scope: Scope) -> Test:
        if query.where is None:
            return Test(_always, names=frozenset())
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
        rows = self._limited(self._matching(scope.kind, test, bound.names), query)
        values = map(bound.get, rows)
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
            kept = [row for row in rows if row is not None and self._org.alive(kind, row) and test.holds(row)]
            entries = [(tuple(key.get(row) for key in keys), row) for row in kept]
            return [shape.emit(row) for _, row in self._limited(_sorted(entries, keys), query)]

        return records

    def _rows(self, query: Query, scope: Scope, test: Test) -> Rows:
        keys = self._keys(query.order_by, scope)
        table = self._org.tables[scope.kind.name]
        if _is_ascending(query.order_by, keys, ["Id"]) and test.span.ids is None:
            found = self._chosen(table, ((0, one) for one in table.ids(test.span.id_low, test.span.id_high)), test)
            return Rows(table, list(self._limited(found, query)))
        if not keys or _is_ascending(query.order_by, keys, ["SystemModstamp"], ["SystemModstamp", "Id"]):
            found = self._chosen(table, _candidates(table, test.span), test)
            return Rows(table, list(self._limited(found, query)))
        if test.span is EVERYTHING and _newest_first(query.order_by, keys):
            return Rows(table, list(self._limited(self._chosen(table, table.newest_first(), test), query)))
        wanted = None if query.limit is None else query.limit + query.offset
        chosen = self._chosen(table, _candidates(table, test.span), test)
        entries = ((tuple(key.get(row) for key in keys), one) for one in chosen if (row := table.get(one)) is not None)
        if wanted is not None and wanted <= 2000 and len(keys) == 1 and _plain(keys[0]):
            pick, value = nlargest if keys[0].order.descending else nsmallest, _sort_key(keys[0], 0)
            ordered = pick(wanted, entries, key=value)
        else:
            ordered = _sorted(list(entries), keys)
        return Rows(table, [one for _, one in self._limited(ordered, query)])

    def _matching(self, kind: ObjectType, test: Test, needed: frozenset[str] | None = None) -> Iterator[Row]:
        """Rows that fulfil the condition, with at least the `needed` fields (None: all)."""
        table = self._org.tables[kind.name]
        look = table.brief if needed is not None and table.knows_briefly(needed) else table.get
        for record_id in self._chosen(table, _candidates(table, test.span), test):
            row = look(record_id)
            if row is not None:
                yield row

    def _chosen(self, table: Table, candidates: Iterable[Key], test: Test) -> Iterator[str]:
        """Which of the candidates are there and fulfil the condition, with as little of each row as will do."""
        org, kind, holds = self._org, table.kind, test.holds
        names = test.names
        simple = names is not None and names <= _KEY_FIELDS and org.shared is None
        simple = simple and (org.all_rows or not kind.activity or org.archived_before < table.oldest_day)
        needed = _alive_names(kind) | (SHARED_BY.get(kind.name, frozenset()) if org.shared else frozenset())
        brief = names is not None and table.knows_briefly(names | needed)
        look = table.brief if brief else table.get
        for stamp, record_id in candidates:
            if simple and stamp and table.untouched(record_id):
                if holds is _always or holds({"Id": record_id, "SystemModstamp": stamp}):
                    yield record_id
                continue
            row = look(record_id)
            if row is not None and org.alive(kind, row) and holds(row):
                yield record_id

    @staticmethod
    def _limited(rows: Iterable[T], query: Query) -> Iterator[T]:
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


def _candidates(table: Table, span: Span) -> Iterable[Key]:
    """The keys of the rows that a condition can be true for, in table order."""
    if span.ids is not None:
        return sorted(key_of(row) for row in map(table.brief, span.ids) if row is not None)
    return table.keyed(span.start, span.end)


def _alive_names(kind: ObjectType) -> frozenset[str]:
    """What must be known of a row to say whether it is there."""
    return _ACTIVITY if kind.activity else frozenset({"IsDeleted"})


def _always(_row: Row) -> bool:
    return True


def _is_ascending(order_by: tuple[Ordering, ...], keys: list[_SortKey], *orders: list[str]) -> bool:
    """Whether ORDER BY is one of the orders that a table is kept in; these fields are never null."""
    if any(order.descending for order in order_by) or any(key.bound.steps for key in keys):
        return False
    return [key.bound.field.name for key in keys] in orders


def _newest_first(order_by: tuple[Ordering, ...], keys: list[_SortKey]) -> bool:
    """ORDER BY SystemModstamp DESC, and nothing else."""
    return len(keys) == 1 and order_by[0].descending and _is_own(keys[0], "SystemModstamp")


def _is_own(key: _SortKey, name: str) -> bool:
    return not key.bound.steps and key.bound.field.name == name


def _plain(key: _SortKey) -> bool:
    return not key.bound.field.nillable


def _sort_key(key: _SortKey, place: int) -> Callable[[tuple[tuple[Value, ...], Any]], Any]:
    """What an entry is sorted by."""
    if _exact(key.bound.field):
        return lambda entry: entry[0][place]
    return lambda entry: str(entry[0][place]).lower()


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


def _sorted(entries: list[Entry[T]], keys: list[_SortKey]) -> list[Entry[T]]:
    """Stable sorts from the last key to the first; nulls apart, first unless asked otherwise."""
    for place in reversed(range(len(keys))):
        key = keys[place]
        full: list[Entry[T]] = []
        empty: list[Entry[T]] = []
        for entry in entries:
            (empty if entry[0][place] is None else full).append(entry)
        full.sort(key=_sort_key(key, place), reverse=key.order.descending)
        entries = full + empty if key.order.nulls_last else empty + full
    return entries
