"""Who may call what: every request passes here before its handler, every answer after it."""

from __future__ import annotations

from crmhub.sandbox.hubspot.errors import HubSpotError, correlation, missing_scopes
from crmhub.sandbox.hubspot.limits import Limits
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.scopes import needed_scopes
from crmhub.sandbox.hubspot.tokens import Token, Tokens, no_credentials
from crmhub.sandbox.messages import Request, Response

URL_MAX = 16_000
"""Characters of path and query; what is longer is answered with 414."""


class Access:
    """Credentials and scopes of one account, and its limits."""

    def __init__(self, portal: Portal, tokens: Tokens) -> None:
        self._portal = portal
        self._tokens = tokens
        self.limits = Limits(portal)

    def refusal(self, request: Request) -> Response | None:
        """The answer that ends a request before anything is done, or None."""
        if len(request.path) + len(request.query.raw) > URL_MAX:
            return Response.text("<html><body><h1>414 URI Too Long</h1></body></html>", 414, "text/html")
        if not _guarded(request):
            return None
        value = bearer(request)
        token = self._tokens.find(value)
        problem = self._tokens.refusal(value) if value else no_credentials()
        if problem is None and token is not None:
            problem = self._scopes(request, token) or self.limits.refusal(request, token.oauth)
        if problem is None:
            return None
        return self.limits.answer(problem, token is not None and token.oauth)

    def dress(self, request: Request, response: Response) -> None:
        response.headers["X-HubSpot-Correlation-Id"] = correlation(f"{request.method} {request.path}")
        if _guarded(request):
            token = self._tokens.find(bearer(request))
            self.limits.dress(request, response, token is not None and token.oauth)

    def granted(self, token: Token) -> frozenset[str] | None:
        """The scopes of a token; None: all."""
        return token.scopes if token.scopes is not None else frozenset(self._portal.switches.scopes) or None

    def look(self, token: Token | None) -> None:
        """Let the account show itself as this token sees it."""
        portal = self._portal
        portal.sight = portal.switches.sight if token is None else min(portal.switches.sight, token.sight)
        granted = None if token is None else self.granted(token)
        portal.email_bodies = granted is None or "sales-email-read" in granted

    def _scopes(self, request: Request, token: Token) -> HubSpotError | None:
        granted = self.granted(token)
        if granted is None:
            return None
        lacking = [group for group in needed_scopes(request) if not granted & set(group)]
        return missing_scopes([scope for group in lacking for scope in group]) if lacking else None


def bearer(request: Request) -> str:
    """The access token of a request, empty when it has none."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _guarded(request: Request) -> bool:
    """Token routes and webhook management have credentials of their own."""
    return not request.route.startswith(("/oauth/", "/webhooks/", "/app-webhooks/"))
