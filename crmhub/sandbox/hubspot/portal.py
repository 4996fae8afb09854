"""The portal: tables, associations, owners and switches that all handlers share."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.hubspot.errors import invalid
from crmhub.sandbox.hubspot.kinds import ALIASES, KINDS
from crmhub.sandbox.hubspot.links import Links
from crmhub.sandbox.hubspot.records import Actor, Record, Table
from crmhub.sandbox.hubspot.schema import iso
from crmhub.sandbox.hubspot.seed import QUEUE_OWNER, Seed, owner_id
from crmhub.sandbox.hubspot.tables import read_table
from crmhub.sandbox.vendor import ControlError, Options
from crmhub.sandbox.world import World

PORTAL = 26_500_113
APP = "4711001"
UI_USER = 7_000_001
API = Actor("INTEGRATION", APP)
DAY = 86_400_000


@dataclass(slots=True)
class Switches:
    """What `POST /settings` can change: facts marked unsure, limits and lags."""

    merge_mode: str = "new_id"
    """new_id | keep_primary"""
    index_lag: float = 3.0
    """Seconds until a write is searchable, at the most."""
    limits: bool = True
    burst_limit: int = 190
    """Calls per 10 s and token."""
    search_limit: int = 5
    """Searches per second and account."""
    daily_limit: int = 650_000
    daily_used: int = 0
    retry_after: str = "sometimes"
    """Whether 429 answers carry Retry-After: always | sometimes | never"""
    token_life: int = 1800
    """Seconds an OAuth access token lives."""
    revoked: bool = False
    """True: the private app token and the refresh token are refused."""
    scopes: list[str] = field(default_factory=list)
    """Granted scopes; empty: all."""
    null_clears: bool = True
    """Whether JSON null clears a value (else it changes nothing)."""
    stage_forward_only: bool = True
    same_value_stamps: bool = False
    """Whether writing the value that is already there moves the modification time."""
    activity_stamps: bool = True
    """Whether a new association moves the contact's modification time."""
    rewrite: dict[str, str] = field(default_factory=dict)
    """property -> trim | lower | upper | e164 | round: what HubSpot makes of written values."""
    required: dict[str, list[str]] = field(default_factory=dict)
    """object -> properties that 2026-09 demands on create"""


_CHOICES = {
    "merge_mode": ("new_id", "keep_primary"),
    "retry_after": ("always", "sometimes", "never"),
}
REWRITES = ("trim", "lower", "upper", "e164", "round")


class Owner(NamedTuple):
    id: str
    email: str | None
    first: str
    last: str
    user_id: int | None
    type: str
    archived: bool


