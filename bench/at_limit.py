"""How close a first pull keeps to the vendors' limits and to the least number of calls.

`python -m bench.at_limit --people 50000` starts a sandbox with its real limits, runs `crmhub pull` on an empty store
and prints, per CRM: calls, the least that they could have been (`/calls/least`), answers of 429, and the share of the
time in which nine tenths of a rate limit were in use. It measures calls, not CPU: the sandbox is no benchmark.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests

#: kinds of the least calls that a first pull with the shipped mapping makes
PARTS = "first_pull"


def main() -> None:
    """Run once and print one line per CRM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--latency", type=int, default=0, help="real ms that every answer takes")
    parser.add_argument("--rate", type=float, default=1.0, help="how fast the sandbox's clock runs")
    given = parser.parse_args()
    command = [sys.executable, "-m", "crmhub.sandbox", "--people", str(given.people), "--seed", str(given.seed)]
    command += ["--rate", str(given.rate)]
    if given.latency:
        command += ["--latency", str(given.latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        try:
            ready = json.loads(sandbox.stdout.readline())
            with tempfile.TemporaryDirectory() as folder:
                rehearse(ready["control"], Path(folder), list(ready["connections"]))
        finally:
            sandbox.terminate()


def rehearse(control: str, folder: Path, vendors: list[str]) -> None:
    """init, pull, and what the sandbox counted."""
    env = {**os.environ, "CRMHUB_CLOCK": f"{control}/clock"}

    def hub(*words: str) -> str:
        code = "from crmhub.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, *words], cwd=folder, env=env, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    hub("init", "--sandbox", control)
    requests.delete(f"{control}/calls", timeout=60).raise_for_status()
    began = time.monotonic()
    print(hub("pull"), end="")
    print(f"pulled in {time.monotonic() - began:.1f} s")
    counted: list[dict[str, Any]] = requests.get(f"{control}/calls", timeout=600).json()
    least: dict[str, dict[str, Any]] = requests.get(f"{control}/calls/least", timeout=600).json()
    for vendor in vendors:
        mine = [row for row in counted if row["vendor"] == vendor]
        calls, wanted = sum(row["count"] for row in mine), sum(least[vendor][PARTS].values())
        pace = requests.get(f"{control}/calls/pace/{vendor}", timeout=60).json()
        print(
            f"{vendor}: {calls} calls, the least {wanted} ({calls / wanted - 1:+.1%}), "
            f"{sum(row['count'] for row in mine if row['status'] == 429)} refused as too fast, "
            f"{pace['at_limit']:.0%} of {pace['took_ms'] / 1000:.0f} s at a rate limit"
        )
        for row in sorted(mine, key=lambda row: (row["status"] < 400, -row["count"]))[:12]:
            print(f"  {row['count']:6} {row['status']} {row['method']} {row['route']}")
        print(f"  least: {least[vendor][PARTS]}")


if __name__ == "__main__":
    main()
