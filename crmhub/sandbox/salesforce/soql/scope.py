"""What a field path means: the field, and a function that gets its value from a row of the FROM object."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crmhub.sandbox.salesforce.errors import ApiError
from crmhub.sandbox.salesforce.schema.field import Field, Value, email, flag, text
from crmhub.sandbox.salesforce.schema.object import ObjectType, Schema
from crmhub.sandbox.salesforce.schema.system import by_name, id_field
from crmhub.sandbox.salesforce.soql.lexer import query_error
from crmhub.sandbox.salesforce.soql.nodes import FieldPath
from crmhub.sandbox.salesforce.table import Row, Table
from crmhub.sandbox.salesforce.times import DAY

Getter = Callable[[Row], Value]
Sight = Callable[[ObjectType, Field], bool]
"""Whether the running user may see a field."""

REFERENCE = "Please reference your WSDL or the describe call for the appropriate names."
MAX_PARENTS = 5
SHARED_BY: dict[str, frozenset[str]] = {
    "Task": frozenset({"WhoId", "WhatId"}),
    "Event": frozenset({"WhoId", "WhatId"}),
    "CampaignMember": frozenset({"LeadId", "ContactId"}),
    "OpportunityContactRole": frozenset({"OpportunityId", "ContactId"}),
}
"""The parents that decide who sees a row."""
BIN_LIFE = 15 * DAY

NAME = ObjectType(
    "Name",
    "Name",
    "Name",
    "",
    by_name(
        [
            id_field(),
            text("Name", "Name"),
            text("FirstName", "First Name"),
            text("LastName", "Last Name"),
            text("Type", "Type", permissionable=False),
            text("Title", "Title"),
            email("Email", "Email"),
            text("Phone", "Phone"),
            text("Username", "Username"),
            text("Alias", "Alias"),
            flag("IsActive", "Active"),
            text("ProfileId", "Profile"),
        ]
    ),
)
"""What a reference to several kinds of object offers; `Type` is the kind."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A resolved path: the reference fields walked through, then the field itself on `owner`."""

    steps: tuple[Field, ...]
    field: Field
    owner: ObjectType
    get: Getter

    @property
    def path(self) -> str:
        """`Owner.Name`, in the schema's spelling."""
        return ".".join([step.relationship or step.name for step in self.steps] + [self.field.name])

    @property
    def names(self) -> frozenset[str] | None:
        """The field of the row that is looked at; None if it takes more than that."""
        if self.steps or self.field.compute is not None or self.field.components is not None:
            return None
        return frozenset({self.field.name})


@dataclass(frozen=True, slots=True)
class Org:
    """What a statement is bound against. `now` in ms UTC; `all_rows` includes deleted and archived rows.

    `archived_before` is an ISO day; `shared` says whether the running user sees a row, None: all of them.
    """

    schema: Schema
    tables: Mapping[str, Table]
    sight: Sight
    now: int
    all_rows: bool = False
    tooling: bool = False
    archived_before: str = ""
    shared: Callable[[ObjectType, Row], bool] | None = None
    reads: Callable[[ObjectType], bool] = lambda _kind: True

    def alive(self, kind: ObjectType, row: Row) -> bool:
        """Whether a statement meets the row at all."""
        if row.get("IsDeleted"):
            if not self.all_rows or not self.in_bin(row):
                return False
        elif kind.activity and not self.all_rows and is_archived(row, self.archived_before):
            return False
        return self.shared is None or self.shared(kind, row)

    def in_bin(self, row: Row) -> bool:
        """Whether a deleted row is still in the recycle bin (15 days)."""
        deleted_at = row.get("_DeletedAt")
        return isinstance(deleted_at, int) and deleted_at + BIN_LIFE > self.now

    def find(self, record_id: Value) -> tuple[ObjectType, Row] | None:
        """The row behind a reference, deleted and unshared ones included."""
        if not isinstance(record_id, str):
            return None
        kind = self.schema.by_prefix(record_id[:3])
        if kind is None:
            return None
        row = self.tables[kind.name].get(record_id)
        return None if row is None else (kind, row)


