"""The parts behind the answers: tables of a million rows, formulas."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.ids import salesforce_id
from crmhub.sandbox.salesforce.admin import Admin
from crmhub.sandbox.salesforce.formulas import FormulaError, compile_formula
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.schema.field import Value
from crmhub.sandbox.salesforce.settings import Settings
from crmhub.sandbox.salesforce.table import Row, Table

NOW = 1_790_000_000_000


class Seeds:
    """Rows made of (stamp, title)."""

    names = frozenset({"Id", "SystemModstamp", "Title"})

    def stamp(self, seed: tuple[int, str]) -> int:
        return seed[0]

    def value(self, name: str, seed: tuple[int, str]) -> Value:
        return self.brief("", seed).get(name)

    def brief(self, record_id: str, seed: tuple[int, str]) -> Row:
        return {"Id": record_id, "SystemModstamp": seed[0], "Title": seed[1]}

    def make(self, record_id: str, seed: tuple[int, str]) -> Row:
        return {**self.brief(record_id, seed), "LastName": f"N{seed[1]}"}


def _id(number: int) -> str:
    return salesforce_id("00Q", number)


NUMBER, STAMP, TITLE = st.integers(1, 12), st.integers(1, 4), st.sampled_from("abC")
STEP = st.one_of(
    st.tuples(st.just("put"), NUMBER, STAMP, TITLE),
    st.tuples(st.just("patch"), st.sets(NUMBER, max_size=5), STAMP, TITLE),
    st.tuples(st.just("drop"), NUMBER),
    st.tuples(st.just("look")),
)


@given(st.dictionaries(NUMBER, st.tuples(STAMP, TITLE)), st.lists(STEP, max_size=12))
def test_a_table_stays_in_order_whatever_happens(seeds: dict[int, tuple[int, str]], steps: list[Any]) -> None:
    kind = OrgState(Clock(NOW, 0), Settings()).tables["Lead"].kind
    table, source = Table(kind), Seeds()
    table.seed(((_id(number), seed) for number, seed in seeds.items()), source)
    known = {_id(number): source.make(_id(number), seed) for number, seed in seeds.items()}
    for step in [*steps, ("look",)]:
        if step[0] == "put":
            row: Row = {"Id": _id(step[1]), "SystemModstamp": step[2], "Title": step[3], "LastName": "X"}
            table.put(row)
            known[_id(step[1])] = row
        elif step[0] == "patch":
            ids = [_id(number) for number in step[1] if _id(number) in known]
            patch: Row = {"SystemModstamp": step[2], "Title": step[3]}
            table.patch(ids, patch)
            known |= {one: {**known[one], **patch} for one in ids}
        elif step[0] == "drop" and _id(step[1]) in known:
            table.drop(_id(step[1]))
            del known[_id(step[1])]
        elif step[0] == "look":
            keys = sorted((int(str(row["SystemModstamp"])), one) for one, row in known.items())
            assert list(table.keyed()) == keys
            assert list(table.newest_first()) == keys[::-1]
            assert table.between((2, ""), (3, "")) == [one for stamp, one in keys if stamp == 2]
            assert list(table.all()) == [known[one] for one in sorted(known)]
            for title in "abC":
                held = {one for one, row in known.items() if str(row["Title"]).lower() == title.lower()}
                assert table.find("Title", title) == held
            assert len(table) == len(known)


@pytest.fixture
def admin() -> Admin:
    return Admin(OrgState(Clock(NOW, 0), Settings()))


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("1 + 2 * 3 - 4 / 2", 5.0),
        ("-(1 + 2)", -3.0),
        ("'a' & Title & \"b\"", "aCEOb"),
        ("AnnualRevenue * 2", None),
        ("BLANKVALUE(AnnualRevenue, 0) + 1", 1.0),
        ("IF(Title = 'CEO' && NumberOfEmployees > 10, 'yes', 'no')", "yes"),
        ("IF(NOT(ISBLANK(Rating)) || FALSE, 1, 0)", 0.0),
        ("CASE(Title, 'CTO', 1, 'CEO', 2, 3)", 2.0),
        ("ISPICKVAL(Rating, 'Hot')", False),
        ("TODAY() - DATEVALUE(CreatedDate)", 10.0),
        ("DATEVALUE(CreatedDate) + 5", "2026-09-16"),
        ("NOW() - CreatedDate", 10.0),
        ("AND(1 < 2, 'a' <> 'b', 2 >= 2)", True),
        ("NumberOfEmployees > Title", False),
        ("ROUND(10 / 3, 2)", 3.33),
        ("1 / 0", None),
        ("LEFT(UPPER(LastName), 2) & TEXT(NumberOfEmployees)", "DO20"),
        ("Owner.Name", None),
        ("CASE()", None),
        ("LEN()", None),
    ],
)
def test_formulas(admin: Admin, formula: str, shown: Value) -> None:
    kind = admin._org.tables["Lead"].kind
    row: Row = {
        "Id": _id(1),
        "LastName": "Doe",
        "Title": "CEO",
        "NumberOfEmployees": 20,
        "CreatedDate": NOW - 10 * 86_400_000,
        "OwnerId": salesforce_id("005", 1),
    }
    assert admin.formula(kind, formula)(row) == shown


@pytest.mark.parametrize(
    "formula", ["", "1 +", "(1", "1)", "NOPE(1)", "1 2", "IF(1,", "#", "'open", "(" * 3000, "1" * 4000]
)
def test_formulas_that_cannot_be_read(formula: str) -> None:
    with pytest.raises(FormulaError):
        compile_formula(formula)


@given(st.text(alphabet="IFANDTITLE(),'+-*/&=<>|1. ", max_size=40))
def test_no_formula_does_more_than_be_refused_or_show_something(text: str) -> None:
    org = OrgState(Clock(NOW, 0), Settings())
    kind = org.tables["Lead"].kind
    try:
        compile_formula(text)
    except FormulaError:
        return
    Admin(org).formula(kind, text)({"Id": _id(1), "Title": "CEO"})
