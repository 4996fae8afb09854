"""The own fields of a mapping.toml alone, for what must be checked although the rest of it has problems."""

from __future__ import annotations

from typing import Any, get_args

from core.config_report import Report
from core.model import FIELDS, Entity, Field, FieldType


def declared_fields(text: str) -> list[Field]:
    """The fields of their own that people declare in a mapping.toml, whatever else is wrong in it.

    For conditions, which may name them: they can be checked before, and although, the mapping has problems.
    """
    blocks = Report.of("", text).data.get("fields", {})
    found: list[Field] = []
    for name, block in blocks.items() if isinstance(blocks, dict) else ():
        if name in FIELDS or not isinstance(block, dict) or not name.isidentifier() or name != name.lower():
            continue
        kind: Any = block.get("type")
        entity, label = block.get("entity", "person"), block.get("label")
        if kind in get_args(FieldType) and entity in get_args(Entity):
            found.append(Field(name, entity, kind, label if isinstance(label, str) else name))
    return found
