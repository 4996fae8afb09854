"""crmhub sandbox: the simulated CRMs, as a process of their own that shares no code with the hub."""

from __future__ import annotations

import os
import sys

import click


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def sandbox(args: tuple[str, ...]) -> None:
    """Start the simulated CRMs; prints one JSON line when ready and runs until SIGTERM or Ctrl-C."""
    command = [sys.executable, "-m", "crmhub.sandbox", *args]
    os.execv(sys.executable, command)  # noqa: S606 - this very interpreter, a module of ours
