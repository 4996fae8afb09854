"""Tokens and pulls against single answers: odd replies, each as small as it can be."""

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
    QuotaExhausted,
    Rejected,
)
from connectors.salesforce.config import Settings
from connectors.salesforce.connector import SalesforceConnector, build
from tests.connectors.salesforce_kit import (
    BASE,
    DATA,
    NOW,
    ORG,
    QUERY_ALL,
    TOKEN_URL,
    World,
    ids,
    lead,
    lead_id,
    page,
    refusal,
    sent,
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


def test_a_rotated_refresh_token_is_kept_before_its_first_use(http: responses.RequestsMock, world: World) -> None:
    configured: Settings = settings(refresh_token="first")
    http.post(TOKEN_URL, json=token_answer(refresh_token="second"))
    http.get(QUERY_ALL, status=401, json=refusal("INVALID_SESSION_ID"))
    http.get(QUERY_ALL, json=page())
    list(build(configured, world.surroundings()).pull("leads", None, []))
    assert [parse_qs(str(r.body))["refresh_token"][0] for r in sent(http, TOKEN_URL)] == ["first", "second"]
    assert "second" in world.secrets.kept["refresh-token"]


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
    assert pages[1].bookmark == {"low": NOW - 300_000, "n": 0, "newest": None, "refreshed": NOW}
    assert statements(http)[0].endswith("FROM Lead ORDER BY SystemModstamp, Id")


def test_a_killed_pull_continues_behind_its_last_row(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
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


def test_a_dead_locator_is_replaced_by_the_keyset(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    more = "/services/data/v67.0/query/0r8xx000000AbCdAAK-2000"
    http.get(QUERY_ALL, json=page(lead(1), more=more, total=2))
    http.get(f"{BASE}{more}", status=400, json=refusal("INVALID_QUERY_LOCATOR"))
    http.get(QUERY_ALL, json=page(lead(2)))
    assert ids(list(crm.pull("leads", None, []))) == [lead_id(1), lead_id(2)]
    assert f"Id > '{lead_id(1)}'" in statements(http)[1]


CROWDED = {"low": NOW - 500_000, "n": 2_001, "newest": NOW - 100_000, "refreshed": NOW}


def probe_answer(n: int, newest: str) -> dict[str, Any]:
    return page({"attributes": {"type": "AggregateResult"}, "expr0": n, "expr1": newest})


def test_a_crowded_window_is_probed_with_one_call(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
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
    assert only.bookmark == {"low": NOW - 300_000, "n": 0, "newest": None, "refreshed": NOW}


def test_the_vendors_clock_counts(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(QUERY_ALL, json=page(), headers={"Date": "Fri, 15 Jan 2027 07:00:00 GMT"})
    (only,) = crm.pull("leads", None, [])
    assert only.bookmark["low"] == NOW - 3_600_000 - 300_000


SEEN = {"fields": [{"name": "Email", "type": "email"}, {"name": "ConvertedContactId", "type": "reference"}]}


def test_hidden_fields_are_left_out(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(QUERY_ALL, status=400, json=refusal("INVALID_FIELD", "No such column 'Secret__c' on entity 'Lead'."))
    http.get(QUERY_ALL, json=page(lead(1, Email="a@b.c")))
    http.get(f"{DATA}/sobjects/Lead/describe", json=SEEN)
    (only,) = crm.pull("leads", None, ["Email", "Secret__c"])
    assert only.rows[0].values == {"Email": "a@b.c"}


def test_a_refused_statement_without_hidden_fields_is_an_error(
    http: responses.RequestsMock, crm: SalesforceConnector
) -> None:
    http.get(QUERY_ALL, status=400, json=refusal("INVALID_FIELD", "No such column 'SystemModstamp'"))
    http.get(f"{DATA}/sobjects/Lead/describe", json=SEEN)
    with pytest.raises(Rejected, match="SystemModstamp"):
        list(crm.pull("leads", None, ["Email"]))


def test_very_many_fields_are_asked_for_in_pieces(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
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


@pytest.mark.parametrize("status", [414, 431])
def test_an_address_that_is_too_long_on_the_way_is_cut(
    http: responses.RequestsMock, crm: SalesforceConnector, status: int
) -> None:
    fields = [f"Field_{n:03d}__c" for n in range(200)]

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        if len(request.url or "") > 2_000:
            return status, {}, b"<h1>Bad Message</h1>"
        asked = parse_qs(urlsplit(request.url or "").query)["q"][0]
        names = re.findall(r"Field_\w+", asked)
        return 200, {}, orjson.dumps(page(lead(1, **{f: f"value of {f}" for f in names})))

    http.add_callback(responses.GET, QUERY_ALL, answer)
    (only,) = crm.pull("leads", None, fields)
    assert only.rows[0].values == {f: f"value of {f}" for f in fields}


@pytest.mark.parametrize("odd", [{"records": None}, [], {"records": [], "done": False}])
def test_an_answer_that_is_no_page_is_told(http: responses.RequestsMock, crm: SalesforceConnector, odd: object) -> None:
    http.get(QUERY_ALL, json=odd)
    with pytest.raises(ContractBroken):
        list(crm.pull("leads", None, []))


def test_a_day_without_calls_left_stops(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(QUERY_ALL, status=403, json=refusal("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
    with pytest.raises(QuotaExhausted):
        list(crm.pull("leads", None, []))


def test_a_crowded_org_is_waited_for(http: responses.RequestsMock, world: World, crm: SalesforceConnector) -> None:
    http.get(QUERY_ALL, status=403, json=refusal("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded."))
    http.get(QUERY_ALL, json=page(lead(1)))
    assert ids(list(crm.pull("leads", None, []))) == [lead_id(1)]
    assert world.clock.slept


def test_rows_stamped_while_the_first_run_began_do_not_hold_up_the_second(
    http: responses.RequestsMock, world: World, crm: SalesforceConnector
) -> None:
    more = "/services/data/v67.0/query/0r8xx000000AbCdAAK-2000"
    stamp = "2027-01-15T08:00:00.000+0000"
    http.get(QUERY_ALL, json=page(lead(1, stamp=stamp), lead(2, stamp=stamp), more=more))
    first = next(crm.pull("leads", None, []))
    assert first.bookmark["at"] is None, "they may have changed after the query was asked"
    world.clock.at += 1_000
    second = next(crm.pull("leads", first.bookmark, []))
    assert second.bookmark["at"] == [NOW, lead_id(2)]
    assert second.bookmark["began"] == NOW
