"""SELECT lists: which keys a record has, in which order, and how each value looks in JSON."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crmhub.sandbox.salesforce.schema.field import Field, Value
from crmhub.sandbox.salesforce.schema.object import Child, ObjectType
from crmhub.sandbox.salesforce.soql.nodes import AllFields, FieldPath, Query, Selected, TypeOf
from crmhub.sandbox.salesforce.soql.scope import NAME, Bound, Org, Scope
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import render

Emit = Callable[[Row], Any]
ChildQuery = Callable[[Query, Child], Callable[[str], list[dict[str, Any]]]]

MAX_FIELDS_LIMIT = 200
ADDRESS_PARTS = (
    "City",
    "Country",
    "GeocodeAccuracy",
    "Latitude",
    "Longitude",
    "PostalCode",
    "State",
    "Street",
)


def json_value(field: Field, value: Value) -> Any:
    """A stored value in REST's form."""
    if value is None:
        return False if field.type == "boolean" else None
    if field.type == "datetime":
        assert isinstance(value, int)
        return render(value)
    if field.type in ("double", "currency", "percent"):
        assert isinstance(value, int | float)
        return float(value)
    return value


def json_field(field: Field, row: Row) -> Any:
    """A field of a row in REST's form; an address is put together from its parts, null when all are empty."""
    if field.components is None:
        return json_value(field, field.of(row))
    parts = {name[0].lower() + name[1:]: row.get(field.components + name) for name in ADDRESS_PARTS}
    return parts if any(value is not None for value in parts.values()) else None


class Shape:
    """Keys of a record in SELECT order; relationships nest.

    Of a whole SELECT list also the fields one by one (`bounds`) and what keeps it from being a table (`not_flat`).
    """

    def __init__(self, kind: ObjectType, base: str) -> None:
        self._kind = kind
        self._base = base
        self._items: dict[str, Emit] = {}
        self._parents: dict[str, Shape] = {}
        self.bounds: list[Bound] = []
        self.not_flat: str | None = None

    def add(self, key: str, emit: Emit) -> bool:
        """False if the key is there already."""
        if key in self._items:
            return False
        self._items[key] = emit
        return True

    def add_field(self, field: Field) -> bool:
        """A field under its own name."""
        plain = field.type not in ("datetime", "boolean", "double", "currency", "percent")
        if field.components is not None or field.compute is not None or not plain:
            return self.add(field.name, lambda row: json_field(field, row))
        name = field.name
        return self.add(name, lambda row: row.get(name))

    def parent(self, org: Org, field: Field, target: ObjectType) -> "Shape":
        """The nested shape behind a reference field."""
        key = field.relationship or field.name
        if key in self._parents:
            return self._parents[key]
        shape = self._parents[key] = Shape(target, self._base)

        def emit(row: Row) -> Any:
            found = org.find(row.get(field.name))
            return None if found is None else shape.emit(found[1], found[0].name)

        self.add(key, emit)
        return shape

    def emit(self, row: Row, actual: str | None = None) -> dict[str, Any]:
        """The record; `actual` is the kind of a row reached by a reference to several kinds."""
        name = actual or self._kind.name
        attributes = {"type": self._kind.name, "url": f"{self._base}/sobjects/{name}/{row['Id']}"}
        record: dict[str, Any] = {"attributes": attributes}
        for key, emit in self._items.items():
            record[key] = emit(row)
        if self._kind is NAME and "Type" in record:
            record["Type"] = name
        return record


