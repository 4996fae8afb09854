"""Two or three CRMs in memory and a hub on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from connectors.contract import Connector, WriteOp
from core import config
from core.mapping import load_mapping
from core.model import Value
from core.store.db import Db, loads
from jobs.faults import Faults
from jobs.runtime import Hub
from jobs.sync import Report, sync
from tests.jobs.memory import DEAL, FACTS, MINUTE, MemoryCrm, TestClock

NAMES = ("alpha", "beta", "gamma")
#: facts that are mapped unless a test says otherwise
USUAL = ("email", "first_name", "last_name", "phone", "job_title", "city", "opted_out", "crm_stage")
STAGES = ("subscriber", "lead", "mql", "sal", "prospect", "opportunity", "customer", "recycled", "disqualified")

_KINDS = ("page_view", "demo_requested", "quote_requested", "campaign_response", "list_joined", "call", "meeting")

RULES = """
[scoring.fit.chief]
label = "Decides"
when = "person.job_title = 'CEO'"
points = 40
[scoring.engagement.visit]
label = "Visited"
on = "page_view"
points = 10
half_life = "30d"
cap = 100
[scoring.engagement.demo]
label = "Asked for a demo"
on = "demo_requested"
points = 5
[[lifecycle.moves]]
id = "intent"
to = "prospect"
when = "score.fit >= 30 and person.intent in ('demo', 'quote')"
[[lifecycle.moves]]
id = "score"
to = "mql"
when = "score.total >= 60"
"""


class NoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A CRM in memory needs no credentials."""


class MemoryHub(Hub):
    """The hub, its connectors made already."""

    crms: dict[str, MemoryCrm]

    def connector(self, name: str) -> Connector:
        return self.crms[name]


def shipped(name: str) -> str:
    """What the hub knows of the CRM in memory called `name`."""
    p = name[0] + "_"
    person = "\n".join(f'[fields.{n}]\ncontact = "{p}{n}"\nlead = "{p}{n}"' for n in FACTS if n not in ("nickname",))
    company = "\n".join(f'[fields.{n}]\ncompany = "{p}{n}"' for n in ("name", "domain", "industry", "employees"))
    deal = "\n".join(f'[fields.{n}]\ndeal = "{p}{n}"' for n in DEAL)
    decided = "\n".join(
        f'[targets.{n}]\ncontact = "{p}hub_{n}"\nlead = "{p}hub_{n}"'
        for n in ("stage", "score", "band", "grade", "why")
    )
    kinds = "\n".join(f"{k} = {k!r}" for k in _KINDS)
    stages = "\n".join(f"{s} = {s!r}" for s in STAGES)
    return f"""
kind = "{name}"
label = "{name}"
form = "native"
[streams.contacts]
entity = "person"
alias = "contact"
key = "{p}hub_id"
[streams.leads]
entity = "person"
alias = "lead"
order = 1
[streams.companies]
entity = "company"
alias = "company"
[streams.deals]
entity = "deal"
alias = "deal"
cross_ids = {{ {p}twin = "{"beta" if name == "alpha" else "alpha"}.deals" }}
[streams.users]
entity = "owner"
alias = "user"
owner = {{ name = "{p}full_name", email = "{p}address" }}
[streams.events]
entity = "activity"
alias = "event"
[streams.events.activity]
kind = false
occurred_at = "{p}when"
title = "{p}title"
[streams.events.activity.kinds]
field = "{p}what"
[streams.events.activity.kinds.table]
{kinds}
{person.replace(f"[fields.owner_email]{chr(10)}", f"[fields.owner_email]{chr(10)}owner = true{chr(10)}")}
{company}
{deal}
{decided}
[options.crm_stage]
{stages}
[options.stage]
{stages}
"""


def mapping_text(
    names: Iterable[str],
    facts: Iterable[str] = USUAL,
    *,
    wins: dict[str, str] | None = None,
    place: dict[str, str] | None = None,
    decisions: Iterable[str] = ("stage", "score", "band", "why"),
    more: str = "",
) -> str:
    """mapping.toml. `wins`: field -> TOML value; `place`: "field.connection" -> the whole inline table."""
    wins, place = wins or {}, place or {}
    lines: list[str] = []
    for f in facts:
        lines.append(f"[fields.{f}]")
        if f in wins:
            lines.append(f"wins = {wins[f]}")
        way = "pull" if f in ("crm_stage", "owner_email", *DEAL) else "both"
        lines += [f"{n} = " + place.get(f"{f}.{n}", f'{{ direction = "{way}" }}') for n in names]
    for d in decisions:
        lines.append(f"[fields.{d}]")
        lines += [f'{n} = {{ direction = "push", create = true }}' for n in names]
    return "\n".join(lines) + "\n" + more


