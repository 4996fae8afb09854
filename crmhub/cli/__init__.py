"""The command line: `crmhub VERB`. Commands are imported when used, so that `--help` and `status` start at once."""

from __future__ import annotations

import os
import sqlite3
import sys
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from core.errors import ConfigInvalid, HubError, LeaseHeld

#: command -> (module, one line of help). The order is that of `--help`.
COMMANDS = {
    "demo": ("crmhub.cli.demo", "The whole loop on simulated CRMs: pull, resolve, qualify, plan, push, explain."),
    "init": ("crmhub.cli.setup", "Read the CRMs' fields, write config.toml and mapping.toml (observe mode)."),
    "check": ("crmhub.cli.setup", "Check configuration, credentials and mappings against the live CRMs."),
    "profile": ("crmhub.cli.profile", "What the data is like: fill rates, unmapped options, disagreements."),
    "pull": ("crmhub.cli.verbs", "Read what changed in the CRMs."),
    "resolve": ("crmhub.cli.verbs", "Find out who is who and what is true."),
    "qualify": ("crmhub.cli.verbs", "Score people and move them through the lifecycle."),
    "plan": ("crmhub.cli.verbs", "Show what would be written, field by field. Writes nothing."),
    "push": ("crmhub.cli.verbs", "Execute a plan."),
    "sync": ("crmhub.cli.verbs", "pull, resolve, qualify, plan, push."),
    "writes": ("crmhub.cli.verbs", "The kill switch: writes off, on, status."),
    "status": ("crmhub.cli.status", "Where everything stands and what waits for a person."),
    "runs": ("crmhub.cli.status", "The journal of runs."),
    "why": ("crmhub.cli.why", "One person's timeline: pulled, linked, scored, staged, written, refused."),
    "sandbox": ("crmhub.cli.sandbox", "The simulated CRMs alone."),
}

EXIT_NEW_TROUBLE, EXIT_USAGE, EXIT_CRM, EXIT_WOULD_WRITE, EXIT_BUG = 1, 2, 3, 4, 70


class _Lazy(click.Group):
    """Commands by name, loaded on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            ctx.fail(f"no command {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="crmhub")
def cli() -> None:
    """Self-hosted CRM sync hub: one person across CRMs, scored, staged, written back, with a plan before every write.

    Exit status: 0 done; 1 done, with new dead letters or conflicts; 2 wrong usage or configuration;
    3 a CRM cannot be reached or refuses us; 4 plan --check found something to write; 70 a fault of crmhub itself.
    """


def main() -> None:
    """Entry point: errors become sentences and exit codes, never tracebacks (CRMHUB_DEBUG=1 shows them)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a narrow terminal shows what it cannot print as \\u....
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as e:
        e.show()
        sys.exit(EXIT_USAGE)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("stopped; everything committed so far stays, the next run continues", err=True)
        sys.exit(130)
    except BrokenPipeError:  # `crmhub status | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as e:
        if os.environ.get("CRMHUB_DEBUG"):
            raise
        lines, code = _told(e)
        _fail(lines, code)


def _told(e: Exception) -> tuple[list[str], int]:
    """An error as lines for people, and the exit status."""
    if isinstance(e, ConfigInvalid):
        return [str(p) for p in e.problems], EXIT_USAGE
    if isinstance(e, LeaseHeld):
        return [str(e)], EXIT_CRM
    if isinstance(e, HubError):
        return [str(e)], EXIT_USAGE
    if any(t.__name__ == "ConnectorError" for t in type(e).__mro__):
        return [_sentence(e)], EXIT_CRM
    if isinstance(e, sqlite3.Error):
        from core.store.db import broken

        return [str(broken("the store", e))], EXIT_USAGE
    if isinstance(e, OSError):
        what = f"{e.filename}: " if e.filename else ""
        return [f"{what}{e.strerror or e} → check the path, its permissions and the free disk space"], EXIT_USAGE
    words = f"{type(e).__name__} in {_where(e)}"
    return [f"crmhub itself failed: {words} → run it again with CRMHUB_DEBUG=1 and report what it shows"], EXIT_BUG


def _where(e: Exception) -> str:
    """File and line of ours where it happened; the message is left out, it may hold data."""
    import traceback

    frames = traceback.extract_tb(e.__traceback__)
    last = frames[-1] if frames else None
    return "an unknown place" if last is None else f"{Path(last.filename).name}:{last.lineno}"


def _sentence(e: Exception) -> str:
    from connectors.contract import ConnectorError
    from jobs.told import told

    return told(e) if isinstance(e, ConnectorError) else str(e)


def _fail(lines: list[str], code: int) -> None:
    from crmhub.cli.common import say

    if "--json" in sys.argv:
        import orjson

        click.echo(orjson.dumps({"status": "failed", "errors": lines}).decode())
    say(*lines, err=True)
    sys.exit(code)
