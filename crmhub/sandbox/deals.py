"""Deals: who wants to buy what for how much, who has a say in it, and how far it is.

They follow from what is really so of people (`Person.stage`, `Person.buys_at`) and add no draw to the world's own
dice. A deal holds little; names, amounts and people are computed when asked for.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from crmhub.sandbox.draws import bits, part
from crmhub.sandbox.world import BIT, DAY, Company, Person, kind_in

if TYPE_CHECKING:
    from crmhub.sandbox.world import World

STAGES: tuple[str, ...] = (
    "qualification", "needs_analysis", "demo", "proposal", "negotiation", "won", "lost",
)  # fmt: skip
WON, LOST = 5, 6
PROBABILITIES: tuple[int, ...] = (10, 20, 40, 60, 80, 100, 0)
"""Per stage, in percent."""
ROLES: tuple[str, ...] = (
    "Decision Maker", "Economic Buyer", "Evaluator", "Influencer", "Executive Sponsor", "Technical Buyer",
    "Business User",
)  # fmt: skip
_LEADERS = ("c_level", "vp", "director")
_BOTH = BIT["hubspot"] | BIT["salesforce"]
# streams of draws from `Deal.seed`
_AMOUNT, _PRODUCT, _STAGE, _HISTORY, _COLLEAGUE, _ROLE, _EDIT, _BEHIND, _KNOWN_AMOUNT = range(1, 10)


@dataclass(slots=True, frozen=True)
class Deal:
    """One deal. `number` counts from 1 in order of creation and is the same in every CRM that has it."""

    number: int
    person: Person
    """Who started it; the primary contact."""
    stage: int
    """0..6: place in STAGES; 5 is won, 6 is lost."""
    created_at: int
    close_at: int
    """When it was closed, or when an open one is meant to close (some are overdue)."""
    seed: int
    """64 random bits."""
    places: int
    """Bits of the CRMs that have it (BIT)."""

    @property
    def company(self) -> Company:
        return self.person.company

    @property
    def rep(self) -> int:
        return self.person.rep

    @property
    def closed(self) -> bool:
        return self.stage >= WON

    @property
    def currency(self) -> str:
        return self.person.company.country.currency

    @property
    def product(self) -> str:
        """One of names.INTERESTS."""
        return self.person.interest

    @property
    def name(self) -> str:
        more = ("", " rollout", " renewal", " pilot")[bits(self.seed, _PRODUCT) % 4]
        return f"{self.company.name} – {self.product}{more}"

    @property
    def amount(self) -> int:
        """Whole units of the currency."""
        size = min(self.company.employees, 5000) ** 0.6
        return max(1, int(size * (0.5 + part(self.seed, _AMOUNT)))) * 500


class DealPerson(NamedTuple):
    person: Person
    role: str
    """One of ROLES."""
    primary: bool


class SeenDeal(NamedTuple):
    """A deal as one CRM shows it."""

    name: str
    amount: int | None
    currency: str
    stage: int
    created_at: int
    close_at: int
    modified_at: int
    rep: int


class Colleagues:
    """Who works where, as two arrays: an index that stays small with a million people."""

    def __init__(self, world: World) -> None:
        self._people = world.people
        self._first = array("l", [-1]) * len(world.companies)
        self._next = array("l", [-1]) * len(world.people)
        for person in reversed(world.people):
            self._next[person.number] = self._first[person.company.number]
            self._first[person.company.number] = person.number

    def at(self, company: Company) -> Iterator[Person]:
        """The people of a company by number."""
        number = self._first[company.number]
        while number >= 0:
            yield self._people[number]
            number = self._next[number]


def make_deals(world: World) -> list[Deal]:
    """Every deal of the world, oldest first."""
    found: list[Deal] = []
    for person in world.people:
        deal = _deal_of(person, world.now)
        if deal is not None:
            found.append(deal)
    served = {deal.company.number for deal in found if deal.stage == WON}
    for company in world.companies:
        if company.customer and company.number not in served:
            old = _old_deal(world, company)
            if old is not None:
                found.append(old)
    found.sort(key=lambda deal: (deal.created_at, deal.person.number))
    return [
        Deal(number, deal.person, deal.stage, deal.created_at, deal.close_at, deal.seed, deal.places)
        for number, deal in enumerate(found, 1)
    ]


def people_of(world: World, deal: Deal, crm: str) -> list[DealPerson]:
    """Who has a say, as this CRM knows it: the primary contact first, then up to three colleagues it knows.

    In Salesforce only people whose record is a contact. Empty where nobody of the deal is known.
    """
    people = [DealPerson(deal.person, _role(deal, deal.person), primary=True)]
    for place, person in enumerate(world.colleagues.at(deal.company)):
        if len(people) == 4 or place == 40:
            break
        if person is not deal.person and part(deal.seed ^ person.seed, _COLLEAGUE) < 0.4:
            people.append(DealPerson(person, _role(deal, person), primary=False))
    return [one for one in people if _is_there(one.person, crm)]


def see_deal(world: World, deal: Deal, crm: str) -> SeenDeal:
    """The deal as this CRM shows it: now and then without an amount, with another one, or a stage behind."""
    stage = deal.stage
    draw = part(deal.seed, _BEHIND)
    if crm == "hubspot" and deal.places == _BOTH and 0 < stage < WON and draw < 0.15:
        stage -= 1
    amount: int | None = deal.amount
    missing = part(deal.seed, _KNOWN_AMOUNT)
    if (stage < 3 and missing < 0.2) or (crm == "hubspot" and missing < 0.05):
        amount = None
    elif crm == "hubspot" and deal.places == _BOTH and missing > 0.9:
        amount = deal.amount + 500
    entered = stages_of(world, deal)[: stage + 1 if stage < WON else None]
    last = entered[-1][1]
    modified = last + int(part(deal.seed, _EDIT) ** 2 * (world.now - 60_000 - last))
    return SeenDeal(
        deal.name, amount, deal.currency, stage, deal.created_at, deal.close_at, max(last, modified), deal.rep
    )


def stages_of(world: World, deal: Deal) -> list[tuple[int, int]]:
    """(stage, when it was entered) from the first to the present one; some stages are leapt over."""
    if deal.closed:
        last = deal.close_at
        way = [stage for stage in range(WON) if stage == 0 or bits(deal.seed, _HISTORY) >> stage & 3]
        if deal.stage == LOST:
            way = way[: 1 + bits(deal.seed, _STAGE) % len(way)]
        way.append(deal.stage)
    else:
        last = world.now - 60_000 - int(part(deal.seed, _HISTORY) ** 2 * (world.now - 60_000 - deal.created_at))
        way = list(range(deal.stage + 1))
    if len(way) == 1:
        return [(way[0], deal.created_at)]
    step = (last - deal.created_at) / (len(way) - 1)
    return [(stage, deal.created_at + int(place * step)) for place, stage in enumerate(way)]


def _deal_of(person: Person, now: int) -> Deal | None:
    """The deal that a person's own wish to buy has led to, if any."""
    seed = bits(person.seed, 0xDEA1)
    grown = person.stage in ("opportunity", "customer")
    buys = person.buys_at
    if buys is not None and buys <= now:
        return _closed(person, WON, buys, seed)
    if person.stage == "opportunity":
        created = max(person.created_at, now - DAY - int(part(seed, _STAGE) * 90 * DAY))
        wanted = buys if buys is not None else now + int((part(seed, _HISTORY) * 100 - 12) * DAY)
        close = max(created + DAY, wanted) // DAY * DAY
        # who buys soon is further on
        stage = 4 if buys is not None and buys < now + 20 * DAY else bits(seed, _ROLE) % 5
        return Deal(0, person, stage, created, close, seed, _places(person, seed))
    if buys is None and not grown and person.probability > 0.02 and part(seed, _STAGE) < 0.05:
        closed = now - DAY - int(part(seed, _HISTORY) * 170 * DAY)
        return _closed(person, LOST, closed, seed) if closed > person.created_at + DAY else None
    return None


