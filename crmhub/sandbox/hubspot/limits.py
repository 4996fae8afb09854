"""The rate limits of one account: calls per 10 s and app, searches per second, calls per day."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from crmhub.sandbox.hubspot.errors import HubSpotError, burst_limit, daily_limit, search_limit
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.messages import Request, Response

TIME_ZONE = "Europe/Paris"
WINDOW = 10_000


class Limits:
    """Counts what is called; refused calls do not count."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._recent: dict[bool, deque[int]] = {False: deque(), True: deque()}
        """whether by OAuth -> times of the last 10 s"""
        self._searches: deque[int] = deque()
        self._day = self._today()
        self._refusals = 0

    def refusal(self, request: Request, oauth: bool) -> HubSpotError | None:
        """Which limit this call would break, or None; then it is counted."""
        switches, now = self._portal.switches, self._portal.now()
        self.roll()
        recent = self._recent[oauth]
        if is_search(request.route):
            _forget(self._searches, now - 1000)
            if switches.limits and len(self._searches) >= switches.search_limit:
                return search_limit(switches.search_body == "policy")
            times = self._searches
        else:
            _forget(recent, now - WINDOW)
            if switches.limits and len(recent) >= self._most(oauth):
                return burst_limit(self._portal.id, oauth)
            times = recent
        if switches.limits and not oauth and switches.daily_used >= switches.daily_limit:
            return daily_limit(self._portal.id)
        times.append(now)
        if not oauth:
            switches.daily_used += 1
        return None

    def dress(self, request: Request, response: Response, oauth: bool) -> None:
        """Rate-limit headers; search answers show none, and OAuth apps have no limit per day."""
        headers, switches = response.headers, self._portal.switches
        if is_search(request.route):
            headers["x-hubspot-rate-limit-exemptions"] = "ten-secondly"
            return
        most = self._most(oauth)
        headers["X-HubSpot-RateLimit-Max"] = str(most)
        headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(WINDOW)
        headers["X-HubSpot-RateLimit-Remaining"] = str(max(0, most - len(self._recent[oauth])))
        if not oauth:
            headers["X-HubSpot-RateLimit-Daily"] = str(switches.daily_limit)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(0, switches.daily_limit - switches.daily_used))

    def answer(self, problem: HubSpotError, oauth: bool) -> Response:
        """The answer to a refusal; some 429 answers carry Retry-After."""
        response = problem.response()
        if problem.status == 429:
            self._refusals += 1
            how = self._portal.switches.retry_after
            policy = problem.extra.get("policyName")
            if policy != "DAILY" and (how == "always" or (how == "sometimes" and self._refusals % 2)):
                response.headers["Retry-After"] = str(self._wait(policy == "TEN_SECONDLY_ROLLING", oauth))
        return response

    def roll(self) -> None:
        """The daily counter starts anew at midnight of the portal's time zone."""
        today = self._today()
        if today != self._day:
            self._day, self._portal.switches.daily_used = today, 0

    def rows(self) -> list[dict[str, Any]]:
        """The limits as `/calls/pace` wants them."""
        switches = self._portal.switches
        return [
            {"name": "burst", "calls": switches.burst_limit, "window_ms": WINDOW,
             "match": r"^(?!.*/\{type\}/search$)(?!POST /oauth/)"},
            {"name": "search", "calls": switches.search_limit, "window_ms": 1000, "match": r"/\{type\}/search$"},
        ]  # fmt: skip

    def _most(self, oauth: bool) -> int:
        return self._portal.switches.oauth_burst_limit if oauth else self._portal.switches.burst_limit

    def _wait(self, burst: bool, oauth: bool) -> int:
        """Whole seconds until a call is free again."""
        times, window = (self._recent[oauth], WINDOW) if burst else (self._searches, 1000)
        oldest = times[0] if times else self._portal.now() - window
        return max(1, -(-(oldest + window - self._portal.now()) // 1000))

    def _today(self) -> str:
        moment = datetime.fromtimestamp(self._portal.now() / 1000, UTC)
        return moment.astimezone(ZoneInfo(TIME_ZONE)).date().isoformat()


def is_search(route: str) -> bool:
    """CRM search has limits of its own; the search for lists has not."""
    return route.endswith("/{type}/search")


def _forget(times: deque[int], until: int) -> None:
    while times and times[0] <= until:
        times.popleft()
