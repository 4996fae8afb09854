"""Collecting what is wrong in one TOML file, each problem with its line."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz.distance import OSA, Prefix

from core.errors import ConfigProblem
from core.toml_lines import Lines, Path, dotted

_AT = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")

_LONG = re.compile(r"[0-9_]{1000}")
#: nothing that means something here is nested this deep
_DEPTH = 30


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is a slip of the pen for, None when nothing is really near.

    Near: the same letters and digits, or a wrong, missing, additional or swapped one per four of the longer word
    (three at most); of words equally near the one that begins most alike.
    """
    written = _plain(word)
    best: tuple[int, int, int] | None = None
    found = None
    for order, one in enumerate(known):
        other = _plain(one)
        longer = max(len(written), len(other))
        allowed = 0 if longer < 3 else max(1, min(3, longer // 4))
        distance = OSA.distance(written, other, score_cutoff=allowed)
        rank = (distance, -Prefix.similarity(written, other), order)
        if written and distance <= allowed and (best is None or rank < best):
            best, found = rank, one
    return found


def _plain(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalnum())


def choose(word: str, known: Iterable[str], limit: int = 12) -> str:
    """A remedy: the nearest known word, or the list of what there is."""
    words = list(known)
    best = nearest(word, words)
    if best is not None:
        return f'did you mean "{best}"?'
    if not words:
        return "remove it"
    more = ", ..." if len(words) > limit else ""
    return f"use one of {', '.join(words[:limit])}{more}"


@dataclass
class Report:
    """The problems of one file; `data` is its content, empty when it is no TOML."""

    file: str
    lines: Lines
    data: dict[str, Any]
    problems: list[ConfigProblem] = field(default_factory=list)
    #: never shown, whoever wrote the message
    secrets: set[str] = field(default_factory=set)
    #: keys about which enough is said
    settled: set[Path] = field(default_factory=set)

    @classmethod
    def of(cls, file: str, text: str) -> Report:
        """Parse `text`, with or without a byte order mark; a syntax error becomes the first problem."""
        text = text.removeprefix("\ufeff")
        report = cls(file, Lines(""), {})
        try:
            data = tomllib.loads(text)
            deep = next((path for path, _ in _leaves(data) if len(path) > _DEPTH), None)
            if deep is None:
                report.data, report.lines = data, Lines(text)
                report._numbers()
                return report
            report.problems.append(_too_deep(file, Lines(text).line(deep[:1])))
        except RecursionError:
            report.problems.append(_too_deep(file, _deep_line(text)))
        except ValueError as e:  # TOMLDecodeError, and Python's own limit on the digits of a number
            report.problems.append(_syntax(file, text, e))
        return report

    def _numbers(self) -> None:
        for path, value in _leaves(self.data):
            if isinstance(value, float) and not math.isfinite(value):
                self.add(path, f"{value} is no number to reckon with", "write a plain number such as 10 or 0.2")
                self.settled.add(path)

    @property
    def fatal(self) -> bool:
        return any(p.fatal for p in self.problems)

    def add(self, path: Path, text: str, remedy: str, *, fatal: bool = True) -> None:
        """Add a problem at the line of `path` (or of its nearest parent that stands in the file)."""
        if path in self.settled:
            return
        text, remedy = self._redacted(text), self._redacted(remedy)
        self.problems.append(ConfigProblem(self.file, self.lines.line(path), dotted(path), text, remedy, fatal))

    def _redacted(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def _leaves(data: object) -> Iterator[tuple[Path, object]]:
    """Every value of a document that is no table and no list (or an empty one), with its path; not recursive."""
    waiting: list[tuple[Path, object]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        items: Iterable[tuple[str | int, object]] = ()
        if isinstance(value, dict):
            items = value.items()
        elif isinstance(value, list):
            items = enumerate(value)
        inner = [((*path, key), one) for key, one in items]
        waiting += reversed(inner)
        if not inner or len(path) > _DEPTH:
            yield path, value
        if len(path) > _DEPTH:
            return


def _too_deep(file: str, line: int) -> ConfigProblem:
    remedy = "close each bracket before the next one; lists of lists have no use here"
    return ConfigProblem(file, line, "", f"brackets or tables stand more than {_DEPTH} deep in each other", remedy)


def _deep_line(text: str) -> int:
    """About where the brackets get too deep; those inside quotes are counted as well."""
    depth = 0
    for number, line in enumerate(text.split("\n"), 1):
        for c in line:
            depth = max(0, depth + (c in "[{") - (c in "]}"))
            if depth > _DEPTH:
                return number
    return 0


def _syntax(file: str, text: str, error: ValueError) -> ConfigProblem:
    message = str(error)
    if not isinstance(error, tomllib.TOMLDecodeError):
        line = next((n for n, one in enumerate(text.split("\n"), 1) if _LONG.search(one)), 0)
        return ConfigProblem(file, line, "", "a number has far too many digits", "write a number that is meant")
    at = _AT.search(message)
    line = int(at[1]) if at and at[1] else text.count("\n") + 1
    return ConfigProblem(
        file,
        line,
        "",
        f"this is not valid TOML: {_AT.sub('', message)}",
        "put text in quotes, close every quote and bracket, and write each key and table once",
    )
