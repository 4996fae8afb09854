"""A HubSpot account of the sandbox, with plain HTTP at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from tests.conftest import StartSandbox


class Account:
    """Requests to one simulated HubSpot account and to its control port."""

    def __init__(self, control: str, connection: dict[str, Any]) -> None:
        self.control = control
        self.base = connection["base_url"]
        self.token = connection["access_token"]
        self.connection = connection
        self.http = requests.Session()

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.http.request(
            method, self.base + path, json=body, params=query, headers=headers, timeout=30
        )

    def get(self, path: str, **query: Any) -> Any:
        answer = self.call("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        answer = self.call("POST", path, body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def steer(self, path: str, body: Any = None) -> Any:
        """A call on the control port: POST with a body, GET without."""
        method = "GET" if body is None else "POST"
        answer = self.http.request(method, self.control + path, json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def state(self) -> list[dict[str, Any]]:
        text = self.http.get(f"{self.control}/state/hubspot", timeout=30).text
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def account(sandbox: StartSandbox) -> Iterator[Account]:
    """200 people, clock pinned, no index lag, no limits."""
    found = sandbox("--people", "200", "--rate", "0", "--lag", "0", "--no-limits", "--vendors", "hubspot")
    made = Account(found.control, found.connections["hubspot"])
    yield made
    made.http.close()
