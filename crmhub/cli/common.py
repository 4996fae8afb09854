"""What commands share: options, opening the hub, progress, tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click
import orjson

from jobs.runtime import Hub, open_hub

F = TypeVar("F", bound=Callable[..., Any])


def config_option(f: F) -> F:
    """--config PATH"""
    return click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("config.toml"),
        show_default=True,
        help="The configuration file.",
    )(f)


def json_option(f: F) -> F:
    """--json"""
    return click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, stable keys.")(f)


class Progress:
    """One line on a terminal that is rewritten; nothing elsewhere."""

    def __init__(self, quiet: bool) -> None:
        self.on = not quiet and sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        if self.on:
            sys.stderr.write("\r\x1b[K" + text[:110])
            sys.stderr.flush()

    def clear(self) -> None:
        """Leave an empty line behind."""
        if self.on:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


@contextmanager
def hub_at(config: Path, *, quiet: bool = False) -> Iterator[Hub]:
    """The hub of a configuration, closed at the end."""
    progress = Progress(quiet)
    hub = open_hub(config, progress=progress)
    try:
        yield hub
    finally:
        progress.clear()
        hub.close()


def echo_json(value: Any) -> None:
    """One JSON object on stdout."""
    click.echo(orjson.dumps(value, default=str).decode())


def when(ms: int | None, zone: ZoneInfo) -> str:
    """A time as people read it, in the hub's zone."""
    return "-" if ms is None else datetime.fromtimestamp(ms / 1000, zone).strftime("%a %d %b %Y %H:%M")


def table(rows: Sequence[Sequence[object]], head: Sequence[str] = (), indent: str = "  ") -> list[str]:
    """Left-aligned columns, numbers right-aligned."""
    cells = [[_cell(c) for c in r] for r in ([head] if head else []) + [list(r) for r in rows]]
    if not cells:
        return []
    widths = [max(len(r[i]) for r in cells) for i in range(len(cells[0]))]
    numeric = [all(isinstance(r[i], int | float) for r in rows) for i in range(len(cells[0]))] if rows else []
    out = []
    for r in cells:
        parts = [
            c.rjust(w) if numeric and numeric[i] else c.ljust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True))
        ]
        out.append((indent + "  ".join(parts)).rstrip())
    return out


def _cell(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    return f"{value:,}" if isinstance(value, int) else str(value)


def counted(counts: Mapping[str, int]) -> str:
    """ "3 conflict, 2 hold" """
    return ", ".join(f"{n:,} {k}" for k, n in sorted(counts.items(), key=lambda kv: -kv[1]) if n)


_HELD = {
    "adoption": "fields on which CRMs disagree",
    "edit": "fields in conflict",
    "conflict": "fields in conflict",
    "hold": "fields on hold",
    "unwritable": "values the CRM cannot hold",
    "rejected": "writes the CRM refused before",
    "untouched": "fields of customers or open deals",
    "economy": "scores that moved too little",
}


def held_words(held: Mapping[str, int]) -> str:
    """What a plan holds back, in words."""
    return ", ".join(f"{n:,} {_HELD.get(kind, kind)}" for kind, n in sorted(held.items(), key=lambda kv: -kv[1]) if n)
