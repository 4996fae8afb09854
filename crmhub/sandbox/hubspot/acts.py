"""What people do in HubSpot's screens and no public API offers: `POST /act` on the control port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crmhub.sandbox.hubspot import life, writes
from crmhub.sandbox.hubspot.errors import HubSpotError
from crmhub.sandbox.hubspot.event_log import VISITED
from crmhub.sandbox.hubspot.kinds import ACTIVITIES, ALIASES, LINKS
from crmhub.sandbox.hubspot.mail_log import TYPES
from crmhub.sandbox.hubspot.owners import new_owner
from crmhub.sandbox.hubspot.portal import PERSON, Portal
from crmhub.sandbox.hubspot.records import Actor, Record, Table
from crmhub.sandbox.hubspot.schema import Option, Property, iso
from crmhub.sandbox.vendor import ControlError

Row = dict[str, Any]
_COUNTERS = {
    "OPEN": "hs_email_open",
    "CLICK": "hs_email_click",
    "DELIVERED": "hs_email_delivered",
    "BOUNCE": "hs_email_bounce",
}
FLOOD_MAX = 50_000
Act = Callable[[Row], Row]


class Acts:
    """One method per action; `show` makes the answer of those that end in a record."""

    def __init__(self, portal: Portal, show: Callable[[Table, Record], Row]) -> None:
        self._portal = portal
        self._show = show
        self.known: dict[str, Act] = {
            "archive": self._archive,
            "delete": self._archive,
            "restore": self._restore,
            "gdpr_delete": self._forget,
            "merge": self._merge,
            "associate": self._associate,
            "dissociate": self._dissociate,
            "flood": self._flood,
            "set_options": self._set_options,
            "archive_property": self._archive_property,
            "restore_property": self._restore_property,
            "add_property": self._add_property,
            "add_owner": self._add_owner,
            "archive_owner": self._archive_owner,
            "restore_owner": self._archive_owner,
            "calculate": self._calculate,
            "touch": self._touch,
            "lock": self._lock,
            "mail_event": self._mail_event,
            "page_view": self._page_view,
            "list_join": self._list_change,
            "list_leave": self._list_change,
        }

    def do(self, action: str, wish: Row) -> Row:
        """-> a JSON object; raises ControlError, also for what HubSpot itself would refuse."""
        act = self.known.get(action)
        if act is None:
            raise ControlError(f"no action {action!r}; known: {', '.join(sorted(self.known))}")
        try:
            return act({**wish, "action": action})
        except HubSpotError as problem:
            raise ControlError(problem.message) from problem

    def _archive(self, wish: Row) -> Row:
        table, record = self._one(wish)
        life.archive(self._portal, table, record, PERSON)
        return self._show(table, record)

    def _restore(self, wish: Row) -> Row:
        table = self._table(wish, "object")
        record = table.rows.get(_number(wish, "id"))
        if record is None:
            raise ControlError(f"no {table.kind.singular} {wish['id']}")
        life.restore(self._portal, table, record)
        return self._show(table, record)

    def _forget(self, wish: Row) -> Row:
        table = self._table(wish, "object")
        record = table.find(_number(wish, "id"))
        if record is None:
            raise ControlError(f"no {table.kind.singular} {wish['id']}")
        life.forget(self._portal, table, record, PERSON)
        return self._show(table, record)

    def _merge(self, wish: Row) -> Row:
        """{object, primary, other} -> the survivor."""
        table = self._table(wish, "object")
        primary, other = (writes.live(table, _text(wish, key)) for key in ("primary", "other"))
        return self._show(table, life.merge(self._portal, table, primary, other, PERSON))

    def _associate(self, wish: Row) -> Row:
        """{object, id, to, target, label?}: label is a wording, an internal name or `primary`."""
        ends = self._ends(wish)
        table, record, to, target = ends
        types: list[int] | None = None
        if wish.get("label"):
            types = [self._label(table.kind.name, to.kind.name, str(wish["label"]))]
        held = life.associate(self._portal, ends, types, PERSON)
        return {"from": str(record.id), "to": str(target.id), "types": held}

    def _dissociate(self, wish: Row) -> Row:
        ends = self._ends(wish)
        life.dissociate(self._portal, ends, PERSON)
        return {"from": str(ends[1].id), "to": str(ends[3].id), "types": []}

    def _flood(self, wish: Row) -> Row:
        """{object, id, to, count}: so many new records of type `to` at one record, as a busy account has them."""
        table, record = self._one(wish)
        to, count = self._table(wish, "to"), _number(wish, "count", 1000)
        if (table.kind.name, to.kind.name) not in LINKS:
            raise ControlError(f"{table.kind.name} and {to.kind.name} are never associated")
        if count > FLOOD_MAX:
            raise ControlError(f"count is at most {FLOOD_MAX}")
        made: list[str] = []
        for place in range(count):
            values = self._filler(to, place)
            one = writes.create(self._portal, to, writes.clean(self._portal, to, values, None, by_person=True), PERSON)
            self._portal.links.add(to.kind.name, one.id, table.kind.name, record.id)
            made.append(str(one.id))
        return {"object": to.kind.name, "ids": made}

    def _filler(self, to: Table, place: int) -> Row:
        """The least that a record of this type needs."""
        if to.kind.name in ACTIVITIES:
            return {"hs_timestamp": iso(self._portal.now() - 60_000 * (place + 1))}
        if to.kind.name == "deals":
            return {"dealname": f"Deal {place + 1}", "dealstage": "appointmentscheduled"}
        return {"lastname": f"Person {place + 1}"} if to.kind.name == "contacts" else {"name": f"Company {place + 1}"}

    def _set_options(self, wish: Row) -> Row:
        """{object, property, options: [value or {value, label}]}: the whole new list; held values stay."""
        prop = self._property(wish)
        options: list[Option] = []
        rows = wish.get("options")
        for row in rows if isinstance(rows, list) else []:
            row = row if isinstance(row, dict) else {"value": str(row)}
            value = str(row.get("value"))
            options.append(Option(str(row.get("label") or value), value, len(options), bool(row.get("hidden"))))
        if not options:
            raise ControlError("options is missing")
        prop.options = options
        table = self._table(wish, "object")
        for option in options if prop.name == "lifecyclestage" else []:  # every stage has its date
            name = f"hs_lifecyclestage_{option.value}_date"
            if name not in table.properties:
                label = f"Became a {option.label} date"
                table.properties[name] = Property(name, label, "datetime", "date", table.kind.group, read_only=True)
        return self._changed(prop)

    def _archive_property(self, wish: Row) -> Row:
        """A property out of use: its values are in no answer any more, and come back with it."""
        prop = self._property(wish)
        prop.archived_at = self._portal.now()
        return self._changed(prop)

    def _restore_property(self, wish: Row) -> Row:
        prop = self._property(wish)
        prop.archived_at = None
        return self._changed(prop)

    def _add_property(self, wish: Row) -> Row:
        """{object, name, type?, fieldType?, label?}: a custom property made in the settings."""
        table, name = self._table(wish, "object"), _text(wish, "name")
        if name in table.properties:
            raise ControlError(f"{name} exists")
        now = self._portal.now()
        table.properties[name] = prop = Property(
            name=name,
            label=str(wish.get("label") or name),
            type=str(wish.get("type", "string")),
            field_type=str(wish.get("fieldType", "text")),
            group=table.kind.group,
            hubspot_defined=False,
            created=now,
            updated=now,
        )
        return self._changed(prop)

    def _add_owner(self, wish: Row) -> Row:
        """{email, first?, last?} or {queue: name}: a rep joins, or a queue is made."""
        first, last = (str(wish.get("queue") or wish.get("first") or "New"), str(wish.get("last") or ""))
        email = None if wish.get("queue") else _text(wish, "email")
        made = new_owner(self._portal.owners, email, first, last)
        self._portal.owners.append(made)
        self._portal.owner_ids.add(made.id)
        return made._asdict()

    def _archive_owner(self, wish: Row) -> Row:
        """{id}: a rep leaves (or comes back); records keep their owner."""
        number, archived = _text(wish, "id"), wish["action"] == "archive_owner"
        for place, owner in enumerate(self._portal.owners):
            if owner.id == number:
                self._portal.owners[place] = owner._replace(archived=archived)
                return self._portal.owners[place]._asdict()
        raise ControlError(f"no owner {number}")

    def _calculate(self, wish: Row) -> Row:
        """{object, id, fields}: HubSpot works read-only values out anew; no modification time moves."""
        table, record = self._one(wish)
        fields = wish.get("fields")
        if not isinstance(fields, dict):
            raise ControlError("fields is missing")
        values = writes.clean(self._portal, table, fields, record, by_person=True)
        writes.calculate(self._portal, table, record, values)
        return self._show(table, record)

    def _touch(self, wish: Row) -> Row:
        """{object, id}: something hidden inside HubSpot moves the modification time, and nothing else."""
        table, record = self._one(wish)
        writes.touch(self._portal, table, record)
        return self._show(table, record)

    def _lock(self, wish: Row) -> Row:
        """{object, id, seconds}: other writes keep a record busy, so that writes by API are refused with 423."""
        table, record = self._one(wish)
        until = self._portal.now() + 1000 * _number(wish, "seconds", 2)
        self._portal.locks[table.kind.name, record.id] = until
        return {"id": str(record.id), "until": until}

    def _mail_event(self, wish: Row) -> Row:
        """{email, type: OPEN | CLICK | ..., mail?: number, url?}: something a marketing e-mail does now."""
        portal = self._portal
        email, kind, mails = _text(wish, "email"), _text(wish, "type"), portal.seed.world.mails
        place = _number(wish, "mail", len(mails)) - 1
        if kind not in TYPES or not 0 <= place < len(mails):
            raise ControlError(f"type is one of {', '.join(TYPES)}; mail is 1 to {len(mails)}")
        mail = mails[place]
        url = str(wish.get("url") or (mail.links[0] if kind == "CLICK" else ""))
        entry = portal.mail_log.add(portal.now(), kind, mail, email, url)
        table = portal.tables["contacts"]
        contact, counter = writes.by_property(table, "email", email), _COUNTERS.get(kind)
        if contact is not None and counter is not None:
            count = int(table.props(contact).get(counter, "0")) + 1
            values = {counter: str(count)}
            if kind in ("OPEN", "CLICK"):
                values[f"hs_email_last_{kind.lower()}_date"] = iso(portal.now())
            writes.update(portal, table, contact, values, Actor("EMAIL", f"emailCampaignId:{mail.number}"))
        if contact is not None and kind == "STATUSCHANGE":
            writes.update(portal, table, contact, {"hs_email_optout": "true"}, Actor("EMAIL", "unsubscribe"))
        return {"id": entry.id, "created": entry.at}

    def _page_view(self, wish: Row) -> Row:
        """{id, url, title?}: a contact looks at a page now."""
        portal, table = self._portal, self._portal.tables["contacts"]
        contact, url = writes.live(table, _text(wish, "id")), _text(wish, "url")
        properties = {"hs_url": url, "hs_title": str(wish.get("title", "")), "hs_visit_source": "DIRECT_TRAFFIC"}
        made = portal.event_log.add(portal.now(), VISITED, contact.id, properties)
        count = int(table.props(contact).get("hs_analytics_num_page_views", "0")) + 1
        values = {
            "hs_analytics_num_page_views": str(count),
            "hs_analytics_last_timestamp": iso(portal.now()),
            "hs_analytics_last_url": url,
        }
        writes.update(portal, table, contact, values, Actor("ANALYTICS", "ContactAnalyticsDetailsUpdateWorker"))
        return {"id": made.id, "occurredAt": iso(made.at)}

    def _list_change(self, wish: Row) -> Row:
        """{list, id}: a record joins or leaves a list, as when a dynamic list is worked out anew."""
        lists, number = self._portal.lists, _text(wish, "list")
        one = lists.all.get(int(number)) if number.isdecimal() else None
        if one is None:
            raise ControlError(f"no list {number}; there are: {', '.join(map(str, lists.all))}")
        record = writes.live(self._portal.table(one.type_id), _text(wish, "id"))
        change = lists.join if wish["action"] == "list_join" else lists.leave
        return {"list": one.id, "id": str(record.id), "changed": change(one, record.id, self._portal.now())}

    def _changed(self, prop: Property) -> Row:
        prop.updated = self._portal.now()
        for table in self._portal.tables.values():
            table.version += 1
        return prop.as_json()

    def _property(self, wish: Row) -> Property:
        table, name = self._table(wish, "object"), _text(wish, "property")
        if name not in table.properties:
            raise ControlError(f"{table.kind.name} have no property {name}")
        return table.properties[name]

    def _label(self, kind: str, to: str, text: str) -> int:
        if text.lower() == "primary" and LINKS[kind, to][1]:
            return LINKS[kind, to][1]
        found = self._portal.labels.named(kind, to, text)
        if found is None:
            raise ControlError(f"no label {text!r} from {kind} to {to}")
        return found.type_id

    def _ends(self, wish: Row) -> life.Ends:
        table, record = self._one(wish)
        to = self._table(wish, "to")
        if (table.kind.name, to.kind.name) not in LINKS:
            raise ControlError(f"{table.kind.name} and {to.kind.name} are never associated")
        return table, record, to, writes.live(to, _text(wish, "target"))

    def _one(self, wish: Row) -> tuple[Table, Record]:
        table = self._table(wish, "object")
        return table, writes.live(table, _text(wish, "id"))

    def _table(self, wish: Row, key: str) -> Table:
        name = str(wish.get(key))
        if name not in ALIASES:
            raise ControlError(f"{key} {name!r} is none of: {', '.join(self._portal.tables)}")
        return self._portal.tables[ALIASES[name]]


def _text(wish: Row, key: str) -> str:
    value = wish.get(key)
    if not isinstance(value, str | int) or value == "":
        raise ControlError(f"{key} is missing")
    return str(value)


def _number(wish: Row, key: str, default: int | None = None) -> int:
    """A whole number of 0 or more."""
    if default is not None and key not in wish:
        return default
    text = _text(wish, key)
    if not text.isdecimal():
        raise ControlError(f"{key} {text!r} is no whole number")
    return int(text)
