"""Pulling from a simulated org over real HTTP: nothing missed, nothing twice, no call too many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.contract import AuthFailed, Bookmark, Page, QuotaExhausted, Row, WriteOp
from connectors.salesforce.connector import SalesforceConnector
from tests.connectors.salesforce_kit import Sandbox, used_sandbox

FIELDS = {
    "leads": ["Email", "FirstName", "LastName", "Company", "Status", "HasOptedOutOfEmail"],
    "contacts": ["Email", "LastName", "AccountId"],
    "accounts": ["Name", "Website", "NumberOfEmployees"],
    "tasks": ["Subject", "Status", "ActivityDate"],
    "events": ["Subject", "StartDateTime"],
}
OBJECTS = {"leads": "Lead", "contacts": "Contact", "accounts": "Account", "tasks": "Task", "events": "Event"}


@pytest.fixture
def org(sandbox: Callable[..., Any]) -> Iterator[Sandbox]:
    """The seeded org, with the clock standing still."""
    yield from used_sandbox(sandbox)


@pytest.fixture
def crm(org: Sandbox) -> SalesforceConnector:
    return org.connector()


class Copy:
    """What a hub would keep: the last state of every row, and how often each state came."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.gone: set[str] = set()
        self.merged: dict[str, str] = {}
        self.bookmark: Bookmark | None = None

    def take(self, pages: Iterator[Page], most: int | None = None) -> Copy:
        """Store pages with their bookmarks, as many as told (then the hub is killed)."""
        for number, page in enumerate(pages, 1):
            for row in page.rows:
                self.rows[row.id] = row
            for deletion in page.deletions:
                self.rows.pop(deletion.id, None)
                self.gone.add(deletion.id)
            for merge in page.merges:
                self.merged[merge.old_id] = merge.new_id
            self.bookmark = page.bookmark
            if number == most:
                return self
        return self

    def values(self) -> dict[str, dict[str, object]]:
        return {row_id: dict(row.values) for row_id, row in self.rows.items()}


def truth(org: Sandbox, stream: str) -> dict[str, dict[str, object]]:
    """The org's own records, as the pull should have them."""
    return {
        r["id"]: {f: r["fields"][f] for f in FIELDS[stream]} for r in org.state(OBJECTS[stream]) if not r["deleted"]
    }


@pytest.mark.parametrize("stream", list(FIELDS))
def test_a_first_pull_has_everything(org: Sandbox, crm: SalesforceConnector, stream: str) -> None:
    copy = Copy().take(crm.pull(stream, None, FIELDS[stream]))
    assert copy.values() == truth(org, stream)
    assert len(copy.rows) > 10


@pytest.mark.parametrize("stream", ["users", "queues"])
def test_owners_are_pulled(crm: SalesforceConnector, stream: str) -> None:
    copy = Copy().take(crm.pull(stream, None, ["Name", "Email"]))
    assert copy.rows
    assert len(copy.rows) == crm.count(stream)
    assert all(row.values["Name"] for row in copy.rows.values())


def test_activities_point_to_people(org: Sandbox, crm: SalesforceConnector) -> None:
    people = {"leads": set(truth(org, "leads")), "contacts": set(truth(org, "contacts"))}
    rows = Copy().take(crm.pull("tasks", None, [])).rows.values()
    links = [link for row in rows for link in row.links or () if link.primary]
    assert links
    assert all(link.id in people[link.stream] for link in links)


def test_a_pull_without_changes_costs_the_published_calls(org: Sandbox, crm: SalesforceConnector) -> None:
    wanted = FIELDS | {"contacts": [*FIELDS["contacts"], "Account.Type"]}
    marks = {s.name: Copy().take(crm.pull(s.name, None, wanted.get(s.name, []))).bookmark for s in crm.streams()}
    org.advance(600)
    for spec in crm.streams():
        org.forget_calls()
        again = Copy().take(crm.pull(spec.name, marks[spec.name], wanted.get(spec.name, [])))
        assert not again.rows
        absent = "absent" in (marks[spec.name] or {})  # not every org has every object
        assert org.calls() == (0 if absent else spec.idle_calls), spec.name


def test_an_edit_arrives_with_its_hand(org: Sandbox, crm: SalesforceConnector) -> None:
    copy = Copy().take(crm.pull("leads", None, FIELDS["leads"]))
    org.advance(3_600)
    edited = sorted(row_id for row_id, row in copy.rows.items() if not row.read_only)[:3]
    for row_id, actor in zip(edited, ("person", "workflow", "hub"), strict=True):
        org.edit("Lead", row_id, {"Company": f"by {actor}"}, actor)
    news = Copy().take(crm.pull("leads", copy.bookmark, FIELDS["leads"]))
    assert {row_id: (row.values["Company"], row.actor) for row_id, row in news.rows.items()} == {
        edited[0]: ("by person", "person"),
        edited[1]: ("by workflow", "integration"),
        edited[2]: ("by hub", "hub"),
    }


