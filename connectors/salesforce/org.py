"""One org: simple-salesforce on our token, our transport and our retries.

simple-salesforce builds `https://<host>` addresses, retries on its own and never times out; handed a session
that sends everything through the transport it does none of this: it knows the resources, the transport knows
HTTP. It is imported with the first call (0.4 s, zeep and lxml).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import requests

from connectors.budget import Budget, Signals
from connectors.contract import ContractBroken, Surroundings
from connectors.salesforce import errors
from connectors.salesforce.auth import OAuth
from connectors.salesforce.config import Settings
from connectors.transport import Answer, Fate, Transport

#: calls at once; an org takes 25 long-running ones (developer orgs 5)
MAX_IN_FLIGHT = 4
#: `client` marks our writes in change events; FALSE keeps lead assignment rules from taking the owner
CALL_HEADERS = {"Sforce-Call-Options": "client=crmhub", "Sforce-Auto-Assign": "FALSE"}
COLLECTIONS = "composite/sobjects"
_USAGE = re.compile(r"(?:^|[ ;])api-usage=(\d+)/(\d+)")
_ID_SEGMENT = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


class Org:
    """The resources of one org, as parsed JSON. Raises the contract's errors, and UnknownFate on writes."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self.settings = settings
        self.connection = surroundings.connection
        self.clock = surroundings.clock
        self.auth = OAuth(settings, surroundings)
        self.budget = Budget(surroundings, signals=limit_info)
        self.transport = Transport(
            surroundings, settings.base_url, self.auth, errors.classify, self.budget, MAX_IN_FLIGHT
        )
        self.auth.attach(self.transport)
        self._describes: dict[str, dict[str, Any]] = {}
        self._lock = Lock()

    @cached_property
    def client(self) -> Any:
        """The simple-salesforce object; its session id is a dummy, the transport sets the real one."""
        from simple_salesforce.api import Salesforce

        return Salesforce(
            session_id="set-by-the-transport",
            instance_url=f"https://{urlsplit(self.settings.base_url).netloc}",
            version=self.settings.api_version,
            session=OrgSession(self.transport),
        )

    # ------------------------------------------------------------------------------------------------ reading

    def query(self, statement: str, *, all_rows: bool = True) -> dict[str, Any]:
        """The first page of a query; all_rows: also deleted, merged and archived rows."""
        return _page(self.client.query(statement, include_deleted=all_rows))

    def next_page(self, address: str) -> dict[str, Any]:
        """The page behind a nextRecordsUrl."""
        return _page(self.client.query_more(address, identifier_is_url=True))

    def records(self, statement: str, *, all_rows: bool = True) -> Iterator[dict[str, Any]]:
        """All records of a query."""
        page = self.query(statement, all_rows=all_rows)
        while True:
            yield from page["records"]
            if page["done"]:
                return
            page = self.next_page(page["nextRecordsUrl"])

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


class OrgSession(requests.Session):
    """The session that simple-salesforce gets: every call runs through the transport, to its base address."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    def request(  # type: ignore[override]  # the SDK's call: same arguments, fewer promises
        self, method: str, url: str, **kwargs: Any
    ) -> requests.Response:
        address = urlsplit(url)
        path = f"{address.path}?{address.query}" if address.query else address.path
        body = kwargs.get("data")
        headers = {"Content-Type": "application/json"} if body is not None else {}
        answer = self._transport.request(
            method,
            path,
            endpoint=route(address.path),
            fate=_fate(method, address.path),
            params=kwargs.get("params"),
            json=kwargs.get("json"),
            data=body.encode() if isinstance(body, str) else body,
            headers={**headers, **CALL_HEADERS},
        )
        return _Answered(answer)


class _Answered(requests.Response):
    """An answer whose JSON was parsed once, by the transport."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.status_code = answer.status
        self.headers.update(answer.headers)
        self._content = answer.body
        self._data = answer.data

    def json(self, **_kwargs: Any) -> Any:
        return self._data


def route(path: str) -> str:
    """The path without version, ids and values: what calls are counted under."""
    parts = [p for p in path.split("/") if p]
    if parts[:2] == ["services", "data"]:
        parts = parts[3:]
    if parts[:1] == ["query"] and len(parts) > 1:
        return "query/more"
    if parts[:1] == ["sobjects"] and len(parts) > 2 and parts[2] != "describe":
        return f"sobjects/{parts[1]}/:id"
    return "/".join(":id" if _ID_SEGMENT.fullmatch(p) and any(c.isdigit() for c in p) else p for p in parts)


def _fate(method: str, path: str) -> Fate:
    """A retrieve by ids reads, although it is a POST."""
    retrieve = method == "POST" and path.split("/")[-3:-1] == COLLECTIONS.split("/")
    return "read" if method == "GET" or retrieve else "write"


def limit_info(headers: Mapping[str, str]) -> Signals | None:
    """The org's daily usage from `Sforce-Limit-Info: api-usage=18/15000; per-app-api-usage=...`."""
    found = _USAGE.search(headers.get("Sforce-Limit-Info") or "")
    if found is None:
        return None
    used, limit = int(found[1]), int(found[2])
    return Signals(daily_limit=limit, daily_left=max(0, limit - used))


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
