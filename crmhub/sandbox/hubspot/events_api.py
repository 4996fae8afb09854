"""Event occurrences (Enterprise accounts): page views and custom events, per contact and account-wide."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlencode

from crmhub.sandbox.hubspot.errors import HubSpotError, invalid
from crmhub.sandbox.hubspot.event_log import VISITED, Occurrence
from crmhub.sandbox.hubspot.objects import resolve
from crmhub.sandbox.hubspot.paths import body_of, versioned, whole_number
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.records import Record
from crmhub.sandbox.hubspot.schema import iso, to_ms
from crmhub.sandbox.messages import Request, Response, Router

_STANDARD = (
    VISITED, "e_submitted_form", "e_viewed_cta", "e_clicked_cta", "e_opened_sequence_email",
    "e_clicked_sequence_email", "e_viewed_document", "e_played_media", "e_clicked_ad",
)  # fmt: skip
_Walk = Callable[[bool, "tuple[int, int] | None"], Iterator[Occurrence]]
"""(newest first, cursor) -> occurrences in order"""
_CONTACT = ("contact", "contacts", "0-1")


class EventsApi:
    """`/events/v3/events`, `/events/v3/send` and the dated paths."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def routes(self, router: Router) -> None:
        old, dated = "/events/v3/events", "/events/event-occurrences/{D}"
        versioned(router, "GET", old, dated, self.page)
        versioned(router, "GET", f"{old}/event-types", f"{dated}/event-types", self.types)
        versioned(router, "POST", "/events/v3/send", "/events/{D}/send", self.send)
        versioned(router, "POST", "/events/v3/send/batch", "/events/{D}/send/batch", self.send_batch)

    def types(self, _: Request) -> Response:
        """Every type there is, also those that this edition never has occurrences of."""
        return Response.json({"eventTypes": [*_STANDARD, *self._portal.custom_events]})

    def page(self, request: Request) -> Response:
        """Newest first unless `sort=occurredAt`."""
        self._entitled()
        query = request.query
        limit = whole_number(query.get("limit"), "limit", 1, self._portal.switches.event_page_max, 10)
        sort = query.get("sort") or "-occurredAt"
        if sort not in ("occurredAt", "-occurredAt"):
            raise invalid(f"sort {sort} is neither occurredAt nor -occurredAt")
        newest = sort == "-occurredAt"
        low, high = (self._moment(query.get(name), name) for name in ("occurredAfter", "occurredBefore"))
        cursor = _place(query.get("after"))
        wanted = self._wanted(request, low if low is not None else 0, high if high is not None else 1 << 53)
        found = list(islice((one for one in wanted(newest, cursor)), limit + 1))
        answer: dict[str, Any] = {"results": [_shape(one, query.names("properties")) for one in found[:limit]]}
        if len(found) > limit:
            after = _cursor(found[limit - 1])
            asked = [(name, value) for name, value in parse_qsl(query.raw) if name not in ("after", "before")]
            link = f"https://api.hubapi.com{request.path}?{urlencode([*asked, ('after', after)])}"
            answer["paging"] = {"next": {"after": after, "link": link}}
        return Response.json(answer)

    def send(self, request: Request) -> Response:
        """A custom event of one contact."""
        self._entitled()
        self._send(body_of(request))
        return Response(204)

    def send_batch(self, request: Request) -> Response:
        self._entitled()
        rows = body_of(request).get("inputs")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or len(rows) > 500:
            raise invalid("Invalid input JSON: inputs must be an array of at most 500 events")
        for row in rows:
            self._send(row)
        return Response(204)

    def _send(self, wish: dict[str, Any]) -> None:
        portal, name = self._portal, wish.get("eventName")
        prefix = f"pe{portal.id}_"
        if not isinstance(name, str) or not name.startswith(prefix):
            raise invalid(f"eventName must be the full name of a custom event, beginning with {prefix}")
        table = portal.tables["contacts"]
        contact = None
        if wish.get("objectId"):
            contact = resolve(portal, table, wish["objectId"], "hs_object_id")
        elif wish.get("email"):
            contact = resolve(portal, table, wish["email"], "email")
        if contact is None:
            raise invalid("No contact was found for this event: give objectId, email or utk")
        moment = wish.get("occurredAt")
        at = portal.now() if moment is None else to_ms(str(moment))
        if at is None:
            raise invalid(f"occurredAt {moment} is not a time")
        if name not in portal.custom_events:
            portal.custom_events.append(name)
        told = wish.get("properties") or {}
        if not isinstance(told, dict):
            raise invalid("Invalid input JSON on line 1, column 1: properties must be an object")
        properties = {str(key): str(value) for key, value in told.items()}
        portal.event_log.add(at, name, contact.id, properties)

    def _wanted(self, request: Request, low: int, high: int) -> _Walk:
        """What fits the query; raises 400 when it names neither a record nor a type nor events."""
        query, log = request.query, self._portal.event_log
        pairs = parse_qsl(query.raw)
        kind, ids = query.get("eventType"), set(query.names("id"))
        filters = {name.partition(".")[2]: value for name, value in pairs if name.startswith("property.")}
        record = self._object(request)
        if record is None and not kind and not ids:
            raise invalid("Either objectType with objectId or objectProperty, or eventType, or id is required")

        def fits(one: Occurrence) -> bool:
            return (
                (not kind or one.type == kind)
                and (not ids or one.id in ids)
                and all(one.properties.get(name) == value for name, value in filters.items())
                and self._portal.sees(self._portal.tables["contacts"].rows[one.contact])
            )

        def account(newest: bool, cursor: tuple[int, int] | None) -> Iterator[Occurrence]:
            return filter(fits, log.walk(low, high, newest, cursor))

        def one_record(newest: bool, cursor: tuple[int, int] | None) -> Iterator[Occurrence]:
            held = [] if not isinstance(record, Record) else log.of(record)
            for one in reversed(held) if newest else held:
                key = (one.at, one.number)
                beyond = cursor is None or (key < cursor if newest else key > cursor)
                if beyond and low <= one.at <= high and fits(one):
                    yield one

        return account if record is None else one_record

    def _object(self, request: Request) -> Record | bool | None:
        """The contact asked for; False: there is none such; None: the query names none."""
        query, table = request.query, self._portal.tables["contacts"]
        pairs = parse_qsl(query.raw)
        named = [(name.partition(".")[2], value) for name, value in pairs if name.startswith("objectProperty.")]
        if not query.get("objectId") and not named:
            return None
        if not query.get("objectType"):
            raise invalid("objectType is required with objectId and objectProperty")
        if query.get("objectType").lower() not in _CONTACT:
            return False
        name, value = ("hs_object_id", query.get("objectId")) if query.get("objectId") else named[0]
        record = resolve(self._portal, table, value, name)
        return record if record is not None and record.alive else False

    def _entitled(self) -> None:
        if not self._portal.switches.enterprise:
            message = "This account's subscription does not include event occurrences. An Enterprise hub is required."
            raise HubSpotError(403, "FORBIDDEN", message)

    @staticmethod
    def _moment(text: str, name: str) -> int | None:
        moment = to_ms(text) if text else None
        if text and moment is None:
            raise invalid(f"{name} {text} is not an ISO 8601 time")
        return moment


def _shape(one: Occurrence, wanted: list[str]) -> dict[str, Any]:
    properties = {name: value for name, value in one.properties.items() if not wanted or name in wanted}
    return {
        "objectType": "CONTACT",
        "objectId": str(one.contact),
        "eventType": one.type,
        "occurredAt": iso(one.at),
        "id": one.id,
        "properties": properties,
    }


def _cursor(one: Occurrence) -> str:
    return base64.urlsafe_b64encode(f"{one.at}|0-1|{one.contact}|4-96000|{one.number}".encode()).decode()


def _place(text: str) -> tuple[int, int] | None:
    """(at, number) of the last event of the page before; raises 400."""
    if not text:
        return None
    try:
        parts = base64.urlsafe_b64decode(text.encode()).decode().split("|")
    except (binascii.Error, ValueError):
        parts = []
    if len(parts) != 5 or not parts[0].isdecimal() or not parts[4].isdecimal():
        raise invalid(f"The after value {text} is not valid")
    return int(parts[0]), int(parts[4])
