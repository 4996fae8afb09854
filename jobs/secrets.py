"""Tokens that change by themselves, encrypted beside the store.

`<store>.tokens` holds them, `<store>.key` the key (0600), unless CRMHUB_KEY gives it. A token is on disk before it is
first used: a crash cannot lose a rotated one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from core.errors import Refused

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


class TokenFile:
    """All connections' tokens in one small file."""

    def __init__(self, store: Path) -> None:
        self.path = store.with_suffix(".tokens")
        self.key_path = store.with_suffix(".key")

    def of(self, connection: str) -> ConnectionTokens:
        """The tokens of one connection."""
        return ConnectionTokens(self, connection)

    def read(self) -> dict[str, str]:
        """name -> value. Raises Refused when the key does not fit."""
        if not self.path.exists():
            return {}
        from cryptography.fernet import InvalidToken

        try:
            text = self._fernet().decrypt(self.path.read_bytes())
        except (InvalidToken, ValueError) as e:
            raise Refused(
                f"{self.path.name} cannot be decrypted with this key",
                f"set CRMHUB_KEY to the key it was made with, or delete {self.path.name} and connect again",
            ) from e
        found: dict[str, str] = orjson.loads(text)
        return found

    def write(self, values: dict[str, str]) -> None:
        """Durable before it returns."""
        _replace(self.path, self._fernet().encrypt(orjson.dumps(values)))

    def _fernet(self) -> Fernet:
        from cryptography.fernet import Fernet

        key = os.environ.get("CRMHUB_KEY", "").encode()
        if not key:
            if not self.key_path.exists():
                _replace(self.key_path, Fernet.generate_key())
            key = self.key_path.read_bytes()
        return Fernet(key)


class ConnectionTokens:
    """The connector's SecretStore."""

    def __init__(self, file: TokenFile, connection: str) -> None:
        self._file, self._connection = file, connection

    def get(self, name: str) -> str | None:
        return self._file.read().get(f"{self._connection}/{name}")

    def put(self, name: str, value: str) -> None:
        values = self._file.read()
        values[f"{self._connection}/{name}"] = value
        self._file.write(values)


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
        f.write(content)
        f.flush()
        os.fsync(f.fileno())
    part.replace(path)
