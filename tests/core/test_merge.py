"""Merging one field: every rule of `settle`, by name."""

from __future__ import annotations

from typing import Any

import pytest

from core.merge import (
    Candidate,
    Conflict,
    Current,
    Settled,
    State,
    Vote,
    candidates_json,
    conflict_from,
    looks_rewritten,
    settle,
    vote_state,
)
from core.model import Value

SKEW = 120
WHERE = {1: "alpha", 2: "beta", 3: "gamma"}


def same(a: Value, b: Value) -> bool:
    return a == b or (isinstance(a, str) and isinstance(b, str) and a.casefold() == b.casefold())


def vote(record: int, value: Value, state: State = "same", base: Value = None, **more: Any) -> Vote:
    if state in ("same", "first") and base is None:
        base = value if state == "same" else None
    order = more.pop("order", (record,))
    return Vote(record, WHERE[record], value, base, state, order=order, **more)


def edit(record: int, value: Value, base: Value, lo: int, hi: int, actor: str = "person") -> Vote:
    return vote(record, value, "edited", base, lo=lo, hi=hi, actor=actor)


def done(current: Current, *votes: Vote, wins: Any = "latest", **more: Any) -> Settled:
    return settle(wins, current, votes, same=same, skew_ms=SKEW, **more)


# ------------------------------------------------------------------------------------------ first contact


def test_first_contact_fills_a_blank() -> None:
    out = done(Current(None), vote(1, None, "first"), vote(2, "Lyon", "first", hi=99))
    assert (out.value, out.source, out.conflict, out.agreed) == ("Lyon", None, None, {1, 2})


def test_first_contact_that_disagrees_waits_whatever_the_times() -> None:
    out = done(Current(None), vote(1, "Paris", "first", hi=1), vote(2, "Lyon", "first", hi=10**9))
    assert out.value == "Paris"
    assert out.source is None
    assert out.conflict is not None
    assert out.conflict.kind == "adoption"
    assert [c.value for c in out.conflict.candidates] == ["Paris", "Lyon"]
    assert all(c.lo is None and c.hi is None for c in out.conflict.candidates), "times prove nothing"


def test_first_contact_does_not_touch_what_is_known() -> None:
    out = done(Current("Paris"), vote(1, "Paris"), vote(2, "Lyon", "first", hi=10**9))
    assert out.value == "Paris"
    assert out.conflict is not None


def test_first_contact_in_another_spelling_agrees() -> None:
    out = done(Current("Paris"), vote(1, "Paris"), vote(2, "PARIS", "first"))
    assert (out.value, out.conflict) == ("Paris", None)


def test_an_adoption_stays_open_until_the_values_agree() -> None:
    opened = Conflict("adoption", ())
    still = done(Current("Paris"), vote(1, "Paris"), vote(2, "Lyon"), open_conflict=opened)
    assert still.conflict is not None
    assert still.conflict.kind == "adoption"
    closed = done(Current("Paris"), vote(1, "Paris"), vote(2, "paris"), open_conflict=opened)
    assert closed.conflict is None


def test_an_edit_settles_an_adoption() -> None:
    opened = Conflict("adoption", ())
    out = done(Current("Paris"), vote(1, "Paris"), edit(2, "Nice", "Lyon", 5, 9), open_conflict=opened)
    assert (out.value, out.conflict) == ("Nice", None)


# ------------------------------------------------------------------------------------------ edits


def test_nothing_new_changes_nothing() -> None:
    out = done(Current("Paris", 1, 2), vote(1, "Paris"), vote(2, "Paris"))
    assert (out.value, out.source, out.conflict, out.agreed) == ("Paris", None, None, {1, 2})
    assert not out.changed("Paris")


def test_an_edit_on_top_of_the_canonical_value_beats_it_whatever_its_time() -> None:
    out = done(Current("Paris", 500, 900), edit(2, "Lyon", "Paris", 0, 100), vote(1, "Paris"))
    assert out.value == "Lyon"
    assert out.source is not None
    assert out.source.record == 2


