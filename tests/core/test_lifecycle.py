"""Stages: adopting, moving, claims, next best action."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.deals import DealFact, DealFacts
from core.expressions import Condition, compile_condition, person_model
from core.lifecycle import (
    DAY_MS,
    DEFAULT_MOVES,
    EXITS,
    FACT_STAGES,
    HAND_SET_MS,
    Facts,
    Move,
    Phase,
    StageChange,
    StageState,
    adopt,
    claim,
    move,
    next_best_action,
)
from core.model import Band, Stage

NOW = 1_800_000_000_000
DAY = DAY_MS
MOVES = (
    Move("rival", Stage.DISQUALIFIED, "company.domain = 'rival.com'", "Competitor"),
    *DEFAULT_MOVES,
)
ALL = frozenset(m.id for m in MOVES)
stages = st.sampled_from(list(Stage))
times = st.one_of(st.none(), st.integers(NOW - 60 * DAY, NOW + 60 * DAY))
states = st.builds(StageState, stages, st.integers(NOW - 90 * DAY, NOW), st.just("before"), times, times, st.booleans())
deals = st.one_of(st.none(), st.builds(DealFact, st.just("deal 7"), st.integers(NOW - 90 * DAY, NOW), st.just(NOW)))
facts_ = st.builds(
    Facts,
    times,
    st.sampled_from([None, "demo"]),
    st.builds(DealFacts, deals, deals, deals),
    st.frozensets(stages),
    st.sampled_from([s for s in Stage if s not in FACT_STAGES]),
)


def state(
    stage: Stage, *, hand_set_until: int | None = None, cooldown_until: int | None = None, by_deal: bool = False
) -> StageState:
    return StageState(stage, NOW - 10 * DAY, "before", hand_set_until, cooldown_until, by_deal)


def deal(name: str, since: int = NOW) -> DealFact:
    return DealFact(f"deal “{name}”", since, since)


def by(**said: DealFact) -> Facts:
    """Facts of deals: open, won, lost."""
    return Facts(deals=DealFacts(**said), before=Stage.SAL)


@pytest.mark.parametrize(
    ("seen", "stage", "reason"),
    [
        ({"hubspot": Stage.LEAD, "salesforce": Stage.CUSTOMER}, Stage.CUSTOMER, "salesforce (hubspot says lead)"),
        ({"hubspot": Stage.MQL, "salesforce": None}, Stage.MQL, "adopted from hubspot"),
        ({"hubspot": Stage.DISQUALIFIED, "salesforce": Stage.SUBSCRIBER}, Stage.SUBSCRIBER, "from salesforce"),
        ({"hubspot": Stage.RECYCLED, "salesforce": Stage.DISQUALIFIED}, Stage.RECYCLED, "from hubspot"),
        ({"hubspot": None}, Stage.SUBSCRIBER, "nothing to reach them by"),
        ({}, Stage.SUBSCRIBER, "first seen"),
    ],
)
def test_adopt(seen: dict[str, Stage | None], stage: Stage, reason: str) -> None:
    found = adopt(seen)
    assert found.stage == stage
    assert reason in found.reason


def test_adopt_without_a_word_from_the_crms() -> None:
    assert adopt({}, has_email=True).stage == Stage.LEAD
    assert adopt({"hubspot": None}, has_engagement=True).stage == Stage.LEAD


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.one_of(st.none(), stages), min_size=1))
def test_adopt_does_not_depend_on_order(seen: dict[str, Stage | None]) -> None:
    found = adopt(seen)
    assert adopt(dict(reversed(seen.items()))) == found
    if Stage.CUSTOMER in seen.values():
        assert found.stage == Stage.CUSTOMER


def test_the_first_true_rule_wins() -> None:
    found = move(state(Stage.LEAD), MOVES, ALL, NOW, Facts())
    assert found == StageChange(Stage.DISQUALIFIED, "Competitor", "rival")
    found = move(state(Stage.LEAD), MOVES, {"intent_with_fit", "score_mql"}, NOW, Facts())
    assert found == StageChange(Stage.PROSPECT, "Fits and asked to buy", "intent_with_fit")
    assert move(state(Stage.LEAD), MOVES, set(), NOW, Facts()) is None
    assert move(state(Stage.LEAD), MOVES, {"no_such_rule"}, NOW, Facts()) is None


def test_the_first_true_rule_may_hold_somebody() -> None:
    held = (Move("student", Stage.LEAD, "person.country = 'FR'", "Student"), *DEFAULT_MOVES)
    assert move(state(Stage.LEAD), held, {"student", "score_mql"}, NOW, Facts()) is None
    assert move(state(Stage.SAL), held, {"student", "intent_with_fit"}, NOW, Facts()) is None


def test_a_stage_set_by_hand_holds_until_new_intent() -> None:
    by_hand = state(Stage.LEAD, hand_set_until=NOW + DAY)
    true = {"intent_with_fit"}
    assert move(by_hand, MOVES, true, NOW, Facts()) is None
    assert move(by_hand, MOVES, true, NOW, Facts(intent_at=NOW - 11 * DAY)) is None
    found = move(by_hand, MOVES, true, NOW, Facts(intent_at=NOW - 9 * DAY, intent="demo"))
    assert found is not None
    assert (found.to, found.reason) == (Stage.PROSPECT, "Fits and asked to buy (new intent: demo)")
    assert move(by_hand, MOVES, true, NOW + DAY, Facts()) is not None


def test_a_cool_down_holds_and_the_disqualified_stay_until_new_intent() -> None:
    given_back = state(Stage.RECYCLED, cooldown_until=NOW + 1)
    assert move(given_back, MOVES, {"score_mql"}, NOW, Facts()) is None
    assert move(given_back, MOVES, {"score_mql"}, NOW + 1, Facts()) is not None
    out = state(Stage.DISQUALIFIED)
    assert move(out, MOVES, {"intent_with_fit"}, NOW + 900 * DAY, Facts()) is None
    assert move(out, MOVES, {"intent_with_fit"}, NOW, Facts(intent_at=NOW)) is not None


def test_deals_are_facts() -> None:
    found = move(state(Stage.LEAD, hand_set_until=NOW + DAY), MOVES, ALL, NOW, by(open=deal("A")))
    assert found == StageChange(Stage.OPPORTUNITY, "deal “A” is open", "deal")
    found = move(state(Stage.OPPORTUNITY), MOVES, ALL, NOW, by(open=deal("A"), won=deal("B")))
    assert found == StageChange(Stage.CUSTOMER, "deal “B” was won", "deal")
    assert move(state(Stage.CUSTOMER), MOVES, ALL, NOW, by(open=deal("A"), won=deal("B"))) is None
    assert move(state(Stage.CUSTOMER), MOVES, ALL, NOW, by(open=deal("A"))) is None, "a CRM calls them so"


def test_a_lost_deal_makes_no_opportunity_for_ever() -> None:
    for by_deal in (True, False):
        now = state(Stage.OPPORTUNITY, by_deal=by_deal)
        assert move(now, MOVES, ALL, NOW, by(lost=deal("A"))) == StageChange(
            Stage.RECYCLED, "deal “A” was lost", "deal"
        )
        found = move(now, MOVES, ALL, NOW, by(lost=deal("A")), Stage.PROSPECT)
        assert found is not None
        assert found.to == Stage.PROSPECT
    assert move(state(Stage.OPPORTUNITY, by_deal=True), MOVES, ALL, NOW, by(open=deal("A"), lost=deal("B"))) is None
    assert move(state(Stage.LEAD), MOVES, set(), NOW, by(lost=deal("A"))) is None


def test_when_the_deals_are_gone_people_are_what_they_were() -> None:
    opportunity, customer = state(Stage.OPPORTUNITY, by_deal=True), state(Stage.CUSTOMER, by_deal=True)
    found = move(opportunity, MOVES, set(), NOW, by())
    assert found == StageChange(Stage.SAL, "the deal that made them opportunity is gone", "deal")
    assert move(state(Stage.OPPORTUNITY), MOVES, ALL, NOW, by()) is None, "a CRM's word"
    for stage in (Stage.OPPORTUNITY, Stage.CUSTOMER):
        said = Facts(shown=frozenset({stage}))
        assert move(state(stage, by_deal=True), MOVES, ALL, NOW, said) is None, "a CRM says so, too"
    again = move(customer, MOVES, set(), NOW, by(open=deal("A")))
    assert again == StageChange(Stage.OPPORTUNITY, "deal “A” is open", "deal")


def test_an_opportunity_by_a_crms_word_stands_on_its_deal_once_there_is_one() -> None:
    found = move(state(Stage.OPPORTUNITY), MOVES, ALL, NOW, by(open=deal("A")))
    assert found == StageChange(Stage.OPPORTUNITY, "deal “A” is open", "deal")


def test_a_stage_set_by_hand_holds_against_deals_that_were_known() -> None:
    by_hand = state(Stage.RECYCLED, hand_set_until=NOW + DAY)
    assert move(by_hand, MOVES, set(), NOW, by(open=deal("Old", NOW - 11 * DAY))) is None
    found = move(by_hand, MOVES, set(), NOW, by(open=deal("New", NOW - 9 * DAY)))
    assert found is not None
    assert found.to == Stage.OPPORTUNITY
    assert move(by_hand, MOVES, set(), NOW + DAY, by(open=deal("Old", NOW - 11 * DAY))) is not None


@settings(deadline=None)
@given(states, st.sets(st.sampled_from(sorted(ALL))), facts_)
def test_rules_never_lead_back_but_to_an_exit(current: StageState, true: set[str], facts: Facts) -> None:
    found = move(current, MOVES, true, NOW, facts)
    if found is None:
        return
    assert found.reason
    if found.rule != "deal":
        assert found.to != current.stage
        assert found.to in EXITS or found.to.rank > current.stage.rank
        assert current.stage not in FACT_STAGES
        assert found.to not in FACT_STAGES
        assert found.rule in true
    # moving again from there at once goes forward or nowhere, and deals have said what they say
    again = move(StageState(found.to, NOW, found.reason, by_deal=found.rule == "deal"), MOVES, true, NOW, facts)
    if found.rule == "deal":
        assert again is None or again.rule != "deal"
    else:
        assert again is None or again.rule == "deal"


def test_claims_go_forward() -> None:
    assert claim(Stage.LEAD, Stage.SAL, "Ann in salesforce", NOW).accepted
    found = claim(Stage.LEAD, Stage.SAL, "Ann in salesforce", NOW, reason="called them")
    assert (found.stage, found.hand_set_until) == (Stage.SAL, NOW + HAND_SET_MS)
    assert found.reason == "set by Ann in salesforce: called them"
    back = claim(Stage.PROSPECT, Stage.LEAD, "Ann in salesforce", NOW)
    assert (back.accepted, back.stage, back.hand_set_until) == (False, Stage.PROSPECT, None)
    assert "backwards from prospect" in back.reason
    assert claim(Stage.PROSPECT, Stage.LEAD, "Ann", NOW, [Stage.LEAD]).accepted
    assert not claim(Stage.SAL, Stage.DISQUALIFIED, "Ann", NOW).accepted
    assert claim(Stage.SAL, Stage.DISQUALIFIED, "Ann", NOW, {Stage.DISQUALIFIED}).stage == Stage.DISQUALIFIED
    same = claim(Stage.SAL, Stage.SAL, "Ann", NOW)
    assert (same.accepted, same.hand_set_until) == (True, None)


def test_the_shipped_moves_compile_and_need_no_score_for_a_prospect() -> None:
    model = person_model()
    for rule in DEFAULT_MOVES:
        assert isinstance(compile_condition(rule.when, model), Condition), rule
    first = DEFAULT_MOVES[0]
    assert first.to == Stage.PROSPECT
    assert "score.total" not in first.when


def test_everyone_has_a_next_best_action() -> None:
    phases: list[Phase | None] = [None, "need", "research", "evaluation", "vendor_contact", "negotiation"]
    for stage in Stage:
        for warmth in Band:
            for phase in phases:
                found = next_best_action(stage, warmth, phase)
                assert found.action
                assert found.reason
    assert next_best_action(Stage.PROSPECT, Band.COLD, "negotiation").action == "negotiate"
    assert next_best_action(Stage.LEAD, Band.COLD).action.startswith("nurture")
    assert not next_best_action(Stage.CUSTOMER, Band.HOT).action.startswith("nurture")
