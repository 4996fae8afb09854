"""demo: the whole loop on simulated CRMs, told so that a revops manager can judge it from the first screen."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import orjson

from core.errors import Refused
from core.scoring import shown
from core.store.overview import Overview
from crmhub.cli.common import Progress, counted, echo_json, held_words, say, when
from jobs.init import init_sandbox
from jobs.plan import plan as make_plan
from jobs.push import figures, push
from jobs.runtime import Hub, open_hub
from jobs.status import status_of
from jobs.sync import Report, sync
from jobs.why import why as explain

#: what a demo leaves in its folder
_OURS = (".crmhub-demo", "config.toml", "mapping.toml", "crmhub.", "sandbox.")
STAGES_UNDECIDED = ("subscriber", "lead", "mql")


@click.command("demo", help="The whole loop on simulated CRMs: pull, resolve, qualify, plan, push, explain.")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=Path("crmhub-demo"), show_default=True
)
@click.option(
    "--people",
    default=1000,
    show_default=True,
    type=click.IntRange(20, 1_000_000),
    help="How many people live in the simulated CRMs.",
)
@click.option("--seed", default=1, show_default=True)
@click.option("--keep", is_flag=True, help="Leave the simulated CRMs running, to go on with crmhub sync.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def demo(folder: Path, people: int, seed: int, keep: bool, as_json: bool) -> None:
    progress = Progress(as_json)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the sandbox goes, too
    _reset(folder)
    with _sandbox(folder, people, seed, keep) as control:
        os.environ["CRMHUB_CLOCK"] = f"{control}/clock"
        config = folder / "config.toml"
        init_sandbox(config, control, progress=progress)
        hub = open_hub(config, progress=progress)
        try:
            told = _run(hub, people)
            Progress.wipe()
            if as_json:
                echo_json(told.data)
            else:
                say(*told.lines)
                say(*_next(folder, config, told.data["example"], keep))
        finally:
            hub.close()


class _Told:
    """What the demo says: lines for people, data for machines."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.data: dict[str, Any] = {}

    def say(self, label: str, text: str) -> None:
        self.lines.append(f"{label:<12}{text}")


def _run(hub: Hub, people: int) -> _Told:
    told, began = _Told(), time.monotonic()
    first = sync(hub, steps=("pull", "resolve", "qualify"))
    if first.errors:
        raise first.errors[0]
    with hub.journal("plan"):
        made = make_plan(hub)
    told.lines.append(f"crmhub: {people:,} people live in two CRMs (simulated, over real HTTP), half known in each.")
    told.lines.append("")
    _facts(hub, told, first)
    _hottest(hub, told)
    parts = "; ".join(f"{c}: {made.updates[c]:,} updates, {made.creates[c]:,} creates" for c in hub.names())
    told.say("the plan", f"{parts}; owners changed: {made.owners_changed}; opt-outs cleared: {made.opt_outs_cleared};")
    told.say("", f"held back: {held_words(made.held) or 'nothing'}. Nothing is written before this plan stands.")
    with hub.journal("push"):
        done = push(hub, made.id)
        ops = figures(done.values())
        hub.close_run("done", {"ops": {"planned": made.ops, **ops}})
    again = sync(hub)
    refused = ops["rejected"] + sum(p.dead for p in done.values())
    told.say(
        "written",
        f"{ops['applied']:,} records in two CRMs, {refused} refused; "
        f"a second sync planned {again.plan.ops if again.plan else 0} writes.",
    )
    status = status_of(hub)
    waits = status["waiting"]
    total = sum(waits[k] for k in ("conflicts", "adoption", "reviews", "dead_letters"))
    told.say(
        "you",
        f"{total:,} items await a person: {waits['reviews']:,} pairs to review, {waits['adoption']:,} disagreements "
        f"from before, {waits['conflicts']} conflicts, {waits['dead_letters']} dead letters.",
    )
    told.say("", f"All of this took {time.monotonic() - began:.0f} s and {sum(again.calls.values()):,} API calls.")
    told.data |= {
        "people": status["people"],
        "companies": status["companies"],
        "waiting": waits,
        "awaiting": total,
        "plan": made.summary(),
        "ops": dict(ops),
        "second_sync": again.json()["ops"],
        "funnel": [{"stage": s, "people": n, "hot": h} for s, n, h in Overview(hub.db).funnel()],
    }
    _rest(hub, told)
    return told


def _facts(hub: Hub, told: _Told, first: Report) -> None:
    view, status = Overview(hub.db), status_of(hub)
    rows = ", ".join(
        f"{c['records']:,} records and {c['activities']:,} activities of {c['connection']}"
        for c in status["connections"]
    )
    told.say("pulled", f"{rows}, in {first.seconds:.0f} s.")
    p, joined = status["people"], view.joined()
    told.say(
        "who is who",
        f"{p['people']:,} people; {p['in_several']:,} are in both CRMs, joined for certain "
        f"(by {counted({k.replace('_', '-'): v for k, v in joined.items()})});",
    )
    told.say(
        "", f"{status['waiting']['reviews']:,} pairs that may be one person are left in the review queue, not guessed."
    )
    people, stages = view.contradictions()
    told.say("contradict", f"on {people:,} people the CRMs contradict each other.")
    worst = {
        k: n
        for k, n in stages.items()
        if any(s.endswith("says customer") for s in k)
        and any(s.endswith(tuple(f"says {x}" for x in STAGES_UNDECIDED)) for s in k)
    }
    if worst:
        told.say(
            "",
            f"{sum(worst.values()):,} of them are leads in one CRM and customers in the other "
            f"({' and '.join(next(iter(worst)))}):",
        )
        told.say("", "nurture mail would go to customers. The hub says customer, in both.")
    told.data |= {
        "joined": joined,
        "contradict": people,
        "stage_contradictions": {" / ".join(k): n for k, n in stages.items()},
    }


