"""The fields that a read asks for: visible ones only, in statements that fit an address, joined by Id."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from connectors.contract import MissingScope, Rejected
from connectors.salesforce import soql
from connectors.salesforce.org import Org
from connectors.salesforce.rows import Hands, Record, fixed_fields, position, record_id
from connectors.salesforce.streams import IDS_IN_ADDRESS, Source

log = logging.getLogger(__name__)
_T = TypeVar("_T")
#: an address or a header that a server on the way does not take, told without any words of Salesforce
_TOO_LONG = frozenset({"HTTP_414", "HTTP_431"})
_LEAST_ROOM = 300
#: how far a path such as Account.Owner.Name may lead
_MAX_HOPS = 5


class Chunks:
    """Field lists of one read. `first` holds what every row needs and as many wanted fields as fit; the rest
    comes in further statements over the same records.

    A wanted field that these credentials cannot see makes Salesforce refuse the whole statement; it is found
    by describe then, and left out from there on (`hidden`).
    """

    def __init__(
        self, org: Org, source: Source, hands: Hands, wanted: Sequence[str], hidden: Iterable[str] = ()
    ) -> None:
        self._org = org
        self._source = source
        self._fixed = fixed_fields(source, hands)
        self._all = [f for f in dict.fromkeys(wanted) if f not in source.derived]
        self.hidden = frozenset(hidden) & frozenset(self._all)
        self._room = soql.FIELDS_ROOM
        self._set_chunks()

    def _set_chunks(self) -> None:
        self.wanted = [f for f in self._all if f not in self.hidden]
        self._chunks = soql.field_chunks(self._fixed, self.wanted, self._room)

    def statement(self, conditions: Sequence[str | None], order: Sequence[str] = (), *, whole: bool = False) -> str:
        """The main statement; `whole`: all fields in one, for calls whose address does not hold it."""
        fields = self.names if whole else self._chunks[0]
        children = self._source.children
        return soql.select(
            fields,
            self._source.sobject,
            [self._source.only, *conditions],
            order=order,
            children=soql.child_records(children.relation, children.fields) if children else None,
        )

    @property
    def names(self) -> list[str]:
        """All fields."""
        return list(dict.fromkeys([*self._fixed, *self.wanted]))

    @property
    def number(self) -> int:
        """Statements that a page needs."""
        return len(self._chunks)

    @property
    def room(self) -> int:
        """What the field list of the main statement costs in the address."""
        return soql.encoded_length(self._chunks[0])

    def retrievable(self) -> list[str] | None:
        """All fields for a retrieve by ids, which knows no parent paths and no child records; None when one is
        needed. Whose hand the last modification was is told by id there, not by kind of user."""
        if self._source.children or any("." in field for field in self.wanted):
            return None
        fixed = [field for field in self._fixed if "." not in field]
        return list(dict.fromkeys([*fixed, *self.wanted]))

    def answering(self, ask: Callable[[], _T], *, main: bool = True) -> _T:
        """The answer of `ask`, which uses `statement`; asked again without hidden fields if refused for one, and in
        smaller pieces if the address was too long for a server on the way.
        Raises MissingScope when a field is hidden that no read can do without."""
        while True:
            try:
                return ask()
            except Rejected as e:
                shorter = main and e.code in _TOO_LONG and self._shrink()
                if not shorter and not (e.code == "INVALID_FIELD" and self._drop_hidden()):
                    raise

    def _shrink(self) -> bool:
        """Shorter statements; whether that was possible."""
        before = self.number
        while self.number == before and self._room > _LEAST_ROOM:
            self._room //= 2
            self._set_chunks()
        return self.number > before

    def complete(self, records: list[Record], *, ordered: bool) -> list[Record]:
        """The records with the fields of all chunks and all their child records, in the same order.

        `ordered`: the records are one piece of the order (SystemModstamp, Id), so that the rest of their
        fields is asked for by that range and not by ids. A record that vanished meanwhile is left out: the
        next pull tells what became of it.
        """
        if self._source.children:
            self._org.complete_children(records, self._source.children.relation)
        if len(self._chunks) == 1 or not records:
            return records
        joined: dict[str, Record] = {record_id(r): dict(r) for r in records}
        span = [self._source.only, *_span(records)] if ordered else None
        for number in range(1, len(self._chunks)):
            self._join(joined, number, span)
        return list(joined.values())

    def _join(self, joined: dict[str, Record], number: int, span: Sequence[str | None] | None) -> None:
        met: set[str] = set()

        def take(found: Iterable[Record]) -> None:
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

    def _records(self, number: int, conditions: Sequence[str | None]) -> list[Record]:
        def ask() -> list[Record]:
            statement = soql.select(self._chunks[number], self._source.sobject, conditions)
            return list(self._org.records(statement))

        return self.answering(ask, main=False)

    def _drop_hidden(self) -> bool:
        """Leave out what describe does not show; whether that was anything."""
        sight = Sight(self._org, self._source.sobject)
        for field in self._source.needs:  # the other fixed ones cannot be hidden
            if not sight.shows(field):
                path = f"{self._source.sobject}.{field}"
                raise MissingScope(f"read access to {path}", "the hub cannot read these records without this field")
        gone = {f for f in self.wanted if not sight.shows(f)}
        self.hidden |= gone
        if gone:
            log.warning(
                "%s %s: hidden from these credentials: %s",
                self._org.connection,
                self._source.name,
                ", ".join(sorted(gone)),
            )
            self._chunks = [[f for f in chunk if f not in gone] for chunk in self._chunks]
            self.wanted = [f for f in self.wanted if f not in gone]
        return bool(gone)


class Sight:
    """What these credentials see of an object and of its parents; `fresh`: asked anew, each object once."""

    def __init__(self, org: Org, sobject: str, *, fresh: bool = True) -> None:
        self._org = org
        self._fresh = fresh
        self._sobject = sobject
        self._fields: dict[str, dict[str, dict[str, Any]] | None] = {}

    def shows(self, path: str) -> bool:
        """Whether a field or parent path is visible."""
        found = self.find(path)
        return found is not None

    def find(self, path: str) -> dict[str, Any] | None:
        """What describe says of the field at the end of a path; {} where the parent may be one of several objects,
        so that only a statement itself can tell; None when it is hidden."""
        sobject = self._sobject
        *relations, name = path.split(".")
        for relation in relations[:_MAX_HOPS]:
            own = self._of(sobject) or {}
            reference = next((f for f in own.values() if f.get("relationshipName") == relation), None)
            if reference is None:
                return None
            targets = reference.get("referenceTo") or []
            if len(targets) != 1:
                return {}
            sobject = str(targets[0])
        fields = self._of(sobject)
        return None if fields is None else fields.get(name)

    def _of(self, sobject: str) -> dict[str, dict[str, Any]] | None:
        if sobject not in self._fields:
            described = self._org.seen(sobject, fresh=self._fresh)
            self._fields[sobject] = None if described is None else {f["name"]: f for f in described["fields"]}
        return self._fields[sobject]


def _span(records: Iterable[Record]) -> tuple[str, str]:
    """The range of the order (SystemModstamp, Id) that holds the records."""
    spots = sorted(position(r) for r in records)
    return soql.from_(*spots[0]), soql.up_to(*spots[-1])


def _merge(into: Record, record: Record) -> None:
    """Add fields; parents come in pieces, too."""
    for key, value in record.items():
        known = into.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        else:
            into[key] = value
