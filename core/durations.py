"""Lengths of time as people write them in the configuration: "90s", "2m", "4h", "30d", "2 weeks"."""

from __future__ import annotations

import re

_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_TEXT = re.compile(r"(\d{1,6})\s*(s|m|h|d|w|seconds?|minutes?|hours?|days?|weeks?)")


def duration_ms(text: str) -> int:
    """ms of "30d". Raises ValueError with a sentence when the text is no duration."""
    found = _TEXT.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f'{text!r} is not a duration; write a number and s, m, h, d or w, such as "30d"')
    return int(found[1]) * _MS[found[2][0]]
