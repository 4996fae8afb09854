"""Activities: what happened, who took part, and which person that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.model import Value
from core.store.db import Db, Row, dumps, marks
from core.store.rows import LinkTo, PageStats


@dataclass(slots=True)
class Happening:
    """One activity as a connector showed it, in our words. `parties`: (stream, remote id) or ("email", address)."""

    remote_id: str
    kind: str
    actor: str
    occurred_at: int | None
    completed: bool
    title: str | None
    direction: str | None
    outcome: str | None
    values: dict[str, Value]
    modified_at: int | None
    parties: tuple[tuple[str, str], ...] | None


class Activities:
    """The activity table and its parties."""

    def __init__(self, db: Db) -> None:
        self.db = db

    def store(self, connection: str, stream: str, rows: Sequence[Happening], *, now: int) -> PageStats:
        """Insert or update one page; people whose activities changed are qualified again (inside a write)."""
        unique = {r.remote_id: r for r in rows}
        stats = PageStats(pulled=len(unique))
        known = {
            r["remote_id"]: r
            for r in self.db.each(
                "SELECT id, remote_id, remote, kind, occurred_at, completed, outcome, deleted_at FROM activity "
                f"WHERE connection = ? AND stream = ? AND remote_id IN ({marks(len(unique))})",
                (connection, stream, *unique),
            )
        }
        fresh = [r for i, r in unique.items() if i not in known]
        changed = [r for i, r in unique.items() if i in known and self._differs(known[i], r)]
        stats.created, stats.changed = len(fresh), len(fresh) + len(changed)
        self.db.many(
            "INSERT INTO activity(connection, stream, remote_id, kind, actor, occurred_at, completed, title, direction, outcome, "
            "remote, modified_at, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(connection, stream, r.remote_id, *self._facts(r), now) for r in fresh],
        )
        self.db.many(
            "UPDATE activity SET kind = ?, actor = ?, occurred_at = ?, completed = ?, title = ?, direction = ?, outcome = ?, "
            "remote = ?, modified_at = ?, seen_at = ?, deleted_at = NULL WHERE id = ?",
            [(*self._facts(r), now, known[r.remote_id]["id"]) for r in changed],
        )
        touched = [r for r in (*fresh, *changed) if r.parties is not None]
        if touched:
            self._set_parties(connection, stream, {r.remote_id: r.parties or () for r in touched})
        if fresh or changed:
            self._wake(connection, stream, [r.remote_id for r in (*fresh, *changed)])
        return stats

    @staticmethod
    def _facts(r: Happening) -> tuple[object, ...]:
        return (
            r.kind,
            r.actor,
            r.occurred_at,
            int(r.completed),
            r.title,
            r.direction,
            r.outcome,
            dumps(r.values),
            r.modified_at,
        )

    def _differs(self, old: Row, r: Happening) -> bool:
        if old["deleted_at"] is not None or old["remote"] != dumps(r.values):
            return True
        if (old["kind"], old["occurred_at"], bool(old["completed"]), old["outcome"]) != (
            r.kind,
            r.occurred_at,
            r.completed,
            r.outcome,
        ):
            return True
        if r.parties is None:
            return False
        stored = {
            (p["stream"], p["ref"])
            for p in self.db.each("SELECT stream, ref FROM activity_party WHERE activity_id = ?", (old["id"],))
        }
        return stored != set(r.parties)

    def _set_parties(self, connection: str, stream: str, parties: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        ids = {
            r["remote_id"]: r["id"]
            for r in self.db.each(
                f"SELECT id, remote_id FROM activity WHERE connection = ? AND stream = ? AND remote_id IN ({marks(len(parties))})",
                (connection, stream, *parties),
            )
        }
        # whoever loses an activity is qualified again, too
        self._wake(connection, stream, list(ids))
        self.db.many("DELETE FROM activity_party WHERE activity_id = ?", [(i,) for i in ids.values()])
        self.db.many(
            "INSERT OR IGNORE INTO activity_party(activity_id, connection, stream, ref) VALUES (?, ?, ?, ?)",
            [(ids[i], connection, s, ref) for i, took in parties.items() for s, ref in took],
        )

    def relink(self, connection: str, stream: str, links: Mapping[str, tuple[LinkTo, ...]]) -> int:
        """Who took part in known activities, read again: {remote id: links}; how many changed (inside a write).

        Parties by e-mail address are no links of the CRM and stay.
        """
        stored: dict[str, set[tuple[str, str]]] = {i: set() for i in links}
        address: dict[str, set[tuple[str, str]]] = {i: set() for i in links}
        for r in self.db.each(
            "SELECT a.remote_id, p.stream, p.ref FROM activity a CROSS JOIN activity_party p ON p.activity_id = a.id "
            f"WHERE a.connection = ? AND a.stream = ? AND a.remote_id IN ({marks(len(links))})",
            (connection, stream, *links),
        ):
            (address if r["stream"] == "email" else stored)[r["remote_id"]].add((r["stream"], r["ref"]))
        moved = {i: {k[:2] for k in found} for i, found in links.items() if {k[:2] for k in found} != stored[i]}
        self._set_parties(connection, stream, {i: sorted(found | address[i]) for i, found in moved.items()})
        return len(moved)

    def _wake(self, connection: str, stream: str, remote_ids: Sequence[str]) -> None:
        self.db.conn.execute(
            "UPDATE person SET todo_qualify = 1 WHERE id IN (SELECT p.person_id FROM activity a CROSS JOIN activity_party p "
            f"ON p.activity_id = a.id WHERE a.connection = ? AND a.stream = ? AND a.remote_id IN ({marks(len(remote_ids))}))",
            (connection, stream, *remote_ids),
        )

    def mark_deleted(self, connection: str, stream: str, gone: Iterable[tuple[str, int | None]], *, now: int) -> int:
        """Activities that the CRM deleted no longer count (inside a write)."""
        n = 0
        for remote_id, at in gone:
            n += self.db.conn.execute(
                "UPDATE activity SET deleted_at = ? WHERE connection = ? AND stream = ? AND remote_id = ? AND deleted_at IS NULL",
                (at or now, connection, stream, remote_id),
            ).rowcount
            self._wake(connection, stream, [remote_id])
        return n

    # ---- who is it

    def attach(self) -> int:
        """Give parties without a person one, where their record or address has become known (inside a write).

        Returns how many were attached.
        """
        self.db.conn.execute("DROP TABLE IF EXISTS temp.found_party")
        self.db.conn.execute(
            """
            CREATE TEMP TABLE found_party AS
            SELECT p.activity_id, p.stream, p.ref, r.entity_id AS person_id
            FROM activity_party p CROSS JOIN record r ON r.connection = p.connection AND r.stream = p.stream AND r.remote_id = p.ref
            WHERE p.person_id IS NULL AND p.stream <> 'email' AND r.entity = 'person' AND r.entity_id IS NOT NULL
            UNION ALL
            SELECT p.activity_id, p.stream, p.ref, MIN(r.entity_id)
            FROM activity_party p CROSS JOIN identifier i ON i.kind = 'email' AND i.value = LOWER(TRIM(p.ref))
              CROSS JOIN record r ON r.id = i.record_id AND r.entity = 'person' AND r.entity_id IS NOT NULL AND r.deleted_at IS NULL
            WHERE p.person_id IS NULL AND p.stream = 'email'
            GROUP BY p.activity_id, p.stream, p.ref
            """
        )
        n = self.db.conn.execute(
            "UPDATE activity_party SET person_id = f.person_id FROM temp.found_party f WHERE activity_party.activity_id = f.activity_id "
            "AND activity_party.stream = f.stream AND activity_party.ref = f.ref"
        ).rowcount
        self.db.conn.execute(
            "UPDATE person SET todo_qualify = 1 WHERE id IN (SELECT DISTINCT person_id FROM temp.found_party)"
        )
        return n

    def follow(self, moves: dict[int, int], reassigned: Sequence[tuple[str, str, str, int]]) -> None:
        """People were joined (`moves` old -> new) or records got a person ((connection, stream, id, person)): their
        activities follow (inside a write)."""
        self.db.many(
            "UPDATE activity_party SET person_id = ? WHERE person_id = ?",
            [(w, lo) for lo, w in moves.items()],
        )
        self.db.many(
            "UPDATE activity_party SET person_id = ?4 WHERE stream = ?2 AND ref = ?3 AND connection = ?1 AND person_id IS NOT ?4",
            reassigned,
        )

    def latest_by_record(self, people: Sequence[int]) -> dict[int, int]:
        """record -> ms of the latest activity that names it, for the records of some people."""
        return {
            r["id"]: r["at"]
            for r in self.db.each(
                "SELECT r.id, MAX(a.occurred_at) AS at FROM record r JOIN activity_party p ON p.stream = r.stream "
                "AND p.ref = r.remote_id AND p.connection = r.connection JOIN activity a ON a.id = p.activity_id "
                f"WHERE r.entity = 'person' AND r.entity_id IN ({marks(len(people))}) AND a.deleted_at IS NULL "
                "AND a.completed = 1 AND a.occurred_at IS NOT NULL GROUP BY r.id",
                list(people),
            )
        }

    def of_people(self, ids: Sequence[int]) -> dict[int, list[Row]]:
        """person -> activities that happened, oldest first."""
        found: dict[int, list[Row]] = {i: [] for i in ids}
        for r in self.db.each(
            "SELECT DISTINCT p.person_id, a.id, a.kind, a.occurred_at, a.title, a.direction, a.outcome, a.connection, a.actor "
            f"FROM activity_party p CROSS JOIN activity a ON a.id = p.activity_id WHERE p.person_id IN ({marks(len(ids))}) "
            "AND a.deleted_at IS NULL AND a.completed = 1 AND a.occurred_at IS NOT NULL AND a.op_id IS NULL "
            "ORDER BY a.occurred_at, a.connection, a.stream, a.remote_id",
            list(ids),
        ):
            found[r["person_id"]].append(r)
        return found
