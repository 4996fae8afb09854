"""The least possible number of calls, from HubSpot's documented page and batch sizes."""

from __future__ import annotations

from typing import Any

from crmhub.sandbox.hubspot import associations, lists_api
from crmhub.sandbox.hubspot.account import OWNERS_MAX
from crmhub.sandbox.hubspot.batches import BATCH_MAX
from crmhub.sandbox.hubspot.forms import GUIDS, PAGE_MAX, FormsApi
from crmhub.sandbox.hubspot.mails_api import EVENTS_MAX
from crmhub.sandbox.hubspot.objects import LIST_MAX
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.search import PAGE_MAX as SEARCH_MAX

_THOUSAND = 1000
_COUNTED = 200_000
"""With more contacts than this, marketing's streams are not counted: it would take minutes."""
_INLINE: dict[str, tuple[str, ...]] = {"contacts": ("companies",), "companies": (), "deals": ("contacts", "companies")}
"""The associations that a pull asks for inline; of activities it is their contacts."""


def least(portal: Portal, forms: FormsApi) -> dict[str, Any]:
    """Calls per kind of work for what is there now.

    first_pull: list pages of 100 with associations inline, and for a record with more of them than fit 500 a call for
    the rest; owners live and archived; every form and its submissions 50 a page; the labels of deals' contacts, which
    are not told inline, 1,000 deals a call; lists and their members; page views account-wide; e-mail events.
    idle: one search per type, owners twice, forms and one page of each, one call for each other stream.
    mail_events: per type, for those who ask for some types only. deletion_sweep: the whole recycle bin.
    link_sweep: the associations of every record anew, 1,000 records a call. per_1000_changes: what a pull takes that
    finds so many. per_1000_updates and so on: batches of 100, with one guard read per update batch.
    """
    now = portal.now()
    used = {name: table for name, table in portal.tables.items() if table.rows}
    live = {name: sum(record.alive for record in table.rows.values()) for name, table in used.items()}
    for table in used.values():
        table.empty_bin(now)
    batches = _pages(_THOUSAND, BATCH_MAX)
    marketing, by_type = _marketing(portal) if len(portal.tables["contacts"].ids) <= _COUNTED else ({}, {})
    return {
        "first_pull": {
            **{name: _pages(count, LIST_MAX) + _cut(portal, name) for name, count in live.items()},
            "owners": sum(
                _pages(sum(owner.archived == archived for owner in portal.owners), OWNERS_MAX)
                for archived in (False, True)
            ),
            "forms": 1 + sum(_pages(forms.count(kind), PAGE_MAX) for kind in GUIDS),
            "pipelines": 1,
            "deal_roles": _pages(live.get("deals", 0), associations.READ_MAX),
            **marketing,
        },
        "idle": {
            **dict.fromkeys(live, 1),
            "owners": 2,
            "forms": 1 + len(GUIDS),
            **dict.fromkeys(("pipelines", "lists", "page_views", "mail_events"), 1),
        },
        "mail_events": by_type,
        "deletion_sweep": {name: _pages(len(table.bin), LIST_MAX) for name, table in used.items()},
        "link_sweep": {name: _pages(count, associations.READ_MAX) for name, count in live.items()},
        "per_1000_changes": {
            "search": _pages(_THOUSAND, SEARCH_MAX),
            "associations": _pages(_THOUSAND, associations.READ_MAX),
        },
        "per_1000_updates": {"guard_read": batches, "update": batches},
        "per_1000_creates": {"create": batches},
        "per_1000_links": {"create": _pages(_THOUSAND, associations.CREATE_MAX)},
        "per_1000_list_changes": {"add_and_remove": _pages(_THOUSAND, lists_api.CHANGE_MAX)},
        "properties": dict.fromkeys(live, 1),
    }


def _marketing(portal: Portal) -> tuple[dict[str, int], dict[str, int]]:
    """A first pull of lists, their members, page views and e-mail events; and of e-mail events by type."""
    kept = portal.lists.live(portal.now())
    mails = portal.mail_log.sizes()
    streams = {
        "lists": _pages(len(kept), lists_api.SEARCH_MAX),
        "list_members": sum(_pages(len(portal.lists.members(one)), lists_api.PAGE_MAX) for one in kept),
        "page_views": _pages(portal.event_log.count(), portal.switches.event_page_max),
        "mail_events": _pages(sum(mails.values()), EVENTS_MAX),
    }
    return streams, {kind: _pages(count, EVENTS_MAX) for kind, count in sorted(mails.items())}


def _cut(portal: Portal, kind: str) -> int:
    """Further calls for the associations that do not fit inline."""
    most = portal.switches.inline_associations
    extra = 0
    for to in _INLINE.get(kind, ("contacts",)):
        for rest in portal.links.many(kind, to, most):
            extra += _pages(rest, associations.PAGE_MAX)
    return extra


def _pages(rows: int, size: int) -> int:
    """Calls to read or write so many rows; nothing is also one call."""
    return max(1, -(-rows // size))
