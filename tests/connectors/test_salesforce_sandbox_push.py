"""Reading, writing and making fields in a simulated org over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.contract import FieldRequest, MissingScope, Option, Rejected, Unavailable, WriteOp
from connectors.salesforce.connector import SalesforceConnector
from tests.connectors.salesforce_kit import MemorySecrets, Sandbox, used_sandbox

KEY = FieldRequest("crmhub_id__c", "Hub id", "text", unique=True)
STAGES = (Option("mql", "MQL"), Option("customer", "Customer"))
HUB_FIELDS = [
    KEY,
    FieldRequest("crmhub_stage__c", "Hub stage", "option", STAGES),
    FieldRequest("crmhub_topics__c", "Hub topics", "options", (Option("a", "A"), Option("b", "B"))),
    FieldRequest("crmhub_score__c", "Hub score", "number"),
    FieldRequest("crmhub_reason__c", "Hub reason", "text"),
    FieldRequest("crmhub_hot__c", "Hub hot", "bool"),
    FieldRequest("crmhub_since__c", "Hub since", "date"),
    FieldRequest("crmhub_at__c", "Hub at", "datetime"),
]


@pytest.fixture
def org(sandbox: Callable[..., Any]) -> Iterator[Sandbox]:
    """The seeded org, with the clock standing still."""
    yield from used_sandbox(sandbox)


@pytest.fixture
def crm(org: Sandbox) -> SalesforceConnector:
    return org.connector()


def open_leads(org: Sandbox) -> list[str]:
    """Leads that take writes."""
    leads = org.state("Lead")
    return sorted(r["id"] for r in leads if not r["fields"]["IsConverted"] and not r["deleted"])


def update(op_id: str, record_id: str, **values: Any) -> WriteOp:
    return WriteOp(op_id, "update", record_id, values)


def create(op_id: str, key: str | None) -> WriteOp:
    values: dict[str, Any] = {"LastName": op_id, "Company": "New"}
    return WriteOp(op_id, "create", None, values, ("crmhub_id__c", key) if key else None)


# ------------------------------------------------------------------------------------------------ reading


def test_read_tells_live_deleted_and_missing(org: Sandbox, crm: SalesforceConnector) -> None:
    first, second, *_ = open_leads(org)
    converted = next(r["id"] for r in org.state("Lead") if r["fields"]["IsConverted"])
    org.delete("Lead", second)
    unknown = first[:10] + "zzzzz"
    result = crm.read("leads", [first, second, converted, unknown], ["Email", "Owner.Name"])
    assert set(result.rows) == {first, converted}
    assert result.rows[first].values["Owner.Name"]
    assert result.rows[converted].read_only
    assert [d.id for d in result.deleted] == [second]
    assert result.missing == [unknown]
    assert crm.read("leads", [first, second, converted, unknown], ["Email"]).deleted == result.deleted


def test_many_records_are_read_as_few_are(org: Sandbox, crm: SalesforceConnector) -> None:
    made = sorted(org.load_leads(600))
    org.delete("Lead", made[0])
    org.edit("Lead", made[1], {"Company": "x"}, "workflow")
    org.forget_calls()
    many = crm.read("leads", made, ["Company", "LastName"])
    assert org.calls() == 3, "a retrieve, who the users are, what became of the missing one"
    few = crm.read("leads", made[:300], ["Company", "LastName"])
    assert {i: many.rows[i] for i in few.rows} == few.rows
    assert (len(many.rows), many.deleted, many.missing) == (599, few.deleted, [])
    assert {many.rows[made[1]].actor, many.rows[made[2]].actor} == {"integration", "hub"}


def test_read_shows_a_write_at_once(org: Sandbox, crm: SalesforceConnector) -> None:
    lead = open_leads(org)[0]
    org.edit("Lead", lead, {"Company": "Just now 東京 🚀"}, "person")
    assert crm.read("leads", [lead], ["Company"]).rows[lead].values == {"Company": "Just now 東京 🚀"}


def test_count_is_what_lives(org: Sandbox, crm: SalesforceConnector) -> None:
    before = crm.count("leads")
    assert before == len(open_leads(org))
    org.delete("Lead", open_leads(org)[0])
    assert crm.count("leads") == before - 1


def test_find_takes_any_value_as_a_value(org: Sandbox, crm: SalesforceConnector) -> None:
    lead = open_leads(org)[0]
    crm.push("leads", [update("a", lead, Company='O\'Neil \\ "Söhne"')])
    assert [r.id for r in crm.find("leads", "Company", ['O\'Neil \\ "Söhne"', "' OR Id != '"], [])] == [lead]


# ------------------------------------------------------------------------------------------------ writing


def test_one_bad_record_fails_alone(org: Sandbox, crm: SalesforceConnector) -> None:
    leads = open_leads(org)[:8]
    converted = next(r["id"] for r in org.state("Lead") if r["fields"]["IsConverted"])
    org.delete("Lead", leads[6])
    rule = {"object": "Lead", "field": "Title", "value": "forbidden", "message": "No such title here"}
    org.switch(validation_rules=[rule], locked={leads[3]: 1})
    results = crm.push(
        "leads",
        [
            update("good", leads[0], Title="CTO"),
            update("long", leads[1], Company="x" * 300),
            update("rule", leads[2], Title="forbidden"),
            update("lock", leads[3], Title="CTO"),
            update("option", leads[4], Product_Interest__c="Nonsense"),
            update("converted", converted, Title="CTO"),
            update("deleted", leads[6], Title="CTO"),
            update("missing", leads[0][:10] + "zzzzz", Title="CTO"),
            update("last", leads[7], Title="CTO"),
        ],
    )
    assert {r.op_id: r.outcome for r in results} == {
        "good": "applied",
        "long": "rejected",
        "rule": "rejected",
        "lock": "retry",
        "option": "rejected",
        "converted": "rejected",
        "deleted": "gone",
        "missing": "gone",
        "last": "applied",
    }
    by_op = {r.op_id: r for r in results}
    assert by_op["long"].code == "STRING_TOO_LONG"
    assert "No such title here" in by_op["rule"].message
    assert "contact" in by_op["converted"].remedy
    titles = crm.read("leads", leads, ["Title"]).rows
    assert titles[leads[0]].values["Title"] == titles[leads[7]].values["Title"] == "CTO"


@pytest.mark.parametrize("where", ["request", "row"])
def test_an_unknown_field_is_named(org: Sandbox, crm: SalesforceConnector, where: str) -> None:
    org.switch(unknown_field_fails=where)
    first, second, third = open_leads(org)[:3]
    ops = [update("a", first, Title="x"), update("b", second, Nope__c="x"), update("c", third, Title="x")]
    results = crm.push("leads", ops)
    assert [r.outcome for r in results] == ["applied", "rejected", "applied"]
    assert "Nope__c" in results[1].message


def test_a_read_only_field_is_named(org: Sandbox, crm: SalesforceConnector) -> None:
    org.switch(read_only_fields=["Lead.Rating"])
    (result,) = crm.push("leads", [update("a", open_leads(org)[0], Rating="Hot")])
    assert (result.outcome, result.code) == ("rejected", "INVALID_FIELD_FOR_INSERT_UPDATE")
    assert "Rating" in result.message


def test_null_clears_a_field(org: Sandbox, crm: SalesforceConnector) -> None:
    lead = open_leads(org)[0]
    crm.push("leads", [update("a", lead, Title="CTO")])
    crm.push("leads", [update("a", lead, Title=None)])
    assert crm.read("leads", [lead], ["Title"]).rows[lead].values == {"Title": None}


def test_200_updates_are_one_call(org: Sandbox, crm: SalesforceConnector) -> None:
    made = sorted(org.load_leads(200))
    crm.count("leads")
    org.forget_calls()
    results = crm.push("leads", [update(str(n), lead, Title="CTO") for n, lead in enumerate(made)])
    assert {r.outcome for r in results} == {"applied"}
    assert org.calls() == 1


def test_a_create_repeated_after_a_lost_answer_makes_no_second_record(org: Sandbox, crm: SalesforceConnector) -> None:
    crm.ensure_fields("leads", [KEY])
    before = len(org.state("Lead"))
    org.fault({"kind": "drop_after_commit", "match": {"method": "PATCH"}, "times": 1})
    ops = [create("one", "k-1"), create("two", "k-2")]
    assert [r.outcome for r in crm.push("leads", ops)] == ["unknown", "unknown"]
    found = {
        row.values["crmhub_id__c"]: row.id
        for row in crm.find("leads", "crmhub_id__c", ["k-1", "k-2"], ["crmhub_id__c"])
    }
    again = crm.push("leads", ops)
    assert [(r.outcome, r.remote_id) for r in again] == [("applied", found["k-1"]), ("applied", found["k-2"])]
    assert len(org.state("Lead")) == before + 2


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_after_commit"},
        {"kind": "cut"},
        {"kind": "cut", "close": True},
        {"kind": "garbage"},
        {"kind": "status", "status": 500},
    ],
)
def test_an_unclear_answer_to_an_update_is_unknown(
    org: Sandbox, crm: SalesforceConnector, fault: dict[str, Any]
) -> None:
    crm.count("leads")
    org.fault({**fault, "match": {"method": "PATCH"}, "times": 1})
    lead = open_leads(org)[0]
    (result,) = crm.push("leads", [update("a", lead, Title="CTO")])
    assert result.outcome == "unknown"


def test_a_crm_that_cannot_be_reached_raises(org: Sandbox, crm: SalesforceConnector) -> None:
    org.fault({"kind": "drop_before", "match": {"route": "/services/oauth2/token"}})
    with pytest.raises(Unavailable):
        crm.push("leads", [update("a", open_leads(org)[0], Title="CTO")])


def test_an_expired_session_does_not_lose_a_write(org: Sandbox, crm: SalesforceConnector) -> None:
    crm.count("leads")
    org.switch(end_sessions=True)
    lead = open_leads(org)[0]
    assert [r.outcome for r in crm.push("leads", [update("a", lead, Title="CTO")])] == ["applied"]


def test_our_writes_come_back_as_ours(org: Sandbox, crm: SalesforceConnector) -> None:
    mark = list(crm.pull("leads", None, []))[-1].bookmark
    lead = open_leads(org)[0]
    crm.push("leads", [update("a", lead, Title="CTO")])
    rows = [row for page in crm.pull("leads", mark, ["Title"]) for row in page.rows]
    assert [(row.id, row.actor) for row in rows if row.values["Title"] == "CTO" and row.id == lead] == [(lead, "hub")]


# ------------------------------------------------------------------------------------------------ fields


@pytest.mark.parametrize("stream", ["leads", "contacts", "accounts", "tasks"])
def test_fields_are_made_from_nothing(org: Sandbox, crm: SalesforceConnector, stream: str) -> None:
    assert crm.ensure_fields(stream, HUB_FIELDS) == [f.name for f in HUB_FIELDS]
    described = {f.name: f for f in crm.describe(stream)}
    for request in HUB_FIELDS:
        field = described[request.name]
        assert (field.type, field.writable, field.custom) == (request.type, True, True)
        assert [o.value for o in field.options] == [o.value for o in request.options]
        assert field.closed == bool(request.options)
    assert described["crmhub_id__c"].unique
    org.forget_calls()
    assert crm.ensure_fields(stream, HUB_FIELDS) == []
    assert org.calls() <= 4, "describes only"


def test_a_field_that_was_made_but_not_granted_is_granted(org: Sandbox, crm: SalesforceConnector) -> None:
    grant = {"method": "POST", "route": "/services/data/v67.0/sobjects/FieldPermissions"}
    org.fault({"kind": "drop_before", "match": grant})
    with pytest.raises(Unavailable):
        crm.ensure_fields("leads", [KEY])
    assert "crmhub_id__c" not in {f.name for f in crm.describe("leads")}
    org.clear_faults()
    assert org.connector().ensure_fields("leads", [KEY]) == []
    assert "crmhub_id__c" in {f.name for f in crm.describe("leads")}


LOST: list[dict[str, Any]] = [
    {"kind": "drop_after_commit"},
    {"kind": "drop_before"},
    {"kind": "cut"},
    {"kind": "status", "status": 500},
]
MAKING = ["tooling/sobjects/CustomField", "sobjects/PermissionSet", "sobjects/PermissionSetAssignment",
          "sobjects/FieldPermissions"]  # fmt: skip


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("route", MAKING)
def test_a_lost_answer_while_fields_are_made_is_looked_into(
    org: Sandbox, crm: SalesforceConnector, fault: dict[str, Any], route: str
) -> None:
    match = {"method": "POST", "route": f"/services/data/v67.0/{route}"}
    org.fault({**fault, "match": match, "times": 2})
    assert crm.ensure_fields("leads", HUB_FIELDS) == [f.name for f in HUB_FIELDS]
    described = {f.name: f for f in crm.describe("leads")}
    assert all(described[f.name].writable for f in HUB_FIELDS)
    assert crm.ensure_fields("leads", HUB_FIELDS) == []


def test_making_fields_without_the_permission_says_which(org: Sandbox, crm: SalesforceConnector) -> None:
    org.switch(customize_application=False)
    with pytest.raises(MissingScope, match="Customize Application"):
        crm.ensure_fields("leads", [KEY])


def test_hub_values_survive_a_round_trip(org: Sandbox, crm: SalesforceConnector) -> None:
    crm.ensure_fields("leads", HUB_FIELDS)
    lead = open_leads(org)[0]
    sent: dict[str, Any] = {
        "crmhub_stage__c": "mql",
        "crmhub_topics__c": "a;b",
        "crmhub_score__c": 61.5,
        "crmhub_reason__c": "Größe 漢字 🎯",
        "crmhub_hot__c": True,
        "crmhub_since__c": "2026-11-23",
        "crmhub_at__c": "2026-11-23T19:11:41.000+0000",
    }
    assert [r.outcome for r in crm.push("leads", [update("a", lead, **sent)])] == ["applied"]
    assert crm.read("leads", [lead], list(sent)).rows[lead].values == sent
    pulled = {row.id: row.values for page in crm.pull("leads", None, list(sent)) for row in page.rows}
    assert pulled[lead] == sent


# ------------------------------------------------------------------------------------------------ connection


def test_check_is_content_with_the_org(org: Sandbox, crm: SalesforceConnector) -> None:
    report = crm.check()
    assert not [p for p in report.problems if p.fatal]
    assert report.account_id.startswith("00D")
    assert "@" in report.user
    assert report.quotas[0].limit == 100_000
    assert report.quotas[0].left < 100_000


def test_what_check_was_told_serves_the_first_describe(org: Sandbox, crm: SalesforceConnector) -> None:
    crm.check()
    org.forget_calls()
    crm.describe("accounts")
    assert org.calls() == 1, "the owner's object alone"
    crm.describe("accounts")
    assert org.calls() == 2
    crm.check()
    org.advance(120)
    org.forget_calls()
    crm.describe("accounts")
    assert org.calls() == 1


def test_check_tells_when_ours_is_somebody_else(org: Sandbox) -> None:
    mine = org.connector().check()
    assert org.connector(ours=mine.user).check().problems == mine.problems
    (problem,) = set(org.connector(ours="ann@acme.com").check().problems) - set(mine.problems)
    assert "ann@acme.com" in problem.text
    assert not problem.fatal


def test_check_names_a_wrong_secret_and_a_retired_version(org: Sandbox) -> None:
    assert "refuses the credentials" in org.connector(client_secret="wrong").check().problems[0].text
    assert "api_version" in org.connector(api_version="30.0").check().problems[0].remedy


def test_an_org_that_is_down_is_unavailable(org: Sandbox) -> None:
    org.fault({"kind": "status", "status": 503})
    with pytest.raises(Unavailable):
        org.connector().check()


def test_the_next_process_uses_the_stored_session(org: Sandbox) -> None:
    secrets = MemorySecrets()
    for _ in range(3):
        org.connector(secrets).count("leads")
    assert org.calls("/services/oauth2/token") == 1


def test_an_unknown_key_field_is_refused(crm: SalesforceConnector) -> None:
    with pytest.raises(Rejected, match="nope__c"):
        crm.find("leads", "nope__c", ["x"], [])
