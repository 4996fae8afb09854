"""What became of marketing e-mails: opens, clicks, bounces, unsubscribes, spam reports.

One legacy feed for the whole account, newest first, that can be cut by time and by one type. A pull looks at
everything since its window began in one call; only when that is more than 1,000 events (sent, delivered, ... among
them) it walks through the types that matter, one after the other. Opens and clicks that HubSpot itself takes for a
machine's are left out by HubSpot. https://developers.hubspot.com/docs/reference/api/analytics-and-events/email-analytics

    bookmark   walk  {low, start, kinds, until, ...}   killed in the middle: goes on with kinds[0] before `until`
               idle  {low, n, digest, ...}             done: n events were created at or after low
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any

from connectors.contract import Bookmark, Link, MissingScope, Option, Page, RemoteField, Row, StreamSpec, Value
from connectors.hubspot.apart import Apart, each_once, listed, next_page
from connectors.hubspot.api import Api, Record
from connectors.hubspot.routes import EMAIL_EVENTS, EMAILS
from connectors.hubspot.tally import Tally

VERSION = 1
PAGE = 1000
#: how long after its stamp an event may come
OVERLAP_S = 3600
OVERLAP_MS = OVERLAP_S * 1000
#: HubSpot's types that say something of a person
TYPES = ("OPEN", "CLICK", "BOUNCE", "STATUSCHANGE", "SPAMREPORT")
#: e-mails a page of the list of names
NAMES_PAGE = 100
#: an e-mail that the list of names does not hold is looked for again after so long
NAMES_AGAIN_MS = 900_000

SPEC = StreamSpec(
    name="email_events",
    entity="activity",
    label="Marketing e-mail event",
    cursor_field="created",
    tie_break="id",
    overlap_s=OVERLAP_S,
    idle_calls=1,
    page_size=PAGE,
)

FIELDS = (
    RemoteField(
        "kind",
        "What happened",
        "option",
        tuple(
            Option(value, label)
            for value, label in (
                ("OPEN", "Opened"),
                ("CLICK", "Clicked"),
                ("BOUNCE", "Bounced"),
                ("UNSUBSCRIBED", "Unsubscribed"),
                ("SUBSCRIBED", "Subscribed again"),
                ("SPAMREPORT", "Reported as spam"),
            )
        ),
        writable=False,
    ),
    RemoteField("created", "When", "datetime", writable=False),
    RemoteField("recipient", "Recipient", "text", writable=False),
    RemoteField("url", "Link clicked", "text", writable=False),
    RemoteField("email_name", "Name of the e-mail", "text", writable=False),
    RemoteField("subject", "Subject", "text", writable=False),
    RemoteField("campaign_id", "E-mail campaign id", "text", writable=False),
    RemoteField("bounce_category", "Why it bounced", "text", writable=False),
    RemoteField("device_type", "Device", "text", writable=False),
    RemoteField("country", "Country of the reader", "text", writable=False),
)


def email_events(api: Api) -> Apart:
    """The stream. Raises MissingScope where the account has no marketing e-mail or the token no scope for it."""
    return Apart(SPEC, FIELDS, _EmailEvents(api).pull)


class _EmailEvents:
    """The feed, and the names of the e-mails, kept as long as the connector lives."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._names = _Names(api)

    def pull(self, bookmark: Bookmark | None, fields: Sequence[str]) -> Iterator[Page]:
        at = self._api.around.clock.now()
        if bookmark is None or bookmark.get("v") != VERSION:
            yield from self._walk(0, at, fields)
        elif bookmark["state"] == "walk":
            yield from self._walk(bookmark["low"], at, fields, bookmark)
        else:
            yield from self._look(bookmark, at, fields)

    def _look(self, bookmark: Bookmark, at: int, fields: Sequence[str]) -> Iterator[Page]:
        """One call for the whole window; nothing is told when it holds what the last pull saw of it."""
        low = bookmark["low"]
        found = self._events(low)
        if found.get("hasMore"):
            yield from self._walk(low, at, fields)
            return
        start = self._api.transport.vendor_time(at)
        rows = self._rows(found, fields)
        seen, tally = Tally(low), Tally(max(low, start - OVERLAP_MS))
        for row in rows:
            seen.add(row)
            tally.add(row)
        if (seen.n, seen.digest) == (bookmark["n"], bookmark["digest"]):
            rows = []
        yield Page(rows, _idle(tally), done=True)

    def _walk(self, low: int, at: int, fields: Sequence[str], resumed: Bookmark | None = None) -> Iterator[Page]:
        """Type after type, newest first."""
        kinds: list[str] = list(TYPES) if resumed is None else list(resumed["kinds"])
        until: int | None = None if resumed is None else resumed["until"]
        tally: Tally | None = None
        start = 0
        if resumed is not None:
            start = resumed["start"]
            tally = Tally.resumed(max(low, start - OVERLAP_MS), resumed)
        offset: str | None = None
        while True:
            found = self._events(low, kinds[0], until, offset)
            if tally is None:
                start = self._api.transport.vendor_time(at)
                tally = Tally(max(low, start - OVERLAP_MS))
            rows = self._rows(found, fields)
            for row in rows:
                tally.add(row)
            if found.get("hasMore") and found["events"]:
                offset = found["offset"]
                oldest = min(int(e["created"]) for e in found["events"])
            else:
                offset, oldest, until = None, None, None
                kinds.pop(0)
            if not kinds:
                yield Page(rows, _idle(tally), done=True)
                return
            mark = {"v": VERSION, "state": "walk", "low": low, "start": start, "kinds": list(kinds), "until": oldest}
            yield Page(rows, {**mark, **tally.saved()})

    def _events(self, low: int, kind: str = "", until: int | None = None, offset: str | None = None) -> Record:
        params: dict[str, Any] = {"limit": PAGE, "excludeFilteredEvents": "true"}
        if low:
            params["startTimestamp"] = low
        if until is not None:
            params["endTimestamp"] = until
        if kind:
            params["eventType"] = kind
        if offset is not None:
            params["offset"] = offset
        data: Record = self._api.call("GET", EMAIL_EVENTS, params=params).data
        listed(data, "events")
        return data

    def _rows(self, found: Record, fields: Sequence[str]) -> list[Row]:
        events = [e for e in found["events"] if e.get("type") in TYPES and not e.get("filteredEvent")]
        named = "email_name" in fields or "subject" in fields
        names = self._names.of({str(e.get("emailCampaignId")) for e in events}) if named and events else {}
        return each_once(_row(e, names.get(str(e.get("emailCampaignId")), (None, None)), fields) for e in events)


