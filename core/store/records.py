"""Records: what the CRMs show, page by page, with change detection against what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.merge import looks_rewritten
from core.model import Value
from core.store.associations import Associations, links_of
from core.store.db import Db, Row, dumps, loads, marks
from core.store.rows import COLUMNS, LinkTo, PageStats, Seen, StoredRecord, decode


class Records:
    """The record table and its satellites (field_set, field_push, association)."""

    def __init__(self, db: Db) -> None:
        self.db = db
        self._sets: dict[tuple[str, ...], int] = {}
        self._associations = Associations(db)

    def field_set(self, fields: Iterable[str]) -> int:
        """Id of a set of remote fields (inside a write)."""
        key = tuple(sorted(set(fields)))
        if key not in self._sets:
            text = dumps(list(key))
            self.db.conn.execute("INSERT OR IGNORE INTO field_set(fields) VALUES (?)", (text,))
            self._sets[key] = int(self.db.value("SELECT id FROM field_set WHERE fields = ?", (text,)))
        return self._sets[key]

    # ---- storing what a CRM shows

    def store(
        self,
        connection: str,
        stream: str,
        entity: str,
        rows: Sequence[Seen],
        *,
        fetched: int,
        now: int,
        since: int | None,
        absorbed: frozenset[str] = frozenset(),
        hideable: frozenset[str] = frozenset(),
    ) -> PageStats:
        """Insert or update the rows of one page (inside a write). Repeating a page changes nothing.

        `since`: ms; a record not seen to change before was unchanged up to then. `absorbed`: rows that the CRM still
        shows though they live on in another record (converted leads): being shown does not bring them back.
        `hideable`: fields whose last agreed value is remembered while the CRM does not show them.
        """
        unique = {r.remote_id: r for r in rows}  # a page that shows a record twice: the later one counts
        stats = PageStats(pulled=len(unique))
        known = self._known(connection, stream, list(unique))
        fresh = [r for i, r in unique.items() if i not in known]
        stats.created = stats.changed = len(fresh)
        self._insert(connection, stream, entity, fresh, fetched, now)
        updates: list[tuple[Any, ...]] = []
        touched: list[tuple[Any, ...]] = []
        linked = self._associations.of(connection, stream, [i for i in known if unique[i].links is not None])
        for i, old in known.items():
            row = unique[i]
            if row.modified_at is not None and row.modified_at < (old["modified_at"] or 0):
                continue  # an index that lags showed an older state than the one we know
            relinked = i in linked and links_of(row) != linked[i]
            change = self._compare(old, row, now, since, hideable)
            merged_into = old["merged_into"] if i in absorbed else None
            revived = old["deleted_at"] is not None or old["merged_into"] != merged_into
            if change is None and not relinked and not revived:
                if (row.modified_at, row.read_only) != (
                    old["modified_at"],
                    old["read_only"],
                ) or fetched != old["fetched"]:
                    touched.append((row.modified_at, row.actor, row.read_only, now, fetched, old["id"]))
                continue
            stats.changed += 1
            remote, base, stamps = change or (old["remote"], old["base"], old["stamps"])
            updates.append(
                (
                    remote,
                    base,
                    stamps,
                    row.modified_at,
                    row.actor,
                    row.read_only,
                    now,
                    now,
                    fetched,
                    merged_into,
                    old["id"],
                )
            )
            if relinked:
                self._associations.put(connection, stream, [row])
        self.db.many(
            "UPDATE record SET remote = ?, base = ?, stamps = ?, modified_at = ?, actor = ?, read_only = ?, seen_at = ?, "
            "changed_at = ?, fetched = ?, dirty = 1, deleted_at = NULL, merged_into = ? WHERE id = ?",
            updates,
        )
        self.db.many(
            "UPDATE record SET modified_at = ?, actor = ?, dirty = MAX(dirty, read_only IS NOT ?3), read_only = ?3, "
            "seen_at = ?, fetched = ? WHERE id = ?",
            touched,
        )
        return stats

    def _known(self, connection: str, stream: str, ids: Sequence[str]) -> dict[str, Row]:
        return {
            r["remote_id"]: r
            for r in self.db.each(
                "SELECT id, remote_id, remote, base, stamps, modified_at, seen_at, deleted_at, merged_into, read_only, fetched "
                f"FROM record WHERE connection = ? AND stream = ? AND remote_id IN ({marks(len(ids))})",
                (connection, stream, *ids),
            )
        }

    def _insert(self, connection: str, stream: str, entity: str, rows: Sequence[Seen], fetched: int, now: int) -> None:
        self.db.insert(
            "INSERT INTO record(connection, stream, remote_id, entity, remote, base, fetched, created_at, modified_at, actor, "
            "seen_at, changed_at, read_only)",
            [
                (
                    connection,
                    stream,
                    r.remote_id,
                    entity,
                    dumps(r.values),
                    "{}",
                    fetched,
                    r.created_at,
                    r.modified_at,
                    r.actor,
                    now,
                    now,
                    r.read_only,
                )
                for r in rows
            ],
        )
        self._associations.put(connection, stream, rows)

    def _compare(
        self, old: Row, row: Seen, now: int, since: int | None, hideable: frozenset[str]
    ) -> tuple[str, str | None, str | None] | None:
        """None when nothing differs, else (remote, base, stamps) as they shall be stored."""
        new_text = dumps(row.values)
        if new_text == old["remote"]:
            return None
        before: dict[str, Value] = loads(old["remote"])
        if before == row.values:
            return None
        base: dict[str, Value] = before if old["base"] is None else loads(old["base"])
        stamps: dict[str, Any] = {} if old["stamps"] is None else loads(old["stamps"])
        base = {k: v for k, v in base.items() if k in row.values or k in hideable}
        # a formula changes, and a hidden field comes back, without a new stamp: then it was some time until now
        told = row.modified_at is not None and row.modified_at != old["modified_at"]
        hi = row.modified_at if told and row.modified_at is not None else now
        lo = min(max(old["seen_at"], since or 0), hi - 1)
        for name, value in row.values.items():
            if name in before and before[name] == value:
                continue
            if self._is_confirmation(old["id"], name, value, row):
                base[name] = value
                stamps.pop(name, None)
            elif name in base and base[name] != value:
                stamps[name] = [lo, hi, row.actor]
            else:
                stamps.pop(name, None)
        same = _agrees(base, row.values)
        return new_text, None if same else dumps(base), dumps(stamps) if stamps and not same else None

    def _is_confirmation(self, record_id: int, name: str, value: Value, row: Seen) -> bool:
        """Whether this is the CRM's own form of what we just wrote; noted as confirmed when it is."""
        push = self.db.one(
            "SELECT sent, at FROM field_push WHERE record_id = ? AND field = ? AND confirmed IS NULL",
            (record_id, name),
        )
        if push is None:
            return False
        by_us = row.actor in ("hub", "unknown", "integration") and (row.modified_at or 0) <= push["at"] + _OWN_WRITE_MS
        if not (by_us and looks_rewritten(loads(push["sent"]), value)):
            return False
        self.db.conn.execute(
            "UPDATE field_push SET confirmed = ? WHERE record_id = ? AND field = ?",
            (dumps(value), record_id, name),
        )
        return True

    # ---- links between records

    def relink(self, connection: str, stream: str, links: Mapping[str, tuple[LinkTo, ...]], *, now: int) -> int:
        """What known records point to, read again: {remote id: links}; how many changed (inside a write)."""
        stored = self._associations.of(connection, stream, list(links))
        rows = [Seen(i, {}, links=found) for i, found in links.items()]
        moved = [r for r in rows if links_of(r) != stored[r.remote_id]]
        self._associations.put(connection, stream, moved)
        self.db.many(
            "UPDATE record SET dirty = 1, changed_at = ? WHERE connection = ? AND stream = ? AND remote_id = ?",
            [(now, connection, stream, r.remote_id) for r in moved],
        )
        return len(moved)

    # ---- gone

    def mark_deleted(self, connection: str, stream: str, gone: Sequence[tuple[str, int | None]], *, now: int) -> int:
        """Mark records that the CRM says are deleted; returns how many were live before (inside a write)."""
        n = 0
        for remote_id, at in gone:
            n += self.db.conn.execute(
                "UPDATE record SET deleted_at = ?, dirty = 1, changed_at = ? "
                "WHERE connection = ? AND stream = ? AND remote_id = ? AND deleted_at IS NULL",
                (at or now, now, connection, stream, remote_id),
            ).rowcount
        return n

    def mark_hidden(self, connection: str, stream: str, ids: Sequence[str], *, now: int) -> None:
        """Records that the CRM does not show us, and does not call deleted: kept, but not written (inside a write)."""
        self.db.many(
            "UPDATE record SET read_only = 'not shown to our user any more', dirty = 1, changed_at = ? "
            "WHERE connection = ? AND stream = ? AND remote_id = ? AND read_only IS NULL AND deleted_at IS NULL",
            [(now, connection, stream, i) for i in ids],
        )

    def mark_merged(
        self, connection: str, stream: str, merges: Sequence[tuple[str, str, str | None]], *, now: int
    ) -> int:
        """(old id, new id, new stream or None): the old record lives on in the new one (inside a write)."""
        n = 0
        for old_id, new_id, new_stream in merges:
            target = f"{new_stream or stream}/{new_id}"
            n += self.db.conn.execute(
                "UPDATE record SET merged_into = ?, dirty = 1, changed_at = ? "
                "WHERE connection = ? AND stream = ? AND remote_id = ? AND merged_into IS NOT ?",
                (target, now, connection, stream, old_id, target),
            ).rowcount
        return n

    # ---- reading back

    def by_entity(self, entity: str, ids: Sequence[int]) -> dict[int, list[StoredRecord]]:
        """All records of some entities, with what we pushed to them; in an order that no pull decides."""
        found: dict[int, list[StoredRecord]] = {i: [] for i in ids}
        records: dict[int, StoredRecord] = {}
        for row in self.db.each(
            f"SELECT {COLUMNS} FROM record WHERE entity = ? AND entity_id IN ({marks(len(ids))}) "
            "ORDER BY connection, stream, remote_id",
            (entity, *ids),
        ):
            r = decode(row)
            records[r.id] = r
            found[row["entity_id"]].append(r)
        self._add_pushed(records)
        return found

    def by_id(self, ids: Sequence[int]) -> dict[int, StoredRecord]:
        """Some records, with what we pushed to them; in an order that no pull decides."""
        records = {
            row["id"]: decode(row)
            for row in self.db.each(
                f"SELECT {COLUMNS} FROM record WHERE id IN ({marks(len(ids))}) ORDER BY connection, stream, remote_id",
                list(ids),
            )
        }
        self._add_pushed(records)
        return records

    def by_remote(self, connection: str, stream: str, remote_id: str) -> StoredRecord | None:
        row = self.db.one(
            f"SELECT {COLUMNS} FROM record WHERE connection = ? AND stream = ? AND remote_id = ?",
            (connection, stream, remote_id),
        )
        return None if row is None else decode(row)

    def dirty(self, entity: str, limit: int) -> list[int]:
        """Records that changed since they were last resolved; not by id, which depends on what was pulled first."""
        return [
            r["id"]
            for r in self.db.each(
                "SELECT id FROM record WHERE entity = ? AND dirty = 1 ORDER BY connection, stream, remote_id LIMIT ?",
                (entity, limit),
            )
        ]

    def soil(self, connection: str, stream: str) -> None:
        """Resolve all records of a stream again (inside a write)."""
        self.db.conn.execute("UPDATE record SET dirty = 1 WHERE connection = ? AND stream = ?", (connection, stream))

    def clean(self, ids: Iterable[int]) -> None:
        """Nothing to resolve in these (inside a write)."""
        self.db.many("UPDATE record SET dirty = 0 WHERE id = ?", [(i,) for i in ids])

    def owner_emails(self, connection: str) -> list[tuple[str, str, dict[str, Value]]]:
        """(stream, remote id, values) of the owner records of a connection."""
        return [
            (r["stream"], r["remote_id"], loads(r["remote"]))
            for r in self.db.each(
                "SELECT stream, remote_id, remote FROM record WHERE connection = ? AND entity = 'owner'",
                (connection,),
            )
        ]

    def sizes(self, entity: str, ids: Sequence[int]) -> dict[int, int]:
        """entity -> how many records belong to it."""
        return {
            r["entity_id"]: r["n"]
            for r in self.db.each(
                f"SELECT entity_id, COUNT(*) AS n FROM record WHERE entity = ? AND entity_id IN ({marks(len(ids))}) GROUP BY entity_id",
                (entity, *ids),
            )
        }

    def _add_pushed(self, records: Mapping[int, StoredRecord]) -> None:
        ids = list(records)
        for at in range(0, len(ids), 500):
            some = ids[at : at + 500]
            for p in self.db.each(
                f"SELECT record_id, field, sent, confirmed FROM field_push WHERE record_id IN ({marks(len(some))})",
                some,
            ):
                known = p["confirmed"] is not None
                records[p["record_id"]].pushed[p["field"]] = (
                    loads(p["sent"]),
                    loads(p["confirmed"]) if known else None,
                    known,
                )

    # ---- after resolve and push

    def save_agreement(self, changes: Iterable[tuple[dict[str, Value] | None, dict[str, Any], int]]) -> None:
        """(base or None, stamps, record id): what record and hub now agree on; the record is resolved."""
        self.db.many(
            "UPDATE record SET base = ?, stamps = ?, dirty = 0 WHERE id = ?",
            [(None if b is None else dumps(b), dumps(s) if s else None, i) for b, s, i in changes],
        )

    def pushed(
        self,
        record_id: int,
        sent: Mapping[str, Value],
        confirmed: Mapping[str, Value] | None,
        *,
        modified_at: int | None,
        at: int,
        op_id: int | None,
    ) -> None:
        """A write was confirmed: record, base and what we sent, together (inside the write that closes the op)."""
        row = self.db.one("SELECT remote, base, stamps FROM record WHERE id = ?", (record_id,))
        if row is None:
            return
        remote: dict[str, Value] = loads(row["remote"])
        base: dict[str, Value] | None = None if row["base"] is None else loads(row["base"])
        stamps: dict[str, Any] = {} if row["stamps"] is None else loads(row["stamps"])
        for name, value in sent.items():
            shown = confirmed[name] if confirmed is not None and name in confirmed else value
            remote[name] = shown
            if base is not None:
                base[name] = shown
            stamps.pop(name, None)
        if base is not None and _agrees(base, remote):
            base = None
        self.db.conn.execute(
            "UPDATE record SET remote = ?, base = ?, stamps = ?, modified_at = MAX(COALESCE(modified_at, 0), ?), seen_at = ? "
            "WHERE id = ?",
            (
                dumps(remote),
                None if base is None else dumps(base),
                dumps(stamps) if stamps else None,
                modified_at or 0,
                at,
                record_id,
            ),
        )
        self.db.many(
            "INSERT OR REPLACE INTO field_push(record_id, field, sent, confirmed, at, op_id) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    record_id,
                    n,
                    dumps(v),
                    dumps(confirmed[n]) if confirmed is not None and n in confirmed else None,
                    at,
                    op_id,
                )
                for n, v in sent.items()
            ],
        )

    def created(
        self, connection: str, stream: str, entity: str, entity_id: int, row: Seen, *, fetched: int, now: int
    ) -> int:
        """A record that we made; its id. One that a pull found first keeps what it has (inside a write)."""
        self.store(connection, stream, entity, [row], fetched=fetched, now=now, since=None)
        record = int(
            self.db.value(
                "SELECT id FROM record WHERE connection = ? AND stream = ? AND remote_id = ?",
                (connection, stream, row.remote_id),
            )
        )
        self.db.conn.execute(
            "UPDATE record SET entity_id = ?, base = NULL, stamps = NULL WHERE id = ?", (entity_id, record)
        )
        return record

    def count(self, connection: str, stream: str) -> int:
        """Live records of a stream."""
        return int(
            self.db.value(
                "SELECT COUNT(*) FROM record WHERE connection = ? AND stream = ? AND deleted_at IS NULL "
                "AND merged_into IS NULL",
                (connection, stream),
            )
        )

    def made_since(self, connection: str, stream: str, since: int) -> int:
        """Live records that were made in the CRM after `since` (ms)."""
        return int(
            self.db.value(
                "SELECT COUNT(*) FROM record WHERE connection = ? AND stream = ? AND created_at > ? "
                "AND deleted_at IS NULL AND merged_into IS NULL",
                (connection, stream, since),
            )
        )

    def deleted_since(self, connection: str, stream: str, since: int) -> bool:
        """Whether any record of the stream was deleted after `since` (ms)."""
        return bool(
            self.db.value(
                "SELECT EXISTS (SELECT 1 FROM record WHERE connection = ? AND stream = ? AND deleted_at >= ?)",
                (connection, stream, since),
            )
        )

    def add_blank_fields(self, connection: str, stream: str, names: Sequence[str]) -> None:
        """Fields that we just created in the CRM: blank on every record, and agreed to be so (inside a write)."""
        for name in names:
            path = '$."' + name.replace('"', "") + '"'
            self.db.conn.execute(
                "UPDATE record SET remote = json_set(remote, ?1, NULL), "
                "base = CASE WHEN base IS NULL THEN NULL ELSE json_set(base, ?1, NULL) END "
                "WHERE connection = ?2 AND stream = ?3 AND json_type(remote, ?1) IS NULL",
                (path, connection, stream),
            )


def _agrees(base: Mapping[str, Value], remote: Mapping[str, Value]) -> bool:
    """Whether nothing waits, and nothing is remembered that the CRM hides now."""
    return len(base) == len(remote) and all(base.get(k, _ABSENT) == v for k, v in remote.items())


_ABSENT = object()
#: clocks of hub and CRM may differ a little; a later modification than this after our write is somebody else's
_OWN_WRITE_MS = 5_000
