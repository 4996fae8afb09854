"""Large reads by a Bulk API 2.0 query job: CSV, turned back into exactly what a REST query answers.

Vendor page: https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch (Bulk API 2.0 query).
Where CSV and JSON differ: an empty cell is null, numbers and booleans are text, datetimes end in Z instead of
+0000, fields of parents are columns named by their path. Results come in the order that the statement asks for.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO, TextIOWrapper
from typing import Any

from connectors.contract import ContractBroken, MissingScope, Rejected, Unavailable
from connectors.salesforce.org import Org
from connectors.transport import Answer

log = logging.getLogger(__name__)

Record = dict[str, Any]
#: what a describe says of a column; None when it is unknown there
FieldOf = Callable[[str], dict[str, Any] | None]
#: rows in a piece of results at most, and the bytes that it should have: it is held in memory as a whole
MOST_ROWS = 50_000
PIECE_BYTES = 16_000_000
#: seconds between looks at a job, the last one for ever, and how long a job may take
LOOKS_S = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0)
PATIENCE_S = 3_600.0
#: how often a piece of results that was cut off is asked for
TRIES = 3
_MAX_CELL = 140_000  # characters; the longest text area of Salesforce holds 131,072


class NoJob(Exception):
    """There is no job to read from, now or for good: read page by page instead. `why` for the log."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


def start(org: Org, statement: str) -> str:
    """A new job; its id. Raises NoJob when the org does not want to do this by a job."""
    try:
        return org.start_job(statement)
    except (Rejected, MissingScope) as e:  # INVALIDENTITY, API_ERROR, no permission: REST has its own opinion
        raise NoJob(str(e)) from None


def wait(org: Org, job_id: str) -> None:
    """Until the job is complete. Raises NoJob when it failed or takes too long."""
    waited, looks = 0.0, 0
    while waited < PATIENCE_S:
        pause = LOOKS_S[min(looks, len(LOOKS_S) - 1)]
        org.clock.sleep(pause)
        waited, looks = waited + pause, looks + 1
        try:
            job = org.job(job_id)
        except Rejected as e:
            raise NoJob(str(e)) from None
        if job["state"] == "JobComplete":
            return
        if job["state"] in ("Failed", "Aborted"):
            raise NoJob(f"the job is {job['state']}: {job.get('errorMessage', 'no reason told')}")
    org.end_job(job_id)
    raise NoJob(f"the job took more than {PATIENCE_S:g} s")


def width(records: Sequence[Record]) -> int:
    """About how many bytes a row of these takes as CSV."""
    some = records[:: max(1, len(records) // 100)]
    return sum(map(_width, some)) // max(1, len(some))


def _width(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_width(v) for k, v in value.items() if k != "attributes")
    return len(str(value).encode()) + 3 if value is not None else 3


def results(
    org: Org, job_id: str, names: list[str], field_of: FieldOf, size: int, row_bytes: int
) -> Iterator[list[Record]]:
    """All records of a complete job, in lists of at most `size`. `names`: the columns as they were asked for;
    `row_bytes`: how wide a row may be expected to be.

    Raises NoJob when the results are gone (after seven days, or deleted by somebody).
    """
    locator: str | None = None
    rows = _rows_of(row_bytes)
    while True:
        given = 0
        for last_try in (*[False] * (TRIES - 1), True):
            answer = _ask(org, job_id, locator, rows)
            try:
                for records in _records(answer, names, field_of, size, skip=given):
                    given += len(records)
                    yield records
                break
            except _CutError as e:
                if last_try:
                    raise Unavailable(f"the results of a query job were cut off: {e}") from None
        if given:
            rows = _rows_of(len(answer.body) // given)
        locator = answer.headers.get("Sforce-Locator")
        if not locator or locator == "null":
            return


def _rows_of(row_bytes: int) -> int:
    return max(1, min(MOST_ROWS, PIECE_BYTES // max(1, row_bytes)))


class _CutError(Exception):
    """A piece of results has not as many whole rows as it says."""


def _ask(org: Org, job_id: str, locator: str | None, rows: int) -> Answer:
    try:
        return org.job_results(job_id, locator, rows)
    except Rejected as e:
        raise NoJob(str(e)) from None


def _records(answer: Answer, names: list[str], field_of: FieldOf, size: int, skip: int) -> Iterator[list[Record]]:
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL))
    body = answer.body.replace(b"\x00", b"") if b"\x00" in answer.body else answer.body
    expected = answer.headers.get("Sforce-NumberOfRecords")
    if body and not body.endswith(b"\n"):
        raise _CutError(f"{len(body)} bytes without an end of line")
    # decoded in small pieces, across which a character may be split
    reader = csv.reader(TextIOWrapper(BytesIO(body), encoding="utf-8", newline=""), strict=True)
    met = 0
    try:
        header = next(reader, None)
        if header is not None:
            make = _maker(header, names, field_of)
            held: list[Record] = []
            for row in reader:
                met += 1
                if met > skip:
                    held.append(make(row))
                if len(held) == size:
                    yield held
                    held = []
            if expected is not None and expected.isdigit() and met != int(expected):
                raise _CutError(f"{met} of {expected} rows")
            if held:
                yield held
    except (csv.Error, UnicodeDecodeError) as e:
        raise _CutError(type(e).__name__) from None


def _maker(header: list[str], names: list[str], field_of: FieldOf) -> Callable[[list[str]], Record]:
    """A function from a row to a record as REST answers it: parents are records in their record."""
    asked = {n.lower(): n for n in names}
    columns = [asked.get(h.lower(), h) for h in header]
    forms = [form_of(field_of(c)) for c in columns]
    plain = [(i, c, forms[i]) for i, c in enumerate(columns) if "." not in c]
    parents = [(i, tuple(c.split(".")), forms[i]) for i, c in enumerate(columns) if "." in c]
    width = len(columns)

    def make(row: list[str]) -> Record:
        if len(row) != width:
            raise _CutError(f"a row of {len(row)} cells under {width} columns")
        record: Record = {c: (form(row[i]) if form else row[i]) if row[i] else None for i, c, form in plain}
        for i, path, form in parents:
            at = record
            for part in path[:-1]:
                at = at.setdefault(part, {})
            at[path[-1]] = (form(row[i]) if form else row[i]) if row[i] else None
        return record

    return make


def form_of(described: dict[str, Any] | None) -> Callable[[str], Any] | None:
    """How a cell of this field reads; None = as the text it is."""
    return _FORMS.get(described.get("type", "")) if described else None


def _bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ContractBroken("a check box that is neither true nor false", f"{len(text)} characters")
    return text == "true"


def _moment(text: str) -> str:
    return f"{text[:-1]}+0000" if text.endswith("Z") else text


_FORMS: dict[str, Callable[[str], Any]] = {
    "boolean": _bool,
    "int": int,
    "long": int,
    "double": float,
    "currency": float,
    "percent": float,
    "datetime": _moment,
}
