"""why: one person explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from core.scoring import shown
from core.values import money
from crmhub.cli.common import config_option, echo_json, hub_at, json_option, say, table, when
from jobs.runtime import Hub
from jobs.why import Why
from jobs.why import why as explain


@click.command("why", help="One person's timeline: pulled, linked, scored, staged, written, refused.")
@click.argument("who", metavar="EMAIL|ID")
@config_option
@json_option
@click.option(
    "--limit",
    default=25,
    show_default=True,
    type=click.IntRange(1),
    help="How many timeline entries to show (the newest).",
)
def why(who: str, config: Path, as_json: bool, limit: int) -> None:
    with hub_at(config, quiet=True) as hub:
        found = explain(hub, who)
        if as_json:
            echo_json(found.json())
        else:
            say(*lines(hub, found, limit))


def lines(hub: Hub, found: Why, limit: int) -> list[str]:
    """The explanation for people."""
    f, zone = found.facts, hub.settings.hub.zone
    role = ", ".join(str(f[k]) for k in ("job_title", "company_name") if k in f)
    out = [
        f"{found.name}" + (f", {role}" if role else "") + (f"  <{f['email']}>" if "email" in f else ""),
        f"{found.stage} because: {found.reason}",
        f"score {shown(found.score)} ({found.band}, {found.grade}) is the sum of:",
    ]
    out += table(
        [(f"{'+' if p >= 0 else ''}{shown(p)}", label, evidence) for label, p, evidence in found.points], indent="  "
    )
    out.append(f"next: {found.action}: {found.action_reason}")
    for c in found.clocks:
        if c["stopped_at"] is None:
            out.append(f"{c['policy']}: an answer is due {when(c['due_at'], zone)}")
    if found.deals:
        out.append("deals:")
        out += table([_deal(d) for d in found.deals])
    out.append("records:")
    out += table([(f"{r['connection']} {r['stream']}", r["id"], r["state"]) for r in found.records])
    entries = found.timeline[-limit:]
    hidden = len(found.timeline) - len(entries)
    out.append(
        "timeline"
        + (
            f" (the newest {len(entries)} of {len(found.timeline)}; all with --limit {len(found.timeline)})"
            if hidden
            else ""
        )
        + ":"
    )
    out += [f"  {when(e.at, zone)}  {e.what:<8} {e.text}" + (f"  [{e.source}]" if e.source else "") for e in entries]
    return out


def _deal(d: dict[str, Any]) -> tuple[str, ...]:
    """State, name, stage and worth, role, where: one line of the table."""
    places = money.digits(d["currency"])
    worth = "" if d["amount"] is None else f"{d['amount']:,.{places}f} {d['currency'] or ''}".strip()
    closes = f"closes {d['close_date']}" if d["state"] == "open" and d["close_date"] else ""
    where = ", ".join(f"{r['connection']} {r['stream']} {r['id']}" for r in d["records"])
    return d["state"], d["name"] or f"deal {d['deal']}", d["stage"] or "", worth, d["role"] or "", closes, where
