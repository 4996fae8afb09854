"""Bulk API 2.0 query jobs.

Vendor page: Bulk API 2.0 and Bulk API Developer Guide, "Query Jobs". A job's rows are those of the moment it was
made; a page of results is written when it is asked for, so a million rows cost no more than their ids.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crmhub.sandbox.messages import Request, Response
from crmhub.sandbox.salesforce.bulk_csv import DELIMITERS, LINE_ENDINGS, cell_writer, line
from crmhub.sandbox.salesforce.errors import ApiError, not_found
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.paths import bad_input, base_of
from crmhub.sandbox.salesforce.sobjects_api import body_of
from crmhub.sandbox.salesforce.soql.run import Result, run
from crmhub.sandbox.salesforce.times import DAY, render
from crmhub.sandbox.salesforce.usage import Usage

DEFAULT_PAGE = 50_000
RESULT_PAGES = 5
KEPT = 7 * DAY
NEXT_STATE = {"UploadComplete": "InProgress", "InProgress": "JobComplete"}
_SLICE = 2000


@dataclass(slots=True)
class QueryJob:
    """`polls` left until it is done."""

    id: str
    operation: str
    result: Result
    delimiter: str
    line_ending: str
    created: int
    created_by: str
    state: str = "UploadComplete"
    error: str | None = None


class BulkQuery:
    """Handlers below jobs/query."""

    def __init__(self, org: OrgState, usage: Usage) -> None:
        self._org = org
        self._usage = usage
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
        self._check(result)
        if not self._usage.take_job():
            raise ApiError(400, "LIMIT_EXCEEDED", "Daily limit of Bulk API 2.0 query jobs exceeded")
        self._made += 1
        now = self._org.clock.now()
        self._jobs = {key: job for key, job in self._jobs.items() if job.created + KEPT > now}
        made = salesforce_id("750", self._made)
        job = QueryJob(made, operation, result, delimiter, ending, now, self._org.user_id)
        self._jobs[job.id] = job
        return Response.json(self._shown(job, request))

    def get(self, request: Request) -> Response:
        """GET one job; each poll moves it a step, the last one not before `bulk_seconds`."""
        job, settings = self._job(request), self._org.settings
        wanted = NEXT_STATE.get(job.state, job.state)
        if wanted == "JobComplete" and self._org.clock.now() < job.created + settings.bulk_seconds * 1000:
            wanted = "InProgress"
        if wanted == "JobComplete" and job.state != wanted and settings.bulk_failures > 0:
            settings.bulk_failures -= 1
            wanted, job.error = "Failed", "InternalServerError : Retry limit reached"
        job.state = wanted
        return Response.json(self._shown(job, request))

    def listing(self, request: Request) -> Response:
        """GET all jobs."""
        shown = [self._shown(job, request) for job in self._jobs.values()]
        return Response.json({"done": True, "records": shown, "nextRecordsUrl": None})

    def abort(self, request: Request) -> Response:
        """PATCH {"state": "Aborted"}."""
        job = self._job(request)
        if body_of(request).get("state") != "Aborted" or job.state in ("JobComplete", "Failed"):
            raise bad_input("Aborting already Completed Job not allowed", "INVALIDJOBSTATE")
        job.state = "Aborted"
        return Response.json(self._shown(job, request))

    def delete(self, request: Request) -> Response:
        """DELETE a finished job: 204."""
        job = self._job(request)
        if job.state in NEXT_STATE:
            raise bad_input(f"A job in state {job.state} cannot be deleted", "INVALIDJOBSTATE")
        del self._jobs[job.id]
        return Response(204)

    def results(self, request: Request) -> Response:
        """GET results?maxRecords=&locator=: CSV with the header on every page."""
        job = self._finished(request)
        size, first = _size(request), self._start(request, job)
        after, total = first + size, len(job.result.rows)
        count = max(0, min(after, total) - first)
        headers = {
            "Content-Type": "text/csv; charset=UTF-8",
            "Sforce-NumberOfRecords": str(count),
            "Sforce-Locator": locator_of(after) if after < total else "null",
        }
        lines = _lines(job, first, first + count, self._org.settings.bulk_zone)
        if count > DEFAULT_PAGE:
            return Response(200, b"", headers, lines)
        return Response(200, b"".join(lines), headers)

    def pages(self, request: Request) -> Response:
        """GET resultPages: up to five addresses of results, to be read side by side."""
        job = self._finished(request)
        size, first = _size(request), self._start(request, job)
        base, total = f"{base_of(request)}/jobs/query/{job.id}", len(job.result.rows)
        starts = range(first, max(total, first + 1), size)[: RESULT_PAGES + 1]
        shown = []
        for start in starts[:RESULT_PAGES]:
            place = f"locator={locator_of(start)}&" if start else ""
            shown.append({"resultUrl": f"{base}/results?{place}maxRecords={size}"})
        done = len(starts) <= RESULT_PAGES
        answer: dict[str, Any] = {"resultPages": shown, "nextRecordsUrl": None, "done": done}
        if not done:
            answer["nextRecordsUrl"] = f"{base}/resultPages?locator={locator_of(starts[-1])}&maxRecords={size}"
        return Response.json(answer)

    def _check(self, result: Result) -> None:
        """What a bulk query cannot do."""
        settings = self._org.settings
        if result.table in settings.bulk_unsupported:
            raise ApiError(400, "INVALIDENTITY", f"Entity '{result.table}' is not supported by the Bulk API.")
        if not settings.bulk_view_all:
            message = f"Implementation restriction: {result.table} requires the permission View All Data"
            raise ApiError(400, "API_ERROR", message)
        reason = "Aggregate queries" if result.shape is None else result.shape.not_flat
        if reason is not None:
            raise ApiError(400, "FUNCTIONALITY_NOT_ENABLED", f"{reason} not supported in Bulk Query")
        if result.offset:
            raise ApiError(400, "FUNCTIONALITY_NOT_ENABLED", "OFFSET clause not supported in Bulk Query")

    def _finished(self, request: Request) -> QueryJob:
        job = self._job(request)
        if job.state != "JobComplete":
            raise bad_input("Results are not available until the job is complete", "INVALIDJOBSTATE")
        return job

    def _start(self, request: Request, job: QueryJob) -> int:
        text = request.query.get("locator")
        if not text or text == "null":
            return 0
        try:
            start = int(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, ValueError):
            start = -1
        if not 0 <= start < max(1, len(job.result.rows)):
            raise bad_input(f"The locator is not valid: {text}", "INVALID_QUERY_LOCATOR")
        return start

    def _job(self, request: Request) -> QueryJob:
        job = self._jobs.get(request.params["job"])
        if job is None or job.created + KEPT <= self._org.clock.now():
            raise not_found()
        return job

    def _shown(self, job: QueryJob, request: Request) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": job.id,
            "operation": job.operation,
            "object": job.result.table,
            "createdById": job.created_by,
            "createdDate": render(job.created // 1000 * 1000),
            "systemModstamp": render(self._org.stamp()),
            "state": job.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(request.params["version"].removeprefix("v")),
            "lineEnding": job.line_ending,
            "columnDelimiter": job.delimiter,
        }
        if job.state != "UploadComplete":
            done = len(job.result.rows) if job.state == "JobComplete" else 0
            shown |= {"jobType": "V2Query", "numberRecordsProcessed": done, "retries": 0}
            shown |= {"totalProcessingTime": 120, "isPkChunkingSupported": True}
        if job.error is not None:
            shown["errorMessage"] = job.error
        return shown


def locator_of(place: int) -> str:
    """The vendor's form: a number in base 64 without padding."""
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def _size(request: Request) -> int:
    text = request.query.get("maxRecords")
    return int(text) if text.isdigit() and int(text) > 0 else DEFAULT_PAGE


def _lines(job: QueryJob, first: int, last: int, zone: str) -> Iterator[bytes]:
    """The header, then the rows in slices."""
    shape = job.result.shape
    assert shape is not None
    delimiter, end = DELIMITERS[job.delimiter], LINE_ENDINGS[job.line_ending]
    yield line([f'"{bound.path}"' for bound in shape.bounds], delimiter, end)
    writers = [cell_writer(bound.field, bound.get, zone) for bound in shape.bounds]
    for start in range(first, last, _SLICE):
        rows = job.result.rows[start : min(last, start + _SLICE)]
        yield b"".join([line([write(row) for write in writers], delimiter, end) for row in rows])
