"""Consent: any no wins, goes out first, and never comes off by itself."""

from __future__ import annotations

import pytest

from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import World, mapping_text
from tests.jobs.test_two_way import NAMES, pair


@pytest.mark.parametrize("here", NAMES)
def test_an_opt_out_reaches_every_crm(world: World, here: str) -> None:
    ids = dict(zip(NAMES, pair(world), strict=True))
    world.crms[here].edit(ids[here], opted_out=True)
    world.settle()
    assert all(world.crms[n].shows(ids[n], "opted_out") is True for n in NAMES)


def test_the_removed_flag_of_one_crm_is_set_again(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, opted_out=True)
    world.settle()
    for crm, one in ((world.alpha, a), (world.beta, b)):
        crm.edit(one, opted_out=False)
        world.settle()
        assert world.person("ann@acme.fr")["opted_out"] is True
        assert world.alpha.shows(a, "opted_out") is world.beta.shows(b, "opted_out") is True


def test_the_flag_removed_in_all_crms_at_once_is_still_set(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, opted_out=True)
    world.settle()
    world.alpha.edit(a, opted_out=None)
    world.beta.edit(b, opted_out=None)
    world.settle()
    assert world.alpha.shows(a, "opted_out") is world.beta.shows(b, "opted_out") is True


def test_nobody_is_opted_in_by_the_hub(world: World) -> None:
    _a, _b = pair(world, opted_out=False)
    other = world.beta.add(email="bo@acme.fr"), world.alpha.add(email="bo@acme.fr", opted_out=False)
    world.settle()
    assert world.beta.shows(other[0], "opted_out") is None
    assert world.pushes("opted_out") == 0
    assert all(False is not op.values.get(n) for op in world.ops() for n in ("a_opted_out", "b_opted_out"))


def test_an_opt_out_survives_that_two_people_turn_out_to_be_one(world: World) -> None:
    a = world.alpha.add(email="ann@acme.fr", last_name="Lee", first_name="Ann", opted_out=True)
    b = world.beta.add(email="lee@acme.fr", last_name="Lee", first_name="Ann")
    world.settle()
    assert world.id_of("alpha", a) != world.id_of("beta", b)
    # the flag is taken off and the people are joined between two syncs
    world.alpha.edit(a, opted_out=False)
    world.beta.edit(b, email="ann@acme.fr")
    world.settle()
    assert world.id_of("alpha", a) == world.id_of("beta", b)
    assert world.person("ann@acme.fr")["opted_out"] is True
    assert world.alpha.shows(a, "opted_out") is world.beta.shows(b, "opted_out") is True


def test_the_opt_out_of_the_person_that_does_not_survive_a_join_is_kept(world: World) -> None:
    b = world.beta.add(email="lee@acme.fr", last_name="Lee", first_name="Ann")
    world.settle()
    a = world.alpha.add(email="ann@acme.fr", last_name="Lee", first_name="Ann", opted_out=True)
    world.settle()
    assert world.id_of("beta", b) < world.id_of("alpha", a)
    world.alpha.edit(a, opted_out=False)
    world.beta.edit(b, email="ann@acme.fr")
    world.settle()
    assert world.person("ann@acme.fr")["opted_out"] is True
    assert world.beta.shows(b, "opted_out") is True


def test_an_opt_out_survives_the_record_that_said_so(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, opted_out=True)
    world.sync()
    world.alpha.delete(a)
    world.beta.edit(b, opted_out=False)
    world.settle()
    assert world.beta.shows(b, "opted_out") is True


def test_the_no_of_a_converted_lead_counts(world: World) -> None:
    lead = world.beta.add("leads", email="ann@acme.fr", last_name="Lee", opted_out=True)
    contact = world.beta.convert(lead, opted_out=False)
    world.settle()
    assert world.beta.shows(contact, "opted_out") is True


def test_an_opt_out_goes_out_first(world: World) -> None:
    others = [(world.alpha.add(email=f"p{n}@acme.fr"), world.beta.add(email=f"p{n}@acme.fr")) for n in range(5)]
    a, _ = pair(world)
    for one, _ in others:
        world.alpha.edit(one, city="Nice")
    world.alpha.edit(a, opted_out=True)
    world.sync()
    assert "b_opted_out" in world.beta.pushed[0][1].values


def test_consent_is_kept_with_its_evidence(world: World) -> None:
    a, _ = pair(world)
    world.alpha.edit(a, opted_out=True)
    world.settle()
    row = world.db.one("SELECT channel, opted_out, since, evidence FROM consent")
    assert row is not None
    assert (row["channel"], row["opted_out"]) == ("marketing", 1)
    assert "alpha" in row["evidence"]


def test_opt_outs_cannot_be_given_another_policy(make: MakeWorld) -> None:
    with pytest.raises(AssertionError, match="always most_restrictive"):
        make(mapping=mapping_text(NAMES, wins={"opted_out": '"latest"'}))


def test_opt_outs_go_to_people_in_conflict(world: World) -> None:
    a, b = pair(world)
    world.alpha.edit(a, city="Lyon", opted_out=True)
    world.beta.edit(b, city="Metz")
    world.sync()
    assert world.conflicts() == [("city", "edit", ["Lyon", "Metz"])]
    assert world.beta.shows(b, "opted_out") is True
