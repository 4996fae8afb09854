"""Bulk API 2.0 through simple-salesforce's bulk2, which polls until the job is done."""

import csv
import io
from typing import Any

import pytest

from tests.conftest import StartSandbox
from tests.sandbox.salesforce_kit import Org, fresh_org


@pytest.fixture
def org(sandbox: StartSandbox) -> Org:
    return fresh_org(sandbox)


@pytest.fixture
def bulk(org: Org, monkeypatch: pytest.MonkeyPatch) -> Any:
    """bulk2 with its waits left out."""
    monkeypatch.setattr("simple_salesforce.bulk2.sleep", lambda _: None)
    return org.client().bulk2


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_query_comes_in_pages_with_a_header_each(org: Org, bulk: Any) -> None:
    statement = "SELECT Id, Name, Owner.Name, CreatedDate, HasOptedOutOfEmail, AnnualRevenue FROM Lead ORDER BY Id"
    pages = list(bulk.Lead.query(statement, max_records=50))
    rows = [row for page in pages for row in _rows(page)]
    expected = org.query(statement)
    assert [row["Id"] for row in rows] == [record["Id"] for record in expected]
    assert len(pages) == -(-len(expected) // 50)
    assert list(rows[0]) == ["Id", "Name", "Owner.Name", "CreatedDate", "HasOptedOutOfEmail", "AnnualRevenue"]
    assert rows[0]["CreatedDate"] == expected[0]["CreatedDate"].replace("+0000", "Z")
    assert {row["HasOptedOutOfEmail"] for row in rows} <= {"true", "false"}
    assert [row["AnnualRevenue"] for row in rows] == [
        "" if record["AnnualRevenue"] is None else str(record["AnnualRevenue"]) for record in expected
    ]


def test_a_job_takes_more_than_one_poll_and_refuses_compound_fields(org: Org) -> None:
    body = {"operation": "query", "query": "SELECT Id FROM Lead WHERE Email = 'nobody'"}
    job = org.call("POST", "/jobs/query", json=body).json()
    path = f"/jobs/query/{job['id']}"
    assert job["state"] == "UploadComplete"
    assert org.call("GET", f"{path}/results").status_code == 400
    assert [org.call("GET", path).json()["state"] for _ in range(2)] == ["InProgress", "JobComplete"]
    empty = org.call("GET", f"{path}/results")
    assert (empty.headers["Sforce-NumberOfRecords"], empty.headers["Sforce-Locator"]) == ("0", "null")
    assert empty.text == '"Id"\n'
    refused = org.call("POST", "/jobs/query", json={**body, "query": "SELECT Id, Address FROM Lead"})
    assert "Selecting compound data" in refused.json()[0]["message"]


def test_inserts_keep_good_rows_and_name_bad_ones(org: Org, bulk: Any) -> None:
    records = [
        {"LastName": 'Zoë 🎉, "x"', "Company": "A", "NumberOfEmployees": "12"},
        {"LastName": "B", "Company": "", "NumberOfEmployees": ""},
    ]
    (result,) = bulk.Lead.insert(records=records, wait=0.1)
    assert (result["numberRecordsTotal"], result["numberRecordsFailed"]) == (2, 1)
    (failed,) = _rows(bulk.Lead.get_failed_records(result["job_id"]))
    assert failed["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --"
    (done,) = _rows(bulk.Lead.get_successful_records(result["job_id"]))
    assert done["sf__Created"] == "true"
    row = org.query(f"SELECT LastName, NumberOfEmployees FROM Lead WHERE Id = '{done['sf__Id']}'")[0]
    assert (row["LastName"], row["NumberOfEmployees"]) == ('Zoë 🎉, "x"', 12)


def test_an_empty_cell_leaves_and_na_clears(org: Org, bulk: Any) -> None:
    body = {"LastName": "A", "Company": "B", "Title": "CEO", "Phone": "1"}
    lead = org.call("POST", "/sobjects/Lead", json=body).json()["id"]
    (result,) = bulk.Lead.update(records=[{"Id": lead, "Title": "", "Phone": "#N/A"}], wait=0.1)
    assert result["numberRecordsFailed"] == 0
    row = org.query(f"SELECT Title, Phone FROM Lead WHERE Id = '{lead}'")[0]
    assert (row["Title"], row["Phone"]) == ("CEO", None)


def test_an_unknown_column_fails_the_job(org: Org) -> None:
    job = org.call("POST", "/jobs/ingest", json={"operation": "insert", "object": "Lead"}).json()["id"]
    headers = {"Content-Type": "text/csv"}
    assert org.call("PUT", f"/jobs/ingest/{job}/batches", data="Nope\nx\n", headers=headers).status_code == 201
    org.call("PATCH", f"/jobs/ingest/{job}", json={"state": "UploadComplete"})
    org.call("GET", f"/jobs/ingest/{job}")
    ended = org.call("GET", f"/jobs/ingest/{job}").json()
    assert (ended["state"], ended["errorMessage"]) == ("Failed", "InvalidBatch : Field name not found : Nope")
    assert org.call("GET", f"/jobs/ingest/{job}/unprocessedrecords").text == '"Nope"\n"x"\n'


def _job(org: Org, statement: str, **more: Any) -> str:
    """A query job that is done; -> its path."""
    answer = org.call("POST", "/jobs/query", json={"operation": "query", "query": statement, **more})
    assert answer.status_code == 200, answer.text
    path = f"/jobs/query/{answer.json()['id']}"
    assert [org.call("GET", path).json()["state"] for _ in range(2)] == ["InProgress", "JobComplete"]
    return path


def test_locators_walk_the_result_and_pages_can_be_read_side_by_side(org: Org) -> None:
    total = org.call("GET", "/query", params={"q": "SELECT COUNT() FROM Lead"}).json()["totalSize"]
    path = _job(org, "SELECT Id FROM Lead")
    assert org.call("GET", path).json()["numberRecordsProcessed"] == total
    ids: list[str] = []
    locator = ""
    while locator != "null":
        page = org.call("GET", f"{path}/results", params={"maxRecords": 20, "locator": locator})
        locator = page.headers["Sforce-Locator"]
        assert int(page.headers["Sforce-NumberOfRecords"]) == len(_rows(page.text))
        ids += [row["Id"] for row in _rows(page.text)]
    assert len(ids) == len(set(ids)) == total
    addresses: list[str] = []
    pages: str | None = f"{path}/resultPages?maxRecords=20"
    while pages:
        answer = org.call("GET", pages.removeprefix("/services/data/v67.0")).json()
        assert 0 < len(answer["resultPages"]) <= 5
        assert answer["done"] == (answer["nextRecordsUrl"] is None)
        addresses += [page["resultUrl"] for page in answer["resultPages"]]
        pages = answer["nextRecordsUrl"]
    parts = [_rows(org.call("GET", address.removeprefix("/services/data/v67.0")).text) for address in addresses]
    assert [row["Id"] for part in parts for row in part] == ids
    assert org.call("GET", f"{path}/results", params={"locator": "nonsense"}).status_code == 400


def test_results_stay_as_they_were_and_the_job_can_be_removed(org: Org) -> None:
    lead = org.create("Lead", LastName='Do"e', Company="A, B", Description="two\nlines")
    path = _job(org, f"SELECT Id, LastName, Company, Description FROM Lead WHERE Id = '{lead}'", columnDelimiter="PIPE")
    org.update("Lead", lead, LastName="Changed")
    text = org.call("GET", f"{path}/results").text
    assert text.splitlines()[0] == '"Id"|"LastName"|"Company"|"Description"'
    assert text.partition("\n")[2] == f'"{lead}"|"Do""e"|"A, B"|"two\nlines"\n'
    assert org.call("DELETE", path).status_code == 204
    assert org.call("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("statement", "code", "words"),
    [
        ("SELECT COUNT() FROM Lead", "FUNCTIONALITY_NOT_ENABLED", "Aggregate"),
        ("SELECT Status, COUNT(Id) FROM Lead GROUP BY Status", "FUNCTIONALITY_NOT_ENABLED", "Aggregate"),
        ("SELECT Id FROM Lead LIMIT 5 OFFSET 5", "FUNCTIONALITY_NOT_ENABLED", "OFFSET"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "FUNCTIONALITY_NOT_ENABLED", "Aggregate Relationships"),
        ("SELECT TYPEOF Who WHEN Lead THEN Name END FROM Task", "FUNCTIONALITY_NOT_ENABLED", "TYPEOF"),
        ("SELECT Id, MailingAddress FROM Contact", "FUNCTIONALITY_NOT_ENABLED", "compound"),
        ("SELECT MasterLabel FROM LeadStatus", "INVALIDENTITY", "Entity 'LeadStatus' is not supported"),
        ("SELECT Nope FROM Lead", "INVALID_FIELD", "No such column"),
    ],
)
def test_what_a_bulk_query_cannot_do(org: Org, statement: str, code: str, words: str) -> None:
    answer = org.call("POST", "/jobs/query", json={"operation": "query", "query": statement})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == code
    assert words in answer.json()[0]["message"]


def test_jobs_are_counted_take_time_and_can_fail(org: Org) -> None:
    org.set(bulk_jobs_limit=2, bulk_seconds=30.0, bulk_failures=1)
    body = {"operation": "queryAll", "query": "SELECT Id FROM Lead"}
    first, second = (f"/jobs/query/{org.call('POST', '/jobs/query', json=body).json()['id']}" for _ in range(2))
    assert org.call("POST", "/jobs/query", json=body).json()[0]["errorCode"] == "LIMIT_EXCEEDED"
    assert org.call("GET", "/limits").json()["DailyBulkV2QueryJobs"] == {"Max": 2, "Remaining": 0}
    assert {org.call("GET", first).json()["state"] for _ in range(4)} == {"InProgress"}
    org.control("/clock", {"advance": 31_000})
    failed = org.call("GET", first).json()
    assert (failed["state"], failed["errorMessage"]) == ("Failed", "InternalServerError : Retry limit reached")
    assert org.call("GET", second).json()["state"] == "InProgress"
    assert org.call("GET", second).json()["state"] == "JobComplete"
    org.control("/clock", {"advance": 25 * 3_600_000})
    org.token = org.login()
    assert org.call("POST", "/jobs/query", json=body).status_code == 200


def test_line_endings_must_be_those_of_the_job(org: Org) -> None:
    job = org.call("POST", "/jobs/ingest", json={"operation": "insert", "object": "Lead", "lineEnding": "LF"}).json()
    path = f"/jobs/ingest/{job['id']}"
    org.call("PUT", f"{path}/batches", data=b"LastName,Company\r\nA,B\r\n", headers={"Content-Type": "text/csv"})
    org.call("PATCH", path, json={"state": "UploadComplete"})
    states = [org.call("GET", path).json() for _ in range(2)]
    assert states[-1]["state"] == "Failed"
    assert "LineEnding is invalid" in states[-1]["errorMessage"]


def test_campaign_members_go_by_bulk_both_ways(org: Org, bulk: Any) -> None:
    campaign = org.create("Campaign", Name="Fair")
    leads = [org.create("Lead", LastName=str(place), Company="A") for place in range(3)]
    records = [{"CampaignId": campaign, "LeadId": lead, "Status": "Responded"} for lead in leads]
    (result,) = bulk.CampaignMember.insert(records=records, wait=0.1)
    assert (result["numberRecordsTotal"], result["numberRecordsFailed"]) == (3, 0)
    statement = f"SELECT LeadId, Lead.LastName, HasResponded, Name FROM CampaignMember WHERE CampaignId = '{campaign}'"
    rows = [row for page in bulk.CampaignMember.query(statement) for row in _rows(page)]
    assert {row["Lead.LastName"] for row in rows} == {"0", "1", "2"} == {row["Name"] for row in rows}
    assert {row["HasResponded"] for row in rows} == {"true"}
