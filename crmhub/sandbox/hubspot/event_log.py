"""Event occurrences of contacts: the page views of the seeded world, and what comes later."""

from __future__ import annotations

import uuid
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import NamedTuple

from crmhub.sandbox.draws import bits
from crmhub.sandbox.hubspot.records import Record, Table
from crmhub.sandbox.hubspot.seed import Seed
from crmhub.sandbox.visits import PageView, page_views
from crmhub.sandbox.world import KnownPerson

VISITED = "e_visited_page"
_SPACE = uuid.UUID("3f7c2a10-88d4-4f5b-9a86-1b2c3d4e5f60")
_SOURCES = ("ORGANIC_SEARCH", "DIRECT_TRAFFIC", "EMAIL_MARKETING", "REFERRALS", "PAID_SEARCH")
_FIRST_LIVE = 1 << 50


class Occurrence(NamedTuple):
    """One event. `number` keeps those of one millisecond apart."""

    at: int
    number: int
    type: str
    contact: int
    """Id of the contact, the survivor where it was merged."""
    properties: dict[str, str]

    @property
    def id(self) -> str:
        return str(uuid.uuid5(_SPACE, f"{self.type} {self.number}"))


class EventLog:
    """Every event occurrence of one portal."""

    def __init__(self, seed: Seed, contacts: Table) -> None:
        self._seed = seed
        self._contacts = contacts
        self._at: array[int] = array("q")
        self._who: array[int] = array("q")
        """Per seeded event: person number << 10 | place among the person's events."""
        self._ready = False
        self._live: list[tuple[int, int]] = []
        self._made: dict[int, Occurrence] = {}

    def add(self, at: int, kind: str, contact: int, properties: dict[str, str]) -> Occurrence:
        """Something that happens to a contact."""
        made = Occurrence(at, _FIRST_LIVE + len(self._made), kind, contact, properties)
        self._made[made.number] = made
        insort(self._live, (at, made.number))
        return made

    def walk(self, low: int, high: int, newest: bool, beyond: tuple[int, int] | None) -> Iterator[Occurrence]:
        """All occurrences from `low` to `high` (inclusive) in order; only those beyond (at, number) of a cursor."""
        self._index()
        if beyond is not None:
            low, high = (low, min(high, beyond[0])) if newest else (max(low, beyond[0]), high)
        first, last = bisect_left(self._at, low), bisect_right(self._at, high)
        places = range(last - 1, first - 1, -1) if newest else range(first, last)
        seeded = ((self._at[place], self._who[place]) for place in places)
        low_live, high_live = bisect_left(self._live, (low, 0)), bisect_right(self._live, (high, 1 << 62))
        fresh = self._live[low_live:high_live]
        for key in _merged(seeded, iter(fresh[::-1] if newest else fresh), newest):
            if beyond is not None and (key >= beyond if newest else key <= beyond):
                continue
            found = self._made[key[1]] if key[1] >= _FIRST_LIVE else self._seeded(key[1])
            shown = found and self._shown(found)
            if shown is not None:
                yield shown

    def of(self, contact: Record) -> list[Occurrence]:
        """All occurrences of one contact and of those merged into it, oldest first."""
        merged = self._contacts.props(contact).get("hs_merged_object_ids", "")
        numbers = {contact.id, *(int(part) for part in merged.split(";") if part)}
        found = [one._replace(contact=contact.id) for one in self._made.values() if one.contact in numbers]
        for number in numbers:
            record = self._contacts.rows.get(number)
            known = None if record is None else record.seed
            if isinstance(known, KnownPerson) and known.copy == 0:
                views = page_views(known.person, self._seed.forms_of.get(known.person.number, ()))
                found += [_view(known.person.number << 10 | step, contact.id, view) for step, view in enumerate(views)]
        return sorted(found, key=lambda one: (one.at, one.number))

    def count(self) -> int:
        self._index()
        return len(self._at) + len(self._live)

    def _index(self) -> None:
        """The seeded events by time, made when first asked for."""
        if self._ready:
            return
        self._ready = True
        at: array[int] = array("q")
        who: array[int] = array("q")
        for number in sorted(self._seed.forms_of):
            if number in self._seed.contact_of:
                forms = self._seed.forms_of[number]
                for step, view in enumerate(page_views(self._seed.world.people[number], forms)):
                    at.append(view.at)
                    who.append(number << 10 | step)
        order = sorted(range(len(at)), key=at.__getitem__)  # those of one moment keep the order of `who`
        self._at, self._who = array("q", map(at.__getitem__, order)), array("q", map(who.__getitem__, order))

    def _seeded(self, who: int) -> Occurrence | None:
        number, step = who >> 10, who & 1023
        views = page_views(self._seed.world.people[number], self._seed.forms_of[number])
        return _view(who, self._seed.contact_of[number], views[step])

    def _shown(self, one: Occurrence) -> Occurrence | None:
        """Under the id of the contact as it is now; what happened to nobody any more is gone."""
        contact = self._contacts.find(one.contact)
        if contact is None or not contact.alive:
            return None
        return one if contact.id == one.contact else one._replace(contact=contact.id)


def _merged(
    left: Iterator[tuple[int, int]], right: Iterator[tuple[int, int]], newest: bool
) -> Iterator[tuple[int, int]]:
    one, two = next(left, None), next(right, None)
    while one is not None or two is not None:
        if two is None or (one is not None and ((one > two) if newest else (one < two))):
            assert one is not None
            yield one
            one = next(left, None)
        else:
            yield two
            two = next(right, None)


def _view(number: int, contact: int, view: PageView) -> Occurrence:
    draw = bits(view.person.seed, number & 1023)
    properties = {
        "hs_url": view.url,
        "hs_title": view.title,
        "hs_page_id": str(91_000_000_000 + sum(view.url.encode())),
        "hs_visit_source": _SOURCES[draw % len(_SOURCES)],
        "hs_browser_fingerprint": str(view.person.seed >> 16),
    }
    if draw >> 8 & 7 == 0:
        properties |= {"hs_utm_source": "newsletter", "hs_utm_medium": "email", "hs_utm_campaign": "autumn"}
    return Occurrence(view.at, number, VISITED, contact, properties)
