"""OAuth: the app, its sessions and refresh tokens, and what the token, revoke and introspect endpoints answer.

Vendor page: help, "OAuth Authorization Flows". Errors are objects {error, error_description}, not arrays.
"""

import base64
import binascii
import hashlib
import hmac
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from crmhub.sandbox.messages import Request, Response
from crmhub.sandbox.salesforce.bearer import BadAssertionError, KeyPair, checked
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.table import Row

BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"
REFUSALS: dict[str, tuple[str, str]] = {
    "uninstalled": ("invalid_client", "app must be installed into org"),
    "no_run_as_user": ("invalid_grant", "no client credentials user enabled"),
    "wrong_domain": ("invalid_grant", "request not supported on this domain"),
    "deleted": ("invalid_client_id", "client identifier invalid"),
    "inactive_org": ("inactive_org", "organization is not active"),
    "rate_limit": ("rate_limit_exceeded", "retry your request"),
}
"""Values of the switch `oauth_refusal`."""


class OAuthError(Exception):
    """A refusal of an OAuth endpoint."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.response = Response.json({"error": error, "error_description": description}, status)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the owner of the app holds; the same for the same seed and org."""

    client_id: str
    client_secret: str
    refresh_token: str


@dataclass(slots=True)
class Session:
    """One access token's session. `used` is when it was used last, ms."""

    user_id: str
    began: int
    used: int


def credentials_of(seed: int, org_number: int) -> Credentials:
    """The app's credentials in one org."""
    dice = random.Random(f"salesforce sessions {seed}" + (f" {org_number}" if org_number > 1 else ""))
    return Credentials("3MVG9" + _word(dice, 60), _word(dice, 64).upper(), "5Aep861" + _word(dice, 70))


