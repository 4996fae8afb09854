"""The org over HTTP: sessions, limits, writes and their refusals, feeds, composite, security, the desk."""

from typing import Any

import pytest
import requests

from tests.conftest import StartSandbox
from tests.sandbox.salesforce_kit import START, Org, fresh_org, refusal

MINUTE = 60_000


@pytest.fixture
def org(sandbox: StartSandbox) -> Org:
    return fresh_org(sandbox)


def _lead(org: Org, **fields: Any) -> str:
    answer = org.call("POST", "/sobjects/Lead", json={"LastName": "Doe", "Company": "Acme", **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _token(org: Org, auth: tuple[str, str] | None = None, **form: str) -> requests.Response:
    return requests.post(f"{org.base_url}/services/oauth2/token", data=form, auth=auth, timeout=10)


def test_tokens_come_by_body_or_basic_or_refresh_and_refusals_name_their_pair(org: Org) -> None:
    basic = _token(org, (org.client_id, org.client_secret), grant_type="client_credentials")
    assert basic.status_code == 200
    issued = basic.json()
    assert issued["instance_url"] == org.base_url
    assert issued["issued_at"] == str(START)
    assert "expires_in" not in issued
    assert issued["access_token"].partition("!")[0] == issued["id"].split("/")[-2][:15]
    refusals: list[tuple[dict[str, str], tuple[str, str]]] = [
        ({"grant_type": "client_credentials", "client_id": "no"}, ("invalid_client_id", "client identifier invalid")),
        (
            {"grant_type": "client_credentials", "client_id": org.client_id, "client_secret": "no"},
            ("invalid_client", "invalid client credentials"),
        ),
        ({"grant_type": "magic"}, ("unsupported_grant_type", "grant type not supported")),
        (
            {"grant_type": "refresh_token", "client_id": org.client_id, "refresh_token": "no"},
            ("invalid_grant", "expired access/refresh token"),
        ),
    ]
    for form, pair in refusals:
        answer = _token(org, None, **form)
        assert answer.status_code == 400
        assert (answer.json()["error"], answer.json()["error_description"]) == pair


def test_sessions_slide_end_and_stay_dead_when_told(org: Org) -> None:
    org.set(token_life=600)
    org.control("/clock", {"advance": 500_000})
    assert org.call("GET", "/limits").status_code == 200
    org.control("/clock", {"advance": 500_000})
    assert org.call("GET", "/limits").status_code == 200
    org.control("/clock", {"advance": 600_000})
    dead = org.call("GET", "/limits")
    assert refusal(dead, 401, "INVALID_SESSION_ID")["message"] == "Session expired or invalid"
    assert "Sforce-Limit-Info" not in dead.headers
    org.token = org.login()
    assert org.call("GET", "/limits").status_code == 200
    org.set(sessions_dead=True)
    org.token = org.login()
    refusal(org.call("GET", "/limits"), 401, "INVALID_SESSION_ID")


def test_user_info_names_user_and_org(org: Org) -> None:
    headers = {"Authorization": f"Bearer {org.token}"}
    answer = requests.get(f"{org.base_url}/services/oauth2/userinfo", headers=headers, timeout=10).json()
    assert answer["preferred_username"] == org.username
    assert answer["organization_id"].startswith("00D")
    assert requests.get(f"{org.base_url}/services/oauth2/userinfo", timeout=10).status_code == 401


@pytest.mark.parametrize(("version", "status"), [("v30.0", 410), ("v41.0", 200), ("v68.0", 200), ("v69.0", 404)])
def test_versions(org: Org, version: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {org.token}"}
    url = f"{org.base_url}/services/data/{version}/sobjects"
    assert requests.get(url, headers=headers, timeout=10).status_code == status
    listed = requests.get(f"{org.base_url}/services/data/", timeout=10).json()
    assert listed[-1] == {"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"}


def test_the_daily_allowance_runs_out_and_comes_back(org: Org) -> None:
    org.set(daily_limit=3)
    assert org.call("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=1/3"
    assert org.call("GET", "/limits").json()["DailyApiRequests"] == {"Max": 3, "Remaining": 1}
    assert org.call("GET", "/limits").status_code == 200
    full = refusal(org.call("GET", "/limits"), 403, "REQUEST_LIMIT_EXCEEDED")
    assert full["message"] == "TotalRequests Limit exceeded."
    org.control("/clock", {"advance": 25 * 60 * MINUTE})
    org.token = org.login()
    assert org.call("GET", "/limits").status_code == 200


def test_a_long_address_is_refused_at_the_edge(org: Org) -> None:
    answer = org.call("GET", "/query", params={"q": "SELECT Id FROM Lead WHERE Name = '" + "x" * 17_000 + "'"})
    assert answer.status_code == 431
    assert "Bad Message 431" in answer.text


def test_pages_locators_and_their_end(org: Org) -> None:
    headers = {"Sforce-Query-Options": "batchSize=10"}
    org.set(page_size=100)
    first = org.call("GET", "/query", params={"q": "SELECT Id FROM Lead"}, headers=headers).json()
    assert first["done"] is False
    assert len(first["records"]) == 100
    assert list(first) == ["totalSize", "done", "nextRecordsUrl", "records"]
    path = first["nextRecordsUrl"].removeprefix("/services/data/v67.0")
    second = org.call("GET", path, headers=headers).json()
    assert second["totalSize"] == first["totalSize"]
    assert not {record["Id"] for record in first["records"]} & {record["Id"] for record in second["records"]}
    refusal(org.call("GET", "/query/0r8000000000000AAA-2000"), 400, "INVALID_QUERY_LOCATOR")
    org.control("/clock", {"advance": 49 * 60 * MINUTE})
    org.token = org.login()
    refusal(org.call("GET", path), 400, "INVALID_QUERY_LOCATOR")


@pytest.mark.parametrize(
    ("fields", "code", "names", "message"),
    [
        ({"Company": None}, "REQUIRED_FIELD_MISSING", ["Company"], "Required fields are missing: [Company]"),
        ({"Status": None}, "REQUIRED_FIELD_MISSING", ["Status"], "Required fields are missing: [Status]"),
        ({"Email": "no at"}, "INVALID_EMAIL_ADDRESS", ["Email"], "Email: invalid email address: no at"),
        ({"Title": "x" * 129}, "STRING_TOO_LONG", ["Title"], "(max length=128)"),
        (
            {"Product_Interest__c": "Pie"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            ["Product_Interest__c"],
            "Product Interest: bad value for restricted picklist field: Pie",
        ),
        ({"NumberOfEmployees": 10**9}, "NUMBER_OUTSIDE_VALID_RANGE", ["NumberOfEmployees"], "outside of valid range"),
        ({"Nope__c": 1}, "INVALID_FIELD", [], "No such column 'Nope__c' on sobject of type Lead"),
        ({"Name": "x"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Name"], "Unable to create/update fields: Name."),
        ({"OwnerId": "00QgL0000000001UAA"}, "MALFORMED_ID", ["OwnerId"], "id value of incorrect type"),
        ({"OwnerId": "005gL0000009999UAA"}, "INVALID_CROSS_REFERENCE_KEY", [], "invalid cross reference id"),
        ({"OwnerId": "005gL000000000CQAQ"}, "INACTIVE_OWNER_OR_USER", ["OwnerId"], "inactive user"),
    ],
)
def test_refused_values(org: Org, fields: dict[str, Any], code: str, names: list[str], message: str) -> None:
    lead = _lead(org)
    found = refusal(org.call("PATCH", f"/sobjects/Lead/{lead}", json=fields), 400, code)
    assert found["fields"] == names
    assert message in found["message"]
    assert org.query(f"SELECT Company, Status FROM Lead WHERE Id = '{lead}'")[0]["Company"] == "Acme"


def test_json_of_the_wrong_kind_is_a_parser_error(org: Org) -> None:
    for body in ({"NumberOfEmployees": "many"}, {"LastName": 5}, {"HasOptedOutOfEmail": "maybe"}, {"Email": ["x"]}):
        refusal(org.call("PATCH", f"/sobjects/Lead/{_lead(org)}", json=body), 400, "JSON_PARSER_ERROR")
    refusal(org.call("POST", "/sobjects/Lead", data=b"{broken"), 400, "JSON_PARSER_ERROR")
    refusal(org.call("PUT", "/sobjects/Lead/x"), 405, "METHOD_NOT_ALLOWED")


def test_writes_move_the_stamps_and_settle_the_values(org: Org) -> None:
    lead = _lead(org, FirstName="  Zoë  ", Email="Z@X.Example", Rating="hot", Product_Interest__c="ANALYTICS")
    org.control("/clock", {"advance": 61_500})
    assert org.call("PATCH", f"/sobjects/Lead/{lead[:15]}", json={"Title": ""}).status_code == 204
    row = org.call("GET", f"/sobjects/Lead/{lead}").json()
    assert row["Name"] == "Zoë Doe"
    assert (row["Email"], row["Rating"], row["Product_Interest__c"]) == ("Z@X.Example", "Hot", "Analytics")
    assert row["Title"] is None
    assert row["CreatedDate"] == "2026-09-21T14:13:20.000+0000"
    assert row["SystemModstamp"] == row["LastModifiedDate"] == "2026-09-21T14:14:21.000+0000"
    me = org.query(f"SELECT Id FROM User WHERE Username = '{org.username}'")[0]["Id"]
    assert row["CreatedById"] == row["LastModifiedById"] == row["OwnerId"] == me


def test_collections_answer_each_record_by_place(org: Org) -> None:
    lead, gone = _lead(org), _lead(org)
    assert org.call("DELETE", f"/sobjects/Lead/{gone}").status_code == 204
    kind = {"type": "Lead"}
    records = [
        {"attributes": kind, "id": lead, "Title": "CEO"},
        {"attributes": kind, "id": gone, "Title": "CEO"},
        {"attributes": kind, "id": lead, "Title": "again"},
        {"attributes": kind, "id": "00QgL0000009999UAA", "Title": "x"},
        {"attributes": kind, "id": "nonsense", "Title": "x"},
        {"attributes": kind, "id": _lead(org), "Email": "bad"},
    ]
    answer = org.call("PATCH", "/composite/sobjects", json={"allOrNone": False, "records": records})
    assert answer.status_code == 200
    results = answer.json()
    assert results[0] == {"id": lead, "success": True, "errors": []}
    codes = [result["errors"][0]["statusCode"] for result in results[1:]]
    assert codes == [
        "ENTITY_IS_DELETED",
        "DUPLICATE_VALUE",
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
        "INVALID_EMAIL_ADDRESS",
    ]
    assert all("id" not in result for result in results[1:])


def test_all_or_none_undoes_the_good_ones(org: Org) -> None:
    before = org.query("SELECT COUNT(Id) n FROM Lead")[0]["n"]
    good, bad = {"attributes": {"type": "Lead"}, "LastName": "a", "Company": "b"}, {"attributes": {"type": "Lead"}}
    answer = org.call("POST", "/composite/sobjects", json={"allOrNone": True, "records": [good, bad]}).json()
    assert [item["errors"][0]["statusCode"] for item in answer] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "REQUIRED_FIELD_MISSING",
    ]
    assert org.query("SELECT COUNT(Id) n FROM Lead")[0]["n"] == before
    too_many = org.call("POST", "/composite/sobjects", json={"records": [good] * 201})
    refusal(too_many, 400, "INVALID_INPUT")


def test_an_unknown_field_in_a_collection_follows_the_switch(org: Org) -> None:
    good = {"attributes": {"type": "Lead"}, "LastName": "a", "Company": "b"}
    body = {"records": [good, {**good, "Nope": 1}]}
    refusal(org.call("POST", "/composite/sobjects", json=body), 400, "INVALID_FIELD")
    org.set(unknown_field_fails="row")
    results = org.call("POST", "/composite/sobjects", json=body).json()
    assert [result["success"] for result in results] == [True, False]


def test_retrieve_and_delete_collections(org: Org) -> None:
    lead = _lead(org, Email="a@b.example")
    body = {"ids": [lead, "00QgL0000009999UAA"], "fields": ["Email", "Name"]}
    found = org.call("POST", "/composite/sobjects/Lead", json=body).json()
    assert found[0]["Email"] == "a@b.example"
    assert found[1] is None
    results = org.call("DELETE", f"/composite/sobjects?ids={lead},{lead}").json()
    assert [result["success"] for result in results] == [True, False]


def test_deleted_and_updated_feeds(org: Org) -> None:
    lead, kept = _lead(org), _lead(org)
    org.call("DELETE", f"/sobjects/Lead/{lead}")
    org.control("/clock", {"advance": 2 * MINUTE})
    span = {"start": "2026-09-21T14:10:00+00:00", "end": "2026-09-21T14:15:00+00:00"}
    deleted = org.call("GET", "/sobjects/Lead/deleted/", params=span).json()
    assert deleted["deletedRecords"] == [{"deletedDate": "2026-09-21T14:13:20.000+0000", "id": lead}]
    assert deleted["latestDateCovered"] == "2026-09-21T14:15:00.000+0000"
    ids = org.call("GET", "/sobjects/Lead/updated/", params=span).json()["ids"]
    assert kept in ids
    assert lead not in ids
    turned = {"start": span["end"], "end": span["start"]}
    refusal(org.call("GET", "/sobjects/Lead/deleted/", params=turned), 400, "INVALID_REPLICATION_DATE")
    refusal(org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "x"}), 404, "ENTITY_IS_DELETED")
    assert org.call("GET", f"/sobjects/Lead/{lead}").status_code == 404


def test_composite_uses_earlier_results_and_rolls_back(org: Org) -> None:
    base = "/services/data/v67.0"
    account = {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "a", "body": {"Name": "New"}}
    contact: dict[str, Any] = {
        "method": "POST",
        "url": f"{base}/sobjects/Contact",
        "referenceId": "c",
        "body": {"LastName": "X", "AccountId": "@{a.id}"},
    }
    body = {"allOrNone": True, "compositeRequest": [account, contact]}
    answers = org.call("POST", "/composite", json=body).json()["compositeResponse"]
    assert [answer["httpStatusCode"] for answer in answers] == [201, 201]
    made = answers[1]["body"]["id"]
    assert org.query(f"SELECT Account.Name FROM Contact WHERE Id = '{made}'")[0]["Account"]["Name"] == "New"
    contact["body"]["Email"] = "bad"
    account["body"] = {"Name": "Undone"}
    answers = org.call("POST", "/composite", json=body).json()["compositeResponse"]
    assert answers[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert answers[1]["body"][0]["errorCode"] == "INVALID_EMAIL_ADDRESS"
    assert org.query("SELECT Id FROM Account WHERE Name = 'Undone'") == []


def test_batch_answers_each_request(org: Org) -> None:
    inner = [{"method": "GET", "url": "v67.0/sobjects/Lead/describe"}, {"method": "GET", "url": "v67.0/nothing"}]
    answer = org.call("POST", "/composite/batch", json={"batchRequests": inner}).json()
    assert answer["hasErrors"] is True
    assert [result["statusCode"] for result in answer["results"]] == [200, 404]
    assert answer["results"][0]["result"]["name"] == "Lead"


def test_locks_rules_and_rewriting(org: Org) -> None:
    lead = _lead(org, Email="twin@x.example")
    org.set(locked={lead: 1})
    refusal(org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "x"}), 400, "UNABLE_TO_LOCK_ROW")
    assert org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "x"}).status_code == 204
    org.set(validation_rules=[{"object": "Lead", "field": "Title", "value": "bad", "message": "No bad titles"}])
    refused = org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "bad"})
    assert refusal(refused, 400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")["message"] == "No bad titles"
    org.set(rewrite={"Lead.Title": "upper"})
    org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "ceo"})
    assert org.call("GET", f"/sobjects/Lead/{lead}?fields=Title").json()["Title"] == "CEO"
    org.set(duplicate_rules=[{"object": "Lead", "field": "Email", "allowSave": True}])
    twin = {"LastName": "Twin", "Company": "X", "Email": "TWIN@x.example"}
    detected = refusal(org.call("POST", "/sobjects/Lead", json=twin), 400, "DUPLICATES_DETECTED")
    match = detected["duplicateResut"]["matchResults"][0]["matchRecords"][0]["record"]
    assert match["Id"] == lead
    headers = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert org.call("POST", "/sobjects/Lead", json=twin, headers=headers).status_code == 201


