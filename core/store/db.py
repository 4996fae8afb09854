"""One SQLite file, one writer, explicit transactions.

The planner has no statistics of a young store: joins that must go one way say CROSS JOIN, which SQLite keeps in order.

Every write runs inside `Db.write()`: BEGIN IMMEDIATE, the fencing tokens of the leases we hold are checked, then
COMMIT. `on_commit` is called right before each commit reaches the file and right after, so that tests can kill the
process at every such point.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from core.errors import LeaseLost, StoreBroken

Row = sqlite3.Row
#: names of `core.store.schema.migrations`, in order (a test compares)
MIGRATIONS = ("m001_facts", "m002_activity", "m003_decisions", "m004_work", "m005_deals", "m006_live_records")
_MIN_SQLITE = (3, 37, 0)  # STRICT tables
#: rows of one INSERT; 32,766 values are the most that a statement takes
_ROWS = 100


def dumps(value: Any) -> str:
    """Compact JSON with sorted keys: equal values give equal text."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


loads = orjson.loads


class Db:
    """The open store file.

    Raises StoreBroken when the file is no store, is of a newer version, or SQLite is too old.
    """

    def __init__(self, path: Path | str, *, on_commit: Callable[[str], None] | None = None) -> None:
        self.path = str(path)
        self.on_commit = on_commit or (lambda _side: None)
        self.fences: dict[str, int] = {}  # lease name -> token that must still be ours at each commit
        if sqlite3.sqlite_version_info < _MIN_SQLITE:
            raise StoreBroken(
                self.path,
                f"SQLite {sqlite3.sqlite_version} is too old",
                "use a Python with SQLite 3.37 or newer",
            )
        if not Path(self.path).exists() and self.path != ":memory:":
            with suppress(OSError):  # what is wrong shows at connect; personal data is for its owner only
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        try:
            self.conn = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
            self.conn.row_factory = sqlite3.Row
            for pragma in (
                "page_size = 8192",  # a record is about 1 KB; heeded while the file is empty, and so before WAL
                "journal_mode = WAL",
                "synchronous = NORMAL",
                "foreign_keys = ON",
                "busy_timeout = 30000",
                "temp_store = MEMORY",
                "cache_size = -32000",
            ):
                self.conn.execute(f"PRAGMA {pragma}")
            if self._applied() != set(MIGRATIONS):
                self._migrate()
        except sqlite3.Error as e:
            raise broken(self.path, e) from e

    def _applied(self) -> set[str]:
        """Migrations that this file has had."""
        if not self.value("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'"):
            return set()
        return {r["name"] for r in self.each("SELECT name FROM _sqlite_migrations WHERE migration_set = 'crmhub'")}

    def _migrate(self) -> None:
        if newer := self._applied() - set(MIGRATIONS):
            raise StoreBroken(
                self.path,
                f"made by a newer crmhub (has {', '.join(sorted(newer))})",
                "upgrade crmhub, or restore a backup",
            )
        from sqlite_utils import Database  # 40 ms: only a store that needs a migration pays

        from core.store.schema import migrations

        migrations.apply(Database(self.conn))
        self.conn.commit()

    # ---- reading

    def rows(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        """All rows of a query that is known to be small (one page, one entity, a count)."""
        return self.conn.execute(sql, params).fetchall()

    def each(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> Iterator[Row]:
        """Rows one by one, for what may be large."""
        yield from self.conn.execute(sql, params)

    def one(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> Row | None:
        row: Row | None = self.conn.execute(sql, params).fetchone()
        return row

    def value(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """First column of the first row, None when there is none."""
        row = self.conn.execute(sql, params).fetchone()
        return None if row is None else row[0]

    # ---- writing

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction; nested use joins the outer one. Raises LeaseLost when a lease of ours was taken over."""
        if self.conn.in_transaction:
            yield self.conn
            return
        self.conn.execute("BEGIN IMMEDIATE")
        try:
            yield self.conn
            for name, token in self.fences.items():
                if self.value("SELECT token FROM lease WHERE name = ?", (name,)) != token:
                    raise LeaseLost(name)
        except BaseException:
            self.conn.execute("ROLLBACK")
            raise
        self.on_commit("before")
        self.conn.execute("COMMIT")
        self.on_commit("after")

    def many(self, sql: str, params: Iterable[Sequence[Any]]) -> None:
        """executemany on the raw connection, inside a `write()`."""
        self.conn.executemany(sql, params)

    def insert(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """`sql` (INSERT ... without VALUES) for many rows of equal length, inside a `write()`.

        A statement for 100 rows, not one for each: between two statements a thread that reads a CRM may take the
        interpreter, and keeps it for milliseconds.
        """
        if not rows:
            return
        one = f"({marks(len(rows[0]))})"
        whole = len(rows) // _ROWS * _ROWS
        for at in range(0, whole, _ROWS):
            values = [value for row in rows[at : at + _ROWS] for value in row]
            self.conn.execute(f"{sql} VALUES {','.join([one] * _ROWS)}", values)
        self.conn.executemany(f"{sql} VALUES {one}", rows[whole:])

    def close(self) -> None:
        self.conn.close()


def broken(path: str, e: sqlite3.Error) -> StoreBroken:
    """What SQLite says, with what to do about it."""
    text = str(e)
    if "disk" in text or "full" in text:
        return StoreBroken(
            path, text, "free disk space (or raise the file size limit), then run it again: nothing is lost"
        )
    if "readonly" in text or "unable to open" in text:
        return StoreBroken(path, text, "let this user write to the file and its folder")
    if "locked" in text:
        return StoreBroken(path, text, "another program holds the file; close it, then run it again")
    return StoreBroken(path, text, "is this a crmhub store? restore a backup, or name another file in [hub] store")


def marks(n: int) -> str:
    """`?, ?, ?` for n values."""
    return ",".join("?" * n)
