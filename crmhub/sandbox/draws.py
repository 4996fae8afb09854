"""Fixed random numbers from a seed and a small number: what `world.fraction` is, for loops over everybody."""

from __future__ import annotations

_MASK = 0xFFFFFFFFFFFFFFFF


def bits(seed: int, stream: int) -> int:
    """64 fixed random bits for (seed, stream): the same question has the same answer."""
    mixed = (seed + stream * 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)


def part(seed: int, stream: int) -> float:
    """A fixed number in [0, 1) for (seed, stream)."""
    return (bits(seed, stream) >> 11) / (1 << 53)
