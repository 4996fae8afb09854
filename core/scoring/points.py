"""The ledger: every point with its evidence. Computed for any moment, never stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from core.model import ActivityKind
from core.scoring.decay import age_hours, decay_factor, decayed
from core.scoring.rules import HOUR_MS, EngagementRule, Event, Ledger, Point, PointKind, RuleSet

BURST_GAP_MS = 5_000
DELIVERY_MS = 60_000


def filter_events(events: Iterable[Event]) -> list[Event]:
    """Without the clicks of mail scanners, which open every link of a mail when it arrives.

    Clicks at most 5 s apart are one burst. Three are a machine; two are one when the mail arrived
    (`delivered_at`, or a mail sent) at most a minute before the first. A single click stays.
    The result is ordered by time, then id.
    """
    ordered = sorted(events, key=lambda e: (e.at, e.id))
    sent = [e.at for e in ordered if e.kind == ActivityKind.EMAIL_SENT]
    dropped: set[int] = set()
    burst: list[Event] = []
    for event in [e for e in ordered if e.kind == ActivityKind.EMAIL_CLICK]:
        if burst and event.at - burst[-1].at > BURST_GAP_MS:
            dropped |= _scanned(burst, sent)
            burst = []
        burst.append(event)
    dropped |= _scanned(burst, sent)
    return [e for e in ordered if e.id not in dropped]


def _scanned(burst: Sequence[Event], sent: Sequence[int]) -> set[int]:
    if len(burst) < 2:
        return set()
    first = burst[0].at
    arrivals = [*sent, *(e.delivered_at for e in burst if e.delivered_at is not None)]
    if len(burst) > 2 or any(0 <= first - at <= DELIVERY_MS for at in arrivals):
        return {e.id for e in burst}
    return set()


def worth(rule: EngagementRule, at: int, now: int) -> int:
    """What one event of `at` is worth at `now` by the rule, before its cap; ahead of `now` 0."""
    if at > now:
        return 0
    if rule.window_hours is not None and now - at >= rule.window_hours * HOUR_MS:
        return 0
    return decayed(rule.points, decay_factor(rule.half_life_hours, age_hours(at, now)))


def capped(rule: EngagementRule, total: int) -> int:
    """The sum of a rule within its cap."""
    if rule.cap is None:
        return total
    return max(-rule.cap, min(rule.cap, total))


def ledger(
    rules: RuleSet,
    fit_hits: Mapping[str, str],
    events: Iterable[Event],
    now: int,
    *,
    since: int | None = None,
) -> Ledger:
    """All points at `now`. `fit_hits`: evidence text by id of each fit rule that holds; others are ignored.

    Events after `now` do not count (so any past moment can be replayed), nor those up to `since`, the time of
    the recycling: only evidence dated after it counts. The order of `events` does not matter.
    """
    ordered = sorted(events, key=lambda e: (e.at, e.id))
    counted = [e for e in ordered if e.at <= now and (since is None or e.at > since)]
    fit = [
        Point(
            r.id,
            r.label,
            "negative" if r.points < 0 else "fit",
            "fit",
            r.points,
            r.points,
            None,
            fit_hits[r.id],
        )
        for r in rules.fit
        if r.id in fit_hits and r.points
    ]
    done = [point for rule in rules.engagement for point in _engagement(rule, counted, now)]
    fit_sum, done_sum = sum(p.points for p in fit), sum(p.points for p in done)
    return Ledger((*fit, *done), fit_sum, done_sum, fit_sum + done_sum, now, rules.hash)


def _engagement(rule: EngagementRule, events: Sequence[Event], now: int) -> list[Point]:
    kind: PointKind = "negative" if rule.points < 0 else "engagement"
    points: list[Point] = []
    for event in events:
        if event.kind in rule.on and (left := worth(rule, event.at, now)):
            said = event.title or event.kind.replace("_", " ")
            points.append(Point(rule.id, rule.label, kind, "engagement", left, rule.points, event.at, said, event.id))
    total = sum(p.points for p in points)
    if over := capped(rule, total) - total:
        said = f"{rule.label} counts at most {shown(rule.cap or 0)}"
        points.append(Point(rule.id, rule.label, "cap", "engagement", over, over, None, said))
    return points


def shown(points: int) -> str:
    """Thousandths as people read them: 40_000 -> "40", 12_540 -> "12.5"."""
    tenths = (abs(points) + 50) // 100
    whole, part = divmod(tenths, 10)
    return ("-" if points < 0 and tenths else "") + (f"{whole}.{part}" if part else str(whole))


def explain(points: Iterable[Point], limit: int = 4) -> str:
    """The largest reasons in short words: "Asked for a demo +40, Pricing page 3x +18, 2 more -5"."""
    sums: dict[str, tuple[str, int, int]] = {}
    for point in points:
        label, total, times = sums.get(point.rule, (point.label, 0, 0))
        sums[point.rule] = (label, total + point.points, times + (point.kind != "cap"))
    ranked = sorted(sums.items(), key=lambda item: (-abs(item[1][1]), item[0]))
    words = [f"{label}{f' {times}x' if times > 1 else ''} {_signed(total)}" for _, (label, total, times) in ranked]
    if len(words) > limit + 1:
        rest = sum(total for _, (_, total, _) in ranked[limit:])
        words[limit:] = [f"{len(ranked) - limit} more {_signed(rest)}"]
    return ", ".join(words)


def _signed(points: int) -> str:
    text = shown(points)
    return text if text.startswith("-") else f"+{text}"