class Portal:
    """One HubSpot account with the seeded records."""

    def __init__(self, world: World, clock: Clock, options: Options) -> None:
        self.clock = clock
        self.switches = Switches(limits=options.limits)
        if options.lag is not None:
            self.switches.index_lag = options.lag
        self.seed = seed = Seed(world)
        computed = {"contacts": seed.contact_props, "companies": seed.company_props}
        self.tables: dict[str, Table] = {
            name: Table(kind, read_table(kind.table, kind.group), computed.get(name, seed.activity_props))
            for name, kind in KINDS.items()
        }
        self.tables["contacts"].seeded(seed.contacts())
        self.tables["companies"].seeded(seed.companies())
        for kind in ("call", "meeting", "email", "note", "task"):
            self.tables[f"{kind}s"].seeded(seed.activities(kind))
        self.tables["contacts"].unique["email"] = seed.emails
        self.blocked_emails: set[str] = set()
        self.links = Links(seed, self.tables)
        self.owners = _owners(world)
        self.owner_ids = {owner.id for owner in self.owners}
        self.submissions: dict[str, list[dict[str, Any]]] = {}

    def now(self) -> int:
        return self.clock.now()

    def table(self, text: str) -> Table:
        """The table of `contacts`, `contact` or `0-1`; raises 400 for anything else."""
        name = ALIASES.get(text.lower())
        if name is None:
            raise invalid(f"Unable to infer object type from: {text}")
        return self.tables[name]

    def value(self, table: Table, record: Record, name: str) -> str | None:
        """One property as it is now, computed ones included."""
        computed = self.computed(table, record)
        return computed[name] if name in computed else table.props(record).get(name)

    def computed(self, table: Table, record: Record) -> dict[str, str | None]:
        """Properties that follow from other rows."""
        found: dict[str, str | None] = dict(table.stamps(record))
        if table.kind.name == "contacts":
            found["associatedcompanyid"] = self.links.primary_company(record.id)
        elif table.kind.name == "companies":
            found["num_associated_contacts"] = str(len(self.links.get("companies", record.id, "contacts")))
        return found

    def shape(
        self, table: Table, record: Record, wanted: list[str] | None = None, history: list[str] | None = None
    ) -> dict[str, Any]:
        """The JSON of a record. Unknown names are left out, known but unset ones are null."""
        props = table.props(record)
        special = table.stamps(record)
        names = [name for name in wanted if name in table.properties] if wanted else table.kind.defaults
        found: dict[str, str | None] = {name: special[name] if name in special else props.get(name) for name in names}
        if wanted:
            for name in table.kind.defaults:
                if name in special:
                    found.setdefault(name, special[name])
            for name in ("associatedcompanyid", "num_associated_contacts"):
                if name in found:
                    found[name] = self.value(table, record, name)
        shaped: dict[str, Any] = {
            "id": str(record.id),
            "properties": found,
            "createdAt": iso(record.created),
            "updatedAt": iso(record.updated),
            "archived": record.archived_at is not None,
        }
        if record.archived_at is not None:
            shaped["archivedAt"] = iso(record.archived_at)
        if history:
            shaped["propertiesWithHistory"] = {
                name: [
                    {
                        "value": version.value,
                        "timestamp": iso(version.at),
                        "sourceType": version.source_type,
                        "sourceId": version.source_id,
                        **({"updatedByUserId": version.user_id} if version.user_id else {}),
                    }
                    for version in table.versions(record, name)
                ]
                for name in history
                if name in table.properties
            }
        return shaped

    def settings(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Change switches; `stamp` {"object": ..., "at": ms} gives all records of a type one time."""
        stamp = wish.pop("stamp", None)
        known = {one.name: getattr(self.switches, one.name) for one in fields(self.switches)}
        for name, value in wish.items():
            if name not in known:
                raise ControlError(f"no switch {name!r}; known: {', '.join(known)}, stamp")
            if name in _CHOICES and value not in _CHOICES[name]:
                raise ControlError(f"{name} is one of: {', '.join(_CHOICES[name])}")
            wanted = (int, float) if isinstance(known[name], float) else type(known[name])
            if not isinstance(value, wanted) or (isinstance(value, bool) != isinstance(known[name], bool)):
                raise ControlError(f"{name} wants a value like {known[name]!r}")
            if name == "rewrite" and isinstance(value, dict) and not set(value.values()) <= set(REWRITES):
                raise ControlError(f"rewrite knows: {', '.join(REWRITES)}")
        for name, value in wish.items():
            setattr(self.switches, name, value)
        if stamp is not None:
            if not isinstance(stamp, dict) or str(stamp.get("object")) not in ALIASES:
                raise ControlError("stamp wants {object, at}")
            self.table(str(stamp["object"])).stamp_all(int(stamp.get("at", self.now())))
        return asdict(self.switches)


def _owners(world: World) -> list[Owner]:
    people = [
        Owner(
            owner_id(rep.number),
            rep.email,
            rep.first,
            rep.last,
            7_000_100 + rep.number,
            "PERSON",
            not rep.active,
        )
        for rep in world.reps
    ]
    return [*people, Owner(str(QUEUE_OWNER), None, "Inbound", "Queue", None, "QUEUE", False)]
