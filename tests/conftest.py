"""Fixtures that every area shares: the sandbox, started as a process the way users start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import requests
from hypothesis import settings

# the same examples each time, so that what passed once passes again; CRMHUB_FULL=1 looks for new ones
settings.register_profile("steady", derandomize=True, deadline=None)
if not os.environ.get("CRMHUB_FULL"):
    settings.load_profile("steady")


class RunningSandbox(NamedTuple):
    """A sandbox process that answers: its control URL and the connections of its ready line."""

    control: str
    connections: dict[str, dict[str, Any]]


StartSandbox = Callable[..., RunningSandbox]


class HubSpotAccount:
    """Requests to one simulated HubSpot account and to its control port."""

    def __init__(self, control: str, connection: dict[str, Any]) -> None:
        self.control = control
        self.base = connection["base_url"]
        self.token = connection["access_token"]
        self.connection = connection
        self.http = requests.Session()

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.http.request(method, self.base + path, json=body, params=query, headers=headers, timeout=30)

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


def _post(url: str) -> None:
    request = urllib.request.Request(url, data=b"{}", method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[StartSandbox]:
    """`sandbox("--people", "200", ...)` starts one process per set of arguments and resets it at every call.

    `--seed 1 --now 2026-11-02T08:00:00Z` are added unless given, so that what tests see never depends on the day.
    """
    running: dict[tuple[str, ...], tuple[subprocess.Popen[str], RunningSandbox]] = {}

    def start(*arguments: str) -> RunningSandbox:
        if arguments in running:
            found = running[arguments][1]
            _post(f"{found.control}/reset")
            return found
        command = [sys.executable, "-m", "crmhub.sandbox", *arguments]
        for name, value in (("--seed", "1"), ("--now", "2026-11-02T08:00:00Z")):
            if name not in arguments:
                command += [name, value]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            process.wait(10)
            process.stdout.close()
            pytest.fail(f"the sandbox did not start: {command}")
        ready = json.loads(line)
        running[arguments] = (process, RunningSandbox(ready["control"], ready["connections"]))
        return running[arguments][1]

    yield start
    for process, _ in running.values():
        process.terminate()
    for process, _ in running.values():
        assert process.wait(10) == 0
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
def account(sandbox: StartSandbox) -> Iterator[HubSpotAccount]:
    """A HubSpot account of 200 people, clock pinned, no index lag, no limits."""
    found = sandbox("--people", "200", "--rate", "0", "--lag", "0", "--no-limits", "--vendors", "hubspot")
    made = HubSpotAccount(found.control, found.connections["hubspot"])
    yield made
    made.http.close()


@pytest.fixture
def crowd(sandbox: StartSandbox) -> Iterator[HubSpotAccount]:
    """A HubSpot account of more than 25,000 contacts, otherwise like `account`."""
    found = sandbox("--people", "33000", "--rate", "0", "--lag", "0", "--no-limits", "--vendors", "hubspot")
    made = HubSpotAccount(found.control, found.connections["hubspot"])
    yield made
    made.http.close()
