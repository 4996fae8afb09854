"""CRM objects one at a time: list, read, create, update, archive, merge, GDPR delete."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from crmhub.sandbox.hubspot import writes
from crmhub.sandbox.hubspot.errors import HubSpotError, invalid, not_found
from crmhub.sandbox.hubspot.kinds import ALIASES, KINDS, LINKS, PRIMARY
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.records import Record, Table
from crmhub.sandbox.messages import Request, Response, Router

LIST_MAX = 100
HISTORY_MAX = 50
_INLINE_MAX = 100
VERSIONS = ("2026-03", "2026-09")


def versioned(router: Router, method: str, old: str, dated: str, handler: Any) -> None:
    """One handler under its v3 or v4 path and under every dated path ({D} in `dated`)."""
    router.add(method, old, handler)
    for version in VERSIONS:
        router.add(method, dated.replace("{D}", version), handler)


def whole_number(text: str, name: str, low: int, high: int, default: int) -> int:
    """A limit from the query; raises 400 outside of its range."""
    if text == "":
        return default
    if not text.lstrip("-").isdigit() or not low <= int(text) <= high:
        raise invalid(f"{name} must be between {low} and {high}: was {text}")
    return int(text)


def flag(request: Request, name: str) -> bool:
    return request.query.get(name).lower() == "true"


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
        if after and not after.isdigit():
            raise invalid(f"The after value {after} is not valid")
        archived = flag(request, "archived")
        place = bisect_left(table.ids, int(after)) if after else 0
        found: list[Record] = []
        while place < len(table.ids) and len(found) <= limit:
            record = table.rows[table.ids[place]]
            place += 1
            if not record.forgotten and record.merged_into is None and (record.archived_at is not None) == archived:
                found.append(record)
        ties = self._tied_types(table, request)
        rows = []
        for record in found[:limit]:
            shaped = portal.shape(table, record, wanted, history)
            self._add_ties(shaped, table, record, ties)
            rows.append(shaped)
        answer: dict[str, Any] = {"results": rows}
        if len(found) > limit:
            start = str(found[limit].id)
            link = f"https://api.hubapi.com{request.path}?limit={limit}&after={start}"
            answer["paging"] = {"next": {"after": start, "link": link}}
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
        writes.update(portal, table, record, values)
        return Response.json(portal.shape(table, record, [*values, *table.kind.defaults]))

    def archive(self, request: Request) -> Response:
        table = self._portal.table(request.params["type"])
        text = request.params["id"]
        record = table.find(int(text)) if text.isdigit() else None
        if record is not None:
            writes.archive(self._portal, table, record)
        return Response(204)

    def merge(self, request: Request) -> Response:
        portal, table = self._portal, self._portal.table(request.params["type"])
        wish = body_of(request)
        primary = writes.live(table, wish.get("primaryObjectId"))
        other = writes.live(table, wish.get("objectIdToMerge"))
        survivor = writes.merge(portal, table, primary, other)
        return Response.json(portal.shape(table, survivor))

    def forget(self, request: Request) -> Response:
        table = self._portal.table(request.params["type"])
        wish = body_of(request)
        name = wish.get("idProperty") or "hs_object_id"
        record = resolve(table, wish.get("objectId"), name)
        if record is not None:
            writes.forget(self._portal, table, record)
        elif name == "email":
            self._portal.blocked_emails.add(str(wish.get("objectId")).lower())
        return Response(204)

    @staticmethod
    def _one(table: Table, request: Request, archived: bool) -> Record:
        name = request.query.get("idProperty") or "hs_object_id"
        record = resolve(table, request.params["id"], name)
        if record is None or (record.archived_at is not None) != archived:
            raise not_found()
        return record

    @staticmethod
    def _tied_types(table: Table, request: Request) -> list[str]:
        found = [ALIASES.get(name, "") for name in request.query.names("associations")]
        return [name for name in found if (table.kind.name, name) in LINKS]

    def _add_ties(self, shaped: dict[str, Any], table: Table, record: Record, ties: list[str]) -> None:
        """Inline associations in the v3 form: type names, a row for each label."""
        for name in ties:
            word = f"{table.kind.singular}_to_{KINDS[name].singular}"
            rows = [
                {
                    "id": str(target),
                    "type": word if one in PRIMARY else f"{word}_unlabeled" if len(types) > 1 else word,
                }
                for target, types in self._portal.links.get(table.kind.name, record.id, name).items()
                for one in types
            ]
            if rows:
                shaped.setdefault("associations", {})[name] = {"results": rows[:_INLINE_MAX]}


def body_of(request: Request) -> dict[str, Any]:
    """The body as a JSON object; raises 400."""
    wish = request.json()
    if not isinstance(wish, dict):
        raise invalid("Invalid input JSON on line 1, column 1: an object is expected")
    return wish


def resolve(table: Table, value: Any, name: str) -> Record | None:
    """The record addressed by id or by a unique property; raises 400 for any other property."""
    if name == "hs_object_id":
        text = str(value)
        return table.find(int(text)) if text.isdigit() else None
    if not writes.identifying(table, name):
        raise invalid(f"{name} is not a unique property of {table.kind.type_id} and cannot identify a record")
    return writes.by_property(table, name, value)


def create_one(portal: Portal, table: Table, wish: dict[str, Any], enforce: bool = False) -> Record:
    """Create with associations: {properties, associations?: [{to: {id}, types: [...]}]}."""
    values = writes.clean(portal, table, wish.get("properties"), None)
    ties = [_tie(portal, table, tie) for tie in wish.get("associations") or []]
    record = writes.create(portal, table, values, enforce=enforce)
    for to, target, types in ties:
        portal.links.add(table.kind.name, record.id, to.kind.name, target.id, types)
        touch_contact(portal, to, target)
    return record


def touch_contact(portal: Portal, table: Table, record: Record) -> None:
    """New associations move a contact's modification time (switch activity_stamps)."""
    if table.kind.name == "contacts" and portal.switches.activity_stamps:
        writes.touch(portal, table, record)


def type_ids(specs: Any) -> list[int]:
    """Association type ids of [{associationCategory, associationTypeId}]."""
    rows = specs if isinstance(specs, list) else []
    found = [row.get("associationTypeId") for row in rows if isinstance(row, dict)]
    return [number for number in found if isinstance(number, int) and number]


def _tie(portal: Portal, table: Table, tie: Any) -> tuple[Table, Record, list[int]]:
    """One association of a create: the table, the record and the type ids. Raises 400 or 404."""
    tie = tie if isinstance(tie, dict) else {}
    types = type_ids(tie.get("types"))
    target = tie.get("to")
    text = str(target.get("id")) if isinstance(target, dict) else ""
    for (kind, to), known in LINKS.items():
        if kind == table.kind.name and set(types) & set(known):
            found = portal.tables[to].find(int(text)) if text.isdigit() else None
            if found is None or not found.alive:
                message = f"No {KINDS[to].singular} with id {text} exists"
                raise HubSpotError(404, "OBJECT_NOT_FOUND", message)
            return portal.tables[to], found, types
    raise invalid(f"One or more associations are not valid: types {types} do not exist for {table.kind.name}")
