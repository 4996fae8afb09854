"""The verbs: pull, resolve, qualify, plan, push, sync, writes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from crmhub.cli.common import config_option, counted, echo_json, held_words, hub_at, json_option, say, table
from jobs.plan import Plan
from jobs.plan import plan as make_plan
from jobs.planfile import check_plan, item_json, read_plan, write_plan
from jobs.push import figures
from jobs.push import push as push_plan
from jobs.runtime import Hub
from jobs.sync import STEPS, Report
from jobs.sync import sync as run_sync
from jobs.told import told

CONNECTIONS = click.argument("connections", nargs=-1, metavar="[CONNECTION]...")


_ACCEPT_FEWER = click.option(
    "--accept-fewer", is_flag=True, help="Records that a CRM does not show any more are really gone."
)


def _verb(name: str, steps: tuple[str, ...], text: str, *more: Callable[..., Any]) -> Callable[..., Any]:
    @click.command(name, help=text)
    @CONNECTIONS
    @config_option
    @json_option
    @click.option("--full", is_flag=True, help="Read everything again, not only what changed.")
    def verb(connections: tuple[str, ...], config: Path, as_json: bool, full: bool, accept_fewer: bool = False) -> None:
        with hub_at(config, quiet=as_json) as hub:
            report = run_sync(hub, connections, steps=steps, full=full, accept_fewer=accept_fewer)
        if as_json:
            echo_json(report.json())
        else:
            show_report(report)
        sys.exit(report.exit_code)

    for option in more:
        verb = option(verb)
    return verb


pull = _verb("pull", ("pull",), "Read what changed in the CRMs into the store.", _ACCEPT_FEWER)
resolve = _verb("resolve", ("resolve",), "Find out who is who and what is true of them.")
qualify = _verb("qualify", ("qualify",), "Score people and move them through the lifecycle.")
sync = _verb("sync", STEPS, "pull, resolve, qualify, plan, push, in a row.")


def show_report(report: Report) -> None:
    """What a run did, for people."""
    data = report.json()
    say(f"run {report.run}: {report.status} in {report.seconds:.1f} s")
    rows = [
        (name, c["pulled"], c["changed"], c["created"], c["updated"], c["deleted"], c["calls"])
        for name, c in data["connections"].items()
    ]
    if rows:
        head = ("connection", "pulled", "changed", "created", "updated", "deleted", "calls")
        say(*table(rows, head))
    r, q = report.resolved, report.qualified
    if r.records:
        say(
            f"resolved {r.records:,} records: {r.new_people:,} new people, {r.joined:,} joined to one already known, "
            f"{r.reviews:,} pairs to review, {r.changes:,} changed fields"
        )
    if q.people:
        moves = counted(q.moves)
        say(f"qualified {q.people:,} people" + (f": {moves}" if moves else ""))
    if report.plan is not None:
        ops = data["ops"]
        done = ", ".join(
            f"{ops[k]:,} {k}" for k in ("applied", "unchanged", "rejected", "unknown", "superseded", "dead") if ops[k]
        )
        say(f"planned {ops['planned']:,} writes" + (f": {done}" if done else ""))
        if report.plan.held:
            say(f"held back: {held_words(report.plan.held)}")
    if report.new_conflicts:
        say(f"{report.new_conflicts:,} new conflicts wait for a decision: crmhub status")
    if report.new_disagreements:
        say(
            f"{report.new_disagreements:,} fields on which the CRMs disagree since before the first sync: nothing is "
            "overwritten, they wait for a `wins` in mapping.toml"
        )
    for line in [told(e) for e in report.errors] + report.held + report.left_out:
        say(line, err=True)


@click.command("plan", help="Show what would be written, field by field. Writes nothing.")
@CONNECTIONS
@config_option
@json_option
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the plan to a file to review and push."
)
@click.option("--check", "check", is_flag=True, help="Exit 4 when anything would be written.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(0), help="How many sample writes to show.")
def plan(connections: tuple[str, ...], config: Path, as_json: bool, out: Path | None, check: bool, limit: int) -> None:
    with hub_at(config, quiet=as_json) as hub:
        with hub.journal("plan"):
            made = make_plan(hub, connections)
            hub.close_run("done", {"ops": {"planned": made.ops}, "held_back": dict(made.held)})
        if out is not None:
            write_plan(hub, made, out)
        if as_json:
            items = hub.outbox.items(made.id, limit=None) if made.id is not None else iter(())
            echo_json({**made.summary(), "items": [item_json(i) for i in items]})
        else:
            show_plan(hub, made, limit)
            if out is not None and made.ops:
                say(f"written to {out}; execute exactly this with: crmhub push --plan {out}")
    sys.exit(4 if check and made.ops else 0)


def show_plan(hub: Hub, made: Plan, limit: int = 10) -> None:
    """A plan for people: figures, fields, samples."""
    if not made.ops:
        say("nothing to write")
        show_held(made)
        return
    parts = [f"{n:,} updates in {c}" for c, n in made.updates.items()] + [
        f"{n:,} creates in {c}" for c, n in made.creates.items()
    ]
    say(
        f"plan {made.id}: {', '.join(parts)}; owners changed {made.owners_changed}, "
        f"opt-outs set {made.opt_outs_set}, cleared {made.opt_outs_cleared}"
    )
    for where, names in ((w, n) for w, n in made.new_fields.items() if n):
        say(f"  creates fields in {where}: {', '.join(names)}")
    for where, what in made.triggers.items():
        say(f"  {where}: {what}")
    say(*table(made.fields.most_common()))
    show_held(made)
    if made.id is not None and limit:
        say("for example:")
        for item in hub.outbox.items(made.id, limit=limit):
            changes = "; ".join(f"{k}: {_shown(item.before.get(k))} -> {_shown(v)}" for k, v in item.after.items())
            say(f"  {item.connection} {item.stream} {item.remote_id or 'new'}: {changes[:160]}")
    if hub.settings.rollout.mode == "observe":
        say("observe mode: nothing of this is written")


def show_held(made: Plan) -> None:
    """What is held back, with some of each kind that a person can do something about."""
    if not made.held:
        return
    say(f"held back: {held_words(made.held)}")
    for kind, some in made.held_samples.items():
        if kind not in ("economy", "untouched"):
            say(*(f"  {line}"[:160] for line in some))


def _shown(value: object) -> str:
    return "(blank)" if value is None else str(value)


@click.command("push", help="Plan and write, or execute exactly the plan in a file (which approves it).")
@CONNECTIONS
@config_option
@json_option
@click.option(
    "--plan", "plan_file", type=click.Path(path_type=Path, dir_okay=False), help="A plan written by plan --out."
)
def push(connections: tuple[str, ...], config: Path, as_json: bool, plan_file: Path | None) -> None:
    if plan_file is None:
        with hub_at(config, quiet=as_json) as hub:
            report = run_sync(hub, connections, steps=("plan", "push"))
        echo_json(report.json()) if as_json else show_report(report)
        sys.exit(report.exit_code)
    header, items = read_plan(plan_file)
    with hub_at(config, quiet=as_json) as hub:
        check_plan(hub, header, items)
        with hub.journal("push --plan") as run:
            letters = hub.runs.open_dead_letters()
            done = push_plan(hub, None, connections, items=items, approved=True)
            new_dead = hub.runs.open_dead_letters() - letters
            ops = figures(done.values())
            errors = [told(p.error) for p in done.values() if p.error is not None]
            held = [p.held for p in done.values() if p.held]
            status = "partial" if errors or held else "done"
            left = [line for p in done.values() for line in p.left]
            data = {
                "run": run,
                "status": status,
                "ops": {"planned": len(items), **ops},
                "left": left,
                "messages": errors + held,
            }
            hub.close_run(status, data)
    if as_json:
        echo_json(data)
    else:
        say(f"run {run}: {status}; {len(items):,} planned, {counted(ops) or 'nothing sent'}")
        if ops["superseded"]:
            say(f"{ops['superseded']:,} records changed since the plan was made: not written, planned anew")
            say(*(f"  {line}" for line in left[:10]), *(["  ..."] if len(left) > 10 else []))
        for line in errors + held:
            say(line, err=True)
    sys.exit(3 if errors else 1 if new_dead else 0)


@click.command("writes", help="The kill switch: `off` stops every write before the next batch, also of a running sync.")
@click.argument("what", type=click.Choice(["off", "on", "status"]))
@config_option
@json_option
def writes(what: str, config: Path, as_json: bool) -> None:
    with hub_at(config, quiet=True) as hub:
        if what != "status":
            hub.runs.set_setting("writes", what, now=hub.clock.now())
        state = hub.runs.setting("writes") or "on"
        mode, waiting = hub.settings.rollout.mode, hub.outbox.open_count()
    if as_json:
        echo_json({"writes": state, "mode": mode, "outbox": waiting})
    else:
        say(f"writes are {state}; mode {mode}; {waiting} ops in the outbox")
