"""Date literals such as TODAY and LAST_N_DAYS:7 as half-open ranges of days.

Vendor page: SOQL and SOSL Reference, "Date Formats and Date Literals". The user's zone is UTC and weeks
start on Sunday.
"""

from collections.abc import Callable
from datetime import date, timedelta

from crmhub.sandbox.salesforce.times import add_months

MAX_COUNT = 1000
"""Keeps every unit within the calendar; the vendor's own bound is not documented."""

Range = tuple[date, date]


def _days(today: date, first: int, last: int) -> Range:
    return today + timedelta(days=first), today + timedelta(days=last + 1)


def _weeks(today: date, first: int, last: int) -> Range:
    sunday = today - timedelta(days=(today.weekday() + 1) % 7)
    return sunday + timedelta(weeks=first), sunday + timedelta(weeks=last + 1)


def _months(today: date, first: int, last: int) -> Range:
    return add_months(today, first), add_months(today, last + 1)


def _quarters(today: date, first: int, last: int) -> Range:
    start = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    return add_months(start, 3 * first), add_months(start, 3 * (last + 1))


def _years(today: date, first: int, last: int) -> Range:
    return date(today.year + first, 1, 1), date(today.year + last + 1, 1, 1)


_UNITS: dict[str, Callable[[date, int, int], Range]] = {
    "week": _weeks,
    "month": _months,
    "quarter": _quarters,
    "year": _years,
}
_FIXED: dict[str, tuple[int, int]] = {
    "yesterday": (-1, -1),
    "today": (0, 0),
    "tomorrow": (1, 1),
    "last_90_days": (-90, 0),
    "next_90_days": (1, 90),
}


def literal_range(word: str, count: int | None, today: date) -> Range | None:
    """[first day, day after the last), or None if there is no such literal."""
    if word in _FIXED:
        return _days(today, *_FIXED[word]) if count is None else None
    if count is None:
        side, _, unit = word.partition("_")
        shift = {"last": -1, "this": 0, "next": 1}.get(side)
        make = _UNITS.get(unit)
        return make(today, shift, shift) if make and shift is not None else None
    if not 0 < count <= MAX_COUNT:
        return None
    if word in ("last_n_days", "next_n_days"):
        return _days(today, -count, 0) if word == "last_n_days" else _days(today, 1, count)
    for unit, make in (("day", _days), *_UNITS.items()):
        if word == f"last_n_{unit}s":
            return make(today, -count, -1)
        if word == f"next_n_{unit}s":
            return make(today, 1, count)
        if word == f"n_{unit}s_ago":
            return make(today, -count, -count)
    return None
