"""What happens to records of the HubSpot sandbox by hand: bin, restore, privacy, options, stages, numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import HubSpotAccount

CONTACTS = "/crm/v3/objects/contacts"
DAY = 86_400_000


def _make(account: HubSpotAccount, **values: str) -> str:
    made = account.post(CONTACTS, {"properties": {"lastname": "Test", **values}}, 201)
    return str(made["id"])


def _act(account: HubSpotAccount, action: str, **wish: Any) -> Any:
    return account.steer("/act", {"vendor": "hubspot", "action": action, **wish})


def _refused(account: HubSpotAccount, action: str, **wish: Any) -> str:
    body = {"vendor": "hubspot", "action": action, **wish}
    answer = account.http.post(f"{account.control}/act", json=body, timeout=30)
    assert answer.status_code == 400
    return str(answer.json()["error"])


def _search(account: HubSpotAccount, since: str) -> list[str]:
    rule = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": since}
    body = {"filterGroups": [{"filters": [rule]}], "limit": 200}
    return [row["id"] for row in account.post(f"{CONTACTS}/search", body)["results"]]


def test_a_restore_moves_no_stamp_and_search_by_time_misses_it(account: HubSpotAccount) -> None:
    number = _make(account, email="back@example.com")
    company = account.get("/crm/v3/objects/companies", limit=1)["results"][0]["id"]
    account.call("PUT", f"/crm/v4/objects/contacts/{number}/associations/default/companies/{company}")
    before = account.get(f"{CONTACTS}/{number}")["updatedAt"]
    account.steer("/clock", {"advance": 60_000})
    assert _act(account, "archive", object="contacts", id=number)["deleted"] is True
    assert [row["id"] for row in account.get(CONTACTS, archived="true")["results"]] == [number]
    account.steer("/clock", {"advance": DAY})
    since = str(account.steer("/clock")["now"])
    assert _act(account, "restore", object="contacts", id=number)["deleted"] is False
    found = account.get(f"{CONTACTS}/{number}", properties="email,associatedcompanyid")
    assert (found["updatedAt"], found["archived"]) == (before, False)
    assert found["properties"]["email"] == "back@example.com"
    assert found["properties"]["associatedcompanyid"] == company
    assert account.get(CONTACTS, archived="true")["results"] == []
    assert _search(account, since) == []
    assert account.get(f"{CONTACTS}/back@example.com", idProperty="email")["id"] == number
    assert "not in the recycle bin" in _refused(account, "restore", object="contacts", id=number)


def test_a_restore_may_move_the_stamp(account: HubSpotAccount) -> None:
    account.steer("/settings", {"vendor": "hubspot", "restore_stamps": True})
    number = _make(account)
    _act(account, "archive", object="contacts", id=number)
    account.steer("/clock", {"advance": 60_000})
    _act(account, "restore", object="contacts", id=number)
    assert _search(account, str(account.steer("/clock")["now"])) == [number]


def test_a_restore_is_refused_when_the_address_is_taken(account: HubSpotAccount) -> None:
    number = _make(account, email="same@example.com")
    _act(account, "archive", object="contacts", id=number)
    other = _make(account, email="same@example.com")
    assert other in _refused(account, "restore", object="contacts", id=number)


def test_after_ninety_days_the_bin_is_emptied(account: HubSpotAccount) -> None:
    number = _make(account)
    account.call("DELETE", f"{CONTACTS}/{number}")
    account.steer("/clock", {"advance": 89 * DAY})
    assert account.get(f"{CONTACTS}/{number}", archived="true")["archivedAt"] == "2026-11-02T08:00:00.000Z"
    account.steer("/clock", {"advance": DAY})
    assert account.get(CONTACTS, archived="true")["results"] == []
    assert account.call("GET", f"{CONTACTS}/{number}", archived="true").status_code == 404
    assert "not in the recycle bin" in _refused(account, "restore", object="contacts", id=number)


def test_the_bin_pages_and_batch_read_reaches_it(account: HubSpotAccount) -> None:
    ids = [_make(account) for _ in range(5)]
    account.post(f"{CONTACTS}/batch/archive", {"inputs": [{"id": one} for one in ids]}, 204)
    first = account.get(CONTACTS, archived="true", limit=2)
    rest = account.get(CONTACTS, archived="true", limit=100, after=first["paging"]["next"]["after"])
    assert [row["id"] for row in first["results"] + rest["results"]] == ids
    assert "paging" not in rest
    answer = account.call("POST", f"{CONTACTS}/batch/read?archived=true", {"inputs": [{"id": ids[0]}]})
    assert answer.json()["results"][0]["archived"] is True


def test_privacy_delete_by_hand_blocks_every_address(account: HubSpotAccount) -> None:
    held = next(row for row in account.state() if row["fields"].get("hs_additional_emails"))
    _act(account, "gdpr_delete", object="contacts", id=held["id"])
    for email in (held["fields"]["email"], held["fields"]["hs_additional_emails"]):
        assert account.call("POST", CONTACTS, {"properties": {"email": email}}).status_code == 400
    for archived in ("true", "false"):
        assert account.call("GET", f"{CONTACTS}/{held['id']}", archived=archived).status_code == 404


@pytest.mark.parametrize("kind", ["companies", "deals"])
def test_others_merge_as_contacts_do(account: HubSpotAccount, kind: str) -> None:
    rows = account.get(f"/crm/v3/objects/{kind}", limit=2)["results"]
    primary, other = (row["id"] for row in rows)
    survivor = _act(account, "merge", object=kind, primary=primary, other=other)
    assert survivor["id"] not in (primary, other)
    for asked in (primary, other):
        found = account.get(f"/crm/v3/objects/{kind}/{asked}", properties="hs_merged_object_ids")
        assert found["id"] == survivor["id"]
        assert found["properties"]["hs_merged_object_ids"] == f"{primary};{other}"
    batch = account.post(f"/crm/v3/objects/{kind}/batch/read", {"inputs": [{"id": other}]})
    assert [row["id"] for row in batch["results"]] == [survivor["id"]]


def test_search_may_hide_merged_ids(account: HubSpotAccount) -> None:
    first, second = _make(account), _make(account)
    survivor = account.post(f"{CONTACTS}/merge", {"primaryObjectId": first, "objectIdToMerge": second})["id"]
    rule = {"propertyName": "hs_object_id", "operator": "EQ", "value": survivor}
    body = {"filterGroups": [{"filters": [rule]}], "properties": ["hs_merged_object_ids"]}

    def seen() -> Any:
        return account.post(f"{CONTACTS}/search", body)["results"][0]["properties"]["hs_merged_object_ids"]

    assert seen() == f"{first};{second}"
    account.steer("/settings", {"vendor": "hubspot", "merged_ids_in_search": False})
    assert seen() is None


def test_stages_follow_the_order_of_the_portal(account: HubSpotAccount) -> None:
    values = ["lead", "1730987", "marketingqualifiedlead", "customer", "subscriber"]
    _act(account, "set_options", object="contacts", property="lifecyclestage", options=values)
    shown = account.get("/crm/v3/properties/contacts/lifecyclestage")["options"]
    assert [(row["value"], row["displayOrder"]) for row in shown] == list(zip(values, range(5), strict=True))
    number = _make(account, lifecyclestage="marketingqualifiedlead")
    assert account.get("/crm/v3/properties/contacts/hs_lifecyclestage_1730987_date")["type"] == "datetime"

    def write(stage: str) -> str:
        answer = account.call("PATCH", f"{CONTACTS}/{number}", {"properties": {"lifecyclestage": stage}})
        assert answer.status_code == 200
        found = account.get(f"{CONTACTS}/{number}", properties="lifecyclestage")["properties"]["lifecyclestage"]
        return str(found)

    assert write("1730987") == "marketingqualifiedlead"
    assert write("subscriber") == "subscriber"
    assert write("lead") == "subscriber"
    assert write("") == "None"
    assert write("lead") == "lead"
    gone = account.call("PATCH", f"{CONTACTS}/{number}", {"properties": {"lifecyclestage": "opportunity"}})
    assert gone.json()["errors"][0]["code"] == "INVALID_OPTION"


def test_a_removed_option_stays_where_it_is_held(account: HubSpotAccount) -> None:
    number = _make(account, product_interest="security")
    _act(account, "set_options", object="contacts", property="product_interest", options=["analytics", "automation"])
    found = account.get(f"{CONTACTS}/{number}", properties="product_interest")["properties"]
    assert found["product_interest"] == "security"
    answer = account.call("PATCH", f"{CONTACTS}/{number}", {"properties": {"product_interest": "security"}})
    assert answer.json()["errors"][0]["code"] == "INVALID_OPTION"


def test_an_archived_property_takes_its_values_away(account: HubSpotAccount) -> None:
    number = _make(account, product_interest="security")
    _act(account, "archive_property", object="contacts", property="product_interest")
    names = {row["name"] for row in account.get("/crm/v3/properties/contacts")["results"]}
    assert "product_interest" not in names
    assert "product_interest" not in account.get(f"{CONTACTS}/{number}", properties="product_interest")["properties"]
    answer = account.call("PATCH", f"{CONTACTS}/{number}", {"properties": {"product_interest": "security"}})
    assert answer.json()["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"
    archived = account.get("/crm/v3/properties/contacts", archived="true")["results"]
    assert [row["name"] for row in archived] == ["product_interest"]
    _act(account, "restore_property", object="contacts", property="product_interest")
    found = account.get(f"{CONTACTS}/{number}", properties="product_interest")["properties"]
    assert found["product_interest"] == "security"


def test_calculated_values_change_without_a_stamp(account: HubSpotAccount) -> None:
    number = _make(account)
    before = account.get(f"{CONTACTS}/{number}")["updatedAt"]
    account.steer("/clock", {"advance": 60_000})
    since = str(account.steer("/clock")["now"])
    _act(account, "calculate", object="contacts", id=number, fields={"hubspotscore": "42"})
    found = account.get(f"{CONTACTS}/{number}", properties="hubspotscore")
    assert (found["properties"]["hubspotscore"], found["updatedAt"]) == ("42", before)
    assert number not in _search(account, since)


def test_hidden_work_moves_the_stamp_alone(account: HubSpotAccount) -> None:
    number = _make(account, city="Lyon")
    account.steer("/clock", {"advance": 60_000})
    _act(account, "touch", object="contacts", id=number)
    assert _search(account, str(account.steer("/clock")["now"])) == [number]


def test_a_locked_record_fails_alone_and_for_a_while(account: HubSpotAccount) -> None:
    one, two = _make(account), _make(account)
    _act(account, "lock", object="contacts", id=one, seconds=2)
    answer = account.call("PATCH", f"{CONTACTS}/{one}", {"properties": {"city": "Lyon"}})
    assert (answer.status_code, answer.json()["category"]) == (423, "LOCKED")
    rows = [{"id": number, "properties": {"city": "Lyon"}, "objectWriteTraceId": number} for number in (one, two)]
    done = account.post(f"{CONTACTS}/batch/update", {"inputs": rows}, 207)
    assert [row["id"] for row in done["results"]] == [two]
    assert done["errors"][0]["context"]["objectWriteTraceId"] == [one]
    account.steer("/clock", {"advance": 2000})
    account.post(f"{CONTACTS}/batch/update", {"inputs": rows})


def test_a_url_can_be_too_long(account: HubSpotAccount) -> None:
    assert account.call("GET", CONTACTS, properties="x" * 15_000).status_code == 200
    assert account.call("GET", CONTACTS, properties="x" * 16_000).status_code == 414


def test_a_hidden_property_is_not_there_for_the_token(account: HubSpotAccount) -> None:
    number = _make(account, phone="+33144556677")
    account.steer("/settings", {"vendor": "hubspot", "hidden_properties": {"contacts": ["phone"]}})
    assert "phone" not in {row["name"] for row in account.get("/crm/v3/properties/contacts")["results"]}
    assert "phone" not in account.get(f"{CONTACTS}/{number}", properties="phone,lastname")["properties"]
    answer = account.call("PATCH", f"{CONTACTS}/{number}", {"properties": {"phone": "1"}})
    assert answer.json()["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"


def test_a_workflow_answers_a_write(account: HubSpotAccount) -> None:
    flow = {"object": "contacts", "when": "jobtitle", "set": {"hs_lead_status": "OPEN"}}
    account.steer("/settings", {"vendor": "hubspot", "workflows": [flow]})
    number = _make(account)
    account.call("PATCH", f"{CONTACTS}/{number}", {"properties": {"jobtitle": "CEO"}})
    found = account.get(f"{CONTACTS}/{number}", properties="hs_lead_status", propertiesWithHistory="hs_lead_status")
    assert found["properties"]["hs_lead_status"] == "OPEN"
    assert found["propertiesWithHistory"]["hs_lead_status"][0]["sourceType"] == "AUTOMATION_PLATFORM"


def test_owners_come_and_go(account: HubSpotAccount) -> None:
    made = _act(account, "add_owner", email="new.rep@ourfirm.example", first="New", last="Rep")
    number = _make(account, hubspot_owner_id=made["id"])
    queue = _act(account, "add_owner", queue="Germany")
    _act(account, "archive_owner", id=made["id"])
    live = {row["id"]: row for row in account.get("/crm/v3/owners", limit=500)["results"]}
    assert made["id"] not in live
    assert (live[queue["id"]]["type"], "email" in live[queue["id"]]) == ("QUEUE", False)
    gone = account.get("/crm/v3/owners", archived="true")["results"]
    assert made["id"] in {row["id"] for row in gone}
    found = account.get(f"{CONTACTS}/{number}", properties="hubspot_owner_id")["properties"]
    assert found["hubspot_owner_id"] == made["id"]
    _act(account, "restore_owner", id=made["id"])
    assert account.get(f"/crm/v3/owners/{made['id']}")["email"] == "new.rep@ourfirm.example"


def test_an_unknown_action_names_the_known_ones(account: HubSpotAccount) -> None:
    assert "restore" in _refused(account, "fly")
