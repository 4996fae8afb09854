"""Every request a vendor got, counted."""

from __future__ import annotations

from collections import Counter
from typing import Any

NO_ANSWER = 0
"""The status of a request whose connection was closed without an answer."""


class Calls:
    """Counts by (vendor, method, route template, status)."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, int]] = Counter()

    def add(self, vendor: str, method: str, route: str, status: int) -> None:
        self._counts[vendor, method, route, status] += 1

    def clear(self) -> None:
        self._counts.clear()

    def rows(self) -> list[dict[str, Any]]:
        keys = ("vendor", "method", "route", "status")
        return [{**dict(zip(keys, key, strict=True)), "count": count} for key, count in sorted(self._counts.items())]
