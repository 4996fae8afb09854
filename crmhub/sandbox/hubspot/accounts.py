"""One HubSpot account with all its routes, and what the control port does to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.hubspot import life, writes
from crmhub.sandbox.hubspot.access import Access
from crmhub.sandbox.hubspot.account import AccountApi
from crmhub.sandbox.hubspot.acts import Acts
from crmhub.sandbox.hubspot.associations import AssociationsApi
from crmhub.sandbox.hubspot.automations import Automations
from crmhub.sandbox.hubspot.batches import BatchesApi
from crmhub.sandbox.hubspot.errors import HubSpotError
from crmhub.sandbox.hubspot.events_api import EventsApi
from crmhub.sandbox.hubspot.forms import FormsApi
from crmhub.sandbox.hubspot.kinds import ALIASES
from crmhub.sandbox.hubspot.lists_api import ListsApi
from crmhub.sandbox.hubspot.mails_api import MailsApi
from crmhub.sandbox.hubspot.objects import ObjectsApi
from crmhub.sandbox.hubspot.old_associations import OldAssociationsApi
from crmhub.sandbox.hubspot.pipelines import PipelinesApi
from crmhub.sandbox.hubspot.portal import PERSON, PORTAL, Portal
from crmhub.sandbox.hubspot.properties import PropertiesApi
from crmhub.sandbox.hubspot.records import Actor, Record, Table
from crmhub.sandbox.hubspot.search import SearchApi
from crmhub.sandbox.hubspot.tokens import Tokens
from crmhub.sandbox.messages import Handler, Request, Response, Router
from crmhub.sandbox.vendor import ControlError, Options
from crmhub.sandbox.world import World

Detour = Callable[[Request], Response | None]
"""The answer of another account, when the request is not for this one."""


class Routes(Router):
    """Turns HubSpot's own errors, raised by any handler, into answers."""

    def __init__(self, detour: Detour) -> None:
        super().__init__()
        self._detour = detour

    def add(self, method: str, template: str, handler: Handler) -> None:
        def safe(request: Request) -> Response:
            try:
                return self._detour(request) or handler(request)
            except HubSpotError as problem:
                return problem.response()

        super().add(method, template, safe)


class Account:
    """A portal behind its routes."""

    def __init__(self, world: World, clock: Clock, options: Options, detour: Detour, number: int = PORTAL) -> None:
        self.portal = portal = Portal(world, clock, options, number)
        Automations(portal)
        self.acts = Acts(portal, self.row)
        self.forms = FormsApi(portal)
        self.router: Router = Routes(detour)

    def open(self, tokens: Tokens) -> None:
        """Put the routes in place; tokens are shared by all accounts."""
        portal = self.portal
        self.access = Access(portal, tokens)
        # batches, search and merge are fixed words where others have an id: the router prefers words
        for api in (
            ObjectsApi(portal),
            BatchesApi(portal),
            SearchApi(portal),
            AssociationsApi(portal),
            OldAssociationsApi(portal),
            PropertiesApi(portal),
            AccountApi(portal, self.access.limits),
            PipelinesApi(portal),
            ListsApi(portal),
            MailsApi(portal),
            EventsApi(portal),
            self.forms,
        ):
            api.routes(self.router)

    def state(self) -> Iterator[dict[str, Any]]:
        for table in self.portal.tables.values():
            gone = _archived(table)
            for number in table.ids:
                yield self.row(table, table.rows[number], gone)

    def edit(self, kind: str, remote_id: str, fields: dict[str, Any], actor: str) -> dict[str, Any]:
        """A person's edit; id `new` creates, object `submissions` (id: the form) sends a form."""
        try:
            if kind == "submissions":
                return self.forms.submit(remote_id, fields)
            table = self._table(kind)
            who = PERSON if actor == "person" else Actor(actor.upper(), actor)
            if remote_id == "new":
                values = writes.clean(self.portal, table, fields, None, by_person=True)
                return self.row(table, writes.create(self.portal, table, values, who))
            record = writes.live(table, remote_id)
            values = writes.clean(self.portal, table, fields, record, by_person=True)
            return self.row(table, writes.update(self.portal, table, record, values, who))
        except HubSpotError as problem:
            raise ControlError(problem.message) from problem

    def delete(self, kind: str, remote_id: str) -> None:
        table = self._table(kind)
        try:
            life.archive(self.portal, table, writes.live(table, remote_id), PERSON)
        except HubSpotError as problem:
            raise ControlError(problem.message) from problem

    def row(self, table: Table, record: Record, gone: list[str] | None = None) -> dict[str, Any]:
        """A record for the control port: all properties that have a value."""
        fields: dict[str, Any] = {}
        if not record.forgotten:
            fields = {**table.props(record), **self.portal.computed(table, record)}
            for name in _archived(table) if gone is None else gone:
                fields.pop(name, None)
        return {
            "object": table.kind.name,
            "id": str(record.id),
            "fields": {name: fields[name] for name in sorted(fields) if fields[name] is not None},
            "deleted": record.archived_at is not None or record.forgotten,
            "merged_into": None if record.merged_into is None else str(record.merged_into),
        }

    def _table(self, kind: str) -> Table:
        if kind not in ALIASES:
            raise ControlError(f"object {kind!r} is none of: {', '.join(self.portal.tables)}, submissions")
        return self.portal.tables[ALIASES[kind]]


def _archived(table: Table) -> list[str]:
    """Properties out of use: their values are in no answer."""
    return [prop.name for prop in table.properties.values() if prop.archived_at is not None]
