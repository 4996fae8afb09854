"""Suggestions are slips of the pen only; remedies show what a right value looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config_report import choose, nearest
from core.mapping_check import check_mapping
from core.model import FIELDS, Stage
from tests.core.config_kit import GOOD, read
from tests.core.mapping_kit import MAPPING, good, load, schemas, text


@pytest.mark.parametrize(
    ("word", "known", "best"),
    [
        ("City", ["ConvertedOpportunityId", "Id", "CreatedById"], None),
        ("stat", sorted(FIELDS), "state"),
        ("jobtitle", sorted(FIELDS), "job_title"),
        ("regoin", ["region", "reason"], "region"),
        ("sql", [s.value for s in Stage], "sal"),
        ("pilot", [s.value for s in Stage], None),
        ("x", ["y", "z"], None),
        ("", ["a"], None),
        ("---", ["..."], None),
        ("crn", ["crm", "crs", "car"], "crm"),
        ("Europe/Pari", ["Europe/Paris", "Europe/Prague"], "Europe/Paris"),
    ],
)
def test_nearest(word: str, known: list[str], best: str | None) -> None:
    assert nearest(word, known) == best


def test_without_a_near_word_the_choice_is_listed() -> None:
    assert choose("pilot", ["observe", "live"]) == "use one of observe, live"


def test_a_stage_that_rules_may_not_give_is_not_offered(tmp_path: Path) -> None:
    _, (problem,) = read(tmp_path, GOOD.replace('to = "mql"', 'to = "customr"'))
    assert problem.key == "lifecycle.moves[2].to"
    assert "customer" not in problem.remedy
    assert "prospect" in problem.remedy


def test_a_hidden_field_does_not_bring_up_a_stranger() -> None:
    live = schemas()
    live["salesforce", "leads"] += [text("ConvertedOpportunityId")]
    mapping = good(MAPPING + '[fields.city]\nsalesforce = { lead = "City" }\n')
    problem = next(p for p in check_mapping(mapping, live) if p.key == "fields.city.salesforce")
    assert "ConvertedOpportunityId" not in problem.remedy
    assert "read permission" in problem.remedy


def test_a_field_that_is_nearly_a_standard_one() -> None:
    _, problems = load(MAPPING + '[fields.stat]\nhubspot = { field = "state" }\n')
    problem = next(p for p in problems if p.key == "fields.stat")
    assert problem.remedy.startswith('did you mean "state"?')


@pytest.mark.parametrize(
    ("old", "new", "remedy"),
    [
        ('region = "FR"', "region = 5", 'write region = "..." (in quotes)'),
        ("points = 20", 'points = "many"', "write points = 10 (a number without quotes)"),
        ('ours = "hub@example.com"', 'enabled = "yes"', "write enabled = true or false (without quotes)"),
        ('ours = "hub@example.com"', 'bots = "a@example.com"', 'write bots = ["...", "..."]'),
        ('ours = "hub@example.com"', "bots = [1]", 'write "..." (in quotes) in the list bots'),
        ('ours = "hub@example.com"', 'retries = "3"', "write retries = 10 (a number without quotes)"),
        ('ours = "hub@example.com"', 'budget = { reserve = "a" }', "write reserve = 0.2 (a number without quotes)"),
        ('mode = "live"', "mode = 5", "use one of observe, canary, live"),
        ("[jobs", "[scoring.grades]\nfit = 5\n[jobs", "write fit = [60, 40, 20]"),
        ("[jobs", '[calendar]\nholidays = ["x"]\n[jobs', "write 2027-01-31 (without quotes) in the list holidays"),
        ("score.fit >= 30", "score.fit >=", "write a SQL condition: person.country = 'FR' and company.employees >= 50"),
    ],
)
def test_remedies_show_what_is_right(tmp_path: Path, old: str, new: str, remedy: str) -> None:
    assert old in GOOD
    _, (problem,) = read(tmp_path, GOOD.replace(old, new, 1), deep=True)
    assert problem.remedy == remedy
