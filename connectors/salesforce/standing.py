"""Where a pull of a stream stands, and the bookmark that says so."""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors.contract import Bookmark
from connectors.salesforce.feeds import Window


@dataclass(slots=True)
class Standing:
    """Times are ms; `low`, `began`, `at` on the vendor's clock, the others on the hub's.

    low, n, newest   the window of the next pass: its begin, and what the last pass saw in it already
    began, at        an unfinished pass: when it began, and the last row it reached
    feeds            the windows over other objects
    refreshed        when the values that change without a stamp were last read; refresh: the last id of an
                     unfinished reading of them, "" at its begin
    options          what the wanted picklists offered then; values can be renamed in records without a stamp
    hidden           wanted fields that the credentials could not see, looked for again after `looked`
    absent           since when the object itself is known to be missing
    """

    low: int | None = None
    began: int | None = None
    at: tuple[int, str] | None = None
    n: int = 0
    newest: int | None = None
    feeds: dict[str, Window] = field(default_factory=dict)
    refreshed: int | None = None
    refresh: str | None = None
    options: str | None = None
    hidden: tuple[str, ...] = ()
    looked: int = 0
    absent: int | None = None

    @classmethod
    def of(cls, bookmark: Bookmark | None) -> Standing:
        """Read back from a bookmark; older ones know less."""
        if bookmark is None:
            return cls()
        at = bookmark.get("at")
        return cls(
            low=bookmark.get("low"),
            began=bookmark.get("began"),
            at=(int(at[0]), str(at[1])) if at else None,
            n=bookmark.get("n", 0),
            newest=bookmark.get("newest"),
            feeds={name: Window.of(kept) for name, kept in bookmark.get("feeds", {}).items()},
            refreshed=bookmark.get("refreshed"),
            refresh=bookmark.get("refresh"),
            options=bookmark.get("options"),
            hidden=tuple(bookmark.get("hidden", ())),
            looked=bookmark.get("looked", 0),
            absent=bookmark.get("absent"),
        )

    def bookmark(self) -> Bookmark:
        """As stored: what there is to say."""
        mark: Bookmark = {"low": self.low, "n": self.n, "newest": self.newest}
        if self.began is not None:
            mark |= {"began": self.began, "at": list(self.at) if self.at else None}
        if self.feeds:
            mark["feeds"] = {name: window.bookmark() for name, window in self.feeds.items()}
        if self.refreshed is not None:
            mark["refreshed"] = self.refreshed
        if self.refresh is not None:
            mark["refresh"] = self.refresh
        if self.options is not None:
            mark["options"] = self.options
        if self.hidden:
            mark |= {"hidden": list(self.hidden), "looked": self.looked}
        if self.absent is not None:
            mark["absent"] = self.absent
        return mark

    @property
    def first(self) -> bool:
        """Whether this reads everything."""
        return self.low is None

    def finish(self, overlap_ms: int) -> None:
        """After the last row of a pass."""
        assert self.began is not None
        self.low, self.began, self.at = self.began - overlap_ms, None, None

    def restart(self) -> None:
        """Read everything again from the begin."""
        self.low = self.began = self.at = self.newest = self.refresh = None
        self.n = 0
        self.feeds = {}
