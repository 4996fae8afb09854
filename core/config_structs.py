"""The configuration as typed structs: what `core.config.load` returns. Defaults here are the product's defaults.

Durations stay as written ("2m", "30d"); each has a property in ms. Points are as written; scoring makes thousandths.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import PurePath
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from core.durations import duration_ms
from core.model import Stage
from core.toml_lines import Lines, Path

Mode = Literal["observe", "canary", "live"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Verb = Literal["pull", "resolve", "qualify", "plan", "push", "sync", "verify"]
_Finite = msgspec.Meta(ge=-1_000_000, le=1_000_000)  # also refuses nan
Points = Annotated[int, _Finite] | Annotated[float, _Finite]

HOUR_MS = 3_600_000
NEVER_TOUCH = "person.stage = 'customer' or person.has_open_deal"
WEEK: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A TOML table: unknown keys are problems, nothing changes after load."""


class Hub(_Table, frozen=True, kw_only=True):
    """[hub]. `store` and `mapping` as written; `Settings.store_path`, `.mapping_path` are what to open."""

    store: str = "crmhub.db"
    mapping: str = "mapping.toml"
    timezone: str = "UTC"
    language: str = "en"
    region: str = "US"  # ISO 3166 alpha-2: how phone numbers without a country code are read
    clock_skew: str = "2m"  # two stamps closer than this are not ordered

    @property
    def clock_skew_ms(self) -> int:
        return duration_ms(self.clock_skew)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Budget(_Table, frozen=True, kw_only=True):
    """API calls we may spend. `daily` None = the vendor's limit; `reserve` = share left to other tools."""

    daily: int | None = None
    reserve: float = 0.2


class Create(_Table, frozen=True, kw_only=True):
    """Opt-in creation of records that a CRM lacks: a condition per entity; None = never."""

    person: str | None = None


class Connection(_Table, frozen=True, kw_only=True):
    """One configured account of one CRM. `settings` is an instance of the kind's own struct (holds secrets)."""

    name: str
    kind: str
    settings: Any
    ours: str | None = None  # the user that the hub works as: its edits are ours
    bots: tuple[str, ...] = ()  # users whose edits count as a machine's
    budget: Budget = Budget()
    create: Create | None = None
    enabled: bool = True
    sweep_every: str = "1d"  # how often to look for what the CRM does not tell: bins, re-links, formulas

    @property
    def sweep_ms(self) -> int:
        return duration_ms(self.sweep_every)

    def __repr__(self) -> str:
        return f"Connection(name={self.name!r}, kind={self.kind!r}, enabled={self.enabled})"


class StopIf(_Table, frozen=True, kw_only=True):
    """Limits of one push; None = no limit. `share` = part of a stream's records."""

    updates: int | None = None
    creates: int | None = None
    owner_changes: int | None = None
    share: float | None = None


class Rollout(_Table, frozen=True, kw_only=True):
    """Who may be written to, and how much at once."""

    mode: Mode = "observe"
    canary: str | None = None
    live_from: Any = None  # date or datetime (checked by load): earlier events start no clock, task, alert
    never_touch: str = NEVER_TOUCH  # a condition; "" exempts nobody
    stop_if: StopIf = StopIf()
    min_delta: Points = 5  # a score is written when it moved by this much, or band, grade, stage changed


class Identity(_Table, frozen=True, kw_only=True):
    shared_limit: int = 20  # an identifier held by more records than this links nobody
    cluster_limit: int = 50  # more records than this are never one person


class FitRule(_Table, frozen=True, kw_only=True):
    """Who they are: points while the condition holds."""

    when: str
    points: Points
    label: str = ""


class EngagementRule(_Table, frozen=True, kw_only=True):
    """What they did: points per activity, halved each `half_life` (None = no decay), together at most `cap`."""

    on: str | tuple[str, ...]
    points: Points
    half_life: str | None = None
    cap: Points | None = None
    window: str | None = None  # older activities are worth nothing
    label: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.on,) if isinstance(self.on, str) else self.on

    @property
    def half_life_hours(self) -> int | None:
        return None if self.half_life is None else duration_ms(self.half_life) // HOUR_MS

    @property
    def window_hours(self) -> int | None:
        return None if self.window is None else duration_ms(self.window) // HOUR_MS


