"""Marketing e-mail events, campaigns and e-mails of the HubSpot sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import HubSpotAccount

EVENTS = "/email/public/v1/events"
DAY = 86_400_000


def _all(account: HubSpotAccount, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    offset = ""
    while True:
        page = account.get(EVENTS, **query, **({"offset": offset} if offset else {}))
        found += page["events"]
        offset = page["offset"]
        if not page["hasMore"]:
            return found


def test_events_come_newest_first_and_page_by_offset(account: HubSpotAccount) -> None:
    everything = _all(account, limit=1000)
    assert len(everything) > 200
    times = [row["created"] for row in everything]
    assert times == sorted(times, reverse=True)
    assert len({(row["id"], row["created"]) for row in everything}) == len(everything)
    assert _all(account, limit=37) == everything
    assert len(account.get(EVENTS)["events"]) == 10
    assert account.call("GET", EVENTS, limit=1001).status_code == 400
    assert account.call("GET", EVENTS, offset="%%%").status_code == 400
    kinds = {row["type"] for row in everything}
    assert {"SENT", "PROCESSED", "DELIVERED", "BOUNCE", "OPEN", "CLICK"} <= kinds


def test_windows_types_and_recipients_filter(account: HubSpotAccount) -> None:
    everything = _all(account, limit=1000)
    middle = everything[len(everything) // 2]["created"]
    part = _all(account, limit=1000, startTimestamp=middle - 20 * DAY, endTimestamp=middle)
    assert part == [row for row in everything if middle - 20 * DAY <= row["created"] <= middle]
    clicks = _all(account, limit=1000, eventType="CLICK")
    assert clicks == [row for row in everything if row["type"] == "CLICK"]
    assert all(row["url"].startswith("https://www.ourfirm.example/") for row in clicks)
    mine = _all(account, limit=1000, recipient=clicks[0]["recipient"].upper())
    assert {row["recipient"] for row in mine} == {clicks[0]["recipient"]}
    campaign = clicks[0]["emailCampaignId"]
    some = _all(account, limit=1000, campaignId=campaign, eventType="CLICK")
    assert some == [row for row in clicks if row["emailCampaignId"] == campaign]
    assert account.call("GET", EVENTS, eventType="click").status_code == 400


def test_filtered_events_can_be_left_out(account: HubSpotAccount) -> None:
    opens = _all(account, limit=1000, eventType="OPEN")
    marked = [row for row in opens if row["filteredEvent"]]
    assert marked
    assert _all(account, limit=1000, eventType="OPEN", excludeFilteredEvents="true") == [
        row for row in opens if not row["filteredEvent"]
    ]


def test_single_events_and_the_sending_they_go_back_to(account: HubSpotAccount) -> None:
    opened = _all(account, limit=1000, eventType="OPEN")[0]
    assert account.get(f"{EVENTS}/{opened['created']}/{opened['id']}") == opened
    sent = account.get(f"{EVENTS}/{opened['sentBy']['created']}/{opened['sentBy']['id']}")
    assert (sent["type"], sent["recipient"]) == ("SENT", opened["recipient"])
    assert sent["subject"]
    assert account.call("GET", f"{EVENTS}/{opened['created']}/nothing").status_code == 404


def test_events_agree_with_the_counters_of_contacts(account: HubSpotAccount) -> None:
    contacts = {
        row["fields"]["email"]: row["fields"]
        for row in account.state()
        if row["object"] == "contacts" and row["fields"].get("hs_email_open")
    }
    opens: dict[str, list[int]] = {}
    for row in _all(account, limit=1000, eventType="OPEN", excludeFilteredEvents="true"):
        opens.setdefault(row["recipient"], []).append(row["created"])
    agree = [email for email, fields in contacts.items() if len(opens.get(email, [])) == int(fields["hs_email_open"])]
    # role addresses are shared, and who gave another address in a form is known by that one
    assert len(agree) > 0.9 * len(contacts)


def test_a_mail_opened_now(account: HubSpotAccount) -> None:
    number = account.post("/crm/v3/objects/contacts", {"properties": {"email": "reader@example.com"}}, 201)["id"]
    account.steer("/clock", {"advance": 5000})
    wish = {"vendor": "hubspot", "action": "mail_event", "email": "reader@example.com"}
    made = account.steer("/act", {**wish, "type": "CLICK"})
    newest = account.get(EVENTS, limit=1)["events"][0]
    assert (newest["id"], newest["type"], newest["created"]) == (made["id"], "CLICK", made["created"])
    names = "hs_email_click,hs_email_last_click_date,hs_email_optout"
    found = account.get(f"/crm/v3/objects/contacts/{number}", properties=names)
    assert found["properties"]["hs_email_click"] == "1"
    assert found["properties"]["hs_email_last_click_date"] == found["updatedAt"] == "2026-11-02T08:00:05.000Z"
    account.steer("/act", {**wish, "type": "STATUSCHANGE"})
    change = account.get(EVENTS, eventType="STATUSCHANGE", recipient="reader@example.com")["events"][0]
    assert change["subscriptions"][0]["status"] == "UNSUBSCRIBED"
    found = account.get(f"/crm/v3/objects/contacts/{number}", properties=names)
    assert found["properties"]["hs_email_optout"] == "true"


def test_campaigns_and_mails(account: HubSpotAccount) -> None:
    first = account.get("/email/public/v1/campaigns/by-id", limit=10)
    rest = account.get("/email/public/v1/campaigns/by-id", limit=10, offset=first["offset"])
    assert (first["hasMore"], rest["hasMore"]) == (True, False)
    ids = [row["id"] for row in first["campaigns"] + rest["campaigns"]]
    assert len(set(ids)) == 16
    one = account.get(f"/email/public/v1/campaigns/{ids[3]}")
    sent = _all(account, limit=1000, campaignId=ids[3], eventType="SENT")
    assert one["counters"]["sent"] == len(sent)
    assert one["subject"] == sent[0]["subject"]
    mails = account.get("/marketing/v3/emails", limit=5, includeStats="true")
    assert mails["total"] == 16
    assert mails["results"][3]["stats"]["counters"]["sent"] == len(sent)
    after = account.get("/marketing/emails/2026-09", limit=100, after=mails["paging"]["next"]["after"])
    assert len(after["results"]) == 11
    span = {"startTimestamp": "2020-01-01T00:00:00Z", "endTimestamp": "2030-01-01T00:00:00Z"}
    stats = account.get("/marketing/v3/emails/statistics/list", **span)
    assert stats["aggregate"]["counters"]["sent"] == len(_all(account, limit=1000, eventType="SENT"))


def test_the_official_client_lists_marketing_mails(account: HubSpotAccount) -> None:
    from hubspot import HubSpot

    client = HubSpot(access_token=account.token, host=account.base, base_url=account.base)
    api = client.marketing.emails.marketing_emails_api
    page = api.get_page(limit=4, include_stats=True)
    assert (page.total, len(page.results)) == (16, 4)
    assert api.get_by_id(page.results[0].id).subject == page.results[0].subject


@pytest.mark.parametrize("path", [EVENTS, "/marketing/v3/emails"])
def test_mails_need_their_scope(account: HubSpotAccount, path: str) -> None:
    account.steer("/settings", {"vendor": "hubspot", "scopes": ["crm.objects.contacts.read"]})
    answer = account.call("GET", path)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["context"]["requiredGranularScopes"] == ["content"]
