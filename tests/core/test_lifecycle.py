"""Stages: adopting, moving, claims, next best action."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
states = st.builds(StageState, stages, st.integers(NOW - 90 * DAY, NOW), st.just("before"), times, times)
facts_ = st.builds(Facts, times, st.sampled_from([None, "demo"]), st.booleans(), st.booleans())


def state(stage: Stage, **more: int) -> StageState:
    return StageState(stage, NOW - 10 * DAY, "before", **more)


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
    found = move(state(Stage.LEAD, hand_set_until=NOW + DAY), MOVES, ALL, NOW, Facts(open_deal=True))
    assert found == StageChange(Stage.OPPORTUNITY, "a deal is open", "deal")
    found = move(state(Stage.OPPORTUNITY), MOVES, ALL, NOW, Facts(open_deal=True, won_deal=True))
    assert found == StageChange(Stage.CUSTOMER, "a deal was won", "deal")
    assert move(state(Stage.CUSTOMER), MOVES, ALL, NOW, Facts(NOW, "demo", True, True)) is None


@settings(deadline=None)
@given(states, st.sets(st.sampled_from(sorted(ALL))), facts_)
def test_rules_never_lead_back_but_to_an_exit(current: StageState, true: set[str], facts: Facts) -> None:
    found = move(current, MOVES, true, NOW, facts)
    if found is None:
        return
    assert found.reason
    assert found.to != current.stage
    assert found.to in EXITS or found.to.rank > current.stage.rank
    if found.rule != "deal":
        assert current.stage not in FACT_STAGES
        assert found.to not in FACT_STAGES
        assert found.rule in true
    # moving again from there at once goes forward or nowhere
    again = move(StageState(found.to, NOW, found.reason), MOVES, true, NOW, facts)
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
