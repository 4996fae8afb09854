"""The seeded world: people, their companies, who knows them, what they did and whether they buy.

Same (people, seed, now), same world; only `random.Random` is used. People are kept compact (one slotted
object each); what one CRM shows of a person is computed when asked for (`crmhub.sandbox.seen`).
"""

from __future__ import annotations

import math
import random
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from crmhub.sandbox.names import (
    COMPANY_WORDS,
    COUNTRIES,
    DEPARTMENT_WORDS,
    DEPARTMENTS,
    FIRST_NAMES,
    FREE_MAIL,
    INDUSTRIES,
    INTERESTS,
    LAST_NAMES,
    REP_NAMES,
    SENIORITIES,
    TITLES,
    Country,
    Industry,
)

if TYPE_CHECKING:
    from crmhub.sandbox.campaigns import Campaign, Segment
    from crmhub.sandbox.deals import Colleagues, Deal
    from crmhub.sandbox.mails import Mail

DAY = 86_400_000
HISTORY_DAYS = 180

# The CRMs of the world, as bits of `Person.known` and `Activity.places`, with the share of people they know.
CRMS: tuple[str, ...] = ("hubspot", "salesforce", "pipedrive", "marketo", "pardot")
BIT: dict[str, int] = {name: 1 << place for place, name in enumerate(CRMS)}
KNOWS: dict[str, float] = {
    "hubspot": 0.70, "salesforce": 0.65, "pipedrive": 0.30, "marketo": 0.30, "pardot": 0.20
}  # fmt: skip

FORM_KINDS: tuple[str, ...] = (
    "demo_request", "pricing_request", "contact_request", "webinar", "download", "newsletter",
)  # fmt: skip
TOUCH_KINDS: tuple[str, ...] = ("call", "meeting", "email", "note", "task")


@dataclass(slots=True)
class Company:
    number: int
    name: str
    legal: str
    domain: str
    industry: Industry
    country: Country
    city: tuple[str, str, str]
    employees: int
    revenue: int
    """Whole units of the country's currency per year."""
    customer: bool
    phone: str
    rep: int
    created_at: int
    seed: int


@dataclass(slots=True)
class Person:
    number: int
    first: str
    last: str
    company: Company
    title: str
    seniority: str
    department: str
    work_email: str
    free_email: str
    phone: str
    """+CC digits, without blanks."""
    mobile: str
    interest: str
    opted_out: bool
    created_at: int
    rep: int
    seed: int
    """64 random bits from which every CRM's view is drawn."""
    known: int
    """Bits of the CRMs that know this person (BIT)."""
    stage: str = "lead"
    """subscriber, lead, mql, opportunity or customer: what is really so at the start."""
    probability: float = 0.0
    buys_at: int | None = None
    namesake: bool = False
    shared_phone: bool = False


@dataclass(slots=True, frozen=True)
class Activity:
    """Something a person did or a rep did with them, before the start of the sandbox."""

    number: int
    at: int
    kind: str
    person: Person
    rep: int
    detail: int
    """30 random bits: outcome, words, length."""
    places: int
    """Bits of the CRMs where it is logged."""


@dataclass(slots=True, frozen=True)
class Rep:
    """A salesperson: an owner in HubSpot, a user in Salesforce, joined by e-mail."""

    number: int
    first: str
    last: str
    email: str
    active: bool


@dataclass(slots=True, frozen=True)
class KnownPerson:
    """One record of a person in one CRM. `number` counts from 1 per (crm, kind), in order of creation."""

    crm: str
    kind: str
    """'contact', or in Salesforce and Marketo-like CRMs also 'lead'."""
    number: int
    person: Person
    copy: int
    """0 = the record itself, 1 = a duplicate of it."""


@dataclass(slots=True, frozen=True)
class KnownCompany:
    """One record of a company in one CRM. `number` counts from 1 per crm."""

    crm: str
    number: int
    company: Company
    copy: int


