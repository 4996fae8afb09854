"""Fixtures that every area shares: the sandbox, started as a process the way users start it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest


class RunningSandbox(NamedTuple):
    """A sandbox process that answers: its control URL and the connections of its ready line."""

    control: str
    connections: dict[str, dict[str, Any]]


StartSandbox = Callable[..., RunningSandbox]


def _post(url: str) -> None:
    request = urllib.request.Request(url, data=b"{}", method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[StartSandbox]:
    """`sandbox("--people", "200", ...)` starts one process per set of arguments and resets it at every call.

    `--seed 1 --now 2026-11-02T08:00:00Z` are added unless given, so that what tests see never depends on the day.
    """
    running: dict[tuple[str, ...], tuple[subprocess.Popen[str], RunningSandbox]] = {}

    def start(*arguments: str) -> RunningSandbox:
        if arguments in running:
            found = running[arguments][1]
            _post(f"{found.control}/reset")
            return found
        command = [sys.executable, "-m", "crmhub.sandbox", *arguments]
        for name, value in (("--seed", "1"), ("--now", "2026-11-02T08:00:00Z")):
            if name not in arguments:
                command += [name, value]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            process.wait(10)
            process.stdout.close()
            pytest.fail(f"the sandbox did not start: {command}")
        ready = json.loads(line)
        running[arguments] = (process, RunningSandbox(ready["control"], ready["connections"]))
        return running[arguments][1]

    yield start
    for process, _ in running.values():
        process.terminate()
    for process, _ in running.values():
        assert process.wait(10) == 0
        if process.stdout is not None:
            process.stdout.close()
