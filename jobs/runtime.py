"""The composition root: configuration, store, clock and connectors. Only here do core and connectors meet."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from secrets import token_hex
from typing import Any

from connectors.contract import (
    Capability,
    Clock,
    Connector,
    FieldRequest,
    Option,
    RemoteField,
    StreamSpec,
    Surroundings,
)
from connectors.registry import Kind, kinds
from core import config, sla
from core.config_files import read_text
from core.config_structs import Connection, Settings
from core.errors import ConfigInvalid, ConfigProblem, LeaseHeld, Refused
from core.mapping import Mapping, load_mapping
from core.mapping_declared import declared_fields
from core.mapping_structs import StreamMap
from core.store.activities import Activities
from core.store.companies import Companies
from core.store.db import Db
from core.store.deals import Deals
from core.store.entities import Entities
from core.store.links import Links
from core.store.outbox import Outbox
from core.store.records import Records
from core.store.rows import StoredRecord
from core.store.runs import Runs
from core.store.scores import Scores
from jobs.clock import ControlClock, SystemClock, real_ms
from jobs.faults import Faults
from jobs.ledger import StoreLedger
from jobs.secrets import TokenFile

#: a second process waits this long for a lease before it says who holds it (s)
LEASE_WAIT_S = 30.0
#: how often a holder gives a sign of life (s)
BEAT_S = 10.0
SCHEMA_LIFE_MS = 24 * 3600 * 1000

Progress = Callable[[str], None]


class Hub:
    """Everything a job needs. Open with `open_hub`, close after use."""

    def __init__(
        self, settings: Settings, mapping: Mapping, db: Db, clock: Clock, faults: Faults, progress: Progress
    ) -> None:
        self.settings, self.mapping, self.db, self.clock = settings, mapping, db, clock
        self.progress = progress
        self.records, self.links, self.entities = Records(db), Links(db), Entities(db)
        self.companies, self.deals = Companies(db), Deals(db)
        self.activities, self.scores, self.outbox, self.runs = (
            Activities(db),
            Scores(db),
            Outbox(db),
            Runs(db),
        )
        self.config_hash = config.config_hash(settings, mapping.hash)
        self.run: int | None = None
        self._faults = faults
        self._kinds = kinds()
        self._connectors: dict[str, Connector] = {}
        self._ledgers: dict[str, StoreLedger] = {}
        self._tokens = TokenFile(Path(db.path))
        self._holder = f"process {os.getpid()} on {socket.gethostname()}"
        self._last_beat = 0.0
        self._mapped: dict[tuple[str, str], frozenset[str]] = {}

    # ---- connections

    def names(self, wanted: Sequence[str] = ()) -> list[str]:
        """Enabled connections, all or the wanted ones. Raises Refused for an unknown name."""
        known = [c.name for c in self.settings.connections.values() if c.enabled]
        for name in wanted:
            if name not in known:
                raise Refused(f"no connection {name!r} in {self.settings.file}", f"known: {', '.join(known)}")
        return [n for n in known if not wanted or n in wanted]

    def connection(self, name: str) -> Connection:
        return self.settings.connections[name]

    def kind(self, name: str) -> Kind:
        return self._kinds[self.connection(name).kind]

    def connector(self, name: str) -> Connector:
        """The connector of a connection, built when first asked for."""
        if name not in self._connectors:
            conn = self.connection(name)
            ledger = StoreLedger(self.runs, name, now=self.clock.now())
            self._ledgers[name] = ledger
            self._connectors[name] = self.kind(name).build(
                conn.settings,
                Surroundings(
                    name,
                    self.clock,
                    ledger,
                    self._tokens.of(name),
                    self._faults.wire,
                    conn.budget.daily,
                    conn.budget.reserve,
                    conn.sweep_ms // 1000,
                ),
            )
        return self._connectors[name]

    def spec(self, name: str, stream: str) -> StreamSpec:
        return next(s for s in self.connector(name).streams() if s.name == stream)

    def unchanged_up_to(self, name: str, spec: StreamSpec) -> int | None:
        """ms up to which records of a stream are as stored, by the last complete pull; None before the first."""
        began = self.runs.mark(name, spec.name).started_at
        return None if began is None else began - spec.overlap_s * 1000

    def calls(self, name: str) -> int:
        """HTTP calls of this process to a connection."""
        return self._ledgers[name].made if name in self._ledgers else 0

    def flush_calls(self) -> None:
        """Write counted calls to the store."""
        if any(ledger.pending for ledger in self._ledgers.values()):
            with self.db.write():
                for ledger in self._ledgers.values():
                    ledger.flush(self.clock.now())

    # ---- what rules need to know

    def calendar(self) -> sla.Calendar:
        """The business calendar of the configuration."""
        c = self.settings.calendar
        opens, _, closes = c.hours.partition("-")
        days = [("mon", "tue", "wed", "thu", "fri", "sat", "sun").index(d) for d in c.days]
        return sla.Calendar.weekly(self.settings.hub.timezone, opens, closes, days=days, holidays=c.holidays)

    def live_from(self) -> int:
        """ms from which events start clocks: as configured, else the hub's first run."""
        given = self.settings.live_from_ms
        return given if given is not None else self.runs.first_run(self.clock.now())

    def store_id(self) -> str:
        """A short name of this store, part of the keys of records that it creates."""
        found = self.runs.setting("store_id")
        if found is None:
            found = token_hex(4)
            self.runs.set_setting("store_id", found, now=self.clock.now())
        return found

    def made_by_us(self, record: StoredRecord) -> bool:
        """Whether a push of this store created the record: it carries our key."""
        key = self.mapping.stream(record.connection, record.stream).key_field
        return key is not None and str(record.remote.get(key) or "").startswith(f"{self.store_id()}-")

    # ---- live schema

    def schema(self, name: str, stream: str, *, fresh: bool = False) -> tuple[RemoteField, ...]:
        """The fields of a stream as the CRM describes them, asked at most once a day."""
        kept = self.runs.schema(name, stream)
        if kept is not None and not fresh and self.clock.now() - kept[1] < SCHEMA_LIFE_MS:
            return tuple(field_from(f) for f in kept[0])
        found = self.connector(name).describe(stream)
        self.runs.save_schema(name, stream, [field_to(f) for f in found], now=self.clock.now())
        self._bound = None
        return found

    def known_schema(self, name: str, stream: str) -> dict[str, RemoteField]:
        """The fields of a stream as last described, by name in small letters; asks nobody."""
        kept = self.runs.schema(name, stream)
        return {} if kept is None else {f["name"].lower(): field_from(f) for f in kept[0]}

    def describe_soon(self, name: str, stream: str, *, within_ms: int = 0) -> None:
        """Something speaks against the description that we have: ask again at the next chance after `within_ms`."""
        self.runs.age_schema(name, stream, self.clock.now() - SCHEMA_LIFE_MS + within_ms)

    _bound: Mapping | None = None

    def bound_mapping(self) -> Mapping:
        """The mapping, its targets told what the stored schemas say."""
        if self._bound is None:
            known: dict[tuple[str, str], tuple[RemoteField, ...]] = {}
            for name in self.names():
                for spec in self.mapping.streams(name):
                    kept = self.runs.schema(name, spec.name)
                    if kept is not None:
                        known[name, spec.name] = tuple(field_from(f) for f in kept[0])
            self._bound = self.mapping.bound(known)
        return self._bound

    def pull_fields(self, name: str, stream: str) -> list[str]:
        """The remote fields to ask for: mapped, visible, and the key that creates are made by."""
        seen = {f.name for f in self.schema(name, stream)}
        wanted = list(self.mapping.remote_fields(name, stream))
        key = self.mapping.stream(name, stream).key_field
        if key and key not in wanted:
            wanted.append(key)
        return [f for f in wanted if f in seen]

    def mapped(self, name: str, stream: str) -> frozenset[str]:
        """The remote fields that the mapping names, shown by the CRM or not."""
        key = (name, stream)
        if key not in self._mapped:
            self._mapped[key] = frozenset(self.mapping.remote_fields(name, stream))
        return self._mapped[key]

    def missing_fields(self, name: str, stream: str) -> list[FieldRequest]:
        """Fields that the mapping wants created and the CRM (as last described) does not have."""
        if Capability.ENSURE_FIELDS not in self.connector(name).capabilities:
            return []
        there = {f.name.lower() for f in self.schema(name, stream)}
        wanted = [t for t in self.mapping.targets(name, stream) if t.create and t.remote.lower() not in there]
        requests = [
            FieldRequest(
                t.remote,
                t.field.label,
                _REQUEST_TYPES.get(t.field.type, "text"),
                tuple(Option(v, v.replace("_", " ").capitalize()) for v in t.options.write.values() if v is not None)
                if t.options and t.field.type in ("option", "options")
                else (),
                description="Kept by crmhub; edits here are overwritten.",
            )
            for t in wanted
        ]
        key = self.mapping.stream(name, stream).key_field
        creates = self.connection(name).create is not None and self.create_stream(name).name == stream
        if key and key.lower() not in there and creates:
            requests.append(FieldRequest(key, "CRM hub id", "text", unique=True, description="Key of the CRM hub."))
        return requests

    def create_stream(self, name: str) -> StreamMap:
        """Where people are created: a lead rather than a contact, where a CRM has both."""
        return max((s for s in self.mapping.streams(name) if s.entity == "person"), key=lambda s: s.order)

    # ---- the journal

    @contextmanager
    def journal(self, command: str) -> Iterator[int]:
        """A row in the journal around some work; a run that raises is closed as failed, a killed one by the next."""
        gone = {p for p in self.runs.running_pids() if p is not None and not _lives(p)}
        self.runs.abandon(alive=self.runs.running_pids() - gone, now=self.clock.now())
        self.run = self.runs.start(
            command, now=self.clock.now(), pid=os.getpid(), config_hash=self.config_hash, mapping_hash=self.mapping.hash
        )
        self._closed = False
        try:
            yield self.run
        except BaseException as e:
            with suppress(Exception):  # the first error is the one that counts
                self.runs.finish(self.run, "failed", {"error": str(e)[:500]}, now=self.clock.now())
            raise
        if not self._closed:
            self.close_run("done", {})

    def close_run(self, status: str, summary: dict[str, Any]) -> None:
        """Close the journal row with its figures."""
        if self.run is not None:
            self.runs.finish(self.run, status, summary, now=self.clock.now())
            self._closed = True

    _closed = True

    # ---- leases

    @contextmanager
    def lease(self, *names: str) -> Iterator[None]:
        """Hold leases, waiting up to 30 s for each; freed at the end, taken over from a dead process at once."""
        taken: list[str] = []
        try:
            for name in names:
                self._take(name)
                taken.append(name)
            yield
        finally:
            for name in taken:
                with suppress(Exception):  # the lease may be lost already; the first error is the one that counts
                    self.runs.free_lease(name)

    def _take(self, name: str) -> None:
        deadline = time.monotonic() + LEASE_WAIT_S
        while True:
            try:
                self.runs.take_lease(name, self._holder, real_ms=real_ms())
                return
            except LeaseHeld as e:
                if _is_dead_neighbour(e.holder):
                    self.runs.free_lease(name, holder_gone=e.holder)
                    continue
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.25)

    def alive(self) -> None:
        """A sign of life for our leases; cheap enough to call in every loop."""
        if self.db.fences and time.monotonic() - self._last_beat > BEAT_S:
            self._last_beat = time.monotonic()
            self.runs.beat(list(self.db.fences), real_ms=real_ms())

    def close(self) -> None:
        for c in self._connectors.values():
            c.close()
        with suppress(Exception):  # counting calls must not hide why we stop
            self.flush_calls()
        self.db.close()