def test_automation_answers_a_write_in_the_writers_name(org: Org) -> None:
    lead = _lead(org)
    org.set(workflows=[{"object": "Lead", "field": "Rating", "value": "Hot", "set": {"Status": "Working - Contacted"}}])
    org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Rating": "Cold"})
    assert org.query(f"SELECT Status FROM Lead WHERE Id = '{lead}'")[0]["Status"] == "Open - Not Contacted"
    org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Rating": "Hot"})
    row = org.query(f"SELECT Status, LastModifiedBy.Username FROM Lead WHERE Id = '{lead}'")[0]
    assert (row["Status"], row["LastModifiedBy"]["Username"]) == ("Working - Contacted", org.username)


def test_edits_of_people_have_their_names_and_may_come_late(org: Org) -> None:
    lead = _lead(org)
    rep = org.query("SELECT Id FROM User WHERE Email = 'claire.fournier@ourfirm.example'")[0]["Id"]
    wish = {"vendor": "salesforce", "object": "Lead", "id": lead, "fields": {"Title": "CTO"}, "actor": rep}
    assert org.control("/edit", wish)["fields"]["Title"] == "CTO"
    assert org.query(f"SELECT LastModifiedById FROM Lead WHERE Id = '{lead}'")[0]["LastModifiedById"] == rep
    org.set(lag=60.0)
    shown = org.control("/edit", {**wish, "fields": {"Title": "CFO"}})
    assert shown["fields"]["Title"] == "CFO"
    assert org.query(f"SELECT Title FROM Lead WHERE Id = '{lead}'")[0]["Title"] == "CTO"
    org.control("/clock", {"advance": 60_000})
    late = org.query(f"SELECT Title, SystemModstamp FROM Lead WHERE Id = '{lead}'")[0]
    assert late["Title"] == "CFO"
    assert late["SystemModstamp"] == "2026-09-21T14:13:20.000+0000"


