"""status and runs: where everything stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from core.store.db import loads
from crmhub.cli.common import config_option, echo_json, hub_at, json_option, say, table, when
from jobs.status import status_of


@click.command("status", help="Where everything stands and what waits for a person.")
@config_option
@json_option
def status(config: Path, as_json: bool) -> None:
    with hub_at(config, quiet=True) as hub:
        found = status_of(hub)
        zone = hub.settings.hub.zone
    if as_json:
        echo_json(found)
        return
    last = found["last_run"]
    ago = (
        f"run {last['run']} ({last['command']}) {last['status']} {when(last['started_at'], zone)}"
        if last
        else "never run"
    )
    say(f"mode {found['mode']}, writes {found['writes']}; last: {ago}")
    say(
        *table(
            [
                (
                    c["connection"],
                    c["account"] or "-",
                    c["records"],
                    c["activities"],
                    when(c["pulled_at"], zone),
                    c["calls_today"],
                    "yes" if c["approved"] else "no",
                )
                for c in found["connections"]
            ],
            ("connection", "account", "records", "activities", "pulled", "calls today", "writes approved"),
        )
    )
    p = found["people"]
    say(f"{p['people']:,} people, {p['in_several']:,} of them in several CRMs; {found['companies']:,} companies")
    if found["deals"]:
        say("deals: " + ", ".join(f"{n:,} {s}" for s, n in found["deals"].items()))
    say("stages: " + (", ".join(f"{n:,} {s}" for s, n in found["stages"].items()) or "none yet"))
    say("bands: " + (", ".join(f"{n:,} {s}" for s, n in found["bands"].items()) or "none yet"))
    w = found["waiting"]
    say(
        f"waiting for a person: {w['conflicts']:,} conflicts, "
        f"{w['adoption']:,} disagreements from before the first sync, "
        f"{w['reviews']:,} pairs to review, {w['dead_letters']:,} dead letters; {w['outbox']:,} ops in the outbox"
    )
    for line in found["jobs"]:
        say(f"job {line['job']}: {line['run']}, next {when(line['next'], zone)}")
    for d in found["dead_letters"]:
        say(f"  {d['connection']} {d['stream']} {d['remote_id']}: {d['reason']} → {d['remedy']}")
    for c in found["conflicts"]:
        words = "changed on both sides" if c["kind"] == "edit" else "disagreed before"
        says = "; ".join(f"{where}: {value}" for where, value in c["says"])
        say(f"  {c['who'] or c['id']}: {c['field']} {words} ({says})"[:140])
    if found["disagree"]:
        say("fields that CRMs disagree on: " + ", ".join(f"{k} {n:,}" for k, n in found["disagree"].items()))


@click.command("runs", help="The journal of runs.")
@config_option
@json_option
@click.option("--limit", default=15, show_default=True, type=click.IntRange(1))
def runs(config: Path, as_json: bool, limit: int) -> None:
    with hub_at(config, quiet=True) as hub:
        rows = hub.runs.recent(limit)
        zone = hub.settings.hub.zone
    data: list[dict[str, Any]] = [
        {
            "run": r["id"],
            "command": r["command"],
            "status": r["status"],
            "started_at": r["started_at"],
            "ended_at": r["ended_at"],
            "summary": loads(r["summary"]) if r["summary"] else {},
        }
        for r in rows
    ]
    if as_json:
        echo_json(data)
        return
    shown = [
        (
            d["run"],
            d["command"],
            d["status"],
            when(d["started_at"], zone),
            "-" if d["ended_at"] is None else f"{(d['ended_at'] - d['started_at']) / 1000:.1f} s",
            d["summary"].get("ops", {}).get("planned", "-"),
            d["summary"].get("ops", {}).get("applied", "-"),
        )
        for d in data
    ]
    head = ("run", "command", "status", "started", "took", "planned", "applied")
    say(*(table(shown, head) if shown else ["no runs yet"]))
