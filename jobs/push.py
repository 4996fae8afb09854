"""push: the items of a plan -> ops -> the CRMs, batch by batch.

Per batch: read the records back (guard), mark the ops as sending (committed), write, commit outcomes together with what
the records show now. Killed anywhere, the next push finds out what became of the ops that were on their way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress

from connectors.contract import ConnectorError
from core.errors import Stopped
from core.store.outbox import PlanItem
from jobs.pushing import Pushed, Pusher
from jobs.runtime import Hub
from jobs.sight import pin_account


def push(
    hub: Hub,
    plan_id: int | None,
    names: Sequence[str] = (),
    *,
    items: Sequence[PlanItem] | None = None,
    approved: bool = False,
) -> dict[str, Pushed]:
    """Execute a plan, or the items of an approved plan file, and finish what a killed push began."""
    done: dict[str, Pushed] = {}
    for name in hub.names(names):
        done[name] = result = Pushed()
        mine = [i for i in items if i.connection == name] if items is not None else None
        if _nothing_to_do(hub, name, plan_id, mine):
            continue
        if why := _not_allowed(hub, name, approved):
            result.held, result.observed = why, hub.settings.rollout.mode == "observe"
            continue
        with hub.lease(f"connection {name}"):
            worker = Pusher(hub, name, result)
            try:
                pin_account(hub, name)
                worker.recover()
                worker.enqueue(plan_id, mine, approved=approved)
                worker.send()
            except Stopped as e:
                result.held, result.stopped = str(e), True
            except ConnectorError as e:
                e.connection = name
                result.error = e
        hub.flush_calls()
    return done


def finish(hub: Hub, names: Sequence[str] = ()) -> None:
    """Find out what became of writes that a killed process had sent, before a pull takes them for somebody's edits.

    A CRM that does not answer is left for the pull to report.
    """
    for name in hub.names(names):
        if not hub.outbox.under_way(name):
            continue
        with hub.lease(f"connection {name}"), suppress(ConnectorError):
            pin_account(hub, name)
            Pusher(hub, name, Pushed()).recover()


def _nothing_to_do(hub: Hub, name: str, plan_id: int | None, items: Sequence[PlanItem] | None) -> bool:
    if hub.outbox.open_count(name):
        return False
    if items is not None:
        return not items
    return plan_id is None or next(iter(hub.outbox.items(plan_id, name, 1)), None) is None


def _not_allowed(hub: Hub, name: str, approved: bool) -> str:
    """Why this connection takes no writes now; "" when it does."""
    if hub.settings.rollout.mode == "observe":
        return 'observe mode: nothing is written; set [rollout] mode = "canary" or "live" to write'
    if hub.runs.setting("writes") == "off":
        return "writes are off; `crmhub writes on` allows them again"
    known = hub.runs.connection(name)
    if approved:
        hub.runs.approve(name, hub.connection(name).kind, "push --plan", now=hub.clock.now())
    elif known is None or known["approved_at"] is None:
        return (
            f"the first push to {name} needs an approved plan: `crmhub plan --out plan.jsonl`, read it, "
            "then `crmhub push --plan plan.jsonl`"
        )
    return ""


def figures(done: Iterable[Pushed]) -> Counter[str]:
    """Outcomes of several connections together."""
    total: Counter[str] = Counter()
    for d in done:
        total.update(d.outcomes)
    return total