def test_merges_and_conversions_leave_their_marks(org: Org) -> None:
    winner, loser, lead = _lead(org), _lead(org), _lead(org, Email="c@x.example", Product_Interest__c="Security")
    task = org.call("POST", "/sobjects/Task", json={"WhoId": loser, "Subject": "Call"}).json()["id"]
    org.set(merge={"object": "Lead", "winner": winner, "losers": [loser]}, convert={"lead": lead})
    assert org.query(f"SELECT WhoId FROM Task WHERE Id = '{task}'")[0]["WhoId"] == winner
    params = {"q": "SELECT Id, MasterRecordId FROM Lead WHERE IsDeleted = true AND MasterRecordId != null"}
    gone = org.call("GET", "/queryAll", params=params).json()["records"]
    assert [(row["Id"], row["MasterRecordId"]) for row in gone] == [(loser, winner)]
    made = org.query(f"SELECT IsConverted, ConvertedContactId FROM Lead WHERE Id = '{lead}'")[0]
    assert made["IsConverted"] is True
    contact = org.call("GET", f"/sobjects/Contact/{made['ConvertedContactId']}").json()
    assert (contact["Email"], contact["Product_Interest__c"]) == ("c@x.example", None)
    refusal(org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "x"}), 400, "CANNOT_UPDATE_CONVERTED_LEAD")


