"""People at work in two CRMs, whose doings must be in the store and in the other CRM after one cycle.

One rehearsal serves many tests: each takes people whom no other test uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartSandbox
from tests.e2e.world import Json, World

#: more people than the tests of one file use up
PEOPLE = 160
DAY_S = 86_400
#: a hostile CRM may stop a sync; the next one goes on
TRIES = 6


@dataclass(slots=True)
class Known:
    """A person with one contact in HubSpot and one live record in Salesforce. `kind`: "Lead" or "Contact"."""

    person: int
    contact: str
    kind: str
    other: str
    email: str


def known_in_both(world: World) -> list[Known]:
    """People with exactly one live record in each CRM, an e-mail, and both writable."""
    sql = (
        "SELECT h.entity_id AS person, h.remote_id AS contact, s.stream, s.remote_id AS other, p.email "
        "FROM record h JOIN record s ON s.entity_id = h.entity_id AND s.entity = 'person' "
        "JOIN person p ON p.id = h.entity_id "
        "WHERE h.connection = 'hubspot' AND h.stream = 'contacts' AND s.connection = 'salesforce' "
        "AND s.read_only IS NULL AND h.deleted_at IS NULL AND s.deleted_at IS NULL AND s.merged_into IS NULL "
        "AND h.merged_into IS NULL AND p.email IS NOT NULL "
        "GROUP BY h.entity_id HAVING COUNT(*) = 1 ORDER BY h.entity_id"
    )
    kinds = {"leads": "Lead", "contacts": "Contact"}
    with world.store() as db:
        return [Known(r["person"], r["contact"], kinds[r["stream"]], r["other"], r["email"]) for r in db.execute(sql)]


@dataclass
class Life:
    """A rehearsal at rest, and the people in it that no test has taken yet."""

    world: World
    hostile: bool
    free: list[Known] = field(default_factory=list)

    def begin(self) -> None:
        """First sync, echo, and who is where."""
        self.world.fresh()
        self.cycle()
        self.cycle()
        self.free = known_in_both(self.world)

    def take(self, kind: str | None = None) -> Known:
        """Somebody nobody has touched, known in both CRMs."""
        found = next(k for k in self.free if kind in (None, k.kind))
        self.free.remove(found)
        return found

    def cycle(self, *, wait: float = 600) -> None:
        """Time passes, then a sync, then the index of HubSpot catches up."""
        self.world.advance(wait)
        for _ in range(TRIES if self.hostile else 1):
            report = self.world.sync_here()
            if not report.errors:
                break
        assert not report.errors, report.json()["messages"]
        self.world.advance(20)

    # ---- what the store says

    def record(self, connection: str, stream: str, remote_id: str) -> Json:
        """A record row with `values` decoded."""
        import json

        with self.world.store() as db:
            row = db.execute(
                "SELECT * FROM record WHERE connection = ? AND stream = ? AND remote_id = ?",
                (connection, stream, remote_id),
            ).fetchone()
        assert row is not None, f"{connection} {stream} {remote_id} is not in the store"
        return {**dict(row), "values": json.loads(row["remote"])}

    def person_of(self, connection: str, stream: str, remote_id: str) -> int:
        found = self.record(connection, stream, remote_id)["entity_id"]
        assert found is not None
        return int(found)

    def stage(self, person: int) -> str:
        return str(self.world.one("SELECT stage FROM stage WHERE person_id = ?", person))

    def hubspot(self, contact: str) -> Json:
        return self.world.fields("hubspot", "contacts", contact)

    def salesforce(self, known: Known) -> Json:
        return self.world.fields("salesforce", known.kind, known.other)

    def sf_stream(self, known: Known) -> str:
        return {"Lead": "leads", "Contact": "contacts"}[known.kind]

    def edit_hubspot(self, contact: str, **values: Any) -> None:
        self.world.edit("hubspot", "contacts", contact, **values)


@pytest.fixture(scope="module", params=["plain", "hostile"])
def life(
    request: pytest.FixtureRequest, sandbox: StartSandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Life]:
    """A rehearsal of its own for the tests of a file, calm and hostile."""
    hostile = request.param == "hostile"
    home: Path = tmp_path_factory.mktemp("life") / "hub"
    more = ("--hostile", "--no-limits") if hostile else ()
    # a number of people of its own: other files reset the sandboxes that they share
    people = PEOPLE + sum(map(ord, request.module.__name__)) % 20
    found = sandbox("--people", str(people), "--rate", "0", *more)
    made = Life(World(found.control, home), hostile)
    made.begin()
    yield made
    made.world.close()
