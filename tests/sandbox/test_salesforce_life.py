"""What happens to records: deals and campaigns, the bin, merges, conversion, archives."""

import pytest
import requests

from tests.conftest import StartSandbox
from tests.sandbox.salesforce_kit import Org, field_of, first_of, fresh_org, refusal

MINUTE = 60_000
LATER = "2026-09-21T14:14:20.000+0000"


@pytest.fixture
def org(sandbox: StartSandbox) -> Org:
    return fresh_org(sandbox)


def test_deals_follow_their_stage(org: Org) -> None:
    stages = {row["ApiName"]: row for row in org.query("SELECT ApiName, IsClosed, IsWon FROM OpportunityStage")}
    seeded = org.query("SELECT StageName, IsClosed, IsWon, Probability, CloseDate, AccountId, OwnerId FROM Opportunity")
    assert {row["StageName"] for row in seeded} > {"Closed Won"}
    for row in seeded:
        assert (row["IsClosed"], row["IsWon"]) == tuple(
            stages[row["StageName"]][name] for name in ("IsClosed", "IsWon")
        )
        assert row["AccountId"].startswith("001")
    deal = org.create("Opportunity", Name="Big", StageName="Prospecting", CloseDate="2026-12-31", Amount=1000)
    shown = "IsClosed, IsWon, Probability, ForecastCategory, ForecastCategoryName, ExpectedRevenue, FiscalQuarter"
    row = first_of(org, f"SELECT {shown} FROM Opportunity WHERE Id = '{deal}'")
    assert list(row.values())[1:] == [False, False, 10.0, "Pipeline", "Pipeline", 100.0, 4]
    org.update("Opportunity", deal, StageName="Closed Won")
    row = first_of(org, f"SELECT {shown} FROM Opportunity WHERE Id = '{deal}'")
    assert list(row.values())[1:] == [True, True, 100.0, "Closed", "Closed", 1000.0, 4]
    org.update("Opportunity", deal, StageName="Closed Lost", Probability=7)
    assert field_of(org, "Opportunity", deal, "Probability") == 7.0
    refusal(
        org.call("PATCH", f"/sobjects/Opportunity/{deal}", json={"IsWon": True}), 400, "INVALID_FIELD_FOR_INSERT_UPDATE"
    )
    missing = org.call("POST", "/sobjects/Opportunity", json={"Name": "x"})
    assert refusal(missing, 400, "REQUIRED_FIELD_MISSING")["fields"] == ["StageName", "CloseDate"]


def test_one_contact_at_most_is_the_primary_one(org: Org) -> None:
    seeded = org.query("SELECT OpportunityId, ContactId, Role, IsPrimary, Contact.Name FROM OpportunityContactRole")
    primary = [row["OpportunityId"] for row in seeded if row["IsPrimary"]]
    assert len(primary) == len(set(primary)) == len({row["OpportunityId"] for row in seeded})
    assert len(seeded) > len(primary)
    role = next(row for row in seeded if not row["IsPrimary"])
    link = f"SELECT Id, IsPrimary FROM OpportunityContactRole WHERE OpportunityId = '{role['OpportunityId']}'"
    before = org.query(link)
    org.control("/clock", {"advance": MINUTE})
    other = next(row["Id"] for row in before if not row["IsPrimary"])
    org.update("OpportunityContactRole", other, IsPrimary=True)
    assert [row["Id"] for row in org.query(link) if row["IsPrimary"]] == [other]
    contact = {"OpportunityId": role["OpportunityId"], "Role": "Evaluator"}
    refusal(org.call("POST", "/sobjects/OpportunityContactRole", json=contact), 400, "REQUIRED_FIELD_MISSING")
    children = "SELECT Id, (SELECT ContactId FROM OpportunityContactRoles) FROM Opportunity"
    nested = next(row for row in org.query(children) if row["Id"] == role["OpportunityId"])
    assert nested["OpportunityContactRoles"]["totalSize"] == len(before)


