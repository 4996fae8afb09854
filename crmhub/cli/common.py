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


_TURNS = (*range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
#: characters that could steer a terminal or forge a line: controls, and what turns the direction of text
_UNSAFE = {
    **{c: f"\\x{c:02x}" for c in (*range(0x20), *range(0x7F, 0xA0))},
    **{
        c: f"\\u{c:04x}"
        for c in (0x2028, 0x2029, *range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    },
    ord("\n"): "⏎",
    ord("\t"): " ",
}


def clean(text: str) -> str:
    """One line of text, whatever a CRM put into it."""
    return text.translate(_UNSAFE)


def say(*lines: str, err: bool = False) -> None:
    """Print lines; each argument is one line, whatever it holds."""
    Progress.wipe()
    for line in lines:
        click.echo(clean(line), err=err)


class Progress:
    """One line on a terminal that is rewritten; nothing elsewhere."""

    shown = False

    def __init__(self, quiet: bool) -> None:
        self.on = not quiet and sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        if self.on:
            sys.stderr.write("\r\x1b[K" + clean(text)[:110])
            sys.stderr.flush()
            Progress.shown = True

    @staticmethod
    def wipe() -> None:
        """Leave an empty line behind."""
        if Progress.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            Progress.shown = False


@contextmanager
def hub_at(config: Path, *, quiet: bool = False) -> Iterator[Hub]:
    """The hub of a configuration, closed at the end."""
    progress = Progress(quiet)
    hub = open_hub(config, progress=progress)
    try:
        yield hub
    finally:
        Progress.wipe()
        hub.close()


def echo_json(value: Any) -> None:
    """One JSON object on stdout."""
    click.echo(orjson.dumps(value, default=str).decode())


def when(ms: int | None, zone: ZoneInfo) -> str:
    """A time as people read it, in the hub's zone."""
    return "-" if ms is None else datetime.fromtimestamp(ms / 1000, zone).strftime("%a %d %b %Y %H:%M")


def table(rows: Sequence[Sequence[object]], head: Sequence[str] = (), indent: str = "  ") -> list[str]:
    """Left-aligned columns, numbers right-aligned."""
    cells = [[clean(_cell(c)) for c in r] for r in ([head] if head else []) + [list(r) for r in rows]]
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
    "unsound": "values that are not what they should be",
    "rejected": "writes the CRM refused before",
    "untouched": "fields of customers or open deals",
    "economy": "scores that moved too little",
}


def held_words(held: Mapping[str, int]) -> str:
    """What a plan holds back, in words."""
    return ", ".join(f"{n:,} {_HELD.get(kind, kind)}" for kind, n in sorted(held.items(), key=lambda kv: -kv[1]) if n)
