"""How many calls a connection has made, counted across processes."""

from __future__ import annotations

import threading
from collections import Counter

from connectors.contract import CallLedger
from core.store.runs import Runs, day_of


class StoreLedger(CallLedger):
    """Counts calls in memory; the store gets them with the next commit, and only then tells of other processes.

    Thread-safe: `record` and `spent_today` touch no store, the rest is for the thread that has it.
    """

    def __init__(self, runs: Runs, connection: str, *, now: int) -> None:
        self._runs, self._connection = runs, connection
        self._lock = threading.Lock()
        self._day = day_of(now)
        self._kept = runs.calls_on(connection, self._day)
        self.pending: Counter[tuple[str, int, str]] = Counter()
        self.made = 0

    def record(self, endpoint: str, status: int, at: int) -> None:
        with self._lock:
            self.pending[endpoint, status, day_of(at)] += 1
            self.made += 1

    def spent_today(self, at: int) -> int:
        day = day_of(at)
        with self._lock:
            kept = self._kept if day == self._day else 0
            return kept + sum(n for (_, _, d), n in self.pending.items() if d == day)

    def flush(self, now: int) -> None:
        """Inside a write."""
        with self._lock:
            counted, self.pending = self.pending, Counter()
            self._runs.count_calls(self._connection, counted)
            self._day = day_of(now)
            self._kept = self._runs.calls_on(self._connection, self._day)
