"""A few routes of HubSpot in memory, with an index that lags.

For the pull's arithmetic, not for HubSpot's manners: those are the sandbox's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import requests
import responses

from tests.connectors.hubspot_kit import BASE, MemoryClock, batch, iso, page, record

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Contact:
    """A contact and its past: (visible from, stamp, name); the index shows the newest visible entry."""

    id: int
    history: list[tuple[int, int, str]]
    companies: tuple[int, ...] = ()
    merged: str | None = None

    def shown(self, now: int) -> tuple[int, str] | None:
        seen = [(stamp, name) for visible, stamp, name in self.history if visible <= now]
        return max(seen) if seen else None


@dataclass
class FakeHubSpot:
    """Contacts only. `lag`: ms until an edit shows in search; the list shows it at once."""

    clock: MemoryClock
    lag: int = 0
    contacts: dict[int, Contact] = field(default_factory=dict)
    archived: dict[int, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def edit(self, number: int, name: str, lag: int | None = None, stamp: int | None = None) -> None:
        """Creates or changes a contact now."""
        at = self.clock.at if stamp is None else stamp
        late = self.lag if lag is None else lag
        contact = self.contacts.setdefault(number, Contact(number, []))
        contact.history.append((at + late, at, name))

    def truth(self) -> dict[str, str]:
        return {str(c.id): max(c.history, key=lambda h: h[1])[2] for c in self.contacts.values()}

    @contextmanager
    def serving(self) -> Iterator[None]:
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            url = f"{BASE}/crm/v3/objects/contacts"
            mock.add_callback(responses.GET, url, self._list)
            mock.add_callback(responses.POST, f"{url}/search", self._search)
            mock.add_callback(responses.POST, f"{url}/batch/read", self._read)
            mock.add_callback(responses.POST, f"{BASE}/crm/v4/associations/contacts/companies/batch/read", self._links)
            mock.add_callback(responses.GET, f"{BASE}/crm/v3/properties/contacts", self._properties)
            yield

    def _properties(self, _request: requests.PreparedRequest) -> Reply:
        return self._answer("properties", {"results": []})

    def _answer(self, label: str, body: dict[str, Any], status: int = 200) -> Reply:
        self.calls.append(label)
        return status, {}, orjson.dumps(body)

    def _list(self, request: requests.PreparedRequest) -> Reply:
        query = {k: v[0] for k, v in parse_qs(urlsplit(request.url or "").query).items()}
        if query.get("archived") == "true":
            gone = [{**record(i), "archived": True, "archivedAt": iso(at)} for i, at in self.archived.items()]
            return self._answer("archived", page(*gone))
        after = int(query.get("after", "0"))
        ids = sorted(i for i in self.contacts if i > after)
        shown = [self._record(self.contacts[i], max(self.contacts[i].history, key=lambda h: h[1])) for i in ids]
        for r, i in zip(shown, ids, strict=True):
            linked = [{"id": str(c), "type": "contact_to_company_unlabeled"} for c in self.contacts[i].companies]
            if linked:
                r["associations"] = {"companies": {"results": linked}}
        more = str(ids[99]) if len(ids) > 100 else None
        return self._answer("list", page(*shown[:100], after=more))

    def _search(self, request: requests.PreparedRequest) -> Reply:
        body = orjson.loads(request.body or b"")
        found = []
        for contact in self.contacts.values():
            shown = contact.shown(self.clock.at)
            if shown and _fits(contact.id, shown[0], body):
                found.append(self._record(contact, (0, *shown)))
        sort = body["sorts"][0]
        name = sort.removeprefix("-")
        found.sort(key=lambda r: _key(r, name), reverse=sort.startswith("-"))
        return self._answer("search", page(*found[: body["limit"]], total=len(found)))

    def _read(self, request: requests.PreparedRequest) -> Reply:
        ids = [int(i["id"]) for i in orjson.loads(request.body or b"")["inputs"]]
        return self._answer("read", batch(*(record(i) for i in ids if i in self.contacts)))

    def _links(self, request: requests.PreparedRequest) -> Reply:
        ids = [i["id"] for i in orjson.loads(request.body or b"")["inputs"]]
        results, errors = [], []
        for i in ids:
            targets = self.contacts[int(i)].companies
            if targets:
                types = [{"category": "HUBSPOT_DEFINED", "typeId": 279, "label": None}]
                to = [{"toObjectId": c, "associationTypes": types} for c in targets]
                results.append({"from": {"id": i}, "to": to})
            else:
                sub = "crm.associations.NO_ASSOCIATIONS_FOUND"
                context = {"fromObjectId": [i]}
                errors.append({"category": "OBJECT_NOT_FOUND", "subCategory": sub, "context": context})
        return self._answer("links", batch(*results, errors=errors), 207 if errors else 200)

    @staticmethod
    def _record(contact: Contact, entry: tuple[int, int, str]) -> dict[str, Any]:
        _, stamp, name = entry
        return record(contact.id, stamp, firstname=name, hs_merged_object_ids=contact.merged)


def _fits(number: int, stamp: int, body: dict[str, Any]) -> bool:
    for group in body["filterGroups"]:
        for f in group["filters"]:
            if f["propertyName"] == "lastmodifieddate" and stamp < int(f["value"]):
                return False
            if f["propertyName"] == "hs_object_id" and number <= int(f["value"]):
                return False
    return True


def _key(r: dict[str, Any], name: str) -> Any:
    return int(r["id"]) if name == "hs_object_id" else r["properties"][name]
