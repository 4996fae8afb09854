"""Recursive descent from tokens to the syntax tree; knows nothing of the org's fields."""

from crmhub.sandbox.salesforce.errors import ApiError
from crmhub.sandbox.salesforce.soql.lexer import Token, literal_characters, query_error, tokenize, unquote
from crmhub.sandbox.salesforce.soql.nodes import (
    Aggregate,
    AllFields,
    Combined,
    Comparison,
    Condition,
    FieldPath,
    Literal,
    Negated,
    Ordering,
    Query,
    Selected,
    TypeOf,
)

MAX_OFFSET = 2000
MAX_DEPTH = 60

_AGGREGATES = frozenset({"count", "count_distinct", "max", "min", "sum", "avg"})
_RESERVED = frozenset(
    {
        "and",
        "asc",
        "desc",
        "excludes",
        "first",
        "from",
        "group",
        "having",
        "in",
        "includes",
        "last",
        "like",
        "limit",
        "not",
        "null",
        "nulls",
        "offset",
        "or",
        "select",
        "using",
        "where",
        "with",
        "for",
        "order",
    }
)
_COMPARE = frozenset({"=", "!=", "<>", "<", "<=", ">", ">="})


def parse(statement: str) -> Query:
    """The tree of a statement; raises ApiError MALFORMED_QUERY with row and column."""
    parser = _Parser(statement)
    query = parser.query(nested=False)
    parser.expect_end()
    return query