# ------------------------------------------------------------------------------------------------ opening


def make_clock() -> Clock:
    """CRMHUB_CLOCK's clock, or real time."""
    url = os.environ.get("CRMHUB_CLOCK")
    return ControlClock(url) if url else SystemClock()


def shipped_mappings() -> dict[str, str]:
    """kind -> text of its shipped mapping."""
    found = {}
    for kind in kinds().values():
        for place in ("mappings", kind.package):
            file = resources.files(place) / f"{kind.name}.toml"
            if file.is_file():
                found[kind.name] = file.read_text(encoding="utf-8")
                break
    return found


def load_settings(
    path: Path, *, deep: bool = False, mapping_text: str | None = None
) -> tuple[Settings | None, Mapping | None, list[ConfigProblem]]:
    """Configuration and mapping with every problem of both; the first two are None when unusable.

    `mapping_text` stands in for the mapping file, before there is one.
    """
    sketch = config.outline(path, kinds())
    text: str | ConfigProblem = mapping_text if mapping_text is not None else ""
    if sketch is not None and mapping_text is None:
        text = read_text(sketch.mapping)
    own = declared_fields(text) if deep and isinstance(text, str) else ()
    settings, problems = config.load(path, {k.name: k.settings() for k in _kinds_used(path)}, deep=deep, custom=own)
    if isinstance(text, ConfigProblem):
        return settings, None, [*problems, text]
    known = settings.kinds if settings is not None else sketch.kinds if sketch is not None else {}
    if not known:
        return settings, None, problems
    file = settings.hub.mapping if settings is not None else sketch.mapping.name if sketch is not None else ""
    mapping, more = load_mapping(text, file, shipped_mappings(), known)
    return settings, mapping, [*problems, *more]


