"""Request, Response and Router: all that a vendor needs to know of HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

JSON = "application/json;charset=utf-8"


class BadJsonError(ValueError):
    """The body of a request is not JSON of the wanted kind."""


class Query:
    """The query string: names may repeat and blank values count."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self._pairs = parse_qsl(raw, keep_blank_values=True) if raw else []

    def get(self, name: str, default: str = "") -> str:
        """The first value of `name`."""
        return next((value for key, value in self._pairs if key == name), default)

    def all(self, name: str) -> list[str]:
        """Every value of `name`, as sent."""
        return [value for key, value in self._pairs if key == name]

    def names(self, name: str) -> list[str]:
        """Every value of `name`, repeated and comma-joined ones alike, empty ones left out."""
        return [part.strip() for value in self.all(name) for part in value.split(",") if part.strip()]

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self._pairs)


@dataclass(slots=True)
class Request:
    """One request. `path` is as sent (percent-encoded); `params` and `route` come from the router."""

    method: str
    path: str
    query: Query
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes = b""
    params: dict[str, str] = field(default_factory=dict)
    """Path parameters, decoded."""
    route: str = ""
    """The template that matched, such as `/crm/v3/objects/{type}`."""

    def json(self) -> Any:
        """The body as JSON; raises BadJsonError."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as problem:
            raise BadJsonError(str(problem)) from problem

    def form(self) -> dict[str, str]:
        """The body as application/x-www-form-urlencoded."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(slots=True)
class Response:
    """One answer: a body, or lines to stream."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    lines: Iterable[bytes] | None = None

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        body = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
        return cls(status, body, {"Content-Type": JSON, **(headers or {})})

    @classmethod
    def text(cls, text: str, status: int = 200, kind: str = "text/plain;charset=utf-8") -> Response:
        return cls(status, text.encode(), {"Content-Type": kind})

    @classmethod
    def ndjson(cls, rows: Iterable[dict[str, Any]]) -> Response:
        """One JSON object per line, streamed."""
        lines = (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
        return cls(200, b"", {"Content-Type": "application/x-ndjson"}, lines)

    def chunks(self, size: int = 1 << 18) -> Iterator[bytes]:
        """The streamed lines in pieces worth sending."""
        held: list[bytes] = []
        weight = 0
        for line in self.lines or ():
            held.append(line)
            weight += len(line)
            if weight >= size:
                yield b"".join(held)
                held, weight = [], 0
        if held:
            yield b"".join(held)


Handler = Callable[[Request], Response]


class _Node:
    __slots__ = ("handlers", "parameter", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.handlers: dict[str, tuple[Handler, tuple[str, ...], str]] = {}


@dataclass(slots=True)
class Match:
    handler: Handler
    params: dict[str, str]
    route: str


class Router:
    """Templates such as `/owners/{id}`. Fixed segments win over parameters; a trailing slash is ignored."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, method: str, template: str, handler: Handler) -> None:
        node = self._root
        names: list[str] = []
        for segment in _segments(template):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.words.setdefault(segment, _Node())
        node.handlers[method] = (handler, tuple(names), template)

    def match(self, method: str, path: str) -> Match | list[str]:
        """The match, or the methods that the path would take (empty: no such path)."""
        allowed: set[str] = set()
        for node, values in _walk(self._root, [unquote(part) for part in _segments(path)], 0, ()):
            if method in node.handlers:
                handler, names, template = node.handlers[method]
                return Match(handler, dict(zip(names, values, strict=True)), template)
            allowed.update(node.handlers)
        return sorted(allowed)


def _segments(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _walk(
    node: _Node, parts: list[str], depth: int, values: tuple[str, ...]
) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    if depth == len(parts):
        if node.handlers:
            yield node, values
        return
    part = parts[depth]
    if part in node.words:
        yield from _walk(node.words[part], parts, depth + 1, values)
    if node.parameter is not None:
        yield from _walk(node.parameter, parts, depth + 1, (*values, part))
