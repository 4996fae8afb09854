"""The HubSpot connector against the simulated HubSpot, a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
import requests

from connectors.contract import (
    Bookmark,
    ConnectorError,
    FieldRequest,
    Option,
    QuotaExhausted,
    Rejected,
    Row,
    Throttled,
    Unavailable,
    WriteOp,
)
from connectors.hubspot.config import Settings
from connectors.hubspot.connector import HubSpotConnector, build
from tests.connectors.hubspot_kit import MemoryLedger, MemorySecrets, surroundings

PEOPLE = 300
KEY = FieldRequest("crmhub_id", "crmhub id", "text", unique=True)


@dataclass
class ControlClock:
    """The sandbox's clock, which is pinned: only sleeps and tests move it."""

    control: str

    def now(self) -> int:
        return int(requests.get(f"{self.control}/clock", timeout=10).json()["now"])

    def sleep(self, seconds: float) -> None:
        requests.post(f"{self.control}/clock", json={"advance": round(seconds * 1000)}, timeout=10)


@dataclass
class Portal:
    """The sandbox as a test uses it."""

    control: str
    credentials: dict[str, str]
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    secrets: MemorySecrets = field(default_factory=MemorySecrets)

    def post(self, path: str, body: Any = None) -> Any:
        answer = requests.post(self.control + path, json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def fault(self, kind: str, route: str, method: str | None = None, **more: Any) -> None:
        match = {"route": route} | ({"method": method} if method else {})
        self.post("/faults", {"kind": kind, "vendor": "hubspot", "match": match, **more})

    def clear_faults(self) -> None:
        requests.delete(f"{self.control}/faults", timeout=10)

    def switch(self, **switches: Any) -> None:
        self.post("/settings", {"vendor": "hubspot", **switches})

    def edit(self, kind: str, remote_id: str, **fields: Any) -> dict[str, Any]:
        body = {"vendor": "hubspot", "object": kind, "id": remote_id, "fields": fields}
        return dict(self.post("/edit", body))

    def delete(self, kind: str, remote_id: str) -> None:
        self.post("/delete", {"vendor": "hubspot", "object": kind, "id": remote_id})

    def later(self, seconds: float) -> None:
        self.post("/clock", {"advance": round(seconds * 1000)})

    def state(self, kind: str) -> dict[str, dict[str, Any]]:
        lines = requests.get(f"{self.control}/state/hubspot", timeout=30).content.splitlines()
        rows = [orjson.loads(line) for line in lines if line]
        return {r["id"]: r for r in rows if r["object"] == kind}

    def calls(self) -> int:
        rows = requests.get(f"{self.control}/calls", timeout=10).json()
        return sum(r["count"] for r in rows if r["vendor"] == "hubspot")

    def connector(self, **more: Any) -> HubSpotConnector:
        keys = {k: self.credentials[k] for k in ("base_url", "access_token")}
        around = surroundings(ControlClock(self.control), self.ledger, self.secrets)
        return build(Settings(**(keys | more)), around)


@contextmanager
def sandbox(people: int, *more: str) -> Iterator[dict[str, Any]]:
    """A sandbox process with a pinned clock; the line it prints when ready."""
    command = [sys.executable, "-m", "crmhub.sandbox", "--people", str(people), "--seed", "1"]
    command += ["--vendors", "hubspot", "--rate", "0", "--lag", "0", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        line = started.stdout.readline()
        try:
            yield orjson.loads(line)
        finally:
            started.terminate()
            assert started.wait(20) == 0


@pytest.fixture(scope="module")
def process() -> Iterator[dict[str, Any]]:
    with sandbox(PEOPLE) as ready:
        yield ready


@pytest.fixture
def portal(process: dict[str, Any]) -> Portal:
    portal = Portal(process["control"], process["connections"]["hubspot"])
    portal.post("/reset")
    portal.later(600)  # the newest seeded edits are older than the overlap
    return portal


def pull(
    connector: HubSpotConnector, stream: str, bookmark: Bookmark | None, *fields: str
) -> tuple[list[Row], Bookmark]:
    rows: list[Row] = []
    for page in connector.pull(stream, bookmark, fields):
        rows += page.rows
        bookmark = page.bookmark
    assert bookmark is not None
    return rows, bookmark


def some_contacts(portal: Portal, number: int) -> list[str]:
    return [i for i, r in portal.state("contacts").items() if not r["deleted"]][:number]


def update(remote_id: str, op_id: str = "op1", **values: Any) -> WriteOp:
    return WriteOp(op_id, "update", remote_id, values)


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


def test_deletions_come_with_the_daily_sweep(portal: Portal) -> None:
    connector = portal.connector()
    _, bookmark = pull(connector, "contacts", None)
    (gone,) = some_contacts(portal, 1)
    portal.delete("contacts", gone)
    portal.later(86_400)
    pages = list(connector.pull("contacts", bookmark, ()))
    assert [d.id for p in pages for d in p.deletions] == [gone]
    assert [p.done for p in pages] == [False, True]


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


@pytest.mark.parametrize("kind", ["drop_after_commit", "cut", "garbage", "replay"])
def test_ensure_fields_survives_lost_answers(portal: Portal, kind: str) -> None:
    portal.fault(kind, "/crm/v3/properties", "POST")
    assert portal.connector().ensure_fields("contacts", [KEY]) == ["crmhub_id"]


# ------------------------------------------------------------------------------------------------ writing


def test_updates_confirm_what_is_stored(portal: Portal) -> None:
    connector = portal.connector()
    one, two = some_contacts(portal, 2)
    results = connector.push(
        "contacts", [update(one, "a", firstname="Ann", jobtitle=None), update(two, "b", firstname="Bob")]
    )
    assert [(r.op_id, r.outcome, r.remote_id) for r in results] == [("a", "applied", one), ("b", "applied", two)]
    assert results[0].values == {"firstname": "Ann", "jobtitle": None}
    assert results[0].modified_at is not None
    state = portal.state("contacts")
    assert state[one]["fields"]["firstname"] == "Ann"
    assert not state[one]["fields"].get("jobtitle")


def test_a_stage_that_hubspot_does_not_turn_back_is_confirmed_as_it_stayed(portal: Portal) -> None:
    connector = portal.connector()
    (one,) = some_contacts(portal, 1)
    portal.edit("contacts", one, lifecyclestage="customer")
    (result,) = connector.push("contacts", [update(one, lifecyclestage="lead")])
    assert result.outcome == "applied"
    assert result.values == {"lifecyclestage": "customer"}


def test_each_bad_op_of_a_batch_fails_alone(portal: Portal) -> None:
    connector = portal.connector()
    ids = some_contacts(portal, 5)
    portal.delete("contacts", ids[4])
    results = connector.push(
        "contacts",
        [
            update(ids[0], "good", firstname="Good"),
            update(ids[1], "option", lifecyclestage="No Such Stage"),
            update(ids[2], "unknown", no_such_property="x"),
            update(ids[3], "readonly", hs_object_id="1"),
            update(ids[4], "gone", firstname="x"),
            update("424242", "never", firstname="x"),
            update(ids[0], "again", firstname="Better"),
        ],
    )
    assert [(r.op_id, r.outcome, r.code) for r in results] == [
        ("good", "applied", ""),
        ("option", "rejected", "INVALID_OPTION"),
        ("unknown", "rejected", "PROPERTY_DOESNT_EXIST"),
        ("readonly", "rejected", "READ_ONLY_VALUE"),
        ("gone", "gone", "OBJECT_NOT_FOUND"),
        ("never", "gone", "OBJECT_NOT_FOUND"),
        ("again", "applied", ""),
    ]
    assert "no_such_property" in results[2].message
    assert all(r.remedy for r in results if r.outcome == "rejected")
    assert portal.state("contacts")[ids[0]]["fields"]["firstname"] == "Better"


def create(op_id: str, key: str, **values: Any) -> WriteOp:
    return WriteOp(op_id, "create", None, values, ("crmhub_id", key))


@pytest.mark.parametrize("kind", ["drop_after_commit", "cut", "garbage"])
def test_a_create_whose_answer_is_lost_is_unknown_and_makes_no_second_record(portal: Portal, kind: str) -> None:
    connector = portal.connector()
    connector.ensure_fields("contacts", [KEY])
    before = connector.count("contacts")
    portal.fault(kind, "/crm/v3/objects/contacts/batch/upsert", times=1)
    op = create("op", "p-1", email="p1@example.com", firstname="Pia")
    (lost,) = connector.push("contacts", [op])
    assert lost.outcome == "unknown"
    (row,) = connector.find("contacts", "crmhub_id", ["p-1"], ("email",))
    (again,) = connector.push("contacts", [op])
    assert (again.outcome, again.remote_id) == ("applied", row.id)
    assert connector.count("contacts") == before + 1


def test_a_create_that_a_proxy_repeats_makes_one_record(portal: Portal) -> None:
    connector = portal.connector()
    connector.ensure_fields("companies", [KEY])
    before = connector.count("companies")
    portal.fault("replay", "/crm/v3/objects/companies/batch/upsert")
    results = connector.push("companies", [create("a", "c-1", name="One"), create("b", "c-2", name="Two")])
    assert [r.outcome for r in results] == ["applied", "applied"]
    assert len({r.remote_id for r in results}) == 2
    assert connector.count("companies") == before + 2


def test_a_create_of_an_address_that_exists_names_the_record(portal: Portal) -> None:
    connector = portal.connector()
    connector.ensure_fields("contacts", [KEY])
    state = portal.state("contacts")
    there, email = next((i, r["fields"]["email"]) for i, r in state.items() if r["fields"].get("email"))
    results = connector.push(
        "contacts",
        [
            create("keyed", "p-9", email=email),
            WriteOp("plain", "create", None, {"email": email}, ("email", email)),
            create("new", "p-10", email="p10@example.com"),
        ],
    )
    assert [(r.outcome, r.code) for r in results[:2]] == [("rejected", "CONFLICT")] * 2
    assert [r.remote_id for r in results[:2]] == [there, there]
    assert results[2].outcome == "applied"


def test_a_push_stopped_half_way_postpones_the_rest(portal: Portal) -> None:
    connector = portal.connector()
    (one,) = some_contacts(portal, 1)
    portal.fault("status", "/crm/v3/objects/contacts/batch/update", status=503, retry_after=5, skip=1)
    ops = [update(one, "first", firstname="A"), update(one, "second", firstname="B")]
    results = connector.push("contacts", ops)
    assert [r.outcome for r in results] == ["applied", "retry"]
    assert (results[1].retry_after or 0) > 0
    portal.clear_faults()
    portal.post("/faults", {"kind": "dead", "vendor": "hubspot"})
    assert connector.push("contacts", ops[:1])[0].outcome == "unknown"  # sent, and cut


# ------------------------------------------------------------------------------------------------ trouble


@pytest.mark.parametrize("more", [{"retry_after": 4}, {}])
def test_429_is_waited_out(portal: Portal, more: dict[str, Any]) -> None:
    connector = portal.connector()
    portal.fault("status", "/crm/v3/objects", status=429, times=2, **more)
    rows, _ = pull(connector, "contacts", None, "email")
    assert len(rows) == connector.count("contacts")
    assert Counter(s for _, s in portal.ledger.calls)[429] == 2


@pytest.mark.parametrize("kind", ["cut", "garbage", "drop_before", "drop_after_commit"])
def test_spoiled_pages_are_read_again(portal: Portal, kind: str) -> None:
    connector = portal.connector()
    portal.fault(kind, "/crm/v3/objects", times=2, skip=1)
    rows, _ = pull(connector, "contacts", None, "email")
    assert len({r.id for r in rows}) == len(rows) == connector.count("contacts")


def test_a_row_that_comes_twice_on_a_page_is_told_once(portal: Portal) -> None:
    connector = portal.connector()
    portal.fault("duplicate", "/crm/v3/objects")
    rows, bookmark = pull(connector, "contacts", None, "email")
    assert len({r.id for r in rows}) == len(rows)
    assert pull(connector, "contacts", bookmark, "email")[0] == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 500}, Unavailable),
        ({"kind": "dead"}, Unavailable),
        ({"kind": "quota"}, QuotaExhausted),
        ({"kind": "status", "status": 429, "retry_after": 3600}, Throttled),
    ],
)
def test_trouble_that_lasts_has_its_name_and_the_next_pull_goes_on(
    portal: Portal, fault: dict[str, Any], error: type[ConnectorError]
) -> None:
    connector = portal.connector()
    portal.post("/faults", {"vendor": "hubspot", "match": {"route": "/crm/v3/objects"}, "skip": 2, **fault})
    bookmark: Bookmark | None = None
    found: set[str] = set()
    with pytest.raises(error):
        for page in connector.pull("contacts", None, ("email",)):
            found |= {r.id for r in page.rows}
            bookmark = page.bookmark
    portal.clear_faults()
    rows, _ = pull(portal.connector(), "contacts", bookmark, "email")
    assert found.isdisjoint(r.id for r in rows)
    assert len(found) + len(rows) == connector.count("contacts")


