"""CRM objects one at a time: list, read, create, update, archive, merge, GDPR delete."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from crmhub.sandbox.hubspot import life, writes
from crmhub.sandbox.hubspot.errors import HubSpotError, invalid, not_found
from crmhub.sandbox.hubspot.kinds import ALIASES, KINDS, LINKS
from crmhub.sandbox.hubspot.paths import body_of, flag, rows_of, versioned, whole_number
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.records import Record, Table
from crmhub.sandbox.messages import Request, Response, Router

LIST_MAX = 100
HISTORY_MAX = 50


class ObjectsApi:
    """`/crm/v3/objects/{type}` and the dated paths."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def routes(self, router: Router) -> None:
        for method, tail, handler in (
            ("GET", "", self.page),
            ("POST", "", self.create),
            ("GET", "/{id}", self.get),
            ("PATCH", "/{id}", self.update),
            ("DELETE", "/{id}", self.archive),
            ("POST", "/merge", self.merge),
            ("POST", "/gdpr-delete", self.forget),
        ):
            versioned(
                router,
                method,
                f"/crm/v3/objects/{{type}}{tail}",
                f"/crm/objects/{{D}}/{{type}}{tail}",
                handler,
            )

    def page(self, request: Request) -> Response:
        portal, table = self._portal, self._portal.table(request.params["type"])
        history = request.query.names("propertiesWithHistory")
        most = HISTORY_MAX if history else LIST_MAX
        limit = whole_number(request.query.get("limit"), "limit", 1, most, 10)
        wanted = request.query.names("properties")
        after = request.query.get("after")
        if after and not after.isdecimal():
            raise invalid(f"The after value {after} is not valid")
        archived = flag(request, "archived")
        start = int(after) if after else 0
        found = _binned(portal, table, start, limit + 1) if archived else _live(portal, table, start, limit + 1)
        ties = self._tied_types(table, request)
        rows = []
        for record in found[:limit]:
            shaped = portal.shape(table, record, wanted, history)
            self._add_ties(shaped, table, record, ties)
            rows.append(shaped)
        answer: dict[str, Any] = {"results": rows}
        if len(found) > limit:
            after = str(found[limit].id)
            link = f"https://api.hubapi.com{request.path}?limit={limit}&after={after}"
            answer["paging"] = {"next": {"after": after, "link": link}}
        return Response.json(answer)

    def get(self, request: Request) -> Response:
        table = self._portal.table(request.params["type"])
        record = self._one(table, request, flag(request, "archived"))
        shaped = self._portal.shape(
            table, record, request.query.names("properties"), request.query.names("propertiesWithHistory")
        )
        self._add_ties(shaped, table, record, self._tied_types(table, request))
        return Response.json(shaped)

    def create(self, request: Request) -> Response:
        portal, table = self._portal, self._portal.table(request.params["type"])
        wish = body_of(request)
        record = create_one(portal, table, wish, enforce="/2026-09/" in request.path)
        return Response.json(portal.shape(table, record, sorted(table.props(record))), 201)

    def update(self, request: Request) -> Response:
        portal, table = self._portal, self._portal.table(request.params["type"])
        record = self._one(table, request, archived=False)
        values = writes.clean(portal, table, body_of(request).get("properties"), record)
        if "/2026-09/" in request.path:
            writes.require_when(portal, table, values, table.props(record))
        writes.update(portal, table, record, values)
        return Response.json(portal.shape(table, record, [*values, *table.kind.defaults]))

    def archive(self, request: Request) -> Response:
        table = self._portal.table(request.params["type"])
        record = resolve(self._portal, table, request.params["id"], "hs_object_id")
        if record is not None:
            life.archive(self._portal, table, record)
        return Response(204)

    def merge(self, request: Request) -> Response:
        portal, table = self._portal, self._portal.table(request.params["type"])
        wish = body_of(request)
        primary = writes.live(table, wish.get("primaryObjectId"))
        other = writes.live(table, wish.get("objectIdToMerge"))
        survivor = life.merge(portal, table, primary, other)
        return Response.json(portal.shape(table, survivor))

    def forget(self, request: Request) -> Response:
        table = self._portal.table(request.params["type"])
        wish = body_of(request)
        name = wish.get("idProperty") or "hs_object_id"
        record = resolve(self._portal, table, wish.get("objectId"), name)
        if record is not None:
            life.forget(self._portal, table, record)
        elif name == "email":
            self._portal.blocked_emails.add(str(wish.get("objectId")).lower())
        return Response(204)

    def _one(self, table: Table, request: Request, archived: bool) -> Record:
        name = request.query.get("idProperty") or "hs_object_id"
        record = resolve(self._portal, table, request.params["id"], name)
        if record is None or (record.archived_at is not None) != archived:
            raise not_found()
        return record

    @staticmethod
    def _tied_types(table: Table, request: Request) -> list[str]:
        found = [ALIASES.get(name, "") for name in request.query.names("associations")]
        return [name for name in found if (table.kind.name, name) in LINKS]

    def _add_ties(self, shaped: dict[str, Any], table: Table, record: Record, ties: list[str]) -> None:
        """Inline associations in the v3 form: type names, a row for each label, cut after some (switch)."""
        portal = self._portal
        for name in ties:
            words = (table.kind.singular, KINDS[name].singular)
            rows = [
                {"id": str(target), "type": portal.labels.word(table.kind.name, name, one, words)}
                for target, types in portal.links.live(table.kind.name, record.id, name)
                if portal.sees(portal.tables[name].rows[target])
                for one in types
            ]
            if not rows:
                continue
            most = portal.switches.inline_associations
            cut: dict[str, Any] = {"results": rows[:most]}
            if len(rows) > most:
                after = rows[most]["id"]
                path = f"/crm/v4/objects/{table.kind.name}/{record.id}/associations/{name}"
                cut["paging"] = {"next": {"after": after, "link": f"https://api.hubapi.com{path}?after={after}"}}
            shaped.setdefault("associations", {})[name] = cut


