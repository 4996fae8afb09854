"""From a record of a query answer to what the contract calls a row, a deletion or a merge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from connectors.contract import Actor, ContractBroken, Deletion, Merge, Rejected, Row, Value
from connectors.salesforce import times
from connectors.salesforce.ids import full_id
from connectors.salesforce.linking import LINKS, no_links
from connectors.salesforce.streams import Source

Record = dict[str, Any]
#: User.UserType of people with a screen; the other types are the platform's own hands
_PEOPLE = frozenset({"Standard", "PowerPartner", "PowerCustomerSuccess", "CustomerSuccess", "CspLitePortal"})
_MACHINES = frozenset({"AutomatedProcess", "CloudIntegrationUser", "Integration"})
#: what tells a person from a machine; the names only where `ours` or `bots` are configured
USER_FIELDS = ("UserType", "Username", "Email")


@dataclass(frozen=True, slots=True)
class Hands:
    """Who is who among the users that modify records."""

    hub_id: str
    hub_name: str | None
    bots: frozenset[str]
    #: users met in queries: a retrieve by ids tells their id only
    met: dict[str, Actor] = field(default_factory=dict)

    @property
    def by_name(self) -> bool:
        """Whether names are needed to tell."""
        return bool(self.hub_name or self.bots)

    def actor(self, record: Record) -> Actor:
        """Whose the last modification is."""
        user_id = record.get("LastModifiedById")
        if not user_id:
            return "unknown"
        known = self.met.get(user_id)
        if known is not None:
            return known
        user = record.get("LastModifiedBy")
        return self.meet(user_id, user) if user else "hub" if full_id(user_id) == self.hub_id else "unknown"

    def meet(self, user_id: str, user: Record) -> Actor:
        """What kind of hand a user is, by its fields; remembered."""
        found = self.met[user_id] = self._kind(user_id, user)
        return found

    def _kind(self, user_id: str, user: Record) -> Actor:
        if full_id(user_id) == self.hub_id:
            return "hub"
        if self.by_name:
            names = {str(user.get(key) or "").lower() for key in ("Username", "Email")}
            if self.hub_name and self.hub_name.lower() in names:
                return "hub"
            if names & self.bots:
                return "integration"
        if user.get("UserType") in _PEOPLE:
            return "person"
        return "integration" if user.get("UserType") in _MACHINES else "unknown"


@dataclass(slots=True)
class Batch:
    """What a piece of a query answer holds."""

    rows: list[Row] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)


def fixed_fields(source: Source, hands: Hands) -> list[str]:
    """What every query of a stream asks for beside the wanted fields."""
    fields = ["Id", "SystemModstamp", "CreatedDate", "LastModifiedById"]
    fields += [f"LastModifiedBy.{name}" for name in (USER_FIELDS if hands.by_name else USER_FIELDS[:1])]
    if source.binned:
        fields.append("IsDeleted")
    if source.mergeable:
        fields.append("MasterRecordId")
    if source.convertible:
        fields.append("IsConverted")
    return fields + list(source.needs)


def _picker(names: list[str]) -> Callable[[Record], tuple[Any, ...]]:
    """Many values of a record in one step: this runs once a row."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda record: tuple(record[name] for name in names)


class RowMaker:
    """Makes rows of one stream with one list of fields."""

    def __init__(self, source: Source, hands: Hands, wanted: Sequence[str]) -> None:
        self._source = source
        self._hands = hands
        self._plain = [f for f in dict.fromkeys(wanted) if "." not in f]
        self._pick = _picker(self._plain)
        self._paths = [(f, tuple(f.split("."))) for f in dict.fromkeys(wanted) if "." in f]
        self._links = LINKS.get(source.name, no_links)

    def batch(self, records: Iterable[Record]) -> Batch:
        """Rows, deletions and merges; a converted lead is a read-only row and a merge into its contact."""
        out = Batch()
        for record in records:
            gone = lost(record)
            if isinstance(gone, Merge):
                out.merges.append(gone)
            elif gone is not None:
                out.deletions.append(gone)
            else:
                row = self.row(record)
                out.rows.append(row)
                contact = record.get("ConvertedContactId") if row.read_only else None
                if contact:
                    out.merges.append(Merge(row.id, full_id(contact), row.modified_at, "contacts"))
        return out

    def row(self, record: Record) -> Row:
        """A live record."""
        converted = self._source.convertible and bool(record.get("IsConverted"))
        return Row(
            record_id(record),
            self._values(record),
            times.parse(record.get("SystemModstamp")),
            times.parse(record.get("CreatedDate")),
            self._hands.actor(record),
            self._links(record),
            "converted lead" if converted else None,
        )

    def _values(self, record: Record) -> dict[str, Value]:
        values = self._plain_values(record)
        for name, path in self._paths:
            found = _at(record, path)
            if found is not _HIDDEN:
                values[name] = found
        found = values.values()
        if "" in found:
            values = {name: None if value == "" else value for name, value in values.items()}
        if not _COMPOUND.isdisjoint(map(type, found)):
            name = next(name for name, value in values.items() if isinstance(value, dict | list))
            raise Rejected("COMPOUND_FIELD", f"{name} is a compound field", "map its component fields instead")
        return values

    def _plain_values(self, record: Record) -> dict[str, Any]:
        try:
            return dict(zip(self._plain, self._pick(record), strict=True))
        except KeyError:  # a field that is hidden from these credentials
            return {f: record[f] for f in self._plain if f in record}


_COMPOUND = frozenset({dict, list})
_HIDDEN: Any = object()


def _at(record: Record, path: tuple[str, ...]) -> Any:
    """The value behind a parent path; None without a parent, _HIDDEN when it was not answered."""
    at: Any = record
    for part in path:
        if at is None:
            return None
        if part not in at:
            return _HIDDEN
        at = at[part]
    return at


def record_id(record: Record) -> str:
    """The 18 character id."""
    text = record.get("Id")
    if not isinstance(text, str):
        raise ContractBroken("a record without Id", ",".join(sorted(record))[:80])
    return full_id(text)


def lost(record: Record) -> Deletion | Merge | None:
    """A deleted record's fate; None for a live one."""
    if not record.get("IsDeleted"):
        return None
    at = times.parse(record.get("SystemModstamp"))
    master = record.get("MasterRecordId")
    return Merge(record_id(record), full_id(master), at) if master else Deletion(record_id(record), at)


def position(record: Record) -> tuple[int, str]:
    """Where a record stands in the order (SystemModstamp, Id)."""
    stamp = times.parse(record.get("SystemModstamp"))
    if stamp is None:
        raise ContractBroken("a record without SystemModstamp", ",".join(sorted(record))[:80])
    return stamp, record_id(record)