def _row(event: Record, names: tuple[str | None, str | None], fields: Sequence[str]) -> Row:
    at, recipient = int(event["created"]), str(event.get("recipient") or "").strip() or None
    values: dict[str, Value] = {
        "kind": _kind(event),
        "created": at,
        "recipient": recipient,
        "url": event.get("url") or None,
        "email_name": names[0],
        "subject": event.get("subject") or names[1],
        "campaign_id": str(event["emailCampaignId"]) if event.get("emailCampaignId") else None,
        "bounce_category": event.get("category") or None,
        "device_type": event.get("deviceType") or None,
        "country": (event.get("location") or {}).get("country") or None,
    }
    links = (Link("email", recipient),) if recipient else ()
    # an id is unique together with its time only
    return Row(f"{at}/{event['id']}", {f: values[f] for f in fields if f in values}, at, at, links=links)


def _kind(event: Record) -> str:
    """A change of status is an unsubscribe when it ends the whole subscription or one kind of e-mail."""
    if event["type"] != "STATUSCHANGE":
        return str(event["type"])
    states = [event.get("portalSubscriptionStatus"), *(s.get("status") for s in event.get("subscriptions") or ())]
    return "UNSUBSCRIBED" if "UNSUBSCRIBED" in states else "SUBSCRIBED"


def _idle(tally: Tally) -> Bookmark:
    return {"v": VERSION, "state": "idle", "low": tally.edge, **tally.final()}


class _Names:
    """(name, subject) of marketing e-mails by campaign id: one call per 100 e-mails, when one is not known yet."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = Lock()
        self._known: dict[str, tuple[str | None, str | None]] = {}
        self._asked: int | None = None

    def of(self, campaigns: set[str]) -> dict[str, tuple[str | None, str | None]]:
        with self._lock:
            now = self._api.around.clock.now()
            late = self._asked is None or now - self._asked >= NAMES_AGAIN_MS
            if late and not campaigns <= self._known.keys():
                self._asked = now
                self._list()
            return self._known

    def _list(self) -> None:
        after: str | None = None
        while True:
            params: dict[str, Any] = {"limit": NAMES_PAGE, "includedProperties": list(_NAMED)}
            if after is not None:
                params["after"] = after
            try:
                data = self._api.call("GET", EMAILS, params=params).data
            except MissingScope:
                return  # events without names are events all the same
            for email in listed(data):
                named = (email.get("name") or None, email.get("subject") or None)
                ids = (*(email.get("allEmailCampaignIds") or ()), email.get("primaryEmailCampaignId"))
                self._known.update({str(i): named for i in ids if i})
            after = next_page(data)
            if after is None:
                return


_NAMED = ("id", "name", "subject", "allEmailCampaignIds", "primaryEmailCampaignId")
