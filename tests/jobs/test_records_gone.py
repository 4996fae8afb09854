"""Records that are deleted, merged, converted, or gone when we write."""

from __future__ import annotations

from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import World, config_text
from tests.jobs.test_two_way import NAMES, pair


def test_a_deleted_record_deletes_nothing_elsewhere(world: World) -> None:
    a, b = pair(world)
    world.alpha.delete(a)
    world.settle()
    assert world.beta.shows(b, "city") == "Paris"
    assert world.person("ann@acme.fr")["city"] == "Paris"
    assert world.pushes() == 0


def test_values_that_only_a_deleted_record_held_stay(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, phone="+33612345678")
    world.hub.runs.set_setting("writes", "off", now=world.clock.now())
    world.sync()
    world.alpha.delete(a)
    world.hub.runs.set_setting("writes", "on", now=world.clock.now())
    world.settle()
    assert world.beta.shows(b, "phone") == "+33612345678"


def test_a_deleted_record_is_not_created_again(make: MakeWorld) -> None:
    w = make(config_=config_text(NAMES, connections='create = { person = "person.email is not null" }\n'))
    _a, b = pair(w)
    w.beta.delete(b)
    w.settle()
    assert w.beta.count("contacts") == w.beta.count("leads") == 0
    assert w.beta.pushed == []


def test_a_record_that_vanished_without_a_word_is_found_gone_at_write_time(world: World) -> None:
    a, b = pair(world)
    world.beta.before_read = lambda: world.beta.delete(b, told=False)  # between the pull and the guard
    world.alpha.edit(a, city="Lyon")
    report = world.sync()
    assert report.pushed["beta"].outcomes == {"superseded": 1}
    assert report.new_dead == 0
    world.settle()
    assert world.beta.pushed == []


def test_a_record_that_the_crm_no_longer_knows_is_not_planned_for_ever(world: World) -> None:
    a, b = pair(world)
    del world.beta.held["contacts"][b]
    world.alpha.edit(a, city="Lyon")
    world.settle()
    assert world.beta.pushed == []


def test_a_record_deleted_during_the_push_is_no_error(world: World) -> None:
    a, b = pair(world)
    world.beta.before_push = lambda: world.beta.delete(b)
    world.alpha.edit(a, city="Lyon")
    report = world.sync()
    assert report.exit_code == 0
    world.settle()


def test_a_restored_record_takes_part_again(world: World) -> None:
    a, b = pair(world)
    world.beta.delete(b)
    world.sync()
    world.alpha.edit(a, city="Lyon")
    world.settle()
    world.beta.held["contacts"][b].deleted_at = None
    world.beta.edit(b, job_title="CEO")
    world.settle()
    assert world.beta.shows(b, "city") == "Lyon"
    assert world.alpha.shows(a, "job_title") == "CEO"


def test_a_merged_record_leaves_its_person_to_the_survivor(world: World) -> None:
    a, b = pair(world)
    other = world.beta.add(email="bo@acme.fr", first_name="Bob", last_name="Ray")
    bo = world.alpha.add(email="bo@acme.fr", first_name="Bob", last_name="Ray")
    world.settle()
    person = world.id_of("beta", b)
    assert world.id_of("beta", other) != person
    world.beta.merge(other, b)
    world.settle()
    assert world.id_of("beta", b) == world.id_of("beta", other) == person
    assert world.id_of("alpha", bo) == person
    world.forget_writes()
    world.alpha.edit(a, job_title="CEO")
    world.settle()
    assert world.beta.shows(b, "job_title") == "CEO"
    assert all(op.remote_id != other for op in world.ops())


def test_a_merge_to_a_new_record_takes_the_person_along(world: World) -> None:
    a, b = pair(world)
    new = world.beta.add(email="ann@acme.fr", first_name="Ann", last_name="Lee", city="Paris")
    world.beta.merge(b, new)
    world.settle()
    assert world.id_of("beta", new) == world.id_of("alpha", a)
    world.alpha.edit(a, city="Lyon")
    world.settle()
    assert world.beta.shows(new, "city") == "Lyon"


def test_a_converted_lead_is_read_only_and_its_contact_takes_the_writes(world: World) -> None:
    lead = world.beta.add("leads", email="ann@acme.fr", first_name="Ann", last_name="Lee")
    a = world.alpha.add(email="ann@acme.fr", first_name="Ann", last_name="Lee")
    world.settle()
    contact = world.beta.convert(lead)
    world.settle()
    assert world.id_of("beta", contact) == world.id_of("beta", lead, "leads") == world.id_of("alpha", a)
    world.forget_writes()
    world.alpha.edit(a, city="Lyon")
    world.settle()  # the CRM in memory asserts that no read-only record is written
    assert world.beta.shows(contact, "city") == "Lyon"
    assert world.beta.shows(lead, "city", "leads") is None


def test_creates_are_made_once_and_linked(make: MakeWorld) -> None:
    w = make(config_=config_text(NAMES, connections='create = { person = "person.email is not null" }\n'))
    a = w.alpha.add(email="ann@acme.fr", first_name="Ann", last_name="Lee", city="Paris")
    report = w.sync()
    assert report.pushed["beta"].created == 1
    (b,) = w.beta.held["leads"]  # the stream that comes last takes new people
    assert w.id_of("beta", b, "leads") == w.id_of("alpha", a)
    assert w.beta.shows(b, "city", "leads") == "Paris"
    w.settle()
    assert w.beta.count("leads") == 1
    w.beta.edit(b, "leads", city="Lyon")
    w.settle()
    assert w.alpha.shows(a, "city") == "Lyon"
