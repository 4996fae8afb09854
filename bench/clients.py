"""The clients of the comparison: how each is run, and how it is checked that it did the work."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench import floor, ours
from bench.people import NAMES

ROOT = Path(__file__).parents[1]
#: where dlt is installed, by the bench, for the bench; not part of the repository
DLT_HOME = ROOT / ".venv-bench"
DLT = "dlt[sqlalchemy]==1.31.0"
_DLT_STORE = "dlt.db"

Pull = Literal["first", "unchanged", "edited"]


@dataclass(frozen=True, slots=True)
class Client:
    """One way to pull. `count`: SQL for all contacts in its file; `edits`: for those that show the latest edit."""

    name: str
    what: str
    store: str
    count: str
    edits: str

    def command(self, pull: Pull, url: str, folder: Path, since: int) -> list[str]:
        """The command of one pull. `since`: ms of the server's clock before the first pull began."""
        given = ["--url", url, "--folder", str(folder)]
        later = [] if pull == "first" else ["--since", str(since)]
        if self.name.startswith("dlt"):
            # added to once, kept by key from then on: edits appended would be second rows
            kind = "append" if self.name == "dlt append" and pull == "first" else "merge"
            script = str(ROOT / "bench" / "dlt_rest.py")
            names = ",".join(NAMES)
            return [str(dlt_python()), script, *given, "--names", names, "--disposition", kind, *later]
        if self.name == "floor":
            return [sys.executable, "-m", "bench.floor", *given, *later]
        return [sys.executable, "-m", "bench.ours", *given, *(["--derive"] if self.name == "ours+" else [])]

    def found(self, folder: Path, edit: str) -> tuple[int, int]:
        """(contacts in the file, contacts that show `edit` in their job title)."""
        with closing(sqlite3.connect(folder / self.store)) as db:
            (total,) = db.execute(self.count).fetchone()
            (edited,) = db.execute(self.edits, (f"%({edit})",)).fetchone()
        return int(total), int(edited)


def _ours(name: str, what: str) -> Client:
    contacts = "SELECT COUNT(*) FROM record WHERE stream = 'contacts'"
    return Client(name, what, ours.STORE, contacts, f"{contacts} AND remote ->> 'jobtitle' LIKE ?")


def _dlt(name: str, what: str) -> Client:
    contacts = "SELECT COUNT(*) FROM contacts"
    return Client(name, what, _DLT_STORE, contacts, f"{contacts} WHERE properties__jobtitle LIKE ?")


CLIENTS = (
    Client(
        "floor",
        "requests, orjson, executemany: values into 30 columns",
        floor.STORE,
        "SELECT COUNT(*) FROM contacts",
        "SELECT COUNT(*) FROM contacts WHERE jobtitle LIKE ?",
    ),
    _ours("ours", "`crmhub pull`: mapped fields, compared field by field, with companies"),
    _ours("ours+", "the same, and the canonical values of each changed record, which `crmhub resolve` derives"),
    _dlt("dlt append", "dlt's REST API source; the first pull appends"),
    _dlt("dlt merge", "the same; merge by primary key from the first pull on"),
)


def dlt_python() -> Path:
    """The interpreter of dlt's own environment."""
    return DLT_HOME / "bin" / "python"


def install_dlt() -> None:
    """Make dlt's environment unless it is there; pip takes it from wherever it takes packages."""
    stamp = DLT_HOME / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == DLT:
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(DLT_HOME)], check=True)
    subprocess.run([str(dlt_python()), "-m", "pip", "install", "-qq", DLT], check=True)
    stamp.write_text(DLT, encoding="utf-8")


def named(names: Sequence[str]) -> list[Client]:
    """Clients by name, in the order of the table."""
    return [c for c in CLIENTS if c.name in names]
