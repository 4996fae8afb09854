"""Changes elsewhere that concern a stream's rows: contact roles of opportunities, accounts of contacts.

A watch has a window of its own over the stamps of the other object, as a pass has over its own (see `pulling`).
Stamps inside the overlap come again in each pull; their digest tells whether anything among them is new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from connectors.contract import Bookmark
from connectors.salesforce import soql
from connectors.salesforce.ids import full_id
from connectors.salesforce.org import Org
from connectors.salesforce.rows import position
from connectors.salesforce.streams import PAGE_SIZE, Feed


@dataclass(frozen=True, slots=True)
class Window:
    """Stamps from `low` on: how many there were, the newest, and what they were."""

    low: int
    n: int = 0
    newest: int | None = None
    digest: str | None = None

    @classmethod
    def of(cls, kept: Any) -> Window:
        """Read back from a bookmark."""
        return cls(kept["low"], kept["n"], kept["newest"], kept["digest"])

    def bookmark(self) -> Bookmark:
        """As stored."""
        return asdict(self)


def probed(org: Org, feed_object: str, conditions: list[str | None], window: tuple[int, int | None]) -> bool:
    """Whether the number and the newest of some stamps are still these: one call."""
    statement = soql.probe(feed_object, conditions)
    return org.probe(statement) == window


def changes(org: Org, feed: Feed, window: Window, overlap_ms: int) -> tuple[list[str], Window]:
    """The keys that changed since, none when all of them were met in the pull before; and the next window."""
    conditions: list[str | None] = [soql.since(window.low)]
    young = window.newest is not None and window.newest + overlap_ms > org.transport.vendor_now()
    if window.n > PAGE_SIZE and young and probed(org, feed.sobject, conditions, (window.n, window.newest)):
        return [], window
    before = org.clock.now()
    keys: dict[str, None] = {}
    spots: list[tuple[int, str]] = []
    fields = list(dict.fromkeys(["Id", "SystemModstamp", feed.key]))
    asked_at: int | None = None
    for page in org.pages(soql.select(fields, feed.sobject, conditions)):
        if asked_at is None:
            asked_at = org.transport.vendor_time(before)
        for record in page["records"]:
            spots.append(position(record))
            if record[feed.key]:
                keys[full_id(record[feed.key])] = None
    next_low = (asked_at or before) - overlap_ms
    inside = [spot for spot in spots if spot[0] >= next_low]
    newest = max((stamp for stamp, _ in inside), default=None)
    following = Window(next_low, len(inside), newest, _digest(inside))
    return ([] if _digest(spots) == window.digest else list(keys)), following


def _digest(spots: Iterable[tuple[int, str]]) -> str:
    text = " ".join(f"{stamp} {record}" for stamp, record in sorted(spots))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
