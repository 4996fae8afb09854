"""Shipped mappings: one TOML per CRM kind. Data; this reads their text for `core.mapping`."""

from __future__ import annotations

from importlib.resources import files


def shipped(*kinds: str) -> dict[str, str]:
    """Text of mappings/<kind>.toml by kind, of all kinds when none is named; unknown kinds are left out."""
    found = {
        entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for entry in files(__name__).iterdir()
        if entry.name.endswith(".toml")
    }
    return {kind: text for kind, text in found.items() if not kinds or kind in kinds}
