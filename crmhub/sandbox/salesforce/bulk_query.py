"""Bulk API 2.0 query jobs. A job needs two polls to finish, as a quick one does in reality."""

from dataclasses import dataclass
from typing import Any

from crmhub.sandbox.ids import salesforce_id
from crmhub.sandbox.messages import Request, Response
from crmhub.sandbox.salesforce.bulk_csv import DELIMITERS, LINE_ENDINGS, cell, write_rows
from crmhub.sandbox.salesforce.errors import ApiError, not_found
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.paths import bad_input
from crmhub.sandbox.salesforce.sobjects_api import body_of
from crmhub.sandbox.salesforce.soql.run import run
from crmhub.sandbox.salesforce.times import render

DEFAULT_PAGE = 50_000
NEXT_STATE = {"UploadComplete": "InProgress", "InProgress": "JobComplete"}


@dataclass(slots=True)
class QueryJob:
    """`rows` are made when the job starts."""

    id: str
    operation: str
    object: str
    delimiter: str
    line_ending: str
    created: int
    header: list[str]
    rows: list[list[str]]
    state: str = "UploadComplete"


class BulkQuery:
    """Handlers below jobs/query."""

    def __init__(self, org: OrgState) -> None:
        self._org = org
        self._jobs: dict[str, QueryJob] = {}
        self._made = 0

    def create(self, request: Request) -> Response:
        """POST {"operation": "query"|"queryAll", "query": SOQL}."""
        body = body_of(request)
        operation, statement = body.get("operation"), body.get("query")
        delimiter, ending = str(body.get("columnDelimiter", "COMMA")), str(body.get("lineEnding", "LF"))
        if operation not in ("query", "queryAll") or not isinstance(statement, str):
            raise bad_input("operation and query are needed", "INVALIDJOB")
        if delimiter not in DELIMITERS or ending not in LINE_ENDINGS:
            raise bad_input(f"unknown columnDelimiter or lineEnding: {delimiter}, {ending}", "INVALIDJOB")
        org = self._org.query_org(all_rows=operation == "queryAll")
        result = run(statement, org, f"/services/data/{request.params['version']}")
        if result.shape is None:
            raise ApiError(400, "API_ERROR", "Aggregate queries are not supported in Bulk Query")
        columns = result.shape.columns()
        if any(field.components is not None for _, field in columns):
            raise ApiError(400, "FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query")
        records = map(result.emit, result.rows)
        rows = [[cell(record, path, field) for path, field in columns] for record in records]
        self._made += 1
        job = QueryJob(
            salesforce_id("750", self._made),
            operation,
            result.table,
            delimiter,
            ending,
            self._org.clock.now(),
            [".".join(path) for path, _ in columns],
            rows,
        )
        self._jobs[job.id] = job
        return Response.json(self._shown(job, request))

    def get(self, request: Request) -> Response:
        """GET one job; each poll moves it a step."""
        job = self._job(request)
        job.state = NEXT_STATE.get(job.state, job.state)
        return Response.json(self._shown(job, request))

    def listing(self, request: Request) -> Response:
        """GET all jobs."""
        shown = [self._shown(job, request) for job in self._jobs.values()]
        return Response.json({"done": True, "records": shown, "nextRecordsUrl": None})

    def abort(self, request: Request) -> Response:
        """PATCH {"state": "Aborted"}."""
        job = self._job(request)
        if body_of(request).get("state") != "Aborted" or job.state == "JobComplete":
            raise bad_input("Aborting already Completed Job not allowed", "INVALIDJOBSTATE")
        job.state = "Aborted"
        return Response.json(self._shown(job, request))

    def delete(self, request: Request) -> Response:
        """DELETE a finished job: 204."""
        del self._jobs[self._job(request).id]
        return Response(204)

    def results(self, request: Request) -> Response:
        """GET results?maxRecords=&locator=: CSV with the header on every page."""
        job = self._job(request)
        if job.state != "JobComplete":
            raise bad_input("Results are not available until the job is complete", "INVALIDJOBSTATE")
        most, start = request.query.get("maxRecords"), request.query.get("locator")
        size = int(most) if most.isdigit() and int(most) > 0 else DEFAULT_PAGE
        first = int(start) if start.isdigit() else 0
        page = job.rows[first : first + size]
        after = first + size
        response = Response.text(
            write_rows(job.header, page, DELIMITERS[job.delimiter], LINE_ENDINGS[job.line_ending]),
            kind="text/csv; charset=UTF-8",
        )
        response.headers["Sforce-NumberOfRecords"] = str(len(page))
        response.headers["Sforce-Locator"] = str(after) if after < len(job.rows) else "null"
        return response

    def _job(self, request: Request) -> QueryJob:
        job = self._jobs.get(request.params["job"])
        if job is None:
            raise not_found()
        return job

    def _shown(self, job: QueryJob, request: Request) -> dict[str, Any]:
        shown = {
            "id": job.id,
            "operation": job.operation,
            "object": job.object,
            "createdById": self._org.user_id,
            "createdDate": render(job.created),
            "systemModstamp": render(self._org.clock.now()),
            "state": job.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(request.params["version"].removeprefix("v")),
            "lineEnding": job.line_ending,
            "columnDelimiter": job.delimiter,
        }
        if job.state == "JobComplete":
            shown |= {"jobType": "V2Query", "numberRecordsProcessed": len(job.rows), "retries": 0}
            shown |= {"totalProcessingTime": 120, "isPkChunkingSupported": True}
        return shown