def test_an_edit_that_had_not_seen_the_canonical_value_must_be_later() -> None:
    current = Current("Paris", 500, 900, "person", 1)
    late = done(current, vote(1, "Paris"), edit(2, "Lyon", "Nice", 900 + SKEW, 2000))
    assert late.value == "Lyon"
    early = done(current, vote(1, "Paris"), edit(2, "Lyon", "Nice", 10, 300))
    assert (early.value, early.source, early.conflict, early.agreed) == ("Paris", None, None, {1, 2})
    unclear = done(current, vote(1, "Paris"), edit(2, "Lyon", "Nice", 800, 2000))
    assert unclear.value == "Paris"
    assert unclear.conflict is not None
    assert {c.connection for c in unclear.conflict.candidates} == {"hub", "beta"}
    assert 2 not in unclear.agreed


def test_a_first_value_has_no_time_to_hold_against_an_edit() -> None:
    assert done(Current("Paris"), vote(1, "Paris"), edit(2, "Lyon", "Nice", 1, 2)).value == "Lyon"


def test_overlapping_edits_are_held_with_both_candidates() -> None:
    out = done(Current("Paris"), edit(1, "Lyon", "Paris", 0, 1000), edit(2, "Metz", "Paris", 500, 1500))
    assert out.value == "Paris"
    assert out.agreed == set()
    assert out.conflict is not None
    assert out.conflict.kind == "edit"
    assert [(c.record, c.value, c.hi) for c in out.conflict.candidates] == [(1, "Lyon", 1000), (2, "Metz", 1500)]


@pytest.mark.parametrize(("gap", "value"), [(SKEW - 1, "Paris"), (SKEW, "Metz")])
def test_a_later_edit_wins_only_beyond_the_skew_of_clocks(gap: int, value: str) -> None:
    out = done(Current("Paris"), edit(1, "Lyon", "Paris", 0, 1000), edit(2, "Metz", "Paris", 1000 + gap, 5000))
    assert out.value == value
    assert (out.conflict is None) == (value == "Metz")


def test_exact_times_are_compared_as_they_are() -> None:
    older = vote(1, "Lyon", "edited", "Paris", hi=1000, actor="person")
    newer = vote(2, "Metz", "edited", "Paris", hi=1000 + SKEW, actor="person")
    assert done(Current("Paris"), older, newer).value == "Metz"


def test_a_person_beats_a_machine_even_if_later() -> None:
    out = done(Current("Paris"), edit(1, "Lyon", "Paris", 0, 50), edit(2, "Metz", "Paris", 0, 90, "integration"))
    assert (out.value, out.conflict, out.agreed) == ("Lyon", None, {1, 2})


def test_an_unknown_hand_may_be_a_person() -> None:
    out = done(Current("Paris"), edit(1, "Lyon", "Paris", 0, 50), edit(2, "Metz", "Paris", 0, 90, "unknown"))
    assert out.conflict is not None


def test_a_person_s_canonical_value_beats_a_machine_that_had_not_seen_it() -> None:
    out = done(Current("Paris", 0, 50, "person", 1), vote(1, "Paris"), edit(2, "Metz", "Nice", 0, 90, "workflow"))
    assert (out.value, out.source, out.conflict, out.agreed) == ("Paris", None, None, {1, 2})


def test_two_edits_to_one_value_agree() -> None:
    out = done(Current("Paris"), edit(1, "Lyon", "Paris", 0, 50), edit(2, "LYON", "Paris", 0, 40))
    assert (out.value, out.conflict, out.agreed) == ("LYON", None, {1, 2})


def test_an_edit_to_what_is_canonical_already_is_no_news() -> None:
    out = done(Current("Paris", 1, 2), vote(1, "Paris"), edit(2, "paris", "Nice", 3, 4))
    assert (out.value, out.source, out.agreed) == ("Paris", None, {1, 2})


