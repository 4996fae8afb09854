"""HubSpot records as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.contract import ContractBroken, Merge, Row, Value
from connectors.hubspot.streams import ObjectStream

Record = dict[str, Any]


def to_ms(text: str | None) -> int | None:
    """HubSpot's times: ISO 8601 with or without fraction, or epoch milliseconds."""
    if not text:
        return None
    if text.isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ContractBroken("a time that is none", repr(text[:40])) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def to_values(properties: Record, fields: Iterable[str]) -> dict[str, Value]:
    """The asked-for fields; "" and null are None, a name that HubSpot does not send back stays missing."""
    try:
        return {f: properties[f] or None for f in fields}  # HubSpot's values are texts: nothing else is falsy
    except KeyError:
        return {f: properties[f] or None for f in fields if f in properties}


def to_row(stream: ObjectStream, record: Record, fields: Sequence[str]) -> Row:
    """A record of list, search or batch read. Links come later (links.py)."""
    properties = record.get("properties") or {}
    stamp = to_ms(properties.get(stream.modified)) or to_ms(record.get("updatedAt"))
    return Row(str(record["id"]), to_values(properties, fields), stamp, to_ms(record.get("createdAt")))


def to_merges(record: Record) -> list[Merge]:
    """What was merged into this record. HubSpot keeps the list for ever: a merge is told more than once."""
    text = (record.get("properties") or {}).get("hs_merged_object_ids")
    if not text:
        return []
    now = str(record["id"])
    return [Merge(old, now) for old in text.split(";") if old and old != now]
