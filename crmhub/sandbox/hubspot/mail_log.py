"""What became of marketing e-mails, in order of time: the seeded events as arrays of numbers, new ones as they come."""

from __future__ import annotations

import uuid
from array import array
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from crmhub.sandbox.draws import bits
from crmhub.sandbox.mails import Mail, MailEvent, events_of
from crmhub.sandbox.seen import email_of
from crmhub.sandbox.world import BIT, KnownPerson, World

TYPES: tuple[str, ...] = (
    "SENT", "PROCESSED", "DROPPED", "DELIVERED", "DEFERRED", "BOUNCE", "OPEN", "CLICK", "PRINT", "FORWARD",
    "STATUSCHANGE", "SPAMREPORT", "SUPPRESSED", "SUPPRESSION", "UNBOUNCE",
)  # fmt: skip
_TYPE_OF = {"delivered": "DELIVERED", "bounce": "BOUNCE", "open": "OPEN", "click": "CLICK",
            "unsubscribe": "STATUSCHANGE"}  # fmt: skip
_SPACE = uuid.UUID("6d0f3a92-51c7-4a0e-8f2d-7be1c6a4d910")
_BOT = 0xB07
Step = tuple[MailEvent, str, int, bool, int]
"""event of the world, type here, when, filtered, place of the SENT it goes back to"""


class Entry(NamedTuple):
    """One e-mail event. `number` keeps events of one millisecond apart."""

    at: int
    number: int
    type: str
    mail: Mail
    recipient: str
    url: str
    filtered: bool
    """HubSpot itself takes it for a machine's."""
    sent_at: int
    """`created` of the SENT event it goes back to."""
    sent_number: int

    @property
    def id(self) -> str:
        return str(uuid.uuid5(_SPACE, f"{self.number} {self.type} {self.recipient}"))

    @property
    def sent_id(self) -> str:
        return str(uuid.uuid5(_SPACE, f"{self.sent_number} SENT {self.recipient}"))


@dataclass(slots=True)
class _Arrays:
    """The seeded events by time: `step` says which of a person's events is meant."""

    at: array[int]
    person: array[int]
    step: array[int]
    type: array[int]


class MailLog:
    """Every e-mail event of one portal."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._arrays: _Arrays | None = None
        self._live: list[Entry] = []
        self._counts: Counter[tuple[int, str]] = Counter()
        self._recent: dict[int, list[Step]] = {}

    def counts(self, mail: Mail) -> dict[str, int]:
        """Events of a mail by type."""
        self._seeded()
        return {name: self._counts[mail.number, name] for name in TYPES if self._counts[mail.number, name]}

    def sizes(self) -> dict[str, int]:
        """How many events of each type there are."""
        self._seeded()
        found: Counter[str] = Counter()
        for (_, kind), count in self._counts.items():
            found[kind] += count
        return dict(found)

    def add(self, at: int, kind: str, mail: Mail, recipient: str, url: str) -> Entry:
        """Something that happens now; the e-mail counts as sent at `mail.sent_at`."""
        number = (1 << 40) + len(self._live)
        made = Entry(at, number, kind, mail, recipient, url, False, mail.sent_at, number)
        insort(self._live, made)
        self._counts[mail.number, kind] += 1
        return made

    def backwards(self, low: int, high: int, kind: str = "", before: tuple[int, int] | None = None) -> Iterator[Entry]:
        """Events from `high` down to `low` (inclusive), newest first; `before` continues after that event."""
        seeded = self._arrays or self._seeded()
        if before is not None:
            high = min(high, before[0])
        place = bisect_right(seeded.at, high) - 1
        live = bisect_right(self._live, (high, 1 << 62)) - 1
        while True:
            old = seeded.at[place] if place >= 0 else -1
            new = self._live[live].at if live >= 0 else -1
            if max(old, new) < low or max(old, new) < 0:
                return
            if new >= old:
                entry, live = self._live[live], live - 1
                if kind and entry.type != kind:
                    continue
            else:
                place -= 1
                if kind and TYPES[seeded.type[place + 1]] != kind:
                    continue
                entry = self._entry(seeded, place + 1)
            if before is None or (entry.at, entry.number) < before:
                yield entry

    def find(self, at: int, event_id: str) -> Entry | None:
        """The event with this id that was created then."""
        return next((entry for entry in self.backwards(at, at) if entry.id == event_id), None)

    def size(self) -> int:
        return len(self._seeded().at) + len(self._live)

    def _seeded(self) -> _Arrays:
        """The index, made when first asked for."""
        if self._arrays is None:
            codes = {name: place for place, name in enumerate(TYPES)}
            made = _Arrays(array("q"), array("l"), array("H"), array("B"))
            for person in self._world.people:
                if not person.known & BIT["hubspot"]:
                    continue
                for step, (event, kind, at, _, _) in enumerate(_full(events_of(self._world, person))):
                    made.at.append(at)
                    made.person.append(person.number)
                    made.step.append(step)
                    made.type.append(codes[kind])
                    self._counts[event.mail.number, kind] += 1
            self._arrays = _sorted(made)
        return self._arrays

    def _entry(self, seeded: _Arrays, place: int) -> Entry:
        person = self._world.people[seeded.person[place]]
        event, kind, at, filtered, first = self._of(person.number)[seeded.step[place]]
        recipient = email_of(KnownPerson("hubspot", "contact", 0, person, 0))
        number = person.number << 12
        return Entry(
            at, number + seeded.step[place], kind, event.mail, recipient, event.url if kind == "CLICK" else "",
            filtered, self._of(person.number)[first][2], number + first,
        )  # fmt: skip

    def _of(self, number: int) -> list[Step]:
        """A person's events; a few people are remembered, as pages show the same ones again and again."""
        held = self._recent.get(number)
        if held is None:
            if len(self._recent) > 20_000:
                self._recent.clear()
            held = self._recent[number] = _full(events_of(self._world, self._world.people[number]))
        return held


def _sorted(rows: _Arrays) -> _Arrays:
    """The same rows by time; those of one moment keep their order."""
    order = sorted(range(len(rows.at)), key=rows.at.__getitem__)
    return _Arrays(
        array("q", map(rows.at.__getitem__, order)),
        array("l", map(rows.person.__getitem__, order)),
        array("H", map(rows.step.__getitem__, order)),
        array("B", map(rows.type.__getitem__, order)),
    )


def _full(events: list[MailEvent]) -> list[Step]:
    """What HubSpot logs for the world's events of one person."""
    found: list[Step] = []
    sent: dict[int, int] = {}
    for event in events:
        number = event.mail.number
        if event.kind in ("delivered", "bounce"):
            sent[number] = len(found)
            found.append((event, "SENT", event.mail.sent_at, False, len(found)))
            found.append((event, "PROCESSED", event.mail.sent_at + 700, False, sent[number]))
        found.append((event, _TYPE_OF[event.kind], event.at, False, sent.get(number, len(found))))
        if event.kind == "delivered" and bits(event.person.seed, _BOT + number) % 33 == 0:
            # a few opens by machines are known to HubSpot, and marked
            found.append((event, "OPEN", event.at + 900, True, sent[number]))
    return found
