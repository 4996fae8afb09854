"""The connector's small parts, without HTTP."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import (
    AuthFailed,
    ContractBroken,
    MissingScope,
    QuotaExhausted,
    Rejected,
    Throttled,
    Unavailable,
)
from connectors.salesforce import errors, soql, times
from connectors.salesforce.config import host_hint
from connectors.salesforce.errors import Refusal
from connectors.salesforce.ids import full_id, is_id, stream_of
from connectors.salesforce.rows import Hands, RowMaker, fixed_fields
from connectors.salesforce.session import limit_info, route
from connectors.salesforce.streams import SOURCES
from tests.connectors.salesforce_kit import ANN, HUB, NOW, lead, lead_id, refusal, settings


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("00Q000000000001", "00Q000000000001EAA"),
        ("001D000000IqhSL", "001D000000IqhSLIAZ"),
        ("001D000000IqhSLIAZ", "001D000000IqhSLIAZ"),
    ],
)
def test_ids_are_brought_to_18_characters(short: str, full: str) -> None:
    assert full_id(short) == full


def test_ids_are_recognised_by_form_and_prefix() -> None:
    assert is_id("00Q000000000001")
    assert not is_id("00Q'; --")
    assert not is_id("00Q00000000000100")
    assert [stream_of(i) for i in ("00Qx", "003x", "001x", "006x", "")] == [
        "leads",
        "contacts",
        "accounts",
        "opportunities",
        None,
    ]


def test_times_are_exact_to_the_millisecond() -> None:
    assert times.parse("2027-01-15T08:00:00.123+0000") == NOW + 123
    assert times.parse(None) is None
    assert times.literal(NOW) == "2027-01-15T08:00:00Z"
    assert times.literal(NOW + 7) == "2027-01-15T08:00:00.007Z"


@pytest.mark.parametrize("odd", ["yesterday", 5, "2027-01-15T08:00:00"])
def test_a_time_of_another_form_is_told(odd: object) -> None:
    with pytest.raises(ContractBroken):
        times.parse(odd)


def test_values_are_quoted_and_names_are_checked() -> None:
    nasty = "x' OR Name != '\\"
    assert soql.among("Email", [nasty]) == "Email IN ('x\\' OR Name != \\'\\\\')"
    for name in ("Email FROM User", "Email,Phone", "", "a.b.c.d.e.f.g", "Näme"):
        with pytest.raises(Rejected, match="INVALID_FIELD"):
            soql.select([name], "Lead", [])


def test_statements() -> None:
    assert soql.select(
        ["Id", "Account.Type"], "Contact", ["Type = 'Queue'", None, soql.since(NOW)], order=soql.BY_STAMP
    ) == (
        "SELECT Id,Account.Type FROM Contact WHERE Type = 'Queue' AND SystemModstamp >= 2027-01-15T08:00:00Z"
        " ORDER BY SystemModstamp, Id"
    )
    assert soql.beyond(NOW, lead_id(1)) == (
        f"(SystemModstamp > 2027-01-15T08:00:00Z OR (SystemModstamp = 2027-01-15T08:00:00Z AND Id > '{lead_id(1)}'))"
    )
    assert soql.counted("Lead", ["IsDeleted = false"]) == "SELECT COUNT() FROM Lead WHERE IsDeleted = false"


@given(
    st.lists(st.from_regex(r"[A-Z][a-z]{1,20}__c", fullmatch=True), unique=True, max_size=60),
    st.integers(60, 400),
)
def test_field_lists_are_split_without_loss(wanted: list[str], room: int) -> None:
    chunks = soql.field_chunks(["Id", "SystemModstamp"], wanted, room)
    assert chunks[0][:2] == ["Id", "SystemModstamp"]
    assert all(chunk[0] == "Id" for chunk in chunks)
    assert [f for chunk in chunks for f in chunk if f not in ("Id", "SystemModstamp")] == wanted
    assert all(soql.encoded_length(chunk) <= room or len(chunk) <= 2 for chunk in chunks)


@given(st.lists(st.text(min_size=1, max_size=300), max_size=80), st.integers(0, 9_000))
def test_value_lists_are_split_without_loss(values: list[str], cost: int) -> None:
    chunks = list(soql.value_chunks(values, cost, 20))
    assert [v for chunk in chunks for v in chunk] == values
    assert all(0 < len(chunk) <= 20 for chunk in chunks)


def test_400_ids_fit_into_one_statement() -> None:
    ids = [lead_id(n) for n in range(400)]
    assert len(list(soql.value_chunks(ids, 600, 400))) == 1


@pytest.mark.parametrize(
    ("status", "body", "action", "error"),
    [
        (401, refusal("INVALID_SESSION_ID", "Session expired or invalid"), "auth", AuthFailed),
        (
            401,
            refusal("INVALID_SESSION_ID", "This session is not valid for use with the REST API"),
            "stop",
            AuthFailed,
        ),
        (403, refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), "stop", QuotaExhausted),
        (
            403,
            refusal("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
            "throttle",
            Throttled,
        ),
        (403, refusal("API_DISABLED_FOR_ORG"), "stop", MissingScope),
        (400, refusal("UNABLE_TO_LOCK_ROW"), "retry", Unavailable),
        (409, refusal("UNABLE_TO_LOCK_ROW"), "retry", Unavailable),
        (500, refusal("UNKNOWN_EXCEPTION"), "retry", Unavailable),
        (400, refusal("QUERY_TIMEOUT"), "retry", Unavailable),
        (503, "<html>", "retry", Unavailable),
        (429, "", "throttle", None),
        (420, "<html>", "throttle", None),
        (410, refusal("GONE"), "stop", Rejected),
        (400, refusal("UNSUPPORTED_API_VERSION"), "stop", Rejected),
        (400, refusal("MALFORMED_QUERY"), "stop", Rejected),
        (404, refusal("ENTITY_IS_DELETED"), "stop", Rejected),
        (302, "", "stop", Rejected),
        (400, {"error": "invalid_grant", "error_description": "expired"}, "stop", AuthFailed),
        (400, {"error": "rate_limit_exceeded"}, "stop", Throttled),
        (200, "anything", "ok", None),
    ],
)
def test_the_code_decides_what_a_refusal_means(
    status: int, body: object, action: str, error: type[Exception] | None
) -> None:
    verdict = errors.classify(status, {}, body.encode() if isinstance(body, str) else orjson.dumps(body))
    assert verdict.action == action
    assert verdict.error is None if error is None else isinstance(verdict.error, error)


@pytest.mark.parametrize(
    ("code", "fields", "outcome"),
    [
        ("UNABLE_TO_LOCK_ROW", (), "retry"),
        ("ENTITY_IS_DELETED", (), "gone"),
        ("INVALID_CROSS_REFERENCE_KEY", (), "gone"),
        ("INVALID_CROSS_REFERENCE_KEY", ("OwnerId",), "rejected"),
        ("CANNOT_UPDATE_CONVERTED_LEAD", (), "rejected"),
        ("STRING_TOO_LONG", ("Company",), "rejected"),
        ("SOMETHING_NEW", (), "rejected"),
    ],
)
def test_a_rows_refusal_decides_its_outcome(code: str, fields: tuple[str, ...], outcome: str) -> None:
    assert errors.outcome_of(Refusal(code, "no", fields))[0] == outcome


def test_every_rejection_has_a_remedy() -> None:
    assert "contact" in errors.rejected(Refusal("CANNOT_UPDATE_CONVERTED_LEAD", "no")).remedy
    assert errors.rejected(Refusal("SOMETHING_NEW", "no")).remedy


def test_routes_hold_no_ids() -> None:
    assert route("/services/data/v67.0/query/01gxx000000AbCdAAK-2000") == "query/more"
    assert route("/services/data/v67.0/queryAll/") == "queryAll"
    assert route(f"/services/data/v67.0/sobjects/FieldPermissions/{HUB}") == "sobjects/FieldPermissions/:id"
    assert route("/services/data/v67.0/sobjects/Lead/describe") == "sobjects/Lead/describe"
    assert route("/services/data/v67.0/composite/sobjects/Lead/crmhub_id__c") == "composite/sobjects/Lead/crmhub_id__c"


def test_the_usage_header_is_read() -> None:
    seen = limit_info({"Sforce-Limit-Info": "api-usage=18/15000; per-app-api-usage=17/250(appName=hub)"})
    assert seen is not None
    assert (seen.daily_limit, seen.daily_left) == (15000, 14982)
    assert limit_info({"Sforce-Limit-Info": "per-app-api-usage=17/250(appName=hub)"}) is None
    assert limit_info({}) is None


@pytest.mark.parametrize(
    ("user_id", "user", "actor"),
    [
        (HUB, {"UserType": "Standard"}, "hub"),
        (ANN, {"UserType": "Standard", "Username": "Hub@Acme.com"}, "hub"),
        (ANN, {"UserType": "Standard", "Email": "bot@acme.com"}, "integration"),
        (ANN, {"UserType": "Standard"}, "person"),
        (ANN, {"UserType": "AutomatedProcess"}, "integration"),
        (ANN, {"UserType": "Guest"}, "unknown"),
        (ANN, None, "unknown"),
    ],
)
def test_whose_hand_a_modification_is(user_id: str, user: dict[str, str] | None, actor: str) -> None:
    hands = Hands(HUB, "hub@acme.com", frozenset({"bot@acme.com"}))
    assert hands.actor({"LastModifiedById": user_id, "LastModifiedBy": user}) == actor


HANDS = Hands(HUB, None, frozenset())


def test_blank_hidden_and_parent_values() -> None:
    maker = RowMaker(
        SOURCES["leads"], HANDS, ["Email", "Phone", "Owner.Email", "Owner.Name", "Parent.Name", "Hidden__c"]
    )
    row = maker.row(lead(1, Email="", Phone=None, Owner={"Email": "a@b.c"}, Parent=None))
    assert row.values == {"Email": None, "Phone": None, "Owner.Email": "a@b.c", "Parent.Name": None}


def test_a_compound_field_is_refused() -> None:
    with pytest.raises(Rejected, match="compound"):
        RowMaker(SOURCES["leads"], HANDS, ["Address"]).row(lead(1, Address={"city": "Lyon"}))


def test_deleted_merged_and_converted_records() -> None:
    contact = "003000000000009AAA"
    batch = RowMaker(SOURCES["leads"], HANDS, []).batch(
        [
            lead(1, IsDeleted=True),
            lead(2, IsDeleted=True, MasterRecordId=lead_id(3)),
            lead(3),
            lead(4, IsConverted=True, ConvertedContactId=contact),
        ]
    )
    assert [d.id for d in batch.deletions] == [lead_id(1)]
    assert [(m.old_id, m.new_id, m.new_stream) for m in batch.merges] == [
        (lead_id(2), lead_id(3), None),
        (lead_id(4), contact, "contacts"),
    ]
    assert [(r.id, r.read_only) for r in batch.rows] == [(lead_id(3), None), (lead_id(4), "converted lead")]


def test_links_of_contacts_and_activities() -> None:
    record = {"Id": "003000000000001AAA", "AccountId": "001000000000001"}
    (link,) = RowMaker(SOURCES["contacts"], HANDS, []).row(record).links or ()
    assert (link.stream, link.id, link.primary) == ("accounts", "001000000000001AAA", True)
    task = {"Id": "00T000000000001AAA", "WhoId": lead_id(5), "WhatId": "006000000000001AAA"}
    assert [(link.stream, link.id) for link in RowMaker(SOURCES["tasks"], HANDS, []).row(task).links or ()] == [
        ("leads", lead_id(5)),
        ("opportunities", "006000000000001AAA"),
    ]
    task |= {"WhoId": "003000000000001AAA", "WhatId": "001000000000001AAA"}
    assert [(link.stream, link.primary) for link in RowMaker(SOURCES["tasks"], HANDS, []).row(task).links or ()] == [
        ("contacts", True),
        ("accounts", False),
    ]


def test_fixed_fields_fit_the_object() -> None:
    assert "IsDeleted" not in fixed_fields(SOURCES["users"], HANDS)
    assert "MasterRecordId" not in fixed_fields(SOURCES["tasks"], HANDS)
    assert "ConvertedContactId" in fixed_fields(SOURCES["leads"], HANDS)
    assert "LastModifiedBy.Username" in fixed_fields(SOURCES["leads"], Hands(HUB, "me@acme.com", frozenset()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "acme.my.salesforce.com"},
        {"base_url": "http://acme.my.salesforce.com"},
        {"base_url": "https://acme.my.salesforce.com/services"},
        {"api_version": "v67"},
    ],
)
def test_settings_that_cannot_be_meant(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"base_url|api_version"):
        settings(**wrong)


def test_settings_show_no_secret() -> None:
    assert "s3cr3t" not in repr(settings(refresh_token="r3fr3sh"))
    assert "r3fr3sh" not in repr(settings(refresh_token="r3fr3sh"))


def test_hosts_that_cannot_serve_the_api_get_a_hint() -> None:
    assert "acme.my.salesforce.com" in (host_hint("acme.lightning.force.com") or "")
    assert host_hint("login.salesforce.com")
    assert host_hint("acme.my.salesforce.com") is None
