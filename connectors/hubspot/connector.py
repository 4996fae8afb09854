"""The HubSpot connector: contacts, companies, owners, activities and form submissions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
from connectors.hubspot import forms, owners, reading, schema, streams
from connectors.hubspot.api import MAX_IN_FLIGHT, Api
from connectors.hubspot.checking import check
from connectors.hubspot.config import Settings
from connectors.hubspot.links import fetch_links
from connectors.hubspot.pulling import ObjectPull
from connectors.hubspot.recycled import binned
from connectors.hubspot.sdk import Sdk
from connectors.hubspot.streams import ObjectStream, object_stream
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
        self._clock = surroundings.clock
        self._api = Api(settings, surroundings)
        self._sdk = Sdk(self._api)

    def __repr__(self) -> str:
        return f"<HubSpotConnector {self.name}>"

    def check(self) -> CheckReport:
        return check(self._api, self._sdk)

    def streams(self) -> tuple[StreamSpec, ...]:
        return streams.ALL

    def describe(self, stream: str) -> tuple[RemoteField, ...]:
        if stream == streams.OWNERS.name:
            return owners.FIELDS
        if stream == streams.FORM_SUBMISSIONS.name:
            return forms.FIELDS
        return schema.describe(self._sdk, object_stream(stream))

    def pull(self, stream: str, bookmark: Bookmark | None, fields: Sequence[str]) -> Iterator[Page]:
        if stream == streams.OWNERS.name:
            return owners.pull_owners(self._sdk, self._api.transport, self._clock.now(), bookmark, fields)
        if stream == streams.FORM_SUBMISSIONS.name:
            return forms.pull_submissions(self._api, bookmark, fields)
        return ObjectPull(self._api, object_stream(stream), fields).pages(bookmark)

    def read(self, stream: str, ids: Sequence[str], fields: Sequence[str]) -> ReadResult:
        if stream == streams.OWNERS.name:
            rows = {r.id: r for r in owners.owner_rows(self._sdk, fields) if r.id in set(ids)}
            return ReadResult(rows, missing=[i for i in ids if i not in rows])
        return reading.read(self._api, object_stream(stream), ids, fields)

    def find(self, stream: str, key: str, values: Sequence[str], fields: Sequence[str]) -> list[Row]:
        if stream == streams.OWNERS.name:
            wanted = set(values)
            rows = owners.owner_rows(self._sdk, tuple(dict.fromkeys((*fields, key))))
            return [r for r in rows if r.values.get(key) in wanted]
        return reading.find(self._api, object_stream(stream), key, values, fields)

    def count(self, stream: str) -> int:
        if stream == streams.OWNERS.name:
            return len(owners.owner_rows(self._sdk, ()))
        if stream == streams.FORM_SUBMISSIONS.name:
            # HubSpot does not count submissions: this costs as much as a first pull
            return sum(len(page.rows) for page in forms.pull_submissions(self._api, None, ()))
        return reading.count(self._api, object_stream(stream))

    def bin(self, stream: str) -> Iterator[list[Deletion]]:
        """Of object streams; the others have none."""
        found = streams.OBJECTS.get(stream)
        return binned(self._api, found) if found is not None else iter(())

    def links(self, stream: str, ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
        """One call per 1,000 ids and kind of target; streams that link with their rows alone have none."""
        found = streams.OBJECTS.get(stream)
        return fetch_links(self._api, found, ids) if found is not None and found.links_to else {}

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
