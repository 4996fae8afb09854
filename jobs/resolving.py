"""What resolving one kind of entity needs to know, the same over all batches."""

from __future__ import annotations

from dataclasses import dataclass

from core.mapping_structs import StreamMap
from core.model import Entity, Value
from core.store.rows import StoredRecord
from jobs.readings import Reading
from jobs.runtime import Hub

BATCH = 500


@dataclass(slots=True)
class Resolved:
    """What a resolve did."""

    records: int = 0
    new_people: int = 0
    joined: int = 0
    reviews: int = 0
    conflicts: int = 0
    changes: int = 0
    deals: int = 0


class Context:
    """One entity kind, its connections, streams and owners; `now` is the time of the batch under way."""

    def __init__(self, hub: Hub, entity: Entity, done: Resolved, reread: frozenset[Reading]) -> None:
        self.hub, self.entity, self.done, self.reread = hub, entity, done, reread
        self.mapping = hub.mapping
        self.region = hub.settings.hub.region
        self.position = {n: i for i, n in enumerate(hub.settings.connections)}
        self.owners = {n: owner_emails(hub, n) for n in hub.names()}
        self.streams: dict[tuple[str, str], StreamMap] = {
            (n, s.name): s for n in hub.names() for s in hub.mapping.streams(n)
        }
        self.deal_streams = {s.name for s in self.streams.values() if s.entity == "deal"}
        self.remote_of = {key: {t.field.name: t for t in hub.mapping.fields(*key)} for key in self.streams}
        self.written = {t.field.name for key in self.streams for t in hub.mapping.targets(*key)}
        self.active: dict[int, int] = {}  # record -> when its latest activity happened
        self.now = hub.clock.now()

    def canonical(self, r: StoredRecord) -> dict[str, Value]:
        return self.mapping.canonical(r.connection, r.stream, r.remote, self.owners.get(r.connection))


def owner_emails(hub: Hub, name: str) -> dict[str, str]:
    """Remote owner id -> e-mail of a connection's reps."""
    found = {}
    for stream, remote_id, row in hub.records.owner_emails(name):
        facts = hub.mapping.owner(name, stream, row)
        if facts is not None and facts.email:
            found[remote_id] = facts.email.lower()
    return found
