"""Where in a TOML text a key stands. Reads text that tomllib has accepted; it finds lines, it does not validate."""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_VALUE = re.compile(r"[^,\]}#\n]*")
_STRING = re.compile(r'"""(?:\\.|[^\\])*?"""+|\'\'\'.*?\'\'\'+|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.DOTALL)


def dotted(path: Path) -> str:
    """`("lifecycle", "moves", 1, "when")` -> "lifecycle.moves[1].when"; counting starts at 1."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            key = part if _BARE.fullmatch(part) else f'"{part}"'
            text += f".{key}" if text else key
    return text


class Lines:
    """Lines of a TOML text by key path; arrays (of tables, or inline) count from 0."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._found: dict[Path, int] = {}
        self._arrays: dict[Path, int] = {}
        self._read()

    def line(self, path: Path) -> int:
        """The line, from 1, of the path or of its nearest parent; 0 when not even the first part is there."""
        while path:
            if path in self._found:
                return self._found[path]
            path = path[:-1]
        return 0

    def has(self, path: Path) -> bool:
        """Whether the text itself names this path."""
        return path in self._found

    # -------------------------------------------------------------------------------------------- reading

    def _read(self) -> None:
        table: Path = ()
        while True:
            self._skip()
            if self._at >= len(self._text):
                return
            if self._text.startswith("[[", self._at):
                table = self._header(2)
            elif self._text[self._at] == "[":
                table = self._header(1)
            else:
                self._pair(table)

    def _header(self, brackets: int) -> Path:
        line = self._line()
        self._at += brackets
        keys = self._keys()
        self._at += brackets
        path = (*self._resolve(keys[:-1]), keys[-1])
        if brackets == 2:
            index = self._arrays.get(path, -1) + 1
            self._arrays[path] = index
            self._found.setdefault(path, line)
            path = (*path, index)
        self._mark(path, line)
        return path

    def _resolve(self, keys: tuple[str, ...]) -> Path:
        """Headers below an array of tables mean its last element."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self._arrays:
                path = (*path, self._arrays[path])
        return path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table + self._keys()
        self._mark(path, line)
        self._skip()
        self._at += 1  # =
        self._skip()
        self._value(path)

    def _value(self, path: Path) -> None:
        first = self._text[self._at : self._at + 1]
        if first == "{":
            self._items(path, "}", keyed=True)
        elif first == "[":
            self._items(path, "]", keyed=False)
        elif found := _STRING.match(self._text, self._at):
            self._at = found.end()
        elif found := _VALUE.match(self._text, self._at):
            self._at = max(found.end(), self._at + 1)

    def _items(self, path: Path, end: str, *, keyed: bool) -> None:
        self._at += 1
        index = 0
        while True:
            self._skip()
            first = self._text[self._at : self._at + 1]
            if first in (end, ""):
                self._at += 1
                return
            if first == ",":
                self._at += 1
            elif keyed:
                self._pair(path)
            else:
                self._mark((*path, index), self._line())
                self._value((*path, index))
                index += 1

    def _keys(self) -> tuple[str, ...]:
        keys: list[str] = []
        while True:
            self._skip()
            if found := _BARE.match(self._text, self._at):
                keys.append(found[0])
            elif found := _STRING.match(self._text, self._at):
                keys.append(found[0][1:-1])
            else:
                return tuple(keys)
            self._at = found.end()
            self._skip()
            if self._text[self._at : self._at + 1] != ".":
                return tuple(keys)
            self._at += 1

    def _mark(self, path: Path, line: int) -> None:
        for end in range(1, len(path)):
            self._found.setdefault(path[:end], line)
        self._found[path] = line

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        if found:
            self._at = found.end()

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1
