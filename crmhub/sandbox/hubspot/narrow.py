"""Which records a search has to look at, and searches by id and time alone, for which none is computed."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from crmhub.sandbox.hubspot.records import Record, Table
from crmhub.sandbox.hubspot.schema import to_ms

_TOP = 1 << 62
_BOUNDS = frozenset(("EQ", "GT", "GTE", "LT", "LTE", "BETWEEN"))
_HOLDS = _BOUNDS | {"IN", "HAS_PROPERTY", "CONTAINS_TOKEN"}
"""Operators that only a record with a value can pass."""


class Box(NamedTuple):
    """Inclusive bounds of one filter group on modification time, id and creation time."""

    low: int = -_TOP
    high: int = _TOP
    first: int = -_TOP
    last: int = _TOP
    since: int = -_TOP
    until: int = _TOP

    def holds(self, updated: int, record: Record) -> bool:
        return (
            self.low <= updated <= self.high
            and self.first <= record.id <= self.last
            and self.since <= record.created <= self.until
        )


def boxes_of(table: Table, groups: list[list[dict[str, Any]]]) -> list[Box] | None:
    """The groups as bounds (none: everything); None when a filter asks for anything else."""
    found: list[Box] = []
    for group in groups or [[]]:
        box = Box()
        for one in group:
            place = place_of(table, str(one.get("propertyName")))
            bounds = None if place is None else _bounds(one, is_id=place == 2)
            if place is None or bounds is None:
                return None
            values = list(box)
            values[place] = max(values[place], bounds[0])
            values[place + 1] = min(values[place + 1], bounds[1])
            box = Box(*values)
        found.append(box)
    return found


def place_of(table: Table, name: str) -> int | None:
    """Where a Box bounds this property; None for a property that is computed."""
    if name == table.kind.modified:
        return 0
    if name == "hs_object_id":
        return 2
    return 4 if name in ("hs_createdate", "createdate") and name in table.properties else None


def inside(table: Table, boxes: list[Box]) -> list[tuple[int, int]]:
    """(modified, id) of the indexed records in any of the boxes, by time."""
    rows = table.rows
    if len(boxes) == 1:
        box = boxes[0]
        entries = table.indexed(max(box.low, 0), box.high if box.high < _TOP else None)
        if box[4:] == Box()[4:]:
            return [entry for entry in entries if box.first <= entry[1] <= box.last]
        return [entry for entry in entries if box.holds(entry[0], rows[entry[1]])]
    low = max(0, min(box.low for box in boxes))
    return [entry for entry in table.indexed(low, None) if any(box.holds(entry[0], rows[entry[1]]) for box in boxes)]


def holders(table: Table, groups: list[list[dict[str, Any]]]) -> set[int] | None:
    """Ids outside of which no record can pass a single group; None when all may. No index of values is needed:
    a unique value has its holder, and a property that the seeded records never had is only on written ones.
    """
    for one in groups[0] if len(groups) == 1 else []:
        name, operator = str(one.get("propertyName")), one.get("operator")
        if operator == "EQ" and name in table.unique:
            value = str(one.get("value"))
            holder = table.unique[name].get(value.strip().lower() if name == "email" else value)
            return set(table.pending) | ({holder} if holder is not None else set())
        if operator in _HOLDS and _is_new(table, name):
            return set(table.written)
    return None


def known(table: Table, numbers: set[int]) -> list[tuple[int, int]]:
    """(modified, id) of those of these records that search knows, by id."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        wait, record = table.pending.get(number), table.rows[number]
        if wait is None and record.alive:
            found.append((record.updated, number))
        elif wait is not None and wait.shown is not None:
            found.append((wait.shown[1], number))
    return found


def _is_new(table: Table, name: str) -> bool:
    """Whether a property was made after the start, so that no seeded record has a value."""
    prop = table.properties[name]
    return name not in table.seeded_names and not prop.hubspot_defined and prop.formula is None


def _bounds(one: dict[str, Any], is_id: bool) -> tuple[int, int] | None:
    """The inclusive span that a filter asks for; None for one that is no span."""
    operator = one.get("operator")
    value = _number(one.get("value"), is_id)
    high = _number(one.get("highValue"), is_id) if operator == "BETWEEN" else value
    if operator not in _BOUNDS or value is None or high is None:
        return None
    if operator == "GT":
        return math.floor(value) + 1, _TOP
    if operator == "LT":
        return -_TOP, math.ceil(value) - 1
    low_open, high_open = operator in ("LTE",), operator in ("GTE",)
    return -_TOP if low_open else math.ceil(value), _TOP if high_open else math.floor(high)


def _number(value: Any, is_id: bool) -> float | int | None:
    text = str(value)
    if not is_id:
        return to_ms(text)
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        return None
