"""What an administrator does with the app and its keys in HubSpot's screens: `POST /act` on the control port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crmhub.sandbox.hubspot.portal import APP, Portal
from crmhub.sandbox.hubspot.scopes import SCOPES
from crmhub.sandbox.hubspot.tokens import CLIENT_ID, CLIENT_SECRET, Tokens
from crmhub.sandbox.hubspot.webhooks import TYPES, Webhooks
from crmhub.sandbox.hubspot.webhooks_api import DEVELOPER_KEY
from crmhub.sandbox.vendor import ControlError

Row = dict[str, Any]


class AppActs:
    """`portal` in a wish says for which account; it is put there by the server."""

    def __init__(self, portal: Portal, tokens: Tokens, webhooks: Webhooks) -> None:
        self._portal = portal
        self._tokens = tokens
        self._webhooks = webhooks
        self.known: dict[str, Callable[[Row], Row]] = {
            "show_app": self._show,
            "token": self._token,
            "rotate_key": self._rotate,
            "revoke": self._revoke,
            "authorize": self._authorize,
            "subscribe": self._subscribe,
        }

    def do(self, action: str, wish: Row) -> Row:
        """-> a JSON object; raises ControlError."""
        return self.known[action](wish)

    def _show(self, _: Row) -> Row:
        app: Row = {"app_id": int(APP), "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "scopes": list(SCOPES)}
        app["developer_key"] = DEVELOPER_KEY
        return {**app, "portal_id": self._portal.id, **self._tokens.show()}

    def _token(self, wish: Row) -> Row:
        """{scopes?, sight?, account?}: one more service key; without scopes it has those of the switch."""
        scopes, sight = _scopes(wish), wish.get("sight", 1.0)
        if not isinstance(sight, int | float) or not 0 <= sight <= 1:
            raise ControlError("sight is the share of records that the key sees, 0 to 1")
        made = self._tokens.add(int(wish["portal"]), scopes, float(sight))
        return {"access_token": made.value, "portal_id": made.account}

    def _rotate(self, wish: Row) -> Row:
        """{token?, grace_days?}: a new key; the old one (the given one of the ready line) lives on for the grace."""
        value = str(wish.get("token") or self._tokens.current)
        if self._tokens.find(value) is None:
            raise ControlError("there is no such token")
        days = wish.get("grace_days", self._portal.switches.grace_days)
        if not isinstance(days, int | float) or days < 0:
            raise ControlError("grace_days is a number of 0 or more")
        made, until = self._tokens.rotate(value, days)
        return {"access_token": made.value, "old_ends_at": until}

    def _revoke(self, wish: Row) -> Row:
        """{token?}: an access or refresh token is void from now on; default the given key."""
        value = str(wish.get("token") or self._tokens.current)
        if not self._tokens.revoke(value):
            raise ControlError("there is no such token")
        return {"revoked": True}

    def _authorize(self, wish: Row) -> Row:
        """{scopes?, account?}: an administrator installs the app -> {code} for the token endpoint."""
        return {"code": self._tokens.consent(int(wish["portal"]), _scopes(wish))}

    def _subscribe(self, wish: Row) -> Row:
        """{target, events: [type or {type, property?, object?}]}: as an app declares its webhooks in its files."""
        target, events = wish.get("target"), wish.get("events")
        if not isinstance(target, str) or not isinstance(events, list):
            raise ControlError("subscribe wants target and events")
        rows = [row if isinstance(row, dict) else {"type": row} for row in events]
        strange = [row.get("type") for row in rows if str(row.get("type")) not in TYPES]
        if strange:
            raise ControlError(f"{strange} are none of: {', '.join(sorted(TYPES))}")
        self._webhooks.aim(target)
        made = [
            self._webhooks.subscribe(str(row["type"]), str(row.get("property", "")), str(row.get("object", "")), True)
            for row in rows
        ]
        return {"ids": [one.id for one in made]}


def _scopes(wish: Row) -> list[str] | None:
    scopes = wish.get("scopes")
    if scopes is not None and not (isinstance(scopes, list) and all(one in SCOPES for one in scopes)):
        raise ControlError(f"scopes is a list of: {', '.join(SCOPES)}")
    return scopes