def test_deletions_arrive(org: Sandbox, crm: SalesforceConnector) -> None:
    copy = Copy().take(crm.pull("contacts", None, FIELDS["contacts"]))
    org.advance(3_600)
    victim = min(copy.rows)
    org.delete("Contact", victim)
    copy.take(crm.pull("contacts", copy.bookmark, FIELDS["contacts"]))
    assert copy.gone == {victim}
    assert copy.values() == truth(org, "contacts")


def test_converted_leads_are_seen_as_their_contacts(org: Sandbox, crm: SalesforceConnector) -> None:
    copy = Copy().take(crm.pull("leads", None, FIELDS["leads"]))
    converted = {r["id"]: r["fields"]["ConvertedContactId"] for r in org.state("Lead") if r["fields"]["IsConverted"]}
    assert converted
    assert copy.merged == converted
    assert {row_id for row_id, row in copy.rows.items() if row.read_only} == set(converted)
    assert crm.count("leads") == len(copy.rows) - len(converted)


def test_a_merge_arrives_and_is_read(org: Sandbox, crm: SalesforceConnector) -> None:
    copy = Copy().take(crm.pull("contacts", None, FIELDS["contacts"]))
    org.advance(3_600)
    first, second, third, *_ = sorted(copy.rows)
    org.act("merge", object="Contact", winner=second, losers=[first])
    org.act("merge", object="Contact", winner=third, losers=[second])
    news = Copy().take(crm.pull("contacts", copy.bookmark, FIELDS["contacts"]))
    assert news.merged == {first: second, second: third}
    assert third in news.rows
    assert not news.gone
    result = crm.read("contacts", [first, second], ["Email"])
    assert {m.old_id: m.new_id for m in result.merges} == {first: third, second: third}
    assert set(result.rows) == {third}
    assert (result.deleted, result.missing) == ([], [])
    (pushed,) = crm.push("contacts", [WriteOp("a", "update", first, {"Title": "CTO"})])
    assert (pushed.outcome, pushed.remote_id) == ("gone", third)


def test_a_conversion_arrives(org: Sandbox, crm: SalesforceConnector) -> None:
    copy = Copy().take(crm.pull("leads", None, FIELDS["leads"]))
    contacts = Copy().take(crm.pull("contacts", None, FIELDS["contacts"]))
    org.advance(3_600)
    lead = min(row_id for row_id, row in copy.rows.items() if not row.read_only)
    org.act("convert", lead=lead)
    news = Copy().take(crm.pull("leads", copy.bookmark, FIELDS["leads"]))
    assert news.rows[lead].read_only == "converted lead"
    contact = news.merged[lead]
    assert contact not in contacts.rows
    assert contact in Copy().take(crm.pull("contacts", contacts.bookmark, FIELDS["contacts"])).rows
    assert crm.read("leads", [lead], []).rows[lead].read_only


def test_rows_changed_during_a_pull_are_not_lost(org: Sandbox, crm: SalesforceConnector) -> None:
    org.switch(page_size=20, fresh_pages=True)
    pages = crm.pull("leads", None, FIELDS["leads"])
    copy = Copy().take(pages, most=2)
    everyone = sorted(r["id"] for r in org.state("Lead") if not r["fields"]["IsConverted"])
    for number, row_id in enumerate(everyone[::7]):
        org.advance(1)
        org.edit("Lead", row_id, {"Company": f"changed {number}"}, "person")
    org.delete("Lead", everyone[1])
    org.delete("Lead", everyone[-2])
    copy.take(pages)
    copy.take(crm.pull("leads", copy.bookmark, FIELDS["leads"]))
    assert copy.values() == truth(org, "leads")


def test_a_killed_pull_continues_while_rows_change(org: Sandbox) -> None:
    org.switch(page_size=20, fresh_pages=True)
    copy = Copy().take(org.connector().pull("leads", None, FIELDS["leads"]), most=3)
    org.advance(7_200)
    for row_id in sorted(copy.rows)[:5]:
        if not copy.rows[row_id].read_only:
            org.edit("Lead", row_id, {"Company": "while the hub was dead"}, "person")
    copy.take(org.connector().pull("leads", copy.bookmark, FIELDS["leads"]))
    copy.take(org.connector().pull("leads", copy.bookmark, FIELDS["leads"]))
    assert copy.values() == truth(org, "leads")


