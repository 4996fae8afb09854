"""Pages that known contacts looked at: event occurrences of the whole account, oldest first.

HubSpot keeps them for Enterprise accounts only; others are refused, which is told as a missing permission.
https://developers.hubspot.com/docs/api-reference/events-event-occurrences-v3

    bookmark   walk  {low, start, at, ...}   killed in the middle: goes on from `at`
               idle  {low, n, digest, ...}   done: n views were seen at or after low
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from connectors.contract import Bookmark, Link, MissingScope, Page, RemoteField, Row, StreamSpec, Value
from connectors.hubspot.apart import Apart, each_once, listed, next_page
from connectors.hubspot.api import Api, Record
from connectors.hubspot.errors import Forbidden
from connectors.hubspot.routes import EVENTS
from connectors.hubspot.rows import to_ms
from connectors.hubspot.tally import Tally

VERSION = 1
PAGE = 100
#: how long after its stamp a view may come
OVERLAP_S = 900
OVERLAP_MS = OVERLAP_S * 1000
VISITED = "e_visited_page"
ENTERPRISE = "event occurrences (an Enterprise edition of HubSpot)"

SPEC = StreamSpec(
    name="page_views",
    entity="activity",
    label="Page view",
    cursor_field="occurredAt",
    tie_break="id",
    overlap_s=OVERLAP_S,
    idle_calls=1,
    page_size=PAGE,
)

FIELDS = (
    RemoteField("occurred_at", "When", "datetime", writable=False),
    RemoteField("url", "Address", "text", writable=False),
    RemoteField("title", "Title", "text", writable=False),
    RemoteField("visit_source", "Source of the visit", "text", writable=False),
    RemoteField("utm_campaign", "UTM campaign", "text", writable=False),
    RemoteField("utm_source", "UTM source", "text", writable=False),
    RemoteField("utm_medium", "UTM medium", "text", writable=False),
)
_REMOTE = {
    "url": "hs_url",
    "title": "hs_title",
    "visit_source": "hs_visit_source",
    "utm_campaign": "hs_utm_campaign",
    "utm_source": "hs_utm_source",
    "utm_medium": "hs_utm_medium",
}


def page_views(api: Api) -> Apart:
    """The stream. Raises MissingScope where the account has no such events."""
    return Apart(SPEC, FIELDS, partial(_pull, api))


def _pull(api: Api, bookmark: Bookmark | None, fields: Sequence[str]) -> Iterator[Page]:
    at = api.around.clock.now()
    known = bookmark if bookmark is not None and bookmark.get("v") == VERSION else None
    low = 0 if known is None else known["low"]
    since = low if known is None or known["state"] == "idle" else known["at"]
    seen, tally, start = Tally(low), None, 0
    again = known is not None and known["state"] == "idle"  # the first page may be all that the last pull saw
    if known is not None and known["state"] == "walk":
        start = known["start"]
        tally = Tally.resumed(max(low, start - OVERLAP_MS), known)
    after: str | None = None
    while True:
        data = views(api, since, PAGE, after)
        if tally is None:
            start = api.transport.vendor_time(at)
            tally = Tally(max(low, start - OVERLAP_MS))
        rows = each_once(_row(e, fields) for e in listed(data) if str(e.get("objectType")).upper() == "CONTACT")
        for row in rows:
            tally.add(row)
            if again:
                seen.add(row)
        after = next_page(data)
        if after is None:
            if again and known is not None and (seen.n, seen.digest) == (known["n"], known["digest"]):
                rows = []  # the views of the last pull and no other
            yield Page(rows, {"v": VERSION, "state": "idle", "low": tally.edge, **tally.final()}, done=True)
            return
        again = False
        since = max([since, *(row.modified_at or 0 for row in rows)])
        yield Page(rows, {"v": VERSION, "state": "walk", "low": low, "start": start, "at": since, **tally.saved()})


def views(api: Api, since: int, limit: int, after: str | None = None) -> Record:
    """A page of page views, oldest first. Raises MissingScope for accounts that have none."""
    params: dict[str, Any] = {"eventType": VISITED, "sort": "occurredAt", "limit": limit}
    if since:
        moment = datetime.fromtimestamp(since / 1000, UTC)
        params["occurredAfter"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if after is not None:
        params["after"] = after
    try:
        data: Record = api.call("GET", EVENTS, params=params).data
    except Forbidden as e:
        raise MissingScope(ENTERPRISE, e.message) from None
    return data


def _row(event: Record, fields: Sequence[str]) -> Row:
    at, told = to_ms(event["occurredAt"]), event.get("properties") or {}
    values: dict[str, Value] = {"occurred_at": at, **{ours: told.get(name) or None for ours, name in _REMOTE.items()}}
    wanted = {f: values[f] for f in fields if f in values}
    return Row(str(event["id"]), wanted, at, at, links=(Link("contacts", str(event["objectId"])),))
