"""Object permissions and field-level security: what the running user may see and change.

A field made through the Tooling API is granted to nobody until FieldPermissions of a permission set assigned
to the user say so.
"""

from collections.abc import Callable, Mapping

from crmhub.sandbox.salesforce.schema.field import Field
from crmhub.sandbox.salesforce.schema.object import ObjectType, Schema
from crmhub.sandbox.salesforce.settings import Settings
from crmhub.sandbox.salesforce.table import Table

ENHANCED = frozenset({"EmailMessage", "EmailMessageRelation"})


class Access:
    """Answers for the running user. `forget` after any write to the permission tables."""

    def __init__(
        self, schema: Schema, tables: Mapping[str, Table], settings: Settings, user_id: Callable[[], str]
    ) -> None:
        self._tables = tables
        self._settings = settings
        self._user_id = user_id
        # what the profile grants: every field the org was made with
        self._profile = {f"{kind.name}.{field.name}" for kind in schema for field in kind.fields.values()}
        self._granted: dict[str, tuple[frozenset[str], frozenset[str]]] = {}

    def forget(self) -> None:
        """Permissions changed."""
        self._granted = {}

    def reads(self, kind: ObjectType) -> bool:
        """Whether the object exists for the user."""
        if kind.name in ENHANCED and not self._settings.enhanced_email:
            return False
        return self._settings.object_access.get(kind.name) != "none"

    def writes(self, kind: ObjectType) -> bool:
        """Whether records of the object can be made, changed and deleted."""
        return self.reads(kind) and self._settings.object_access.get(kind.name) != "read"

    @property
    def shows_inactive(self) -> bool:
        """Whether describe lists deactivated picklist values."""
        return self._settings.inactive_options_shown

    def grant(self, name: str) -> None:
        """A field made on the screens, where making one shows it to every profile."""
        self._profile.add(name)

    def withdraw(self, name: str) -> None:
        """The field is gone: one of the same name starts without rights."""
        self._profile.discard(name)
        self.forget()

    def sees(self, kind: ObjectType, field: Field) -> bool:
        """Whether the field shows in describe, queries and records."""
        name = f"{kind.name}.{field.name}"
        if name in self._settings.hidden_fields:
            return False
        return not field.permissionable or name in self._profile or name in self._grants()[0]

    def edits(self, kind: ObjectType, field: Field) -> bool:
        """Whether security lets the user write it (the field itself may still be read-only)."""
        name = f"{kind.name}.{field.name}"
        if name in self._settings.read_only_fields:
            return False
        if not self.sees(kind, field):
            return False
        return not field.permissionable or name in self._profile or name in self._grants()[1]

    def _grants(self) -> tuple[frozenset[str], frozenset[str]]:
        user_id = self._user_id()
        if user_id not in self._granted:
            assignments = self._tables["PermissionSetAssignment"].all()
            mine = {row["PermissionSetId"] for row in assignments if row["AssigneeId"] == user_id}
            me = self._tables["User"].get(user_id)
            profile = me.get("ProfileId") if me else None
            mine |= {row["Id"] for row in self._tables["PermissionSet"].all() if row.get("ProfileId") == profile}
            rows = [row for row in self._tables["FieldPermissions"].all() if row["ParentId"] in mine]
            readable = frozenset(str(row["Field"]) for row in rows if row.get("PermissionsRead"))
            editable = frozenset(str(row["Field"]) for row in rows if row.get("PermissionsEdit"))
            self._granted[user_id] = readable, editable
        return self._granted[user_id]
