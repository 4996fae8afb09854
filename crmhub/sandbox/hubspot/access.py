"""Who may call: tokens, scopes and the three rate limits with their headers."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from crmhub.sandbox.hubspot.errors import (
    NO_CREDENTIALS,
    HubSpotError,
    burst_limit,
    correlation,
    daily_limit,
    missing_scopes,
    search_limit,
)
from crmhub.sandbox.hubspot.kinds import ALIASES, KINDS
from crmhub.sandbox.hubspot.portal import UI_USER, Portal
from crmhub.sandbox.messages import Request, Response, Router

TIME_ZONE = "Europe/Paris"
TOKEN = "pat-eu1-5ca1ab1e-0000-4000-8000-c0ffee00cafe"  # noqa: S105 - the fixed key to simulated data
CLIENT_ID = "0c1d2e3f-4a5b-4c6d-8e7f-90a1b2c3d4e5"
CLIENT_SECRET = "9f8e7d6c-5b4a-4392-8170-6f5e4d3c2b1a"  # noqa: S105 - the fixed key to simulated data
REFRESH_TOKEN = "eu1-7d8e-9f0a-4b1c-8d2e-3f4a5b6c7d8e"  # noqa: S105 - the fixed key to simulated data
SCOPES: tuple[str, ...] = (
    "oauth", "forms", "content", "sales-email-read", "crm.objects.owners.read", "crm.lists.read", "crm.lists.write",
    *(f"crm.{what}.{kind}.{right}" for what in ("objects", "schemas") for kind in ("contacts", "companies", "deals")
      for right in ("read", "write")),
)  # fmt: skip
_READS = ("/search", "/batch/read")


class Access:
    """Checks every request before its handler, and dresses every answer after it."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._recent: deque[int] = deque()
        self._searches: deque[int] = deque()
        self._tokens: dict[str, int] = {}
        """OAuth access token -> when it expires"""
        self._day = self._today()
        self._refusals = 0

    def routes(self, router: Router) -> None:
        for version in ("v1", "v3", "2026-03", "2026-09"):
            router.add("POST", f"/oauth/{version}/token", self.token)

    def check(self, request: Request) -> HubSpotError | None:
        """What refuses this request, or None."""
        self._portal.sight = self._portal.switches.sight
        if request.route.startswith("/oauth/"):
            return None
        return self._credentials(request) or self._scopes(request) or self._limits(request)

    def dress(self, request: Request, response: Response) -> None:
        """Rate-limit headers; search answers show none."""
        headers = response.headers
        headers["X-HubSpot-Correlation-Id"] = correlation(f"{request.method} {request.path}")
        if _is_search(request.route):
            headers["x-hubspot-rate-limit-exemptions"] = "ten-secondly"
            return
        switches = self._portal.switches
        headers["X-HubSpot-RateLimit-Max"] = str(switches.burst_limit)
        headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = "10000"
        headers["X-HubSpot-RateLimit-Remaining"] = str(max(0, switches.burst_limit - len(self._recent)))
        headers["X-HubSpot-RateLimit-Daily"] = str(switches.daily_limit)
        headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(0, switches.daily_limit - switches.daily_used))

    def usage(self) -> dict[str, Any]:
        """Daily usage, for account-info."""
        self._roll()
        return {"limit": self._portal.switches.daily_limit, "used": self._portal.switches.daily_used}

    def token(self, request: Request) -> Response:
        """The OAuth token endpoint: refresh_token and client_credentials."""
        form = request.form()
        grant = form.get("grant_type")
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
            return Response.json(
                {
                    "status": "BAD_CLIENT_ID",
                    "message": "missing or unknown client id",
                    "error": "invalid_client",
                },
                400,
            )
        if grant == "refresh_token" and (form.get("refresh_token") != REFRESH_TOKEN or self._portal.switches.revoked):
            return Response.json(
                {
                    "status": "BAD_REFRESH_TOKEN",
                    "message": "missing or unknown refresh token",
                    "error": "invalid_grant",
                    "correlationId": correlation("refresh"),
                },
                400,
            )
        if grant not in ("refresh_token", "client_credentials"):
            return Response.json(
                {"status": "BAD_GRANT_TYPE", "message": f"unknown {grant}", "error": "unsupported_grant_type"},
                400,
            )
        life = self._portal.switches.token_life
        made = f"CK{len(self._tokens):06d}-{correlation(f'token {len(self._tokens)}')}"
        self._tokens[made] = self._portal.now() + life * 1000
        answer: dict[str, Any] = {
            "access_token": made,
            "expires_in": life,
            "token_type": "bearer",
            "token_use": "access_token" if grant == "refresh_token" else "client_credentials",
            "hub_id": self._portal.id,
            "user_id": UI_USER,
            "scopes": list(self._portal.switches.scopes or SCOPES),
        }
        if grant == "refresh_token":
            answer["refresh_token"] = REFRESH_TOKEN
        return Response.json(answer)

    def _credentials(self, request: Request) -> HubSpotError | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return HubSpotError(401, "INVALID_AUTHENTICATION", NO_CREDENTIALS)
        if token in self._tokens:
            if self._tokens[token] > self._portal.now():
                return None
            return HubSpotError(
                401,
                "EXPIRED_AUTHENTICATION",
                "The OAuth token used to make this call expired.",
                context={"expire time": [str(self._tokens[token])]},
            )
        if token != TOKEN or self._portal.switches.revoked:
            message = "Authentication credentials not found or invalid. The access token is not known."
            return HubSpotError(401, "INVALID_AUTHENTICATION", message)
        return None

    def _scopes(self, request: Request) -> HubSpotError | None:
        granted = self._portal.switches.scopes
        needed = needed_scope(request)
        if not granted or needed is None or needed in granted:
            return None
        return missing_scopes([needed])

    def _limits(self, request: Request) -> HubSpotError | None:
        switches, now = self._portal.switches, self._portal.now()
        self._roll()
        problem: HubSpotError | None = None
        searching = _is_search(request.route)
        if searching:
            _forget(self._searches, now - 1000)
            if switches.limits and len(self._searches) >= switches.search_limit:
                problem = search_limit()
            else:
                self._searches.append(now)
        else:
            _forget(self._recent, now - 10_000)
            if switches.limits and len(self._recent) >= switches.burst_limit:
                problem = burst_limit()
            else:
                self._recent.append(now)
        if problem is None and switches.limits and switches.daily_used >= switches.daily_limit:
            problem = daily_limit()
        if problem is None:
            switches.daily_used += 1
        return problem

    def refused(self, problem: HubSpotError) -> Response:
        """The answer to a refusal; some 429 answers carry Retry-After."""
        response = problem.response()
        if problem.status == 429:
            self._refusals += 1
            how = self._portal.switches.retry_after
            policy = problem.extra.get("policyName")
            if policy != "DAILY" and (how == "always" or (how == "sometimes" and self._refusals % 2)):
                oldest = self._recent[0] if policy and self._recent else self._portal.now() - 10_000
                wait = max(1, -(-(oldest + 10_000 - self._portal.now()) // 1000))
                response.headers["Retry-After"] = str(wait)
        return response

    def _today(self) -> str:
        moment = datetime.fromtimestamp(self._portal.now() / 1000, UTC)
        return moment.astimezone(ZoneInfo(TIME_ZONE)).date().isoformat()

    def _roll(self) -> None:
        """The daily counter starts anew at midnight of the portal's time zone."""
        today = self._today()
        if today != self._day:
            self._day, self._portal.switches.daily_used = today, 0


def needed_scope(request: Request) -> str | None:
    """The granular scope that a route asks for; None: any token will do."""
    route = request.route
    if "/owners" in route:
        return "crm.objects.owners.read"
    if route.startswith(("/email/public", "/marketing/v3/emails", "/marketing/emails")):
        return "content"
    if route.startswith(("/crm/v3/lists", "/crm/lists")):
        return f"crm.lists.{'read' if request.method == 'GET' or route.endswith(_READS) else 'write'}"
    if route.startswith(("/marketing/", "/form-integrations/")):
        return "forms"
    kind = KINDS.get(ALIASES.get(request.params.get("type", "").lower(), ""))
    if kind is None:
        return None
    read = request.method == "GET" or route.endswith(_READS)
    if route.startswith(("/crm/v3/properties", "/crm/properties")):
        return f"crm.schemas.{kind.scope}.{'read' if read else 'write'}"
    return f"crm.objects.{kind.scope}.{'read' if read else 'write'}"


def _forget(times: deque[int], until: int) -> None:
    while times and times[0] <= until:
        times.popleft()


def _is_search(route: str) -> bool:
    """CRM search has limits of its own; the search for lists has not."""
    return route.endswith("/{type}/search")
