"""Reading side by side: threads read the streams of all connections, the caller stores what they bring.

    connection a   thread ─┐
                   thread ─┼─▶ pages, one ahead per connection ─▶ the caller, the store's one writer
    connection b   thread ─┘

A lane is one connection; it has as many threads as the connection bears calls at once, and its streams begin in the
order given. Threads touch nothing but their connector. What ends a lane early ends no other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

from connectors.contract import ConnectorError, Page

#: pages that wait for the store; more would only cost memory
AHEAD = 1
#: how long the caller waits for a page before it gives a sign of life (s)
IDLE_S = 5.0
_LOOK_S = 0.2

K = TypeVar("K")


@dataclass(slots=True)
class Lane(Generic[K]):
    """One connection's reading. `work`: what to read, in order, each with a way to begin."""

    work: deque[tuple[K, Callable[[], Iterable[Page]]]]
    width: int = 1
    stopped: Event = field(default_factory=Event)

    def stop(self) -> None:
        """No further page of this lane is wanted."""
        self.stopped.set()


@dataclass(slots=True)
class Brought(Generic[K]):
    """A page, or why there are no more of this stream; neither: the stream is done."""

    lane: Lane[K]
    key: K
    page: Page | None = None
    error: ConnectorError | None = None


def side_by_side(lanes: Sequence[Lane[K]], idle: Callable[[], None] = lambda: None) -> Iterator[Brought[K]]:
    """What the lanes bring, as it comes; pages of one stream stay in order. `idle` is called while nothing comes.

    Any other error of a thread than a connector's is raised here.
    """
    brought: Queue[Brought[K] | BaseException | None] = Queue(AHEAD * max(1, len(lanes)))
    over = Event()
    threads = [
        Thread(target=_read, args=(lane, brought, over), name="reading", daemon=True)
        for lane in lanes
        for _ in range(min(lane.width, len(lane.work)))
    ]
    for thread in threads:
        thread.start()
    running = len(threads)
    try:
        while running:
            try:
                item = brought.get(timeout=IDLE_S)
            except Empty:
                idle()
                continue
            if item is None:
                running -= 1
            elif isinstance(item, BaseException):
                raise item
            elif not item.lane.stopped.is_set():
                yield item
    finally:
        over.set()


def _read(lane: Lane[K], out: Queue[Brought[K] | BaseException | None], over: Event) -> None:
    """One thread: takes streams of its lane until there are none."""
    try:
        while not (over.is_set() or lane.stopped.is_set()):
            try:
                key, begin = lane.work.popleft()
            except IndexError:
                break
            try:
                for page in begin():
                    _put(out, Brought(lane, key, page), over)
                    if over.is_set() or lane.stopped.is_set():
                        break
                else:
                    _put(out, Brought(lane, key), over)
            except ConnectorError as e:
                _put(out, Brought(lane, key, error=e), over)
    except BaseException as e:  # noqa: BLE001 - raised again by the caller, unless it listens no more
        _put(out, e, over)
    finally:
        _put(out, None, over)


def _put(out: Queue[Brought[K] | BaseException | None], item: Brought[K] | BaseException | None, over: Event) -> None:
    while not over.is_set():
        try:
            out.put(item, timeout=_LOOK_S)
            return
        except Full:
            continue
