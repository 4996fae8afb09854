"""Event occurrences of the HubSpot sandbox: page views account-wide and per contact, custom events, editions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from tests.conftest import HubSpotAccount

EVENTS = "/events/v3/events"
VISITED = "e_visited_page"


def _all(account: HubSpotAccount, path: str = EVENTS, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = account.get(path, **query, **after)
        found += page["results"]
        if "paging" not in page:
            return found
        after = {"after": page["paging"]["next"]["after"]}


def test_account_wide_by_type_newest_first(account: HubSpotAccount) -> None:
    everything = _all(account, eventType=VISITED, limit=100)
    assert len(everything) > 300
    times = [row["occurredAt"] for row in everything]
    assert times == sorted(times, reverse=True)
    assert len({row["id"] for row in everything}) == len(everything)
    assert {row["objectType"] for row in everything} == {"CONTACT"}
    for path in ("/events/event-occurrences/2026-03", "/events/event-occurrences/2026-09"):
        assert _all(account, path, eventType=VISITED, limit=77, sort="-occurredAt") == everything
    assert _all(account, eventType=VISITED, limit=100, sort="occurredAt") == everything[::-1]
    middle = times[len(times) // 2]
    after = _all(account, eventType=VISITED, limit=100, occurredAfter=middle)
    assert after == [row for row in everything if row["occurredAt"] >= middle]
    before = _all(account, eventType=VISITED, limit=100, occurredBefore=middle)
    assert before == [row for row in everything if row["occurredAt"] <= middle]


def test_the_link_of_a_page_leads_on(account: HubSpotAccount) -> None:
    page = account.get(EVENTS, eventType=VISITED, limit=5, sort="occurredAt")
    link = urlsplit(page["paging"]["next"]["link"])
    following = account.get(link.path, **dict(parse_qsl(link.query)))
    assert page["results"] + following["results"] == _all(account, eventType=VISITED, sort="occurredAt")[:10]


def test_per_contact_and_in_step_with_the_counters(account: HubSpotAccount) -> None:
    everything = _all(account, eventType=VISITED, limit=100)
    for contact in {row["objectId"] for row in everything[:40]}:
        mine = _all(account, objectType="contact", objectId=contact, eventType=VISITED, limit=100)
        assert mine == [row for row in everything if row["objectId"] == contact]
        found = account.get(f"/crm/v3/objects/contacts/{contact}", properties="hs_analytics_num_page_views,email")
        assert found["properties"]["hs_analytics_num_page_views"] == str(len(mine))
    email = {"objectProperty.email": found["properties"]["email"]}
    assert _all(account, objectType="contact", limit=100, **email) == mine
    one = account.get(EVENTS, id=mine[0]["id"])["results"]
    assert one == mine[:1]
    url = mine[0]["properties"]["hs_url"]
    some = _all(account, objectType="contact", objectId=contact, limit=100, **{"property.hs_url": url})
    assert some == [row for row in mine if row["properties"]["hs_url"] == url]


def test_what_the_query_must_say(account: HubSpotAccount) -> None:
    assert account.call("GET", EVENTS).status_code == 400
    assert account.call("GET", EVENTS, objectId="1").status_code == 400
    assert account.call("GET", EVENTS, eventType=VISITED, limit=101).status_code == 400
    assert account.call("GET", EVENTS, eventType=VISITED, sort="id").status_code == 400
    assert account.call("GET", EVENTS, eventType=VISITED, after="!").status_code == 400
    assert account.call("GET", EVENTS, eventType=VISITED, occurredAfter="soon").status_code == 400
    assert account.get(EVENTS, objectType="contact", objectId="1")["results"] == []
    assert account.get(EVENTS, objectType="ticket", objectId="1")["results"] == []


def test_types_are_listed_whatever_the_edition(account: HubSpotAccount) -> None:
    account.steer("/settings", {"vendor": "hubspot", "enterprise": False})
    assert VISITED in account.get(f"{EVENTS}/event-types")["eventTypes"]
    answer = account.call("GET", EVENTS, eventType=VISITED)
    assert (answer.status_code, answer.json()["category"]) == (403, "FORBIDDEN")


def test_a_page_seen_now_and_custom_events(account: HubSpotAccount) -> None:
    made = account.post("/crm/v3/objects/contacts", {"properties": {"email": "visitor@example.com"}}, 201)["id"]
    account.steer("/clock", {"advance": 1000})
    wish = {"vendor": "hubspot", "action": "page_view", "id": made, "url": "https://www.ourfirm.example/pricing"}
    account.steer("/act", wish)
    newest = account.get(EVENTS, eventType=VISITED, limit=1)["results"][0]
    assert (newest["objectId"], newest["occurredAt"]) == (made, "2026-11-02T08:00:01.000Z")
    portal = account.get("/account-info/v3/details")["portalId"]
    event = {"eventName": f"pe{portal}_called_api", "email": "visitor@example.com", "properties": {"plan": "gold"}}
    account.post("/events/v3/send", event, 204)
    assert f"pe{portal}_called_api" in account.get(f"{EVENTS}/event-types")["eventTypes"]
    sent = account.get(EVENTS, eventType=f"pe{portal}_called_api")["results"]
    assert [(row["objectId"], row["properties"]) for row in sent] == [(made, {"plan": "gold"})]
    assert account.call("POST", "/events/v3/send", {**event, "eventName": "x"}).status_code == 400


def test_events_follow_a_merge(account: HubSpotAccount) -> None:
    views = _all(account, eventType=VISITED, limit=100)
    first = views[0]["objectId"]
    second = next(row["objectId"] for row in views if row["objectId"] != first)
    count = sum(row["objectId"] in (first, second) for row in views)
    survivor = account.post("/crm/v3/objects/contacts/merge", {"primaryObjectId": first, "objectIdToMerge": second})
    mine = _all(account, objectType="contact", objectId=survivor["id"], limit=100)
    assert len(mine) == count
    assert _all(account, objectType="contact", objectId=first, limit=100) == mine
    wide = _all(account, eventType=VISITED, limit=100)
    assert [row for row in wide if row["objectId"] == survivor["id"]] == mine


def test_the_official_client_reads_events(account: HubSpotAccount) -> None:
    from hubspot import HubSpot

    client = HubSpot(access_token=account.token, host=account.base, base_url=account.base)
    page = client.events.events_api.get_page(event_type=VISITED, limit=3)
    assert [row.event_type for row in page.results] == [VISITED] * 3
    again = client.events.events_api.get_page(event_type=VISITED, limit=3, after=page.paging.next.after)
    assert {row.id for row in again.results}.isdisjoint(row.id for row in page.results)
