"""Merging one field: what holds for any votes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from core.merge import Conflict, Current, Settled, Vote, settle, vote_state
from core.model import Value

VALUES = st.sampled_from([None, "Paris", "paris", "Lyon", "Metz"])
TIMES = st.integers(0, 1000)
ACTORS = st.sampled_from(["person", "integration", "unknown", "workflow"])
WINS = st.sampled_from(["latest", "ask", "hub", "max", "union", ("beta", "alpha"), ("gamma", "beta")])


def same(a: Value, b: Value) -> bool:
    return a == b or (isinstance(a, str) and isinstance(b, str) and a.casefold() == b.casefold())


@st.composite
def votes(draw: st.DrawFn) -> list[Vote]:
    """One vote per record; two records of alpha, so that connections repeat."""
    found = []
    for record, where in enumerate(draw(st.permutations(["alpha", "alpha", "beta", "gamma"])), 1):
        value, base, agreed = draw(VALUES), draw(VALUES), draw(st.booleans())
        state = vote_state(agreed_before=agreed, base=base, value=value, same=same)
        lo, hi = sorted((draw(TIMES), draw(TIMES)))
        found.append(Vote(record, where, value, base if agreed else None, state, lo, hi, draw(ACTORS), (record,)))
    return found[: draw(st.integers(1, 4))]


@st.composite
def currents(draw: st.DrawFn) -> Current:
    value = draw(VALUES)
    if draw(st.booleans()):
        return Current(value)
    lo, hi = sorted((draw(TIMES), draw(TIMES)))
    return Current(value, lo, hi, draw(ACTORS), 1, draw(VALUES) if value is None else None)


def done(wins: object, current: Current, said: list[Vote], conflict: Conflict | None = None) -> Settled:
    return settle(wins, current, said, same=same, skew_ms=50, open_conflict=conflict)  # type: ignore[arg-type]  # drawn


@settings(max_examples=150, deadline=None)
@given(WINS, currents(), votes(), st.randoms(use_true_random=False))
def test_the_order_of_votes_does_not_matter(wins: object, current: Current, said: list[Vote], rng: object) -> None:
    mixed = list(said)
    rng.shuffle(mixed)  # type: ignore[attr-defined]  # random.Random
    assert done(wins, current, said) == done(wins, current, mixed)


@settings(max_examples=150, deadline=None)
@given(WINS, currents(), votes())
def test_values_come_from_somebody(wins: object, current: Current, said: list[Vote]) -> None:
    out = done(wins, current, said)
    known = {v.value for v in said} | {current.value, None}
    if wins == "union":
        assert set(str(out.value or "").split(";")) <= {str(k) for k in known} | {""}
    else:
        assert out.value in known


@settings(max_examples=150, deadline=None)
@given(currents(), votes())
def test_a_conflict_of_edits_keeps_the_value_and_every_candidate(current: Current, said: list[Vote]) -> None:
    out = done("latest", current, said)
    edits = [v for v in said if v.state == "edited" and not same(v.value, current.value)]
    if out.conflict is not None and out.conflict.kind == "edit":
        assert out.value == current.value
        assert {v.record for v in edits} <= {c.record for c in out.conflict.candidates}
        assert not out.agreed & {v.record for v in edits}
    else:
        assert {v.record for v in said} == out.agreed


@settings(max_examples=150, deadline=None)
@given(currents(), votes())
def test_merging_again_what_was_agreed_changes_nothing(current: Current, said: list[Vote]) -> None:
    """Votes that became agreements are "same" the next time, and nobody's silence is news."""
    out = done("latest", current, said)
    if out.conflict is not None and out.conflict.kind == "edit":
        return
    after = [Vote(v.record, v.connection, v.value, v.value, "same", v.lo, v.hi, v.actor, v.order) for v in said]
    s = out.source
    if s is not None:
        now = Current(out.value, s.lo, s.hi, s.actor, s.record)
    else:  # a value that stayed keeps the stamp of the edit that made it
        now = current if same(out.value, current.value) else Current(out.value)
    again = done("latest", now, after, out.conflict)
    assert again.value == out.value
    assert again.source is None
    assert (again.conflict is None) == (out.conflict is None)


@settings(max_examples=100, deadline=None)
@given(votes(), st.sampled_from([True, False, None]))
def test_an_opt_out_never_comes_off(said: list[Vote], before: bool | None) -> None:
    flags = [
        Vote(v.record, v.connection, flag, v.base, v.state, v.lo, v.hi, v.actor, v.order)
        for v, flag in zip(said, (True, False, None, False), strict=False)
    ]
    assert done("most_restrictive", Current(True), flags).value is True
    assert done("most_restrictive", Current(before), flags).value is True, "the first vote says no"


@settings(max_examples=100, deadline=None)
@given(currents(), votes())
def test_only_people_clear(current: Current, said: list[Vote]) -> None:
    out = done("latest", current, said)
    if current.value is not None and out.value is None:
        assert out.source is not None
        assert out.source.actor == "person"
        assert same(out.source.base, current.value)