def test_ask_holds_what_time_could_decide() -> None:
    votes = edit(1, "Lyon", "Paris", 0, 10), edit(2, "Metz", "Paris", 10**6, 10**6 + 1)
    assert done(Current("Paris"), *votes).value == "Metz"
    asked = done(Current("Paris"), *votes, wins="ask")
    assert asked.value == "Paris"
    assert asked.conflict is not None


def test_ask_lets_a_single_edit_pass() -> None:
    assert done(Current("Paris"), edit(1, "Lyon", "Paris", 0, 10), vote(2, "Paris"), wins="ask").value == "Lyon"


def test_while_edits_are_in_conflict_first_contacts_wait_too() -> None:
    out = done(
        Current("Paris"),
        edit(1, "Lyon", "Paris", 0, 1000),
        edit(2, "Metz", "Paris", 0, 1000),
        vote(3, "Nice", "first"),
    )
    assert out.value == "Paris"
    assert out.agreed == set()


# ------------------------------------------------------------------------------------------ clearing


def test_cleared_by_a_person_clears() -> None:
    out = done(Current("Paris", 1, 2), vote(1, None, "cleared", "Paris", actor="person", hi=9), vote(2, "Paris"))
    assert out.value is None
    assert out.source is not None
    assert out.source.record == 1
    assert out.refused == set()


@pytest.mark.parametrize("actor", ["unknown", "integration", "import", "workflow"])
def test_cleared_by_anybody_else_keeps_the_value_and_is_not_refilled(actor: str) -> None:
    out = done(Current("Paris"), vote(1, None, "cleared", "Paris", actor=actor), vote(2, "Paris"))
    assert (out.value, out.source, out.refused, out.agreed) == ("Paris", None, {1}, {1, 2})


def test_a_person_who_clears_another_value_clears_only_there() -> None:
    out = done(Current("Paris", 5, 9), vote(1, None, "cleared", "Nice", actor="person"), vote(2, "Paris"))
    assert (out.value, out.refused) == ("Paris", {1})


def test_clearing_one_side_of_a_disagreement_leaves_the_other() -> None:
    votes = vote(1, None, "cleared", "Paris", actor="person"), vote(2, "Lyon")
    out = done(Current("Paris"), *votes, open_conflict=Conflict("adoption", ()))
    assert (out.value, out.conflict, out.refused) == ("Lyon", None, {1})


def test_an_edit_elsewhere_beats_a_clearing() -> None:
    out = done(
        Current("Paris"), vote(1, None, "cleared", "Paris", actor="person", hi=9), edit(2, "Lyon", "Paris", 1, 5)
    )
    assert (out.value, out.refused) == ("Lyon", set())


# ------------------------------------------------------------------------------------------ the other policies


def test_the_hub_decides_what_is_the_hub_s() -> None:
    out = done(Current("a"), edit(1, "b", "a", 1, 2), wins="hub")
    assert (out.value, out.conflict, out.agreed) == ("a", None, {1})


def test_an_ordered_list_takes_the_first_that_has_a_value() -> None:
    votes = vote(1, "Paris", "first"), vote(2, "Lyon", "first")
    assert done(Current(None), *votes, wins=("beta", "alpha")).value == "Lyon"
    assert done(Current(None), *votes, wins=("alpha", "beta")).value == "Paris"
    assert done(Current(None), votes[0], vote(2, None, "first"), wins=("beta", "alpha")).value == "Paris"


def test_an_ordered_list_prefers_whom_it_names() -> None:
    out = done(Current(None), vote(1, "Paris", "first"), vote(3, "Nice", "first"), wins=("gamma",))
    assert out.value == "Nice"


def test_an_ordered_list_has_no_conflicts() -> None:
    out = done(Current("Paris"), edit(1, "Lyon", "Paris", 0, 9), edit(2, "Metz", "Paris", 0, 9), wins=("beta", "alpha"))
    assert (out.value, out.conflict, out.agreed) == ("Metz", None, {1, 2})


