"""Owners: the reps of the world and one queue, under ids of HubSpot's own."""

from __future__ import annotations

from typing import NamedTuple

from crmhub.sandbox.world import World

OWNER_BASE = 71_000_000
QUEUE_OWNER = OWNER_BASE + 900


class Owner(NamedTuple):
    id: str
    email: str | None
    first: str
    last: str
    user_id: int | None
    type: str
    archived: bool


def new_owner(held: list[Owner], email: str | None, first: str, last: str) -> Owner:
    """One more owner; without an address a queue."""
    number = max(int(owner.id) for owner in held) + 11
    if email is None:
        return Owner(str(number), None, first, last, None, "QUEUE", False)
    return Owner(str(number), email, first, last, 7_000_100 + len(held), "PERSON", False)


def owner_id(rep: int) -> str:
    """The owner id of a rep of the world."""
    return str(OWNER_BASE + 11 * rep)


def owners_of(world: World) -> list[Owner]:
    """Every owner, by id."""
    people = [
        Owner(owner_id(rep.number), rep.email, rep.first, rep.last, 7_000_100 + rep.number, "PERSON", not rep.active)
        for rep in world.reps
    ]
    return [*people, Owner(str(QUEUE_OWNER), None, "Inbound", "Queue", None, "QUEUE", False)]
