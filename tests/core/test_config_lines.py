"""Lines of keys in a TOML text, whatever way they are written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.toml_lines import Lines, Path, dotted
from mappings import shipped

TEXT = '''\
# a comment with [brackets] and = signs
top = 1
[a.b]  # the table
plain = "text # not a comment"
"quoted key" = 'x'
inline = { one = 1, two = { deep = "}" } }
many = [
  "first",   # a comment, with a comma
  { k = 1 },
]
dotted.key = 2027-01-31
long = """
[not.a.table]
x = 1
"""

[[moves]]
to = "x"
[[moves]]
to = "y"
[moves.more]
z = 1
[a]
late = true
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("a", "b"), 3),
        (("a", "b", "plain"), 4),
        (("a", "b", "quoted key"), 5),
        (("a", "b", "inline"), 6),
        (("a", "b", "inline", "two", "deep"), 6),
        (("a", "b", "many"), 7),
        (("a", "b", "many", 0), 8),
        (("a", "b", "many", 1, "k"), 9),
        (("a", "b", "dotted", "key"), 11),
        (("a", "b", "long"), 12),
        (("moves", 0, "to"), 18),
        (("moves", 1, "to"), 20),
        (("moves", 1, "more", "z"), 22),
        (("a",), 23),
        (("a", "late"), 24),
    ],
)
def test_line(path: Path, line: int) -> None:
    assert Lines(TEXT).line(path) == line
    assert Lines(TEXT.replace("\n", "\r\n")).line(path) == line


def test_what_is_missing_has_the_line_of_its_parent() -> None:
    lines = Lines(TEXT)
    assert lines.line(("a", "b", "nothing", "here")) == 3
    assert lines.line(("nothing",)) == 0
    assert not lines.has(("not", "a", "table"))


def test_dotted_counts_from_one() -> None:
    assert dotted(("lifecycle", "moves", 1, "when")) == "lifecycle.moves[2].when"
    assert dotted(("fields", "Own Field")) == 'fields."Own Field"'


def paths(data: Any, path: Path = ()) -> list[Path]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [p for key, value in items for p in [(*path, key), *paths(value, (*path, key))]]


@pytest.mark.parametrize("text", [TEXT, *shipped().values()])
def test_every_key_that_tomllib_reads_is_found(text: str) -> None:
    lines = Lines(text)
    for path in paths(tomllib.loads(text)):
        assert lines.has(path), path


KEYS = st.text("abc_-1", min_size=1, max_size=4)
LEAVES = st.one_of(st.integers(0, 99).map(str), st.sampled_from(['"#x"', "'}'", '"a\\"b"', "[1, [2]]", "{ q = '=' }"]))


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, LEAVES, max_size=4), max_size=4))
def test_any_tables(tables: dict[str, dict[str, str]]) -> None:
    rows = []
    expected: dict[Path, int] = {}
    for table, pairs in tables.items():
        rows.append(f"[{table}]")
        expected[(table,)] = len(rows)
        for key, value in pairs.items():
            rows.append(f"{key} = {value}")
            expected[table, key] = len(rows)
    lines = Lines("\n".join(rows))
    assert {path: lines.line(path) for path in expected} == expected
