"""Lists and who is in them: marketing's seeded segments, and lists made later."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from crmhub.sandbox.campaigns import Segment, joined_at
from crmhub.sandbox.hubspot.records import Table
from crmhub.sandbox.hubspot.schema import iso
from crmhub.sandbox.world import World

_FIRST = 40
BIN_LIFE = 90 * 86_400_000


@dataclass(slots=True)
class List:
    """One list. `members` is worked out when first asked for, where a segment of the world is behind it."""

    number: int
    name: str
    type_id: str
    processing: str
    """MANUAL, DYNAMIC or SNAPSHOT."""
    created: int
    updated: int
    segment: Segment | None = None
    filters: dict[str, Any] | None = None
    version: int = 1
    deleted_at: int | None = None
    added_at: int | None = None
    removed_at: int | None = None
    members: dict[int, int] | None = None
    """record id -> when it joined, ms"""
    first_added: dict[int, int] = field(default_factory=dict)
    """record id -> when it joined for the first time, where that was before"""

    @property
    def id(self) -> str:
        return str(self.number)


class Lists:
    """Every list of one portal."""

    def __init__(self, world: World, tables: dict[str, Table]) -> None:
        self._world = world
        self._tables = {table.kind.type_id: table for table in tables.values()}
        self.all: dict[int, List] = {}
        for segment in world.segments:
            number = _FIRST + 3 * segment.number
            kind = "DYNAMIC" if segment.dynamic else "MANUAL"
            filters = _rule(segment.name) if segment.dynamic else None
            made = List(number, segment.name, "0-1", kind, segment.created_at, segment.created_at, segment, filters)
            self.all[number] = made

    def add(self, name: str, type_id: str, processing: str, filters: dict[str, Any] | None, now: int) -> List:
        number = max(self.all, default=_FIRST) + 1
        made = List(number, name, type_id, processing, now, now, None, filters, members={})
        self.all[number] = made
        return made

    def live(self, now: int) -> list[List]:
        """Lists in use; deleted ones can be restored for 90 days."""
        for number in [one.number for one in self.all.values() if one.deleted_at and now - one.deleted_at > BIN_LIFE]:
            del self.all[number]
        return [one for one in self.all.values() if one.deleted_at is None]

    def members(self, one: List) -> dict[int, int]:
        """id -> joined, of the records in use; a merged record is there as its survivor."""
        held = self._held(one)
        table = self._tables[one.type_id]
        gone = [number for number in held if not table.rows[number].alive]
        if not gone:
            return held
        found = {number: at for number, at in held.items() if table.rows[number].alive}
        for number in gone:
            survivor = table.find(number)
            if survivor is not None and survivor.alive:
                found[survivor.id] = min(held[number], found.get(survivor.id, held[number]))
        return found

    def join(self, one: List, number: int, now: int) -> bool:
        """-> whether the record was not in the list before."""
        held = self._held(one)
        if number in held:
            return False
        held[number] = one.added_at = now
        one.first_added.setdefault(number, now)
        return True

    def leave(self, one: List, number: int, now: int) -> bool:
        """-> whether the record was in the list."""
        held = self._held(one)
        joined = held.pop(number, None)
        if joined is None:
            return False
        one.removed_at = now
        one.first_added.setdefault(number, joined)
        return True

    def of(self, type_id: str, number: int, now: int) -> list[tuple[List, int]]:
        """The lists that a record is in, and when it joined them."""
        found: list[tuple[List, int]] = []
        for one in self.live(now):
            at = self.members(one).get(number) if one.type_id == type_id else None
            if at is not None:
                found.append((one, at))
        return found

    def _held(self, one: List) -> dict[int, int]:
        if one.members is None:
            assert one.segment is not None
            one.members = {}
            for number, record in self._tables[one.type_id].rows.items():
                at = joined_at(self._world, one.segment, record.seed) if record.seed is not None else None
                if at is not None:
                    one.members[number] = at
            one.added_at = max(one.members.values(), default=None)
        return one.members

    def as_json(self, one: List, filters: bool = False) -> dict[str, Any]:
        """The list itself, without its size."""
        found: dict[str, Any] = {
            "listId": one.id,
            "listVersion": one.version,
            "name": one.name,
            "objectTypeId": one.type_id,
            "processingType": one.processing,
            "processingStatus": "COMPLETE",
            "createdAt": iso(one.created),
            "updatedAt": iso(one.updated),
            "filtersUpdatedAt": iso(one.updated),
            "createdById": "7000001",
            "updatedById": "7000001",
        }
        if one.deleted_at is not None:
            found["deletedAt"] = iso(one.deleted_at)
        if filters and one.filters is not None:
            found["filterBranch"] = one.filters
        return found


def page_of(rows: list[tuple[int, int]], after: tuple[int, int] | None, limit: int) -> list[tuple[int, int]]:
    """Up to `limit` + 1 sorted rows after a cursor."""
    start = 0 if after is None else bisect_right(rows, after)
    return rows[start : start + limit + 1]


def _rule(name: str) -> dict[str, Any]:
    """How HubSpot's screens would show the rule of a seeded dynamic list."""
    prop, value = {
        "Customers": ("lifecyclestage", "customer"),
        "Marketing qualified": ("lifecyclestage", "marketingqualifiedlead"),
        "Directors and above": ("hs_seniority", "director"),
        "Interested in security": ("product_interest", "security"),
        "Germany": ("country", "Germany"),
    }[name]
    operation = {
        "operationType": "MULTISTRING",
        "operator": "IS_EQUAL_TO",
        "values": [value],
        "includeObjectsWithNoValueSet": False,
    }
    inner = {
        "filterBranchType": "AND",
        "filterBranchOperator": "AND",
        "filterBranches": [],
        "filters": [{"filterType": "PROPERTY", "property": prop, "operation": operation}],
    }
    return {"filterBranchType": "OR", "filterBranchOperator": "OR", "filterBranches": [inner], "filters": []}