def test_a_mass_update_gives_all_rows_one_stamp(org: Org) -> None:
    org.set(touch="Lead")
    stamps = org.query("SELECT SystemModstamp, COUNT(Id) n FROM Lead GROUP BY SystemModstamp")
    assert len(stamps) == 1


def test_activities_follow_their_rules(org: Org) -> None:
    lead = _lead(org)
    made = org.call("POST", "/sobjects/Event", json={"WhoId": lead, "Subject": "Meet"})
    refusal(made, 400, "REQUIRED_FIELD_MISSING")
    times = {"StartDateTime": "2026-09-22T10:00:00Z", "EndDateTime": "2026-09-22T10:45:00+00:00"}
    event = org.call("POST", "/sobjects/Event", json={"WhoId": lead, "Subject": "Meet", **times}).json()["id"]
    row = org.query(f"SELECT DurationInMinutes, ActivityDate, Who.Type FROM Event WHERE Id = '{event}'")[0]
    assert (row["DurationInMinutes"], row["ActivityDate"], row["Who"]["Type"]) == (45, "2026-09-22", "Lead")
    task = org.call("POST", "/sobjects/Task", json={"WhoId": lead, "Status": "Completed"}).json()["id"]
    done = org.query(f"SELECT IsClosed, TaskSubtype, Priority FROM Task WHERE Id = '{task}'")[0]
    assert (done["IsClosed"], done["TaskSubtype"], done["Priority"]) == (True, "Task", "Normal")
    account = org.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
    refused = org.call("PATCH", f"/sobjects/Task/{task}", json={"WhatId": account})
    refusal(refused, 400, "FIELD_INTEGRITY_EXCEPTION")


