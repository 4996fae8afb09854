"""Decay by whole hours from one integer table per half-life.

Integers only: SQL, a columnar engine and a replay years later agree to the unit, on any machine.
"""

from __future__ import annotations

from functools import lru_cache

from core.scoring.rules import HOUR_MS

#: A factor of 1.
SCALE = 1_000_000

_BITS = 192
_ONE = 1 << _BITS


def _ln2() -> int:
    # ln 2 = sum of 1 / (k * 2^k), in fixed point
    return sum((_ONE >> k) // k for k in range(1, _BITS + 1))


def _one_hour(half_life_hours: int) -> int:
    """2^(-1/half_life) in fixed point, by the series of e^-x."""
    x = _ln2() // half_life_hours
    total = term = _ONE
    k = 0
    while term:
        k += 1
        term = term * x // (_ONE * k)
        total += -term if k % 2 else term
    return total


@lru_cache(maxsize=64)
def decay_table(half_life_hours: int) -> tuple[int, ...]:
    """Factor (of SCALE, rounded to nearest) by age in whole hours, about 21 half-lives long: it ends with 0.

    decay_table(720)[720] == 500_000. Raises ValueError for a half-life below one hour.
    """
    if half_life_hours < 1:
        raise ValueError(f"half-life of {half_life_hours} hours; at least 1")
    step, exact, table = _one_hour(half_life_hours), _ONE, [SCALE]
    while table[-1]:
        exact = exact * step >> _BITS
        table.append((exact * SCALE + (_ONE >> 1)) >> _BITS)
    return tuple(table)


def age_hours(at: int, now: int) -> int:
    """Whole hours between; negative when `at` lies ahead."""
    return (now - at) // HOUR_MS


def decay_factor(half_life_hours: int | None, age: int) -> int:
    """What is left of SCALE after `age` whole hours; no half-life: all of it."""
    if half_life_hours is None:
        return SCALE
    table = decay_table(half_life_hours)
    return table[age] if age < len(table) else 0


def decayed(points: int, factor: int) -> int:
    """points * factor / SCALE, towards zero, as SQL divides integers."""
    left = abs(points) * factor // SCALE
    return left if points >= 0 else -left
