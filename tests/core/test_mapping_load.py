"""mapping.toml that loads: streams, fields, what to ask a CRM for, rows both ways."""

from __future__ import annotations

from core.mapping import load_mapping
from core.mapping_shipped import read_shipped
from core.mapping_structs import Unwritable
from core.model import Stage
from mappings import shipped
from tests.core.mapping_kit import CONNECTIONS, MAPPING, good


def test_shipped_mappings_are_whole() -> None:
    for kind, text in shipped().items():
        found, problems = read_shipped(kind, text)
        assert problems == []
        assert found is not None
        assert set(found.options["stage"]) == {s.value for s in Stage}
        for name, words in found.options.items():
            remotes = [r for values in words.values() for r in values]
            assert len(remotes) == len(set(remotes)), f"{kind} {name} lists an option twice"


def test_streams_come_with_their_cross_ids_and_order() -> None:
    mapping = good()
    order = {s.name: s.order for s in mapping.streams("salesforce") if s.entity == "person"}
    assert order["contacts"] < order["leads"]
    contact = mapping.stream("hubspot", "contacts")
    assert contact.alias == "contact"
    assert contact.key_field == "crmhub_id"
    assert {(c.remote, c.stream, c.connections) for c in contact.cross_ids} == {
        ("salesforceleadid", "leads", ("salesforce",)),
        ("salesforcecontactid", "contacts", ("salesforce",)),
    }


def test_a_pull_asks_for_facts_cross_ids_and_what_we_wrote() -> None:
    mapping = good()
    assert mapping.remote_fields("hubspot", "contacts") == (
        "email",
        "jobtitle",
        "hs_email_optout",
        "marketing_opt_out",
        "lifecyclestage",
        "hubspot_owner_id",
        "contract_end",
        "crmhub_stage",
        "crmhub_score",
        "salesforceleadid",
        "salesforcecontactid",
    )
    assert "Account.Type" in mapping.remote_fields("salesforce", "contacts")
    assert "Status" in mapping.remote_fields("salesforce", "leads")
    assert mapping.remote_fields("hubspot", "owners") == ("email", "firstName", "lastName", "type")
    assert "hs_meeting_end_time" in mapping.remote_fields("hubspot", "meetings")


def test_only_fields_with_a_block_are_synced() -> None:
    assert "phone" not in good().remote_fields("hubspot", "contacts")


def test_targets_are_what_the_hub_may_write() -> None:
    mapping = good()
    by_name = {t.field.name: t for t in mapping.targets("hubspot", "contacts")}
    assert set(by_name) == {"job_title", "opted_out", "contract_end", "stage", "score"}
    assert by_name["job_title"].write == "if_blank"
    assert by_name["stage"].create
    assert by_name["opted_out"].remote == "marketing_opt_out"
    assert mapping.targets("hubspot", "calls") == ()


def test_a_row_in_canonical_values() -> None:
    values = {
        "email": "Ann@Acme.com",
        "jobtitle": None,
        "hs_email_optout": "true",
        "marketing_opt_out": "false",
        "lifecyclestage": "marketingqualifiedlead",
        "contract_end": "2027-03-31",
        "hubspot_owner_id": "77",
        "crmhub_stage": "mql",
    }
    found = good().canonical("hubspot", "contacts", values, {"77": "rep@acme.com"})
    assert found == {
        "email": "Ann@Acme.com",
        "job_title": None,
        "opted_out": True,
        "crm_stage": "mql",
        "contract_end": "2027-03-31",
        "owner_email": "rep@acme.com",
    }


def test_absent_is_not_blank() -> None:
    mapping = good()
    assert mapping.canonical("hubspot", "contacts", {"jobtitle": ""}) == {"job_title": None}
    assert mapping.canonical("hubspot", "contacts", {"hubspot_owner_id": "77"}) == {}
    assert mapping.canonical("hubspot", "contacts", {"hubspot_owner_id": "77"}, {}) == {"owner_email": None}


def test_the_stage_of_a_salesforce_contact_is_its_accounts() -> None:
    mapping = good()
    assert mapping.canonical("salesforce", "contacts", {"Account.Type": "Customer - Channel"}) == {
        "crm_stage": "customer"
    }
    assert mapping.canonical("salesforce", "leads", {"Status": "Working - Contacted"}) == {"crm_stage": "sal"}


def test_options_that_say_nothing_read_as_blank() -> None:
    mapping = good()
    assert mapping.canonical("hubspot", "contacts", {"lifecyclestage": "other"}) == {"crm_stage": None}
    assert mapping.canonical("salesforce", "contacts", {"Account.Type": "Other"}) == {"crm_stage": None}
    assert mapping.canonical("hubspot", "contacts", {"lifecyclestage": "our_own"}) == {"crm_stage": "our_own"}


