"""`POST .../search`: filters, one sort, 10,000 results at most, on an index that lags behind the records."""

from __future__ import annotations

import fnmatch
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import orjson

from crmhub.sandbox.hubspot.errors import HubSpotError, invalid
from crmhub.sandbox.hubspot.kinds import ALIASES, LINKS
from crmhub.sandbox.hubspot.narrow import Box, boxes_of, holders, inside, known, place_of
from crmhub.sandbox.hubspot.paths import body_of, names_of, rows_of, versioned
from crmhub.sandbox.hubspot.portal import LINKED, Portal
from crmhub.sandbox.hubspot.records import Table
from crmhub.sandbox.hubspot.schema import Property, iso, to_ms
from crmhub.sandbox.messages import Request, Response, Router

PAGE_MAX = 200
RESULT_MAX = 10_000
GROUPS_MAX, FILTERS_MAX, TOTAL_MAX, TEXT_MAX = 5, 6, 18, 3000
_QUERY_FIELDS = ("email", "firstname", "lastname", "phone", "company", "name", "domain", "dealname")
_TIES = "associations."
Row = dict[str, str]
"""Properties of a record as the index knows them, `stamps` included."""
Test = Callable[[Row], bool]
_OPERATORS = frozenset(
    ("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY",
     "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN")
)  # fmt: skip


