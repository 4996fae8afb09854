"""pull: what the CRMs show -> records and activities, page by page; each page is committed with its bookmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.contract import ConnectorError, Page, Rejected, Row, StreamSpec
from core.errors import Refused
from core.model import ActivityKind
from core.store.activities import Happening
from core.store.rows import PageStats, Seen
from jobs.runtime import Hub
from jobs.told import CHECK_FAILED

#: owners first (records name them), then companies, people, and what happened to them
_ORDER = {"owner": 0, "company": 1, "person": 2, "activity": 3}


@dataclass(slots=True)
class ConnectionPull:
    """What a pull of one connection did. `error` is set when it could not be finished."""

    stats: PageStats = field(default_factory=PageStats)
    streams: dict[str, PageStats] = field(default_factory=dict)
    error: ConnectorError | None = None


def pull(hub: Hub, names: Sequence[str] = (), *, full: bool = False) -> dict[str, ConnectionPull]:
    """Pull every stream of the connections; a CRM that fails does not stop the others."""
    done: dict[str, ConnectionPull] = {}
    for name in hub.names(names):
        done[name] = result = ConnectionPull()
        with hub.lease(f"connection {name}"):
            try:
                _pin_account(hub, name)
                for spec in _streams(hub, name):
                    result.streams[spec.name] = stats = PageStats()
                    try:
                        _pull_stream(hub, name, spec, stats, full=full)
                    finally:
                        result.stats.add(stats)
            except ConnectorError as e:
                e.connection = name
                result.error = e
        hub.flush_calls()
    return done


def _streams(hub: Hub, name: str) -> list[StreamSpec]:
    known = {s.name for s in hub.mapping.streams(name)}
    return sorted(
        (s for s in hub.connector(name).streams() if s.name in known),
        key=lambda s: (_ORDER[s.entity], s.name),
    )


def _pin_account(hub: Hub, name: str) -> None:
    """Know whose data this is: asked at the first contact and once a day. Raises Refused for another account."""
    kept = hub.runs.connection(name)
    now = hub.clock.now()
    if kept is not None and kept["checked_at"] is not None and now - kept["checked_at"] < 24 * 3600 * 1000:
        return
    report = hub.connector(name).check()
    fatal = [p for p in report.problems if p.fatal]
    if fatal:
        raise Rejected(CHECK_FAILED, fatal[0].text, fatal[0].remedy)
    if kept is not None and kept["account_id"] not in (None, report.account_id):
        raise Refused(
            f"the credentials of {name!r} now open account {report.account_id} ({report.account}), "
            f"but the store holds account {kept['account_id']} ({kept['account']})",
            "give the old account's credentials back, or use another store for the new account",
        )
    hub.runs.pin_account(name, hub.connection(name).kind, report.account_id, report.account, report.user, now=now)


def _pull_stream(hub: Hub, name: str, spec: StreamSpec, stats: PageStats, *, full: bool) -> None:
    connector = hub.connector(name)
    _look_for_new_fields(hub, name, spec.name)
    fields = hub.pull_fields(name, spec.name)
    mark = hub.runs.mark(name, spec.name)
    bookmark = mark.value
    if full or not set(fields) <= mark.fetched:
        bookmark = None  # a newly mapped field is absent on old rows until everything was read again
    started = hub.clock.now()
    since = None if bookmark is None else hub.unchanged_up_to(name, spec)
    label = f"{name} {spec.name}"
    for page in connector.pull(spec.name, bookmark, fields):
        hub.alive()
        stats.add(_store_page(hub, name, spec, page, fields, started, since))
        if page.rows:
            of = f" of {page.total}" if page.total and page.total > stats.pulled else ""
            hub.progress(f"pull {label}: {stats.pulled}{of}")


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


def _store_page(
    hub: Hub, name: str, spec: StreamSpec, page: Page, fields: Sequence[str], started: int, since: int | None
) -> PageStats:
    now = hub.clock.now()
    with hub.db.write():
        fetched = hub.records.field_set(fields)
        gone = [(d.id, d.at) for d in page.deletions]
        if spec.entity == "activity":
            happenings = _happenings(hub, name, spec, page.rows, now)
            stats = hub.activities.store(name, spec.name, happenings, now=now)
            stats.pulled = len(page.rows)
            stats.deleted = hub.activities.mark_deleted(name, spec.name, gone, now=now)
        else:
            rows = [seen_from(r) for r in page.rows]
            absorbed = frozenset(m.old_id for m in page.merges)
            stats = hub.records.store(
                name, spec.name, spec.entity, rows, fetched=fetched, now=now, since=since, absorbed=absorbed
            )
            stats.deleted = hub.records.mark_deleted(name, spec.name, gone, now=now)
            merges = [(m.old_id, m.new_id, m.new_stream) for m in page.merges]
            moved = hub.records.mark_merged(name, spec.name, merges, now=now)
            stats.changed += min(moved, len(absorbed - {r.id for r in page.rows}))  # a shown one is counted already
            if spec.entity == "owner":
                _store_owners(hub, name, spec.name, page.rows)
        hub.runs.set_mark(
            name,
            spec.name,
            page.bookmark,
            fetched=fetched,
            started_at=started,
            done_at=now if page.done else None,
        )
    return stats


def seen_from(r: Row) -> Seen:
    """A connector's row in the store's words."""
    links = None if r.links is None else tuple((link.stream, link.id, link.primary) for link in r.links)
    return Seen(r.id, r.values, r.modified_at, r.created_at, r.actor, links, r.read_only)


def _happenings(hub: Hub, name: str, spec: StreamSpec, rows: Sequence[Row], now: int) -> list[Happening]:
    """Rows as activities in our words; what is no activity of ours is left out, what is unreadable is parked."""
    found = []
    for r in rows:
        facts = hub.mapping.activity(name, spec.name, r.values)
        if facts is None:
            continue
        parties: tuple[tuple[str, str], ...] | None = None
        if r.links is not None:
            parties = tuple((link.stream, link.id) for link in r.links)
        if facts.email:
            parties = (*(parties or ()), ("email", facts.email))
        happened = facts.happened(now)
        if happened and facts.occurred_at is None and facts.kind not in (ActivityKind.TASK, ActivityKind.NOTE):
            hub.runs.dead_letter(
                "pull",
                name,
                spec.name,
                r.id,
                r.values,
                f"a {facts.kind} without a time",
                "set its time in the CRM; it is read again when it changes",
                now=now,
                run=hub.run,
            )
        found.append(
            Happening(
                r.id,
                facts.kind,
                r.actor,
                facts.occurred_at,
                happened,
                facts.title,
                facts.direction,
                facts.outcome,
                r.values,
                r.modified_at,
                parties,
            )
        )
    return found


def _store_owners(hub: Hub, name: str, stream: str, rows: Sequence[Row]) -> None:
    """Reps of all connections are one by e-mail."""
    owners = []
    for r in rows:
        facts = hub.mapping.owner(name, stream, r.values)
        if facts is not None and facts.email:
            owners.append((facts.email.lower(), facts.name, int(facts.queue), int(facts.active)))
    hub.entities.save_owners(owners)
