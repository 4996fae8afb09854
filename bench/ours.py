"""One pull by the hub itself: what `crmhub pull` does, on a configuration of one HubSpot connection.

python -m bench.ours --url URL --folder DIR        DIR keeps configuration and store between pulls
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path

from bench.people import mapping_toml
from jobs.runtime import Hub, open_hub
from jobs.sync import sync

STORE = "crmhub.db"
#: records read at once when canonical values are derived, as resolve does
BATCH = 500


def write_config(folder: Path, url: str) -> Path:
    """config.toml and mapping.toml in `folder`, as a user would have them."""
    config = folder / "config.toml"
    config.write_text(
        f'[hub]\nstore = "{STORE}"\nmapping = "mapping.toml"\n\n'
        f'[connections.hubspot]\nkind = "hubspot"\naccess_token = "none-needed"\nbase_url = "{url}"\n',
        encoding="utf-8",
    )
    (folder / "mapping.toml").write_text(mapping_toml(), encoding="utf-8")
    return config


def derive(hub: Hub) -> int:
    """Canonical values of every changed person through the mapping, as resolve reads them; how many records."""
    owners = {remote_id: str(v.get("email")) for _, remote_id, v in hub.records.owner_emails("hubspot")}
    ids = hub.records.dirty("person", 100_000_000)
    for at in range(0, len(ids), BATCH):
        for record in hub.records.by_id(ids[at : at + BATCH]).values():
            hub.mapping.canonical(record.connection, record.stream, record.remote, owners)
    with hub.db.write():
        hub.records.clean(ids)
    return len(ids)


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--derive", action="store_true", help="canonical values as well, which resolve derives")
    given = arguments.parse_args()
    with closing(open_hub(write_config(given.folder, given.url))) as hub:
        report = sync(hub, steps=("pull",))
        for error in report.errors:
            print(error, file=sys.stderr)
        if given.derive:
            derive(hub)
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
