"""Trust from the first day: what the hub does to data that was there before it."""

from __future__ import annotations

import pytest

from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import World, config_text, mapping_text
from tests.jobs.memory import DAY, MINUTE


def _two_that_disagree(w: World) -> tuple[str, str]:
    a = w.alpha.add(email="ann@acme.fr", first_name="Ann", last_name="Lee", city="Paris", job_title=None, phone="1")
    w.clock.pass_(3 * DAY)
    b = w.beta.add(email="ANN@acme.fr", first_name="Ann", last_name="Lee", city="Lyon", job_title="CTO")
    return a, b


def test_disagreement_before_the_first_sync_overwrites_nothing(world: World) -> None:
    a, b = _two_that_disagree(world)
    world.settle()
    assert (world.alpha.shows(a, "city"), world.beta.shows(b, "city")) == ("Paris", "Lyon")
    assert world.conflicts() == [("city", "adoption", ["Lyon", "Paris"])]
    assert world.pushes("city") == 0


def test_blanks_are_filled_both_ways_at_first_contact(world: World) -> None:
    a, b = _two_that_disagree(world)
    report = world.sync()
    assert world.alpha.shows(a, "job_title") == "CTO"
    assert world.beta.shows(b, "phone") == "1"
    assert report.new_disagreements == 1
    assert report.new_conflicts == 0


def test_disagreements_are_counted_and_wait(world: World) -> None:
    _two_that_disagree(world)
    world.alpha.add(email="bo@acme.fr", city="Nice")
    world.beta.add(email="bo@acme.fr", city="Metz", first_name="Bo")
    world.sync(3)
    assert world.hub.entities.open_conflicts() == {"adoption": 2}


def test_a_later_edit_settles_the_disagreement(world: World) -> None:
    a, b = _two_that_disagree(world)
    world.settle()
    world.beta.edit(b, city="Lille")
    world.settle()
    assert world.alpha.shows(a, "city") == "Lille"
    assert world.conflicts() == []


@pytest.mark.parametrize("here", ["alpha", "beta"])
def test_a_machine_does_not_settle_the_disagreement(world: World, here: str) -> None:
    a, b = _two_that_disagree(world)
    world.settle()
    world.crms[here].edit({"alpha": a, "beta": b}[here], actor="import", city="Nice")
    world.settle()
    other = "Lyon" if here == "alpha" else "Paris"
    assert {world.alpha.shows(a, "city"), world.beta.shows(b, "city")} == {"Nice", other}
    assert world.conflicts() == [("city", "adoption", sorted(["Nice", other]))]
    assert world.pushes("city") == 0


def test_taking_over_the_other_value_settles_the_disagreement(world: World) -> None:
    a, b = _two_that_disagree(world)
    world.settle()
    world.alpha.edit(a, city="Lyon")
    world.settle()
    assert (world.alpha.shows(a, "city"), world.beta.shows(b, "city")) == ("Lyon", "Lyon")
    assert world.conflicts() == []


def test_a_side_of_the_disagreement_that_is_given_up_leaves_the_other(world: World) -> None:
    a, b = _two_that_disagree(world)
    world.settle()
    world.alpha.edit(a, city=None)
    world.settle()
    assert world.person("ann@acme.fr")["city"] == "Lyon"
    assert (world.alpha.shows(a, "city"), world.beta.shows(b, "city")) == (None, "Lyon")
    assert world.conflicts() == []


def test_observe_writes_nothing_at_all(make: MakeWorld) -> None:
    w = make(config_=config_text(["alpha", "beta"], mode="observe"))
    a, b = _two_that_disagree(w)
    w.beta.edit(b, opted_out=True)
    report = w.sync(3)
    assert report.plan is not None
    assert report.plan.ops > 0
    assert (w.pushes(), w.alpha.ensured, w.beta.ensured) == (0, [], [])
    assert w.alpha.shows(a, "job_title") is None
    assert all("observe" in text for text in report.held)
    assert w.hub.outbox.open_count() == 0


