"""From a condition's text to SQL: tokens, tree, types, a new tree, text. Slow to import: do so lazily."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from core.expressions.names import Model
from core.expressions.problem import Condition, ExpressionProblem
from core.expressions.types import Kind, Refusal, Typed, kind_of, match, needs

MAX_CHARACTERS = 2_000
MAX_DEPTH = 40

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NUMBER = re.compile(r"(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(?:[eE][+-]?\d{1,2})?")
_COMPARE: tuple[type[exp.Expression], ...] = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_SIGNS: dict[type[exp.Expression], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
_FUNCTION_NAMES = ("lower", "upper", "length", "coalesce", "abs", "round")
_PARAMETERS = {"PLACEHOLDER", "PARAMETER", "SESSION_PARAMETER", "COLON"}
_OPENING = {"L_PAREN"}
_BRACKETS = {"L_BRACKET", "L_BRACE", "R_BRACKET", "R_BRACE"}
_PREFIX = {"NOT", "DASH", "PLUS", "TILDE"}
_WRONG_NAMES = {"person.score": "score.total", "score": "score.total", "company.company": "company.name"}


def compile_text(text: str, model: Model) -> Condition | ExpressionProblem:
    """See `core.expressions.compile_condition`."""
    try:
        tree = _parse(text)
        if _depth(tree) > MAX_DEPTH:
            raise Refusal(f"nested deeper than {MAX_DEPTH}", remedy="split it into several rules")
        compiler = _Compiler(model)
        body = compiler.condition(tree).sql(dialect="sqlite", comments=False)
    except Refusal as refusal:
        line, column = _place(text, refusal.start)
        return ExpressionProblem(refusal.text, line, column, refusal.remedy)
    except RecursionError:
        return ExpressionProblem(f"nested deeper than {MAX_DEPTH}", remedy="split it into several rules")
    return Condition(f"COALESCE(({body}), 0)", frozenset(compiler.names))


def _parse(text: str) -> exp.Expression:
    if len(text) > MAX_CHARACTERS:
        raise Refusal(f"{len(text)} characters, at most {MAX_CHARACTERS}", remedy="split it into several rules")
    if not text.strip():
        raise Refusal("the condition is empty", remedy="write a comparison such as person.country = 'FR'")
    if control := _CONTROL.search(text):
        raise Refusal("a control character stands in the condition", control.start())
    _check_tokens(text)
    try:
        tree = sqlglot.parse_one(text, dialect="sqlite", into=exp.Condition)
    except SqlglotError as error:
        raise _syntax(text, error) from None
    assert isinstance(tree, exp.Expression)
    return tree


def _check_tokens(text: str) -> None:
    """What the tree would hide or choke on: comments, several statements, parameters, endless nesting."""
    try:
        tokens = sqlglot.tokenize(text, dialect="sqlite")
    except SqlglotError as error:
        raise _syntax(text, error) from None
    if not tokens or any(token.comments for token in tokens):
        raise Refusal("a condition holds no comments", remedy="put the comment into the TOML file, after #")
    depth = prefixes = 0
    for token in tokens:
        kind = str(token.token_type.name)
        if kind == "SEMICOLON":
            raise Refusal("one condition only, no ';'", token.start, "write one expression, joined with and, or")
        if kind in _PARAMETERS or (token.text[:1] in "?:@$" and kind != "STRING"):
            raise Refusal("parameters have no value here", token.start, "write the value itself")
        if kind in _BRACKETS:
            raise Refusal(f"{token.text} has no meaning here", token.start, "names stand bare, text in single quotes")
        depth += (kind in _OPENING) - (kind == "R_PAREN")
        prefixes = prefixes + 1 if kind in _PREFIX else 0
        if max(depth, prefixes) > MAX_DEPTH:
            raise Refusal(f"nested deeper than {MAX_DEPTH}", token.start, "split it into several rules")


def _syntax(text: str, error: SqlglotError) -> Refusal:
    found = getattr(error, "errors", None) or [{}]
    context, highlight = str(found[0].get("start_context", "")), str(found[0].get("highlight", ""))
    at = len(context) if context and text.startswith(context) else 0
    saw = f"at {highlight!r}" if highlight else "as SQL"
    return Refusal(
        f"cannot be read {saw}",
        at,
        "write a SQL condition: person.country = 'FR' and company.employees >= 50",
    )


def _place(text: str, start: int) -> tuple[int, int]:
    before = text[:start]
    return before.count("\n") + 1, start - (before.rfind("\n") + 1) + 1


def _start(node: exp.Expression) -> int:
    """Offset of the first thing in the node that remembers where it stood."""
    return min((int(n.meta["start"]) for n in node.walk() if "start" in n.meta), default=0)


def _depth(tree: exp.Expression) -> int:
    """Nesting; a chain of one connector or operator counts once, for people read it as a list."""
    deepest, todo = 0, [(tree, 1)]
    while todo:
        node, depth = todo.pop()
        deepest = max(deepest, depth)
        todo += [(child, depth + (type(child) is not type(node))) for child in node.iter_expressions()]
    return deepest


@lru_cache(maxsize=1_024)
def _column(sql: str) -> exp.Expression:
    column = sqlglot.parse_one(sql, dialect="sqlite")
    assert isinstance(column, exp.Expression)
    return column


class _Compiler:
    """Builds a new tree from the nodes it knows. What it does not know is refused by name."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.names: set[str] = set()
        self.rules: dict[type[exp.Expression], Callable[[exp.Expression], Typed]] = {
            exp.And: self._logic,
            exp.Or: self._logic,
            exp.Not: self._not,
            exp.Paren: self._paren,
            exp.Column: self._name,
            exp.Literal: self._literal,
            exp.Boolean: self._boolean,
            exp.Null: self._null,
            exp.Neg: self._negative,
            exp.Is: self._is,
            exp.In: self._in,
            exp.Between: self._between,
            exp.Like: self._like,
            exp.Lower: self._text_function,
            exp.Upper: self._text_function,
            exp.Length: self._text_function,
            exp.Coalesce: self._coalesce,
            exp.Abs: self._abs,
            exp.Round: self._round,
            **dict.fromkeys(_COMPARE, self._compare),
            **dict.fromkeys(_SIGNS, self._arithmetic),
        }

    def condition(self, node: exp.Expression) -> exp.Expression:
        """The new tree of something that is true or false."""
        typed = self._visit(node)
        if typed.kind != "bool":
            raise Refusal(f"a {typed.kind} is no condition", _start(node), "compare it: >= 50, = 'FR', is not null")
        return typed.node

    def _visit(self, node: exp.Expression) -> Typed:
        rule = self.rules.get(type(node))
        if rule is None:
            raise _unknown(node)
        return rule(node)

    def _side(self, node: exp.Expression, kind: Kind, of: str) -> exp.Expression:
        typed = self._visit(node)
        if typed.kind != kind:
            raise Refusal(f"{of} wants a {kind}, this is a {typed.kind}", _start(node))
        return typed.node

    def _logic(self, node: exp.Expression) -> Typed:
        # a chain of ninety "or" is ninety deep: walked, not recursed
        kind, parts = type(node), []
        while type(node) is kind:
            parts.append(node.expression)
            node = node.this
        parts.append(node)
        sides = [self.condition(part) for part in reversed(parts)]
        made = sides[0]
        for side in sides[1:]:
            made = kind(this=made, expression=side)
        return Typed("bool", made)

    def _not(self, node: exp.Expression) -> Typed:
        return Typed("bool", exp.Not(this=self.condition(node.this)))

    def _paren(self, node: exp.Expression) -> Typed:
        inner = self._visit(node.this)
        return Typed(inner.kind, exp.Paren(this=inner.node), inner.name, inner.constant)

    def _name(self, node: exp.Expression) -> Typed:
        parts = [str(part.name) for part in node.parts] if isinstance(node, exp.Column) else []
        if not all(isinstance(part, exp.Identifier) for part in getattr(node, "parts", ())):
            raise _unknown(node)
        written = ".".join(parts)
        name = written if written in self.model else written.lower()
        found = self.model.get(name)
        if found is None:
            raise Refusal(f"unknown name {written}", _start(node), self._suggest(written, node))
        self.names.add(name)
        return Typed(kind_of(found.type), _column(found.sql).copy(), name)

    def _suggest(self, written: str, node: exp.Expression) -> str:
        wanted = written.lower()
        if any(part.args.get("quoted") for part in node.find_all(exp.Identifier)):
            return "text stands in single quotes: " + exp.Literal.string(written).sql()
        if wanted in _WRONG_NAMES and _WRONG_NAMES[wanted] in self.model:
            return f"did you mean {_WRONG_NAMES[wanted]}?"
        same_end = [n for n in self.model if n.rpartition(".")[2] == wanted.rpartition(".")[2]]
        near = same_end or difflib.get_close_matches(wanted, self.model, n=1, cutoff=0.7)
        near = near or [n for n in self.model if n.rpartition(".")[2].startswith(wanted)]
        return f"did you mean {near[0]}?" if near else f"known names: {', '.join(sorted(self.model)[:6])}, ..."

    def _literal(self, node: exp.Expression) -> Typed:
        if node.args.get("is_string"):
            return Typed("text", exp.Literal.string(str(node.this)), constant=str(node.this))
        if not _NUMBER.fullmatch(str(node.this)):
            raise Refusal(f"{node.this} is no number to reckon with", _start(node))
        return Typed("number", exp.Literal.number(str(node.this)), constant=str(node.this))

    def _boolean(self, node: exp.Expression) -> Typed:
        return Typed("bool", exp.Boolean(this=bool(node.this)), constant="1" if node.this else "0")

    def _null(self, node: exp.Expression) -> Typed:
        raise Refusal("nothing equals null", _start(node), "write: is null, or: is not null")

    def _negative(self, node: exp.Expression) -> Typed:
        inner = self._visit(node.this)
        needs(inner, "number", "-", _start(node))
        # "--1" would be a comment
        made = exp.Paren(this=inner.node) if isinstance(inner.node, exp.Neg) else inner.node
        return Typed("number", exp.Neg(this=made), constant=f"-{inner.constant}" if inner.constant else None)

    def _compare(self, node: exp.Expression) -> Typed:
        left, right = match(self.model, self._visit(node.this), self._visit(node.expression), _start(node))
        if left.kind == "bool" and not isinstance(node, exp.EQ | exp.NEQ):
            raise Refusal("true and false have no order", _start(node), "use = or !=")
        if left.kind == "options":
            raise Refusal("two lists of options cannot be compared", _start(node))
        return Typed("bool", type(node)(this=left.node, expression=right.node))

    def _is(self, node: exp.Expression) -> Typed:
        inner = self._visit(node.this)
        against = node.expression
        if isinstance(against, exp.Null):
            return Typed("bool", exp.Is(this=_closed(inner.node), expression=exp.Null()))
        if isinstance(against, exp.Boolean):
            needs(inner, "bool", "is true", _start(node))
            return Typed("bool", exp.Is(this=_closed(inner.node), expression=exp.Boolean(this=bool(against.this))))
        raise Refusal("is stands before null, true and false only", _start(node), "write = instead")

    def _in(self, node: exp.Expression) -> Typed:
        items = node.expressions
        if node.args.get("query") or node.args.get("field") or node.args.get("unnest") or not items:
            raise Refusal("in wants a list of values", _start(node), "write: in ('a', 'b')")
        left = self._visit(node.this)
        values = [self._visit(item) for item in items]
        for item, value in zip(items, values, strict=True):
            if value.constant is None:
                raise Refusal("a list holds values, no names", _start(item), "write: a = b or a = c")
        if left.kind == "options":
            made = self._holds_any(left, values, _start(node))
        else:
            pairs = [match(self.model, left, value, _start(i)) for i, value in zip(items, values, strict=True)]
            made = exp.In(this=pairs[0][0].node, expressions=[right.node for _, right in pairs])
        return Typed("bool", _negated(made, node))

    def _holds_any(self, left: Typed, values: list[Typed], start: int) -> exp.Expression:
        """Several options stand as "a;b": does one of `values` stand among them?"""
        tests: list[exp.Expression] = []
        for value in values:
            match(self.model, Typed("text", left.node, left.name), value, start)
            inside = exp.DPipe(this=exp.Literal.string(";"), expression=left.node.copy(), safe=True)
            whole = exp.DPipe(this=inside, expression=exp.Literal.string(";"), safe=True)
            wanted = exp.Literal.string(f";{value.constant};")
            found = exp.Anonymous(this="INSTR", expressions=[whole, wanted])
            tests.append(exp.GT(this=found, expression=exp.Literal.number(0)))
        made = tests[0]
        for test in tests[1:]:
            made = exp.Or(this=made, expression=test)
        return exp.Paren(this=made)

    def _between(self, node: exp.Expression) -> Typed:
        if node.args.get("symmetric"):
            raise _unknown(node)
        value, start = self._visit(node.this), _start(node)
        left, low = match(self.model, value, self._visit(node.args["low"]), start)
        _, high = match(self.model, value, self._visit(node.args["high"]), start)
        if left.kind in ("bool", "options"):
            raise Refusal(f"between wants an order, a {left.kind} has none", start)
        return Typed("bool", _negated(exp.Between(this=left.node, low=low.node, high=high.node), node))

    def _like(self, node: exp.Expression) -> Typed:
        value, pattern = self._visit(node.this), self._visit(node.expression)
        if value.kind not in ("text", "options", "date"):
            raise Refusal(f"like compares text, this is a {value.kind}", _start(node))
        if pattern.kind != "text" or pattern.constant is None:
            raise Refusal("like wants a pattern in single quotes", _start(node), "write: like '%sales%'")
        return Typed("bool", _negated(exp.Like(this=value.node, expression=pattern.node), node))

    def _arithmetic(self, node: exp.Expression) -> Typed:
        sign = _SIGNS[type(node)]
        left, right = self._side(node.this, "number", sign), self._side(node.expression, "number", sign)
        if isinstance(right, exp.Neg):
            right = exp.Paren(this=right)
        if isinstance(node, exp.Div | exp.Mod):
            if isinstance(right, exp.Literal) and float(str(right.this)) == 0:
                raise Refusal("division by zero", _start(node.expression))
            right = exp.Nullif(this=right, expression=exp.Literal.number(0))
        if isinstance(node, exp.Div):
            return Typed("number", exp.Div(this=exp.cast(left, "REAL"), expression=right, typed=True, safe=True))
        return Typed("number", type(node)(this=left, expression=right))

    def _text_function(self, node: exp.Expression) -> Typed:
        _only(node, "this")
        name = str(node.key)
        inner = self._visit(node.this)
        if inner.kind not in ("text", "options", "date"):
            raise Refusal(f"{name} wants a text, this is a {inner.kind}", _start(node))
        return Typed("number" if isinstance(node, exp.Length) else "text", type(node)(this=inner.node))

    def _coalesce(self, node: exp.Expression) -> Typed:
        _only(node, "this", "expressions", "is_nvl", "is_null")
        first, others = self._visit(node.this), [self._visit(e) for e in node.expressions]
        pairs = [match(self.model, first, other, _start(node)) for other in others]
        if not pairs:
            raise Refusal("coalesce wants at least two values", _start(node))
        made = exp.Coalesce(this=pairs[0][0].node, expressions=[right.node for _, right in pairs])
        return Typed(pairs[0][0].kind, made)

    def _abs(self, node: exp.Expression) -> Typed:
        _only(node, "this")
        return Typed("number", exp.Abs(this=self._side(node.this, "number", "abs")))

    def _round(self, node: exp.Expression) -> Typed:
        _only(node, "this", "decimals")
        value, decimals = self._side(node.this, "number", "round"), node.args.get("decimals")
        if decimals is None:
            return Typed("number", exp.Round(this=value))
        if not (isinstance(decimals, exp.Literal) and str(decimals.this) in "0123456789"):
            raise Refusal("round wants 0 to 9 decimals", _start(node))
        return Typed("number", exp.Round(this=value, decimals=exp.Literal.number(str(decimals.this))))


