"""Task, Event, and EmailMessage, which an org with enhanced e-mail has besides."""

from dataclasses import replace

from crmhub.sandbox.salesforce.schema.field import (
    Field,
    area,
    day,
    email,
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

_WHAT = "Account Campaign Opportunity"


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


def email_message() -> ObjectType:
    """An e-mail with its addresses; `ActivityId` is the task that stands for it on timelines."""
    fields = [
        *record_fields(),
        reference("ActivityId", "Activity ID", "Task", updateable=False),
        reference("RelatedToId", "Related To ID", _WHAT),
        area("TextBody", "Text Body", 131_072),
        area("HtmlBody", "HTML Body", 131_072),
        area("Headers", "Headers", 32_000),
        text("Subject", "Subject", 3000),
        text("FromName", "From Name", 1000),
        email("FromAddress", "From Address", length=1000, id_lookup=False),
        text("ToAddress", "To Address", 4000),
        text("CcAddress", "CC Address", 4000),
        text("BccAddress", "BCC Address", 4000),
        flag("Incoming", "Is Incoming", updateable=False, permissionable=False),
        flag("HasAttachment", "Has Attachment", createable=False, updateable=False, permissionable=False),
        picklist(
            "Status", "Status", "0|1|2|*3|4|5", restricted=True, nillable=False, default="3", permissionable=False
        ),
        moment("MessageDate", "Message Date"),
        flag("IsExternallyVisible", "Is Externally Visible", permissionable=False),
        flag("IsClientManaged", "Is Client Managed", permissionable=False),
        text("MessageIdentifier", "Message ID", 765),
        text("ThreadIdentifier", "Thread ID", 765),
    ]
    children = (Child("EmailMessageRelations", "EmailMessageRelation", "EmailMessageId"),)
    return ObjectType("EmailMessage", "Email Message", "Email Messages", "02s", by_name(fields), children)


def email_message_relation() -> ObjectType:
    """One address of an e-mail and the lead, contact or user behind it."""
    fields = [
        *record_fields(),
        reference(
            "EmailMessageId", "Email Message ID", "EmailMessage", nillable=False, updateable=False, permissionable=False
        ),
        reference("RelationId", "Relation ID", "Contact Lead User", updateable=False, permissionable=False),
        picklist(
            "RelationType",
            "Relation Type",
            "FromAddress|ToAddress|CcAddress|BccAddress|OtherAddress",
            restricted=True,
            nillable=False,
            updateable=False,
            permissionable=False,
        ),
        text("RelationAddress", "Relation Address", 1000, updateable=False, permissionable=False),
        read_only(text("RelationObjectType", "Relation Object Type", 40)),
    ]
    return ObjectType(
        "EmailMessageRelation", "Email Message Relation", "Email Message Relations", "0RE", by_name(fields),
        updateable=False,
    )  # fmt: skip
