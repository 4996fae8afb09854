"""Insert or update by an external id."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crmhub.sandbox.salesforce.errors import ApiError, RowError, RowRejectedError
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.schema.field import Field
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.values import read
from crmhub.sandbox.salesforce.writer import Writer


@dataclass(frozen=True, slots=True)
class Upserts:
    """Shared by the single and the collection form."""

    org: OrgState
    writer: Writer

    def key(self, kind: ObjectType, name: str) -> Field:
        """The external id field of that name; raises 404 NOT_FOUND."""
        field = kind.field(name)
        usable = field is not None and (field.external_id or (field.id_lookup and field.name != "Id"))
        if field is None or not usable or not self.org.access.sees(kind, field):
            message = f"Provided external ID field does not exist or is not accessible: {name}"
            raise ApiError(404, "NOT_FOUND", message)
        return field

    def matches(self, kind: ObjectType, field: Field, value: str) -> list[str]:
        """Ids of live records with that external id; raises RowRejectedError for a blank one."""
        if not value.strip():
            raise RowRejectedError(RowError("MISSING_ARGUMENT", f"{field.name} not specified", (field.name,)))
        return self.writer.matches(kind, field, value.strip())

    def write(
        self, kind: ObjectType, field: Field, value: str, body: Mapping[str, Any], matches: list[str]
    ) -> tuple[str, bool]:
        """-> (id, created). Raises RowRejectedError."""
        changes = self.writer.deserialize(kind, body, skip=("Id", field.name))
        if len(matches) > 1:
            message = f"{field.name}: more than one record found for external id field: {matches}"
            raise RowRejectedError(RowError("DUPLICATE_EXTERNAL_ID", message, (field.name,)))
        if matches:
            self.writer.update(kind, matches[0], changes)
            return matches[0], False
        changes[field] = read(field, value)
        return self.writer.create(kind, changes), True
