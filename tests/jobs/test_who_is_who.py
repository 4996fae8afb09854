"""Records become people and companies: joined when certain, asked about when not."""

from __future__ import annotations

from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import USUAL, World, mapping_text
from tests.jobs.test_two_way import NAMES

COMPANY = ("name", "domain", "industry", "employees")


def _reviews(w: World) -> int:
    return w.hub.links.waiting()


def test_one_address_in_two_crms_is_one_person_with_evidence(world: World) -> None:
    a = world.alpha.add(email="Ann@Acme.fr", first_name="Ann", last_name="Lee")
    b = world.beta.add(email="ann@acme.fr ", first_name="Anne", last_name="Lee")
    world.sync()
    assert world.id_of("alpha", a) == world.id_of("beta", b)
    row = world.db.one("SELECT rule, weight, evidence FROM link WHERE rule = 'email'")
    assert row is not None
    assert "ann@acme.fr" in row["evidence"]


def test_one_address_with_two_names_waits_for_review_and_shares_nothing(world: World) -> None:
    a = world.alpha.add(email="family@lee.fr", first_name="Ann", last_name="Lee", city="Paris")
    b = world.beta.add(email="family@lee.fr", first_name="Robert", last_name="Ray")
    world.settle()
    assert world.id_of("alpha", a) != world.id_of("beta", b)
    assert _reviews(world) == 1
    assert world.beta.shows(b, "city") is None
    world.sync(2)
    assert _reviews(world) == 1, "asked once"


def test_colleagues_with_one_phone_and_one_desk_address_stay_apart(world: World) -> None:
    for crm, first, last in ((world.alpha, "Ann", "Lee"), (world.beta, "Bob", "Ray"), (world.alpha, "Eve", "Fox")):
        crm.add(email="info@acme.fr", phone="+33140000000", first_name=first, last_name=last)
    world.settle()
    assert world.db.value("SELECT COUNT(*) FROM person WHERE merged_into IS NULL") == 3


def test_a_person_who_gets_an_address_later_is_joined_and_the_lower_id_survives(world: World) -> None:
    a = world.alpha.add(email="ann@acme.fr", first_name="Ann", last_name="Lee", city="Paris")
    b = world.beta.add(first_name="Ann", last_name="Lee", job_title="CEO")
    world.settle()
    first, second = world.id_of("alpha", a), world.id_of("beta", b)
    assert first != second
    world.beta.edit(b, email="ann@acme.fr")
    world.settle()
    assert world.id_of("alpha", a) == world.id_of("beta", b) == min(first, second)
    assert (world.alpha.shows(a, "job_title"), world.beta.shows(b, "city")) == ("CEO", "Paris")
    assert world.hub.entities.find_person(str(max(first, second))) == min(first, second)


def test_joining_people_who_disagree_overwrites_nothing(world: World) -> None:
    a = world.alpha.add(email="ann@acme.fr", first_name="Ann", last_name="Lee", city="Paris")
    b = world.beta.add(first_name="Ann", last_name="Lee", city="Lyon")
    world.settle()
    world.beta.edit(b, city="Metz")
    world.settle()
    world.beta.edit(b, email="ann@acme.fr")
    world.settle()
    assert (world.alpha.shows(a, "city"), world.beta.shows(b, "city")) == ("Paris", "Metz")
    assert world.conflicts() == [("city", "adoption", ["Metz", "Paris"])]


def test_activities_follow_when_people_are_joined(world: World) -> None:
    a = world.alpha.add(email="ann@acme.fr", first_name="Ann", last_name="Lee")
    b = world.beta.add(first_name="Ann", last_name="Lee")
    for crm, one in ((world.alpha, a), (world.beta, b)):
        crm.happened("page_view", one)
    world.settle()
    world.beta.edit(b, email="ann@acme.fr")
    world.settle()
    person = world.id_of("alpha", a)
    assert world.hub.scores.scores([person])[person]["engagement"] == 20_000
    assert world.db.value("SELECT COUNT(*) FROM score") == 1


def test_an_address_that_too_many_share_links_nobody(world: World) -> None:
    for n in range(25):
        world.alpha.add(email="x@acme.fr", first_name=f"N{n}")
    world.sync()
    assert world.db.value("SELECT COUNT(*) FROM person WHERE merged_into IS NULL") == 25


def test_companies_meet_by_domain_and_their_facts_travel(make: MakeWorld) -> None:
    w = make(mapping=mapping_text(NAMES, (*USUAL, *COMPANY)))
    a = w.alpha.add("companies", name="Acme SAS", domain="https://www.acme.fr", industry="Steel")
    b = w.beta.add("companies", name="ACME", domain="acme.fr", employees=50)
    w.settle()
    assert w.id_of("alpha", a, "companies") == w.id_of("beta", b, "companies")
    assert w.beta.shows(b, "industry", "companies") == "Steel"
    assert w.alpha.shows(a, "employees", "companies") == 50
    w.beta.edit(b, "companies", employees=80)
    w.settle()
    assert w.alpha.shows(a, "employees", "companies") == 80
    assert w.conflicts() == [("name", "adoption", ["ACME", "Acme SAS"])]
