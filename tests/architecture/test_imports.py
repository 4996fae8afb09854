"""Who may import whom: the contracts of pyproject.toml, and what they rest on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_core_is_a_plain_folder() -> None:
    """Nothing runs when a part of core is imported: not what another part needs."""
    assert (ROOT / "core/__init__.py").read_bytes() == b""