def test_the_seeded_org_is_what_the_hub_expects(org: Org) -> None:
    kinds = {row["Type"] for row in org.query("SELECT Type FROM Account GROUP BY Type")}
    assert {"Prospect", "Customer - Direct"} <= kinds
    owners = {row["Owner"]["Type"] for row in org.query("SELECT Owner.Type FROM Lead")}
    assert owners == {"User", "Group"}
    calls = org.query("SELECT CallType, CallDisposition, WhoId FROM Task WHERE TaskSubtype = 'Call'")
    assert calls
    assert all(row["CallType"] and row["CallDisposition"] and row["WhoId"] for row in calls)
    former = org.query("SELECT ConvertedContactId FROM Lead WHERE IsConverted = true")
    contacts = {row["Id"] for row in org.query("SELECT Id FROM Contact")}
    assert former
    assert {row["ConvertedContactId"] for row in former} <= contacts
    late = org.query("SELECT Id FROM Lead WHERE SystemModstamp > 2026-09-21T14:13:20Z")
    assert late == []
    state = requests.get(f"{org.control_url}/state/salesforce", timeout=30).text.splitlines()
    truth = requests.get(f"{org.control_url}/truth/people", timeout=30).text
    assert len(state) > len(contacts)
    assert all(contact in truth for contact in contacts)