def test_consent_in_two_fields_any_yes_counts_then_any_no() -> None:
    mapping = good()
    cases = [("false", "true", True), ("true", None, True), (None, "false", False), (None, None, None)]
    for first, second, expected in cases:
        row = {"hs_email_optout": first, "marketing_opt_out": second}
        assert mapping.canonical("hubspot", "contacts", row) == {"opted_out": expected}


def test_wins() -> None:
    mapping = good()
    assert mapping.wins("job_title") == ("salesforce", "hubspot")
    assert mapping.wins("email") == "latest"
    assert mapping.wins("opted_out") == "most_restrictive"
    assert mapping.wins("stage") == "hub"
    assert mapping.wins("never_mapped") == "latest"


def test_own_fields() -> None:
    mapping = good()
    field = mapping.custom_fields["contract_end"]
    assert (field.entity, field.type, field.label) == ("person", "date", "Contract until")
    assert mapping.field("contract_end") is field
    assert mapping.field("phone").type == "phone"


def test_same_compares_in_normal_form() -> None:
    mapping = good()
    assert mapping.same("phone", "01 23 45 67 89", "+33123456789", "FR")
    assert mapping.same("email", "Ann@Acme.com", "ann@acme.com")
    assert mapping.same("job_title", None, None)
    assert not mapping.same("job_title", None, "CEO")
    assert not mapping.same("employees", "many", "few"), "neither is a number: they are not the same"
    assert mapping.same("employees", "1,000", 1000.0)
    assert not mapping.same("job_title", "CEO", "CFO")


def test_hash_follows_the_content_not_the_comments() -> None:
    base = good().hash
    assert good("# a comment\n" + MAPPING).hash == base
    assert good(MAPPING.replace('write = "if_blank"', 'write = "always"')).hash != base
    other, _ = load_mapping(MAPPING, "mapping.toml", shipped(), {**CONNECTIONS, "more": "hubspot"})
    assert other is not None
    assert other.hash != base


def test_usual_names_need_not_be_written() -> None:
    mapping = good(
        "[fields.email]\nhubspot = {}\nsalesforce = {}\n"
        '[fields.country]\nhubspot = false\nsalesforce = { direction = "both" }\n'
    )
    remotes = {t.stream: t.remote for c in CONNECTIONS for t in mapping.targets(c, "contacts")}
    assert remotes == {"contacts": "MailingCountry"}
    assert [t.remote for t in mapping.targets("salesforce", "leads")] == ["Country"]
    assert mapping.remote_fields("hubspot", "contacts")[0:2] == ("email", "salesforceleadid")


def test_two_connections_of_one_kind_share_streams_not_fields() -> None:
    text = '[fields.email]\neu = {}\nus = {}\n[fields.city]\neu = { field = "city", direction = "both" }\n'
    mapping, problems = load_mapping(text, "mapping.toml", shipped(), {"eu": "hubspot", "us": "hubspot"})
    assert mapping is not None
    assert problems == []
    assert [t.remote for t in mapping.targets("eu", "contacts")] == ["city"]
    assert mapping.targets("us", "contacts") == ()
    assert mapping.stream("us", "contacts").connection == "us"


def test_the_crms_own_stage_beside_ours() -> None:
    stages = {s.value: "false" for s in Stage} | {
        "subscriber": '"subscriber"',
        "lead": '"lead"',
        "mql": '"marketingqualifiedlead"',
        "sal": '"salesqualifiedlead"',
        "prospect": '"salesqualifiedlead"',
        "customer": '["customer", "evangelist"]',
    }
    lines = "\n".join(f"{k} = {v}" for k, v in stages.items())
    mapping = good(
        "[fields.email]\nhubspot = {}\nsalesforce = {}\n"
        "[fields.stage]\n"
        'hubspot = [{ direction = "push", create = true }, '
        '{ field = "lifecyclestage", direction = "both", lossy = true }]\n'
        f"[options.stage.hubspot]\n{lines}\n"
    )
    ours, theirs = mapping.targets("hubspot", "contacts")
    assert (ours.remote, theirs.remote) == ("crmhub_stage", "lifecyclestage")
    assert ours.to_remote("prospect") == "prospect"
    assert theirs.to_remote("prospect") == "salesqualifiedlead"
    refused = theirs.to_remote("recycled")
    assert isinstance(refused, Unwritable)
    assert refused.deliberate
    # a stage set there by hand is a claim: it is read, the first canonical word of a lossy pair
    assert mapping.canonical("hubspot", "contacts", {"lifecyclestage": "evangelist"}) == {"stage": "customer"}
    assert mapping.canonical("hubspot", "contacts", {"lifecyclestage": "salesqualifiedlead"}) == {"stage": "sal"}
