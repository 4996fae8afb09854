"""OAuth: clients, sessions, and what the token endpoint answers.

Vendor page: help, "OAuth Authorization Flows". Errors are objects {error, error_description}, not arrays.
"""

import base64
import binascii
import hashlib
import hmac
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from crmhub.sandbox.messages import Request, Response
from crmhub.sandbox.salesforce.org import OrgState

SCOPE = "api refresh_token"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"


class OAuthError(Exception):
    """A refusal of the token endpoint."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.response = Response.json({"error": error, "error_description": description}, status)


class Sessions:
    """One external client app whose run-as user is the integration user."""

    def __init__(self, org: OrgState, seed: int) -> None:
        self._org = org
        self._dice = random.Random(f"salesforce sessions {seed}")
        self.client_id = "3MVG9" + self._word(60)
        self.client_secret = self._word(64).upper()
        self.refresh_token = "5Aep861" + self._word(70)
        self._used: dict[str, int] = {}
        self._grants: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {
            "client_credentials": self._client_credentials,
            "refresh_token": self._refresh,
        }

    def _word(self, length: int) -> str:
        return "".join(self._dice.choice(_LETTERS) for _ in range(length))

    def alive(self, authorization: str) -> bool:
        """Whether the header names a live session; using one starts its idle time anew."""
        kind, _, token = authorization.partition(" ")
        settings, now = self._org.settings, self._org.clock.now()
        if kind.lower() not in ("bearer", "oauth") or settings.sessions_dead or settings.high_assurance:
            return False
        used = self._used.get(token.strip())
        if used is None or now - used >= settings.token_life * 1000:
            self._used.pop(token.strip(), None)
            return False
        self._used[token.strip()] = now
        return True

    def revoke(self, token: str) -> None:
        """End one session."""
        self._used.pop(token, None)

    def end_all(self) -> None:
        """End every session, as an admin can."""
        self._used.clear()

    def token(self, request: Request, base_url: str) -> Response:
        """POST /services/oauth2/token."""
        form = request.form()
        try:
            self._credentials_from_header(request, form)
            grant = self._grants.get(form.get("grant_type", ""))
            if grant is None:
                raise OAuthError("unsupported_grant_type", "grant type not supported")
            extra = grant(form)
        except OAuthError as refusal:
            return refusal.response
        return Response.json(self._issued(base_url, extra), headers={"Cache-Control": "no-store"})

    def _credentials_from_header(self, request: Request, form: dict[str, str]) -> None:
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return
        try:
            text = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise OAuthError("invalid_client", "invalid client credentials") from None
        client_id, _, secret = text.partition(":")
        form.setdefault("client_id", unquote(client_id))
        form.setdefault("client_secret", unquote(secret))

    def _client(self, form: dict[str, str], *, secret_needed: bool) -> None:
        if form.get("client_id") != self.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        secret = form.get("client_secret")
        if secret is None and not secret_needed:
            return
        if not hmac.compare_digest((secret or "").encode(), self.client_secret.encode()):
            raise OAuthError("invalid_client", "invalid client credentials")

    def _client_credentials(self, form: dict[str, str]) -> dict[str, Any]:
        self._client(form, secret_needed=True)
        return {}

    def _refresh(self, form: dict[str, str]) -> dict[str, Any]:
        self._client(form, secret_needed=False)
        if form.get("refresh_token") != self.refresh_token:
            raise OAuthError("invalid_grant", "expired access/refresh token")
        return {}

    def _issued(self, base_url: str, extra: dict[str, Any]) -> dict[str, Any]:
        now = self._org.clock.now()
        token = f"{self._org.org_id[:15]}!AQ{self._word(90)}"
        self._used[token] = now
        identity = f"{base_url}/id/{self._org.org_id}/{self._org.user_id}"
        digest = hmac.new(self.client_secret.encode(), f"{identity}{now}".encode(), hashlib.sha256).digest()
        return {
            "access_token": token,
            "signature": base64.b64encode(digest).decode(),
            "scope": SCOPE,
            "instance_url": base_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": str(now),
            "token_format": "opaque",
            "api_instance_url": "https://api.salesforce.com",
            **extra,
        }
