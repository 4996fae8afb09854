"""What a pass remembers of the rows that the next pass will find again if nothing changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from heapq import heappush, heappushpop

from connectors.contract import Bookmark, Row
from connectors.hubspot.streams import PAGE

_MODULUS = 1 << 48

Mark = tuple[int, str, str]  # (stamp, id, what it shows: two edits may share a millisecond)


def digest(marks: Iterable[Mark]) -> int:
    """A sum, so that the order does not matter and a killed pass can go on adding."""
    return sum(_hash(*mark) for mark in marks) % _MODULUS


def top_digest(newest: list[Mark]) -> int:
    """Digest of the newest page without its last stamp: which of many equals made it onto the page is chance."""
    edge = min(newest)[0]
    return digest(mark for mark in newest if mark[0] > edge)


def mark_of(row: Row) -> Mark:
    """What tells one state of a row from another."""
    return row.modified_at or 0, row.id, repr(sorted(row.values.items()))


def _hash(stamp: int, remote_id: str, shows: str) -> int:
    return int.from_bytes(blake2b(f"{remote_id}:{stamp}:{shows}".encode(), digest_size=6).digest(), "big")


@dataclass(slots=True)
class Tally:
    """The rows stamped at or after `edge`: how many, the newest stamp, a digest of all and of the newest page."""

    edge: int
    n: int = 0
    hwm: int = 0
    digest: int = 0
    whole: bool = True  # saw the pass from its beginning, so that `newest` is right
    newest: list[Mark] = field(default_factory=list)  # heap of at most a page

    def add(self, row: Row) -> None:
        stamp = row.modified_at or 0
        if stamp < self.edge:
            return  # nearly every row of a first pull: what it shows need not be written out
        mark = mark_of(row)
        self.n += 1
        self.hwm = max(self.hwm, stamp)
        self.digest = (self.digest + _hash(*mark)) % _MODULUS
        if len(self.newest) < PAGE:
            heappush(self.newest, mark)
        else:
            heappushpop(self.newest, mark)

    def saved(self) -> Bookmark:
        """For a bookmark in the middle of a pass."""
        return {"n": self.n, "hwm": self.hwm, "digest": self.digest}

    def final(self) -> Bookmark:
        """For the bookmark of a finished pass. `top`: None when the pass was resumed and cannot tell."""
        top = top_digest(self.newest) if self.whole and self.n > PAGE else None
        return {**self.saved(), "top": top}

    @classmethod
    def resumed(cls, edge: int, bookmark: Bookmark) -> Tally:
        return cls(edge, bookmark["n"], bookmark["hwm"], bookmark["digest"], whole=False)
