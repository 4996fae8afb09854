"""Webhooks: what happens is matched with subscriptions, gathered, signed, sent, and sent again when it failed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson

from crmhub.sandbox.draws import bits, part
from crmhub.sandbox.hubspot import signature
from crmhub.sandbox.hubspot.feed import Happening
from crmhub.sandbox.hubspot.kinds import KINDS, LINKS, PRIMARY
from crmhub.sandbox.hubspot.portal import APP, Portal
from crmhub.sandbox.hubspot.tokens import CLIENT_SECRET
from crmhub.sandbox.vendor import Outgoing

BATCH_MAX, RETRIES_MAX = 100, 10
_VERBS = ("creation", "deletion", "restore", "merge", "propertyChange", "associationChange")
TYPES: frozenset[str] = frozenset(
    f"{word}.{verb}"
    for word in ("contact", "company", "deal", "ticket", "product", "line_item", "object")
    for verb in _VERBS
    if (word, verb) != ("product", "associationChange")
) | {"contact.privacyDeletion"}
_FLAGS = {"creation": "CREATED", "deletion": "DELETED", "privacyDeletion": "DELETED"}
_AGENT = "HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client)"


@dataclass(slots=True)
class Subscription:
    """One event type the app wants to hear of; `property` for changes, `type_id` for object.* ones."""

    id: int
    type: str
    property: str
    type_id: str
    active: bool
    created: int
    updated: int


@dataclass(slots=True)
class Delivery:
    """Up to 100 events that go together."""

    events: list[dict[str, Any]]
    ready: int
    attempt: int = 0


@dataclass(slots=True)
class _Hook:
    target: str = ""
    concurrent: int = 10
    created: int = 0
    updated: int = 0
    subscriptions: dict[int, Subscription] = field(default_factory=dict)


class Webhooks:
    """The webhooks of the one app, for every account that has it."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self.hook = _Hook()
        self._next = 2_710_001
        self._heard = 0
        self._last = 0
        self._fresh: list[tuple[int, dict[str, Any]]] = []
        """(when to send, event)"""
        self._waiting: deque[Delivery] = deque()
        self._out = 0

    def listen(self, portal: Portal) -> None:
        """Hear of everything that happens in an account."""
        portal.feed.listen(lambda happening: self._hear(portal, happening))

    def subscribe(self, kind: str, name: str, type_id: str, active: bool) -> Subscription:
        now = self._portal.now()
        self._next += 1
        made = Subscription(self._next, kind, name, type_id, active, now, now)
        self.hook.subscriptions[made.id] = made
        return made

    def aim(self, target: str, concurrent: int = 10) -> None:
        """Where deliveries go."""
        now = self._portal.now()
        self.hook.target, self.hook.concurrent, self.hook.updated = target, concurrent, now
        self.hook.created = self.hook.created or now

    def due(self) -> list[Outgoing]:
        """Signed requests to send now; as many at a time as the settings of the app allow."""
        now = self._portal.now()
        self._gather(now)
        found: list[Outgoing] = []
        for _ in range(len(self._waiting)):
            if self._out >= self.hook.concurrent:
                break
            delivery = self._waiting.popleft()
            if delivery.ready > now or not self.hook.target:
                self._waiting.append(delivery)
                continue
            self._out += 1
            found.append(self._signed(delivery, now))
        return found

    def delivered(self, outgoing: Outgoing, status: int) -> None:
        """Anything but 2xx in time is a failure: again after a while, ten times at most."""
        delivery: Delivery = outgoing.tag
        self._out = max(0, self._out - 1)
        if 200 <= status < 300:
            return
        waits = self._portal.switches.webhook_retries[:RETRIES_MAX]
        if delivery.attempt >= len(waits):
            return
        # no two receivers are tried again at the same moment
        spread = 0.75 + 0.5 * part(self._heard, delivery.attempt + 1)
        delivery.ready = self._portal.now() + int(1000 * waits[delivery.attempt] * spread)
        delivery.attempt += 1
        self._waiting.append(delivery)

    def _hear(self, portal: Portal, happening: Happening) -> None:
        if not self.hook.subscriptions:
            return
        self._heard += 1
        if self._heard % 37:  # now and then two events have one id
            self._last = bits(portal.id, self._heard) >> 33
        when = self._portal.now() + int(1000 * self._portal.switches.webhook_delay)
        for one in self.hook.subscriptions.values():
            if one.active and _wanted(one, happening):
                self._fresh.append((when, self._event(portal, one, happening)))

    def _gather(self, now: int) -> None:
        """Put events whose time has come into deliveries of a hundred."""
        ready = [event for when, event in self._fresh if when <= now]
        if not ready:
            return
        self._fresh = [row for row in self._fresh if row[0] > now]
        for start in range(0, len(ready), BATCH_MAX):
            self._waiting.append(Delivery(ready[start : start + BATCH_MAX], now))

    def _event(self, portal: Portal, one: Subscription, happening: Happening) -> dict[str, Any]:
        facts, kind = happening.facts, KINDS[happening.kind]
        event: dict[str, Any] = {
            "eventId": self._last,
            "subscriptionId": one.id,
            "portalId": portal.id,
            "appId": int(APP),
            "occurredAt": happening.at,
            "subscriptionType": one.type,
            "attemptNumber": 0,
            "changeSource": happening.actor.source_type,
        }
        if happening.actor.source_id:
            event["sourceId"] = happening.actor.source_id
        if one.type.startswith("object."):
            event["objectTypeId"] = kind.type_id
        if happening.verb == "associationChange":
            if portal.switches.webhook_association_object_id:
                event["objectId"] = happening.number
            return event | _association(happening, generic=one.type.startswith("object."))
        event["objectId"] = happening.number
        if happening.verb in _FLAGS:
            event["changeFlag"] = _FLAGS[happening.verb]
        elif happening.verb == "propertyChange":
            event |= {"propertyName": facts["name"], "propertyValue": facts["value"], "isSensitive": False}
            if facts.get("new"):
                event["changeFlag"] = "NEW"
        elif happening.verb == "merge":
            event |= {
                "primaryObjectId": facts["primary"],
                "mergedObjectIds": facts["merged"],
                "newObjectId": happening.number,
                "numberOfPropertiesMoved": facts["moved"],
            }
        return event

    def _signed(self, delivery: Delivery, now: int) -> Outgoing:
        target = self.hook.target
        body = orjson.dumps([{**event, "attemptNumber": delivery.attempt} for event in delivery.events])
        version = self._portal.switches.webhook_signature
        old = (
            signature.version_one(CLIENT_SECRET, body)
            if version == "v1"
            else signature.version_two(CLIENT_SECRET, "POST", target, body)
        )
        headers = {
            "Content-Type": "application/json",
            "User-Agent": _AGENT,
            "X-HubSpot-Signature": old,
            "X-HubSpot-Signature-Version": version,
            "X-HubSpot-Signature-v3": signature.version_three(CLIENT_SECRET, "POST", target, body, now),
            "X-HubSpot-Request-Timestamp": str(now),
        }
        return Outgoing(target, headers, body, delivery)


