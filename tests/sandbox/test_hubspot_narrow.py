"""Searches that are answered from ids and times alone, or from few records, find what looking at all would find."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.house import House
from crmhub.sandbox.messages import Match, Query, Request
from crmhub.sandbox.vendor import Options, Vendor

NOW = 1_793_606_400_000
STAMPS = ("hs_object_id", "lastmodifieddate", "createdate")
SEARCH = "/crm/v3/objects/contacts/search"


def _ask(vendor: Vendor, method: str, path: str, body: Any) -> Any:
    match = vendor.router.match(method, path)
    assert isinstance(match, Match)
    token = vendor.connection("")["access_token"]
    request = Request(method, path, Query(""), {"authorization": f"Bearer {token}"}, orjson.dumps(body))
    request.route, request.params = match.route, match.params
    answer = match.handler(request)
    assert answer.status < 300, answer.body
    return orjson.loads(answer.body) if answer.body else None


@pytest.fixture(scope="module")
def vendor() -> Vendor:
    """An account where some contacts were changed, added and archived since the start; nothing lags."""
    clock = Clock(NOW, 0)
    made = House(120, ["hubspot"], clock, Options(limits=False, lag=0)).vendors["hubspot"]
    _ask(made, "POST", "/crm/v3/properties/contacts", {
        "name": "hub_key", "label": "Key", "type": "string", "fieldType": "text", "groupName": "contactinformation",
    })  # fmt: skip
    ids = [row["id"] for row in made.state() if row["object"] == "contacts"]
    for place, number in enumerate(ids[:30]):
        clock.advance(700)
        made.edit("contacts", number, {"jobtitle": "New", "hub_key": f"k{place % 7}"}, "person")
    for number in ids[5:10]:
        made.delete("contacts", number)
    for place in range(5):
        made.edit("contacts", "new", {"email": f"new{place}@example.com", "hub_key": f"k{place}"}, "person")
    return made


def _rows(vendor: Vendor) -> list[dict[str, Any]]:
    rows = [row for row in vendor.state() if row["object"] == "contacts" and not row["deleted"]]
    return [{**row["fields"], "id": int(row["id"])} for row in rows]


def _search(vendor: Vendor, groups: list[list[dict[str, Any]]], sort: str, down: bool) -> list[int]:
    wish = {
        "filterGroups": [{"filters": group} for group in groups],
        "sorts": [{"propertyName": sort, "direction": "DESCENDING" if down else "ASCENDING"}],
        "limit": 200,
    }
    answer = _ask(vendor, "POST", SEARCH, wish)
    assert answer["total"] == len(answer["results"])
    return [int(row["id"]) for row in answer["results"]]


_FILTER = st.tuples(
    st.sampled_from(STAMPS),
    st.sampled_from(("GT", "GTE", "LT", "LTE", "EQ", "BETWEEN")),
    st.integers(0, 200),
    st.integers(0, 200),
)


@given(st.lists(st.lists(_FILTER, min_size=1, max_size=3), max_size=3), st.sampled_from(STAMPS), st.booleans())
def test_bounds_on_ids_and_times(
    vendor: Vendor, wish: list[list[tuple[str, str, int, int]]], sort: str, down: bool
) -> None:
    rows = _rows(vendor)

    def value(row: dict[str, Any], name: str) -> Any:
        return row["id"] if name == "hs_object_id" else row[name]

    def passes(row: dict[str, Any], one: tuple[str, str, int, int]) -> bool:
        name, operator, first, second = one
        mine, low = value(row, name), value(rows[first % len(rows)], name)
        tests = {"GT": mine > low, "GTE": mine >= low, "LT": mine < low, "LTE": mine <= low, "EQ": mine == low,
                 "BETWEEN": low <= mine <= value(rows[second % len(rows)], name)}  # fmt: skip
        return bool(tests[operator])

    def filters(one: tuple[str, str, int, int]) -> dict[str, Any]:
        name, operator, first, second = one
        found = {"propertyName": name, "operator": operator, "value": str(value(rows[first % len(rows)], name))}
        return found | ({"highValue": str(value(rows[second % len(rows)], name))} if operator == "BETWEEN" else {})

    groups = [[filters(one) for one in group] for group in wish]
    expected = [row for row in rows if not wish or any(all(passes(row, one) for one in group) for group in wish)]
    expected.sort(key=lambda row: (value(row, sort), row["id"]), reverse=down)
    assert _search(vendor, groups, sort, down) == [row["id"] for row in expected]


@pytest.mark.parametrize(
    ("operator", "more"),
    [("EQ", {"value": "k3"}), ("IN", {"values": ["k1", "k2"]}), ("HAS_PROPERTY", {}), ("NEQ", {"value": "k3"}),
     ("NOT_HAS_PROPERTY", {}), ("NOT_IN", {"values": ["k1"]})],
)  # fmt: skip
def test_a_property_made_after_the_start(vendor: Vendor, operator: str, more: dict[str, Any]) -> None:
    def passes(held: str | None) -> bool:
        tests = {"EQ": held == "k3", "IN": held in ("k1", "k2"), "HAS_PROPERTY": held is not None,
                 "NEQ": held != "k3", "NOT_HAS_PROPERTY": held is None, "NOT_IN": held not in (None, "k1")}  # fmt: skip
        return tests[operator]

    found = _search(vendor, [[{"propertyName": "hub_key", "operator": operator, **more}]], "hs_object_id", down=False)
    assert found == sorted(row["id"] for row in _rows(vendor) if passes(row.get("hub_key")))
    assert found


def test_an_email_has_one_holder(vendor: Vendor) -> None:
    row = next(row for row in _rows(vendor) if row.get("email"))
    for text in (row["email"], row["email"].upper()):
        wish = [[{"propertyName": "email", "operator": "EQ", "value": text}]]
        assert _search(vendor, wish, "hs_object_id", down=False) == [row["id"]]
    wish = [[{"propertyName": "email", "operator": "EQ", "value": "nobody@example.com"}]]
    assert _search(vendor, wish, "hs_object_id", down=False) == []
