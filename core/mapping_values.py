"""One value, from the CRM's form to ours and back. Reading never fails; writing may answer `Unwritable`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from core.mapping_structs import OptionTable, Reader, SchemaField, Target, Unwritable
from core.model import FieldType, Value
from core.values import blank, fold, normal

_APART = re.compile(r"[\s_-]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPED = frozenset({"number", "money", "bool", "date", "datetime"})
#: decision text that explains: shortened to what fits instead of refused
_SHORTENED = frozenset({"why"})


# ------------------------------------------------------------------------------------------------ reading


def to_canonical(target: Target, value: Value) -> Value:
    """The canonical value of what the CRM delivered; None when blank. An unreadable value stays as its text."""
    return reader(target)(value)


def reader(target: Target) -> Reader:
    """The same as a function made once: pulls read millions of values."""
    if target.owner:
        return _text
    kind, table = target.field.type, target.options
    if kind == "options":
        return _many(table)
    if kind in _TYPED:
        return _typed(kind) if target.scale is None else _scaled(_typed(kind), target.scale)
    return _text if table is None else _one(table)


def _text(value: Value) -> Value:
    if isinstance(value, str):
        return value if value[:1].isalnum() or not blank(value) else None
    return None if value is None else written(value)


def _typed(kind: FieldType) -> Reader:
    def read(value: Value) -> Value:
        if blank(value):
            return None
        found = normal(kind, value)
        return _text(value) if found is None else found

    return read


def _scaled(read: Reader, scale: float) -> Reader:
    """Times `scale`, in decimals: 0.29 of 1 is 29 percent, not 28.999999999999996."""
    factor = Decimal(str(scale))

    def times(value: Value) -> Value:
        found = read(value)
        if isinstance(found, bool) or not isinstance(found, int | float):
            return found
        return normal("number", str(Decimal(str(found)) * factor))

    return times


def _words(table: OptionTable | None) -> Callable[[str], str]:
    """Remote option -> canonical; another spelling of the same (label, case, _ for blank) counts, when it is one."""
    exact: dict[str, str] = {} if table is None else dict(table.read)
    loose: dict[str, str] = {}
    for remote, canonical in exact.items():
        loose.setdefault(spelling(remote), canonical)

    def read(text: str) -> str:
        found = exact.get(text)
        return loose.get(spelling(text), text) if found is None else found

    return read


@lru_cache(maxsize=16_384)
def spelling(text: str) -> str:
    """An option text without what people spell differently: case, accents, blanks, "_", "-"."""
    return " ".join(_APART.split(fold(text))).strip()


def _one(table: OptionTable) -> Reader:
    words = _words(table)

    def read(value: Value) -> Value:
        text = _text(value)
        return None if text is None else words(str(text)) or None

    return read


def _many(table: OptionTable | None) -> Reader:
    words = _words(table)

    def read(value: Value) -> Value:
        text = _text(value)
        if text is None:
            return None
        parts = {words(part) for raw in str(text).split(";") if (part := raw.strip())} - {""}
        return ";".join(sorted(parts)) or None

    return read


# ------------------------------------------------------------------------------------------------ writing


def to_remote(target: Target, value: Value) -> Value | Unwritable:
    """`value` in the form that this CRM stores: None clears. An `Unwritable` says why there is no such form."""
    if blank(value):
        return None
    kind = target.field.type
    if target.scale is not None:
        return Unwritable(f"{target.remote} counts in other units and is only read")
    found: Value | Unwritable
    if kind in ("option", "options"):
        found = _write_options(target, str(value), many=kind == "options")
    elif target.options is not None:
        found = _write_options(target, written(value), many=False)
    elif kind in _TYPED:
        found = _write_typed(target, value)
    else:
        found = written(value)
    return found if isinstance(found, Unwritable) else _fit(target, found)


def _write_options(target: Target, text: str, *, many: bool) -> str | Unwritable:
    parts = [p for p in text.split(";") if p] if many else [text]
    remotes: list[str] = []
    for part in parts:
        remote = _write_one(target, part)
        if isinstance(remote, Unwritable):
            return remote
        if remote not in remotes:
            remotes.append(remote)
    return ";".join(remotes)


def _write_one(target: Target, text: str) -> str | Unwritable:
    table, allowed = target.options, target.allowed
    if table is not None and text in table.write:
        remote = table.write[text]
        if remote is None:
            return Unwritable(f"{table.key} says that {text!r} is not written", deliberate=True)
    elif table is not None and (allowed is None or text not in allowed):
        # another CRM's word: an open list would take it and keep a junk option
        return Unwritable(f"{table.key} has no line for {text!r}")
    else:
        remote = text
    if allowed is not None and remote not in allowed:
        return Unwritable(f"{target.connection} has no option {remote!r} in {target.remote}")
    return remote


def _write_typed(target: Target, value: Value) -> Value | Unwritable:
    kind = target.field.type
    found = normal(kind, value)
    if found is None:
        return Unwritable(f"{value!r} is no {kind}")
    if kind == "datetime":
        return _moment(int(found))
    if kind == "date":
        return found
    if target.form == "strings" or target.remote_type in ("text", "option", "options"):
        return written(found)
    return found


def _moment(ms: int) -> str | Unwritable:
    """ISO 8601 UTC with ms: what both vendors deliver and take."""
    try:
        at = _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return Unwritable(f"{ms} is no moment")
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fit(target: Target, value: Value) -> Value | Unwritable:
    if target.closed and target.allowed and value is not None and target.field.type not in ("option", "options"):
        given = str(value).split(";") if target.remote_type == "options" else [str(value)]
        if not target.allowed.issuperset(given):
            return Unwritable(f"{target.connection} has no option {value!r} in {target.remote}")
    limit = target.max_length
    if limit is None or not isinstance(value, str) or len(value) <= limit:
        return value
    if target.field.name in _SHORTENED and limit > 1:
        return value[: limit - 1].rstrip() + "…"
    return Unwritable(f"{len(value)} characters do not fit into {target.remote} ({limit})")


def written(value: Value) -> str:
    """A value as text: "true", "17", "17.5"; no trailing ".0"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


# ------------------------------------------------------------------------------------------------ live schema


def bind(target: Target, remote: SchemaField | None) -> Target:
    """The target told what the live schema says of its field; unchanged when the CRM does not show it."""
    if remote is None:
        return target
    options = frozenset(o.value for o in remote.options if o.active) if remote.type in ("option", "options") else None
    table = target.options
    if table is not None and options:
        # of several remote values the first one that this account has is written
        first = {c: next((r for r in remotes if r in options), None) for c, remotes in table.listed.items()}
        table = replace(table, write={c: first[c] or usual for c, usual in table.write.items()})
    return replace(
        target,
        options=table,
        max_length=remote.max_length,
        remote_type=remote.type,
        allowed=options or None,
        closed=remote.closed,
        may_trigger=remote.may_trigger,
    )
