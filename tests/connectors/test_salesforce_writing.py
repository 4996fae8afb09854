"""Writing, making fields and checking, against single answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import requests
import responses

from connectors.contract import (
    FieldRequest,
    MissingScope,
    QuotaExhausted,
    Rejected,
    Unavailable,
    WriteOp,
)
from connectors.salesforce.connector import SalesforceConnector, build
from tests.connectors.salesforce_kit import (
    COLLECTIONS,
    DATA,
    HUB,
    ORG,
    QUERY,
    QUERY_ALL,
    TOKEN_URL,
    World,
    body,
    described,
    lead,
    lead_id,
    page,
    refusal,
    row_error,
    sent,
    settings,
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


def update(op_id: str, number: int, **values: Any) -> WriteOp:
    return WriteOp(op_id, "update", lead_id(number), values or {"Company": "x"})


def test_answers_are_put_back_onto_their_ops(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    answers = [
        {"id": lead_id(1), "success": True, "errors": []},
        row_error("STRING_TOO_LONG", "Company: data value too large", ["Company"]),
        row_error("UNABLE_TO_LOCK_ROW"),
        row_error("CANNOT_UPDATE_CONVERTED_LEAD"),
        row_error("ENTITY_IS_DELETED"),
    ]
    http.patch(COLLECTIONS, json=answers)
    http.get(QUERY_ALL, json=page(lead(5, IsDeleted=True, MasterRecordId=lead_id(6)), lead(6)))
    results = crm.push("leads", [update(f"op{n}", n) for n in range(1, 6)])
    assert [(r.op_id, r.outcome) for r in results] == [
        ("op1", "applied"),
        ("op2", "rejected"),
        ("op3", "retry"),
        ("op4", "rejected"),
        ("op5", "gone"),
    ]
    assert results[1].code == "STRING_TOO_LONG"
    assert "Company" in results[1].message
    assert "shorten" in results[1].remedy
    assert results[2].retry_after == 5
    assert results[4].remote_id == lead_id(6)
    request = body(sent(http, COLLECTIONS)[0])
    assert request["allOrNone"] is False
    assert request["records"][0] == {"attributes": {"type": "Lead"}, "id": lead_id(1), "Company": "x"}
    assert sent(http, COLLECTIONS)[0].headers["Sforce-Auto-Assign"] == "FALSE"


def test_a_record_stands_once_in_a_call(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.patch(COLLECTIONS, json=[{"id": lead_id(n), "success": True, "errors": []} for n in (1, 2)])
    http.patch(COLLECTIONS, json=[{"id": lead_id(1), "success": True, "errors": []}])
    results = crm.push("leads", [update("a", 1, Title="x"), update("b", 2), update("c", 1, Title="y")])
    assert [r.op_id for r in results] == ["a", "b", "c"]
    assert [[r["id"] for r in body(c)["records"]] for c in sent(http, COLLECTIONS)] == [
        [lead_id(1), lead_id(2)],
        [lead_id(1)],
    ]


def create(op_id: str, key: str | None) -> WriteOp:
    values = {"LastName": op_id, "Company": "c", "crmhub_id__c": key}
    return WriteOp(op_id, "create", None, {**values}, ("crmhub_id__c", key) if key else None)


def test_creates_go_by_their_key(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.patch(f"{COLLECTIONS}/Lead/crmhub_id__c", json=[{"id": lead_id(1), "success": True, "created": True}])
    (result,) = crm.push("leads", [create("a", "k1")])
    assert (result.outcome, result.remote_id) == ("applied", lead_id(1))
    assert body(http.calls[-1].request)["records"][0]["crmhub_id__c"] == "k1"


def test_creates_without_the_key_field_are_plain(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    message = "Provided external ID field does not exist or is not accessible: crmhub_id__c"
    http.patch(f"{COLLECTIONS}/Lead/crmhub_id__c", status=404, json=refusal("NOT_FOUND", message))
    http.post(COLLECTIONS, json=[{"id": lead_id(1), "success": True}])
    (result,) = crm.push("leads", [create("a", "k1")])
    assert result.remote_id == lead_id(1)
    assert "crmhub_id__c" not in body(sent(http, COLLECTIONS)[0])["records"][0]


def test_no_answer_leaves_every_op_of_the_call_unknown(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.patch(COLLECTIONS, body=requests.ConnectionError("reset"))
    results = crm.push("leads", [update("a", 1), update("b", 2)])
    assert [r.outcome for r in results] == ["unknown", "unknown"]
    assert len(sent(http, COLLECTIONS)) == 1


@pytest.mark.parametrize(
    ("status", "answer"), [(500, refusal("UNKNOWN_EXCEPTION")), (200, []), (200, {"odd": 1}), (503, "<html>")]
)
def test_an_unclear_answer_leaves_ops_unknown(
    http: responses.RequestsMock, crm: SalesforceConnector, status: int, answer: object
) -> None:
    http.patch(COLLECTIONS, status=status, json=answer)
    assert [r.outcome for r in crm.push("leads", [update("a", 1)])] == ["unknown"]


def test_an_unknown_field_is_named_on_its_op_only(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.patch(
        COLLECTIONS,
        status=400,
        json=refusal("INVALID_FIELD", "No such column 'Nope__c' on sobject of type Lead"),
    )
    http.patch(COLLECTIONS, json=[{"id": lead_id(n), "success": True} for n in (1, 3)])
    results = crm.push("leads", [update("a", 1), update("b", 2, Nope__c="x"), update("c", 3)])
    assert [r.outcome for r in results] == ["applied", "rejected", "applied"]
    assert "Nope__c" in results[1].message


def test_a_refusal_that_names_nothing_is_halved(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        records = body(request)["records"]
        if any(r["id"] == lead_id(3) for r in records):
            return 400, {}, orjson.dumps(refusal("JSON_PARSER_ERROR", "unexpected character"))
        return 200, {}, orjson.dumps([{"id": r["id"], "success": True} for r in records])

    http.add_callback(responses.PATCH, COLLECTIONS, answer)
    results = crm.push("leads", [update(f"op{n}", n) for n in range(1, 9)])
    assert [r.outcome for r in results] == ["applied"] * 2 + ["rejected"] + ["applied"] * 5


def test_ops_that_no_call_can_carry(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    (bad,) = crm.push("leads", [WriteOp("a", "update", "12", {"Title": "x"})])
    assert (bad.outcome, bad.code) == ("rejected", "MALFORMED_ID")
    (closed,) = crm.push("users", [WriteOp("a", "update", HUB, {"Title": "x"})])
    assert (closed.outcome, closed.code) == ("rejected", "READ_ONLY")
    assert not http.calls


def test_a_push_raises_only_if_nothing_was_attempted(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    quota = refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    http.patch(COLLECTIONS, json=[{"id": lead_id(1), "success": True}])
    http.patch(COLLECTIONS, status=403, json=quota)
    results = crm.push("leads", [update("a", 1), update("b", 1)])
    assert [r.outcome for r in results] == ["applied", "retry"]
    with pytest.raises(QuotaExhausted):
        crm.push("leads", [update("a", 1)])


def test_fields_of_another_type_are_refused(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    described = [{"name": "crmhub_score__c", "type": "string", "updateable": True}]
    http.get(f"{DATA}/sobjects/Lead/describe", json={"fields": described})
    with pytest.raises(Rejected, match="WRONG_TYPE"):
        crm.ensure_fields("leads", [FieldRequest("crmhub_score__c", "Score", "number")])
    with pytest.raises(Rejected, match="NOT_CUSTOM"):
        crm.ensure_fields("leads", [FieldRequest("crmhub_band", "Band", "text")])


def test_making_fields_needs_a_permission(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(f"{DATA}/sobjects/Lead/describe", json={"fields": []})
    http.get(f"{DATA}/tooling/query", json=page())
    http.post(f"{DATA}/tooling/sobjects/CustomField", status=403, json=refusal("INSUFFICIENT_ACCESS", "no rights"))
    with pytest.raises(MissingScope, match="Customize Application"):
        crm.ensure_fields("leads", [FieldRequest("crmhub_band__c", "Band", "text")])


def test_check_tells_who_we_are_and_what_is_missing(http: responses.RequestsMock, world: World) -> None:
    http.post(TOKEN_URL, json=token_answer() | {"instance_url": "https://acme2.my.salesforce.com"})
    http.get(QUERY, json=page({"Id": ORG, "Name": "Acme"}))
    http.get(QUERY, json=page({"Id": HUB, "Username": "hub@acme.com"}))
    http.get(f"{DATA}/sobjects/Lead/describe", json=described("ConvertedContactId"))
    http.get(f"{DATA}/sobjects/Contact/describe", json=described("AccountId", updateable=False))
    http.get(f"{DATA}/sobjects/Account/describe", status=404, json=refusal("NOT_FOUND"))
    http.get(f"{DATA}/sobjects/Opportunity/describe", status=404, json=refusal("NOT_FOUND"))
    http.get(f"{DATA}/sobjects/Task/describe", json=described("WhoId", "WhatId", "TaskSubtype"))
    http.get(f"{DATA}/sobjects/Event/describe", json=described("WhatId"))
    http.get(f"{DATA}/sobjects/CampaignMember/describe", json=described("LeadId", "ContactId"))
    http.get(f"{DATA}/limits/", json={"DailyApiRequests": {"Max": 15000, "Remaining": 14000}, "Other": {"Max": 1}})
    report = build(settings(), world.surroundings()).check()
    assert (report.account_id, report.account, report.user) == (ORG, "Acme", "hub@acme.com")
    assert [(q.name, q.limit, q.left) for q in report.quotas] == [("DailyApiRequests", 15000, 14000)]
    texts = " | ".join(f"{p.text} {p.remedy}" for p in report.problems)
    assert [p.fatal for p in report.problems] == [True, False, True, False, True]
    for told in (
        "acme2.my.salesforce.com",
        "Contact records cannot be edited",
        "Account records are not visible",
        "Opportunity records are not visible to the hub's user, or this org has none",
        "the field Event.WhoId is hidden",
        "Object Settings → Event: Field Permissions, Read WhoId",
    ):
        assert told in texts


def test_check_of_a_wrong_host_makes_no_call(http: responses.RequestsMock, world: World) -> None:
    report = build(settings(base_url="https://acme.lightning.force.com"), world.surroundings()).check()
    assert "https://acme.my.salesforce.com" in report.problems[0].remedy
    assert not http.calls


def test_check_of_a_dead_server_is_unavailable(http: responses.RequestsMock, world: World) -> None:
    http.post(TOKEN_URL, body=requests.ConnectionError("down"))
    with pytest.raises(Unavailable):
        build(settings(), world.surroundings()).check()


def test_an_api_that_is_off_is_a_problem(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(QUERY, status=403, json=refusal("API_DISABLED_FOR_ORG", "The REST API is not enabled"))
    assert "API Enabled" in crm.check().problems[0].text


def test_rows_say_whose_hand_it_was(http: responses.RequestsMock, world: World) -> None:
    http.post(TOKEN_URL, json=token_answer())
    mine = lead(2, LastModifiedById=HUB)
    named = lead(
        3, LastModifiedById="005000000000003AAA", LastModifiedBy={"UserType": "Standard", "Username": "zap@acme.com"}
    )
    http.get(QUERY_ALL, json=page(lead(1), mine, named))
    crm = build(settings(bots=("zap@acme.com",)), world.surroundings())
    (only,) = crm.pull("leads", None, [])
    assert [row.actor for row in only.rows] == ["person", "hub", "integration"]
