"""What the Salesforce sandbox tests share: the org with a token, and simple-salesforce sent to it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce

from tests.conftest import StartSandbox

START = 1_790_000_000_000
"""2026-09-21T14:13:20Z; the clock is pinned there."""


class Detour(HTTPAdapter):
    """simple-salesforce forces https: send to the plain http server instead, path and query untouched."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._netloc = urlsplit(base_url).netloc

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.url = urlunsplit(("http", self._netloc, parts.path, parts.query, ""))
        return super().send(request, *args, **kwargs)


@dataclass
class Org:
    """The org's addresses and credentials, a token, and the control port."""

    base_url: str
    client_id: str
    client_secret: str
    username: str
    control_url: str
    more: dict[str, Any]
    token: str = ""

    def login(self) -> str:
        """A new token by client credentials."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        answer = requests.post(f"{self.base_url}/services/oauth2/token", data=form, timeout=10)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """A request below /services/data/v67.0 with the token."""
        headers = {"Authorization": f"Bearer {self.token}", **kwargs.pop("headers", {})}
        url = f"{self.base_url}/services/data/v67.0{path}"
        return requests.request(method, url, headers=headers, timeout=30, **kwargs)

    def query(self, soql: str, **kwargs: Any) -> list[dict[str, Any]]:
        """The records of a one-page query."""
        answer = self.call("GET", "/query", params={"q": soql}, **kwargs)
        assert answer.status_code == 200, answer.text
        records: list[dict[str, Any]] = answer.json()["records"]
        return records

    def control(self, path: str, wish: Any) -> Any:
        """POST to the control port."""
        answer = requests.post(f"{self.control_url}{path}", json=wish, timeout=30)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def set(self, **switches: Any) -> Any:
        """Change switches."""
        return self.control("/settings", {"vendor": "salesforce", **switches})

    def act(self, action: str, **wish: Any) -> Any:
        """What a person does on the screens besides editing."""
        return self.control("/act", {"vendor": "salesforce", "action": action, **wish})

    def create(self, kind: str, **fields: Any) -> str:
        """A new record; -> its id."""
        answer = self.call("POST", f"/sobjects/{kind}", json=fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def update(self, kind: str, record_id: str, **fields: Any) -> None:
        """Change a record."""
        answer = self.call("PATCH", f"/sobjects/{kind}/{record_id}", json=fields)
        assert answer.status_code == 204, answer.text

    def client(self) -> Any:
        """The unmodified simple-salesforce, logged in by client credentials. Its own types are too loose to help."""
        session = requests.Session()
        session.mount("https://", Detour(self.base_url))
        return Salesforce(
            consumer_key=self.client_id,
            consumer_secret=self.client_secret,
            domain="acme.my",
            session=session,
            version="67.0",
        )


def fresh_org(sandbox: StartSandbox) -> Org:
    """The org as seeded, its clock pinned, with a live token."""
    ready = sandbox("--people", "300", "--vendors", "salesforce", "--rate", "0", "--now", str(START))
    org = Org(control_url=ready.control, **ready.connections["salesforce"])
    org.token = org.login()
    return org


def refusal(answer: requests.Response, status: int, code: str) -> dict[str, Any]:
    """The error of a refused call."""
    assert answer.status_code == status, answer.text
    body: list[dict[str, Any]] = answer.json()
    assert body[0]["errorCode"] == code
    return body[0]


def first_of(org: Org, soql: str) -> dict[str, Any]:
    """The first record of a query."""
    return org.query(soql)[0]


def field_of(org: Org, kind: str, record_id: str, name: str) -> Any:
    """One field of one record."""
    return first_of(org, f"SELECT {name} FROM {kind} WHERE Id = '{record_id}'")[name]
