"""The vendor's time forms. Inside, datetimes are integer milliseconds UTC and dates ISO text."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

DAY = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+-]\d\d:?\d\d)?",
)


@lru_cache(maxsize=65_536)
def render(milliseconds: int) -> str:
    """REST form: `2026-11-23T19:11:41.000+0000`."""
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def parse_moment(text: str) -> int | None:
    """Milliseconds of an ISO datetime (UTC when it names no zone), or None. Years 1700 to 4000."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    day, clock, zone = match.groups()
    if len(clock) > 15:
        clock = clock[:15]
    zone = "+00:00" if zone in (None, "Z", "z") else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{zone}")
    except ValueError:
        return None
    if not 1700 <= moment.year <= 4000:
        return None
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def parse_day(text: str) -> str | None:
    """ISO text of a date (a datetime's day is taken, as the vendor does), or None."""
    head = text[:10]
    if len(text) > 10 and parse_moment(text) is None:
        return None
    try:
        day = date.fromisoformat(head)
    except ValueError:
        return None
    return head if len(head) == 10 and 1700 <= day.year <= 4000 else None


def day_of(milliseconds: int) -> str:
    """The UTC date of a moment."""
    return render(milliseconds)[:10]


def midnight(day: date) -> int:
    """The first millisecond of a UTC date."""
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


def today(milliseconds: int) -> date:
    """The UTC date of a moment, as a date."""
    return (_EPOCH + timedelta(milliseconds=milliseconds)).date()


def add_months(day: date, months: int) -> date:
    """The first of the month that lies `months` after this one's."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)
