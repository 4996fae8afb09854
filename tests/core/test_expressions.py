"""Conditions: what they compile to, what they mean in SQLite, what is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.expressions import Condition, ExpressionProblem, column_of, compile_condition, person_model
from core.model import Field

CUSTOM = [
    Field("interests", "person", "options", "Interests"),
    Field("asked_at", "person", "datetime", "Asked at"),
    Field("born", "person", "date", "Born"),
    Field("fleet", "company", "number", "Fleet size"),
]
MODEL = person_model(CUSTOM, {"interests": ["crm", "erp"], "industry": ["SaaS", "Retail"]})

FACTS: dict[str, object] = {
    "person.country": "FR",
    "person.job_title": "It's CEO",
    "person.seniority": "c_level",
    "person.has_open_deal": 1,
    "person.opted_out": 0,
    "person.interests": "crm;hr",
    "person.asked_at": 1767225600001,
    "person.born": "1990-05-01",
    "company.employees": 7,
    "company.revenue": 10,
    "company.fleet": 0,
    "score.fit": 30.5,
    "person.stage": "lead",
}


@pytest.fixture(scope="module")
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        columns = ", ".join(f'"{column_of(name)}"' for name in MODEL)
        connection.execute(f"create table facts ({columns})")
        marks = ", ".join("?" for _ in MODEL)
        connection.execute(f"insert into facts values ({marks})", [FACTS.get(name) for name in MODEL])
        yield connection


def holds(db: sqlite3.Connection, text: str) -> object:
    found = compile_condition(text, MODEL)
    assert isinstance(found, Condition), found
    return db.execute(f"select {found.sql} from facts f").fetchone()[0]


@pytest.mark.parametrize(
    "text",
    [
        "person.seniority in ('c_level', 'vp', 'director') and company.employees >= 7",
        "person.stage = 'customer' or person.has_open_deal",
        "person.has_open_deal",
        "not person.opted_out",
        "person.opted_out = false and person.has_open_deal = 1 and person.has_open_deal is true",
        "score.fit >= 30 and score.fit < 31",
        "score.fit between 30 and 31",
        "person.country <> 'DE' and person.country not in ('DE', 'US')",
        "person.interests in ('crm', 'erp') and person.interests not in ('erp')",
        "lower(person.job_title) like 'it''s %'",
        "length(person.country) = 2 and upper(person.country) = 'FR'",
        "person.city is null and person.country is not null",
        "coalesce(person.city, 'none') = 'none'",
        "company.revenue / company.employees > 1.42",
        "round(company.revenue / company.employees, 1) = 1.4",
        "company.revenue - -1 = 11 and -(-company.revenue) = 10 and abs(-5) = 5",
        "company.revenue % company.employees = 3",
        "company.revenue - (company.employees - 1) = 4 and (1 + 2) * 2 = 6",
        "person.asked_at > '2026-01-01' and person.asked_at < '2026-01-01T00:00:01Z'",
        "person.born < '1990-12-31'",
        "Person.Country = 'FR'",
        "not (person.country = 'FR' and person.opted_out)",
        "true",
    ],
)
def test_holds(db: sqlite3.Connection, text: str) -> None:
    assert holds(db, text) == 1


@pytest.mark.parametrize(
    "text",
    [
        "person.city = 'Paris'",
        "not person.city = 'Paris'",
        "person.city <> 'Paris'",
        "person.is_free_mail",
        "not person.is_free_mail",
        "company.revenue / company.fleet > 0",
        "company.revenue % company.fleet = 0",
        "company.country in ('FR')",
    ],
)
def test_the_unknown_is_not_true(db: sqlite3.Connection, text: str) -> None:
    assert holds(db, text) == 0


def test_names_are_reported_and_quoted() -> None:
    found = compile_condition("company.country = 'FR' and person.stage <> 'lead'", MODEL)
    assert isinstance(found, Condition)
    assert found.names == {"company.country", "person.stage"}
    assert 'f."company__country"' in found.sql


HOSTILE = [
    "1=1; drop table person",
    "person.city = 'a' union select token from tokens",
    "person.city = (select name from sqlite_master)",
    "exists (select 1)",
    "person.city in (select 1)",
    "load_extension('evil') = 1",
    "person.city = ?",
    "person.city = :city or @x = 1",
    "person.city = $1",
    "true -- and person.opted_out",
    "/* /* /* */ true",
    "randomblob(1000000000) = 'x'",
    "writefile('x', 'y') = 1",
    "cast(person.city as int) = 1",
    "case when true then true end",
    "person.city regexp '(a+)+$'",
    "person.city glob '*'",
    "person.city match 'x'",
    "x'00' = 1",
    "score.total = 1e999",
    "(" * 60 + "true" + ")" * 60,
    "not " * 100 + "true",
    "- " * 300 + "1 = 1",
    "true or " * 300 + "true",
    "coalesce(" * 60 + "1" + ", 1)" * 60 + " = 1",
    "person.city = 'a\x00'",
    "person.city[1] = 'a'",
    "lower(distinct person.city) = 'a'",
    "sum(score.total) over () > 1",
    "person.*",
    "pragma writable_schema",
    "attach database 'x' as y",
    "f.person__city = 'x'",
    "rowid = 1",
    "current_timestamp > '2020'",
    "person.city collate nocase = 'a'",
    "company.revenue / 0 = 1",
    "person.city = 'unterminated",
]


@pytest.mark.parametrize("text", HOSTILE, ids=[t[:30] for t in HOSTILE])
def test_hostile_conditions_are_refused(text: str) -> None:
    found = compile_condition(text, MODEL)
    assert isinstance(found, ExpressionProblem)
    assert found.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("person.contry = 'FR'", "1:1: unknown name person.contry → did you mean person.country?"),
        ("person.country = 'FR'\n  and city = 'x'", "2:7: unknown name city"),
        ("person.score > 5", "did you mean score.total?"),
        ('person.country = "FR"', "text stands in single quotes: 'FR'"),
        ("person.country = 'France'", "write 'FR'"),
        ("person.country in ('fr')", "write 'FR'"),
        ("person.stage = 'prospct'", "did you mean 'prospect'?"),
        ("company.industry in ('SaaS', 'retail')", "company.industry is never 'retail'"),
        ("score.total > '5'", "write numbers without quotes"),
        ("person.opted_out = 'yes'", "true or false"),
        ("person.opted_out > true", "no order"),
        ("person.born > 'May'", "is no date"),
        ("person.interests = 'crm'", "person.interests in ('...')"),
        ("person.interests in ('hr')", "person.interests is never 'hr'"),
        ("person.city = null", "is null"),
        ("person.city is 'a'", "write = "),
        ("uper(person.city) = 'X'", "did you mean upper?"),
        ("person.country", "a text is no condition"),
        ("score.total and true", "a number is no condition"),
        ("", "empty"),
        ("person.country = 'FR' and", "cannot be read"),
        ("x" * 2001, "2001 characters"),
    ],
)
def test_problems_say_what_to_do(text: str, said: str) -> None:
    assert said in str(compile_condition(text, MODEL))


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_gives_an_answer(text: str) -> None:
    assert isinstance(compile_condition(text, MODEL), Condition | ExpressionProblem)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_literals_survive_as_literals(city: str) -> None:
    quoted = city.replace("'", "''")
    found = compile_condition(f"person.city = '{quoted}'", MODEL)
    if isinstance(found, ExpressionProblem):
        assert "\x7f" in city
        return
    with closing(sqlite3.connect(":memory:")) as db:
        row = db.execute(f'select {found.sql} from (select ? as "person__city") f', [city]).fetchone()
    assert row == (1,)


def test_long_lists_of_alternatives_are_fine(db: sqlite3.Connection) -> None:
    text = " or ".join(["person.city = 'x'"] * 80 + ["person.country = 'FR'"])
    assert holds(db, text) == 1
