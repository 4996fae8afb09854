"""Reading single records, finding them by a key, counting them: from the records, without index lag."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from connectors.contract import Deletion, Merge, ReadResult, Rejected, Row
from connectors.salesforce import errors, soql
from connectors.salesforce.fields import Chunks
from connectors.salesforce.ids import full_id, is_id
from connectors.salesforce.messages import Incoming
from connectors.salesforce.org import Org
from connectors.salesforce.rows import USER_FIELDS, Hands, Record, RowMaker, lost, record_id
from connectors.salesforce.streams import IDS_IN_ADDRESS, READ_BATCH, Source

#: merges of merges that are followed before the trail is given up
_MAX_MERGES = 10


class Reader:
    """Reads of one stream with one list of fields."""

    def __init__(self, org: Org, source: Source, hands: Hands, fields: Sequence[str]) -> None:
        self._org = org
        self._source = source
        self._hands = hands
        self._chunks = Chunks(org, source, hands, fields)
        self._maker = RowMaker(source, hands, fields)
        self._incoming = Incoming(org, source, fields, everything=False)

    def read(self, ids: Sequence[str]) -> ReadResult:
        """The records as they are; a merged one comes with its survivor, a converted lead is read-only."""
        found = self._by_ids(ids)
        for _ in range(_MAX_MERGES):
            merges = [gone for gone in map(lost, found.values()) if isinstance(gone, Merge)]
            masters = {merge.new_id for merge in merges} - found.keys()
            if not masters:
                break
            more = self._by_ids(sorted(masters))
            if not more:
                break
            found |= more
        self._incoming.tell(found.values())
        result = ReadResult({})
        for asked in dict.fromkeys(ids):
            self._tell(asked, found, result)
        return result

    def find(self, key: str, values: Sequence[str]) -> list[Row]:
        """Live records whose field `key` holds one of the values. Raises Rejected without such a field."""
        records: dict[str, Record] = {}
        for part in self._slices(values):
            for record in self._query([soql.among(key, part)], all_rows=False):
                records[record_id(record)] = record
        return [self._maker.row(r) for r in self._chunks.complete(list(records.values()), ordered=False)]

    def _tell(self, asked: str, found: dict[str, Record], result: ReadResult) -> None:
        """Put one asked id into the one list of the result that it belongs to."""
        record = found.get(full_id(asked))
        if record is None:
            result.missing.append(asked)
            return
        gone = lost(record)
        if gone is None:
            row = self._maker.row(record)
            result.rows[row.id] = row
        elif isinstance(gone, Deletion):
            result.deleted.append(Deletion(asked, gone.at))
        else:
            survivor = _survivor(gone, found)
            if survivor is None:
                result.deleted.append(Deletion(asked, gone.at))
                return
            row = self._maker.row(survivor)
            result.rows[row.id] = row
            result.merges.append(Merge(asked, row.id, gone.at))

    def _by_ids(self, ids: Iterable[str]) -> dict[str, Record]:
        sound = [full_id(i) for i in dict.fromkeys(ids) if is_id(i)]
        found = self._retrieved(sound) if len(sound) > IDS_IN_ADDRESS else {}
        records: list[Record] = []
        for part in self._slices([i for i in sound if i not in found]):
            records += self._query([soql.among("Id", part)], all_rows=True)
        return found | {record_id(r): r for r in self._chunks.complete(records, ordered=False)}

    def _retrieved(self, ids: Sequence[str]) -> dict[str, Record]:
        """Live records, 2,000 a call; a query must tell what became of the others. Not for parent paths, and not
        for streams that are a part of their object (queues). Costs one call more to learn who the users are."""
        if self._chunks.retrievable() is None or self._source.only is not None:
            return {}
        found: dict[str, Record] = {}
        for start in range(0, len(ids), READ_BATCH):
            ask = partial(self._retrieve, ids[start : start + READ_BATCH])
            found |= {record_id(r): r for r in self._chunks.answering(ask)}
        self._meet({str(r["LastModifiedById"]) for r in found.values() if r.get("LastModifiedById")})
        return found

    def _meet(self, user_ids: set[str]) -> None:
        """What kind of users these are, where no query has told yet."""
        strangers = sorted(u for u in user_ids if u not in self._hands.met)
        fields = ["Id", *USER_FIELDS]
        for part in soql.value_chunks(strangers, soql.encoded_length(fields), IDS_IN_ADDRESS):
            for user in self._org.records(soql.select(fields, "User", [soql.among("Id", part)])):
                self._hands.meet(record_id(user), user)

    def _retrieve(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        return self._org.retrieve(self._source.sobject, ids, self._chunks.retrievable() or [])

    def _slices(self, values: Sequence[str]) -> Iterable[list[str]]:
        return soql.value_chunks(values, self._chunks.room, IDS_IN_ADDRESS)

    def _query(self, conditions: Sequence[str | None], *, all_rows: bool) -> list[dict[str, Any]]:
        def ask() -> list[dict[str, Any]]:
            return list(self._org.records(self._chunks.statement(conditions), all_rows=all_rows))

        return self._chunks.answering(ask)


def _survivor(merge: Merge, found: dict[str, Record]) -> Record | None:
    """Where a chain of merges ends, if that record is alive."""
    for _ in range(_MAX_MERGES):
        record = found.get(merge.new_id)
        if record is None:
            return None
        gone = lost(record)
        if gone is None:
            return record
        if isinstance(gone, Deletion):
            return None
        merge = gone
    return None


def count(org: Org, source: Source) -> int:
    """Live records, archived activities included, converted leads left out: they live on as contacts. 0 where the
    org has no such object."""
    conditions = [
        source.only,
        "IsDeleted = false" if source.binned else None,
        "IsConverted = false" if source.convertible else None,
    ]
    try:
        return org.total(soql.counted(source.sobject, conditions))
    except Rejected as e:
        if not source.optional or e.code not in errors.NO_OBJECT:
            raise
        return 0


def survivors(org: Org, source: Source, ids: Iterable[str]) -> dict[str, str]:
    """For records that are gone: the id that each was merged into, where it was."""
    if not source.mergeable:
        return {}
    hands = Hands("", None, frozenset())
    result = Reader(org, source, hands, ()).read(list(ids))
    return {merge.old_id: merge.new_id for merge in result.merges}
