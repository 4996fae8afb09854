"""Bulk API 2.0 ingest jobs: insert, update, upsert, delete, hardDelete from CSV.

Empty cell = unchanged, `#N/A` = null. JobComplete can still hold failed rows.
"""

from dataclasses import dataclass, field
from typing import Any

from crmhub.sandbox.messages import Request, Response
from crmhub.sandbox.salesforce.bulk_csv import DELIMITERS, LINE_ENDINGS, NULL, read_rows, write_rows
from crmhub.sandbox.salesforce.errors import ApiError, RowError, RowRejectedError, not_found, reject
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.paths import bad_input
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.sobjects_api import body_of
from crmhub.sandbox.salesforce.times import render
from crmhub.sandbox.salesforce.upserts import Upserts
from crmhub.sandbox.salesforce.usage import Usage
from crmhub.sandbox.salesforce.writer import Writer, path_id

MAX_UPLOAD = 150_000_000
OPERATIONS = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})


@dataclass(slots=True)
class IngestJob:
    """`done` and `failed` hold the result rows with their first two columns."""

    id: str
    operation: str
    kind: ObjectType
    external_id: str | None
    delimiter: str
    line_ending: str
    created: int
    state: str = "Open"
    text: str | None = None
    error: str | None = None
    header: list[str] = field(default_factory=list)
    done: list[list[str]] = field(default_factory=list)
    failed: list[list[str]] = field(default_factory=list)


