"""Cuts a statement into tokens, each with its place in the text for the error's caret."""

import re
from dataclasses import dataclass

from crmhub.sandbox.salesforce.errors import ApiError

MAX_STATEMENT = 100_000

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<datetime>\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d))
  | (?P<date>\d{4}-\d\d-\d\d(?![\w:]))
  | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w]))
  | (?P<word>[A-Za-z_]\w*)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<op><=|>=|!=|<>|=|<|>|\(|\)|,|\.|:)
    """,
    re.VERBOSE | re.DOTALL,
)

_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    '"': '"',
    "'": "'",
    "\\": "\\",
    "_": "_",
    "%": "%",
}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is word, string, number, datetime, date, op or end; `text` is the source text."""

    kind: str
    text: str
    at: int

    def is_word(self, *names: str) -> bool:
        """Whether this is one of the (lower-case) words, in any case."""
        return self.kind == "word" and self.text.lower() in names


def query_error(code: str, reason: str, statement: str, at: int) -> ApiError:
    """The vendor's form: excerpt, caret, row and column, reason."""
    row = statement.count("\n", 0, at) + 1
    start = statement.rfind("\n", 0, at) + 1
    end = statement.find("\n", at)
    line = statement[start : end if end >= 0 else len(statement)]
    column = at - start
    left = max(0, column - 40)
    excerpt = line[left : column + 40]
    caret = " " * (column - left) + "^"
    message = f"\n{excerpt}\n{caret}\nERROR at Row:{row}:Column:{column + 1}\n{reason}"
    return ApiError(400, code, message)


def tokenize(statement: str) -> list[Token]:
    """All tokens and a closing `end`; raises MALFORMED_QUERY for what is no token."""
    if len(statement) > MAX_STATEMENT:
        raise ApiError(400, "QUERY_TOO_COMPLICATED", "SOQL statements cannot be longer than 100000 characters.")
    tokens = []
    at = 0
    while at < len(statement):
        match = _TOKEN.match(statement, at)
        if match is None:
            char = statement[at]
            reason = (
                "unexpected token: '<EOF>'"
                if char == "'"
                else f"line 1:{at} no viable alternative at character '{char}'"
            )
            raise query_error("MALFORMED_QUERY", reason, statement, at)
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(Token(kind, match.group(), at))
        at = match.end()
    tokens.append(Token("end", "<EOF>", len(statement)))
    return tokens


def unquote(token: Token, statement: str) -> str:
    """The text a quoted string stands for; raises MALFORMED_QUERY for an unknown escape."""
    return "".join(char for char, _ in literal_characters(token, statement))


def literal_characters(token: Token, statement: str) -> list[tuple[str, bool]]:
    """The characters of a quoted string and whether each was escaped (LIKE needs to know)."""
    body = token.text[1:-1]
    result = []
    i = 0
    while i < len(body):
        char = body[i]
        if char != "\\":
            result.append((char, False))
            i += 1
            continue
        escape = body[i + 1]
        if escape in "uU" and re.fullmatch(r"[0-9a-fA-F]{4}", body[i + 2 : i + 6]):
            result.append((chr(int(body[i + 2 : i + 6], 16)), True))
            i += 6
            continue
        plain = _ESCAPES.get(escape) or _ESCAPES.get(escape.lower())
        if plain is None:
            reason = f"Invalid string literal {token.text}. Illegal character sequence '\\{escape}' in string literal."
            raise query_error("MALFORMED_QUERY", reason, statement, token.at)
        result.append((plain, True))
        i += 2
    return result
