"""What rows point to, read from HubSpot's associations.

List pages carry associations inline, in the words of the v3 API: one entry per type, `deal_to_company` for the
primary one, `deal_to_company_unlabeled` for any, and the internal name of a label that people of the account made.
Batch reads of v4 tell the label as the screens show it.
https://developers.hubspot.com/docs/api-reference/crm-associations-v4
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from connectors.contract import ContractBroken, Link
from connectors.hubspot.api import Api
from connectors.hubspot.rows import Record
from connectors.hubspot.streams import LINK_BATCH, ObjectStream

#: HubSpot's own types "primary company" of a contact and of a deal
PRIMARY = frozenset({1, 5})
_STANDARD = re.compile(r"^[a-z_]+_to_(?:contact|company|deal)(_unlabeled)?$")


def fetch_links(
    api: Api, stream: ObjectStream, ids: Sequence[str], targets: Sequence[str] | None = None
) -> dict[str, tuple[Link, ...]]:
    """The links of each id, 1,000 records a call and kind of target; one with more links than fit is asked again.

    `targets`: some of the stream's `links_to`.
    """
    found: dict[str, dict[tuple[str, str], Link]] = {i: {} for i in ids}
    for target in stream.links_to if targets is None else targets:
        _fetch(api, stream, target, ids, found)
    return {i: tuple(links.values()) for i, links in found.items()}


def _fetch(
    api: Api, stream: ObjectStream, target: str, ids: Sequence[str], found: dict[str, dict[tuple[str, str], Link]]
) -> None:
    queue: list[dict[str, Any]] = [{"id": i} for i in ids]
    while queue:
        batch, queue = queue[:LINK_BATCH], queue[LINK_BATCH:]
        answer = api.links(stream.object_type, target, batch)
        for entry in answer["results"]:
            source = str(entry["from"]["id"])
            links = found.setdefault(source, {})
            for to in entry.get("to") or ():
                link = _link(target, to)
                links[target, link.id] = link
            after = ((entry.get("paging") or {}).get("next") or {}).get("after")
            if after:
                queue.append({"id": source, "after": after})
        _check(answer.get("errors") or ())


def _link(target: str, to: Record) -> Link:
    types = to.get("associationTypes") or ()
    labels = {str(t["label"]) for t in types if t.get("label") and t.get("typeId") not in PRIMARY}
    return Link(
        target,
        str(to["toObjectId"]),  # a number in older answers
        any(t.get("typeId") in PRIMARY for t in types),
        ";".join(sorted(labels)) or None,
    )


def _check(errors: Sequence[Record]) -> None:
    """ "No association" and "no such record" are answers; anything else is not."""
    for error in errors:
        if error.get("category") != "OBJECT_NOT_FOUND":
            raise ContractBroken("an association read failed for some records", str(error.get("category")))


def inline_links(stream: ObjectStream, record: Record) -> tuple[tuple[Link, ...], Sequence[str]]:
    """Links that came with a list page, and the targets whose links must be read apart: they were cut off, or have
    labels whose wording is not told here."""
    told = record.get("associations")
    if not told:
        return (), ()
    links: list[Link] = []
    apart: list[str] = []
    for target in stream.links_to:
        found = told.get(target)
        if not found:
            continue
        company = target == "companies"
        primary: dict[str, bool] = {}  # labelled and unlabelled associations come as several entries of one pair
        for entry in found["results"]:
            kind, to = _kind(entry.get("type") or ""), str(entry["id"])
            if kind is None:
                break
            primary[to] = (kind and company) or primary.get(to, False)
        else:
            if not found.get("paging"):
                named = record["properties"].get(stream.primary) if stream.primary else None
                for to, first in primary.items():
                    links.append(Link(target, to, first if stream.primary is None else to == named))
                continue
        apart.append(target)
    return tuple(links), apart


@cache
def _kind(name: str) -> bool | None:
    """Of an inline type: True = the primary or only one, False = any, None = a label of the account's own."""
    found = _STANDARD.match(name)
    if found is None:
        return None if name else False
    return not found.group(1)
