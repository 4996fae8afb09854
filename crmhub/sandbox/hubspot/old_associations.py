"""Associations v3, which older clients still use: types have names instead of numbers."""

from __future__ import annotations

from typing import Any

from crmhub.sandbox.hubspot import life
from crmhub.sandbox.hubspot.batches import inputs_of
from crmhub.sandbox.hubspot.errors import HubSpotError, invalid
from crmhub.sandbox.hubspot.kinds import LINKS
from crmhub.sandbox.hubspot.objects import resolve
from crmhub.sandbox.hubspot.paths import body_of
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.records import Record, Table
from crmhub.sandbox.hubspot.schema import iso
from crmhub.sandbox.messages import Request, Response, Router

READ_MAX, WRITE_MAX = 1000, 2000


class OldAssociationsApi:
    """`/crm/v3/associations/{from}/{to}/...`; a batch read shows the first 500 of each record."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def routes(self, router: Router) -> None:
        root = "/crm/v3/associations/{type}/{to}"
        router.add("GET", f"{root}/types", self.types)
        router.add("POST", f"{root}/batch/read", self.read)
        router.add("POST", f"{root}/batch/create", self.create)
        router.add("POST", f"{root}/batch/archive", self.archive)

    def types(self, request: Request) -> Response:
        table, to = self._pair(request)
        rows = [{"id": str(number), "name": name} for name, number in self._names(table, to).items()]
        return Response.json({"results": rows})

    def read(self, request: Request) -> Response:
        table, to = self._pair(request)
        rows: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        names = {number: name for name, number in self._names(table, to).items()}
        for wish in inputs_of(body_of(request), READ_MAX):
            record = resolve(self._portal, table, wish.get("id"), "hs_object_id")
            held = (
                self._portal.links.live(table.kind.name, record.id, to.kind.name)
                if record is not None and record.alive
                else []
            )
            ends = [{"id": str(number), "type": names[one]} for number, types in held[:500] for one in types]
            if ends:
                rows.append({"from": {"id": str(wish["id"])}, "to": ends})
            else:
                message = f"No {to.kind.singular} is associated with {table.kind.singular} {wish.get('id')}."
                problem = HubSpotError(
                    404, "OBJECT_NOT_FOUND", message, sub_category="crm.associations.NO_ASSOCIATIONS_FOUND"
                )
                errors.append(problem.in_batch({"fromObjectId": [str(wish.get("id"))]}))
        return self._done(rows, errors, 200)

    def create(self, request: Request) -> Response:
        table, to = self._pair(request)
        names = self._names(table, to)
        rows: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for wish in inputs_of(body_of(request), WRITE_MAX):
            name = str(wish.get("type"))
            kind = names.get(name, int(name) if name.isdecimal() and int(name) in names.values() else 0)
            ends = self._ends(table, to, wish)
            if kind == 0 or ends is None:
                problem = invalid(f"{name} is not an association type, or one of the records does not exist")
                errors.append(problem.in_batch({}))
                continue
            life.associate(self._portal, (table, ends[0], to, ends[1]), [kind])
            rows.append({"from": {"id": str(ends[0].id)}, "to": {"id": str(ends[1].id)}, "type": name})
        return self._done(rows, errors, 201)

    def archive(self, request: Request) -> Response:
        table, to = self._pair(request)
        for wish in inputs_of(body_of(request), WRITE_MAX):
            ends = self._ends(table, to, wish)
            if ends is not None:
                life.dissociate(self._portal, (table, ends[0], to, ends[1]))
        return Response(204)

    def _pair(self, request: Request) -> tuple[Table, Table]:
        table, to = self._portal.table(request.params["type"]), self._portal.table(request.params["to"])
        if (table.kind.name, to.kind.name) not in LINKS:
            raise invalid(f"No association type exists from {table.kind.name} to {to.kind.name}")
        return table, to

    def _names(self, table: Table, to: Table) -> dict[str, int]:
        """The name of each type from one kind to the other."""
        words = (table.kind.singular, to.kind.singular)
        found: dict[str, int] = {}
        for spec in self._portal.labels.all(table.kind.name, to.kind.name):
            found[self._portal.labels.word(table.kind.name, to.kind.name, spec["typeId"], words)] = spec["typeId"]
        return found

    def _ends(self, table: Table, to: Table, wish: dict[str, Any]) -> tuple[Record, Record] | None:
        found: list[Record] = []
        for side, key in ((table, "from"), (to, "to")):
            end = wish.get(key)
            record = resolve(self._portal, side, end.get("id"), "hs_object_id") if isinstance(end, dict) else None
            if record is None or not record.alive:
                return None
            found.append(record)
        return found[0], found[1]

    def _done(self, rows: list[dict[str, Any]], errors: list[dict[str, Any]], status: int) -> Response:
        now = iso(self._portal.now())
        answer: dict[str, Any] = {"status": "COMPLETE", "results": rows, "startedAt": now, "completedAt": now}
        if errors:
            answer |= {"numErrors": len(errors), "errors": errors}
        return Response.json(answer, 207 if errors else status)
