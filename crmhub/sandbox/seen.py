"""What one CRM shows of a person or a company: half of the truth, with the noise of design section 10.

Every draw comes from the person's own seed, so a view needs no memory and two asks agree.
"""

from __future__ import annotations

from dataclasses import dataclass

from crmhub.sandbox.names import DEPARTMENT_WORDS, ROLE_NAMES, TITLES, Country
from crmhub.sandbox.world import (
    DAY,
    KnownCompany,
    KnownPerson,
    Person,
    World,
    chance,
    fraction,
    plain,
    settled,
    stirred,
)

TYPOS = 0.05
_KEYS = "qwertyuiopasdfghjklzxcvbnm"


@dataclass(slots=True)
class Seen:
    """A person as one record shows them. Empty string = missing."""

    first: str
    last: str
    email: str
    more_email: str
    """A further address the record holds, where the CRM can hold several."""
    phone: str
    mobile: str
    title: str
    company: str
    city: str
    zip: str
    state: str
    country: str
    """English name."""
    country_code: str
    website: str
    industry: str
    """Key of names.INDUSTRIES."""
    stage: str
    """As this CRM believes: subscriber, lead, mql, opportunity or customer."""
    opted_out: bool
    interest: str
    source: str
    """web, event, referral, import or outbound."""
    rep: int | None
    """Number in World.reps; None: nobody owns the record."""
    created_at: int
    modified_at: int
    typo: bool


@dataclass(slots=True)
class SeenCompany:
    """A company as one record shows it. Empty string or None = missing."""

    name: str
    domain: str
    phone: str
    city: str
    zip: str
    state: str
    country: str
    country_code: str
    industry: str
    employees: int | None
    revenue: int | None
    currency: str
    customer: bool
    rep: int | None
    created_at: int
    modified_at: int


def email_of(record: KnownPerson) -> str:
    """The main address this record shows; so often different or missing that e-mail alone joins too few."""
    person, crm = record.person, record.crm
    draw = fraction(person.seed, f"{crm} email {record.copy}")
    if draw < (0.82 if record.copy == 0 else 0.15):
        return person.work_email
    if draw < (0.90 if record.copy == 0 else 0.55):
        return person.free_email
    if draw < 0.93:
        return f"{plain(person.first)[:1]}{plain(person.last)}{person.number}@old-{person.company.domain}"
    if draw < 0.942:
        return f"{ROLE_NAMES[person.number % len(ROLE_NAMES)]}@{person.company.domain}"
    return ""


def has_more_email(record: KnownPerson) -> bool:
    return chance(record.person.seed, f"{record.crm} {record.copy} has more", 0.05)


def has_typo(record: KnownPerson) -> bool:
    return chance(record.person.seed, f"{record.crm} typo {record.copy}", TYPOS)


def see(world: World, record: KnownPerson) -> Seen:
    """The person as this record shows them."""
    person, company = record.person, record.person.company
    tag = f"{record.crm} {record.copy}"
    has = stirred(person.seed, f"{tag} has ")

    def kept(field: str, share: float) -> bool:
        return settled(stirred(has, field)) < share

    first, last = person.first, person.last
    typo = has_typo(record)
    if typo:
        if chance(person.seed, f"{tag} which", 0.5) and len(first) > 3:
            first = misspelt(first, person.seed, tag)
        else:
            last = misspelt(last, person.seed, tag)
    if chance(person.seed, f"{tag} ascii", 0.06):
        first, last = plain(first).capitalize(), plain(last).capitalize()
    created, modified = times_of(world, record)
    stale = chance(person.seed, f"{tag} phone", 0.06)
    place = kept("place", 0.75)
    return Seen(
        first=first if kept("first", 0.96) else "",
        last=last,
        email=email_of(record),
        more_email=person.free_email if has_more_email(record) else "",
        phone=_phone(person, company.country, tag, stale) if kept("phone", 0.72) else "",
        mobile=spell_phone(person.mobile, company.country, fraction(person.seed, f"{tag} form"))
        if kept("mobile", 0.45)
        else "",
        title=_title(person, tag) if kept("title", 0.82) else "",
        company=company_name(record.crm, company.name, company.legal, person.seed, tag) if kept("company", 0.9) else "",
        city=company.city[0] if place else "",
        zip=company.city[1] if place else "",
        state=company.city[2] if place else "",
        country=company.country.name if kept("country", 0.85) else "",
        country_code=company.country.code,
        website=f"https://www.{company.domain}" if kept("website", 0.4) else "",
        industry=company.industry.key if kept("industry", 0.5) else "",
        stage=_stage(person, record.crm, tag),
        opted_out=person.opted_out and chance(person.seed, f"{tag} optout", 0.7),
        interest=person.interest if kept("interest", 0.5) else "",
        source=("web", "event", "referral", "import", "outbound")[int(fraction(person.seed, f"{tag} src") * 5)],
        rep=person.rep if kept("rep", 0.8) else None,
        created_at=created,
        modified_at=modified,
        typo=typo,
    )


