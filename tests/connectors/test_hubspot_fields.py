"""Fields as the account has them: custom, calculated, archived, with changed options."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.connectors.hubspot_portal import Portal, pull, sandbox, some_contacts, update


@pytest.fixture(scope="module")
def process() -> Iterator[Portal]:
    with sandbox(300) as ready:
        yield ready


@pytest.fixture
def portal(process: Portal) -> Portal:
    return process.renewed()


def test_calculated_values_that_move_without_a_stamp_are_read_again_daily(portal: Portal) -> None:
    connector = portal.connector()
    rows, bookmark = pull(connector, "deals", None, "dealname", "hs_is_closed")
    deal = next(r.id for r in rows if r.values["hs_is_closed"] == "false")
    stage = portal.state("deals")[deal]["fields"]["dealstage"]
    answer = requests.patch(
        f"{portal.credentials['base_url']}/crm/v3/pipelines/deals/default/stages/{stage}",
        json={"metadata": {"probability": "0.0", "isClosed": "true"}},
        headers={"Authorization": f"Bearer {portal.credentials['access_token']}"},
        timeout=10,
    )
    assert answer.ok
    portal.later(3600)
    told, bookmark = pull(connector, "deals", bookmark, "dealname", "hs_is_closed")
    assert told == []
    portal.later(86_400)
    told, bookmark = pull(connector, "deals", bookmark, "dealname", "hs_is_closed")
    assert {r.id: r.values["hs_is_closed"] for r in told}[deal] == "true"
    assert portal.ledger.endpoints().count("GET /crm/v3/objects/deals (refresh)") == -(-len(rows) // 100)
    assert pull(connector, "deals", bookmark, "dealname", "hs_is_closed")[0] == []


def test_nothing_is_read_again_where_nothing_is_calculated(portal: Portal) -> None:
    connector = portal.connector()
    _, bookmark = pull(connector, "deals", None, "dealname")
    portal.later(90_000)
    before = portal.calls()
    told, bookmark = pull(connector, "deals", bookmark, "dealname")
    assert (told, portal.calls() - before) == ([], 2)  # the properties, once a day
    pull(connector, "deals", bookmark, "dealname")
    assert portal.calls() - before == 3


def test_every_property_of_the_account_can_be_mapped(portal: Portal) -> None:
    portal.act("add_property", object="contacts", name="shoe_size", type="number", fieldType="number", label="Shoes")
    connector = portal.connector()
    found = {f.name: f for f in connector.describe("contacts")}
    assert (found["shoe_size"].type, found["shoe_size"].label, found["shoe_size"].custom) == ("number", "Shoes", True)
    (one,) = some_contacts(portal, 1)
    portal.edit("contacts", one, shoe_size="43")
    rows, _ = pull(connector, "contacts", None, *found)
    assert {r.id: r.values["shoe_size"] for r in rows}[one] == "43"


def test_more_properties_than_fit_a_url_are_read_all_the_same(portal: Portal) -> None:
    for i in range(90):
        portal.act("add_property", object="contacts", name=f"a_property_with_a_rather_long_name_that_says_it_all_{i}")
    connector = portal.connector()
    (one,) = some_contacts(portal, 1)
    last = "a_property_with_a_rather_long_name_that_says_it_all_89"
    portal.edit("contacts", one, **{last: "x"})
    fields = [f.name for f in connector.describe("contacts")]
    assert sum(len(f) + 1 for f in fields) > 6_000
    rows, _ = pull(connector, "contacts", None, *fields)
    by_id = {r.id: r for r in rows}
    assert by_id[one].values[last] == "x"
    assert any(r.links for r in rows)
    assert len(rows) == connector.count("contacts")


def test_an_archived_property_is_absent_and_comes_back(portal: Portal) -> None:
    connector = portal.connector()
    (one,) = some_contacts(portal, 1)
    portal.edit("contacts", one, jobtitle="Boss")
    portal.act("archive_property", object="contacts", property="jobtitle")
    assert "jobtitle" not in {f.name for f in connector.describe("contacts")}
    rows, _ = pull(connector, "contacts", None, "jobtitle", "email")
    assert not any("jobtitle" in r.values for r in rows)
    assert "jobtitle" not in connector.read("contacts", [one], ("jobtitle", "email")).rows[one].values
    (refused,) = connector.push("contacts", [update(one, jobtitle="Chief")])
    assert (refused.outcome, refused.code) == ("rejected", "PROPERTY_DOESNT_EXIST")
    assert "jobtitle" in refused.message
    assert "unmap" in refused.remedy
    portal.act("restore_property", object="contacts", property="jobtitle")
    assert connector.read("contacts", [one], ("jobtitle",)).rows[one].values == {"jobtitle": "Boss"}


def test_changed_options_are_described_and_named_when_refused(portal: Portal) -> None:
    connector = portal.connector()
    (one,) = some_contacts(portal, 1)
    portal.act("set_options", object="contacts", property="hs_lead_status", options=["NEW", "PAUSED"])
    found = {f.name: f for f in connector.describe("contacts")}["hs_lead_status"]
    assert [o.value for o in found.options] == ["NEW", "PAUSED"]
    (refused,) = connector.push("contacts", [update(one, hs_lead_status="CONNECTED")])
    assert (refused.outcome, refused.code) == ("rejected", "INVALID_OPTION")
    assert "hs_lead_status" in refused.message
    assert "[options]" in refused.remedy