class Bands(_Table, frozen=True, kw_only=True):
    """Engagement points from which a person is warm, hot."""

    warm: Points = 30
    hot: Points = 60
    hysteresis: Points = 10  # a band is left this much below where it is entered


class Grades(_Table, frozen=True, kw_only=True):
    """A, B, C from these fit points, else D; 1, 2, 3 from these engagement points, else 4."""

    fit: tuple[Points, Points, Points] = (60, 40, 20)
    engagement: tuple[Points, Points, Points] = (60, 40, 20)


class Scoring(_Table, frozen=True, kw_only=True):
    """Rule ids are the keys; they are stable, labels are free."""

    fit: dict[str, FitRule] = {}
    engagement: dict[str, EngagementRule] = {}
    bands: Bands = Bands()
    grades: Grades = Grades()
    intent_days: int = 30  # explicit intent counts as such for this long


class Move(_Table, frozen=True, kw_only=True):
    """To this stage when the condition holds. Moves are read top to bottom, the first true one wins."""

    to: Stage
    when: str
    label: str = ""
    id: str = ""  # stable name in journal and reasons; defaults to "mql", "mql_2", ... in order


class Lifecycle(_Table, frozen=True, kw_only=True):
    """`claims`: connection -> stages that people may set there even if it is a step back."""

    moves: tuple[Move, ...] = ()
    claims: dict[str, tuple[Stage, ...]] = {}
    hold: str = "30d"  # a stage set by hand in a CRM holds this long
    lost_deal: Stage = Stage.RECYCLED  # where an opportunity goes when the last open deal is lost
    cooldown: str = "30d"  # rules leave the recycled alone this long

    @property
    def hold_ms(self) -> int:
        return duration_ms(self.hold)

    @property
    def cooldown_ms(self) -> int:
        return duration_ms(self.cooldown)


class Sla(_Table, frozen=True, kw_only=True):
    """A promise: from `starts` to `stops` within ("4 business hours", "2 days")."""

    starts: str
    stops: str
    within: str
    on_breach: tuple[str, ...] = ()
    label: str = ""


class BusinessTime(_Table, frozen=True, kw_only=True):
    """[calendar]: working time. `hours` "09:00-18:00" in the hub's time zone."""

    hours: str = "09:00-18:00"
    days: tuple[Day, ...] = WEEK[:5]
    holidays: tuple[date, ...] = ()


class Job(_Table, frozen=True, kw_only=True):
    """A verb on a schedule: `every` ("5m") or `cron` ("0 6 * * mon-fri")."""

    run: Verb
    every: str | None = None
    cron: str | None = None
    connections: tuple[str, ...] = ()  # empty = all

    @property
    def every_ms(self) -> int | None:
        return None if self.every is None else duration_ms(self.every)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration, valid. `directory` is the folder of the file: relative paths start there."""

    file: str
    directory: str
    hub: Hub
    connections: dict[str, Connection]
    rollout: Rollout
    identity: Identity
    scoring: Scoring
    lifecycle: Lifecycle
    sla: dict[str, Sla]
    calendar: BusinessTime
    jobs: dict[str, Job]
    conditions: tuple[tuple[Path, str], ...]  # every condition with its key path
    lines: Lines  # where everything stands in the file

    @property
    def store_path(self) -> str:
        """Where the store is: absolute, or relative to where the configuration file was named from."""
        return str(PurePath(self.directory, self.hub.store))

    @property
    def mapping_path(self) -> str:
        """Where the user's mapping is."""
        return str(PurePath(self.directory, self.hub.mapping))

    @property
    def live_from_ms(self) -> int | None:
        """ms UTC; a date means its first moment in the hub's time zone."""
        given: date | datetime | None = self.rollout.live_from
        if given is None:
            return None
        if not isinstance(given, datetime):
            given = datetime.combine(given, time(), self.hub.zone)
        elif given.tzinfo is None:
            given = given.replace(tzinfo=self.hub.zone)
        return int(given.astimezone(UTC).timestamp() * 1000)

    @property
    def kinds(self) -> dict[str, str]:
        """Connection name -> kind, enabled ones: what `load_mapping` takes."""
        return {c.name: c.kind for c in self.connections.values() if c.enabled}
