"""What the Salesforce tests share: surroundings in memory, and short forms of the vendor's answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import requests
import responses

from connectors.contract import Page, Surroundings
from connectors.salesforce.config import Settings

BASE = "https://acme.my.salesforce.com"
DATA = f"{BASE}/services/data/v67.0"
TOKEN_URL = f"{BASE}/services/oauth2/token"
QUERY_ALL = f"{DATA}/queryAll/"
QUERY = f"{DATA}/query/"
COLLECTIONS = f"{DATA}/composite/sobjects"
ORG = "00D000000000001EAA"
HUB = "005000000000001AAA"
ANN = "005000000000002AAA"
NOW = 1_800_000_000_000  # 2027-01-15T08:00:00Z


@dataclass
class MemoryClock:
    """Hub time that moves only when somebody sleeps."""

    at: int = NOW
    slept: list[float] = field(default_factory=list)

    def now(self) -> int:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += round(seconds * 1000)


@dataclass
class MemoryLedger:
    """Calls as (endpoint, status)."""

    calls: list[tuple[str, int]] = field(default_factory=list)

    def record(self, endpoint: str, status: int, at: int) -> None:
        self.calls.append((endpoint, status))

    def spent_today(self, at: int) -> int:
        return len(self.calls)


@dataclass
class MemorySecrets:
    """Tokens of a test."""

    kept: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        return self.kept.get(name)

    def put(self, name: str, value: str) -> None:
        self.kept[name] = value


@dataclass
class World:
    """One connection's surroundings, open to inspection."""

    clock: MemoryClock = field(default_factory=MemoryClock)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    boundary: Callable[[str, str], None] = lambda _side, _endpoint: None

    def surroundings(self, **changes: Any) -> Surroundings:
        return Surroundings("sf", self.clock, self.ledger, self.secrets, self.boundary, **changes)


def settings(**changes: Any) -> Settings:
    """A connection to the org of the exhibits."""
    values: dict[str, Any] = {"base_url": BASE, "client_id": "id", "client_secret": "s3cr3t-value"}
    return Settings(**(values | changes))


def token_answer(number: int = 1, **more: Any) -> dict[str, Any]:
    """A client credentials answer."""
    identity = f"https://login.salesforce.com/id/{ORG}/{HUB}"
    return {"access_token": f"{ORG[:15]}!token{number}", "instance_url": BASE, "id": identity, **more}


def lead(number: int, stamp: str = "2027-01-15T07:00:00.000+0000", **fields: Any) -> dict[str, Any]:
    """A lead as a query answers it."""
    return {
        "attributes": {"type": "Lead"},
        "Id": lead_id(number),
        "SystemModstamp": stamp,
        "CreatedDate": "2026-01-01T00:00:00.000+0000",
        "LastModifiedById": ANN,
        "LastModifiedBy": {"attributes": {"type": "User"}, "UserType": "Standard"},
        "IsDeleted": False,
        "MasterRecordId": None,
        "IsConverted": False,
        "ConvertedContactId": None,
        **fields,
    }


def lead_id(number: int) -> str:
    """The id of an exhibit's lead."""
    return f"00Q{number:012d}AAA"


def page(*records: Mapping[str, Any], more: str | None = None, total: int | None = None) -> dict[str, Any]:
    """A query answer; `more` = the address of the next page."""
    answer: dict[str, Any] = {
        "totalSize": total or len(records),
        "done": more is None,
        "records": list(records),
    }
    return answer | ({"nextRecordsUrl": more} if more else {})


def refusal(code: str, message: str = "no", fields: list[str] | None = None) -> list[dict[str, Any]]:
    """A REST error body."""
    return [{"errorCode": code, "message": message, "fields": fields or []}]


def row_error(code: str, message: str = "no", fields: list[str] | None = None) -> dict[str, Any]:
    """A failed record of a collections answer."""
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": fields or []}]}


def sent(http: responses.RequestsMock, url: str) -> list[requests.PreparedRequest]:
    """The requests to one address, in order."""
    return [c.request for c in http.calls if (c.request.url or "").split("?")[0] == url]


def statements(http: responses.RequestsMock) -> list[str]:
    """The SOQL statements that were asked."""
    return [
        parse_qs(urlsplit(c.request.url or "").query)["q"][0]
        for c in http.calls
        if "?q=" in (c.request.url or "") or "&q=" in (c.request.url or "")
    ]


def body(request: requests.PreparedRequest) -> Any:
    return orjson.loads(request.body or b"null")


def ids(pages: list[Page]) -> list[str]:
    return [row.id for p in pages for row in p.rows]
