"""Query jobs: CSV becomes what a REST query answers, jobs that fail or vanish are done without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from connectors.contract import Page, Row, Unavailable
from connectors.salesforce import bulk, messages, streams
from connectors.salesforce.connector import SalesforceConnector, build
from connectors.salesforce.org import Org
from tests.connectors.salesforce_kit import (
    BASE,
    DATA,
    QUERY_ALL,
    TOKEN_URL,
    Sandbox,
    World,
    body,
    ids,
    lead,
    lead_id,
    page,
    refusal,
    sent,
    settings,
    statements,
    token_answer,
    used_sandbox,
)

JOB = "750000000000001AAA"
JOBS = f"{DATA}/jobs/query"
RESULTS = f"{JOBS}/{JOB}/results"
MORE = "/services/data/v67.0/query/0r8xx000000AbCdAAK-2000"
HEADER = (
    "Id,SystemModstamp,CreatedDate,LastModifiedById,LastModifiedBy.UserType,IsDeleted,MasterRecordId,IsConverted,"
    "ConvertedContactId,Email"
)
FIELDS = {"Id": "id", "SystemModstamp": "datetime", "CreatedDate": "datetime", "IsDeleted": "boolean",
          "IsConverted": "boolean", "Email": "email"}  # fmt: skip


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
    http.get(f"{DATA}/sobjects/Lead/describe", json={"fields": [{"name": n, "type": t} for n, t in FIELDS.items()]})
    connector = build(settings(), world.surroundings())
    yield connector
    connector.close()


def line(number: int, email: str = "a@b.c") -> str:
    """A lead in a row of results."""
    stamp = "2027-01-15T07:00:00.000Z"
    return f'"{lead_id(number)}","{stamp}","{stamp}","","Standard","false","","false","","{email}"'


def csv_of(*lines: str) -> bytes:
    return "\n".join([HEADER, *lines, ""]).encode()


def large(http: responses.RequestsMock) -> None:
    """A first page of very many."""
    http.get(QUERY_ALL, json=page(lead(1, Email="a@b.c"), more=MORE, total=100_000))
    http.get(f"{BASE}{MORE}", json=page(lead(2, Email="a@b.c"), total=100_000))


def job(http: responses.RequestsMock, *states: str) -> None:
    http.post(JOBS, json={"id": JOB, "state": "UploadComplete"})
    for state in states:
        http.get(f"{JOBS}/{JOB}", json={"id": JOB, "state": state, "errorMessage": "why"})


def results(http: responses.RequestsMock, content: bytes, number: int | None, locator: str = "null") -> None:
    headers = {"Sforce-Locator": locator} | ({} if number is None else {"Sforce-NumberOfRecords": str(number)})
    http.get(RESULTS, body=content, headers=headers, content_type="text/csv")


def test_a_large_pass_goes_on_by_a_job(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    large(http)
    job(http, "UploadComplete", "InProgress", "JobComplete")
    results(http, csv_of(line(2), line(3)), 2, "MTAw")
    results(http, csv_of(line(4)), 1)
    pages = list(crm.pull("leads", None, ["Email"]))
    assert ids(pages) == [lead_id(n) for n in (1, 2, 3, 4)]
    assert [p.done for p in pages].index(True) == len(pages) - 1
    assert "at" not in pages[-1].bookmark
    created = body(sent(http, JOBS)[0])
    assert created["operation"] == "queryAll"
    assert f"Id > '{lead_id(1)}'" in created["query"]
    assert created["query"].endswith("ORDER BY SystemModstamp, Id")
    asked = [parse_qs(urlsplit(r.url or "").query) for r in sent(http, RESULTS)]
    assert "locator" not in asked[0]
    assert asked[1]["locator"] == ["MTAw"]
    assert all(r.headers["Accept"] == "text/csv" for r in sent(http, RESULTS))
    rows = {row.id: row for p in pages for row in p.rows}
    assert rows[lead_id(3)].values == {"Email": "a@b.c"}
    assert rows[lead_id(3)].actor == "unknown", "nobody is named in these rows"


def test_an_empty_result_ends_the_pass(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    large(http)
    job(http, "JobComplete")
    results(http, b"", None)
    pages = list(crm.pull("leads", None, ["Email"]))
    assert [p.done for p in pages] == [False, True]
    assert pages[-1].bookmark.keys() == {"low", "n", "newest", "refreshed"}


@pytest.mark.parametrize("code", ["INVALIDENTITY", "API_ERROR", "INSUFFICIENT_ACCESS", "FUNCTIONALITY_NOT_ENABLED"])
def test_without_a_job_the_pages_go_on(http: responses.RequestsMock, crm: SalesforceConnector, code: str) -> None:
    large(http)
    http.post(JOBS, status=403 if code == "INSUFFICIENT_ACCESS" else 400, json=refusal(code))
    http.replace(responses.GET, QUERY_ALL, json=page(lead(1, Email="a@b.c"), more=MORE, total=100_000))
    http.get(QUERY_ALL, json=page(lead(2, Email="a@b.c")))
    assert ids(list(crm.pull("leads", None, ["Email"]))) == [lead_id(1), lead_id(2)]
    assert f"Id > '{lead_id(1)}'" in statements(http)[1]


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_failed_job_is_not_tried_again(http: responses.RequestsMock, crm: SalesforceConnector, state: str) -> None:
    large(http)
    job(http, "InProgress", state)
    http.get(QUERY_ALL, json=page(lead(2, Email="a@b.c")))
    assert ids(list(crm.pull("leads", None, ["Email"]))) == [lead_id(1), lead_id(2)]
    assert len(sent(http, JOBS)) == 1


def test_a_job_that_takes_too_long_is_ended(
    http: responses.RequestsMock, world: World, crm: SalesforceConnector
) -> None:
    large(http)
    job(http, "InProgress")
    http.patch(f"{JOBS}/{JOB}", json={"id": JOB, "state": "Aborted"})
    http.get(QUERY_ALL, json=page(lead(2, Email="a@b.c")))
    assert ids(list(crm.pull("leads", None, ["Email"]))) == [lead_id(1), lead_id(2)]
    assert sum(world.clock.slept) >= bulk.PATIENCE_S
    assert body(sent(http, f"{JOBS}/{JOB}")[-1]) == {"state": "Aborted"}


def test_results_that_are_gone_are_read_by_pages(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    large(http)
    job(http, "JobComplete")
    results(http, csv_of(*(line(n) for n in range(2, 2_003))), 2_001, "MTAw")
    http.get(RESULTS, status=404, json=refusal("NOT_FOUND"))
    http.get(QUERY_ALL, json=page(lead(2_002, Email="a@b.c"), lead(2_003, Email="a@b.c")))
    found = ids(list(crm.pull("leads", None, ["Email"])))
    assert sorted(set(found)) == [lead_id(n) for n in range(1, 2_004)]
    assert f"Id > '{lead_id(2_001)}'" in statements(http)[1]


@pytest.mark.parametrize("cut", [b"\n", b'"', b"@b"])
def test_results_that_were_cut_off_are_asked_for_again(
    http: responses.RequestsMock, crm: SalesforceConnector, cut: bytes
) -> None:
    whole = csv_of(*(line(n) for n in range(2, 2_102)))
    large(http)
    job(http, "JobComplete")
    results(http, whole[: whole.rindex(cut, 0, len(whole) - 1) + 1], 2_100)
    results(http, whole, 2_100)
    assert ids(list(crm.pull("leads", None, ["Email"]))) == [lead_id(n) for n in range(1, 2_102)]


def test_results_that_stay_cut_off_stop_the_pull(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    large(http)
    job(http, "JobComplete")
    results(http, csv_of(line(2)), 2)
    with pytest.raises(Unavailable, match="cut off"):
        list(crm.pull("leads", None, ["Email"]))
    assert len(sent(http, RESULTS)) == bulk.TRIES


def test_a_killed_job_is_continued_by_the_keyset(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    large(http)
    job(http, "JobComplete")
    results(http, csv_of(*(line(n) for n in range(2, 6_003))), 6_001)
    pages = crm.pull("leads", None, ["Email"])
    last = [next(pages) for _ in range(3)][-1]
    http.get(QUERY_ALL, json=page(lead(6_002, Email="a@b.c")))
    list(crm.pull("leads", last.bookmark, ["Email"]))
    assert f"Id > '{lead_id(4_001)}'" in statements(http)[1]


# ------------------------------------------------------------------------------------------------ CSV and JSON


def test_odd_texts_survive(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    large(http)
    job(http, "JobComplete")
    odd = ['a ""quoted"" word', "two\nlines", "Ærøskøbing 𝔘 日本", "nul\x00l", "comma, semicolon;", " blank "]
    results(http, csv_of(*(line(n, text) for n, text in enumerate(odd, 2))), len(odd))
    rows = {row.id: row.values["Email"] for p in crm.pull("leads", None, ["Email"]) for row in p.rows}
    assert [rows[lead_id(n)] for n in range(2, 8)] == [
        'a "quoted" word', "two\nlines", "Ærøskøbing 𝔘 日本", "null", "comma, semicolon;", " blank "
    ]  # fmt: skip


def test_nul_in_json_is_dropped_as_in_csv(http: responses.RequestsMock, crm: SalesforceConnector) -> None:
    http.get(QUERY_ALL, json=page(lead(1, Email="nul\x00l"), lead(2, Email="a \\u0000 that somebody typed")))
    rows = [row.values["Email"] for p in crm.pull("leads", None, ["Email"]) for row in p.rows]
    assert rows == ["null", "a \\u0000 that somebody typed"]


def test_pieces_of_results_follow_the_width_of_the_rows(http: responses.RequestsMock, world: World) -> None:
    http.post(TOKEN_URL, json=token_answer())
    org = Org(settings(), world.surroundings())
    wide = "x" * 100_000

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        first = "locator" not in (request.url or "")
        more = {"Sforce-Locator": "MQ" if first else "null", "Sforce-NumberOfRecords": "2"}
        return 200, more, f'"Id","Text"\n"{lead_id(1)}","{wide}"\n"{lead_id(2)}",""\n'

    http.add_callback(responses.GET, RESULTS, answer, content_type="text/csv")
    found = list(bulk.results(org, JOB, ["Id", "Text"], lambda _name: None, 2_000, 100))
    assert found == [[{"Id": lead_id(1), "Text": wide}, {"Id": lead_id(2), "Text": None}]] * 2
    asked = [int(parse_qs(urlsplit(r.url or "").query)["maxRecords"][0]) for r in sent(http, RESULTS)]
    assert asked[0] == bulk.MOST_ROWS
    assert asked[1] == bulk.PIECE_BYTES // 50_027


def test_how_wide_rows_are_is_known_before_the_job() -> None:
    record = {"attributes": {"type": "Lead"}, "Id": lead_id(1), "Email": None, "Account": {"Name": "é" * 10}}
    assert bulk.width([record] * 300) == 21 + 3 + 23
    assert bulk.width([]) == 0


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("boolean", "true", True), ("int", "12", 12), ("double", "12.0", 12.0), ("currency", "1.5E8", 150_000_000.0),
        ("percent", "12.5", 12.5), ("datetime", "2026-11-23T19:11:41.000Z", "2026-11-23T19:11:41.000+0000"),
        ("date", "2026-11-23", "2026-11-23"), ("string", "true", "true"), ("multipicklist", "a;b", "a;b"),
    ],
)  # fmt: skip
def test_cells_read_as_json_says_it(type_: str, text: str, value: object) -> None:
    form = bulk.form_of({"type": type_})
    read = form(text) if form else text
    assert (read, type(read)) == (value, type(value))


# ------------------------------------------------------------------------------------------------ sandbox


@pytest.fixture
def org(sandbox: Callable[..., Any]) -> Iterator[Sandbox]:
    yield from used_sandbox(sandbox)


WANTED = {
    "leads": ["Email", "Company", "AnnualRevenue", "NumberOfEmployees", "HasOptedOutOfEmail", "ConvertedDate",
              "LastModifiedDate", "Owner.Name", "CreatedById", "Description"],
    "contacts": ["Email", "Account.Name", "Account.AnnualRevenue", "Account.NumberOfEmployees", "Account.IsDeleted",
                 "HasOptedOutOfEmail", "Birthdate", "Owner.Email", "ReportsToId"],
    "accounts": ["Name", "AnnualRevenue", "Parent.Name", "CreatedDate"],
    "users": ["Name", "Email", "IsActive"],
    "tasks": ["Subject", "IsClosed", "CompletedDateTime", "ActivityDate", "CallDurationInSeconds", "Message.Kind"],
    "events": ["Subject", "StartDateTime", "DurationInMinutes", "IsAllDayEvent"],
    "campaign_members": ["HasResponded", "FirstRespondedDate", "Campaign.Name", "Campaign.IsActive"],
}  # fmt: skip


def told(pages: Iterator[Page]) -> tuple[dict[str, Row], set[str], dict[str, str]]:
    rows: dict[str, Row] = {}
    gone: set[str] = set()
    merged: dict[str, str] = {}
    for one in pages:
        rows |= {row.id: row for row in one.rows}
        gone |= {d.id for d in one.deletions}
        merged |= {m.old_id: m.new_id for m in one.merges}
    return rows, gone, merged


@pytest.mark.parametrize("stream", list(WANTED))
def test_a_row_read_by_a_job_is_the_row_read_by_rest(
    org: Sandbox, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = sorted(r["id"] for r in org.state("Contact") if not r["deleted"])
    org.act("merge", object="Contact", winner=lives[0], losers=[lives[1]])
    org.delete("Contact", lives[2])
    org.edit("Lead", min(r["id"] for r in org.state("Lead") if not r["fields"]["IsConverted"]),
             {"Description": 'two\r\nlines, a "quote" and 𝔘'}, "person")  # fmt: skip
    org.advance(3_600)
    by_rest = told(org.connector().pull(stream, None, WANTED[stream]))
    org.switch(page_size=5)
    monkeypatch.setattr(streams, "BULK_FROM_PAGES", 0)
    org.forget_calls()
    by_job = told(org.connector().pull(stream, None, WANTED[stream]))
    assert by_job == by_rest
    assert all(repr(by_job[0][i]) == repr(row) for i, row in by_rest[0].items()), "also 1 is not 1.0"
    assert org.calls("/services/data/{version}/jobs/query") > 3


@pytest.mark.parametrize(
    "switch", [{"bulk_failures": 1}, {"bulk_unsupported": ["Lead"]}, {"bulk_view_all": False}, {"bulk_jobs_limit": 0}]
)
def test_an_org_that_does_no_job_is_read_by_pages(
    org: Sandbox, monkeypatch: pytest.MonkeyPatch, switch: dict[str, Any]
) -> None:
    wanted = told(org.connector().pull("leads", None, WANTED["leads"]))
    org.switch(page_size=20, **switch)
    monkeypatch.setattr(streams, "BULK_FROM_PAGES", 0)
    assert told(org.connector().pull("leads", None, WANTED["leads"])) == wanted


@pytest.mark.parametrize(
    "fault",
    [{"kind": "cut"}, {"kind": "cut", "close": True}, {"kind": "status", "status": 503}, {"kind": "drop_before"}],
)
def test_trouble_on_the_way_of_a_job_loses_nothing(
    org: Sandbox, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    wanted = told(org.connector().pull("leads", None, WANTED["leads"]))
    org.switch(page_size=20)
    monkeypatch.setattr(streams, "BULK_FROM_PAGES", 0)
    org.fault({**fault, "match": {"route": "/jobs/query"}, "times": 2})
    assert told(org.connector().pull("leads", None, WANTED["leads"])) == wanted


def test_incoming_mails_of_a_large_org_are_looked_up_by_a_job(org: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = WANTED["tasks"]
    by_pages = told(org.connector().pull("tasks", None, wanted))
    assert "IncomingEmail" in {row.values["Message.Kind"] for row in by_pages[0].values()}
    monkeypatch.setattr(messages, "JOB_FROM_PAGES", 0)
    org.forget_calls()
    assert told(org.connector().pull("tasks", None, wanted)) == by_pages
    assert org.calls("/services/data/{version}/jobs/query") > 3


def test_a_large_pull_by_a_job_has_everything_in_few_calls(org: Sandbox) -> None:
    org.advance(86_400)
    made = org.load_leads(3_000)
    org.advance(1)
    org.switch(page_size=100)
    crm = org.connector()
    crm.describe("leads")
    org.forget_calls()
    rows, _, _ = told(crm.pull("leads", None, ["LastName"]))
    assert made <= rows.keys()
    assert len(rows) == crm.count("leads") + sum(row.read_only is not None for row in rows.values())
    assert org.calls() <= 8
