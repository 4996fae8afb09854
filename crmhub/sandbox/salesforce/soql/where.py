"""Conditions as functions of a row, and what they say of (SystemModstamp, Id) so that few rows are read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from crmhub.sandbox.salesforce.ids import to18
from crmhub.sandbox.salesforce.schema.field import NUMBER_TYPES, Field, Value
from crmhub.sandbox.salesforce.soql.nodes import (
    Aggregate,
    Combined,
    Comparison,
    Condition,
    Literal,
    Negated,
    Query,
)
from crmhub.sandbox.salesforce.soql.patterns import like
from crmhub.sandbox.salesforce.soql.ranges import literal_range
from crmhub.sandbox.salesforce.soql.scope import Bound, Getter, Scope
from crmhub.sandbox.salesforce.table import HIGHEST, LOWEST, Key, Row
from crmhub.sandbox.salesforce.times import midnight, parse_day, parse_moment, today

Predicate = Callable[[Row], bool]
SubQuery = Callable[[Query], frozenset[Value]]

_ORDERED = frozenset({"<", "<=", ">", ">="})
_TYPE_WORDS = {"datetime": "dateTime", "int": "int", "boolean": "boolean", "date": "date"}


@dataclass(frozen=True, slots=True)
class Span:
    """Rows outside low..high cannot fulfil the condition; `ids`, where known, are the only ones that can.

    `id_low`/`id_high` bound the Id alone, so that `SystemModstamp = x AND Id > y` starts at (x, y).
    """

    low: Key = LOWEST
    high: Key = HIGHEST
    ids: frozenset[str] | None = None
    id_low: str = LOWEST[1]
    id_high: str = HIGHEST[1]

    @property
    def start(self) -> Key:
        """The lowest key that can fulfil the condition."""
        return max(self.low, (self.low[0], self.id_low))

    @property
    def end(self) -> Key:
        """The highest key that can fulfil the condition."""
        return min(self.high, (self.high[0], self.id_high))

    def meet(self, other: "Span") -> "Span":
        """Both hold."""
        ids = self.ids if other.ids is None else other.ids if self.ids is None else self.ids & other.ids
        return Span(
            max(self.low, other.low),
            min(self.high, other.high),
            ids,
            max(self.id_low, other.id_low),
            min(self.id_high, other.id_high),
        )

    def join(self, other: "Span") -> "Span":
        """At least one holds."""
        ids = None if self.ids is None or other.ids is None else self.ids | other.ids
        return Span(
            min(self.start, other.start),
            max(self.end, other.end),
            ids,
            min(self.id_low, other.id_low),
            max(self.id_high, other.id_high),
        )


EVERYTHING = Span()


@dataclass(frozen=True, slots=True)
class Test:
    """A condition ready to run. `names`: the fields of the row it looks at; None: more than those of the row."""

    holds: Predicate
    span: Span = EVERYTHING
    names: frozenset[str] | None = None


class Conditions:
    """Binds conditions of one statement; raises ApiError for what the vendor refuses."""

    def __init__(self, scope: Scope, sub_query: SubQuery) -> None:
        self._scope = scope
        self._sub_query = sub_query

    def bind(self, condition: Condition) -> Test:
        """The condition as a test of rows."""
        if isinstance(condition, Negated):
            part = self.bind(condition.part)
            inner = part.holds
            return Test(lambda row: not inner(row), names=part.names)
        if isinstance(condition, Combined):
            return self._combined(condition)
        if isinstance(condition.field, Aggregate):
            reason = f"Grouped field should not be aggregated: {condition.field.function}"
            raise self._scope.error("MALFORMED_QUERY", reason, condition.at)
        bound = self._scope.resolve(condition.field)
        return self._looked_up(condition, bound, replace(self._comparison(condition, bound), names=bound.names))

    def _looked_up(self, condition: Comparison, bound: Bound, test: Test) -> Test:
        """An e-mail or an external id is looked up: only the rows that hold it are looked at."""
        field, table = bound.field, self._scope.org.tables.get(self._scope.kind.name)
        indexed = field.type == "email" or (field.external_id and field.type == "string")
        if table is None or not indexed or bound.steps or condition.op not in ("=", "in"):
            return test
        values = [self.value(field, literal) for literal in condition.values]
        if not values or not all(values):
            return test
        ids = frozenset(one for value in values for one in table.find(field.name, value))
        return replace(test, span=test.span.meet(Span(ids=ids)))

    def _combined(self, condition: Combined) -> Test:
        tests = [self.bind(part) for part in condition.parts]
        span = tests[0].span
        for test in tests[1:]:
            span = span.meet(test.span) if condition.op == "and" else span.join(test.span)
        names: frozenset[str] | None = frozenset()
        for test in tests:
            names = None if names is None or test.names is None else names | test.names
        first, *others = [test.holds for test in tests]
        if len(others) == 1:
            second = others[0]
            if condition.op == "and":
                return Test(lambda row: first(row) and second(row), span, names)
            return Test(lambda row: first(row) or second(row), span, names)
        every = (first, *others)
        if condition.op == "and":
            return Test(lambda row: all(holds(row) for holds in every), span, names)
        return Test(lambda row: any(holds(row) for holds in every), span, names)

    def _comparison(self, condition: Comparison, bound: Bound) -> Test:
        field = bound.field
        if not field.filterable:
            reason = f"field '{field.name}' can not be filtered in a query call"
            raise self._scope.error("INVALID_FIELD", reason, condition.at)
        if condition.op == "like":
            return self._like(condition, bound)
        if condition.op in ("includes", "excludes"):
            return self._includes(condition, bound)
        if condition.op in ("in", "not in"):
            return self._member(condition, bound)
        if field.type == "multipicklist" and condition.op in _ORDERED:
            raise self._scope.error(
                "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on multipicklist field", condition.at
            )
        literal = condition.values[0]
        if literal.kind == "range":
            return self._ranged(condition, bound, literal)
        return compare(bound.get, field, condition.op, self.value(field, literal), not bound.steps)

    def _like(self, condition: Comparison, bound: Bound) -> Test:
        field, literal = bound.field, condition.values[0]
        if field.type in ("id", "reference"):
            raise self._scope.error("INVALID_QUERY_FILTER_OPERATOR", "invalid operator on id field", condition.at)
        if field.type in ("boolean", "date", "datetime", "multipicklist", *NUMBER_TYPES):
            reason = f"invalid operator on {field.type} field"
            raise self._scope.error("INVALID_QUERY_FILTER_OPERATOR", reason, condition.at)
        if literal.kind != "string":
            raise self._quoted(field, literal, quoted=True)
        matches, get = like(literal.pattern), bound.get
        return Test(lambda row: matches(str(get(row) or "")))

    def _includes(self, condition: Comparison, bound: Bound) -> Test:
        if bound.field.type != "multipicklist":
            reason = f"invalid operator on {bound.field.type} field"
            raise self._scope.error("INVALID_QUERY_FILTER_OPERATOR", reason, condition.at)
        wanted = [
            frozenset(part.strip().lower() for part in str(self.value(bound.field, literal) or "").split(";"))
            for literal in condition.values
        ]
        get, negative = bound.get, condition.op == "excludes"

        def holds(row: Row) -> bool:
            held = frozenset(str(get(row) or "").lower().split(";"))
            return any(group <= held for group in wanted) != negative

        return Test(holds)

    def _member(self, condition: Comparison, bound: Bound) -> Test:
        get, negative = bound.get, condition.op == "not in"
        if condition.query is not None:
            if bound.field.type not in ("id", "reference"):
                name = bound.field.name
                reason = f"The left operand in the where expression should be an id or reference field: {name}"
                raise self._scope.error("MALFORMED_QUERY", reason, condition.at)
            values = self._sub_query(condition.query)
        else:
            for literal in condition.values:
                if literal.kind == "range":
                    raise self._quoted(bound.field, literal, quoted=False)
            given = [self.value(bound.field, literal) for literal in condition.values]
            values = frozenset(None if value == "" else value for value in given)
            if not _exact(bound.field):
                values = frozenset(map(fold, values))
        span = EVERYTHING
        if bound.field.type == "id" and not bound.steps and not negative:
            span = Span(ids=frozenset(str(value) for value in values))
        if _exact(bound.field):
            return Test(lambda row: (get(row) in values) != negative, span)
        return Test(lambda row: (fold(get(row)) in values) != negative, span)

    def _ranged(self, condition: Comparison, bound: Bound, literal: Literal) -> Test:
        days = literal_range(literal.text, literal.number, today(self._scope.org.now))
        if days is None:
            raise self._scope.error("MALFORMED_QUERY", f"unexpected token: '{literal.text}'", literal.at)
        if bound.field.type not in ("date", "datetime"):
            raise self._quoted(bound.field, literal, quoted=bound.field.type not in NUMBER_TYPES)
        start, end = (_edge(day, bound.field) for day in days)
        direct = not bound.steps
        op = condition.op
        if op in ("<", ">="):
            return compare(bound.get, bound.field, op, start, direct)
        if op in ("<=", ">"):
            return compare(bound.get, bound.field, "<" if op == "<=" else ">=", end, direct)
        from_start = compare(bound.get, bound.field, ">=", start, direct)
        before_end = compare(bound.get, bound.field, "<", end, direct)
        if op == "!=":
            return Test(lambda row: not (from_start.holds(row) and before_end.holds(row)))
        span = from_start.span.meet(before_end.span)
        return Test(lambda row: from_start.holds(row) and before_end.holds(row), span)

    def value(self, field: Field, literal: Literal) -> Value:
        """A literal as a stored value of this field's type; raises INVALID_FIELD when it does not fit."""
        if literal.kind == "null":
            return None
        if field.type in ("datetime", "date"):
            return self._time(field, literal)
        if field.type == "boolean":
            if literal.kind != "boolean":
                raise self._quoted(field, literal, quoted=False)
            return literal.text == "true"
        if field.type in NUMBER_TYPES:
            if literal.kind != "number":
                raise self._quoted(field, literal, quoted=False)
            return float(literal.text)
        if literal.kind != "string":
            raise self._quoted(field, literal, quoted=True)
        if field.type in ("id", "reference"):
            return self._id(literal)
        return literal.text

    def _time(self, field: Field, literal: Literal) -> Value:
        if literal.kind != field.type:
            raise self._quoted(field, literal, quoted=False)
        value = parse_moment(literal.text) if field.type == "datetime" else parse_day(literal.text)
        if value is None:
            raise self._scope.error("MALFORMED_QUERY", f"Invalid {field.type}: {literal.text}", literal.at)
        return value

    def _id(self, literal: Literal) -> str:
        if literal.text == "":
            return ""
        record_id = to18(literal.text)
        if record_id is None:
            reason = f"invalid ID field: {literal.text}"
            raise self._scope.error("INVALID_QUERY_FILTER_OPERATOR", reason, literal.at)
        return record_id

    def _quoted(self, field: Field, literal: Literal, *, quoted: bool) -> Exception:
        if field.type in ("id", "reference"):
            word = "string"
        else:
            word = _TYPE_WORDS.get(field.type, "double" if field.type in NUMBER_TYPES else "string")
        should = "should be" if quoted else "should not be"
        reason = (
            f"value of filter criterion for field '{field.name}' must be of type {word} and {should} enclosed in quotes"
        )
        return self._scope.error("INVALID_FIELD", reason, literal.at)


