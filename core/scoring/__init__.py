"""Scoring: rules and events in, a ledger of points with their evidence out. Pure; `now` is a parameter."""

from __future__ import annotations

from core.scoring.bands import band, grade, has_intent, next_due
from core.scoring.decay import SCALE, age_hours, decay_factor, decay_table, decayed
from core.scoring.points import explain, filter_events, ledger, shown
from core.scoring.rules import (
    DAY_MS,
    HOUR_MS,
    Bands,
    EngagementRule,
    Event,
    FitRule,
    Grades,
    Ledger,
    Point,
    PointKind,
    RuleSet,
    Side,
)

__all__ = [
    "DAY_MS",
    "HOUR_MS",
    "SCALE",
    "Bands",
    "EngagementRule",
    "Event",
    "FitRule",
    "Grades",
    "Ledger",
    "Point",
    "PointKind",
    "RuleSet",
    "Side",
    "age_hours",
    "band",
    "decay_factor",
    "decay_table",
    "decayed",
    "explain",
    "filter_events",
    "grade",
    "has_intent",
    "ledger",
    "next_due",
    "shown",
]
