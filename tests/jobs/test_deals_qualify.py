"""What deals make of people: stages with reasons, conditions, who is not touched."""

from __future__ import annotations

import pytest

from connectors.contract import Link
from jobs.why import why
from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import RULES, USUAL, World, config_text, mapping_text
from tests.jobs.memory import DAY, DEAL
from tests.jobs.test_two_way import NAMES

DEALS = tuple(f for f in DEAL if f != "deal_owner_email")
MAPPING = mapping_text(NAMES, (*USUAL, "name", "domain", *DEALS))
NEVER = "never_touch = \"person.stage = 'customer' or person.has_open_deal\""
FIT = '[scoring.fit.{name}]\nlabel = "{name}"\nwhen = "{when}"\npoints = {points}\n'


@pytest.fixture
def w(make: MakeWorld) -> World:
    """Two CRMs with people, companies and deals."""
    return make(mapping=MAPPING)


def _ann(w: World, **more: str) -> str:
    """One person in both CRMs; her id in alpha."""
    w.beta.add(email="ann@acme.fr", last_name="Lee")
    return w.alpha.add(given=more, email="ann@acme.fr", last_name="Lee")


def _stage(w: World, who: str = "ann@acme.fr") -> tuple[str, str]:
    person = w.hub.entities.find_person(who)
    assert person is not None
    row = w.stage(person)
    return row.stage, row.reason


def _moves(w: World) -> list[tuple[str | None, str]]:
    return [(r["old"], r["new"]) for r in w.db.rows("SELECT old, new FROM stage_history ORDER BY id")]


# ------------------------------------------------------------------------------------------ stages


def test_an_opened_deal_makes_an_opportunity_and_a_won_one_a_customer(w: World) -> None:
    a = _ann(w)
    w.settle()
    deal = w.alpha.deal("Big one", a, deal_amount=12500, deal_currency="EUR")
    w.settle()
    assert _stage(w) == ("opportunity", "deal “Big one” (Proposal, 12,500.00 EUR) is open")
    w.alpha.close_deal(deal, won=True)
    w.settle()
    assert _stage(w) == ("customer", "deal “Big one” (Closed won, 12,500.00 EUR) was won")
    assert {w.alpha.shows(a, "hub_stage"), w.beta.shows("b1", "hub_stage")} == {"customer"}


def test_a_lost_deal_recycles_and_rules_rest_until_the_cool_down_ends(w: World) -> None:
    a = _ann(w, job_title="CEO")
    for _ in range(3):
        w.alpha.happened("page_view", a)
    w.settle()
    assert _stage(w)[0] == "mql"
    deal = w.alpha.deal("Big one", a)
    w.settle()
    w.alpha.close_deal(deal, won=False)
    w.settle()
    assert _stage(w) == ("recycled", "deal “Big one” (Closed lost) was lost")
    for _ in range(6):
        w.alpha.happened("page_view", a)
    w.settle()
    assert _stage(w)[0] == "recycled", "given back: rules rest"
    w.sync(wait=31 * DAY)
    assert _stage(w)[0] == "mql", "acted on when the time comes"


def test_new_intent_ends_the_cool_down(w: World) -> None:
    a = _ann(w, job_title="CEO")
    deal = w.alpha.deal("Big one", a)
    w.settle()
    w.alpha.close_deal(deal, won=False)
    w.settle()
    w.alpha.happened("demo_requested", a)
    w.settle()
    assert _stage(w)[0] == "prospect"


def test_where_lost_deals_lead_is_the_users_choice(make: MakeWorld) -> None:
    w = make(mapping=MAPPING, config_=config_text(NAMES, rules=RULES + '[lifecycle]\nlost_deal = "sal"\n'))
    deal = w.alpha.deal("Big one", _ann(w))
    w.settle()
    w.alpha.close_deal(deal, won=False)
    w.settle()
    assert _stage(w)[0] == "sal"


def test_while_another_deal_is_open_they_stay_an_opportunity(w: World) -> None:
    a = _ann(w)
    lost = w.alpha.deal("Lost", a)
    w.beta.deal("Other", "b1")
    w.settle()
    w.alpha.close_deal(lost, won=False)
    w.settle()
    assert _stage(w)[0] == "opportunity"


def test_a_deal_opened_by_mistake_leaves_them_what_they_were(w: World) -> None:
    a = _ann(w, crm_stage="sal")
    w.settle()
    deal = w.alpha.deal("Oops", a)
    w.settle()
    assert _stage(w)[0] == "opportunity"
    w.alpha.delete(deal, "deals")
    w.settle()
    assert _stage(w) == ("sal", "the deal that made them opportunity is gone")


