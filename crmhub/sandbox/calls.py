"""Every request a vendor got: counted, and when it came, so that a checker can tell how busy the caller was."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import Any

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.vendor import ControlError

NO_ANSWER = 0
"""The status of a request whose connection was closed without an answer."""
_SLICES = 1000
"""Into how many pieces `pace` cuts the time, at most; none is shorter than 100 ms."""
_FULL = 0.9
"""A limit counts as reached while this share of it is in use."""


@dataclass(slots=True, frozen=True)
class Limit:
    """So many calls in so many milliseconds, of those whose `METHOD route` the pattern finds."""

    name: str
    calls: int
    window_ms: int
    pattern: re.Pattern[str]


class Calls:
    """Counts by (vendor, method, route template, status), and times of the sandbox's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        self._counts: Counter[tuple[str, str, str, int]] = Counter()
        self._times: dict[tuple[str, str], array[int]] = {}
        self._flying: Counter[str] = Counter()
        self._most_flying: Counter[str] = Counter()

    def arrive(self, vendor: str, method: str, route: str) -> None:
        """A request is here."""
        self._times.setdefault((vendor, f"{method} {route}"), array("q")).append(self._clock.now())
        self._flying[vendor] += 1
        self._most_flying[vendor] = max(self._most_flying[vendor], self._flying[vendor])

    def add(self, vendor: str, method: str, route: str, status: int) -> None:
        """It has been answered."""
        self._counts[vendor, method, route, status] += 1
        self._flying[vendor] = max(0, self._flying[vendor] - 1)

    def rows(self) -> list[dict[str, Any]]:
        keys = ("vendor", "method", "route", "status")
        return [{**dict(zip(keys, key, strict=True)), "count": count} for key, count in sorted(self._counts.items())]

    def pace(self, vendor: str, limits: list[Limit]) -> dict[str, Any]:
        """How close to its limits a caller was, from its first call to its last.

        {calls, refused, in_flight, first_at, last_at, took_ms, at_limit, limits: [{name, calls, least_ms, share}]}:
        `refused` counts 429, `in_flight` is the most at once, `share` is the part of the time in which at least 90 %
        of that limit was in use, `at_limit` the same for any of them, and `least_ms` how long that many calls take
        at the least. Limits above what was called at all have a share of 0.
        """
        times = {route: held for (name, route), held in self._times.items() if name == vendor}
        every = sorted(moment for held in times.values() for moment in held)
        first, last = (every[0], every[-1]) if every else (0, 0)
        step = max(100, -(-(last - first) // _SLICES))
        points = range(first + step, last + 1, step)
        busy = [False] * len(points)
        rows: list[dict[str, Any]] = []
        for limit in limits:
            mine = sorted(at for route, held in times.items() if limit.pattern.search(route) for at in held)
            full = [_used(mine, point, limit.window_ms) >= _FULL * limit.calls for point in points]
            busy = [one or other for one, other in zip(busy, full, strict=True)]
            least = max(0, len(mine) - limit.calls) * limit.window_ms // limit.calls
            rows.append({"name": limit.name, "calls": len(mine), "least_ms": least, "share": _share(full)})
        return {
            "calls": len(every),
            "refused": sum(n for (name, _, _, status), n in self._counts.items() if (name, status) == (vendor, 429)),
            "in_flight": self._most_flying[vendor],
            "first_at": first,
            "last_at": last,
            "took_ms": last - first,
            "at_limit": _share(busy),
            "limits": rows,
        }


def limits_of(wish: Any) -> list[Limit]:
    """[{name?, calls, window_ms, match?: regex of `METHOD route`}] as limits. Raises ControlError."""
    found: list[Limit] = []
    for place, row in enumerate(wish if isinstance(wish, list) else [wish]):
        if not isinstance(row, dict):
            raise ControlError("limits wants [{name, calls, window_ms, match}]")
        calls, window = row.get("calls"), row.get("window_ms")
        if not isinstance(calls, int) or not isinstance(window, int) or calls < 1 or window < 1:
            raise ControlError("a limit wants calls and window_ms, whole numbers above 0")
        try:
            pattern = re.compile(str(row.get("match", "")))
        except re.error as problem:
            raise ControlError(f"match is no regular expression: {problem}") from problem
        found.append(Limit(str(row.get("name", place)), calls, window, pattern))
    return found


def _used(times: list[int], moment: int, window: int) -> int:
    """How many calls came in the window that ends at this moment."""
    return bisect_right(times, moment) - bisect_right(times, moment - window)


def _share(points: list[bool]) -> float:
    return round(sum(points) / len(points), 4) if points else 0.0
