"""Associations v4: read, add and remove links between records, one at a time and in batches."""

from __future__ import annotations

from typing import Any

from crmhub.sandbox.hubspot.batches import inputs_of
from crmhub.sandbox.hubspot.errors import HubSpotError, invalid, not_found
from crmhub.sandbox.hubspot.kinds import LINKS, PRIMARY
from crmhub.sandbox.hubspot.objects import body_of, touch_contact, type_ids, versioned, whole_number
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.records import Record, Table
from crmhub.sandbox.hubspot.schema import iso
from crmhub.sandbox.messages import Request, Response, Router

READ_MAX, CREATE_MAX, PAGE_MAX = 1000, 2000, 500


class AssociationsApi:
    """`/crm/v4/objects/.../associations/...`, `/crm/v4/associations/...` and the dated paths."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def routes(self, router: Router) -> None:
        for method, tail, handler in (
            ("GET", "{type}/{id}/associations/{to}", self.page),
            ("PUT", "{type}/{id}/associations/default/{to}/{target}", self.default),
            ("PUT", "{type}/{id}/associations/{to}/{target}", self.put),
            ("DELETE", "{type}/{id}/associations/{to}/{target}", self.delete),
        ):
            versioned(router, method, f"/crm/v4/objects/{tail}", f"/crm/objects/{{D}}/{tail}", handler)
        for method, tail, handler in (
            ("POST", "batch/read", self.batch_read),
            ("POST", "batch/create", self.batch_create),
            ("POST", "batch/associate/default", self.batch_default),
            ("POST", "batch/archive", self.batch_archive),
            ("GET", "labels", self.labels),
        ):
            pair = "{type}/{to}/"
            versioned(
                router,
                method,
                f"/crm/v4/associations/{pair}{tail}",
                f"/crm/associations/{{D}}/{pair}{tail}",
                handler,
            )

    def page(self, request: Request) -> Response:
        table, to = self._pair(request)
        record = _live(table, request.params["id"])
        limit = whole_number(request.query.get("limit"), "limit", 1, PAGE_MAX, PAGE_MAX)
        return Response.json(self._page(table, record, to, limit, request.query.get("after")))

    def default(self, request: Request) -> Response:
        table, to = self._pair(request)
        record, target = _live(table, request.params["id"]), _live(to, request.params["target"])
        return Response.json(self._done([self._default_row(table, record, to, target)]))

    def put(self, request: Request) -> Response:
        table, to = self._pair(request)
        record, target = _live(table, request.params["id"]), _live(to, request.params["target"])
        specs = request.json()
        if not isinstance(specs, list):
            raise invalid("Invalid input JSON on line 1, column 1: an array is expected")
        return Response.json(self._add(table, record, to, target, specs), 201)

    def delete(self, request: Request) -> Response:
        table, to = self._pair(request)
        record, target = _live(table, request.params["id"]), _live(to, request.params["target"])
        self._portal.links.remove(table.kind.name, record.id, to.kind.name, target.id)
        return Response(204)

    def batch_read(self, request: Request) -> Response:
        table, to = self._pair(request)
        rows, errors = [], []
        for row in inputs_of(body_of(request), READ_MAX):
            record = table.find(int(row["id"])) if str(row.get("id")).isdigit() else None
            page: dict[str, Any] = {"results": []}
            if record is not None and record.alive:
                page = self._page(table, record, to, PAGE_MAX, str(row.get("after") or ""))
            if not page["results"]:
                errors.append(self._none(table, to, str(row.get("id"))))
                continue
            found = {"from": {"id": str(row["id"])}, "to": page["results"]}
            if "paging" in page:
                found["paging"] = page["paging"]
            rows.append(found)
        return self._batch(rows, errors, 200)

    def batch_create(self, request: Request) -> Response:
        table, to = self._pair(request)
        rows, errors = [], []
        for row in inputs_of(body_of(request), CREATE_MAX):
            try:
                record, target = _live(table, _id(row, "from")), _live(to, _id(row, "to"))
                rows.append(self._add(table, record, to, target, row.get("types") or []))
            except HubSpotError as problem:
                errors.append(problem.in_batch({"fromObjectId": [_id(row, "from")], "toObjectId": [_id(row, "to")]}))
        return self._batch(rows, errors, 201)

    def batch_default(self, request: Request) -> Response:
        table, to = self._pair(request)
        rows = [
            self._default_row(table, _live(table, _id(row, "from")), to, _live(to, _id(row, "to")))
            for row in inputs_of(body_of(request), CREATE_MAX)
        ]
        return Response.json(self._done(rows))

    def batch_archive(self, request: Request) -> Response:
        table, to = self._pair(request)
        for row in inputs_of(body_of(request), CREATE_MAX):
            record = table.find(int(_id(row, "from"))) if _id(row, "from").isdigit() else None
            for target in row.get("to") or []:
                if record is not None and str(target.get("id")).isdigit():
                    self._portal.links.remove(table.kind.name, record.id, to.kind.name, int(target["id"]))
        if "/v4/" in request.path:
            return Response(204)
        return Response.json(self._done([]))

    def labels(self, request: Request) -> Response:
        table, to = self._pair(request)
        plain, primary = LINKS[table.kind.name, to.kind.name]
        rows = [_spec(one) for one in (primary, plain) if one]
        return Response.json({"results": rows})

    def _pair(self, request: Request) -> tuple[Table, Table]:
        table, to = self._portal.table(request.params["type"]), self._portal.table(request.params["to"])
        if (table.kind.name, to.kind.name) not in LINKS:
            raise invalid(f"No association type exists from {table.kind.name} to {to.kind.name}")
        return table, to

    def _page(self, table: Table, record: Record, to: Table, limit: int, after: str) -> dict[str, Any]:
        start = int(after) if after.isdigit() else 0
        targets = sorted(self._portal.links.get(table.kind.name, record.id, to.kind.name).items())
        alive = [(number, types) for number, types in targets if to.rows[number].alive and number >= start]
        answer: dict[str, Any] = {
            "results": [
                {"toObjectId": str(number), "associationTypes": [_spec(one) for one in types]}
                for number, types in alive[:limit]
            ]
        }
        if len(alive) > limit:
            answer["paging"] = {"next": {"after": str(alive[limit][0])}}
        return answer

    def _add(self, table: Table, record: Record, to: Table, target: Record, specs: list[Any]) -> dict[str, Any]:
        types = type_ids(specs)
        known = LINKS[table.kind.name, to.kind.name]
        if not types or not set(types) <= set(known) - {0}:
            raise invalid(f"Association types {types} do not exist from {table.kind.name} to {to.kind.name}")
        held = self._portal.links.add(table.kind.name, record.id, to.kind.name, target.id, types)
        self._touch(table, record, to, target)
        return {
            "fromObjectTypeId": table.kind.type_id,
            "fromObjectId": str(record.id),
            "toObjectTypeId": to.kind.type_id,
            "toObjectId": str(target.id),
            "labels": ["Primary" for one in held if one in PRIMARY],
        }

    def _default_row(self, table: Table, record: Record, to: Table, target: Record) -> dict[str, Any]:
        self._portal.links.add(table.kind.name, record.id, to.kind.name, target.id)
        self._touch(table, record, to, target)
        plain = LINKS[table.kind.name, to.kind.name][0]
        return {
            "from": {"id": str(record.id)},
            "to": {"id": str(target.id)},
            "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": plain},
        }

    def _touch(self, table: Table, record: Record, to: Table, target: Record) -> None:
        touch_contact(self._portal, table, record)
        touch_contact(self._portal, to, target)

    def _none(self, table: Table, to: Table, number: str) -> dict[str, Any]:
        """What a record without associations answers; not a failure."""
        mine, other = table.kind.singular, to.kind.singular
        problem = HubSpotError(
            404,
            "OBJECT_NOT_FOUND",
            f"No {other} is associated with {mine} {number}.",
            sub_category="crm.associations.NO_ASSOCIATIONS_FOUND",
        )
        return problem.in_batch({"fromObjectId": [number], "fromObjectType": [mine], "toObjectType": [other]})

    def _done(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        now = iso(self._portal.now())
        return {"status": "COMPLETE", "results": rows, "startedAt": now, "completedAt": now}

    def _batch(self, rows: list[dict[str, Any]], errors: list[dict[str, Any]], status: int) -> Response:
        answer = self._done(rows)
        if errors:
            answer |= {"numErrors": len(errors), "errors": errors}
        return Response.json(answer, 207 if errors else status)


def _live(table: Table, text: str) -> Record:
    record = table.find(int(text)) if text.isdigit() else None
    if record is None or not record.alive:
        raise not_found(f"No {table.kind.singular} with id {text} exists")
    return record


def _id(row: dict[str, Any], key: str) -> str:
    end = row.get(key)
    return str(end.get("id")) if isinstance(end, dict) else ""


def _spec(type_id: int) -> dict[str, Any]:
    return {
        "category": "HUBSPOT_DEFINED",
        "typeId": type_id,
        "label": "Primary" if type_id in PRIMARY else None,
    }
