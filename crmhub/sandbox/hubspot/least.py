"""The least possible number of calls, from HubSpot's documented page and batch sizes."""

from __future__ import annotations

from typing import Any

from crmhub.sandbox.hubspot.account import OWNERS_MAX
from crmhub.sandbox.hubspot.batches import BATCH_MAX
from crmhub.sandbox.hubspot.forms import GUIDS, PAGE_MAX, FormsApi
from crmhub.sandbox.hubspot.objects import LIST_MAX
from crmhub.sandbox.hubspot.portal import Portal

_THOUSAND = 1000


def least(portal: Portal, forms: FormsApi) -> dict[str, Any]:
    """Calls per kind of work for what is there now.

    first_pull: list pages of 100 with associations inline (up to 100 each); owners live and archived; every
    form and its submissions 50 a page. idle: one search per type, owners twice, forms and one page of each.
    deletion_sweep: the whole recycle bin. per_1000_*: batches of 100, with one guard read per update batch.
    """
    live = {
        name: sum(record.alive for record in table.rows.values()) for name, table in portal.tables.items() if table.rows
    }
    binned = {
        name: sum(record.archived_at is not None for record in table.rows.values())
        for name, table in portal.tables.items()
        if table.rows
    }
    batches = _pages(_THOUSAND, BATCH_MAX)
    return {
        "first_pull": {
            **{name: _pages(count, LIST_MAX) for name, count in live.items()},
            "owners": sum(
                _pages(sum(owner.archived == archived for owner in portal.owners), OWNERS_MAX)
                for archived in (False, True)
            ),
            "forms": 1 + sum(_pages(forms.count(kind), PAGE_MAX) for kind in GUIDS),
        },
        "idle": {**dict.fromkeys(live, 1), "owners": 2, "forms": 1 + len(GUIDS)},
        "deletion_sweep": {name: _pages(count, LIST_MAX) for name, count in binned.items()},
        "per_1000_updates": {"guard_read": batches, "update": batches},
        "per_1000_creates": {"create": batches},
        "properties": dict.fromkeys(live, 1),
    }


def _pages(rows: int, size: int) -> int:
    """Calls to read or write so many rows; nothing is also one call."""
    return max(1, -(-rows // size))
