"""The portal: tables, associations, owners and switches that all handlers share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.hubspot.errors import invalid
from crmhub.sandbox.hubspot.event_log import EventLog
from crmhub.sandbox.hubspot.feed import Feed, Happening
from crmhub.sandbox.hubspot.kinds import ALIASES, KINDS
from crmhub.sandbox.hubspot.labels import Labels
from crmhub.sandbox.hubspot.links import Links
from crmhub.sandbox.hubspot.lists import Lists
from crmhub.sandbox.hubspot.mail_log import MailLog
from crmhub.sandbox.hubspot.owners import owners_of
from crmhub.sandbox.hubspot.records import Actor, Record, Table
from crmhub.sandbox.hubspot.schema import iso
from crmhub.sandbox.hubspot.seed import Seed
from crmhub.sandbox.hubspot.stages import Pipelines, derive
from crmhub.sandbox.hubspot.switches import Switches
from crmhub.sandbox.hubspot.tables import read_table
from crmhub.sandbox.vendor import ControlError, Options
from crmhub.sandbox.world import World, fraction

PORTAL = 26_500_113
APP = "4711001"
UI_USER = 7_000_001
API = Actor("INTEGRATION", APP)
PERSON = Actor("CRM_UI", f"userId:{UI_USER}", UI_USER)
_EMAIL_BODIES = ("hs_email_text", "hs_email_html", "hs_email_headers")
# properties that follow from associations: (object type -> names)
LINKED: dict[str, tuple[str, ...]] = {
    "contacts": ("associatedcompanyid", "num_associated_deals"),
    "companies": ("num_associated_contacts", "num_associated_deals"),
    "deals": ("num_associated_contacts",),
}


class Portal:
    """One HubSpot account with the seeded records."""

    def __init__(self, world: World, clock: Clock, options: Options, number: int = PORTAL) -> None:
        self.id = number
        self.clock = clock
        self.sight = 1.0
        """The share of records that the caller sees; set anew by every request."""
        self.email_bodies = True
        """Whether the caller may read what e-mails say; set anew by every request."""
        self.feed = Feed()
        self.switches = Switches(limits=options.limits)
        if options.lag is not None:
            self.switches.index_lag = options.lag
        self.seed = seed = Seed(world)
        computed = {"contacts": seed.contact_props, "companies": seed.company_props, "deals": seed.deals.props}
        self.tables: dict[str, Table] = {
            name: Table(kind, read_table(kind.table, kind.group), computed.get(name, seed.activity_props))
            for name, kind in KINDS.items()
        }
        self.tables["contacts"].seeded(seed.contacts())
        self.tables["companies"].seeded(seed.companies())
        self.tables["deals"].seeded(seed.deals.rows())
        for kind in ("call", "meeting", "email", "note", "task"):
            self.tables[f"{kind}s"].seeded(seed.activities(kind))
        self.tables["contacts"].unique["email"] = seed.emails
        self.blocked_emails: set[str] = set()
        self.locks: dict[tuple[str, int], int] = {}
        """(object type, id) -> until when writes by API are refused"""
        self.pipelines = Pipelines(self.tables["deals"].properties)
        self.tables["deals"].derive = derive(self.pipelines)
        self.tables["deals"].past = seed.deals.past
        self.labels = Labels()
        self.links = Links(seed, self.tables, self.labels)
        self.mail_log = MailLog(world)
        self.event_log = EventLog(seed, self.tables["contacts"])
        self.custom_events = [f"pe{number}_requested_trial"]
        """Full names of the custom events that exist."""
        self.lists = Lists(world, self.tables)
        self.owners = owners_of(world)
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

    def computed(self, table: Table, record: Record) -> dict[str, str | None]:
        """Properties that follow from other properties and other rows."""
        found: dict[str, str | None] = dict(table.stamps(record))
        for name in LINKED.get(table.kind.name, ()):
            found[name] = self.linked(table, record, name)
        return found

    def linked(self, table: Table, record: Record, name: str) -> str | None:
        """One of the properties in LINKED: it changes with associations, and no stamp moves."""
        if name == "associatedcompanyid":
            return self.links.primary_company(record.id)
        to = "deals" if name == "num_associated_deals" else "contacts"
        count = len(self.links.live(table.kind.name, record.id, to))
        return str(count) if count or table.kind.name != "contacts" else None

    def hidden(self, table: Table) -> Sequence[str]:
        """Properties that tokens do not see (switch hidden_properties)."""
        hidden = self.switches.hidden_properties.get(table.kind.name, ())
        return hidden if self.email_bodies or table.kind.name != "emails" else [*hidden, *_EMAIL_BODIES]

    def readable(self, table: Table, names: Iterable[str]) -> list[str]:
        """Those of these names that are properties and not archived or hidden from the caller."""
        hidden = self.hidden(table)
        known = table.properties
        return [name for name in names if name in known and known[name].archived_at is None and name not in hidden]

    def shape(
        self, table: Table, record: Record, wanted: list[str] | None = None, history: list[str] | None = None
    ) -> dict[str, Any]:
        """The JSON of a record. Unknown names are left out, known but unset ones are null."""
        props = table.props(record)
        special = table.stamps(record)
        names = self.readable(table, wanted if wanted else table.kind.defaults)
        found: dict[str, str | None] = {name: special[name] if name in special else props.get(name) for name in names}
        if wanted:
            for name in table.kind.defaults:
                if name in special:
                    found.setdefault(name, special[name])
            for name in LINKED.get(table.kind.name, ()):
                if name in found:
                    found[name] = self.linked(table, record, name)
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
                for name in self.readable(table, history)
            }
        return shaped

    def settings(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Change switches; `stamp` {"object": ..., "at": ms} gives all records of a type one time."""
        stamp = wish.pop("stamp", None)
        self.switches.change(wish)
        if stamp is not None:
            moment = stamp.get("at", self.now()) if isinstance(stamp, dict) else None
            if not isinstance(moment, int) or str(stamp.get("object")) not in ALIASES:
                raise ControlError("stamp wants {object, at}")
            self.table(str(stamp["object"])).stamp_all(moment)
        return self.switches.as_json()

    def sees(self, record: Record) -> bool:
        """Whether the caller's token sees a record (switch `sight`, or the token's own)."""
        return self.sight >= 1.0 or fraction(record.id, "sight") < self.sight

    def tell(self, verb: str, table: Table, record: Record, actor: Actor, **facts: Any) -> None:
        """Let automations and webhooks know of what has just happened."""
        self.feed.tell(Happening(verb, table.kind.name, record.id, self.now(), actor, facts))
