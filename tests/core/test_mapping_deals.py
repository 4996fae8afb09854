"""Deals in mappings: streams of their own, read and never written, numbers in other units."""

from __future__ import annotations

from core.mapping import Mapping, load_mapping
from core.mapping_propose import propose_mapping
from core.mapping_structs import RemoteOption, RemoteSchemaField, Unwritable
from core.model import FIELDS, Value

SHIPPED = """
kind = "toy"
label = "Toy"
form = "strings"
[streams.contacts]
entity = "person"
alias = "contact"
[streams.deals]
entity = "deal"
alias = "deal"
cross_ids = { other_id = "box.sales" }
[fields.email]
contact = "email"
[fields.deal_name]
deal = "dealname"
[fields.deal_amount]
deal = "amount"
[fields.deal_probability]
deal = "probability"
scale = 100
[fields.deal_is_won]
deal = "is_won"
[fields.deal_owner_email]
deal = "owner_id"
owner = true
"""
MAIL = "[fields.email]\ntoy = {}\n"


def _load(text: str) -> tuple[Mapping | None, list[str]]:
    found, problems = load_mapping(MAIL + text, "mapping.toml", {"toy": SHIPPED}, {"toy": "toy"})
    return found, [str(p) for p in problems]


def _probability(value: Value) -> Value:
    found, problems = _load("[fields.deal_probability]\ntoy = {}\n")
    assert found is not None, problems
    return found.canonical("toy", "deals", {"probability": value})["deal_probability"]


def test_deal_fields_stand_in_deal_streams_alone() -> None:
    found, problems = _load(
        "[fields.deal_name]\ntoy = {}\n[fields.deal_amount]\ntoy = {}\n[fields.deal_is_won]\ntoy = {}\n"
    )
    assert found is not None, problems
    assert found.canonical("toy", "deals", {"dealname": "Big", "amount": "12.50", "is_won": "true"}) == {
        "deal_name": "Big",
        "deal_amount": 1250,
        "deal_is_won": True,
    }
    assert [t.field.name for t in found.fields("toy", "contacts")] == ["email"]
    assert set(found.remote_fields("toy", "deals")) == {"dealname", "amount", "is_won", "other_id"}


def test_a_deal_field_that_shall_be_written_is_a_problem_with_its_cure() -> None:
    found, problems = _load('[fields.deal_name]\ntoy = { direction = "both" }\n')
    assert found is None
    assert "deals are only read: deal_name cannot be written" in problems[0]
    assert 'direction = "pull"' in problems[0]


def test_an_own_field_of_deals_is_only_read_too() -> None:
    own = '[fields.competitor]\ntype = "text"\nentity = "deal"\ntoy = { field = "rival", direction = "push" }\n'
    assert "deals are only read" in _load(own)[1][0]
    found, problems = _load(own.replace(', direction = "push"', ""))
    assert found is not None, problems
    assert found.canonical("toy", "deals", {"rival": "Initech"}) == {"competitor": "Initech"}


def test_a_share_is_read_as_percent_to_the_digit() -> None:
    assert [_probability(v) for v in ("0.29", "1", "0", "0.07", 0.57)] == [29, 100, 0, 7, 57]
    assert _probability("0.125") == 12.5
    assert _probability(None) is None
    assert _probability("soon") == "soon"


def test_another_field_than_the_usual_one_is_read_as_it_is() -> None:
    found, problems = _load('[fields.deal_probability]\ntoy = { field = "forecast" }\n')
    assert found is not None, problems
    assert found.canonical("toy", "deals", {"forecast": "0.5"}) == {"deal_probability": 0.5}


def test_a_scaled_number_has_no_way_back() -> None:
    found, _ = _load("[fields.deal_probability]\ntoy = {}\n")
    assert found is not None
    assert isinstance(found.fields("toy", "deals")[0].to_remote(50), Unwritable)


def test_only_numbers_have_a_scale() -> None:
    broken = SHIPPED.replace('deal = "dealname"', 'deal = "dealname"\nscale = 100')
    _, problems = load_mapping(MAIL, "mapping.toml", {"toy": broken}, {"toy": "toy"})
    assert any("fields.deal_name.scale" in str(p) for p in problems)


def test_owners_of_deals_are_known_by_their_address() -> None:
    found, _ = _load("[fields.deal_owner_email]\ntoy = {}\n")
    assert found is not None
    assert found.canonical("toy", "deals", {"owner_id": "7"}, {"7": "rep@x.fr"}) == {"deal_owner_email": "rep@x.fr"}


def test_init_proposes_what_deals_have_and_nothing_to_write_there() -> None:
    live = {
        ("toy", "contacts"): [RemoteSchemaField("email", "E-mail", "text")],
        ("toy", "deals"): [
            RemoteSchemaField("dealname", "Name", "text"),
            RemoteSchemaField("amount", "Amount", "number"),
        ],
    }
    text = propose_mapping({"toy": "toy"}, {"toy": SHIPPED}, live, facts_direction="both")
    found, problems = load_mapping(text, "mapping.toml", {"toy": SHIPPED}, {"toy": "toy"})
    assert found is not None, problems
    assert [t.field.name for t in found.fields("toy", "deals")] == ["deal_name", "deal_amount"]
    assert found.targets("toy", "deals") == ()
    assert "deals: only read" in text


def test_init_reads_stages_that_have_ids_as_their_labels() -> None:
    stage = (RemoteOption("s1", "Proposal sent"), RemoteOption("17", "Closed  won"), RemoteOption("18", "Closed won"))
    live = {
        ("toy", "contacts"): [RemoteSchemaField("email", "E-mail", "text")],
        ("toy", "deals"): [
            RemoteSchemaField("stage", "Stage", "option", stage),
            RemoteSchemaField("kind", "Kind", "option", (RemoteOption("New", "New"),)),
        ],
    }
    shipped = SHIPPED + '[fields.deal_stage]\ndeal = "stage"\n[fields.deal_pipeline]\ndeal = "kind"\n'
    text = propose_mapping({"toy": "toy"}, {"toy": shipped}, live)
    found, problems = load_mapping(text, "mapping.toml", {"toy": shipped}, {"toy": "toy"})
    assert found is not None, problems
    read = [found.canonical("toy", "deals", {"stage": v})["deal_stage"] for v in ("s1", "17", "18", "99")]
    assert read == ["Proposal sent", "Closed won", "Closed won", "99"]
    assert "options.deal_pipeline" not in text, "called what they are"


def test_a_crm_without_deals_gets_no_section_for_them() -> None:
    live = {("toy", "contacts"): [RemoteSchemaField("email", "E-mail", "text")]}
    assert "deal" not in propose_mapping({"toy": "toy"}, {"toy": SHIPPED}, live)


def test_names_of_deal_fields_tell_whose_they_are() -> None:
    assert {f.name.startswith("deal_") for f in FIELDS.values() if f.entity == "deal"} == {True}
