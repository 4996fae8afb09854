"""Settings of a HubSpot connection: the keys under [connections.NAME] with kind = "hubspot"."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

import msgspec


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Either `access_token` or the three OAuth keys of an installed app.

    An access token is a service key or that of a static-auth or legacy private app (`pat-...`). Secrets never
    appear in repr.
    """

    kind: Literal["hubspot"] = "hubspot"
    access_token: str | None = None
    base_url: str = "https://api.hubapi.com"
    #: "v3" is what the official client speaks; a date is HubSpot's dated API with the same bodies
    api_version: Literal["v3", "2026-03", "2026-09"] = "v3"
    client_id: str | None = None
    client_secret: str | None = None
    refresh_token: str | None = None
    #: the e-mail of the hub's own HubSpot user, where it has one
    ours: str | None = None

    def __post_init__(self) -> None:
        oauth = (self.client_id, self.client_secret, self.refresh_token)
        if self.access_token and any(oauth):
            raise ValueError("both access_token and OAuth keys are given; remove one of the two")
        if not self.access_token and not all(oauth):
            raise ValueError(
                "there are no whole credentials; give access_token, or client_id, client_secret and refresh_token"
            )
        address = urlsplit(self.base_url)
        local = address.hostname in ("127.0.0.1", "localhost", "::1")
        if address.scheme != "https" and not (local and address.scheme == "http"):
            remedy = 'remove it, or write base_url = "https://api.hubapi.com" (http:// is for this machine only)'
            raise ValueError(f"base_url must begin with https://; {remedy}")

    def __repr__(self) -> str:
        way = "token" if self.access_token else "oauth"
        return f"<hubspot.Settings {self.base_url} {self.api_version} {way}>"
