"""What no feed tells: deletions, restores and re-links are found; what is merely hidden is not taken for deleted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.contract import Link
from core.errors import Refused
from jobs.pull import pull
from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import World
from tests.jobs.memory import DAY
from tests.jobs.test_two_way import pair


def people(w: World, n: int) -> list[str]:
    """`n` contacts of alpha, synced to rest."""
    made = [w.alpha.add(email=f"p{i}@acme.fr", first_name=f"P{i}", last_name="Lee") for i in range(n)]
    w.settle()
    return made


def test_a_deletion_without_a_feed_is_found_by_the_next_sync(world: World) -> None:
    _a, b = pair(world)
    world.beta.delete(b, told=False)
    report = world.sync()
    assert report.pulled["beta"].stats.deleted == 1
    row = world.hub.records.by_remote("beta", "contacts", b)
    assert row is not None
    assert row.deleted_at is not None
    assert report.exit_code == 0


def test_a_restore_without_a_stamp_is_found_by_the_next_sync(world: World) -> None:
    a, b = pair(world)
    world.beta.delete(b, told=False)
    world.sync()
    world.alpha.edit(a, city="Lyon")
    world.settle()
    world.beta.restore(b)
    world.settle()
    row = world.hub.records.by_remote("beta", "contacts", b)
    assert row is not None
    assert row.deleted_at is None
    assert world.beta.shows(b, "city") == "Lyon"


def test_a_quiet_sync_reads_no_bin(world: World) -> None:
    pair(world)
    world.beta.asked.clear()
    world.sync(3)
    assert not world.beta.asked


def test_the_bin_of_activities_is_read_once_a_day(world: World) -> None:
    a, _b = pair(world)
    event = world.alpha.happened("page_view", a)
    world.settle()
    world.alpha.delete(event, "events", told=False)
    world.sync()
    gone = "SELECT deleted_at FROM activity WHERE remote_id = ?"
    assert world.db.value(gone, (event,)) is None
    world.sync(wait=DAY)
    assert world.db.value(gone, (event,)) is not None
    world.alpha.restore(event, "events")
    world.sync(wait=DAY)
    assert world.db.value(gone, (event,)) is None


def test_a_relink_without_a_stamp_is_found_within_a_day(world: World) -> None:
    a, _b = pair(world)
    first, second = (world.alpha.add("companies", name=n, domain=f"{n}.fr") for n in ("acme", "bolt"))
    world.alpha.relink(a, Link("companies", first, primary=True))
    world.sync(wait=DAY)
    assert _company(world, a) == world.id_of("alpha", first, "companies")
    world.alpha.relink(a, Link("companies", second, primary=True))
    world.sync(wait=DAY)
    assert _company(world, a) == world.id_of("alpha", second, "companies")


def test_an_activity_that_moves_to_somebody_else_follows(world: World) -> None:
    a, _b = pair(world)
    bo = world.alpha.add(email="bo@ray.fr", first_name="Bo", last_name="Ray")
    event = world.alpha.happened("page_view", a)
    world.settle()
    world.alpha.relink(event, Link("contacts", bo), stream="events")
    world.sync(wait=DAY)
    seen = world.db.value("SELECT person_id FROM activity_party p JOIN activity a ON a.id = p.activity_id")
    assert seen == world.id_of("alpha", bo)


def test_credentials_that_show_fewer_records_stop_the_connection(make: MakeWorld) -> None:
    w = make()
    mine = people(w, 30)
    w.forget_writes()
    w.alpha.hidden = set(mine[:20])
    w.beta.add(email="p1@acme.fr", first_name="P1", last_name="Lee", city="Lyon")
    report = w.sync()
    assert report.exit_code == 3
    assert "show only 10 of the 30 contacts" in report.json()["messages"][0]
    assert "--accept-fewer" in report.json()["messages"][0]
    assert w.hub.records.count("alpha", "contacts") == 30
    assert w.alpha.pushed == []
    w.alpha.hidden = set()
    w.settle()
    assert w.alpha.shows(mine[1], "city") == "Lyon"


def test_fewer_records_can_be_accepted(make: MakeWorld) -> None:
    w = make()
    mine = people(w, 30)
    w.alpha.hidden = set(mine[:20])
    assert w.sync().exit_code == 3
    assert pull(w.hub, ["alpha"], accept_fewer=True)["alpha"].error is None
    assert w.sync().exit_code == 0
    w.alpha.hidden = set(mine[:25])
    assert w.sync().exit_code == 0  # a few more are no accident
    w.alpha.hidden = set(mine[:29])
    w.alpha.delete(mine[29], told=False)
    assert w.sync().exit_code == 0
    assert w.hub.records.count("alpha", "contacts") == 29


def test_records_that_the_index_does_not_count_yet_are_no_alarm(
    make: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = make()
    people(w, 30)
    new = [w.alpha.add(email=f"new{i}@acme.fr", first_name=f"N{i}", last_name="Lee") for i in range(20)]
    spec = next(s for s in w.alpha.streams() if s.name == "contacts")
    monkeypatch.setattr(type(w.alpha), "streams", lambda _self: (replace(spec, overlap_s=300),))
    monkeypatch.setattr(type(w.alpha), "count", lambda self, _stream: 30 if self is w.alpha else 0)
    assert w.sync(wait=1000).exit_code == 0
    assert w.hub.records.count("alpha", "contacts") == 30 + len(new)
    assert w.sync(wait=301_000).exit_code == 3  # by now they should have been counted


def test_a_few_that_vanish_stop_nothing_and_are_not_deleted(make: MakeWorld) -> None:
    w = make()
    mine = people(w, 30)
    w.alpha.hidden = set(mine[:3])
    assert w.sync().exit_code == 0
    assert w.hub.records.count("alpha", "contacts") == 30
    w.alpha.asked.clear()
    w.sync(2)
    assert not w.alpha.asked  # looked once, found nothing in the bin, does not look for the same again


def test_other_credentials_are_asked_whose_they_are(world: World) -> None:
    pair(world)
    world.sync()
    world.alpha.account = "acc-other"
    world.sync()  # nothing tells of it yet, and a day has not passed
    world.db.conn.execute("UPDATE setting SET value = 'x' WHERE name = 'credentials alpha'")
    with pytest.raises(Refused, match=r"acc-other.*acc-alpha"):
        world.sync()
    assert world.alpha.pushed == []


def _company(world: World, a: str) -> object:
    return world.db.value("SELECT company_id FROM person WHERE id = ?", (world.id_of("alpha", a),))
