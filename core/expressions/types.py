"""Types of a condition's parts, and what may be compared with what."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from sqlglot import exp

from core.expressions.names import Model
from core.values import country, normal

if TYPE_CHECKING:
    from core.model import FieldType

Kind = Literal["text", "number", "bool", "date", "datetime", "options"]


class Refusal(Exception):
    """Carries what is wrong up to the one place that turns it into a value."""

    def __init__(self, text: str, start: int = 0, remedy: str = "") -> None:
        self.text, self.start, self.remedy = text, start, remedy
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Typed:
    """A checked part: the new node, its type, the model name it is, the constant it holds."""

    kind: Kind
    node: exp.Expression
    name: str | None = None
    constant: str | None = None


def kind_of(type: FieldType) -> Kind:
    """What a field type is to a condition."""
    if type in ("number", "money"):
        return "number"
    if type in ("bool", "date", "datetime", "options"):
        return type
    return "text"


def needs(typed: Typed, kind: Kind, of: str, start: int) -> None:
    """Refuse what is not of `kind`."""
    if typed.kind != kind:
        raise Refusal(f"{of} wants a {kind}, this is a {typed.kind}", start)


def match(model: Model, left: Typed, right: Typed, start: int) -> tuple[Typed, Typed]:
    """Both sides, constants brought to the other side's type; refused when they cannot be compared."""
    if left.constant is not None and right.constant is None:
        other, mine = match(model, right, left, start)
        return mine, other
    if right.constant is not None:
        right = _as(left, right, start)
        _check_option(model, left, right, start)
    if left.kind != right.kind:
        raise Refusal(f"{left.kind} cannot be compared with {right.kind}", start, _hint(left, right))
    return left, right


def _as(side: Typed, constant: Typed, start: int) -> Typed:
    """The constant as the type of `side`, where one writing serves two types."""
    text = constant.constant
    if side.kind == "bool" and constant.kind == "number" and text in ("0", "1"):
        return replace(constant, kind="bool", node=exp.Boolean(this=text == "1"))
    if constant.kind != "text" or side.kind not in ("date", "datetime"):
        return constant
    found = normal(side.kind, text)
    if found is None or (side.kind == "date" and found != text):
        raise Refusal(f"{text!r} is no {side.kind}", start, "write it as '2026-01-31'")
    if side.kind == "date":
        return replace(constant, kind="date")
    return replace(constant, kind="datetime", node=exp.Literal.number(str(found)))


def _check_option(model: Model, left: Typed, right: Typed, start: int) -> None:
    meaning = model.get(left.name) if left.name else None
    if meaning is None or right.constant is None or right.kind != "text":
        return
    if meaning.options and right.constant not in meaning.options:
        near = difflib.get_close_matches(right.constant.lower(), meaning.options, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else "known: " + ", ".join(sorted(meaning.options))
        raise Refusal(f"{left.name} is never {right.constant!r}", start, remedy)
    if meaning.type == "country":
        code = country(right.constant)
        if code != right.constant and code is not None and len(code) == 2 and code.isupper():
            raise Refusal("countries are compared by their two-letter code", start, f"write '{code}'")


def _hint(left: Typed, right: Typed) -> str:
    for side in (left, right):
        if side.kind == "options":
            return f"it holds several options; write: {side.name} in ('...')"
    if "number" in (left.kind, right.kind) and "text" in (left.kind, right.kind):
        return "write numbers without quotes"
    if "bool" in (left.kind, right.kind):
        return "compare with true or false, or write the name alone"
    return ""
