"""Associations: which record points to which, by remote ids since the other end may not be pulled yet."""

from __future__ import annotations

from collections.abc import Sequence

from core.store.db import Db, marks
from core.store.rows import Seen

#: (to_stream, to_id) -> (primary, role)
Linked = dict[tuple[str, str], tuple[bool, str | None]]


def links_of(row: Seen) -> Linked:
    """Links by where they go. Two to one place (labels of a vendor) are one: primary if either is, roles joined."""
    found: Linked = {}
    for to, i, primary, role in row.links or ():
        other, words = found.get((to, i), (False, None))
        both = sorted({w for w in (words, role) if w})
        found[to, i] = (primary or other, "; ".join(both) or None)
    return found


class Associations:
    """The association table."""

    def __init__(self, db: Db) -> None:
        self.db = db

    def of(self, connection: str, stream: str, ids: Sequence[str]) -> dict[str, Linked]:
        """What records point to; every id is in the answer."""
        found: dict[str, Linked] = {i: {} for i in ids}
        for r in self.db.each(
            "SELECT remote_id, to_stream, to_id, is_primary, role FROM association "
            f"WHERE connection = ? AND stream = ? AND remote_id IN ({marks(len(ids))})",
            (connection, stream, *ids),
        ):
            found[r["remote_id"]][r["to_stream"], r["to_id"]] = (bool(r["is_primary"]), r["role"])
        return found

    def put(self, connection: str, stream: str, rows: Sequence[Seen]) -> None:
        """Replace what these rows point to, where they tell it (inside a write)."""
        told = [r for r in rows if r.links is not None]
        self.db.conn.execute(
            f"DELETE FROM association WHERE connection = ? AND stream = ? AND remote_id IN ({marks(len(told))})",
            (connection, stream, *(r.remote_id for r in told)),
        )
        self.db.insert(
            "INSERT INTO association(connection, stream, remote_id, to_stream, to_id, is_primary, role)",
            [
                (connection, stream, r.remote_id, to, i, int(primary), role)
                for r in told
                for (to, i), (primary, role) in links_of(r).items()
            ],
        )
