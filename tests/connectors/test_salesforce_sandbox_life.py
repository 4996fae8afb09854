"""What happens to fields and rows without their stamp: hidden and granted fields, formulas, parents, archives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.contract import Bookmark, MissingScope, Page, Row
from connectors.salesforce.connector import SalesforceConnector
from tests.connectors.salesforce_kit import MemoryLedger, Sandbox, used_sandbox

DAY = 86_400


@pytest.fixture
def org(sandbox: Callable[..., Any]) -> Iterator[Sandbox]:
    """The seeded org, with the clock standing still."""
    yield from used_sandbox(sandbox)


@pytest.fixture
def crm(org: Sandbox) -> SalesforceConnector:
    return org.connector()


def pulled(pages: Iterator[Page]) -> tuple[dict[str, Row], Bookmark]:
    rows: dict[str, Row] = {}
    mark: Bookmark = {}
    for page in pages:
        rows |= {row.id: row for row in page.rows}
        mark = page.bookmark
    return rows, mark


# ------------------------------------------------------------------------------------------------ hidden fields


def test_a_field_taken_away_is_missing_and_comes_back_with_its_values(
    org: Sandbox, crm: SalesforceConnector, caplog: pytest.LogCaptureFixture
) -> None:
    fields = ["Email", "Company"]
    everybody, mark = pulled(crm.pull("leads", None, fields))
    org.advance(3_600)
    org.switch(hidden_fields=["Lead.Company"])
    edited = min(i for i, row in everybody.items() if not row.read_only)
    org.edit("Lead", edited, {"Email": "new@example.com"}, "person")
    with caplog.at_level("WARNING"):
        rows, mark = pulled(crm.pull("leads", mark, fields))
    assert rows[edited].values == {"Email": "new@example.com"}
    assert "Company" in caplog.text
    org.advance(600)
    _, mark = pulled(crm.pull("leads", mark, fields))
    org.advance(600)
    org.forget_calls()
    rows, mark = pulled(crm.pull("leads", mark, fields))
    assert not rows
    assert org.calls() == 1, "it is not asked for again each time"

    org.switch(hidden_fields=[])
    org.advance(3_600)
    rows, mark = pulled(crm.pull("leads", mark, fields))
    assert rows.keys() == everybody.keys(), "everything is read again, as rows read meanwhile lack it"
    assert all("Company" in row.values for row in rows.values())
    assert "hidden" not in mark
    org.advance(600)
    assert not pulled(crm.pull("leads", mark, fields))[0]


def test_a_field_that_stays_hidden_is_looked_for_now_and_then(org: Sandbox) -> None:
    org.switch(hidden_fields=["Lead.Company"])
    ledger = MemoryLedger()
    crm = org.connector(ledger=ledger)
    _, mark = pulled(crm.pull("leads", None, ["Email", "Company"]))
    org.advance(2 * 3_600)
    ledger.answered()
    _, mark = pulled(crm.pull("leads", mark, ["Email", "Company"]))
    assert ledger.answered() == ["sobjects/Lead/describe (refresh)", "queryAll"]
    org.advance(600)
    ledger.answered()
    pulled(crm.pull("leads", mark, ["Email", "Company"]))
    assert ledger.answered() == ["queryAll"]


def test_a_field_that_links_come_from_is_named_when_hidden(org: Sandbox, crm: SalesforceConnector) -> None:
    org.switch(hidden_fields=["Contact.AccountId"])
    with pytest.raises(MissingScope, match=r"read access to Contact\.AccountId"):
        pulled(crm.pull("contacts", None, ["Email"]))
    texts = [p.text for p in crm.check().problems if p.fatal]
    assert any("Contact.AccountId is hidden" in t for t in texts)


# ------------------------------------------------------------------------------------------------ formulas


def test_formulas_are_read_again_once_a_day_and_counted_apart(org: Sandbox) -> None:
    ledger = MemoryLedger()
    crm = org.connector(ledger=ledger)
    crm.describe("opportunities")
    fields = ["Name", "ExpectedRevenue"]
    everything, mark = pulled(crm.pull("opportunities", None, fields))
    org.advance(DAY // 2)
    rows, mark = pulled(crm.pull("opportunities", mark, fields))
    assert not rows
    org.advance(DAY // 2)
    ledger.answered()
    rows, mark = pulled(crm.pull("opportunities", mark, fields))
    assert rows == everything, "all asked fields, links too"
    assert ledger.answered() == ["queryAll", "queryAll", "queryAll (refresh)"]
    org.advance(600)
    assert not pulled(crm.pull("opportunities", mark, fields))[0]


def test_a_formula_that_changes_with_its_account_and_a_roll_up_arrive(org: Sandbox, crm: SalesforceConnector) -> None:
    org.act("formula_field", object="Contact", name="Tier__c", type="Text", formula="Account.Industry")
    org.act("rollup_field", object="Account", name="Deals__c", child="Opportunity", function="COUNT")
    org.switch(rollups_stamp=False)
    contacts, mark = pulled(crm.pull("contacts", None, ["Email", "Tier__c"]))
    accounts, account_mark = pulled(crm.pull("accounts", None, ["Name", "Deals__c"]))
    org.advance(DAY)
    (deal,) = org.query("SELECT Id, AccountId FROM Opportunity WHERE AccountId != null ORDER BY Id LIMIT 1")
    org.edit("Account", deal["AccountId"], {"Industry": "Shipping"}, "person")
    org.delete("Opportunity", deal["Id"])
    rows, _ = pulled(crm.pull("accounts", account_mark, ["Name", "Deals__c"]))
    before = accounts[deal["AccountId"]].values["Deals__c"]
    assert isinstance(before, int | float)
    assert rows[deal["AccountId"]].values["Deals__c"] == before - 1
    rows, _ = pulled(crm.pull("contacts", mark, ["Email", "Tier__c"]))
    theirs = {i for i, row in contacts.items() if deal["AccountId"] in {link.id for link in row.links or ()}}
    assert theirs
    assert {rows[i].values["Tier__c"] for i in theirs} == {"Shipping"}


def test_without_formulas_nothing_is_read_again(org: Sandbox) -> None:
    ledger = MemoryLedger()
    crm = org.connector(ledger=ledger)
    crm.describe("leads")
    _, mark = pulled(crm.pull("leads", None, ["Email"]))
    org.advance(2 * DAY)
    ledger.answered()
    rows, mark = pulled(crm.pull("leads", mark, ["Email"]))
    assert not rows
    assert ledger.answered() == ["queryAll"]


def test_a_refresh_of_tasks_knows_incoming_mails(org: Sandbox) -> None:
    crm = org.connector()
    fields = ["Subject", "Owner.Name", "Message.Kind"]
    everything, mark = pulled(crm.pull("tasks", None, fields))
    assert "IncomingEmail" in {row.values["Message.Kind"] for row in everything.values()}
    org.advance(DAY)
    again, _ = pulled(crm.pull("tasks", mark, fields))
    assert again == everything


def test_a_killed_refresh_goes_on_where_it_was(org: Sandbox) -> None:
    crm = org.connector()
    fields = ["Email", "Owner.Name"]
    everything, mark = pulled(crm.pull("leads", None, fields))
    org.advance(2 * DAY)
    org.switch(page_size=20)
    pages = crm.pull("leads", mark, fields)
    first = next(pages)
    assert first.rows
    assert first.bookmark["refresh"]
    rest, mark = pulled(org.connector().pull("leads", first.bookmark, fields))
    assert {r.id for r in first.rows} | rest.keys() == everything.keys()
    assert not {r.id for r in first.rows} & rest.keys()
    assert "refresh" not in mark


def test_an_object_that_comes_is_read_and_forgotten_to_be_missing(org: Sandbox) -> None:
    org.switch(object_access={"CampaignMember": "none"})
    crm = org.connector()
    rows, mark = pulled(crm.pull("campaign_members", None, ["Status"]))
    assert not rows
    assert mark["absent"]
    org.forget_calls()
    pulled(crm.pull("campaign_members", mark, ["Status"]))
    assert org.calls() == 0
    org.switch(object_access={})
    org.advance(3_600)
    rows, mark = pulled(crm.pull("campaign_members", mark, ["Status"]))
    assert rows
    assert "absent" not in mark


# ------------------------------------------------------------------------------------------------ parents


def test_an_account_that_changes_is_seen_on_its_contacts(org: Sandbox, crm: SalesforceConnector) -> None:
    fields = ["Email", "Account.Industry", "Account.Name"]
    everybody, mark = pulled(crm.pull("contacts", None, fields))
    org.advance(3_600)
    account = next(link.id for row in everybody.values() for link in row.links or ())
    org.edit("Account", account, {"Industry": "Shipping"}, "person")
    rows, mark = pulled(crm.pull("contacts", mark, fields))
    theirs = {i for i, row in everybody.items() if account in {link.id for link in row.links or ()}}
    assert rows.keys() == theirs
    assert {row.values["Account.Industry"] for row in rows.values()} == {"Shipping"}
    org.advance(60)
    org.forget_calls()
    rows, mark = pulled(crm.pull("contacts", mark, fields))
    assert not rows, "the same change inside the overlap is not read twice"
    assert org.calls() == 2
    org.advance(600)
    assert not pulled(crm.pull("contacts", mark, fields))[0]


def test_many_accounts_at_once_are_probed(org: Sandbox, crm: SalesforceConnector) -> None:
    fields = ["Email", "Account.Industry"]
    everybody, mark = pulled(crm.pull("contacts", None, fields))
    org.advance(3_600)
    org.act("touch", object="Account")
    org.advance(1)
    rows, mark = pulled(crm.pull("contacts", mark, fields))
    assert rows.keys() == {i for i, row in everybody.items() if row.links}
    org.advance(30)
    org.forget_calls()
    assert not pulled(crm.pull("contacts", mark, fields))[0]
    assert org.calls() == 2


def test_without_fields_of_the_account_nobody_asks_for_it(org: Sandbox, crm: SalesforceConnector) -> None:
    _, mark = pulled(crm.pull("contacts", None, ["Email"]))
    org.advance(600)
    org.forget_calls()
    pulled(crm.pull("contacts", mark, ["Email"]))
    assert org.calls() == 1


# ------------------------------------------------------------------------------------------------ archives, options


def test_archived_activities_are_read(org: Sandbox, crm: SalesforceConnector) -> None:
    org.switch(archive_days=30)
    live = {r["Id"] for r in org.query("SELECT Id FROM Task")}
    rows, _ = pulled(crm.pull("tasks", None, ["IsArchived"]))
    archived = {i for i, row in rows.items() if row.values["IsArchived"]}
    assert archived
    assert rows.keys() - archived == live
    assert crm.count("tasks") == len(rows)


def test_a_lead_that_was_deleted_comes_back(org: Sandbox, crm: SalesforceConnector) -> None:
    everybody, mark = pulled(crm.pull("leads", None, ["Email"]))
    org.advance(3_600)
    victim = min(i for i, row in everybody.items() if not row.read_only)
    org.delete("Lead", victim)
    rows, mark = pulled(crm.pull("leads", mark, ["Email"]))
    assert victim not in rows
    org.advance(3_600)
    org.act("undelete", object="Lead", id=victim)
    rows, mark = pulled(crm.pull("leads", mark, ["Email"]))
    assert rows[victim].values == everybody[victim].values


def test_options_are_described_as_they_are_now(org: Sandbox, crm: SalesforceConnector) -> None:
    def options() -> dict[str, tuple[str, bool]]:
        (field,) = [f for f in crm.describe("leads") if f.name == "Rating"]
        return {o.value: (o.label, o.active) for o in field.options}

    before = options()
    old = min(before)
    org.act("picklist", field="Lead.Rating", add=["Lukewarm"], relabel={old: "So so"})
    after = options()
    assert after.keys() - before.keys() == {"Lukewarm"}
    assert after[old][0] == "So so"


def test_a_chain_of_merges_leads_to_its_end(org: Sandbox, crm: SalesforceConnector) -> None:
    everybody, mark = pulled(crm.pull("leads", None, ["Email"]))
    one, two, three = sorted(i for i, row in everybody.items() if not row.read_only)[:3]
    org.advance(3_600)
    org.act("merge", object="Lead", winner=two, losers=[one])
    org.advance(10)
    org.act("merge", object="Lead", winner=three, losers=[two])
    merges = [(m.old_id, m.new_id) for page in crm.pull("leads", mark, ["Email"]) for m in page.merges]
    assert sorted(merges) == [(one, two), (two, three)]
    found = crm.read("leads", [one], ["Email"])
    assert [(m.old_id, m.new_id) for m in found.merges] == [(one, three)]


def test_a_conversion_with_a_deal_arrives_everywhere(org: Sandbox, crm: SalesforceConnector) -> None:
    streams = ("leads", "contacts", "accounts", "opportunities", "tasks")
    first = {s: pulled(crm.pull(s, None, [])) for s in streams}
    marks = {s: mark for s, (_, mark) in first.items()}
    with_task = {link.id for row in first["tasks"][0].values() for link in row.links or () if link.stream == "leads"}
    lead = min(i for i, row in first["leads"][0].items() if not row.read_only and i in with_task)
    org.advance(3_600)
    made = org.act("convert", lead=lead, opportunity="Big one")
    news = {s: list(crm.pull(s, marks[s], [])) for s in streams}
    (merge,) = [m for page in news["leads"] for m in page.merges if m.old_id == lead]
    assert (merge.new_id, merge.new_stream) == (made["contact"], "contacts")
    rows = {s: {row.id: row for page in pages for row in page.rows} for s, pages in news.items()}
    assert rows["leads"][lead].read_only == "converted lead"
    assert made["account"] in rows["accounts"]
    deal = rows["opportunities"][made["opportunity"]]
    assert {(link.stream, link.id) for link in deal.links or ()} == {
        ("accounts", made["account"]),
        ("contacts", made["contact"]),
    }
    assert rows["contacts"][made["contact"]].links
    moved = [row for row in rows["tasks"].values() for link in row.links or () if link.id == made["contact"]]
    assert moved
