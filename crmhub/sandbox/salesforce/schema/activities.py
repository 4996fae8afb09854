"""Task, Event, Opportunity."""

from dataclasses import replace

from crmhub.sandbox.salesforce.schema.field import (
    Field,
    area,
    day,
    flag,
    moment,
    number,
    picklist,
    read_only,
    reference,
    text,
)
from crmhub.sandbox.salesforce.schema.object import Child, ObjectType
from crmhub.sandbox.salesforce.schema.system import by_name, record_fields

STAGES = (
    "Prospecting|Qualification|Needs Analysis|Value Proposition|Id. Decision Makers|Perception Analysis|"
    "Proposal/Price Quote|Negotiation/Review|Closed Won|Closed Lost"
)
_WHAT = "Account Opportunity"


def _links() -> list[Field]:
    return [
        reference("WhoId", "Name ID", "Contact Lead"),
        reference("WhatId", "Related To ID", _WHAT),
        replace(text("Subject", "Subject"), type="combobox"),
        area("Description", "Description"),
        read_only(reference("AccountId", "Account ID", "Account")),
        reference("OwnerId", "Assigned To ID", "User", nillable=False, default="", permissionable=False),
        read_only(flag("IsArchived", "Archived")),
        flag("IsRecurrence", "Create Recurring Series", updateable=False, permissionable=False),
        flag("IsReminderSet", "Reminder Set", permissionable=False),
        moment("ReminderDateTime", "Reminder Date/Time"),
    ]


def task() -> ObjectType:
    """Calls, e-mails and things to do. ActivityDate is the due date; IsClosed follows Status."""
    fields = [
        *record_fields(),
        *_links(),
        day("ActivityDate", "Due Date Only"),
        picklist(
            "Status",
            "Status",
            "*Not Started|In Progress|Completed|Waiting on someone else|Deferred",
            nillable=False,
            default="Not Started",
            permissionable=False,
        ),
        picklist("Priority", "Priority", "High|*Normal|Low", nillable=False, default="Normal", permissionable=False),
        read_only(flag("IsHighPriority", "High Priority")),
        read_only(flag("IsClosed", "Closed")),
        read_only(moment("CompletedDateTime", "Completed Date/Time")),
        number("CallDurationInSeconds", "Call Duration", "int", 8, 0),
        picklist("CallType", "Call Type", "Internal|Inbound|Outbound", restricted=True),
        text("CallDisposition", "Call Result"),
        text("CallObject", "Call Object Identifier"),
        picklist(
            "TaskSubtype",
            "Task Subtype",
            "*Task|Email|ListEmail|Cadence|Call|LinkedIn",
            restricted=True,
            updateable=False,
        ),
    ]
    return ObjectType("Task", "Task", "Tasks", "00T", by_name(fields), activity=True)


def event() -> ObjectType:
    """Meetings. DurationInMinutes or EndDateTime, the other follows."""
    fields = [
        *record_fields(),
        *_links(),
        text("Location", "Location"),
        flag("IsAllDayEvent", "All-Day Event", permissionable=False),
        moment("ActivityDateTime", "Due Date Time", permissionable=False),
        day("ActivityDate", "Due Date Only", permissionable=False),
        number("DurationInMinutes", "Duration", "int", 8, 0, permissionable=False),
        moment("StartDateTime", "Start Date Time", permissionable=False),
        moment("EndDateTime", "End Date Time", permissionable=False),
        flag("IsPrivate", "Private"),
        picklist("ShowAs", "Show Time As", "*Busy|OutOfOffice|Free", restricted=True, permissionable=False),
        read_only(flag("IsChild", "Is Child")),
        read_only(flag("IsGroupEvent", "Is Group Event")),
        picklist("EventSubtype", "Event Subtype", "*Event", restricted=True, updateable=False),
    ]
    return ObjectType("Event", "Event", "Events", "00U", by_name(fields), activity=True)


def opportunity() -> ObjectType:
    """A deal. IsClosed, IsWon and Probability follow StageName."""
    fields = [
        *record_fields(),
        reference("AccountId", "Account ID", "Account"),
        text("Name", "Name", 120, nillable=False, name_field=True, permissionable=False),
        area("Description", "Description"),
        picklist("StageName", "Stage", STAGES, nillable=False, permissionable=False),
        number("Amount", "Amount", "currency", 18, 2),
        number("Probability", "Probability (%)", "percent", 3, 0),
        text("NextStep", "Next Step"),
        day("CloseDate", "Close Date", nillable=False, permissionable=False),
        picklist(
            "Type",
            "Opportunity Type",
            "Existing Customer - Upgrade|Existing Customer - Replacement|New Customer",
        ),
        picklist("LeadSource", "Lead Source", "Web|Phone Inquiry|Partner Referral|Purchased List|Other"),
        read_only(flag("IsClosed", "Closed")),
        read_only(flag("IsWon", "Won")),
        reference("OwnerId", "Owner ID", "User", nillable=False, default="", permissionable=False),
        read_only(day("LastActivityDate", "Last Activity")),
    ]
    children = (Child("Tasks", "Task", "WhatId"), Child("Events", "Event", "WhatId"))
    return ObjectType("Opportunity", "Opportunity", "Opportunities", "006", by_name(fields), children)
