"""The configuration file: TOML -> (Settings, every problem at once), each with file, line, key and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.config_structs import Settings
from core.errors import ConfigProblem


def load(
    path: str | Path, kinds: Mapping[str, type], *, env: Mapping[str, str] | None = None, deep: bool = False
) -> tuple[Settings | None, list[ConfigProblem]]:
    """Read a configuration file.

    `kinds`: connector kind -> msgspec struct of its own keys. Secrets ("${NAME}", "file:/path", "keyring:name") are
    resolved, from `env` (default: the process's environment). `deep` also compiles every expression.
    """
    raise NotImplementedError


def config_hash(settings: Settings, mapping_hash: str) -> str:
    """A stable hash of everything that decides what is planned; holds no secret."""
    raise NotImplementedError