def config_text(
    names: Iterable[str], *, mode: str = "live", rollout: str = "", rules: str = RULES, connections: str = ""
) -> str:
    """config.toml."""
    made = "".join(f'[connections.{n}]\nkind = "{n}"\n' for n in names)
    touch = "" if "never_touch" in rollout else 'never_touch = ""\n'
    return f'[hub]\nregion = "FR"\n{made}{connections}[rollout]\nmode = "{mode}"\n{touch}{rollout}\n{rules}'


@dataclass
class World:
    """CRMs, a store and the hub that is open on them now."""

    clock: TestClock
    crms: dict[str, MemoryCrm]
    db: Db
    folder: Path
    hub: MemoryHub = field(init=False)

    def open(self, config_: str = "", mapping: str = "") -> MemoryHub:
        """Open the hub anew, with another configuration or mapping."""
        names = list(self.crms)
        file = self.folder / "config.toml"
        file.write_text(config_ or config_text(names), encoding="utf-8")
        settings, problems = config.load(file, dict.fromkeys(names, NoSettings), deep=False)
        assert settings is not None, problems
        tables, found = load_mapping(
            mapping or mapping_text(names), "mapping.toml", {n: shipped(n) for n in names}, settings.kinds
        )
        assert tables is not None, found
        self.hub = MemoryHub(settings, tables, self.db, self.clock, Faults(None), lambda _text: None)
        self.hub.crms = self.crms
        return self.hub

    def __getattr__(self, name: str) -> MemoryCrm:
        if name in NAMES:
            return self.crms[name]
        raise AttributeError(name)

    def approve(self) -> None:
        """What `push --plan` does once for each connection."""
        for n in self.crms:
            self.hub.runs.approve(n, n, "test", now=self.clock.now())

    def sync(self, times: int = 1, *, wait: int = 10 * MINUTE) -> Report:
        """Time passes, then a sync; the last report."""
        for _ in range(times):
            self.clock.pass_(wait)
            report = sync(self.hub)
        return report

    def settle(self) -> Report:
        """Sync until nothing is planned, at most three more times; it must be so then."""
        for _ in range(3):
            report = self.sync()
            if report.plan is not None and report.plan.ops == 0:
                return report
        assert report.plan is not None
        assert report.plan.ops == 0, list(self.hub.outbox.items(report.plan.id or 0))
        return report

    # ---- looking

    def person(self, who: str) -> dict[str, Value]:
        """Canonical values of a person by e-mail or id."""
        found = self.hub.entities.find_person(who)
        assert found is not None
        return self.hub.entities.load("person", [found])[found].values

    def id_of(self, crm: str, remote_id: str, stream: str = "contacts") -> int:
        """The person that a record belongs to."""
        found = self.db.value(
            "SELECT entity_id FROM record WHERE connection = ? AND stream = ? AND remote_id = ?",
            (crm, stream, remote_id),
        )
        assert found is not None
        return int(found)

    def conflicts(self, *kinds: str) -> list[tuple[str, str, list[Value]]]:
        """(field, kind, candidate values sorted) of open conflicts, without the noted ones unless asked for."""
        return sorted(
            (r["field"], r["kind"], sorted((c["value"] for c in loads(r["candidates"])), key=str))
            for r in self.db.rows("SELECT field, kind, candidates FROM conflict WHERE closed_at IS NULL")
            if r["kind"] in (kinds or ("edit", "adoption"))
        )

    def changes(self, name: str) -> list[tuple[Value, Value, str]]:
        """(old, new, source) of one canonical field, oldest first."""
        return [
            (r["old"], r["new"], r["source"])
            for r in self.db.rows("SELECT old, new, source FROM change WHERE field = ? ORDER BY id", (name,))
        ]

    def forget_writes(self) -> None:
        """Count pushes from here."""
        for crm in self.crms.values():
            crm.pushed.clear()

    def pushes(self, name: str | None = None) -> int:
        """Ops that reached any CRM, all or those with a field."""
        return sum(crm.writes(name) for crm in self.crms.values())

    def ops(self) -> list[WriteOp]:
        return [op for crm in self.crms.values() for _, op in crm.pushed]

    def stage(self, person: int) -> Any:
        return self.hub.scores.stages([person])[person]


def make_world(folder: Path, *names: str, confirms: bool = True, approved: bool = True, **given: str) -> World:
    """CRMs called `names` (default alpha, beta). `given`: config_ and mapping texts."""
    clock = TestClock()
    crms = {n: MemoryCrm(n, clock, confirms=confirms) for n in names or NAMES[:2]}
    world = World(clock, crms, Db(":memory:"), folder)
    world.open(**given)
    if approved:
        world.approve()
    return world
