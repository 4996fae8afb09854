"""Records die, come back, become one or another: what their people keep, who has a vote, what follows."""

from __future__ import annotations

import pytest

from connectors.contract import Link
from jobs.why import why
from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import USUAL, World, mapping_text
from tests.jobs.memory import DAY
from tests.jobs.test_two_way import NAMES, pair

COMPANY = ("name", "domain", "industry")


@pytest.fixture
def w(make: MakeWorld) -> World:
    """Two CRMs with people and companies."""
    return make(mapping=mapping_text(NAMES, (*USUAL, *COMPANY)))


def _company(w: World, who: str = "ann@acme.fr") -> int | None:
    found: int | None = w.db.value("SELECT company_id FROM person WHERE id = ?", (w.hub.entities.find_person(who),))
    return found


# ------------------------------------------------------------------------------------------ deleted, restored


def test_a_deleted_record_has_no_vote_where_it_used_to_win(make: MakeWorld) -> None:
    wins = {"city": '["beta", "alpha"]'}
    place = {"city.alpha": "{}", "city.beta": "{}"}
    w = make(mapping=mapping_text(NAMES, wins=wins, place=place))
    w.alpha.add(email="ann@acme.fr", last_name="Lee", city="Paris")
    b = w.beta.add(email="ann@acme.fr", last_name="Lee", city="Lyon")
    w.settle()
    assert w.person("ann@acme.fr")["city"] == "Lyon"
    w.beta.delete(b)
    w.settle()
    assert w.person("ann@acme.fr")["city"] == "Paris"


def test_a_conflict_ends_when_one_of_its_sides_is_deleted(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, city="Lyon")
    world.beta.edit(b, city="Metz")
    world.sync()
    assert world.conflicts() == [("city", "edit", ["Lyon", "Metz"])]
    world.beta.delete(b)
    world.settle()
    assert world.conflicts() == []
    assert world.person("ann@acme.fr")["city"] == "Lyon"


def test_a_no_counts_though_its_record_was_deleted(world: World) -> None:
    a, b = pair(world)
    world.beta.edit(b, opted_out=True)
    world.beta.delete(b)
    world.settle()
    assert world.alpha.shows(a, "opted_out") is None, "deleted before we saw it"
    world.beta.restore(b)
    world.sync(wait=DAY)
    world.beta.delete(b)
    world.settle()
    assert world.alpha.shows(a, "opted_out") is True


def test_a_person_without_a_live_record_is_kept_and_not_planned(world: World) -> None:
    a, b = pair(world)
    world.alpha.happened("page_view", a)
    world.settle()
    world.forget_writes()
    world.alpha.delete(a)
    world.beta.delete(b)
    report = world.settle()
    assert world.pushes() == 0
    assert report.plan is not None
    assert report.plan.held == {}
    found = why(world.hub, str(world.id_of("alpha", a)))
    assert found.facts["city"] == "Paris"
    assert {r["state"] for r in found.records} == {"deleted"}
    assert world.db.value("SELECT COUNT(*) FROM person WHERE todo_plan = 1 OR todo_qualify = 1") == 0
    for _ in range(3):
        world.sync(wait=30 * DAY)
    assert world.pushes() == 0


def test_a_person_whose_address_comes_back_on_a_new_record_is_a_new_person(world: World) -> None:
    a, b = pair(world)
    world.alpha.delete(a)
    world.beta.delete(b)
    world.settle()
    new = world.alpha.add(email="ann@acme.fr", first_name="Ann", last_name="Lee")
    world.settle()
    assert world.id_of("alpha", new) != world.id_of("alpha", a), "what is deleted is not brought back by a namesake"
    assert world.hub.entities.find_person("ann@acme.fr") == world.id_of("alpha", new)


def test_a_restored_record_votes_again_and_what_it_pointed_to_comes_back(w: World) -> None:
    acme = w.alpha.add("companies", name="Acme", domain="acme.fr")
    a = w.alpha.add(email="ann@mail.fr", last_name="Lee", links=[Link("companies", acme, primary=True)])
    b = w.beta.add(email="ann@mail.fr", last_name="Lee")
    w.alpha.happened("page_view", a)
    w.settle()
    person = w.id_of("alpha", a)
    w.alpha.delete(a)
    w.settle()
    assert _company(w, "ann@mail.fr") is None
    w.alpha.restore(a)
    w.alpha.edit(a, job_title="CEO")
    w.settle()
    assert w.id_of("alpha", a) == person
    assert _company(w, "ann@mail.fr") == w.id_of("alpha", acme, "companies")
    assert w.beta.shows(b, "job_title") == "CEO"
    assert w.hub.scores.scores([person])[person]["engagement"] == 10_000


