"""Batch endpoints: 100 inputs at most; 207 with an error per failed input that has a trace id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crmhub.sandbox.hubspot import life, writes
from crmhub.sandbox.hubspot.errors import HubSpotError, invalid, not_found
from crmhub.sandbox.hubspot.objects import create_one, resolve
from crmhub.sandbox.hubspot.paths import body_of, flag, names_of, versioned
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.records import Record
from crmhub.sandbox.hubspot.schema import iso
from crmhub.sandbox.messages import Request, Response, Router

BATCH_MAX = 100
HISTORY_MAX = 50
_GONE = "Could not get some {} objects, they may be deleted or not exist. Check that ids are valid."


class BatchesApi:
    """`/crm/v3/objects/{type}/batch/...` and the dated paths."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def routes(self, router: Router) -> None:
        for word, handler in (
            ("read", self.read),
            ("create", self.create),
            ("update", self.update),
            ("upsert", self.upsert),
            ("archive", self.archive),
        ):
            tail = f"{{type}}/batch/{word}"
            versioned(router, "POST", f"/crm/v3/objects/{tail}", f"/crm/objects/{{D}}/{tail}", handler)

    def read(self, request: Request) -> Response:
        portal, table = self._portal, self._portal.table(request.params["type"])
        wish = body_of(request)
        history = names_of(wish, "propertiesWithHistory")
        rows = inputs_of(wish, HISTORY_MAX if history else BATCH_MAX)
        name = wish.get("idProperty") or "hs_object_id"
        archived = flag(request, "archived")
        wanted = names_of(wish, "properties")
        found: dict[int, Record] = {}
        missing: list[str] = []
        for row in rows:
            record = resolve(portal, table, row.get("id"), name)
            if record is None or (record.archived_at is not None) != archived:
                missing.append(str(row.get("id")))
            else:
                found[record.id] = record
        shaped = [portal.shape(table, record, wanted, history) for _, record in sorted(found.items())]
        errors = []
        if missing:
            problem = HubSpotError(404, "OBJECT_NOT_FOUND", _GONE.format(table.kind.singular.upper()))
            errors = [problem.in_batch({"ids": missing})]
        return self._answer(shaped, errors, 200)

    def create(self, request: Request) -> Response:
        portal, table = self._portal, self._portal.table(request.params["type"])
        rows = inputs_of(body_of(request), BATCH_MAX)
        enforce = "/2026-09/" in request.path
        seen: set[str] = set()
        if not all(row.get("objectWriteTraceId") for row in rows):
            for row in rows:  # all or nothing: look at every one before the first is made
                values = writes.clean(portal, table, row.get("properties"), None)
                writes.require(portal, table, values, enforce)
                _no_twins(values, seen)

        def make(row: dict[str, Any]) -> dict[str, Any]:
            record = create_one(portal, table, row, enforce)
            return portal.shape(table, record, sorted(table.props(record)))

        return self._each(rows, make, 201)

    def update(self, request: Request) -> Response:
        portal, table = self._portal, self._portal.table(request.params["type"])
        rows = inputs_of(body_of(request), BATCH_MAX)
        enforce = "/2026-09/" in request.path
        targets: list[Record | None] = []
        for row in rows:
            name = str(row.get("idProperty") or "hs_object_id")
            if name == "email":
                raise invalid(f"Unable to perform update/upsert by non-unique {table.kind.type_id} property")
            targets.append(resolve(portal, table, row.get("id"), name))
        _no_doubles(targets)
        pairs = {id(row): target for row, target in zip(rows, targets, strict=True)}
        for row, target in zip(rows, targets, strict=True):
            if target is not None and not row.get("objectWriteTraceId"):
                writes.clean(portal, table, row.get("properties"), target)

        def change(row: dict[str, Any]) -> dict[str, Any]:
            target = pairs[id(row)]
            if target is None or not target.alive:
                problem = not_found(_GONE.format(table.kind.singular.upper()))
                problem.context = {"ids": [str(row.get("id"))]}
                raise problem
            values = writes.clean(portal, table, row.get("properties"), target)
            if enforce:
                writes.require_when(portal, table, values, table.props(target))
            writes.update(portal, table, target, values)
            return portal.shape(table, target, [*values, *table.kind.defaults])

        return self._each(rows, change, 200)

    def upsert(self, request: Request) -> Response:
        portal, table = self._portal, self._portal.table(request.params["type"])
        rows = inputs_of(body_of(request), BATCH_MAX)
        enforce = "/2026-09/" in request.path
        keys: list[tuple[str, str]] = []
        for row in rows:
            name = str(row.get("idProperty") or "hs_object_id")
            if name != "hs_object_id" and not writes.identifying(table, name):
                raise invalid(f"Unable to perform update/upsert by non-unique {table.kind.type_id} property")
            keys.append((name, str(row.get("id")).strip().lower() if name == "email" else str(row.get("id"))))
        if len(set(keys)) < len(keys):
            raise invalid("Duplicate IDs found in batch input. Only one write per record is allowed in a batch")
        _no_doubles([resolve(portal, table, value, name) for name, value in keys])

        def put(row: dict[str, Any]) -> dict[str, Any]:
            name = str(row.get("idProperty") or "hs_object_id")
            target = resolve(portal, table, row.get("id"), name)
            if target is not None and not target.alive:
                target = None
            wish = row.get("properties")
            if target is None:
                if name == "hs_object_id":
                    raise not_found()
                wish = {**wish, name: row.get("id")} if isinstance(wish, dict) else wish
                values = writes.clean(portal, table, wish, None)
                made = writes.create(portal, table, values, enforce=enforce)
                return {**portal.shape(table, made, sorted(table.props(made))), "new": True}
            values = writes.clean(portal, table, wish, target)
            if enforce:
                writes.require_when(portal, table, values, table.props(target))
            writes.update(portal, table, target, values)
            return {**portal.shape(table, target, [*values, *table.kind.defaults]), "new": False}

        for row in rows:
            if not row.get("objectWriteTraceId"):
                name = str(row.get("idProperty") or "hs_object_id")
                writes.clean(portal, table, row.get("properties"), resolve(portal, table, row.get("id"), name))
        return self._each(rows, put, 200)

    def archive(self, request: Request) -> Response:
        portal, table = self._portal, self._portal.table(request.params["type"])
        for row in inputs_of(body_of(request), BATCH_MAX):
            record = resolve(portal, table, row.get("id"), "hs_object_id")
            if record is not None:
                life.archive(portal, table, record)
        return Response(204)

    def _each(
        self, rows: list[dict[str, Any]], work: Callable[[dict[str, Any]], dict[str, Any]], status: int
    ) -> Response:
        """Do one input after the other; an input without trace id that fails, fails the request."""
        shaped: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for row in rows:
            trace = row.get("objectWriteTraceId")
            try:
                done = work(row)
            except HubSpotError as problem:
                if trace:
                    errors.append(problem.in_batch({"objectWriteTraceId": [str(trace)]}))
                elif problem.status == 404:
                    errors.append(problem.in_batch({}))
                else:
                    raise
                continue
            shaped.append({**done, "objectWriteTraceId": str(trace)} if trace else done)
        shaped.sort(key=lambda row: int(row["id"]))
        return self._answer(shaped, errors, status)

    def _answer(self, rows: list[dict[str, Any]], errors: list[dict[str, Any]], status: int) -> Response:
        now = iso(self._portal.now())
        answer: dict[str, Any] = {"status": "COMPLETE", "results": rows, "startedAt": now, "completedAt": now}
        if errors:
            answer["numErrors"] = len(errors)
            answer["errors"] = errors
            status = 207
        return Response.json(answer, status)


def inputs_of(wish: dict[str, Any], most: int) -> list[dict[str, Any]]:
    """`inputs` of a batch body; raises 400 when missing, malformed or too many."""
    rows = wish.get("inputs")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise invalid("Invalid input JSON on line 1, column 1: inputs must be an array of objects")
    if len(rows) > most:
        raise invalid(f"The maximum number of inputs supported in a batch request is {most}. Was {len(rows)}")
    return rows


def _no_twins(values: dict[str, str], seen: set[str]) -> None:
    email = values.get("email")
    if email and email in seen:
        raise HubSpotError(409, "CONFLICT", f"Contact already exists. Duplicate email in batch: {email}")
    if email:
        seen.add(email)


def _no_doubles(targets: list[Record | None]) -> None:
    """Two inputs for one record fail the whole request."""
    numbers = [target.id for target in targets if target is not None]
    doubled = sorted({number for number in numbers if numbers.count(number) > 1})
    if doubled:
        listed = ", ".join(map(str, doubled))
        raise invalid(
            f"Duplicate IDs found in batch input: [{listed}]. Only one write per record is allowed in a batch"
        )
