"""What the command line shows: one line stays one line, whatever a CRM holds."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from core.errors import ConfigInvalid, ConfigProblem, LeaseHeld, Refused
from core.store.db import broken
from crmhub.cli import COMMANDS, _told, cli
from crmhub.cli.common import clean, held_words, say, table


def test_what_a_crm_holds_cannot_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("phone: \x1b[2J\x1b]0;pwn\x07\u202e +33", "next")
    assert capsys.readouterr().out == "phone: \\x1b[2J\\x1b]0;pwn\\x07\\u202e +33\nnext\n"


def test_a_line_break_forges_no_line() -> None:
    assert clean("BLINK\nscore 999\r\n") == "BLINK⏎score 999\\x0d⏎"
    assert table([("a\nb", 1)]) == ["  a⏎b  1"]


def test_accents_and_other_scripts_stay() -> None:
    assert clean("Étienne Léger 田中 🚀 O’Brien") == "Étienne Léger 田中 🚀 O’Brien"


def test_every_command_loads_and_has_help() -> None:
    for name in COMMANDS:
        command = cli.get_command(None, name)  # type: ignore[arg-type]  # the context is not looked at
        assert command is not None
        assert command.name == name


def test_errors_have_their_exit_status() -> None:
    assert _told(ConfigInvalid([ConfigProblem("config.toml", 3, "hub", "wrong", "mend it")]))[1] == 2
    assert _told(Refused("no", "do this")) == (["no → do this"], 2)
    assert _told(LeaseHeld("store", "process 1 on here", 5))[1] == 3
    assert _told(PermissionError(13, "Permission denied", "config.toml"))[1] == 2
    assert _told(sqlite3.OperationalError("database or disk is full"))[1] == 2
    lines, code = _told(ZeroDivisionError("holds ann@example.com"))
    assert code == 70
    assert "ann@example.com" not in lines[0]


@pytest.mark.parametrize(
    ("says", "remedy"),
    [
        ("disk I/O error", "free disk space"),
        ("attempt to write a readonly database", "let this user write"),
        ("database is locked", "another program"),
        ("file is not a database", "is this a crmhub store"),
    ],
)
def test_trouble_with_the_store_is_told_by_its_cure(says: str, remedy: str) -> None:
    assert remedy in str(broken("crmhub.db", sqlite3.OperationalError(says)))


def test_the_store_is_for_its_owner_only(tmp_path: Path) -> None:
    from core.store.db import Db

    Db(tmp_path / "crmhub.db").close()
    assert (tmp_path / "crmhub.db").stat().st_mode & 0o077 == 0


def test_held_in_words() -> None:
    assert held_words({"adoption": 3, "edit": 1, "hold": 0}) == "3 fields on which CRMs disagree, 1 fields in conflict"
