"""TOML tables -> msgspec structs, value by value, so that every problem of a table is reported at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from core.config_report import Report, choose
from core.model import Stage
from core.toml_lines import Path, dotted

T = TypeVar("T")

_EXPECTED = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
#: "Expected `float` <= 1000", of a number with limits
_LIMIT = re.compile(r"Expected `(\w+)` ([<>]=?) (\S+)")
_LIMITS = {">=": "at least", "<=": "at most", ">": "above", "<": "below"}
_AT = re.compile(r" - at `\$(.*)`$")
#: right values to show, the first that fits
_EXAMPLES: tuple[tuple[type, str], ...] = (
    (str, '"..." (in quotes)'),
    (bool, "true or false (without quotes)"),
    (int, "10 (a number without quotes)"),
    (float, "0.2 (a number without quotes)"),
    (date, "2027-01-31 (without quotes)"),
)
#: words of the vocabulary that are refused at this place: no slip of the pen is taken for them
_NOT_OFFERED: dict[tuple[str, ...], frozenset[str]] = {
    ("lifecycle", "moves", "to"): frozenset({Stage.OPPORTUNITY, Stage.CUSTOMER}),
}
_WORDS = {
    "str": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list in [brackets]",
    "object": "a table",
    "date": "a date such as 2027-01-31",
    "datetime": "a date and time such as 2027-01-31T09:00:00",
    "null": "nothing",
}


class _Bad:
    """Stands for a value that was reported."""


_BAD = _Bad()


def decode(
    kind: type[T], table: object, path: Path, report: Report, *, also: Iterable[str] = (), build: bool = True
) -> T | None:
    """An instance of `kind` made of the good values (the report is fatal when there are others), or None.

    `also`: keys that somebody else reads. None when a required key is missing or bad, or without `build`.
    """
    good = _struct(kind, table, path, report, also)
    if isinstance(good, _Bad) or not build:
        return None
    try:
        return msgspec.convert(good, kind)
    except msgspec.ValidationError as e:
        _report_rule(kind, str(e), path, report)
        return None


def _report_rule(kind: type[Any], message: str, path: Path, report: Report) -> None:
    """A rule that a struct itself checks: "what is wrong; what to write", at the key that the sentence begins with."""
    text, _, remedy = sentence(message).partition("; ")
    first = text.partition(" ")[0]
    if first in struct_keys(kind):
        report.add((*path, first), text.removeprefix(first).lstrip(), remedy or f"change {first}")
    else:
        report.add(path, text, remedy or f"change the keys of [{dotted(path)}] so that this is so")


def _struct(
    kind: type[Any], table: object, path: Path, report: Report, also: Iterable[str] = ()
) -> dict[str, Any] | _Bad:
    """The good keys of a table."""
    if not isinstance(table, dict):
        report.add(path, f"must be a table, not {_shown(table)}", f"write it as [{dotted(path)}]")
        return _BAD
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    names = {f.encode_name for f in info.fields}
    others = set(also)
    for key in table:
        if key not in names and key not in others:
            report.add((*path, key), "unknown key", choose(key, sorted(names | others)))
    hints = get_type_hints(kind, include_extras=True)
    good: dict[str, Any] = {}
    whole = True
    for f in info.fields:
        key = f.encode_name
        if key in table:
            value = _good(hints[f.name], table[key], (*path, key), report)
            if not isinstance(value, _Bad):
                good[key] = value
                continue
        elif f.required:
            report.add(path, f'the key "{key}" is missing', f"add {key} = ...")
        whole = whole and not f.required
    return good if whole else _BAD


def struct_keys(kind: type[Any]) -> tuple[str, ...]:
    """The TOML keys of a struct."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return tuple(f.encode_name for f in info.fields)


def _good(kind: Any, value: object, path: Path, report: Report) -> Any:
    """The value without its bad parts, or _BAD; goes into tables and lists to name the innermost key."""
    kind = _without_none(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(kind, value, path, report)
    origin, args = get_origin(kind), get_args(kind)
    if origin is dict and isinstance(value, dict):
        items = {
            key: _good(args[1], one, (*path, key), report)
            for key, one in value.items()
            if _key(args[0], key, path, report)
        }
        return {key: one for key, one in items.items() if not isinstance(one, _Bad)}
    if origin is tuple and isinstance(value, list) and len(args) == 2 and args[1] is Ellipsis:
        parts = [_good(args[0], one, (*path, index), report) for index, one in enumerate(value)]
        return _BAD if any(isinstance(one, _Bad) for one in parts) else parts
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as e:
        words = _literals(kind)
        words = [w for w in words if w not in _NOT_OFFERED.get(tuple(k for k in path if isinstance(k, str)), ())]
        known = words and (isinstance(value, str) or not isinstance(value, list))
        report.add(path, sentence(str(e)), choose(str(value), words) if known else _right(kind, path))
        return _BAD
    return value


def _right(kind: Any, path: Path) -> str:
    """What a right value of this type looks like."""
    key = next((k for k in reversed(path) if isinstance(k, str)), "key")
    listed = isinstance(path[-1], int)
    kinds = _plain_kinds(kind)
    for wanted, example in _EXAMPLES:
        if wanted in kinds:
            return f"write {example} in the list {key}" if listed else f"write {key} = {example}"
    if tuple in kinds:
        numbers = {int, float}.intersection(_plain_kinds(get_args(kind)[0])) if get_args(kind) else set()
        return f"write {key} = [60, 40, 20]" if numbers else f'write {key} = ["...", "..."]'
    return f"write {key} as a table: {key} = {{ ... }}"


def _plain_kinds(kind: Any) -> set[Any]:
    """The types that a hint allows, without their decorations."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _plain_kinds(get_args(kind)[0])
    if origin in (Union, UnionType):
        return {k for one in get_args(kind) for k in _plain_kinds(one)}
    return {origin or kind}


def _key(kind: Any, key: str, path: Path, report: Report) -> bool:
    words = _literals(kind)
    if words and key not in words:
        report.add((*path, key), "unknown key", choose(key, words))
        return False
    return True


def _without_none(kind: Any) -> Any:
    args = get_args(kind)
    rest = [a for a in args if a is not type(None)]
    return rest[0] if len(rest) == 1 and len(args) == 2 and type(None) in args else kind


def _literals(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [a for a in get_args(kind) if isinstance(a, str)]
    if isinstance(kind, type) and hasattr(kind, "__members__"):
        return [str(m.value) for m in kind]  # type: ignore[attr-defined]  # an enum, seen above
    return [w for a in get_args(kind) for w in _literals(a)]


def sentence(message: str) -> str:
    """msgspec's message in plain words: no type names, no "$" paths."""
    message = _AT.sub("", message).replace("Invalid enum value", "unknown word")
    if limit := _LIMIT.fullmatch(message):
        return f"must be {_LIMITS[limit[2]]} {limit[3].removesuffix('.0')}"
    found = _EXPECTED.fullmatch(message)
    if found is None:
        return message[:1].lower() + message[1:]
    wanted = " or ".join(_WORDS.get(w.strip(), w.strip()) for w in found[1].split("|") if w.strip() != "null")
    return f"must be {wanted}, not {_WORDS.get(found[2], found[2])}"


def _shown(value: object) -> str:
    # values may be secrets: only their type is shown
    names = {str: "text", bool: "true/false", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), type(value).__name__)
