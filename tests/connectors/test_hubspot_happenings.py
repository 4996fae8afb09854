"""What happened to people: marketing e-mails, page views, lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
import requests
import responses

from connectors.contract import Link, MissingScope, Page, Value
from core.mapping_activity import activity_facts
from core.mapping_shipped import read_shipped
from core.mapping_structs import ActivityRules
from tests.connectors.hubspot_kit import BASE, NOW, World, iso
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


# ------------------------------------------------------------------------------------- what no sandbox plays

EVENTS = f"{BASE}/email/public/v1/events"
LISTS = f"{BASE}/crm/v3/lists"


def event(number: int, kind: str = "OPEN", at: int = NOW) -> dict[str, Any]:
    return {"id": f"e{number}", "created": at + number, "type": kind, "recipient": "a@example.com"}


def asked(number: int) -> dict[str, str]:
    """What the call of this number asked for."""
    query = parse_qs(urlsplit(responses.calls[number].request.url or "").query)
    return {k: v[0] for k, v in query.items() if k not in ("limit", "excludeFilteredEvents")}


@responses.activate
def test_more_events_than_a_page_are_walked_through_by_type_and_a_killed_walk_goes_on_in_time() -> None:
    def feed(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        query = parse_qs(urlsplit(request.url or "").query)
        kind, offset = query.get("eventType", [""])[0], "offset" in query
        more = not kind or (kind == "OPEN" and not offset and "endTimestamp" not in query)
        found = [event(2 if more else 1, kind or "SENT")]
        return 200, {}, orjson.dumps({"hasMore": more, "offset": "o1", "events": found})

    responses.add_callback(responses.GET, EVENTS, feed)
    idle = {"v": 1, "state": "idle", "low": NOW - 1000, "n": 0, "hwm": 0, "digest": 0, "top": None}
    pages = list(World().connector().pull("email_events", idle, ("kind",)))
    assert [r.id for p in pages for r in p.rows][:2] == [f"{NOW + 2}/e2", f"{NOW + 1}/e1"]
    assert [asked(i).get("eventType") for i in range(7)] == [
        None, "OPEN", "OPEN", "CLICK", "BOUNCE", "STATUSCHANGE", "SPAMREPORT",
    ]  # fmt: skip
    assert asked(2)["offset"] == "o1"
    assert {asked(i)["startTimestamp"] for i in range(7)} == {str(NOW - 1000)}
    responses.calls.reset()
    rest = list(World().connector().pull("email_events", pages[0].bookmark, ("kind",)))
    assert asked(0) == {"eventType": "OPEN", "startTimestamp": str(NOW - 1000), "endTimestamp": str(NOW + 2)}
    assert rest[-1].done
    assert rest[-1].bookmark == pages[-1].bookmark


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"portalSubscriptionStatus": "UNSUBSCRIBED"}, "UNSUBSCRIBED"),
        ({"portalSubscriptionStatus": "SUBSCRIBED"}, "SUBSCRIBED"),
        ({"subscriptions": [{"id": 1, "status": "UNSUBSCRIBED"}]}, "UNSUBSCRIBED"),
        ({}, "SUBSCRIBED"),
    ],
)
@responses.activate
def test_a_change_of_status_is_an_unsubscribe_only_when_it_ends_something(more: dict[str, Any], kind: str) -> None:
    found = {"hasMore": False, "events": [event(1, "STATUSCHANGE") | more]}
    responses.get(EVENTS, json=found)
    idle = {"v": 1, "state": "idle", "low": NOW, "n": 0, "hwm": 0, "digest": 0, "top": None}
    (page,) = World().connector().pull("email_events", idle, ("kind",))
    assert [r.values["kind"] for r in page.rows] == [kind]


@responses.activate
@pytest.mark.parametrize("refused", [True, False])
def test_a_cursor_that_leads_astray_makes_a_list_be_read_again(refused: bool) -> None:
    def members(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        if "after=" in (request.url or ""):
            error = {"category": "VALIDATION_ERROR", "message": "The after value c is not valid"}
            return (400, {}, orjson.dumps(error)) if refused else (200, {}, orjson.dumps({"results": []}))
        joined = [{"recordId": str(i), "membershipTimestamp": iso(NOW + i * 100_000)} for i in (1, 2)]
        return 200, {}, orjson.dumps({"results": joined})

    told = {"listId": "7", "name": "Fair", "additionalProperties": {"hs_last_record_added_at": str(NOW + 200_000)}}
    responses.post(f"{LISTS}/search", json={"lists": [told], "hasMore": False})
    responses.add_callback(responses.GET, f"{LISTS}/7/memberships/join-order", members)
    mark = {"v": 1, "lists": {"7": ["c", NOW + 120_000, NOW + 120_000]}, "asked": NOW}
    pages = list(World().connector().pull("list_memberships", mark, ("list_name",)))
    assert [r.id for p in pages for r in p.rows] == ["7:2"]
    assert pages[-1].bookmark["lists"] == {"7": [None, NOW + 200_000, NOW + 200_000]}


@pytest.mark.parametrize("stream", ["page_views", "list_memberships"])
def test_a_row_that_comes_twice_on_a_page_is_one(portal: Portal, stream: str) -> None:
    portal.fault("duplicate", ".*")
    pages = list(portal.connector().pull(stream, None, ("url",)))
    portal.clear_faults()
    assert all(len({r.id for r in p.rows}) == len(p.rows) for p in pages)
    assert any(p.rows for p in pages)


@responses.activate
def test_a_list_that_was_deleted_has_no_members() -> None:
    responses.post(f"{LISTS}/search", json={"lists": [], "hasMore": False})
    responses.get(f"{LISTS}/7/memberships", status=404, json={"category": "OBJECT_NOT_FOUND"})
    connector = World().connector()
    assert connector.links("list_memberships", ["7:1"]) == {}
    assert [d.id for d in connector.read("list_memberships", ["7:1"], ()).deleted] == ["7:1"]


# ------------------------------------------------------------------------------------------ in the hub's words


def shipped(stream: str) -> ActivityRules:
    """The rules of mappings/hubspot.toml."""
    text = (Path(__file__).parents[2] / "mappings" / "hubspot.toml").read_text(encoding="utf-8")
    found, problems = read_shipped("hubspot", text)
    assert found is not None, problems
    rules = found.streams[stream].activity
    assert rules is not None
    return rules


@pytest.mark.parametrize(
    ("url", "title", "kind"),
    [
        ("https://www.ourfirm.example/pricing?x=1", "Our firm", "pricing_view"),
        ("https://www.ourfirm.example/fr/nos-offres", "Logiciel", "pricing_view"),
        ("https://www.ourfirm.example/preise/", None, "pricing_view"),
        ("https://pricing.example/blog/security", "Security", "page_view"),
        ("https://www.ourfirm.example/careers?from=pricing", "Careers", "page_view"),
    ],
)
def test_pages_with_prices_count_as_such(url: str, title: str | None, kind: str) -> None:
    facts = activity_facts(shipped("page_views"), {"url": url, "title": title, "occurred_at": NOW})
    assert facts is not None
    assert (facts.kind, facts.occurred_at) == (kind, NOW)


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        ("OPEN", "email_open"),
        ("CLICK", "email_click"),
        ("BOUNCE", "bounced"),
        ("UNSUBSCRIBED", "unsubscribed"),
        ("SPAMREPORT", "unsubscribed"),
        ("SUBSCRIBED", None),
    ],
)
def test_email_events_in_the_hubs_words(kind: str, ours: str | None) -> None:
    values: dict[str, Value] = {"kind": kind, "created": NOW, "recipient": "a@example.com", "subject": "Hello"}
    facts = activity_facts(shipped("email_events"), values)
    assert (None if facts is None else facts.kind) == ours
    assert facts is None or (facts.email, facts.title, facts.occurred_at) == ("a@example.com", "Hello", NOW)


def test_joining_a_list_in_the_hubs_words() -> None:
    facts = activity_facts(shipped("list_memberships"), {"list_name": "Autumn fair", "joined_at": NOW})
    assert facts is not None
    assert (facts.kind, facts.title, facts.occurred_at) == ("list_joined", "Autumn fair", NOW)
