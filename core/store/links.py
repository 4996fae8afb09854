"""Identifiers, links and the review queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.identity import Edge
from core.store.db import Db, marks


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that share an identifier."""

    a: int
    b: int
    kind: str
    value: str


class Links:
    """Who belongs to whom, with evidence."""

    def __init__(self, db: Db) -> None:
        self.db = db

    def set_identifiers(self, record_ids: Sequence[int], found: Iterable[tuple[str, str, int]]) -> None:
        """Replace the identifiers of some records: (kind, value, record) (inside a write)."""
        self.db.many("DELETE FROM identifier WHERE record_id = ?", [(i,) for i in record_ids])
        self.db.many("INSERT OR IGNORE INTO identifier(kind, value, record_id) VALUES (?, ?, ?)", found)

    def pairs(self, record_ids: Sequence[int], entity: str, *, shared_limit: int) -> list[Pair]:
        """Pairs (one of `record_ids`, another record of the entity) with a common identifier.

        An identifier shared by more than `shared_limit` records links nobody: it says nothing about a person.
        """
        return [
            Pair(r["a"], r["b"], r["kind"], r["value"])
            for r in self.db.each(
                f"""
                WITH mine AS (
                  SELECT i.kind, i.value, i.record_id AS a FROM identifier i WHERE i.record_id IN ({marks(len(record_ids))})
                ), usable AS (
                  SELECT m.kind, m.value, m.a FROM mine m WHERE m.kind IN ('xid', 'rec')
                    OR (SELECT COUNT(*) FROM (SELECT 1 FROM identifier x WHERE x.kind = m.kind AND x.value = m.value LIMIT ?))
                       <= ?
                )
                SELECT u.a, o.record_id AS b, u.kind, u.value
                FROM usable u CROSS JOIN identifier o ON o.kind = u.kind AND o.value = u.value AND o.record_id <> u.a
                CROSS JOIN record r ON r.id = o.record_id AND r.entity = ?
                """,
                (*record_ids, shared_limit + 1, shared_limit, entity),
            )
        ]

    def forbidden(self, pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
        """Those pairs (low id, high id) that a person declared not the same."""
        if not self.db.value("SELECT EXISTS(SELECT 1 FROM cannot_link)"):
            return set()
        return {p for p in pairs if self.db.value("SELECT 1 FROM cannot_link WHERE record_a = ? AND record_b = ?", p)}

    def entities(self, record_ids: Sequence[int]) -> dict[int, int | None]:
        """record -> entity it belongs to."""
        return {
            r["id"]: r["entity_id"]
            for r in self.db.each(
                f"SELECT id, entity_id FROM record WHERE id IN ({marks(len(record_ids))})", list(record_ids)
            )
        }

    def add(self, rows: Iterable[tuple[int, str, int, str, int, str]], *, run: int | None, at: int) -> None:
        """(record, entity, entity id, rule, weight, evidence): new links (inside a write)."""
        self.db.many(
            "INSERT INTO link(record_id, entity, entity_id, rule, weight, evidence, run, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(*r, run, at) for r in rows],
        )

    def assign(self, rows: Iterable[tuple[int, int]]) -> None:
        """(entity id, record id); agreement starts anew: times before the link prove nothing (inside a write)."""
        self.db.many("UPDATE record SET entity_id = ?, base = '{}', stamps = NULL, dirty = 1 WHERE id = ?", rows)

    def absorb(self, entity: str, moves: dict[int, int], *, born: set[int], run: int | None, at: int) -> None:
        """Entities that turned out to be others: their records move, they keep a pointer (inside a write).

        Those of `born`, made in this very transaction, leave no trace.
        """
        for loser in moves.keys() & born:
            self.db.conn.execute(
                "UPDATE record SET entity_id = ? WHERE entity = ? AND entity_id = ?", (moves[loser], entity, loser)
            )
            self.db.conn.execute(f"DELETE FROM {entity} WHERE id = ?", (loser,))
        for loser, winner in ((lo, w) for lo, w in moves.items() if lo not in born):
            self.db.conn.execute(
                "INSERT INTO link(record_id, entity, entity_id, rule, weight, evidence, run, at) "
                "SELECT id, entity, ?, 'joined', 100, ?, ?, ? FROM record WHERE entity = ? AND entity_id = ?",
                (winner, f"{entity} {loser} turned out to be {entity} {winner}", run, at, entity, loser),
            )
            self.db.conn.execute(
                "UPDATE record SET entity_id = ?, base = '{}', stamps = NULL, dirty = 1 WHERE entity = ? AND entity_id = ?",
                (winner, entity, loser),
            )
            self.db.conn.execute(
                f"UPDATE {entity} SET merged_into = ?, updated_at = ? WHERE id = ?",
                (winner, at, loser),
            )
            self.db.conn.execute(
                "UPDATE conflict SET closed_at = ?, closed_by = 'joined' WHERE entity = ? AND entity_id = ? AND closed_at IS NULL",
                (at, entity, loser),
            )

    def queue_reviews(self, entity: str, edges: Iterable[Edge], *, run: int | None, at: int) -> int:
        """Remember pairs that a person shall judge; asked once (inside a write)."""
        n = 0
        for e in edges:
            n += self.db.conn.execute(
                "INSERT OR IGNORE INTO review(entity, record_a, record_b, rule, weight, evidence, run, at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (entity, e.a, e.b, e.rule, e.weight, e.evidence, run, at),
            ).rowcount
        return n

    def close_reviews(self, *, at: int) -> None:
        """A pair that got joined for certain, or lost a side, no longer waits (inside a write)."""
        self.db.conn.execute(
            "UPDATE review SET state = 'settled', decided_at = ? WHERE state = 'open' AND EXISTS ("
            " SELECT 1 FROM record a, record b WHERE a.id = review.record_a AND b.id = review.record_b"
            " AND (a.entity_id = b.entity_id OR a.deleted_at IS NOT NULL OR b.deleted_at IS NOT NULL))",
            (at,),
        )

    def waiting(self, entity: str = "person") -> int:
        """How many distinct pairs of entities wait in the review queue."""
        return int(
            self.db.value(
                "SELECT COUNT(*) FROM (SELECT DISTINCT MIN(a.entity_id, b.entity_id), MAX(a.entity_id, b.entity_id) "
                "FROM review v JOIN record a ON a.id = v.record_a JOIN record b ON b.id = v.record_b "
                "WHERE v.state = 'open' AND v.entity = ?)",
                (entity,),
            )
        )
