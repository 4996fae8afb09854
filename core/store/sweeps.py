"""What a look beyond the feeds needs: what the store holds against what lies in a CRM's bin, and links read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from core.store.db import Db


class Sweeps:
    """Reads over records and activities of one stream; `activity` says which of the two tables it is."""

    def __init__(self, db: Db) -> None:
        self.db = db

    def empty(self) -> None:
        """Forget the bin of the last sweep."""
        self.db.conn.execute("DROP TABLE IF EXISTS temp.bin")
        self.db.conn.execute("CREATE TEMP TABLE bin(remote_id TEXT PRIMARY KEY, at INTEGER) WITHOUT ROWID")

    def fill(self, items: Iterable[tuple[str, int | None]]) -> None:
        """Some of what lies in the bin: (remote id, ms when it was deleted)."""
        self.db.conn.executemany("INSERT OR REPLACE INTO temp.bin VALUES (?, ?)", items)

    def news(self, connection: str, stream: str, *, activity: bool) -> list[str]:
        """In the bin, live in the store."""
        live = "deleted_at IS NULL" + ("" if activity else " AND merged_into IS NULL")
        return self._ids(
            f"SELECT s.remote_id FROM temp.bin b CROSS JOIN {_table(activity)} s ON s.connection = ? AND s.stream = ? "
            f"AND s.remote_id = b.remote_id WHERE {live} ORDER BY s.remote_id",
            (connection, stream),
        )

    def left(self, connection: str, stream: str, since: int, *, activity: bool) -> list[str]:
        """Deleted in the store after `since` (ms), and not in the bin any more: restored, or gone for good."""
        return self._ids(
            f"SELECT s.remote_id FROM {_table(activity)} s WHERE s.connection = ? AND s.stream = ? AND s.deleted_at >= ? "
            "AND NOT EXISTS (SELECT 1 FROM temp.bin b WHERE b.remote_id = s.remote_id) ORDER BY s.remote_id",
            (connection, stream, since),
        )

    def live(self, connection: str, stream: str, since: int, size: int, *, activity: bool) -> Iterator[list[str]]:
        """Ids of live records, `size` at a time; of activities those that happened or changed after `since` (ms)."""
        more = (
            "COALESCE(occurred_at, modified_at, seen_at) >= ?" if activity else "merged_into IS NULL AND ? IS NOT NULL"
        )
        last = ""
        while True:
            found = self._ids(
                f"SELECT remote_id FROM {_table(activity)} WHERE connection = ? AND stream = ? AND remote_id > ? "
                f"AND deleted_at IS NULL AND {more} ORDER BY remote_id LIMIT ?",
                (connection, stream, last, since, size),
            )
            if not found:
                return
            yield found
            last = found[-1]

    def _ids(self, sql: str, params: Sequence[object]) -> list[str]:
        return [r["remote_id"] for r in self.db.each(sql, params)]


def _table(activity: bool) -> str:
    return "activity" if activity else "record"
