"""The API budget of one connection: bursts and the day's allowance.

It sleeps before a call rather than provoke a refusal, and stops before the allowance that other tools of the
customer need is touched. Both are corrected by what the vendor says in its answers. All times are ms UTC on
the hub's clock; safe to use from several threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from connectors.contract import Quota, QuotaExhausted, Surroundings

DAY_MS = 86_400_000
#: added to each window, and so much of its length: a busy process reads its clock some time after the answer came
WINDOW_SLACK_MS = 50
WINDOW_SLACK_SHARE = 0.01
#: a window is full of calls under way: look again after this long
IN_FLIGHT_MS = 20
#: the ledger, shared by all processes of a connection, is asked anew after so many calls of our own
ASK_LEDGER_EVERY = 50


def next_utc_midnight(at: int) -> int:
    """The end of the UTC day that holds `at`."""
    return (at // DAY_MS + 1) * DAY_MS


@dataclass(frozen=True, slots=True)
class Window:
    """At most `calls` within any `seconds`, for the endpoints that `applies` names."""

    name: str
    calls: int
    seconds: float
    applies: Callable[[str], bool] = lambda _endpoint: True


@dataclass(frozen=True, slots=True)
class Signals:
    """What one answer said about limits; None = nothing said."""

    window: str | None = None
    window_limit: int | None = None
    window_left: int | None = None
    daily_limit: int | None = None
    daily_left: int | None = None
    resets_at: int | None = None


def slack_of(seconds: float) -> int:
    """How much longer than the vendor's window ours is, ms."""
    return WINDOW_SLACK_MS + round(seconds * 1000 * WINDOW_SLACK_SHARE)


class _Sliding:
    """The calls of one window.

    The vendor counts a call when it arrives: some time between its departure and its answer. So a call counts from
    its departure until the window has passed since its answer.
    """

    def __init__(self, window: Window) -> None:
        self.window = window
        self.limit = window.calls
        self.length_ms = slack_of(window.seconds) + round(window.seconds * 1000)
        self.flying = 0
        self.done: deque[int] = deque()  # when they were answered
        self.held_until = 0

    def wait_ms(self, now: int) -> int:
        while self.done and self.done[0] <= now - self.length_ms:
            self.done.popleft()
        wait = max(0, self.held_until - now)
        over = self.flying + len(self.done) - self.limit
        if over >= 0:
            room = self.done[over] + self.length_ms - now if over < len(self.done) else IN_FLIGHT_MS
            wait = max(wait, room)
        return wait

    def learn(self, limit: int | None, left: int | None, now: int) -> None:
        """The vendor's own count: when others spend from the same window, ours shrinks."""
        if limit is not None and limit > 0:
            self.limit = limit
        if left is not None:
            self.wait_ms(now)
            # calls of ours that are under way may be counted there or not; taking them for foreign ones errs on the
            # safe side, and not for long: the next answers find them among ours
            foreign = (self.limit - left) - len(self.done)
            self.done.extend([now] * max(0, foreign))


class Budget:
    """What this connection may still spend.

    `windows`: burst limits, documented values to start with. `signals`: reads a vendor's headers. `day_ends`:
    the end of the vendor's day that holds a moment (HubSpot: the portal's midnight).
    """

    def __init__(
        self,
        surroundings: Surroundings,
        windows: Sequence[Window] = (),
        signals: Callable[[Mapping[str, str]], Signals | None] = lambda _headers: None,
        day_ends: Callable[[int], int] = next_utc_midnight,
    ) -> None:
        self._around = surroundings
        self._windows = [_Sliding(w) for w in windows]
        self._signals = signals
        self.day_ends = day_ends
        self._lock = Lock()
        self._vendor: tuple[int, int, int] | None = None  # limit, left, resets_at
        self._base: tuple[int, int] | None = None  # ledger's count, end of the day it is for
        self._own = 0  # calls since `_base` was read

    def take(self, endpoint: str) -> int:
        """Wait until one call to `endpoint` fits, and count it; the hub's time then. `done` must follow.

        Raises QuotaExhausted instead of spending what the day no longer holds.
        """
        while True:
            with self._lock:
                now = self._around.clock.now()
                self._check_day(now)
                mine = [w for w in self._windows if w.window.applies(endpoint)]
                wait = max((w.wait_ms(now) for w in mine), default=0)
                if wait == 0:
                    for window in mine:
                        window.flying += 1
                    self._own += 1
                    return now
            self._around.clock.sleep(wait / 1000)

    def done(self, endpoint: str, now: int) -> None:
        """A call that was taken has been answered, or never will be. `now`: the hub's time."""
        with self._lock:
            for window in self._windows:
                if window.window.applies(endpoint):
                    window.flying -= 1
                    window.done.append(now)

    def learn(self, endpoint: str, headers: Mapping[str, str], now: int) -> None:
        """Take over what an answer's headers say. `now`: the hub's time, asked once per answer."""
        seen = self._signals(headers)
        if seen is None:
            return
        with self._lock:
            for window in self._windows:
                if window.window.name == seen.window and window.window.applies(endpoint):
                    window.learn(seen.window_limit, seen.window_left, now)
        if seen.daily_limit is not None and seen.daily_left is not None:
            resets_at = seen.resets_at if seen.resets_at is not None else self.day_ends(now)
            self.tell_daily(seen.daily_limit, seen.daily_left, resets_at)

    def tell_daily(self, limit: int, left: int, resets_at: int | None = None) -> None:
        """The vendor's own count of the day, from headers or a limits endpoint."""
        until = resets_at if resets_at is not None else self.day_ends(self._around.clock.now())
        with self._lock:
            self._vendor = (limit, left, until)

    def hold(self, endpoint: str, seconds: float) -> None:
        """The vendor refused a call as too fast: nobody calls this kind of endpoint for `seconds`."""
        with self._lock:
            until = self._around.clock.now() + round(seconds * 1000)
            for window in self._windows:
                if window.window.applies(endpoint):
                    window.held_until = max(window.held_until, until)

    def quota(self, name: str = "calls a day") -> Quota | None:
        """The vendor's daily figures as last heard."""
        with self._lock:
            if self._vendor is None:
                return None
            limit, left, resets_at = self._vendor
            return Quota(name, limit, left, resets_at)

    def _check_day(self, now: int) -> None:
        if self._vendor is not None and now >= self._vendor[2]:
            self._vendor = None  # a new day: what we knew is void, the next answer tells
        share = 1.0 - self._around.budget_reserve
        if self._vendor is not None:
            limit, left, resets_at = self._vendor
            if left <= limit * self._around.budget_reserve:
                raise self._exhausted(
                    resets_at, f"{left} of {limit} calls are left and kept for other tools of this account"
                )
        granted = self._around.budget_daily
        if granted is None and self._vendor is not None:
            granted = self._vendor[0]
        if granted is None:
            return
        spent = self._spent(now)
        if spent >= granted * share:
            raise self._exhausted(
                next_utc_midnight(now), f"{spent} of {granted} calls spent, the rest is kept for other tools"
            )

    def _spent(self, now: int) -> int:
        if self._base is None or now >= self._base[1] or self._own >= ASK_LEDGER_EVERY:
            self._base = (self._around.ledger.spent_today(now), next_utc_midnight(now))
            self._own = 0
        return self._base[0] + self._own

    def _exhausted(self, resets_at: int, detail: str) -> QuotaExhausted:
        error = QuotaExhausted(resets_at, detail)
        error.connection = self._around.connection
        return error
