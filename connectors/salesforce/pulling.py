"""Pulling a stream: everything once, then what changed, in the order (SystemModstamp, Id).

A *pass* is one walk over the rows of a window; it may be killed and continued. Two kinds of bookmark:

    inside a pass    {"low", "began", "at": [stamp, id], "n", "newest"}   continues behind `at` by keyset
    after a pass     {"low", "n", "newest"}                               the next window starts at `low`

`low` = the vendor's time when the finished pass began, less the overlap: a row stamped before it was visible
to that pass, because rows become visible at most the overlap after their stamp. So every pass reads the last
minutes again. When these hold more than a page (after a bulk change), a pass first asks for their number and
newest stamp: if both are as before, nothing came. That can hide a row that was in the window and moved
behind the newest stamp late, so once the window is older than the overlap it is read once more in full.

Locators (nextRecordsUrl) and query jobs are used inside one run only and never stored: they die after days. Rows
that change during a pass get a stamp after its begin, so the next pass reads them.

After the pass come the rows that did not move themselves: those concerned by changes elsewhere (`feeds`), and, on
a rhythm of its own, those with formulas (`refreshing`). The rest of the bookmark is told in `standing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from connectors.contract import Bookmark, Deletion, MissingScope, Page, Rejected
from connectors.salesforce import errors, feeds, soql
from connectors.salesforce.fields import Chunks, Sight
from connectors.salesforce.messages import Incoming
from connectors.salesforce.org import Org
from connectors.salesforce.refreshing import calculated, options_of
from connectors.salesforce.rows import Batch, Hands, Record, RowMaker, position, record_id
from connectors.salesforce.standing import Standing
from connectors.salesforce.streams import IDS_IN_ADDRESS, Feed, Source
from connectors.salesforce.walking import Walk

#: how often fields and objects that were hidden are looked for again
LOOK_AGAIN_MS = 3_600_000
#: how far back the log of deletions goes, a day less than Salesforce says
LOG_MS = 14 * 86_400_000


class Pass:
    """One pull of one stream."""

    def __init__(
        self, org: Org, source: Source, hands: Hands, bookmark: Bookmark | None, fields: Sequence[str]
    ) -> None:
        self._org = org
        self._source = source
        self._hands = hands
        self._fields = fields
        self._standing = Standing.of(bookmark)
        self._overlap_ms = source.spec.overlap_s * 1000
        self._maker = RowMaker(source, hands, fields)

    def pages(self) -> Iterator[Page]:
        """The pages of this pull; the last one is `done`."""
        here = self._standing
        now = self._org.clock.now()
        if here.absent is not None and now - here.absent < self._look_again_ms:
            yield self._nothing()
            return
        here.absent = None
        self._find_hidden(now)
        self._incoming = Incoming(self._org, self._source, self._fields, everything=here.first)
        self._chunks = Chunks(self._org, self._source, self._hands, self._fields, here.hidden)
        try:
            yield from self._parts(now)
        except Rejected as e:
            if not self._source.optional or e.code not in errors.NO_OBJECT:
                raise
            if here.low is not None or here.began is not None:
                scope = f"read access to {self._source.spec.label}"
                raise MissingScope(scope, "it was there before; what is known of it stays as it is") from None
            here.absent = now
            yield self._nothing()

    def _parts(self, now: int) -> Iterator[Page]:
        here = self._standing
        watched = {} if here.low is None else self._source.feeds(self._chunks.wanted)
        here.feeds = {name: here.feeds.get(name) or feeds.Window(here.low or 0) for name in watched}
        if here.refreshed is None or (here.first and here.began is None):
            here.refreshed = now
            here.options = options_of(self._org.known(self._source.sobject), self._chunks.wanted)
        due = here.refresh is not None or now - here.refreshed >= self._org.refresh_ms
        more = bool(watched) or due
        yield from self._news(more=more)
        for name, feed in watched.items():
            yield from self._concerned(name, feed)
        if due:
            yield from self._refresh(now)
        if more:
            yield self._nothing()

    # ------------------------------------------------------------------------------------------------ what changed

    def _news(self, *, more: bool) -> Iterator[Page]:
        """The pass. Its last page ends the pull, unless there is `more` to come."""
        here = self._standing
        if self._unchanged():
            if not more:
                yield self._nothing()
            return
        if here.began is None:
            here.n, here.newest = 0, None
        resumed, first = here.began is not None, here.first
        walk = Walk(self._org, self._source, self._chunks, self._where, soql.BY_STAMP)
        for piece in walk.pieces():
            if here.began is None:
                here.began = walk.asked_at
            self._count(piece.records, walk.asked_at)
            out = self._batch(piece.records)
            if piece.last:
                if first:
                    self._open_windows(here.began - self._overlap_ms)
                here.finish(self._overlap_ms)
            self._note_hidden()
            done = piece.last and not more
            if out.rows or out.deletions or out.merges or done:
                total = None if resumed else piece.total
                yield Page(out.rows, here.bookmark(), out.deletions, out.merges, done, total)

    def _where(self) -> list[str | None]:
        """From where the pass stands."""
        here = self._standing
        if here.at is not None:
            return [soql.beyond(*here.at)]
        return [soql.since(here.low)] if here.low is not None else []

    def _unchanged(self) -> bool:
        """Whether one cheap call shows that a crowded window holds nothing new."""
        here = self._standing
        crowded = here.began is None and here.low is not None and here.n > self._source.spec.page_size
        if not crowded or here.newest is None or here.low is None:
            return False
        if here.newest + self._overlap_ms <= self._org.transport.vendor_now():
            return False  # nothing can come late any more: read it a last time and move on
        conditions = [self._source.only, soql.since(here.low)]
        return feeds.probed(self._org, self._source.sobject, conditions, (here.n, here.newest))

    def _count(self, records: Sequence[Record], asked_at: int) -> None:
        """Move on behind these records, and count those that the next window will hold."""
        here = self._standing
        assert here.began is not None
        next_low = here.began - self._overlap_ms
        for record in records:
            spot = stamp, _ = position(record)
            if stamp >= next_low:
                here.n += 1
                here.newest = stamp if here.newest is None else max(here.newest, stamp)
            # a record that changed since the query shows a stamp out of order: no place to continue from
            if stamp < asked_at and (here.at is None or spot > here.at):
                here.at = spot

    # ------------------------------------------------------------------------------------------------ elsewhere

    def _concerned(self, name: str, feed: Feed) -> Iterator[Page]:
        """Rows that did not change, though something that belongs to them did."""
        here = self._standing
        window = here.feeds[name]
        keys, following = feeds.changes(self._org, feed, window, self._overlap_ms)
        for part in soql.value_chunks(keys, self._chunks.room, IDS_IN_ADDRESS):
            ask = partial(self._ask, [soql.among(feed.mine, part), self._live])
            for page in self._chunks.answering(ask):
                yield from self._page_of(self._chunks.complete(page["records"], ordered=False))
        here.feeds[name] = following

    def _ask(self, conditions: Sequence[str | None]) -> Iterator[dict[str, Any]]:
        return self._org.pages(self._chunks.statement(conditions))

    def _page_of(self, records: list[Record]) -> Iterator[Page]:
        out = self._batch(records)
        self._note_hidden()
        if out.rows:
            yield Page(out.rows, self._standing.bookmark(), out.deletions, out.merges)

    def _batch(self, records: list[Record]) -> Batch:
        self._incoming.tell(records)
        return self._maker.batch(records)

    def _open_windows(self, low: int) -> None:
        for name in self._source.feeds(self._chunks.wanted):
            self._standing.feeds[name] = feeds.Window(low)

    @property
    def _live(self) -> str | None:
        return "IsDeleted = false" if self._source.binned else None

    # ------------------------------------------------------------------------------------------------ without stamp

    def _refresh(self, now: int) -> Iterator[Page]:
        """Every row again, if a wanted field changes without a stamp."""
        here = self._standing
        org = self._org.apart()
        if self._source.unbinned:
            yield from self._lost(org)
        wanted = self._chunks.wanted
        options = options_of(org.seen(self._source.sobject), wanted)
        renamed = here.options not in (None, options)
        if here.refresh is not None or renamed or calculated(org, self._source, wanted):
            chunks = Chunks(org, self._source, self._hands, self._fields, here.hidden)
            here.refresh = here.refresh or ""
            self._incoming = Incoming(org, self._source, self._fields, everything=True)
            where = self._unrefreshed
            for piece in Walk(org, self._source, chunks, where, soql.BY_ID).pieces():
                if piece.records:
                    here.refresh = max(record_id(r) for r in piece.records)
                yield from self._page_of(piece.records)
        here.refresh, here.refreshed, here.options = None, now, options

    def _lost(self, org: Org) -> Iterator[Page]:
        """What was deleted since the last time, and may never have been in the recycle bin."""
        now = org.transport.vendor_now()
        since = org.transport.vendor_time(self._standing.refreshed or 0) - self._overlap_ms
        gone = org.deleted(self._source.sobject, max(since, now - LOG_MS), now)
        if gone:
            yield Page([], self._standing.bookmark(), [Deletion(one) for one in gone])

    def _unrefreshed(self) -> list[str | None]:
        return [soql.above(self._standing.refresh) if self._standing.refresh else None, self._live]

    # ------------------------------------------------------------------------------------------------ hidden

    @property
    def _look_again_ms(self) -> int:
        return min(LOOK_AGAIN_MS, self._org.refresh_ms)

    def _find_hidden(self, now: int) -> None:
        """Fields that were hidden may be visible again: then everything is read anew, as old rows lack them."""
        here = self._standing
        wanted = [f for f in here.hidden if f in self._fields]
        if wanted and now - here.looked >= self._look_again_ms:
            sight = Sight(self._org.apart(), self._source.sobject)
            still = [f for f in wanted if not sight.shows(f)]
            here.looked = now
            if len(still) < len(wanted):
                here.restart()
            wanted = still
        here.hidden = tuple(wanted)

    def _note_hidden(self) -> None:
        here = self._standing
        if self._chunks.hidden != frozenset(here.hidden):
            here.hidden, here.looked = tuple(sorted(self._chunks.hidden)), self._org.clock.now()

    def _nothing(self) -> Page:
        return Page([], self._standing.bookmark(), done=True)
