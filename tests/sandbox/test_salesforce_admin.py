"""What an administrator changes, and what follows: formulas, roll-ups, picklists, rights, mass changes, switches."""

import pytest
import requests

from tests.conftest import StartSandbox
from tests.sandbox.salesforce_kit import Org, field_of, first_of, fresh_org, refusal

MINUTE = 60_000
LATER = "2026-09-21T14:14:20.000+0000"


@pytest.fixture
def org(sandbox: StartSandbox) -> Org:
    return fresh_org(sandbox)


def test_formula_fields_change_and_no_stamp_tells(org: Org) -> None:
    account = org.create("Account", Name="Acme", NumberOfEmployees=10)
    contact = org.create("Contact", LastName="C", AccountId=account)
    tier = "IF(Account.NumberOfEmployees >= 1000, 'Enterprise', IF(ISBLANK(Account.Name), '', 'Small'))"
    org.act("formula_field", object="Contact", name="Tier__c", type="Text", formula=tier)
    org.act("formula_field", object="Contact", name="Age__c", type="Number", formula="TODAY() - DATEVALUE(CreatedDate)")
    soql = f"SELECT Tier__c, Age__c, SystemModstamp FROM Contact WHERE Id = '{contact}'"
    before = first_of(org, soql)
    assert (before["Tier__c"], before["Age__c"]) == ("Small", 0.0)
    org.control("/clock", {"advance": 26 * 60 * MINUTE})
    org.token = org.login()
    org.update("Account", account, NumberOfEmployees=5000)
    after = first_of(org, soql)
    assert (after["Tier__c"], after["Age__c"]) == ("Enterprise", 1.0)
    assert after["SystemModstamp"] == before["SystemModstamp"]
    assert [row["Id"] for row in org.query("SELECT Id FROM Contact WHERE Tier__c = 'Enterprise'")].count(contact) == 1
    described = org.call("GET", "/sobjects/Contact/describe").json()["fields"]
    field = next(item for item in described if item["name"] == "Tier__c")
    assert (field["calculated"], field["calculatedFormula"], field["updateable"]) == (True, tier, False)
    refused = org.call("PATCH", f"/sobjects/Contact/{contact}", json={"Tier__c": "x"})
    refusal(refused, 400, "INVALID_FIELD_FOR_INSERT_UPDATE")


@pytest.mark.parametrize("stamps", [False, True])
def test_roll_ups_follow_their_children(org: Org, stamps: bool) -> None:
    org.set(rollups_stamp=stamps)
    account = org.create("Account", Name="Acme")
    rollup = {"object": "Account", "child": "Opportunity", "key": "AccountId"}
    org.act("rollup_field", name="Deals__c", function="COUNT", where="IsWon = true", **rollup)
    org.act("rollup_field", name="Volume__c", function="SUM", field="Amount", type="Currency", **rollup)
    soql = f"SELECT Deals__c, Volume__c, SystemModstamp FROM Account WHERE Id = '{account}'"
    before = first_of(org, soql)
    assert (before["Deals__c"], before["Volume__c"]) == (0.0, 0.0)
    org.control("/clock", {"advance": MINUTE})
    values = {"Name": "D", "CloseDate": "2026-12-31", "AccountId": account, "Amount": 50}
    deal = org.create("Opportunity", StageName="Closed Won", **values)
    org.create("Opportunity", StageName="Prospecting", **values)
    after = first_of(org, soql)
    assert (after["Deals__c"], after["Volume__c"]) == (1.0, 100.0)
    assert (after["SystemModstamp"] == LATER) == stamps
    org.act("delete", object="Opportunity", id=deal)
    assert (first_of(org, soql)["Deals__c"], first_of(org, soql)["Volume__c"]) == (0.0, 50.0)


def test_formulas_and_summaries_come_by_the_tooling_api_as_well(org: Org) -> None:
    formula = {"type": "Text", "label": "Shout", "formula": "UPPER(LastName) & '!'"}
    body = {"FullName": "Lead.Shout__c", "Metadata": formula}
    assert org.call("POST", "/tooling/sobjects/CustomField", json=body).status_code == 201
    broken = {"FullName": "Lead.Broken__c", "Metadata": {**formula, "formula": "UPPER(("}}
    refusal(org.call("POST", "/tooling/sobjects/CustomField", json=broken), 400, "FIELD_INTEGRITY_EXCEPTION")
    lead = org.create("Lead", LastName="Doe", Company="Acme")
    assert org.call("GET", "/query", params={"q": "SELECT Shout__c FROM Lead"}).status_code == 400
    org.act("field_security", field="Lead.Shout__c", read=True, edit=False)
    assert field_of(org, "Lead", lead, "Shout__c") == "DOE!"
    summary = {
        "type": "Summary", "label": "Won", "summaryOperation": "sum", "summarizedField": "Opportunity.Amount",
        "summaryForeignKey": "Opportunity.AccountId",
        "summaryFilterItems": [{"field": "Opportunity.StageName", "operation": "equals", "value": "Closed Won"}],
    }  # fmt: skip
    body = {"FullName": "Account.Won__c", "Metadata": summary}
    assert org.call("POST", "/tooling/sobjects/CustomField", json=body).status_code == 201
    org.act("field_security", field="Account.Won__c", read=True)
    account = org.create("Account", Name="Acme")
    org.create("Opportunity", Name="D", StageName="Closed Won", CloseDate="2026-12-31", AccountId=account, Amount=9)
    assert field_of(org, "Account", account, "Won__c") == 9.0


