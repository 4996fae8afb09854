"""Stores of older versions open, keep what they hold, and get what is new."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from core.model import FIELDS
from core.store.db import MIGRATIONS, Db
from core.store.schema import migrations

NOW = 1_800_000_000_000


def _older(file: Path, before: str) -> sqlite3.Connection:
    """A store as it was before a migration."""
    conn = sqlite3.connect(file, isolation_level=None)
    migrations.apply(Database(conn), stop_before=before)
    return conn


def test_the_list_of_migrations_is_the_list_of_migrations() -> None:
    assert tuple(m.name for m in migrations.pending(Database(memory=True))) == MIGRATIONS


def test_a_store_from_before_deals_keeps_its_links_and_figures(tmp_path: Path) -> None:
    file = tmp_path / "crmhub.db"
    old = _older(file, "m005_deals")
    old.execute("INSERT INTO association VALUES ('crm', 'contacts', '1', 'companies', '7', 1)")
    old.execute(
        "INSERT INTO company(id, name, revenue, created_at, updated_at) VALUES (1, 'Acme', 5000000, ?, ?)", (NOW, NOW)
    )
    old.execute(
        "INSERT INTO person(id, email, company_revenue, created_at, updated_at) VALUES (1, 'a@b.fr', 7, ?, ?)",
        (NOW, NOW),
    )
    old.close()
    db = Db(file)
    try:
        link = db.one("SELECT * FROM association")
        assert link is not None
        assert (link["to_id"], link["is_primary"], link["role"]) == ("7", 1, None)
        assert db.value("SELECT revenue FROM company") == 5_000_000
        assert db.value("SELECT company_revenue FROM person WHERE email = 'a@b.fr'") == 7
        with db.write() as c:
            c.execute("UPDATE company SET revenue = 1234.5")
            c.execute("INSERT INTO deal(deal_name, created_at, updated_at) VALUES ('Big', 1, 1)")
        assert db.value("SELECT revenue FROM company") == 1234.5
        assert db.value("SELECT state FROM deal") == "open"
    finally:
        db.close()


def test_an_opened_store_is_not_migrated_again(tmp_path: Path) -> None:
    file = tmp_path / "crmhub.db"
    _older(file, "m005_deals").close()
    Db(file).close()
    before = file.read_bytes()
    Db(file).close()
    assert file.read_bytes() == before


def test_every_canonical_field_has_its_column(tmp_path: Path) -> None:
    db = Db(tmp_path / "crmhub.db")
    try:
        for entity in ("person", "company", "deal"):
            columns = {r["name"] for r in db.rows(f"PRAGMA table_info({entity})")}
            wanted = {f.name for f in FIELDS.values() if f.entity == entity and not f.decision}
            assert wanted <= columns, entity
    finally:
        db.close()
