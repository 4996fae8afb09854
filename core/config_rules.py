"""The configuration's rules as the rule modules take them: points in thousandths, times in hours, working time."""

from __future__ import annotations

from decimal import Decimal

from core import lifecycle, scoring, sla
from core.config_structs import WEEK, Points, Settings


def thousandths(points: Points) -> int:
    """40 -> 40_000; 0.5 -> 500. Exact for what people write."""
    return int((Decimal(str(points)) * 1000).to_integral_value())


def rule_set(settings: Settings) -> scoring.RuleSet:
    """[scoring] for `core.scoring`."""
    given = settings.scoring
    fit, engagement = given.grades.fit, given.grades.engagement
    return scoring.RuleSet(
        fit=tuple(
            scoring.FitRule(name, rule.label or name, rule.when, thousandths(rule.points))
            for name, rule in given.fit.items()
        ),
        engagement=tuple(
            scoring.EngagementRule(
                name,
                rule.label or name,
                rule.kinds,
                thousandths(rule.points),
                rule.half_life_hours,
                None if rule.cap is None else thousandths(rule.cap),
                rule.window_hours,
            )
            for name, rule in given.engagement.items()
        ),
        bands=scoring.Bands(
            warm=thousandths(given.bands.warm),
            hot=thousandths(given.bands.hot),
            hysteresis=thousandths(given.bands.hysteresis),
            intent_days=given.intent_days,
        ),
        grades=scoring.Grades(
            (thousandths(fit[0]), thousandths(fit[1]), thousandths(fit[2])),
            (thousandths(engagement[0]), thousandths(engagement[1]), thousandths(engagement[2])),
        ),
    )


def moves(settings: Settings) -> tuple[lifecycle.Move, ...]:
    """[[lifecycle.moves]] for `core.lifecycle`."""
    return tuple(lifecycle.Move(m.id, m.to, m.when, m.label) for m in settings.lifecycle.moves)


def calendar(settings: Settings) -> sla.Calendar:
    """[calendar] in the hub's time zone for `core.sla`."""
    opens, _, closes = settings.calendar.hours.partition("-")
    days = [WEEK.index(day) for day in settings.calendar.days]
    return sla.Calendar.weekly(
        settings.hub.timezone, opens.strip(), closes.strip(), days=days, holidays=settings.calendar.holidays
    )