class SearchApi:
    """`/crm/v3/objects/{type}/search` and the dated paths."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._results: OrderedDict[bytes, tuple[int, list[int]]] = OrderedDict()
        """search -> (how many in all, ids of those that can be paged to)"""

    def routes(self, router: Router) -> None:
        tail = "{type}/search"
        versioned(router, "POST", f"/crm/v3/objects/{tail}", f"/crm/objects/{{D}}/{tail}", self.search)

    def search(self, request: Request) -> Response:
        table = self._portal.table(request.params["type"])
        wish = body_of(request)
        limit = wish.get("limit")
        limit = 10 if limit in (None, 0) else limit
        if not isinstance(limit, int) or not 1 <= limit <= PAGE_MAX:
            raise invalid(f"limit must be between 1 and {PAGE_MAX}: was {limit}")
        text = str(wish.get("after") or "0")
        if not text.isdecimal():
            raise invalid(f"The after value {text} is not valid")
        after = int(text)
        if after + limit > RESULT_MAX:
            raise invalid(f"Search results are limited to {RESULT_MAX}: after {after} with limit {limit} goes beyond")
        table.settle(self._portal.now())
        total, numbers = self._matching(table, wish)
        page = numbers[after : after + limit]
        wanted = names_of(wish, "properties")
        answer: dict[str, Any] = {
            "total": total,
            "results": [self._shape(table, number, wanted) for number in page],
        }
        if after + limit < total:
            answer["paging"] = {"next": {"after": str(after + limit)}}
        return Response.json(answer)

    def _shape(self, table: Table, number: int, wanted: list[str]) -> dict[str, Any]:
        """A record as the index knows it."""
        record = table.rows[number]
        shaped = self._portal.shape(table, record, wanted)
        wait = table.pending.get(number)
        if wait is not None and wait.shown is not None:
            props, updated = wait.shown
            stamps = table.stamps(record, updated, props)
            for name in shaped["properties"]:
                if name not in LINKED.get(table.kind.name, ()):
                    shaped["properties"][name] = stamps[name] if name in stamps else props.get(name)
            shaped["updatedAt"] = iso(updated)
        if not self._portal.switches.merged_ids_in_search and "hs_merged_object_ids" in shaped["properties"]:
            shaped["properties"]["hs_merged_object_ids"] = None
        return shaped

    def _matching(self, table: Table, wish: dict[str, Any]) -> tuple[int, list[int]]:
        """How many results there are, and the ids of the first 10,000; pages of one search share one evaluation."""
        asked = {key: wish.get(key) for key in ("filterGroups", "sorts", "query")}
        key = orjson.dumps([table.kind.name, table.version, self._portal.sight, asked])
        if key in self._results:
            self._results.move_to_end(key)
            return self._results[key]
        groups = _groups(wish.get("filterGroups"))
        tests = [[_tied(self._portal, table, one) or _test(table, one) for one in group] for group in groups]
        words = str(wish.get("query") or "").lower().split()
        direction, sort = _sort(table, wish.get("sorts"))
        boxes = None if words else boxes_of(table, groups)
        if boxes is not None and place_of(table, sort) is not None:
            numbers = self._by_stamps(table, boxes, sort, direction == "DESCENDING")
        else:
            found = self._by_values(table, groups, tests, words, sort)
            found.sort(reverse=direction == "DESCENDING")
            numbers = [number for _, number in found]
        self._results[key] = (len(numbers), numbers[:RESULT_MAX])
        if len(self._results) > 8:
            self._results.popitem(last=False)
        return self._results[key]

    def _by_stamps(self, table: Table, boxes: list[Box], sort: str, down: bool) -> list[int]:
        """Ids in order, of a search that asks for ids and times alone: no record is computed."""
        entries, rows = inside(table, boxes), table.rows
        if self._portal.sight < 1.0:
            entries = [entry for entry in entries if self._portal.sees(rows[entry[1]])]
        if sort == "hs_object_id":
            return sorted((number for _, number in entries), reverse=down)
        if sort != table.kind.modified:
            entries = [(rows[number].created, number) for _, number in entries]
        return [number for _, number in sorted(entries, reverse=down)]

    def _by_values(
        self,
        table: Table,
        groups: list[list[dict[str, Any]]],
        tests: list[list[Test]],
        words: list[str],
        sort: str,
    ) -> list[tuple[Any, int]]:
        """(place in the order, id) of the records whose properties pass."""
        asked_for = {one.get("propertyName") for group in groups for one in group}
        linked = [name for name in LINKED.get(table.kind.name, ()) if name in asked_for]
        few, modified = _tied_to(self._portal, table, groups), table.kind.modified
        few = holders(table, groups) if few is None else few
        sees, limited = self._portal.sees, self._portal.sight < 1.0
        found: list[tuple[Any, int]] = []
        for updated, number in table.indexed(*_window(table, groups)) if few is None else known(table, few):
            record = table.rows[number]
            if limited and not sees(record):
                continue
            props = table.shown(number)[0]
            row = {**props, **table.stamps(record, updated, props)}
            for name in linked:
                held = self._portal.linked(table, record, name)
                if held is not None:
                    row[name] = held
            if tests and not any(all(test(row) for test in group) for group in tests):
                continue
            if words and not all(any(word in row.get(name, "").lower() for name in _QUERY_FIELDS) for word in words):
                continue
            found.append((updated if sort == modified else _order(table, sort, row), number))
        return found


def _groups(wish: Any) -> list[list[dict[str, Any]]]:
    groups = [rows_of(group, "filters") for group in rows_of({"filterGroups": wish}, "filterGroups")]
    total = sum(len(group) for group in groups)
    if len(groups) > GROUPS_MAX:
        raise invalid(f"Too many filter groups: {len(groups)}. A maximum of {GROUPS_MAX} is allowed")
    if any(len(group) > FILTERS_MAX for group in groups) or total > TOTAL_MAX:
        raise invalid(f"Too many filters: {FILTERS_MAX} per group and {TOTAL_MAX} in all are allowed")
    text = sum(
        len(str(one.get("value") or "")) + sum(map(len, names_of(one, "values"))) for group in groups for one in group
    )
    if text > TEXT_MAX:
        raise invalid(f"The filters of a search may have {TEXT_MAX} characters; they have {text}")
    return groups


def _window(table: Table, groups: list[list[dict[str, Any]]]) -> tuple[int | None, int | None]:
    """The span of modification times that a single group asks for, so that only those rows are looked at."""
    low: int | None = None
    high: int | None = None
    for one in groups[0] if len(groups) == 1 else []:
        if one.get("propertyName") != table.kind.modified:
            continue
        value = to_ms(str(one.get("value")))
        top = to_ms(str(one.get("highValue"))) if one.get("operator") == "BETWEEN" else value
        if value is None or top is None:
            continue
        if one.get("operator") in ("GT", "GTE", "BETWEEN", "EQ"):
            low = value if low is None else max(low, value)
        if one.get("operator") in ("LT", "LTE", "BETWEEN", "EQ"):
            high = top if high is None else min(high, top)
    return low, high


def _tied(portal: Portal, table: Table, one: dict[str, Any]) -> Test | None:
    """The filter `associations.{type}` on a record's associations; None for one on a property."""
    name, operator = str(one.get("propertyName")), one.get("operator")
    if not name.startswith(_TIES):
        return None
    kind, to = table.kind.name, ALIASES.get(name.removeprefix(_TIES), "")
    if (kind, to) not in LINKS or operator not in ("EQ", "IN"):
        raise invalid(f"{name} takes EQ or IN with ids of an object type that {kind} are associated with")
    values = names_of(one, "values") if operator == "IN" else [str(one.get("value"))]
    wanted = {int(value) for value in values if value.isdecimal()}
    return lambda row: any(number in wanted for number, _ in portal.links.live(kind, int(row["hs_object_id"]), to))


def _tied_to(portal: Portal, table: Table, groups: list[list[dict[str, Any]]]) -> set[int] | None:
    """The records at the other end of an association that a search asks for; None when it asks for none."""
    ties = [one for group in groups for one in group if str(one.get("propertyName")).startswith(_TIES)]
    if not ties:
        return None
    if len(groups) > 1 or ties[0].get("operator") != "EQ":
        return set(table.rows)
    to, value = ALIASES[str(ties[0]["propertyName"]).removeprefix(_TIES)], str(ties[0].get("value"))
    return {number for number, _ in portal.links.live(to, int(value), table.kind.name)} if value.isdecimal() else set()


