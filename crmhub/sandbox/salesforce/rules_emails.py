"""E-mails of an org with enhanced e-mail: a message brings its task."""

from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import day_of


def email_message(org: OrgState, row: Row, before: Row | None) -> None:
    """A new message that is no draft appears on timelines as a completed task."""
    if before is not None or row.get("ActivityId") or row.get("Status") == "5":
        return
    kind = org.schema.get("Task")
    assert kind is not None
    stamp = org.stamp()
    at = row.get("MessageDate")
    task: Row = {
        "Id": org.new_id(kind),
        "Subject": f"Email: {row.get('Subject') or ''}"[:255],
        "Status": "Completed",
        "Priority": "Normal",
        "TaskSubtype": "Email",
        "IsClosed": True,
        "ActivityDate": day_of(at if isinstance(at, int) else stamp),
        "CompletedDateTime": stamp,
        "WhatId": row.get("RelatedToId"),
        "OwnerId": org.user_id,
        "CreatedDate": stamp,
        "CreatedById": org.user_id,
        "LastModifiedDate": stamp,
        "LastModifiedById": org.user_id,
        "SystemModstamp": stamp,
    }
    org.put(kind, task)
    row["ActivityId"] = task["Id"]


def email_relation(org: OrgState, row: Row, before: Row | None) -> None:
    """The lead or contact at the other end becomes the task's Who."""
    found = org.reference(row.get("RelationId"))
    row["RelationObjectType"] = None if found is None else found[0].name
    message = org.reference(row.get("EmailMessageId"))
    if before is not None or found is None or message is None or found[0].name == "User":
        return
    task = org.reference(message[1].get("ActivityId"))
    if task is not None and not task[1].get("WhoId"):
        org.put(task[0], {**task[1], "WhoId": row["RelationId"], "SystemModstamp": org.stamp()})