class Sessions:
    """One external client app; its run-as user is the integration user unless `run_as` says otherwise."""

    def __init__(self, org: OrgState, credentials: Credentials, keys: KeyPair) -> None:
        self._org = org
        self._keys = keys
        self.credentials = credentials
        self._dice = random.Random(f"salesforce tokens {credentials.client_id}")
        self._sessions: dict[str, Session] = {}
        self._refresh_tokens = {credentials.refresh_token: org.hub_id}
        self._grants: dict[str, Callable[[dict[str, str], str], tuple[str, dict[str, Any]]]] = {
            "client_credentials": self._client_credentials,
            "refresh_token": self._refresh,
            BEARER: self._bearer,
            "password": self._password,
        }

    def alive(self, token: str) -> Session | None:
        """The live session of a token; using one starts its idle time anew."""
        settings, now = self._org.settings, self._org.clock.now()
        session = self._sessions.get(token)
        if session is None or settings.sessions_dead or settings.high_assurance:
            return None
        if now - session.used >= settings.token_life * 1000 or not self._user(session.user_id).get("IsActive"):
            del self._sessions[token]
            return None
        session.used = now
        return session

    def end_all(self) -> None:
        """End every session, as an admin can."""
        self._sessions.clear()

    def revoke_all(self) -> None:
        """Every session and every refresh token, as an admin can on the app's page."""
        self._sessions.clear()
        self._refresh_tokens.clear()

    def token(self, request: Request, base_url: str) -> Response:
        """POST /services/oauth2/token."""
        form = request.form()
        try:
            self._credentials_from_header(request, form)
            grant = self._grants.get(form.get("grant_type", ""))
            if grant is None:
                raise OAuthError("unsupported_grant_type", "grant type not supported")
            refusal = REFUSALS.get(self._org.settings.oauth_refusal)
            if refusal is not None:
                raise OAuthError(*refusal)
            user_id, extra = grant(form, base_url)
            if not self._user(user_id).get("IsActive"):
                raise OAuthError("inactive_user", "user is inactive")
        except OAuthError as refused:
            return refused.response
        issued = self._issued(base_url, user_id)
        if form["grant_type"] == BEARER:
            wanted = ("access_token", "scope", "instance_url", "id", "token_type")
            issued = {name: issued[name] for name in wanted}
        return Response.json(issued | extra, headers={"Cache-Control": "no-store"})

    def revoke(self, request: Request) -> Response:
        """POST /services/oauth2/revoke: an access token ends its session, a refresh token all of its user's."""
        token = request.form().get("token") or request.query.get("token")
        if token in self._refresh_tokens:
            user_id = self._refresh_tokens.pop(token)
            self._sessions = {key: one for key, one in self._sessions.items() if one.user_id != user_id}
        elif self._sessions.pop(token, None) is None:
            return OAuthError("unsupported_token_type", "this token type is not supported").response
        return Response(200)

    def introspect(self, request: Request, base_url: str) -> Response:
        """POST /services/oauth2/introspect with the app's own credentials: whether a token lives, and whose it is."""
        form = request.form()
        try:
            self._credentials_from_header(request, form)
            self._client(form, secret_needed=True)
        except OAuthError as refused:
            return refused.response
        token = form.get("token", "")
        session, user_id = self._sessions.get(token), self._refresh_tokens.get(token)
        life = self._org.settings.token_life * 1000
        if session is not None and self._org.clock.now() - session.used < life:
            user_id = session.user_id
        elif user_id is None:
            return Response.json({"active": False})
        shown: dict[str, Any] = {
            "active": True,
            "scope": self._org.settings.scopes,
            "client_id": self.credentials.client_id,
            "username": self._user(user_id).get("Username"),
            "sub": f"{base_url}/id/{self._org.org_id}/{user_id}",
            "token_type": "access_token" if session else "refresh_token",
        }
        if session is not None:
            shown |= {"iat": session.began // 1000, "nbf": session.began // 1000, "exp": (session.used + life) // 1000}
        return Response.json(shown)

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
        if form.get("client_id") != self.credentials.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        secret = form.get("client_secret")
        if secret is None and not secret_needed:
            return
        if not hmac.compare_digest((secret or "").encode(), self.credentials.client_secret.encode()):
            raise OAuthError("invalid_client", "invalid client credentials")

    def _client_credentials(self, form: dict[str, str], _base_url: str) -> tuple[str, dict[str, Any]]:
        self._client(form, secret_needed=True)
        name = self._org.settings.run_as
        if not name:
            return self._org.hub_id, {}
        user = self._named(name)
        if user is None:
            raise OAuthError(*REFUSALS["no_run_as_user"])
        return str(user["Id"]), {}

    def _refresh(self, form: dict[str, str], _base_url: str) -> tuple[str, dict[str, Any]]:
        self._client(form, secret_needed=False)
        user_id = self._refresh_tokens.get(form.get("refresh_token", ""))
        if user_id is None:
            raise OAuthError("invalid_grant", "expired access/refresh token")
        if not self._org.settings.rotate_refresh_tokens:
            return user_id, {}
        del self._refresh_tokens[form["refresh_token"]]
        fresh = "5Aep861" + _word(self._dice, 70)
        self._refresh_tokens[fresh] = user_id
        return user_id, {"refresh_token": fresh}

    def _bearer(self, form: dict[str, str], base_url: str) -> tuple[str, dict[str, Any]]:
        settings = self._org.settings
        try:
            claims = checked(form.get("assertion", ""), self._keys, self._org.clock.now(), settings.jwt_max_ahead)
        except BadAssertionError:
            raise OAuthError("invalid_grant", "invalid assertion") from None
        if claims.get("iss") != self.credentials.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        host = base_url.partition("://")[2]
        mine = {f"{scheme}://{host}{tail}" for scheme in ("http", "https") for tail in ("", "/")}
        shared = {f"https://{name}.salesforce.com" for name in ("login", "test")}
        audience = str(claims.get("aud"))
        if audience in shared and settings.jwt_my_domain_only:
            raise OAuthError("invalid_app_access", "app_not_found")
        if audience not in mine | shared:
            raise OAuthError("invalid_grant", "audience is invalid")
        user = self._named(str(claims.get("sub")))
        if user is None or user["Username"] not in settings.jwt_approved:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        return str(user["Id"]), {}

    def _password(self, form: dict[str, str], _base_url: str) -> tuple[str, dict[str, Any]]:
        """Blocked in orgs of today."""
        self._client(form, secret_needed=True)
        raise OAuthError("invalid_grant", "authentication failure")

    def _named(self, username: str) -> Row | None:
        users = self._org.tables["User"]
        return next((user for user in map(users.get, users.find("Username", username)) if user), None)

    def _user(self, user_id: str) -> Row:
        return self._org.tables["User"].get(user_id) or {}

    def _issued(self, base_url: str, user_id: str) -> dict[str, Any]:
        now = self._org.clock.now()
        token = f"{self._org.org_id[:15]}!AQ{_word(self._dice, 90)}"
        self._sessions[token] = Session(user_id, now, now)
        identity = f"{base_url}/id/{self._org.org_id}/{user_id}"
        secret = self.credentials.client_secret.encode()
        digest = hmac.new(secret, f"{identity}{now}".encode(), hashlib.sha256).digest()
        return {
            "access_token": token,
            "signature": base64.b64encode(digest).decode(),
            "scope": self._org.settings.scopes,
            "instance_url": base_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": str(now),
            "token_format": "opaque",
            "api_instance_url": "https://api.salesforce.com",
        }


def _word(dice: random.Random, length: int) -> str:
    return "".join(dice.choice(_LETTERS) for _ in range(length))