def is_archived(row: Row, before: str) -> bool:
    """Whether an activity is so old, and done with, that the nightly job has put it away."""
    if row.get("_Archived"):
        return True
    day = row.get("ActivityDate")
    done = row.get("IsClosed") or str(row["Id"]).startswith("00U")
    return bool(done) and isinstance(day, str) and day < before


class Scope:
    """Resolves the names of one statement."""

    def __init__(self, org: Org, statement: str, kind: ObjectType, alias: str | None) -> None:
        self.org = org
        self.kind = kind
        self._statement = statement
        self._heads = {kind.name.lower()} | ({alias.lower()} if alias else set())

    def error(self, code: str, reason: str, at: int) -> ApiError:
        """The vendor's error form for this statement."""
        return query_error(code, reason, self._statement, at)

    def no_column(self, name: str, kind: ObjectType, at: int) -> ApiError:
        """Unknown and hidden fields get the same answer."""
        reason = (
            f"No such column '{name}' on entity '{kind.name}'. If you are attempting to use a custom field, be sure "
            f"to append the '__c' after the custom field name. {REFERENCE}"
        )
        return self.error("INVALID_FIELD", reason, at)

    def resolve(self, path: FieldPath) -> Bound:
        """The field behind a path; raises INVALID_FIELD."""
        parts = path.parts
        if len(parts) > 1 and parts[0].lower() in self._heads:
            parts = parts[1:]
        if len(parts) - 1 > MAX_PARENTS:
            raise self.error("INVALID_FIELD", f"Field path exceeds {MAX_PARENTS} relationships", path.at)
        kind, steps = self.kind, []
        for name in parts[:-1]:
            step, kind = self.step(kind, name, path.at)
            steps.append(step)
        field = kind.field(parts[-1])
        if field is None or not self._seen(kind, field):
            raise self.no_column(parts[-1], kind, path.at)
        return Bound(tuple(steps), field, kind, self._getter(tuple(steps), kind, field))

    def step(self, kind: ObjectType, name: str, at: int) -> tuple[Field, ObjectType]:
        """One relationship up: the reference field and the object behind it."""
        field = kind.relation(name)
        if field is None or not self._seen(kind, field):
            reason = (
                f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
                f"relationship, be sure to append the '__r' after the custom relationship name. {REFERENCE}"
            )
            raise self.error("INVALID_FIELD", reason, at)
        if field.polymorphic:
            return field, NAME
        target = self.org.schema.get(field.reference_to[0])
        assert target is not None, f"{kind.name}.{field.name} refers to no object of the schema"
        if not self.org.reads(target):
            raise self.error("INVALID_FIELD", f"Didn't understand relationship '{name}' in field path. {REFERENCE}", at)
        return field, target

    def field_of(self, kind: ObjectType, path: FieldPath) -> Field:
        """A plain field of a given object; raises INVALID_FIELD."""
        field = kind.field(path.parts[-1])
        if field is None or len(path.parts) > 1 or not self._seen(kind, field):
            raise self.no_column(path.text, kind, path.at)
        return field

    def own(self, field: Field) -> Bound:
        """A field of the FROM object."""
        return Bound((), field, self.kind, self._getter((), self.kind, field))

    def visible(self, kind: ObjectType) -> list[Field]:
        """Every field the user may see, in the object's order."""
        return [field for field in kind.fields.values() if self._seen(kind, field)]

    def _seen(self, kind: ObjectType, field: Field) -> bool:
        return kind is NAME or self.org.sight(kind, field)

    def _getter(self, steps: tuple[Field, ...], kind: ObjectType, field: Field) -> Getter:
        name, own = field.name, field.of
        empty: Value = False if field.type == "boolean" else None
        if not steps and field.compute is None:
            return lambda row: row.get(name, empty)
        if not steps:
            return own
        first = steps[0].name
        if len(steps) == 1 and name == "Id":
            return lambda row: row.get(first)
        find = self.org.find

        def get(row: Row) -> Value:
            for step in steps:
                found = find(row.get(step.name))
                if found is None:
                    return None
                target, row = found
            if kind is NAME and name == "Type":
                return target.name
            if kind is NAME:
                shown = target.field(name)
                return None if shown is None else shown.of(row)
            return own(row)

        return get
