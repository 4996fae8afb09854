"""Streams that are no CRM objects: each tells what it is and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.contract import Bookmark, ContractBroken, Link, Page, ReadResult, RemoteField, Row, StreamSpec

Pull = Callable[[Bookmark | None, Sequence[str]], Iterator[Page]]
Read = Callable[[Sequence[str], Sequence[str]], ReadResult]
Find = Callable[[str, Sequence[str], Sequence[str]], list[Row]]
Links = Callable[[Sequence[str]], dict[str, tuple[Link, ...]]]


@dataclass(frozen=True, slots=True)
class Apart:
    """One such stream. HubSpot counts none of them: `count` reads all of it. What is None it cannot do."""

    spec: StreamSpec
    fields: tuple[RemoteField, ...]
    pull: Pull
    read: Read | None = None
    find: Find | None = None
    links: Links | None = None

    def count(self) -> int:
        """As many calls as a first pull."""
        return sum(len(page.rows) for page in self.pull(None, ()))


def listed(data: Any, key: str = "results") -> list[dict[str, Any]]:
    """The list under `key` of an answer. Raises ContractBroken when there is none."""
    found = data.get(key) if isinstance(data, Mapping) else None
    if not isinstance(found, list):
        raise ContractBroken(f"an answer without {key}", type(data).__name__)
    return found


def each_once(rows: Iterable[Row]) -> list[Row]:
    """The rows, each id once."""
    return list({row.id: row for row in rows}.values())


def next_page(data: Mapping[str, Any]) -> str | None:
    """The cursor of the next page; None on the last one."""
    after = ((data.get("paging") or {}).get("next") or {}).get("after")
    return None if after is None else str(after)
