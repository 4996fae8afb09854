"""What runs that nobody disturbs leave behind: the measure of all others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.world import World

#: (control URL, preparation) -> what came of it; it is the same each time
_KNOWN: dict[tuple[str, str], Undisturbed] = {}


@dataclass
class Undisturbed:
    """`state` of the CRMs after one sync, `knowledge` of the hub once it heard of its own writes."""

    state: list[str]
    knowledge: dict[str, list[str]]
    boundaries: dict[str, int]
    emails: dict[str, list[str]]
    calls: dict[str, int]


def undisturbed(world: World, prepare: Callable[[World], None]) -> Undisturbed:
    """Prepare a world, sync it in peace; afterwards the world is fresh again and not prepared."""
    key = (world.control, prepare.__name__)
    if key not in _KNOWN:
        world.fresh()
        prepare(world)
        world.clear_calls()
        boundaries = world.boundaries("sync")
        calls = world.calls()
        emails = {vendor: world.emails(vendor) for vendor in ("hubspot", "salesforce")}
        state = world.state()
        world.sync_here()
        _KNOWN[key] = Undisturbed(state, world.knowledge(), boundaries, emails, calls)
    world.fresh()
    return _KNOWN[key]


def nothing(_: World) -> None:
    """A first sync needs no preparation."""


def edited(world: World) -> None:
    """A sync is done, then people work in both CRMs: facts to carry both ways, an opt-out, a new address."""
    assert world.sync_here().exit_code == 0
    world.advance(600)
    people = [r for r in world.rows("hubspot") if r["object"] == "contacts"]
    leads = [r for r in world.rows("salesforce") if r["object"] == "Lead"]
    for n, row in enumerate(people):
        world.edit("hubspot", "contacts", row["id"], jobtitle=f"Director {n}")
    for n, row in enumerate(leads):
        world.edit("salesforce", "Lead", row["id"], Phone=f"+4989555{n:04}")
    world.edit("hubspot", "contacts", people[0]["id"], hs_email_optout="true")
    world.edit("salesforce", "Lead", leads[-1]["id"], HasOptedOutOfEmail=True)
    world.advance(60)


def creating(world: World) -> None:
    """Everyone shall be in both CRMs."""
    world.allow_creates("hubspot", "salesforce")
