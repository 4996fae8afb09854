"""People, companies and deals: canonical values, what changed, what conflicts, what is held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.merge import Conflict, Current, candidates_json, conflict_from
from core.model import ENTITIES, FIELDS, Entity, Value
from core.store.db import Db, Row, dumps, loads, marks

_STANDARD: dict[str, tuple[str, ...]] = {
    e: tuple(f.name for f in FIELDS.values() if f.entity == e and not f.decision) for e in ENTITIES
}
#: columns beside the fields that a load fills and a save writes
_BESIDE: dict[str, tuple[str, ...]] = {
    "person": ("company_id", "lead_record"),
    "company": (),
    "deal": ("state", "since"),
}
#: columns that a save derives, and whom it leaves to be done
_DERIVED: dict[str, tuple[str, ...]] = {
    "person": ("seniority", "function", "is_free_mail"),
    "company": (),
    "deal": (),
}
_TODO = {"person": ", todo_qualify = 1, todo_plan = 1", "company": ", todo_plan = 1", "deal": ""}
_BOOLS = {f.name for f in FIELDS.values() if f.type == "bool"}


@dataclass(slots=True)
class EntityRow:
    """A canonical person, company or deal. `values`: every standard field, and own fields that are filled.

    `company_id`, `lead_record` are a person's; `state` (open, won, lost, unknown, gone) and `since` (ms) a deal's.
    """

    id: int
    values: dict[str, Value]
    company_id: int | None = None
    lead_record: int | None = None
    state: str = "open"
    since: int = 0
    conflicts: dict[str, Conflict] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """A canonical field got another value."""

    entity: Entity
    entity_id: int
    field: str
    old: Value
    new: Value
    lo: int | None
    at: int
    actor: str
    source: str
    record_id: int | None


class Entities:
    """The canonical tables."""

    def __init__(self, db: Db) -> None:
        self.db = db

    def create(self, entity: Entity, n: int, *, now: int) -> list[int]:
        """`n` new empty entities; their ids ascending (inside a write)."""
        first = int(self.db.value(f"SELECT COALESCE(MAX(id), 0) + 1 FROM {entity}"))
        ids = list(range(first, first + n))
        self.db.many(
            f"INSERT INTO {entity}(id, created_at, updated_at) VALUES (?, ?, ?)",
            [(i, now, now) for i in ids],
        )
        return ids

    def load(self, entity: Entity, ids: Sequence[int]) -> dict[int, EntityRow]:
        """Some entities with their open conflicts."""
        standard = _STANDARD[entity]
        columns = ", ".join(("id", "custom", *standard, *_BESIDE[entity]))
        found: dict[int, EntityRow] = {}
        for r in self.db.each(
            f"SELECT {columns} FROM {entity} WHERE id IN ({marks(len(ids))})",
            list(ids),
        ):
            vals: dict[str, Value] = {n: _out(n, r[n]) for n in standard}
            vals.update(loads(r["custom"]))
            found[r["id"]] = EntityRow(r["id"], vals, **{n: r[n] for n in _BESIDE[entity]})
        for c in self.db.each(
            "SELECT entity_id, field, kind, candidates FROM conflict WHERE closed_at IS NULL AND entity = ? "
            f"AND entity_id IN ({marks(len(ids))})",
            (entity, *ids),
        ):
            if c["entity_id"] in found:
                found[c["entity_id"]].conflicts[c["field"]] = conflict_from(c["kind"], loads(c["candidates"]))
        return found

    def provenance(self, entity: Entity, ids: Sequence[int]) -> dict[tuple[int, str], Current]:
        """(entity id, field) -> stamp of the latest change, for fields that ever changed."""
        return {
            (r["entity_id"], r["field"]): Current(
                _out(r["field"], r["new"]),
                r["lo"],
                r["at"],
                r["actor"],
                r["record_id"],
                _out(r["field"], r["old"]) if r["new"] is None else None,
            )
            for r in self.db.each(
                "SELECT entity_id, field, old, new, lo, at, actor, record_id, MAX(id) FROM change "
                f"WHERE entity = ? AND entity_id IN ({marks(len(ids))}) GROUP BY entity_id, field",
                (entity, *ids),
            )
        }

    def save(
        self,
        entity: Entity,
        rows: Iterable[EntityRow],
        *,
        derived: Mapping[int, Mapping[str, Value]],
        now: int,
    ) -> None:
        """Write canonical values; people and companies are to be qualified and planned again (inside a write).

        `derived`: entity id -> what follows from a person's values.
        """
        standard, beside, more = _STANDARD[entity], _BESIDE[entity], _DERIVED[entity]
        sets = ", ".join(f"{n} = ?" for n in (*standard, "custom", *beside, *more))
        params: list[tuple[Any, ...]] = []
        for r in rows:
            custom = {k: v for k, v in r.values.items() if k not in standard and v is not None}
            own = derived.get(r.id, {})
            params.append(
                (
                    *(_in(r.values.get(n)) for n in standard),
                    dumps(custom),
                    *(getattr(r, n) for n in beside),
                    *(_in(own.get(n)) for n in more),
                    now,
                    r.id,
                )
            )
        self.db.many(f"UPDATE {entity} SET {sets}, updated_at = ?{_TODO[entity]} WHERE id = ?", params)

    def record_changes(self, changes: Iterable[Change], *, run: int | None) -> None:
        """Append to the lineage (inside a write)."""
        self.db.many(
            "INSERT INTO change(entity, entity_id, field, old, new, lo, at, actor, source, record_id, run) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    c.entity,
                    c.entity_id,
                    c.field,
                    _in(c.old),
                    _in(c.new),
                    c.lo,
                    c.at,
                    c.actor,
                    c.source,
                    c.record_id,
                    run,
                )
                for c in changes
            ],
        )

    # ---- conflicts and holds

    def save_conflicts(
        self,
        entity: Entity,
        entity_id: int,
        before: Mapping[str, Conflict],
        after: Mapping[str, Conflict],
        *,
        now: int,
        run: int | None,
    ) -> int:
        """Open, update and close conflicts of one entity; returns how many were opened that wait for a person."""
        opened = 0
        for name, conflict in after.items():
            text = dumps(candidates_json(conflict))
            old = before.get(name)
            since = now
            if old is not None and old.kind == conflict.kind:
                if dumps(candidates_json(old)) == text:
                    continue
                since = self.db.value(  # the same question, other candidates: it waits as long, the old row keeps theirs
                    "SELECT opened_at FROM conflict WHERE entity = ? AND entity_id = ? AND field = ? AND closed_at IS NULL",
                    (entity, entity_id, name),
                )
            else:
                opened += conflict.kind != "noted"
            if old is not None:
                self._close(entity, entity_id, name, now, "superseded")
            self.db.conn.execute(
                "INSERT INTO conflict(entity, entity_id, field, kind, candidates, opened_at, run) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (entity, entity_id, name, conflict.kind, text, since, run),
            )
        for name in before.keys() - after.keys():
            self._close(entity, entity_id, name, now, "values agree or a later edit decided")
        return opened

    def _close(self, entity: str, entity_id: int, name: str, now: int, why: str) -> None:
        self.db.conn.execute(
            "UPDATE conflict SET closed_at = ?, closed_by = ? WHERE entity = ? AND entity_id = ? AND field = ? AND closed_at IS NULL",
            (now, why, entity, entity_id, name),
        )

    def hold(self, rows: Iterable[tuple[int, str, Value, str]], *, at: int) -> None:
        """(record, remote field, canonical value at the time, reason): not written while the value stays."""
        self.db.many(
            "INSERT OR REPLACE INTO hold(record_id, field, value, reason, at) VALUES (?, ?, ?, ?, ?)",
            [(r, f, dumps(v), why, at) for r, f, v, why in rows],
        )

    def release(self, fields: Iterable[tuple[int, str]]) -> None:
        """(record, remote field): somebody filled it anew, so nothing holds it any more."""
        self.db.many("DELETE FROM hold WHERE record_id = ? AND field = ?", fields)

    def holds(self, record_ids: Sequence[int]) -> dict[tuple[int, str], tuple[Value, int | None, str]]:
        """(record, remote field) -> (value it is held for, until, reason)."""
        return {
            (r["record_id"], r["field"]): (
                None if r["value"] is None else loads(r["value"]),
                r["until"],
                r["reason"],
            )
            for r in self.db.each(
                f"SELECT record_id, field, value, until, reason FROM hold WHERE record_id IN ({marks(len(record_ids))})",
                list(record_ids),
            )
        }

    def open_conflicts(self) -> dict[str, int]:
        """kind -> how many are open."""
        return {
            r["kind"]: r["n"]
            for r in self.db.each("SELECT kind, COUNT(*) AS n FROM conflict WHERE closed_at IS NULL GROUP BY kind")
        }

    # ---- owners

    def save_owners(self, owners: Iterable[tuple[str, str, int, int]]) -> None:
        """(e-mail, name, is a queue, is active): one rep across connections (inside a write)."""
        self.db.many(
            "INSERT INTO owner(email, name, is_queue, active) VALUES (?1, ?2, ?3, ?4) "
            "ON CONFLICT(email) DO UPDATE SET name = ?2, is_queue = ?3, active = MAX(active, ?4)",
            owners,
        )

    def keep_opt_outs(self, moves: Mapping[int, int]) -> None:
        """People turned out to be others (old -> new): the no of either is the no of both (inside a write)."""
        self.db.many(
            "UPDATE person SET opted_out = 1 WHERE id = ?2 AND EXISTS(SELECT 1 FROM person WHERE id = ?1 AND opted_out = 1)",
            moves.items(),
        )

    def note_opt_outs(self, rows: Iterable[tuple[int, str]], *, at: int) -> None:
        """(person, evidence): opted out of marketing; remembered with its evidence (inside a write)."""
        for person, evidence in rows:
            if self.db.conn.execute(
                "INSERT OR IGNORE INTO consent(person_id, channel, opted_out, since, evidence) VALUES (?, 'marketing', 1, ?, ?)",
                (person, at, evidence),
            ).rowcount:
                self.db.conn.execute(
                    "INSERT INTO consent_history(person_id, channel, opted_out, at, evidence) VALUES (?, 'marketing', 1, ?, ?)",
                    (person, at, evidence),
                )

    # ---- planning

    def plan_everything(self) -> None:
        """The configuration changed: everything is planned again (inside a write)."""
        self.db.conn.execute("UPDATE person SET todo_plan = 1 WHERE merged_into IS NULL")
        self.db.conn.execute("UPDATE company SET todo_plan = 1 WHERE merged_into IS NULL")

    def to_plan(self, entity: Entity, after: int, limit: int) -> list[int]:
        """The next entities that may differ from what CRMs show, by id."""
        return [
            r["id"]
            for r in self.db.each(
                f"SELECT id FROM {entity} WHERE todo_plan = 1 AND merged_into IS NULL AND id > ? ORDER BY id LIMIT ?",
                (after, limit),
            )
        ]

    def planned(self, entity: Entity, ids: Iterable[int]) -> None:
        """These show everywhere what they shall (inside a write)."""
        self.db.many(f"UPDATE {entity} SET todo_plan = 0 WHERE id = ?", [(i,) for i in ids])

    def wake_plan(self, entity: Entity, ids: Iterable[int]) -> None:
        """Plan these again (inside a write)."""
        self.db.many(f"UPDATE {entity} SET todo_plan = 1 WHERE id = ?", [(i,) for i in ids])

    def people_without(self, connection: str, batch: int) -> Iterator[list[int]]:
        """People that have no live record in a connection, in batches by id."""
        last = 0
        while ids := [
            r["id"]
            for r in self.db.each(
                "SELECT p.id FROM person p WHERE p.merged_into IS NULL AND p.id > ? AND EXISTS ("
                " SELECT 1 FROM record r WHERE r.entity = 'person' AND r.entity_id = p.id AND r.deleted_at IS NULL) "
                "AND NOT EXISTS (SELECT 1 FROM record r WHERE r.entity = 'person' AND r.entity_id = p.id "
                "AND r.connection = ?) ORDER BY p.id LIMIT ?",
                (last, connection, batch),
            )
        ]:
            yield ids
            last = ids[-1]

    # ---- one person's past

    def history(self, what: str, person: int) -> list[Row]:
        """Rows of one kind about a person, oldest first: record, link, change, stage, score, clock, conflict."""
        return self.db.rows(_HISTORY[what], (person,))

    # ---- finding people

    def find_person(self, who: str) -> int | None:
        """Person by hub id, any known e-mail, or a remote id; follows joins. None when unknown."""
        found: Any = None
        if who.isdigit():
            found = self.db.value("SELECT id FROM person WHERE id = ?", (int(who),))
        if found is None:
            found = self.db.value(
                "SELECT r.entity_id FROM identifier i CROSS JOIN record r ON r.id = i.record_id "
                "WHERE i.kind = 'email' AND i.value = ? AND r.entity = 'person' ORDER BY r.deleted_at IS NOT NULL, r.entity_id",
                (who.strip().lower(),),
            )
        if found is None:
            found = self.db.value(
                "SELECT entity_id FROM record WHERE remote_id = ? AND entity = 'person'",
                (who.rpartition("/")[2],),
            )
        while found is not None:
            onward = self.db.value("SELECT merged_into FROM person WHERE id = ?", (found,))
            if onward is None:
                return int(found)
            found = onward
        return None


def _in(value: Value) -> Any:
    if isinstance(value, bool):
        return int(value)
    return float(value) if isinstance(value, int) and abs(value) >= _LIMIT else value


def _out(name: str, value: Any) -> Value:
    if value is None:
        return None
    return bool(value) if name in _BOOLS else value


_LIMIT = 2**63  # what a column keeps as an integer
_HISTORY = {
    "record": "SELECT connection, stream, remote_id, created_at, seen_at FROM record WHERE entity = 'person' AND entity_id = ? ORDER BY id",
    "link": "SELECT l.at, l.rule, l.weight, l.evidence, r.connection, r.stream, r.remote_id FROM link l JOIN record r ON r.id = l.record_id "
    "WHERE l.entity = 'person' AND r.entity_id = ? AND l.undone_at IS NULL ORDER BY l.id",
    "change": "SELECT field, old, new, at, actor, source FROM change WHERE entity = 'person' AND entity_id = ? ORDER BY id",
    "stage": "SELECT old, new, at, reason, rule FROM stage_history WHERE person_id = ? ORDER BY id",
    "score": "SELECT total, band, grade, at FROM score_history WHERE person_id = ? ORDER BY id",
    "clock": "SELECT policy, started_at, due_at, stopped_at, stopped_by FROM clock WHERE person_id = ? ORDER BY id",
    "conflict": "SELECT field, kind, candidates, opened_at, closed_at FROM conflict WHERE entity = 'person' AND entity_id = ? ORDER BY id",
}
