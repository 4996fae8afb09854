"""Walking over many records in a fixed order: page by page, or by a query job where that takes fewer calls."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.contract import Rejected
from connectors.salesforce import bulk, soql, streams
from connectors.salesforce.fields import Chunks, Sight
from connectors.salesforce.org import Org
from connectors.salesforce.rows import Record, record_id
from connectors.salesforce.streams import Source

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some records with all their fields; `last` of this walk. `total`: how many the whole walk has."""

    records: list[Record]
    last: bool
    total: int


class Walk:
    """One walk. `where` says from where to go on: it is asked again when a locator or a job dies on the way, so
    whoever walks must keep its place up to date between two pieces. `asked_at`: vendor time of the snapshot that
    the pieces come from."""

    def __init__(
        self,
        org: Org,
        source: Source,
        chunks: Chunks,
        where: Callable[[], Sequence[str | None]],
        order: Sequence[str],
    ) -> None:
        self._org = org
        self._source = source
        self._chunks = chunks
        self._where = where
        self._order = order
        self._may_job = source.bulk
        self.asked_at = 0

    def pieces(self) -> Iterator[Piece]:
        """At least one."""
        page = self._query()
        total = int(page["totalSize"])
        while True:
            records = list({record_id(r): r for r in page["records"]}.values())
            complete = self._chunks.complete(records, ordered=self._order == soql.BY_STAMP)
            yield Piece(complete, bool(page["done"]), total)
            if page["done"]:
                return
            if self._worth_a_job(page):
                self._may_job = False
                try:
                    yield from self._by_job(total, bulk.width(complete))
                    return
                except bulk.NoJob as e:
                    log.info("%s %s: no query job: %s", self._org.connection, self._source.name, e.why)
                    page = self._query()
                    continue
            page = self._next(page["nextRecordsUrl"])

    def _worth_a_job(self, page: dict[str, Any]) -> bool:
        met = max(1, len(page["records"]))
        left = (int(page["totalSize"]) - met) / met * self._chunks.number
        return self._may_job and left > streams.BULK_FROM_PAGES

    def _query(self) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            before = self._org.clock.now()
            page = self._org.query(self._chunks.statement(self._where(), self._order))
            self.asked_at = self._org.transport.vendor_time(before)
            return page

        return self._chunks.answering(ask)

    def _next(self, address: str) -> dict[str, Any]:
        try:
            return self._org.next_page(address)
        except Rejected as e:
            if e.code != "INVALID_QUERY_LOCATOR":
                raise
            return self._query()  # the locator died under us: the keyset goes on

    def _by_job(self, total: int, row_bytes: int) -> Iterator[Piece]:
        org = self._org
        asked_at = org.transport.vendor_now()
        job = bulk.start(org, self._chunks.statement(self._where(), self._order, whole=True))
        bulk.wait(org, job)
        self.asked_at = asked_at
        sight = Sight(org, self._source.sobject, fresh=False)
        held: list[Record] | None = None
        for records in bulk.results(org, job, self._chunks.names, sight.find, streams.PAGE_SIZE, row_bytes):
            if held is not None:
                yield Piece(held, False, total)
            held = records
        yield Piece(held or [], True, total)
