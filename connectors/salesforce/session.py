"""What simple-salesforce gets as its HTTP session: every call of it runs through the transport.

simple-salesforce builds `https://<host>` addresses, retries on its own and never times out; handed this session it
does none of that: it knows the resources, the transport knows HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests

from connectors.budget import Signals
from connectors.transport import Answer, Fate, Transport

COLLECTIONS = "composite/sobjects"
BULK_QUERY = "jobs/query"
#: `client` marks our writes in change events; FALSE keeps lead assignment rules from taking the owner
CALL_HEADERS = {"Sforce-Call-Options": "client=crmhub", "Sforce-Auto-Assign": "FALSE"}
_USAGE = re.compile(r"(?:^|[ ;])api-usage=(\d+)/(\d+)")
_ID_SEGMENT = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
#: the character NUL in JSON, behind no other backslash than pairs of them
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


class OrgSession(requests.Session):
    """The session that simple-salesforce gets: every call runs through the transport, to its base address."""

    def __init__(self, transport: Transport, mark: str = "") -> None:
        super().__init__()
        self._transport = transport
        self._mark = mark  # added to the name that calls are counted under

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
            endpoint=route(address.path) + self._mark,
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
        self._data = without_nul(answer)

    def json(self, **_kwargs: Any) -> Any:
        return self._data


def without_nul(answer: Answer) -> Any:
    """The parsed JSON. Texts that came in by imports can hold NUL, which no store and no other CRM takes."""
    if b"\\u0000" not in answer.body:
        return answer.data
    return orjson.loads(_NUL.sub(rb"\1", answer.body))


def route(path: str) -> str:
    """The path without version, ids and values: what calls are counted under."""
    parts = [p for p in path.split("/") if p]
    if parts[:2] == ["services", "data"]:
        parts = parts[3:]
    if parts[:1] == ["query"] and len(parts) > 1:
        return "query/more"
    if parts[:1] == ["sobjects"] and len(parts) > 2 and parts[2] not in ("describe", "deleted"):
        return f"sobjects/{parts[1]}/:id"
    return "/".join(":id" if _ID_SEGMENT.fullmatch(p) and any(c.isdigit() for c in p) else p for p in parts)


def _fate(method: str, path: str) -> Fate:
    """A retrieve by ids and a query job read, although they are POSTs."""
    retrieve = method == "POST" and path.split("/")[-3:-1] == COLLECTIONS.split("/")
    return "read" if method == "GET" or retrieve or path.endswith(f"/{BULK_QUERY}") else "write"


def limit_info(headers: Mapping[str, str]) -> Signals | None:
    """The org's daily usage from `Sforce-Limit-Info: api-usage=18/15000; per-app-api-usage=...`."""
    found = _USAGE.search(headers.get("Sforce-Limit-Info") or "")
    if found is None:
        return None
    used, limit = int(found[1]), int(found[2])
    return Signals(daily_limit=limit, daily_left=max(0, limit - used))
