"""The official client (hubspot-api-client) for what is rare and typed: properties, groups, owners.

It is imported on first use, because it costs 43 MB. It brings its own HTTP (urllib3), its own waits and no
time-outs; here its connection pool is replaced, so that its calls run through the connection's transport: one
retry layer, one budget, one ledger, one way errors look.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from threading import Lock
from typing import Any

from connectors.hubspot.api import Api
from connectors.hubspot.routes import versioned
from connectors.transport import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, Fate

#: path segments of the client's routes that are not ids
_PROPERTY = re.compile(r"^(/crm/v3/properties/[^/]+)/(?!groups$|batch/)[^/]+$")
_TIMEOUT = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)


class _Reply:
    """What the client reads of an urllib3 response."""

    reason = ""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.status, self.headers, self.data = status, headers, data

    def getheaders(self) -> Mapping[str, str]:
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        return self.headers.get(name, default)


class _Pool:
    """Stands in for urllib3.PoolManager inside the client."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def request(
        self,
        method: str,
        url: str,
        fields: Any = None,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        **_settings: Any,  # preload_content, timeout: the transport has its own
    ) -> _Reply:
        path = url.removeprefix(self._api.settings.base_url.rstrip("/"))
        route = _PROPERTY.sub(r"\1/{name}", path.partition("?")[0])
        fate: Fate = "read" if method in ("GET", "HEAD") else "write"
        mine = {k: v for k, v in (headers or {}).items() if k.lower() in ("content-type", "accept")}
        answer = self._api.transport.request(
            method,
            versioned(path, self._api.settings.api_version),
            endpoint=f"{method} {route}",
            fate=fate,
            params=fields,
            data=body.encode() if body is not None else None,
            headers=mine,
        )
        return _Reply(answer.status, answer.headers, answer.body)


class Sdk:
    """The official client, made on first use."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._made: Any = None
        self._making = Lock()
        self.clock = api.around.clock

    @property
    def _client(self) -> Any:
        with self._making:  # streams are read from several threads
            if self._made is None:
                from hubspot import HubSpot

                base = self._api.settings.base_url.rstrip("/")
                # the token is the transport's affair; the client only insists on having one
                self._made = HubSpot(access_token="", host=base, base_url=base, retry=False, api_factory=self._make)
            return self._made

    def _make(self, package: Any, name: str, config: dict[str, Any]) -> Any:
        """One API object of the client, speaking through the transport."""
        configuration = package.Configuration()
        configuration.host = config["host"]
        configuration.retries = config["retry"]
        client = package.ApiClient(configuration=configuration)
        client.rest_client.pool_manager = _Pool(self._api)
        return getattr(package, name)(api_client=client)

    # ---------------------------------------------------------------------------------------------- owners

    def owners(self, archived: bool = False) -> list[Any]:
        """All owners, as the client's PublicOwner."""
        api = self._client.crm.owners.owners_api
        owners: list[Any] = []
        after: str | None = None
        while True:
            more = {"after": after} if after is not None else {}
            page = api.get_page(limit=500, archived=archived, _request_timeout=_TIMEOUT, **more)
            owners += page.results
            after = page.paging.next.after if page.paging and page.paging.next else None
            if after is None:
                return owners

    # ------------------------------------------------------------------------------------------- properties

    def properties(self, object_type: str) -> list[Any]:
        """All properties of an object type, as the client's Property."""
        answer = self._client.crm.properties.core_api.get_all(object_type, _request_timeout=_TIMEOUT)
        return list(answer.results)

    def create_property(self, object_type: str, property_create: Mapping[str, Any]) -> None:
        """`property_create`: the client's PropertyCreate as a dict in HubSpot's spelling."""
        self._client.crm.properties.core_api.create(object_type, dict(property_create), _request_timeout=_TIMEOUT)

    def update_options(self, object_type: str, name: str, options: list[dict[str, Any]]) -> None:
        """Replace the options of an enumeration; HubSpot wants the complete list."""
        self._client.crm.properties.core_api.update(object_type, name, {"options": options}, _request_timeout=_TIMEOUT)

    def groups(self, object_type: str) -> list[str]:
        """Names of the property groups."""
        answer = self._client.crm.properties.groups_api.get_all(object_type, _request_timeout=_TIMEOUT)
        return [g.name for g in answer.results]

    def create_group(self, object_type: str, name: str, label: str) -> None:
        self._client.crm.properties.groups_api.create(
            object_type, {"name": name, "label": label}, _request_timeout=_TIMEOUT
        )
