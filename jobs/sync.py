"""sync: pull, resolve, qualify, plan, push, in a row. The report is what every command prints from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.contract import ConnectorError
from jobs.plan import Plan, plan
from jobs.pull import ConnectionPull, pull
from jobs.push import figures, finish, push
from jobs.pushing import Pushed
from jobs.qualify import Qualified, qualify
from jobs.resolve import resolve
from jobs.resolving import Resolved
from jobs.runtime import Hub
from jobs.told import told


@dataclass(slots=True)
class Report:
    """Everything one run did. `seconds` of real time."""

    run: int = 0
    status: str = "done"
    seconds: float = 0.0
    pulled: dict[str, ConnectionPull] = field(default_factory=dict)
    resolved: Resolved = field(default_factory=Resolved)
    qualified: Qualified = field(default_factory=Qualified)
    plan: Plan | None = None
    pushed: dict[str, Pushed] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    new_dead: int = 0
    new_conflicts: int = 0
    new_disagreements: int = 0

    @property
    def errors(self) -> list[ConnectorError]:
        """What stood in the way of connections, one each."""
        found = {n: p.error for n, p in self.pulled.items() if p.error is not None}
        found |= {n: p.error for n, p in self.pushed.items() if p.error is not None}
        return list(found.values())

    @property
    def held(self) -> list[str]:
        """Why writes of connections were held back, in words."""
        found = [p.held for p in self.pushed.values() if p.held]
        found += [
            f"{name}: the CRM does not let our user write {', '.join(sorted(p.unwritable))} any more; the rest is "
            f"written without it; crmhub check {name}"
            for name, p in self.pushed.items()
            if p.unwritable and p.error is None
        ]
        return list(dict.fromkeys(found))

    @property
    def left_out(self) -> list[str]:
        """Streams that the credentials do not let us read, in words; the rest was done without them."""
        return [f"left out {stream}: {told(e)}" for p in self.pulled.values() for stream, e in p.left_out.items()]

    @property
    def exit_code(self) -> int:
        """0 done, 1 new dead letters or conflicts or a brake, 3 a CRM failed."""
        if self.errors:
            return 3
        stopped = any(p.stopped for p in self.pushed.values())
        return 1 if self.new_dead or self.new_conflicts or stopped else 0

    def json(self) -> dict[str, Any]:
        """The documented object of `sync --json`."""
        ops = figures(self.pushed.values())
        names = list(dict.fromkeys([*self.pulled, *self.pushed]))
        return {
            "run": self.run,
            "status": self.status,
            "seconds": round(self.seconds, 3),
            "ops": {
                "planned": self.plan.ops if self.plan else 0,
                "applied": ops["applied"],
                "unchanged": ops["unchanged"],
                "rejected": ops["rejected"],
                "unknown": ops["unknown"],
                "superseded": ops["superseded"],
                "dead": sum(p.dead for p in self.pushed.values()),
            },
            "conflicts": self.new_conflicts,
            "disagreements": self.new_disagreements,
            "connections": {n: self._connection(n) for n in names},
            "held_back": dict(self.plan.held) if self.plan else {},
            "messages": [told(e) for e in self.errors] + self.held + self.left_out,
        }

    def _connection(self, name: str) -> dict[str, int]:
        pulled, pushed = self.pulled.get(name, ConnectionPull()), self.pushed.get(name, Pushed())
        return {
            "pulled": pulled.stats.pulled,
            "changed": pulled.stats.changed,
            "created": pushed.created,
            "updated": pushed.updated,
            "deleted": pulled.stats.deleted,
            "calls": self.calls.get(name, 0),
        }


STEPS = ("pull", "resolve", "qualify", "plan", "push")


def sync(
    hub: Hub,
    names: Sequence[str] = (),
    *,
    steps: Sequence[str] = STEPS,
    full: bool = False,
    accept_fewer: bool = False,
) -> Report:
    """Run the steps in their order and journal it. A CRM that fails leaves the others' work done."""
    report, began = Report(), time.monotonic()
    with hub.journal("sync" if tuple(steps) == STEPS else "+".join(steps)) as run:
        report.run = run
        letters, waiting = hub.runs.open_dead_letters(), hub.entities.open_conflicts()
        # facts first
        if "pull" in steps:
            finish(hub, names)
            report.pulled = pull(hub, names, full=full, accept_fewer=accept_fewer)
        if "resolve" in steps:
            report.resolved = resolve(hub)
        # then decisions
        if "qualify" in steps:
            report.qualified = qualify(hub)
        # then what they mean for each record, and the writes
        reachable = [n for n in hub.names(names) if (p := report.pulled.get(n)) is None or p.error is None]
        if "plan" in steps:
            report.plan = plan(hub, reachable if reachable != hub.names() else ())
        if "push" in steps:
            report.pushed = push(hub, report.plan.id if report.plan else None, reachable) if reachable else {}
        report.calls = {n: hub.calls(n) for n in hub.names(names)}
        report.new_dead = max(0, hub.runs.open_dead_letters() - letters)
        still = hub.entities.open_conflicts()
        report.new_conflicts = max(0, still.get("edit", 0) - waiting.get("edit", 0))
        report.new_disagreements = max(0, still.get("adoption", 0) - waiting.get("adoption", 0))
        report.seconds = time.monotonic() - began
        report.status = _status(report, hub.names(names))
        hub.close_run(report.status, report.json())
    return report


def _status(report: Report, names: Sequence[str]) -> str:
    failed = {e.connection for e in report.errors}
    if failed and failed >= set(names):
        return "failed"
    waits = any(p.held and not p.observed for p in report.pushed.values())
    return "partial" if failed or waits else "done"
