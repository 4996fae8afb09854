"""Edits travel both ways, once, and do not come back as news."""

from __future__ import annotations

import pytest

from connectors.contract import Value
from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import World, mapping_text
from tests.jobs.memory import DAY

NAMES = ("alpha", "beta")


def pair(w: World, **values: Value) -> tuple[str, str]:
    """The same person in both CRMs, in agreement, everything decided and written."""
    given: dict[str, Value] = {"email": "ann@acme.fr", "first_name": "Ann", "last_name": "Lee", "city": "Paris"}
    given |= values
    found = w.alpha.add("contacts", given), w.beta.add("contacts", given)
    w.settle()
    w.forget_writes()
    return found


@pytest.mark.parametrize(("here", "there"), [("alpha", "beta"), ("beta", "alpha")])
def test_an_edit_reaches_the_other_crm_and_is_no_news_when_it_comes_back(world: World, here: str, there: str) -> None:
    ids = dict(zip(NAMES, pair(world), strict=True))
    world.crms[here].edit(ids[here], city="Lyon")
    report = world.sync()
    assert report.resolved.changes == 1
    assert world.crms[there].shows(ids[there], "city") == "Lyon"
    echo = world.sync()
    assert (echo.resolved.changes, echo.resolved.records) == (0, 0)
    world.sync(3)
    assert world.pushes() == 1
    assert world.changes("city") == [("Paris", "Lyon", here)]
    assert world.conflicts() == []


def test_an_edit_back_and_forth_keeps_the_later_one(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, city="Lyon")
    world.sync()
    world.beta.edit(b, city="Metz")
    world.sync()
    world.alpha.edit(a, city="Nice")
    world.settle()
    assert (world.alpha.shows(a, "city"), world.beta.shows(b, "city")) == ("Nice", "Nice")
    assert [new for _, new, _ in world.changes("city")] == ["Lyon", "Metz", "Nice"]
    assert world.pushes("city") == 3


def test_disjoint_edits_of_one_person_merge_silently(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, city="Lyon")
    world.beta.edit(b, job_title="CEO")
    world.settle()
    assert world.beta.shows(b, "city") == "Lyon"
    assert world.alpha.shows(a, "job_title") == "CEO"
    assert world.conflicts() == []


def test_what_a_person_clears_is_cleared_where_it_is_the_same(world: World) -> None:
    a, b = pair(world, phone="+33612345678")
    world.alpha.edit(a, phone=None)
    world.settle()
    assert world.beta.shows(b, "phone") is None
    assert world.person("ann@acme.fr")["phone"] is None
    assert world.changes("phone") == [("+33612345678", None, "alpha")]


@pytest.mark.parametrize("wins", ['"latest"', '["beta", "alpha"]', '["alpha", "beta"]'])
def test_a_cleared_value_does_not_come_back_while_writes_are_off(make: MakeWorld, wins: str) -> None:
    w = make(mapping=mapping_text(NAMES, wins={"city": wins}))
    a, b = pair(w)
    w.hub.runs.set_setting("writes", "off", now=w.clock.now())
    w.alpha.edit(a, city=None)
    w.sync()
    w.beta.edit(b, job_title="CEO")  # the person is resolved again
    w.sync(2)
    w.hub.runs.set_setting("writes", "on", now=w.clock.now())
    w.settle()
    assert (w.alpha.shows(a, "city"), w.beta.shows(b, "city")) == (None, None)


@pytest.mark.parametrize("actor", ["integration", "unknown"])
def test_what_a_machine_empties_stays_empty_there_until_the_value_changes(world: World, actor: str) -> None:
    a, b = pair(world)
    world.beta.edit(b, actor=actor, city=None)  # type: ignore[arg-type]  # one of the contract's words
    world.settle()
    assert (world.alpha.shows(a, "city"), world.beta.shows(b, "city")) == ("Paris", None)
    assert world.person("ann@acme.fr")["city"] == "Paris"
    assert world.pushes() == 0
    world.alpha.edit(a, city="Lyon")
    world.settle()
    assert world.beta.shows(b, "city") == "Lyon"