@dataclass(frozen=True, slots=True)
class Selection:
    """Binds a SELECT list. `base` is `/services/data/vNN.0`."""

    scope: Scope
    base: str
    child_query: ChildQuery

    def shape(self, query: Query) -> Shape:
        """The shape of the records; raises ApiError."""
        shape = Shape(self.scope.kind, self.base)
        for item in query.selected:
            self._add(shape, item, query)
        if any(bound.field.components is not None for bound in shape.bounds):
            shape.not_flat = "Selecting compound data"
        return shape

    def _add(self, shape: Shape, item: Selected, query: Query) -> None:
        what = item.what
        if isinstance(what, Query):
            self._add_children(shape, what)
        elif isinstance(what, AllFields):
            self._add_all(shape, what, query)
        elif isinstance(what, TypeOf):
            self._add_type_of(shape, what)
        elif isinstance(what, FieldPath):
            if item.alias is not None:
                reason = "only aggregate expressions use field aliasing"
                raise self.scope.error("MALFORMED_QUERY", reason, what.at)
            self._add_path(shape, what)
        else:
            raise AssertionError("aggregates are run apart")

    def _add_path(self, shape: Shape, path: FieldPath) -> None:
        bound = self.scope.resolve(path)
        shape.bounds.append(bound)
        for step in bound.steps:
            target = NAME if step.polymorphic else self.scope.org.schema.get(step.reference_to[0])
            assert target is not None
            shape = shape.parent(self.scope.org, step, target)
        if not shape.add_field(bound.field):
            reason = f"duplicate field selected: {bound.field.name}"
            raise self.scope.error("INVALID_FIELD", reason, path.at)

    def _add_all(self, shape: Shape, what: AllFields, query: Query) -> None:
        if what.scope != "STANDARD" and (query.limit is None or query.limit > MAX_FIELDS_LIMIT):
            reason = "The SOQL FIELDS function must have a LIMIT of at most 200"
            raise self.scope.error("MALFORMED_QUERY", reason, what.at)
        for field in self.scope.visible(self.scope.kind):
            wanted = what.scope == "ALL" or field.custom == (what.scope == "CUSTOM")
            if wanted and not shape.add_field(field):
                reason = f"duplicate field selected: {field.name}"
                raise self.scope.error("INVALID_FIELD", reason, what.at)
            if wanted:
                shape.bounds.append(self.scope.own(field))

    def _add_children(self, shape: Shape, query: Query) -> None:
        child = self.scope.kind.child(query.source)
        if child is None:
            reason = (
                f"Didn't understand relationship '{query.source}' in FROM part of query call. If you are attempting "
                "to use a custom relationship, be sure to append the '__r' after the custom relationship name. "
                "Please reference your WSDL or the describe call for the appropriate names."
            )
            raise self.scope.error("INVALID_TYPE", reason, query.source_at)
        rows_of = self.child_query(query, child)

        def emit(row: Row) -> Any:
            records = rows_of(str(row["Id"]))
            return {"totalSize": len(records), "done": True, "records": records} if records else None

        shape.add(child.name, emit)
        shape.not_flat = "Aggregate Relationships"

    def _add_type_of(self, shape: Shape, what: TypeOf) -> None:
        org = self.scope.org
        field, target = self.scope.step(self.scope.kind, what.relationship, what.at)
        if target is not NAME:
            reason = f"TYPEOF is only allowed on polymorphic relationships: {what.relationship}"
            raise self.scope.error("INVALID_FIELD", reason, what.at)
        shapes: dict[str, Shape] = {}
        for name, paths in what.branches:
            kind = org.schema.get(name)
            if kind is None or kind.name not in field.reference_to:
                reason = f"{name} is not a valid object for relationship {what.relationship}"
                raise self.scope.error("INVALID_TYPE", reason, what.at)
            shapes[kind.name] = self._branch(kind, paths)
        otherwise = self._branch(NAME, what.otherwise)

        def emit(row: Row) -> Any:
            found = org.find(row.get(field.name))
            return None if found is None else shapes.get(found[0].name, otherwise).emit(found[1], found[0].name)

        shape.add(field.relationship or field.name, emit)
        shape.not_flat = "TYPEOF clause"

    def _branch(self, kind: ObjectType, paths: tuple[FieldPath, ...]) -> Shape:
        shape = Shape(kind, self.base)
        for path in paths:
            shape.add_field(self.scope.field_of(kind, path))
        return shape
