"""The lists API v3: find, make, change and delete lists, and read and write who is in them."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from crmhub.sandbox.hubspot.errors import HubSpotError, invalid, not_found
from crmhub.sandbox.hubspot.kinds import ALIASES, KINDS
from crmhub.sandbox.hubspot.lists import List, page_of
from crmhub.sandbox.hubspot.objects import resolve
from crmhub.sandbox.hubspot.paths import body_of, flag, names_of, versioned, whole_number
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.schema import iso
from crmhub.sandbox.messages import Request, Response, Router

SEARCH_MAX, OFFSET_MAX, PAGE_MAX, CHANGE_MAX = 500, 10_000, 250, 100_000
_SORTS = {
    "HS_LIST_ID": lambda one: one.number,
    "HS_CREATED_AT": lambda one: (one.created, one.number),
    "HS_UPDATED_AT": lambda one: (one.updated, one.number),
    "HS_NAME": lambda one: one.name.lower(),
}


class ListsApi:
    """`/crm/v3/lists` and the dated paths."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def routes(self, router: Router) -> None:
        for method, tail, handler in (
            ("GET", "", self.some),
            ("POST", "", self.create),
            ("POST", "/search", self.search),
            ("GET", "/{list}", self.get),
            ("DELETE", "/{list}", self.delete),
            ("PUT", "/{list}/restore", self.restore),
            ("PUT", "/{list}/update-list-name", self.rename),
            ("GET", "/object-type-id/{type}/name/{name}", self.by_name),
            ("GET", "/{list}/memberships", self.members),
            ("GET", "/{list}/memberships/join-order", self.by_join),
            ("DELETE", "/{list}/memberships", self.empty),
            ("PUT", "/{list}/memberships/add", self.add),
            ("PUT", "/{list}/memberships/remove", self.remove),
            ("PUT", "/{list}/memberships/add-and-remove", self.add_and_remove),
            ("PUT", "/{list}/memberships/add-from/{source}", self.add_from),
            ("GET", "/records/{type}/{id}/memberships", self.of_record),
        ):
            versioned(router, method, f"/crm/v3/lists{tail}", f"/crm/lists/{{D}}{tail}", handler)

    def search(self, request: Request) -> Response:
        wish = body_of(request)
        count, offset = wish.get("count") or 20, wish.get("offset") or 0
        if not isinstance(count, int) or not 1 <= count <= SEARCH_MAX:
            raise invalid(f"count must be between 1 and {SEARCH_MAX}: was {count}")
        if not isinstance(offset, int) or offset < 0 or offset + count > OFFSET_MAX:
            raise invalid(f"List search results are limited to {OFFSET_MAX}: offset {offset} with count {count}")
        found = self._portal.lists.live(self._portal.now())
        text, types = str(wish.get("query") or "").lower(), names_of(wish, "processingTypes")
        ids, kind = names_of(wish, "listIds"), wish.get("objectTypeId")
        found = [
            one
            for one in found
            if text in one.name.lower()
            and (not types or one.processing in types)
            and (not ids or one.id in ids)
            and (not kind or one.type_id == kind)
        ]
        sort = str(wish.get("sort") or "HS_LIST_ID")
        if sort.removeprefix("-") not in _SORTS:
            raise invalid(f"sort {sort} is none of: {', '.join(_SORTS)}")
        found.sort(key=_SORTS[sort.removeprefix("-")], reverse=sort.startswith("-"))
        page = found[offset : offset + count]
        return Response.json(
            {
                "lists": [{**self._portal.lists.as_json(one), "additionalProperties": self._more(one)} for one in page],
                "hasMore": offset + count < len(found),
                "offset": offset + len(page),
                "total": len(found),
            }
        )

    def some(self, request: Request) -> Response:
        """The lists with these ids."""
        ids = set(request.query.names("listIds"))
        held = [one for one in self._portal.lists.live(self._portal.now()) if not ids or one.id in ids]
        return Response.json({"lists": [self._whole(one, flag(request, "includeFilters")) for one in held]})

    def get(self, request: Request) -> Response:
        return Response.json({"list": self._whole(self._one(request), flag(request, "includeFilters"))})

    def by_name(self, request: Request) -> Response:
        type_id, name = self._type(request.params["type"]), request.params["name"]
        for one in self._portal.lists.live(self._portal.now()):
            if one.type_id == type_id and one.name == name:
                return Response.json({"list": self._whole(one, flag(request, "includeFilters"))})
        raise not_found(f"List with name {name} does not exist")

    def create(self, request: Request) -> Response:
        wish = body_of(request)
        name, processing, filters = wish.get("name"), wish.get("processingType"), wish.get("filterBranch")
        if not isinstance(name, str) or not name:
            raise invalid("Invalid input JSON: name is required to create a list")
        if processing not in ("MANUAL", "DYNAMIC", "SNAPSHOT"):
            raise invalid(f"processingType {processing} is none of: MANUAL, DYNAMIC, SNAPSHOT")
        if processing == "DYNAMIC" and not isinstance(filters, dict):
            raise invalid("filterBranch is required for DYNAMIC lists")
        if processing == "MANUAL" and filters is not None:
            raise invalid("MANUAL lists cannot have a filterBranch")
        type_id = self._type(str(wish.get("objectTypeId")))
        if any(one.name == name and one.type_id == type_id for one in self._portal.lists.live(self._portal.now())):
            raise HubSpotError(400, "VALIDATION_ERROR", f"A list named '{name}' already exists.",
                               sub_category="ILS.DUPLICATE_LIST_NAMES")  # fmt: skip
        made = self._portal.lists.add(name, type_id, processing, filters, self._portal.now())
        return Response.json({"list": self._whole(made, True)})

    def delete(self, request: Request) -> Response:
        self._one(request).deleted_at = self._portal.now()
        return Response(204)

    def restore(self, request: Request) -> Response:
        one = self._find(request.params["list"])
        if one is None or one.deleted_at is None:
            raise not_found(f"No deleted list with id {request.params['list']}")
        one.deleted_at = None
        return Response(204)

    def rename(self, request: Request) -> Response:
        one, name = self._one(request), request.query.get("listName")
        if not name:
            raise invalid("listName is required")
        one.name, one.updated, one.version = name, self._portal.now(), one.version + 1
        return Response.json({"updatedList": self._whole(one, flag(request, "includeFilters"))})

    def members(self, request: Request) -> Response:
        """By record id."""
        held = self._portal.lists.members(self._one(request))
        return self._page(request, sorted((number, number) for number in held), held)

    def by_join(self, request: Request) -> Response:
        """By the time of joining, oldest first."""
        held = self._portal.lists.members(self._one(request))
        return self._page(request, sorted((at, number) for number, at in held.items()), held)

    def add(self, request: Request) -> Response:
        return self._change(request, _ids(request.json()), [])

    def remove(self, request: Request) -> Response:
        return self._change(request, [], _ids(request.json()))

    def add_and_remove(self, request: Request) -> Response:
        wish = body_of(request)
        return self._change(request, _ids(wish.get("recordIdsToAdd")), _ids(wish.get("recordIdsToRemove")))

    def add_from(self, request: Request) -> Response:
        one, source = self._writable(request), self._find(request.params["source"])
        if source is None or source.type_id != one.type_id:
            raise not_found(f"List {request.params['source']} does not exist")
        for number in self._portal.lists.members(source):
            self._portal.lists.join(one, number, self._portal.now())
        return Response(204)

    def empty(self, request: Request) -> Response:
        one = self._writable(request)
        for number in list(self._portal.lists.members(one)):
            self._portal.lists.leave(one, number, self._portal.now())
        return Response(204)

    def of_record(self, request: Request) -> Response:
        type_id = self._type(request.params["type"])
        table = self._portal.tables[ALIASES[type_id]]
        record = resolve(self._portal, table, request.params["id"], "hs_object_id")
        if record is None or not record.alive:
            raise not_found(f"No {table.kind.singular} with id {request.params['id']} exists")
        rows = [
            {
                "listId": one.id,
                "listVersion": one.version,
                "firstAddedTimestamp": iso(one.first_added.get(record.id, at)),
                "lastAddedTimestamp": iso(at),
            }
            for one, at in self._portal.lists.of(type_id, record.id, self._portal.now())
        ]
        return Response.json({"results": rows, "total": len(rows)})

    def _page(self, request: Request, rows: list[tuple[int, int]], held: dict[int, int]) -> Response:
        query, table = request.query, self._portal.tables[ALIASES[self._one(request).type_id]]
        limit = whole_number(query.get("limit"), "limit", 1, PAGE_MAX, 100)
        seen = [row for row in rows if self._portal.sees(table.rows[row[1]])]
        found = page_of(seen, _place(query.get("after")), limit)
        answer: dict[str, Any] = {
            "total": len(seen),
            "results": [
                {"recordId": str(number), "membershipTimestamp": iso(held[number])} for _, number in found[:limit]
            ],
        }
        if len(found) > limit:
            key = f"{found[limit - 1][0]}|{found[limit - 1][1]}"
            after = base64.urlsafe_b64encode(key.encode()).decode()
            link = f"https://api.hubapi.com{request.path}?limit={limit}&after={after}"
            answer["paging"] = {"next": {"after": after, "link": link}}
        return Response.json(answer)

    def _change(self, request: Request, adding: list[str], removing: list[str]) -> Response:
        one = self._writable(request)
        if len(adding) + len(removing) > CHANGE_MAX:
            raise invalid(f"At most {CHANGE_MAX} records can be changed in one request")
        lists, now, table = self._portal.lists, self._portal.now(), self._portal.tables[ALIASES[one.type_id]]
        added: list[str] = []
        removed: list[str] = []
        missing: list[str] = []
        for text, work, done in (
            *((text, lists.join, added) for text in adding),
            *((text, lists.leave, removed) for text in removing),
        ):
            record = resolve(self._portal, table, text, "hs_object_id")
            if record is None or not record.alive:
                missing.append(text)
            elif work(one, record.id, now):
                done.append(str(record.id))
        # the first name is spelt so by HubSpot itself
        return Response.json({"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing})

    def _writable(self, request: Request) -> List:
        one = self._one(request)
        if one.processing == "DYNAMIC":
            raise HubSpotError(
                400,
                "VALIDATION_ERROR",
                f"List {one.id} has processing type DYNAMIC; its memberships cannot be changed by hand.",
                sub_category="ILS.INVALID_PROCESSING_TYPE",
            )
        return one

    def _one(self, request: Request) -> List:
        one = self._find(request.params["list"])
        if one is None or one.deleted_at is not None:
            raise not_found(f"List with id {request.params['list']} does not exist")
        return one

    def _find(self, text: str) -> List | None:
        return self._portal.lists.all.get(int(text)) if text.isdecimal() else None

    def _whole(self, one: List, filters: bool) -> dict[str, Any]:
        return {**self._portal.lists.as_json(one, filters), "size": len(self._portal.lists.members(one))}

    def _more(self, one: List) -> dict[str, str]:
        """What a search tells without being asked."""
        found = {"hs_list_size": str(len(self._portal.lists.members(one))), "hs_list_reference_count": "0"}
        for name, at in (("added", one.added_at), ("removed", one.removed_at)):
            if at is not None:
                found[f"hs_last_record_{name}_at"] = str(at)
        return found

    @staticmethod
    def _type(text: str) -> str:
        if text not in ALIASES:
            raise invalid(f"objectTypeId {text} is not an object type")
        return KINDS[ALIASES[text]].type_id


def _ids(wish: Any) -> list[str]:
    if wish is None:
        return []
    if not isinstance(wish, list) or not all(isinstance(one, str | int) for one in wish):
        raise invalid("Invalid input JSON on line 1, column 1: an array of record ids is expected")
    return [str(one) for one in dict.fromkeys(wish)]


def _place(text: str) -> tuple[int, int] | None:
    """The row that a cursor points after; raises 400."""
    if not text:
        return None
    try:
        first, _, second = base64.urlsafe_b64decode(text.encode()).decode().partition("|")
    except (binascii.Error, ValueError):
        first = second = ""
    if not first.isdecimal() or not second.isdecimal():
        raise invalid(f"The after value {text} is not valid")
    return int(first), int(second)
