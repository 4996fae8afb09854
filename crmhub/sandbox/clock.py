"""The one clock of the sandbox: token life, limits, index lag and recycle bins all run on it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any


class ClockError(ValueError):
    """A request to the clock that it cannot follow; the message says why."""


class Clock:
    """Milliseconds UTC that run `rate` times as fast as the machine's time; rate 0 pins the clock."""

    def __init__(self, now: int | None = None, rate: float = 1.0) -> None:
        self._start = int(time.time() * 1000) if now is None else now
        self._start_rate = rate
        self._base = self._start
        self._rate = rate
        self._anchor = time.monotonic()

    @property
    def start(self) -> int:
        """The moment the seeded world ends at, in ms."""
        return self._start

    @property
    def rate(self) -> float:
        return self._rate

    def now(self) -> int:
        """Now, in ms UTC."""
        if not self._rate:
            return self._base
        return self._base + int((time.monotonic() - self._anchor) * 1000 * self._rate)

    def set(self, now: int) -> None:
        self._base = now
        self._anchor = time.monotonic()

    def advance(self, milliseconds: int) -> None:
        self.set(self.now() + milliseconds)

    def set_rate(self, rate: float) -> None:
        if rate < 0:
            raise ClockError("rate must be 0 (pinned) or greater")
        self.set(self.now())
        self._rate = rate

    def reset(self) -> None:
        self._rate = self._start_rate
        self.set(self._start)

    def snapshot(self) -> dict[str, Any]:
        return {"now": self.now(), "rate": self._rate}

    def change(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Follow {"now": ms}, {"advance": ms}, {"rate": x} or several of them, in this order."""
        unknown = set(wish) - {"now", "advance", "rate"}
        if unknown or not wish:
            raise ClockError("give now, advance or rate; unknown: " + ", ".join(sorted(unknown)))
        for key, value in wish.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ClockError(f"{key} must be a number")
        if "now" in wish:
            self.set(int(wish["now"]))
        if "advance" in wish:
            self.advance(int(wish["advance"]))
        if "rate" in wish:
            self.set_rate(float(wish["rate"]))
        return self.snapshot()


class VendorClock(Clock):
    """A vendor's own clock: the sandbox's, as far ahead or behind as `skew` (ms) says. Only the sandbox's is set."""

    def __init__(self, house: Clock) -> None:
        super().__init__(house.start, 0)
        self._house = house
        self.skew = 0

    def now(self) -> int:
        return self._house.now() + self.skew


def parse_moment(text: str) -> int:
    """`--now`: milliseconds, or ISO 8601 (UTC when it names no zone), as milliseconds UTC."""
    if text.lstrip("-").isdigit():
        return int(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def http_date(milliseconds: int) -> str:
    """The form of the HTTP `Date` header."""
    return format_datetime(datetime.fromtimestamp(milliseconds // 1000, UTC), usegmt=True)
