"""kill -9 of a sync at every commit, at both sides of every HTTP call, and at random moments.

Whatever the moment: one more sync, and the CRMs and the hub hold what an uninterrupted run would have made of them.
CRMHUB_FULL=1 tries every boundary; otherwise a sample that is spread over the run.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from tests.e2e.calm import Undisturbed, creating, edited, nothing, undisturbed
from tests.e2e.conftest import MakeWorld
from tests.e2e.world import World, differences, spread

#: how many boundaries of each kind are tried when not all are
SAMPLE = 8


def ends_the_same(world: World, wanted: Undisturbed, when: str) -> None:
    """One more sync completes the killed one; another finds nothing to do."""
    report = world.sync_here()
    assert report.exit_code == 0, (when, report.json())
    assert not differences(wanted.state, world.state()), when
    again = world.sync_here()
    assert again.exit_code == 0, (when, again.json())
    assert again.json()["ops"]["planned"] == 0, (when, again.json())
    found = world.knowledge()
    for what, lines in wanted.knowledge.items():
        assert not differences(lines, found[what]), (when, what)
    assert world.one("SELECT COUNT(*) FROM op WHERE state IN ('queued', 'sending', 'unknown')") == 0, when
    assert world.one("SELECT COUNT(*) FROM run WHERE status = 'running'") == 0, when


def at_every_boundary(world: World, prepare: Callable[[World], None], sample: int = SAMPLE) -> None:
    wanted = undisturbed(world, prepare)
    for kind, n in wanted.boundaries.items():
        assert n > 20, "a sync that hardly does anything proves nothing"
        for at in spread(n, sample):
            world.fresh()
            prepare(world)
            # how often HubSpot asks us to slow down differs a little from run to run
            assert world.killed("sync", fault=f"{kind}:{at}") or at > n - 10, f"the run ended before {kind} {at}"
            ends_the_same(world, wanted, f"killed at {kind} {at} of {n}")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("prepare", [nothing, edited, creating])
def test_a_sync_killed_at_any_boundary_ends_the_same(world: World, prepare: Callable[[World], None]) -> None:
    at_every_boundary(world, prepare, SAMPLE if prepare is nothing else SAMPLE // 2)


def test_a_sync_killed_at_random_moments_ends_the_same(world: World) -> None:
    """Ten moments, seeded; each rehearsal is killed once and then completed."""
    wanted = undisturbed(world, creating)
    dice = random.Random(20261102)
    world.fresh()
    creating(world)
    began = time.monotonic()
    world.sync()
    whole = time.monotonic() - began
    died = 0
    for _ in range(10):
        delay = dice.uniform(0.3, 1.0) * whole
        world.fresh()
        creating(world)
        with world.start("sync") as process:
            time.sleep(delay)
            process.kill()
            process.communicate()
            died += process.returncode != 0
        ends_the_same(world, wanted, f"killed after {delay:.3f} s")
    assert died >= 5


def test_a_sync_killed_again_and_again_ends_the_same(world: World) -> None:
    """Every attempt gets a little further than the one before; the last one completes."""
    wanted = undisturbed(world, nothing)
    world.fresh()
    for at in range(1, wanted.boundaries["commit"], max(1, wanted.boundaries["commit"] // 8)):
        world.killed("sync", fault=f"commit:{at}")
    ends_the_same(world, wanted, "killed nine times in a row")


@pytest.mark.parametrize("vendor", ["hubspot", "salesforce"])
def test_a_create_whose_answer_is_lost_makes_one_record(world: World, vendor: str) -> None:
    wanted = undisturbed(world, creating)
    world.fresh()
    creating(world)
    route = {"hubspot": r"/crm/[^/]+/objects/contacts/batch/(create|upsert)", "salesforce": r".*/composite/sobjects/.+"}
    world.fault({"kind": "drop_after_commit", "vendor": vendor, "match": {"route": route[vendor]}, "times": 1})
    assert world.run("sync").code == 0
    assert world.hits() == 1
    world.clear_faults()
    world.sync()
    mails = world.emails(vendor)
    assert len(mails) == len(wanted.emails[vendor])
    assert sorted(mails) == sorted(wanted.emails[vendor])
    assert not differences(wanted.state, world.state())
    ends_the_same(world, wanted, "the answer to a create was lost")


def test_creates_are_wanted_at_all(worlds: MakeWorld) -> None:
    """The tests above would prove little if nothing were created."""
    world = worlds()
    creating(world)
    before = {v: len(world.emails(v)) for v in ("hubspot", "salesforce")}
    made = world.sync()["connections"]
    for vendor, n in before.items():
        assert made[vendor]["created"] >= 2
        assert len(world.emails(vendor)) == n + made[vendor]["created"]
