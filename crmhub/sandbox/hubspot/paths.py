"""Reading requests: one handler under all versions of a path, numbers, flags and bodies."""

from __future__ import annotations

from typing import Any

from crmhub.sandbox.hubspot.errors import invalid
from crmhub.sandbox.messages import Request, Router

VERSIONS = ("2026-03", "2026-09")


def versioned(router: Router, method: str, old: str, dated: str, handler: Any) -> None:
    """One handler under its v3 or v4 path and under every dated path ({D} in `dated`)."""
    router.add(method, old, handler)
    for version in VERSIONS:
        router.add(method, dated.replace("{D}", version), handler)


def whole_number(text: str, name: str, low: int, high: int, default: int) -> int:
    """A limit from the query; raises 400 outside of its range."""
    if text == "":
        return default
    if not text.removeprefix("-").isdecimal() or not low <= int(text) <= high:
        raise invalid(f"{name} must be between {low} and {high}: was {text}")
    return int(text)


def flag(request: Request, name: str) -> bool:
    return request.query.get(name).lower() == "true"


def names_of(wish: dict[str, Any], key: str) -> list[str]:
    """A list of texts in a body, which may be missing; raises 400."""
    rows = wish.get(key)
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(one, str | int) for one in rows):
        raise invalid(f"Invalid input JSON on line 1, column 1: {key} must be an array of strings")
    return [str(one) for one in rows]


def rows_of(wish: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """A list of objects in a body, which may be missing; raises 400."""
    rows = wish.get(key)
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise invalid(f"Invalid input JSON on line 1, column 1: {key} must be an array of objects")
    return rows


def body_of(request: Request) -> dict[str, Any]:
    """The body as a JSON object; raises 400."""
    wish = request.json()
    if not isinstance(wish, dict):
        raise invalid("Invalid input JSON on line 1, column 1: an object is expected")
    return wish
