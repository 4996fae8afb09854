"""Figures of a run as a table."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from statistics import median

from bench.measure import Usage

#: (client, pull) -> one usage per repetition
Figures = Mapping[tuple[str, str], Sequence[Usage]]

PULLS = {
    "first": "first pull of {people:,} contacts",
    "unchanged": "pull with no change",
    "edited": "pull after {edited:,} edits",
}


def machine() -> str:
    """The machine in general words."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{cores} cores, {platform.system()} {platform.machine()}, {python}, SQLite {sqlite3.sqlite_version}"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """min / median / max."""
    low, middle, high = min(values), median(values), max(values)
    return f"{low:.{digits}f} / {middle:.{digits}f} / {high:.{digits}f}"


def pull_table(figures: Figures, pull: str, rows: int) -> list[str]:
    """One table in Markdown: a line per client. `rows`: contacts that this pull is about, for the cost of each."""
    head = "| client | CPU s (min / median / max) | CPU µs per contact | peak MiB | calls | wall s |"
    lines = [head, "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for (client, of), usages in figures.items():
        if of != pull:
            continue
        cpu = [u.cpu_s for u in usages]
        each = f"{median(cpu) / rows * 1e6:.1f}" if rows else "-"
        lines.append(
            f"| {client} | {spread(cpu)} | {each} | {max(u.peak_mib for u in usages):.0f} "
            f"| {max(u.calls for u in usages):,} | {median([u.wall_s for u in usages]):.1f} |"
        )
    return lines


def ratio(figures: Figures, pull: str, over: str, under: str) -> str | None:
    """CPU of `over` / CPU of `under`, repetition by repetition: min / median / max. None when one did not run."""
    a, b = figures.get((over, pull)), figures.get((under, pull))
    if not a or not b:
        return None
    return spread([x.cpu_s / y.cpu_s for x, y in zip(a, b, strict=True)])


RATIOS = (
    ("dlt append", "ours"),
    ("dlt merge", "ours"),
    ("dlt append", "ours+"),
    ("ours", "floor"),
    ("ours+", "floor"),
)


def report(figures: Figures, people: int, edited: int) -> list[str]:
    """All tables and ratios in Markdown."""
    lines: list[str] = []
    for pull, title in PULLS.items():
        rows = {"first": people, "unchanged": 0, "edited": edited}[pull]
        lines += [f"**{title.format(people=people, edited=edited).capitalize()}**", ""]
        lines += [*pull_table(figures, pull, rows), ""]
    lines += ["**Ratios of CPU seconds** (min / median / max over the repetitions)", ""]
    lines += ["| | first | no change | edits |", "| --- | ---: | ---: | ---: |"]
    for over, under in RATIOS:
        found = [ratio(figures, pull, over, under) for pull in PULLS]
        if None not in found:
            lines.append(f"| {over} : {under} | {' | '.join(str(f) for f in found)} |")
    return lines


def sizes_table(figures: Mapping[int, Sequence[Usage]]) -> list[str]:
    """Ours alone by number of contacts."""
    lines = [
        "| contacts | CPU s (min / median / max) | CPU µs per contact | peak MiB (min / median / max) | calls |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for people, usages in figures.items():
        cpu = [u.cpu_s for u in usages]
        lines.append(
            f"| {people:,} | {spread(cpu)} | {median(cpu) / people * 1e6:.1f} "
            f"| {spread([u.peak_mib for u in usages], 0)} | {max(u.calls for u in usages):,} |"
        )
    return lines
