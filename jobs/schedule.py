"""When jobs run: [jobs.*] of the configuration as APScheduler triggers. The clock only; leases are the store's."""

from __future__ import annotations

from datetime import datetime, timedelta

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from core.config_structs import Job, Settings

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


def trigger_of(job: Job, settings: Settings, start: datetime) -> BaseTrigger:
    """The trigger of a job. Raises ValueError with a sentence for an expression that names no time."""
    zone = settings.hub.zone
    if job.every_ms is not None:
        return IntervalTrigger(seconds=max(1, job.every_ms // 1000), timezone=zone, start_date=start)
    minute, hour, day, month, weekday = (job.cron or "").split()
    return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=_named_days(weekday), timezone=zone)


def _named_days(text: str) -> str:
    """Cron counts Sunday as 0; APScheduler counts Monday as 0. Names mean the same to both."""
    out = []
    for part in text.split(","):
        span, step, by = part.partition("/")
        ends = [_DAYS[int(e)] if e.isdigit() and int(e) < len(_DAYS) else e for e in span.split("-")]
        out.append("-".join(ends) + step + by)
    return ",".join(out)


def next_times(settings: Settings, now: datetime) -> dict[str, datetime]:
    """job -> when it runs next after `now`."""
    found: dict[str, datetime] = {}
    for name, job in settings.jobs.items():
        start = now if job.every_ms is None else now + timedelta(milliseconds=job.every_ms)
        at = trigger_of(job, settings, start).get_next_fire_time(None, now)
        if at is not None:
            found[name] = at
    return found
