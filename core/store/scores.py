"""Facts for conditions, scores, stages and clocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core import values
from core.model import FIELDS
from core.store.db import Db, Row, dumps, loads, marks
from core.store.deals import FURTHEST

#: company facts that a person without a company may still tell
_FALLBACK = {
    "name": "company_name",
    "industry": "company_industry",
    "employees": "company_employees",
    "revenue": "company_revenue",
}


@dataclass(slots=True)
class ScoreRow:
    """The current score of a person; points in thousandths."""

    person_id: int
    total: int
    fit: int
    engagement: int
    band: str
    grade: str
    intent: str | None
    why: str
    next_due: int | None
    since_recycle: int = 0


@dataclass(slots=True)
class StageRow:
    """The current stage of a person and why. `claims`: record -> the CRM stage it last showed."""

    person_id: int
    stage: str
    since: int
    reason: str
    rule: str
    hand_set_until: int | None = None
    cooldown_until: int | None = None
    claims: dict[str, str] = field(default_factory=dict)


#: a person's deals and their company's, asked only by conditions that name them
_MINE = "FROM deal_person t CROSS JOIN deal d ON d.id = t.deal_id WHERE t.person_id = p.id AND d.state ="
_COMPANYS = "FROM deal d WHERE d.company_id = p.company_id AND d.state ="
_DEAL_FACTS = (
    # whom a CRM calls an opportunity has an open deal, also where that CRM's deals are not read
    f"(COALESCE(g.stage = 'opportunity' AND g.rule <> 'deal', 0) OR EXISTS (SELECT 1 {_MINE} 'open')) AS person__has_open_deal",
    f"EXISTS (SELECT 1 {_MINE} 'won') AS person__has_won_deal",
    f"(SELECT COUNT(*) {_MINE} 'open') AS person__open_deals",
    f"(SELECT d.deal_stage {_MINE} 'open' {FURTHEST} LIMIT 1) AS person__deal_stage",
    f"EXISTS (SELECT 1 {_COMPANYS} 'open') AS company__has_open_deal",
    f"EXISTS (SELECT 1 {_COMPANYS} 'won') AS company__has_won_deal",
)


class Scores:
    """What the hub decided about people."""

    def __init__(self, db: Db) -> None:
        self.db = db
        db.conn.create_function("country_code", 1, _country, deterministic=True)

    # ---- who is due

    def due(self, now: int, limit: int) -> list[int]:
        """People whose facts or activities changed, or whose score changes by itself by now."""
        return [
            r["id"]
            for r in self.db.each(
                "SELECT id FROM person WHERE todo_qualify = 1 AND merged_into IS NULL UNION "
                "SELECT person_id FROM score WHERE next_due <= ? ORDER BY 1 LIMIT ?",
                (now, limit),
            )
        ]

    def wake_all(self) -> None:
        """Rules changed: everybody is qualified again (inside a write)."""
        self.db.conn.execute("UPDATE person SET todo_qualify = 1 WHERE merged_into IS NULL")

    def forget_joined(self) -> None:
        """People that turned out to be others are not qualified (inside a write)."""
        for todo in ("todo_qualify", "todo_plan"):  # apart, so that each has its index
            self.db.conn.execute(f"UPDATE person SET {todo} = 0 WHERE merged_into IS NOT NULL AND {todo} = 1")

    # ---- conditions

    def facts_sql(self, custom: Iterable[str], ids: Sequence[int]) -> str:
        """The relation `f`: one row per person, one column per name a condition may use (dots as __)."""
        cols: list[str] = ["p.id AS id"]
        for f in FIELDS.values():
            if f.decision or f.entity == "deal":
                continue  # a person may have many deals
            if f.entity == "person":
                expr = f"country_code(p.{f.name})" if f.type == "country" else f"p.{f.name}"
                cols.append(f'{expr} AS "person__{f.name}"')
            else:
                bare = f.name.removeprefix("company_")
                expr = f"c.{f.name}"
                if bare in _FALLBACK:
                    expr = f"COALESCE({expr}, p.{_FALLBACK[bare]})"
                if f.type == "country":
                    expr = f"country_code({expr})"
                cols.append(f'{expr} AS "company__{bare}"')
        for name in custom:
            path = "$." + '"' + name.replace('"', "").replace("'", "") + '"'
            cols.append(f"json_extract(p.custom, '{path}') AS \"person__{name}\"")
        cols += [
            "p.seniority AS person__seniority",
            "p.function AS person__function",
            "p.is_free_mail AS person__is_free_mail",
            "s.intent AS person__intent",
            *_DEAL_FACTS,
            "g.stage AS person__stage",
            "s.band AS person__band",
            "s.grade AS person__grade",
            "s.total / 1000.0 AS score__total",
            "s.fit / 1000.0 AS score__fit",
            "s.engagement / 1000.0 AS score__engagement",
            "s.since_recycle / 1000.0 AS score__since_recycle",
        ]
        return (
            f"SELECT {', '.join(cols)} FROM person p LEFT JOIN company c ON c.id = p.company_id "
            "LEFT JOIN score s ON s.person_id = p.id LEFT JOIN stage g ON g.person_id = p.id "
            f"WHERE p.id IN ({','.join(str(int(i)) for i in ids)})"
        )

    def which_hold(
        self, conditions: Mapping[str, str], custom: Iterable[str], ids: Sequence[int]
    ) -> dict[int, set[str]]:
        """person -> the conditions (key -> compiled SQL) that are true of them."""
        found: dict[int, set[str]] = {i: set() for i in ids}
        if not conditions or not ids:
            return found
        keys = list(conditions)
        chosen = ", ".join(f"({conditions[k]}) AS c{n}" for n, k in enumerate(keys))
        for r in self.db.each(f"SELECT f.id AS id, {chosen} FROM ({self.facts_sql(custom, ids)}) f"):
            found[r["id"]] = {k for n, k in enumerate(keys) if r[f"c{n}"]}
        return found

    # ---- current state

    def scores(self, ids: Sequence[int]) -> dict[int, Row]:
        return {
            r["person_id"]: r
            for r in self.db.each(f"SELECT * FROM score WHERE person_id IN ({marks(len(ids))})", list(ids))
        }

    def stages(self, ids: Sequence[int]) -> dict[int, StageRow]:
        return {
            r["person_id"]: StageRow(
                r["person_id"],
                r["stage"],
                r["since"],
                r["reason"],
                r["rule"],
                r["hand_set_until"],
                r["cooldown_until"],
                loads(r["claims"]),
            )
            for r in self.db.each(f"SELECT * FROM stage WHERE person_id IN ({marks(len(ids))})", list(ids))
        }

    def recycled_at(self, ids: Sequence[int]) -> dict[int, int]:
        """person -> when last recycled: only evidence dated after it counts for score.since_recycle."""
        return {
            r["person_id"]: r["at"]
            for r in self.db.each(
                "SELECT person_id, MAX(at) AS at FROM stage_history WHERE new = 'recycled' "
                f"AND person_id IN ({marks(len(ids))}) GROUP BY person_id",
                list(ids),
            )
        }

    def before_deals(self, ids: Sequence[int]) -> dict[int, str]:
        """person -> the stage that they were moved from when a deal made them an opportunity or a customer."""
        return {
            r["person_id"]: r["old"]
            for r in self.db.each(
                "SELECT person_id, old, MAX(id) FROM stage_history WHERE new IN ('opportunity', 'customer') "
                "AND old IS NOT NULL AND old NOT IN ('opportunity', 'customer') "
                f"AND person_id IN ({marks(len(ids))}) GROUP BY person_id",
                list(ids),
            )
        }

    # ---- saving (inside a write)

    def save_scores(self, rows: Sequence[ScoreRow], *, rules: str, now: int, run: int | None) -> None:
        before = self.scores([r.person_id for r in rows])
        self.db.many(
            "INSERT OR REPLACE INTO score(person_id, total, fit, engagement, since_recycle, band, grade, intent, why, as_of, "
            "rules, next_due) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    r.person_id,
                    r.total,
                    r.fit,
                    r.engagement,
                    r.since_recycle,
                    r.band,
                    r.grade,
                    r.intent,
                    r.why,
                    now,
                    rules,
                    r.next_due,
                )
                for r in rows
            ],
        )
        news = [
            (r.person_id, r.total, r.band, r.grade, now, run)
            for r in rows
            if (b := before.get(r.person_id)) is None
            or (b["band"], b["grade"]) != (r.band, r.grade)
            or abs(b["total"] - r.total) >= 1000
        ]
        self.db.many(
            "INSERT INTO score_history(person_id, total, band, grade, at, run) VALUES (?, ?, ?, ?, ?, ?)",
            news,
        )

    def save_stages(
        self,
        rows: Sequence[StageRow],
        moved: Sequence[tuple[StageRow, str | None]],
        *,
        now: int,
        run: int | None,
    ) -> None:
        """`rows`: all; `moved`: those whose stage is another one now, with the old stage."""
        self.db.many(
            "INSERT OR REPLACE INTO stage(person_id, stage, since, reason, rule, hand_set_until, cooldown_until, claims) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    r.person_id,
                    r.stage,
                    r.since,
                    r.reason,
                    r.rule,
                    r.hand_set_until,
                    r.cooldown_until,
                    dumps(r.claims),
                )
                for r in rows
            ],
        )
        self.db.many(
            "INSERT INTO stage_history(person_id, old, new, at, reason, rule, run) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(r.person_id, old, r.stage, now, r.reason, r.rule, run) for r, old in moved],
        )

    def qualified(self, ids: Sequence[int], to_plan: Sequence[int]) -> None:
        """These are done; those changed in what CRMs shall show."""
        self.db.many("UPDATE person SET todo_qualify = 0 WHERE id = ?", [(i,) for i in ids])
        self.db.many("UPDATE person SET todo_plan = 1 WHERE id = ?", [(i,) for i in to_plan])

    def wake_at(self, rows: Iterable[tuple[int, int]]) -> None:
        """(person, ms): qualified again then, if not before."""
        self.db.many(
            "UPDATE score SET next_due = ?2 WHERE person_id = ?1 AND (next_due IS NULL OR next_due > ?2)", rows
        )

    def start_clocks(self, rows: Iterable[tuple[int, str, int, int]]) -> None:
        """(person, policy, started, due): one running clock per person and policy."""
        self.db.many(
            "INSERT OR IGNORE INTO clock(person_id, policy, started_at, due_at) SELECT ?1, ?2, ?3, ?4 "
            "WHERE NOT EXISTS (SELECT 1 FROM clock WHERE person_id = ?1 AND policy = ?2 AND stopped_at IS NULL)",
            rows,
        )

    def running_clocks(self, ids: Sequence[int]) -> list[Row]:
        return self.db.rows(
            f"SELECT id, person_id, policy, started_at, due_at FROM clock WHERE stopped_at IS NULL AND person_id IN ({marks(len(ids))})",
            list(ids),
        )

    def stop_clocks(self, rows: Iterable[tuple[int, str, int]]) -> None:
        """(stopped at, by what, clock id)."""
        self.db.many("UPDATE clock SET stopped_at = ?, stopped_by = ? WHERE id = ?", rows)

    def join(self, moves: Mapping[int, int], *, now: int) -> None:
        """People turned out to be others: what was decided of them follows (inside a write)."""
        for loser, winner in moves.items():
            mine, theirs = self.stages([winner]).get(winner), self.stages([loser]).get(loser)
            if theirs is not None and mine is None:
                theirs.person_id = winner
                self.save_stages([theirs], [], now=now, run=None)
            elif theirs is not None and mine is not None:
                mine.claims = theirs.claims | mine.claims
                self.save_stages([mine], [], now=now, run=None)
            self.db.conn.execute("UPDATE OR IGNORE clock SET person_id = ? WHERE person_id = ?", (winner, loser))
            self.db.conn.execute("DELETE FROM score WHERE person_id = ?", (loser,))
            self.db.conn.execute("DELETE FROM stage WHERE person_id = ?", (loser,))
            self.db.conn.execute("UPDATE OR IGNORE consent SET person_id = ? WHERE person_id = ?", (winner, loser))
            self.db.conn.execute("UPDATE person SET todo_qualify = 1, todo_plan = 1 WHERE id = ?", (winner,))


def _country(text: Any) -> Any:
    return None if text is None else values.normal("country", text)
