"""Progress and bookkeeping: runs, leases, bookmarks, calls, connections, dead letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from core.errors import LeaseHeld
from core.store.db import Db, Row, dumps, loads

#: a lease whose holder has not given a sign of life for this long is taken over (ms of real time)
LEASE_LIFE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a stream's pull stands. `value` None = never pulled; `completed_at` None = first pull unfinished.

    `started_at`: when the last complete pull began; what it did not show to be changed was unchanged then."""

    value: dict[str, Any] | None
    fetched: frozenset[str]
    started_at: int | None
    completed_at: int | None
    passes: int


class Runs:
    """The job journal and everything that says how far we are."""

    def __init__(self, db: Db) -> None:
        self.db = db

    # ---- runs

    def start(self, command: str, *, now: int, pid: int, config_hash: str, mapping_hash: str) -> int:
        """A new row in the journal; its id."""
        with self.db.write() as c:
            cur = c.execute(
                "INSERT INTO run(command, started_at, pid, config_hash, mapping_hash) VALUES (?, ?, ?, ?, ?)",
                (command, now, pid, config_hash, mapping_hash),
            )
            return int(cur.lastrowid or 0)

    def finish(self, run: int, status: str, summary: Mapping[str, Any], *, now: int) -> None:
        with self.db.write() as c:
            c.execute(
                "UPDATE run SET ended_at = ?, status = ?, summary = ? WHERE id = ?",
                (now, status, dumps(summary), run),
            )

    def abandon(self, *, alive: set[int], now: int) -> int:
        """Runs whose process is gone were killed; returns how many."""
        with self.db.write() as c:
            dead = [
                r["id"]
                for r in c.execute("SELECT id, pid FROM run WHERE status = 'running'").fetchall()
                if r["pid"] not in alive
            ]
            c.executemany("UPDATE run SET status = 'killed', ended_at = ? WHERE id = ?", [(now, i) for i in dead])
            return len(dead)

    def running_pids(self) -> set[int]:
        return {r["pid"] for r in self.db.each("SELECT DISTINCT pid FROM run WHERE status = 'running'")}

    def first_run(self, now: int) -> int:
        """ms of the first run in the journal; now when there is none."""
        return int(self.db.value("SELECT COALESCE(MIN(started_at), ?) FROM run", (now,)))

    def recent(self, limit: int) -> list[Row]:
        return self.db.rows(
            "SELECT id, command, started_at, ended_at, status, summary FROM run ORDER BY id DESC LIMIT ?",
            (limit,),
        )

    # ---- leases

    def take_lease(self, name: str, holder: str, *, real_ms: int) -> int:
        """Take or take over a lease; its fencing token. Raises LeaseHeld while another holder is alive.

        Leases run on real time: they are about processes, not about the world of the CRMs.
        """
        with self.db.write() as c:
            row = c.execute("SELECT holder, token, beat_at FROM lease WHERE name = ?", (name,)).fetchone()
            if row is not None and row["holder"] != "" and real_ms - row["beat_at"] < LEASE_LIFE_MS:
                raise LeaseHeld(name, row["holder"], max(0, (real_ms - row["beat_at"]) // 1000))
            token = 1 if row is None else row["token"] + 1
            c.execute(
                "INSERT INTO lease(name, holder, token, beat_at, taken_at) VALUES (?1, ?2, ?3, ?4, ?4) "
                "ON CONFLICT(name) DO UPDATE SET holder = ?2, token = ?3, beat_at = ?4, taken_at = ?4",
                (name, holder, token, real_ms),
            )
        self.db.fences[name] = token
        return token

    def free_lease(self, name: str, *, holder_gone: str | None = None) -> None:
        """Give a lease back; with `holder_gone`, free it because that process is known to be dead."""
        token = self.db.fences.pop(name, None)
        with self.db.write() as c:
            if holder_gone is None:  # one that was taken over belongs to somebody else now
                c.execute("UPDATE lease SET holder = '', beat_at = 0 WHERE name = ? AND token = ?", (name, token))
            else:
                c.execute(
                    "UPDATE lease SET holder = '', beat_at = 0 WHERE name = ? AND holder = ?",
                    (name, holder_gone),
                )

    def beat(self, names: Sequence[str], *, real_ms: int) -> None:
        """A sign of life for the leases we hold."""
        with self.db.write() as c:
            c.executemany("UPDATE lease SET beat_at = ? WHERE name = ?", [(real_ms, n) for n in names])

    def lease_holder(self, name: str) -> str | None:
        found = self.db.value("SELECT holder FROM lease WHERE name = ?", (name,))
        return str(found) if found else None

    # ---- bookmarks

    def mark(self, connection: str, stream: str) -> Mark:
        row = self.db.one(
            "SELECT b.value, b.started_at, b.completed_at, b.passes, f.fields FROM bookmark b "
            "LEFT JOIN field_set f ON f.id = b.fetched WHERE connection = ? AND stream = ?",
            (connection, stream),
        )
        if row is None:
            return Mark(None, frozenset(), None, None, 0)
        return Mark(
            None if row["value"] is None else loads(row["value"]),
            frozenset(loads(row["fields"])) if row["fields"] else frozenset(),
            row["started_at"],
            row["completed_at"],
            row["passes"],
        )

    def set_mark(
        self,
        connection: str,
        stream: str,
        value: Mapping[str, Any],
        *,
        fetched: int,
        started_at: int,
        done_at: int | None,
    ) -> None:
        """Store a page's bookmark (inside the write that stores the page)."""
        self.db.conn.execute(
            "INSERT INTO bookmark(connection, stream, value, fetched, started_at, completed_at, passes) "
            "VALUES (?1, ?2, ?3, ?4, CASE WHEN ?6 IS NOT NULL THEN ?5 END, ?6, ?6 IS NOT NULL) ON CONFLICT(connection, stream) DO UPDATE SET value = ?3, "
            "fetched = ?4, started_at = CASE WHEN ?6 IS NULL THEN started_at ELSE ?5 END, completed_at = COALESCE(?6, completed_at), passes = passes + (?6 IS NOT NULL)",
            (connection, stream, dumps(value), fetched, started_at, done_at),
        )

    def widen_mark(self, connection: str, stream: str, fetched: int) -> None:
        """The stored rows are known to have more fields now (inside a write)."""
        self.db.conn.execute(
            "UPDATE bookmark SET fetched = ? WHERE connection = ? AND stream = ?",
            (fetched, connection, stream),
        )

    # ---- API calls

    def count_calls(self, connection: str, calls: Mapping[tuple[str, int, str], int]) -> None:
        """{(endpoint, status, day): n} (inside a write)."""
        self.db.many(
            "INSERT INTO call(connection, endpoint, day, status, count) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT(connection, endpoint, day, status) DO UPDATE SET count = count + excluded.count",
            [(connection, e, d, s, n) for (e, s, d), n in calls.items()],
        )

    def calls_on(self, connection: str, day: str) -> int:
        return int(
            self.db.value(
                "SELECT COALESCE(SUM(count), 0) FROM call WHERE connection = ? AND day = ?", (connection, day)
            )
        )

    # ---- connections

    def connection(self, name: str) -> Row | None:
        return self.db.one("SELECT * FROM connection WHERE name = ?", (name,))

    def pin_account(self, name: str, kind: str, account_id: str, account: str, user: str, *, now: int) -> None:
        with self.db.write() as c:
            c.execute(
                "INSERT INTO connection(name, kind, account_id, account, user, checked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
                "ON CONFLICT(name) DO UPDATE SET account_id = ?3, account = ?4, user = ?5, checked_at = ?6",
                (name, kind, account_id, account, user, now),
            )

    def approve(self, name: str, kind: str, by: str, *, now: int) -> None:
        """Writes to this connection were approved by a person."""
        with self.db.write() as c:
            c.execute(
                "INSERT INTO connection(name, kind, approved_at, approved_by) VALUES (?1, ?2, ?3, ?4) "
                "ON CONFLICT(name) DO UPDATE SET approved_at = ?3, approved_by = ?4",
                (name, kind, now, by),
            )

    def schema(self, connection: str, stream: str) -> tuple[list[dict[str, Any]], int] | None:
        """(fields as described, ms when) or None."""
        row = self.db.one(
            "SELECT fields, at FROM remote_schema WHERE connection = ? AND stream = ?", (connection, stream)
        )
        return None if row is None else (loads(row["fields"]), row["at"])

    def save_schema(self, connection: str, stream: str, fields: Sequence[Mapping[str, Any]], *, now: int) -> None:
        with self.db.write() as c:
            c.execute(
                "INSERT OR REPLACE INTO remote_schema(connection, stream, fields, at) VALUES (?, ?, ?, ?)",
                (connection, stream, dumps(list(fields)), now),
            )

    def age_schema(self, connection: str, stream: str, at: int) -> None:
        """Take a description for as old as `at` (ms), if it is younger: it will be asked for again sooner."""
        with self.db.write() as c:
            c.execute(
                "UPDATE remote_schema SET at = MIN(at, ?) WHERE connection = ? AND stream = ?", (at, connection, stream)
            )

    # ---- settings that a person switches while we run

    def setting(self, name: str) -> str | None:
        found = self.db.value("SELECT value FROM setting WHERE name = ?", (name,))
        return None if found is None else str(found)

    def set_setting(self, name: str, value: str, *, now: int) -> None:
        with self.db.write() as c:
            c.execute("INSERT OR REPLACE INTO setting(name, value, at) VALUES (?, ?, ?)", (name, value, now))

    # ---- dead letters

    def dead_letter(
        self,
        direction: str,
        connection: str,
        stream: str,
        remote_id: str | None,
        raw: Any,
        reason: str,
        remedy: str,
        *,
        now: int,
        run: int | None,
        op_id: int | None = None,
    ) -> bool:
        """Park something that needs a person; True when it is new (inside a write)."""
        text = dumps(raw)
        print_ = sha256(f"{direction}|{connection}|{stream}|{remote_id}|{reason}|{text}".encode()).hexdigest()[:32]
        return bool(
            self.db.conn.execute(
                "INSERT OR IGNORE INTO dead_letter(direction, connection, stream, remote_id, op_id, raw, reason, remedy, at, "
                "run, fingerprint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (direction, connection, stream, remote_id, op_id, text, reason, remedy, now, run, print_),
            ).rowcount
        )

    def some_dead_letters(self, limit: int) -> list[Row]:
        """The newest open ones."""
        return self.db.rows(
            "SELECT id, direction, connection, stream, remote_id, reason, remedy, at FROM dead_letter WHERE state = 'open' "
            "ORDER BY id DESC LIMIT ?",
            (limit,),
        )

    # ---- figures

    def figures(self) -> dict[str, Any]:
        """Counts for `status`."""

        def by(sql: str) -> dict[str, int]:
            return {r[0]: r[1] for r in self.db.each(sql)}

        return {
            "records": by(
                "SELECT connection, COUNT(*) FROM record WHERE deleted_at IS NULL AND merged_into IS NULL "
                "AND entity <> 'owner' GROUP BY connection"
            ),
            "activities": by("SELECT connection, COUNT(*) FROM activity WHERE deleted_at IS NULL GROUP BY connection"),
            "pulled": by("SELECT connection, MIN(completed_at) FROM bookmark GROUP BY connection"),
            "people": int(self.db.value("SELECT COUNT(*) FROM person WHERE merged_into IS NULL")),
            "in_several": int(
                self.db.value(
                    "SELECT COUNT(*) FROM (SELECT entity_id FROM record WHERE entity = 'person' AND deleted_at IS NULL "
                    "AND merged_into IS NULL GROUP BY entity_id HAVING COUNT(DISTINCT connection) > 1)"
                )
            ),
            "companies": int(self.db.value("SELECT COUNT(*) FROM company WHERE merged_into IS NULL")),
            "stages": by("SELECT stage, COUNT(*) FROM stage GROUP BY stage ORDER BY COUNT(*) DESC"),
            "bands": by("SELECT band, COUNT(*) FROM score GROUP BY band ORDER BY COUNT(*) DESC"),
            "disagree": by(
                "SELECT field, COUNT(*) FROM conflict WHERE closed_at IS NULL AND kind <> 'noted' GROUP BY field "
                "ORDER BY COUNT(*) DESC"
            ),
        }

    def open_dead_letters(self) -> int:
        return int(self.db.value("SELECT COUNT(*) FROM dead_letter WHERE state = 'open'"))


def day_of(ms: int) -> str:
    """UTC day of a time, ISO."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")
