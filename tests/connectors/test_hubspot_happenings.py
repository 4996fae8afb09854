"""What happened to people: marketing e-mails, page views, lists, against the simulated HubSpot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from connectors.contract import Link, MissingScope, Page
from tests.connectors.hubspot_portal import Portal, pull, sandbox, some_contacts

EMAIL_FIELDS = ("kind", "created", "recipient", "url", "subject", "email_name", "bounce_category")


@pytest.fixture(scope="module")
def process() -> Iterator[Portal]:
    with sandbox(1_000) as ready:
        yield ready


@pytest.fixture
def portal(process: Portal) -> Portal:
    return process.renewed()


def call(portal: Portal, method: str, path: str, **more: object) -> requests.Response:
    headers = {"Authorization": f"Bearer {portal.credentials['access_token']}"}
    answer = requests.request(
        method, portal.credentials["base_url"] + path, headers=headers, json=more or None, timeout=10
    )
    assert answer.ok, answer.text
    return answer


def address(portal: Portal) -> tuple[str, str]:
    """A contact with an e-mail address."""
    return next((i, str(r["fields"]["email"])) for i, r in portal.state("contacts").items() if r["fields"].get("email"))


# ------------------------------------------------------------------------------------------- e-mail events


def test_email_events_are_what_people_did_and_nothing_that_only_machines_did(portal: Portal) -> None:
    rows, _ = pull(portal.connector(), "email_events", None, *EMAIL_FIELDS)
    assert {r.values["kind"] for r in rows} == {"OPEN", "CLICK", "BOUNCE", "UNSUBSCRIBED"}
    assert all(r.links == (Link("email", str(r.values["recipient"])),) for r in rows)
    assert all(r.values["subject"] and r.values["email_name"] for r in rows)
    assert all(bool(r.values["url"]) == (r.values["kind"] == "CLICK") for r in rows)
    assert all(r.values["bounce_category"] for r in rows if r.values["kind"] == "BOUNCE")
    feed = call(portal, "GET", "/email/public/v1/events?eventType=OPEN&limit=1000").json()["events"]
    machines = {f"{e['created']}/{e['id']}" for e in feed if e["filteredEvent"]}
    assert machines
    assert not machines & {r.id for r in rows}


def test_a_new_email_event_is_told_once_for_one_call(portal: Portal) -> None:
    connector = portal.connector()
    _, bookmark = pull(connector, "email_events", None, *EMAIL_FIELDS)
    _, email = address(portal)
    portal.later(7200)
    portal.act("mail_event", email=email, type="CLICK", url="https://www.ourfirm.example/pricing")
    before = portal.calls()
    (row,), bookmark = pull(connector, "email_events", bookmark, *EMAIL_FIELDS)
    assert portal.calls() - before == 1
    assert (row.values["kind"], row.values["recipient"], row.values["url"]) == (
        "CLICK", email, "https://www.ourfirm.example/pricing",
    )  # fmt: skip
    assert pull(connector, "email_events", bookmark, *EMAIL_FIELDS)[0] == []
    portal.act("mail_event", email=email, type="STATUSCHANGE")
    portal.act("mail_event", email=email, type="DELIVERED")
    told, bookmark = pull(connector, "email_events", bookmark, *EMAIL_FIELDS)
    assert [r.values["kind"] for r in told if r.id != row.id] == ["UNSUBSCRIBED"]


def test_a_killed_pull_of_email_events_goes_on(portal: Portal) -> None:
    connector = portal.connector()
    whole, _ = pull(connector, "email_events", None, "kind")
    pages: list[Page] = []
    bookmark = None
    for _ in range(2):  # killed after the first page, twice
        page = next(iter(connector.pull("email_events", bookmark, ("kind",))))
        pages.append(page)
        bookmark = page.bookmark
    pages += connector.pull("email_events", bookmark, ("kind",))
    assert {r.id for p in pages for r in p.rows} == {r.id for r in whole}
    assert pages[-1].done


def test_a_first_pull_of_email_events_asks_for_the_types_that_matter_only(portal: Portal) -> None:
    before = portal.calls()
    rows, _ = pull(portal.connector(), "email_events", None, "kind")
    assert portal.calls() - before <= 5 + len(rows) // 1_000


# ---------------------------------------------------------------------------------------------- page views


def test_page_views_of_the_account_are_told_with_their_contact(portal: Portal) -> None:
    connector = portal.connector()
    rows, bookmark = pull(connector, "page_views", None, "url", "title", "occurred_at")
    contacts = portal.state("contacts")
    assert len(rows) > 100
    assert all(r.links and r.links[0].id in contacts for r in rows)
    assert any(str(r.values["url"]).endswith("/pricing") for r in rows)
    portal.later(3600)
    (one,) = some_contacts(portal, 1)
    portal.act("page_view", id=one, url="https://www.ourfirm.example/pricing?x=1", title="Pricing")
    before = portal.calls()
    told, bookmark = pull(connector, "page_views", bookmark, "url", "title", "occurred_at")
    (row,) = (r for r in told if r.id not in {old.id for old in rows})
    assert (row.links, row.values["title"]) == ((Link("contacts", one),), "Pricing")
    assert pull(connector, "page_views", bookmark, "url", "title", "occurred_at")[0] == []
    assert portal.calls() - before == 2


def test_a_killed_pull_of_page_views_goes_on(portal: Portal) -> None:
    connector = portal.connector()
    whole, _ = pull(connector, "page_views", None, "url")
    first = next(iter(connector.pull("page_views", None, ("url",))))
    rest = list(connector.pull("page_views", first.bookmark, ("url",)))
    told = {r.id for p in (first, *rest) for r in p.rows}
    assert told == {r.id for r in whole}
    assert sum(len(p.rows) for p in rest) < len(whole)


def test_accounts_below_enterprise_have_no_page_views_and_everything_else(portal: Portal) -> None:
    portal.switch(enterprise=False)
    connector = portal.connector()
    with pytest.raises(MissingScope, match="Enterprise"):
        pull(connector, "page_views", None, "url")
    assert pull(connector, "email_events", None, "kind")[0]
    found = connector.check()
    (problem,) = [p for p in found.problems if "page views" in p.text]
    assert not problem.fatal
    assert "Enterprise" in problem.text + problem.remedy


# --------------------------------------------------------------------------------------------------- lists


def test_joining_a_list_is_told_once_and_reads_that_list_alone(portal: Portal) -> None:
    connector = portal.connector()
    rows, bookmark = pull(connector, "list_memberships", None, "list_name", "joined_at")
    assert len({r.values["list_name"] for r in rows}) > 3
    before = portal.calls()
    assert pull(connector, "list_memberships", bookmark, "list_name", "joined_at")[0] == []
    assert portal.calls() - before == 1
    made = call(
        portal, "POST", "/crm/v3/lists", name="Autumn fair", objectTypeId="0-1", processingType="MANUAL"
    ).json()["list"]["listId"]  # fmt: skip
    one, two = some_contacts(portal, 2)
    portal.later(60)
    portal.act("list_join", id=one, list=made)
    before = portal.calls()
    (row,), bookmark = pull(connector, "list_memberships", bookmark, "list_name", "joined_at")
    assert portal.calls() - before == 2
    assert (row.id, row.values["list_name"], row.links) == (f"{made}:{one}", "Autumn fair", (Link("contacts", one),))
    portal.later(60)
    portal.act("list_join", id=two, list=made)
    told, bookmark = pull(connector, "list_memberships", bookmark, "list_name", "joined_at")
    assert f"{made}:{two}" in {r.id for r in told}


def test_leaving_a_list_is_found_by_looking(portal: Portal) -> None:
    connector = portal.connector()
    rows, _ = pull(connector, "list_memberships", None, "list_name")
    made = call(
        portal, "POST", "/crm/v3/lists", name="Autumn fair", objectTypeId="0-1", processingType="MANUAL"
    ).json()["list"]["listId"]
    one, two = some_contacts(portal, 2)
    for contact in (one, two):
        portal.act("list_join", id=contact, list=made)
    rows, _ = pull(connector, "list_memberships", None, "list_name")
    stays, left = (
        [r.id for r in rows if r.id.endswith(f":{i}") and r.values["list_name"] == "Autumn fair"] for i in (one, two)
    )
    portal.act("list_leave", id=two, list=made)
    assert connector.links("list_memberships", [*stays, *left]) == {stays[0]: (Link("contacts", one),)}
    result = connector.read("list_memberships", [*stays, *left, "99999:1"], ("list_name",))
    assert list(result.rows) == stays
    assert [d.id for d in result.deleted] == [*left, "99999:1"]


def test_a_merged_member_is_a_member_under_the_new_id(portal: Portal) -> None:
    connector = portal.connector()
    made = call(
        portal, "POST", "/crm/v3/lists", name="Autumn fair", objectTypeId="0-1", processingType="MANUAL"
    ).json()["list"]["listId"]  # fmt: skip
    one, two = some_contacts(portal, 2)
    portal.act("list_join", id=one, list=made)
    new = portal.act("merge", object="contacts", primary=one, other=two)["id"]
    result = connector.read("list_memberships", [f"{made}:{one}"], ("list_name",))
    assert list(result.rows) == [f"{made}:{new}"]
    assert [d.id for d in result.deleted] == [f"{made}:{one}"]


def test_a_killed_pull_of_memberships_goes_on(portal: Portal) -> None:
    connector = portal.connector()
    whole, _ = pull(connector, "list_memberships", None, "list_name")
    first = next(iter(connector.pull("list_memberships", None, ("list_name",))))
    rest = list(connector.pull("list_memberships", first.bookmark, ("list_name",)))
    assert {r.id for p in (first, *rest) for r in p.rows} == {r.id for r in whole}


@pytest.mark.parametrize(
    ("stream", "scope"),
    [("email_events", "content"), ("list_memberships", "crm.lists.read"), ("deals", "crm.objects.deals.read")],
)
def test_a_missing_scope_of_one_stream_is_named_and_leaves_the_others(portal: Portal, stream: str, scope: str) -> None:
    everything = {
        "oauth", "content", "forms", "crm.lists.read", "crm.objects.owners.read", "crm.objects.contacts.read",
        "crm.objects.contacts.write", "crm.objects.companies.read", "crm.objects.companies.write",
        "crm.objects.deals.read", "crm.schemas.contacts.read", "crm.schemas.contacts.write",
        "crm.schemas.companies.read", "crm.schemas.companies.write", "crm.schemas.deals.read",
    }  # fmt: skip
    portal.switch(scopes=sorted(everything - {scope}))
    connector = portal.connector()
    with pytest.raises(MissingScope, match=scope):
        pull(connector, stream, None, "id")
    assert pull(connector, "contacts", None, "email")[0]
    problems = [p for p in connector.check().problems if scope in p.remedy]
    assert len(problems) == 1
    assert not problems[0].fatal
