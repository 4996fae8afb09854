"""A static HubSpot: pages rendered before the first request, served by a process of its own.

It judges nothing and forgets nothing: no limits, no faults, no token. What it does is what a benchmark of a client
needs and no more, so that only the client is measured:

    GET  /crm/v3/objects/contacts          pages of a list, 100 each (limit and after), with companies if asked for
    POST /crm/v3/objects/contacts/search   what was stamped since a GTE filter: nothing, or the changed 1 %
    POST /crm/v4/associations/...          the companies of the asked contacts
    GET  /crm/v3/properties/contacts       the 30 fields
    everything else                        an empty answer of the right shape

    POST /bench/reset                      the account as it was filled; calls start at 0
    POST /bench/change?share=0.01          that share of the contacts is edited now
    GET  /bench/calls                      calls since the last time this was asked

    python -m bench.server --people 100000     prints its address in one line of JSON when the pages are ready
"""

from __future__ import annotations

import argparse
import time
from array import array
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any
from urllib.parse import parse_qs, urlsplit

import orjson

from bench.people import FIRST_ID, company_of, described, rendered

#: what lists, searches and batch reads of anything else say: nothing there
EMPTY = b'{"status":"COMPLETE","total":0,"results":[],"lists":[],"events":[],"hasMore":false}'
CONTACTS = "/crm/v3/objects/contacts"
#: no client is ever told to slow down
LIMITS = {
    "X-HubSpot-RateLimit-Max": "1000000",
    "X-HubSpot-RateLimit-Remaining": "1000000",
    "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
    "X-HubSpot-RateLimit-Daily": "100000000",
    "X-HubSpot-RateLimit-Daily-Remaining": "100000000",
}


class Pages:
    """All contacts rendered into one file, separated by commas: a page is one slice of it."""

    def __init__(self, people: int, *, linked: bool) -> None:
        self.people = people
        self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - lives as long as the server
        self._starts = array("q", [0])
        self._lock = Lock()
        for n in range(people):
            text = rendered(n, linked=linked, inline=linked)
            self._file.write(text + b",")
            self._starts.append(self._starts[-1] + len(text) + 1)
        self._file.flush()

    def page(self, first: int, limit: int) -> bytes:
        """Contacts from number `first` on as the list endpoint shows them."""
        last = min(first + limit, self.people)
        start, end = self._starts[first], self._starts[last]
        with self._lock:
            self._file.seek(start)
            body = self._file.read(max(0, end - start - 1))
        after = str(FIRST_ID + last)
        paging = b"" if last >= self.people else b',"paging":' + orjson.dumps({"next": {"after": after}})
        return b'{"results":[' + body + b"]" + paging + b"}"