def _sort(table: Table, wish: Any) -> tuple[str, str]:
    if not wish:
        return "ASCENDING", "hs_object_id"
    if not isinstance(wish, list) or len(wish) > 1:
        raise invalid("Only one sort is allowed per search")
    rule = wish[0]
    if not isinstance(rule, str | dict):
        raise invalid("Invalid input JSON on line 1, column 1: a sort is a text or an object")
    if isinstance(rule, str):
        direction, name = ("DESCENDING", rule[1:]) if rule.startswith("-") else ("ASCENDING", rule)
    else:
        name, direction = str(rule.get("propertyName")), str(rule.get("direction") or "ASCENDING")
    _property(table, name)
    if direction not in ("ASCENDING", "DESCENDING"):
        raise invalid(f"direction {direction} is neither ASCENDING nor DESCENDING")
    return direction, name


def _property(table: Table, name: str) -> Property:
    prop = table.properties.get(name)
    if prop is None or prop.archived_at is not None:
        raise HubSpotError(
            400,
            "VALIDATION_ERROR",
            f"There was a problem with the request. Property {name} does not exist",
            errors=[{"message": f"{name} does not exist", "code": "PROPERTY_DOESNT_EXIST"}],
        )
    return prop


def _order(table: Table, name: str, row: Row) -> tuple[int, float, str]:
    """Missing values first, numbers and times by size, text by letters."""
    if name not in row:
        return (0, 0.0, "")
    number = _measure(table.properties[name], row[name])
    return (1, number, "") if number is not None else (1, 0.0, row[name].lower())


def _measure(prop: Property, text: str) -> float | None:
    """A value as a number, where its type has an order."""
    if prop.type in ("datetime", "date"):
        moment = to_ms(text)
        return None if moment is None else float(moment)
    if prop.type == "number":
        try:
            return float(text)
        except ValueError:
            return None
    return None


def _test(table: Table, one: dict[str, Any]) -> Test:
    """A filter as a function of a row; raises 400 for one that makes no sense."""
    name, operator = str(one.get("propertyName")), one.get("operator")
    prop = _property(table, name)
    if not isinstance(operator, str) or operator not in _OPERATORS:
        raise invalid(f"Operator {operator} is not one of: {', '.join(sorted(_OPERATORS))}")
    if operator == "HAS_PROPERTY":
        return lambda row: name in row
    if operator == "NOT_HAS_PROPERTY":
        return lambda row: name not in row
    if operator in ("IN", "NOT_IN"):
        return _among(prop, one, operator == "IN")
    value = one.get("value")
    if value is None:
        raise invalid(f"value is missing in the filter on {name}")
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        wanted = operator == "CONTAINS_TOKEN"
        pattern = str(value).lower()
        return lambda row: any(fnmatch.fnmatchcase(word, pattern) for word in _words(row.get(name, ""))) == wanted
    if operator in ("EQ", "NEQ"):
        equal, target = operator == "EQ", _canonical(prop, str(value))
        return lambda row: (name in row and _canonical(prop, row[name]) == target) == equal
    return _compare(prop, one, str(operator), str(value))


def _among(prop: Property, one: dict[str, Any], wanted: bool) -> Test:
    values = one.get("values")
    if not isinstance(values, list):
        raise invalid(f"values is missing in the filter on {prop.name}")
    targets = {_canonical(prop, str(value), fold=False) for value in values}
    name = prop.name
    return lambda row: (name in row and _canonical(prop, row[name]) in targets) == wanted and (wanted or name in row)


def _compare(prop: Property, one: dict[str, Any], operator: str, value: str) -> Test:
    name = prop.name
    low = _measure(prop, value)
    high = _measure(prop, str(one.get("highValue"))) if operator == "BETWEEN" else low
    if low is None or high is None:
        if prop.type in ("datetime", "date", "number") or operator == "BETWEEN":
            raise invalid(f"{value} is not a valid value for a filter on {name}")
        text = value.lower()
        letters: dict[str, Test] = {
            "LT": lambda row: name in row and row[name].lower() < text,
            "LTE": lambda row: name in row and row[name].lower() <= text,
            "GT": lambda row: name in row and row[name].lower() > text,
            "GTE": lambda row: name in row and row[name].lower() >= text,
        }
        return letters[operator]

    def measured(row: Row) -> bool:
        number = _measure(prop, row[name]) if name in row else None
        if number is None:
            return False
        if operator == "BETWEEN":
            return low <= number <= high
        if operator in ("GT", "GTE"):
            return number > low or (operator == "GTE" and number == low)
        return number < low or (operator == "LTE" and number == low)

    return measured


def _canonical(prop: Property, text: str, fold: bool = True) -> str | float:
    """Equal values are equal here; text is compared in lower case (but IN wants it written so)."""
    number = _measure(prop, text)
    if number is not None:
        return number
    return text.lower() if fold or prop.type != "string" else text


def _words(text: str) -> list[str]:
    """The whole value and its tokens, for token filters."""
    low = text.lower()
    return [low, *low.replace("@", " ").replace(".", " ").replace("-", " ").split()]