class _Parser:
    def __init__(self, statement: str) -> None:
        self._statement = statement
        self._tokens = tokenize(statement)
        self._next = 0
        self._depth = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _peek(self) -> Token:
        return self._tokens[min(self._next + 1, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self._token
        if token.kind != "end":
            self._next += 1
        return token

    def _unexpected(self, token: Token | None = None) -> ApiError:
        token = token or self._token
        return query_error("MALFORMED_QUERY", f"unexpected token: '{token.text}'", self._statement, token.at)

    def _accept(self, *words: str) -> bool:
        if self._token.is_word(*words):
            self._next += 1
            return True
        return False

    def _accept_op(self, op: str) -> bool:
        if self._token.kind == "op" and self._token.text == op:
            self._next += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise self._unexpected()

    def _expect_op(self, op: str) -> None:
        if not self._accept_op(op):
            raise self._unexpected()

    def expect_end(self) -> None:
        if self._token.kind != "end":
            raise self._unexpected()

    def _name(self) -> Token:
        if self._token.kind != "word" or self._token.text.lower() in _RESERVED:
            raise self._unexpected()
        return self._take()

    def _object_name(self) -> Token:
        """Group and Order are objects as well as words of the language."""
        return self._take() if self._token.is_word("group", "order") else self._name()

    def query(self, *, nested: bool) -> Query:
        """SELECT ... [FOR VIEW]; a nested one ends before its closing bracket."""
        at = self._token.at
        self._expect("select")
        count = self._count_only()
        selected = () if count else self._select_list(nested=nested)
        self._expect("from")
        source = self._object_name()
        alias = self._from_alias()
        if self._accept("using"):
            self._expect("scope")
            self._name()
        where = self._condition() if self._accept("where") else None
        self._skip_with()
        group_by, having = self._grouping()
        order_by = self._ordering()
        limit = self._count_after("limit")
        offset_at = self._token.at
        offset = self._count_after("offset") or 0
        if offset > MAX_OFFSET:
            reason = f"Maximum SOQL offset allowed is {MAX_OFFSET}"
            raise query_error("NUMBER_OUTSIDE_VALID_RANGE", reason, self._statement, offset_at)
        while self._accept("for"):
            if not self._accept("view", "reference", "update"):
                raise self._unexpected()
        all_rows = self._accept("all")
        if all_rows:
            self._expect("rows")
        return Query(
            selected, source.text, source.at, alias, where, group_by, having, order_by, limit, offset, all_rows,
            count, at, self._token.at,
        )  # fmt: skip

    def _count_only(self) -> bool:
        texts = [token.text.lower() for token in self._tokens[self._next : self._next + 3]]
        if texts == ["count", "(", ")"]:
            self._next += 3
            return True
        return False

    def _from_alias(self) -> str | None:
        self._accept("as")
        if self._token.kind == "word" and self._token.text.lower() not in _RESERVED | {"all"}:
            return self._take().text
        return None

    def _skip_with(self) -> None:
        if self._accept("with") and not self._accept("security_enforced", "user_mode", "system_mode"):
            raise self._unexpected()

    def _select_list(self, *, nested: bool) -> tuple[Selected, ...]:
        items = [self._selected(nested=nested)]
        while self._accept_op(","):
            items.append(self._selected(nested=nested))
        return tuple(items)

    def _selected(self, *, nested: bool) -> Selected:
        token = self._token
        if token.kind == "op" and token.text == "(" and not nested:
            self._take()
            query = self.query(nested=True)
            self._expect_op(")")
            return Selected(query, None)
        if token.is_word("typeof"):
            return Selected(self._type_of(), None)
        what: FieldPath | Aggregate | AllFields
        if token.is_word("fields") and self._peek().text == "(":
            self._next += 2
            scope = self._name()
            if not scope.is_word("all", "standard", "custom"):
                raise self._unexpected(scope)
            self._expect_op(")")
            what = AllFields(scope.text.upper(), token.at)
        else:
            what = self._field_or_aggregate()
        alias = None
        if self._token.kind == "word" and self._token.text.lower() not in _RESERVED:
            alias = self._take().text
        return Selected(what, alias)

    def _type_of(self) -> TypeOf:
        at = self._take().at
        relationship = self._name().text
        branches = []
        while self._accept("when"):
            target = self._name().text
            self._expect("then")
            branches.append((target, self._paths()))
        otherwise = self._paths() if self._accept("else") else ()
        self._expect("end")
        if not branches:
            raise self._unexpected()
        return TypeOf(relationship, tuple(branches), otherwise, at)

    def _paths(self) -> tuple[FieldPath, ...]:
        paths = [self._path()]
        while self._accept_op(","):
            paths.append(self._path())
        return tuple(paths)

    def _path(self) -> FieldPath:
        first = self._name()
        parts = [first.text]
        while self._accept_op("."):
            if self._token.kind != "word":
                raise self._unexpected()
            parts.append(self._take().text)
        return FieldPath(tuple(parts), first.at)

    def _field_or_aggregate(self) -> FieldPath | Aggregate:
        token = self._token
        if token.kind == "word" and self._peek().text == "(":
            if token.text.lower() not in _AGGREGATES:
                self._take()
                raise self._unexpected()
            self._next += 2
            path = None if token.is_word("count") and self._token.text == ")" else self._path()
            self._expect_op(")")
            return Aggregate(token.text.upper(), path, token.at)
        return self._path()

    def _condition(self) -> Condition:
        """One level: the vendor refuses AND and OR side by side without brackets."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise query_error("MALFORMED_QUERY", "query is nested too deeply", self._statement, self._token.at)
        parts = [self._simple_condition()]
        op = None
        while self._token.is_word("and", "or"):
            token = self._token
            if op is not None and token.text.lower() != op:
                raise self._unexpected(token)
            op = self._take().text.lower()
            parts.append(self._simple_condition())
        self._depth -= 1
        return parts[0] if op is None else Combined(op, tuple(parts))

    def _simple_condition(self) -> Condition:
        if self._accept("not"):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise query_error("MALFORMED_QUERY", "query is nested too deeply", self._statement, self._token.at)
            negated = Negated(self._simple_condition())
            self._depth -= 1
            return negated
        if self._accept_op("("):
            inner = self._condition()
            self._expect_op(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        at = self._token.at
        field = self._field_or_aggregate()
        token = self._take()
        if token.kind == "op" and token.text in _COMPARE:
            op = "!=" if token.text == "<>" else token.text
            return Comparison(field, op, (self._literal(),), None, at)
        if token.is_word("like"):
            return Comparison(field, "like", (self._literal(),), None, at)
        if token.is_word("includes", "excludes"):
            return Comparison(field, token.text.lower(), self._literals(), None, at)
        negative = token.is_word("not")
        if negative:
            token = self._take()
        if not token.is_word("in"):
            raise self._unexpected(token)
        op = "not in" if negative else "in"
        if self._token.text == "(" and self._peek().is_word("select"):
            self._take()
            query = self.query(nested=True)
            self._expect_op(")")
            return Comparison(field, op, (), query, at)
        return Comparison(field, op, self._literals(), None, at)

    def _literals(self) -> tuple[Literal, ...]:
        self._expect_op("(")
        values = [self._literal()]
        while self._accept_op(","):
            values.append(self._literal())
        self._expect_op(")")
        return tuple(values)

    def _literal(self) -> Literal:
        token = self._take()
        if token.kind == "string":
            pattern = tuple(literal_characters(token, self._statement))
            return Literal("string", unquote(token, self._statement), token.at, pattern=pattern)
        if token.kind in ("number", "datetime", "date"):
            return Literal(token.kind, token.text, token.at)
        if token.kind != "word":
            raise self._unexpected(token)
        word = token.text.lower()
        if word in ("true", "false"):
            return Literal("boolean", word, token.at)
        if word == "null":
            return Literal("null", word, token.at)
        number = None
        if self._accept_op(":"):
            count = self._take()
            if count.kind != "number" or not count.text.isdigit():
                raise self._unexpected(count)
            number = int(count.text)
        return Literal("range", word, token.at, number=number)

    def _grouping(self) -> tuple[tuple[FieldPath, ...], Condition | None]:
        if not self._accept("group"):
            return (), None
        self._expect("by")
        paths = self._paths()
        having = self._condition() if self._accept("having") else None
        return paths, having

    def _ordering(self) -> tuple[Ordering, ...]:
        if not self._accept("order"):
            return ()
        self._expect("by")
        items = [self._order_item()]
        while self._accept_op(","):
            items.append(self._order_item())
        return tuple(items)

    def _order_item(self) -> Ordering:
        field = self._field_or_aggregate()
        descending = self._accept("desc")
        if not descending:
            self._accept("asc")
        nulls_last = False
        if self._accept("nulls"):
            nulls_last = self._accept("last")
            if not nulls_last:
                self._expect("first")
        return Ordering(field, descending, nulls_last)

    def _count_after(self, word: str) -> int | None:
        if not self._accept(word):
            return None
        token = self._take()
        if token.kind != "number" or not token.text.isdigit():
            raise self._unexpected(token)
        return int(token.text)