def test_members_answer_by_their_status(org: Org) -> None:
    campaign = org.create("Campaign", Name="Fair")
    labels = f"SELECT Label, IsDefault, HasResponded FROM CampaignMemberStatus WHERE CampaignId = '{campaign}'"
    assert [row["Label"] for row in org.query(labels)] == ["Sent", "Responded"]
    lead = org.create("Lead", LastName="Doe", FirstName="Jo", Company="Acme", Email="jo@x.example")
    member = org.create("CampaignMember", CampaignId=campaign, LeadId=lead)
    twice = org.call("POST", "/sobjects/CampaignMember", json={"CampaignId": campaign, "LeadId": lead})
    assert refusal(twice, 400, "DUPLICATE_VALUE")["message"] == "Already a campaign member."
    nobody = org.call("POST", "/sobjects/CampaignMember", json={"CampaignId": campaign})
    refusal(nobody, 400, "REQUIRED_FIELD_MISSING")
    shown = "Status, HasResponded, FirstRespondedDate, Name, Email, CompanyOrAccount, Type, LeadOrContactId"
    row = first_of(org, f"SELECT {shown} FROM CampaignMember WHERE Id = '{member}'")
    assert list(row.values())[1:] == ["Sent", False, None, "Jo Doe", "jo@x.example", "Acme", "Lead", lead]
    org.update("CampaignMember", member, Status="Responded")
    row = first_of(org, f"SELECT {shown} FROM CampaignMember WHERE Id = '{member}'")
    assert list(row.values())[1:4] == ["Responded", True, "2026-09-21"]
    assert field_of(org, "Campaign", campaign, "NumberOfResponses") == 1
    moved = org.call("PATCH", f"/sobjects/CampaignMember/{member}", json={"LeadId": lead})
    refusal(moved, 400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    stamp = field_of(org, "CampaignMember", member, "SystemModstamp")
    org.control("/clock", {"advance": MINUTE})
    org.update("Lead", lead, Email="new@x.example")
    assert field_of(org, "CampaignMember", member, "Email") == "new@x.example"
    assert field_of(org, "CampaignMember", member, "SystemModstamp") == stamp


def test_seeded_members_of_former_leads_name_both(org: Org) -> None:
    members = org.query("SELECT LeadId, ContactId, HasResponded, FirstRespondedDate, Campaign.Name FROM CampaignMember")
    former = {row["Id"]: row["ConvertedContactId"] for row in org.query("SELECT Id, ConvertedContactId FROM Lead")}
    both = [row for row in members if row["LeadId"] and row["ContactId"]]
    assert both
    assert all(former[row["LeadId"]] == row["ContactId"] for row in both)
    assert {row["HasResponded"] for row in members} == {True, False}
    assert all(bool(row["FirstRespondedDate"]) == row["HasResponded"] for row in members)
    late = org.query("SELECT Id FROM CampaignMember WHERE SystemModstamp > 2026-09-21T14:13:20Z")
    assert late == []


def test_what_is_deleted_comes_back_with_what_went_along(org: Org) -> None:
    account = org.create("Account", Name="Acme")
    deal = org.create("Opportunity", Name="D", StageName="Prospecting", CloseDate="2026-12-31", AccountId=account)
    contact = org.create("Contact", LastName="C", AccountId=account)
    role = org.create("OpportunityContactRole", OpportunityId=deal, ContactId=contact)
    other = org.create("Contact", LastName="Gone before", AccountId=account)
    org.act("delete", object="Contact", id=other)
    org.control("/clock", {"advance": MINUTE})
    assert org.act("delete", object="Account", id=account)["deleted"] is True
    for kind, record in (("Opportunity", deal), ("Contact", contact), ("OpportunityContactRole", role)):
        assert org.query(f"SELECT Id FROM {kind} WHERE Id = '{record}'") == []
    org.control("/clock", {"advance": MINUTE})
    assert org.act("undelete", object="Account", id=account)["deleted"] is False
    for kind, record in (("Opportunity", deal), ("Contact", contact), ("OpportunityContactRole", role)):
        assert field_of(org, kind, record, "SystemModstamp") == "2026-09-21T14:15:20.000+0000"
    assert org.query(f"SELECT Id FROM Contact WHERE Id = '{other}'") == []
    assert org.act("empty_bin", object="Contact") == {"dropped": 1}
    everything = org.call("GET", "/queryAll", params={"q": f"SELECT Id FROM Contact WHERE Id = '{other}'"})
    assert everything.json()["records"] == []
    span = {"start": "2026-09-21T14:10:00Z", "end": "2026-09-21T14:16:00Z"}
    gone = org.call("GET", "/sobjects/Contact/deleted", params=span).json()["deletedRecords"]
    assert [row["id"] for row in gone] == [other]
    refused = requests.post(
        f"{org.control_url}/act",
        json={"vendor": "salesforce", "action": "undelete", "object": "Contact", "id": other},
        timeout=10,
    )
    assert refused.status_code == 400
    assert "UNDELETE_FAILED" in refused.json()["error"]


def test_merges_form_chains_and_move_what_belonged_to_the_losers(org: Org) -> None:
    first, second, third = (org.create("Contact", LastName=name) for name in ("One", "Two", "Three"))
    campaigns = [org.create("Campaign", Name=name) for name in ("A", "B")]
    members = [org.create("CampaignMember", CampaignId=campaign, ContactId=first) for campaign in campaigns]
    org.create("CampaignMember", CampaignId=campaigns[0], ContactId=second)
    deal = org.create("Opportunity", Name="D", StageName="Prospecting", CloseDate="2026-12-31")
    role = org.create("OpportunityContactRole", OpportunityId=deal, ContactId=first)
    task = org.create("Task", WhoId=first, Subject="Call")
    org.control("/clock", {"advance": MINUTE})
    done = org.act("merge", object="Contact", winner=second, losers=[first], fields={"Title": "Kept"})
    assert set(done["updatedRelatedIds"]) == {members[1], role, task}
    assert field_of(org, "Contact", second, "SystemModstamp") == LATER
    assert field_of(org, "Contact", second, "Title") == "Kept"
    for kind, record, key in (("CampaignMember", members[1], "ContactId"), ("Task", task, "WhoId")):
        row = first_of(org, f"SELECT {key}, SystemModstamp, LastModifiedDate FROM {kind} WHERE Id = '{record}'")
        assert (row[key], row["SystemModstamp"]) == (second, LATER)
        assert row["LastModifiedDate"] < LATER
    assert org.query(f"SELECT Id FROM CampaignMember WHERE Id = '{members[0]}'") == []
    org.act("merge", object="Contact", winner=third, losers=[second])
    params = {"q": "SELECT Id, MasterRecordId FROM Contact WHERE IsDeleted = true AND MasterRecordId != null"}
    chain = {row["Id"]: row["MasterRecordId"] for row in org.call("GET", "/queryAll", params=params).json()["records"]}
    assert chain == {first: second, second: third}
    assert field_of(org, "OpportunityContactRole", role, "ContactId") == third
    refusal(org.call("PATCH", f"/sobjects/Contact/{first}", json={"Title": "x"}), 404, "ENTITY_IS_DELETED")


def test_conversion_makes_contact_account_and_deal(org: Org) -> None:
    fields = {"LastName": "Doe", "Company": "Acme", "LeadSource": "Web", "Budget_Confirmed__c": "Yes"}
    lead = org.create("Lead", Product_Interest__c="Security", **fields)
    campaign = org.create("Campaign", Name="Fair")
    member = org.create("CampaignMember", CampaignId=campaign, LeadId=lead, Status="Responded")
    task = org.create("Task", WhoId=lead, Subject="Call")
    org.set(lead_mapping={"Product_Interest__c": "Contact.Product_Interest__c"})
    org.control("/clock", {"advance": MINUTE})
    made = org.act("convert", lead=lead, opportunity="Acme deal")
    row = first_of(org, f"SELECT LeadId, ContactId, SystemModstamp FROM CampaignMember WHERE Id = '{member}'")
    assert list(row.values())[1:] == [lead, made["contact"], LATER]
    assert field_of(org, "Task", task, "WhoId") == made["contact"]
    contact = first_of(
        org, f"SELECT Product_Interest__c, AccountId, LeadSource FROM Contact WHERE Id = '{made['contact']}'"
    )
    assert list(contact.values())[1:] == ["Security", made["account"], "Web"]
    shown = "Name, StageName, AccountId, CampaignId, CloseDate"
    deal = first_of(org, f"SELECT {shown} FROM Opportunity WHERE Id = '{made['opportunity']}'")
    assert list(deal.values())[1:] == ["Acme deal", "Prospecting", made["account"], campaign, "2026-09-30"]
    roles = org.query(
        f"SELECT ContactId, IsPrimary FROM OpportunityContactRole WHERE OpportunityId = '{made['opportunity']}'"
    )
    assert [(role["ContactId"], role["IsPrimary"]) for role in roles] == [(made["contact"], True)]
    gone = "IsConverted, ConvertedDate, ConvertedContactId, ConvertedOpportunityId, SystemModstamp, IsDeleted"
    old = first_of(org, f"SELECT {gone} FROM Lead WHERE Id = '{lead}'")
    assert list(old.values())[1:] == [True, "2026-09-21", made["contact"], made["opportunity"], LATER, False]
    refusal(org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "x"}), 400, "CANNOT_UPDATE_CONVERTED_LEAD")
    refusal(org.call("POST", "/sobjects/Task", json={"WhoId": lead}), 400, "CANNOT_UPDATE_CONVERTED_LEAD")


