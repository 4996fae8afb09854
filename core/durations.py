"""Lengths of time as people write them in the configuration: "90s", "2m", "1h30m", "30d", "2 weeks"."""

from __future__ import annotations

from core.sla import parse_duration


def duration_ms(text: str) -> int:
    """ms of "30d". Raises ValueError with a sentence when the text is no length of plain time."""
    found = parse_duration(text)
    if found is None or found.business_minutes or found.business_days:
        raise ValueError(f'{text!r} is not a duration; write a number and s, m, h, d or w, such as "30d"')
    return found.ms
