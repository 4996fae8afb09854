"""The least possible number of calls, from the documented page and batch sizes."""

from typing import Any

from crmhub.sandbox.salesforce.bulk_query import DEFAULT_PAGE, NEXT_STATE
from crmhub.sandbox.salesforce.collections_api import MAX_RECORDS, MAX_RETRIEVED
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.query_api import LARGEST_PAGE

PULLED = ("Account", "CampaignMember", "Contact", "Event", "Lead", "Opportunity", "Task", "User", "Group")
BULK_FROM_PAGES = 25
"""Up to so many pages a query is the quicker way; above them a job costs fewer calls and no time is lost."""
_THOUSAND = 1000


def least_calls(org: OrgState) -> dict[str, Any]:
    """Calls per kind of work for what is there now.

    first_pull: per object, pages of 2,000 of everything that queryAll returns, deletions and merges included, so no
    sweep is needed; above 25 pages a bulk job: made, polled twice, read in pieces of 50,000 rows. Contact roles come
    with their opportunities as child records, campaigns with their members as parents: no calls of their own.
    first_pull_by: the same all by query, and all by job. idle: one query per object, and one for contact roles that
    changed. per_1000_*: collections of 200 records, with one guard read per 2,000; more than 2,000 writes are cheaper
    by ingest jobs (bulk_write: make, upload, close, two polls, two result files). describe and token: one each.
    """
    page = min(LARGEST_PAGE, org.settings.page_size)
    pulled = (*PULLED, "EmailMessage") if org.settings.enhanced_email else PULLED
    rows = {name: len(org.tables[name]) for name in pulled}
    by_query = {name: _pages(count, page) for name, count in rows.items()}
    by_job = {name: 1 + len(NEXT_STATE) + _pages(count, DEFAULT_PAGE) for name, count in rows.items()}
    first = {name: by_job[name] if by_query[name] > BULK_FROM_PAGES else by_query[name] for name in pulled}
    writes = _pages(_THOUSAND, MAX_RECORDS)
    return {
        "first_pull": first | {"OpportunityContactRole": 0, "Campaign": 0},
        "first_pull_by": {"query": by_query, "job": by_job},
        "idle": {**dict.fromkeys(pulled, 1), "OpportunityContactRole": 1},
        "deletion_sweep": dict.fromkeys(pulled, 0),
        "per_1000_changes": {"query": _pages(_THOUSAND, page)},
        "per_1000_updates": {"guard_read": _pages(_THOUSAND, MAX_RETRIEVED), "update": writes},
        "per_1000_creates": {"create": writes},
        "bulk_write": {"job": 3 + len(NEXT_STATE) + 2},
        "describe": dict.fromkeys(pulled, 1),
        "token": 1,
    }


def _pages(rows: int, size: int) -> int:
    """Calls to read or write so many rows; nothing is also one call."""
    return max(1, -(-rows // size))
