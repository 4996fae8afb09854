"""Create, update, upsert and delete one record, as one user, with the vendor's refusals in the vendor's order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crmhub.sandbox.salesforce.errors import RowError, RowRejectedError, reject
from crmhub.sandbox.salesforce.ids import to18
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.policies import Policies
from crmhub.sandbox.salesforce.rules import save_rules
from crmhub.sandbox.salesforce.schema.field import Field, Value
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.values import problems, read, rewritten, settle

Changes = dict[Field, Value]
_CHILDREN = {
    "Account": (
        ("Contact", "AccountId"),
        ("Opportunity", "AccountId"),
        ("Task", "WhatId"),
        ("Event", "WhatId"),
    ),
    "Contact": (
        ("Task", "WhoId"),
        ("Event", "WhoId"),
        ("OpportunityContactRole", "ContactId"),
        ("CampaignMember", "ContactId"),
    ),
    "Lead": (("Task", "WhoId"), ("Event", "WhoId"), ("CampaignMember", "LeadId")),
    "Opportunity": (("Task", "WhatId"), ("Event", "WhatId"), ("OpportunityContactRole", "OpportunityId")),
    "Campaign": (
        ("CampaignMember", "CampaignId"),
        ("CampaignMemberStatus", "CampaignId"),
        ("Task", "WhatId"),
        ("Event", "WhatId"),
    ),
    "EmailMessage": (("EmailMessageRelation", "EmailMessageId"),),
    "PermissionSet": (("PermissionSetAssignment", "PermissionSetId"), ("FieldPermissions", "ParentId")),
}
"""What goes with a record that is deleted."""


_LINKS = frozenset({"OpportunityContactRole", "CampaignMember", "CampaignMemberStatus", "EmailMessageRelation"})
"""Without one of its parents such a record cannot come back; others come back with a blank reference."""


@dataclass(frozen=True, slots=True)
class Writer:
    """`user_id` becomes LastModifiedById. `secured`: field-level security and duplicate rules apply (the API)."""

    org: OrgState
    user_id: str
    secured: bool = True
    allow_duplicates: bool = False
    assigns: bool = False
    """The org's lead assignment rule applies."""
    lag: float = 0.0

    def deserialize(self, kind: ObjectType, body: Mapping[str, Any], skip: Iterable[str] = ()) -> Changes:
        """JSON to stored values. Unknown names raise RowRejectedError INVALID_FIELD, impossible JSON ApiError."""
        ignored = {"attributes", *(name.lower() for name in skip)}
        changes: Changes = {}
        for name, value in body.items():
            if name.lower() in ignored:
                continue
            field = kind.field(name)
            relation = kind.relation(name)
            if field is None and relation is not None and isinstance(value, dict):
                changes[relation] = self._by_external_id(relation, value)
            elif field is None or (self.secured and not self.org.access.sees(kind, field)):
                raise reject("INVALID_FIELD", f"No such column '{name}' on sobject of type {kind.name}")
            else:
                changes[field] = read(field, value)
        return changes

    def create(self, kind: ObjectType, changes: Changes) -> str:
        """A new record; -> its id."""
        if not kind.createable:
            raise reject("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {kind.name} does not support create")
        self._permitted(kind)
        self._writable(kind, changes, create=True)
        # an explicit null on create leaves the default in force
        changes = {field: value for field, value in changes.items() if value is not None or field.default is None}
        row: Row = {"Id": self.org.new_id(kind)}
        for field in kind.fields.values():
            if field.default is not None and field.default != "" and field.default is not False:
                row[field.name] = field.default
            elif field.type == "picklist" and field.createable:
                chosen = next((option.value for option in field.options if option.default), None)
                if chosen is not None:
                    row[field.name] = chosen
        self._apply(kind, row, changes)
        if self.assigns and kind.name == "Lead" and self.org.settings.assign_leads_to:
            row["OwnerId"] = self.org.settings.assign_leads_to
        if kind.field("OwnerId") is not None and not row.get("OwnerId"):
            row["OwnerId"] = self.user_id
        missing = [field.name for field in kind.fields.values() if field.required and row.get(field.name) is None]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise reject("REQUIRED_FIELD_MISSING", message, *missing)
        self._check(kind, row, changes, None)
        stamp = self.org.stamp()
        self._audit(kind, row, {"CreatedDate": stamp, "CreatedById": self.user_id}, stamp)
        self._save(kind, row, None)
        return str(row["Id"])

    def update(self, kind: ObjectType, record_id: str, changes: Changes) -> None:
        """Change a live record; even a change of nothing moves the stamps."""
        before = self.live(kind, record_id)
        if not kind.updateable:
            raise reject("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {kind.name} does not support update")
        self._writable(kind, changes, create=False)
        row = dict(before)
        self._apply(kind, row, changes)
        missing = [field.name for field in changes if not field.nillable and row.get(field.name) is None]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise reject("REQUIRED_FIELD_MISSING", message, *missing)
        self._check(kind, row, changes, before)
        self._audit(kind, row, {}, self.org.stamp())
        self._save(kind, row, before)

    def delete(self, kind: ObjectType, record_id: str) -> None:
        """To the bin, with what belongs to it; without a bin: gone."""
        before = self.live(kind, record_id)
        if not kind.deletable:
            raise reject("CANNOT_DELETE_ENTITY", f"entity type {kind.name} does not support delete")
        self._cascade(kind, record_id)
        self._remove(kind, before)

    def undelete(self, kind: ObjectType, record_id: str) -> None:
        """Out of the bin, with what went along; stamps move. Raises UNDELETE_FAILED."""
        row = self.org.current(kind, record_id)
        if row is None or not row.get("IsDeleted") or not self.org.in_bin(row) or not kind.binned:
            raise reject("UNDELETE_FAILED", "Entity is not in the recycle bin")
        back = {**row, "IsDeleted": False, "MasterRecordId": None, "_DeletedAt": None, "_DeletedWith": None}
        lost = self._lost_parents(kind, row)
        if lost and kind.name in _LINKS:
            raise reject("UNDELETE_FAILED", f"The parent record is deleted: {lost[0]}")
        back |= dict.fromkeys(lost)
        self._audit(kind, back, {}, self.org.stamp())
        self.org.put(kind, back, self.lag)
        for name, _ in _CHILDREN.get(kind.name, ()):
            child_kind = self.org.schema.get(name)
            assert child_kind is not None
            for child in sorted(self.org.tables[name].find("_DeletedWith", record_id)):
                gone = self.org.current(child_kind, child)
                if gone is None or not gone.get("IsDeleted") or not self.org.in_bin(gone):
                    continue
                lost = self._lost_parents(child_kind, gone) if name in _LINKS else []
                if lost:  # it comes back with the other one
                    self.org.put(child_kind, {**gone, "_DeletedWith": gone[lost[0]]})
                else:
                    self.undelete(child_kind, child)

    def _lost_parents(self, kind: ObjectType, row: Row) -> list[str]:
        """The references to records that are deleted."""
        keys = (key for children in _CHILDREN.values() for name, key in children if name == kind.name)
        return [key for key in dict.fromkeys(keys) if row.get(key) and self.org.reference(row[key]) is None]

    def _cascade(self, kind: ObjectType, record_id: str) -> None:
        for name, key in _CHILDREN.get(kind.name, ()):
            child_kind = self.org.schema.get(name)
            assert child_kind is not None
            for child in sorted(self.org.tables[name].find(key, record_id)):
                row = self.org.row(child_kind, child)
                if row is None or row.get("IsDeleted"):
                    continue
                if name == "CampaignMember" and row.get("LeadId") and row.get("ContactId") and kind.name == "Lead":
                    continue  # it is the contact's by now
                self._cascade(child_kind, child)
                self._remove(child_kind, row, record_id)

    def live(self, kind: ObjectType, record_id: str) -> Row:
        """The row to write to; raises INVALID_CROSS_REFERENCE_KEY, ENTITY_IS_DELETED, UNABLE_TO_LOCK_ROW."""
        row = self.org.current(kind, record_id)
        if row is None:
            raise reject("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404)
        left = self.org.settings.locked.get(record_id, 0)
        if left > 0:
            self.org.settings.locked[record_id] = left - 1
            message = f"unable to obtain exclusive access to this record or 1 records: {record_id}"
            raise reject("UNABLE_TO_LOCK_ROW", message, status=self.org.settings.lock_status)
        if self.lag == 0:
            self.org.commit_record(record_id)
        if self.secured and not self.org.visible(kind, row):
            message = "insufficient access rights on cross-reference id"
            raise reject("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", message)
        self._permitted(kind)
        if row.get("IsDeleted") and not self.org.in_bin(row):
            raise reject("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404)
        if row.get("IsDeleted"):
            status = self.org.settings.deleted_status
            raise reject("ENTITY_IS_DELETED", "entity is deleted", status=status)
        return row

    def matches(self, kind: ObjectType, field: Field, value: str) -> list[str]:
        """Ids of the live records whose external id is this value."""
        table = self.org.tables[kind.name]
        found = []
        for record_id in sorted(table.find(field.name, value)):
            row = table.get(record_id)
            if row is None or row.get("IsDeleted") or (self.secured and not self.org.visible(kind, row)):
                continue
            if field.case_sensitive and row.get(field.name) != value:
                continue
            found.append(record_id)
        return found

    def _remove(self, kind: ObjectType, row: Row, parent: str | None = None) -> None:
        if not kind.binned or (kind.name == "CampaignMember" and not self.org.settings.campaign_members_binned):
            self.org.drop(kind, str(row["Id"]))
            return
        stamp = self.org.stamp()
        gone = {**row, "IsDeleted": True, "_DeletedAt": self.org.clock.now(), "_DeletedWith": parent}
        self._audit(kind, gone, {}, stamp)
        self.org.put(kind, gone, self.lag)

    def _apply(self, kind: ObjectType, row: Row, changes: Changes) -> None:
        for field, value in changes.items():
            settled = settle(field, value) if problems(field, value) is None else value
            mode = self.org.settings.rewrite.get(f"{kind.name}.{field.name}")
            if mode is not None:
                settled = rewritten(mode, settled)
            if settled is None and field.type == "boolean":
                settled = False
            row[field.name] = settled

    def _permitted(self, kind: ObjectType) -> None:
        if self.secured and not self.org.access.writes(kind):
            message = "insufficient access rights on object id"
            raise reject("INSUFFICIENT_ACCESS_OR_READONLY", message, status=403)

    def _writable(self, kind: ObjectType, changes: Changes, *, create: bool) -> None:
        names = []
        for field in changes:
            allowed = field.createable if create else field.updateable
            if not allowed or (self.secured and not self.org.access.edits(kind, field)):
                names.append(field.name)
        if names:
            message = (
                f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this "
                "field and verify that it is read/write for your profile or permission set."
            )
            raise reject("INVALID_FIELD_FOR_INSERT_UPDATE", message, *names)

    def _check(self, kind: ObjectType, row: Row, changes: Changes, before: Row | None) -> None:
        found: list[RowError] = []
        for field in changes:
            value = row.get(field.name)
            problem = problems(field, value) or self._reference_problem(field, value)
            if problem is not None:
                found.append(problem)
        if found:
            raise RowRejectedError(*found)
        policies = Policies(self.org)
        policies.unique(kind, row, changes)
        policies.validation_rules(kind, row)
        if self.secured and not self.allow_duplicates:
            policies.duplicate_rules(kind, row, before)

    def _reference_problem(self, field: Field, value: Value) -> RowError | None:
        if field.type != "reference" or not isinstance(value, str):
            return None
        kind = self.org.schema.by_prefix(value[:3])
        if kind is None or kind.name not in field.reference_to:
            message = f"{field.label}: id value of incorrect type: {value}"
            return RowError("MALFORMED_ID", message, (field.name,))
        row = self.org.current(kind, value)
        if row is None:
            return RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if row.get("IsDeleted"):
            return RowError("ENTITY_IS_DELETED", "entity is deleted")
        if self.secured and not self.org.visible(kind, row):
            message = f"insufficient access rights on cross-reference id: {value}"
            return RowError("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", message)
        if field.name == "OwnerId" and kind.name == "User" and not row.get("IsActive"):
            message = f"operation performed with inactive user [{value[:15]}] as owner of record"
            return RowError("INACTIVE_OWNER_OR_USER", message, (field.name,))
        return None

    def _by_external_id(self, relation: Field, value: Mapping[str, Any]) -> Value:
        """`"Account": {"Ext__c": "x"}`: the id of the record that this names."""
        named = {name: item for name, item in value.items() if name != "attributes"}
        if len(named) == 1:
            name, wanted = next(iter(named.items()))
            for target in relation.reference_to:
                kind = self.org.schema.get(target)
                field = kind.field(name) if kind else None
                if kind is not None and field is not None and (field.external_id or field.id_lookup):
                    found = self.matches(kind, field, str(wanted))
                    if len(found) == 1:
                        return found[0]
                    message = f"Foreign key external ID: {wanted} not found for field {name} in entity {kind.name}"
                    raise reject("INVALID_FIELD", message)
        raise reject("INVALID_FIELD", f"Foreign key field not found in {relation.relationship}")

    def _audit(self, kind: ObjectType, row: Row, created: Row, stamp: int) -> None:
        values: Row = {
            **created,
            "LastModifiedDate": stamp,
            "LastModifiedById": self.user_id,
            "SystemModstamp": stamp,
        }
        for name, value in values.items():
            if kind.field(name) is not None:
                row[name] = value

    def _save(self, kind: ObjectType, row: Row, before: Row | None) -> None:
        Policies(self.org).workflows(kind, row, before)
        save_rules(self.org, kind, row, before)
        self.org.put(kind, row, self.lag)


def path_id(kind: ObjectType, text: str) -> str | None:
    """An id of this object from a URL or body in 18 characters, or None."""
    record_id = to18(text)
    return record_id if record_id is not None and record_id.startswith(kind.prefix) else None
