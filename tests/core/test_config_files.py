"""Files as editors and accidents leave them: byte order marks, endless brackets, a store that is another file."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config import load
from core.mapping import load_mapping
from mappings import shipped
from tests.core.config_kit import ENV, GOOD, KINDS, read
from tests.core.mapping_kit import CONNECTIONS, MAPPING, good

HUB = 'timezone = "Europe/Paris"'


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(GOOD, encoding="utf-8-sig")
    settings, problems = load(file, KINDS, env=ENV, deep=True)
    assert problems == []
    assert settings is not None
    assert settings.lines.line(("hub",)) == 1
    assert good("\ufeff" + MAPPING).hash == good().hash


@pytest.mark.parametrize(
    "text",
    [
        "\n\nx = " + "[" * 3000,
        "\n\nx = " + "[" * 3000 + "]" * 3000,
        "\n\nx = " + "[" * 100 + "]" * 100,
        "\n\nx = " + "{a = " * 3000 + "1" + "}" * 3000,
        "\n\n" + ".".join("a" * 500) + " = 1",
        "\n\n[" + ".".join("a" * 500) + "]",
    ],
)
def test_endless_nesting_is_a_problem_with_its_line(tmp_path: Path, text: str) -> None:
    settings, (problem,) = read(tmp_path, text, deep=True)
    assert settings is None
    assert problem.line == 3
    assert "deep in each other" in problem.text
    mapping, (problem,) = load_mapping(text, "mapping.toml", shipped(), CONNECTIONS)
    assert mapping is None
    assert (problem.file, problem.line) == ("mapping.toml", 3)


def test_a_number_without_end(tmp_path: Path) -> None:
    _, (problem,) = read(tmp_path, GOOD.replace("points = 20", f"points = {'9' * 5000}"))
    assert problem.line == 13
    assert "digits" in problem.text


@pytest.mark.parametrize(
    ("line", "key", "what"),
    [
        ('store = ""', "store", "is empty"),
        ('store = "  "', "store", "is empty"),
        ('store = "/"', "store", "names a folder"),
        ('store = "."', "store", "names a folder"),
        ('store = "data/.."', "store", "names a folder"),
        ('store = "data/"', "store", "names a folder"),
        ('store = "folder"', "store", "is a folder"),
        ('store = "a\\u0000b"', "store", "no file name should have"),
        ('store = "config.toml"', "store", "the configuration file itself"),
        ('store = "./folder/../config.toml"', "store", "the configuration file itself"),
        ('store = "link.toml"', "store", "the configuration file itself"),
        ('store = "mapping.toml"', "store", "is the mapping file"),
        ('store = "m.toml"\nmapping = "m.toml"', "store", "is the mapping file"),
        ('store = "config.toml/crmhub.db"', "store", "is a file, no folder can be made there"),
        ('mapping = ""', "mapping", "is empty"),
        ('mapping = "config.toml"', "mapping", "the configuration file itself"),
    ],
)
def test_files_that_are_none_or_one_another(tmp_path: Path, line: str, key: str, what: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.toml").symlink_to(tmp_path / "config.toml")
    settings, problems = read(tmp_path, GOOD.replace(HUB, f"{HUB}\n{line}"))
    assert settings is None
    problem = next(p for p in problems if p.key == f"hub.{key}")
    assert problem.line == 3
    assert what in problem.text
    assert f'{key} = "' in problem.remedy


@pytest.mark.parametrize("store", ["crmhub.db", "data/new/crmhub.db", "folder/x.db", "old.db"])
def test_a_store_of_its_own(tmp_path: Path, store: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "old.db").write_bytes(b"")
    settings, problems = read(tmp_path, GOOD.replace(HUB, f'{HUB}\nstore = "{store}"'))
    assert problems == []
    assert settings is not None


NUMBERS = [
    ("points = 20", "points = nan", "scoring.fit.size.points"),
    ("points = 20", "points = -inf", "scoring.fit.size.points"),
    ("cap = 80", "cap = inf", "scoring.engagement.demo.cap"),
    ("cap = 80", "cap = 1e999", "scoring.engagement.demo.cap"),
    ('ours = "hub@example.com"', "budget = { reserve = nan }", "connections.crm.budget.reserve"),
    ('ours = "hub@example.com"', "budget = { reserve = 1.5 }", "connections.crm.budget.reserve"),
    ('ours = "hub@example.com"', "budget = { reserve = -0.1 }", "connections.crm.budget.reserve"),
    ('ours = "hub@example.com"', "budget = { daily = 0 }", "connections.crm.budget.daily"),
    ('ours = "hub@example.com"', "budget = { daily = -1 }", "connections.crm.budget.daily"),
    ('ours = "hub@example.com"', "budget = { daily = inf }", "connections.crm.budget.daily"),
    ('ours = "hub@example.com"', "retries = nan", "connections.crm.retries"),
    ('mode = "live"', 'mode = "live"\nstop_if = { share = nan }', "rollout.stop_if.share"),
    ('mode = "live"', 'mode = "live"\nmin_delta = nan', "rollout.min_delta"),
    ('mode = "live"', 'mode = "live"\nmin_delta = -1', "rollout.min_delta"),
    ("live_from = 2027-01-11", "live_from = 0001-01-01", "rollout.live_from"),
    ('half_life = "30d"', 'half_life = "9999999999d"', "scoring.engagement.demo.half_life"),
    ("[sla.first_touch]", "[scoring]\nintent_days = 99999999\n[sla.first_touch]", "scoring.intent_days"),
]


@pytest.mark.parametrize(("old", "new", "key"), NUMBERS)
def test_numbers_out_of_reason_are_told_once(tmp_path: Path, old: str, new: str, key: str) -> None:
    assert old in GOOD
    settings, (problem,) = read(tmp_path, GOOD.replace(old, new, 1), deep=True)
    assert settings is None
    assert problem.key == key
    assert problem.line
    assert problem.remedy