def test_rows_that_become_visible_late_are_not_lost(org: Sandbox, crm: SalesforceConnector) -> None:
    copy = Copy().take(crm.pull("leads", None, FIELDS["leads"]))
    org.advance(3_600)
    org.switch(lag=60)
    first, second = sorted(row_id for row_id, row in copy.rows.items() if not row.read_only)[:2]
    org.edit("Lead", first, {"Company": "late"}, "person")
    org.advance(10)
    org.switch(lag=0)
    org.edit("Lead", second, {"Company": "at once"}, "person")
    copy.take(crm.pull("leads", copy.bookmark, FIELDS["leads"]))
    assert copy.rows[first].values["Company"] != "late"
    assert copy.rows[second].values["Company"] == "at once"
    org.advance(61)
    copy.take(crm.pull("leads", copy.bookmark, FIELDS["leads"]))
    assert copy.rows[first].values["Company"] == "late"


def test_25000_rows_of_one_stamp(org: Sandbox, crm: SalesforceConnector) -> None:
    org.advance(86_400)
    made = org.load_leads(25_000)
    org.advance(1)
    copy = Copy().take(org.connector().pull("leads", None, ["LastName"]), most=7)
    seen_before = len(copy.rows)
    copy.take(org.connector().pull("leads", copy.bookmark, ["LastName"]))
    assert seen_before < 25_000
    assert made <= copy.rows.keys()
    assert len(copy.rows) == len(org.state("Lead"))

    org.forget_calls()
    assert not Copy().take(crm.pull("leads", copy.bookmark, ["LastName"])).rows
    assert org.calls() == 1, "a crowded window is probed"

    victim = max(made)
    org.advance(30)
    org.edit("Lead", victim, {"Company": "moved"}, "person")
    assert victim in Copy().take(crm.pull("leads", copy.bookmark, ["LastName"])).rows

    org.advance(400)
    settled = Copy().take(crm.pull("leads", copy.bookmark, ["LastName"]))
    assert made <= settled.rows.keys(), "read a last time once nothing can come late"
    org.forget_calls()
    assert not Copy().take(crm.pull("leads", settled.bookmark, ["LastName"])).rows
    assert org.calls() == 1


def test_a_session_that_ends_mid_pull_is_renewed(org: Sandbox, crm: SalesforceConnector) -> None:
    org.switch(page_size=50)
    pages = crm.pull("leads", None, FIELDS["leads"])
    copy = Copy().take(pages, most=1)
    org.switch(end_sessions=True)
    copy.take(pages)
    assert copy.values() == truth(org, "leads")
    assert org.calls("/services/oauth2/token") == 2


def test_401_for_ever_stops(org: Sandbox, crm: SalesforceConnector) -> None:
    org.switch(sessions_dead=True)
    with pytest.raises(AuthFailed):
        list(crm.pull("leads", None, []))
    assert org.calls("/services/oauth2/token") == 2


def test_high_assurance_is_not_refreshed(org: Sandbox, crm: SalesforceConnector) -> None:
    org.switch(high_assurance=True)
    with pytest.raises(AuthFailed, match="high-assurance"):
        list(crm.pull("leads", None, []))
    assert org.calls("/services/oauth2/token") == 1


def test_a_full_quota_stops_and_the_next_pull_continues(org: Sandbox, crm: SalesforceConnector) -> None:
    org.switch(page_size=50)
    pages = crm.pull("leads", None, FIELDS["leads"])
    copy = Copy().take(pages, most=1)
    org.switch(daily_used=100_000)
    with pytest.raises(QuotaExhausted):
        copy.take(pages)
    org.switch(daily_used=0)
    copy.take(org.connector().pull("leads", copy.bookmark, FIELDS["leads"]))
    assert copy.values() == truth(org, "leads")


def test_the_reserve_for_other_tools_is_kept(org: Sandbox) -> None:
    org.switch(daily_used=85_000)
    crm = org.connector()
    with pytest.raises(QuotaExhausted, match="other tools"):
        for _ in range(3):
            list(crm.pull("leads", None, []))


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503, "times": 2},
        {"kind": "status", "status": 429, "times": 2},
        {"kind": "cut", "times": 1},
        {"kind": "cut", "close": True, "times": 1},
        {"kind": "garbage", "times": 1},
        {"kind": "drop_before", "times": 2},
        {"kind": "duplicate"},
    ],
)
def test_trouble_on_the_way_loses_and_doubles_nothing(
    org: Sandbox, crm: SalesforceConnector, fault: dict[str, object]
) -> None:
    org.switch(page_size=40)
    org.fault({**fault, "match": {"route": "/services/data"}})
    ids: list[str] = []
    for page in crm.pull("contacts", None, FIELDS["contacts"]):
        ids += [row.id for row in page.rows]
    assert sorted(ids) == sorted(truth(org, "contacts"))


def test_a_hidden_field_is_missing_and_the_rest_arrives(org: Sandbox, crm: SalesforceConnector) -> None:
    org.switch(hidden_fields=["Lead.Company"])
    copy = Copy().take(crm.pull("leads", None, ["Email", "Company", "No_Such_Field__c"]))
    assert all(set(row.values) == {"Email"} for row in copy.rows.values())
    assert "Company" not in {f.name for f in crm.describe("leads")}
