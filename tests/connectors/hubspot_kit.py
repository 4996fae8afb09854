"""What the transport, budget and HubSpot tests share: surroundings in memory and short forms of answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors.contract import CallLedger, Clock, SecretStore, Surroundings
from connectors.hubspot.config import Settings
from connectors.hubspot.connector import HubSpotConnector, build

BASE = "https://api.hubapi.com"
TOKEN = "pat-eu1-11111111-2222-3333-4444-555555555555"
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
    """Calls as (endpoint, status); `others`: what other processes spent today."""

    calls: list[tuple[str, int]] = field(default_factory=list)
    others: int = 0

    def record(self, endpoint: str, status: int, at: int) -> None:
        self.calls.append((endpoint, status))

    def spent_today(self, at: int) -> int:
        return len(self.calls) + self.others

    def endpoints(self) -> list[str]:
        return [endpoint for endpoint, _ in self.calls]


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
    sides: list[tuple[str, str]] = field(default_factory=list)

    def boundary(self, side: str, endpoint: str) -> None:
        self.sides.append((side, endpoint))

    def surroundings(self, **changes: Any) -> Surroundings:
        return surroundings(self.clock, self.ledger, self.secrets, self.boundary, **changes)

    def connector(self, **settings: Any) -> HubSpotConnector:
        return build(Settings(**({"access_token": TOKEN, "base_url": BASE} | settings)), self.surroundings())


def surroundings(
    clock: Clock,
    ledger: CallLedger,
    secrets: SecretStore,
    boundary: Callable[[str, str], None] = lambda _side, _endpoint: None,
    **changes: Any,
) -> Surroundings:
    """Surroundings of a connection called hs."""
    return Surroundings("hs", clock, ledger, secrets, boundary, **changes)


def iso(ms: int) -> str:
    """HubSpot's way to write a time."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(number: int, stamp: int = NOW - 86_400_000, **properties: Any) -> dict[str, Any]:
    """A contact as list, search and batch read send it."""
    held = {"hs_object_id": str(number), "lastmodifieddate": iso(stamp), "hs_merged_object_ids": None}
    return {
        "id": str(number),
        "properties": held | properties,
        "createdAt": iso(stamp),
        "updatedAt": iso(stamp),
        "archived": False,
    }


def page(*records: dict[str, Any], after: str | None = None, total: int | None = None) -> dict[str, Any]:
    """A list or search answer."""
    answer: dict[str, Any] = {"results": list(records)}
    if total is not None:
        answer["total"] = total
    if after is not None:
        answer["paging"] = {"next": {"after": after, "link": "x"}}
    return answer


def batch(*results: dict[str, Any], errors: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A batch answer; a 207 when it has errors."""
    answer: dict[str, Any] = {"status": "COMPLETE", "results": list(results), "startedAt": iso(NOW)}
    return answer | ({"numErrors": len(errors), "errors": errors} if errors else {})
