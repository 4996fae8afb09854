"""Life and death of records: the recycle bin, privacy deletes, merges, new and lost associations."""

from __future__ import annotations

from crmhub.sandbox.hubspot.errors import HubSpotError, invalid
from crmhub.sandbox.hubspot.kinds import ACTIVITIES, PRIMARY
from crmhub.sandbox.hubspot.portal import API, PERSON, Portal
from crmhub.sandbox.hubspot.records import Actor, Pending, Record, Table
from crmhub.sandbox.hubspot.writes import by_property, claim, identifying, more_emails, release, touch

MERGE_LIMIT = 250
Ends = tuple[Table, Record, Table, Record]
"""Both ends of an association."""


def archive(portal: Portal, table: Table, record: Record, actor: Actor = API) -> None:
    """To the recycle bin for 90 days; the modification time does not move."""
    if not record.alive:
        return
    release(table, record)
    table.archive(record, portal.now())
    portal.tell("deletion", table, record, actor)


def restore(portal: Portal, table: Table, record: Record, actor: Actor = PERSON) -> None:
    """Out of the recycle bin, associations included. By default no time stamp moves, so search by time misses it."""
    table.empty_bin(portal.now())
    if record.id not in table.bin:
        raise invalid(f"{table.kind.singular} {record.id} is not in the recycle bin")
    props = table.props(record)
    for name in ("email", *table.unique):
        holder = by_property(table, name, props[name]) if name in props and identifying(table, name) else None
        if holder is not None:
            raise HubSpotError(409, "CONFLICT", f"{name} {props[name]} is held by {holder.id} now")
    table.restore(record, portal.switches.index_lag, portal.now())
    claim(table, record)
    if portal.switches.restore_stamps:
        touch(portal, table, record)
    portal.tell("restore", table, record, actor)


def forget(portal: Portal, table: Table, record: Record, actor: Actor = API) -> None:
    """GDPR delete: no trace in the archive, and the address cannot come back."""
    props = table.props(record)
    portal.blocked_emails.update(email for email in (props.get("email"), *more_emails(props)) if email)
    if record.alive:
        table.drop(record)
        release(table, record)
    table.bin.pop(record.id, None)
    portal.links.drop(table.kind.name, record.id)
    record.forget()
    portal.tell("privacyDeletion", table, record, actor)


def merge(portal: Portal, table: Table, primary: Record, other: Record, actor: Actor = API) -> Record:
    """Two become one: under a new id, or under the primary's (switch merge_mode)."""
    if primary is other:
        raise invalid("Cannot merge an object with itself")
    merged = _identities(table, primary) + _identities(table, other)
    if len(set(merged)) > MERGE_LIMIT:
        raise HubSpotError(400, "VALIDATION_ERROR", "Cannot have more than 250 identities on one record")
    now = portal.now()
    first, second = dict(table.props(primary)), dict(table.props(other))
    values = {**second, **first}
    emails = [email for email in (second.get("email"), *more_emails(second), *more_emails(first)) if email]
    for record in (primary, other):
        table.drop(record)
        release(table, record)
    if portal.switches.merge_mode == "new_id":
        survivor = Record(table.next_id(), min(primary.created, other.created), now)
        table.add(survivor, portal.switches.index_lag, now)
        primary.merged_into = survivor.id
    else:
        survivor = primary
        survivor.updated = now
        table.pending.setdefault(survivor.id, Pending(now, None))
        table.after_write(survivor, portal.switches.index_lag, now)
    other.merged_into = survivor.id
    values["hs_merged_object_ids"] = ";".join(str(number) for number in dict.fromkeys(merged))
    if table.kind.name == "contacts":
        values["hs_calculated_merged_vids"] = f"{other.id}:{now}"
        extra = [email for email in dict.fromkeys(emails) if email != values.get("email")]
        values["hs_additional_emails"] = ";".join(extra)
    survivor.props = {name: value for name, value in values.items() if value}
    survivor.history = dict(primary.history or {})
    claim(table, survivor)
    for record in (primary, other):
        portal.links.move(table.kind.name, record.id, survivor.id)
    table.version += 1
    moved = sum(name not in first for name in second)
    portal.tell("merge", table, survivor, actor, primary=primary.id, merged=[primary.id, other.id], moved=moved)
    return survivor


def associate(portal: Portal, ends: Ends, types: list[int] | None = None, actor: Actor = API) -> list[int]:
    """Tie two records; -> the type ids of this direction. By default neither end is stamped."""
    table, record, to, target = ends
    before = set(portal.links.get(table.kind.name, record.id, to.kind.name).get(target.id, ()))
    held = portal.links.add(table.kind.name, record.id, to.kind.name, target.id, types)
    if set(held) != before:
        _stamp(portal, ends, new=True)
        _tell(portal, ends, held, actor, removed=False)
    return held


def dissociate(portal: Portal, ends: Ends, actor: Actor = API) -> None:
    """Untie two records, labels included."""
    table, record, to, target = ends
    held = portal.links.get(table.kind.name, record.id, to.kind.name).get(target.id, [])
    if portal.links.remove(table.kind.name, record.id, to.kind.name, target.id):
        _stamp(portal, ends, new=False)
        _tell(portal, ends, held, actor, removed=True)


def _stamp(portal: Portal, ends: Ends, new: bool) -> None:
    """A logged activity moves a contact's time; what else does is unsure (switches)."""
    table, record, to, target = ends
    switches = portal.switches
    for mine, one, other in ((table, record, to), (to, target, table)):
        logged = new and mine.kind.name == "contacts" and other.kind.name in ACTIVITIES
        if switches.link_stamps or (logged and switches.activity_stamps):
            touch(portal, mine, one)
        else:
            mine.version += 1  # numbers of associated records may have changed


def _tell(portal: Portal, ends: Ends, types: list[int], actor: Actor, removed: bool) -> None:
    table, record, to, target = ends
    back = [portal.labels.mirror(one) for one in types]
    for mine, one, other, another, held in ((table, record, to, target, types), (to, target, table, record, back)):
        portal.tell("associationChange", mine, one, actor, to=other.kind.name, target=another.id, types=held,
                    removed=removed, primary=bool(PRIMARY & set(held)))  # fmt: skip


def _identities(table: Table, record: Record) -> list[int]:
    held = table.props(record).get("hs_merged_object_ids", "")
    return [record.id, *(int(part) for part in held.split(";") if part)]