def _wanted(one: Subscription, happening: Happening) -> bool:
    kind = KINDS[happening.kind]
    word, _, verb = one.type.partition(".")
    if verb != happening.verb or word not in (kind.singular, "object"):
        return False
    if word == "object" and one.type_id != kind.type_id:
        return False
    return verb != "propertyChange" or one.property == happening.facts["name"]


def _association(happening: Happening, generic: bool) -> dict[str, Any]:
    """What an event tells of both ends."""
    facts, kind = happening.facts, KINDS[happening.kind]
    other = KINDS[facts["to"]]
    found: dict[str, Any] = {
        "fromObjectId": happening.number,
        "toObjectId": facts["target"],
        "associationRemoved": facts["removed"],
        "isPrimaryAssociation": facts["primary"],
    }
    if not generic:
        return {"associationType": f"{kind.singular}_to_{other.singular}".upper(), **found}
    types = [one for one in facts["types"] if one not in PRIMARY] or [LINKS[kind.name, other.name][0]]
    return {
        **found,
        "fromObjectTypeId": kind.type_id,
        "toObjectTypeId": other.type_id,
        "associationTypeId": types[0],
        "associationCategory": "HUBSPOT_DEFINED" if types[0] in LINKS[kind.name, other.name] else "USER_DEFINED",
    }
