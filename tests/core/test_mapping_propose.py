"""The mapping.toml that init writes loads, checks cleanly and says what people need to decide."""

from __future__ import annotations

import tomllib
from typing import Literal

import pytest

from core.mapping_check import check_mapping
from core.mapping_propose import propose_mapping
from core.mapping_structs import RemoteSchemaField
from mappings import shipped
from tests.core.mapping_kit import CONNECTIONS, good, of, option, schemas, text

Facts = Literal["pull", "both"]
Live = dict[tuple[str, str], list[RemoteSchemaField]]


def propose(facts: Facts = "pull", live: Live | None = None) -> str:
    fill = {("hubspot", "contacts", "jobtitle"): 0.834}
    return propose_mapping(CONNECTIONS, shipped(), live or schemas(), fill, facts)


@pytest.mark.parametrize("facts", ["pull", "both"])
def test_a_proposal_loads_and_checks_cleanly(facts: Facts) -> None:
    mapping = good(propose(facts))
    assert [p for p in check_mapping(mapping, schemas()) if p.fatal] == []


def test_only_decisions_are_written_unless_asked() -> None:
    data = tomllib.loads(propose())["fields"]
    assert data["job_title"] == {"hubspot": {"field": "jobtitle"}, "salesforce": {"field": "Title"}}
    assert data["stage"]["salesforce"] == {"field": "crmhub_stage__c", "direction": "push", "create": True}
    assert set(data) >= {"stage", "score", "band", "grade", "why"}
    mapping = good(propose())
    written = {t.field.name for c in CONNECTIONS for s in mapping.streams(c) for t in mapping.targets(c, s.name)}
    assert written == {"stage", "score", "band", "grade", "why"}


def test_facts_go_both_ways_where_every_crm_takes_them() -> None:
    data = tomllib.loads(propose("both"))["fields"]
    assert data["job_title"]["hubspot"]["direction"] == "both"
    assert data["employees"]["salesforce"]["direction"] == "both"
    assert "direction" not in data["email"]["hubspot"]
    assert "direction" not in data["first_name"]["salesforce"]
    live = schemas()
    live["salesforce", "leads"] = [
        text("Title", writable=False) if f.name == "Title" else f for f in live["salesforce", "leads"]
    ]
    data = tomllib.loads(propose("both", live))["fields"]
    assert data["job_title"] == {"hubspot": {"field": "jobtitle"}, "salesforce": {"field": "Title"}}


def test_consent_goes_out_wherever_it_can_be_written() -> None:
    data = tomllib.loads(propose("both"))["fields"]["opted_out"]
    assert data["hubspot"] == [
        {"field": "hs_email_optout"},
        {"field": "marketing_opt_out", "direction": "both"},
    ]
    assert data["salesforce"] == {"field": "HasOptedOutOfEmail", "direction": "both"}


def test_streams_with_different_names_are_told_apart() -> None:
    data = tomllib.loads(propose())["fields"]
    assert data["company_name"]["salesforce"] == {"contact": "Account.Name", "lead": "Company"}
    assert data["lead_status"] == {"salesforce": {"lead": "Status"}}


def test_fields_that_no_crm_has_are_left_out() -> None:
    assert "postal_code" not in tomllib.loads(propose())["fields"]


def test_fill_rates_stand_beside_the_field() -> None:
    assert 'hubspot = { field = "jobtitle" }  # filled: contacts 83%' in propose()


def switched_on(proposal: str) -> str:
    """The proposal after somebody removed the first # of every line of every proposed block."""
    lines, inside = [], False
    for line in proposal.split("\n"):
        inside = line.startswith("# [fields.") or (inside and line.startswith("# "))
        lines.append(line.removeprefix("# ") if inside else line)
    return "\n".join(lines)


def test_custom_fields_of_two_crms_are_offered_commented_out() -> None:
    proposal = propose()
    assert "# [fields.product_interest]" in proposal
    assert '# hubspot = { field = "product_interest" }' in proposal
    assert '# salesforce = { field = "Product_Interest__c" }' in proposal
    assert "contract_end" not in proposal, "a custom field of one CRM has nothing to sync with"
    assert "# # options there: analytics, security" in proposal
    assert "product_interest" not in good(proposal).custom_fields
    assert "product_interest" in good(switched_on(proposal)).custom_fields


@pytest.mark.parametrize("facts", ["pull", "both"])
def test_every_proposed_block_works_when_it_is_switched_on(facts: Facts) -> None:
    live = schemas()
    odd = ("new\nline", 'a "quote"', "#hash", "tab\there", "DEL\x7f", "\u00e9\u2028\u4e2d", "x = [")
    live["hubspot", "contacts"] += [
        option("deal_risk", *odd, label='Deal "risk"\n#1', custom=True),
        RemoteSchemaField("seats", "Seats", "number", custom=True),
    ]
    live["salesforce", "leads"] += [
        option("Deal_Risk__c", *odd, label='Deal "risk"\n#1', custom=True),
        RemoteSchemaField("Seats__c", "Seats", "text", custom=True),
    ]
    live["hubspot", "companies"] += [option("tier", *odd, label="Tier", custom=True)]
    live["salesforce", "accounts"] += [option("Tier__c", *odd, label="Tier", custom=True)]
    live["hubspot", "companies"] += [option("industry", "BANKING", *odd)]
    proposal = propose(facts, live)
    mapping = good(switched_on(proposal))
    assert set(mapping.custom_fields) == {"product_interest", "deal_risk_1", "seats", "tier"}
    assert mapping.custom_fields["tier"].entity == "company"
    assert [p for p in check_mapping(mapping, live) if p.fatal] == []


def test_option_tables_list_what_this_account_has() -> None:
    tables = tomllib.loads(propose("both"))["options"]
    assert tables["industry"]["hubspot"]["technology"] == ["COMPUTER_SOFTWARE", "INTERNET"]
    assert tables["industry"]["salesforce"]["legal"] is False, "HubSpot knows it, Salesforce cannot take it"
    assert tables["crm_stage"]["salesforce"]["lead"] == ["Open - Not Contacted", "Prospect"]
    assert tables["crm_stage"]["hubspot"][""] == "other", "read as blank"
    live = schemas()
    live["hubspot", "contacts"] += [option("hs_lead_status", "NEW", "OUR_OWN")]
    assert '# ... = "OUR_OWN"  # Our Own' in propose(live=live)


def test_what_the_check_refuses_is_commented_out_with_the_reason() -> None:
    live = schemas()
    live["hubspot", "contacts"] += [of("bool", "crmhub_score")]
    proposal = propose(live=live)
    assert '# hubspot = { field = "crmhub_score"' in proposal
    assert "cannot be written into crmhub_score" in proposal
    assert [p for p in check_mapping(good(proposal), live) if p.fatal] == []


def test_an_account_with_other_options_gets_a_proposal_that_checks() -> None:
    live = schemas()
    live["hubspot", "companies"] = [text("name"), option("industry", "MY_TECH", "MY_BANK")]
    proposal = propose("both", live)
    assert [p for p in check_mapping(good(proposal), live) if p.fatal] == []


def test_one_connection_alone() -> None:
    live = {k: v for k, v in schemas().items() if k[0] == "hubspot"}
    proposal = propose_mapping({"hubspot": "hubspot"}, shipped(), live)
    assert "salesforce" not in proposal
    assert "[fields.stage]" in proposal