def test_conversion_into_existing_records_fills_what_they_lack(org: Org) -> None:
    account = org.create("Account", Name="Kept", Website="https://kept.example")
    contact = org.create("Contact", LastName="Kept", AccountId=account, Title="CEO")
    lead = org.create("Lead", LastName="Doe", Company="Acme", Title="CTO", Phone="1", Website="https://other.example")
    made = org.act("convert", lead=lead, contact=contact)
    assert (made["account"], made["contact"], made["opportunity"]) == (account, contact, None)
    row = first_of(
        org, f"SELECT LastName, Title, Phone, Account.Name, Account.Website FROM Contact WHERE Id = '{contact}'"
    )
    assert (row["LastName"], row["Title"], row["Phone"]) == ("Kept", "CEO", "1")
    assert (row["Account"]["Name"], row["Account"]["Website"]) == ("Kept", "https://kept.example")


def test_old_activities_are_archived(org: Org) -> None:
    task = org.create("Task", Subject="Call", Status="Completed", ActivityDate="2026-09-01")
    stamp = field_of(org, "Task", task, "SystemModstamp")
    org.act("archive", object="Task", ids=[task])
    assert org.query(f"SELECT Id FROM Task WHERE Id = '{task}'") == []
    params = {"q": f"SELECT IsArchived, IsDeleted, SystemModstamp FROM Task WHERE Id = '{task}'"}
    row = org.call("GET", "/queryAll", params=params).json()["records"][0]
    assert (row["IsArchived"], row["IsDeleted"], row["SystemModstamp"]) == (True, False, stamp)
    total = org.query("SELECT COUNT(Id) n FROM Task")[0]["n"]
    org.set(archive_days=30)
    left = org.query("SELECT ActivityDate, IsClosed FROM Task")
    assert 0 < len(left) < total
    assert all(row["ActivityDate"] >= "2026-08-22" or not row["IsClosed"] for row in left)
    everything = org.call("GET", "/queryAll", params={"q": "SELECT COUNT() FROM Task"}).json()["totalSize"]
    assert everything == total + 1


