"""Marketing e-mails and what became of them: delivered, opened, clicked, bounced, unsubscribed.

Computed per person from the seed. A few companies have a mail gateway that follows every link within seconds
of delivery: those clicks are nobody's interest, and no CRM says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from crmhub.sandbox.draws import bits, part
from crmhub.sandbox.seen import email_of
from crmhub.sandbox.world import BIT, DAY, KnownPerson, Person, World, chance

EVENT_KINDS: tuple[str, ...] = ("delivered", "bounce", "open", "click", "unsubscribe")
SITE = "https://www.ourfirm.example"
_TITLES = (
    "What is new in spring", "Your guide to automation", "Five integrations in five minutes", "Webinar invitation",
    "Pricing made simple", "Security checklist", "Customer story: Nova", "Product update", "Benchmark report",
    "Meet us in Paris", "Two minutes on analytics", "Your opinion counts", "Webinar recording", "Migration offer",
    "What is new in autumn", "Last seats",
)  # fmt: skip
_PATHS = ("/pricing", "/demo", "/guides/automation", "/integrations", "/customers/nova", "/blog/security")
_RECEIVES, _SCANS, _EVENT, _LEFT = 0x3A1, 0x3A2, 0x3B0, 0x3A3
_MINUTE, _HOUR = 60_000, 3_600_000


class Mail(NamedTuple):
    """One e-mail sent to many."""

    number: int
    """From 1, oldest first."""
    name: str
    subject: str
    sent_at: int
    links: tuple[str, ...]


class MailEvent(NamedTuple):
    """Something that happened to an e-mail at one person."""

    at: int
    kind: str
    """One of EVENT_KINDS."""
    mail: Mail
    person: Person
    url: str
    """The link clicked; else empty."""
    scanner: bool
    """A machine's click: the truth that no CRM knows."""


def mails_of(now: int) -> list[Mail]:
    """The 16 e-mails of the last half year."""
    made: list[Mail] = []
    for place, title in enumerate(_TITLES):
        sent = (now - (175 - 11 * place) * DAY) // _HOUR * _HOUR
        links = tuple(SITE + _PATHS[(place + step) % len(_PATHS)] for step in range(2 + place % 3))
        made.append(Mail(place + 1, f"{title} (all)", title, sent, links))
    return made


def events_of(world: World, person: Person) -> list[MailEvent]:
    """Everything that marketing's e-mails did at this person, oldest first. Only HubSpot sends them."""
    if not person.known & BIT["hubspot"]:
        return []
    draw = bits(person.seed, _RECEIVES)
    sent = [mail for mail in world.mails if draw >> (3 * mail.number) & 7 == 0 and person.created_at < mail.sent_at]
    address = email_of(KnownPerson("hubspot", "contact", 0, person, 0)) if sent else ""
    if not address:
        return []
    left = left_at(world, person)
    found: list[MailEvent] = []
    for mail in sent:
        if mail.sent_at <= left:
            found.extend(_events(mail, person, address, world.now, last=mail.sent_at == left))
    found.sort(key=lambda event: (event.at, event.kind, event.url))
    return found


def events_of_mail(world: World, mail: Mail) -> Iterator[MailEvent]:
    """What became of one e-mail, by person number and time; all within 15 days of `mail.sent_at`."""
    for person in world.people:
        if bits(person.seed, _RECEIVES) >> (3 * mail.number) & 7 == 0:
            yield from (event for event in events_of(world, person) if event.mail is mail)


def left_at(world: World, person: Person) -> int:
    """The sending of the e-mail by which a person unsubscribed; 0: opted out before; else a time after all."""
    if not person.opted_out:
        return world.now
    # in step with what seen.see shows as HubSpot's opt-out
    if not chance(person.seed, "hubspot 0 optout", 0.7):
        return world.now
    draw, received = bits(person.seed, _LEFT), bits(person.seed, _RECEIVES)
    if draw & 1:
        return 0
    got = (mail for mail in world.mails if received >> (3 * mail.number) & 7 == 0 and person.created_at < mail.sent_at)
    return next((mail.sent_at for mail in got), 0)


def _events(mail: Mail, person: Person, address: str, now: int, last: bool) -> list[MailEvent]:
    seed = bits(person.seed, _EVENT + mail.number)
    arrived = mail.sent_at + 1000 + seed % (20 * _MINUTE)
    if "@old-" in address or seed >> 40 & 127 == 0:
        return [MailEvent(arrived, "bounce", mail, person, "", scanner=False)]
    found = [MailEvent(arrived, "delivered", mail, person, "", scanner=False)]
    if part(person.company.seed, _SCANS) < 0.06:
        found += [
            MailEvent(arrived + 1500 + 400 * place + seed % 700, "click", mail, person, url, scanner=True)
            for place, url in enumerate(mail.links)
        ]
    eager = 0.18 + 0.6 * person.probability
    opened = arrived + 5 * _MINUTE + int(part(seed, 1) ** 3 * 9 * DAY)
    if part(seed, 2) < eager * 1.6 or last:
        found.append(MailEvent(opened, "open", mail, person, "", scanner=False))
        if part(seed, 3) < 0.3:
            again = opened + _HOUR + int(part(seed, 4) * 4 * DAY)
            found.append(MailEvent(again, "open", mail, person, "", scanner=False))
        if part(seed, 5) < eager and not last:
            url = mail.links[bits(seed, 6) % len(mail.links)]
            found.append(MailEvent(opened + 20_000, "click", mail, person, url, scanner=False))
    if last:
        found.append(MailEvent(opened + 45_000, "unsubscribe", mail, person, "", scanner=False))
    return [event for event in found if event.at < now - _MINUTE]
