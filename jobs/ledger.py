"""How many calls a connection has made, counted across processes."""

from __future__ import annotations

import threading
from collections import Counter

from connectors.contract import CallLedger
from core.store.runs import Runs, day_of


class StoreLedger(CallLedger):
    """Counts calls in memory; the store gets them with the next commit. Thread-safe."""

    def __init__(self, runs: Runs, connection: str) -> None:
        self._runs, self._connection = runs, connection
        self._lock = threading.Lock()
        self._kept: dict[str, int] = {}
        self.pending: Counter[tuple[str, int, str]] = Counter()
        self.made = 0

    def record(self, endpoint: str, status: int, at: int) -> None:
        with self._lock:
            self.pending[endpoint, status, day_of(at)] += 1
            self.made += 1

    def spent_today(self, at: int) -> int:
        day = day_of(at)
        with self._lock:
            if day not in self._kept:
                self._kept = {day: self._runs.calls_on(self._connection, day)}
            return self._kept[day] + sum(n for (_, _, d), n in self.pending.items() if d == day)

    def flush(self) -> None:
        """Inside a write."""
        with self._lock:
            counted, self.pending = self.pending, Counter()
            for (_, _, day), n in counted.items():
                if day in self._kept:
                    self._kept[day] += n
        self._runs.count_calls(self._connection, counted)