class World:
    """People 0..n-1, companies, reps and activities (oldest first)."""

    def __init__(self, people: int, seed: int, now: int) -> None:
        self.seed = seed
        self.now = now
        dice = random.Random(f"world {seed} {people}")
        self.reps = _reps()
        self.companies = [_company(dice, number, now) for number in range(max(3, people // 4) if people else 0)]
        self.people: list[Person] = []
        self._addresses: set[str] = set()
        for number in range(people):
            self.people.append(_person(dice, number, self, now))
        from crmhub.sandbox.activities import live  # a person's life needs the person first

        self.activities: list[Activity] = live(dice, self)
        self._addresses.clear()
        self._known: dict[str, list[KnownPerson]] = {}

    def free_address(self, mailbox: str, domain: str, number: int) -> str:
        """An address that no other person has."""
        address = f"{mailbox}@{domain}"
        if address in self._addresses:
            address = f"{mailbox}{number}@{domain}"
        self._addresses.add(address)
        return address

    def records(self, crm: str) -> list[KnownPerson]:
        """Every record that this CRM holds of people, oldest person first; about 5 % of them duplicates."""
        if crm not in self._known:
            self._known[crm] = list(_records(self.people, crm))
        return self._known[crm]

    def company_records(self, crm: str) -> list[KnownCompany]:
        """The companies of the people this CRM knows, plus about 3 % duplicates."""
        used = {record.person.company.number for record in self.records(crm)}
        dice = random.Random(f"companies {self.seed} {crm}")
        found: list[KnownCompany] = []
        for company in self.companies:
            if company.number not in used:
                continue
            for copy in range(2 if dice.random() < 0.03 else 1):
                found.append(KnownCompany(crm, len(found) + 1, company, copy))
        return found

    # What follows is built on this module, so it is imported when first asked for.

    @cached_property
    def colleagues(self) -> Colleagues:
        """Who works at which company."""
        from crmhub.sandbox.deals import Colleagues

        return Colleagues(self)

    @cached_property
    def deals(self) -> list[Deal]:
        """Every deal, oldest first (module `deals`)."""
        from crmhub.sandbox.deals import make_deals

        return make_deals(self)

    @cached_property
    def campaigns(self) -> list[Campaign]:
        """Oldest first; members by `campaigns.members` and `campaigns.memberships`."""
        from crmhub.sandbox.campaigns import campaigns_of

        return campaigns_of(self.now)

    @cached_property
    def segments(self) -> list[Segment]:
        """Marketing's lists; members by `campaigns.joined_at`."""
        from crmhub.sandbox.campaigns import segments_of

        return segments_of(self.now)

    @cached_property
    def mails(self) -> list[Mail]:
        """Marketing e-mails, oldest first; events by `mails.events_of` and `mails.events_of_mail`."""
        from crmhub.sandbox.mails import mails_of

        return mails_of(self.now)

    @cached_property
    def record_of(self) -> dict[tuple[str, int], KnownPerson]:
        """(crm, person number) -> the first record of that person there, for the CRMs asked so far."""
        return {
            (crm, record.person.number): record
            for crm in ("hubspot", "salesforce")
            for record in reversed(self.records(crm))
        }


def chance(seed: int, salt: str, share: float) -> bool:
    """A fixed draw from a person's or company's seed: the same question has the same answer."""
    return fraction(seed, salt) < share


def fraction(seed: int, salt: str) -> float:
    """A fixed number in [0, 1) for (seed, salt)."""
    return settled(stirred(seed, salt))


def stirred(seed: int, salt: str) -> int:
    """The first half of `fraction`: stirring in "ab" is stirring in "a", then "b", so a common start is done once."""
    mixed = seed
    for character in salt.encode():
        mixed = ((mixed ^ character) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return mixed


def settled(mixed: int) -> float:
    """The second half of `fraction`."""
    mixed ^= mixed >> 33
    mixed = (mixed * 0xFF51AFD7ED558CCD) & 0xFFFFFFFFFFFFFFFF
    mixed ^= mixed >> 33
    return (mixed >> 11) / (1 << 53)


def plain(text: str) -> str:
    """ASCII letters and digits in lower case, for addresses and domains."""
    flat = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(letter for letter in flat if letter.isascii() and letter.isalnum()).lower()


def _reps() -> list[Rep]:
    last = len(REP_NAMES) - 1
    return [
        Rep(number, first, family, f"{plain(first)}.{plain(family)}@ourfirm.example", number != last)
        for number, (first, family) in enumerate(REP_NAMES)
    ]


def _phone(dice: random.Random, country: Country, mobile: bool) -> str:
    head = dice.choice(country.mobile if mobile else country.landline).replace(" ", "")
    rest = country.digits - len(head)
    return f"+{country.dial}{head}{dice.randrange(10 ** (rest - 1), 10**rest)}"


def _company(dice: random.Random, number: int, now: int) -> Company:
    country = dice.choices(COUNTRIES, [one.weight for one in COUNTRIES])[0]
    industry = dice.choices(INDUSTRIES, [one.weight for one in INDUSTRIES])[0]
    head = dice.choice(COMPANY_WORDS if dice.random() < 0.5 else LAST_NAMES[country.language])
    name = f"{head} {industry.word}"
    employees = max(1, int(math.exp(dice.gauss(4.3, 1.6))))
    return Company(
        number=number,
        name=name,
        legal=dice.choice(country.legal),
        # the number keeps domains apart, as the real web does
        domain=f"{plain(name)}{number if number >= 40 else ''}.{country.domain}",
        industry=industry,
        country=country,
        city=dice.choice(country.cities),
        employees=employees,
        revenue=employees * dice.randrange(60_000, 240_000, 1000),
        customer=dice.random() < 0.10,
        phone=_phone(dice, country, mobile=False),
        rep=dice.randrange(len(REP_NAMES)),
        created_at=now - dice.randrange(200 * DAY, 1500 * DAY),
        seed=dice.getrandbits(64),
    )


def _person(dice: random.Random, number: int, world: World, now: int) -> Person:
    company = world.companies[int(len(world.companies) * dice.random() ** 1.5)]
    language = company.country.language
    first = dice.choice(FIRST_NAMES[language])
    last = dice.choice(LAST_NAMES[language])
    other = world.people[dice.randrange(number)] if number else None
    namesake = other is not None and other.company is not company and dice.random() < 0.02
    if namesake and other is not None:
        first, last = other.first, other.last
    seniority = dice.choices([row[0] for row in SENIORITIES], [row[1] for row in SENIORITIES])[0]
    department = dice.choice(DEPARTMENTS)
    title = dice.choice(TITLES[language][seniority]).format(d=DEPARTMENT_WORDS[language][department])
    mailbox = f"{plain(first)}.{plain(last)}"
    # the number stands in for the numbers that people really put into free-mail addresses
    free = f"{mailbox}{number}@{dice.choice(FREE_MAIL[language])}"
    phone, shared = _phone(dice, company.country, mobile=False), dice.random() < 0.03
    if shared:
        phone = company.phone
    age = dice.betavariate(1.2, 2.5)
    return Person(
        number=number,
        first=first,
        last=last,
        company=company,
        title=title,
        seniority=seniority,
        department=department,
        work_email=world.free_address(mailbox, company.domain, number),
        free_email=free,
        phone=phone,
        mobile=_phone(dice, company.country, mobile=True),
        interest=dice.choice(INTERESTS),
        opted_out=dice.random() < 0.06,
        created_at=now - DAY - int(age * 900 * DAY),
        rep=company.rep if dice.random() < 0.8 else dice.randrange(len(REP_NAMES)),
        seed=dice.getrandbits(64),
        known=_known(dice),
        namesake=namesake,
        shared_phone=shared,
    )


def _known(dice: random.Random) -> int:
    """Which CRMs know a person; at least HubSpot or Salesforce does."""
    bits = 0
    for name, share in KNOWS.items():
        if dice.random() < share:
            bits |= BIT[name]
    if not bits & (BIT["hubspot"] | BIT["salesforce"]):
        bits |= BIT["hubspot"] if dice.random() < 0.5 else BIT["salesforce"]
    return bits


def _records(people: list[Person], crm: str) -> list[KnownPerson]:
    numbers: dict[str, int] = {}
    found: list[KnownPerson] = []
    for person in people:
        if not person.known & BIT[crm]:
            continue
        kind = kind_in(person, crm)
        for copy in range(2 if chance(person.seed, f"{crm} twice", 0.05) else 1):
            numbers[kind] = numbers.get(kind, 0) + 1
            found.append(KnownPerson(crm, kind, numbers[kind], person, copy))
    return found


def kind_in(person: Person, crm: str) -> str:
    """'contact' or 'lead': what a person's record is in that CRM."""
    if crm != "salesforce":
        return "contact"
    grown = person.company.customer or person.stage in ("opportunity", "customer")
    return "contact" if grown or chance(person.seed, "converted", 0.2) else "lead"
