"""The least possible number of calls, from the documented page and batch sizes."""

from typing import Any

from crmhub.sandbox.salesforce.collections_api import MAX_RECORDS, MAX_RETRIEVED
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.query_api import LARGEST_PAGE

PULLED = ("Account", "Contact", "Event", "Lead", "Opportunity", "Task", "User", "Group")


def least_calls(org: OrgState) -> dict[str, Any]:
    """`pull_full`: per object, all rows a queryAll returns in pages of 2,000. The others are batch sizes.

    An incremental pull without changes costs one query per object; an update costs one collection call for
    200 records, and its guard one retrieve for 2,000.
    """
    page = min(LARGEST_PAGE, org.settings.page_size)
    pull = {name: max(1, -(-len(org.tables[name]) // page)) for name in PULLED}
    return {
        "pull_full": pull,
        "pull_idle": dict.fromkeys(PULLED, 1),
        "page": page,
        "write_batch": MAX_RECORDS,
        "read_batch": MAX_RETRIEVED,
        "describe": 1,
        "token": 1,
    }
