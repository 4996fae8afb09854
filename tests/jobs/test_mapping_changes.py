"""A mapping that changes is no edit in a CRM."""

from __future__ import annotations

from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import USUAL, World, mapping_text
from tests.jobs.test_two_way import NAMES, pair


def test_a_newly_mapped_field_is_a_first_contact(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, country="FR")
    world.beta.edit(b, postal_code="69001")
    world.sync()
    assert world.person("ann@acme.fr")["country"] is None
    world.open(mapping=mapping_text(NAMES, (*USUAL, "country", "postal_code")))
    world.settle()
    assert world.beta.shows(b, "country") == "FR"
    assert world.alpha.shows(a, "postal_code") == "69001"
    assert world.changes("country") == []
    assert world.conflicts() == []


def test_a_newly_mapped_field_in_which_the_crms_disagree_waits(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, country="FR")
    world.clock.pass_(10**9)
    world.beta.edit(b, country="DE")
    world.sync()
    world.open(mapping=mapping_text(NAMES, (*USUAL, "country")))
    world.settle()
    assert (world.alpha.shows(a, "country"), world.beta.shows(b, "country")) == ("FR", "DE")
    assert world.conflicts() == [("country", "adoption", ["DE", "FR"])]


def test_a_field_that_was_not_fetched_yet_does_not_vote_and_is_not_written(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, country="FR")
    world.beta.edit(b, country="DE")
    world.sync()
    world.open(mapping=mapping_text(NAMES, (*USUAL, "country")))
    world.beta.fall()  # beta cannot be read again
    world.sync()
    assert world.person("ann@acme.fr")["country"] == "FR"
    world.beta.down = None
    assert all("b_country" not in op.values for op in world.ops())
    world.settle()
    assert world.beta.shows(b, "country") == "DE"


def test_a_field_that_our_user_cannot_see_is_no_target(world: World) -> None:
    for stream in ("contacts", "leads"):
        del world.beta.schema[stream]["b_city"]
    a = world.alpha.add(email="ann@acme.fr", city="Paris")
    world.beta.add(email="ann@acme.fr")
    world.settle()
    assert world.pushes("city") == 0
    assert world.person("ann@acme.fr")["city"] == "Paris"
    assert world.alpha.shows(a, "city") == "Paris"


SOURCES = """[options.lead_source.alpha]
web = "W"
event = "E"
[options.lead_source.beta]
web = "site"
event = "fair"
"""


def _sourced(make: MakeWorld) -> tuple[World, str, str, dict[str, str]]:
    place = {f"lead_source.{n}": f'{{ field = "{n[0]}_lead_source", direction = "both" }}' for n in NAMES}
    w = make(mapping=mapping_text(NAMES, (*USUAL, "lead_source"), place=place, more=SOURCES))
    a, b = pair(w, lead_source=None)
    w.alpha.edit(a, lead_source="W")
    w.settle()
    assert w.beta.shows(b, "lead_source") == "site"
    return w, a, b, place


def test_editing_an_option_table_is_no_edit_in_a_crm(make: MakeWorld) -> None:
    w, a, b, place = _sourced(make)
    w.forget_writes()
    before = w.changes("lead_source")
    table = SOURCES.replace('web = "W"\nevent = "E"', 'web = "X"\nevent = ["E", "W"]')
    w.open(mapping=mapping_text(NAMES, (*USUAL, "lead_source"), place=place, more=table))
    w.alpha.edit(a, job_title="CEO")  # the person is resolved again
    w.settle()
    assert w.changes("lead_source") == before
    assert w.alpha.shows(a, "lead_source") == "W", "nobody changed it there"
    assert w.beta.shows(b, "lead_source") == "site"
    assert w.conflicts() == [("lead_source", "adoption", ["event", "web"])]


def test_renaming_an_option_everywhere_moves_no_crm(make: MakeWorld) -> None:
    w, _a, _b, place = _sourced(make)
    w.forget_writes()
    table = SOURCES.replace("web =", "website =")
    w.open(mapping=mapping_text(NAMES, (*USUAL, "lead_source"), place=place, more=table))
    w.settle()
    assert w.person("ann@acme.fr")["lead_source"] == "website", "canonical values follow the mapping"
    assert w.pushes() == 0
    assert w.conflicts() == []
    assert w.changes("lead_source") == [(None, "web", "alpha")]


def test_a_field_mapped_under_another_name_is_filled_from_what_is_known(world: World) -> None:
    _a, _b = pair(world)
    own = '[fields.town]\ntype = "text"\nalpha = { field = "a_city" }\nbeta = { field = "b_city" }\n'
    facts = [f for f in USUAL if f != "city"]
    world.open(mapping=mapping_text(NAMES, facts, more=own))
    world.settle()
    assert world.person("ann@acme.fr")["town"] == "Paris"
    assert world.pushes() == 0


def test_an_opt_out_survives_a_new_mapping(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, opted_out=True)
    world.sync()
    world.hub.runs.set_setting("writes", "off", now=world.clock.now())
    world.alpha.edit(a, opted_out=False)
    world.beta.edit(b, opted_out=False)
    world.sync()
    world.open(mapping=mapping_text(NAMES, (*USUAL, "country")))
    world.sync()
    assert world.person("ann@acme.fr")["opted_out"] is True


def test_a_field_made_in_the_crm_and_mapped_is_pulled_at_once(world: World) -> None:
    a, b = pair(world)
    for crm in (world.alpha, world.beta):
        crm.add_column("seats")
    world.alpha.edit(a, seats=5)
    own = "\n".join(f'{n} = {{ field = "{n[0]}_seats", direction = "both" }}' for n in NAMES)
    world.open(mapping=mapping_text(NAMES, more=f'[fields.seats]\ntype = "number"\n{own}\n'))
    world.settle()
    assert world.person("ann@acme.fr")["seats"] == 5
    assert world.beta.shows(b, "seats") == 5
