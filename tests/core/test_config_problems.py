"""Broken configurations: each problem with file, line, key and remedy, all at once, and no secret in any of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.config import Outline, load, outline
from core.errors import ConfigProblem
from tests.core.config_kit import ENV, GOOD, KINDS, read

#: name -> (text to replace, by what, part of the line that is meant, key, what is wrong, remedy)
BROKEN: dict[str, tuple[str, str, str, str, str, str]] = {
    "no TOML": ('region = "FR"', "region = FR", "region", "", "not valid TOML", "put text in quotes"),
    "unknown table": ("[jobs.frequent]", "[job.frequent]", "[job.frequent]", "job", "unknown table", '"jobs"'),
    "unknown key": ('region = "FR"', 'regoin = "FR"', "regoin", "hub.regoin", "unknown key", 'did you mean "region"?'),
    "time zone": ("Europe/Paris", "Europe/Pari", "Pari", "hub.timezone", "unknown time zone", '"Europe/Paris"'),
    "region": ('"FR"', '"France"', "region", "hub.region", "no ISO country code", 'such as "FR"'),
    "clock skew": (
        'region = "FR"', 'clock_skew = "2 minuts"', "minuts", "hub.clock_skew", "is not a duration", 'such as "30d"'
    ),
    "missing kind": ('kind = "crm"\n', "", "[connections.crm]", "connections.crm", '"kind" is missing', 'kind = "crm"'),
    "unknown kind": ('kind = "crm"', 'kind = "crn"', "crn", "connections.crm.kind", "unknown kind", '"crm"'),
    "connection name": (
        "[connections.crm]", "[connections.CRM]", "[connections.CRM]", "connections.CRM", "cannot name a connection",
        "lower-case",
    ),
    "key of the kind": (
        "token =", "tokn =", "tokn", "connections.crm.tokn", "unknown key", 'did you mean "token"?'
    ),
    "variable not set": (
        "${CRM_TOKEN}", "${CRM_TOKN}", "CRM_TOKN", "connections.crm.token", "CRM_TOKN is not set",
        "export CRM_TOKN=",
    ),
    "variable empty": ("${CRM_TOKEN}", "${EMPTY}", "EMPTY", "connections.crm.token", "EMPTY is empty", "export EMPTY="),
    "brace open": ("${CRM_TOKEN}", "${CRM_TOKEN", "CRM_TOKEN", "connections.crm.token", 'without "}"', "${NAME}"),
    "secret file": (
        "${CRM_TOKEN}", "file:nothing.txt", "nothing.txt", "connections.crm.token", "nothing.txt cannot be read",
        "create it",
    ),
    "rule of the kind": (
        'ours = "hub@example.com"', 'base_url = "http://x"', "base_url", "connections.crm.base_url",
        "must start with https://", "change base_url",
    ),
    "budget": (
        'ours = "hub@example.com"', "budget = { daily = 0 }", "budget", "connections.crm.budget.daily", "at least 1",
        "calls a day",
    ),
    "reserve": (
        'ours = "hub@example.com"', "budget = { reserve = 20 }", "budget", "connections.crm.budget.reserve", "below 1",
        "0.2",
    ),
    "mode": ('mode = "live"', 'mode = "liv"', "liv", "rollout.mode", "unknown word 'liv'", 'did you mean "live"?'),
    "canary": ('mode = "live"', 'mode = "canary"', "canary", "rollout.mode", "needs the segment", "canary ="),
    "live_from": ("2027-01-11", '"tomorrow"', "tomorrow", "rollout.live_from", "must be a date", "without quotes"),
    "stop_if": (
        'mode = "live"', "stop_if = { updates = -1 }", "updates", "rollout.stop_if.updates", "negative", "write 0"
    ),
    "share": ('mode = "live"', "stop_if = { share = 5 }", "share", "rollout.stop_if.share", "at most 1", "0.05"),
    "rule id": (
        "[scoring.fit.size]", '[scoring.fit."Big One"]', "Big One", 'scoring.fit."Big One"', "is no id", "lower-case"
    ),
    "points": (
        "points = 20", 'points = "20"', '"20"', "scoring.fit.size.points", "must be a whole number or a number",
        "write points = 10 (a number without quotes)",
    ),
    "condition missing": (
        'when = "company.employees >= 50"\n', "", "[scoring.fit.size]", "scoring.fit.size", '"when" is missing',
        "add when",
    ),
    "activity": (
        "demo_requested", "demo_request", "demo_request", "scoring.engagement.demo.on", "unknown activity",
        'did you mean "demo_requested"?',
    ),
    "half-life": (
        '"30d"', '"10m"', "half_life", "scoring.engagement.demo.half_life", "too short", "at least 1h"
    ),
    "cap": ("cap = 80", "cap = -80", "cap", "scoring.engagement.demo.cap", "above 0", "the most"),
    "bands": (
        "[sla.first_touch]", "[scoring.bands]\nwarm = 70\n[sla.first_touch]", "[scoring.bands]", "scoring.bands",
        "below hot", "warm = 30",
    ),
    "grades": (
        "[sla.first_touch]", "[scoring.grades]\nfit = [20, 40, 60]\n[sla.first_touch]", "fit = [", "scoring.grades.fit",
        "must fall", "best first",
    ),
    "stage": ('to = "mql"', 'to = "sql"', 'to = "sql"', "lifecycle.moves[2].to", "unknown word 'sql'", '"sal"'),
    "stage by rule": (
        'to = "mql"', 'to = "customer"', 'to = "customer"', "lifecycle.moves[2].to", "fact of the CRMs", "prospect"
    ),
    "claims": (
        "[sla.first_touch]", "[lifecycle.claims]\ncrn = ['mql']\n[sla.first_touch]", "crn", "lifecycle.claims.crn",
        "unknown connection", 'did you mean "crm"?',
    ),
    "lost deals": (
        "[sla.first_touch]", '[lifecycle]\nlost_deal = "customer"\n[sla.first_touch]', "lost_deal",
        "lifecycle.lost_deal", "a lost deal makes nobody customer", '"recycled"',
    ),
    "cool-down": (
        "[sla.first_touch]", '[lifecycle]\ncooldown = "a while"\n[sla.first_touch]', "cooldown", "lifecycle.cooldown",
        "'a while'", '"30d"',
    ),
    "sla start": (
        '"stage:mql"', '"stage:mqll"', "mqll", "sla.first_touch.starts", "unknown stage", 'did you mean "mql"?'
    ),
    "sla stop": ('stops = "first_touch"', 'stops = "touched"', "touched", "sla.first_touch.stops", "unknown event",
        "first_touch"),
    "sla length": (
        "4 business hours", "4 working hours", "working", "sla.first_touch.within", "no length of time",
        "4 business hours",
    ),
    "calendar": (
        "[sla.first_touch]", '[calendar]\nhours = "18:00-09:00"\n[sla.first_touch]', "hours =", "calendar.hours",
        "no hours of a day", "09:00-18:00",
    ),
    "day": (
        "[sla.first_touch]", '[calendar]\ndays = ["mon", "tus"]\n[sla.first_touch]', "days =", "calendar.days[2]",
        "unknown word 'tus'", '"tue"',
    ),
    "verb": ('run = "sync"', 'run = "synk"', "synk", "jobs.frequent.run", "unknown word", 'did you mean "sync"?'),
    "no rhythm": ('every = "5m"\n', "", "[jobs.frequent]", "jobs.frequent", "either every or cron", 'every = "5m"'),
    "cron": ('every = "5m"', 'cron = "6 am"', "6 am", "jobs.frequent.cron", "no cron line", "minute, hour"),
    "job connection": (
        'every = "5m"', 'every = "5m"\nconnections = ["crn"]', "connections = [", "jobs.frequent.connections[1]",
        "unknown connection", 'did you mean "crm"?',
    ),
    "unknown name in a condition": (
        "score.fit >= 30", "score.fitt >= 30", "score.fitt", "lifecycle.moves[1].when", "score.fitt (character 1)",
        "score.fit",
    ),
    "condition cut off": (
        "score.fit >= 30", "score.fit >=", "score.fit >=", "lifecycle.moves[1].when", "(character", ""
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_broken(case: str, tmp_path: Path) -> None:
    old, new, part, key, what, remedy = BROKEN[case]
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    line = next(n for n, one in enumerate(text.splitlines(), 1) if part in one)
    settings, problems = read(tmp_path, text, deep=True)
    assert settings is None
    problem = next((p for p in problems if what in p.text), None)
    assert problem is not None, problems
    assert (problem.file, problem.line, problem.key) == (str(tmp_path / "config.toml"), line, key)
    assert remedy in problem.remedy
    assert problem.remedy
    assert problem.fatal


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    text = GOOD
    chosen = ["time zone", "variable not set", "mode", "activity", "stage", "sla length", "verb"]
    for case in chosen:
        old, new, *_ = BROKEN[case]
        text = text.replace(old, new, 1)
    _, problems = read(tmp_path, text, deep=True)
    assert [p.key for p in problems] == [BROKEN[case][3] for case in chosen]


def test_conditions_and_cron_lines_come_with_all_the_rest(tmp_path: Path) -> None:
    """... of a file that parses, also beside a missing secret, a missing key and a wrong type."""
    text = GOOD.replace("${CRM_TOKEN}", "${NOT_SET}").replace('every = "5m"', 'cron = "61 25 * * mon-fry"')
    text = text.replace("score.fit >= 30", "score.fitt >= 30").replace("score.total >= 60", "score.total >= ")
    text = text.replace("points = 20\n", "").replace('region = "FR"', "region = 5").replace("cap = 80", "cap = -1")
    settings, problems = read(tmp_path, text, deep=True)
    assert settings is None
    assert [p.key for p in problems] == [
        "hub.region", "connections.crm.token", "scoring.fit.size", "scoring.engagement.demo.cap",
        "lifecycle.moves[1].when", "lifecycle.moves[2].when", "jobs.frequent.cron",
    ]  # fmt: skip


def test_the_outline_of_a_broken_configuration(tmp_path: Path) -> None:
    text = GOOD.replace("${CRM_TOKEN}", "${NOT_SET}").replace('region = "FR"', 'mapping = "maps/m.toml"\nregoin = 5')
    text += '[connections.off]\nkind = "crm"\nenabled = false\n[connections.odd]\nkind = "odd"\n'
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    assert outline(tmp_path / "config.toml", KINDS) == Outline(tmp_path / "maps/m.toml", {"crm": "crm"})
    for broken in ("hub = 3", "x = [", "connections = 3", "[connections]\ncrm = 3", "[connections.crm]\nkind = 3"):
        (tmp_path / "config.toml").write_text(broken, encoding="utf-8")
        assert outline(tmp_path / "config.toml", KINDS) is None
    assert outline(tmp_path / "none.toml", KINDS) is None


def test_a_problem_reads_as_one_line(tmp_path: Path) -> None:
    _, (problem,) = read(tmp_path, GOOD.replace("regoin", "region").replace('region = "FR"', 'regoin = "FR"'))
    assert str(problem) == f'{tmp_path / "config.toml"}:3 hub.regoin: unknown key → did you mean "region"?'


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    text = GOOD.replace('ours = "hub@example.com"', 'base_url = "${CRM_TOKEN}"\nretries = "${CRM_TOKEN}"')
    _, problems = read(tmp_path, text.replace('mode = "live"', 'mode = "s3cret-t0ken"'))
    assert problems
    assert ENV["CRM_TOKEN"] not in "\n".join(map(str, problems))


def test_a_keyring_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    settings, (problem,) = read(tmp_path, GOOD.replace("${CRM_TOKEN}", "keyring:token"))
    assert settings is None
    assert (problem.line, problem.key) == (6, "connections.crm.token")
    assert "the package keyring, which is not installed" in problem.text
    assert "pip install keyring" in problem.remedy


def test_no_file(tmp_path: Path) -> None:
    settings, problems = load(tmp_path / "config.toml", KINDS)
    assert settings is None
    assert problems == [
        ConfigProblem(str(tmp_path / "config.toml"), 0, "", "there is no such file", "write one with: crmhub init")
    ]


def test_a_folder_and_a_binary_file(tmp_path: Path) -> None:
    _, (folder,) = load(tmp_path, KINDS)
    assert "cannot be read" in folder.text
    binary = tmp_path / "config.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    _, (problem,) = load(binary, KINDS)
    assert (problem.text, problem.remedy) == ("cannot be read: it is not UTF-8 text", "make it a readable UTF-8 file")


@pytest.mark.parametrize("text", ["", "[connections]\n", "connections = 5\n", "[hub]\n"])
def test_no_connection(tmp_path: Path, text: str) -> None:
    settings, problems = read(tmp_path, text)
    assert settings is None
    assert any(p.key == "connections" and 'kind = "crm"' in p.remedy for p in problems)


@pytest.mark.parametrize(
    "text",
    ["hub = 1\n", "scoring = []\n", "[lifecycle]\nmoves = 3\n", "[lifecycle]\nmoves = [1]\n",
     "sla = 1\n", "jobs = 'x'\n",
     "[sla]\nx = 1\n", "[scoring]\nfit = 2\n", "[scoring.fit]\nx = 2\n", "[connections]\ncrm = 3\n", "rollout = 1\n",
     "[rollout]\nstop_if = 3\n", "[connections.crm]\nkind = 5\n", "[connections.crm]\nkind = 'crm'\nbudget = 5\n"],
)  # fmt: skip
def test_any_value_where_a_table_belongs(tmp_path: Path, text: str) -> None:
    settings, problems = read(tmp_path, text, deep=True)
    assert settings is None
    assert all(p.remedy and p.line in (0, 1, 2, 3) for p in problems)
    assert any(p.line for p in problems)


def test_all_connections_off(tmp_path: Path) -> None:
    settings, problems = read(tmp_path, GOOD.replace('kind = "crm"', 'kind = "crm"\nenabled = false'))
    assert settings is None
    assert any(p.text == "no connection is enabled" for p in problems)
