"""The simulated HubSpot account as a vendor of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.hubspot import life, writes
from crmhub.sandbox.hubspot.access import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TOKEN, Access
from crmhub.sandbox.hubspot.account import AccountApi
from crmhub.sandbox.hubspot.acts import Acts
from crmhub.sandbox.hubspot.associations import AssociationsApi
from crmhub.sandbox.hubspot.automations import Automations
from crmhub.sandbox.hubspot.batches import BatchesApi
from crmhub.sandbox.hubspot.errors import HubSpotError, daily_limit, generic
from crmhub.sandbox.hubspot.events_api import EventsApi
from crmhub.sandbox.hubspot.forms import FormsApi
from crmhub.sandbox.hubspot.kinds import ALIASES
from crmhub.sandbox.hubspot.least import least
from crmhub.sandbox.hubspot.lists_api import ListsApi
from crmhub.sandbox.hubspot.mails_api import MailsApi
from crmhub.sandbox.hubspot.objects import ObjectsApi
from crmhub.sandbox.hubspot.pipelines import PipelinesApi
from crmhub.sandbox.hubspot.portal import PERSON, Portal
from crmhub.sandbox.hubspot.properties import PropertiesApi
from crmhub.sandbox.hubspot.records import Actor, Record, Table
from crmhub.sandbox.hubspot.search import SearchApi
from crmhub.sandbox.messages import Handler, Request, Response, Router
from crmhub.sandbox.vendor import ControlError, Options
from crmhub.sandbox.world import World


class _Routes(Router):
    """Turns HubSpot's own errors, raised by any handler, into answers."""

    def add(self, method: str, template: str, handler: Handler) -> None:
        def safe(request: Request) -> Response:
            try:
                return handler(request)
            except HubSpotError as problem:
                return problem.response()

        super().add(method, template, safe)


class HubSpot:
    """One HubSpot account (see vendor.Vendor)."""

    name = "hubspot"

    def __init__(self, world: World, clock: Clock, options: Options) -> None:
        self._world = world
        self._portal = Portal(world, clock, options)
        Automations(self._portal)
        self._access = Access(self._portal)
        self._forms = FormsApi(self._portal)
        self._acts = Acts(self._portal, self._row)
        self.router: Router = _Routes()
        # batches, search and merge are fixed words where others have an id: the router prefers words
        for api in (
            ObjectsApi(self._portal),
            BatchesApi(self._portal),
            SearchApi(self._portal),
            AssociationsApi(self._portal),
            PropertiesApi(self._portal),
            AccountApi(self._portal, self._access),
            PipelinesApi(self._portal),
            ListsApi(self._portal),
            MailsApi(self._portal),
            EventsApi(self._portal),
            self._forms,
            self._access,
        ):
            api.routes(self.router)

    def connection(self, base_url: str) -> dict[str, Any]:
        return {
            "base_url": base_url,
            "access_token": TOKEN,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "refresh_token": REFRESH_TOKEN,
        }

    def before(self, request: Request) -> Response | None:
        problem = self._access.check(request)
        return None if problem is None else self._access.refused(problem)

    def after(self, request: Request, response: Response) -> None:
        self._access.dress(request, response)

    def unmatched(self, request: Request, allowed: list[str]) -> Response:
        del request
        if allowed:
            return Response(405, b"", {"Allow": ", ".join(allowed)})
        return Response.text("<html><head><title>Error 404 Not Found</title></head></html>", 404, "text/html")

    def refuse(self, status: int, request: Request | None = None) -> Response:
        del request  # the same body on every route
        return generic(status)

    def quota_full(self) -> Response:
        return daily_limit().response()

    def is_token_route(self, route: str) -> bool:
        return route.startswith("/oauth/")

    def state(self) -> Iterator[dict[str, Any]]:
        for table in self._portal.tables.values():
            gone = _archived(table)
            for number in table.ids:
                yield self._row(table, table.rows[number], gone)

    def external_ids(self) -> Mapping[int, list[dict[str, str]]]:
        found: dict[int, list[dict[str, str]]] = {}
        table = self._portal.tables["contacts"]
        for number in table.ids:
            known = table.rows[number].seed
            if known is not None:
                found.setdefault(known.person.number, []).append({"object": "contacts", "id": str(number)})
        return found

    def edit(self, kind: str, remote_id: str, fields: dict[str, Any], actor: str) -> dict[str, Any]:
        """A person's edit; id `new` creates, object `submissions` (id: the form) sends a form."""
        try:
            if kind == "submissions":
                return self._forms.submit(remote_id, fields)
            table = self._table(kind)
            who = PERSON if actor == "person" else Actor(actor.upper(), actor)
            if remote_id == "new":
                values = writes.clean(self._portal, table, fields, None, by_person=True)
                return self._row(table, writes.create(self._portal, table, values, who))
            record = writes.live(table, remote_id)
            values = writes.clean(self._portal, table, fields, record, by_person=True)
            return self._row(table, writes.update(self._portal, table, record, values, who))
        except HubSpotError as problem:
            raise ControlError(problem.message) from problem

    def delete(self, kind: str, remote_id: str) -> None:
        table = self._table(kind)
        try:
            life.archive(self._portal, table, writes.live(table, remote_id), PERSON)
        except HubSpotError as problem:
            raise ControlError(problem.message) from problem

    def act(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._acts.do(action, body)

    def settings(self, wish: dict[str, Any]) -> dict[str, Any]:
        return self._portal.settings(wish)

    def least(self) -> dict[str, Any]:
        return least(self._portal, self._forms)

    def _table(self, kind: str) -> Table:
        if kind not in ALIASES:
            raise ControlError(f"object {kind!r} is none of: {', '.join(self._portal.tables)}, submissions")
        return self._portal.tables[ALIASES[kind]]

    def _row(self, table: Table, record: Record, gone: list[str] | None = None) -> dict[str, Any]:
        """A record for the control port: all properties that have a value."""
        fields: dict[str, Any] = {}
        if not record.forgotten:
            fields = {**table.props(record), **self._portal.computed(table, record)}
            for name in _archived(table) if gone is None else gone:
                fields.pop(name, None)
        return {
            "object": table.kind.name,
            "id": str(record.id),
            "fields": {name: fields[name] for name in sorted(fields) if fields[name] is not None},
            "deleted": record.archived_at is not None or record.forgotten,
            "merged_into": None if record.merged_into is None else str(record.merged_into),
        }


def _archived(table: Table) -> list[str]:
    """Properties out of use: their values are in no answer."""
    return [prop.name for prop in table.properties.values() if prop.archived_at is not None]