def test_oauth_renews_once_after_a_401_and_ahead_of_its_end(portal: Portal) -> None:
    keys = {k: portal.credentials[k] for k in ("client_id", "client_secret", "refresh_token")}
    connector = portal.connector(access_token=None, **keys)
    portal.fault("status", "/crm/v3/objects", status=401, times=1)
    pull(connector, "contacts", None, "email")
    tokens = [s for e, s in portal.ledger.calls if e == "POST /oauth/v1/token"]
    assert tokens == [200, 200]
    portal.later(1500)  # 80 % of its life
    connector.count("contacts")
    assert [s for _, s in portal.ledger.calls].count(401) == 1
    assert len([e for e in portal.ledger.endpoints() if e == "POST /oauth/v1/token"]) == 3


def test_check_says_who_we_are_and_what_is_missing(portal: Portal) -> None:
    good = portal.connector().check()
    assert good.account_id.isdigit()
    assert good.problems == ()
    assert good.quotas[0].left < good.quotas[0].limit
    bad = portal.connector(access_token="pat-eu1-wrong").check()
    assert [p.fatal for p in bad.problems] == [True]
    assert "refuses the token" in bad.problems[0].text
    assert "pat-eu1-wrong" not in repr(bad)
    portal.switch(scopes=["crm.objects.contacts.read", "oauth"])
    poor = portal.connector().check()
    assert "The token may not write contacts." in [p.text for p in poor.problems]
    assert any("crm.objects.contacts.write" in p.remedy for p in poor.problems)
    portal.fault("quota", "/account-info")
    spent = portal.connector().check()
    assert "allowance" in spent.problems[0].text


