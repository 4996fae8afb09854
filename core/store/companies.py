"""Which company people work at, and who must hear of it when companies change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.store.db import Db, marks

#: the records that point to a company's record; told how, since a young store has no statistics
_ASSOCIATED = (
    "record c CROSS JOIN association a INDEXED BY association_to ON a.connection = c.connection "
    "AND a.to_stream = c.stream AND a.to_id = c.remote_id CROSS JOIN record p ON p.connection = a.connection "
    "AND p.stream = a.stream AND p.remote_id = a.remote_id"
)


class Companies:
    """People and their companies."""

    def __init__(self, db: Db) -> None:
        self.db = db

    def of_records(self, person_records: Sequence[int]) -> dict[int, int]:
        """person record -> company its CRM associates it with, the primary one first."""
        found: dict[int, int] = {}
        for r in self.db.each(
            "SELECT p.id, c.entity_id FROM record p CROSS JOIN association a ON a.connection = p.connection "
            "AND a.stream = p.stream AND a.remote_id = p.remote_id "
            "CROSS JOIN record c ON c.connection = a.connection AND c.stream = a.to_stream AND c.remote_id = a.to_id "
            f"WHERE p.id IN ({marks(len(person_records))}) AND c.entity = 'company' AND c.entity_id IS NOT NULL "
            "AND c.deleted_at IS NULL ORDER BY a.is_primary DESC, c.id",
            list(person_records),
        ):
            found.setdefault(r["id"], r["entity_id"])
        return found

    def by_domain(self, domains: Sequence[str]) -> dict[str, int]:
        """registrable domain -> company, where just one company has it."""
        return {
            r["value"]: r["company"]
            for r in self.db.each(
                "SELECT i.value, MIN(r.entity_id) AS company FROM identifier i CROSS JOIN record r ON r.id = i.record_id "
                f"WHERE i.kind = 'domain' AND i.value IN ({marks(len(domains))}) AND r.entity = 'company' "
                "AND r.deleted_at IS NULL GROUP BY i.value HAVING COUNT(DISTINCT r.entity_id) = 1",
                list(domains),
            )
        }

    def wake_people_of(self, companies: Sequence[int], new_records: Sequence[int], records: Sequence[int]) -> None:
        """Company facts changed: their people are qualified again; people are resolved again who are associated with
        new records, or whose company is another one since a record died, came back or was merged (inside a write)."""
        self.db.many("UPDATE person SET todo_qualify = 1 WHERE company_id = ?", [(i,) for i in companies])
        self.db.many(
            "UPDATE record SET dirty = 1 WHERE +entity = 'person' AND dirty = 0 AND id IN ("
            f" SELECT p.id FROM {_ASSOCIATED} WHERE c.id = ?)",
            [(i,) for i in new_records],
        )
        self.db.many(
            "UPDATE record SET dirty = 1 WHERE +entity = 'person' AND dirty = 0 AND id IN ("
            f" SELECT p.id FROM {_ASSOCIATED} AND p.entity = 'person' CROSS JOIN person e ON e.id = p.entity_id WHERE c.id = ?"
            " AND CASE WHEN c.deleted_at IS NOT NULL THEN e.company_id = c.entity_id"
            "  ELSE e.company_id IS NULL OR (a.is_primary AND e.company_id <> c.entity_id) END)",
            [(i,) for i in records],
        )
        self.db.many(  # a company that no CRM has any more, also of those who are there by their address
            "UPDATE record SET dirty = 1 WHERE entity = 'person' AND dirty = 0 AND entity_id IN ("
            " SELECT id FROM person WHERE company_id = ?1) AND NOT EXISTS ("
            " SELECT 1 FROM record r WHERE r.entity = 'company' AND r.entity_id = ?1 AND r.deleted_at IS NULL"
            " AND r.merged_into IS NULL)",
            [(i,) for i in companies],
        )

    def follow(self, moves: Mapping[int, int]) -> None:
        """Companies turned out to be others (old -> new): their people follow (inside a write)."""
        self.db.many("UPDATE person SET company_id = ?2, todo_qualify = 1 WHERE company_id = ?1", moves.items())
