"""The ledger: sums, decay, caps, bands, the next change."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model import Band
from core.scoring import (
    DAY_MS,
    HOUR_MS,
    SCALE,
    Bands,
    EngagementRule,
    Event,
    FitRule,
    Grades,
    RuleSet,
    band,
    decay_factor,
    decay_table,
    explain,
    filter_events,
    grade,
    has_intent,
    ledger,
    next_due,
    shown,
)

NOW = 1_800_000_000_000
FIT = (
    FitRule("decision_maker", "Decision maker", "person.seniority in ('c_level')", 20_000),
    FitRule("competitor", "Competitor", "company.domain = 'rival.com'", -50_000),
)
ENGAGEMENT = (
    EngagementRule("demo", "Asked for a demo", ("demo_requested",), 40_000, 24 * 30, 80_000),
    EngagementRule("pricing", "Pricing page", ("pricing_view",), 6_000, 24 * 14, 20_000),
    EngagementRule("webinar", "Webinar", ("webinar_attended", "event_attended"), 15_000, None, None, 24 * 90),
    EngagementRule("open", "Opened a mail", ("email_open",), 0, 24, 5_000),
    EngagementRule("gone", "Unsubscribed", ("unsubscribed",), -30_000, 24 * 7, 30_000),
)
BANDS = Bands(warm=20_000, hot=50_000)
RULES = RuleSet(FIT, ENGAGEMENT, BANDS)
KINDS = ["demo_requested", "pricing_view", "webinar_attended", "email_open", "unsubscribed", "note"]

events_ = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(-3 * DAY_MS, 200 * DAY_MS)), max_size=12).map(
    lambda items: [Event(i, kind, NOW - ago) for i, (kind, ago) in enumerate(items)]
)
hits_ = st.sets(st.sampled_from(["decision_maker", "competitor", "no_such_rule"])).map(
    lambda ids: dict.fromkeys(ids, "because")
)
half_lives = st.integers(1, 24 * 400)


@settings(deadline=None)
@given(hits_, events_, st.integers(0, 100 * DAY_MS), st.one_of(st.none(), st.integers(0, 200 * DAY_MS)))
def test_points_always_sum_to_the_total(
    hits: dict[str, str], events: list[Event], later: int, since_ago: int | None
) -> None:
    since = None if since_ago is None else NOW - since_ago
    found = ledger(RULES, hits, events, NOW + later, since=since)
    assert sum(p.points for p in found.points) == found.total == found.fit + found.engagement
    assert sum(p.points for p in found.points if p.side == "fit") == found.fit
    assert all(p.points for p in found.points)
    assert all((p.kind == "negative") == (p.points < 0) for p in found.points if p.kind != "cap")
    for rule in ENGAGEMENT:
        own = sum(p.points for p in found.points if p.rule == rule.id)
        assert rule.cap is None or abs(own) <= rule.cap


@settings(deadline=None)
@given(hits_, events_)
def test_order_of_events_does_not_matter(hits: dict[str, str], events: list[Event]) -> None:
    shuffled = sorted(events, key=lambda e: (e.id * 7) % 5)
    assert ledger(RULES, hits, shuffled, NOW) == ledger(RULES, hits, events, NOW)
    assert ledger(RULES, hits, events[::-1], NOW) == ledger(RULES, hits, events, NOW)
    assert next_due(RULES, hits, shuffled, NOW, None) == next_due(RULES, hits, events, NOW, None)


@settings(deadline=None)
@given(half_lives, st.integers(0, 24 * 900))
def test_decay_never_rises_and_halves_exactly(half_life: int, age: int) -> None:
    assert decay_factor(half_life, age + 1) <= decay_factor(half_life, age) <= SCALE
    assert decay_factor(half_life, 0) == SCALE
    assert decay_factor(half_life, half_life) == SCALE // 2
    assert decay_factor(half_life, 2 * half_life) == SCALE // 4
    assert decay_factor(None, age) == SCALE


@settings(deadline=None)
@given(half_lives, st.integers(0, 24 * 900))
def test_decay_is_the_exact_factor_rounded(half_life: int, age: int) -> None:
    # |factor - 2^(-age/half_life) * SCALE| <= 1/2, without floats: compare the powers
    factor = decay_factor(half_life, age)
    whole, rest = divmod(age, half_life)
    if half_life > 200:  # the powers below grow with it
        return
    exact_power = Fraction(SCALE**half_life, 2 ** (whole * half_life + rest))
    assert Fraction(2 * factor - 1, 2) ** half_life <= exact_power or factor == 0
    assert exact_power <= Fraction(2 * factor + 1, 2) ** half_life


def test_the_table_ends_with_nothing_left() -> None:
    table = decay_table(720)
    assert table[-1] == 0
    assert table[-2] > 0
    assert table[1] == 999_038
    assert decay_factor(720, 10**9) == 0
    with pytest.raises(ValueError, match="at least 1"):
        decay_table(0)


def test_a_cap_is_a_line_of_the_ledger() -> None:
    events = [Event(i, "pricing_view", NOW, "Pricing") for i in range(5)]
    found = ledger(RULES, {"decision_maker": "VP Sales"}, events, NOW)
    cap = found.points[-1]
    assert (cap.kind, cap.points, cap.event_id) == ("cap", -10_000, None)
    assert (found.fit, found.engagement, found.total) == (20_000, 20_000, 40_000)
    assert found.points[0].evidence == "VP Sales"
    assert found.points[1].event_id == 0
    assert found.rules == RULES.hash


def test_what_lies_ahead_or_before_a_recycling_does_not_count() -> None:
    events = [Event(1, "demo_requested", NOW - DAY_MS), Event(2, "demo_requested", NOW + 1)]
    assert ledger(RULES, {}, events, NOW - 2 * DAY_MS).total == 0
    assert ledger(RULES, {}, events, NOW, since=NOW - DAY_MS).total == 0
    assert ledger(RULES, {}, events, NOW + 1, since=NOW - DAY_MS).total == 40_000


def test_a_window_ends_to_the_millisecond() -> None:
    event = Event(1, "webinar_attended", NOW)
    assert ledger(RULES, {}, [event], NOW + 90 * DAY_MS - 1).total == 15_000
    assert ledger(RULES, {}, [event], NOW + 90 * DAY_MS).total == 0


def test_bands_are_left_below_where_they_are_entered() -> None:
    assert band(50_000, False, None, BANDS) == Band.HOT
    assert band(49_999, False, None, BANDS) == Band.WARM
    assert band(40_000, False, Band.HOT, BANDS) == Band.HOT
    assert band(39_999, False, Band.HOT, BANDS) == Band.WARM
    assert band(10_000, False, Band.WARM, BANDS) == Band.WARM
    assert band(9_999, False, Band.HOT, BANDS) == Band.COLD
    assert band(0, True, None, BANDS) == Band.HOT
    assert band(0, False, Band.WARM, Bands(warm=5_000, hot=50_000)) == Band.COLD


def test_intent_is_recent_for_thirty_days() -> None:
    asked = [Event(1, "quote_requested", NOW)]
    assert has_intent(asked, NOW, BANDS)
    assert has_intent(asked, NOW + 30 * DAY_MS - 1, BANDS)
    assert not has_intent(asked, NOW + 30 * DAY_MS, BANDS)
    assert not has_intent(asked, NOW - 1, BANDS)
    assert not has_intent([Event(1, "page_view", NOW)], NOW, BANDS)


def test_grades() -> None:
    grades = Grades()
    assert grade(60_000, 60_000, grades) == "A1"
    assert grade(59_999, 20_000, grades) == "B3"
    assert grade(-1, 0, grades) == "D4"


def _state(events: list[Event], hits: dict[str, str], at: int, previous: Band | None) -> tuple[Band, str]:
    found = ledger(RULES, hits, events, at)
    intent = has_intent(events, at, BANDS)
    return band(found.engagement, intent, previous, BANDS), grade(found.fit, found.engagement, RULES.grades)


@settings(deadline=None, max_examples=60)
@given(hits_, events_, st.sampled_from([None, *Band]))
def test_next_due_is_the_first_change_of_a_replay(
    hits: dict[str, str], events: list[Event], previous: Band | None
) -> None:
    current = _state(events, hits, NOW, previous)
    # every hour of every event's own clock is a moment at which something may change
    horizon = NOW + 25 * DAY_MS
    ticks = {e.at for e in events if NOW < e.at <= horizon}
    for event in events:
        begin = max(event.at, NOW - (NOW - event.at) % HOUR_MS)
        ticks |= {t for t in range(begin, horizon + 1, HOUR_MS) if t > NOW}
    first = next((t for t in sorted(ticks) if _state(events, hits, t, current[0]) != current), None)
    found = next_due(RULES, hits, events, NOW, previous)
    if first is None:
        assert found is None or found > horizon
    else:
        assert found == first


def test_next_due_by_cause() -> None:
    asked = [Event(1, "demo_requested", NOW)]
    # hot by intent for 30 days; the grade's 40 points fade within the first hour
    assert next_due(RULES, {}, asked, NOW, None) == NOW + HOUR_MS
    assert next_due(RULES, {}, [Event(1, "note", NOW)], NOW, None) is None
    assert next_due(RULES, {}, [Event(1, "webinar_attended", NOW)], NOW, None) is None
    later = [Event(1, "demo_requested", NOW + 5)]
    assert next_due(RULES, {}, later, NOW, None) == NOW + 5
    two = [Event(i, "webinar_attended", NOW - i * DAY_MS) for i in range(2)]
    assert next_due(RULES, {}, two, NOW, None) == NOW + 89 * DAY_MS


def test_scanners_click_every_link_at_once() -> None:
    def click(id: int, at: int, delivered: int | None = None) -> Event:
        return Event(id, "email_click", at, delivered_at=delivered)

    human = click(1, NOW)
    assert filter_events([human]) == [human]
    assert filter_events([click(i, NOW + i * 900) for i in range(3)]) == []
    assert filter_events([click(1, NOW + 9_000, NOW), click(2, NOW + 9_500, NOW)]) == []
    assert len(filter_events([click(1, NOW), click(2, NOW + 500)])) == 2
    assert len(filter_events([click(i, NOW + i * 60_000) for i in range(4)])) == 4
    sent = Event(9, "email_sent", NOW - 2_000)
    assert filter_events([click(2, NOW + 300), sent, click(1, NOW)]) == [sent]


def test_explain_in_short_words() -> None:
    events = [Event(i, "pricing_view", NOW) for i in range(3)] + [Event(9, "demo_requested", NOW)]
    points = ledger(RULES, {"decision_maker": "CEO"}, events, NOW).points
    assert explain(points) == "Asked for a demo +40, Decision maker +20, Pricing page 3x +18"
    assert explain(points, limit=1) == "Asked for a demo +40, 2 more +38"
    assert explain([]) == ""
    assert [shown(n) for n in (40_000, 12_540, -20_000, -40, 49)] == ["40", "12.5", "-20", "0", "0"]


def test_the_hash_names_the_rules() -> None:
    assert RuleSet(FIT, ENGAGEMENT, BANDS).hash == RULES.hash
    assert RuleSet(FIT[:1], ENGAGEMENT, BANDS).hash != RULES.hash
    assert RuleSet(FIT, ENGAGEMENT, Bands(warm=1, hot=2)).hash != RULES.hash
