"""Lists of the HubSpot sandbox and who is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import HubSpotAccount

LISTS = "/crm/v3/lists"
CONTACTS = "/crm/v3/objects/contacts"


def _named(account: HubSpotAccount, name: str) -> Any:
    return account.get(f"{LISTS}/object-type-id/0-1/name/{name}")["list"]


def _members(account: HubSpotAccount, number: str, tail: str = "", **query: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    after: dict[str, str] = {}
    while True:
        page = account.get(f"{LISTS}/{number}/memberships{tail}", **query, **after)
        found += page["results"]
        if "paging" not in page:
            assert len(found) == page["total"]
            return found
        after = {"after": page["paging"]["next"]["after"]}


def _put(account: HubSpotAccount, path: str, body: Any) -> Any:
    answer = account.call("PUT", f"{LISTS}/{path}", body)
    assert answer.status_code in (200, 204), answer.text
    return answer.json() if answer.content else None


def test_search(account: HubSpotAccount) -> None:
    page = account.post(f"{LISTS}/search", {"count": 3, "sort": "-HS_UPDATED_AT"})
    assert (page["total"], page["hasMore"], page["offset"], len(page["lists"])) == (8, True, 3, 3)
    times = [row["updatedAt"] for row in page["lists"]]
    assert times == sorted(times, reverse=True)
    dynamic = account.post("/crm/lists/2026-09/search", {"processingTypes": ["DYNAMIC"], "count": 250})
    assert {row["processingType"] for row in dynamic["lists"]} == {"DYNAMIC"}
    first = dynamic["lists"][0]
    assert int(first["additionalProperties"]["hs_list_size"]) == len(_members(account, first["listId"]))
    assert account.post(f"{LISTS}/search", {"query": "secur"})["total"] == 1
    assert account.post(f"{LISTS}/search", {"listIds": [first["listId"]]})["lists"] == [first]
    for bad in ({"count": 501}, {"offset": 9_900, "count": 101}, {"sort": "name"}):
        assert account.call("POST", f"{LISTS}/search", bad).status_code == 400


def test_memberships_page_by_id_and_by_join_time(account: HubSpotAccount) -> None:
    number = _named(account, "Customers")["listId"]
    rows = _members(account, number, limit=7)
    assert len(rows) > 10
    ids = [int(row["recordId"]) for row in rows]
    assert ids == sorted(ids)
    joined = _members(account, number, "/join-order", limit=7)
    times = [row["membershipTimestamp"] for row in joined]
    assert times == sorted(times)
    assert sorted(joined, key=lambda row: int(row["recordId"])) == rows
    assert account.call("GET", f"{LISTS}/{number}/memberships", limit=251).status_code == 400
    assert account.call("GET", f"{LISTS}/{number}/memberships", after="?").status_code == 400
    mine = account.get(f"{LISTS}/records/0-1/{ids[0]}/memberships")["results"]
    assert number in {row["listId"] for row in mine}


def test_manual_lists_are_written_and_dynamic_ones_are_not(account: HubSpotAccount) -> None:
    contacts = [row["id"] for row in account.get(CONTACTS, limit=5)["results"]]
    made = account.post(LISTS, {"name": "Hub: hot", "objectTypeId": "0-1", "processingType": "MANUAL"})["list"]
    done = _put(account, f"{made['listId']}/memberships/add", [*contacts[:3], "1"])
    assert done == {"recordsIdsAdded": contacts[:3], "recordIdsRemoved": [], "recordIdsMissing": ["1"]}
    account.steer("/clock", {"advance": 1000})
    wish = {"recordIdsToAdd": contacts[2:], "recordIdsToRemove": contacts[:1]}
    done = _put(account, f"{made['listId']}/memberships/add-and-remove", wish)
    assert done == {"recordsIdsAdded": contacts[3:], "recordIdsRemoved": contacts[:1], "recordIdsMissing": []}
    assert [row["recordId"] for row in _members(account, made["listId"], "/join-order")] == contacts[1:]
    assert account.get(f"{LISTS}/{made['listId']}")["list"]["size"] == 4
    _put(account, f"{made['listId']}/memberships/remove", contacts)
    assert _members(account, made["listId"]) == []
    customers = _named(account, "Customers")["listId"]
    answer = account.call("PUT", f"{LISTS}/{customers}/memberships/add", contacts)
    assert (answer.status_code, answer.json()["subCategory"]) == (400, "ILS.INVALID_PROCESSING_TYPE")
    change = {"vendor": "hubspot", "action": "list_join", "list": customers}
    outside = next(one for one in contacts if one not in {row["recordId"] for row in _members(account, customers)})
    assert account.steer("/act", {**change, "id": outside})["changed"] is True
    assert outside in {row["recordId"] for row in _members(account, customers)}


def test_lists_come_and_go(account: HubSpotAccount) -> None:
    wish = {"name": "Gone soon", "objectTypeId": "contacts", "processingType": "SNAPSHOT"}
    made = account.post("/crm/lists/2026-03", wish)["list"]
    assert account.call("POST", LISTS, wish).json()["subCategory"] == "ILS.DUPLICATE_LIST_NAMES"
    number = made["listId"]
    renamed = account.call("PUT", f"{LISTS}/{number}/update-list-name?listName=Later").json()["updatedList"]
    assert (renamed["name"], renamed["listVersion"]) == ("Later", 2)
    assert account.call("DELETE", f"{LISTS}/{number}").status_code == 204
    assert account.call("GET", f"{LISTS}/{number}").status_code == 404
    _put(account, f"{number}/restore", None)
    assert account.get(LISTS, listIds=number)["lists"][0]["name"] == "Later"
    filters = account.get(f"{LISTS}/{_named(account, 'Germany')['listId']}", includeFilters="true")["list"]
    assert filters["filterBranch"]["filterBranchType"] == "OR"
    bad = {"name": "x", "objectTypeId": "0-1", "processingType": "DYNAMIC"}
    assert account.call("POST", LISTS, bad).status_code == 400


def test_members_follow_merges_and_the_bin(account: HubSpotAccount) -> None:
    number = _named(account, "Customers")["listId"]
    ids = [row["recordId"] for row in _members(account, number)]
    survivor = account.post(f"{CONTACTS}/merge", {"primaryObjectId": ids[0], "objectIdToMerge": ids[1]})["id"]
    account.call("DELETE", f"{CONTACTS}/{ids[2]}")
    assert {row["recordId"] for row in _members(account, number)} == {survivor, *ids[3:]}
    account.steer("/act", {"vendor": "hubspot", "action": "restore", "object": "contacts", "id": ids[2]})
    assert {row["recordId"] for row in _members(account, number)} == {survivor, *ids[2:]}


@pytest.mark.parametrize(("method", "tail", "needed"), [("GET", "", "read"), ("POST", "/search", "read"),
                                                        ("POST", "", "write")])  # fmt: skip
def test_lists_have_scopes_of_their_own(account: HubSpotAccount, method: str, tail: str, needed: str) -> None:
    account.steer("/settings", {"vendor": "hubspot", "scopes": ["crm.objects.contacts.read"]})
    answer = account.call(method, LISTS + tail, {})
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["context"]["requiredGranularScopes"] == [f"crm.lists.{needed}"]


def test_the_official_client(account: HubSpotAccount) -> None:
    from hubspot import HubSpot

    client = HubSpot(access_token=account.token, host=account.base, base_url=account.base)
    api = client.crm.lists
    found = api.lists_api.do_search({"count": 100, "query": "newsletter"})
    number = found.lists[0].list_id
    assert api.lists_api.get_by_id(number).list.name == "Newsletter readers"
    members = api.memberships_api.get_page(number, limit=250)
    contact = client.crm.contacts.basic_api.create({"properties": {"lastname": "Reader"}}).id
    assert api.memberships_api.add(number, [contact]).records_ids_added == [contact]
    assert api.memberships_api.get_page(number, limit=250).total == members.total + 1
    mine = api.memberships_api.get_lists("0-1", contact).results
    assert [row.list_id for row in mine] == [number]