def see_company(world: World, record: KnownCompany) -> SeenCompany:
    """The company as this record shows it."""
    company = record.company
    tag = f"{record.crm} {record.copy}"
    has = stirred(company.seed, f"{tag} has ")

    def kept(field: str, share: float) -> bool:
        return settled(stirred(has, field)) < share

    created, modified = company_times_of(world, record)
    return SeenCompany(
        name=company_name(record.crm, company.name, company.legal, company.seed, tag),
        domain=company.domain if record.copy == 0 and kept("domain", 0.92) else "",
        phone=spell_phone(company.phone, company.country, fraction(company.seed, f"{tag} form"))
        if kept("phone", 0.6)
        else "",
        city=company.city[0] if kept("city", 0.8) else "",
        zip=company.city[1] if kept("zip", 0.6) else "",
        state=company.city[2],
        country=company.country.name if kept("country", 0.9) else "",
        country_code=company.country.code,
        industry=company.industry.key if kept("industry", 0.85) else "",
        employees=company.employees if kept("employees", 0.8) else None,
        revenue=company.revenue if kept("revenue", 0.6) else None,
        currency=company.country.currency,
        # HubSpot learns late who is a customer; sales knows
        customer=company.customer and (record.crm != "hubspot" or chance(company.seed, "told", 0.5)),
        rep=company.rep if kept("rep", 0.85) else None,
        created_at=created,
        modified_at=modified,
    )


def company_times_of(world: World, record: KnownCompany) -> tuple[int, int]:
    """When this record of a company was made and last touched."""
    company = record.company
    tag = f"{record.crm} {record.copy}"
    created = company.created_at + int(fraction(company.seed, f"{tag} made") * 100 * DAY)
    age = fraction(company.seed, f"{tag} edit") ** 2
    return created, max(created, world.now - 60_000 - int(age * 400 * DAY))


def company_name(crm: str, name: str, legal: str, seed: int, tag: str) -> str:
    """With or without the legal form, sometimes in capitals."""
    draw = fraction(seed, f"{crm} {tag} company form")
    if draw < 0.5:
        return f"{name} {legal}"
    return name.upper() if draw < 0.53 else name


def spell_phone(number: str, country: Country, draw: float) -> str:
    """+33144556677 as people type it: international, national, with 00, with dots."""
    digits = number.removeprefix(f"+{country.dial}")
    if draw < 0.4:
        return number
    pairs = [digits[place : place + 3] for place in range(0, len(digits), 3)]
    if draw < 0.65:
        return f"+{country.dial} " + " ".join(pairs)
    if draw < 0.8:
        return (
            f"00{country.dial} {digits[:2]} {digits[2:]}"
            if country.code != "US"
            else f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"
        )
    return country.trunk + (".".join(pairs) if draw < 0.9 else " ".join(pairs))


def misspelt(name: str, seed: int, tag: str) -> str:
    """One slip of the fingers: two letters swapped, one lost, doubled or hit beside."""
    place = 1 + int(fraction(seed, f"{tag} where") * max(1, len(name) - 2))
    kind = int(fraction(seed, f"{tag} slip") * 4)
    head, letter, tail = name[:place], name[place : place + 1], name[place + 1 :]
    if kind == 0 and tail and tail[0] != letter:
        return head + tail[0] + letter + tail[1:]
    if kind == 1:
        return head + tail
    if kind == 2:
        return head + letter + letter + tail
    beside = _KEYS[int(fraction(seed, f"{tag} key") * len(_KEYS))]
    return head + (beside if beside != letter else "x") + tail


def times_of(world: World, record: KnownPerson) -> tuple[int, int]:
    """A CRM meets a person at its own time; most records were last touched long ago, some yesterday."""
    person = record.person
    tag = f"{record.crm} {record.copy}"
    late = fraction(person.seed, f"{tag} met") ** 3 * 0.9
    created = person.created_at + int((world.now - DAY // 2 - person.created_at) * late)
    touched = fraction(person.seed, f"{tag} touched") ** 2
    return created, max(created, world.now - 60_000 - int(touched * (world.now - created)))


def _phone(person: Person, country: Country, tag: str, stale: bool) -> str:
    number = person.phone
    if stale:  # an old number: the last four digits differ
        number = f"{number[:-4]}{int(fraction(person.seed, tag + ' old') * 9000) + 1000}"
    return spell_phone(number, country, fraction(person.seed, f"{tag} form"))


def _title(person: Person, tag: str) -> str:
    """One in eight records still shows the job before the last promotion, or another one."""
    if not chance(person.seed, f"{tag} old title", 0.12):
        return person.title
    language = person.company.country.language
    lower = "individual" if person.seniority in ("manager", "individual", "student") else "manager"
    titles = TITLES[language][lower]
    word = DEPARTMENT_WORDS[language][person.department]
    return titles[int(fraction(person.seed, "old title") * len(titles))].format(d=word)


def _stage(person: Person, crm: str, tag: str) -> str:
    """Marketing's CRM is often behind: a customer's colleague is a lead there and gets nurture mail."""
    draw = fraction(person.seed, f"{tag} stage")
    if person.stage == "customer" and crm != "salesforce" and draw < 0.5:
        return "lead" if draw < 0.35 else "mql"
    if person.stage in ("mql", "opportunity") and draw < 0.25:
        return "lead"
    return person.stage
