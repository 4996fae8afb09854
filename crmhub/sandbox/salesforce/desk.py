"""The org's own screens: what people and other apps do there, and the state the control port shows."""

from collections.abc import Iterator
from typing import Any

from crmhub.sandbox.ids import salesforce_id
from crmhub.sandbox.salesforce.errors import ApiError, RowRejectedError
from crmhub.sandbox.salesforce.lifecycle import Lifecycle
from crmhub.sandbox.salesforce.org import AUTOMATED_NUMBER, LOADER_NUMBER, OrgState
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.soql.select import json_field
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.writer import Writer, path_id
from crmhub.sandbox.vendor import ControlError

SHOWN = ("Account", "Contact", "Event", "Lead", "Opportunity", "Task")


_CONVERT_INTO = ("account", "contact")


class Desk:
    """Edits ignore field-level security and duplicate rules; they become visible after the org's lag."""

    def __init__(self, org: OrgState) -> None:
        self._org = org

    def state(self) -> Iterator[dict[str, Any]]:
        """{object, id, fields, deleted, merged_into} of every business record, newest version."""
        for name in SHOWN:
            kind = self._kind(name)
            for row in self._org.tables[name].all():
                yield self._shown(kind, self._org.current(kind, str(row["Id"])) or row)

    def edit(self, object_name: str, remote_id: str, fields: dict[str, Any], actor: str) -> dict[str, Any]:
        """`actor`: person (the owner), import, integration, workflow, hub, or a user's id, e-mail or username."""
        kind, record_id = self._target(object_name, remote_id)
        row = self._org.current(kind, record_id)
        if row is None:
            raise ControlError(f"no {kind.name} {remote_id}")
        writer = Writer(self._org, self._user(actor, row), secured=False, lag=self._org.settings.lag)
        try:
            writer.update(kind, record_id, writer.deserialize(kind, fields))
        except RowRejectedError as refused:
            raise ControlError(str(refused)) from refused
        except ApiError as refused:
            raise ControlError(str(refused)) from refused
        changed = self._org.current(kind, record_id)
        assert changed is not None
        return self._shown(kind, changed)

    def delete(self, object_name: str, remote_id: str) -> None:
        """To the recycle bin."""
        kind, record_id = self._target(object_name, remote_id)
        row = self._org.current(kind, record_id)
        if row is None:
            raise ControlError(f"no {kind.name} {remote_id}")
        try:
            writer = Writer(self._org, self._user("person", row), secured=False, lag=self._org.settings.lag)
            writer.delete(kind, record_id)
        except RowRejectedError as refused:
            raise ControlError(str(refused)) from refused

    def act(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Take the one-off actions out of a settings wish and do them; -> what is left. Raises ControlError.

        {"merge": {"object", "winner", "losers": [ids]}} · {"convert": {"lead", "account"?, "contact"?}} ·
        {"touch": "Lead"}: a mass update that gives every live record of the object one and the same stamp.
        """
        left = dict(wish)
        try:
            if "merge" in left:
                self._merge(_object(left.pop("merge")))
            if "convert" in left:
                self._convert(_object(left.pop("convert")))
        except RowRejectedError as refused:
            raise ControlError(str(refused)) from refused
        if "touch" in left:
            self._touch(self._kind(str(left.pop("touch"))))
        return left

    def _merge(self, wish: dict[str, Any]) -> None:
        losers = wish.get("losers")
        if not isinstance(losers, list):
            raise ControlError("merge wants object, winner and losers")
        kind, winner = self._target(str(wish.get("object")), str(wish.get("winner")))
        ids = [self._target(kind.name, str(loser))[1] for loser in losers]
        self._lifecycle().merge(kind, winner, ids)

    def _convert(self, wish: dict[str, Any]) -> None:
        _, lead = self._target("Lead", str(wish.get("lead")))
        others = [wish.get(name) and self._target(name.capitalize(), str(wish[name]))[1] for name in _CONVERT_INTO]
        self._lifecycle().convert(lead, *others)

    def _touch(self, kind: ObjectType) -> None:
        stamp = self._org.stamp()
        table = self._org.tables[kind.name]
        live = [one for one in table.ids() if not (table.brief(one) or {}).get("IsDeleted")]
        by = salesforce_id("005", LOADER_NUMBER)
        table.patch(live, {"SystemModstamp": stamp, "LastModifiedDate": stamp, "LastModifiedById": by})

    def _lifecycle(self) -> Lifecycle:
        person = salesforce_id("005", 1)
        return Lifecycle(self._org, Writer(self._org, person, secured=False))

    def _kind(self, name: str) -> ObjectType:
        kind = self._org.schema.get(name)
        if kind is None or kind.tooling:
            raise ControlError(f"object {name!r} is none of: {', '.join(item.name for item in self._org.schema)}")
        return kind

    def _target(self, object_name: str, remote_id: str) -> tuple[ObjectType, str]:
        kind = self._kind(object_name)
        record_id = path_id(kind, remote_id)
        if record_id is None:
            raise ControlError(f"{remote_id!r} is no id of {kind.name}")
        return kind, record_id

    def _user(self, actor: str, row: Row) -> str:
        if actor == "hub":
            return self._org.user_id
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
            "fields": {field.name: json_field(field, row) for field in kind.fields.values()},
            "deleted": bool(row.get("IsDeleted")),
            "merged_into": row.get("MasterRecordId"),
        }


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ControlError("a JSON object is wanted here")
    return value
