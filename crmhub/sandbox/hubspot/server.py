"""The simulated HubSpot as a vendor of the sandbox: one account, and a second one for tokens that lead elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.hubspot.access import bearer
from crmhub.sandbox.hubspot.accounts import Account
from crmhub.sandbox.hubspot.app_acts import AppActs
from crmhub.sandbox.hubspot.errors import daily_limit, generic
from crmhub.sandbox.hubspot.least import least
from crmhub.sandbox.hubspot.oauth_api import OAuthApi
from crmhub.sandbox.hubspot.tokens import CLIENT_ID, CLIENT_SECRET, OTHER_PORTAL, REFRESH_TOKEN, Tokens
from crmhub.sandbox.hubspot.webhooks import Webhooks
from crmhub.sandbox.hubspot.webhooks_api import WebhooksApi
from crmhub.sandbox.messages import Match, Request, Response, Router
from crmhub.sandbox.vendor import ControlError, Options, Outgoing
from crmhub.sandbox.world import World

_OTHER_PEOPLE = 60


class HubSpot:
    """HubSpot (see vendor.Vendor). The control port acts on the first account, or with `account: other`."""

    name = "hubspot"

    def __init__(self, world: World, clock: Clock, options: Options) -> None:
        self._clock = clock
        self._options = options
        self._now = world.now
        self._main = Account(world, clock, options, self._elsewhere)
        self._tokens = Tokens(self._main.portal)
        self._main.open(self._tokens)
        self._second: Account | None = None
        OAuthApi(self._main.portal, self._tokens).routes(self._main.router)
        self._webhooks = Webhooks(self._main.portal)
        self._webhooks.listen(self._main.portal)
        WebhooksApi(self._main.portal, self._webhooks).routes(self._main.router)
        self._app_acts = AppActs(self._main.portal, self._tokens, self._webhooks)

    @property
    def router(self) -> Router:
        return self._main.router

    def connection(self, base_url: str) -> dict[str, Any]:
        return {
            "base_url": base_url,
            "access_token": self._tokens.current,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "refresh_token": REFRESH_TOKEN,
        }

    def before(self, request: Request) -> Response | None:
        return self._of(request).access.refusal(request)

    def after(self, request: Request, response: Response) -> None:
        self._of(request).access.dress(request, response)

    def unmatched(self, request: Request, allowed: list[str]) -> Response:
        del request
        if allowed:
            return Response(405, b"", {"Allow": ", ".join(allowed)})
        return Response.text("<html><head><title>Error 404 Not Found</title></head></html>", 404, "text/html")

    def refuse(self, status: int, request: Request | None = None) -> Response:
        del request  # the same body on every route
        return generic(status)

    def quota_full(self) -> Response:
        return daily_limit(self._main.portal.id).response()

    def is_token_route(self, route: str) -> bool:
        return route.startswith("/oauth/")

    def rate_limits(self) -> list[dict[str, Any]]:
        return self._main.access.limits.rows()

    def state(self) -> Iterator[dict[str, Any]]:
        return self._main.state()

    def external_ids(self) -> Mapping[int, list[dict[str, str]]]:
        found: dict[int, list[dict[str, str]]] = {}
        table = self._main.portal.tables["contacts"]
        for number in table.ids:
            known = table.rows[number].seed
            if known is not None:
                found.setdefault(known.person.number, []).append({"object": "contacts", "id": str(number)})
        return found

    def edit(self, kind: str, remote_id: str, fields: dict[str, Any], actor: str) -> dict[str, Any]:
        return self._main.edit(kind, remote_id, fields, actor)

    def delete(self, kind: str, remote_id: str) -> None:
        self._main.delete(kind, remote_id)

    def act(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        account = self._other() if body.pop("account", "") == "other" else self._main
        if action in self._app_acts.known:
            return self._app_acts.do(action, {**body, "portal": account.portal.id})
        if action not in account.acts.known:
            known = sorted([*account.acts.known, *self._app_acts.known])
            raise ControlError(f"no action {action!r}; known: {', '.join(known)}")
        return account.acts.do(action, body)

    def settings(self, wish: dict[str, Any]) -> dict[str, Any]:
        return self._main.portal.settings(wish)

    def due(self, now: int) -> list[Outgoing]:
        """Webhooks to send (vendor.Sender); they run on this vendor's own clock."""
        del now
        return self._webhooks.due()

    def delivered(self, outgoing: Outgoing, status: int) -> None:
        self._webhooks.delivered(outgoing, status)

    def least(self) -> dict[str, Any]:
        return least(self._main.portal, self._main.forms)

    def _of(self, request: Request) -> Account:
        """The account that a request's token belongs to; the first one for tokens that nobody knows."""
        token = self._tokens.find(bearer(request))
        return self._other() if token is not None and token.account == OTHER_PORTAL else self._main

    def _elsewhere(self, request: Request) -> Response | None:
        """Let the account of the token answer, as that token sees it; None: it is the first account."""
        account = self._of(request)
        account.access.look(self._tokens.find(bearer(request)))
        if account is self._main:
            return None
        match = account.router.match(request.method, request.path)
        return match.handler(request) if isinstance(match, Match) else None

    def _other(self) -> Account:
        """The second account, made when first asked for: the same ids, other people behind them."""
        if self._second is None:
            world = World(_OTHER_PEOPLE, self._options.seed + 1000, self._now)
            self._second = Account(world, self._clock, self._options, lambda _: None, OTHER_PORTAL)
            self._second.open(self._tokens)
            self._webhooks.listen(self._second.portal)
        return self._second
