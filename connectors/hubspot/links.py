"""What rows point to, read from HubSpot's associations.

https://developers.hubspot.com/docs/api-reference/crm-associations-v4
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.contract import ContractBroken, Link
from connectors.hubspot.api import Api
from connectors.hubspot.streams import LINK_BATCH, ObjectStream

#: HubSpot's own type "primary company of a contact"
PRIMARY_COMPANY = 1


def fetch_links(api: Api, stream: ObjectStream, ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
    """The links of each id, 1,000 records a call; a record with more links than fit is asked again."""
    assert stream.links_to
    found: dict[str, dict[str, bool]] = {i: {} for i in ids}
    queue: list[dict[str, Any]] = [{"id": i} for i in ids]
    while queue:
        batch, queue = queue[:LINK_BATCH], queue[LINK_BATCH:]
        answer = api.links(stream.object_type, stream.links_to, batch)
        for entry in answer["results"]:
            source = str(entry["from"]["id"])
            targets = found.setdefault(source, {})
            for to in entry.get("to") or ():
                target = str(to["toObjectId"])  # a number in older answers
                primary = any(t.get("typeId") == PRIMARY_COMPANY for t in to.get("associationTypes") or ())
                targets[target] = targets.get(target, False) or primary
            after = ((entry.get("paging") or {}).get("next") or {}).get("after")
            if after:
                queue.append({"id": source, "after": after})
        _check(answer.get("errors") or ())
    to_stream = stream.links_to
    return {i: tuple(Link(to_stream, t, p) for t, p in targets.items()) for i, targets in found.items()}


def _check(errors: Sequence[dict[str, Any]]) -> None:
    """ "No association" and "no such record" are answers; anything else is not."""
    for error in errors:
        if error.get("category") != "OBJECT_NOT_FOUND":
            raise ContractBroken("an association read failed for some records", str(error.get("category")))
