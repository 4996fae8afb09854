"""The least possible number of calls, from the documented page and batch sizes."""

from typing import Any

from crmhub.sandbox.salesforce.collections_api import MAX_RECORDS, MAX_RETRIEVED
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.query_api import LARGEST_PAGE

PULLED = ("Account", "Contact", "Event", "Lead", "Opportunity", "Task", "User", "Group")
_THOUSAND = 1000


def least_calls(org: OrgState) -> dict[str, Any]:
    """Calls per kind of work for what is there now.

    first_pull: per object, pages of 2,000 of everything that queryAll returns, deletions and merges included, so
    no sweep is needed. idle: one query per object. per_1000_*: collections of 200 records, with one guard read
    per 2,000. describe and token: one each.
    """
    page = min(LARGEST_PAGE, org.settings.page_size)
    writes = _pages(_THOUSAND, MAX_RECORDS)
    return {
        "first_pull": {name: _pages(len(org.tables[name]), page) for name in PULLED},
        "idle": dict.fromkeys(PULLED, 1),
        "deletion_sweep": dict.fromkeys(PULLED, 0),
        "per_1000_updates": {"guard_read": _pages(_THOUSAND, MAX_RETRIEVED), "update": writes},
        "per_1000_creates": {"create": writes},
        "describe": dict.fromkeys(PULLED, 1),
        "token": 1,
    }


def _pages(rows: int, size: int) -> int:
    """Calls to read or write so many rows; nothing is also one call."""
    return max(1, -(-rows // size))