def test_security_of_a_field_is_taken_and_given(org: Org) -> None:
    org.act("field_security", field="Lead.Rating", read=False)
    hidden = org.call("GET", "/query", params={"q": "SELECT Rating FROM Lead"})
    assert "No such column 'Rating' on entity 'Lead'" in refusal(hidden, 400, "INVALID_FIELD")["message"]
    names = [field["name"] for field in org.call("GET", "/sobjects/Lead/describe").json()["fields"]]
    assert "Rating" not in names
    org.act("field_security", field="Lead.Rating", read=True, edit=False)
    lead = org.create("Lead", LastName="Doe", Company="Acme")
    refused = org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Rating": "Hot"})
    refusal(refused, 400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    org.act("field_security", field="Lead.Rating")
    org.update("Lead", lead, Rating="Hot")


def _options(org: Org, kind: str, name: str) -> list[tuple[str, str]]:
    fields = org.call("GET", f"/sobjects/{kind}/describe").json()["fields"]
    field = next(item for item in fields if item["name"] == name)
    return [(option["value"], option["label"]) for option in field["picklistValues"] if option["active"]]


def test_picklists_change(org: Org) -> None:
    lead = org.create("Lead", LastName="Doe", Company="Acme", Product_Interest__c="Security", Rating="Cold")
    org.act("picklist", field="Lead.Product_Interest__c", add=["Insight"], deactivate=["Security"])
    assert ("Insight", "Insight") in _options(org, "Lead", "Product_Interest__c")
    assert ("Security", "Security") not in _options(org, "Lead", "Product_Interest__c")
    assert field_of(org, "Lead", lead, "Product_Interest__c") == "Security"
    refused = org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Product_Interest__c": "Security"})
    refusal(refused, 400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    org.control("/clock", {"advance": MINUTE})
    org.act("picklist", field="Lead.Rating", rename={"Cold": "Ice"}, relabel={"Hot": "On fire"}, restricted=True)
    row = first_of(org, f"SELECT Rating, SystemModstamp, LastModifiedDate FROM Lead WHERE Id = '{lead}'")
    assert (row["Rating"], row["SystemModstamp"]) == ("Ice", LATER)
    assert row["LastModifiedDate"] < LATER
    assert ("Hot", "On fire") in _options(org, "Lead", "Rating")
    wrong = org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Rating": "Cold"})
    refusal(wrong, 400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    org.act("picklist", field="Opportunity.StageName", add=["Signed"], is_closed=True, is_won=True, probability=100)
    stage = first_of(org, "SELECT IsWon, DefaultProbability, IsActive FROM OpportunityStage WHERE ApiName = 'Signed'")
    assert (stage["IsWon"], stage["DefaultProbability"], stage["IsActive"]) == (True, 100.0, True)
    deal = org.create("Opportunity", Name="D", StageName="Signed", CloseDate="2026-12-31")
    assert field_of(org, "Opportunity", deal, "IsWon") is True


def test_a_mass_change_of_owners_gives_one_stamp(org: Org) -> None:
    rep = first_of(org, "SELECT Id FROM User WHERE Email = 'claire.fournier@ourfirm.example'")["Id"]
    before = org.query("SELECT Id FROM Lead WHERE IsConverted = false")
    org.control("/clock", {"advance": MINUTE})
    done = org.act("mass_update", object="Lead", fields={"OwnerId": rep}, where="IsConverted = false")
    assert done["updated"] == len(before)
    rows = org.query("SELECT OwnerId, SystemModstamp FROM Lead WHERE IsConverted = false ORDER BY SystemModstamp, Id")
    assert {(row["OwnerId"], row["SystemModstamp"]) for row in rows} == {(rep, LATER)}
    untouched = org.query("SELECT SystemModstamp FROM Lead WHERE IsConverted = true")
    assert all(row["SystemModstamp"] < LATER for row in untouched)


def test_an_edit_can_create_and_unknown_acts_name_the_known_ones(org: Org) -> None:
    wish = {"vendor": "salesforce", "object": "Opportunity", "id": "new"}
    made = org.control(
        "/edit", {**wish, "fields": {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-12-31"}}
    )
    assert made["fields"]["Probability"] == 10.0
    refused = requests.post(f"{org.control_url}/act", json={"vendor": "salesforce", "action": "x"}, timeout=10)
    assert refused.status_code == 400
    assert "undelete" in refused.json()["error"]


def test_the_least_calls_follow_from_page_and_batch_sizes(org: Org) -> None:
    least = requests.get(f"{org.control_url}/calls/least", timeout=10).json()["salesforce"]
    assert set(least["first_pull"].values()) == {0, 1}
    assert least["first_pull"]["Opportunity"] == 1
    assert least["first_pull"]["OpportunityContactRole"] == 0
    org.set(page_size=10)
    smaller = requests.get(f"{org.control_url}/calls/least", timeout=10).json()["salesforce"]
    leads = org.call("GET", "/queryAll", params={"q": "SELECT COUNT() FROM Lead"}).json()["totalSize"]
    assert smaller["first_pull_by"]["query"]["Lead"] == -(-leads // 10)
    assert smaller["first_pull"]["Lead"] == min(-(-leads // 10), 25 if leads <= 250 else 4)
    assert smaller["first_pull_by"]["job"]["Lead"] == 4
    assert least["per_1000_updates"] == {"guard_read": 1, "update": 5}


def test_opportunities_have_record_types(org: Org) -> None:
    names = {
        row["RecordType"]["DeveloperName"] for row in org.query("SELECT RecordType.DeveloperName FROM Opportunity")
    }
    assert names == {"New_Business", "Renewal"}
    infos = org.call("GET", "/sobjects/Opportunity/describe").json()["recordTypeInfos"]
    assert [(info["developerName"], info["defaultRecordTypeMapping"]) for info in infos] == [
        ("Master", False),
        ("New_Business", True),
        ("Renewal", False),
    ]


def test_the_assignment_rule_takes_new_leads_unless_told_not_to(org: Org) -> None:
    queue = org.query("SELECT Id FROM Group WHERE DeveloperName = 'Web_Leads'")[0]["Id"]
    org.set(assign_leads_to=queue)
    body = {"LastName": "Doe", "Company": "Acme"}
    assigned = org.call("POST", "/sobjects/Lead", json=body).json()["id"]
    kept = org.call("POST", "/sobjects/Lead", json=body, headers={"Sforce-Auto-Assign": "FALSE"}).json()["id"]
    assert field_of(org, "Lead", assigned, "OwnerId") == queue
    assert field_of(org, "Lead", kept, "OwnerId").startswith("005")


def test_facts_that_are_unsure_can_be_otherwise(org: Org) -> None:
    lead = org.create("Lead", LastName="Doe", Company="Acme")
    org.set(lock_status=409, locked={lead: 1}, removed_status=400, locator_prefix="01g", bulk_zone="+0000", page_size=5)
    refusal(org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "x"}), 409, "UNABLE_TO_LOCK_ROW")
    headers = {"Authorization": f"Bearer {org.token}"}
    old = requests.get(f"{org.base_url}/services/data/v20.0/limits", headers=headers, timeout=10)
    refusal(old, 400, "UNSUPPORTED_API_VERSION")
    first = org.call("GET", "/query", params={"q": "SELECT Id FROM Lead"}).json()
    assert first["nextRecordsUrl"].startswith("/services/data/v67.0/query/01g")
    body = {"operation": "query", "query": f"SELECT CreatedDate FROM Lead WHERE Id = '{lead}'"}
    path = f"/jobs/query/{org.call('POST', '/jobs/query', json=body).json()['id']}"
    assert [org.call("GET", path).json()["state"] for _ in range(2)][-1] == "JobComplete"
    assert org.call("GET", f"{path}/results").text == '"CreatedDate"\n"2026-09-21T14:13:20.000+0000"\n'


def test_a_field_made_anew_has_neither_values_nor_rights_of_the_old_one(org: Org) -> None:
    body = {"FullName": "Lead.Score__c", "Metadata": {"type": "Text", "label": "Score", "length": 20}}
    lead = org.create("Lead", LastName="Doe", Company="Acme")
    for _ in range(2):
        made = org.call("POST", "/tooling/sobjects/CustomField", json=body)
        assert made.status_code == 201
        assert org.call("GET", "/query", params={"q": "SELECT Score__c FROM Lead"}).status_code == 400
        org.act("field_security", field="Lead.Score__c", read=True)
        assert field_of(org, "Lead", lead, "Score__c") is None
        org.update("Lead", lead, Score__c="A")
        org.act("delete_field", field="Lead.Score__c")
