"""The rules of HubSpot's API that connectors stumble over, one by one, in plain HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import HubSpotAccount

CONTACTS = "/crm/v3/objects/contacts"


def _make(account: HubSpotAccount, **values: str) -> str:
    made = account.post(CONTACTS, {"properties": {"lastname": "Test", **values}}, 201)
    return str(made["id"])


def _read(account: HubSpotAccount, number: str, *names: str) -> dict[str, Any]:
    found: dict[str, Any] = account.get(f"{CONTACTS}/{number}", properties=",".join(names))["properties"]
    return found


def _patch(account: HubSpotAccount, number: str, **values: Any) -> Any:
    return account.call("PATCH", f"{CONTACTS}/{number}", {"properties": values})


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("no_such", "x", "PROPERTY_DOESNT_EXIST"),
        ("hs_email_optout", "true", "READ_ONLY_VALUE"),
        ("hubspotscore", "1", "READ_ONLY_VALUE"),
        ("lifecyclestage", "Lead", "INVALID_OPTION"),
        ("marketing_opt_out", "maybe", "INVALID_OPTION"),
        ("closedate", "yesterday", "INVALID_DATE"),
        ("hubspot_owner_id", "Claire", "INVALID_INTEGER"),
        ("email", "nobody", "INVALID_EMAIL"),
    ],
)
def test_bad_values_have_codes(account: HubSpotAccount, name: str, value: str, code: str) -> None:
    number = _make(account)
    answer = _patch(account, number, **{name: value, "firstname": "New"})
    assert answer.status_code == 400
    body = answer.json()
    assert body["category"] == "VALIDATION_ERROR"
    assert body["message"].startswith("Property values were not valid: [{")
    assert [(row["code"], row["context"]["propertyName"]) for row in body["errors"]] == [(code, [name])]
    assert _read(account, number, "firstname")["firstname"] is None


def test_values_come_back_as_strings_in_normal_form(account: HubSpotAccount) -> None:
    wish = {"name": "age", "label": "Age", "type": "number", "fieldType": "number", "groupName": "contactinformation"}
    account.post("/crm/v3/properties/contacts", wish, 201)
    number = _make(account, closedate="1793606400000", age="17.5", marketing_opt_out="true")
    found = _read(account, number, "closedate", "age", "marketing_opt_out", "city")
    assert found["closedate"] == "2026-11-02T08:00:00.000Z"
    assert (found["age"], found["marketing_opt_out"], found["city"]) == ("17.5", "true", None)
    assert _patch(account, number, age="5,333").json()["errors"][0]["code"] == "INVALID_NUMBER"
    _patch(account, number, age="")
    assert _read(account, number, "age")["age"] is None


def test_stages_only_go_forward_unless_cleared_first(account: HubSpotAccount) -> None:
    number = _make(account, lifecyclestage="opportunity")
    assert _patch(account, number, lifecyclestage="lead").status_code == 200
    assert _read(account, number, "lifecyclestage")["lifecyclestage"] == "opportunity"
    _patch(account, number, lifecyclestage="")
    _patch(account, number, lifecyclestage="lead")
    assert _read(account, number, "lifecyclestage")["lifecyclestage"] == "lead"
    edited = account.steer(
        "/edit",
        {"vendor": "hubspot", "object": "contacts", "id": number, "fields": {"lifecyclestage": "subscriber"}},
    )
    assert edited["fields"]["lifecyclestage"] == "subscriber"


def test_the_same_value_again_is_no_change(account: HubSpotAccount) -> None:
    number = _make(account, jobtitle="CEO")
    before = account.get(f"{CONTACTS}/{number}")["updatedAt"]
    account.steer("/clock", {"advance": 60_000})
    _patch(account, number, jobtitle="CEO")
    assert account.get(f"{CONTACTS}/{number}")["updatedAt"] == before
    _patch(account, number, jobtitle="CTO")
    assert account.get(f"{CONTACTS}/{number}")["updatedAt"] > before


def test_history_tells_who_wrote(account: HubSpotAccount) -> None:
    number = _make(account, jobtitle="CEO")
    account.steer("/clock", {"advance": 1000})
    account.steer("/edit", {"vendor": "hubspot", "object": "contacts", "id": number, "fields": {"jobtitle": "CTO"}})
    found = account.get(f"{CONTACTS}/{number}", propertiesWithHistory="jobtitle")["propertiesWithHistory"]["jobtitle"]
    assert [(row["value"], row["sourceType"]) for row in found] == [("CTO", "CRM_UI"), ("CEO", "INTEGRATION")]
    assert found[0]["timestamp"] > found[1]["timestamp"]


def test_batch_create_without_trace_ids_is_all_or_nothing(account: HubSpotAccount) -> None:
    inputs = [{"properties": {"email": "one@example.com"}}, {"properties": {"email": "two"}}]
    assert account.call("POST", f"{CONTACTS}/batch/create", {"inputs": inputs}).status_code == 400
    assert account.call("GET", f"{CONTACTS}/one@example.com", idProperty="email").status_code == 404
    traced = [{**row, "objectWriteTraceId": str(place)} for place, row in enumerate(inputs)]
    done = account.post(f"{CONTACTS}/batch/create", {"inputs": traced}, 207)
    assert done["numErrors"] == 1
    assert done["errors"][0]["context"]["objectWriteTraceId"] == ["1"]
    assert done["results"][0]["objectWriteTraceId"] == "0"


def test_batches_take_a_hundred_and_no_doubles(account: HubSpotAccount) -> None:
    inputs = [{"id": str(number)} for number in range(101)]
    assert account.call("POST", f"{CONTACTS}/batch/read", {"inputs": inputs}).status_code == 400
    row = {"id": "a@example.com", "idProperty": "email", "properties": {"city": "Lyon"}}
    twice = {"inputs": [row, {**row, "id": "A@example.com"}]}
    assert account.call("POST", f"{CONTACTS}/batch/upsert", twice).status_code == 400
    by_email = {"inputs": [row]}
    assert account.call("POST", f"{CONTACTS}/batch/update", by_email).status_code == 400


def test_unique_custom_property_is_refused_with_400(account: HubSpotAccount) -> None:
    wish = {"name": "hub_key", "label": "Key", "type": "string", "fieldType": "text", "hasUniqueValue": True,
            "groupName": "contactinformation"}  # fmt: skip
    account.post("/crm/v3/properties/contacts", wish, 201)
    number = _make(account, hub_key="k1")
    answer = account.call("POST", CONTACTS, {"properties": {"lastname": "x", "hub_key": "k1"}})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE"
    assert account.get(f"{CONTACTS}/k1", idProperty="hub_key")["id"] == number
    row = {"id": "k1", "idProperty": "hub_key", "properties": {"city": "Nîmes"}}
    assert account.post(f"{CONTACTS}/batch/upsert", {"inputs": [row]})["results"][0]["new"] is False


def test_additional_addresses_collide_too(account: HubSpotAccount) -> None:
    held = next(row for row in account.state() if row["fields"].get("hs_additional_emails"))
    email = held["fields"]["hs_additional_emails"]
    answer = account.call("POST", CONTACTS, {"properties": {"email": email}})
    assert answer.status_code == 409
    assert answer.json()["message"] == f"Contact already exists. Existing ID: {held['id']}"


@pytest.mark.parametrize("mode", ["new_id", "keep_primary"])
def test_merge(account: HubSpotAccount, mode: str) -> None:
    account.steer("/settings", {"vendor": "hubspot", "merge_mode": mode})
    first, second = _make(account, email="m1@example.com", city="Lyon"), _make(account, email="m2@example.com", zip="1")
    company = account.get("/crm/v3/objects/companies", limit=1)["results"][0]["id"]
    account.call("PUT", f"/crm/v4/objects/contacts/{second}/associations/default/companies/{company}")
    survivor = account.post(f"{CONTACTS}/merge", {"primaryObjectId": first, "objectIdToMerge": second})["id"]
    assert (survivor == first) == (mode == "keep_primary")
    names = ("email", "city", "zip", "hs_merged_object_ids", "hs_additional_emails", "associatedcompanyid")
    for asked in (first, second):
        found = account.get(f"{CONTACTS}/{asked}", properties=",".join(names))
        assert found["id"] == survivor
        props = found["properties"]
        assert (props["email"], props["city"], props["zip"]) == ("m1@example.com", "Lyon", "1")
        assert props["hs_merged_object_ids"].split(";") == [first, second]
        assert props["hs_additional_emails"] == "m2@example.com"
        assert props["associatedcompanyid"] == company
    assert account.get(CONTACTS, archived="true")["results"] == []
    merged = {row["id"]: row["merged_into"] for row in account.state() if row["object"] == "contacts"}
    assert merged[second] == survivor


def test_gdpr_delete_leaves_no_trace(account: HubSpotAccount) -> None:
    number = _make(account, email="gone@example.com")
    account.post(f"{CONTACTS}/gdpr-delete", {"objectId": "gone@example.com", "idProperty": "email"}, 204)
    assert account.call("GET", f"{CONTACTS}/{number}", archived="true").status_code == 404
    assert account.call("POST", CONTACTS, {"properties": {"email": "gone@example.com"}}).status_code == 400


def test_search_limits(account: HubSpotAccount) -> None:
    def search(**body: Any) -> int:
        return account.call("POST", f"{CONTACTS}/search", body).status_code

    rule = {"propertyName": "city", "operator": "EQ", "value": "Lyon"}
    assert search(limit=200, after="9800") == 200
    assert search(limit=200, after="9801") == 400
    assert search(limit=201) == 400
    assert search(filterGroups=[{"filters": [rule] * 7}]) == 400
    assert search(filterGroups=[{"filters": [rule]}] * 6) == 400
    assert search(sorts=["city", "email"]) == 400
    assert search(filterGroups=[{"filters": [{**rule, "propertyName": "no_such"}]}]) == 400


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"operator": "EQ", "value": "NÎMES"}, {"Nîmes"}),
        ({"operator": "NEQ", "value": "nîmes"}, {"Köln", "A Coruña", None}),
        ({"operator": "IN", "values": ["nîmes", "köln"]}, {"Nîmes", "Köln"}),
        ({"operator": "NOT_IN", "values": ["nîmes"]}, {"Köln", "A Coruña"}),
        ({"operator": "HAS_PROPERTY"}, {"Nîmes", "Köln", "A Coruña"}),
        ({"operator": "NOT_HAS_PROPERTY"}, {None}),
        ({"operator": "CONTAINS_TOKEN", "value": "cor*"}, {"A Coruña"}),
        ({"operator": "GT", "value": "B"}, {"Nîmes", "Köln"}),
    ],
)
def test_search_operators(account: HubSpotAccount, rule: dict[str, Any], expected: set[str | None]) -> None:
    ids = [_make(account, **({"city": city} if city else {})) for city in ("Nîmes", "Köln", "A Coruña", "")]
    start = {"propertyName": "hs_object_id", "operator": "GTE", "value": ids[0]}
    body = {"filterGroups": [{"filters": [{"propertyName": "city", **rule}, start]}], "properties": ["city"]}
    found = account.post(f"{CONTACTS}/search", body)["results"]
    assert {row["properties"]["city"] for row in found} == expected


def test_search_lags_behind_and_out_of_order(account: HubSpotAccount) -> None:
    account.steer("/settings", {"vendor": "hubspot", "index_lag": 60.0})
    ids = [_make(account, city="Lagtown") for _ in range(30)]
    body = {"filterGroups": [{"filters": [{"propertyName": "city", "operator": "EQ", "value": "Lagtown"}]}],
            "limit": 100}  # fmt: skip

    def seen() -> list[str]:
        return [row["id"] for row in account.post(f"{CONTACTS}/search", body)["results"]]

    assert seen() == []
    account.steer("/clock", {"advance": 40_000})
    some = seen()
    assert 0 < len(some) < 30
    assert some != ids[: len(some)]
    _patch(account, some[0], city="Elsewhere")
    assert some[0] in seen()
    account.steer("/clock", {"advance": 61_000})
    assert seen() == [one for one in ids if one != some[0]]


def test_rate_limits_run_on_the_clock(account: HubSpotAccount) -> None:
    account.steer("/settings", {"vendor": "hubspot", "limits": True})
    answers = [account.call("GET", "/crm/v3/owners", limit=1) for _ in range(191)]
    assert [answer.status_code for answer in answers].count(429) == 1
    assert answers[0].headers["X-HubSpot-RateLimit-Remaining"] == "189"
    assert answers[-1].json()["policyName"] == "TEN_SECONDLY_ROLLING"
    account.steer("/clock", {"advance": 10_000})
    assert account.call("GET", "/crm/v3/owners").status_code == 200
    searches = [account.call("POST", f"{CONTACTS}/search", {}) for _ in range(6)]
    assert [answer.status_code for answer in searches] == [200] * 5 + [429]
    assert searches[-1].json()["message"] == "You have reached your secondly limit."
    assert not any(name.lower().startswith("x-hubspot-ratelimit") for name in searches[0].headers)
    account.steer("/settings", {"vendor": "hubspot", "daily_used": 650_000})
    full = account.call("GET", "/crm/v3/owners")
    assert full.json()["policyName"] == "DAILY"
    account.steer("/clock", {"advance": 86_400_000})
    assert account.call("GET", "/crm/v3/owners").status_code == 200


def test_oauth_tokens_expire(account: HubSpotAccount) -> None:
    def token(**form: str) -> Any:
        return account.http.post(f"{account.base}/oauth/v1/token", data=form, timeout=30)

    keys = {name: account.connection[name] for name in ("client_id", "client_secret", "refresh_token")}
    granted = token(grant_type="refresh_token", **keys).json()
    account.token = granted["access_token"]
    assert account.call("GET", CONTACTS).status_code == 200
    account.steer("/clock", {"advance": granted["expires_in"] * 1000})
    assert account.call("GET", CONTACTS).json()["category"] == "EXPIRED_AUTHENTICATION"
    keys["refresh_token"] = "stale"
    assert token(grant_type="refresh_token", **keys).json()["status"] == "BAD_REFRESH_TOKEN"


def test_dated_paths_are_the_same_api(account: HubSpotAccount) -> None:
    old = account.get(CONTACTS, limit=3)
    for version in ("2026-03", "2026-09"):
        new = account.get(f"/crm/objects/{version}/contacts", limit=3)
        assert new["results"] == old["results"]
        assert account.get(f"/crm/owners/{version}") == account.get("/crm/v3/owners/")
        assert account.get(f"/crm/properties/{version}/0-1/email")["name"] == "email"
    account.steer("/settings", {"vendor": "hubspot", "required": {"contacts": ["jobtitle"]}})
    body = {"properties": {"lastname": "Rule"}}
    assert account.call("POST", "/crm/objects/2026-03/contacts", body).status_code == 201
    assert account.call("POST", "/crm/objects/2026-09/contacts", body).status_code == 400


def test_vendor_rewriting(account: HubSpotAccount) -> None:
    account.steer("/settings", {"vendor": "hubspot", "rewrite": {"phone": "e164", "jobtitle": "trim"}})
    number = _make(account, phone="+33 1 44 55 66 77", jobtitle="  Head  of Sales ")
    found = _read(account, number, "phone", "jobtitle")
    assert (found["phone"], found["jobtitle"]) == ("+33144556677", "Head of Sales")


def test_a_form_sent_now(account: HubSpotAccount) -> None:
    fields = {"email": "keen@example.com", "firstname": "Keen"}
    account.steer("/edit", {"vendor": "hubspot", "object": "submissions", "id": "demo_request", "fields": fields})
    forms = {row["name"]: row["id"] for row in account.get("/marketing/v3/forms/")["results"]}
    newest = account.get(f"/form-integrations/v1/submissions/forms/{forms['Demo request']}")["results"][0]
    assert {"name": "email", "value": "keen@example.com", "objectTypeId": "0-1"} in newest["values"]
    found = account.get(f"{CONTACTS}/keen@example.com", idProperty="email", properties="num_conversion_events")
    assert found["properties"]["num_conversion_events"] == "1"


def test_logged_activity_moves_the_contact(account: HubSpotAccount) -> None:
    number = _make(account)
    before = account.get(f"{CONTACTS}/{number}")["updatedAt"]
    account.steer("/clock", {"advance": 5000})
    tie = {"to": {"id": number}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]}
    body = {"properties": {"hs_timestamp": "1793606400000", "hs_task_subject": "Call"}, "associations": [tie]}
    task = account.post("/crm/v3/objects/tasks", body, 201)["id"]
    assert account.get(f"{CONTACTS}/{number}")["updatedAt"] > before
    held = account.get(f"/crm/v4/objects/contacts/{number}/associations/tasks")["results"]
    assert [row["toObjectId"] for row in held] == [task]


def test_history_of_untouched_fields_stays_when_others_change(account: HubSpotAccount) -> None:
    names = "jobtitle,phone,lifecyclestage,city"
    rows = account.get(CONTACTS, limit=50, propertiesWithHistory=names)["results"]
    before = {row["id"]: row["propertiesWithHistory"] for row in rows}
    account.steer("/clock", {"advance": 5000})
    for number in before:
        _patch(account, number, zip="75001")
    rows = account.get(CONTACTS, limit=50, propertiesWithHistory=names)["results"]
    assert {row["id"]: row["propertiesWithHistory"] for row in rows} == before


def test_account_info(account: HubSpotAccount) -> None:
    details = account.get("/account-info/v3/details")
    assert (details["timeZone"], details["utcOffset"], details["utcOffsetMilliseconds"]) == (
        "Europe/Paris",
        "+01:00",
        3_600_000,
    )
    assert account.get("/account-info/2026-03/details")["portalId"] == details["portalId"]
    usage = account.get("/account-info/v3/api-usage/daily/private-apps")["results"][0]
    assert usage["currentUsage"] == 3
    assert usage["resetsAt"] == "2026-11-02T23:00:00.000Z"


def test_activities_are_tied_to_their_people(account: HubSpotAccount) -> None:
    page = account.get("/crm/v3/objects/calls", limit=20, associations="contacts", properties="hs_timestamp")
    for row in page["results"]:
        tied = {one["id"] for one in row["associations"]["contacts"]["results"]}
        for contact in tied:
            back = account.get(f"/crm/v4/objects/contacts/{contact}/associations/calls")["results"]
            assert row["id"] in {one["toObjectId"] for one in back}
