"""How much CPU a pull costs: the hub beside a floor and beside dlt, in one run, against one static server.

python -m bench.pull --people 100000                        the comparison, three times, interleaved
python -m bench.pull --people 100000 --write                ... and into docs/benchmarks.md
python -m bench.pull --sizes 10000,100000,1000000           the hub's memory by number of contacts
python -m bench.pull --people 20000 --only ours,floor       some of the clients

Each pull is a process of its own; what is told is what the system counted for that process, from start to exit. The
server renders its pages beforehand and is another process: its work is not in the figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from bench.clients import CLIENTS, ROOT, Client, Pull, install_dlt, named
from bench.measure import Usage, run
from bench.table import machine, report, sizes_table

PAGE = ROOT / "docs" / "benchmarks.md"
#: of the contacts, for the last pull
EDITED = 0.01


class Wrong(Exception):
    """A client did not do the work, so its time means nothing."""


class Server:
    """The static server, seen from here."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = build_opener(ProxyHandler({}))  # loopback needs no proxy

    def post(self, path: str) -> dict[str, Any]:
        with self._opener.open(Request(self.url + path, data=b"", method="POST"), timeout=600) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def calls(self) -> int:
        """Calls since the last time this was asked."""
        with self._opener.open(f"{self.url}/bench/calls", timeout=60) as answer:
            return int(json.loads(answer.read())["calls"])


@contextmanager
def serving(people: int, *, only_ours: bool = False) -> Iterator[Server]:
    """The static server as a process, its pages rendered."""
    command = [sys.executable, "-m", "bench.server", "--people", str(people)]
    process = subprocess.Popen(command + ["--only-ours"] * only_ours, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield Server(json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def measured(server: Server, client: Client, pull: Pull, folder: Path, since: int) -> Usage:
    """One pull by one client."""
    server.calls()
    usage = run(client.command(pull, server.url, folder, since), folder, environment={"PYTHONPATH": str(ROOT)})
    return replace(usage, calls=server.calls())


def three_pulls(server: Server, client: Client, people: int) -> dict[Pull, Usage]:
    """First pull, pull with no change, pull after edits, into a new file. Raises Wrong when a contact is missing."""
    server.post("/bench/reset")
    found: dict[Pull, Usage] = {}
    with TemporaryDirectory(prefix="crmhub-bench-") as name:
        folder = Path(name)
        since = time.time_ns() // 1_000_000
        edits = {"edits": 0, "changed": 0}
        pulls: tuple[Pull, ...] = ("first", "unchanged", "edited")
        for pull in pulls:
            if pull == "edited":
                edits = server.post(f"/bench/change?share={EDITED}")
            found[pull] = measured(server, client, pull, folder, since)
            seen = client.found(folder, f"edit {edits['edits']}")
            if seen != (people, edits["changed"]):
                raise Wrong(f"{client.name}, {pull}: (contacts, edited) are {seen}, not {(people, edits['changed'])}")
    return found


def compare(people: int, repeat: int, clients: Sequence[Client]) -> dict[tuple[str, str], list[Usage]]:
    """All clients in turn, `repeat` times, so that a machine that slows down slows all of them."""
    figures: dict[tuple[str, str], list[Usage]] = {}
    with serving(people) as server:
        for turn in range(repeat):
            for client in clients:
                for pull, usage in three_pulls(server, client, people).items():
                    figures.setdefault((client.name, pull), []).append(usage)
                    say(f"{turn + 1}/{repeat} {client.name}, {pull}: {usage.cpu_s:.2f} s, {usage.peak_mib:.0f} MiB")
    return figures


def by_size(sizes: Sequence[int], repeat: int) -> dict[int, list[Usage]]:
    """First pulls of the hub alone, one size after the other."""
    (client,) = named(["ours"])
    figures: dict[int, list[Usage]] = {}
    for people in sizes:
        say(f"rendering {people:,} contacts")
        with serving(people, only_ours=True) as server:
            for _ in range(repeat):
                with TemporaryDirectory(prefix="crmhub-bench-") as name:
                    usage = measured(server, client, "first", Path(name), 0)
                    if (seen := client.found(Path(name), "edit 0")) != (people, 0):
                        raise Wrong(f"{people:,} contacts: found {seen}")
                figures.setdefault(people, []).append(usage)
                say(f"{people:,}: {usage.cpu_s:.2f} s, {usage.peak_mib:.0f} MiB")
    return figures


def say(text: str) -> None:
    """Progress, apart from the result."""
    print(text, file=sys.stderr, flush=True)


def write(mark: str, lines: Sequence[str]) -> None:
    """Replace what stands between the marks of docs/benchmarks.md. Raises ValueError when there are none."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{PAGE.name} has no marks for {mark}")
    PAGE.write_text("\n".join([before + begin, "", *lines, "", end + after]), encoding="utf-8")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--people", type=int, default=100_000, help="contacts on the server (100000)")
    arguments.add_argument("--repeat", type=int, default=3, help="times that all clients run, in turn (3)")
    arguments.add_argument("--only", default=",".join(c.name for c in CLIENTS), help="clients, separated by commas")
    arguments.add_argument("--sizes", help="numbers of contacts: the hub alone, memory by size")
    arguments.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    given = arguments.parse_args()
    command = "python -m bench.pull " + " ".join(a for a in sys.argv[1:] if a != "--write")
    if given.sizes:
        mark = "sizes"
        lines = sizes_table(by_size([int(s) for s in given.sizes.split(",")], given.repeat))
    else:
        mark = "pull"
        clients = named(given.only.split(","))
        if any(c.name.startswith("dlt") for c in clients):
            install_dlt()
        figures = compare(given.people, given.repeat, clients)
        lines = report(figures, given.people, len(range(0, given.people, round(1 / EDITED))))
    lines = [f"`{command.strip()}`, {machine()}", "", *lines]
    print("\n".join(lines))
    if given.write:
        write(mark, lines)


if __name__ == "__main__":
    main()
