"""Cron lines: minute, hour, day, month, weekday, each a list of numbers, names, ranges and steps.

Weekdays are 0 to 7 (0 and 7 are Sunday) or mon to sun, and a week begins on Monday. Day and weekday must both hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

EXAMPLE = 'write minute, hour, day, month, weekday: "0 6 * * mon-fri"'
_ITEM = re.compile(r"(?:\*|(?P<first>[0-9]{1,4}|[a-z]+)(?:-(?P<last>[0-9]{1,4}|[a-z]+))?)(?:/(?P<step>[0-9]{1,4}))?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()  # of the numbers from `least` on

    @property
    def words(self) -> str:
        named = f", or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return f"{self.least} to {self.most}{named}"


_PARTS = (
    _Part("minute", 0, 59),
    _Part("hour", 0, 23),
    _Part("day", 1, 31),
    _Part("month", 1, 12, _MONTHS),
    _Part("weekday", 0, 7, _WEEK),
)


class _Wrong(Exception):
    """What is wrong with one item."""


def cron_problem(line: str) -> str | None:
    """What is wrong with a cron line, all of it in one sentence; None when it names times that come."""
    texts = line.lower().split()
    if len(texts) != len(_PARTS):
        return f"{line!r} is no cron line: it has {len(texts)} of 5 parts" if texts else "is an empty cron line"
    found: dict[str, set[int]] = {}
    wrong: list[str] = []
    for part, text in zip(_PARTS, texts, strict=True):
        try:
            found[part.name] = {n for item in text.split(",") for n in _numbers(part, item)}
        except _Wrong as e:
            wrong.append(f"{part.name} {e}")
    if wrong:
        return f"{line!r} is no cron line: {'; '.join(wrong)}"
    if not any(day <= _LENGTHS[month - 1] for month in found["month"] for day in found["day"]):
        return f"{line!r} never comes: no such month has such a day"
    return None


def _numbers(part: _Part, item: str) -> Iterable[int]:
    """The numbers of one item; weekdays from Monday = 0."""
    shape = _ITEM.fullmatch(item)
    if shape is None:
        raise _Wrong(f"{item!r} is no number, range or step")
    week = part.name == "weekday"
    least, most = (0, 6) if week else (part.least, part.most)
    first = least if shape["first"] is None else _number(part, shape["first"])
    last = most if shape["first"] is None or (shape["last"] is None and shape["step"]) else first
    if shape["last"] is not None:
        last = _number(part, shape["last"])
    if last < first:
        begins = " (a week begins on Monday: list the days, such as sun,mon)" if week else ""
        raise _Wrong(f"{item!r} runs backwards{begins}")
    if shape["step"] is None:
        return range(first, last + 1)
    step = int(shape["step"])
    if step < 1:
        raise _Wrong(f"{item!r} has a step of 0, at least 1 is needed")
    if step > last - first:
        raise _Wrong(f"{item!r} has a step beyond its range")
    if shape["first"] is not None and (week or not shape["first"].isdigit()):
        raise _Wrong(f"{item!r} has a step after names: list them instead")
    return range(first, last + 1, step)


def _number(part: _Part, text: str) -> int:
    if text.isdigit():
        number = int(text)
        if not part.least <= number <= part.most:
            raise _Wrong(f"{number} is not {part.words}")
        return (number - 1) % 7 if part.name == "weekday" else number
    if text not in part.names:
        raise _Wrong(f"{text!r} is not {part.words}")
    return part.names.index(text) + (0 if part.name == "weekday" else part.least)
