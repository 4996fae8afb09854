"""Secrets as files, shells and clip boards deliver them: white space goes, what HTTP cannot carry is a problem."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from core.config import load
from core.config_structs import Settings
from core.errors import ConfigProblem
from tests.core.config_kit import GOOD, KINDS

TOKEN = "pat-na1-s3cret"


def read(tmp_path: Path, secret: str, text: str = GOOD) -> tuple[Settings | None, list[ConfigProblem]]:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, KINDS, env={"CRM_TOKEN": secret})


def keyring(monkeypatch: pytest.MonkeyPatch, answer: str | Exception) -> None:
    ring, errors = ModuleType("keyring"), ModuleType("keyring.errors")

    def get_password(_service: str, _name: str) -> str:
        if isinstance(answer, Exception):
            raise answer
        return answer

    ring.get_password = get_password  # type: ignore[attr-defined]  # stands for a package
    errors.KeyringError = OSError  # type: ignore[attr-defined]  # stands for a package
    monkeypatch.setitem(sys.modules, "keyring", ring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {}\t", "\n{}\n\n", "{}\u00a0"])
def test_white_space_around_a_secret_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, around: str) -> None:
    secret = around.format(TOKEN)
    keyring(monkeypatch, secret)
    (tmp_path / "token").write_text(secret, encoding="utf-8-sig")
    for source in ("${CRM_TOKEN}", "file:token", "keyring:crm"):
        found, problems = read(tmp_path, secret, GOOD.replace("${CRM_TOKEN}", source))
        assert problems == []
        assert found is not None
        assert found.connections["crm"].settings.token == TOKEN


@pytest.mark.parametrize(
    ("secret", "what"),
    [
        ("pat-na1\ns3cret", "line break"),
        ("pat-na1\x00s3cret", "cannot be sent"),
        ("pat-na1\x7fs3cret", "cannot be sent"),
        ("\u201cpat-na1-s3cret\u201d", "no plain ASCII"),
        ("pat\u2013na1-s3cret", "no plain ASCII"),
    ],
)
def test_what_cannot_be_sent_is_a_problem_that_shows_nothing(tmp_path: Path, secret: str, what: str) -> None:
    found, (problem,) = read(tmp_path, secret)
    assert found is None
    assert (problem.file, problem.line, problem.key) == (str(tmp_path / "config.toml"), 6, "connections.crm.token")
    assert what in problem.text
    assert "copy the value again" in problem.remedy
    assert "s3cret" not in str(problem) + repr(problem)


def test_a_secret_written_into_the_file_is_looked_at_as_well(tmp_path: Path) -> None:
    _, (problem,) = read(tmp_path, TOKEN, GOOD.replace("${CRM_TOKEN}", "pat-s3cret\\n"))
    assert problem.key == "connections.crm.token"
    assert "s3cret" not in str(problem)


def test_a_secret_in_the_wrong_place_is_not_quoted_either(tmp_path: Path) -> None:
    text = GOOD.replace("[hub]", '[hub]\nlanguage = "${CRM_TOKEN}"').replace(
        'kind = "crm"', 'kind = "crm"\nretries = 1'
    )
    text = text.replace("retries = 1", 'base_url = "${CRM_TOKEN}"')
    _, problems = read(tmp_path, "pat-na1\ns3cret", text)
    assert len(problems) >= 2
    assert "s3cret" not in " ".join(map(repr, problems))


@pytest.mark.parametrize("secret", [" ", "\n"])
def test_a_secret_of_white_space_is_empty(tmp_path: Path, secret: str) -> None:
    _, (problem,) = read(tmp_path, secret)
    assert problem.text == "the environment variable CRM_TOKEN is empty"


def test_a_keyring_that_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring(monkeypatch, OSError("no backend"))
    _, (problem,) = read(tmp_path, TOKEN, GOOD.replace("${CRM_TOKEN}", "keyring:crm"))
    assert problem.text == "the keyring of this machine cannot be read (OSError)"


def test_a_secret_file_with_an_impossible_name(tmp_path: Path) -> None:
    _, (problem,) = read(tmp_path, TOKEN, GOOD.replace("${CRM_TOKEN}", "file:to\\u0000ken"))
    assert "cannot be read" in problem.text
