"""Collecting what is wrong in one TOML file, each problem with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz import fuzz, process, utils

from core.errors import ConfigProblem
from core.toml_lines import Lines, Path, dotted

_AT = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, None when nothing is near."""
    cutoff = 65 if len(word) <= 4 else 70  # one wrong letter of three is 67
    found = process.extractOne(
        word, list(known), scorer=fuzz.WRatio, processor=utils.default_process, score_cutoff=cutoff
    )
    return None if found is None else str(found[0])


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

    @classmethod
    def of(cls, file: str, text: str) -> Report:
        """Parse `text`; a syntax error becomes the first problem."""
        try:
            return cls(file, Lines(text), tomllib.loads(text))
        except tomllib.TOMLDecodeError as e:
            report = cls(file, Lines(""), {})
            report.problems.append(_syntax(file, text, str(e)))
            return report

    @property
    def fatal(self) -> bool:
        return any(p.fatal for p in self.problems)

    def add(self, path: Path, text: str, remedy: str, *, fatal: bool = True) -> None:
        """Add a problem at the line of `path` (or of its nearest parent that stands in the file)."""
        text, remedy = self._redacted(text), self._redacted(remedy)
        self.problems.append(ConfigProblem(self.file, self.lines.line(path), dotted(path), text, remedy, fatal))

    def _redacted(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def _syntax(file: str, text: str, message: str) -> ConfigProblem:
    at = _AT.search(message)
    line = int(at[1]) if at and at[1] else text.count("\n") + 1
    return ConfigProblem(
        file,
        line,
        "",
        f"this is not valid TOML: {_AT.sub('', message)}",
        "put text in quotes, close every quote and bracket, and write each key and table once",
    )
