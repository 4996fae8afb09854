"""The calls of HubSpot's object API that bulk work needs: one method per route, one answer each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from connectors.budget import Budget, Signals, Window
from connectors.contract import ContractBroken, Surroundings
from connectors.hubspot.auth import OAuth
from connectors.hubspot.config import Settings
from connectors.hubspot.errors import classifier
from connectors.hubspot.routes import ASSOCIATIONS, OBJECTS, versioned
from connectors.hubspot.streams import LIST_PAGE, PAGE
from connectors.transport import Answer, Auth, Fate, StaticAuth, Transport

Record = dict[str, Any]
Filter = dict[str, str]

#: enough to reach the burst limit when an answer takes a third of a second
MAX_IN_FLIGHT = 6
#: documented limits to start with, headers correct them: bursts per key or app, search per account
BURST = (190, 10.0)
OAUTH_BURST = (110, 10.0)
SEARCHES = (5, 1.0)


def is_search(endpoint: str) -> bool:
    return endpoint.endswith("/search")


def _signals(headers: Mapping[str, str]) -> Signals | None:
    def number(name: str) -> int | None:
        text = headers.get(f"X-HubSpot-RateLimit-{name}", "")
        return int(text) if text.isdigit() else None

    limit, left = number("Max"), number("Remaining")
    daily, daily_left = number("Daily"), number("Daily-Remaining")
    if limit is None and daily is None:
        return None
    return Signals("burst", limit, left, daily, daily_left)


class Api:
    """HubSpot over the shared transport."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self.settings = settings
        self.around = surroundings
        self.budget = Budget(
            surroundings,
            (
                Window(
                    "burst",
                    *(BURST if settings.access_token else OAUTH_BURST),
                    applies=lambda endpoint: not is_search(endpoint),
                ),
                Window("search", *SEARCHES, applies=is_search),
            ),
            _signals,
        )
        auth: Auth = StaticAuth(settings.access_token) if settings.access_token else OAuth(settings, surroundings)
        self.transport = Transport(
            surroundings,
            settings.base_url,
            auth,
            classifier(lambda: self.budget.day_ends(surroundings.clock.now())),
            self.budget,
            MAX_IN_FLIGHT,
        )
        if isinstance(auth, OAuth):
            auth.attach(self.transport)

    def call(
        self,
        method: str,
        path: str,
        *,
        fate: Fate = "read",
        route: str | None = None,
        params: Mapping[str, Any] | str | None = None,
        json: Any = None,
    ) -> Answer:
        """One call. `path` in its v3/v4 form; `route`: the path without ids, where it has some."""
        return self.transport.request(
            method,
            versioned(path, self.settings.api_version),
            endpoint=f"{method} {route or path}",
            fate=fate,
            params=params,
            json=json,
        )

    def list(
        self,
        object_type: str,
        properties: Sequence[str],
        *,
        after: str | None = None,
        associations: Sequence[str] = (),
        archived: bool = False,
        aside: str = "",
    ) -> Record:
        """A page of all records in order of id, from the system of record.

        `aside`: why it is read, when that has a rhythm of its own: its calls are counted apart.
        """
        params = {"limit": str(LIST_PAGE), "properties": ",".join(properties)}
        if after is not None:
            params["after"] = after
        if associations:
            params["associations"] = ",".join(associations)
        path = f"{OBJECTS}/{object_type}"
        if archived:
            params["archived"] = "true"
            aside = "archived"
        query = urlencode(params, safe=",")  # hundreds of names: each comma as %2C costs bytes, and time twice
        route = f"{path} ({aside})" if aside else None
        return self._page(self.call("GET", path, params=query, route=route))

    def search(
        self,
        object_type: str,
        filters: Sequence[Filter],
        sort: str,
        properties: Sequence[str],
        limit: int = PAGE,
    ) -> Record:
        """The first page of a search; paging is by keyset, never by `after`, which ends at 10,000."""
        body = {
            "filterGroups": [{"filters": list(filters)}] if filters else [],
            "sorts": [sort],
            "properties": list(properties),
            "limit": limit,
        }
        found = self._page(self.call("POST", f"{OBJECTS}/{object_type}/search", json=body))
        if not isinstance(found.get("total"), int):
            raise ContractBroken("a search answer without a total", str(sorted(found)))
        return found

    def batch_read(
        self,
        object_type: str,
        ids: Sequence[str],
        properties: Sequence[str],
        *,
        id_property: str | None = None,
        archived: bool = False,
    ) -> Record:
        """Up to 100 records by id or unique property; unknown ones are errors of a 207."""
        body: Record = {
            "inputs": [{"id": i} for i in ids],
            "properties": list(properties),
            "propertiesWithHistory": [],
        }
        if id_property:
            body["idProperty"] = id_property
        params = {"archived": "true"} if archived else None
        path = f"{OBJECTS}/{object_type}/batch/read"
        return self._page(self.call("POST", path, params=params, json=body))

    def batch_write(self, object_type: str, action: str, inputs: Sequence[Record]) -> Record:
        """`action`: update, create or upsert; up to 100. Raises UnknownFate besides the contract's errors."""
        path = f"{OBJECTS}/{object_type}/batch/{action}"
        return self._page(self.call("POST", path, fate="write", json={"inputs": list(inputs)}))

    def links(self, from_type: str, to_type: str, inputs: Sequence[Record]) -> Record:
        """Associations of up to 1,000 records. One without any is an error entry of a 207, not a failure."""
        path = f"{ASSOCIATIONS}/{from_type}/{to_type}/batch/read"
        return self._page(self.call("POST", path, json={"inputs": list(inputs)}))

    @staticmethod
    def _page(answer: Answer) -> Record:
        data = answer.data
        if not isinstance(data, dict) or not isinstance(data.get("results"), list):
            raise ContractBroken("an answer without results", f"status {answer.status}")
        return data
