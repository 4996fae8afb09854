"""The floor: the least that a script of one's own does. requests, orjson, executemany; no mapping, no comparison.

python -m bench.floor --url URL --folder DIR [--since MS]    since: what was stamped from then on, by search
"""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import requests

from bench.people import NAMES

STORE = "floor.db"
_COLUMNS = ("id", "modified_at", *NAMES)


def listed(session: requests.Session, url: str) -> Iterator[list[Any]]:
    """Pages of the whole account."""
    params = {"limit": "100", "properties": ",".join(NAMES)}
    while True:
        answer = session.get(f"{url}/crm/v3/objects/contacts", params=params)
        answer.raise_for_status()
        page = orjson.loads(answer.content)
        yield page["results"]
        if "paging" not in page:
            return
        params["after"] = page["paging"]["next"]["after"]


def searched(session: requests.Session, url: str, since: int) -> Iterator[list[Any]]:
    """Pages of what was stamped at or after `since` (ms); up to 10,000, as HubSpot's search has it."""
    edited = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(since)}
    body: dict[str, Any] = {"filterGroups": [{"filters": [edited]}], "properties": NAMES, "limit": 200}
    while True:
        answer = session.post(f"{url}/crm/v3/objects/contacts/search", data=orjson.dumps(body))
        answer.raise_for_status()
        page = orjson.loads(answer.content)
        yield page["results"]
        if "paging" not in page:
            return
        body["after"] = page["paging"]["next"]["after"]


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--since", type=int)
    given = arguments.parse_args()
    db = sqlite3.connect(given.folder / STORE, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    columns = ", ".join(f"{c} TEXT" for c in _COLUMNS[1:])
    db.execute(f"CREATE TABLE IF NOT EXISTS contacts(id TEXT PRIMARY KEY, {columns}) WITHOUT ROWID")
    insert = f"INSERT OR REPLACE INTO contacts VALUES ({', '.join('?' * len(_COLUMNS))})"
    with requests.Session() as session:
        session.trust_env = False
        pages = listed(session, given.url) if given.since is None else searched(session, given.url, given.since)
        for page in pages:
            rows = [(r["id"], r["updatedAt"], *map(r["properties"].get, NAMES)) for r in page]
            db.execute("BEGIN IMMEDIATE")
            db.executemany(insert, rows)
            db.execute("COMMIT")
    db.close()


if __name__ == "__main__":
    main()
