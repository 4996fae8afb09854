"""The recycle bin.

HubSpot keeps archived records 90 days, tells of them nowhere else (search never shows them, the modification
stamp does not move) and lists them without filter or order: each look reads all of it. Its calls are counted
under "(archived)". https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/basic
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.contract import Deletion
from connectors.hubspot.api import Api
from connectors.hubspot.rows import to_ms
from connectors.hubspot.streams import ObjectStream


def binned(api: Api, stream: ObjectStream) -> Iterator[list[Deletion]]:
    """Everything archived, 100 a call. Merged and forgotten (GDPR) records are not in there."""
    after: str | None = None
    while True:
        found = api.list(stream.object_type, ("hs_object_id",), after=after, archived=True)
        yield [Deletion(str(r["id"]), to_ms(r.get("archivedAt"))) for r in found["results"]]
        after = ((found.get("paging") or {}).get("next") or {}).get("after")
        if after is None:
            return
