"""The daily look into the recycle bin.

HubSpot keeps archived records 90 days, tells of them nowhere else (search never shows them, the modification
stamp does not move) and lists them without filter or order. So once a day the whole bin is read; its calls
are counted under "(archived)".
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.contract import Bookmark, Deletion, Page
from connectors.hubspot.api import Api
from connectors.hubspot.rows import to_ms
from connectors.hubspot.streams import OVERLAP_S, ObjectStream

SWEEP_EVERY_MS = 86_400_000


def sweep_due(bookmark: Bookmark, now: int) -> bool:
    """Whether the last sweep is a day old. `now`: vendor's time."""
    return bool(now - bookmark["swept_at"] >= SWEEP_EVERY_MS)


def sweep(api: Api, stream: ObjectStream, bookmark: Bookmark) -> Iterator[Page]:
    """Deletions since the last sweep, each confirmed by a read; the last page is `done`.

    A killed sweep begins again: its bookmark moves only at the end.
    """
    at = api.around.clock.now()
    since = bookmark["swept_at"] - OVERLAP_S * 1000
    after: str | None = None
    while True:
        found = api.list(stream.object_type, ("hs_object_id",), after=after, archived=True)
        gone = {str(r["id"]): to_ms(r.get("archivedAt")) for r in found["results"]}
        fresh = {i: moment for i, moment in gone.items() if moment is None or moment >= since}
        alive = _alive(api, stream, list(fresh))
        deletions = [Deletion(i, moment) for i, moment in fresh.items() if i not in alive]
        after = ((found.get("paging") or {}).get("next") or {}).get("after")
        if after is None:
            swept = {**bookmark, "swept_at": api.transport.vendor_time(at)}
            yield Page([], swept, deletions=deletions, done=True)
            return
        if deletions:
            yield Page([], dict(bookmark), deletions=deletions)


def _alive(api: Api, stream: ObjectStream, ids: list[str]) -> set[str]:
    """Those of `ids` that can be read: restored in the meantime."""
    if not ids:
        return set()
    return {str(r["id"]) for r in api.batch_read(stream.object_type, ids, ("hs_object_id",))["results"]}