def test_a_deal_won_by_mistake_is_open_again(w: World) -> None:
    a = _ann(w)
    deal = w.alpha.deal("Big one", a)
    w.settle()
    w.alpha.close_deal(deal, won=True)
    w.settle()
    w.alpha.edit(deal, "deals", deal_is_closed=False, deal_is_won=False, deal_stage="Proposal")
    w.settle()
    assert _stage(w)[0] == "opportunity"


def test_an_opportunity_of_a_crm_whose_deals_were_all_lost_is_none(w: World) -> None:
    a = _ann(w, crm_stage="opportunity")
    deal = w.alpha.deal("Old", a, deal_close_date="2025-03-01")
    w.alpha.close_deal(deal, won=False)
    w.settle()
    assert _stage(w)[0] == "recycled"
    row = w.stage(w.id_of("alpha", a))
    assert row.cooldown_until is None, "lost long ago: they have rested"
    w.alpha.happened("demo_requested", a)
    w.alpha.edit(a, job_title="CEO")
    w.settle()
    assert _stage(w)[0] == "prospect"


def test_an_opportunity_by_a_crms_word_without_any_deal_stays_one(w: World) -> None:
    _ann(w, crm_stage="opportunity")
    w.settle()
    w.sync(wait=40 * DAY)
    assert _stage(w) == ("opportunity", "adopted from alpha")


def test_a_crm_that_makes_opportunities_by_itself_says_nothing_new(w: World) -> None:
    a = _ann(w)
    w.settle()
    deal = w.alpha.deal("Big one", a)
    w.alpha.edit(a, crm_stage="opportunity")
    w.settle()
    assert _stage(w) == ("opportunity", "deal “Big one” (Proposal) is open")
    w.alpha.close_deal(deal, won=False)
    w.settle()
    assert _stage(w)[0] == "recycled", "the CRM never takes its stage back; the deal decides"
    w.settle()
    assert _stage(w)[0] == "recycled"


def test_a_stage_that_sales_may_set_by_hand_holds_against_the_deal_that_was_known(make: MakeWorld) -> None:
    claims = '[lifecycle]\nclaims = { alpha = ["disqualified"] }\n'
    w = make(mapping=MAPPING, config_=config_text(NAMES, rules=RULES + claims))
    a = _ann(w, crm_stage="sal")
    w.alpha.deal("Big one", a)
    w.settle()
    w.alpha.edit(a, crm_stage="disqualified")
    w.settle()
    assert _stage(w)[0] == "disqualified"
    w.alpha.edit(a, city="Paris")
    w.settle()
    assert _stage(w)[0] == "disqualified"
    w.alpha.deal("Another", a)
    w.settle()
    assert _stage(w) == ("opportunity", "deal “Another” (Proposal) is open")


def test_whoever_joins_a_deal_is_an_opportunity_and_whoever_leaves_is_not(w: World) -> None:
    a = _ann(w)
    bob = w.alpha.add(email="bob@acme.fr", last_name="Ray", crm_stage="mql")
    deal = w.alpha.deal("Big one", a)
    w.settle()
    w.alpha.relink(deal, Link("contacts", bob), stream="deals")
    w.sync(wait=DAY)
    assert _stage(w, "bob@acme.fr")[0] == "opportunity"
    assert _stage(w)[0] == "lead"
    w.alpha.relink(deal, stream="deals")
    w.sync(wait=DAY)
    assert _stage(w, "bob@acme.fr")[0] == "mql"


def test_first_sight_of_old_deals_starts_no_clock(make: MakeWorld) -> None:
    sla = '[sla.deal]\nstarts = "stage:opportunity"\nstops = "first_touch"\nwithin = "2 days"\n'
    w = make(mapping=MAPPING, config_=config_text(NAMES, rules=RULES + sla))
    w.alpha.deal("Old", _ann(w))
    w.settle()
    assert w.db.value("SELECT COUNT(*) FROM clock") == 0
    bob = w.alpha.add(email="bob@acme.fr", last_name="Ray")
    w.settle()
    w.alpha.deal("New", bob)
    w.settle()
    assert w.db.value("SELECT COUNT(*) FROM clock") == 1


def test_people_of_a_store_without_deals_move_as_ever(make: MakeWorld) -> None:
    w = make()
    a = w.alpha.add(email="ann@acme.fr", crm_stage="opportunity")
    w.alpha.deal("Big one", a)
    w.settle()
    w.alpha.edit(a, crm_stage="customer")
    w.settle()
    assert _moves(w) == [(None, "opportunity"), ("opportunity", "customer")]


# ------------------------------------------------------------------------------------------ conditions