class BulkIngest:
    """Handlers below jobs/ingest. The work is done when a poll finds the job in progress."""

    def __init__(self, org: OrgState, usage: Usage) -> None:
        self._org = org
        self._usage = usage
        self._jobs: dict[str, IngestJob] = {}
        self._made = 1_000_000  # query jobs have the numbers below

    def create(self, request: Request) -> Response:
        """POST {"operation", "object", "externalIdFieldName"?, ...}."""
        body = body_of(request)
        operation, kind = body.get("operation"), self._org.schema.get(str(body.get("object")))
        delimiter, ending = str(body.get("columnDelimiter", "COMMA")), str(body.get("lineEnding", "LF"))
        if operation not in OPERATIONS or body.get("contentType", "CSV") != "CSV":
            raise bad_input(f"Unable to create a job: operation {operation}", "INVALIDJOB")
        if kind is None or kind.tooling or not self._org.access.reads(kind):
            raise bad_input(f"Unable to find object: {body.get('object')}", "INVALIDJOB")
        if delimiter not in DELIMITERS or ending not in LINE_ENDINGS:
            raise bad_input(f"unknown columnDelimiter or lineEnding: {delimiter}, {ending}", "INVALIDJOB")
        external_id = body.get("externalIdFieldName")
        if operation == "upsert" and not isinstance(external_id, str):
            raise bad_input("External ID was blank for Job", "INVALIDJOB")
        self._made += 1
        job = IngestJob(
            salesforce_id("750", self._made),
            str(operation),
            kind,
            external_id,
            delimiter,
            ending,
            self._org.clock.now(),
        )
        self._jobs[job.id] = job
        return Response.json(self._shown(job, request))

    def upload(self, request: Request) -> Response:
        """PUT the CSV, once: 201."""
        job = self._job(request)
        if job.state != "Open" or job.text is not None:
            raise bad_input("Found multiple contents for job: one upload is allowed", "CLIENTINPUTERROR")
        if len(request.body) > MAX_UPLOAD:
            raise bad_input("The file is larger than 150 MB", "CLIENTINPUTERROR")
        try:
            job.text = request.body.decode("utf-8")
        except UnicodeDecodeError:
            raise bad_input("The file is not encoded in UTF-8", "CLIENTINPUTERROR") from None
        return Response(201)

    def patch(self, request: Request) -> Response:
        """PATCH {"state": "UploadComplete" | "Aborted"}."""
        job, wanted = self._job(request), body_of(request).get("state")
        if job.state != "Open" or wanted not in ("UploadComplete", "Aborted"):
            raise bad_input(f"A job in state {job.state} cannot become {wanted}", "INVALIDJOBSTATE")
        job.state = str(wanted)
        return Response.json(self._shown(job, request))

    def get(self, request: Request) -> Response:
        """GET one job; each poll moves it a step."""
        job = self._job(request)
        if job.state == "InProgress":
            if self._org.clock.now() >= job.created + self._org.settings.bulk_seconds * 1000:
                self._work(job)
        elif job.state == "UploadComplete":
            job.state = "InProgress"
        return Response.json(self._shown(job, request))

    def listing(self, request: Request) -> Response:
        """GET all jobs."""
        shown = [self._shown(job, request) for job in self._jobs.values()]
        return Response.json({"done": True, "records": shown, "nextRecordsUrl": None})

    def delete(self, request: Request) -> Response:
        """DELETE a job that is not at work: 204."""
        job = self._job(request)
        if job.state in ("Open", "InProgress"):
            raise bad_input("The job is still open or in progress", "INVALIDJOBSTATE")
        del self._jobs[job.id]
        return Response(204)

    def successful(self, request: Request) -> Response:
        """GET successfulResults."""
        job = self._job(request)
        return self._csv(job, ["sf__Id", "sf__Created", *job.header], job.done)

    def failed(self, request: Request) -> Response:
        """GET failedResults."""
        job = self._job(request)
        return self._csv(job, ["sf__Id", "sf__Error", *job.header], job.failed)

    def unprocessed(self, request: Request) -> Response:
        """GET unprocessedrecords: the rows of a job that failed or was aborted before its work."""
        job = self._job(request)
        rows: list[list[str]] = []
        header = job.header
        if job.state in ("Failed", "Aborted") and job.text is not None:
            header, rows = read_rows(job.text, DELIMITERS[job.delimiter])
        return self._csv(job, header, rows)

    def _work(self, job: IngestJob) -> None:
        if job.line_ending == "LF" and "\r\n" in (job.text or "").partition("\n")[0] + "\n":
            job.state = "Failed"
            job.error = "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"
            return
        job.header, rows = read_rows(job.text or "", DELIMITERS[job.delimiter])
        if not self._usage.take_batches(len(rows)):
            job.state, job.error = "Failed", "ExceededQuota : Daily limit of batches exceeded"
            return
        unknown = [name for name in job.header if "." not in name and job.kind.field(name) is None]
        if unknown:
            job.state, job.error = "Failed", f"InvalidBatch : Field name not found : {unknown[0]}"
            return
        writer = Writer(self._org, self._org.user_id)
        for row in rows:
            values = dict(zip(job.header, row, strict=False))
            try:
                record_id, created = self._write(job, writer, values)
                job.done.append([record_id, "true" if created else "false", *row])
            except RowRejectedError as refused:
                job.failed.append([_given_id(values), _error_text(refused.errors), *row])
            except ApiError as refused:
                error = RowError(refused.code, str(refused.body[0]["message"]))
                job.failed.append([_given_id(values), _error_text((error,)), *row])
        job.state = "JobComplete"

    def _write(self, job: IngestJob, writer: Writer, values: dict[str, str]) -> tuple[str, bool]:
        body = _body(values)
        if job.operation == "insert":
            return writer.create(job.kind, writer.deserialize(job.kind, body, skip=("Id",))), True
        if job.operation == "upsert":
            upserts = Upserts(self._org, writer)
            key = upserts.key(job.kind, str(job.external_id))
            value = values.get(key.name, "")
            return upserts.write(job.kind, key, value, body, upserts.matches(job.kind, key, value))
        text = _given_id(values)
        record_id = path_id(job.kind, text)
        if record_id is None:
            raise reject("MALFORMED_ID", f"Record ID: id value of incorrect type: {text}", "Id")
        if job.operation == "update":
            writer.update(job.kind, record_id, writer.deserialize(job.kind, body, skip=("Id",)))
        else:
            writer.delete(job.kind, record_id)
            if job.operation == "hardDelete" and job.kind.binned:
                self._org.drop(job.kind, record_id)
        return record_id, False

    def _csv(self, job: IngestJob, header: list[str], rows: list[list[str]]) -> Response:
        text = write_rows(header, rows, DELIMITERS[job.delimiter], LINE_ENDINGS[job.line_ending])
        return Response.text(text, kind="text/csv; charset=UTF-8")

    def _job(self, request: Request) -> IngestJob:
        job = self._jobs.get(request.params["job"])
        if job is None:
            raise not_found()
        return job

    def _shown(self, job: IngestJob, request: Request) -> dict[str, Any]:
        version = request.params["version"]
        shown: dict[str, Any] = {
            "id": job.id,
            "operation": job.operation,
            "object": job.kind.name,
            "createdById": self._org.user_id,
            "createdDate": render(job.created),
            "systemModstamp": render(self._org.clock.now()),
            "state": job.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(version.removeprefix("v")),
            "contentUrl": f"services/data/{version}/jobs/ingest/{job.id}/batches",
            "lineEnding": job.line_ending,
            "columnDelimiter": job.delimiter,
            "jobType": "V2Ingest",
            "retries": 0,
            "numberRecordsProcessed": len(job.done) + len(job.failed),
            "numberRecordsFailed": len(job.failed),
            "totalProcessingTime": 150,
            "apiActiveProcessingTime": 100,
            "apexProcessingTime": 0,
        }
        if job.external_id is not None:
            shown["externalIdFieldName"] = job.external_id
        if job.error is not None:
            shown["errorMessage"] = job.error
        return shown


def _given_id(values: dict[str, str]) -> str:
    return next((value for name, value in values.items() if name.lower() == "id"), "")


def _body(values: dict[str, str]) -> dict[str, Any]:
    """Cells as a JSON body; `Account.Ext__c` names a parent by its external id."""
    body: dict[str, Any] = {}
    for name, value in values.items():
        if value == "" or name.lower() == "id":
            continue
        parent, dot, key = name.partition(".")
        plain = None if value == NULL else value
        body[parent if dot else name] = {key: plain} if dot else plain
    return body


def _error_text(errors: tuple[RowError, ...]) -> str:
    """`CODE:message:fields --`."""
    first = errors[0]
    return f"{first.code}:{first.message}:{' '.join(first.fields)} --".replace(": --", ":--")
