"""What `--hostile` switches on beside the faults of `faults.HOSTILE`: a mean but survivable world."""

from __future__ import annotations

from typing import Any

# one clock behind the hub's and one ahead: whoever trusts their own clock misses rows of the one that is behind
SKEW_MS: dict[str, int] = {"hubspot": -20_000, "salesforce": 30_000}
SWITCHES: dict[str, Any] = {
    "webhook_lost": 0.05,
    "webhook_repeated": 0.10,
    "webhook_late": 0.15,
    "native_sync": True,
}
LAGS = ("index_lag", "lag")
"""What the command line's --lag decides."""
VENDORS: dict[str, dict[str, Any]] = {
    "hubspot": {
        # rows that search shows long after their stamp
        "index_lag": 12.0,
        "rewrite": {"phone": "e164", "jobtitle": "trim"},
        "workflows": [{"object": "contacts", "when": "jobtitle", "set": {"hs_lead_status": "IN_PROGRESS"}}],
    },
    "salesforce": {
        # edits by people are seen this long after their stamp, as when a long transaction ends
        "lag": 8.0,
        "workflows": [{"object": "Lead", "field": "Title", "set": {"Rating": "Warm"}}],
    },
}