def test_conditions_know_the_deals_of_people_and_companies(make: MakeWorld) -> None:
    asked = {
        "open": ("person.has_open_deal", 1),
        "won": ("person.has_won_deal", 10),
        "two": ("person.open_deals >= 2", 100),
        "far": ("person.deal_stage = 'Negotiation'", 1000),
        "there": ("company.has_open_deal and not person.has_open_deal", 10_000),
        "bought": ("company.has_won_deal", 100_000),
    }
    rules = "".join(FIT.format(name=n, when=when, points=p) for n, (when, p) in asked.items())
    w = make(mapping=MAPPING, config_=config_text(NAMES, rules=rules))

    def points(who: str) -> int:
        person = w.hub.entities.find_person(who)
        assert person is not None
        return int(w.hub.scores.scores([person])[person]["total"]) // 1000

    acme = w.alpha.add("companies", name="Acme", domain="acme.fr")
    ann, bob, eve = (w.alpha.add(email=f"{n}@acme.fr", last_name=n) for n in ("ann", "bob", "eve"))
    w.alpha.add(email="joe@else.fr")
    first = w.alpha.deal("First", ann, companies=[acme], deal_probability=20)
    w.settle()
    assert [points(f"{n}@acme.fr") for n in ("ann", "bob", "eve")] == [1, 10_000, 10_000]
    second = w.alpha.deal("Second", ann, bob, stage="Negotiation", deal_probability=80)
    w.settle()
    assert [points(f"{n}@acme.fr") for n in ("ann", "bob", "eve")] == [1101, 1001, 10_000]
    w.alpha.close_deal(first, won=True)
    w.alpha.close_deal(second, won=False)
    w.settle()
    assert [points(f"{n}@acme.fr") for n in ("ann", "bob", "eve")] == [100_010, 100_000, 100_000]
    assert points("joe@else.fr") == 0
    assert eve


def test_who_has_an_open_deal_is_not_touched_and_is_again_when_it_is_closed(make: MakeWorld) -> None:
    w = make(mapping=MAPPING, config_=config_text(NAMES, rollout=NEVER))
    a = _ann(w)
    w.settle()
    deal = w.beta.deal("Big one", "b1")
    w.settle()
    w.forget_writes()
    w.alpha.edit(a, city="Paris")
    w.settle()
    assert w.pushes() == 0
    w.alpha.edit(a, opted_out=True)
    w.settle()
    assert [op.values for op in w.ops()] == [{"b_opted_out": True}], "but for a no"
    w.beta.close_deal(deal, won=False)
    w.settle()
    assert w.beta.shows("b1", "city") == "Paris"
    assert w.beta.shows("b1", "hub_stage") == "recycled"


def test_an_opportunity_of_a_crm_without_deals_is_not_touched_either(make: MakeWorld) -> None:
    w = make(config_=config_text(NAMES, rollout=NEVER))
    a = _ann(w, crm_stage="opportunity")
    w.settle()
    w.alpha.edit(a, city="Paris")
    w.settle()
    assert w.pushes() == 0


# ------------------------------------------------------------------------------------------ why


def test_lists_and_campaigns_are_part_of_the_story(w: World) -> None:
    a = _ann(w)
    for what in ("list_joined", "campaign_response"):
        w.alpha.happened(what, a)
    w.settle()
    told = [(e.text, e.source) for e in why(w.hub, "ann@acme.fr").timeline if e.what == "did"]
    assert told == [("list joined “list_joined”", "alpha"), ("campaign response “campaign_response”", "alpha")]


def test_why_tells_the_deals_with_role_worth_and_where_they_stand(w: World) -> None:
    a = _ann(w)
    deal = w.alpha.deal("Big one", deal_amount=12500, deal_currency="EUR", deal_close_date="2027-03-31")
    w.alpha.relink(deal, Link("contacts", a, primary=True, role="Decision maker"), stream="deals")
    w.settle()
    w.alpha.edit(deal, "deals", deal_stage="Negotiation")
    w.settle()
    w.alpha.close_deal(deal, won=False)
    w.settle()
    found = why(w.hub, "ann@acme.fr")
    (told,) = found.json()["deals"]
    assert {k: told[k] for k in ("name", "state", "stage", "role", "primary", "amount", "currency", "close_date")} == {
        "name": "Big one",
        "state": "lost",
        "stage": "Closed lost",
        "role": "Decision maker",
        "primary": True,
        "amount": 12500.0,
        "currency": "EUR",
        "close_date": "2027-03-31",
    }
    assert told["records"] == [{"connection": "alpha", "stream": "deals", "id": deal}]
    story = [(e.text, e.source) for e in found.timeline if e.what == "deal"]
    assert story == [
        ("“Big one” created", "alpha deals"),
        ("“Big one”: deal_stage Proposal -> Negotiation", "alpha"),
        ("“Big one”: deal_is_closed no -> yes", "alpha"),
        ("“Big one”: deal_stage Negotiation -> Closed lost", "alpha"),
    ]
    assert "deal “Big one” (Closed lost, 12,500.00 EUR) was lost" in found.reason
