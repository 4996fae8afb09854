"""What a record points to, told from the fields that every query of its stream asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.contract import Link
from connectors.salesforce.ids import full_id, stream_of

Record = dict[str, Any]
Links = tuple[Link, ...]
#: an activity is about one of these
_WHAT = frozenset({"accounts", "opportunities"})
_PEOPLE = frozenset({"leads", "contacts"})


def no_links(_record: Record) -> Links:
    """Of streams whose records point to nothing that is read."""
    return ()


def _account(record: Record) -> Links:
    account = record.get("AccountId")
    return (Link("accounts", full_id(account), primary=True),) if account else ()


def _activity(record: Record) -> Links:
    """Who (a lead or a contact) and, where it is an account or an opportunity, what the activity is about."""
    return (*_reference(record, "WhoId", _PEOPLE, primary=True), *_reference(record, "WhatId", _WHAT))


def _reference(record: Record, field: str, streams: frozenset[str], *, primary: bool = False) -> Links:
    target = record.get(field)
    stream = stream_of(target) if target else None
    return (Link(stream, full_id(target), primary),) if stream in streams and target and stream else ()


def _member(record: Record) -> Links:
    """The contact; a lead only until it is converted: from then on the member keeps both."""
    contact, lead = record.get("ContactId"), record.get("LeadId")
    if contact:
        return (Link("contacts", full_id(contact), primary=True),)
    return (Link("leads", full_id(lead), primary=True),) if lead else ()


def _message(record: Record) -> Links:
    """The person by address: who wrote an incoming message, who got an outgoing one."""
    text = record.get("FromAddress") if record.get("Incoming") else record.get("ToAddress")
    addresses = dict.fromkeys(a.strip().lower() for a in str(text or "").split(";"))
    people = tuple(Link("email", a) for a in addresses if "@" in a)
    return (*people, *_reference(record, "RelatedToId", _WHAT))


def _opportunity(record: Record) -> Links:
    """The account, and each contact once: with its primary role, else the first one by name."""
    roles = (record.get("OpportunityContactRoles") or {}).get("records", ())
    told: dict[str, Link] = {}
    for role in sorted(roles, key=lambda r: (not r.get("IsPrimary"), str(r.get("Role") or ""))):
        if role.get("ContactId"):
            contact = full_id(role["ContactId"])
            told.setdefault(contact, Link("contacts", contact, bool(role.get("IsPrimary")), role.get("Role")))
    return (*_account(record), *told.values())


LINKS: dict[str, Callable[[Record], Links]] = {
    "contacts": _account,
    "opportunities": _opportunity,
    "tasks": _activity,
    "events": _activity,
    "campaign_members": _member,
    "email_messages": _message,
}
