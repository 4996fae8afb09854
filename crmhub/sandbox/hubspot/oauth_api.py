"""OAuth: handing out, renewing, looking into and revoking tokens, under the old and the dated paths."""

from __future__ import annotations

from typing import Any

from crmhub.sandbox.hubspot.errors import correlation, not_found
from crmhub.sandbox.hubspot.portal import APP, UI_USER, Portal
from crmhub.sandbox.hubspot.scopes import SCOPES
from crmhub.sandbox.hubspot.tokens import CLIENT_ID, CLIENT_SECRET, Grant, Token, Tokens
from crmhub.sandbox.messages import Request, Response, Router

_ERRORS = {
    # reason: (word of the old bodies, word of OAuth, sentence)
    "client": ("BAD_CLIENT_ID", "invalid_client", "missing or unknown client id"),
    "secret": ("BAD_CLIENT_SECRET", "invalid_client", "missing or invalid client secret"),
    "refresh": ("BAD_REFRESH_TOKEN", "invalid_grant", "missing or invalid refresh token"),
    "code": ("BAD_AUTH_CODE", "invalid_grant", "missing or unknown auth code"),
    "grant": ("BAD_GRANT_TYPE", "unsupported_grant_type", "missing or unknown grant type"),
}


class OAuthApi:
    """`/oauth/{v1,v3,2026-03,2026-09}/token` and what goes with them."""

    def __init__(self, portal: Portal, tokens: Tokens) -> None:
        self._portal = portal
        self._tokens = tokens

    def routes(self, router: Router) -> None:
        for version in ("v1", "v3", "2026-03", "2026-09"):
            router.add("POST", f"/oauth/{version}/token", self.token)
        for version in ("v3", "2026-03", "2026-09"):
            router.add("POST", f"/oauth/{version}/token/introspect", self.introspect)
            router.add("POST", f"/oauth/{version}/token/revoke", self.revoke)
        router.add("GET", "/oauth/v1/access-tokens/{token}", self.access_token)
        router.add("GET", "/oauth/v1/refresh-tokens/{token}", self.refresh_token)
        router.add("DELETE", "/oauth/v1/refresh-tokens/{token}", self.delete_refresh_token)

    def token(self, request: Request) -> Response:
        form = request.form()
        refusal = self._client(request, form)
        if refusal is not None:
            return refusal
        kind = form.get("grant_type")
        if kind == "client_credentials":
            wanted = form.get("scope", "").split()
            return Response.json(self._answer(self._tokens.issue(None, frozenset(wanted) if wanted else None), None))
        if kind == "refresh_token":
            grant = self._tokens.grant(form.get("refresh_token", ""))
            if grant is None:
                return self._error(request, "refresh")
            grant = self._tokens.renew(grant)
        elif kind == "authorization_code":
            grant = self._tokens.redeem(form.get("code", "")) if form.get("redirect_uri") else None
            if grant is None:
                return self._error(request, "code")
        else:
            return self._error(request, "grant")
        return Response.json(self._answer(self._tokens.issue(grant), grant))

    def introspect(self, request: Request) -> Response:
        form = request.form()
        refusal = self._client(request, form)
        if refusal is not None:
            return refusal
        value = form.get("token", "")
        token, grant = self._tokens.find(value), self._tokens.grant(value)
        if token is not None and self._tokens.refusal(value) is None:
            return Response.json(self._about(token))
        if grant is not None:
            return Response.json({"active": True, "token_use": "refresh_token", **self._about_grant(grant)})
        return Response.json({"active": False})

    def revoke(self, request: Request) -> Response:
        form = request.form()
        refusal = self._client(request, form)
        if refusal is not None:
            return refusal
        self._tokens.revoke(form.get("token", ""))
        return Response.json({})

    def access_token(self, request: Request) -> Response:
        token = self._tokens.find(request.params["token"])
        if token is None or not token.oauth or self._tokens.refusal(token.value) is not None:
            raise not_found("access token not found")
        about = self._about(token)
        kept = ("token", "user", "hub_domain", "scopes", "hub_id", "app_id", "expires_in", "user_id", "token_type")
        return Response.json({name: about[name] for name in kept} | {"token_type": "access"})

    def refresh_token(self, request: Request) -> Response:
        grant = self._tokens.grant(request.params["token"])
        if grant is None:
            raise not_found("refresh token not found")
        about = self._about_grant(grant)
        return Response.json({**about, "token_type": "refresh"})

    def delete_refresh_token(self, request: Request) -> Response:
        """The app is taken out of the account; access tokens of this grant end with it."""
        if not self._tokens.revoke(request.params["token"]):
            raise not_found("refresh token not found")
        return Response(204)

    def _client(self, request: Request, form: dict[str, str]) -> Response | None:
        if form.get("client_id") != CLIENT_ID:
            return self._error(request, "client")
        return None if form.get("client_secret") == CLIENT_SECRET else self._error(request, "secret")

    def _error(self, request: Request, reason: str) -> Response:
        """Old paths answer with a status word, newer ones in OAuth's own form; which is unsure (oauth_errors)."""
        status, error, message = _ERRORS[reason]
        how = self._portal.switches.oauth_errors
        if how == "path":
            how = "status" if "/oauth/v1/" in request.path else "error"
        body: dict[str, Any] = {}
        if how in ("status", "both"):
            body |= {"status": status, "message": message, "correlationId": correlation(reason)}
        if how in ("error", "both"):
            body |= {"error": error, "error_description": message}
        return Response.json(body, 400)

    def _answer(self, token: Token, grant: Grant | None) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "access_token": token.value,
            "expires_in": self._portal.switches.token_life,
            "token_type": "bearer",
            "token_use": token.use,
            "hub_id": token.account,
            "user_id": UI_USER,
            "scopes": self._scopes(token.scopes),
        }
        if grant is not None:
            answer["refresh_token"] = grant.value
        return answer

    def _about(self, token: Token) -> dict[str, Any]:
        left = 0 if token.ends is None else max(0, (token.ends - self._portal.now()) // 1000)
        return {
            "active": True,
            "token": token.value,
            "token_type": "bearer",
            "token_use": token.use,
            "hub_id": token.account,
            "user_id": UI_USER,
            "app_id": int(APP),
            "client_id": CLIENT_ID,
            "scopes": self._scopes(token.scopes),
            "expires_in": left,
            "hub_domain": f"hub-{token.account}.example",
            "user": "admin@ourfirm.example",
            "is_private_distribution": True,
            "signed_access_token": None,
        }

    def _about_grant(self, grant: Grant) -> dict[str, Any]:
        return {
            "token": grant.value,
            "user": "admin@ourfirm.example",
            "hub_domain": f"hub-{grant.account}.example",
            "scopes": self._scopes(grant.scopes),
            "hub_id": grant.account,
            "client_id": CLIENT_ID,
            "user_id": UI_USER,
            "token_type": "refresh",
        }

    def _scopes(self, held: frozenset[str] | None) -> list[str]:
        return sorted(held) if held is not None else list(self._portal.switches.scopes or SCOPES)
