"""What the Salesforce tests share: surroundings in memory, and short forms of the vendor's answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import requests
import responses

from connectors.contract import Page, Surroundings, WriteOp
from connectors.salesforce.config import Settings
from connectors.salesforce.connector import SalesforceConnector, build

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

    def answered(self) -> list[str]:
        """What was asked and answered, log-ins aside, since this was called before."""
        found = [e for e, status in self.calls if status == 200 and e != "oauth2/token"]
        self.calls.clear()
        return found


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


def described(*fields: str, **more: Any) -> dict[str, Any]:
    """A describe answer with text fields of these names."""
    shown = [{"name": name, "type": "string"} for name in fields]
    return {"fields": shown, "queryable": True, "updateable": True} | more


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


# ---------------------------------------------------------------------------------------------- sandbox


@dataclass
class SandboxClock:
    """The sandbox's clock as the hub's: time moves only when a test or a sleeping connector moves it."""

    control: str

    def now(self) -> int:
        now: int = requests.get(f"{self.control}/clock", timeout=30).json()["now"]
        return now

    def sleep(self, seconds: float) -> None:
        wish = {"advance": round(seconds * 1000)}
        requests.post(f"{self.control}/clock", json=wish, timeout=30).raise_for_status()


class Sandbox:
    """A running simulated org and what tests do to it, by its control port."""

    def __init__(self, control: str, login: Mapping[str, Any]) -> None:
        self._control = control
        self._login = login
        self._http = requests.Session()
        self._connectors: list[SalesforceConnector] = []

    def connector(
        self, secrets: MemorySecrets | None = None, ledger: MemoryLedger | None = None, **changes: Any
    ) -> SalesforceConnector:
        """A new connector, as a new process of the hub would build it."""
        clock, kept = SandboxClock(self._control), secrets or MemorySecrets()
        login = {key: self._login[key] for key in ("base_url", "client_id", "client_secret")}
        around = Surroundings("sf", clock, ledger or MemoryLedger(), kept)
        made = build(Settings(**(login | changes)), around)
        self._connectors.append(made)
        return made

    @property
    def username(self) -> str:
        """Of the integration user."""
        return str(self._login["username"])

    @property
    def more(self) -> dict[str, Any]:
        """Other ways in: refresh token, private key, other users, somebody else's org."""
        found: dict[str, Any] = self._login["more"]
        return found

    def close(self) -> None:
        for connector in self._connectors:
            connector.close()
        self._http.close()

    def advance(self, seconds: float) -> None:
        self._post("/clock", {"advance": round(seconds * 1000)})

    def switch(self, **switches: Any) -> None:
        self._post("/settings", {"vendor": "salesforce", **switches})

    def act(self, action: str, **wish: Any) -> dict[str, Any]:
        """What people and administrators do on the org's screens."""
        body = {"vendor": "salesforce", "action": action, **wish}
        answer = self._http.post(f"{self._control}/act", json=body, timeout=60)
        assert answer.ok, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def fault(self, rule: Mapping[str, Any]) -> None:
        self._post("/faults", {"vendor": "salesforce", **rule})

    def clear_faults(self) -> None:
        self._http.delete(f"{self._control}/faults", timeout=30).raise_for_status()

    def edit(self, kind: str, record_id: str, fields: Mapping[str, Any], actor: str) -> None:
        wish = {"vendor": "salesforce", "object": kind, "id": record_id, "fields": fields, "actor": actor}
        self._post("/edit", wish)

    def delete(self, kind: str, record_id: str) -> None:
        self._post("/delete", {"vendor": "salesforce", "object": kind, "id": record_id})

    def state(self, kind: str) -> list[dict[str, Any]]:
        """The org's records of one object, deleted ones included."""
        text = self._http.get(f"{self._control}/state/salesforce", timeout=60).text
        return [r for r in map(orjson.loads, text.splitlines()) if r["object"] == kind]

    def query(self, statement: str) -> list[dict[str, Any]]:
        """What the org itself answers, asked without any code of the hub."""
        base = self._login["base_url"]
        form = {"grant_type": "client_credentials", "client_id": self._login["client_id"]}
        secret = {"client_secret": self._login["client_secret"]}
        token = self._http.post(f"{base}/services/oauth2/token", data=form | secret, timeout=30).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        address, params = f"{base}/services/data/v67.0/query", {"q": statement}
        answer = self._http.get(address, params=params, headers=headers, timeout=60).json()
        records: list[dict[str, Any]] = answer["records"]
        while not answer["done"]:
            answer = self._http.get(f"{base}{answer['nextRecordsUrl']}", headers=headers, timeout=60).json()
            records += answer["records"]
        return records

    def calls(self, route: str = "/services/data") -> int:
        """Calls that the org has counted below a route."""
        counted = self._http.get(f"{self._control}/calls", timeout=30).json()
        return sum(row["count"] for row in counted if row["route"].startswith(route))

    def forget_calls(self) -> None:
        self._http.delete(f"{self._control}/calls", timeout=30).raise_for_status()

    def load_leads(self, number: int) -> set[str]:
        """Leads made by bulk, all in one instant; their ids."""
        loader = self.connector()
        made: set[str] = set()
        for start in range(0, number, 200):
            numbers = range(start, min(number, start + 200))
            ops = [WriteOp(str(n), "create", None, {"LastName": f"L{n}", "Company": "Bulk"}) for n in numbers]
            made |= {str(r.remote_id) for r in loader.push("leads", ops) if r.outcome == "applied"}
        assert len(made) == number
        return made

    def _post(self, path: str, wish: Mapping[str, Any]) -> None:
        answer = self._http.post(f"{self._control}{path}", json=wish, timeout=60)
        assert answer.ok, answer.text


def used_sandbox(start: Callable[..., Any]) -> Iterator[Sandbox]:
    """One test's use of the shared sandbox: freshly reset, its clock standing still."""
    running = start("--people", "120", "--rate", "0", "--vendors", "salesforce")
    used = Sandbox(running.control, running.connections["salesforce"])
    yield used
    used.close()
