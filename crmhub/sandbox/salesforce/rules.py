"""What the org itself fills in and insists on, object by object, when a record is saved."""

from collections.abc import Callable

from crmhub.sandbox.salesforce.errors import reject
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.rules_deals import contact_role, opportunity
from crmhub.sandbox.salesforce.rules_emails import email_message, email_relation
from crmhub.sandbox.salesforce.rules_members import campaign, member, member_status
from crmhub.sandbox.salesforce.rules_setup import assignment, field_permissions, permission_set
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import day_of

Rule = Callable[[OrgState, Row, Row | None], None]
"""(org, the row about to be saved, the row before or None); changes the row or raises RowRejectedError."""

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


def _links(org: OrgState, row: Row, before: Row | None) -> None:
    who = org.reference(row.get("WhoId"))
    what = org.reference(row.get("WhatId"))
    moved = before is None or before.get("WhoId") != row.get("WhoId")
    if moved and who is not None and who[1].get("IsConverted"):
        raise reject("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", "WhoId")
    if who is not None and who[0].name == "Lead" and row.get("WhatId"):
        message = "You cannot relate a lead's activity to another record: WhatId"
        raise reject("FIELD_INTEGRITY_EXCEPTION", message, "WhatId")
    row["AccountId"] = None
    if what is not None:
        row["AccountId"] = what[1]["Id"] if what[0].name == "Account" else what[1].get("AccountId")
    elif who is not None and who[0].name == "Contact":
        row["AccountId"] = who[1].get("AccountId")


def _task(org: OrgState, row: Row, before: Row | None) -> None:
    _links(org, row, before)
    row.setdefault("TaskSubtype", "Task")
    row["IsHighPriority"] = row.get("Priority") == "High"
    row["IsClosed"] = row.get("Status") == "Completed"
    was_closed = before is not None and bool(before.get("IsClosed"))
    if not row["IsClosed"]:
        row["CompletedDateTime"] = None
    elif not was_closed:
        row["CompletedDateTime"] = org.stamp()


def _event(org: OrgState, row: Row, before: Row | None) -> None:
    _links(org, row, before)
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


def _user(_org: OrgState, row: Row, _before: Row | None) -> None:
    person_name(row)


_RULES: dict[str, Rule] = {
    "Lead": _lead,
    "Contact": _contact,
    "Task": _task,
    "Event": _event,
    "User": _user,
    "Opportunity": opportunity,
    "OpportunityContactRole": contact_role,
    "Campaign": campaign,
    "CampaignMember": member,
    "CampaignMemberStatus": member_status,
    "EmailMessage": email_message,
    "EmailMessageRelation": email_relation,
    "PermissionSet": permission_set,
    "PermissionSetAssignment": assignment,
    "FieldPermissions": field_permissions,
}


def save_rules(org: OrgState, kind: ObjectType, row: Row, before: Row | None) -> None:
    """Apply the object's own rules to a row about to be saved."""
    rule = _RULES.get(kind.name)
    if rule is not None:
        rule(org, row, before)
