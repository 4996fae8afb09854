"""Records as they are now, from the system of record: read by id, find by unique field, count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.contract import ContractBroken, Deletion, Merge, ReadResult, Rejected, Row
from connectors.hubspot.api import Api, Filter, Record
from connectors.hubspot.routes import OBJECTS
from connectors.hubspot.rows import to_merges, to_ms, to_row
from connectors.hubspot.streams import LIST_PAGE, PAGE, ObjectStream

#: unique by HubSpot itself; the streams' own unique_key is the other one that batch reads take
UNIQUE = {"contacts": frozenset({"email", "hs_object_id"}), "companies": frozenset({"hs_object_id"})}


def read(api: Api, stream: ObjectStream, ids: Sequence[str], fields: Sequence[str]) -> ReadResult:
    """One call per 100 ids; one more per 100 that were not found. Links are not read."""
    result = ReadResult({})
    for batch in _batches(ids):
        _read_batch(api, stream, batch, fields, result)
    return result


def _read_batch(api: Api, stream: ObjectStream, ids: Sequence[str], fields: Sequence[str], result: ReadResult) -> None:
    properties = list(dict.fromkeys((*fields, *stream.always)))
    records = api.batch_read(stream.object_type, ids, properties)["results"]
    by_id = {str(r["id"]): r for r in records}
    survivors = {m.old_id: m.new_id for r in records for m in to_merges(r)}
    unclear: list[str] = []
    for i in ids:
        if i in by_id:
            result.rows[i] = to_row(stream, by_id[i], fields)
        elif i in survivors:
            _merged(result, stream, i, by_id[survivors[i]], fields)
        else:
            unclear.append(i)
    if not unclear:
        return
    archived = api.batch_read(stream.object_type, unclear, ("hs_object_id",), archived=True)["results"]
    bin_ids = {str(r["id"]): to_ms(r.get("archivedAt")) for r in archived}
    strangers = set(by_id) - set(ids) - set(survivors.values())
    for i in unclear:
        if i in bin_ids:
            result.deleted.append(Deletion(i, bin_ids[i]))
            continue
        # a survivor that does not name what was merged into it: only asking one by one tells whose it is
        record = _get(api, stream, i, properties) if strangers else None
        if record is None:
            result.missing.append(i)
        elif str(record["id"]) == i:
            result.rows[i] = to_row(stream, record, fields)
        else:
            _merged(result, stream, i, record, fields)


def _merged(result: ReadResult, stream: ObjectStream, old: str, record: Record, fields: Sequence[str]) -> None:
    new = str(record["id"])
    result.merges.append(Merge(old, new))
    result.rows[new] = to_row(stream, record, fields)


def _get(api: Api, stream: ObjectStream, remote_id: str, properties: Sequence[str]) -> Record | None:
    path = f"{OBJECTS}/{stream.object_type}"
    params = {"properties": ",".join(properties)}
    try:
        data = api.call("GET", f"{path}/{remote_id}", route=f"{path}/{{id}}", params=params).data
    except Rejected as e:
        if e.code == "OBJECT_NOT_FOUND":
            return None
        raise
    if not isinstance(data, dict) or "id" not in data:
        raise ContractBroken("a record without id", "no id")
    return data


def find(api: Api, stream: ObjectStream, key: str, values: Sequence[str], fields: Sequence[str]) -> list[Row]:
    """By unique property: batch reads, which know a record at once. By another: search, which lags."""
    properties = list(dict.fromkeys((*fields, *stream.always)))
    if key == stream.spec.unique_key or key in UNIQUE.get(stream.object_type, frozenset({"hs_object_id"})):
        id_property = None if key == "hs_object_id" else key
        records = [
            r
            for batch in _batches(values)
            for r in api.batch_read(stream.object_type, batch, properties, id_property=id_property)["results"]
        ]
    else:
        records = [r for v in values for r in _search_all(api, stream, key, v, properties)]
    return [to_row(stream, r, fields) for r in {str(r["id"]): r for r in records}.values()]


def _search_all(api: Api, stream: ObjectStream, key: str, value: str, properties: Sequence[str]) -> Iterator[Record]:
    """All records whose `key` equals `value`, by keyset."""
    last_id = "0"
    while True:
        filters: list[Filter] = [
            {"propertyName": key, "operator": "EQ", "value": value},
            {"propertyName": "hs_object_id", "operator": "GT", "value": last_id},
        ]
        found = api.search(stream.object_type, filters, "hs_object_id", properties)
        yield from found["results"]
        if found["total"] <= PAGE or not found["results"]:
            return
        last_id = str(max(int(r["id"]) for r in found["results"]))


def count(api: Api, stream: ObjectStream) -> int:
    """Live records, as search counts them (archived ones are not in it)."""
    return int(api.search(stream.object_type, (), "hs_object_id", ("hs_object_id",), limit=1)["total"])


def _batches(ids: Sequence[str]) -> Iterator[list[str]]:
    wanted = list(dict.fromkeys(ids))  # HubSpot refuses an id that comes twice in one batch
    for start in range(0, len(wanted), LIST_PAGE):
        yield wanted[start : start + LIST_PAGE]