@pytest.mark.parametrize("version", ["2026-03", "2026-09"])
def test_the_dated_api_serves_the_same(portal: Portal, version: str) -> None:
    connector = portal.connector(api_version=version)
    assert connector.check().problems == ()
    rows, bookmark = pull(connector, "contacts", None, "email")
    (one,) = some_contacts(portal, 1)
    portal.later(600)
    portal.edit("contacts", one, firstname="Dated")
    assert [r.id for r in pull(connector, "contacts", bookmark, "firstname")[0]] == [one]
    assert connector.ensure_fields("contacts", [KEY]) == ["crmhub_id"]
    assert connector.push("contacts", [create("op", "p-1", email="p1@example.com")])[0].outcome == "applied"
    assert connector.count("contacts") == len(rows) + 1


def test_bursts_never_provoke_a_429(portal: Portal) -> None:
    portal.switch(burst_limit=20)
    connector = portal.connector()
    for _ in range(60):
        connector.read("contacts", ["1"], ())
        connector.count("contacts")
    assert 429 not in {s for _, s in portal.ledger.calls}


def test_more_equal_stamps_than_search_can_page_are_all_found() -> None:
    with sandbox(13_500, "--no-limits") as ready:
        portal = Portal(ready["control"], ready["connections"]["hubspot"])
        portal.later(600)
        connector = portal.connector()
        rows, bookmark = pull(connector, "contacts", None, "firstname")
        ids = [r.id for r in rows][:10_500]
        assert len(ids) == 10_500
        portal.later(600)
        for start in range(0, len(ids), 100):
            ops = [update(i, i, firstname="Same") for i in ids[start : start + 100]]
            assert {r.outcome for r in connector.push("contacts", ops)} == {"applied"}
        changed, bookmark = pull(connector, "contacts", bookmark, "firstname")
        assert len({r.modified_at for r in changed}) == 1  # the pinned clock
        assert sorted(r.id for r in changed) == sorted(ids)
        before = portal.calls()
        assert pull(connector, "contacts", bookmark, "firstname")[0] == []
        assert portal.calls() - before == 1
