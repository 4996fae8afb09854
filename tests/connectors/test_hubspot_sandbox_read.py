"""Reading and describing, against the simulated HubSpot."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
    for stream in ("contacts", "companies", "deals", "calls", "meetings", "notes", "tasks", "emails"):
        before = portal.calls()
        pull(connector, stream, None, "hs_object_id")
        # people's roles in deals are not told inline: one call per 1,000 deals
        assert portal.calls() - before == least[stream] + (stream == "deals"), stream


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


# -------------------------------------------------------------------------------------------------- deals


def test_deals_point_to_their_company_and_to_people_with_their_roles(portal: Portal) -> None:
    connector = portal.connector()
    rows, _ = pull(connector, "deals", None, "dealname", "amount", "deal_currency_code", "hs_is_closed")
    state = portal.state("deals")
    assert {r.id for r in rows} == {i for i, d in state.items() if not d["deleted"]}
    links = [link for r in rows for link in r.links or ()]
    assert {link.stream for link in links} == {"contacts", "companies"}
    assert all(link.primary for link in links if link.stream == "companies")
    assert {"Decision Maker", "Economic Buyer"} & {link.role for link in links if link.stream == "contacts"}
    assert connector.links("deals", [r.id for r in rows]) == {r.id: r.links for r in rows}


def test_stages_and_pipelines_are_described_by_their_labels(portal: Portal) -> None:
    base, token = portal.credentials["base_url"], portal.credentials["access_token"]
    connector = portal.connector()
    before = {f.name: f for f in connector.describe("deals")}
    assert before["dealstage"].options[0] == Option("appointmentscheduled", "Appointment Scheduled")
    stage = {"label": "Signed", "displayOrder": 0, "metadata": {"probability": "1.0", "isClosed": "true"}}
    made = requests.post(
        f"{base}/crm/v3/pipelines/deals",
        json={"label": "Renewals", "displayOrder": 1, "stages": [stage]},
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    ).json()
    after = {f.name: f for f in connector.describe("deals")}
    assert Option(made["id"], "Renewals") in after["pipeline"].options
    assert Option(made["stages"][0]["id"], "Renewals: Signed") in after["dealstage"].options
    assert Option("closedwon", "Sales Pipeline: Closed Won") in after["dealstage"].options
    assert after["dealstage"].closed
    assert after["hs_is_closed_won"].calculated


def test_a_new_link_of_a_deal_is_seen_though_the_deal_did_not_change(portal: Portal) -> None:
    connector = portal.connector()
    rows, bookmark = pull(connector, "deals", None, "dealname")
    deal = next(r.id for r in rows if r.links)
    (contact,) = some_contacts(portal, 1)
    portal.act("associate", object="deals", id=deal, to="contacts", target=contact, label="Evaluator")
    assert pull(connector, "deals", bookmark, "dealname")[0] == []
    found = connector.links("deals", [deal])[deal]
    assert "Evaluator" in {role for link in found if link.id == contact and link.role for role in link.role.split(";")}


@pytest.mark.parametrize("stream", ["deals", "companies"])
def test_merged_deals_and_companies_live_on(portal: Portal, stream: str) -> None:
    connector = portal.connector()
    rows, bookmark = pull(connector, stream, None)
    keep, lose = rows[0].id, rows[1].id
    portal.later(3600)
    new = portal.act("merge", object=stream, primary=keep, other=lose)["id"]
    told = {m.old_id: m.new_id for p in connector.pull(stream, bookmark, ()) for m in p.merges}
    assert told[lose] == told[keep] == new
    assert [(m.old_id, m.new_id) for m in connector.read(stream, [lose], ()).merges] == [(lose, new)]


@pytest.mark.parametrize(("stream", "to"), [("contacts", "companies"), ("deals", "contacts")])
def test_thousands_of_links_are_read_whole(portal: Portal, stream: str, to: str) -> None:
    connector = portal.connector()
    one = next(r.id for r in pull(connector, stream, None)[0])
    made = set(portal.act("flood", object=stream, id=one, to=to, count=1_200)["ids"])
    assert made <= {link.id for link in connector.links(stream, [one])[one]}
    rows, _ = pull(connector, stream, None)
    links = {r.id: r.links or () for r in rows}[one]
    assert made <= {link.id for link in links if link.stream == to}
    assert len({(link.stream, link.id) for link in links}) == len(links)


def test_a_contact_forgotten_for_privacy_is_nowhere(portal: Portal) -> None:
    connector = portal.connector()
    (gone,) = some_contacts(portal, 1)
    portal.act("gdpr_delete", object="contacts", id=gone)
    assert gone not in [d.id for page in connector.bin("contacts") for d in page]
    assert connector.read("contacts", [gone], ("email",)).missing == [gone]


def test_streams_are_read_from_several_threads_at_once(portal: Portal) -> None:
    alone = {s.name: len(pull(portal.connector(), s.name, None)[0]) for s in portal.connector().streams()}
    connector = portal.connector()
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda s: (s.name, len(pull(connector, s.name, None)[0])), connector.streams())
        described = threads.map(lambda s: len(connector.describe(s.name)), connector.streams())
    assert dict(found) == alone
    assert all(described)
