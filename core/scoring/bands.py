"""From sums to words: band and grade, and when they change next without anybody doing anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.model import INTENT_KINDS, Band
from core.scoring.decay import decay_table
from core.scoring.points import capped, worth
from core.scoring.rules import DAY_MS, HOUR_MS, Bands, EngagementRule, Event, Grades, RuleSet

_INTENTS = frozenset(str(kind) for kind in INTENT_KINDS)


def has_intent(events: Iterable[Event], now: int, bands: Bands) -> bool:
    """True when they said within the last `intent_days` days that they want to buy."""
    return any(e.kind in _INTENTS and e.at <= now < e.at + bands.intent_days * DAY_MS for e in events)


def band(engagement: int, intent: bool, previous: Band | None, bands: Bands) -> Band:
    """cold, warm or hot by engagement (thousandths) or a recent explicit intent.

    A band once entered is left `hysteresis` below its bound; nobody without any engagement keeps one.
    """
    if intent or engagement >= _bound(bands.hot, previous == Band.HOT, bands):
        return Band.HOT
    if engagement >= _bound(bands.warm, previous in (Band.HOT, Band.WARM), bands):
        return Band.WARM
    return Band.COLD


def _bound(bound: int, inside: bool, bands: Bands) -> int:
    return max(bound - bands.hysteresis, min(bound, 1)) if inside else bound


def grade(fit: int, engagement: int, grades: Grades) -> str:
    """A1 (fits, active) to D4 (neither), from two sums in thousandths."""
    letter = next((c for c, bound in zip("ABC", grades.fit, strict=True) if fit >= bound), "D")
    digit = next((c for c, bound in zip("123", grades.engagement, strict=True) if engagement >= bound), "4")
    return letter + digit


def next_due(
    rules: RuleSet, fit_hits: Mapping[str, str], events: Iterable[Event], now: int, previous: Band | None
) -> int | None:
    """The ms time after `now` at which band or grade first changes if nothing else happens; None: never.

    Covers decay, window ends, cap releases, the end of a recent intent and events dated ahead. `previous` is
    the band before `now`.
    """
    fit = sum(r.points for r in rules.fit if r.id in fit_hits)
    outlook = _Outlook.of(rules, fit, list(events), now, previous)
    at = now
    for edge in outlook.edges(now):
        # nothing is added within the piece: what raises and what lowers the sum can only fade
        if found := outlook.first_change(at, edge - 1):
            return found
        if outlook.changed(edge):
            return edge
        at = edge
    return None


@dataclass(frozen=True, slots=True)
class _Outlook:
    """The sum of engagement ahead, as two fading curves: the positive and the negative rules."""

    rules: RuleSet
    fit: int
    plus: tuple[tuple[EngagementRule, tuple[int, ...]], ...]
    minus: tuple[tuple[EngagementRule, tuple[int, ...]], ...]
    intents: tuple[Event, ...]
    band: Band
    grade: str

    @classmethod
    def of(cls, rules: RuleSet, fit: int, events: Sequence[Event], now: int, previous: Band | None) -> _Outlook:
        times = [(rule, tuple(e.at for e in events if e.kind in rule.on)) for rule in rules.engagement if rule.points]
        plus = tuple((rule, at) for rule, at in times if at and rule.points > 0)
        minus = tuple((rule, at) for rule, at in times if at and rule.points < 0)
        intents = tuple(e for e in events if e.kind in _INTENTS)
        sum_now = _sum(plus, now) + _sum(minus, now)
        now_band = band(sum_now, has_intent(intents, now, rules.bands), previous, rules.bands)
        return cls(rules, fit, plus, minus, intents, now_band, grade(fit, sum_now, rules.grades))

    def edges(self, now: int) -> Iterator[int]:
        """When, after `now`, something is added or an intent ends, and the end of all change. Ascending."""
        found = {at for _, times in (*self.plus, *self.minus) for at in times}
        found |= {e.at for e in self.intents}
        found |= {e.at + self.rules.bands.intent_days * DAY_MS for e in self.intents}
        ends = [end for rule, times in (*self.plus, *self.minus) for at in times if (end := _end(rule, at))]
        found.add(max(ends, default=now))
        yield from sorted(at for at in found if at > now)

    def changed(self, at: int) -> bool:
        """Is band or grade another one at `at`?"""
        return self._other(_sum(self.plus, at) + _sum(self.minus, at), at)

    def _other(self, engagement: int, at: int) -> bool:
        bands, intent = self.rules.bands, has_intent(self.intents, at, self.rules.bands)
        return (
            band(engagement, intent, self.band, bands) != self.band
            or grade(self.fit, engagement, self.rules.grades) != self.grade
        )

    def first_change(self, low: int, high: int) -> int | None:
        """The first time in (low, high] with another band or grade; nothing changes at `low`.

        Both curves fall, so their ends bound the sum in between; where both bounds mean the same as now,
        nothing changes, else the interval is halved, the earlier half first.
        """
        todo = [(low, high)]
        while todo:
            low, high = todo.pop()
            if high <= low or not self._may_change(low, high):
                continue
            if high - low == 1:
                if self.changed(high):
                    return high
                continue
            middle = (low + high) // 2
            todo += [(middle, high), (low, middle)]
        return None

    def _may_change(self, low: int, high: int) -> bool:
        plus, plus_end = _sum(self.plus, low), _sum(self.plus, high)
        minus, minus_end = _sum(self.minus, low), _sum(self.minus, high)
        if plus == plus_end and minus == minus_end:
            return False
        return self._other(plus_end + minus, low) or self._other(plus + minus_end, low)


def _sum(side: Iterable[tuple[EngagementRule, Sequence[int]]], now: int) -> int:
    return sum(capped(rule, sum(worth(rule, at, now) for at in times)) for rule, times in side)


def _end(rule: EngagementRule, at: int) -> int | None:
    """When an event is worth nothing more; None if it keeps its worth for ever."""
    ends = []
    if rule.window_hours is not None:
        ends.append(at + rule.window_hours * HOUR_MS)
    if rule.half_life_hours is not None:
        ends.append(at + (len(decay_table(rule.half_life_hours)) - 1) * HOUR_MS)
    return min(ends, default=None)