def _exact(field: Field) -> bool:
    """Types that compare as they are; all others are text without regard to case."""
    return field.type in ("id", "reference", "date", "datetime", "boolean", *NUMBER_TYPES)


def fold(value: Value) -> Value:
    """Text compares without regard to case; a blank text is null."""
    if isinstance(value, str):
        return value.lower() or None
    return value


def compare(get: Getter, field: Field, op: str, value: Value, direct: bool) -> Test:
    """`direct`: the field is on the FROM object itself, so its value may bound the rows to read."""
    exact = _exact(field)
    if value == "":
        value = None
    if value is None or op in ("=", "!="):
        equal = op in ("=", "<=", ">=")
        wanted = value if exact else fold(value)
        span = _span(field, op, value) if direct else EVERYTHING
        if value is None and op in ("<", ">"):
            return Test(_never)
        if exact:
            return Test(lambda row: (get(row) == wanted) == equal, span)
        return Test(lambda row: (fold(get(row)) == wanted) == equal, span)
    return Test(_ordered(get, op, value, exact), _span(field, op, value) if direct else EVERYTHING)


def _never(_row: Row) -> bool:
    return False


def _ordered(get: Getter, op: str, bound: Value, exact: bool) -> Predicate:
    """An ordered comparison; a null never fulfils it. Types agree by binding."""
    limit: str | float = bound.lower() if isinstance(bound, str) and not exact else bound  # type: ignore[assignment]  # never None here

    def held(row: Row) -> str | float | None:
        value = get(row)
        return value.lower() if isinstance(value, str) and not exact else value

    if op == "<":
        return lambda row: (value := held(row)) is not None and value < limit  # type: ignore[operator]  # same type as limit
    if op == "<=":
        return lambda row: (value := held(row)) is not None and value <= limit  # type: ignore[operator]  # same type as limit
    if op == ">":
        return lambda row: (value := held(row)) is not None and value > limit  # type: ignore[operator]  # same type as limit
    return lambda row: (value := held(row)) is not None and value >= limit  # type: ignore[operator]  # same type as limit


def _span(field: Field, op: str, value: Value) -> Span:
    if field.name == "SystemModstamp" and isinstance(value, int):
        low, high = LOWEST, HIGHEST
        if op in ("=", ">", ">="):
            low = (value + (op == ">"), "")
        if op in ("=", "<", "<="):
            high = (value - (op == "<"), "\uffff")
        return EVERYTHING if op == "!=" else Span(low, high)
    if field.name == "Id" and isinstance(value, str):
        if op == "=":
            return Span(ids=frozenset({value}))
        if op in (">", ">="):
            return Span(id_low=value)
        if op in ("<", "<="):
            return Span(id_high=value)
    return EVERYTHING


def _edge(day: date, field: Field) -> Value:
    return midnight(day) if field.type == "datetime" else day.isoformat()
