"""SLA clocks over business calendars. Pure: zones come from `zoneinfo`, holidays and `now` from the caller.

Business hours are wall-clock hours of a zone; what elapses within them is real time, so an hour is sixty minutes
also on the days when clocks change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from core.model import ActivityKind

MINUTE_MS = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
#: Days searched for the next opening: a calendar without any within ten years is a mistake.
_HORIZON_DAYS = 3_660

#: A human touch: a completed call, an ended meeting, a one-to-one mail.
FIRST_TOUCH = frozenset({ActivityKind.CALL, ActivityKind.MEETING, ActivityKind.EMAIL_SENT})

Hours = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    """When somebody works. `hours` by weekday, Monday first: (from, to) in minutes of the day, ascending.

    Raises ValueError for hours that overlap, leave the day, or never open; ZoneInfoNotFoundError (a KeyError) for
    an unknown zone.
    """

    zone: str
    hours: tuple[Hours, Hours, Hours, Hours, Hours, Hours, Hours]
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        ZoneInfo(self.zone)
        if not any(self.hours):
            raise ValueError("a calendar needs at least one opening")
        for spans in self.hours:
            edges = [edge for span in spans for edge in span]
            if edges != sorted(set(edges)) or (edges and not 0 <= edges[0] < edges[-1] <= 1440):
                raise ValueError(f"hours {spans} do not ascend within one day")

    @classmethod
    def weekly(
        cls,
        zone: str,
        opens: str = "09:00",
        closes: str = "18:00",
        *,
        days: Sequence[int] = (0, 1, 2, 3, 4),
        holidays: Iterable[date] = (),
    ) -> Calendar:
        """The same hours on all `days` (Monday is 0). "24:00" closes at midnight."""
        span = ((_minute(opens), _minute(closes)),)
        mon, tue, wed, thu, fri, sat, sun = (span if day in days else () for day in range(7))
        return cls(zone, (mon, tue, wed, thu, fri, sat, sun), frozenset(holidays))


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time; exactly one of the three is not zero (all are for no time at all)."""

    ms: int = 0
    business_minutes: int = 0
    business_days: int = 0

    @property
    def hours(self) -> int:
        """Whole elapsed hours, for half-lives and windows."""
        return self.ms // (60 * MINUTE_MS)


_UNITS = {"s": 1_000, "m": MINUTE_MS, "h": 60 * MINUTE_MS, "d": 1_440 * MINUTE_MS, "w": 10_080 * MINUTE_MS}
_PART = re.compile(r"(\d{1,6})\s*(s|sec|secs|seconds?|m|min|mins|minutes?|h|hrs?|hours?|d|days?|w|weeks?)(?![a-z])")
_BUSINESS = re.compile(r"(\d{1,6})\s*business\s*(minute|hour|day)s?")
#: What `parse_duration` reads, for error messages.
DURATION_HELP = "write 5m, 4h, 30d, 1h30m, '4 business hours' or '2 business days'"


def parse_duration(text: str) -> Duration | None:
    """A duration as people write it (`DURATION_HELP`); None when it cannot be read."""
    text = " ".join(text.lower().split())
    if business := _BUSINESS.fullmatch(text):
        amount, unit = int(business[1]), business[2]
        if unit == "day":
            return Duration(business_days=amount)
        return Duration(business_minutes=amount * (60 if unit == "hour" else 1))
    at, ms = 0, 0
    while found := _PART.match(text, at):
        ms += int(found[1]) * _UNITS[found[2][0]]
        at = found.end()
        while at < len(text) and text[at] == " ":
            at += 1
    return Duration(ms=ms) if at == len(text) and at else None


@lru_cache(maxsize=8_192)
def _day_spans(calendar: Calendar, day: date) -> tuple[tuple[int, int], ...]:
    """Openings of a local day as (from, to) in ms UTC, never overlapping, also where clocks are set forward."""
    if day in calendar.holidays:
        return ()
    zone, spans, last = ZoneInfo(calendar.zone), [], 0
    for opens, closes in calendar.hours[day.weekday()]:
        begin, end = max(_at(zone, day, opens), last), _at(zone, day, closes)
        if end > begin:
            spans.append((begin, end))
            last = end
    return tuple(spans)


def _at(zone: ZoneInfo, day: date, minute: int) -> int:
    days, rest = divmod(minute, 1_440)
    local = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), tzinfo=zone)
    return (local - _EPOCH) // _MS


def _local_day(calendar: Calendar, ms: int) -> date:
    return (_EPOCH + timedelta(milliseconds=ms)).astimezone(ZoneInfo(calendar.zone)).date()


def _spans(calendar: Calendar, start: int) -> Iterator[tuple[int, int]]:
    """Openings from `start` on, the first one cut to begin there."""
    day = _local_day(calendar, start)
    for _ in range(_HORIZON_DAYS):
        for begin, end in _day_spans(calendar, day):
            if end > start:
                yield max(begin, start), end
        day += timedelta(days=1)
    raise ValueError(f"no business hours within ten years in {calendar.zone}: look at the holidays")


