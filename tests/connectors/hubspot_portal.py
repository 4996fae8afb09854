"""The simulated HubSpot as the tests use it: a process of its own with a pinned clock."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import requests

from connectors.contract import (
    Bookmark,
    FieldRequest,
    Row,
    WriteOp,
)
from connectors.hubspot.config import Settings
from connectors.hubspot.connector import HubSpotConnector, build
from tests.connectors.hubspot_kit import MemoryLedger, MemorySecrets, surroundings

KEY = FieldRequest("crmhub_id", "crmhub id", "text", unique=True)


@dataclass
class ControlClock:
    """The sandbox's clock, which is pinned: only sleeps and tests move it."""

    control: str

    def now(self) -> int:
        return int(requests.get(f"{self.control}/clock", timeout=10).json()["now"])

    def sleep(self, seconds: float) -> None:
        requests.post(f"{self.control}/clock", json={"advance": round(seconds * 1000)}, timeout=10)


@dataclass
class Portal:
    """The sandbox as a test uses it."""

    control: str
    credentials: dict[str, str]
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    secrets: MemorySecrets = field(default_factory=MemorySecrets)

    def post(self, path: str, body: Any = None) -> Any:
        answer = requests.post(self.control + path, json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def fault(self, kind: str, route: str, method: str | None = None, **more: Any) -> None:
        match = {"route": route} | ({"method": method} if method else {})
        self.post("/faults", {"kind": kind, "vendor": "hubspot", "match": match, **more})

    def clear_faults(self) -> None:
        requests.delete(f"{self.control}/faults", timeout=10)

    def switch(self, **switches: Any) -> None:
        self.post("/settings", {"vendor": "hubspot", **switches})

    def edit(self, kind: str, remote_id: str, **fields: Any) -> dict[str, Any]:
        body = {"vendor": "hubspot", "object": kind, "id": remote_id, "fields": fields}
        return dict(self.post("/edit", body))

    def delete(self, kind: str, remote_id: str) -> None:
        self.post("/delete", {"vendor": "hubspot", "object": kind, "id": remote_id})

    def act(self, action: str, **wish: Any) -> dict[str, Any]:
        """What people do in HubSpot's screens."""
        return dict(self.post("/act", {"vendor": "hubspot", "action": action, **wish}))

    def later(self, seconds: float) -> None:
        self.post("/clock", {"advance": round(seconds * 1000)})

    def state(self, kind: str) -> dict[str, dict[str, Any]]:
        lines = requests.get(f"{self.control}/state/hubspot", timeout=30).content.splitlines()
        rows = [orjson.loads(line) for line in lines if line]
        return {r["id"]: r for r in rows if r["object"] == kind}

    def calls(self) -> int:
        rows = requests.get(f"{self.control}/calls", timeout=10).json()
        return sum(r["count"] for r in rows if r["vendor"] == "hubspot")

    def renewed(self) -> Portal:
        """Back to the seeded start, whose newest edits are older than the overlap."""
        self.post("/reset")
        self.later(600)
        return Portal(self.control, self.credentials)

    def connector(self, **more: Any) -> HubSpotConnector:
        keys = {k: self.credentials[k] for k in ("base_url", "access_token")}
        around = surroundings(ControlClock(self.control), self.ledger, self.secrets)
        return build(Settings(**(keys | more)), around)


@contextmanager
def sandbox(people: int, *more: str) -> Iterator[Portal]:
    """A sandbox process with HubSpot alone."""
    command = [sys.executable, "-m", "crmhub.sandbox", "--people", str(people), "--seed", "1"]
    command += ["--vendors", "hubspot", "--rate", "0", "--lag", "0", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        line = started.stdout.readline()
        try:
            ready = orjson.loads(line)
            yield Portal(ready["control"], ready["connections"]["hubspot"])
        finally:
            started.terminate()
            assert started.wait(20) == 0


def pull(
    connector: HubSpotConnector, stream: str, bookmark: Bookmark | None, *fields: str
) -> tuple[list[Row], Bookmark]:
    rows: list[Row] = []
    for page in connector.pull(stream, bookmark, fields):
        rows += page.rows
        bookmark = page.bookmark
    assert bookmark is not None
    return rows, bookmark


def some_contacts(portal: Portal, number: int) -> list[str]:
    return [i for i, r in portal.state("contacts").items() if not r["deleted"]][:number]


def update(remote_id: str, op_id: str = "op1", **values: Any) -> WriteOp:
    return WriteOp(op_id, "update", remote_id, values)


def create(op_id: str, key: str, **values: Any) -> WriteOp:
    return WriteOp(op_id, "create", None, values, ("crmhub_id", key))
