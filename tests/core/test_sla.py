"""Business calendars, durations, clocks."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sla import (
    Calendar,
    Clock,
    Duration,
    Policy,
    Touch,
    add_business,
    add_duration,
    business_between,
    clock,
    parse_duration,
)

PARIS = Calendar.weekly("Europe/Paris")
HOUR = 3_600_000


def at(text: str, zone: str = "Europe/Paris") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


CALENDARS = [
    PARIS,
    Calendar.weekly("Europe/Paris", holidays=[date(2026, 12, 25), date(2027, 1, 1)]),
    Calendar.weekly("UTC", "00:00", "24:00", days=range(7)),
    Calendar.weekly("Europe/Berlin", "00:00", "24:00", days=range(7)),
    Calendar.weekly("America/Sao_Paulo", "22:30", "24:00", days=(5, 6)),
    Calendar(
        "America/New_York",
        (((60, 150), (180, 240)), (), ((0, 1440),), ((540, 720), (780, 1080)), ((540, 840),), (), ((60, 240),)),
        frozenset({date(2027, 3, 14)}),
    ),
    Calendar.weekly("Australia/Lord_Howe", "01:00", "03:00", days=range(7)),
]
# two years around, so that every change of clocks is met
starts = st.integers(at("2026-01-01T00:00", "UTC"), at("2028-01-01T00:00", "UTC"))


def test_friday_evening_and_four_business_hours_is_monday_13() -> None:
    assert add_business(at("2026-11-20T18:30"), 240, PARIS) == at("2026-11-23T13:00")
    assert add_business(at("2026-11-20T16:00"), 240, PARIS) == at("2026-11-23T11:00")
    assert add_business(at("2026-11-20T14:00"), 240, PARIS) == at("2026-11-20T18:00")
    assert business_between(at("2026-11-20T18:30"), at("2026-11-23T13:00"), PARIS) == 240


def test_holidays_do_not_count() -> None:
    calendar = Calendar.weekly("Europe/Paris", holidays=[date(2026, 12, 25)])
    assert add_business(at("2026-12-24T17:00"), 120, calendar) == at("2026-12-28T10:00")
    assert business_between(at("2026-12-25T00:00"), at("2026-12-26T00:00"), calendar) == 0


def test_the_days_clocks_change_have_23_and_25_hours() -> None:
    berlin = CALENDARS[3]
    spring, autumn = ("2027-03-28T00:00", "2027-03-29T00:00"), ("2026-10-25T00:00", "2026-10-26T00:00")
    assert business_between(at(spring[0]), at(spring[1]), berlin) == 23 * 60
    assert business_between(at(autumn[0]), at(autumn[1]), berlin) == 25 * 60
    # office hours keep their wall-clock time over the change
    assert add_business(at("2027-03-26T17:00"), 120, PARIS) == at("2027-03-29T10:00")


@settings(deadline=None)
@given(starts, st.integers(0, 20_000), st.sampled_from(CALENDARS))
def test_between_undoes_add(start: int, minutes: int, calendar: Calendar) -> None:
    end = add_business(start, minutes, calendar)
    assert end >= start
    assert business_between(start, end, calendar) == minutes
    assert business_between(end, start, calendar) == -minutes
    if minutes:
        assert business_between(start, end - 1, calendar) == minutes - 1


@settings(deadline=None)
@given(starts, st.integers(0, 5_000), st.integers(0, 5_000), st.sampled_from(CALENDARS))
def test_time_adds_up(start: int, one: int, two: int, calendar: Calendar) -> None:
    assert add_business(add_business(start, one, calendar), two, calendar) == add_business(start, one + two, calendar)


@settings(deadline=None)
@given(starts, starts, starts, st.sampled_from(CALENDARS))
def test_between_never_shrinks(a: int, b: int, c: int, calendar: Calendar) -> None:
    a, b, c = sorted((a // 60_000 * 60_000, b // 60_000 * 60_000, c // 60_000 * 60_000))
    whole = business_between(a, c, calendar)
    assert 0 <= business_between(a, b, calendar) <= whole
    assert business_between(a, b, calendar) + business_between(b, c, calendar) == whole


def test_calendars_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one opening"):
        Calendar.weekly("UTC", days=())
    with pytest.raises(ValueError, match="ascend"):
        Calendar.weekly("UTC", "18:00", "09:00")
    with pytest.raises(ValueError, match="ascend"):
        Calendar("UTC", (((0, 60), (60, 90)), (), (), (), (), (), ()))
    with pytest.raises(KeyError):
        Calendar.weekly("Europe/Atlantis")
    with pytest.raises(ValueError, match="added"):
        add_business(0, -1, PARIS)
    closed = Calendar.weekly("UTC", days=(0,), holidays=[date.fromordinal(d) for d in range(719_163, 724_000)])
    with pytest.raises(ValueError, match="holidays"):
        add_business(0, 1, closed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4 business hours", Duration(business_minutes=240)),
        ("1 Business Hour", Duration(business_minutes=60)),
        ("30 business minutes", Duration(business_minutes=30)),
        ("2 business days", Duration(business_days=2)),
        ("30d", Duration(ms=30 * 24 * HOUR)),
        ("5m", Duration(ms=5 * 60_000)),
        ("90 s", Duration(ms=90_000)),
        ("1h30m", Duration(ms=90 * 60_000)),
        ("2 weeks", Duration(ms=14 * 24 * HOUR)),
        ("36 hours", Duration(ms=36 * HOUR)),
        ("", None),
        ("soon", None),
        ("5", None),
        ("5 months", None),
        ("-5m", None),
        ("5m later", None),
        ("4 business", None),
    ],
)
def test_parse_duration(text: str, expected: Duration | None) -> None:
    assert parse_duration(text) == expected


def test_hours_of_a_duration() -> None:
    assert Duration(ms=30 * 24 * HOUR).hours == 720


def test_business_days_keep_the_time_of_day() -> None:
    two = Duration(business_days=2)
    assert add_duration(at("2026-11-19T15:00"), two, PARIS) == at("2026-11-23T15:00")
    assert add_duration(at("2026-11-20T18:30"), two, PARIS) == at("2026-11-25T09:00")
    assert add_duration(at("2027-03-26T15:00"), Duration(business_days=1), PARIS) == at("2027-03-29T15:00")
    assert add_duration(at("2026-11-20T18:30"), Duration(ms=HOUR), PARIS) == at("2026-11-20T19:30")


POLICY = Policy("first_touch", Duration(business_minutes=240))
START = at("2026-11-20T18:30")
DUE = at("2026-11-23T13:00")


def test_a_clock_runs_is_met_or_breached() -> None:
    assert clock(POLICY, START, [], PARIS, DUE) == Clock("running", START, DUE)
    assert clock(POLICY, START, [], PARIS, DUE + 1) == Clock("breached", START, DUE)
    in_time, late = Touch(7, "call", DUE), Touch(8, "meeting", DUE + 1)
    assert clock(POLICY, START, [in_time], PARIS, DUE + HOUR) == Clock("met", START, DUE, DUE, 7)
    assert clock(POLICY, START, [late], PARIS, DUE + HOUR) == Clock("breached", START, DUE, DUE + 1, 8)
    assert clock(POLICY, START, [late, in_time], PARIS, DUE + HOUR).stopped_by == 7


def test_only_a_human_touch_after_the_start_stops_it() -> None:
    others = [
        Touch(1, "call", START - 1),
        Touch(2, "email_sent", START + 1, human=False),
        Touch(3, "task", START + 1),
        Touch(4, "email_open", START + 1),
        Touch(5, "call", DUE + HOUR),
    ]
    assert clock(POLICY, START, others, PARIS, DUE).state == "running"


def test_a_pause_gives_back_the_business_time_it_took() -> None:
    night = (at("2026-11-20T19:00"), at("2026-11-22T08:00"))
    assert clock(POLICY, START, [], PARIS, START, pauses=[night]).due_at == DUE
    morning = (at("2026-11-23T10:00"), at("2026-11-23T11:00"))
    assert clock(POLICY, START, [], PARIS, START, pauses=[morning, morning]).due_at == at("2026-11-23T14:00")
    chained = (at("2026-11-23T13:30"), at("2026-11-23T15:00"))
    assert clock(POLICY, START, [], PARIS, START, pauses=[chained, morning]).due_at == at("2026-11-23T15:30")
    elapsed = Policy("fast", Duration(ms=HOUR))
    paused = (START + HOUR // 2, START + HOUR)
    assert clock(elapsed, START, [], PARIS, START, pauses=[paused]).due_at == START + HOUR + HOUR // 2


@settings(deadline=None)
@given(starts, st.integers(1, 2_000), st.lists(st.tuples(starts, st.integers(0, 5 * 24 * HOUR)), max_size=4))
def test_pauses_never_bring_the_due_time_forward(start: int, minutes: int, raw: list[tuple[int, int]]) -> None:
    policy = Policy("p", Duration(business_minutes=minutes))
    pauses = [(start + begin % (5 * 24 * HOUR), start + begin % (5 * 24 * HOUR) + length) for begin, length in raw]
    plain = clock(policy, start, [], PARIS, start).due_at
    paused = clock(policy, start, [], PARIS, start, pauses=pauses).due_at
    assert paused >= plain
    assert clock(policy, start, [], PARIS, start, pauses=pauses[::-1]).due_at == paused
