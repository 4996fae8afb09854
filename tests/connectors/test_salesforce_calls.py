"""The connector against single answers: odd replies, each as small as it can be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
import requests
import responses

from connectors.contract import (
    AuthFailed,
    ContractBroken,
    FieldRequest,
    MissingScope,
    Page,
    QuotaExhausted,
    Rejected,
    Unavailable,
    WriteOp,
)
from connectors.salesforce.config import Settings
from connectors.salesforce.connector import SalesforceConnector, build
from tests.connectors.salesforce_kit import (
    ANN,
    BASE,
    DATA,
    HUB,
    NOW,
    ORG,
    World,
    lead,
    lead_id,
    page,
    refusal,
    row_error,
    settings,
    token_answer,
)

TOKEN_URL = f"{BASE}/services/oauth2/token"
QUERY_ALL = f"{DATA}/queryAll/"
QUERY = f"{DATA}/query/"
COLLECTIONS = f"{DATA}/composite/sobjects"


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


def sent(http: responses.RequestsMock, url: str) -> list[requests.PreparedRequest]:
    """The requests to one address, in order."""
    return [c.request for c in http.calls if (c.request.url or "").split("?")[0] == url]


def statements(http: responses.RequestsMock) -> list[str]:
    """The SOQL statements that were asked."""
    return [
        parse_qs(urlsplit(c.request.url or "").query)["q"][0]
        for c in http.calls
        if "?q=" in (c.request.url or "") or "&q=" in (c.request.url or "")
    ]


def body(request: requests.PreparedRequest) -> Any:
    return orjson.loads(request.body or b"null")


def ids(pages: list[Page]) -> list[str]:
    return [row.id for p in pages for row in p.rows]


# ------------------------------------------------------------------------------------------------ tokens


def test_one_token_serves_all_calls_and_the_next_process(
    http: responses.RequestsMock, world: World, crm: SalesforceConnector
) -> None:
    http.get(QUERY_ALL, json=page())
    list(crm.pull("leads", None, []))
    list(crm.pull("contacts", None, []))
    again = build(settings(), world.surroundings())
    list(again.pull("leads", None, []))
    assert len(sent(http, TOKEN_URL)) == 1
    form = parse_qs(str(sent(http, TOKEN_URL)[0].body))
    assert form == {
        "grant_type": ["client_credentials"],
        "client_id": ["id"],
        "client_secret": ["s3cr3t-value"],
    }
    query = sent(http, QUERY_ALL)[0]
    assert query.headers["Authorization"] == f"Bearer {ORG[:15]}!token1"
    assert query.headers["Sforce-Call-Options"] == "client=crmhub"
    assert "X-PrettyPrint" not in query.headers
    again.close()


def test_a_stored_token_of_other_settings_is_not_used(http: responses.RequestsMock, world: World) -> None:
    http.post(TOKEN_URL, json=token_answer())
    http.get(QUERY_ALL, json=page(total=0))
    for secret in ("one", "two"):
        list(build(settings(client_secret=secret), world.surroundings()).pull("leads", None, []))
    assert len(sent(http, TOKEN_URL)) == 2


def test_an_expired_session_is_renewed_once(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(QUERY_ALL, status=401, json=refusal("INVALID_SESSION_ID"))
    http.get(QUERY_ALL, json=page(lead(1)))
    assert ids(list(crm.pull("leads", None, []))) == [lead_id(1)]
    assert len(sent(http, TOKEN_URL)) == 2


def test_a_session_refused_for_ever_stops(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(QUERY_ALL, status=401, json=refusal("INVALID_SESSION_ID", "Session expired or invalid"))
    with pytest.raises(AuthFailed, match="Session expired") as failed:
        list(crm.pull("leads", None, []))
    assert failed.value.connection == "sf"
    assert len(sent(http, QUERY_ALL)) == 2
    assert len(sent(http, TOKEN_URL)) == 2


def test_refused_credentials_stop_without_showing_them(http: responses.RequestsMock, world: World) -> None:
    http.post(
        TOKEN_URL,
        status=400,
        json={"error": "invalid_client", "error_description": "invalid client credentials"},
    )
    crm = build(settings(), world.surroundings())
    with pytest.raises(AuthFailed, match="invalid client credentials") as failed:
        crm.count("leads")
    assert "s3cr3t" not in str(failed.value)
    report = crm.check()
    assert [p.fatal for p in report.problems] == [True]
    assert "client_secret" in report.problems[0].remedy


def test_a_rotated_refresh_token_is_kept_before_its_first_use(
    http: responses.RequestsMock, world: World
) -> None:
    configured: Settings = settings(refresh_token="first")
    http.post(TOKEN_URL, json=token_answer(refresh_token="second"))
    http.get(QUERY_ALL, status=401, json=refusal("INVALID_SESSION_ID"))
    http.get(QUERY_ALL, json=page())
    list(build(configured, world.surroundings()).pull("leads", None, []))
    assert [parse_qs(str(r.body))["refresh_token"][0] for r in sent(http, TOKEN_URL)] == ["first", "second"]
    assert "second" in world.secrets.kept["sf/refresh-token"]


# ------------------------------------------------------------------------------------------------ pulling


def test_a_first_pull_follows_pages_and_bookmarks_the_keyset(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    more = "/services/data/v67.0/query/01gxx000000AbCdAAK-2000"
    http.get(QUERY_ALL, json=page(lead(1), lead(2), more=more, total=3))
    http.get(f"{BASE}{more}", json=page(lead(3), total=3))
    pages = list(crm.pull("leads", None, ["Email"]))
    assert [p.done for p in pages] == [False, True]
    assert [p.total for p in pages] == [3, 3]
    assert ids(pages) == [lead_id(1), lead_id(2), lead_id(3)]
    assert pages[0].bookmark["at"] == [NOW - 3_600_000, lead_id(2)]
    assert "01gxx" not in str(pages)
    assert pages[1].bookmark == {"low": NOW - 300_000, "n": 0, "newest": None}
    assert statements(http)[0].endswith("FROM Lead ORDER BY SystemModstamp, Id")


def test_a_killed_pull_continues_behind_its_last_row(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    http.get(QUERY_ALL, json=page(lead(3)))
    inside = {
        "low": None,
        "began": NOW - 9_000_000,
        "at": [NOW - 3_600_000, lead_id(2)],
        "n": 0,
        "newest": None,
    }
    (only,) = crm.pull("leads", inside, [])
    assert f"Id > '{lead_id(2)}'" in statements(http)[0]
    assert only.bookmark["low"] == NOW - 9_300_000, "the window starts at the begin of the killed pass"
    assert only.bookmark["n"] == 1


def test_a_row_changed_under_the_locator_is_no_place_to_continue_from(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    more = "/services/data/v67.0/query/0r8xx000000AbCdAAK-2000"
    late = lead(2, stamp="2027-01-15T08:00:01.000+0000")
    http.get(QUERY_ALL, json=page(lead(1), late, more=more))
    first = next(crm.pull("leads", None, []))
    assert first.bookmark["at"] == [NOW - 3_600_000, lead_id(1)]


def test_a_dead_locator_is_replaced_by_the_keyset(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    more = "/services/data/v67.0/query/0r8xx000000AbCdAAK-2000"
    http.get(QUERY_ALL, json=page(lead(1), more=more, total=2))
    http.get(f"{BASE}{more}", status=400, json=refusal("INVALID_QUERY_LOCATOR"))
    http.get(QUERY_ALL, json=page(lead(2)))
    assert ids(list(crm.pull("leads", None, []))) == [lead_id(1), lead_id(2)]
    assert f"Id > '{lead_id(1)}'" in statements(http)[1]


CROWDED = {"low": NOW - 500_000, "n": 2_001, "newest": NOW - 100_000}


def probe_answer(n: int, newest: str) -> dict[str, Any]:
    return page({"attributes": {"type": "AggregateResult"}, "expr0": n, "expr1": newest})


def test_a_crowded_window_is_probed_with_one_call(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    http.get(QUERY_ALL, json=probe_answer(2_001, "2027-01-15T07:58:20.000+0000"))
    (only,) = crm.pull("leads", dict(CROWDED), ["Email"])
    assert (only.rows, only.done, only.bookmark) == ([], True, CROWDED)
    assert len(statements(http)) == 1


@pytest.mark.parametrize(("n", "newest"), [(2_002, "07:58:20"), (2_001, "07:59:00")])
def test_a_crowded_window_that_moved_is_read(
    http: responses.RequestsMock, crm: SalesforceConnector, n: int, newest: str
) -> None:
    http.get(QUERY_ALL, json=probe_answer(n, f"2027-01-15T{newest}.000+0000"))
    http.get(QUERY_ALL, json=page(lead(1, stamp=f"2027-01-15T{newest}.000+0000")))
    (only,) = crm.pull("leads", dict(CROWDED), [])
    assert ids([only]) == [lead_id(1)]
    assert only.bookmark["low"] == NOW - 300_000


def test_a_crowded_window_past_its_overlap_is_read_a_last_time(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    http.get(QUERY_ALL, json=page(lead(1)))
    old = {"low": NOW - 900_000, "n": 2_001, "newest": NOW - 300_000}
    (only,) = crm.pull("leads", old, [])
    assert len(statements(http)) == 1
    assert only.bookmark == {"low": NOW - 300_000, "n": 0, "newest": None}


def test_the_vendors_clock_counts(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(QUERY_ALL, json=page(), headers={"Date": "Fri, 15 Jan 2027 07:00:00 GMT"})
    (only,) = crm.pull("leads", None, [])
    assert only.bookmark["low"] == NOW - 3_600_000 - 300_000


def test_hidden_fields_are_left_out(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(
        QUERY_ALL, status=400, json=refusal("INVALID_FIELD", "No such column 'Secret__c' on entity 'Lead'.")
    )
    http.get(QUERY_ALL, json=page(lead(1, Email="a@b.c")))
    http.get(f"{DATA}/sobjects/Lead/describe", json={"fields": [{"name": "Email", "type": "email"}]})
    (only,) = crm.pull("leads", None, ["Email", "Secret__c"])
    assert only.rows[0].values == {"Email": "a@b.c"}


def test_a_refused_statement_without_hidden_fields_is_an_error(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    http.get(QUERY_ALL, status=400, json=refusal("INVALID_FIELD", "No such column 'SystemModstamp'"))
    http.get(f"{DATA}/sobjects/Lead/describe", json={"fields": [{"name": "Email", "type": "email"}]})
    with pytest.raises(Rejected, match="SystemModstamp"):
        list(crm.pull("leads", None, ["Email"]))


def test_very_many_fields_are_asked_for_in_pieces(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    fields = [f"A_Rather_Long_Custom_Field_{n:04d}__c" for n in range(400)]

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        assert len(request.url or "") < 16_000
        asked = parse_qs(urlsplit(request.url or "").query)["q"][0]
        names = re.findall(r"A_Rather\w+", asked)
        rows = [lead(n, **{f: f"{n} {f}" for f in names}) for n in (1, 2)]
        if "ORDER BY" not in asked and "Id IN" not in asked:
            rows = rows[:1]  # the second one changed meanwhile and left the range
        return 200, {}, orjson.dumps(page(*rows))

    http.add_callback(responses.GET, QUERY_ALL, answer)
    (only,) = crm.pull("leads", None, fields)
    assert [row.values for row in only.rows] == [{f: f"{n} {f}" for f in fields} for n in (1, 2)]
    assert len(statements(http)) == 5, "3 pieces; 2 of them once more for the row that had left the range"


@pytest.mark.parametrize("odd", [{"records": None}, [], {"records": [], "done": False}])
def test_an_answer_that_is_no_page_is_told(
    http: responses.RequestsMock, crm: SalesforceConnector, odd: object
) -> None:
    http.get(QUERY_ALL, json=odd)
    with pytest.raises(ContractBroken):
        list(crm.pull("leads", None, []))


def test_a_day_without_calls_left_stops(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(QUERY_ALL, status=403, json=refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
    with pytest.raises(QuotaExhausted):
        list(crm.pull("leads", None, []))


def test_a_crowded_org_is_waited_for(
    http: responses.RequestsMock, world: World, crm: SalesforceConnector
) -> None:
    http.get(
        QUERY_ALL, status=403, json=refusal("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded.")
    )
    http.get(QUERY_ALL, json=page(lead(1)))
    assert ids(list(crm.pull("leads", None, []))) == [lead_id(1)]
    assert world.clock.slept


# ------------------------------------------------------------------------------------------------ reading


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


def test_count_leaves_out_deleted_and_converted(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    http.get(QUERY_ALL, json={"totalSize": 7, "done": True, "records": []})
    assert crm.count("leads") == 7
    assert statements(http) == ["SELECT COUNT() FROM Lead WHERE IsDeleted = false AND IsConverted = false"]


def test_find_without_the_key_field_is_refused(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    http.get(
        QUERY, status=400, json=refusal("INVALID_FIELD", "No such column 'crmhub_id__c' on entity 'Lead'.")
    )
    with pytest.raises(Rejected, match="crmhub_id__c"):
        crm.find("leads", "crmhub_id__c", ["x"], [])


def test_an_unknown_stream_is_refused(crm: SalesforceConnector) -> None:
    with pytest.raises(Rejected, match="opportunities"):
        crm.count("opportunities")


# ------------------------------------------------------------------------------------------------ describe


def test_describe_tells_what_the_contract_asks(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
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
    ]
    http.get(f"{DATA}/sobjects/Contact/describe", json={"fields": contact})
    http.get(
        f"{DATA}/sobjects/Account/describe", json={"fields": [{"name": "Type", "type": "picklist", **field}]}
    )
    http.get(f"{DATA}/sobjects/User/describe", json={"fields": [{"name": "Email", "type": "email", **field}]})
    found = {f.name: f for f in crm.describe("contacts")}
    assert list(found) == [
        "LastName",
        "Score__c",
        "Tier__c",
        "Flag",
        "crmhub_id__c",
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


# ------------------------------------------------------------------------------------------------ writing


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
    http.patch(
        f"{COLLECTIONS}/Lead/crmhub_id__c", json=[{"id": lead_id(1), "success": True, "created": True}]
    )
    (result,) = crm.push("leads", [create("a", "k1")])
    assert (result.outcome, result.remote_id) == ("applied", lead_id(1))
    assert body(http.calls[-1].request)["records"][0]["crmhub_id__c"] == "k1"


def test_creates_without_the_key_field_are_plain(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    message = "Provided external ID field does not exist or is not accessible: crmhub_id__c"
    http.patch(f"{COLLECTIONS}/Lead/crmhub_id__c", status=404, json=refusal("NOT_FOUND", message))
    http.post(COLLECTIONS, json=[{"id": lead_id(1), "success": True}])
    (result,) = crm.push("leads", [create("a", "k1")])
    assert result.remote_id == lead_id(1)
    assert "crmhub_id__c" not in body(sent(http, COLLECTIONS)[0])["records"][0]


def test_no_answer_leaves_every_op_of_the_call_unknown(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
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


def test_an_unknown_field_is_named_on_its_op_only(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    http.patch(
        COLLECTIONS,
        status=400,
        json=refusal("INVALID_FIELD", "No such column 'Nope__c' on sobject of type Lead"),
    )
    http.patch(COLLECTIONS, json=[{"id": lead_id(n), "success": True} for n in (1, 3)])
    results = crm.push("leads", [update("a", 1), update("b", 2, Nope__c="x"), update("c", 3)])
    assert [r.outcome for r in results] == ["applied", "rejected", "applied"]
    assert "Nope__c" in results[1].message


def test_a_refusal_that_names_nothing_is_halved(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
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


def test_a_push_raises_only_if_nothing_was_attempted(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    quota = refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    http.patch(COLLECTIONS, json=[{"id": lead_id(1), "success": True}])
    http.patch(COLLECTIONS, status=403, json=quota)
    results = crm.push("leads", [update("a", 1), update("b", 1)])
    assert [r.outcome for r in results] == ["applied", "retry"]
    with pytest.raises(QuotaExhausted):
        crm.push("leads", [update("a", 1)])


# ---------------------------------------------------------------------------------------- fields, check


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
    http.post(
        f"{DATA}/tooling/sobjects/CustomField", status=403, json=refusal("INSUFFICIENT_ACCESS", "no rights")
    )
    with pytest.raises(MissingScope, match="Customize Application"):
        crm.ensure_fields("leads", [FieldRequest("crmhub_band__c", "Band", "text")])


def test_check_tells_who_we_are_and_what_is_missing(http: responses.RequestsMock, world: World) -> None:
    http.post(TOKEN_URL, json=token_answer() | {"instance_url": "https://acme2.my.salesforce.com"})
    http.get(QUERY, json=page({"Id": ORG, "Name": "Acme"}))
    http.get(QUERY, json=page({"Id": HUB, "Username": "hub@acme.com"}))
    http.get(f"{DATA}/sobjects/Lead/describe", json={"fields": [], "queryable": True, "updateable": True})
    http.get(f"{DATA}/sobjects/Contact/describe", json={"fields": [], "queryable": True, "updateable": False})
    http.get(f"{DATA}/sobjects/Account/describe", status=404, json=refusal("NOT_FOUND"))
    http.get(
        f"{DATA}/limits/", json={"DailyApiRequests": {"Max": 15000, "Remaining": 14000}, "Other": {"Max": 1}}
    )
    report = build(settings(), world.surroundings()).check()
    assert (report.account_id, report.account, report.user) == (ORG, "Acme", "hub@acme.com")
    assert [(q.name, q.limit, q.left) for q in report.quotas] == [("DailyApiRequests", 15000, 14000)]
    texts = " | ".join(f"{p.text} {p.remedy}" for p in report.problems)
    assert [p.fatal for p in report.problems] == [True, False, True]
    assert "acme2.my.salesforce.com" in texts
    assert "Contact records cannot be edited" in texts
    assert "Account records are not visible" in texts


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
    named = lead(3, LastModifiedById=ANN, LastModifiedBy={"UserType": "Standard", "Username": "zap@acme.com"})
    http.get(QUERY_ALL, json=page(lead(1), mine, named))
    crm = build(settings(bots=("zap@acme.com",)), world.surroundings())
    (only,) = crm.pull("leads", None, [])
    assert [row.actor for row in only.rows] == ["person", "hub", "integration"]
