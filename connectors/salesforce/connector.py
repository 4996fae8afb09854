"""The Salesforce connector: `build` makes one for a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ParamSpec, TypeVar

from connectors.contract import (
    Bookmark,
    Capability,
    CheckReport,
    ConnectorError,
    Deletion,
    FieldRequest,
    Link,
    Page,
    ReadResult,
    RemoteField,
    Row,
    StreamSpec,
    Surroundings,
    WriteOp,
    WriteResult,
)
from connectors.salesforce import checking, ensuring, reading, schema
from connectors.salesforce.config import Settings
from connectors.salesforce.org import MAX_IN_FLIGHT, Org
from connectors.salesforce.pulling import Pass
from connectors.salesforce.rows import Hands
from connectors.salesforce.streams import SOURCES, source_of
from connectors.salesforce.writing import Push

_P = ParamSpec("_P")
_T = TypeVar("_T")


def build(settings: Settings, surroundings: Surroundings) -> SalesforceConnector:
    """A connector for one connection; nothing is called before the first method."""
    return SalesforceConnector(settings, surroundings)


class SalesforceConnector:
    """One Salesforce org as a `contract.Connector`."""

    kind = "salesforce"
    capabilities = frozenset(
        {
            Capability.INCREMENTAL,
            Capability.DELETES,
            Capability.MERGES,
            Capability.CREATE,
            Capability.CREATE_BY_KEY,
            Capability.ENSURE_FIELDS,
        }
    )
    max_in_flight = MAX_IN_FLIGHT

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self.name = surroundings.connection
        self._org = Org(settings, surroundings)
        self._known_hands: Hands | None = None

    def check(self) -> CheckReport:
        """See `checking.check`."""
        return self._named(checking.check, self._org)

    def streams(self) -> tuple[StreamSpec, ...]:
        """Leads, contacts, accounts, opportunities, users, queues, and what people did: `streams.SOURCES`."""
        return tuple(source.spec for source in SOURCES.values())

    def describe(self, stream: str) -> tuple[RemoteField, ...]:
        """The fields these credentials can see, live, parents' fields included (`Account.Type`)."""
        return self._named(lambda: schema.fields_of(self._org, source_of(stream), fresh=True))

    def pull(self, stream: str, bookmark: Bookmark | None, fields: Sequence[str]) -> Iterator[Page]:
        """See `pulling`. A field that is hidden from these credentials is missing in the rows' values."""
        pages = self._named(lambda: Pass(self._org, source_of(stream), self._hands(), bookmark, fields).pages())
        while True:
            page = self._named(lambda: next(pages, None))
            if page is None:
                return
            yield page

    def read(self, stream: str, ids: Sequence[str], fields: Sequence[str]) -> ReadResult:
        """The records as they are now; see `reading.Reader.read`."""
        return self._named(lambda: self._reader(stream, fields).read(ids))

    def find(self, stream: str, key: str, values: Sequence[str], fields: Sequence[str]) -> list[Row]:
        """Live records by a unique field; see `reading.Reader.find`."""
        return self._named(lambda: self._reader(stream, fields).find(key, values))

    def count(self, stream: str) -> int:
        """Live records, archived activities included, converted leads left out."""
        return self._named(lambda: reading.count(self._org, source_of(stream)))

    def bin(self, stream: str) -> Iterator[list[Deletion]]:
        """Nothing: queries tell deletions while they are in the recycle bin, so `pull` has them."""
        source_of(stream)
        yield from ()

    def links(
        self,
        stream: str,
        ids: Sequence[str],  # noqa: ARG002 - the contract's argument; there is nothing to ask for
    ) -> dict[str, tuple[Link, ...]]:
        """Nothing: links come with the rows, and `pull` reads a row again when its links alone changed."""
        source_of(stream)
        return {}

    def push(self, stream: str, ops: Sequence[WriteOp]) -> list[WriteResult]:
        """See `writing`: one result per op, in order."""
        return self._named(lambda: Push(self._org, source_of(stream), ops).run())

    def ensure_fields(self, stream: str, fields: Sequence[FieldRequest]) -> list[str]:
        """See `ensuring.ensure`: create and grant what is missing; names created."""
        return self._named(lambda: ensuring.ensure(self._org, source_of(stream), fields))

    def close(self) -> None:
        self._org.close()

    def _reader(self, stream: str, fields: Sequence[str]) -> reading.Reader:
        return reading.Reader(self._org, source_of(stream), self._hands(), fields)

    def _hands(self) -> Hands:
        if self._known_hands is None:
            settings = self._org.settings
            bots = frozenset(b.lower() for b in settings.bots)
            self._known_hands = Hands(self._org.auth.token().user_id, settings.ours, bots)
        return self._known_hands

    def _named(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run something; an error of ours gets the connection's name as the transport's errors have it."""
        try:
            return work(*args, **kwargs)
        except ConnectorError as e:
            e.connection = e.connection or self.name
            raise
