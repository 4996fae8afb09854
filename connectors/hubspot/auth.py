"""OAuth of an installed app: a refresh token that buys access tokens of 30 minutes.

https://developers.hubspot.com/docs/api-reference/auth-oauth-v1. A refresh token that HubSpot replaces is
stored before the new access token is used.
"""

from __future__ import annotations

from hashlib import sha256
from threading import RLock

import msgspec

from connectors.contract import AuthFailed, ContractBroken, Rejected, Surroundings
from connectors.hubspot.config import Settings
from connectors.hubspot.routes import TOKEN, versioned
from connectors.transport import Transport

#: renewed after this share of the token's life, so that it does not end in the middle of a pull
RENEW_AT = 0.8
#: documented life of an access token, when an answer does not tell
DEFAULT_LIFE_S = 1800
_STORED = "refresh_token"
_REVOKED = "the refresh token is revoked or of another app"
_CLIENT = "client_id or client_secret is wrong"
#: by the legacy endpoint's `status` and the newer ones' `error`
_REFUSALS = {
    "BAD_REFRESH_TOKEN": _REVOKED,
    "invalid_grant": _REVOKED,
    "BAD_CLIENT_ID": _CLIENT,
    "BAD_CLIENT_SECRET": _CLIENT,
    "invalid_client": _CLIENT,
}


class _Rotated(msgspec.Struct):
    """What replaced the configured refresh token. `given`: which one that was."""

    given: str
    token: str


class OAuth:
    """The Auth of a connection with client_id, client_secret and refresh_token."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._around = surroundings
        self._lock = RLock()
        self._token: str | None = None
        self._renew_at = 0
        self._transport: Transport | None = None

    def attach(self, transport: Transport) -> None:
        """Token calls run through the connection's own transport."""
        self._transport = transport

    def header(self) -> str:
        with self._lock:
            if self._token is None or self._around.clock.now() >= self._renew_at:
                self.refresh()
            return f"Bearer {self._token}"

    def refresh(self) -> bool:
        with self._lock:
            self._token = self._fetch()
            return True

    def _fetch(self) -> str:
        assert self._transport is not None
        old = self._current()
        form = {
            "grant_type": "refresh_token",
            "client_id": self._settings.client_id or "",
            "client_secret": self._settings.client_secret or "",
            "refresh_token": old,
        }
        try:
            answer = self._transport.request(
                "POST",
                versioned(TOKEN, self._settings.api_version),
                endpoint=f"POST {TOKEN}",
                fate="read",  # asking twice for an access token harms nobody
                data=form,
                authorized=False,
            )
        except Rejected as e:
            raise AuthFailed(
                _REFUSALS.get(e.code, f"HubSpot refuses the refresh token ({e.code}: {e.message})")
            ) from None
        said = answer.data
        if not isinstance(said, dict) or not said.get("access_token"):
            raise ContractBroken("a token answer without an access token", f"status {answer.status}")
        new = said.get("refresh_token")
        if new and new != old:
            self._around.secrets.put(_STORED, msgspec.json.encode(_Rotated(self._given(), new)).decode())
        life = said.get("expires_in")
        seconds = life if isinstance(life, int | float) else DEFAULT_LIFE_S
        self._renew_at = self._around.clock.now() + round(seconds * 1000 * RENEW_AT)
        return str(said["access_token"])

    def _current(self) -> str:
        """The configured refresh token, or the one that replaced it: a newly configured one wins again."""
        text = self._around.secrets.get(_STORED)
        if text is not None:
            try:
                rotated = msgspec.json.decode(text, type=_Rotated)
            except msgspec.DecodeError:
                return text  # stored by an earlier version: the token alone
            if rotated.given == self._given():
                return rotated.token
        return self._settings.refresh_token or ""

    def _given(self) -> str:
        """Tells one configured token from another."""
        return sha256((self._settings.refresh_token or "").encode()).hexdigest()[:16]
