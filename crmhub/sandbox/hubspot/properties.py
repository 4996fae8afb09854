"""The properties API: what fields an object type has, and adding to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crmhub.sandbox.hubspot.batches import inputs_of
from crmhub.sandbox.hubspot.errors import HubSpotError, invalid, not_found
from crmhub.sandbox.hubspot.paths import body_of, flag, versioned
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.records import Table
from crmhub.sandbox.hubspot.schema import FIELD_TYPES, Option, Property, iso, valid_name
from crmhub.sandbox.messages import Request, Response, Router

UNIQUE_MAX = 10
_CHANGEABLE = {
    "label": "label", "description": "description", "displayOrder": "order", "hidden": "hidden",
    "formField": "form_field", "groupName": "group",
}  # fmt: skip


class PropertiesApi:
    """`/crm/v3/properties/{type}` and the dated paths."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def routes(self, router: Router) -> None:
        for method, tail, handler in (
            ("GET", "", self.page),
            ("POST", "", self.create),
            ("GET", "/groups", self.groups),
            ("POST", "/groups", self.create_group),
            ("GET", "/groups/{group}", self.group),
            ("GET", "/{name}", self.get),
            ("PATCH", "/{name}", self.update),
            ("DELETE", "/{name}", self.archive),
            ("POST", "/batch/read", self.batch_read),
            ("POST", "/batch/create", self.batch_create),
            ("POST", "/batch/archive", self.batch_archive),
        ):
            versioned(
                router,
                method,
                f"/crm/v3/properties/{{type}}{tail}",
                f"/crm/properties/{{D}}/{{type}}{tail}",
                handler,
            )

    def page(self, request: Request) -> Response:
        table, archived = self._table(request), flag(request, "archived")
        hidden = self._portal.hidden(table)
        return Response.json(
            {
                "results": [
                    prop.as_json()
                    for prop in table.properties.values()
                    if (prop.archived_at is not None) == archived and prop.name not in hidden
                ]
            }
        )

    def get(self, request: Request) -> Response:
        prop = self._one(self._table(request), request.params["name"], flag(request, "archived"))
        return Response.json(prop.as_json())

    def create(self, request: Request) -> Response:
        return Response.json(self._create(self._table(request), body_of(request)).as_json(), 201)

    def update(self, request: Request) -> Response:
        prop = self._one(self._table(request), request.params["name"])
        wish = body_of(request)
        if prop.hubspot_defined and set(wish) - {"options", "hidden", "displayOrder", "formField"}:
            raise invalid(f"Property {prop.name} is defined by HubSpot and its definition cannot be changed")
        if wish.get("groupName") is not None and wish["groupName"] not in self._table(request).groups:
            raise _no_group(wish["groupName"])
        if wish.get("options") is not None:
            prop.options = _options(wish["options"])
        for key, attribute in _CHANGEABLE.items():
            if wish.get(key) is not None:
                setattr(prop, attribute, wish[key])
        prop.updated = self._portal.now()
        return Response.json(prop.as_json())

    def archive(self, request: Request) -> Response:
        self._archive(self._table(request), request.params["name"])
        return Response(204)

    def groups(self, request: Request) -> Response:
        table = self._table(request)
        return Response.json({"results": [_group(name, label) for name, label in table.groups.items()]})

    def group(self, request: Request) -> Response:
        table, name = self._table(request), request.params["group"]
        if name not in table.groups:
            raise not_found(f"Property group {name} does not exist")
        return Response.json(_group(name, table.groups[name]))

    def create_group(self, request: Request) -> Response:
        table, wish = self._table(request), body_of(request)
        name = wish.get("name")
        if not isinstance(name, str) or not valid_name(name):
            raise invalid(f"Property group name {name} is invalid")
        if name in table.groups:
            raise HubSpotError(409, "OBJECT_ALREADY_EXISTS", f"A property group named '{name}' already exists.")
        table.groups[name] = str(wish.get("label") or name)
        return Response.json(_group(name, table.groups[name]), 201)

    def batch_read(self, request: Request) -> Response:
        table = self._table(request)
        return self._batch(request, lambda row: self._one(table, str(row.get("name"))).as_json(), 200)

    def batch_create(self, request: Request) -> Response:
        table = self._table(request)
        return self._batch(request, lambda row: self._create(table, row).as_json(), 201)

    def batch_archive(self, request: Request) -> Response:
        table = self._table(request)
        for row in inputs_of(body_of(request), 100):
            self._archive(table, str(row.get("name")))
        return Response(204)

    def _table(self, request: Request) -> Table:
        return self._portal.table(request.params["type"])

    def _one(self, table: Table, name: str, archived: bool = False) -> Property:
        prop = None if name in self._portal.hidden(table) else table.properties.get(name)
        if prop is None or (prop.archived_at is not None) != archived:
            raise not_found(f"Property {name} does not exist")
        return prop

    def _archive(self, table: Table, name: str) -> None:
        prop = self._one(table, name)
        if prop.hubspot_defined:
            raise invalid(f"Property {name} is defined by HubSpot and cannot be archived")
        prop.archived_at = self._portal.now()

    def _create(self, table: Table, wish: dict[str, Any]) -> Property:
        for key in ("name", "label", "type", "fieldType", "groupName"):
            if not isinstance(wish.get(key), str) or not wish[key]:
                raise invalid(f"Invalid input JSON: {key} is required to create a property")
        name, kind, field_type = wish["name"], wish["type"], wish["fieldType"]
        if not valid_name(name):
            raise invalid(f"Property name {name} is invalid: lower-case letters, digits and underscores only")
        if field_type not in FIELD_TYPES.get(kind, ()):
            raise invalid(f"{kind} properties cannot have the field type {field_type}")
        if wish["groupName"] not in table.groups:
            raise _no_group(wish["groupName"])
        if name in table.properties and table.properties[name].archived_at is None:
            raise HubSpotError(409, "OBJECT_ALREADY_EXISTS", f"A property named '{name}' already exists.")
        options = _options(wish.get("options") or [])
        if kind == "bool" and {option.value for option in options} != {"true", "false"}:
            raise invalid("Boolean properties must have exactly the options true and false")
        unique = bool(wish.get("hasUniqueValue"))
        if unique and sum(prop.unique for prop in table.properties.values()) >= UNIQUE_MAX:
            raise invalid(f"An object type may have {UNIQUE_MAX} unique properties")
        now = self._portal.now()
        prop = Property(
            name=name,
            label=wish["label"],
            type=kind,
            field_type=field_type,
            group=wish["groupName"],
            description=str(wish.get("description") or ""),
            options=options,
            order=int(wish.get("displayOrder") or -1),
            unique=unique,
            hidden=bool(wish.get("hidden")),
            form_field=bool(wish.get("formField")),
            calculated=field_type == "calculation_equation",
            hubspot_defined=False,
            formula=wish.get("calculationFormula"),
            created=now,
            updated=now,
        )
        table.properties[name] = prop
        if unique:
            table.unique[name] = {}
        return prop

    def _batch(self, request: Request, work: Callable[[dict[str, Any]], dict[str, Any]], status: int) -> Response:
        rows: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for row in inputs_of(body_of(request), 100):
            try:
                rows.append(work(row))
            except HubSpotError as problem:
                errors.append(problem.in_batch({"name": [str(row.get("name"))]}))
        now = iso(self._portal.now())
        answer: dict[str, Any] = {"status": "COMPLETE", "results": rows, "startedAt": now, "completedAt": now}
        if errors:
            answer |= {"numErrors": len(errors), "errors": errors}
        return Response.json(answer, 207 if errors else status)


def _group(name: str, label: str) -> dict[str, Any]:
    return {"name": name, "label": label, "displayOrder": -1, "archived": False}


def _no_group(name: str) -> HubSpotError:
    return invalid(f"Property group {name} does not exist")


def _options(wish: Any) -> list[Option]:
    if not isinstance(wish, list) or not all(isinstance(row, dict) for row in wish):
        raise invalid("Invalid input JSON: options must be an array of objects")
    found: list[Option] = []
    for row in wish:
        if not isinstance(row.get("value"), str) or not isinstance(row.get("label"), str):
            raise invalid("Invalid input JSON: each option needs label and value")
        order = row.get("displayOrder")
        found.append(
            Option(
                row["label"],
                row["value"],
                len(found) if order is None else int(order),
                bool(row.get("hidden")),
                str(row.get("description") or ""),
            )
        )
    values = [option.value for option in found]
    if len(set(values)) < len(values):
        raise invalid("Property options must have unique values")
    return found
