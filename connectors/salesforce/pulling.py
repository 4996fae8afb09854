"""Pulling a stream: everything once, then what changed, in the order (SystemModstamp, Id).

A *pass* is one walk over the rows of a window; it may be killed and continued. Two kinds of bookmark:

    inside a pass    {"low", "began", "at": [stamp, id], "n", "newest"}   continues behind `at` by keyset
    after a pass     {"low", "n", "newest"}                               the next window starts at `low`

`low` = the vendor's time when the finished pass began, less the overlap: a row stamped before it was visible
to that pass, because rows become visible at most the overlap after their stamp. So every pass reads the last
minutes again. When these hold more than a page (after a bulk change), a pass first asks for their number and
newest stamp: if both are as before, nothing came. That can hide a row that was in the window and moved
behind the newest stamp late, so once the window is older than the overlap it is read once more in full.

Locators (nextRecordsUrl) are used inside one run only and never stored: they die after two days. Rows that
change during a pass get a stamp after its begin, so the next pass reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.contract import Bookmark, ContractBroken, Page, Rejected
from connectors.salesforce import soql, times
from connectors.salesforce.fields import Chunks
from connectors.salesforce.org import Org
from connectors.salesforce.rows import Hands, Record, RowMaker, position, record_id
from connectors.salesforce.streams import Source


@dataclass(slots=True)
class Standing:
    """Where a pull stands."""

    low: int | None = None  # the window's begin; None = everything
    began: int | None = None  # vendor time at the begin of an unfinished pass
    at: tuple[int, str] | None = None  # last row of an unfinished pass
    n: int = 0  # rows seen from the next window's begin on
    newest: int | None = None  # their newest stamp

    @classmethod
    def of(cls, bookmark: Bookmark | None) -> Standing:
        """Read back from a bookmark."""
        if bookmark is None:
            return cls()
        at = bookmark.get("at")
        return cls(
            bookmark["low"],
            bookmark.get("began"),
            (int(at[0]), str(at[1])) if at else None,
            bookmark["n"],
            bookmark["newest"],
        )

    def bookmark(self) -> Bookmark:
        """As stored."""
        mark: Bookmark = {"low": self.low, "n": self.n, "newest": self.newest}
        if self.began is not None:
            mark |= {"began": self.began, "at": list(self.at) if self.at else None}
        return mark

    def finished(self, overlap_ms: int) -> Standing:
        """After the last row of a pass."""
        assert self.began is not None
        return Standing(low=self.began - overlap_ms, n=self.n, newest=self.newest)


class Pass:
    """One pull of one stream."""

    def __init__(
        self, org: Org, source: Source, hands: Hands, bookmark: Bookmark | None, fields: Sequence[str]
    ) -> None:
        self._org = org
        self._source = source
        self._standing = Standing.of(bookmark)
        self._overlap_ms = source.spec.overlap_s * 1000
        self._chunks = Chunks(org, source, hands, fields)
        self._maker = RowMaker(source, hands, fields)
        self._asked_at = 0  # vendor time of the query whose pages are being read

    def pages(self) -> Iterator[Page]:
        """The pages of this pull; the last one is `done`."""
        if self._unchanged():
            yield Page([], self._standing.bookmark(), done=True)
            return
        resumed = self._standing.began is not None
        page = self._first_page()
        total = None if resumed else int(page["totalSize"])
        while True:
            records = list({record_id(r): r for r in page["records"]}.values())
            complete = self._chunks.complete(records, ordered=True)
            self._count(records)
            out = self._maker.batch(complete)
            done = bool(page["done"])
            if done:
                self._standing = self._standing.finished(self._overlap_ms)
            yield Page(out.rows, self._standing.bookmark(), out.deletions, out.merges, done, total)
            if done:
                return
            page = self._next_page(page["nextRecordsUrl"])

    def _unchanged(self) -> bool:
        """Whether one cheap call shows that a crowded window holds nothing new."""
        here = self._standing
        crowded = here.began is None and here.low is not None and here.n > self._source.spec.page_size
        if not crowded or here.newest is None or here.low is None:
            return False
        if here.newest + self._overlap_ms <= self._org.transport.vendor_now():
            return False  # nothing can come late any more: read it a last time and move on
        statement = soql.probe(self._source.sobject, [self._source.only, soql.since(here.low)])
        records = self._org.query(statement)["records"]
        if len(records) != 1 or "expr0" not in records[0]:
            raise ContractBroken("a count without result", f"{len(records)} records")
        return records[0]["expr0"] == here.n and times.parse(records[0].get("expr1")) == here.newest

    def _first_page(self) -> dict[str, Any]:
        if self._standing.began is not None:
            return self._chunks.answering(self._query)
        self._standing.n, self._standing.newest = 0, None
        page = self._chunks.answering(self._query)
        self._standing.began = self._asked_at
        return page

    def _query(self) -> dict[str, Any]:
        """From where the pass stands."""
        before = self._org.clock.now()
        here = self._standing
        conditions = [
            self._source.only,
            soql.since(here.low) if here.low is not None and here.at is None else None,
            soql.beyond(*here.at) if here.at is not None else None,
        ]
        statement = soql.select(self._chunks.first, self._source.sobject, conditions, ordered=True)
        page = self._org.query(statement)
        self._asked_at = self._org.transport.vendor_time(before)
        return page

    def _next_page(self, address: str) -> dict[str, Any]:
        try:
            return self._org.next_page(address)
        except Rejected as e:
            if e.code != "INVALID_QUERY_LOCATOR":
                raise
            return self._query()  # the locator died under us: the keyset goes on

    def _count(self, records: Sequence[Record]) -> None:
        """Move on behind these records, and count those that the next window will hold."""
        here = self._standing
        assert here.began is not None
        next_low = here.began - self._overlap_ms
        for record in records:
            stamp, row_id = position(record)
            if stamp >= next_low:
                here.n += 1
                here.newest = stamp if here.newest is None else max(here.newest, stamp)
            # a record that changed since the query shows a stamp out of order: no place to continue from
            if stamp < self._asked_at and (here.at is None or (stamp, row_id) > here.at):
                here.at = (stamp, row_id)
