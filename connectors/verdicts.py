"""What a vendor's answers mean to the transport: the words between `classify` and the retry loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from connectors.contract import ConnectorError

Action = Literal["ok", "retry", "throttle", "auth", "stop"]


class UnknownFate(Exception):
    """A write was sent and no (whole) answer came: it may or may not have been executed."""

    def __init__(self, endpoint: str, detail: str) -> None:
        self.endpoint, self.detail = endpoint, detail
        super().__init__(f"{endpoint}: sent, but {detail}")


@dataclass(slots=True)
class Answer:
    """One HTTP answer. `data`: the parsed JSON (None for an empty body or parse=False)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    data: Any = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means.

    ok        hand it to the caller (a partial success or a 404 that the caller expects, too)
    retry     transient trouble of the server; `error` when it lasts
    throttle  too fast; `error` when it lasts (None: Throttled)
    auth      the token is refused: refresh once, then AuthFailed (`error`)
    stop      raise `error` at once: Rejected, MissingScope, QuotaExhausted, ...

    `wait_s`: seconds times attempt to wait when the vendor sends no Retry-After (None: doubling from 0.5 s).
    `refused`: the vendor surely executed nothing, so that a write may be repeated too.
    """

    action: Action
    error: ConnectorError | None = None
    wait_s: float | None = None
    refused: bool = False


OK = Verdict("ok")
Classify = Callable[[int, Mapping[str, str], bytes], Verdict]


def retry_after(headers: Mapping[str, str], now: int) -> float | None:
    """Seconds to wait by the Retry-After header (seconds or an HTTP date); None when absent or unreadable."""
    text = headers.get("Retry-After") or headers.get("retry-after")
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        date = http_date(text)
        return None if date is None else max(0.0, (date - now) / 1000)


def http_date(text: str) -> int | None:
    """An HTTP date as ms UTC; None when it is none."""
    try:
        return round(parsedate_to_datetime(text).timestamp() * 1000)
    except ValueError:
        return None
