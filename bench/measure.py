"""Running a client in a process of its own and reading what the system counted for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process used: CPU seconds of user and system together, peak memory in MiB, wall seconds."""

    cpu_s: float
    peak_mib: float
    wall_s: float
    calls: int = 0


class ClientFailed(Exception):
    """A client did not end well; the message holds the end of what it said."""


def run(command: Sequence[str], folder: Path, *, environment: dict[str, str] | None = None) -> Usage:
    """Run a command to its end. Raises ClientFailed.

    The kernel's own accounting of the finished process, its threads and children: start-up, imports and exit count.
    (This process must stay small: Linux counts the memory that a child has before it becomes another program.)
    """
    log = folder / "said.txt"
    with log.open("ab") as said:
        began = time.monotonic()
        process = subprocess.Popen(
            command, stdout=said, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise ClientFailed(f"{' '.join(command[:4])} ... ended with {process.returncode}:\n{end}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10  # Linux counts KiB, macOS bytes
    return Usage(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, wall)
