"""Dying on purpose: CRMHUB_FAULT makes the process kill itself at a numbered boundary, to prove that it may.

commit:N   at the Nth side of a commit (odd: before it reaches the file, even: right after)
wire:N     at the Nth side of an HTTP call (odd: before it is sent, even: right after the answer)
count:FILE count both and write "commit=A wire=B" to FILE at exit; kills nothing
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
from pathlib import Path


class Faults:
    """Counts boundaries and dies at the chosen one."""

    def __init__(self, spec: str | None) -> None:
        self.kind, _, arg = (spec or "").partition(":")
        self.at = int(arg) if self.kind in ("commit", "wire") else 0
        self.seen = {"commit": 0, "wire": 0}
        self._lock = threading.Lock()
        if self.kind == "count":
            atexit.register(
                lambda: Path(arg).write_text(f"commit={self.seen['commit']} wire={self.seen['wire']}", encoding="utf-8")
            )

    def commit(self, _side: str) -> None:
        """Hook for the store."""
        self._pass("commit")

    def wire(self, _side: str, _endpoint: str) -> None:
        """Hook for the transport."""
        self._pass("wire")

    def _pass(self, kind: str) -> None:
        if not self.kind:
            return
        with self._lock:
            self.seen[kind] += 1
            if self.kind == kind and self.seen[kind] == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
