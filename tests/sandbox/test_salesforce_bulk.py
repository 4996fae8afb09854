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
