"""Cron lines are checked part by part; what passes is what the scheduler takes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config_cron import cron_problem
from core.config_structs import Job
from jobs.schedule import trigger_of
from tests.core.config_kit import GOOD, read, settings

RIGHT = [
    "0 6 * * mon-fri",
    "*/15 * * * *",
    "0,30 8-18 * * 1-5",
    "0 0 29 2 *",
    "5/10 0-23/2 1-7,31 jan-mar,12 0",
    "0 0 * * 5-7",
    "0 0 1 */3 sun,mon",
    "59 23 31 12 7",
    "0 0 * FEB MON",
    "0 0 30 2,4 *",
]
WRONG = {
    "61 25 * * mon-fry": ["minute 61 is not 0 to 59", "hour 25 is not 0 to 23", "'fry' is not 0 to 7, or mon to sun"],
    "*/0 * * * *": ["minute '*/0' has a step of 0"],
    "5-1 * * * *": ["minute '5-1' runs backwards"],
    "0 0 32 13 8": ["day 32 is not 1 to 31", "month 13 is not 1 to 12", "weekday 8 is not 0 to 7"],
    "0 0 0 0 *": ["day 0 is not", "month 0 is not"],
    "0 0 31 2 *": ["never comes"],
    "0 0 30-31 feb *": ["never comes"],
    "0 0 31 4,6,9,11 *": ["never comes"],
    "0 0 * * fri-mon": ["runs backwards (a week begins on Monday"],
    "0 0 * * 0-6": ["runs backwards (a week begins on Monday"],
    "0 0 * * mon-fri/2": ["a step after names"],
    "0 0 * jan-jun/2 *": ["a step after names"],
    "*/60 * * * *": ["a step beyond its range"],
    "1,,2 * * * *": ["'' is no number"],
    "-5 * * * *": ["'-5' is no number"],
    "\u0665 * * * *": ["is no number"],
    "1.5 * * * *": ["'1.5' is no number"],
    "* * * *": ["4 of 5 parts"],
    "@daily": ["1 of 5 parts"],
    "0 0 * * * *": ["6 of 5 parts"],
    "": ["is an empty cron line"],
    "0 0 * mon jan": ["month 'mon' is not 1 to 12, or jan to dec", "weekday 'jan' is not"],
}


@pytest.mark.parametrize("line", RIGHT)
def test_right(line: str) -> None:
    assert cron_problem(line) is None


@pytest.mark.parametrize("line", WRONG)
def test_wrong_lines_are_problems_of_the_configuration(line: str, tmp_path: Path) -> None:
    found, (problem,) = read(tmp_path, GOOD.replace('every = "5m"', f'cron = "{line}"'))
    assert found is None
    assert (problem.line, problem.key) == (31, "jobs.frequent.cron")
    for part in WRONG[line]:
        assert part in problem.text
    assert problem.remedy == 'write minute, hour, day, month, weekday: "0 6 * * mon-fri"'


def _items(least: int, most: int, *names: str) -> st.SearchStrategy[str]:
    """Lists of items of one part, most of them right."""
    one = st.integers(least, most).map(str) | st.sampled_from([*names, str(most)])
    span = st.tuples(one, one).map("-".join)
    step = st.tuples(st.just("*") | one | span, st.integers(0, most).map(str)).map("/".join)
    return st.lists(st.just("*") | one | span | step, min_size=1, max_size=2).map(",".join)


_LINES = st.tuples(
    _items(0, 59), _items(0, 23), _items(1, 31), _items(1, 12, "jan", "feb", "dec"), _items(0, 7, "mon", "sat", "sun")
).map(" ".join)


def test_what_passes_is_taken_by_the_scheduler_and_comes(tmp_path: Path) -> None:
    of = settings(tmp_path)
    start = datetime(2027, 1, 11, tzinfo=UTC)

    @given(_LINES)
    def comes(line: str) -> None:
        if cron_problem(line) is None:
            assert trigger_of(Job(run="sync", cron=line), of, start).get_next_fire_time(None, start) is not None

    comes()
    for line in RIGHT:
        assert trigger_of(Job(run="sync", cron=line), of, start).get_next_fire_time(None, start) is not None
