"""OAuth tokens: client credentials, JWT bearer, or a refresh token. No life time is told: good until a 401.

The access token is kept in the secret store, so that a process does not spend a call on a new one; a rotated
refresh token is stored before its first use. Tokens are never revoked: other processes may share the session.

Vendor page: https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flows.htm
"""

from __future__ import annotations

import hashlib
from threading import RLock
from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson

from connectors.contract import AuthFailed, ContractBroken, Surroundings
from connectors.salesforce.config import Settings
from connectors.salesforce.ids import full_id
from connectors.transport import Transport

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: seconds that a signed claim is good for; Salesforce takes no more than some 3 minutes
ASSERTION_LIFE_S = 150
#: a token of another process that is older may have ended like our own: sessions live 15 minutes at least
YOUNG_MS = 300_000
#: words of a refusal that another audience may cure
_OTHER_AUDIENCE = ("audience", "app_not_found")
TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path, not a secret
TOKEN_ENDPOINT = "oauth2/token"  # noqa: S105 - a label, not a secret


class Token(msgspec.Struct, frozen=True):
    """One access token and what its answer tells. `grant` marks the settings that it was issued for."""

    access_token: str
    instance_url: str
    org_id: str
    user_id: str
    grant: str
    at: int = 0  # the hub's time when it was fetched

    def __repr__(self) -> str:
        return f"<Token of {self.user_id} in {self.org_id}>"


class _Rotated(msgspec.Struct, frozen=True):
    """A refresh token that replaced the configured one (`grant` says which)."""

    refresh_token: str
    grant: str


class OAuth:
    """The `Auth` of a Salesforce connection's transport. Thread-safe."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._secrets = surroundings.secrets
        self._clock = surroundings.clock
        self._grant = _fingerprint(settings)
        self._audiences = settings.jwt_audiences if settings.private_key is not None else ("",)
        self._lock = RLock()
        self._token: Token | None = None
        self._transport: Transport | None = None

    def attach(self, transport: Transport) -> None:
        """The transport that fetches tokens; it needs this object first."""
        self._transport = transport

    def header(self) -> str:
        """The Authorization header; fetches a first token when none is stored."""
        return f"Bearer {self.token().access_token}"

    def refresh(self) -> bool:
        """A new token in place of the refused one: the one that another process has just got, else a fetched
        one. Raises AuthFailed when the grant is refused."""
        with self._lock:
            kept, refused = self._stored(), self._token
            young = kept is not None and self._clock.now() - kept.at < YOUNG_MS
            others = kept is not None and refused is not None and kept.access_token != refused.access_token
            self._token = kept if young and others else self._fetch()
            return True

    def token(self) -> Token:
        """The token in use."""
        with self._lock:
            if self._token is None:
                self._token = self._stored() or self._fetch()
            return self._token

    def _stored(self) -> Token | None:
        text = self._secrets.get("access-token")
        if text is None:
            return None
        try:
            token = msgspec.json.decode(text, type=Token)
        except msgspec.DecodeError:
            return None
        return token if token.grant == self._grant else None

    def _fetch(self) -> Token:
        for audience in self._audiences[:-1]:
            try:
                return self._ask(audience)
            except AuthFailed as e:
                if not any(words in e.detail for words in _OTHER_AUDIENCE):
                    raise
            self._audiences = tuple(a for a in self._audiences if a != audience)
        return self._ask(self._audiences[-1])

    def _ask(self, audience: str) -> Token:
        assert self._transport is not None, "attach() comes first"
        answer = self._transport.request(
            "POST",
            TOKEN_PATH,
            endpoint=TOKEN_ENDPOINT,
            fate="read",
            data=self._form(audience),
            authorized=False,
        )
        token = self._read(answer.data)
        self._secrets.put("access-token", msgspec.json.encode(token).decode())
        return token

    def _form(self, audience: str) -> dict[str, str]:
        given = self._settings
        if given.private_key is not None:
            return {"grant_type": JWT_GRANT, "assertion": self._assertion(given.private_key, audience)}
        form = {"client_id": given.client_id}
        if given.client_secret is not None:
            form["client_secret"] = given.client_secret
        if given.refresh_token is None:
            return {"grant_type": "client_credentials", **form}
        return {"grant_type": "refresh_token", "refresh_token": self._refresh_token(), **form}

    def _assertion(self, private_key: str, audience: str) -> str:
        """The signed claim to be `username`. Raises AuthFailed for a key that cannot sign."""
        import jwt  # with cryptography 0.1 s to import, and needed for a new token only

        assert self._transport is not None, "attach() comes first"
        expires = self._transport.vendor_now() // 1000 + ASSERTION_LIFE_S
        claims = {"iss": self._settings.client_id, "sub": self._settings.username, "aud": audience, "exp": expires}
        pem = private_key.replace("\\n", "\n")  # environment variables often hold it in one line
        try:
            return str(jwt.encode(claims, pem, algorithm="RS256"))
        except (jwt.PyJWTError, ValueError, TypeError):  # TypeError: a key that wants a passphrase
            raise AuthFailed("private_key is no RSA private key in PEM form without a passphrase") from None

    def _refresh_token(self) -> str:
        assert self._settings.refresh_token is not None
        text = self._secrets.get("refresh-token")
        if text is not None:
            rotated = msgspec.json.decode(text, type=_Rotated)
            if rotated.grant == self._grant:
                return rotated.refresh_token
        return self._settings.refresh_token

    def _read(self, data: Any) -> Token:
        """A token answer. JWT and client credentials answers may lack everything but the first three keys."""
        if not isinstance(data, dict) or not isinstance(data.get("access_token"), str):
            raise ContractBroken("the token answer holds no access_token", type(data).__name__)
        rotated = data.get("refresh_token")
        if isinstance(rotated, str) and self._settings.refresh_token is not None:
            kept = msgspec.json.encode(_Rotated(rotated, self._grant)).decode()
            self._secrets.put("refresh-token", kept)
        org_id, user_id = _identity(data.get("id"))
        if not user_id:
            raise AuthFailed("the token answer does not say whose it is")
        return Token(
            data["access_token"], str(data.get("instance_url", "")), org_id, user_id, self._grant, self._clock.now()
        )


def _identity(address: Any) -> tuple[str, str]:
    """Org and user from `https://login.salesforce.com/id/<org>/<user>`."""
    parts = urlsplit(address).path.strip("/").split("/") if isinstance(address, str) else []
    if len(parts) < 3 or parts[-3] != "id":
        return "", ""
    return full_id(parts[-2]), full_id(parts[-1])


def _fingerprint(settings: Settings) -> str:
    """Tells whether a stored token belongs to these settings, without holding a secret."""
    parts = [settings.base_url, settings.client_id, settings.client_secret, settings.refresh_token]
    if settings.private_key is not None:
        parts += [settings.private_key, settings.username]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]
