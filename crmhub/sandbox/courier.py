"""Sends what vendors want to tell the outside by themselves (webhooks), not all of it and not in order."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from crmhub.sandbox.switches import Switches
from crmhub.sandbox.vendor import Outgoing, Sender

_TIMEOUT = 5.0
_TAKEN = 200
"""The status that a vendor hears of a webhook that got lost on the way or takes long."""


class Parcel(NamedTuple):
    """One sending of a webhook, at a moment of the sandbox's clock."""

    at: int
    number: int
    sender: Sender
    outgoing: Outgoing
    told: bool
    """Whether the vendor hears how this sending ended: of repeated ones the first, of late ones none."""


class Courier:
    """Decides what becomes of each webhook, by dice of its own: lost, repeated, late or simply sent."""

    def __init__(self, seed: int, switches: Switches) -> None:
        self._switches = switches
        self._dice = random.Random(f"webhooks {seed}")
        self._waiting: list[Parcel] = []
        self._number = 0
        self._flying = 0
        self.counts = {"sent": 0, "refused": 0, "lost": 0, "repeated": 0, "late": 0}

    def collect(self, sender: Sender, now: int) -> None:
        """Take over what a vendor wants to send by now."""
        for outgoing in sender.due(now):
            # always three draws, so that one switch does not change what the others do
            lost, repeated, late = (self._dice.random() for _ in range(3))
            wait = int(self._dice.random() * self._switches.webhook_late_seconds * 1000)
            if lost < self._switches.webhook_lost:
                self.counts["lost"] += 1
                sender.delivered(outgoing, _TAKEN)
                continue
            at, slow = now, late < self._switches.webhook_late
            if slow:
                # underway for long: the vendor, which sends only so many at a time, does not wait for it
                self.counts["late"] += 1
                at += wait
                sender.delivered(outgoing, _TAKEN)
            self._add(at, sender, outgoing, told=not slow)
            if repeated < self._switches.webhook_repeated:
                self.counts["repeated"] += 1
                self._add(at + wait // 2, sender, outgoing, told=False)

    def due(self, now: int) -> Iterator[Parcel]:
        """What is to be posted by now, one after the other."""
        while self._waiting and self._waiting[0].at <= now:
            self._flying += 1
            yield heapq.heappop(self._waiting)

    def posted(self, parcel: Parcel, status: int) -> None:
        """One sending ended with this HTTP status (0: nobody answered)."""
        self._flying -= 1
        self.counts["sent" if 200 <= status < 300 else "refused"] += 1
        if parcel.told:
            parcel.sender.delivered(parcel.outgoing, status)

    def snapshot(self, now: int) -> dict[str, int]:
        """Counts, and how many wait: `due` by now and `waiting` in all, the one on its way among them."""
        due = sum(parcel.at <= now for parcel in self._waiting)
        return {**self.counts, "due": due + self._flying, "waiting": len(self._waiting) + self._flying}

    def _add(self, at: int, sender: Sender, outgoing: Outgoing, told: bool) -> None:
        self._number += 1
        heapq.heappush(self._waiting, Parcel(at, self._number, sender, outgoing, told))


def post(outgoing: Outgoing) -> int:
    """POST it and wait; -> the HTTP status, 0 when nobody answered within 5 s."""
    target = urlsplit(outgoing.url)
    make = HTTPSConnection if target.scheme == "https" else HTTPConnection
    path = f"{target.path or '/'}{'?' + target.query if target.query else ''}"
    connection = make(target.hostname or "", target.port, timeout=_TIMEOUT)
    try:
        connection.request("POST", path, outgoing.body, outgoing.headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()
    return answer.status
