"""Somebody else's org behind the same address: its tokens and app lead there, and no record is shared.

The ids of both orgs are made alike, so those of the other one are told apart at its edge: instance `gM` for `gL`
(same case, so the suffix stays right).
"""

import base64
import binascii
from collections.abc import Callable
from typing import Protocol

from crmhub.sandbox.messages import Match, Query, Request, Response, Router
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.sessions import credentials_of

_HERE, _THERE = "gL000", "gM000"


class Served(Protocol):
    """What an org offers to the edge."""

    router: Router

    def before(self, request: Request) -> Response | None:
        """See `Vendor`."""

    def after(self, request: Request, response: Response) -> None:
        """See `Vendor`."""

    def unmatched(self, request: Request, allowed: list[str]) -> Response:
        """See `Vendor`."""

    def connection(self, base_url: str) -> dict[str, object]:
        """See `Vendor`."""


class OtherOrg:
    """`build` makes the org when it is first needed."""

    def __init__(self, build: Callable[[], Served], seed: int) -> None:
        self._build = build
        self._org: Served | None = None
        self._credentials = credentials_of(seed, 2)
        self._id = salesforce_id("00D", 2).replace(_HERE, _THERE)

    def connection(self, base_url: str) -> dict[str, str]:
        """The credentials of its app."""
        given = self._credentials
        return {
            "base_url": base_url,
            "org_id": self._id,
            "client_id": given.client_id,
            "client_secret": given.client_secret,
            "refresh_token": given.refresh_token,
        }

    def is_meant(self, request: Request) -> bool:
        """Whether a request carries this org's token or app."""
        mark = f"{self._id[:15]}!"
        if mark in request.headers.get("authorization", ""):
            return True
        if request.path.startswith("/services/Soap/"):
            return mark.encode() in request.body
        if not request.path.startswith("/services/oauth2/"):
            return False
        body = request.body + _claims(request.form().get("assertion", ""))
        return self._credentials.client_id.encode() in body or mark.replace("!", "%21").encode() in body

    def answer(self, request: Request) -> Response:
        """The other org's answer."""
        if self._org is None:
            self._org = self._build()
        org, inner = self._org, _renamed(request)
        match = org.router.match(inner.method, inner.path)
        if isinstance(match, Match):
            inner.route, inner.params = match.route, match.params
        response = org.before(inner)
        if response is None:
            response = match.handler(inner) if isinstance(match, Match) else org.unmatched(inner, match)
        org.after(inner, response)
        response.body = response.body.replace(_HERE.encode(), _THERE.encode())
        response.headers = {name: value.replace(_HERE, _THERE) for name, value in response.headers.items()}
        return response


def _claims(assertion: str) -> bytes:
    """What a JWT says, whoever signed it."""
    part = assertion.split(".")[1] if assertion.count(".") == 2 else ""
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        return b""


def _renamed(request: Request) -> Request:
    there = {name: value.replace(_THERE, _HERE) for name, value in request.headers.items()}
    body = request.body.replace(_THERE.encode(), _HERE.encode())
    query = Query(request.query.raw.replace(_THERE, _HERE))
    return Request(request.method, request.path.replace(_THERE, _HERE), query, there, body)
