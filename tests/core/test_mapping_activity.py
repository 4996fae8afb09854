"""Rows of activity and owner streams in the fixed vocabulary, by the shipped tables."""

from __future__ import annotations

import pytest

from core.mapping import ActivityFacts, OwnerFacts
from core.model import ActivityKind
from tests.core.mapping_kit import good

AT = "2027-01-11T09:00:00.000Z"
END = "2027-01-11T10:00:00.000Z"
AT_MS = 1_799_658_000_000
END_MS = AT_MS + 3_600_000


def facts(connection: str, stream: str, **values: str | bool | int | None) -> ActivityFacts | None:
    return good().activity(connection, stream, values)


def happened(connection: str, stream: str, **values: str | bool | int | None) -> ActivityFacts:
    found = facts(connection, stream, **values)
    assert found is not None
    return found


def test_a_finished_call() -> None:
    found = happened(
        "hubspot",
        "calls",
        hs_timestamp=AT,
        hs_call_status="COMPLETED",
        hs_call_direction="INBOUND",
        hs_call_title="Pricing",
        hs_call_disposition="f240bbac-87c9-4f6e-bf70-924b57d47db7",
        hubspot_owner_id="77",
    )
    assert found == ActivityFacts(
        ActivityKind.CALL, AT_MS, True, "Pricing", direction="in", outcome="connected", owner_id="77"
    )


def test_a_call_nobody_took_is_no_occurrence() -> None:
    found = happened("hubspot", "calls", hs_timestamp=AT, hs_call_status="NO_ANSWER")
    assert (found.completed, found.occurred_at) == (False, None)


def test_a_due_date_is_no_occurrence() -> None:
    open_task = happened("hubspot", "tasks", hs_timestamp=AT, hs_task_status="NOT_STARTED", hs_task_subject="Call")
    assert (open_task.occurred_at, open_task.completed) == (None, False)
    done = happened("hubspot", "tasks", hs_timestamp=AT, hs_task_status="COMPLETED", hs_task_completion_date=END)
    assert (done.occurred_at, done.completed) == (END_MS, True)
    due = happened("salesforce", "tasks", ActivityDate="2027-01-11", IsClosed=False, TaskSubtype="Task")
    assert due.occurred_at is None


def test_a_meeting_counts_when_it_is_over() -> None:
    row = {"hs_meeting_start_time": AT, "hs_meeting_end_time": END}
    unmarked = happened("hubspot", "meetings", **row)
    assert (unmarked.completed, unmarked.ends_at) == (False, END_MS)
    assert not unmarked.happened(END_MS - 1)
    assert unmarked.happened(END_MS)
    held = happened("hubspot", "meetings", hs_meeting_outcome="COMPLETED", **row)
    assert held.happened(0)
    missed = happened("hubspot", "meetings", hs_meeting_outcome="NO_SHOW", **row)
    assert not missed.happened(END_MS + 1)
    assert missed.outcome == "no_show"


@pytest.mark.parametrize("subject", ["No show: demo", "Meeting ANNULÉ", "Canceled: intro"])
def test_people_write_the_outcome_into_the_subject(subject: str) -> None:
    found = happened("salesforce", "events", Subject=subject, StartDateTime=AT, EndDateTime=END)
    assert not found.happened(END_MS + 1)


def test_a_salesforce_event() -> None:
    found = happened("salesforce", "events", Subject="Intro", StartDateTime=AT, EndDateTime=END, OwnerId="005x")
    assert (found.kind, found.occurred_at, found.owner_id) == (ActivityKind.MEETING, AT_MS, "005x")
    assert found.happened(END_MS)


@pytest.mark.parametrize(
    ("subtype", "kind"),
    [
        ("Call", ActivityKind.CALL),
        ("Email", ActivityKind.EMAIL_SENT),
        ("IncomingEmail", ActivityKind.EMAIL_REPLY),
        ("LinkedIn", ActivityKind.SOCIAL_INTERACTION),
        ("Task", ActivityKind.TASK),
        (None, ActivityKind.TASK),
    ],
)
def test_salesforce_tasks_by_subtype(subtype: str | None, kind: ActivityKind) -> None:
    found = happened("salesforce", "tasks", **{"Message.Kind": subtype}, IsClosed=True, CompletedDateTime=AT)
    assert (found.kind, found.occurred_at, found.completed) == (kind, AT_MS, True)