def test_members_may_skip_the_bin_and_the_log_of_deletions_may_be_short(org: Org) -> None:
    org.set(campaign_members_binned=False, delete_log_hours=2)
    member = org.query("SELECT Id FROM CampaignMember LIMIT 1")[0]["Id"]
    assert org.call("DELETE", f"/sobjects/CampaignMember/{member}").status_code == 204
    everything = org.call("GET", "/queryAll", params={"q": f"SELECT Id FROM CampaignMember WHERE Id = '{member}'"})
    assert everything.json()["records"] == []
    org.control("/clock", {"advance": MINUTE})
    span = {"start": "2026-09-21T00:00:00Z", "end": "2026-09-21T14:14:00Z"}
    told = org.call("GET", "/sobjects/CampaignMember/deleted", params=span).json()
    assert [row["id"] for row in told["deletedRecords"]] == [member]
    assert told["earliestDateAvailable"] == "2026-09-21T12:14:00.000+0000"
    org.control("/clock", {"advance": 3 * 60 * MINUTE})
    org.token = org.login()
    later = org.call("GET", "/sobjects/CampaignMember/deleted", params=span).json()
    assert later["deletedRecords"] == []


def test_activities_name_the_deal_and_the_account_they_are_about(org: Org) -> None:
    for kind in ("Task", "Event"):
        rows = org.query(f"SELECT WhoId, WhatId, AccountId, What.Type, What.Name FROM {kind}")
        about = [row for row in rows if row["WhatId"]]
        assert all(row["What"]["Type"] == "Opportunity" and row["WhoId"].startswith("003") for row in about)
        assert {row["WhoId"][:3] for row in rows if row["AccountId"]} == {"003"}
        deals = {row["Id"]: row for row in org.query("SELECT Id, (SELECT Id FROM Tasks) FROM Opportunity")}
        assert about
        assert {row["WhatId"] for row in about} <= set(deals)
        if kind == "Task":
            counted = sum(len(row["Tasks"]["records"]) for row in deals.values() if row["Tasks"])
            assert counted == len(about)
