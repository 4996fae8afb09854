"""init and check: from credentials to a configuration that fits the live CRMs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from connectors.contract import ConnectorError
from core.errors import ConfigProblem
from crmhub.cli.common import Progress, config_option, echo_json, hub_at, json_option, say
from jobs.check import check_files, check_live
from jobs.init import init as run_init
from jobs.init import init_sandbox
from jobs.told import told


@click.command(
    "init", help="Read the CRMs' fields and write config.toml and mapping.toml; real CRMs start in observe mode."
)
@config_option
@json_option
@click.option(
    "--sandbox", "control", metavar="URL", help="Control URL of a sandbox: a configuration that works at once, live."
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def init(config: Path, as_json: bool, control: str | None, force: bool) -> None:
    progress = Progress(as_json)
    if control:
        done = init_sandbox(config, control, progress=progress, force=force)
    else:
        done = run_init(config, progress=progress, force=force)
    Progress.wipe()
    if as_json:
        echo_json({"files": done.files, "connections": done.connections, "fields": done.fields, "next": done.next})
        return
    say(f"wrote {' and '.join(done.files)}" if done.files else "nothing written")
    if done.connections:
        say(f"read {done.fields:,} fields of {', '.join(done.connections)}")
    say("next:")
    for step in done.next:
        say(f"  {step}")


@click.command(
    "check", help="Check configuration, credentials, scopes, mappings against the live CRMs; every problem at once."
)
@click.argument("connections", nargs=-1, metavar="[CONNECTION]...")
@config_option
@json_option
@click.option("--offline", is_flag=True, help="Only the files.")
@click.option(
    "--create-fields", is_flag=True, help="Create the fields that write-back needs and that do not exist yet."
)
def check(connections: tuple[str, ...], config: Path, as_json: bool, offline: bool, create_fields: bool) -> None:
    problems = check_files(config)
    live: list[str] = []
    failed = False
    if not offline and not any(p.fatal for p in problems):
        with hub_at(config, quiet=as_json) as hub:
            for name in hub.names(connections):
                try:
                    found = check_live(hub, name, create_fields=create_fields)
                except ConnectorError as e:
                    e.connection = name
                    live.append(told(e))
                    failed = True
                    continue
                problems += found.problems
                live += found.lines
                failed |= found.refused
    _say(config, problems, live, as_json, failed)
    sys.exit(2 if any(p.fatal for p in problems) else 3 if failed else 0)


def _say(config: Path, problems: list[ConfigProblem], live: list[str], as_json: bool, failed: bool) -> None:
    fatal = [p for p in problems if p.fatal]
    if as_json:
        echo_json(
            {
                "status": "failed" if fatal or failed else "done",
                "problems": [
                    {"file": p.file, "line": p.line, "key": p.key, "text": p.text, "remedy": p.remedy, "fatal": p.fatal}
                    for p in problems
                ],
                "connections": live,
            }
        )
        return
    for line in live:
        say(line)
    for p in problems:
        say(("error   " if p.fatal else "warning ") + str(p), err=p.fatal)
    words = f"{len(fatal)} errors, {len(problems) - len(fatal)} warnings"
    say(f"{config}: " + ("all good" if not problems and not failed else words))
