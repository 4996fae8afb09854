"""Reading, counting and describing, against single answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from connectors.contract import (
    Rejected,
)
from connectors.salesforce.connector import SalesforceConnector, build
from tests.connectors.salesforce_kit import (
    ANN,
    COLLECTIONS,
    DATA,
    QUERY,
    QUERY_ALL,
    TOKEN_URL,
    World,
    lead,
    lead_id,
    page,
    refusal,
    settings,
    statements,
    token_answer,
)


@pytest.fixture
def http() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def crm(http: responses.RequestsMock, world: World) -> Iterator[SalesforceConnector]:
    http.post(TOKEN_URL, json=token_answer())
    connector = build(settings(), world.surroundings())
    yield connector
    connector.close()


def test_read_tells_the_fate_of_every_id(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    answers = [
        page(
            lead(1),
            lead(2, IsDeleted=True),
            lead(3, IsDeleted=True, MasterRecordId=lead_id(8)),
            lead(4, IsDeleted=True, MasterRecordId=lead_id(2)),
            lead(5, IsConverted=True, ConvertedContactId="003000000000001AAA"),
        ),
        page(lead(8, IsDeleted=True, MasterRecordId=lead_id(9))),
        page(lead(9)),
    ]
    for answer in answers:
        http.get(QUERY_ALL, json=answer)
    result = crm.read("leads", [lead_id(n) for n in range(1, 7)] + ["nonsense'"], ["Email"])
    assert list(result.rows) == [lead_id(1), lead_id(9), lead_id(5)]
    assert result.rows[lead_id(5)].read_only == "converted lead"
    assert [d.id for d in result.deleted] == [lead_id(2), lead_id(4)]
    assert [(m.old_id, m.new_id) for m in result.merges] == [(lead_id(3), lead_id(9))]
    assert result.missing == [lead_id(6), "nonsense'"]
    assert "nonsense" not in "".join(statements(http))


def test_parent_paths_are_read_by_query(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(QUERY_ALL, json=page(lead(1, Owner={"Email": "a@b.c"})))
    assert crm.read("leads", [lead_id(1)], ["Owner.Email"]).rows[lead_id(1)].values == {"Owner.Email": "a@b.c"}


def test_many_ids_are_retrieved_2000_a_call(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    live = [{k: v for k, v in lead(n).items() if k != "LastModifiedBy"} for n in range(1_999)]
    http.post(f"{COLLECTIONS}/Lead", json=[*live, None])
    http.get(QUERY_ALL, json=page({"Id": ANN, "UserType": "AutomatedProcess"}))
    http.get(QUERY_ALL, json=page(lead(1_999, IsDeleted=True)))
    result = crm.read("leads", [lead_id(n) for n in range(2_000)], ["Email"])
    assert len(result.rows) == 1_999
    assert [d.id for d in result.deleted] == [lead_id(1_999)]
    assert {row.actor for row in result.rows.values()} == {"integration"}
    assert len(http.calls) == 4, "the token, the retrieve, who the users are, what became of the missing one"


def test_count_leaves_out_deleted_and_converted(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(QUERY_ALL, json={"totalSize": 7, "done": True, "records": []})
    assert crm.count("leads") == 7
    assert statements(http) == ["SELECT COUNT() FROM Lead WHERE IsDeleted = false AND IsConverted = false"]


def test_find_without_the_key_field_is_refused(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(QUERY, status=400, json=refusal("INVALID_FIELD", "No such column 'crmhub_id__c' on entity 'Lead'."))
    http.get(f"{DATA}/sobjects/Lead/describe", json={"fields": [{"name": "ConvertedContactId", "type": "reference"}]})
    with pytest.raises(Rejected, match="crmhub_id__c"):
        crm.find("leads", "crmhub_id__c", ["x"], [])


def test_an_unknown_stream_is_refused(crm: SalesforceConnector) -> None:
    with pytest.raises(Rejected, match="quotes"):
        crm.count("quotes")


def test_describe_tells_what_the_contract_asks(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    field = {"nillable": True, "createable": True, "updateable": True}
    contact = [
        {
            "name": "LastName",
            "type": "string",
            "length": 80,
            "label": "Last Name",
            **field,
            "nillable": False,
        },
        {"name": "Address", "type": "address", **field},
        {"name": "Score__c", "type": "double", "calculated": True, "custom": True, "updateable": False},
        {
            "name": "Tier__c",
            "type": "multipicklist",
            "restrictedPicklist": True,
            "picklistValues": [
                {"value": "a", "label": "A", "active": True},
                {"value": "b", "label": None, "active": False},
            ],
            **field,
        },
        {"name": "Flag", "type": "boolean", **field, "nillable": False},
        {"name": "crmhub_id__c", "type": "string", "unique": True, "externalId": True, **field},
        {"name": "AccountId", "type": "reference", "relationshipName": "Account", **field},
        {"name": "OwnerId", "type": "reference", "relationshipName": "Owner", **field},
    ]
    http.get(f"{DATA}/sobjects/Contact/describe", json={"fields": contact})
    http.get(f"{DATA}/sobjects/Account/describe", json={"fields": [{"name": "Type", "type": "picklist", **field}]})
    http.get(f"{DATA}/sobjects/User/describe", json={"fields": [{"name": "Email", "type": "email", **field}]})
    found = {f.name: f for f in crm.describe("contacts")}
    assert list(found) == [
        "LastName",
        "Score__c",
        "Tier__c",
        "Flag",
        "crmhub_id__c",
        "AccountId",
        "OwnerId",
        "Account.Type",
        "Owner.Email",
    ]
    assert found["LastName"].required
    assert found["LastName"].max_length == 80
    assert not found["Flag"].required
    assert found["Score__c"].calculated
    assert not found["Score__c"].writable
    assert found["Tier__c"].type == "options"
    assert found["Tier__c"].closed
    assert [(o.value, o.label, o.active) for o in found["Tier__c"].options] == [
        ("a", "A", True),
        ("b", "b", False),
    ]
    assert found["crmhub_id__c"].unique
    assert found["Account.Type"].calculated
    assert not found["Account.Type"].writable
