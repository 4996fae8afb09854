"""What a connector shows, in the store's words: rows as records and activities, with deletions and merges."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.contract import Deletion, Link, Merge, Row, StreamSpec
from core.model import ActivityKind
from core.store.activities import Happening
from core.store.rows import LinkTo, PageStats, Seen
from jobs.runtime import Hub


def store_rows(
    hub: Hub,
    name: str,
    spec: StreamSpec,
    rows: Sequence[Row],
    fields: Sequence[str],
    *,
    deletions: Sequence[Deletion] = (),
    merges: Sequence[Merge] = (),
    since: int | None = None,
) -> PageStats:
    """Rows of one stream with what went with them (inside a write). Doing it again changes nothing.

    `since`: ms up to which a record that was not seen to change was unchanged.
    """
    now = hub.clock.now()
    gone = [(d.id, d.at) for d in deletions]
    if spec.entity == "activity":
        stats = hub.activities.store(name, spec.name, _happenings(hub, name, spec, rows, now), now=now)
        stats.pulled = len(rows)
        stats.deleted = hub.activities.mark_deleted(name, spec.name, gone, now=now)
        return stats
    fetched = hub.records.field_set(fields)
    absorbed = frozenset(m.old_id for m in merges)
    seen = [seen_from(r) for r in rows]
    stats = hub.records.store(
        name,
        spec.name,
        spec.entity,
        seen,
        fetched=fetched,
        now=now,
        since=since,
        absorbed=absorbed,
        hideable=hub.mapped(name, spec.name),
    )
    stats.deleted = hub.records.mark_deleted(name, spec.name, gone, now=now)
    moved = hub.records.mark_merged(name, spec.name, [(m.old_id, m.new_id, m.new_stream) for m in merges], now=now)
    stats.changed += min(moved, len(absorbed - {r.id for r in rows}))  # a shown one is counted already
    if spec.entity == "owner":
        _store_owners(hub, name, spec.name, rows)
    return stats


def seen_from(r: Row) -> Seen:
    """A connector's row in the store's words."""
    links = None if r.links is None else tuple(link_to(link) for link in r.links)
    return Seen(r.id, r.values, r.modified_at, r.created_at, r.actor, links, r.read_only)


def link_to(link: Link) -> LinkTo:
    """A connector's link in the store's words."""
    return link.stream, link.id, link.primary, link.role


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
