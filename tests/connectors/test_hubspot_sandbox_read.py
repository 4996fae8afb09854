"""Reading and describing, against the simulated HubSpot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connectors.contract import (
    FieldRequest,
    Option,
    Rejected,
    Unavailable,
)
from tests.connectors.hubspot_portal import KEY, Portal, pull, sandbox, some_contacts


@pytest.fixture(scope="module")
def process() -> Iterator[Portal]:
    with sandbox(300) as ready:
        yield ready


@pytest.fixture
def portal(process: Portal) -> Portal:
    return process.renewed()


# ------------------------------------------------------------------------------------------------ reading


def test_every_stream_pulls_whole_and_idles_within_its_promise(portal: Portal) -> None:
    connector = portal.connector()
    for spec in connector.streams():
        rows, bookmark = pull(connector, spec.name, None, "hs_object_id")
        assert len({r.id for r in rows}) == len(rows) > 0, spec.name
        assert connector.count(spec.name) == len(rows)
        before = portal.calls()
        pull(connector, spec.name, bookmark, "hs_object_id")
        assert portal.calls() - before <= spec.idle_calls, spec.name


def test_a_first_pull_costs_the_least_possible_calls(portal: Portal) -> None:
    least = requests.get(f"{portal.control}/calls/least", timeout=10).json()["hubspot"]["first_pull"]
    connector = portal.connector()
    for stream in ("contacts", "companies", "calls", "meetings", "notes", "tasks", "emails"):
        before = portal.calls()
        pull(connector, stream, None, "hs_object_id")
        assert portal.calls() - before == least[stream], stream


def test_our_ledger_counts_what_the_vendor_counts(portal: Portal) -> None:
    connector = portal.connector()
    connector.check()
    connector.describe("contacts")
    pull(connector, "contacts", None, "email")
    assert portal.calls() == len(portal.ledger.calls)


def test_rows_say_what_the_crm_holds(portal: Portal) -> None:
    rows, _ = pull(portal.connector(), "contacts", None, "email", "firstname", "jobtitle")
    state = portal.state("contacts")
    for row in rows:
        held = state[row.id]["fields"]
        assert row.values == {f: held.get(f) or None for f in ("email", "firstname", "jobtitle")}


def test_an_edit_in_the_crm_arrives_with_its_links(portal: Portal) -> None:
    connector = portal.connector()
    rows, bookmark = pull(connector, "contacts", None, "firstname")
    linked = next(r for r in rows if r.links)
    portal.later(3600)
    portal.edit("contacts", linked.id, firstname="Zoë 𝒵")
    changed, bookmark = pull(connector, "contacts", bookmark, "firstname")
    assert [(r.id, r.values["firstname"]) for r in changed] == [(linked.id, "Zoë 𝒵")]
    assert {(link.stream, link.id) for link in changed[0].links or ()} == {
        (link.stream, link.id) for link in linked.links or ()
    }
    assert pull(connector, "contacts", bookmark, "firstname")[0] == []


def test_index_lag_of_a_minute_is_looked_behind(portal: Portal) -> None:
    portal.switch(index_lag=60)
    connector = portal.connector()
    _, bookmark = pull(connector, "contacts", None, "firstname")
    portal.later(600)
    one, two = some_contacts(portal, 2)
    portal.edit("contacts", one, firstname="first")
    portal.later(20)
    portal.edit("contacts", two, firstname="second")
    found: dict[str, Any] = {}
    for _ in range(12):
        rows, bookmark = pull(connector, "contacts", bookmark, "firstname")
        found |= {r.id: r.values["firstname"] for r in rows}
        portal.later(10)
    assert found == {one: "first", two: "second"}


def test_the_bin_holds_what_was_archived(portal: Portal) -> None:
    connector = portal.connector()
    rows, bookmark = pull(connector, "contacts", None)
    (gone,) = some_contacts(portal, 1)
    portal.delete("contacts", gone)
    portal.later(86_400)
    assert [p.deletions for p in connector.pull("contacts", bookmark, ())] == [[]]
    assert gone in [d.id for page in connector.bin("contacts") for d in page]
    assert connector.count("contacts") == len(rows) - 1


@pytest.mark.parametrize("mode", ["new_id", "keep_primary"])
def test_a_merge_is_told_by_pull_and_by_read(portal: Portal, mode: str) -> None:
    portal.switch(merge_mode=mode)
    connector = portal.connector()
    _, bookmark = pull(connector, "contacts", None)
    keep, lose = some_contacts(portal, 2)
    portal.later(3600)
    merged = requests.post(
        f"{portal.credentials['base_url']}/crm/v3/objects/contacts/merge",
        json={"primaryObjectId": keep, "objectIdToMerge": lose},
        headers={"Authorization": f"Bearer {portal.credentials['access_token']}"},
        timeout=10,
    ).json()["id"]
    assert (merged == keep) == (mode == "keep_primary")
    told = {m.old_id: m.new_id for p in connector.pull("contacts", bookmark, ()) for m in p.merges}
    assert told[lose] == merged
    result = connector.read("contacts", [lose, "999"], ("email",))
    assert [(m.old_id, m.new_id) for m in result.merges] == [(lose, merged)]
    assert list(result.rows) == [merged]
    assert result.missing == ["999"]


def test_read_tells_living_archived_and_unknown_apart(portal: Portal) -> None:
    connector = portal.connector()
    alive, gone = some_contacts(portal, 2)
    portal.delete("contacts", gone)
    result = connector.read("contacts", [alive, gone, "42"], ("email",))
    assert list(result.rows) == [alive]
    assert [d.id for d in result.deleted] == [gone]
    assert result.missing == ["42"]


def test_find_by_email_and_by_another_field(portal: Portal) -> None:
    connector = portal.connector()
    state = portal.state("contacts")
    remote_id, email = next((i, r["fields"]["email"]) for i, r in state.items() if r["fields"].get("email"))
    assert [r.id for r in connector.find("contacts", "email", [email, "no@body.example"], ("email",))] == [remote_id]
    company = next(iter(portal.state("companies").values()))
    name = company["fields"]["name"]
    assert company["id"] in [r.id for r in connector.find("companies", "name", [name], ("name",))]


def test_form_submissions_are_told_once_and_link_by_email(portal: Portal) -> None:
    connector = portal.connector()
    fields = ("form_name", "email", "submitted_at", "value.firstname")
    _, bookmark = pull(connector, "form_submissions", None, *fields)
    portal.later(60)
    portal.edit("submissions", "demo_request", email="new.person@example.com")
    portal.later(1)
    fresh, bookmark = pull(connector, "form_submissions", bookmark, *fields)
    assert [(r.values["email"], [link.id for link in r.links or ()]) for r in fresh] == [
        ("new.person@example.com", ["new.person@example.com"])
    ]
    assert pull(connector, "form_submissions", bookmark, *fields)[0] == []


# ------------------------------------------------------------------------------------------------ schema


def test_describe_tells_types_options_and_what_is_read_only(portal: Portal) -> None:
    fields = {f.name: f for f in portal.connector().describe("contacts")}
    assert fields["email"].unique
    assert fields["lifecyclestage"].type == "option"
    assert fields["lifecyclestage"].closed
    assert "customer" in {o.value for o in fields["lifecyclestage"].options}
    assert fields["lifecyclestage"].may_trigger
    assert fields["hubspot_owner_id"].type == "reference"
    assert not fields["hs_object_id"].writable
    assert not fields["lastmodifieddate"].writable


def test_ensure_fields_creates_once_and_completes_options(portal: Portal) -> None:
    connector = portal.connector()
    stage = FieldRequest("crmhub_stage", "Stage", "option", (Option("lead", "Lead"), Option("mql", "MQL")))
    score = FieldRequest("crmhub_score", "Score", "number")
    flag = FieldRequest("crmhub_flag", "Flag", "bool")
    when = FieldRequest("crmhub_when", "When", "datetime")
    wanted = [KEY, stage, score, flag, when]
    assert connector.ensure_fields("contacts", wanted) == [w.name for w in wanted]
    assert connector.ensure_fields("contacts", wanted) == []
    more = FieldRequest("crmhub_stage", "Stage", "option", (*stage.options, Option("sal", "SAL")))
    assert connector.ensure_fields("contacts", [more]) == []
    fields = {f.name: f for f in connector.describe("contacts")}
    assert [o.value for o in fields["crmhub_stage"].options] == ["lead", "mql", "sal"]
    assert fields["crmhub_id"].unique
    assert {f.name: fields[f.name].type for f in wanted} == {f.name: f.type for f in wanted}
    with pytest.raises(Rejected, match=r"contacts\.crmhub_score exists as number, but text is needed"):
        connector.ensure_fields("contacts", [FieldRequest("crmhub_score", "Score", "text")])


@pytest.mark.parametrize("kind", ["drop_after_commit", "drop_before", "cut", "garbage", "replay"])
@pytest.mark.parametrize("times", [1, 3])
def test_ensure_fields_survives_lost_answers(portal: Portal, kind: str, times: int) -> None:
    portal.fault(kind, "/crm/v3/properties", "POST", times=times)
    assert portal.connector().ensure_fields("contacts", [KEY]) == ["crmhub_id"]
    assert portal.connector().ensure_fields("contacts", [KEY]) == []


def test_ensure_fields_ends_when_no_answer_comes_at_all(portal: Portal) -> None:
    portal.fault("drop_before", "/crm/v3/properties", "POST", times=50)
    with pytest.raises(Unavailable, match="run it again"):
        portal.connector().ensure_fields("contacts", [KEY])
