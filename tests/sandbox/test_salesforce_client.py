"""The unmodified simple-salesforce against the sandbox; only an adapter turns its https into http."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_external_id, format_soql

from tests.conftest import StartSandbox
from tests.sandbox.salesforce_kit import START, Detour, Org, fresh_org

EXTERNAL = {
    "FullName": "Lead.Hub_Key__c",
    "Metadata": {
        "type": "Text",
        "label": "Hub Key",
        "length": 80,
        "externalId": True,
        "unique": True,
        "caseSensitive": False,
    },
}


@pytest.fixture
def org(sandbox: StartSandbox) -> Org:
    return fresh_org(sandbox)


@pytest.fixture
def sf(org: Org) -> Any:
    return org.client()


def _first(caught: pytest.ExceptionInfo[Any]) -> dict[str, Any]:
    """The first error of the vendor's array."""
    found: dict[str, Any] = caught.value.content[0]
    return found


def _grant(sf: Any, org: Org, *fields: str) -> None:
    """Make the fields readable and writable for the integration user, as the hub does."""
    made = sf.PermissionSet.create({"Name": "Hub_Integration", "Label": "Hub Integration"})["id"]
    me = sf.query(format_soql("SELECT Id FROM User WHERE Username = {}", org.username))["records"][0]["Id"]
    sf.PermissionSetAssignment.create({"AssigneeId": me, "PermissionSetId": made})
    for field in fields:
        sf.FieldPermissions.create(
            {
                "ParentId": made,
                "SobjectType": field.partition(".")[0],
                "Field": field,
                "PermissionsRead": True,
                "PermissionsEdit": True,
            }
        )


def test_a_wrong_secret_is_an_authentication_failure(org: Org) -> None:
    session = requests.Session()
    session.mount("https://", Detour(org.base_url))
    with pytest.raises(SalesforceAuthenticationFailed) as caught:
        Salesforce(consumer_key=org.client_id, consumer_secret="no", domain="acme.my", session=session)
    assert caught.value.code == "invalid_client"


