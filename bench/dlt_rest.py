"""One pull by dlt: its built-in REST API source into its SQLAlchemy destination, on SQLite.

Runs in dlt's own virtual environment, by path, and so imports nothing of ours.

python dlt_rest.py --url URL --folder DIR --names a,b,c --disposition append|merge [--since MS]
"""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

#: nobody is told of the run, and nothing but the pull is measured
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
os.environ.setdefault("RUNTIME__LOG_LEVEL", "WARNING")

import dlt
from dlt.sources.rest_api import rest_api_source

STORE = "dlt.db"


def whole(names: list[str]) -> dict[str, Any]:
    """The list endpoint: every contact."""
    return {
        "path": "crm/v3/objects/contacts",
        "params": {"limit": 100, "properties": ",".join(names)},
        "data_selector": "results",
        "paginator": {"type": "cursor", "cursor_path": "paging.next.after", "cursor_param": "after"},
    }


def edited(names: list[str], since: int) -> dict[str, Any]:
    """The search endpoint with dlt's incremental cursor: what was edited since the last time."""
    return {
        "path": "crm/v3/objects/contacts/search",
        "method": "POST",
        "json": {
            "filterGroups": [
                {
                    "filters": [
                        {
                            "propertyName": "lastmodifieddate",
                            "operator": "GTE",
                            "value": "{incremental.start_value}",
                        }
                    ]
                }
            ],
            "properties": names,
            "limit": 200,
        },
        "data_selector": "results",
        "paginator": {"type": "cursor", "cursor_path": "paging.next.after", "cursor_body_path": "after"},
        "incremental": {"cursor_path": "properties.lastmodifieddate", "initial_value": iso(since)},
    }


def iso(ms: int) -> str:
    """ISO 8601 as HubSpot writes it, so that the cursor compares with what comes."""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--names", required=True)
    arguments.add_argument("--disposition", choices=("append", "merge"), required=True)
    arguments.add_argument("--since", type=int)
    given = arguments.parse_args()
    names = given.names.split(",")
    resource = {
        "name": "contacts" if given.since is None else "contacts_edited",
        "table_name": "contacts",
        "primary_key": "id",
        "write_disposition": given.disposition,
        "endpoint": whole(names) if given.since is None else edited(names, given.since),
    }
    source = rest_api_source({"client": {"base_url": given.url}, "resources": [resource]}, name="hubspot")
    pipeline = dlt.pipeline(
        pipeline_name="contacts",
        pipelines_dir=str(given.folder / "pipelines"),
        destination=dlt.destinations.sqlalchemy(f"sqlite:///{given.folder / STORE}"),
        dataset_name="main",
    )
    pipeline.run(source).raise_on_failed_jobs()


if __name__ == "__main__":
    main()
