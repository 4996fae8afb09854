"""What the structs cannot say: durations, names that must exist, numbers in order, words of the vocabulary."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date
from zoneinfo import available_timezones

from core.config_connections import NAME
from core.config_cron import EXAMPLE, cron_problem
from core.config_report import Report, choose
from core.config_structs import (
    BusinessTime,
    Hub,
    Identity,
    Job,
    Lifecycle,
    Rollout,
    Scoring,
    Sla,
)
from core.durations import duration_ms
from core.model import ActivityKind, Stage
from core.sla import parse_duration
from core.toml_lines import Path

_KINDS = [k.value for k in ActivityKind]
_STAGES = [s.value for s in Stage]
_HOURS = re.compile(r"((?:[01]\d|2[0-3]):[0-5]\d)\s*-\s*((?:[01]\d|2[0-3]):[0-5]\d|24:00)")
_LONGEST = "36500d"  # a century: what is longer overflows dates
_LANGUAGE = re.compile(r"[a-z]{2}")


def check_hub(report: Report, hub: Hub) -> None:
    """Time zone, region, language, clock skew."""
    zones = available_timezones()
    if hub.timezone not in zones:
        report.add(("hub", "timezone"), f"unknown time zone {hub.timezone!r}", choose(hub.timezone, sorted(zones)))
    regions = _regions()
    if hub.region not in regions:
        text = f"{hub.region!r} is no ISO country code"
        report.add(("hub", "region"), text, 'write two capital letters such as "FR"')
    if not _LANGUAGE.fullmatch(hub.language):
        text = f"{hub.language!r} is no language code"
        report.add(("hub", "language"), text, 'write two small letters such as "fr"')
    _duration(report, ("hub", "clock_skew"), hub.clock_skew)


def _regions() -> Collection[str]:
    from phonenumbers import SUPPORTED_REGIONS

    regions: Collection[str] = SUPPORTED_REGIONS
    return regions


def check_rollout(report: Report, rollout: Rollout) -> None:
    """A canary needs its segment; limits are not negative."""
    if rollout.mode == "canary" and not rollout.canary:
        remedy = "add canary = \"person.country = 'FR'\" (a condition)"
        report.add(("rollout", "mode"), "canary mode needs the segment that may be written to", remedy)
    if rollout.live_from is not None and not isinstance(rollout.live_from, date):
        report.add(("rollout", "live_from"), "must be a date", "write it without quotes: live_from = 2027-01-31")
    elif rollout.live_from is not None and not 1970 < rollout.live_from.year < 2200:
        text = f"{rollout.live_from.year} is no year that the hub can reckon with"
        report.add(("rollout", "live_from"), text, "write the day from which events count: live_from = 2027-01-31")
    if rollout.min_delta < 0:
        report.add(("rollout", "min_delta"), "must not be negative", "5 is the default, 0 writes every change")
    for name in ("updates", "creates", "owner_changes"):
        value = getattr(rollout.stop_if, name)
        if value is not None and value < 0:
            report.add(("rollout", "stop_if", name), "must not be negative", "write 0 to stop at the first one")
    share = rollout.stop_if.share
    if share is not None and not 0 < share <= 1:
        text = "must be above 0 and at most 1"
        report.add(("rollout", "stop_if", "share"), text, "0.05 stops when more than 5 % of a stream would change")


def check_identity(report: Report, identity: Identity) -> None:
    """Limits of 2 at least: less would link nobody."""
    for name in ("shared_limit", "cluster_limit"):
        if getattr(identity, name) < 2:
            report.add(("identity", name), "must be at least 2", "remove the line to use the default")


def check_scoring(report: Report, scoring: Scoring) -> None:
    """Rule ids, activity kinds, half-lives, caps, bands and grades."""
    for side in ("fit", "engagement"):
        _ids(report, ("scoring", side), getattr(scoring, side))
    for name, rule in scoring.engagement.items():
        path: Path = ("scoring", "engagement", name)
        if not rule.kinds:
            report.add((*path, "on"), "names no activity", f"use one of {', '.join(_KINDS[:8])}, ...")
        for kind in rule.kinds:
            if kind not in _KINDS:
                report.add((*path, "on"), f"unknown activity {kind!r}", choose(kind, _KINDS))
        for key in ("half_life", "window"):
            _duration(report, (*path, key), getattr(rule, key), least="1h")
        if rule.cap is not None and rule.cap <= 0:
            report.add((*path, "cap"), "must be above 0, also for negative points", "write the most it may count")
    bands = scoring.bands
    if not 0 < bands.warm < bands.hot:
        report.add(("scoring", "bands"), "warm must be above 0 and below hot", "for example warm = 30, hot = 60")
    if bands.hysteresis < 0:
        report.add(("scoring", "bands", "hysteresis"), "must not be negative", "10 is the default")
    for side in ("fit", "engagement"):
        bounds = getattr(scoring.grades, side)
        if not bounds[0] > bounds[1] > bounds[2]:
            path = ("scoring", "grades", side)
            report.add(path, "the three bounds must fall", "best first, for example [60, 40, 20]")
    if not 1 <= scoring.intent_days <= 3_650:
        report.add(("scoring", "intent_days"), "must be at least 1 and at most 3650", "30 is the default")


def check_lifecycle(report: Report, lifecycle: Lifecycle, connections: Collection[str]) -> None:
    """Moves go where rules may move people; ids are unique; claims name connections."""
    seen: dict[str, int] = {}
    for index, move in enumerate(lifecycle.moves):
        path: Path = ("lifecycle", "moves", index)
        if move.to in (Stage.OPPORTUNITY, Stage.CUSTOMER):
            text = f"{move.to} is a fact of the CRMs (a deal), no rule moves people there"
            report.add((*path, "to"), text, f'use to = "{Stage.PROSPECT}" or remove the move')
        if move.id in seen:
            text = f"the id {move.id!r} is already used by move {seen[move.id] + 1}"
            report.add((*path, "id"), text, "give each move its own id")
        elif move.id:
            seen[move.id] = index
    for name in lifecycle.claims:
        if name not in connections:
            remedy = choose(name, connections)
            report.add(("lifecycle", "claims", name), "unknown connection", remedy)
    if lifecycle.lost_deal in (Stage.OPPORTUNITY, Stage.CUSTOMER):
        text = f"a lost deal makes nobody {lifecycle.lost_deal}"
        report.add(("lifecycle", "lost_deal"), text, f'use "{Stage.RECYCLED}" or "{Stage.PROSPECT}"')
    _duration(report, ("lifecycle", "hold"), lifecycle.hold)
    _duration(report, ("lifecycle", "cooldown"), lifecycle.cooldown)


def check_sla(report: Report, sla: dict[str, Sla]) -> None:
    """Events, length and who is told."""
    _ids(report, ("sla",), sla)
    for name, clock in sla.items():
        path: Path = ("sla", name)
        _event(report, (*path, "starts"), clock.starts, ())
        _event(report, (*path, "stops"), clock.stops, ("first_touch",))
        if parse_duration(clock.within) is None:
            text = f"{clock.within!r} is no length of time"
            report.add((*path, "within"), text, 'write "4 business hours", "30 minutes" or "2 days"')
        for index, action in enumerate(clock.on_breach):
            if not re.fullmatch(r"notify:\S+", action):
                remedy = 'use "notify:owner", "notify:manager" or "notify:" and a channel'
                report.add((*path, "on_breach", index), f"unknown action {action!r}", remedy)


def _event(report: Report, path: Path, text: str, words: tuple[str, ...]) -> None:
    prefix, _, name = text.partition(":")
    if text in words:
        return
    if prefix == "stage" and name:
        if name not in _STAGES:
            report.add(path, f"unknown stage {name!r}", choose(name, _STAGES))
    elif prefix == "activity" and name:
        if name not in _KINDS:
            report.add(path, f"unknown activity {name!r}", choose(name, _KINDS))
    else:
        known = [*words, '"stage:mql"', '"activity:demo_requested"']
        report.add(path, f"unknown event {text!r}", f"use {' or '.join(known)}")


def check_calendar(report: Report, calendar: BusinessTime) -> None:
    """Hours within a day, at least one day."""
    found = _HOURS.fullmatch(calendar.hours.strip())
    if found is None or found[1] >= found[2]:
        text = f"{calendar.hours!r} are no hours of a day"
        report.add(("calendar", "hours"), text, 'write "09:00-18:00"')
    if not calendar.days:
        report.add(("calendar", "days"), "names no day", 'write days = ["mon", "tue", "wed", "thu", "fri"]')


def check_jobs(report: Report, jobs: dict[str, Job], connections: Collection[str]) -> None:
    """Each job has one rhythm and connections that exist."""
    _ids(report, ("jobs",), jobs)
    for name, job in jobs.items():
        path: Path = ("jobs", name)
        if (job.every is None) == (job.cron is None):
            text = "needs either every or cron" if job.every is None else "has both every and cron"
            report.add(path, text, 'write every = "5m", or cron = "0 6 * * mon-fri"')
        _duration(report, (*path, "every"), job.every, least="10s")
        if job.cron is not None:
            wrong = cron_problem(job.cron)
            if wrong is not None:
                report.add((*path, "cron"), wrong, EXAMPLE)
        for index, connection in enumerate(job.connections):
            if connection not in connections:
                remedy = choose(connection, connections)
                report.add((*path, "connections", index), f"unknown connection {connection!r}", remedy)


def _ids(report: Report, path: Path, table: Iterable[str]) -> None:
    for name in table:
        if not NAME.fullmatch(name):
            text = f"{name!r} is no id"
            report.add((*path, name), text, "use lower-case letters, digits, _ and -, starting with a letter")


def _duration(report: Report, path: Path, text: str | None, least: str | None = None) -> None:
    if text is None:
        return
    try:
        found = duration_ms(text)
    except ValueError as e:
        report.add(path, str(e).partition(";")[0], str(e).partition("; ")[2])
        return
    if least is not None and found < duration_ms(least):
        report.add(path, f"{text!r} is too short", f"write at least {least}")
    elif found > duration_ms(_LONGEST):
        report.add(path, f"{text!r} is too long", f"write at most {_LONGEST}")
