"""The object types of the simulated portal, as one table; a new type is one row and one property table."""

from __future__ import annotations

from dataclasses import dataclass

from crmhub.sandbox.hubspot import tables


@dataclass(frozen=True, slots=True)
class Kind:
    """One object type. `modified` is the property that moves with every write."""

    name: str
    singular: str
    type_id: str
    table: str
    group: str
    group_label: str
    modified: str
    defaults: tuple[str, ...]
    first_id: int
    needed: tuple[str, ...]
    """At least one of these on create."""
    scope: str
    """Scopes are crm.objects.<scope>.read and .write."""
    demanded: tuple[str, ...] = ()
    """All of these on create."""


_ACTIVITY = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")


def _activity(name: str, singular: str, type_id: str, table: str, first_id: int) -> Kind:
    return Kind(
        name, singular, type_id, table, f"{singular}", f"{singular.capitalize()} information",
        "hs_lastmodifieddate", _ACTIVITY, first_id, ("hs_timestamp",), "contacts",
    )  # fmt: skip


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "contacts", "contact", "0-1", tables.CONTACTS, "contactinformation", "Contact information",
            "lastmodifieddate",
            ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
            150_000_000_000, ("email", "firstname", "lastname"), "contacts",
        ),
        Kind(
            "companies", "company", "0-2", tables.COMPANIES, "companyinformation", "Company information",
            "hs_lastmodifieddate", ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
            24_000_000_000, ("name", "domain"), "companies",
        ),
        Kind(
            "deals", "deal", "0-3", tables.DEALS, "dealinformation", "Deal information",
            "hs_lastmodifieddate",
            ("amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate",
             "hs_object_id", "pipeline"),
            31_000_000_000, ("dealname",), "deals", ("dealname", "dealstage"),
        ),
        _activity("calls", "call", "0-48", tables.CALLS, 62_000_000_000),
        _activity("emails", "email", "0-49", tables.EMAILS, 64_000_000_000),
        _activity("meetings", "meeting", "0-47", tables.MEETINGS, 66_000_000_000),
        _activity("notes", "note", "0-46", tables.NOTES, 68_000_000_000),
        _activity("tasks", "task", "0-27", tables.TASKS, 70_000_000_000),
    )
}  # fmt: skip
ACTIVITIES = frozenset(("calls", "emails", "meetings", "notes", "tasks"))
ALIASES: dict[str, str] = {
    alias: kind.name for kind in KINDS.values() for alias in (kind.name, kind.singular, kind.type_id)
}
STEP = 7
"""Seeded ids are first_id + STEP * record number: gaps, as in a real portal."""

# (from, to) -> (plain type id, primary type id or 0)
LINKS: dict[tuple[str, str], tuple[int, int]] = {
    ("contacts", "companies"): (279, 1), ("companies", "contacts"): (280, 2),
    ("deals", "contacts"): (3, 0), ("contacts", "deals"): (4, 0),
    ("deals", "companies"): (341, 5), ("companies", "deals"): (342, 6),
    ("calls", "contacts"): (194, 0), ("calls", "companies"): (182, 0), ("calls", "deals"): (206, 0),
    ("emails", "contacts"): (198, 0), ("emails", "companies"): (186, 0), ("emails", "deals"): (210, 0),
    ("meetings", "contacts"): (200, 0), ("meetings", "companies"): (188, 0), ("meetings", "deals"): (212, 0),
    ("notes", "contacts"): (202, 0), ("notes", "companies"): (190, 0), ("notes", "deals"): (214, 0),
    ("tasks", "contacts"): (204, 0), ("tasks", "companies"): (192, 0), ("tasks", "deals"): (216, 0),
    ("contacts", "calls"): (193, 0), ("contacts", "emails"): (197, 0), ("contacts", "meetings"): (199, 0),
    ("contacts", "notes"): (201, 0), ("contacts", "tasks"): (203, 0),
    ("companies", "calls"): (181, 0), ("companies", "emails"): (185, 0), ("companies", "meetings"): (187, 0),
    ("companies", "notes"): (189, 0), ("companies", "tasks"): (191, 0),
    ("deals", "calls"): (205, 0), ("deals", "emails"): (209, 0), ("deals", "meetings"): (211, 0),
    ("deals", "notes"): (213, 0), ("deals", "tasks"): (215, 0),
}  # fmt: skip
PRIMARY = frozenset(primary for _, primary in LINKS.values() if primary)