class Account:
    """What the server knows: pages, and the contacts that were edited since they were rendered."""

    def __init__(self, people: int) -> None:
        self.people = people
        self._pages: dict[bool, Pages] = {}
        self._lock = Lock()
        self._calls = 0
        self._edits = 0
        self._edited: list[int] = []
        self._shown: dict[bool, list[bytes]] = {}
        self._at = 0

    def prepare(self, *, linked: bool) -> None:
        """Render the pages of one kind of client before it comes."""
        if linked not in self._pages:
            self._pages[linked] = Pages(self.people, linked=linked)

    def count(self) -> None:
        with self._lock:
            self._calls += 1

    def calls(self) -> int:
        """Calls since the last time this was asked."""
        with self._lock:
            calls, self._calls = self._calls, 0
        return calls

    def reset(self) -> None:
        """Back to the account as it was filled."""
        self.calls()
        self._edited, self._shown, self._at = [], {}, 0

    def change(self, share: float) -> dict[str, int]:
        """Edit every 1/share-th contact, now; how many, and the number of this edit."""
        self._edits += 1
        self._at = time.time_ns() // 1_000_000
        self._edited = list(range(0, self.people, max(1, round(1 / share))))
        self._shown = {
            linked: [rendered(n, linked=linked, changed=self._edits, at=self._at) for n in self._edited]
            for linked in (True, False)
        }
        return {"changed": len(self._edited), "edits": self._edits}

    def listed(self, query: dict[str, list[str]]) -> bytes:
        """GET list: the check's one record, or a page."""
        self.prepare(linked="associations" in query)
        first = int(query["after"][0]) - FIRST_ID if "after" in query else 0
        return self._pages["associations" in query].page(first, int(query.get("limit", ["100"])[0]))

    def searched(self, body: dict[str, Any]) -> bytes:
        """POST search: contacts above an id, all or those edited since a stamp, in order of id."""
        since, above = None, 0
        for group in body.get("filterGroups") or ():
            for one in group["filters"]:
                if one["operator"] == "GTE":
                    since = to_ms(str(one["value"]))
                elif one["operator"] == "GT":
                    above = int(one["value"])
        if since is None:
            return self._searched_all(max(0, above + 1 - FIRST_ID), int(body.get("limit") or 10))
        edited = self._edited if since <= self._at else []
        places = [i for i, n in enumerate(edited) if FIRST_ID + n > above]
        start, limit = int(body.get("after") or 0), int(body.get("limit") or 10)
        shown = self._shown.get("hs_merged_object_ids" in (body.get("properties") or ()), [])
        results = b",".join(shown[i] for i in places[start : start + limit])
        paging = b""
        if start + limit < len(places):
            paging = b',"paging":' + orjson.dumps({"next": {"after": str(start + limit)}})
        return b'{"total":%d,"results":[%s]%s}' % (len(places), results, paging)

    def _searched_all(self, first: int, limit: int) -> bytes:
        """A search without a stamp: how many there are, which is what it is asked for."""
        page = self._pages[True].page(first, limit)
        return b'{"total":%d,' % (self.people - first) + page[1:]


def to_ms(text: str) -> int:
    """Epoch milliseconds or ISO 8601, as HubSpot's filters take both."""
    return int(text) if text.isdigit() else round(datetime.fromisoformat(text).timestamp() * 1000)


def companies(body: dict[str, Any]) -> bytes:
    """The associations of contacts with their companies."""
    found = [
        {
            "from": {"id": i["id"]},
            "to": [
                {
                    "toObjectId": company_of(int(i["id"]) - FIRST_ID),
                    "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"}],
                }
            ],
        }
        for i in body["inputs"]
    ]
    return orjson.dumps({"status": "COMPLETE", "results": found})


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with connections kept open; an answer leaves in one piece."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 20
    account: Account

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        if address.path == "/bench/calls":
            return self._answer(orjson.dumps({"calls": self.account.calls()}))
        self.account.count()
        if address.path == CONTACTS and "archived" not in query:
            return self._answer(self.account.listed(query))
        if address.path == "/crm/v3/properties/contacts":
            return self._answer(described())
        if address.path == "/account-info/v3/details":
            return self._answer(b'{"portalId":1,"accountType":"STANDARD","timeZone":"UTC"}')
        return self._answer(EMPTY)

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if address.path == "/bench/reset":
            self.account.reset()
            return self._answer(b"{}")
        if address.path == "/bench/change":
            share = float(parse_qs(address.query)["share"][0])
            return self._answer(orjson.dumps(self.account.change(share)))
        self.account.count()
        body = orjson.loads(text) if text else {}
        if address.path == f"{CONTACTS}/search":
            return self._answer(self.account.searched(body))
        if address.path == "/crm/v4/associations/contacts/companies/batch/read":
            return self._answer(companies(body))
        return self._answer(EMPTY)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json;charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in LIMITS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--people", type=int, required=True)
    arguments.add_argument("--only-ours", action="store_true", help="render no pages for the others")
    given = arguments.parse_args()
    account = Account(given.people)
    account.prepare(linked=True)
    if not given.only_ours:
        account.prepare(linked=False)
    Handler.account = account
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        print(orjson.dumps({"url": f"http://127.0.0.1:{server.server_port}"}).decode(), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