# ------------------------------------------------------------------------------------------ companies


def test_people_leave_a_company_that_is_deleted_and_return_when_it_is_restored(w: World) -> None:
    acme = w.alpha.add("companies", name="Acme", domain="acme.fr")
    w.alpha.add(email="ann@acme.fr", last_name="Lee", links=[Link("companies", acme, primary=True)])
    w.alpha.add(email="bob@acme.fr", last_name="Ray")
    w.settle()
    entity = w.id_of("alpha", acme, "companies")
    assert _company(w) == _company(w, "bob@acme.fr") == entity
    w.alpha.delete(acme, "companies")
    w.settle()
    assert _company(w) is None
    assert _company(w, "bob@acme.fr") is None, "attached by the domain"
    w.alpha.restore(acme, "companies")
    w.sync(wait=DAY)
    w.settle()
    assert _company(w) == entity


def test_people_of_merged_companies_are_at_the_survivor(w: World) -> None:
    one, other = (w.alpha.add("companies", name=n) for n in ("Acme", "Acme France"))
    w.alpha.add(email="ann@acme.fr", last_name="Lee", links=[Link("companies", other, primary=True)])
    w.settle()
    new = w.alpha.add("companies", name="Acme Group", industry="Steel")
    for old in (one, other):
        w.alpha.merge(old, new, "companies")
    w.settle()
    entity = w.id_of("alpha", new, "companies")
    assert _company(w) == entity == w.id_of("alpha", one, "companies")
    assert w.hub.entities.load("company", [entity])[entity].values["name"] == "Acme Group"


# ------------------------------------------------------------------------------------------ merged, converted


def test_activities_of_records_merged_into_a_new_one_are_the_survivors(world: World) -> None:
    a, b = pair(world)
    other = world.beta.add(email="al@acme.fr", first_name="Al", last_name="Lee")
    for one in (b, other):
        world.beta.happened("page_view", one)
    world.settle()
    new = world.beta.add(email="ann@acme.fr", first_name="Ann", last_name="Lee")
    for old in (b, other):
        world.beta.merge(old, new)
    world.settle()
    person = world.id_of("beta", new)
    assert person == world.id_of("alpha", a) == world.id_of("beta", other)
    assert world.hub.scores.scores([person])[person]["engagement"] == 20_000
    world.beta.happened("page_view", other, at=world.clock.now())  # the CRM may still name the old id
    world.beta.happened("page_view", new)
    world.settle()
    assert len(world.hub.activities.of_people([person])[person]) == 4
    assert world.beta.shows(new, "hub_score") == 40


def test_a_merge_that_is_told_before_its_survivor_is_seen_waits_for_it(world: World) -> None:
    a, b = pair(world)
    new = world.beta.add(email="ann@acme.fr", first_name="Ann", last_name="Lee")
    world.beta.hidden.add(new)
    world.beta.merge(b, new)
    world.sync()
    assert world.id_of("beta", b) == world.id_of("alpha", a)
    world.beta.hidden.clear()
    world.beta.edit(new, city="Paris")
    world.settle()
    assert world.id_of("beta", new) == world.id_of("alpha", a)
    world.beta.edit(new, city="Lyon")
    world.settle()
    assert world.alpha.shows(a, "city") == "Lyon"


def test_a_converted_lead_hands_its_person_to_the_contact_that_is_written_from_then_on(world: World) -> None:
    lead = world.beta.add("leads", email="ann@acme.fr", first_name="Ann", last_name="Lee", job_title="CEO")
    a = world.alpha.add(email="ann@acme.fr", first_name="Ann", last_name="Lee")
    world.beta.happened("page_view", lead, stream="leads")
    world.settle()
    person = world.id_of("alpha", a)
    assert world.hub.entities.load("person", [person])[person].lead_record is not None
    contact = world.beta.convert(lead, email="ann.lee@acme.fr")  # the address was changed on the way
    world.beta.merge(lead, contact, "leads", "contacts")
    world.settle()
    assert world.id_of("beta", contact) == person
    assert world.beta.shows(contact, "hub_stage") == world.alpha.shows(a, "hub_stage") is not None
    assert world.beta.shows(contact, "hub_score") == 50
    world.forget_writes()
    world.alpha.edit(a, city="Lyon")
    world.settle()
    assert world.beta.shows(contact, "city") == "Lyon"
    assert {op.remote_id for stream, op in world.beta.pushed if stream == "leads"} == set()
    row = world.hub.entities.load("person", [person])[person]
    assert row.lead_record in {r.id for r in world.hub.records.by_entity("person", [person])[person] if r.live}