def test_a_composite_undoes_the_collection_inside_it(org: Org) -> None:
    base = "/services/data/v67.0"
    good = {"attributes": {"type": "Account"}, "Name": "Inner"}
    inner: list[dict[str, Any]] = [
        {"method": "POST", "url": f"{base}/composite/sobjects", "referenceId": "a", "body": {"records": [good]}},
        {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "b", "body": {}},
    ]
    org.call("POST", "/composite", json={"allOrNone": True, "compositeRequest": inner})
    assert org.query("SELECT Id FROM Account WHERE Name = 'Inner'") == []
    org.call("POST", "/composite", json={"allOrNone": False, "compositeRequest": inner})
    assert len(org.query("SELECT Id FROM Account WHERE Name = 'Inner'")) == 1
    nested = {"method": "POST", "url": f"{base}/composite", "referenceId": "c", "body": {"compositeRequest": inner}}
    refusal(org.call("POST", "/composite", json={"compositeRequest": [nested]}), 400, "INVALID_INPUT")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'"x"', b'{"records": 5}', b'{"records": [5]}', b'{"records": [{"LastName": "x"}]}', b"\xff"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/sobjects/Lead"),
        ("POST", "/composite/sobjects"),
        ("PATCH", "/composite/sobjects"),
        ("PATCH", "/composite/sobjects/Lead/Email"),
        ("POST", "/composite/sobjects/Lead"),
        ("POST", "/composite"),
        ("POST", "/composite/batch"),
        ("POST", "/tooling/sobjects/CustomField"),
        ("POST", "/jobs/query"),
        ("POST", "/jobs/ingest"),
    ],
)
def test_bodies_of_the_wrong_shape_are_refused_in_the_vendors_form(
    org: Org, method: str, path: str, body: bytes
) -> None:
    answer = org.call(method, path, data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert {"message", "errorCode"} <= set(answer.json()[0])