def test_query_all_iter_walks_every_page_in_order(org: Org, sf: Any) -> None:
    org.set(page_size=50)
    statement = "SELECT Id, SystemModstamp FROM Contact ORDER BY SystemModstamp, Id"
    rows = list(sf.query_all_iter(statement))
    assert len(rows) == sf.query("SELECT COUNT() FROM Contact")["totalSize"]
    keys = [(row["SystemModstamp"], row["Id"]) for row in rows]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    calls = requests.get(f"{org.control_url}/calls", timeout=10).json()
    more = [row["count"] for row in calls if row["route"] == "/services/data/{version}/query/{locator}"]
    assert more == [-(-len(rows) // 50) - 1]


def test_query_all_with_deleted_shows_the_bin(sf: Any) -> None:
    made = sf.Lead.create({"LastName": "Gone", "Company": "X"})["id"]
    assert sf.Lead.delete(made) == 204
    statement = "SELECT Id FROM Lead WHERE IsDeleted = true"
    assert sf.query_all(statement)["totalSize"] == 0
    assert [row["Id"] for row in sf.query_all(statement, include_deleted=True)["records"]] == [made]


def test_hostile_values_survive_format_soql(sf: Any) -> None:
    names = ["O'Brien", 'back\\slash "quoted"', "per%cent under_score", "Zoë 🎉 née\nBreak", "') OR (Name != '"]
    for name in names:
        sf.Lead.create({"LastName": name, "Company": "X"})
        found = sf.query(format_soql("SELECT LastName FROM Lead WHERE LastName = {}", name))["records"]
        assert [row["LastName"] for row in found] == [name]
    like = sf.query(format_soql("SELECT LastName FROM Lead WHERE LastName LIKE '{:like}%'", "per%cent"))
    assert like["totalSize"] == 1
    since = datetime.fromtimestamp(START / 1000, UTC)
    newer = format_soql("SELECT Id FROM Lead WHERE SystemModstamp >= {} AND LastName IN {}", since, names)
    assert sf.query(newer)["totalSize"] == len(names)


def test_describe_shows_types_options_and_owners(sf: Any) -> None:
    fields = {field["name"]: field for field in sf.Lead.describe()["fields"]}
    assert fields["Status"]["type"] == "picklist"
    assert fields["Status"]["restrictedPicklist"] is False
    assert {"active", "defaultValue", "label", "validFor", "value"} == set(fields["Status"]["picklistValues"][0])
    assert fields["Product_Interest__c"]["restrictedPicklist"] is True
    assert fields["OwnerId"]["referenceTo"] == ["Group", "User"]
    assert fields["Company"]["nillable"] is False
    assert fields["Name"]["createable"] is False
    assert fields["LastName"]["compoundFieldName"] == "Name"
    assert fields["City"]["compoundFieldName"] == "Address"
    assert {"Lead", "Contact", "Account", "Task", "Event", "User"} <= {
        item["name"] for item in sf.describe()["sobjects"]
    }


def test_create_read_update_delete(sf: Any) -> None:
    made = sf.Account.create({"Name": "Acme", "Type": "Prospect", "AnnualRevenue": 12.4})
    assert made["success"] is True
    assert sf.Account.update(made["id"], {"Type": "Customer - Direct", "BillingCity": "Paris"}) == 204
    row = sf.Account.get(made["id"])
    assert (row["Type"], row["AnnualRevenue"]) == ("Customer - Direct", 12.0)
    assert row["BillingAddress"]["city"] == "Paris"
    contact = sf.Contact.create({"LastName": "A", "AccountId": made["id"]})["id"]
    assert sf.Account.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound) as gone:
        sf.Contact.update(contact, {"Title": "x"})
    assert _first(gone)["errorCode"] == "ENTITY_IS_DELETED"


def test_a_new_field_is_invisible_until_granted(org: Org, sf: Any) -> None:
    made = sf.toolingexecute("sobjects/CustomField/", "POST", EXTERNAL)
    assert made["success"] is True
    assert made["id"].startswith("00N")
    assert "Hub_Key__c" not in {field["name"] for field in sf.Lead.describe()["fields"]}
    with pytest.raises(SalesforceMalformedRequest) as hidden:
        sf.query("SELECT Hub_Key__c FROM Lead")
    assert _first(hidden)["errorCode"] == "INVALID_FIELD"
    with pytest.raises(SalesforceMalformedRequest) as again:
        sf.toolingexecute("sobjects/CustomField/", "POST", EXTERNAL)
    assert _first(again)["errorCode"] == "DUPLICATE_DEVELOPER_NAME"
    assert _first(again)["message"] == "There is already a field named Hub_Key on Lead."
    soql = "SELECT Id, DeveloperName FROM CustomField WHERE TableEnumOrId = 'Lead' AND DeveloperName = 'Hub_Key'"
    assert sf.toolingexecute("query/", params={"q": soql})["records"][0]["Id"] == made["id"]
    _grant(sf, org, "Lead.Hub_Key__c")
    assert "Hub_Key__c" in {field["name"] for field in sf.Lead.describe()["fields"]}
    assert sf.query("SELECT COUNT() FROM Lead WHERE Hub_Key__c = null")["totalSize"] > 0


def test_a_read_only_grant_lets_nobody_write(org: Org, sf: Any) -> None:
    sf.toolingexecute("sobjects/CustomField/", "POST", EXTERNAL)
    _grant(sf, org, "Lead.Hub_Key__c")
    grant = sf.query("SELECT Id FROM FieldPermissions WHERE Field = 'Lead.Hub_Key__c'")["records"][0]["Id"]
    assert sf.FieldPermissions.update(grant, {"PermissionsEdit": False}) == 204
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.Lead.create({"LastName": "A", "Company": "B", "Hub_Key__c": "1"})
    assert _first(refused)["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_activity_fields_are_shared_by_tasks_and_events(org: Org, sf: Any) -> None:
    metadata = {"type": "Checkbox", "label": "Hub", "defaultValue": "false"}
    sf.toolingexecute("sobjects/CustomField/", "POST", {"FullName": "Activity.Hub__c", "Metadata": metadata})
    _grant(sf, org, "Task.Hub__c", "Event.Hub__c")
    assert sf.query("SELECT Id, Hub__c FROM Task LIMIT 1")["records"][0]["Hub__c"] is False
    assert "Hub__c" in {field["name"] for field in sf.Event.describe()["fields"]}


def test_upsert_creates_updates_and_refuses_to_guess(org: Org, sf: Any) -> None:
    sf.toolingexecute("sobjects/CustomField/", "POST", EXTERNAL)
    _grant(sf, org, "Lead.Hub_Key__c")
    key = format_external_id("Hub_Key__c", "a/b c?ü")
    made = sf.Lead.upsert(key, {"LastName": "A", "Company": "B"}, raw_response=True)
    assert (made.status_code, made.json()["created"]) == (201, True)
    assert sf.Lead.upsert(key, {"Title": "CEO"}) == 200
    row = sf.Lead.get(format_external_id("Hub_Key__c", "A/B C?Ü"))
    assert (row["Title"], row["Hub_Key__c"]) == ("CEO", "a/b c?ü")
    with pytest.raises(SalesforceMalformedRequest) as double:
        sf.Lead.create({"LastName": "B", "Company": "B", "Hub_Key__c": "A/B C?Ü"})
    assert _first(double)["errorCode"] == "DUPLICATE_VALUE"
    assert made.json()["id"][:15] in _first(double)["message"]
    sf.Lead.create({"LastName": "T", "Company": "B", "Email": "two@x.example"})
    sf.Lead.create({"LastName": "T", "Company": "B", "Email": "two@x.example"})
    with pytest.raises(SalesforceMoreThanOneRecord) as several:
        sf.Lead.upsert("Email/two@x.example", {"Title": "x"})
    urls: Any = several.value.content
    assert len(urls) == 2
    with pytest.raises(SalesforceResourceNotFound):
        sf.Lead.upsert("Title/x", {"LastName": "A"})


def test_collections_upsert_by_external_id(org: Org, sf: Any) -> None:
    sf.toolingexecute("sobjects/CustomField/", "POST", EXTERNAL)
    _grant(sf, org, "Lead.Hub_Key__c")

    def record(key: str, **fields: Any) -> dict[str, Any]:
        return {"attributes": {"type": "Lead"}, "Hub_Key__c": key, **fields}

    records = [
        record("1", LastName="A", Company="B"),
        record("2", LastName="A"),
        record("3", LastName="A", Company="B"),
        record("3", LastName="C", Company="B"),
    ]
    path = "composite/sobjects/Lead/Hub_Key__c"
    results = sf.restful(path, method="PATCH", json={"allOrNone": False, "records": records})
    assert [result["success"] for result in results] == [True, False, False, False]
    assert [result["created"] for result in results] == [True, False, False, False]
    assert results[2]["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
    again = sf.restful(path, method="PATCH", json={"records": [record("1", Title="CEO")]})
    assert (again[0]["id"], again[0]["created"]) == (results[0]["id"], False)


def test_collections_with_two_hundred_rows(sf: Any) -> None:
    rows = [{"attributes": {"type": "Lead"}, "LastName": f"N{n}", "Company": "C"} for n in range(200)]
    rows[77]["LastName"] = ""
    made = sf.restful("composite/sobjects", method="POST", json={"allOrNone": False, "records": rows})
    assert [n for n, result in enumerate(made) if not result["success"]] == [77]
    ids = [result["id"] for result in made if result["success"]]
    read = sf.restful("composite/sobjects/Lead", method="POST", json={"ids": ids, "fields": ["LastName"]})
    assert [row["LastName"] for row in read] == [f"N{n}" for n in range(200) if n != 77]


def test_deleted_and_updated(org: Org, sf: Any) -> None:
    made = sf.Lead.create({"LastName": "A", "Company": "B"})["id"]
    sf.Lead.delete(made)
    org.control("/clock", {"advance": 120_000})
    end = datetime.fromtimestamp(START / 1000 + 120, UTC)
    found = sf.Lead.deleted(end - timedelta(hours=1), end)
    assert [row["id"] for row in found["deletedRecords"]] == [made]
    assert sf.Contact.updated(end - timedelta(days=29), end)["ids"]


def test_limits_and_usage(org: Org, sf: Any) -> None:
    before = sf.limits()["DailyApiRequests"]
    sf.query("SELECT COUNT() FROM Lead")
    assert sf.api_usage["api-usage"].total == before["Max"]
    assert sf.limits()["DailyApiRequests"]["Remaining"] == before["Remaining"] - 2
    org.set(daily_limit=1)
    with pytest.raises(SalesforceRefusedRequest) as full:
        sf.query("SELECT COUNT() FROM Lead")
    assert _first(full)["errorCode"] == "REQUEST_LIMIT_EXCEEDED"


def test_errors_come_as_the_clients_own_exceptions(org: Org, sf: Any) -> None:
    known: Any = Salesforce(session_id=org.token, instance_url=org.base_url, version="67.0", session=sf.session)
    assert known.query("SELECT COUNT() FROM Lead")["totalSize"] > 0
    org.set(end_sessions=True)
    with pytest.raises(SalesforceExpiredSession):
        known.query("SELECT COUNT() FROM Lead")
    fresh = org.client()
    org.control("/faults", {"vendor": "salesforce", "status": 503, "times": 1})
    with pytest.raises(SalesforceGeneralError) as down:
        fresh.query("SELECT COUNT() FROM Lead")
    assert down.value.status == 503
    org.control("/faults", {"vendor": "salesforce", "kind": "quota", "times": 1})
    with pytest.raises(SalesforceRefusedRequest):
        fresh.query("SELECT COUNT() FROM Lead")
    with pytest.raises(SalesforceMalformedRequest) as malformed:
        fresh.query("SELECT Nope FROM Lead")
    assert _first(malformed)["errorCode"] == "INVALID_FIELD"
