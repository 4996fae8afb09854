"""Deals: who takes part in them, whose company they are for, and what they say about people.

Who takes part follows from the associations of live deal records, told from either end, and from whom the records at
the other end belong to. It is worked out anew for the deals that a change may have touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from core.deals import Deal
from core.store.db import Db, Row, marks

#: a record at the other end counts when it is live, or lives on in another one
_THERE = "(o.deleted_at IS NULL OR o.merged_into IS NOT NULL)"
_LIVE = "deleted_at IS NULL AND merged_into IS NULL"

#: the deal that is closest to being won comes first; the order in which CRMs were pulled does not matter
FURTHEST = "ORDER BY CAST(d.deal_probability AS REAL) DESC, d.deal_close_date, d.deal_name, d.id"


class Deals:
    """The deal tables beside the canonical fields."""

    def __init__(self, db: Db) -> None:
        self.db = db

    # ---- which deals a change touches

    def touched(self, records: Sequence[int], people: Sequence[int], streams: Collection[str]) -> list[int]:
        """Deals that these records are associated with, from either end, or that these people took part in.

        `streams`: names of deal streams; without any there is nothing to look for.
        """
        if not streams:
            return []
        named, wanted = sorted(streams), marks(len(records))
        rows = self.db.each(
            "SELECT d.entity_id FROM record o CROSS JOIN association a INDEXED BY association_to ON a.connection = o.connection "
            f"AND a.to_stream = o.stream AND a.to_id = o.remote_id AND a.stream IN ({marks(len(named))}) "
            "CROSS JOIN record d ON d.connection = a.connection AND d.stream = a.stream AND d.remote_id = a.remote_id "
            f"WHERE o.id IN ({wanted}) AND d.entity = 'deal' AND d.entity_id IS NOT NULL UNION "
            "SELECT d.entity_id FROM record o CROSS JOIN association a ON a.connection = o.connection "
            f"AND a.stream = o.stream AND a.remote_id = o.remote_id AND a.to_stream IN ({marks(len(named))}) "
            "CROSS JOIN record d ON d.connection = a.connection AND d.stream = a.to_stream AND d.remote_id = a.to_id "
            f"WHERE o.id IN ({wanted}) AND d.entity = 'deal' AND d.entity_id IS NOT NULL UNION "
            f"SELECT deal_id FROM deal_person WHERE person_id IN ({marks(len(people))})",
            (*named, *records, *named, *records, *people),
        )
        return [r[0] for r in rows]

    # ---- who takes part

    def attach(self, deals: Sequence[int], position: Mapping[str, int]) -> None:
        """Work out anew who takes part and which company it is; whoever comes or goes is qualified and planned again.

        `position`: connection -> place in the configuration; the first one's role counts (inside a write).
        """
        people: dict[tuple[int, int], tuple[str | None, int]] = {}
        companies: dict[int, int | None] = dict.fromkeys(deals)
        for r in sorted(
            self._ends(deals), key=lambda r: (position.get(r["connection"], 99), -r["is_primary"], r["remote_id"])
        ):
            if r["entity"] == "company":
                if companies[r["deal"]] is None:
                    companies[r["deal"]] = r["entity_id"]
                continue
            role, primary = people.get((r["deal"], r["entity_id"]), (None, 0))
            people[r["deal"], r["entity_id"]] = (role or r["role"], max(primary, r["is_primary"]))
        self._save_people(deals, people)
        self._save_companies(companies)

    def _ends(self, deals: Sequence[int]) -> list[Row]:
        """What live records of these deals are associated with: people and companies."""
        some = marks(len(deals))
        found = "d.entity_id AS deal, d.connection, o.remote_id, o.entity, o.entity_id, a.is_primary, a.role"
        chosen = (
            f"d.entity = 'deal' AND d.entity_id IN ({some}) AND d.deleted_at IS NULL AND d.merged_into IS NULL "
            f"AND o.entity IN ('person', 'company') AND o.entity_id IS NOT NULL AND {_THERE}"
        )
        return self.db.rows(
            f"SELECT {found} FROM record d CROSS JOIN association a ON a.connection = d.connection AND a.stream = d.stream "
            "AND a.remote_id = d.remote_id CROSS JOIN record o ON o.connection = a.connection AND o.stream = a.to_stream "
            f"AND o.remote_id = a.to_id WHERE {chosen} UNION ALL "
            f"SELECT {found} FROM record d CROSS JOIN association a INDEXED BY association_to ON a.connection = d.connection "
            "AND a.to_stream = d.stream AND a.to_id = d.remote_id CROSS JOIN record o ON o.connection = a.connection "
            f"AND o.stream = a.stream AND o.remote_id = a.remote_id WHERE {chosen}",
            (*deals, *deals),
        )

    def _save_people(self, deals: Sequence[int], people: Mapping[tuple[int, int], tuple[str | None, int]]) -> None:
        before = {
            (r["deal_id"], r["person_id"]): (r["role"], r["is_primary"])
            for r in self.db.each(
                f"SELECT deal_id, person_id, role, is_primary FROM deal_person WHERE deal_id IN ({marks(len(deals))})",
                list(deals),
            )
        }
        gone = before.keys() - people.keys()
        self.db.many("DELETE FROM deal_person WHERE deal_id = ? AND person_id = ?", gone)
        self.db.many(
            "INSERT OR REPLACE INTO deal_person(deal_id, person_id, role, is_primary) VALUES (?, ?, ?, ?)",
            [(*key, *told) for key, told in people.items() if before.get(key) != told],
        )
        self._wake({person for _, person in before.keys() ^ people.keys()})

    def _save_companies(self, companies: Mapping[int, int | None]) -> None:
        before = {
            r["id"]: r["company_id"]
            for r in self.db.each(
                f"SELECT id, company_id FROM deal WHERE id IN ({marks(len(companies))})", list(companies)
            )
        }
        moved = {d: (old, companies[d]) for d, old in before.items() if old != companies[d]}
        self.db.many("UPDATE deal SET company_id = ? WHERE id = ?", [(new, d) for d, (_, new) in moved.items()])
        self._wake_companies({c for pair in moved.values() for c in pair if c is not None})

    # ---- whoever's deals change is decided on again

    def wake(self, changed: Sequence[int], turned: Sequence[int]) -> None:
        """Deals that say something new; of those the ones that were opened, won, lost or are gone: everybody at their
        company hears of it, too (inside a write)."""
        self._wake(
            {
                r["person_id"]
                for r in self.db.each(
                    f"SELECT person_id FROM deal_person WHERE deal_id IN ({marks(len(changed))})", list(changed)
                )
            }
        )
        self._wake_companies(
            {
                r["company_id"]
                for r in self.db.each(
                    f"SELECT company_id FROM deal WHERE id IN ({marks(len(turned))}) AND company_id IS NOT NULL",
                    list(turned),
                )
            }
        )

    def _wake(self, people: Iterable[int]) -> None:
        # planned again also when the stage stays: who has an open deal may not be written to
        self.db.many("UPDATE person SET todo_qualify = 1, todo_plan = 1 WHERE id = ?", [(i,) for i in people])

    def _wake_companies(self, companies: Iterable[int]) -> None:
        self.db.many(
            "UPDATE person SET todo_qualify = 1, todo_plan = 1 WHERE company_id = ? AND (todo_qualify = 0 OR todo_plan = 0)",
            [(i,) for i in companies],
        )

    def follow_companies(self, moves: Mapping[int, int]) -> None:
        """Companies turned out to be others (old -> new): their deals follow (inside a write)."""
        self.db.many("UPDATE deal SET company_id = ?2 WHERE company_id = ?1", moves.items())

    # ---- what they say

    def of_people(self, ids: Sequence[int]) -> dict[int, list[Deal]]:
        """person -> deals that they take part in: open ones first, the furthest before others."""
        found: dict[int, list[Deal]] = {}
        for r in self.db.each(
            "SELECT p.person_id, p.role, p.is_primary, d.* FROM deal_person p CROSS JOIN deal d ON d.id = p.deal_id "
            f"WHERE p.person_id IN ({marks(len(ids))}) AND d.state <> 'gone' "
            f"ORDER BY d.state <> 'open', {FURTHEST.removeprefix('ORDER BY ')}",
            list(ids),
        ):
            found.setdefault(r["person_id"], []).append(_deal(r))
        return found

    def history(self, deal: int) -> list[Row]:
        """What changed in a deal, oldest first."""
        return self.db.rows(
            "SELECT field, old, new, at, actor, source FROM change WHERE entity = 'deal' AND entity_id = ? ORDER BY id",
            (deal,),
        )

    def records(self, deal: int) -> list[Row]:
        """Where a deal stands in the CRMs."""
        return self.db.rows(
            "SELECT connection, stream, remote_id, created_at, seen_at FROM record WHERE entity = 'deal' AND entity_id = ? "
            f"AND {_LIVE} ORDER BY id",
            (deal,),
        )

    def counts(self) -> dict[str, int]:
        """state -> how many deals; and of the live ones how many nobody ("without_people") and no company
        ("without_company") is known to take part in."""
        found = Counter[str]()
        for r in self.db.each(
            "SELECT state, COUNT(*) AS n, SUM(company_id IS NULL) AS alone, "
            "SUM(NOT EXISTS (SELECT 1 FROM deal_person p WHERE p.deal_id = d.id)) AS nobody "
            "FROM deal d WHERE merged_into IS NULL AND state <> 'gone' GROUP BY state"
        ):
            found[r["state"]] = r["n"]
            found["without_people"] += r["nobody"]
            found["without_company"] += r["alone"]
        return dict(found)


def _deal(r: Row) -> Deal:
    probability: float | None
    try:
        probability = float(r["deal_probability"])
    except (TypeError, ValueError):
        probability = None  # blank, or no number
    return Deal(
        id=r["id"],
        name=r["deal_name"],
        state=r["state"],
        since=r["since"],
        stage=r["deal_stage"],
        pipeline=r["deal_pipeline"],
        amount=r["deal_amount"],
        currency=r["deal_currency"],
        probability=probability,
        close_date=r["deal_close_date"],
        owner=r["deal_owner_email"],
        role=r["role"],
        primary=bool(r["is_primary"]),
    )
