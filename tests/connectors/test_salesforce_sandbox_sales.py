"""Deals and what people did, from a simulated org: contact roles, campaigns, e-mails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.contract import Bookmark, Page, Row
from connectors.salesforce.connector import SalesforceConnector
from tests.connectors.salesforce_kit import Sandbox, used_sandbox

DEAL = ["Name", "StageName", "Amount", "CloseDate", "IsClosed", "IsWon", "Probability", "OwnerId"]


@pytest.fixture
def org(sandbox: Callable[..., Any]) -> Iterator[Sandbox]:
    """The seeded org, with the clock standing still."""
    yield from used_sandbox(sandbox)


@pytest.fixture
def crm(org: Sandbox) -> SalesforceConnector:
    return org.connector()


def pulled(pages: Iterator[Page]) -> tuple[dict[str, Row], list[str], Bookmark]:
    """Rows by id, ids of deletions, the last bookmark."""
    rows: dict[str, Row] = {}
    gone: list[str] = []
    mark: Bookmark = {}
    for page in pages:
        rows |= {row.id: row for row in page.rows}
        gone += [d.id for d in page.deletions]
        mark = page.bookmark
    return rows, gone, mark


def people_of(row: Row) -> set[tuple[str, bool, str | None]]:
    """The contacts of a deal."""
    return {(link.id, link.primary, link.role) for link in row.links or () if link.stream == "contacts"}


def true_roles(org: Sandbox) -> dict[str, set[tuple[str, bool, str | None]]]:
    found: dict[str, set[tuple[str, bool, str | None]]] = defaultdict(set)
    for role in org.query("SELECT OpportunityId, ContactId, IsPrimary, Role FROM OpportunityContactRole"):
        found[role["OpportunityId"]].add((role["ContactId"], role["IsPrimary"], role["Role"]))
    return found


def test_deals_come_with_their_account_and_everybody_in_them(org: Sandbox, crm: SalesforceConnector) -> None:
    rows, _, _ = pulled(crm.pull("opportunities", None, DEAL))
    deals = {r["id"]: r["fields"] for r in org.state("Opportunity") if not r["deleted"]}
    assert len(deals) > 3
    assert {i: row.values for i, row in rows.items()} == {i: {f: d[f] for f in DEAL} for i, d in deals.items()}
    wanted = true_roles(org)
    assert {i: people_of(row) for i, row in rows.items()} == {i: wanted[i] for i in deals}
    assert any(wanted.values())
    for row_id, row in rows.items():
        accounts = [link.id for link in row.links or () if link.stream == "accounts"]
        assert accounts == [deals[row_id]["AccountId"]]
    assert crm.count("opportunities") == len(deals)


def test_first_pull_of_deals_costs_one_call_a_page(org: Sandbox, crm: SalesforceConnector) -> None:
    crm.describe("opportunities")
    org.forget_calls()
    pulled(crm.pull("opportunities", None, DEAL))
    assert org.calls() == 1


def with_role(org: Sandbox) -> dict[str, Any]:
    """One live contact role."""
    return org.query("SELECT Id, OpportunityId, ContactId FROM OpportunityContactRole ORDER BY Id LIMIT 1")[0]


def test_a_changed_role_arrives_though_the_deal_did_not_change(org: Sandbox, crm: SalesforceConnector) -> None:
    _, _, mark = pulled(crm.pull("opportunities", None, DEAL))
    org.advance(3_600)
    role = with_role(org)
    org.edit("OpportunityContactRole", role["Id"], {"Role": "Executive Sponsor"}, "person")
    rows, _, mark = pulled(crm.pull("opportunities", mark, DEAL))
    deal = role["OpportunityId"]
    assert set(rows) == {deal}
    assert people_of(rows[deal]) == true_roles(org)[deal]
    assert "Executive Sponsor" in {r for _, _, r in people_of(rows[deal])}
    org.advance(60)
    rows, _, _ = pulled(crm.pull("opportunities", mark, DEAL))
    assert not rows, "the same change inside the overlap is not read twice"


def test_a_deleted_role_leaves_the_deal(org: Sandbox, crm: SalesforceConnector) -> None:
    _, _, mark = pulled(crm.pull("opportunities", None, DEAL))
    org.advance(3_600)
    role = with_role(org)
    deal, contact = role["OpportunityId"], role["ContactId"]
    org.delete("OpportunityContactRole", role["Id"])
    rows, gone, _ = pulled(crm.pull("opportunities", mark, DEAL))
    assert not gone, "a role is no deal"
    assert contact not in {i for i, _, _ in people_of(rows[deal])}
    assert people_of(crm.read("opportunities", [deal], DEAL).rows[deal]) == true_roles(org)[deal]


def test_merged_contacts_take_their_roles_along(org: Sandbox, crm: SalesforceConnector) -> None:
    _, _, mark = pulled(crm.pull("opportunities", None, DEAL))
    org.advance(3_600)
    role = with_role(org)
    deal, loser = role["OpportunityId"], role["ContactId"]
    taken = {r["ContactId"] for r in org.query("SELECT ContactId FROM OpportunityContactRole")}
    winner = next(r["id"] for r in org.state("Contact") if not r["deleted"] and r["id"] not in taken)
    org.act("merge", object="Contact", winner=winner, losers=[loser])
    rows, _, _ = pulled(crm.pull("opportunities", mark, DEAL))
    assert winner in {i for i, _, _ in people_of(rows[deal])}


def test_a_closed_deal_and_a_deleted_one(org: Sandbox, crm: SalesforceConnector) -> None:
    first, _, mark = pulled(crm.pull("opportunities", None, DEAL))
    org.advance(3_600)
    won, lost = [i for i, row in sorted(first.items()) if not row.values["IsClosed"]][:2]
    org.edit("Opportunity", won, {"StageName": "Closed Won"}, "person")
    org.delete("Opportunity", lost)
    rows, gone, _ = pulled(crm.pull("opportunities", mark, DEAL))
    assert rows[won].values["IsWon"] is True
    assert rows[won].values["Probability"] == 100
    assert gone == [lost]


def test_members_point_to_the_contact_once_there_is_one(org: Sandbox, crm: SalesforceConnector) -> None:
    fields = ["HasResponded", "FirstRespondedDate", "Status", "Campaign.Name", "Campaign.Type"]
    rows, _, mark = pulled(crm.pull("campaign_members", None, fields))
    truth = org.query("SELECT Id, HasResponded, ContactId, LeadId FROM CampaignMember")
    state = {r["Id"]: r for r in truth}
    assert {i: row.values["HasResponded"] for i, row in rows.items()} == {
        i: r["HasResponded"] for i, r in state.items()
    }
    for row_id, row in rows.items():
        fact = state[row_id]
        target = ("contacts", fact["ContactId"]) if fact["ContactId"] else ("leads", fact["LeadId"])
        assert [(link.stream, link.id) for link in row.links or ()] == [target]
        assert row.values["Campaign.Type"]
    converted = {r["id"] for r in org.state("Lead") if r["fields"]["IsConverted"]}
    member = next(i for i, r in sorted(state.items()) if not r["ContactId"] and r["LeadId"] not in converted)
    org.advance(3_600)
    org.act("convert", lead=state[member]["LeadId"])
    rows, _, _ = pulled(crm.pull("campaign_members", mark, fields))
    assert [link.stream for link in rows[member].links or ()] == ["contacts"]


@pytest.mark.parametrize("binned", [True, False])
def test_a_member_that_is_removed_is_gone_within_a_day(org: Sandbox, crm: SalesforceConnector, binned: bool) -> None:
    org.switch(campaign_members_binned=binned)
    rows, _, mark = pulled(crm.pull("campaign_members", None, ["Status"]))
    victim = min(rows)
    org.advance(3_600)
    org.delete("CampaignMember", victim)
    found: list[str] = []
    for _ in range(25):
        org.advance(3_600)
        _, gone, mark = pulled(crm.pull("campaign_members", mark, ["Status"]))
        found += gone
    assert set(found) == {victim}
    _, gone, _ = pulled(crm.pull("campaign_members", mark, ["Status"]))
    assert not gone


def test_incoming_emails_are_told_apart_and_none_comes_twice(org: Sandbox, crm: SalesforceConnector) -> None:
    rows, _, mark = pulled(crm.pull("tasks", None, ["Subject", "Message.Kind"]))
    messages = org.query("SELECT Id, ActivityId, Incoming FROM EmailMessage")
    incoming = {m["ActivityId"] for m in messages if m["Incoming"]}
    assert incoming
    assert {i for i, row in rows.items() if row.values["Message.Kind"] == "IncomingEmail"} == incoming
    assert {m["ActivityId"] for m in messages} - incoming <= {
        i for i, row in rows.items() if row.values["Message.Kind"] == "Email"
    }
    alone, _, _ = pulled(crm.pull("email_messages", None, ["Subject", "Incoming"]))
    assert set(alone) == {m["Id"] for m in messages if not m["ActivityId"]}

    org.advance(3_600)
    one = min(incoming)
    org.edit("Task", one, {"Priority": "High"}, "person")
    org.forget_calls()
    rows, _, _ = pulled(crm.pull("tasks", mark, ["Subject", "Message.Kind"]))
    assert {i: row.values["Message.Kind"] for i, row in rows.items()} == {one: "IncomingEmail"}
    assert org.calls() == 2
    assert crm.read("tasks", [one], ["Message.Kind"]).rows[one].values == {"Message.Kind": "IncomingEmail"}
