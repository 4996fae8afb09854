"""Associations v4: read, add and remove links between records, one at a time and in batches."""

from __future__ import annotations

from typing import Any

from crmhub.sandbox.hubspot import life
from crmhub.sandbox.hubspot.batches import inputs_of
from crmhub.sandbox.hubspot.errors import HubSpotError, invalid, not_found
from crmhub.sandbox.hubspot.kinds import LINKS
from crmhub.sandbox.hubspot.labels import Label
from crmhub.sandbox.hubspot.objects import resolve, type_ids
from crmhub.sandbox.hubspot.paths import body_of, rows_of, versioned, whole_number
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
            ("POST", "batch/labels/archive", self.batch_unlabel),
            ("GET", "labels", self.labels),
            ("POST", "labels", self.create_label),
            ("PUT", "labels", self.update_label),
            ("DELETE", "labels/{label}", self.delete_label),
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
        record = self._live(table, request.params["id"])
        limit = whole_number(request.query.get("limit"), "limit", 1, PAGE_MAX, PAGE_MAX)
        return Response.json(self._page(table, record, to, limit, request.query.get("after")))

    def default(self, request: Request) -> Response:
        table, to = self._pair(request)
        record, target = self._live(table, request.params["id"]), self._live(to, request.params["target"])
        return Response.json(self._done([self._default_row(table, record, to, target)]))

    def put(self, request: Request) -> Response:
        table, to = self._pair(request)
        record, target = self._live(table, request.params["id"]), self._live(to, request.params["target"])
        specs = request.json()
        if not isinstance(specs, list):
            raise invalid("Invalid input JSON on line 1, column 1: an array is expected")
        return Response.json(self._add(table, record, to, target, specs), 201)

    def delete(self, request: Request) -> Response:
        table, to = self._pair(request)
        record, target = self._live(table, request.params["id"]), self._live(to, request.params["target"])
        life.dissociate(self._portal, (table, record, to, target))
        return Response(204)

    def batch_read(self, request: Request) -> Response:
        table, to = self._pair(request)
        rows, errors = [], []
        for row in inputs_of(body_of(request), READ_MAX):
            record = resolve(self._portal, table, row.get("id"), "hs_object_id")
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
                record, target = self._live(table, _id(row, "from")), self._live(to, _id(row, "to"))
                rows.append(self._add(table, record, to, target, row.get("types") or []))
            except HubSpotError as problem:
                errors.append(problem.in_batch({"fromObjectId": [_id(row, "from")], "toObjectId": [_id(row, "to")]}))
        return self._batch(rows, errors, 201)

    def batch_default(self, request: Request) -> Response:
        table, to = self._pair(request)
        rows = [
            self._default_row(table, self._live(table, _id(row, "from")), to, self._live(to, _id(row, "to")))
            for row in inputs_of(body_of(request), CREATE_MAX)
        ]
        return Response.json(self._done(rows))

    def batch_archive(self, request: Request) -> Response:
        table, to = self._pair(request)
        for row in inputs_of(body_of(request), CREATE_MAX):
            record = resolve(self._portal, table, _id(row, "from"), "hs_object_id")
            for end in rows_of(row, "to"):
                target = resolve(self._portal, to, end.get("id"), "hs_object_id")
                if record is not None and target is not None:
                    life.dissociate(self._portal, (table, record, to, target))
        return self._gone(request)

    def batch_unlabel(self, request: Request) -> Response:
        table, to = self._pair(request)
        for row in inputs_of(body_of(request), CREATE_MAX):
            record, target = self._live(table, _id(row, "from")), self._live(to, _id(row, "to"))
            types = type_ids(self._portal, table.kind.name, to.kind.name, row.get("types"))
            self._portal.links.unlabel(table.kind.name, record.id, to.kind.name, target.id, types)
        return self._gone(request)

    def labels(self, request: Request) -> Response:
        table, to = self._pair(request)
        return Response.json({"results": self._portal.labels.all(table.kind.name, to.kind.name)})

    def create_label(self, request: Request) -> Response:
        table, to = self._pair(request)
        wish = body_of(request)
        name, label, inverse = (wish.get(key) for key in ("name", "label", "inverseLabel"))
        if not isinstance(name, str) or not isinstance(label, str) or not isinstance(inverse or "", str):
            raise invalid("Invalid input JSON: a label needs name and label")
        if self._portal.labels.named(table.kind.name, to.kind.name, name) is not None:
            raise HubSpotError(409, "CONFLICT", f"An association label named {name} already exists")
        made = self._portal.labels.add(table.kind.name, to.kind.name, name, label, inverse or "")
        return Response.json({"results": [self._portal.labels.spec(one.type_id) for one in made]})

    def update_label(self, request: Request) -> Response:
        wish = body_of(request)
        label = self._label(request, wish.get("associationTypeId"))
        label.label = str(wish.get("label") or label.label)
        return Response(204)

    def delete_label(self, request: Request) -> Response:
        table, to = self._pair(request)
        label = self._label(request, request.params["label"])
        for number in table.ids:
            for target in list(self._portal.links.get(table.kind.name, number, to.kind.name)):
                self._portal.links.unlabel(table.kind.name, number, to.kind.name, target, [label.type_id])
        self._portal.labels.drop(table.kind.name, to.kind.name, label.type_id)
        return Response(204)

    def _label(self, request: Request, number: Any) -> Label:
        table, to = self._pair(request)
        label = self._portal.labels.get(table.kind.name, to.kind.name, int(number)) if str(number).isdecimal() else None
        if label is None:
            raise not_found(f"Association label {number} does not exist")
        return label

    def _gone(self, request: Request) -> Response:
        """What an archive answers: nothing in v4, a batch under dated paths."""
        return Response(204) if "/v4/" in request.path else Response.json(self._done([]))

    def _live(self, table: Table, text: str) -> Record:
        record = resolve(self._portal, table, text, "hs_object_id")
        if record is None or not record.alive:
            raise not_found(f"No {table.kind.singular} with id {text} exists")
        return record

    def _pair(self, request: Request) -> tuple[Table, Table]:
        table, to = self._portal.table(request.params["type"]), self._portal.table(request.params["to"])
        if (table.kind.name, to.kind.name) not in LINKS:
            raise invalid(f"No association type exists from {table.kind.name} to {to.kind.name}")
        return table, to

    def _page(self, table: Table, record: Record, to: Table, limit: int, after: str) -> dict[str, Any]:
        start = int(after) if after.isdecimal() else 0
        labels, rows = self._portal.labels, to.rows
        alive = [
            (number, types)
            for number, types in self._portal.links.live(table.kind.name, record.id, to.kind.name)
            if number >= start and self._portal.sees(rows[number])
        ]
        answer: dict[str, Any] = {
            "results": [
                {"toObjectId": str(number), "associationTypes": [labels.spec(one) for one in types]}
                for number, types in alive[:limit]
            ]
        }
        if len(alive) > limit:
            answer["paging"] = {"next": {"after": str(alive[limit][0])}}
        return answer

    def _add(self, table: Table, record: Record, to: Table, target: Record, specs: list[Any]) -> dict[str, Any]:
        types = type_ids(self._portal, table.kind.name, to.kind.name, specs)
        if not types:
            raise invalid("At least one association type is required")
        held = life.associate(self._portal, (table, record, to, target), types)
        labels = [self._portal.labels.spec(one)["label"] for one in held]
        return {
            "fromObjectTypeId": table.kind.type_id,
            "fromObjectId": str(record.id),
            "toObjectTypeId": to.kind.type_id,
            "toObjectId": str(target.id),
            "labels": [label for label in labels if label],
        }

    def _default_row(self, table: Table, record: Record, to: Table, target: Record) -> dict[str, Any]:
        life.associate(self._portal, (table, record, to, target))
        plain = LINKS[table.kind.name, to.kind.name][0]
        return {
            "from": {"id": str(record.id)},
            "to": {"id": str(target.id)},
            "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": plain},
        }

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


def _id(row: dict[str, Any], key: str) -> str:
    end = row.get(key)
    return str(end.get("id")) if isinstance(end, dict) else ""
