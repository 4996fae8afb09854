"""Looking for what a CRM tells nobody of: deletions and restores without a feed, links that moved without a stamp.

    bin     everything in the CRM's recycle bin against what the store holds; each difference is read before it is
            believed, so that neither a stale list nor narrower credentials delete anything
    links   what records point to, read again

Both have their own rhythm, `sweep_every` (a day), and the bin is also read as soon as the CRM counts other than the
store. Their calls come on top of what a pull costs.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.contract import Capability, Link, StreamSpec
from core.store.rows import PageStats
from core.store.sweeps import Sweeps
from jobs import sight
from jobs.pages import link_to, store_rows
from jobs.runtime import Hub

#: what lay in a bin longer is gone for good and not asked for again
BIN_LIFE_MS = 90 * 24 * 3600 * 1000
#: links of activities that are older are history: nobody's score or clock hangs on them
LINKS_OF_ACTIVITIES_MS = 30 * 24 * 3600 * 1000


def sweep(hub: Hub, name: str, stats: dict[str, PageStats], *, accept_fewer: bool = False) -> None:
    """Whatever is due after a pull of a connection; then whether it still shows all there was.

    Raises ConnectorError as a pull does, and Rejected when the credentials show fewer records than before.
    """
    mapped = {s.name for s in hub.mapping.streams(name)}
    for spec in hub.connector(name).streams():
        if spec.name not in mapped or hub.runs.mark(name, spec.name).completed_at is None:
            continue
        Sweep(hub, name, spec, stats.setdefault(spec.name, PageStats())).run(accept_fewer=accept_fewer)


class Sweep:
    """One stream's sweeps."""

    def __init__(self, hub: Hub, name: str, spec: StreamSpec, stats: PageStats) -> None:
        self.hub, self.name, self.spec, self.stats = hub, name, spec, stats
        self.activity = spec.entity == "activity"
        self.store = Sweeps(hub.db)
        self.can = hub.connector(name).capabilities

    def run(self, *, accept_fewer: bool) -> None:
        """The bin and the links when their time has come, the bin also when the figures ask for it.

        A first pull has just seen everything: there is nothing to count against.
        """
        hub = self.hub
        has_bin = Capability.BIN in self.can and self.spec.entity != "owner"
        swept = has_bin and self._due("bin")
        if swept:
            self._bin()
        if self.spec.entity in sight.ENTITIES and hub.runs.mark(self.name, self.spec.name).passes > 1:
            self._count(has_bin and not swept, accept_fewer=accept_fewer)
        if Capability.LINKS_APART in self.can and self.spec.link_batch and self._due("links"):
            self._links()

    # ---- when

    def _due(self, what: str) -> bool:
        """Whether a rhythm has come round; the first pull of a stream has seen everything and starts it."""
        hub, key = self.hub, f"swept {what} {self.name} {self.spec.name}"
        began = hub.runs.setting(key)
        if began is None:
            began = str(hub.runs.mark(self.name, self.spec.name).started_at or hub.clock.now())
            hub.runs.set_setting(key, began, now=hub.clock.now())
        return hub.clock.now() - int(began) >= hub.connection(self.name).sweep_ms

    def _swept(self, what: str, began: int) -> None:
        self.hub.runs.set_setting(f"swept {what} {self.name} {self.spec.name}", str(began), now=self.hub.clock.now())

    # ---- the bin

    def _count(self, has_bin: bool, *, accept_fewer: bool) -> None:
        """Count, and read the bin when the count says that something went or came back."""
        hub, name, stream = self.hub, self.name, self.spec.name
        n = sight.missing(hub, name, self.spec)
        came_back = n < 0 and bool(hub.records.deleted_since(name, stream, hub.clock.now() - BIN_LIFE_MS))
        if has_bin and (n > sight.known(hub, name, stream).looked or came_back):
            before = hub.records.count(name, stream)
            self._bin()
            n -= before - hub.records.count(name, stream)
        sight.judge(hub, name, self.spec, n, accept=accept_fewer)

    def _bin(self) -> None:
        hub, name, stream = self.hub, self.name, self.spec.name
        began = hub.clock.now()
        self.store.empty()
        for part in hub.connector(name).bin(stream):
            hub.alive()
            self.store.fill((d.id, d.at) for d in part)
        doubtful = self.store.news(name, stream, activity=self.activity)
        doubtful += self.store.left(name, stream, began - BIN_LIFE_MS, activity=self.activity)
        for at in range(0, len(doubtful), self.spec.read_batch):
            hub.alive()
            self._believe(doubtful[at : at + self.spec.read_batch])
        self._swept("bin", began)

    def _believe(self, ids: Sequence[str]) -> None:
        """Read records of which bin and store say different things, and store what they are."""
        hub, name, stream = self.hub, self.name, self.spec.name
        fields = hub.pull_fields(name, stream)
        found = hub.connector(name).read(stream, ids, fields)
        links = self._links_of([i for i in found.rows if i in set(ids)])
        for i, row in found.rows.items():
            row.links = links.get(i)
        with hub.db.write():
            self.stats.add(
                store_rows(
                    hub,
                    name,
                    self.spec,
                    list(found.rows.values()),
                    fields,
                    deletions=found.deleted,
                    merges=found.merges,
                )
            )

    # ---- links

    def _links(self) -> None:
        hub, name, stream = self.hub, self.name, self.spec.name
        began = hub.clock.now()
        since = 0 if self.spec.lasting else began - LINKS_OF_ACTIVITIES_MS
        for ids in self.store.live(name, stream, since, self.spec.link_batch, activity=self.activity):
            hub.alive()
            found = self._links_of(ids)
            lost = [i for i in ids if i not in found]
            for at in range(0, len(lost), self.spec.read_batch):
                self._believe(lost[at : at + self.spec.read_batch])
            with hub.db.write():
                told = {i: tuple(link_to(k) for k in links) for i, links in found.items()}
                if self.activity:
                    self.stats.changed += hub.activities.relink(name, stream, told)
                else:
                    self.stats.changed += hub.records.relink(name, stream, told, now=hub.clock.now())
        self._swept("links", began)

    def _links_of(self, ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
        if Capability.LINKS_APART not in self.can or not self.spec.link_batch or not ids:
            return {}
        return self.hub.connector(self.name).links(self.spec.name, ids)
