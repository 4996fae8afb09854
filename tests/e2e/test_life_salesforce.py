"""What people and admins do in Salesforce is in the store and in HubSpot after one cycle, calm and hostile."""

from __future__ import annotations

from typing import Any

from tests.e2e.life import DAY_S, Known, Life, life

__all__ = ["life"]


def edit(life: Life, known: Known, **values: Any) -> None:
    life.world.edit("salesforce", known.kind, known.other, **values)


def act(life: Life, action: str, **wish: Any) -> dict[str, Any]:
    return life.world.act("salesforce", action, **wish)


def test_a_deleted_lead_is_deleted_here_and_nowhere_else(life: Life) -> None:
    known = life.take("Lead")
    act(life, "delete", object="Lead", id=known.other)
    life.cycle()
    assert life.record("salesforce", "leads", known.other)["deleted_at"] is not None
    assert life.record("hubspot", "contacts", known.contact)["deleted_at"] is None


def test_an_undeleted_lead_takes_part_again(life: Life) -> None:
    known = life.take("Lead")
    act(life, "delete", object="Lead", id=known.other)
    life.cycle()
    life.edit_hubspot(known.contact, jobtitle="Chief Restorer")
    life.cycle()
    act(life, "undelete", object="Lead", id=known.other)
    life.cycle()
    assert life.record("salesforce", "leads", known.other)["deleted_at"] is None
    life.cycle()
    assert life.salesforce(known)["Title"] == "Chief Restorer"


def test_merged_leads_live_on_in_the_winner(life: Life) -> None:
    winner, loser = life.take("Lead"), life.take("Lead")
    act(life, "merge", object="Lead", winner=winner.other, losers=[loser.other])
    life.cycle()
    assert life.record("salesforce", "leads", loser.other)["merged_into"] == f"leads/{winner.other}"
    person = life.person_of("salesforce", "leads", winner.other)
    assert {life.person_of("hubspot", "contacts", k.contact) for k in (winner, loser)} == {person}
    edit(life, winner, Title="Survivor")
    life.cycle()
    assert life.hubspot(winner.contact)["jobtitle"] == life.hubspot(loser.contact)["jobtitle"] == "Survivor"


def test_a_chain_of_merges_ends_at_the_last_winner(life: Life) -> None:
    first, second, third = (life.take("Lead") for _ in range(3))
    act(life, "merge", object="Lead", winner=second.other, losers=[first.other])
    act(life, "merge", object="Lead", winner=third.other, losers=[second.other])
    life.cycle()
    person = life.person_of("salesforce", "leads", third.other)
    assert {life.person_of("hubspot", "contacts", k.contact) for k in (first, second, third)} == {person}


def test_a_converted_lead_lives_on_as_a_contact_with_the_hubs_fields(life: Life) -> None:
    known = life.take("Lead")
    done = act(life, "convert", lead=known.other, opportunity="Big deal")
    life.cycle()
    contact = done["contact"]
    assert life.person_of("salesforce", "contacts", contact) == life.person_of("salesforce", "leads", known.other)
    assert life.person_of("hubspot", "contacts", known.contact) == life.person_of("salesforce", "contacts", contact)
    assert life.record("salesforce", "leads", known.other)["read_only"] is not None
    stage = life.stage(life.person_of("salesforce", "contacts", contact))
    assert stage in ("opportunity", "customer")
    assert life.world.fields("salesforce", "Contact", contact)["crmhub_stage__c"] == stage
    assert life.hubspot(known.contact)["crmhub_stage"] == stage
    life.edit_hubspot(known.contact, jobtitle="Converted")
    life.cycle()
    assert life.world.fields("salesforce", "Contact", contact)["Title"] == "Converted"


def test_a_won_opportunity_makes_a_customer_in_both_crms(life: Life) -> None:
    known = life.take("Lead")
    done = act(life, "convert", lead=known.other, opportunity="Soon won")
    life.cycle()
    life.world.edit("salesforce", "Opportunity", done["opportunity"], StageName="Closed Won")
    life.cycle()
    person = life.person_of("hubspot", "contacts", known.contact)
    assert life.stage(person) == "customer"
    assert life.hubspot(known.contact)["crmhub_stage"] == "customer"


def test_a_contact_role_that_moves_takes_the_deal_along(life: Life) -> None:
    known, other = life.take("Lead"), life.take("Contact")
    done = act(life, "convert", lead=known.other, opportunity="Moving deal")
    life.cycle()
    roles = [
        r
        for r in life.world.rows("salesforce")
        if r["object"] == "OpportunityContactRole" and r["fields"]["OpportunityId"] == done["opportunity"]
    ]
    for role in roles:
        act(life, "delete", object="OpportunityContactRole", id=role["id"])
    fields = {"OpportunityId": done["opportunity"], "ContactId": other.other, "Role": "Decision Maker"}
    act(life, "create", object="OpportunityContactRole", fields=fields)
    life.cycle()
    deal = life.person_of("salesforce", "opportunities", done["opportunity"])
    took = life.world.column("SELECT person_id FROM deal_person WHERE deal_id = ?", deal)
    assert took == [other.person]


def test_a_hidden_field_is_left_alone_and_comes_back(life: Life) -> None:
    known = life.take("Lead")
    act(life, "field_security", field="Lead.Title", read=False)
    life.edit_hubspot(known.contact, jobtitle="Unseen")
    life.cycle()
    life.cycle(wait=DAY_S + 60)
    parked = "SELECT COUNT(*) FROM dead_letter WHERE state = 'open' AND stream = 'leads' AND reason LIKE '%Title%'"
    assert life.world.one(parked) == 0
    assert life.salesforce(known)["Title"] != "Unseen"
    act(life, "field_security", field="Lead.Title", read=True)
    life.cycle(wait=DAY_S + 60)
    life.cycle()
    assert life.salesforce(known)["Title"] == "Unseen"


