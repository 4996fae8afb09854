"""Plans and the outbox.

States of an op:  queued -> sending (committed before the call) -> applied | unchanged | rejected | unknown | dead.
queued and unknown ops may also become superseded: a newer plan, or the record changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.model import Value
from core.store.db import Db, Row, dumps, loads, marks

OPEN_STATES = ("queued", "sending", "unknown")


@dataclass(slots=True)
class PlanItem:
    """One planned write. `before`, `after` in remote form; `reasons`: canonical field -> words."""

    connection: str
    stream: str
    record_id: int | None
    remote_id: str | None
    entity: str
    entity_id: int
    action: str
    before: dict[str, Value]
    after: dict[str, Value]
    reasons: dict[str, str]
    priority: int = 5
    key: tuple[str, str] | None = None


@dataclass(slots=True)
class Op:
    """One row of the outbox."""

    id: int
    connection: str
    stream: str
    record_id: int | None
    remote_id: str | None
    entity: str
    entity_id: int
    action: str
    before: dict[str, Value]
    after: dict[str, Value]
    reasons: dict[str, str]
    state: str
    attempts: int
    key: tuple[str, str] | None
    sent_at: int | None


def _op(r: Row) -> Op:
    return Op(
        r["id"],
        r["connection"],
        r["stream"],
        r["record_id"],
        r["remote_id"],
        r["entity"],
        r["entity_id"],
        r["action"],
        loads(r["before"]),
        loads(r["after"]),
        loads(r["reasons"]),
        r["state"],
        r["attempts"],
        (r["key_field"], r["key_value"]) if r["key_field"] else None,
        r["sent_at"],
    )


class Outbox:
    """What shall be written and what became of it."""

    def __init__(self, db: Db) -> None:
        self.db = db

    # ---- plans

    def new_plan(self, config_hash: str, *, now: int, run: int | None) -> int:
        """An empty plan; plans before the last ten are dropped (inside a write)."""
        cur = self.db.conn.execute(
            "INSERT INTO plan(created_at, config_hash, run, summary) VALUES (?, ?, ?, '{}')",
            (now, config_hash, run),
        )
        plan = int(cur.lastrowid or 0)
        self.db.conn.execute("DELETE FROM plan WHERE id <= ? - 10", (plan,))
        return plan

    def add_items(self, plan: int, items: Iterable[PlanItem]) -> None:
        self.db.many(
            "INSERT INTO plan_item(plan_id, connection, stream, record_id, remote_id, entity, entity_id, action, before, "
            "after, reasons, priority) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    plan,
                    i.connection,
                    i.stream,
                    i.record_id,
                    i.remote_id,
                    i.entity,
                    i.entity_id,
                    i.action,
                    dumps(i.before),
                    dumps(i.after),
                    dumps({"why": i.reasons, "key": i.key}),
                    i.priority,
                )
                for i in items
            ],
        )

    def close_plan(self, plan: int, summary: Mapping[str, Any]) -> None:
        self.db.conn.execute("UPDATE plan SET summary = ? WHERE id = ?", (dumps(summary), plan))

    def items(self, plan: int, connection: str | None = None, limit: int | None = None) -> Iterator[PlanItem]:
        """The items of a plan in the order in which they would be written."""
        sql = (
            "SELECT * FROM plan_item WHERE plan_id = ? AND (?2 IS NULL OR connection = ?2) "
            "ORDER BY connection, priority, id LIMIT ?3"
        )
        for r in self.db.each(sql, (plan, connection, -1 if limit is None else limit)):
            extra = loads(r["reasons"])
            key = extra["key"]
            yield PlanItem(
                r["connection"],
                r["stream"],
                r["record_id"],
                r["remote_id"],
                r["entity"],
                r["entity_id"],
                r["action"],
                loads(r["before"]),
                loads(r["after"]),
                extra["why"],
                r["priority"],
                (key[0], key[1]) if key else None,
            )

    # ---- queueing

    def supersede_queued(self, connection: str, *, now: int) -> int:
        """A newer plan replaces what was queued and never sent (inside a write)."""
        return self.db.conn.execute(
            "UPDATE op SET state = 'superseded', done_at = ?, error = 'a newer plan' WHERE connection = ? AND state = 'queued'",
            (now, connection),
        ).rowcount

    def enqueue(self, plan: int, config_hash: str, items: Iterable[PlanItem], *, now: int, run: int | None) -> int:
        """Queue items; a record that has an op under way is left for the next plan. Returns how many were queued
        (inside a write)."""
        before = self.db.conn.total_changes
        self.db.many(
            "INSERT OR IGNORE INTO op(plan_id, config_hash, run, connection, stream, record_id, remote_id, entity, entity_id, "
            "action, before, after, reasons, priority, key_field, key_value, queued_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    plan,
                    config_hash,
                    run,
                    i.connection,
                    i.stream,
                    i.record_id,
                    i.remote_id,
                    i.entity,
                    i.entity_id,
                    i.action,
                    dumps(i.before),
                    dumps(i.after),
                    dumps(i.reasons),
                    i.priority,
                    *(i.key or (None, None)),
                    now,
                )
                for i in items
            ],
        )
        return self.db.conn.total_changes - before

    def creates_under_way(self, connection: str) -> set[int]:
        """Entities for which a create was sent and nobody knows what became of it."""
        return {
            r["entity_id"]
            for r in self.db.each(
                "SELECT entity_id FROM op WHERE connection = ? AND action = 'create' AND state IN ('sending','unknown')",
                (connection,),
            )
        }

    # ---- sending

    def next_batch(self, connection: str, limit: int, *, now: int, below: int = 1_000) -> list[Op]:
        """The most urgent queued ops of one stream that were sent less than `below` times, at most `limit`."""
        first = self.db.one(
            "SELECT stream, action FROM op WHERE connection = ? AND state = 'queued' AND COALESCE(retry_at, 0) <= ? "
            "AND attempts < ? ORDER BY priority, id LIMIT 1",
            (connection, now, below),
        )
        if first is None:
            return []
        return [
            _op(r)
            for r in self.db.each(
                "SELECT * FROM op WHERE connection = ? AND stream = ? AND action = ? AND state = 'queued' "
                "AND COALESCE(retry_at, 0) <= ? AND attempts < ? ORDER BY priority, id LIMIT ?",
                (connection, first["stream"], first["action"], now, below, limit),
            )
        ]

    def next_retry(self, connection: str) -> int | None:
        """ms when the first queued op may be tried again; None when nothing is queued."""
        found = self.db.value(
            "SELECT MIN(COALESCE(retry_at, 0)) FROM op WHERE connection = ? AND state = 'queued'", (connection,)
        )
        return None if found is None else int(found)

    def under_way(self, connection: str) -> list[Op]:
        """Ops sent by a process that never told what became of them, and ops of unknown fate."""
        return [
            _op(r)
            for r in self.db.each(
                "SELECT * FROM op WHERE connection = ? AND state IN ('sending', 'unknown') ORDER BY id",
                (connection,),
            )
        ]

    def sending(self, ids: Sequence[int], *, now: int) -> None:
        self.db.many(
            "UPDATE op SET state = 'sending', sent_at = ?, attempts = attempts + 1 WHERE id = ?",
            [(now, i) for i in ids],
        )

    def settle(
        self,
        op_id: int,
        state: str,
        *,
        now: int,
        error: str | None = None,
        remote_id: str | None = None,
        record_id: int | None = None,
        retry_at: int | None = None,
    ) -> None:
        """The outcome of an op (inside a write)."""
        done = None if state in OPEN_STATES else now
        self.db.conn.execute(
            "UPDATE op SET state = ?, done_at = ?, error = ?, remote_id = COALESCE(?, remote_id), "
            "record_id = COALESCE(?, record_id), retry_at = ? WHERE id = ?",
            (state, done, error, remote_id, record_id, retry_at, op_id),
        )

    # ---- looking

    def last_outcome(self, record_ids: Sequence[int]) -> dict[int, tuple[str, dict[str, Value], str | None, int]]:
        """record -> (state, after, error, done_at) of its newest rejected or dead op that nothing followed."""
        return {
            r["record_id"]: (r["state"], loads(r["after"]), r["error"], r["done_at"])
            for r in self.db.each(
                f"SELECT record_id, state, after, error, done_at, MAX(id) FROM op WHERE record_id IN ({marks(len(record_ids))}) "
                "AND state <> 'superseded' GROUP BY record_id",
                list(record_ids),
            )
            if r["state"] in ("rejected", "dead")
        }

    def last_scored(self, record_ids: Sequence[int]) -> dict[int, int]:
        """record -> ms when a score was last written to it."""
        return {
            r["record_id"]: r["at"]
            for r in self.db.each(
                f"SELECT record_id, MAX(done_at) AS at FROM op WHERE record_id IN ({marks(len(record_ids))}) "
                "AND state = 'applied' AND json_extract(reasons, '$.score') IS NOT NULL GROUP BY record_id",
                list(record_ids),
            )
        }

    def open_count(self, connection: str | None = None) -> int:
        return int(
            self.db.value(
                "SELECT COUNT(*) FROM op WHERE state IN ('queued', 'sending', 'unknown') AND (?1 IS NULL OR connection = ?1)",
                (connection,),
            )
        )

    def of_entity(self, entity: str, entity_id: int) -> list[Row]:
        return self.db.rows(
            "SELECT id, connection, stream, remote_id, action, before, after, reasons, state, error, queued_at, sent_at, done_at "
            "FROM op WHERE entity = ? AND entity_id = ? ORDER BY id",
            (entity, entity_id),
        )
