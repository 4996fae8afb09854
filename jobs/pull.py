"""pull: what the CRMs show -> records and activities, page by page; each page is committed with its bookmark."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from connectors.contract import ConnectorError, MissingScope, Page, StreamSpec
from core.store.rows import PageStats
from jobs.lanes import Lane, side_by_side
from jobs.pages import store_rows
from jobs.runtime import Hub
from jobs.sight import pin_account
from jobs.sweeps import sweep

#: owners first (records name them), then companies, people, deals, and what happened to them
_ORDER = {"owner": 0, "company": 1, "person": 2, "deal": 3, "activity": 4}
#: streams that a hub can do without
OPTIONAL = ("deal", "activity")


@dataclass(slots=True)
class ConnectionPull:
    """What a pull of one connection did. `error` is set when it could not be finished; `left_out`: streams that the
    credentials have never been allowed to read -> why."""

    stats: PageStats = field(default_factory=PageStats)
    streams: dict[str, PageStats] = field(default_factory=dict)
    left_out: dict[str, MissingScope] = field(default_factory=dict)
    error: ConnectorError | None = None


@dataclass(frozen=True, slots=True)
class _Stream:
    """A stream under way. `since`: ms up to which unseen changes are ruled out."""

    name: str
    spec: StreamSpec
    fields: Sequence[str]
    started: int
    since: int | None
    known: bool  # it was pulled before


def pull(
    hub: Hub, names: Sequence[str] = (), *, full: bool = False, accept_fewer: bool = False
) -> dict[str, ConnectionPull]:
    """Pull every stream of the connections, side by side; a CRM that fails does not stop the others.

    `accept_fewer`: records that are not shown any more are really gone.
    """
    done = {name: ConnectionPull() for name in hub.names(names)}
    with hub.lease(*(f"connection {name}" for name in done)):
        lanes: dict[str, Lane[_Stream]] = {}
        for name, result in done.items():
            with _failing(name, result):
                pin_account(hub, name)
                lanes[name] = _lane(hub, name, result, full=full)
        _read(hub, done, lanes)
        for name, result in done.items():
            if result.error is None:
                with _failing(name, result):
                    sweep(hub, name, result.streams, accept_fewer=accept_fewer)
            for stats in result.streams.values():
                result.stats.add(stats)
        hub.flush_calls()
    return done


@contextmanager
def _failing(name: str, result: ConnectionPull) -> Iterator[None]:
    """What a connector raises becomes the connection's error."""
    try:
        yield
    except ConnectorError as e:
        e.connection = name
        result.error = e


def _lane(hub: Hub, name: str, result: ConnectionPull, *, full: bool) -> Lane[_Stream]:
    work: deque[tuple[_Stream, Callable[[], Iterable[Page]]]] = deque()
    for spec in _streams(hub, name):
        try:
            work.append(_begin(hub, name, spec, full=full))
        except MissingScope as e:
            _left_out(hub, name, spec, result, e)
    return Lane(work, hub.connector(name).max_in_flight)


def _wanted(hub: Hub, name: str, spec: StreamSpec) -> bool:
    """Deals are for those who map something of them; the other streams have links, parties or owners to tell."""
    return spec.entity != "deal" or bool(hub.mapping.fields(name, spec.name))


def _streams(hub: Hub, name: str) -> list[StreamSpec]:
    known = {s.name for s in hub.mapping.streams(name)}
    return sorted(
        (s for s in hub.connector(name).streams() if s.name in known and _wanted(hub, name, s)),
        key=lambda s: (_ORDER[s.entity], s.name),
    )


def _begin(hub: Hub, name: str, spec: StreamSpec, *, full: bool) -> tuple[_Stream, Callable[[], Iterable[Page]]]:
    """What to read of a stream, and how to begin."""
    _look_for_new_fields(hub, name, spec.name)
    fields = hub.pull_fields(name, spec.name)
    mark = hub.runs.mark(name, spec.name)
    bookmark = mark.value
    if full or not set(fields) <= mark.fetched:
        bookmark = None  # a newly mapped field is absent on old rows until everything was read again
    since = None if bookmark is None else hub.unchanged_up_to(name, spec)
    known = mark.completed_at is not None
    stream = _Stream(name, spec, fields, hub.clock.now(), since, known)
    connector = hub.connector(name)
    return stream, lambda: connector.pull(spec.name, bookmark, fields)


def _left_out(hub: Hub, name: str, spec: StreamSpec, result: ConnectionPull, e: MissingScope) -> None:
    """A stream that these credentials never read is left out; one that they could read before stops the connection,
    since what the store knows of it grows old. Raises `e` then."""
    if spec.entity not in OPTIONAL or hub.runs.mark(name, spec.name).completed_at is not None:
        raise e
    e.connection = name
    result.left_out[spec.name] = e


def _read(hub: Hub, done: dict[str, ConnectionPull], lanes: dict[str, Lane[_Stream]]) -> None:
    """Store what comes, as it comes."""
    of = {id(lane): done[name] for name, lane in lanes.items()}
    for brought in side_by_side(list(lanes.values()), hub.alive):
        stream, result = brought.key, of[id(brought.lane)]
        stats = result.streams.setdefault(stream.spec.name, PageStats())
        hub.alive()
        if brought.page is not None:
            stats.add(_store_page(hub, stream, brought.page))
            total = brought.page.total
            if brought.page.rows:
                more = f" of {total}" if total and total > stats.pulled else ""
                hub.progress(f"pull {stream.name} {stream.spec.name}: {stats.pulled}{more}")
        elif brought.error is not None:
            with _failing(stream.name, result):
                if not isinstance(brought.error, MissingScope):
                    raise brought.error
                _left_out(hub, stream.name, stream.spec, result, brought.error)
            if result.error is not None:
                brought.lane.stop()


def _look_for_new_fields(hub: Hub, name: str, stream: str) -> None:
    """A changed mapping may name fields that were made in the CRM since it was last described: ask once."""
    ours = {t.remote for t in hub.mapping.targets(name, stream) if t.create}
    wanted = set(hub.mapping.remote_fields(name, stream)) - ours
    if wanted <= {f.name for f in hub.schema(name, stream)}:
        return
    asked = f"described {name} {stream}"
    if hub.runs.setting(asked) != hub.mapping.hash:
        hub.schema(name, stream, fresh=True)
        hub.runs.set_setting(asked, hub.mapping.hash, now=hub.clock.now())


def _store_page(hub: Hub, stream: _Stream, page: Page) -> PageStats:
    with hub.db.write():
        stats = store_rows(
            hub,
            stream.name,
            stream.spec,
            page.rows,
            stream.fields,
            deletions=page.deletions,
            merges=page.merges,
            since=stream.since,
        )
        hub.flush_calls()
        hub.runs.set_mark(
            stream.name,
            stream.spec.name,
            page.bookmark,
            fetched=hub.records.field_set(stream.fields),
            started_at=stream.started,
            done_at=hub.clock.now() if page.done else None,
        )
    return stats