def _kinds_used(path: Path) -> list[Kind]:
    """Only kinds that the file mentions are imported; all of them when it cannot be told."""
    known = kinds()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return list(known.values())
    return [k for k in known.values() if k.name in text] or list(known.values())


def open_hub(path: Path, *, progress: Progress = lambda _text: None, mapping_text: str | None = None) -> Hub:
    """A hub on the configuration at `path`. Raises ConfigInvalid with all problems, StoreBroken."""
    settings, mapping, problems = load_settings(path, mapping_text=mapping_text)
    if settings is None or mapping is None or any(p.fatal for p in problems):
        raise ConfigInvalid([p for p in problems if p.fatal] or problems)
    faults = Faults(os.environ.get("CRMHUB_FAULT"))
    store = Path(settings.directory) / settings.hub.store
    store.parent.mkdir(parents=True, exist_ok=True)
    return Hub(settings, mapping, Db(store, on_commit=faults.commit), make_clock(), faults, progress)


_REQUEST_TYPES: dict[str, Any] = {
    "number": "number",
    "money": "number",
    "bool": "bool",
    "date": "date",
    "datetime": "datetime",
    "option": "option",
    "options": "options",
}


def field_to(f: RemoteField) -> dict[str, Any]:
    """For the store."""
    d = {n: getattr(f, n) for n in RemoteField.__dataclass_fields__ if n != "options"}
    d["options"] = [[o.value, o.label, o.active] for o in f.options]
    return d


def field_from(d: dict[str, Any]) -> RemoteField:
    """Inverse of `field_to`."""
    return RemoteField(**{**d, "options": tuple(Option(*o) for o in d["options"])})


def _is_dead_neighbour(holder: str) -> bool:
    """Whether a lease holder is a process of this machine that no longer runs."""
    words = holder.split()
    if len(words) != 4 or words[3] != socket.gethostname() or not words[1].isdigit():
        return False
    return int(words[1]) == os.getpid() or not _lives(int(words[1]))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
