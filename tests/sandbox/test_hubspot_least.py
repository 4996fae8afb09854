"""What `/calls/least` promises of HubSpot, against what the routes take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conftest import HubSpotAccount


def _least(account: HubSpotAccount) -> Any:
    return account.steer("/calls/least")["hubspot"]


def _pages(account: HubSpotAccount, path: str, **query: Any) -> int:
    """Calls to page through a GET route with cursors."""
    calls = 0
    after: dict[str, str] = {}
    while True:
        page = account.get(path, **query, **after)
        calls += 1
        if "paging" not in page:
            return calls
        after = {"after": page["paging"]["next"]["after"]}


def test_a_first_pull_of_every_stream(account: HubSpotAccount) -> None:
    least = _least(account)["first_pull"]
    for kind in ("contacts", "companies", "deals", "calls", "meetings", "notes", "tasks", "emails"):
        assert _pages(account, f"/crm/v3/objects/{kind}", limit=100) == least[kind], kind
    assert _pages(account, "/events/v3/events", eventType="e_visited_page", limit=100) == least["page_views"]
    lists = account.post("/crm/v3/lists/search", {"count": 500})
    assert (least["lists"], lists["hasMore"]) == (1, False)
    members = sum(_pages(account, f"/crm/v3/lists/{row['listId']}/memberships", limit=250) for row in lists["lists"])
    assert members == least["list_members"]
    calls, offset, more = 0, "", True
    while more:
        page = account.get("/email/public/v1/events", limit=1000, **({"offset": offset} if offset else {}))
        calls, offset, more = calls + 1, page["offset"], page["hasMore"]
    assert calls == least["mail_events"]
    opens = account.get("/email/public/v1/events", limit=1000, eventType="OPEN")
    assert (_least(account)["mail_events"]["OPEN"], opens["hasMore"]) == (1, False)


def test_records_with_many_associations_take_more_calls(account: HubSpotAccount) -> None:
    before = _least(account)["first_pull"]["deals"]
    deal = account.get("/crm/v3/objects/deals", limit=1)["results"][0]["id"]
    wish = {"vendor": "hubspot", "action": "flood", "object": "deals", "id": deal, "to": "contacts", "count": 700}
    account.steer("/act", wish)
    assert _least(account)["first_pull"]["deals"] == before + 2


def test_the_bin_is_swept_by_pages(account: HubSpotAccount) -> None:
    rows = account.get("/crm/v3/objects/contacts", limit=100)["results"]
    account.post("/crm/v3/objects/contacts/batch/archive", {"inputs": [{"id": row["id"]} for row in rows]}, 204)
    more = account.get("/crm/v3/objects/contacts", limit=1)["results"][0]["id"]
    account.call("DELETE", f"/crm/v3/objects/contacts/{more}")
    least = _least(account)["deletion_sweep"]
    assert (least["contacts"], least["deals"]) == (2, 1)
    assert _pages(account, "/crm/v3/objects/contacts", archived="true", limit=100) == 2
