"""Numbers, yes and no, dates and moments."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from core.values.text import fold, tidy, words

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRUE = words("true t yes y 1 on oui o vrai ja wahr j si s sim vero verdadero x checked")
_FALSE = words("false f no n 0 off non faux nein falsch nao falso unchecked")
_PLAIN = re.compile(r"[+-]?\d+")
_NUMBER_NOISE = re.compile(r"[\s'’ \u00a0\u202f]|(?:EUR|USD|GBP|CHF|[€$£%])", re.IGNORECASE)
_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_GROUPED = {",": re.compile(r"[+-]?\d{1,3}(?:,\d{3})+"), ".": re.compile(r"[+-]?\d{1,3}(?:\.\d{3}){2,}")}
_EPOCH_MS = re.compile(r"-?\d{9,15}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_OFFSET = re.compile(r"\s*(?:UTC|GMT)$", re.IGNORECASE)


def number(value: str | float) -> int | float | None:
    """A number however it is written: 1234.5, "1 234,5", "1,234.50", "1.234.567", "€ 20". Else None.

    One comma before exactly three digits groups thousands ("1,234" is 1234, as CRMs print it); one point
    never does.
    Integral floats come back as int.
    """
    if isinstance(value, str):
        return _number(value)
    if isinstance(value, bool | int):
        return int(value)
    return _integral(value)


def _integral(value: float) -> int | float | None:
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value


@lru_cache(maxsize=8_192)
def _number(text: str) -> int | float | None:
    text = tidy(text)
    if _PLAIN.fullmatch(text):
        return int(text) if len(text) <= 400 else None
    text = _NUMBER_NOISE.sub("", text)
    comma, point = text.rfind(","), text.rfind(".")
    if comma >= 0 and point >= 0:
        text = text.replace(",", "") if point > comma else text.replace(".", "").replace(",", ".")
    elif comma >= 0:
        text = text.replace(",", "") if _GROUPED[","].fullmatch(text) else text.replace(",", ".")
    elif _GROUPED["."].fullmatch(text):
        text = text.replace(".", "")
    if not _FLOAT.fullmatch(text):
        return None
    return int(text) if _PLAIN.fullmatch(text) else _integral(float(text))


def boolean(value: str | float) -> bool | None:
    """Yes or no in the words of five languages, 1 and 0; None when it is neither."""
    if isinstance(value, str):
        word = fold(value)
        return True if word in _TRUE else False if word in _FALSE else None
    return bool(value) if value in (0, 1) else None


def moment(value: str | float) -> int | None:
    """Integer ms UTC from ISO 8601 (Z, +0000, +01:00; none is UTC), a date (midnight UTC) or epoch ms."""
    if isinstance(value, str):
        return _moment(value)
    return int(value) if math.isfinite(value) else None


@lru_cache(maxsize=8_192)
def _moment(text: str) -> int | None:
    text = _OFFSET.sub("Z", tidy(text))
    if _EPOCH_MS.fullmatch(text):
        return int(text)
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    if read.tzinfo is None:
        read = read.replace(tzinfo=UTC)
    return (read - _EPOCH) // timedelta(milliseconds=1)


def day(value: str | float) -> str | None:
    """ISO date; of a moment the day as written, of epoch ms (midnight UTC) the UTC day. Else None."""
    if isinstance(value, str):
        return _day(value)
    return _day_of(value)


def _day_of(ms: float) -> str | None:
    if not math.isfinite(ms):
        return None
    try:
        return (_EPOCH + timedelta(milliseconds=int(ms))).date().isoformat()
    except OverflowError:
        return None


@lru_cache(maxsize=8_192)
def _day(text: str) -> str | None:
    text = tidy(text)
    if _EPOCH_MS.fullmatch(text):
        return _day_of(int(text))
    head = text[:10]
    if not _DAY.fullmatch(head):
        return None
    try:
        date.fromisoformat(head)
        if len(text) > 10:
            datetime.fromisoformat(_OFFSET.sub("Z", text))
    except ValueError:
        return None
    return head