def test_e_mail_goes_only_where_there_is_none(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, email="ann.lee@acme.fr")
    world.settle()
    assert world.beta.shows(b, "email") == "ann@acme.fr"
    assert world.person("ann.lee@acme.fr")["email"] == "ann.lee@acme.fr"


def test_if_blank_fills_but_never_overwrites(make: MakeWorld) -> None:
    w = make(mapping=mapping_text(NAMES, place={"city.beta": '{ direction = "both", write = "if_blank" }'}))
    a, b = pair(w, phone=None)
    w.alpha.edit(a, city="Lyon")
    w.settle()
    assert w.beta.shows(b, "city") == "Paris"
    other = w.alpha.add(email="bo@acme.fr", city="Nice"), w.beta.add(email="bo@acme.fr")
    w.settle()
    assert w.beta.shows(other[1], "city") == "Nice"


def test_a_person_with_two_records_in_one_crm_gets_facts_and_decisions_in_both(world: World) -> None:
    first = world.beta.add(email="ann@acme.fr", last_name="Lee", first_name="Ann")
    second = world.beta.add("leads", email="ann@acme.fr", last_name="Lee", first_name="Ann")
    world.alpha.add(email="ann@acme.fr", last_name="Lee", first_name="Ann", city="Paris")
    world.settle()
    assert world.beta.shows(first, "city") == "Paris"
    assert world.beta.shows(second, "city", "leads") == "Paris"
    assert world.beta.shows(second, "hub_stage", "leads") == world.beta.shows(first, "hub_stage") == "lead"


def test_a_sync_without_news_does_nothing(world: World) -> None:
    pair(world)
    report = world.sync()
    assert (report.resolved.records, report.qualified.people) == (0, 0)
    assert report.plan is not None
    assert report.plan.id is None


def test_a_crm_that_is_down_leaves_the_others_work_done_and_gets_its_writes_later(make: MakeWorld) -> None:
    w = make("alpha", "beta", "gamma")
    ids = [w.crms[n].add(email="ann@acme.fr", city="Paris") for n in w.crms]
    w.settle()
    w.gamma.fall()
    w.alpha.edit(ids[0], city="Lyon")
    report = w.sync()
    assert report.exit_code == 3
    assert report.status == "partial"
    assert w.beta.shows(ids[1], "city") == "Lyon"
    w.gamma.down = None
    w.settle()
    assert w.gamma.shows(ids[2], "city") == "Lyon"


def test_a_record_changed_between_plan_and_push_is_planned_anew(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, city="Lyon")
    edits = [lambda: world.beta.edit(b, city="Metz")]

    def once() -> None:
        if edits:
            world.clock.pass_(DAY)
            edits.pop()()

    world.beta.before_read = once
    report = world.sync()
    assert report.pushed["beta"].outcomes["superseded"] == 1
    assert world.beta.shows(b, "city") == "Metz", "the newer edit there is not overwritten"
    world.settle()
    assert world.alpha.shows(a, "city") == "Metz"


def test_a_refused_write_is_parked_and_not_repeated_until_something_changes(world: World) -> None:
    a, b = pair(world)
    world.beta.refuse = lambda op: "no such place" if op.values.get("b_city") == "Atlantis" else None
    world.alpha.edit(a, city="Atlantis")
    report = world.sync()
    assert report.exit_code == 1
    assert report.new_dead == 1
    tried = world.pushes("city")
    world.settle()
    assert world.pushes("city") == tried == 1
    assert world.hub.runs.open_dead_letters() == 1
    world.alpha.edit(a, city="Lyon")
    world.settle()
    assert world.beta.shows(b, "city") == "Lyon"


def test_a_field_that_is_filled_again_takes_part_again(make: MakeWorld) -> None:
    w = make(mapping=mapping_text(NAMES, wins={"city": '["alpha", "beta"]'}))
    a, b = pair(w)
    w.beta.edit(b, actor="integration", city=None)
    w.settle()
    assert w.beta.shows(b, "city") is None
    w.beta.edit(b, city="Dijon")
    w.settle()
    assert (w.alpha.shows(a, "city"), w.beta.shows(b, "city")) == ("Paris", "Paris"), "alpha decides"