def _live(portal: Portal, table: Table, start: int, count: int) -> list[Record]:
    """The first records in use from this id on."""
    found: list[Record] = []
    place = bisect_left(table.ids, start)
    while place < len(table.ids) and len(found) < count:
        record = table.rows[table.ids[place]]
        place += 1
        if record.alive and portal.sees(record):
            found.append(record)
    return found


def _binned(portal: Portal, table: Table, start: int, count: int) -> list[Record]:
    """The first records in the recycle bin from this id on."""
    table.empty_bin(portal.now())
    numbers = sorted(number for number in table.bin if number >= start and portal.sees(table.rows[number]))
    return [table.rows[number] for number in numbers[:count]]


def resolve(portal: Portal, table: Table, value: Any, name: str) -> Record | None:
    """The record addressed by id or by a unique property; raises 400 for any other property."""
    table.empty_bin(portal.now())
    name = str(name)
    if name == "hs_object_id":
        text = str(value)
        record = table.find(int(text)) if text.isdecimal() else None
    elif writes.identifying(table, name):
        record = writes.by_property(table, name, value)
    else:
        raise invalid(f"{name} is not a unique property of {table.kind.type_id} and cannot identify a record")
    return record if record is not None and portal.sees(record) else None


def create_one(portal: Portal, table: Table, wish: dict[str, Any], enforce: bool = False) -> Record:
    """Create with associations: {properties, associations?: [{to: {id}, types: [...]}]}."""
    values = writes.clean(portal, table, wish.get("properties"), None)
    ties = [_tie(portal, table, tie) for tie in rows_of(wish, "associations")]
    record = writes.create(portal, table, values, enforce=enforce)
    for to, target, types in ties:
        life.associate(portal, (table, record, to, target), types)
    return record


def type_ids(portal: Portal, kind: str, to: str, specs: Any) -> list[int]:
    """Association type ids of [{associationCategory, associationTypeId}]; raises 400 for unknown ones."""
    rows = [row for row in specs if isinstance(row, dict)] if isinstance(specs, list) else []
    found: list[int] = []
    for row in rows:
        number, category = row.get("associationTypeId"), str(row.get("associationCategory") or "")
        if not isinstance(number, int) or not portal.labels.known(kind, to, number, category):
            raise invalid(f"{category} association type {number} doesn't exist from {kind} to {to}")
        found.append(number)
    return found


def _tie(portal: Portal, table: Table, tie: Any) -> tuple[Table, Record, list[int]]:
    """One association of a create: the table, the record and the type ids. Raises 400 or 404."""
    tie = tie if isinstance(tie, dict) else {}
    rows = tie.get("types")
    first = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    number, category = first.get("associationTypeId"), str(first.get("associationCategory") or "")
    target = tie.get("to")
    text = str(target.get("id")) if isinstance(target, dict) else ""
    for kind, to in LINKS:
        if kind == table.kind.name and isinstance(number, int) and portal.labels.known(kind, to, number, category):
            found = portal.tables[to].find(int(text)) if text.isdecimal() else None
            if found is None or not found.alive:
                message = f"No {KINDS[to].singular} with id {text} exists"
                raise HubSpotError(404, "OBJECT_NOT_FOUND", message)
            return portal.tables[to], found, type_ids(portal, kind, to, rows)
    raise invalid(f"One or more associations are not valid: type {number} does not exist for {table.kind.name}")