def test_canary_writes_to_its_segment_and_opt_outs_to_all(make: MakeWorld) -> None:
    rollout = "canary = \"person.city = 'Paris'\""
    w = make(config_=config_text(["alpha", "beta"], mode="canary", rollout=rollout))
    inside = w.alpha.add(email="in@acme.fr", city="Paris", job_title="CEO"), w.beta.add(email="in@acme.fr")
    outside = w.alpha.add(email="out@acme.fr", city="Nice", job_title="CEO"), w.beta.add(email="out@acme.fr")
    w.sync()
    assert w.beta.shows(inside[1], "job_title") == "CEO"
    assert w.beta.shows(outside[1], "job_title") is None
    w.alpha.edit(outside[0], opted_out=True, job_title="CFO")
    w.sync()
    assert w.beta.shows(outside[1], "opted_out") is True
    assert w.beta.shows(outside[1], "job_title") is None, "only the opt-out leaves the segment"
    assert w.alpha.shows(outside[0], "hub_stage") is None


def test_first_push_needs_an_approved_plan(make: MakeWorld) -> None:
    w = make(approved=False)
    _two_that_disagree(w)
    report = w.sync()
    assert w.pushes() == 0
    assert w.alpha.ensured == []
    assert len(report.held) == 2
    assert all("approved plan" in text for text in report.held)
    assert report.status == "partial"
    w.approve()
    w.sync()
    assert w.pushes() > 0


def test_stop_if_stops_before_the_first_write(make: MakeWorld) -> None:
    w = make(config_=config_text(["alpha", "beta"], rollout="stop_if = { updates = 1 }"))
    for n in range(3):
        w.alpha.add(email=f"p{n}@acme.fr", city="Paris")
    w.beta.add(email="p0@acme.fr")
    report = w.sync()
    assert w.alpha.pushed == [], "three updates of alpha are too many"
    assert len(w.beta.pushed) == 1
    assert any("stop_if.updates" in text for text in report.held)


def test_writes_off_stops_everything_and_on_continues(world: World) -> None:
    a, _ = _two_that_disagree(world)
    world.hub.runs.set_setting("writes", "off", now=world.clock.now())
    report = world.sync(2)
    assert world.pushes() == 0
    assert any("writes are off" in text for text in report.held)
    world.hub.runs.set_setting("writes", "on", now=world.clock.now())
    world.settle()
    assert world.alpha.shows(a, "job_title") == "CTO"


def test_writes_switched_off_during_a_push_stop_the_next_batch(world: World) -> None:
    for n in range(7):
        world.alpha.add(email=f"p{n}@acme.fr", city="Paris")

    def off() -> None:
        world.hub.runs.set_setting("writes", "off", now=world.clock.now())

    world.alpha.before_push = off
    report = world.sync()
    assert len(world.alpha.pushed) == 2, "one batch was under way"
    assert any("switched off" in text for text in report.held)


def test_customers_get_nothing_but_opt_outs(make: MakeWorld) -> None:
    rollout = "never_touch = \"person.stage = 'customer'\""
    w = make(config_=config_text(["alpha", "beta"], rollout=rollout))
    a = w.alpha.add(email="c@acme.fr", crm_stage="customer", city="Paris", opted_out=True)
    b = w.beta.add(email="c@acme.fr")
    w.sync(2)
    assert w.beta.shows(b, "opted_out") is True
    assert w.beta.shows(b, "city") is None
    assert w.alpha.pushed == []
    assert w.alpha.shows(a, "hub_stage") is None


@pytest.mark.parametrize("wins", ['["beta", "alpha"]', '["alpha", "beta"]'])
def test_a_wins_decision_settles_what_waits(make: MakeWorld, wins: str) -> None:
    w = make()
    a, b = _two_that_disagree(w)
    w.settle()
    w.open(mapping=mapping_text(["alpha", "beta"], wins={"city": wins}))
    w.alpha.edit(a, last_name="Leeds")
    w.settle()
    expected = "Lyon" if wins.startswith('["beta') else "Paris"
    assert (w.alpha.shows(a, "city"), w.beta.shows(b, "city")) == (expected, expected)
    assert w.conflicts() == []


def test_an_edit_while_the_hub_slept_is_no_first_contact(world: World) -> None:
    a, b = _two_that_disagree(world)
    world.settle()
    world.clock.pass_(30 * DAY)
    world.alpha.edit(a, phone="2")
    world.clock.pass_(MINUTE)
    world.settle()
    assert world.beta.shows(b, "phone") == "2"
