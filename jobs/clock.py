"""The hub's time. One clock for jobs, connectors and rules; with CRMHUB_CLOCK it is the sandbox's."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from core.errors import Refused

if TYPE_CHECKING:
    import requests


class SystemClock:
    """Real time."""

    def now(self) -> int:
        """ms UTC."""
        return time.time_ns() // 1_000_000

    def sleep(self, seconds: float) -> None:
        """Wait."""
        if seconds > 0:
            time.sleep(seconds)


class ControlClock:
    """Time that somebody else controls: GET URL -> {"now": ms, "rate": x}.

    At rate x one real second is x seconds here. At rate 0 time stands still, and a sleep moves it on: waiting must end.
    """

    _FRESH_S = 0.02

    def __init__(self, url: str) -> None:
        import requests  # 40 ms: only those who need it pay

        self.url = url
        self._http: requests.Session = requests.Session()
        self._lock = threading.Lock()
        self._read_at = -1.0
        self._now = 0
        self._rate = 1.0

    def now(self) -> int:
        """ms UTC of the controlled world."""
        with self._lock:
            if time.monotonic() - self._read_at > self._FRESH_S:
                self._read()
            return int(self._now + (time.monotonic() - self._read_at) * 1000 * self._rate)

    def sleep(self, seconds: float) -> None:
        """Wait until that much controlled time has passed."""
        if seconds <= 0:
            return
        until = self.now() + seconds * 1000
        while (left := until - self.now()) > 0:
            with self._lock:
                rate = self._rate
                if rate == 0:
                    self._send({"advance": round(left) + 1})
                    continue
            time.sleep(min(0.2, left / 1000 / rate))

    def _read(self) -> None:
        try:
            answer = self._http.get(self.url, timeout=10)
            answer.raise_for_status()
            self._take(answer.json())
        except (OSError, ValueError, KeyError) as e:  # requests' errors are OSErrors
            raise Refused(
                f"the clock at {self.url} does not answer ({type(e).__name__})",
                "start the sandbox it belongs to, or unset CRMHUB_CLOCK",
            ) from e

    def _send(self, what: dict[str, int]) -> None:
        answer = self._http.post(self.url, json=what, timeout=10)
        answer.raise_for_status()
        self._take(answer.json())

    def _take(self, told: dict[str, float]) -> None:
        self._now, self._rate, self._read_at = int(told["now"]), float(told["rate"]), time.monotonic()


def real_ms() -> int:
    """Real time in ms, for leases: they are about processes."""
    return time.time_ns() // 1_000_000
