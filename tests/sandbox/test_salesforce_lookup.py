"""Conditions on e-mails and external ids look at few rows and find what looking at all of them finds."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
import pytest

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.house import House
from crmhub.sandbox.messages import Match, Query, Request
from crmhub.sandbox.vendor import Options, Vendor

NOW = 1_793_606_400_000


@pytest.fixture(scope="module")
def org() -> Vendor:
    """An org where some leads have got another e-mail or lost theirs, and one is deleted."""
    made = House(300, ["salesforce"], Clock(NOW, 0), Options(limits=False, lag=0)).vendors["salesforce"]
    leads = [row["id"] for row in made.state() if row["object"] == "Lead" and row["fields"]["Email"]]
    _ask(made, "Email = 'first@index.example'")  # the index is there before the changes
    for number in leads[:3]:
        made.edit("Lead", number, {"Email": "Same@Example.com"}, "person")
    made.edit("Lead", leads[3], {"Email": None}, "person")
    made.delete("Lead", leads[4])
    return made


def _ask(org: Vendor, where: str) -> list[str]:
    match = org.router.match("GET", "/services/data/v60.0/query")
    assert isinstance(match, Match)
    query = Query("q=" + quote(f"SELECT Id FROM Lead WHERE {where} ORDER BY Id"))
    answer = match.handler(Request("GET", "/services/data/v60.0/query", query, {}, b"", match.params, match.route))
    assert answer.status == 200, answer.body
    return [row["Id"] for row in orjson.loads(answer.body)["records"]]


def _leads(org: Vendor) -> list[dict[str, Any]]:
    rows = [row["fields"] | {"Id": row["id"]} for row in org.state() if row["object"] == "Lead" and not row["deleted"]]
    return sorted(rows, key=lambda row: str(row["Id"]))


def _text(row: dict[str, Any]) -> str:
    return str(row["Email"] or "").lower()


def test_every_address_finds_its_leads(org: Vendor) -> None:
    leads = _leads(org)
    for text in {_text(row) for row in leads[:60]} - {""}:
        expected = [row["Id"] for row in leads if _text(row) == text]
        assert _ask(org, f"Email = '{text}'") == _ask(org, f"Email = '{text.upper()}'") == expected
        assert _ask(org, f"Email LIKE '{text}'") == expected


def test_addresses_among_other_conditions(org: Vendor) -> None:
    leads = _leads(org)
    some = sorted({_text(row) for row in leads} - {""})[:8]
    listed = ", ".join(f"'{text}'" for text in some)
    inside = [row["Id"] for row in leads if _text(row) in some]
    assert _ask(org, f"Email IN ({listed})") == inside
    assert _ask(org, f"Email IN ({listed}, '')") == sorted(inside + [row["Id"] for row in leads if not _text(row)])
    assert _ask(org, f"Email NOT IN ({listed})") == [row["Id"] for row in leads if row["Id"] not in inside]
    assert _ask(org, f"NOT Email IN ({listed})") == [row["Id"] for row in leads if row["Id"] not in inside]
    last = inside[-1]
    assert _ask(org, f"Email IN ({listed}) AND Id >= '{last}'") == [last]
    other = next(row for row in leads if row["Id"] not in inside)
    either = f"Email IN ({listed}) OR LastName = '{other['LastName']}'".replace("O'", "O\\'")
    assert other["Id"] in _ask(org, either)


def test_changes_reach_the_index(org: Vendor) -> None:
    assert len(_ask(org, "Email = 'same@example.com'")) == 3
    assert _ask(org, "Email = null") == [row["Id"] for row in _leads(org) if not _text(row)]
    assert _ask(org, "Email = 'nobody@nowhere.example'") == []