def test_an_ordered_list_clears_what_a_person_cleared_and_does_not_bring_it_back() -> None:
    wins = ("alpha", "beta")
    gone = done(Current("Paris"), vote(1, None, "cleared", "Paris", actor="person"), vote(2, "Paris"), wins=wins)
    assert gone.value is None
    after = done(Current(None, 1, 2, cleared="Paris"), vote(1, None), vote(2, "Paris"), wins=wins)
    assert after.value is None
    typed = done(Current(None, 1, 2, cleared="Paris"), vote(1, None), edit(2, "Paris", None, 3, 4), wins=wins)
    assert typed.value == "Paris"


def test_an_ordered_list_keeps_what_a_machine_cleared() -> None:
    out = done(
        Current("Paris"), vote(1, None, "cleared", "Paris", actor="workflow"), vote(2, "Paris"), wins=("alpha", "beta")
    )
    assert (out.value, out.refused) == ("Paris", {1})


def test_max_takes_the_highest() -> None:
    out = done(Current(3), vote(1, 3), edit(2, 7, 3, 1, 2), vote(3, 5), wins="max")
    assert out.value == 7
    assert out.source is not None
    assert out.source.record == 2


def test_max_of_stages_goes_by_rank_and_notes_the_others() -> None:
    out = done(Current(None), vote(1, "sal", "first"), vote(2, "customer", "first"), wins="max", stage_like=True)
    assert out.value == "customer"
    assert out.conflict is not None
    assert out.conflict.kind == "noted"


def test_union_holds_every_option_once_in_order() -> None:
    out = done(Current("a"), vote(1, "b;a", "first"), vote(2, "c", "first"), vote(3, None, "first"), wins="union")
    assert out.value == "a;b;c"


def test_most_restrictive_never_clears() -> None:
    set_ = done(Current(False), edit(1, True, False, 1, 2), vote(2, False), wins="most_restrictive")
    assert set_.value is True
    assert set_.source is not None
    for value in (False, None):
        kept = done(Current(True), edit(1, value, True, 3, 4), vote(2, value, "cleared", True), wins="most_restrictive")
        assert kept.value is True


def test_most_restrictive_is_no_when_anybody_says_no() -> None:
    assert done(Current(None), vote(1, False, "first"), vote(2, True, "first"), wins="most_restrictive").value is True
    assert done(Current(None), vote(1, False, "first"), vote(2, None, "first"), wins="most_restrictive").value is False
    assert done(Current(None), vote(1, None, "first"), wins="most_restrictive").value is None


# ------------------------------------------------------------------------------------------ votes and forms


def test_how_a_record_stands_to_its_base() -> None:
    assert vote_state(agreed_before=False, base=None, value="x", same=same) == "first"
    assert vote_state(agreed_before=True, base="X", value="x", same=same) == "same"
    assert vote_state(agreed_before=True, base="x", value="y", same=same) == "edited"
    assert vote_state(agreed_before=True, base="x", value=None, same=same) == "cleared"
    assert vote_state(agreed_before=True, base=None, value="x", same=same) == "edited"


def test_candidates_go_to_the_store_and_back() -> None:
    conflict = Conflict(
        "edit", (Candidate(1, "alpha", "Lyon", 1, 2, "person"), Candidate(None, "hub", 3, None, 4, "x"))
    )
    assert conflict_from("edit", candidates_json(conflict)) == conflict


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (" Lyon ", "Lyon"), ("Lyon", "LYON"), ("St. Denis", "St Denis"), ("Llanfairpwll", "Llanf"), (17.6, 18),
        ("17.6", "18"), ("1234.56", "1234.6"), ("17", "17.0"), (1_234_567, 1_230_000), (None, None),
    ],
)  # fmt: skip
def test_what_crms_make_of_values_is_known_again(sent: Value, seen: Value) -> None:
    assert looks_rewritten(sent, seen)


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("Lyon", "Metz"),
        ("Lyon", None),
        (None, "Lyon"),
        (10, 20),
        ("17", "18"),
        ("0612345678", "0612345679"),
        ("-", "x"),
    ],
)
def test_another_value_is_an_edit(sent: Value, seen: Value) -> None:
    assert not looks_rewritten(sent, seen)