def _hottest(hub: Hub, told: _Told) -> None:
    rows = Overview(hub.db).hottest(1, hub.clock.now())
    if not rows:
        return
    r, zone = rows[0], hub.settings.hub.zone
    who = ", ".join(str(r[k]) for k in ("job_title", "company") if r[k])
    told.say(
        "hottest",
        f"{r['first_name'] or ''} {r['last_name'] or ''}, {who}: {shown(r['total'])} points, {r['stage']}".strip(),
    )
    told.say("", f"= {r['why']}"[:118])
    late = r["due_at"] is not None and r["due_at"] < hub.clock.now()
    due = (
        f"an answer {'was' if late else 'is'} due {when(r['due_at'], zone)}" if r["due_at"] else "no answer is owed yet"
    )
    due += ", overdue" if late else ""
    told.say("", f"owner {r['owner'] or 'nobody yet'}; {due}.")
    told.data["hottest"] = {
        "email": r["email"],
        "score": r["total"] / 1000,
        "why": r["why"],
        "owner": r["owner"],
        "due_at": r["due_at"],
    }


def _rest(hub: Hub, told: _Told) -> None:
    view, zone = Overview(hub.db), hub.settings.hub.zone
    widest = max((n for _, n, _ in view.funnel()), default=1)
    told.lines += ["", "the funnel"]
    for stage, n, hot in view.funnel():
        told.lines.append(
            f"  {stage:<13}{n:>6,}  {'█' * max(1, round(30 * n / widest))}" + (f" {hot} hot" if hot else "")
        )
    told.lines += ["", "ten hot leads"]
    for r in view.hottest(10, hub.clock.now()):
        name = f"{r['first_name'] or ''} {r['last_name'] or ''}".strip() or r["email"]
        late = r["due_at"] is not None and r["due_at"] < hub.clock.now()
        due = f", {'overdue since' if late else 'due'} {when(r['due_at'], zone)}" if r["due_at"] else ""
        told.lines.append(
            f"  {shown(r['total']):>6} {r['grade']} {name[:24]:<24} {r['stage']}: {r['reason']}{due}"[:118]
        )
        told.lines.append(f"  {'':>9} {r['why']}"[:118])
    example = view.example() or told.data.get("hottest", {}).get("email")
    told.data["example"] = example
    if example:
        from crmhub.cli.why import lines

        told.lines += ["", f"why {example}"]
        told.lines += ["  " + line for line in lines(hub, explain(hub, example), 14)]


def _next(folder: Path, config: Path, example: str | None, keep: bool) -> list[str]:
    where = f"--config {config}"
    lines = ["", "what to type next", f"  crmhub why {example} {where}" if example else "", f"  crmhub status {where}"]
    if keep:
        clock = orjson.loads((folder / "sandbox.json").read_bytes())["control"]
        lines += [
            f"  CRMHUB_CLOCK={clock}/clock crmhub sync {where}",
            f"  kill {(folder / 'sandbox.pid').read_text()}    stops the simulated CRMs",
        ]
    else:
        lines.append("  crmhub demo --keep        leaves the simulated CRMs running, to edit and sync on")
    lines.append("  crmhub init               on your own CRMs: observe mode, nothing is written")
    return [line for i, line in enumerate(lines) if line or i == 0]


# ------------------------------------------------------------------------------------------------ the sandbox


def _reset(folder: Path) -> None:
    """Hub and sandbox of an earlier demo go together. A folder that is not a demo's is left alone."""
    if not folder.exists():
        return
    foreign = sorted(f.name for f in folder.iterdir() if not f.name.startswith(_OURS))
    if foreign or (not (folder / ".crmhub-demo").exists() and any(folder.iterdir())):
        what = f" (it holds {', '.join(foreign[:3])})" if foreign else ""
        raise Refused(f"{folder} is not only a demo's folder{what}", "choose another one with --folder")
    _stop(folder)
    shutil.rmtree(folder)


def _stop(folder: Path) -> None:
    with suppress(OSError, ValueError):
        pid = int((folder / "sandbox.pid").read_text())
        command = Path(f"/proc/{pid}/cmdline")
        if not command.exists() or b"crmhub.sandbox" in command.read_bytes():
            os.kill(pid, signal.SIGTERM)


@contextmanager
def _sandbox(folder: Path, people: int, seed: int, keep: bool) -> Iterator[str]:
    """The simulated CRMs as a process; its control URL."""
    folder.mkdir(parents=True)
    (folder / ".crmhub-demo").touch()
    log = (folder / "sandbox.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "crmhub.sandbox", "--people", str(people), "--seed", str(seed)],
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise Refused("the sandbox did not start", f"its words are in {folder / 'sandbox.log'}")
        (folder / "sandbox.json").write_bytes(line)
        (folder / "sandbox.pid").write_text(str(process.pid))
        yield orjson.loads(line)["control"]
    except BaseException:
        keep = False
        raise
    finally:
        if not keep:
            process.terminate()
            process.wait(timeout=10)
            (folder / "sandbox.pid").unlink(missing_ok=True)
        if process.stdout is not None:
            process.stdout.close()
        log.close()
