"""resolve: records -> people, companies and deals. Who is who first, then what is true of them.

Works through the records that changed, in batches; each batch is one transaction, so a killed resolve goes on where
it stopped. Companies come first: people are attached to them, and deals to both.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.model import Entity
from jobs.linking import Linker
from jobs.merging import Merger
from jobs.readings import changed_readings, remember_readings
from jobs.resolving import BATCH, Context, Resolved
from jobs.runtime import Hub

_ORDER: tuple[Entity, ...] = ("company", "person", "deal")


def resolve(hub: Hub) -> Resolved:
    """Resolve every record that changed since the last time."""
    done = Resolved()
    with hub.lease("decisions"):
        with hub.db.write():
            hub.records.clean(hub.records.dirty("owner", 1_000_000))
            reread = changed_readings(hub)
            for name, stream in sorted({(n, s) for n, s, _ in reread}):
                hub.records.soil(name, stream)
        for entity in _ORDER:
            context = Context(hub, entity, done, reread)
            while ids := hub.records.dirty(entity, BATCH):
                hub.alive()
                with hub.db.write():
                    _batch(context, ids)
                done.records += len(ids)
                hub.progress(f"resolve {entity}: {done.records} records")
        with hub.db.write():
            hub.activities.attach()
            hub.links.close_reviews(at=hub.clock.now())
        remember_readings(hub)
    return done


def _batch(c: Context, ids: Sequence[int]) -> None:
    """Some changed records: who they are, then what is true of whom they belong to (inside a write)."""
    records = c.hub.records.by_id(ids)
    foreign = [i for i, r in records.items() if (r.connection, r.stream) not in c.streams]
    c.hub.records.clean(foreign)  # of a connection that is switched off: keeps its link, has no vote
    mine = {i: r for i, r in records.items() if i not in foreign}
    if not mine:
        return
    c.now = c.hub.clock.now()
    linker, merger = Linker(c), Merger(c)
    fresh = linker.link(mine)
    touched = sorted({e for e in c.hub.links.entities(list(mine)).values() if e is not None})
    merger.merge(touched)
    if c.entity == "company":
        c.hub.companies.wake_people_of(touched, fresh, list(mine))
    if c.entity == "deal":
        deals = [*touched, *linker.moved]
        c.hub.deals.wake(merger.changed, merger.turned)
        c.done.deals += len(touched)
    else:
        people = [*touched, *linker.moved] if c.entity == "person" else []
        deals = c.hub.deals.touched(list(mine), people, c.deal_streams)
    for at in range(0, len(deals), BATCH):
        c.hub.deals.attach(deals[at : at + BATCH], c.position)
