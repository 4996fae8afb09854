"""Formula fields: the part of the vendor's formula language that orgs use for qualifying.

Vendor page: help, "Formula Operators and Functions". Numbers, texts, fields also of parents (`Account.Type`),
+ - * / & = <> < <= > >= && ||, and the functions of `_FUNCTIONS`. A formula is text until it is asked for.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from crmhub.sandbox.salesforce.times import DAY, midnight, today

Field = Callable[[str], Any]
"""The value of a field path in the row at hand."""
Node = Callable[[Field, int], Any]
"""(fields, now in ms) -> value."""
_TOKEN = re.compile(
    r"\s*(?:(\d+(?:\.\d+)?)|'([^']*)'|\"([^\"]*)\"|([A-Za-z_][\w.]*)|(<>|!=|==|<=|>=|&&|\|\||[-+*/&=<>(),]))"
)
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


MAX_LENGTH = 3900


class FormulaError(ValueError):
    """The formula cannot be read; the message says where."""


def compile_formula(text: str) -> Node:
    """A formula ready to run. Raises FormulaError."""
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"Formula is too long ({len(text)} characters). Maximum length is {MAX_LENGTH} characters.")
    try:
        parser = _Parser(text)
        node = parser.either()
        parser.expect("")
    except RecursionError:
        raise FormulaError("Formula is too big to execute") from None
    return node


class _Parser:
    """Recursive descent, weakest operator first."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise FormulaError(f"Syntax error at {at + 1}: {text[at:].strip()[:20]!r}")
            kind = ("number", "text", "text", "name", "sign")[(match.lastindex or 1) - 1]
            self._tokens.append((kind, match.group(match.lastindex or 0)))
            at = match.end()
        self._tokens.append(("end", ""))
        self._place = 0

    def _next(self) -> tuple[str, str]:
        self._place += 1
        return self._tokens[self._place - 1]

    def _sign(self, *signs: str) -> str | None:
        kind, text = self._tokens[self._place]
        if kind == "sign" and text in signs:
            self._place += 1
            return text
        return None

    def expect(self, sign: str) -> None:
        """The next token is this sign; empty: the end."""
        kind, text = self._next()
        if text != sign or kind not in ("sign", "end"):
            raise FormulaError(f"Syntax error: found {text!r} where {sign or 'the end'!r} was expected")

    def either(self) -> Node:
        """a || b"""
        left = self._both()
        while self._sign("||"):
            left = _joined(left, self._both(), lambda a, b: bool(a) or bool(b))
        return left

    def _both(self) -> Node:
        left = self._compared()
        while self._sign("&&"):
            left = _joined(left, self._compared(), lambda a, b: bool(a) and bool(b))
        return left

    def _compared(self) -> Node:
        left = self._sum()
        while sign := self._sign(*_COMPARED):
            left = _joined(left, self._sum(), _compare(_COMPARED[sign], ordered=sign[0] in "<>" and sign != "<>"))
        return left

    def _sum(self) -> Node:
        left = self._product()
        while sign := self._sign("+", "-", "&"):
            left = _joined(left, self._product(), {"+": _plus, "-": _minus, "&": _beside}[sign])
        return left

    def _product(self) -> Node:
        left = self._single()
        while sign := self._sign("*", "/"):
            left = _joined(left, self._single(), _times if sign == "*" else _over)
        return left

    def _single(self) -> Node:
        kind, text = self._next()
        if kind == "number":
            number = float(text)
            return lambda _field, _now: number
        if kind == "text":
            return lambda _field, _now: text
        if kind == "name":
            return self._named(text)
        if text == "(":
            inner = self.either()
            self.expect(")")
            return inner
        if text == "-":
            inner = self._single()
            return lambda field, now: -(inner(field, now) or 0)
        raise FormulaError(f"Syntax error: unexpected {text!r}")

    def _named(self, name: str) -> Node:
        if not self._sign("("):
            if name.upper() in ("TRUE", "FALSE", "NULL"):
                constant = {"TRUE": True, "FALSE": False, "NULL": None}[name.upper()]
                return lambda _field, _now: constant
            return lambda field, _now: field(name)
        function = _FUNCTIONS.get(name.upper())
        if function is None:
            raise FormulaError(f"Unknown function {name}")
        arguments: list[Node] = []
        while not self._sign(")"):
            arguments.append(self.either())
            if not self._sign(","):
                self.expect(")")
                break
        return lambda field, now: function(now, *(argument(field, now) for argument in arguments))


