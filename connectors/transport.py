"""How a connector speaks HTTP: one session per connection, one retry layer, one place where errors are typed.

    request ──▶ budget.take ──▶ boundary("send") ──▶ HTTP ──▶ boundary("answer") ──▶ ledger ──▶ classify
                    ▲                                                                            │
                    └────────────── clock.sleep(Retry-After, or the vendor's usual wait) ◀── retry / throttle

A vendor hands in `classify`, which turns an answer into a `Verdict`. What may be repeated depends on `fate`:

    read    safe to repeat: time-outs, cut connections, 5xx and cut JSON are retried
    write   repeated only when it surely was not executed (no connection made, a clear refusal such as 429);
            otherwise UnknownFate, which the connector turns into WriteResult "unknown"

What leaves: the contract's errors, and UnknownFate for writes. No message, repr or log line holds a
credential.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from threading import BoundedSemaphore, RLock
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import orjson
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from urllib3.exceptions import HTTPError

from connectors.budget import Budget
from connectors.contract import (
    AuthFailed,
    ConnectorError,
    ContractBroken,
    Surroundings,
    Throttled,
    Unavailable,
)
from connectors.verdicts import OK, Action, Answer, Classify, UnknownFate, Verdict, http_date, retry_after
from connectors.wire import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, Trouble, check_header, host_of, never_sent, why_no_answer

__all__ = [
    "CONNECT_TIMEOUT_S",
    "OK",
    "READ_TIMEOUT_S",
    "Answer",
    "Auth",
    "Classify",
    "Fate",
    "StaticAuth",
    "Transport",
    "UnknownFate",
    "Verdict",
]

log = logging.getLogger(__name__)

#: no answer or 5xx: attempts and hub time (waits and time-outs) before Unavailable
SERVER_ATTEMPTS = 6
SERVER_PATIENCE_S = 30.0
SERVER_FIRST_WAIT_S = 0.5  # doubled each time: 0.5, 1, 2, 4, 8
#: a server that says "slower": attempts and hub time before Throttled
THROTTLE_ATTEMPTS = 8
THROTTLE_PATIENCE_S = 90.0
#: a clock difference below this is the Date header's own coarseness
SKEW_TOLERANCE_MS = 2_000

#: bytes read at once; requests' own `content` takes 10 KB at a time, a page has 100
_CHUNK = 1 << 20

Fate = Literal["read", "write"]


class Auth(Protocol):
    """Holds a credential. May be called from several threads; `refresh` never concurrently."""

    def header(self) -> str:
        """The value of the Authorization header; may fetch a first token."""
        ...

    def refresh(self) -> bool:
        """The token of `header()` was refused. False: there is nothing to renew (static token)."""
        ...


@dataclass(slots=True)
class StaticAuth:
    """A token that never changes."""

    _token: str = field(repr=False)

    def header(self) -> str:
        return f"Bearer {self._token}"

    def refresh(self) -> bool:
        return False


class _Header(AuthBase):
    """Sets the header itself, so that no .netrc entry can replace it."""

    def __init__(self, value: str | None) -> None:
        self._value = value

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value is not None:
            r.headers["Authorization"] = self._value
        return r


class _Again(Exception):
    def __init__(self, kind: Literal["server", "throttle", "auth"], wait_s: float, error: ConnectorError) -> None:
        self.kind, self.wait_s, self.error = kind, wait_s, error
        super().__init__(kind)


@dataclass(slots=True)
class _Call:
    """One request and what it has cost so far."""

    endpoint: str
    fate: Fate
    send: Callable[[str | None], Answer]
    parse: bool
    authorized: bool
    refreshed: bool = False
    tries: dict[str, int] = field(default_factory=dict)
    lost_s: dict[str, float] = field(default_factory=dict)


class Transport:
    """One connection's HTTP. Thread-safe for `max_in_flight` calls at once; more wait for a free place.

    `base_url` may be a callable, for vendors that name the host when a token is issued.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        base_url: str | Callable[[], str],
        auth: Auth,
        classify: Classify,
        budget: Budget,
        max_in_flight: int = 1,
    ) -> None:
        self._around = surroundings
        self._base_url = base_url
        self._auth = auth
        self._classify = classify
        self.budget = budget
        self._places = BoundedSemaphore(max_in_flight)
        self._auth_lock = RLock()
        self._ledger_lock = RLock()
        self._skew_ms = 0
        self._session = requests.Session()
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=max_in_flight, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._session.headers["User-Agent"] = f"crmhub/{_version()}"
        self._session.headers["Accept"] = "application/json"

    def __repr__(self) -> str:
        return f"<Transport {self._around.connection}>"

    @property
    def base_url(self) -> str:
        url = self._base_url if isinstance(self._base_url, str) else self._base_url()
        return url.rstrip("/")

    def request(
        self,
        method: str,
        path: str,
        *,
        endpoint: str,
        fate: Fate,
        params: Mapping[str, Any] | str | None = None,
        json: Any = None,
        data: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        parse: bool = True,
        authorized: bool = True,
    ) -> Answer:
        """One logical call: all its attempts, at most one refresh.

        `path` is joined to base_url unless it is a whole URL. `params`: as a mapping, or a query that is encoded
        already. `endpoint`: the route with its ids left out,
        for ledger, budget and messages. `authorized=False`: no Authorization header and no refresh (token
        endpoints).
        Raises the contract's errors, and UnknownFate when `fate` is "write".
        """
        extra = dict(headers or {})
        body: Mapping[str, str] | bytes | None = data
        if json is not None:
            body = orjson.dumps(json)
            extra.setdefault("Content-Type", "application/json")

        def send(token: str | None) -> Answer:
            url = path if path.startswith(("http://", "https://")) else self.base_url + path
            return self._http(method, url, token, params=params, data=body, headers=extra)

        call = _Call(endpoint, fate, send, parse, authorized)
        retrying = Retrying(
            sleep=self._around.clock.sleep,
            wait=lambda state: _again(state).wait_s,
            stop=lambda state: _out_of_patience(call, _again(state)),
            retry=retry_if_exception_type(_Again),
            retry_error_callback=lambda state: self._give_up(_again(state)),
        )
        try:
            answer: Answer = retrying(self._attempt, call)
        except ConnectorError as e:
            e.connection = self._around.connection
            raise
        return answer

    def vendor_time(self, at: int) -> int:
        """A moment of the hub's clock on the vendor's clock, as of the last answer's Date header."""
        return at + self._skew_ms

    def vendor_now(self) -> int:
        """The vendor's time now, ms UTC."""
        return self.vendor_time(self._around.clock.now())

    def close(self) -> None:
        self._session.close()

    # -------------------------------------------------------------------------------------------- one attempt

    def _attempt(self, call: _Call) -> Answer:
        token = self._auth.header() if call.authorized else None
        if token is not None:
            check_header(token)
        clock = self._around.clock
        trouble: Exception | None = None
        with self._places:
            started = self.budget.take(call.endpoint)
            self._around.boundary("send", call.endpoint)
            try:
                answer = call.send(token)
            except (requests.RequestException, HTTPError, ValueError) as e:  # UnicodeError is a ValueError
                now = clock.now()
                self.budget.done(call.endpoint, now)
                self._record(call.endpoint, 0, now)
                trouble = self._no_answer(call, now - started, e)
            if trouble is not None:
                raise trouble  # out here, so that it does not carry the first one, which may show the token
            self._around.boundary("answer", call.endpoint)
            now = clock.now()
            self.budget.done(call.endpoint, now)
            self._record(call.endpoint, answer.status, now)
        self._learn(call.endpoint, answer, now)
        if answer.status >= 400 and token:
            answer.body = answer.body.replace(token.partition(" ")[2].encode() or token.encode(), b"***")
        return self._judge(call, answer, token, now - started)

    def _judge(self, call: _Call, answer: Answer, token: str | None, took_ms: int) -> Answer:
        verdict = self._classify(answer.status, answer.headers, answer.body)
        if verdict.action == "ok":
            return self._parsed(call, answer, took_ms)
        error = verdict.error or _default_error(verdict.action, answer.status)
        if verdict.action == "auth" and call.authorized:
            return self._renew(call, token, error)
        if verdict.action in ("auth", "stop"):
            raise error
        kind: Literal["server", "throttle"] = "throttle" if verdict.action == "throttle" else "server"
        if call.fate == "write" and not (verdict.refused or verdict.action == "throttle"):
            raise UnknownFate(call.endpoint, f"the CRM answered {answer.status}")
        asked = retry_after(answer.headers, self.vendor_now())
        wait = asked if asked is not None else self._usual_wait(call, kind, verdict.wait_s)
        if kind == "throttle":
            self.budget.hold(call.endpoint, min(wait, THROTTLE_PATIENCE_S))
        raise self._again(call, kind, wait, error, took_ms)

    def _parsed(self, call: _Call, answer: Answer, took_ms: int) -> Answer:
        if not call.parse or not answer.body:
            return answer
        try:
            answer.data = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            if call.fate == "write":
                raise UnknownFate(call.endpoint, "the answer was cut off") from None
            error = Unavailable(f"{call.endpoint} answers {answer.status} with broken JSON")
            raise self._again(call, "server", self._usual_wait(call, "server", None), error, took_ms) from None
        return answer

    def _no_answer(self, call: _Call, took_ms: int, e: Trouble) -> Exception:
        """What to raise in place of `e`, whose own words may show a header or an address."""
        if isinstance(e, requests.exceptions.InvalidHeader):
            return AuthFailed("what the credentials say cannot be sent in a header")
        why = why_no_answer(e)
        if why is None:  # not trouble of the network: a malformed address, a text that HTTP cannot carry
            return ContractBroken("the request could not be made, see base_url", type(e).__name__)
        if call.fate == "write" and not never_sent(e):
            return UnknownFate(call.endpoint, why)
        error = Unavailable(f"{urlsplit(self.base_url).netloc}: {why}")
        return self._again(call, "server", self._usual_wait(call, "server", None), error, took_ms)

    def _renew(self, call: _Call, token: str | None, error: ConnectorError) -> Answer:
        """Refresh once per call; threads that were refused with the same token share one refresh."""
        if call.refreshed:
            raise error
        call.refreshed = True
        with self._auth_lock:
            if self._auth.header() == token and not self._auth.refresh():
                raise error
        raise _Again("auth", 0.0, error)

    # -------------------------------------------------------------------------------------------- details

    def _http(self, method: str, url: str, token: str | None, **kwargs: Any) -> Answer:
        # a proxy of the environment cannot reach our loopback
        self._session.trust_env = host_of(url) not in ("127.0.0.1", "localhost", "::1")
        response = self._session.request(
            method,
            url,
            auth=_Header(token),
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
            allow_redirects=False,
            stream=True,
            **kwargs,
        )
        body = b"".join(response.iter_content(_CHUNK))
        return Answer(response.status_code, response.headers, body)

    def _learn(self, endpoint: str, answer: Answer, now: int) -> None:
        self.budget.learn(endpoint, answer.headers, now)
        stamp = answer.headers.get("Date")
        date = http_date(stamp) if stamp else None
        if date is not None:
            skew = date - now
            self._skew_ms = skew if abs(skew) > SKEW_TOLERANCE_MS else 0

    def _record(self, endpoint: str, status: int, at: int) -> None:
        with self._ledger_lock:
            self._around.ledger.record(endpoint, status, at)

    def _usual_wait(self, call: _Call, kind: str, step: float | None) -> float:
        tries = call.tries.get(kind, 0)
        return step * (tries + 1) if step is not None else SERVER_FIRST_WAIT_S * (1 << tries)

    def _again(
        self,
        call: _Call,
        kind: Literal["server", "throttle"],
        wait: float,
        error: ConnectorError,
        took_ms: int,
    ) -> _Again:
        call.tries[kind] = call.tries.get(kind, 0) + 1
        call.lost_s[kind] = call.lost_s.get(kind, 0.0) + took_ms / 1000 + wait
        log.info("%s %s: %s, attempt %d", self._around.connection, call.endpoint, kind, call.tries[kind])
        return _Again(kind, wait, error)

    def _give_up(self, again: _Again) -> Answer:
        if isinstance(again.error, Throttled):
            raise Throttled(again.wait_s, again.error.detail) from None
        raise again.error from None


def _again(state: RetryCallState) -> _Again:
    exception = state.outcome.exception() if state.outcome else None
    assert isinstance(exception, _Again)
    return exception


def _out_of_patience(call: _Call, again: _Again) -> bool:
    if again.kind == "auth":
        return False
    attempts, seconds = (
        (THROTTLE_ATTEMPTS, THROTTLE_PATIENCE_S) if again.kind == "throttle" else (SERVER_ATTEMPTS, SERVER_PATIENCE_S)
    )
    return call.tries[again.kind] >= attempts or call.lost_s[again.kind] > seconds


def _default_error(action: Action, status: int) -> ConnectorError:
    if action == "throttle":
        return Throttled(0.0)
    if action == "auth":
        return AuthFailed(f"status {status}")
    if action == "retry":
        return Unavailable(f"status {status}")
    return ContractBroken("an answer without a meaning", f"status {status}")


def _version() -> str:
    try:
        return version("crmhub")
    except PackageNotFoundError:
        return "0"
