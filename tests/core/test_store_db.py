"""The store file: one writer, fenced; broken and newer files are told apart."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from core.errors import LeaseHeld, LeaseLost, StoreBroken
from core.store.db import Db, dumps
from core.store.runs import LEASE_LIFE_MS, Runs

NOW = 1_800_000_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "crmhub.db"


def test_a_file_that_is_no_database_is_refused(file: Path) -> None:
    file.write_bytes(b"name,city\n" * 1000)
    with pytest.raises(StoreBroken, match="is this a crmhub store"):
        Db(file)


def test_a_store_of_a_newer_version_is_refused(file: Path) -> None:
    Db(file).close()
    with sqlite3.connect(file) as c:
        (table,) = (
            r[0] for r in c.execute("SELECT name FROM sqlite_master WHERE name LIKE '%migrations%'").fetchmany(1)
        )
        columns = [r[1] for r in c.execute(f"PRAGMA table_info({table})")]
        values = {"migration_set": "crmhub", "name": "m999_future", "applied_at": "2030-01-01"}
        used = [n for n in columns if n in values]
        c.execute(
            f"INSERT INTO {table}({', '.join(used)}) VALUES ({', '.join('?' * len(used))})", [values[n] for n in used]
        )
    c.close()
    with pytest.raises(StoreBroken, match="m999_future") as told:
        Db(file)
    assert "upgrade" in told.value.remedy


def test_opening_twice_keeps_what_is_there(file: Path) -> None:
    first = Db(file)
    Runs(first).set_setting("writes", "off", now=NOW)
    first.close()
    second = Db(file)
    assert Runs(second).setting("writes") == "off"
    second.close()


def test_a_write_that_fails_leaves_nothing(file: Path) -> None:
    db = Db(file)

    def half() -> None:
        with db.write() as c:
            c.execute("INSERT INTO setting(name, value, at) VALUES ('a', 'b', 1)")
            with db.write():  # joins the outer one
                raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        half()
    assert Runs(db).setting("a") is None
    assert not db.conn.in_transaction
    db.close()


def test_commits_are_announced_on_both_sides(file: Path) -> None:
    seen: list[str] = []
    db = Db(file, on_commit=seen.append)
    with db.write():
        pass
    assert seen == ["before", "after"]
    db.close()


def test_a_lost_lease_aborts_the_commit(file: Path) -> None:
    slow, quick = Db(file), Db(file)
    Runs(slow).take_lease("decisions", "slow", real_ms=NOW)
    late = NOW + LEASE_LIFE_MS
    assert Runs(quick).take_lease("decisions", "quick", real_ms=late) == 2

    def commit() -> None:
        with slow.write() as c:
            c.execute("INSERT INTO setting(name, value, at) VALUES ('a', 'b', 1)")

    with pytest.raises(LeaseLost, match="decisions"):
        commit()
    assert Runs(quick).setting("a") is None
    Runs(quick).set_setting("b", "c", now=NOW)
    slow.close()
    quick.close()


def test_a_lost_lease_is_not_freed_by_the_one_who_lost_it(file: Path) -> None:
    slow, quick = Db(file), Db(file)
    Runs(slow).take_lease("decisions", "slow", real_ms=NOW)
    Runs(quick).take_lease("decisions", "quick", real_ms=NOW + LEASE_LIFE_MS)
    Runs(slow).free_lease("decisions")
    assert Runs(slow).lease_holder("decisions") == "quick"
    Runs(quick).free_lease("decisions")
    assert Runs(quick).lease_holder("decisions") is None
    slow.close()
    quick.close()


def test_a_living_holder_keeps_its_lease(file: Path) -> None:
    one, other = Db(file), Db(file)
    Runs(one).take_lease("decisions", "one", real_ms=NOW)
    with pytest.raises(LeaseHeld, match="one"):
        Runs(other).take_lease("decisions", "other", real_ms=NOW + LEASE_LIFE_MS - 1)
    Runs(one).beat(["decisions"], real_ms=NOW + LEASE_LIFE_MS)
    with pytest.raises(LeaseHeld):
        Runs(other).take_lease("decisions", "other", real_ms=NOW + LEASE_LIFE_MS + 1)
    one.close()
    other.close()


def test_equal_values_give_equal_text() -> None:
    assert dumps({"b": 1, "a": "é"}) == dumps({"a": "é", "b": 1}) == '{"a":"é","b":1}'
