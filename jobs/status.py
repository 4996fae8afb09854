"""status: figures of the store, what waits, and when jobs run next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from core.model import ENTITIES
from core.store.overview import Overview
from core.store.runs import day_of
from jobs.runtime import Hub
from jobs.schedule import next_times


def status_of(hub: Hub) -> dict[str, Any]:
    """Everything `crmhub status` shows; stable keys."""
    now = hub.clock.now()
    figures = hub.runs.figures()
    kinds = hub.entities.open_conflicts()
    last = hub.runs.recent(1)
    connections = []
    for name in hub.names():
        row = hub.runs.connection(name)
        connections.append(
            {
                "connection": name,
                "kind": hub.connection(name).kind,
                "account": row["account"] if row else None,
                "approved": bool(row and row["approved_at"]),
                "records": figures["records"].get(name, 0),
                "activities": figures["activities"].get(name, 0),
                "pulled_at": figures["pulled"].get(name),
                "calls_today": hub.runs.calls_on(name, day_of(now)),
            }
        )
    return {
        "mode": hub.settings.rollout.mode,
        "writes": hub.runs.setting("writes") or "on",
        "last_run": None
        if not last
        else {
            "run": last[0]["id"],
            "command": last[0]["command"],
            "status": last[0]["status"],
            "started_at": last[0]["started_at"],
        },
        "connections": connections,
        "people": {"people": figures["people"], "in_several": figures["in_several"]},
        "companies": figures["companies"],
        "deals": {s: n for s, n in hub.deals.counts().items() if not s.startswith("without")},
        "stages": figures["stages"],
        "bands": figures["bands"],
        "waiting": {
            "conflicts": kinds.get("edit", 0),
            "adoption": kinds.get("adoption", 0),
            "reviews": sum(hub.links.waiting(entity) for entity in ENTITIES),
            "dead_letters": hub.runs.open_dead_letters(),
            "outbox": hub.outbox.open_count(),
        },
        "disagree": figures["disagree"],
        "conflicts": Overview(hub.db).waiting(5),
        "dead_letters": [dict(r) for r in hub.runs.some_dead_letters(5)],
        "jobs": [
            {"job": job, "run": hub.settings.jobs[job].run, "next": int(at.timestamp() * 1000)}
            for job, at in next_times(hub.settings, datetime.fromtimestamp(now / 1000, UTC)).items()
        ],
    }
