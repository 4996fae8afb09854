"""No step of a sync walks through a table for each record: how SQLite runs every statement is looked at."""

from __future__ import annotations

import re

from connectors.contract import Link
from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import USUAL, World, mapping_text
from tests.jobs.memory import DEAL
from tests.jobs.test_two_way import NAMES

#: tables that grow with what the CRMs hold
_LARGE = ("record", "person", "company", "deal", "deal_person", "association", "activity", "activity_party",
          "identifier", "link", "change", "field_push")  # fmt: skip
#: an index of which only a column with few values is used: as slow as no index
_VAGUE = re.compile(r"\((connection|entity|stream)=\?( AND (connection|entity|stream)=\?)*\)")
#: indexes of what is to be done, and the few rows of owners
_SMALL = ("record_dirty", "person_todo_", "company_todo_")
#: asked once in a run, or of what is few, about the whole store
_ONCE = (
    "SELECT COUNT(*) FROM record",
    "SELECT stream, remote_id, remote FROM record WHERE connection =",
    "UPDATE person SET todo_qualify = 1 WHERE merged_into IS NULL",
    "UPDATE person SET todo_plan = 1 WHERE merged_into IS NULL",
    "UPDATE company SET todo_plan = 1 WHERE merged_into IS NULL",
    "UPDATE record SET dirty = 1 WHERE connection =",
    "UPDATE record SET remote = json_set",
)


def _life(w: World) -> None:
    """A bit of everything."""
    acme = w.alpha.add("companies", name="Acme", domain="acme.fr")
    other = w.beta.add("companies", name="Acme")
    a = w.alpha.add(email="ann@acme.fr", last_name="Lee", links=[Link("companies", acme, primary=True)])
    b = w.beta.add(last_name="Lee", links=[Link("companies", other, primary=True)])
    lead = w.beta.add("leads", email="bob@acme.fr", last_name="Ray")
    mine = w.alpha.deal("Mine", a, companies=[acme])
    theirs = w.beta.deal("Theirs", b, companies=[other])
    w.alpha.happened("page_view", a)
    w.sync()
    w.alpha.edit(a, city="Paris")
    w.beta.edit(b, email="ann@acme.fr", city="Lyon")
    w.beta.edit(other, "companies", domain="acme.fr")
    w.alpha.edit(mine, "deals", twin=theirs)
    w.beta.close_deal(theirs, won=False)
    w.beta.convert(lead)
    w.alpha.delete(acme, "companies")
    w.sync()
    w.alpha.delete(a)
    w.sync()


def _walks(w: World, sql: str) -> list[str]:
    steps = [str(r["detail"]) for r in w.db.rows(f"EXPLAIN QUERY PLAN {sql}")]
    found = []
    for step in steps:
        words = step.split()
        table = words[1] if len(words) > 1 else ""
        named = {m[2] or m[1] for m in re.finditer(rf"\b({'|'.join(_LARGE)})\b(?: (?:AS )?([a-z])\b)?", sql)}
        if any(index in step for index in _SMALL):
            continue
        if words[0] in ("SCAN", "SEARCH") and table in named and (words[0] == "SCAN" or _VAGUE.search(step)):
            found.append(step)
    return found


def test_no_statement_walks_through_a_large_table(make: MakeWorld) -> None:
    w = make(mapping=mapping_text(NAMES, (*USUAL, "name", "domain", *DEAL)))
    seen: dict[str, str] = {}

    def note(sql: str) -> None:
        shape = re.sub(r"'[^']*'|\b\d+\b", "?", sql)
        seen.setdefault(shape, sql)

    w.db.conn.set_trace_callback(note)
    _life(w)
    w.db.conn.set_trace_callback(None)
    asked = [s for s in seen.values() if s.strip().startswith(("SELECT", "UPDATE", "DELETE", "INSERT", "WITH"))]
    assert len(asked) > 60
    asked = [s for s in asked if " IN ()" not in s]  # what is nothing is not looked for
    bad = {sql: steps for sql in asked if not sql.startswith(_ONCE) and (steps := _walks(w, sql))}

    assert bad == {}
