"""One org: simple-salesforce on our token, our transport and our retries (`session`).

It is imported with the first call (0.4 s, zeep and lxml). Its objects are not safe to share between threads, so
each thread has one of its own; they cost nothing and call nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from threading import Lock, local
from typing import Any
from urllib.parse import urlsplit

from connectors.budget import Budget
from connectors.contract import ContractBroken, Rejected, Surroundings
from connectors.salesforce import errors, times
from connectors.salesforce.auth import OAuth
from connectors.salesforce.config import Settings
from connectors.salesforce.ids import full_id
from connectors.salesforce.session import BULK_QUERY, CALL_HEADERS, COLLECTIONS, OrgSession, limit_info
from connectors.transport import Answer, Transport

#: calls at once; an org takes 25 long-running ones (developer orgs 5), but a page holds 2,000 rows: memory
MAX_IN_FLIGHT = 2
#: a description that `check` asked for may serve the pull that follows
SPARE_MS = 60_000
#: how calls of the slow rhythm (formulas, fields that were hidden) are counted apart
REFRESH = " (refresh)"


class Org:
    """The resources of one org, as parsed JSON. Raises the contract's errors, and UnknownFate on writes.

    Thread-safe: streams of one connection are pulled side by side.
    """

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self.settings = settings
        self.connection = surroundings.connection
        self.clock = surroundings.clock
        self.refresh_ms = surroundings.refresh_s * 1000
        self.auth = OAuth(settings, surroundings)
        self.budget = Budget(surroundings, signals=limit_info)
        self.transport = Transport(
            surroundings, settings.base_url, self.auth, errors.classify, self.budget, MAX_IN_FLIGHT
        )
        self.auth.attach(self.transport)
        self._mark = ""
        self._clients = local()
        self._describes: dict[str, dict[str, Any]] = {}
        self._spare: dict[str, int] = {}
        self._lock = Lock()

    def apart(self) -> Org:
        """The same org, its calls counted as the slow rhythm's."""
        twin = copy(self)
        twin._mark, twin._clients = REFRESH, local()
        return twin

    @property
    def client(self) -> Any:
        """This thread's simple-salesforce object; its session id is a dummy, the transport sets the real one."""
        known = getattr(self._clients, "client", None)
        if known is None:
            from simple_salesforce.api import Salesforce

            known = self._clients.client = Salesforce(
                session_id="set-by-the-transport",
                instance_url=f"https://{urlsplit(self.settings.base_url).netloc}",
                version=self.settings.api_version,
                session=OrgSession(self.transport, self._mark),
            )
        return known

    # ------------------------------------------------------------------------------------------------ reading

    def query(self, statement: str, *, all_rows: bool = True) -> dict[str, Any]:
        """The first page of a query; all_rows: also deleted, merged and archived rows."""
        return _page(self.client.query(statement, include_deleted=all_rows))

    def next_page(self, address: str) -> dict[str, Any]:
        """The page behind a nextRecordsUrl."""
        return _page(self.client.query_more(address, identifier_is_url=True))

    def complete_children(self, records: Sequence[dict[str, Any]], relation: str) -> None:
        """Fetch the child records that did not come with their parents (thousands of one record)."""
        for record in records:
            children = record.get(relation)
            while children is not None and not children.get("done", True):
                page = self.next_page(children["nextRecordsUrl"])
                page["records"] = children["records"] + page["records"]
                children = record[relation] = page

    def records(self, statement: str, *, all_rows: bool = True) -> Iterator[dict[str, Any]]:
        """All records of a query."""
        for page in self.pages(statement, all_rows=all_rows):
            yield from page["records"]

    def pages(self, statement: str, *, all_rows: bool = True) -> Iterator[dict[str, Any]]:
        """All pages of a query; the first one is asked for at once, the others when their turn comes."""
        return self._following(self.query(statement, all_rows=all_rows))

    def _following(self, page: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while True:
            yield page
            if page["done"]:
                return
            page = self.next_page(page["nextRecordsUrl"])

    def probe(self, statement: str) -> tuple[int, int | None]:
        """Number and newest stamp, of a `soql.probe`."""
        records = self.query(statement)["records"]
        if len(records) != 1 or "expr0" not in records[0]:
            raise ContractBroken("a count without result", f"{len(records)} records")
        return int(records[0]["expr0"]), times.parse(records[0].get("expr1"))

    def total(self, statement: str) -> int:
        """The number that a SELECT COUNT() tells, deleted rows within reach of its conditions."""
        return int(self.query(statement)["totalSize"])

    def retrieve(self, sobject: str, ids: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any]]:
        """Live records by their ids, 2,000 at most; the others are left out."""
        body = {"ids": list(ids), "fields": list(fields)}
        data = self.client.restful(f"{COLLECTIONS}/{sobject}", method="POST", json=body)
        if not isinstance(data, list):
            raise ContractBroken("a retrieve answer that is no list", type(data).__name__)
        return [record for record in data if record is not None]

    def describe(self, sobject: str, *, fresh: bool = False) -> dict[str, Any]:
        """An object as these credentials see it; remembered until asked for afresh."""
        with self._lock:
            known = self._describes.get(sobject)
        if known is not None and not fresh:
            return known
        data = getattr(self.client, sobject).describe()
        if not isinstance(data, dict) or not isinstance(data.get("fields"), list):
            raise ContractBroken(f"describe of {sobject} without fields", type(data).__name__)
        with self._lock:
            self._describes[sobject] = data
        return data

    def spare(self, sobject: str) -> None:
        """What was just told of an object will do for the next one who wants it fresh."""
        with self._lock:
            self._spare[sobject] = self.clock.now()

    def fresh(self, sobject: str) -> dict[str, Any] | None:
        """`seen` afresh, or what somebody has just spared."""
        with self._lock:
            since = self._spare.pop(sobject, None)
        return self.seen(sobject, fresh=since is None or self.clock.now() - since > SPARE_MS)

    def known(self, sobject: str) -> dict[str, Any] | None:
        """What this process was told of an object last; asks nobody."""
        with self._lock:
            return self._describes.get(sobject)

    def seen(self, sobject: str, *, fresh: bool = False) -> dict[str, Any] | None:
        """`describe`, or None when the org has no such object or hides it from these credentials."""
        try:
            return self.describe(sobject, fresh=fresh)
        except Rejected as e:
            if e.code not in errors.NO_OBJECT:
                raise
            return None

    # ------------------------------------------------------------------------------------------------ query jobs

    def start_job(self, statement: str) -> str:
        """A Bulk API 2.0 query job over all rows, deleted and archived ones too; its id."""
        body = {"operation": "queryAll", "query": statement, "columnDelimiter": "COMMA", "lineEnding": "LF"}
        return _created(self.client.restful(BULK_QUERY, method="POST", json=body))

    def job(self, job_id: str) -> dict[str, Any]:
        """A job as it stands."""
        data = self.client.restful(f"{BULK_QUERY}/{job_id}")
        if not isinstance(data, dict) or "state" not in data:
            raise ContractBroken("a job without a state", type(data).__name__)
        return data

    def end_job(self, job_id: str) -> None:
        """Abort a job that takes too long."""
        self.client.restful(f"{BULK_QUERY}/{job_id}", method="PATCH", json={"state": "Aborted"})

    def job_results(self, job_id: str, locator: str | None, rows: int) -> Answer:
        """CSV with its header; at most so many rows behind a locator. simple-salesforce would read it into one
        text more, and wants headers that empty results do not have."""
        params = {"maxRecords": str(rows)} | ({"locator": locator} if locator else {})
        return self.transport.request(
            "GET",
            f"/services/data/v{self.settings.api_version}/{BULK_QUERY}/{job_id}/results",
            endpoint=f"{BULK_QUERY}/:id/results{self._mark}",
            fate="read",
            params=params,
            headers={"Accept": "text/csv", **CALL_HEADERS},
            parse=False,
        )

    def deleted(self, sobject: str, start: int, end: int) -> list[str]:
        """Ids of what was deleted between two moments of the vendor's clock, 15 days back at most, by the log of
        deletions, which knows also what never was in the recycle bin."""
        told = getattr(self.client, sobject).deleted(times.moment(start), times.moment(end))
        if not isinstance(told, dict) or not isinstance(told.get("deletedRecords"), list):
            raise ContractBroken("a log of deletions without records", type(told).__name__)
        return [full_id(str(record["id"])) for record in told["deletedRecords"]]

    def limits(self) -> dict[str, Any]:
        """The org's limits; the daily calls are told to the budget."""
        data = self.client.limits()
        daily = data.get("DailyApiRequests")
        if isinstance(daily, dict):
            self.budget.tell_daily(int(daily["Max"]), int(daily["Remaining"]))
        return dict(data)

    # ------------------------------------------------------------------------------------------------ writing

    def collection(self, method: str, path: str, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """One sObject collections call, each record for itself: one answer per record, in order."""
        body = {"allOrNone": False, "records": list(records)}
        data = self.client.restful(path, method=method, json=body)
        if not isinstance(data, list) or len(data) != len(records):
            saw = f"{len(data)} answers" if isinstance(data, list) else type(data).__name__
            raise ContractBroken(f"{len(records)} records sent to {path}", saw)
        return data

    def create(self, sobject: str, values: Mapping[str, Any]) -> str:
        """One new record, by plain create; its id."""
        return _created(self.client.restful(f"sobjects/{sobject}", method="POST", json=dict(values)))

    def update(self, sobject: str, record_id: str, values: Mapping[str, Any]) -> None:
        """One record changed."""
        self.client.restful(f"sobjects/{sobject}/{record_id}", method="PATCH", json=dict(values))

    def tooling_records(self, statement: str) -> list[dict[str, Any]]:
        """A query against the Tooling API."""
        data = self.client.restful("tooling/query", params={"q": statement})
        records: list[dict[str, Any]] = _page(data)["records"]
        return records

    def tooling_create(self, sobject: str, body: Mapping[str, Any]) -> str:
        """One new tooling record; its id."""
        return _created(self.client.toolingexecute(f"sobjects/{sobject}", "POST", dict(body)))

    def close(self) -> None:
        self.transport.close()


def _page(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict) or not isinstance(data.get("records"), list):
        raise ContractBroken("a query answer without records", type(data).__name__)
    if not data.get("done", True) and not data.get("nextRecordsUrl"):
        raise ContractBroken("a query page that is not the last names no next page", "no nextRecordsUrl")
    data.setdefault("done", True)
    return data


def _created(data: Any) -> str:
    if not isinstance(data, dict) or not data.get("id"):
        raise ContractBroken("a create answer without id", type(data).__name__)
    return str(data["id"])
