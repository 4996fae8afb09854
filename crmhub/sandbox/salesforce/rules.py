"""What the org itself fills in and insists on, object by object, when a record is saved."""

from collections.abc import Callable

from crmhub.sandbox.salesforce.errors import reject
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import day_of

Rule = Callable[[OrgState, Row, Row | None], None]
"""(org, the row about to be saved, the row before or None); changes the row or raises RowRejectedError."""

_PROBABILITY = {
    "Prospecting": 10, "Qualification": 10, "Needs Analysis": 20, "Value Proposition": 50, "Id. Decision Makers": 60,
    "Perception Analysis": 70, "Proposal/Price Quote": 75, "Negotiation/Review": 90, "Closed Won": 100,
    "Closed Lost": 0,
}  # fmt: skip
MINUTE = 60_000


def person_name(row: Row) -> None:
    """Name = FirstName LastName."""
    row["Name"] = " ".join(str(row[key]) for key in ("FirstName", "LastName") if row.get(key)) or None


def _lead(_org: OrgState, row: Row, before: Row | None) -> None:
    if before is not None and before.get("IsConverted"):
        raise reject("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    person_name(row)


def _contact(_org: OrgState, row: Row, _before: Row | None) -> None:
    person_name(row)
    row["IsEmailBounced"] = row.get("EmailBouncedReason") is not None


def _links(org: OrgState, row: Row) -> None:
    who = org.reference(row.get("WhoId"))
    what = org.reference(row.get("WhatId"))
    if who is not None and who[0].name == "Lead" and row.get("WhatId"):
        message = "You cannot relate a lead's activity to another record: WhatId"
        raise reject("FIELD_INTEGRITY_EXCEPTION", message, "WhatId")
    row["AccountId"] = None
    if what is not None:
        row["AccountId"] = what[1]["Id"] if what[0].name == "Account" else what[1].get("AccountId")
    elif who is not None and who[0].name == "Contact":
        row["AccountId"] = who[1].get("AccountId")


def _task(org: OrgState, row: Row, before: Row | None) -> None:
    _links(org, row)
    row.setdefault("TaskSubtype", "Task")
    row["IsHighPriority"] = row.get("Priority") == "High"
    row["IsClosed"] = row.get("Status") == "Completed"
    was_closed = before is not None and bool(before.get("IsClosed"))
    if not row["IsClosed"]:
        row["CompletedDateTime"] = None
    elif not was_closed:
        row["CompletedDateTime"] = org.stamp()


def _event(org: OrgState, row: Row, before: Row | None) -> None:
    _links(org, row)
    start = row.get("StartDateTime")
    if before is None or row.get("ActivityDateTime") != before.get("ActivityDateTime"):
        start = row.get("ActivityDateTime") or start
    end, minutes = row.get("EndDateTime"), row.get("DurationInMinutes")
    if not isinstance(start, int) or (not isinstance(end, int) and not isinstance(minutes, int)):
        names = ("DurationInMinutes", "ActivityDateTime")
        raise reject("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", *names)
    moved = before is not None and before.get("EndDateTime") != end
    if isinstance(end, int) and (before is None or moved):
        minutes = (end - start) // MINUTE
    assert isinstance(minutes, int)
    if minutes < 0:
        raise reject("FIELD_INTEGRITY_EXCEPTION", "The event cannot end before it starts: End Date Time", "EndDateTime")
    row["StartDateTime"] = row["ActivityDateTime"] = start
    row["EndDateTime"] = start + minutes * MINUTE
    row["DurationInMinutes"] = minutes
    row["ActivityDate"] = day_of(start)
    row.setdefault("ShowAs", "Busy")
    row.setdefault("EventSubtype", "Event")


def _opportunity(_org: OrgState, row: Row, before: Row | None) -> None:
    stage = str(row.get("StageName"))
    row["IsClosed"] = stage.startswith("Closed")
    row["IsWon"] = stage == "Closed Won"
    if before is None or before.get("StageName") != stage:
        row["Probability"] = float(_PROBABILITY.get(stage, 50))


def _user(_org: OrgState, row: Row, _before: Row | None) -> None:
    person_name(row)


def _permission_set(org: OrgState, row: Row, before: Row | None) -> None:
    row["IsCustom"] = True
    same = org.tables["PermissionSet"].find("Name", row.get("Name")) - {str(row["Id"])}
    if before is None and same:
        found = sorted(same)[0]
        message = f"duplicate value found: Name duplicates value on record with id: {found[:15]}"
        raise reject("DUPLICATE_DEVELOPER_NAME", message, "Name")


def _assignment(org: OrgState, row: Row, _before: Row | None) -> None:
    row["IsActive"] = True
    table = org.tables["PermissionSetAssignment"]
    for found in table.find("AssigneeId", row["AssigneeId"]) - {str(row["Id"])}:
        other = table.get(found)
        if other is not None and other["PermissionSetId"] == row.get("PermissionSetId"):
            message = (
                f"Duplicate PermissionSetAssignment. Assignee: {row['AssigneeId']}; "
                f"Permission Set: {row.get('PermissionSetId')}"
            )
            raise reject("DUPLICATE_VALUE", message, "PermissionSetId", "AssigneeId")


def _field_permissions(org: OrgState, row: Row, _before: Row | None) -> None:
    kind = org.schema.get(str(row.get("SobjectType")))
    owner, _, name = str(row.get("Field")).partition(".")
    field = kind.field(name) if kind else None
    if kind is None or field is None or owner.lower() != kind.name.lower():
        message = f"Field Name: bad value for restricted picklist field: {row.get('Field')}"
        raise reject("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, "Field")
    if not field.permissionable:
        message = f"You cannot deploy to a required field: {kind.name}.{field.name}"
        raise reject("FIELD_INTEGRITY_EXCEPTION", message, "Field")
    if row.get("PermissionsEdit") and not row.get("PermissionsRead"):
        message = "Field permissions must allow reading where they allow editing"
        raise reject("FIELD_INTEGRITY_EXCEPTION", message, "PermissionsRead")
    row["SobjectType"], row["Field"] = kind.name, f"{kind.name}.{field.name}"
    table = org.tables["FieldPermissions"]
    for found in table.find("Field", row["Field"]) - {str(row["Id"])}:
        other = table.get(found)
        if other is not None and other["ParentId"] == row["ParentId"]:
            message = f"duplicate value found: Field, ParentId duplicates value on record with id: {found[:15]}"
            raise reject("DUPLICATE_VALUE", message, "Field", "ParentId")


_RULES: dict[str, Rule] = {
    "Lead": _lead,
    "Contact": _contact,
    "Task": _task,
    "Event": _event,
    "Opportunity": _opportunity,
    "User": _user,
    "PermissionSet": _permission_set,
    "PermissionSetAssignment": _assignment,
    "FieldPermissions": _field_permissions,
}


def save_rules(org: OrgState, kind: ObjectType, row: Row, before: Row | None) -> None:
    """Apply the object's own rules to a row about to be saved."""
    rule = _RULES.get(kind.name)
    if rule is not None:
        rule(org, row, before)
