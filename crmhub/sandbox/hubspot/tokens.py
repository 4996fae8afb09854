"""Access tokens and refresh tokens: service keys with their rotation, OAuth grants, revocation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crmhub.sandbox.hubspot.errors import NO_CREDENTIALS, HubSpotError, correlation
from crmhub.sandbox.hubspot.portal import PORTAL, Portal

TOKEN = "pat-eu1-5ca1ab1e-0000-4000-8000-c0ffee00cafe"  # noqa: S105 - the fixed key to simulated data
OTHER_TOKEN = "pat-eu1-0ddba11e-0000-4000-8000-c0ffee00cafe"  # noqa: S105 - the fixed key to simulated data
CLIENT_ID = "0c1d2e3f-4a5b-4c6d-8e7f-90a1b2c3d4e5"
CLIENT_SECRET = "9f8e7d6c-5b4a-4392-8170-6f5e4d3c2b1a"  # noqa: S105 - the fixed key to simulated data
REFRESH_TOKEN = "eu1-7d8e-9f0a-4b1c-8d2e-3f4a5b6c7d8e"  # noqa: S105 - the fixed key to simulated data
OTHER_PORTAL = 139_500_777
"""Account number of the second account."""
DAY = 86_400_000


@dataclass(slots=True)
class Token:
    """An access token. `scopes` None: what the switch grants. `ends` None: it lives until it is revoked."""

    value: str
    account: int
    oauth: bool = False
    scopes: frozenset[str] | None = None
    sight: float = 1.0
    ends: int | None = None
    revoked: bool = False
    use: str = "access_token"
    refresh: str = ""
    """The refresh token it came from."""

    @property
    def app(self) -> tuple[int, bool]:
        """Calls are counted per app and account; a rotated key is the same app."""
        return self.account, self.oauth


@dataclass(slots=True)
class Grant:
    """What a refresh token stands for."""

    value: str
    account: int
    scopes: frozenset[str] | None = None
    revoked: bool = False


class Tokens:
    """Every token of the app that this sandbox knows."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._known: dict[str, Token] = {
            TOKEN: Token(TOKEN, PORTAL),
            OTHER_TOKEN: Token(OTHER_TOKEN, OTHER_PORTAL),
        }
        self._grants: dict[str, Grant] = {REFRESH_TOKEN: Grant(REFRESH_TOKEN, PORTAL)}
        self._codes: dict[str, Grant] = {}
        self.current = TOKEN
        """The service key of the first account."""

    def find(self, value: str) -> Token | None:
        return self._known.get(value)

    def refusal(self, value: str) -> HubSpotError | None:
        """Why a token opens nothing, or None."""
        token, now = self._known.get(value), self._portal.now()
        if token is None:
            if self._portal.switches.wrong_region_530 and value.startswith("pat-") and not value.startswith("pat-eu1-"):
                return HubSpotError(530, "", "error code: 1016")
            message = "Authentication credentials not found or invalid. The access token is not known."
            return HubSpotError(401, "INVALID_AUTHENTICATION", message)
        given = value == self.current or token.refresh == REFRESH_TOKEN
        if token.revoked or (given and self._portal.switches.revoked):
            message = "Authentication credentials not found or invalid. The access token has been revoked."
            return HubSpotError(401, "INVALID_AUTHENTICATION", message)
        if token.ends is None or token.ends > now:
            return None
        if not token.oauth:
            message = "Authentication credentials not found or invalid. The access token was rotated."
            return HubSpotError(401, "INVALID_AUTHENTICATION", message)
        return HubSpotError(
            401,
            "EXPIRED_AUTHENTICATION",
            f"The OAuth token used to make this call expired {(now - token.ends) // 1000} second(s) ago.",
            context={"expire time": [str(token.ends)]},
        )

    def add(self, account: int, scopes: list[str] | None, sight: float) -> Token:
        """Another service key."""
        value = f"pat-eu1-{correlation(f'key {len(self._known)}')}"
        made = Token(value, account, scopes=None if scopes is None else frozenset(scopes), sight=sight)
        self._known[value] = made
        return made

    def rotate(self, value: str, grace_days: float) -> tuple[Token, int]:
        """A new key in the place of another one, which lives on for some days; -> it, and when the old one ends."""
        old = self._known[value]
        until = self._portal.now() + int(grace_days * DAY)
        made = self.add(old.account, None if old.scopes is None else sorted(old.scopes), old.sight)
        old.ends = until
        if value == self.current:
            self.current = made.value
        return made, until

    def issue(self, grant: Grant | None, scopes: frozenset[str] | None = None) -> Token:
        """An OAuth access token, from a refresh token or (None) for the app itself."""
        value = f"CK{len(self._known):06d}-{correlation(f'token {len(self._known)}')}"
        made = Token(
            value,
            PORTAL if grant is None else grant.account,
            oauth=True,
            scopes=scopes if grant is None else grant.scopes,
            ends=self._portal.now() + self._portal.switches.token_life * 1000,
            use="client_credentials" if grant is None else "access_token",
            refresh="" if grant is None else grant.value,
        )
        self._known[value] = made
        return made

    def grant(self, value: str) -> Grant | None:
        """The grant behind a refresh token, if it still holds."""
        held = self._grants.get(value)
        dead = held is None or held.revoked or (value == REFRESH_TOKEN and self._portal.switches.revoked)
        return None if dead else held

    def renew(self, grant: Grant) -> Grant:
        """The refresh token that a refresh answers with: the same, or (switch) a new one, and the old one is over."""
        if not self._portal.switches.refresh_rotates:
            return grant
        value = f"eu1-{correlation(f'refresh {len(self._grants)}')}"
        made = self._grants[value] = Grant(value, grant.account, grant.scopes)
        grant.revoked = True
        return made

    def consent(self, account: int, scopes: list[str] | None) -> str:
        """A person installs the app; -> the authorization code."""
        code = f"eu1-{correlation(f'code {len(self._codes)} {len(self._grants)}')}"
        self._codes[code] = Grant("", account, None if scopes is None else frozenset(scopes))
        return code

    def redeem(self, code: str) -> Grant | None:
        """An authorization code works once."""
        held = self._codes.pop(code, None)
        if held is None:
            return None
        held.value = f"eu1-{correlation(f'refresh {len(self._grants)}')}"
        self._grants[held.value] = held
        return held

    def revoke(self, value: str) -> bool:
        """Make an access or refresh token void, a refresh token with its access tokens; -> whether it was known."""
        token, grant = self._known.get(value), self._grants.get(value)
        if token is not None:
            token.revoked = True
        if grant is not None:
            grant.revoked = True
            for one in self._known.values():
                if one.refresh == value:
                    one.revoked = True
        return token is not None or grant is not None

    def show(self) -> dict[str, Any]:
        """What a test needs to know of the app."""
        return {"access_token": self.current, "other_access_token": OTHER_TOKEN, "other_portal_id": OTHER_PORTAL}


def no_credentials() -> HubSpotError:
    return HubSpotError(401, "INVALID_AUTHENTICATION", NO_CREDENTIALS)