def test_a_value_of_a_new_picklist_option_arrives(life: Life) -> None:
    known = life.take("Lead")
    act(life, "picklist", field="Lead.Industry", add=["Space Travel"])
    edit(life, known, Industry="Space Travel")
    life.cycle()
    assert life.record("salesforce", "leads", known.other)["values"]["Industry"] == "Space Travel"


def test_a_picklist_value_taken_out_of_use_parks_nothing(life: Life) -> None:
    known = life.take("Lead")
    edit(life, known, Industry="Banking")
    act(life, "picklist", field="Account.Industry", deactivate=["Banking"], restricted=True)
    edit(life, known, Title="Banker")
    life.cycle()
    life.cycle()
    assert life.hubspot(known.contact)["jobtitle"] == "Banker"
    assert life.world.one("SELECT COUNT(*) FROM dead_letter WHERE state = 'open' AND reason LIKE '%Industry%'") == 0


def test_an_accounts_edit_reaches_its_contacts(life: Life) -> None:
    known = life.take("Contact")
    account = life.salesforce(known)["AccountId"]
    life.world.edit("salesforce", "Account", account, Industry="Insurance")
    life.cycle()
    assert life.record("salesforce", "contacts", known.other)["values"]["Account.Industry"] == "Insurance"


def test_old_tasks_that_are_archived_stay(life: Life) -> None:
    known = life.take()
    task = act(
        life, "create", object="Task", fields={"WhoId": known.other, "Subject": "Old call", "Status": "Completed"}
    )["id"]
    life.cycle()
    act(life, "archive", object="Task", ids=[task])
    life.cycle(wait=DAY_S + 60)
    gone = life.world.one("SELECT deleted_at FROM activity WHERE stream = 'tasks' AND remote_id = ?", task)
    there = life.world.one("SELECT COUNT(*) FROM activity WHERE stream = 'tasks' AND remote_id = ?", task)
    assert (there, gone) == (1, None)


def test_a_mass_change_under_one_stamp_arrives_whole(life: Life) -> None:
    some = [life.take("Lead") for _ in range(5)]
    act(life, "mass_update", object="Lead", fields={"City": "Atlantis"}, ids=[k.other for k in some])
    life.cycle()
    assert {life.hubspot(k.contact)["city"] for k in some} == {"Atlantis"}


def test_a_campaign_response_is_an_activity(life: Life) -> None:
    known = life.take()
    members = [r["fields"] for r in life.world.rows("salesforce") if r["object"] == "CampaignMember"]
    key = "LeadId" if known.kind == "Lead" else "ContactId"
    mine = {m["CampaignId"] for m in members if m.get(key) == known.other}
    answered = next(m for m in members if m["HasResponded"] and m["CampaignId"] not in mine)
    fields = {"CampaignId": answered["CampaignId"], key: known.other, "Status": answered["Status"]}
    member = act(life, "create", object="CampaignMember", fields=fields)["id"]
    life.cycle()
    found = life.world.one(
        "SELECT p.person_id FROM activity a JOIN activity_party p ON p.activity_id = a.id "
        "WHERE a.stream = 'campaign_members' AND a.remote_id = ? AND a.completed = 1 AND p.person_id IS NOT NULL",
        member,
    )
    assert found == known.person


def test_a_formula_that_changes_without_a_stamp_is_seen_within_a_day(life: Life) -> None:
    known = life.take("Lead")
    act(life, "formula_field", object="Lead", name="Heat__c", type="Text", formula='"warm"')
    path = life.world.home / "mapping.toml"
    block = (
        '\n[fields.heat]\ntype = "text"\nsalesforce = { lead = "Heat__c" }\n'
        'hubspot = { contact = "heat", direction = "push", create = true }\n'
    )
    path.write_text(path.read_text(encoding="utf-8") + block, encoding="utf-8")
    life.cycle()
    life.cycle()
    assert life.hubspot(known.contact)["heat"] == "warm"
    stamp = life.salesforce(known)["SystemModstamp"]
    act(life, "formula_field", object="Lead", name="Heat__c", type="Text", formula='"hot"')
    assert life.salesforce(known)["SystemModstamp"] == stamp
    life.cycle(wait=DAY_S + 60)
    assert life.record("salesforce", "leads", known.other)["values"]["Heat__c"] == "hot"
    assert life.hubspot(known.contact)["heat"] == "hot"


def test_a_roll_up_that_changes_without_a_stamp_is_seen_within_a_day(life: Life) -> None:
    known = life.take("Contact")
    account = life.salesforce(known)["AccountId"]
    act(life, "rollup_field", object="Account", name="People__c", child="Contact", function="COUNT", key="AccountId")
    path = life.world.home / "mapping.toml"
    block = (
        '\n[fields.people]\ntype = "number"\nentity = "company"\nsalesforce = { account = "People__c" }\n'
        'hubspot = { company = "people", direction = "push", create = true }\n'
    )
    path.write_text(path.read_text(encoding="utf-8") + block, encoding="utf-8")
    life.cycle()
    before = life.record("salesforce", "accounts", account)["values"]["People__c"]
    fields = {"LastName": "Rolled", "AccountId": account}
    stamp = life.world.fields("salesforce", "Account", account)["SystemModstamp"]
    act(life, "create", object="Contact", fields=fields)
    assert life.world.fields("salesforce", "Account", account)["SystemModstamp"] == stamp
    life.cycle(wait=DAY_S + 60)
    assert life.record("salesforce", "accounts", account)["values"]["People__c"] == before + 1