def _closed(node: exp.Expression) -> exp.Expression:
    """In brackets, unless it stands alone anyway: `is` binds tighter than what may be inside."""
    return node if isinstance(node, exp.Column | exp.Paren) else exp.Paren(this=node)


def _negated(made: exp.Expression, node: exp.Expression) -> exp.Expression:
    return exp.Not(this=made) if node.args.get("negate") else made


def _only(node: exp.Expression, *known: str) -> None:
    if any(value for key, value in node.args.items() if key not in known):
        raise _unknown(node)


def _function(node: exp.Expression) -> str | None:
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower()
    if isinstance(node, exp.Func) and not isinstance(node, exp.Binary | exp.Cast | exp.Case):
        return node.sql_name().lower()
    return None


def _unknown(node: exp.Expression) -> Refusal:
    start = _start(node)
    if node.find(exp.Query) is not None or isinstance(node, exp.Exists):
        return Refusal("no selects inside a condition", start, "use the names of the model")
    if name := _function(node):
        near = difflib.get_close_matches(name, _FUNCTION_NAMES, n=1, cutoff=0.7)
        remedy = f"did you mean {near[0]}?" if near else "known functions: " + ", ".join(_FUNCTION_NAMES)
        return Refusal(f"unknown function {name}", start, remedy)
    if isinstance(node, exp.NullSafeEQ | exp.NullSafeNEQ):
        return Refusal("is stands before null, true and false only", start, "write = or != instead")
    word = type(node).__name__.lower()
    return Refusal(
        f"{word} is not allowed in a condition",
        start,
        "allowed: and, or, not, =, !=, <, <=, >, >=, in, between, like, is null, + - * / %",
    )
