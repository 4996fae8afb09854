"""Campaigns with their members, and segments (lists) with theirs.

A membership is computed from the person's seed, so nothing is kept: ask per person or per campaign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from crmhub.sandbox.draws import bits
from crmhub.sandbox.world import BIT, DAY, Person, World

if TYPE_CHECKING:
    from crmhub.sandbox.world import KnownPerson

CAMPAIGN_KINDS: tuple[str, ...] = ("webinar", "trade_show", "content", "email")
_NAMES: dict[str, tuple[str, ...]] = {
    "webinar": ("Webinar: pricing in practice", "Webinar: five integrations", "Webinar: security basics",
                "Webinar: what is new"),
    "trade_show": ("SaaS Paris", "Messe Köln", "Expo Madrid", "London Tech Week"),
    "content": ("Guide: automation", "Guide: analytics", "Benchmark report", "Checklist: migration"),
    "email": ("Spring mailing", "Summer mailing", "Autumn mailing", "Win-back mailing"),
}  # fmt: skip
STATUSES: dict[str, tuple[tuple[str, bool], ...]] = {
    "webinar": (("Invited", False), ("Registered", True), ("Attended", True), ("No Show", False)),
    "trade_show": (("Planned", False), ("Visited Booth", True), ("Meeting Held", True)),
    "content": (("Sent", False), ("Downloaded", True)),
    "email": (("Sent", False), ("Opened", False), ("Responded", True)),
}
"""Per kind the member statuses in order, and whether each counts as a response."""
_MEMBERS, _STATUS, _SEGMENTS, _JOINED = 0xCA4, 0xCA5, 0x5E6, 0x5E7
_COUNT = 16


class Campaign(NamedTuple):
    number: int
    """From 1, oldest first."""
    name: str
    kind: str
    """One of CAMPAIGN_KINDS."""
    start_at: int
    end_at: int
    active: bool
    budget: int
    """Whole EUR."""


class Member(NamedTuple):
    """A person in a campaign."""

    campaign: Campaign
    person: Person
    status: str
    """One of STATUSES[campaign.kind]."""
    responded: bool
    joined_at: int
    responded_at: int | None
    modified_at: int


class Segment(NamedTuple):
    """A list of people. A dynamic one follows a rule about the person, a static one was put together by hand."""

    number: int
    name: str
    dynamic: bool
    created_at: int


def campaigns_of(now: int) -> list[Campaign]:
    """The 16 campaigns of the last year, one kind after the other."""
    made: list[Campaign] = []
    for place in range(_COUNT):
        kind = CAMPAIGN_KINDS[place % len(CAMPAIGN_KINDS)]
        start = now - (340 - 21 * place) * DAY
        name = f"{_NAMES[kind][place // len(CAMPAIGN_KINDS)]}"
        end = start + (1 if kind == "webinar" else 3 if kind == "trade_show" else 30) * DAY
        made.append(Campaign(place + 1, name, kind, start, end, end > now, 1000 + 750 * (bits(place, 1) % 20)))
    return made


def memberships(world: World, person: Person) -> list[Member]:
    """The campaigns a person is in, by campaign number: none for half of the people, at most two for the rest."""
    draw = bits(person.seed, _MEMBERS)
    if draw & 1:
        return []
    wanted = {draw >> 1 & 15} | ({draw >> 5 & 15} if draw >> 9 & 3 == 0 else set())
    found = (_member(world.campaigns[place], person, world.now) for place in sorted(wanted))
    return [member for member in found if member is not None]


def members(world: World, campaign: Campaign, crm: str) -> Iterator[Member]:
    """The members of a campaign whom this CRM knows, by person number."""
    for person in world.people:
        if person.known & BIT[crm] and not bits(person.seed, _MEMBERS) & 1:
            for member in memberships(world, person):
                if member.campaign is campaign:
                    yield member


def _member(campaign: Campaign, person: Person, now: int) -> Member | None:
    """None for who was not known yet when the campaign ended."""
    draw = bits(person.seed, _STATUS + campaign.number)
    latest = min(campaign.end_at, now - 60_000)
    if person.created_at >= latest:
        return None
    joined = max(campaign.start_at - 10 * DAY, person.created_at)
    joined += draw % max(1, latest - joined)
    # who is more likely to buy answers more often
    eager = (draw >> 32) % 1000 < 300 + 600 * person.probability
    ways = STATUSES[campaign.kind]
    chosen = [way for way in ways if way[1]] if eager else [way for way in ways if not way[1]]
    status, responded = chosen[(draw >> 42) % len(chosen)]
    answered = joined + (draw >> 16) % max(1, latest - joined) if responded else None
    return Member(campaign, person, status, responded, joined, answered, answered or joined)


def segments_of(now: int) -> list[Segment]:
    """The lists that marketing keeps."""
    rows = (
        ("Newsletter readers", False), ("Trade show scans", False), ("Partner referrals", False),
        ("Customers", True), ("Marketing qualified", True), ("Directors and above", True),
        ("Interested in security", True), ("Germany", True),
    )  # fmt: skip
    return [
        Segment(number, name, dynamic, now - (800 - 60 * number) * DAY)
        for number, (name, dynamic) in enumerate(rows, 1)
    ]


def joined_at(world: World, segment: Segment, known: KnownPerson) -> int | None:
    """When this record joined the list, ms; None: it is not in it. Duplicates are in no static list."""
    person = known.person
    draw = bits(person.seed, _JOINED + segment.number)
    if segment.dynamic:
        inside = _RULES[segment.name](person)
    else:
        inside = known.copy == 0 and bits(person.seed, _SEGMENTS) >> (4 * segment.number) & 15 == 0
    if not inside:
        return None
    since = max(segment.created_at, person.created_at)
    # people join where the list exists and they are known already
    return since + draw % max(1, world.now - 60_000 - since)


_RULES: dict[str, Callable[[Person], bool]] = {
    "Customers": lambda person: person.stage == "customer",
    "Marketing qualified": lambda person: person.stage in ("mql", "opportunity"),
    "Directors and above": lambda person: person.seniority in ("c_level", "vp", "director"),
    "Interested in security": lambda person: person.interest == "security",
    "Germany": lambda person: person.company.country.code == "DE",
}
