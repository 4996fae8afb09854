"""The rules of a score, as data. Points are integer thousandths: the configuration's "40" is 40_000 here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Side = Literal["fit", "engagement"]
PointKind = Literal["fit", "engagement", "cap", "negative"]


@dataclass(frozen=True, slots=True)
class FitRule:
    """Who they are: `when` is a condition (`core.expressions`). No decay; may be negative."""

    id: str
    label: str
    when: str
    points: int


@dataclass(frozen=True, slots=True)
class EngagementRule:
    """What they did: each event of a kind in `on` is worth `points`, halved every `half_life_hours`.

    `cap` (thousandths, positive) bounds what all events of the rule are worth, on either side of zero.
    `window_hours`: older events are worth nothing. None means no decay, no cap, no window.
    """

    id: str
    label: str
    on: tuple[str, ...]
    points: int
    half_life_hours: int | None = None
    cap: int | None = None
    window_hours: int | None = None


@dataclass(frozen=True, slots=True)
class Bands:
    """Engagement (thousandths) from which a lead is warm or hot; leaving takes `hysteresis` less.

    An explicit intent of the last `intent_days` days makes hot by itself.
    """

    warm: int
    hot: int
    hysteresis: int = 10_000
    intent_days: int = 30


@dataclass(frozen=True, slots=True)
class Grades:
    """Lower bounds (thousandths) of A, B, C by fit and of 1, 2, 3 by engagement; below the last: D, 4."""

    fit: tuple[int, int, int] = (60_000, 40_000, 20_000)
    engagement: tuple[int, int, int] = (60_000, 40_000, 20_000)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of a score. `hash` names their content; it changes with any rule, label included."""

    fit: tuple[FitRule, ...]
    engagement: tuple[EngagementRule, ...]
    bands: Bands
    grades: Grades = Grades()
    hash: str = field(init=False, default="")

    def __post_init__(self) -> None:
        content = repr((self.fit, self.engagement, self.bands, self.grades))
        object.__setattr__(self, "hash", hashlib.sha256(content.encode()).hexdigest()[:16])


@dataclass(frozen=True, slots=True)
class Event:
    """One activity of a person. `at` in ms UTC; `delivered_at`: of a mail click, when the mail arrived."""

    id: int
    kind: str
    at: int
    title: str = ""
    delivered_at: int | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One line of the ledger: `points` after decay, `full_points` before; a cap takes back what is too much.

    `side` is the sum it counts in, `at` the time of its evidence (None: of now), `event_id` the activity.
    """

    rule: str
    label: str
    kind: PointKind
    side: Side
    points: int
    full_points: int
    at: int | None
    evidence: str
    event_id: int | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """All points of a person at `as_of`: always fit + engagement == total == the sum of the points."""

    points: tuple[Point, ...]
    fit: int
    engagement: int
    total: int
    as_of: int
    rules: str
