"""The HubSpot connector: people, companies, deals, owners and what happened to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from connectors.contract import (
    Bookmark,
    Capability,
    CheckReport,
    Deletion,
    FieldRequest,
    Link,
    Page,
    ReadResult,
    Rejected,
    RemoteField,
    Row,
    StreamSpec,
    Surroundings,
    WriteOp,
    WriteResult,
)
from connectors.hubspot import reading, schema
from connectors.hubspot.api import MAX_IN_FLIGHT, Api
from connectors.hubspot.checking import check
from connectors.hubspot.config import Settings
from connectors.hubspot.email_events import email_events
from connectors.hubspot.forms import form_submissions
from connectors.hubspot.links import fetch_links
from connectors.hubspot.memberships import list_memberships
from connectors.hubspot.owners import owners
from connectors.hubspot.page_views import page_views
from connectors.hubspot.pulling import ObjectPull
from connectors.hubspot.recycled import binned
from connectors.hubspot.sdk import Sdk
from connectors.hubspot.streams import OBJECTS, ObjectStream, object_stream
from connectors.hubspot.writing import Push


def build(settings: Settings, surroundings: Surroundings) -> HubSpotConnector:
    """A connector for one HubSpot account. Makes no call."""
    return HubSpotConnector(settings, surroundings)


class HubSpotConnector:
    """Implements connectors.contract.Connector."""

    kind = "hubspot"
    max_in_flight = MAX_IN_FLIGHT
    capabilities = frozenset(
        {
            Capability.INCREMENTAL,
            Capability.MERGES,
            Capability.CREATE,
            Capability.CREATE_BY_KEY,
            Capability.ENSURE_FIELDS,
            Capability.CONFIRMS_VALUES,
            Capability.BIN,
            Capability.LINKS_APART,
        }
    )

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self.name = surroundings.connection
        self._api = Api(settings, surroundings)
        self._sdk = Sdk(self._api)
        api = self._api
        apart = (
            owners(api, self._sdk),
            form_submissions(api),
            email_events(api),
            page_views(api),
            list_memberships(api),
        )
        self._apart = {a.spec.name: a for a in apart}

    def __repr__(self) -> str:
        return f"<HubSpotConnector {self.name}>"

    def check(self) -> CheckReport:
        return check(self._api, self._sdk)

    def streams(self) -> tuple[StreamSpec, ...]:
        return (*(a.spec for a in self._apart.values()), *(s.spec for s in OBJECTS.values()))

    def describe(self, stream: str) -> tuple[RemoteField, ...]:
        if stream in self._apart:
            return self._apart[stream].fields
        return schema.describe(self._sdk, self._api, object_stream(stream))

    def pull(self, stream: str, bookmark: Bookmark | None, fields: Sequence[str]) -> Iterator[Page]:
        if stream in self._apart:
            return self._apart[stream].pull(bookmark, fields)
        target = object_stream(stream)
        calculated = partial(schema.any_calculated, self._sdk, target, fields)
        return ObjectPull(self._api, target, fields, calculated).pages(bookmark)

    def read(self, stream: str, ids: Sequence[str], fields: Sequence[str]) -> ReadResult:
        apart = self._apart.get(stream)
        if apart is not None and apart.read is not None:
            return apart.read(ids, fields)
        return reading.read(self._api, object_stream(stream), ids, fields)

    def find(self, stream: str, key: str, values: Sequence[str], fields: Sequence[str]) -> list[Row]:
        apart = self._apart.get(stream)
        if apart is not None and apart.find is not None:
            return apart.find(key, values, fields)
        return reading.find(self._api, object_stream(stream), key, values, fields)

    def count(self, stream: str) -> int:
        if stream in self._apart:
            return self._apart[stream].count()
        return reading.count(self._api, object_stream(stream))

    def bin(self, stream: str) -> Iterator[list[Deletion]]:
        """Of CRM objects; the other streams have none."""
        return iter(()) if stream in self._apart else binned(self._api, object_stream(stream))

    def links(self, stream: str, ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
        """One call per 1,000 ids and kind of target; streams that link with their rows alone have none."""
        apart = self._apart.get(stream)
        if apart is not None:
            return apart.links(ids) if apart.links is not None else {}
        found = object_stream(stream)
        return fetch_links(self._api, found, ids) if found.links_to else {}

    def push(self, stream: str, ops: Sequence[WriteOp]) -> list[WriteResult]:
        target = self._writable(stream)
        if len(ops) > target.spec.write_batch:
            raise ValueError(f"{len(ops)} ops in one push; {target.spec.write_batch} is the most")
        return Push(self._api, target, ops).run() if ops else []

    def ensure_fields(self, stream: str, fields: Sequence[FieldRequest]) -> list[str]:
        return schema.ensure_fields(self._sdk, self._writable(stream), fields) if fields else []

    def close(self) -> None:
        self._api.transport.close()

    @staticmethod
    def _writable(stream: str) -> ObjectStream:
        target = object_stream(stream)
        if not target.spec.writable:
            raise Rejected("READ_ONLY_STREAM", f"{stream} takes no writes", "write contacts or companies")
        return target