def _old_deal(world: World, company: Company) -> Deal | None:
    """What a customer company once bought: its longest-standing person was there."""
    first = min(world.colleagues.at(company), key=lambda person: (person.created_at, person.number), default=None)
    if first is None:
        return None
    seed = bits(company.seed, 0xDEA1)
    closed = world.now - DAY // 2 - int(part(seed, _STAGE) * (world.now - DAY - first.created_at))
    return _closed(first, WON, closed, seed)


def _closed(person: Person, stage: int, closed: int, seed: int) -> Deal | None:
    created = max(person.created_at, closed - int((10 + 60 * part(seed, _HISTORY)) * DAY))
    places = _places(person, seed)
    return Deal(0, person, stage, min(created, closed), closed, seed, places) if places else None


def _places(person: Person, seed: int) -> int:
    """Where a deal is kept: sales' CRM more often, sometimes both. Salesforce ties deals to contacts alone."""
    there = BIT["hubspot"] if _is_there(person, "hubspot") else 0
    if _is_there(person, "salesforce"):
        there |= BIT["salesforce"]
    if there != _BOTH:
        return there
    draw = seed % 100
    return _BOTH if draw < 40 else BIT["salesforce"] if draw < 75 else BIT["hubspot"]


def _is_there(person: Person, crm: str) -> bool:
    if not person.known & BIT[crm]:
        return False
    return crm != "salesforce" or kind_in(person, crm) == "contact"


def _role(deal: Deal, person: Person) -> str:
    draw = bits(deal.seed ^ person.seed, _ROLE)
    if person.seniority in _LEADERS:
        return ("Decision Maker", "Economic Buyer", "Executive Sponsor")[draw % 3]
    if person.department == "it":
        return ("Technical Buyer", "Evaluator")[draw % 2]
    return ("Evaluator", "Influencer", "Business User")[draw % 3]
