"""Figures for people: the funnel, the hottest leads, where the CRMs contradict each other."""

from __future__ import annotations

from typing import Any

from core.model import Stage
from core.store.db import Db, Row, loads


class Overview:
    """Read-only questions about the whole store."""

    def __init__(self, db: Db) -> None:
        self.db = db

    def joined(self) -> dict[str, int]:
        """Among people known in several CRMs: rule -> people whose strongest link across CRMs is by it."""
        return {
            r["rule"]: r["n"]
            for r in self.db.each(
                "SELECT rule, COUNT(*) AS n FROM (SELECT r.entity_id, (SELECT l.rule FROM link l JOIN record x ON x.id = l.record_id "
                "  WHERE x.entity = 'person' AND x.entity_id = r.entity_id AND l.rule NOT IN ('first', 'joined') "
                "  ORDER BY l.weight DESC, l.id LIMIT 1) AS rule FROM record r WHERE r.entity = 'person' AND r.deleted_at IS NULL "
                "  AND r.merged_into IS NULL GROUP BY r.entity_id HAVING COUNT(DISTINCT r.connection) > 1) "
                "WHERE rule IS NOT NULL GROUP BY rule ORDER BY n DESC"
            )
        }

    def contradictions(self) -> tuple[int, dict[tuple[str, ...], int]]:
        """(people on whom the CRMs disagree in any field, {(connection says stage, ...): people} of stages)."""
        people = int(
            self.db.value(
                "SELECT COUNT(DISTINCT entity_id) FROM conflict WHERE entity = 'person' AND closed_at IS NULL"
            )
        )
        stages: dict[tuple[str, ...], int] = {}
        for r in self.db.each("SELECT candidates FROM conflict WHERE field = 'crm_stage' AND closed_at IS NULL"):
            said = tuple(sorted({f"{c['connection']} says {c['value']}" for c in loads(r["candidates"])}))
            if len({s.split(" ")[0] for s in said}) > 1:
                stages[said] = stages.get(said, 0) + 1
        return people, dict(sorted(stages.items(), key=lambda kv: -kv[1]))

    def funnel(self) -> list[tuple[str, int, int]]:
        """(stage, people, hot ones) in the order of the lifecycle."""
        order = [s.value for s in Stage if s not in (Stage.RECYCLED, Stage.DISQUALIFIED)]
        order += [Stage.RECYCLED.value, Stage.DISQUALIFIED.value]
        found = {
            r["stage"]: (r["n"], r["hot"])
            for r in self.db.each(
                "SELECT g.stage, COUNT(*) AS n, SUM(s.band = 'hot') AS hot FROM stage g JOIN score s USING (person_id) "
                "JOIN person p ON p.id = g.person_id WHERE p.merged_into IS NULL GROUP BY g.stage"
            )
        }
        return [(s, *found[s]) for s in order if s in found]

    def hottest(self, limit: int, now: int) -> list[Row]:
        """Hot people that sales or marketing still has to win: an answer not yet late first, then owed, then by score."""
        return self.db.rows(
            "SELECT p.id, p.first_name, p.last_name, p.email, p.job_title, COALESCE(c.name, p.company_name) AS company, "
            "s.total, s.band, s.grade, s.why, g.stage, g.reason, COALESCE(o.name, p.owner_email) AS owner, "
            "(SELECT MIN(due_at) FROM clock k WHERE k.person_id = p.id AND k.stopped_at IS NULL) AS due_at "
            "FROM person p JOIN score s ON s.person_id = p.id JOIN stage g ON g.person_id = p.id "
            "LEFT JOIN company c ON c.id = p.company_id LEFT JOIN owner o ON o.email = p.owner_email "
            "WHERE p.merged_into IS NULL AND s.band = 'hot' AND g.stage IN ('lead', 'mql', 'sal', 'prospect', 'subscriber') "
            "ORDER BY (due_at > ?1 AND owner IS NOT NULL) DESC, (due_at IS NOT NULL AND owner IS NOT NULL) DESC, "
            "s.total DESC, p.id LIMIT ?2",
            (now, limit),
        )

    def fill(self, connection: str, stream: str, fields: list[str]) -> tuple[int, dict[str, int]]:
        """(live records, {remote field: how many have a value})."""
        paths = ['$."' + f.replace('"', "").replace("'", "") + '"' for f in fields]
        sums = "".join(f", SUM(json_extract(remote, '{p}') IS NOT NULL)" for p in paths)
        row = self.db.conn.execute(
            f"SELECT COUNT(*){sums} FROM record WHERE connection = ? AND stream = ? AND deleted_at IS NULL "
            "AND merged_into IS NULL",
            (connection, stream),
        ).fetchone()
        return row[0], {f: row[i + 1] or 0 for i, f in enumerate(fields)}

    def values_of(self, connection: str, stream: str, field: str, limit: int) -> list[tuple[str, int]]:
        """(remote value, records) of one field, the most frequent first."""
        path = '$."' + field.replace('"', "") + '"'
        return [
            (str(r["v"]), r["n"])
            for r in self.db.each(
                "SELECT json_extract(remote, ?1) AS v, COUNT(*) AS n FROM record WHERE connection = ?2 AND stream = ?3 "
                "AND deleted_at IS NULL AND v IS NOT NULL GROUP BY v ORDER BY n DESC, v LIMIT ?4",
                (path, connection, stream, limit),
            )
        ]

    def disagreements(self, samples: int) -> list[dict[str, Any]]:
        """Per field: kind, how many, and some with who says what."""
        found: list[dict[str, Any]] = []
        for r in self.db.rows(
            "SELECT entity, field, kind, COUNT(*) AS n FROM conflict WHERE closed_at IS NULL GROUP BY entity, field, kind "
            "ORDER BY kind = 'noted', n DESC"
        ):
            some = [
                {"id": s["entity_id"], **{c["connection"]: c["value"] for c in loads(s["candidates"])}}
                for s in self.db.each(
                    "SELECT entity_id, candidates FROM conflict WHERE closed_at IS NULL AND entity = ? AND field = ? AND kind = ? "
                    "ORDER BY id LIMIT ?",
                    (r["entity"], r["field"], r["kind"], samples),
                )
            ]
            found.append(
                {"entity": r["entity"], "field": r["field"], "kind": r["kind"], "count": r["n"], "samples": some}
            )
        return found

    def waiting(self, limit: int) -> list[dict[str, Any]]:
        """Some of what waits for a decision, conflicts first: who, which field, who says what."""
        return [
            {
                "entity": r["entity"],
                "id": r["entity_id"],
                "who": r["who"],
                "field": r["field"],
                "kind": r["kind"],
                "says": [[c["connection"], c["value"]] for c in loads(r["candidates"])],
            }
            for r in self.db.each(
                "SELECT c.entity, c.entity_id, c.field, c.kind, c.candidates, COALESCE(p.email, o.name, d.deal_name) AS who FROM conflict c "
                "LEFT JOIN person p ON c.entity = 'person' AND p.id = c.entity_id "
                "LEFT JOIN company o ON c.entity = 'company' AND o.id = c.entity_id "
                "LEFT JOIN deal d ON c.entity = 'deal' AND d.id = c.entity_id "
                "WHERE c.closed_at IS NULL AND c.kind <> 'noted' ORDER BY c.kind <> 'edit', c.id DESC LIMIT ?",
                (limit,),
            )
        ]

    def people_ids(self, after: int, limit: int) -> list[int]:
        """Ids of people in order."""
        return [
            r["id"]
            for r in self.db.each(
                "SELECT id FROM person WHERE merged_into IS NULL AND id > ? ORDER BY id LIMIT ?", (after, limit)
            )
        ]

    def people_by_kind(self) -> dict[str, int]:
        """activity kind -> people who did it."""
        return {
            r["kind"]: r["n"]
            for r in self.db.each(
                "SELECT a.kind, COUNT(DISTINCT p.person_id) AS n FROM activity a JOIN activity_party p ON p.activity_id = a.id "
                "WHERE a.deleted_at IS NULL AND a.completed = 1 AND p.person_id IS NOT NULL GROUP BY a.kind ORDER BY n DESC"
            )
        }

    def example(self) -> str | None:
        """The e-mail of somebody whose story shows most: in both CRMs, hot, with several kinds of evidence."""
        found: Any = self.db.value(
            "SELECT p.email FROM person p JOIN score s ON s.person_id = p.id JOIN record r ON r.entity = 'person' "
            "AND r.entity_id = p.id JOIN activity_party a ON a.person_id = p.id "
            "WHERE p.email IS NOT NULL AND s.band = 'hot' GROUP BY p.id HAVING COUNT(DISTINCT r.connection) > 1 "
            "ORDER BY COUNT(DISTINCT a.connection) DESC, COUNT(DISTINCT a.activity_id) DESC, p.id LIMIT 1"
        )
        return None if found is None else str(found)