def add_business(start_ms: int, minutes: int, calendar: Calendar) -> int:
    """The first moment at which `minutes` of business time have passed since `start_ms`; 0 minutes: `start_ms`.

    Friday 18:30 and 240 minutes with hours 9 to 18: Monday 13:00. Raises ValueError for negative minutes.
    """
    return _add_ms(start_ms, minutes * MINUTE_MS, calendar)


def _add_ms(start_ms: int, wanted: int, calendar: Calendar) -> int:
    if wanted < 0:
        raise ValueError("business time is added, not taken away")
    if wanted == 0:
        return start_ms
    for begin, end in _spans(calendar, start_ms):
        if end - begin >= wanted:
            return begin + wanted
        wanted -= end - begin
    raise AssertionError("unreachable: openings end by an error")


def business_between(a: int, b: int, calendar: Calendar) -> int:
    """Whole business minutes from `a` to `b`; negative when `b` comes first. Undoes `add_business`."""
    if b < a:
        return -business_between(b, a, calendar)
    return _business_ms(a, b, calendar) // MINUTE_MS


def _business_ms(a: int, b: int, calendar: Calendar) -> int:
    passed, day, last = 0, _local_day(calendar, a), _local_day(calendar, b)
    while day <= last:
        passed += sum(max(0, min(end, b) - max(begin, a)) for begin, end in _day_spans(calendar, day))
        day += timedelta(days=1)
    return passed


def _add_business_days(start_ms: int, days: int, calendar: Calendar) -> int:
    """The same time of day that many business days later, within that day's hours."""
    if days == 0:
        return start_ms
    begin, _ = next(_spans(calendar, start_ms))
    zone = ZoneInfo(calendar.zone)
    local = (_EPOCH + timedelta(milliseconds=begin)).astimezone(zone)
    day = local.date()
    for _ in range(_HORIZON_DAYS):
        day += timedelta(days=1)
        spans = _day_spans(calendar, day)
        days -= bool(spans)
        if days == 0:
            wanted = _at(zone, day, local.hour * 60 + local.minute) + begin % MINUTE_MS
            return min(max(wanted, spans[0][0]), spans[-1][1])
    raise ValueError(f"no business hours within ten years in {calendar.zone}: look at the holidays")


def add_duration(start_ms: int, duration: Duration, calendar: Calendar) -> int:
    """The moment a duration after `start_ms`. N business days: the same time of day on the Nth business day after."""
    if duration.business_days:
        return _add_business_days(start_ms, duration.business_days, calendar)
    return add_business(start_ms, duration.business_minutes, calendar) + duration.ms


@dataclass(frozen=True, slots=True)
class Policy:
    """A promise: within `within` of its start, an event of a kind in `stops` happens."""

    id: str
    within: Duration
    stops: frozenset[str] = frozenset(FIRST_TOUCH)


@dataclass(frozen=True, slots=True)
class Touch:
    """Something that may stop a clock. `human` is False for mass mails, sequence steps, bots and our own tasks."""

    id: int
    kind: str
    at: int
    human: bool = True


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock at a moment. Stopped in time: met; past its due time: breached, also if it was stopped later.

    Times in ms UTC; `stopped_by` is the id of the touch.
    """

    state: Literal["running", "met", "breached"]
    started_at: int
    due_at: int
    stopped_at: int | None = None
    stopped_by: int | None = None


def clock(
    policy: Policy,
    start: int,
    events: Iterable[Touch],
    calendar: Calendar,
    now: int,
    *,
    pauses: Sequence[tuple[int, int]] = (),
) -> Clock:
    """The clock of a policy started at `start`, seen at `now`. The order of `events` does not matter.

    `start` is the later of the event and the owner being known to the CRM. The first human touch of a right kind
    from `start` on stops it; later ones change nothing. `pauses` (from, to): hub or CRM was down; business time
    lost in them is added to the due time.
    """
    due = _due(policy.within, start, calendar, pauses)
    touches = [e for e in events if e.human and e.kind in policy.stops and start <= e.at <= now]
    first = min(touches, key=lambda e: (e.at, e.id), default=None)
    if first is None:
        return Clock("breached" if now > due else "running", start, due)
    return Clock("met" if first.at <= due else "breached", start, due, first.at, first.id)


def _due(within: Duration, start: int, calendar: Calendar, pauses: Sequence[tuple[int, int]]) -> int:
    first = due = add_duration(start, within, calendar)
    while True:
        lost = [(max(a, start), min(b, due)) for a, b in _merged(pauses) if a < due and b > start]
        if within.ms:
            later = first + sum(b - a for a, b in lost)
        else:
            later = _add_ms(first, sum(_business_ms(a, b, calendar) for a, b in lost), calendar)
        # the extension may reach into another pause
        if later == due:
            return due
        due = later


def _merged(pauses: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(p for p in pauses if p[1] > p[0]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