def _joined(left: Node, right: Node, join: Callable[[Any, Any], Any]) -> Node:
    return lambda field, now: join(left(field, now), right(field, now))


def _compare(test: Callable[[Any, Any], bool], *, ordered: bool) -> Callable[[Any, Any], bool]:
    """Blanks are less than nothing, and text is no number."""

    def compare(a: Any, b: Any) -> bool:
        if ordered and (a is None or b is None or isinstance(a, str) != isinstance(b, str)):
            return False
        return test("" if a is None and isinstance(b, str) else a, "" if b is None and isinstance(a, str) else b)

    return compare


def _plus(a: Any, b: Any) -> Any:
    if isinstance(a, str) or isinstance(b, str):
        day = _day(a) if isinstance(a, str) else None
        if day is not None and isinstance(b, int | float):
            return (day + timedelta(days=int(b))).isoformat()
        return f"{a or ''}{b or ''}"
    return None if a is None or b is None else a + b


def _minus(a: Any, b: Any) -> Any:
    """Days less days are a number of days; datetimes (ms) less datetimes too."""
    if a is None or b is None:
        return None
    one = _day(a) if isinstance(a, str) else None
    other = _day(b) if isinstance(b, str) else None
    if one is not None and other is not None:
        return float((one - other).days)
    if one is not None:
        return (one - timedelta(days=int(b))).isoformat()
    return (a - b) / DAY if isinstance(a, int) and isinstance(b, int) and a > DAY else a - b


def _beside(a: Any, b: Any) -> str:
    return f"{'' if a is None else a}{'' if b is None else b}"


def _times(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a * b


def _over(a: Any, b: Any) -> Any:
    return None if a is None or not b else a / b


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _case(_now: int, value: Any, *rest: Any) -> Any:
    for place in range(0, len(rest) - 1, 2):
        if rest[place] == value:
            return rest[place + 1]
    return rest[-1]


def _datevalue(_now: int, value: Any) -> Any:
    return today(value).isoformat() if isinstance(value, int) else value


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "TODAY": lambda now: today(now).isoformat(),
    "NOW": lambda now: now,
    "DATEVALUE": _datevalue,
    "DATETIMEVALUE": lambda _now, value: midnight(date.fromisoformat(value)) if isinstance(value, str) else value,
    "YEAR": lambda _now, value: float(value[:4]) if value else None,
    "MONTH": lambda _now, value: float(value[5:7]) if value else None,
    "IF": lambda _now, test, yes, no: yes if test else no,
    "AND": lambda _now, *tests: all(tests),
    "OR": lambda _now, *tests: any(tests),
    "NOT": lambda _now, test: not test,
    "CASE": _case,
    "ISBLANK": lambda _now, value: value is None or value == "",
    "ISNULL": lambda _now, value: value is None,
    "BLANKVALUE": lambda _now, value, other: other if value is None or value == "" else value,
    "NULLVALUE": lambda _now, value, other: other if value is None else value,
    "ISPICKVAL": lambda _now, value, wanted: (value or "") == wanted,
    "TEXT": lambda _now, value: "" if value is None else f"{value:g}" if isinstance(value, float) else str(value),
    "VALUE": lambda _now, value: float(value) if value else None,
    "UPPER": lambda _now, value: str(value or "").upper(),
    "LOWER": lambda _now, value: str(value or "").lower(),
    "LEN": lambda _now, value: float(len(value or "")),
    "LEFT": lambda _now, value, count: str(value or "")[: int(count)],
    "RIGHT": lambda _now, value, count: str(value or "")[-int(count) :] if count else "",
    "CONTAINS": lambda _now, value, part: part in str(value or ""),
    "BEGINS": lambda _now, value, part: str(value or "").startswith(part),
    "ROUND": lambda _now, value, digits: None if value is None else round(value, int(digits)),
    "FLOOR": lambda _now, value: None if value is None else float(value // 1),
    "MAX": lambda _now, *values: max((value for value in values if value is not None), default=None),
    "MIN": lambda _now, *values: min((value for value in values if value is not None), default=None),
}
