"""The vendors' own HubSpot-Salesforce sync: a writer in the background that is not the hub.

It knows people by the Salesforce id that HubSpot contacts carry and copies changes of a few fields both ways. Where
both sides changed, Salesforce wins. It remembers what both sides hold after its own writes, so it never answers
itself: whatever others do, it comes to rest after one run.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from crmhub.sandbox.ids import SALESFORCE_PREFIX, hubspot_contact_id, salesforce_id
from crmhub.sandbox.messages import Match, Query, Request
from crmhub.sandbox.switches import Switches
from crmhub.sandbox.vendor import ControlError, Vendor
from crmhub.sandbox.world import World, chance

HUBSPOT_ACTOR, SALESFORCE_ACTOR = "salesforce", "integration"
"""Who the writes are by: HubSpot's source SALESFORCE, Salesforce's loader user."""
MOST_PAIRS = 500
_SALESFORCE_NAMES = {
    "jobtitle": ("Title", "Title"),
    "city": ("City", "MailingCity"),
    "zip": ("PostalCode", "MailingPostalCode"),
    "mobilephone": ("MobilePhone", "MobilePhone"),
}
"""HubSpot property -> field of Lead and of Contact."""
Values = dict[str, str]
"""By the HubSpot name; blank = empty text."""


class Pair(NamedTuple):
    hubspot: str
    object: str
    """Lead or Contact."""
    salesforce: str


def pairs_of(world: World) -> list[Pair]:
    """The contacts that carry a Salesforce id from the start (the first 500), by contact."""
    found: list[Pair] = []
    for known in world.records("hubspot"):
        if known.copy or not chance(known.person.seed, "hubspot knows salesforce", 0.06):
            continue
        other = world.record_of.get(("salesforce", known.person.number))
        if other is not None:
            there = salesforce_id(SALESFORCE_PREFIX[other.kind], other.number)
            found.append(Pair(hubspot_contact_id(known.number), other.kind.capitalize(), there))
        if len(found) == MOST_PAIRS:
            break
    return found


class NativeSync:
    """Compares both sides of every pair with what it saw last, each time `run` is called."""

    def __init__(self, world: World, hubspot: Vendor, salesforce: Vendor, switches: Switches) -> None:
        self._hubspot = hubspot
        self._salesforce = salesforce
        self._switches = switches
        self._pairs = pairs_of(world)
        self._seen: dict[Pair, tuple[Values, Values]] = {}
        self.writes = 0
        for pair in self._pairs:
            self._look(pair)

    def run(self) -> None:
        """Copy what changed since the last run."""
        for pair in self._pairs:
            before = self._seen.get(pair)
            now = self._look(pair)
            if before is None or now is None or before == now:
                continue
            left, right = _news(before, now, self._switches.native_sync_fields)
            if left:
                self._write(self._hubspot, "contacts", pair.hubspot, left, HUBSPOT_ACTOR)
            if right:
                place = 1 if pair.object == "Contact" else 0
                named = {_SALESFORCE_NAMES[name][place]: value for name, value in right.items()}
                self._write(self._salesforce, pair.object, pair.salesforce, named, SALESFORCE_ACTOR)
            if left or right:
                self._settle(pair, now[1], right)

    def _settle(self, pair: Pair, before: Values, written: Values) -> None:
        """Remember what the writes made of both sides. Salesforce may show its write only later: it counts as seen."""
        after = self._look(pair)
        if after is not None:
            after[1].update({name: value for name, value in written.items() if after[1][name] == before[name]})

    def _write(self, vendor: Vendor, kind: str, remote_id: str, fields: Values, actor: str) -> None:
        try:
            vendor.edit(kind, remote_id, dict(fields), actor)
        except ControlError:  # the value is refused over there: the vendor lists a sync error and goes on
            return
        self.writes += 1

    def _look(self, pair: Pair) -> tuple[Values, Values] | None:
        """What both sides hold now, remembered; None when one of them is gone."""
        names = list(_SALESFORCE_NAMES)
        place = 1 if pair.object == "Contact" else 0
        fields = [_SALESFORCE_NAMES[name][place] for name in names]
        left = _read(self._hubspot, f"/crm/v3/objects/contacts/{pair.hubspot}", f"properties={','.join(names)}")
        path = f"/services/data/v60.0/sobjects/{pair.object}/{pair.salesforce}"
        right = _read(self._salesforce, path, f"fields={','.join(fields)}")
        if left is None or right is None:
            self._seen.pop(pair, None)
            return None
        properties = left.get("properties", {})
        found = (
            {name: str(properties.get(name) or "") for name in names},
            {name: str(right.get(field) or "") for name, field in zip(names, fields, strict=True)},
        )
        self._seen[pair] = found
        return found


def _news(before: tuple[Values, Values], now: tuple[Values, Values], names: list[str]) -> tuple[Values, Values]:
    """What to write to HubSpot and to Salesforce. Blanks are not carried over."""
    left: Values = {}
    right: Values = {}
    for name in names:
        here, there = now[0][name], now[1][name]
        if here == there:
            continue
        if there != before[1][name] and there:
            left[name] = there
        elif here != before[0][name] and here:
            right[name] = here
    return left, right


def _read(vendor: Vendor, path: str, query: str) -> dict[str, Any] | None:
    """A record as the vendor's own API shows it, asked from within; None if it is not there."""
    match = vendor.router.match("GET", path)
    assert isinstance(match, Match)
    token = str(vendor.connection("").get("access_token", ""))
    request = Request("GET", path, Query(query), {"authorization": f"Bearer {token}"})
    request.route, request.params = match.route, match.params
    response = match.handler(request)
    if response.status != 200:
        return None
    found: dict[str, Any] = orjson.loads(response.body)
    return found
