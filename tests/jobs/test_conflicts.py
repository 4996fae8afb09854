"""Two edits of one field between two syncs."""

from __future__ import annotations

from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import World, mapping_text
from tests.jobs.memory import DAY
from tests.jobs.test_two_way import NAMES, pair


def _both_edit(w: World) -> tuple[str, str]:
    a, b = pair(w)
    w.alpha.edit(a, city="Lyon", job_title="CTO")
    w.clock.pass_(60_000)
    w.beta.edit(b, city="Metz", phone="+33612345678")
    return a, b


def test_two_edits_between_syncs_are_held_with_both_values(world: World) -> None:
    a, b = _both_edit(world)
    report = world.sync()
    assert (report.new_conflicts, report.exit_code) == (1, 1)
    assert world.conflicts() == [("city", "edit", ["Lyon", "Metz"])]
    assert world.person("ann@acme.fr")["city"] == "Paris", "the canonical value stays"
    assert (world.alpha.shows(a, "city"), world.beta.shows(b, "city")) == ("Lyon", "Metz")


def test_other_fields_flow_and_the_conflict_is_stable(world: World) -> None:
    a, b = _both_edit(world)
    world.sync()
    assert world.beta.shows(b, "job_title") == "CTO"
    assert world.alpha.shows(a, "phone") == "+33612345678"
    before = world.conflicts()
    for _ in range(3):
        report = world.sync()
        assert (report.new_conflicts, report.exit_code) == (0, 0)
    assert world.conflicts() == before
    assert world.pushes("city") == 0
    assert report.plan is not None
    assert report.plan.ops == 0


def test_a_conflict_survives_other_edits_of_the_person(world: World) -> None:
    a, b = _both_edit(world)
    world.sync()
    world.alpha.edit(a, last_name="Leeds")
    world.beta.edit(b, first_name="Anna")
    world.settle()
    assert world.conflicts() == [("city", "edit", ["Lyon", "Metz"])]
    assert world.pushes("city") == 0


def test_a_conflict_closes_when_one_side_takes_the_other_value(world: World) -> None:
    a, b = _both_edit(world)
    world.sync()
    world.alpha.edit(a, city="Metz")
    world.settle()
    assert world.conflicts() == []
    assert (world.alpha.shows(a, "city"), world.beta.shows(b, "city")) == ("Metz", "Metz")
    assert world.person("ann@acme.fr")["city"] == "Metz"
    assert world.pushes("city") == 0


def test_a_conflict_closes_by_a_later_edit(world: World) -> None:
    a, b = _both_edit(world)
    world.sync(2)
    world.clock.pass_(DAY)
    world.beta.edit(b, city="Nice")
    world.settle()
    assert world.conflicts() == []
    assert (world.alpha.shows(a, "city"), world.beta.shows(b, "city")) == ("Nice", "Nice")


def test_a_conflict_closes_when_one_side_takes_its_edit_back(world: World) -> None:
    a, b = _both_edit(world)
    world.sync()
    world.beta.edit(b, city="Paris")
    world.settle()
    assert world.conflicts() == []
    assert (world.alpha.shows(a, "city"), world.beta.shows(b, "city")) == ("Lyon", "Lyon")


def test_a_person_beats_a_machine_in_the_same_interval(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, city="Lyon")
    world.beta.edit(b, actor="integration", city="Metz")
    world.settle()
    assert (world.alpha.shows(a, "city"), world.beta.shows(b, "city")) == ("Lyon", "Lyon")
    assert world.conflicts() == []


def test_ask_holds_also_what_times_could_tell(make: MakeWorld) -> None:
    w = make(mapping=mapping_text(NAMES, wins={"city": '"ask"'}))
    a, b = pair(w)
    w.alpha.edit(a, city="Lyon")
    w.clock.pass_(DAY)
    w.beta.edit(b, city="Metz")
    w.sync()
    assert w.conflicts() == [("city", "edit", ["Lyon", "Metz"])]


def test_an_ordered_list_decides_without_asking(make: MakeWorld) -> None:
    w = make(mapping=mapping_text(NAMES, wins={"city": '["beta", "alpha"]'}))
    a, b = pair(w)
    w.alpha.edit(a, city="Lyon")
    w.beta.edit(b, city="Metz")
    w.settle()
    assert (w.alpha.shows(a, "city"), w.beta.shows(b, "city")) == ("Metz", "Metz")
    assert w.conflicts() == []


def test_three_edits_are_three_candidates(make: MakeWorld) -> None:
    w = make("alpha", "beta", "gamma")
    ids = {n: w.crms[n].add(email="ann@acme.fr", city="Paris") for n in w.crms}
    w.settle()
    for n, city in (("alpha", "Lyon"), ("beta", "Metz"), ("gamma", "Nice")):
        w.crms[n].edit(ids[n], city=city)
    w.sync()
    assert w.conflicts() == [("city", "edit", ["Lyon", "Metz", "Nice"])]
