"""Pull of an object stream: a first pull by list, later ones by search over a moving window.

The window. Search is an index that lags behind its stamps, so each pass looks again at everything stamped
since `low` = start of the last completed pass minus the overlap. Inside a pass rows come in order of id,
and each page asks for ids above the last one: neither 10,000 results nor thousands of equal stamps can hide
a row.

    bookmark   first   {start, last_id, ...}       list, killed in the middle: goes on by search above last_id
               delta   {low, start, last_id, ...}  search, killed in the middle: goes on above last_id
               idle    {low, n, hwm, digest}       done: n rows were stamped at or after low, newest hwm

An idle pass costs one call. Up to 200 rows in the window: that page is the window, and its digest tells
whether anything changed. More (our own write-backs after a big push): one probe, newest first, whose total
and newest stamp are compared with n and hwm; once all n are older than the overlap the window is read again
in full, which catches what came late, and moves on.

Calculated values change without a stamp. Where some are asked for, everything is listed again every `refresh_s`;
its calls are counted under "(refresh)".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.contract import Bookmark, ContractBroken, Page, Row
from connectors.hubspot.api import Api, Filter, Record
from connectors.hubspot.links import fetch_links, inline_links
from connectors.hubspot.rows import to_merges, to_row
from connectors.hubspot.streams import LINK_BATCH, LIST_PAGE, OVERLAP_S, PAGE, ObjectStream
from connectors.hubspot.tally import Tally, mark_of, top_digest

VERSION = 1
OVERLAP_MS = OVERLAP_S * 1000
#: a list URL with more property names than this is refused by some edge servers: search takes them in its
#: body
MAX_URL_NAMES = 6_000
REFRESH = "refresh"


@dataclass(slots=True)
class _Found:
    """A page of records with the bookmark that may be stored once they are."""

    records: list[Record]
    rows: list[Row]
    bookmark: Bookmark
    last: bool
    total: int | None


class ObjectPull:
    """One pull of one stream."""

    def __init__(
        self, api: Api, stream: ObjectStream, fields: Sequence[str], calculated: Callable[[], bool] = lambda: False
    ) -> None:
        self._api = api
        self._stream = stream
        self._fields = tuple(fields)
        self._properties = tuple(dict.fromkeys((*fields, *stream.always)))
        self._calculated = calculated
        self._refreshed = 0
        self._aside = ""

    def pages(self, bookmark: Bookmark | None) -> Iterator[Page]:
        """The pages of this pull; the last one is `done`."""
        if bookmark is None or bookmark.get("v") != VERSION:
            return self._first()
        # bookmarks of earlier versions do not tell when all was read
        self._refreshed = bookmark.get("refreshed") or bookmark["low"] or bookmark["start"]
        if bookmark["state"] == "idle" and self._refresh_due():
            self._aside = REFRESH
            return self._first()
        if bookmark["state"] == "first":
            return self._by_id("first", None, None, bookmark)
        if bookmark["state"] == "delta":
            return self._by_id("delta", bookmark["low"], None, bookmark)
        return self._next(bookmark)

    def _refresh_due(self) -> bool:
        """Whether everything is to be read again, because values that are asked for change without a stamp."""
        now = self._api.transport.vendor_now()
        if now - self._refreshed < self._api.around.refresh_s * 1000:
            return False
        self._refreshed = now
        return self._calculated()

    # ------------------------------------------------------------------------------------------- first pull

    def _first(self) -> Iterator[Page]:
        stream, api = self._stream, self._api
        at = api.around.clock.now()
        if sum(len(p) + 1 for p in self._properties) > MAX_URL_NAMES:
            yield from self._by_id("first", None, at, None)
            return
        after: str | None = None
        last_id: int | None = 0  # None once the list proved not to be in order of id
        tally: Tally | None = None
        start = 0
        group: list[_Found] = []
        apart: dict[str, list[Row]] = {t: [] for t in stream.links_to}  # by target: links to be read, 1,000 at once
        while True:
            found = api.list(
                stream.object_type, self._properties, after=after, associations=stream.links_to, aside=self._aside
            )
            if tally is None:
                self._refreshed = start = api.transport.vendor_time(at)
                tally = Tally(start - OVERLAP_MS)
            records, rows = self._rows(found)
            for row in rows:
                tally.add(row)
                last_id = int(row.id) if last_id is not None and int(row.id) > last_id else None
            after = ((found.get("paging") or {}).get("next") or {}).get("after")
            done = after is None
            # out of order: a resumed pull can only begin again
            mark = self._idle(tally) if done else self._under_way("first", None, start, last_id or 0, tally)
            group.append(_Found(records, rows, mark, done, None))
            self._link_inline(records, rows, apart)
            waiting = max(map(len, apart.values()), default=0)
            if done or not waiting or waiting > LINK_BATCH - LIST_PAGE:
                self._link_cut(apart)
                for member in group:
                    yield self._page(member)
                group = []
            if done:
                return

    def _link_inline(self, records: list[Record], rows: list[Row], apart: dict[str, list[Row]]) -> None:
        """Gives rows the links that came with them; `apart` takes those that lack some."""
        if not apart:
            return
        for record, row in zip(records, rows, strict=True):
            row.links, lacking = inline_links(self._stream, record)
            for target in lacking:
                apart[target].append(row)

    def _link_cut(self, apart: dict[str, list[Row]]) -> None:
        """Reads what was lacking; empties `apart`."""
        for target, rows in apart.items():
            if rows:
                found = fetch_links(self._api, self._stream, [r.id for r in rows], (target,))
                for row in rows:
                    row.links = (*(row.links or ()), *found[row.id])
                rows.clear()

    # ------------------------------------------------------------------------------------------- later ones

    def _next(self, bookmark: Bookmark) -> Iterator[Page]:
        """A pass over the window of an idle bookmark."""
        api, low, n = self._api, bookmark["low"], bookmark["n"]
        at = api.around.clock.now()
        many = n > PAGE
        if many and bookmark["hwm"] < api.transport.vendor_time(at) - OVERLAP_MS:
            yield from self._by_id("delta", low, at, None)  # settle
            return
        found = self._search(low, 0, f"-{self._stream.modified}" if many else "hs_object_id")
        records, rows = self._rows(found)
        start = api.transport.vendor_time(at)
        if found["total"] > len(rows):
            if many and found["total"] == n and _as_left(bookmark, rows):
                yield Page([], dict(bookmark), done=True)
            else:
                first = None if many else found
                yield from self._by_id("delta", low, at, None, first)
            return
        seen, tally = Tally(low), Tally(max(low, start - OVERLAP_MS))
        for row in rows:
            seen.add(row)
            tally.add(row)
        mark = self._idle(tally)
        if (seen.n, seen.digest) == (n, bookmark["digest"]):
            records, rows = [], []  # the rows of the last pass and no other
        self._link_apart(rows)
        yield self._page(_Found(records, rows, mark, True, len(rows)))

    # ------------------------------------------------------------------------------------------------- by id

    def _by_id(
        self,
        state: str,
        low: int | None,
        at: int | None,
        resumed: Bookmark | None,
        found: Record | None = None,
    ) -> Iterator[Page]:
        """Rows in order of id, all of them or those stamped since `low`; links are read for five pages at
        once.

        Either `at`, the hub's time when the pass began, or the bookmark of the pass that is `resumed`.
        `found`: a first page that was read already.
        """
        last_id, before = 0, 0
        tally: Tally | None = None
        start = 0
        if resumed is not None:
            last_id, start = int(resumed["last_id"]), resumed["start"]
            tally = Tally.resumed(max(low or 0, start - OVERLAP_MS), resumed)
        group: list[_Found] = []
        while True:
            found = found or self._search(low, last_id, "hs_object_id")
            if tally is None:
                assert at is not None
                start = self._api.transport.vendor_time(at)
                if state == "first":
                    self._refreshed = start
                tally = Tally(max(low or 0, start - OVERLAP_MS))
            records, rows = self._rows(found)
            for row in rows:
                tally.add(row)
            done = found["total"] <= len(rows)
            last_id = last_id if done else self._advance(last_id, rows)
            mark = self._idle(tally) if done else self._under_way(state, low, start, last_id, tally)
            group.append(_Found(records, rows, mark, done, before + found["total"]))
            before += len(rows)
            found = None
            if done or not self._stream.links_to or len(group) * PAGE >= LINK_BATCH:
                self._link_apart([row for member in group for row in member.rows])
                for member in group:
                    yield self._page(member)
                group = []
            if done:
                return

    @staticmethod
    def _advance(last_id: int, rows: list[Row]) -> int:
        highest = max((int(r.id) for r in rows), default=0)
        if highest <= last_id:
            raise ContractBroken("a search that does not advance", f"{len(rows)} rows, none above the last id")
        return highest

    def _search(self, low: int | None, last_id: int, sort: str) -> Record:
        filters: list[Filter] = []
        if low is not None:
            filters.append({"propertyName": self._stream.modified, "operator": "GTE", "value": str(low)})
        if last_id or low is None:
            filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": str(last_id)})
        return self._api.search(self._stream.object_type, filters, sort, self._properties)

    # ------------------------------------------------------------------------------------------------ pieces

    def _rows(self, found: Record) -> tuple[list[Record], list[Row]]:
        """Records and rows of an answer, each id once."""
        records = list({str(r["id"]): r for r in found["results"]}.values())
        return records, [to_row(self._stream, r, self._fields) for r in records]

    def _link_apart(self, rows: Sequence[Row]) -> None:
        if not self._stream.links_to or not rows:
            return
        links = fetch_links(self._api, self._stream, [r.id for r in rows])
        for row in rows:
            row.links = links[row.id]

    @staticmethod
    def _page(found: _Found) -> Page:
        merges = [m for record in found.records for m in to_merges(record)]
        return Page(found.rows, found.bookmark, merges=merges, done=found.last, total=found.total)

    def _idle(self, tally: Tally) -> Bookmark:
        mark = {"v": VERSION, "state": "idle", "low": tally.edge, "refreshed": self._refreshed}
        return {**mark, **tally.final()}

    def _under_way(self, state: str, low: int | None, start: int, last_id: int, tally: Tally) -> Bookmark:
        mark: dict[str, Any] = {"v": VERSION, "state": state, "start": start, "last_id": str(last_id)}
        return {**mark, "low": low, "refreshed": self._refreshed, **tally.saved()}


def _as_left(bookmark: Bookmark, newest_first: list[Row]) -> bool:
    """Whether the newest page is what the last pass saw of it."""
    if newest_first[0].modified_at != bookmark["hwm"]:
        return False
    marks = [mark_of(r) for r in newest_first]
    return bookmark["top"] is None or bookmark["top"] == top_digest(marks)