def test_mass_mail_and_forwarded_mail_are_no_activities() -> None:
    assert facts("salesforce", "tasks", **{"Message.Kind": "ListEmail"}, IsClosed=True) is None
    assert facts("hubspot", "emails", hs_email_direction="FORWARDED_EMAIL") is None


def test_mail_there_and_back() -> None:
    sent = happened("hubspot", "emails", hs_email_direction="EMAIL", hs_email_status="SENT", hs_timestamp=AT)
    assert (sent.kind, sent.direction, sent.completed) == (ActivityKind.EMAIL_SENT, "out", True)
    reply = happened("hubspot", "emails", hs_email_direction="INCOMING_EMAIL", hs_timestamp=AT)
    assert (reply.kind, reply.direction, reply.completed) == (ActivityKind.EMAIL_REPLY, "in", True)
    failed = happened("hubspot", "emails", hs_email_direction="EMAIL", hs_email_status="BOUNCED", hs_timestamp=AT)
    assert not failed.completed


@pytest.mark.parametrize(
    ("name", "url", "kind"),
    [
        ("Book a demo", "", ActivityKind.DEMO_REQUESTED),
        ("Réserver une DÉMO", "", ActivityKind.DEMO_REQUESTED),
        ("Demande de devis", "", ActivityKind.QUOTE_REQUESTED),
        ("Pricing request", "https://x.com/contact", ActivityKind.QUOTE_REQUESTED),
        ("Contact us", "https://x.com/demo", ActivityKind.CONTACT_REQUESTED),
        ("Newsletter", "", ActivityKind.NEWSLETTER_SUBSCRIBED),
        ("Webinar: contact data", "", ActivityKind.WEBINAR_ATTENDED),
        ("Livre blanc RGPD", "", ActivityKind.CONTENT_DOWNLOAD),
        ("download_ebook", "", ActivityKind.CONTENT_DOWNLOAD),
        ("Form 17", "https://x.com/fr/demander-un-devis?utm=demo", ActivityKind.QUOTE_REQUESTED),
        ("Form 17", "https://demo.x.com/start", ActivityKind.FORM_SUBMITTED),
        ("Demography survey", "", ActivityKind.FORM_SUBMITTED),
        (None, None, ActivityKind.FORM_SUBMITTED),
    ],
)
def test_forms_by_words(name: str | None, url: str | None, kind: ActivityKind) -> None:
    row = {"form_name": name, "page_url": url, "submitted_at": AT_MS, "email": "a@b.co"}
    found = happened("hubspot", "form_submissions", **row)
    assert (found.kind, found.occurred_at, found.email, found.title) == (kind, AT_MS, "a@b.co", name or None)


def test_web_forms_logged_as_tasks() -> None:
    row: dict[str, str | bool] = {"TaskSubtype": "Task", "IsClosed": True, "CompletedDateTime": AT}
    demo = happened("salesforce", "tasks", Subject="Web form: demo request", **row)
    other = happened("salesforce", "tasks", Subject="Web form: survey", **row)
    assert (demo.kind, other.kind) == (ActivityKind.DEMO_REQUESTED, ActivityKind.FORM_SUBMITTED)


def test_streams_of_people_hold_no_activities() -> None:
    assert facts("hubspot", "contacts", email="a@b.co") is None


def test_owners_and_queues() -> None:
    mapping = good()
    rep = mapping.owner("hubspot", "owners", {"email": "Rep@Acme.com", "firstName": "Ann", "lastName": "Lee"})
    assert rep == OwnerFacts("rep@acme.com", "Ann Lee", active=True, queue=False)
    pool = mapping.owner("hubspot", "owners", {"email": None, "firstName": "Inbound", "type": "QUEUE"})
    assert pool == OwnerFacts(None, "Inbound", active=True, queue=True)
    gone = mapping.owner("salesforce", "users", {"Email": "x@y.co", "Name": "X", "IsActive": False})
    assert gone == OwnerFacts("x@y.co", "X", active=False, queue=False)
    queue = mapping.owner("salesforce", "queues", {"Name": "Web Leads"})
    assert queue == OwnerFacts(None, "Web Leads", active=True, queue=True)
    assert mapping.owner("hubspot", "calls", {}) is None
