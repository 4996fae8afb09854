"""The fields that a read asks for: visible ones only, in statements that fit an address, joined by Id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from connectors.contract import Rejected
from connectors.salesforce import soql
from connectors.salesforce.org import Org
from connectors.salesforce.rows import Hands, Record, fixed_fields, position, record_id
from connectors.salesforce.streams import IDS_IN_ADDRESS, Source

_T = TypeVar("_T")
#: how far a path such as Account.Owner.Name may lead
_MAX_HOPS = 5


class Chunks:
    """Field lists of one read. `first` holds what every row needs and as many wanted fields as fit; the rest
    comes in further statements over the same records.

    A wanted field that these credentials cannot see makes Salesforce refuse the whole statement; it is found
    by describe then, and left out from there on.
    """

    def __init__(self, org: Org, source: Source, hands: Hands, wanted: Sequence[str]) -> None:
        self._org = org
        self._source = source
        self._fixed = fixed_fields(source, hands)
        self._wanted = list(dict.fromkeys(wanted))
        self._chunks = soql.field_chunks(self._fixed, self._wanted)

    def retrievable(self) -> list[str] | None:
        """All fields for a retrieve by ids, which knows no parent paths; None when one is wanted. Whose hand the
        last modification was is told by id there, not by kind of user."""
        if any("." in field for field in self._wanted):
            return None
        fixed = [field for field in self._fixed if "." not in field]
        return list(dict.fromkeys([*fixed, *self._wanted]))

    @property
    def first(self) -> list[str]:
        """The field list of the main statement."""
        return self._chunks[0]

    def answering(self, ask: Callable[[], _T]) -> _T:
        """The answer of `ask`, which uses `first`; asked again without hidden fields if refused for one."""
        try:
            return ask()
        except Rejected as e:
            if e.code != "INVALID_FIELD" or not self._drop_hidden():
                raise
        return ask()

    def complete(self, records: list[Record], *, ordered: bool) -> list[Record]:
        """The records with the fields of all chunks, in the same order.

        `ordered`: the records are one piece of the order (SystemModstamp, Id), so that the rest of their
        fields is asked for by that range and not by ids. A record that vanished meanwhile is left out: the
        next pull tells what became of it.
        """
        if len(self._chunks) == 1 or not records:
            return records
        joined: dict[str, dict[str, Any]] = {record_id(r): dict(r) for r in records}
        span = [self._source.only, *_span(records)] if ordered else None
        for number in range(1, len(self._chunks)):
            self._join(joined, number, span)
        return list(joined.values())

    def _join(self, joined: dict[str, dict[str, Any]], number: int, span: Sequence[str | None] | None) -> None:
        met: set[str] = set()

        def take(found: Iterable[dict[str, Any]]) -> None:
            for record in found:
                key = record_id(record)
                if key in joined:
                    _merge(joined[key], record)
                    met.add(key)

        if span is not None:
            take(self._records(number, span))
        missed = [key for key in joined if key not in met]
        cost = soql.encoded_length(self._chunks[number])
        for ids in soql.value_chunks(missed, cost, IDS_IN_ADDRESS):
            take(self._records(number, [soql.among("Id", ids)]))
        for key in [key for key in joined if key not in met]:
            del joined[key]

    def _records(self, number: int, conditions: Sequence[str | None]) -> list[dict[str, Any]]:
        def ask() -> list[dict[str, Any]]:
            statement = soql.select(self._chunks[number], self._source.sobject, conditions)
            return list(self._org.records(statement))

        return self.answering(ask)

    def _drop_hidden(self) -> bool:
        """Leave out what describe does not show; whether that was anything."""
        gone = {f for f in self._wanted if not visible(self._org, self._source.sobject, f)}
        self._chunks = [[f for f in chunk if f not in gone or f in self._fixed] for chunk in self._chunks]
        self._wanted = [f for f in self._wanted if f not in gone]
        return bool(gone)


def visible(org: Org, sobject: str, path: str) -> bool:
    """Whether a field or parent path is shown to these credentials, by the describes along it."""
    *relations, name = path.split(".")
    for relation in relations[:_MAX_HOPS]:
        reference = next((f for f in org.describe(sobject)["fields"] if f.get("relationshipName") == relation), None)
        if reference is None:
            return False
        targets = reference.get("referenceTo") or []
        if len(targets) != 1:
            return True  # one of several objects: only the statement itself can tell
        sobject = str(targets[0])
    return any(f["name"] == name for f in org.describe(sobject)["fields"])


def _span(records: Iterable[Record]) -> tuple[str, str]:
    """The range of the order (SystemModstamp, Id) that holds the records."""
    spots = sorted(position(r) for r in records)
    return soql.from_(*spots[0]), soql.up_to(*spots[-1])


def _merge(into: dict[str, Any], record: Record) -> None:
    """Add fields; parents come in pieces, too."""
    for key, value in record.items():
        known = into.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        else:
            into[key] = value
