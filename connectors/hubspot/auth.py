"""OAuth of an installed app: a refresh token that buys access tokens of 30 minutes.

https://developers.hubspot.com/docs/api-reference/auth-oauth-v1. A refresh token that HubSpot replaces is
stored before the new access token is used.
"""

from __future__ import annotations

from threading import RLock

from connectors.contract import AuthFailed, Rejected, Surroundings
from connectors.hubspot.config import Settings
from connectors.hubspot.routes import TOKEN, versioned
from connectors.transport import Transport

#: renewed after this share of the token's life, so that it does not end in the middle of a pull
RENEW_AT = 0.8
_STORED = "refresh_token"


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
        old = self._around.secrets.get(_STORED) or self._settings.refresh_token or ""
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
            raise AuthFailed(f"HubSpot refuses the refresh token ({e.code})") from None
        new = answer.data.get("refresh_token")
        if new and new != old:
            self._around.secrets.put(_STORED, new)
        self._renew_at = self._around.clock.now() + round(answer.data["expires_in"] * 1000 * RENEW_AT)
        return str(answer.data["access_token"])
