"""The org's own screens: what people and other apps do there, and the state the control port shows."""

from collections.abc import Iterator
from typing import Any

from crmhub.sandbox.salesforce.errors import ApiError, RowRejectedError
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.org import AUTOMATED_NUMBER, LOADER_NUMBER, OrgState
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.soql.select import json_field
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.writer import Writer, path_id
from crmhub.sandbox.vendor import ControlError

SHOWN = (
    "Account", "Campaign", "CampaignMember", "CampaignMemberStatus", "Contact", "EmailMessage", "Event", "Lead",
    "Opportunity", "OpportunityContactRole", "Task",
)  # fmt: skip


class Desk:
    """Edits ignore field-level security and duplicate rules; they become visible after the org's lag."""

    def __init__(self, org: OrgState) -> None:
        self._org = org

    def state(self) -> Iterator[dict[str, Any]]:
        """{object, id, fields, deleted, merged_into} of every business record, newest version."""
        for name in SHOWN:
            kind = self.kind(name)
            for row in self._org.tables[name].all():
                yield self._shown(kind, self._org.newest(row))

    def edit(self, object_name: str, remote_id: str, fields: dict[str, Any], actor: str) -> dict[str, Any]:
        """The id `new` creates.

        `actor`: person (the owner), import, integration, workflow, hub, or a user's id, e-mail or username.
        """
        if remote_id == "new":
            kind, record_id, row = self.kind(object_name), "", {}
        else:
            kind, record_id = self.target(object_name, remote_id)
            row = self._live(kind, record_id)
        writer = Writer(self._org, self._user(actor, row), secured=False, lag=self._org.settings.lag)
        try:
            changes = writer.deserialize(kind, fields)
            if row:
                writer.update(kind, record_id, changes)
            else:
                record_id = writer.create(kind, changes)
        except (RowRejectedError, ApiError) as refused:
            raise ControlError(str(refused)) from refused
        return self.shown(kind, record_id)

    def delete(self, object_name: str, remote_id: str) -> None:
        """To the recycle bin."""
        kind, record_id = self.target(object_name, remote_id)
        row = self._live(kind, record_id)
        try:
            writer = Writer(self._org, self._user("person", row), secured=False, lag=self._org.settings.lag)
            writer.delete(kind, record_id)
        except RowRejectedError as refused:
            raise ControlError(str(refused)) from refused

    def shown(self, kind: ObjectType, record_id: str) -> dict[str, Any]:
        """The newest version of a record as in `state`."""
        return self._shown(kind, self._live(kind, record_id))

    def _live(self, kind: ObjectType, record_id: str) -> Row:
        row = self._org.current(kind, record_id)
        if row is None:
            raise ControlError(f"no {kind.name} {record_id}")
        return row

    def kind(self, name: str) -> ObjectType:
        """The object of that name; raises ControlError."""
        kind = self._org.schema.get(name)
        if kind is None or kind.tooling:
            raise ControlError(f"object {name!r} is none of: {', '.join(item.name for item in self._org.schema)}")
        return kind

    def target(self, object_name: str, remote_id: str) -> tuple[ObjectType, str]:
        """The object and the 18-character id; raises ControlError."""
        kind = self.kind(object_name)
        record_id = path_id(kind, remote_id)
        if record_id is None:
            raise ControlError(f"{remote_id!r} is no id of {kind.name}")
        return kind, record_id

    def _user(self, actor: str, row: Row) -> str:
        if actor == "hub":
            return self._org.hub_id
        if actor in ("import", "integration"):
            return salesforce_id("005", LOADER_NUMBER)
        if actor == "workflow":
            return salesforce_id("005", AUTOMATED_NUMBER)
        users = self._org.tables["User"]
        if actor == "person":
            owner = users.get(str(row.get("OwnerId")))
            return str(owner["Id"]) if owner is not None and owner.get("IsActive") else salesforce_id("005", 1)
        for user in users.all():
            if actor in (user["Id"], user["Email"], user["Username"]):
                return str(user["Id"])
        raise ControlError(f"actor {actor!r} is no user, nor person, import, integration, workflow, hub")

    def _shown(self, kind: ObjectType, row: Row) -> dict[str, Any]:
        return {
            "object": kind.name,
            "id": row["Id"],
            "fields": {
                field.name: json_field(field, row)
                for field in kind.fields.values()
                if field.compute is None or field.custom
            },
            "deleted": bool(row.get("IsDeleted")),
            "merged_into": row.get("MasterRecordId"),
        }
