"""Reading side by side."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import pytest

from connectors.contract import Page, Unavailable
from jobs.lanes import Lane, side_by_side

Work = deque[tuple[str, Callable[[], Iterable[Page]]]]


def pages(name: str, n: int) -> Callable[[], Iterable[Page]]:
    return lambda: (Page([], {"at": i, "of": name}, done=i == n - 1) for i in range(n))


def test_every_page_comes_once_and_in_order() -> None:
    lanes = [Lane[str](deque((f"{lane}{s}", pages(f"{lane}{s}", 20)) for s in range(5)), 3) for lane in "abc"]
    seen: dict[str, list[int]] = {}
    ended: list[str] = []
    for b in side_by_side(lanes):
        if b.page is None:
            ended.append(b.key)
        else:
            seen.setdefault(b.key, []).append(b.page.bookmark["at"])
    assert len(seen) == 15
    assert all(found == list(range(20)) for found in seen.values())
    assert sorted(ended) == sorted(seen)


def test_streams_of_one_lane_are_read_at_once_up_to_its_width() -> None:
    meet = threading.Barrier(2, timeout=10)

    def waits(name: str) -> Callable[[], Iterator[Page]]:
        def read() -> Iterator[Page]:
            meet.wait()  # only two threads at once get past this
            yield Page([], {"of": name}, done=True)

        return read

    lane = Lane[str](deque((n, waits(n)) for n in "abcd"), 2)
    assert sorted(b.key for b in side_by_side([lane]) if b.page is not None) == list("abcd")


def test_an_error_ends_its_stream_and_leaves_the_others() -> None:
    def fails() -> Iterator[Page]:
        yield Page([], {})
        raise Unavailable("gone")

    work: Work = deque([("bad", fails), ("good", pages("good", 3))])
    got = list(side_by_side([Lane(work, 1)]))
    assert [(b.key, type(b.error).__name__) for b in got if b.error] == [("bad", "Unavailable")]
    assert sum(b.page is not None and b.key == "good" for b in got) == 3


def test_a_stopped_lane_brings_nothing_more() -> None:
    lane, other = Lane[str](deque([("a", pages("a", 1000))]), 1), Lane[str](deque([("b", pages("b", 50))]), 1)
    n = {"a": 0, "b": 0}
    for b in side_by_side([lane, other]):
        n[b.key] += b.page is not None
        if b.key == "a":
            lane.stop()
    assert n == {"a": 1, "b": 50}


def test_another_error_is_raised_by_the_caller() -> None:
    def broken() -> Iterator[Page]:
        yield Page([], {}, total=1 // len(""))

    work: Work = deque([("bad", broken)])
    with pytest.raises(ZeroDivisionError):
        list(side_by_side([Lane(work, 1)]))
