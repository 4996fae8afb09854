"""The SOQL engine without HTTP: grammar, meaning, refusals, and that ranges do not read everything."""

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.ids import salesforce_id
from crmhub.sandbox.salesforce.errors import ApiError
from crmhub.sandbox.salesforce.ids import salesforce_id as quick_id
from crmhub.sandbox.salesforce.ids import suffix, to18
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.schema.field import Value, picklist
from crmhub.sandbox.salesforce.settings import Settings
from crmhub.sandbox.salesforce.soql.patterns import like
from crmhub.sandbox.salesforce.soql.run import run
from crmhub.sandbox.salesforce.table import Row, Table
from crmhub.sandbox.salesforce.times import parse_moment, render

NOW = 1_790_000_000_000
BASE = "/services/data/v67.0"
DAY = 86_400_000


def _id(prefix: str, number: int) -> str:
    text = f"{prefix}gL0{number:09d}"
    return text + suffix(text)


def _lead(number: int, **fields: Any) -> Row:
    row: Row = {
        "Id": _id("00Q", number),
        "LastName": f"Name{number}",
        "Name": f"Name{number}",
        "Company": "Acme",
        "SystemModstamp": NOW - 1000,
        "OwnerId": _id("005", 1),
    }
    return row | fields


@pytest.fixture
def state() -> OrgState:
    org = OrgState(Clock(NOW, 0), Settings())
    org.tables["User"].put({"Id": _id("005", 1), "Name": "Ann Rep", "LastName": "Rep", "IsActive": True})
    org.tables["Group"].put({"Id": _id("00G", 1), "Name": "Queue", "Type": "Queue"})
    rows = [
        _lead(1, Email="a@x.example", NumberOfEmployees=5, Title="100% sure", HasOptedOutOfEmail=True),
        _lead(2, Email="B@x.example", NumberOfEmployees=50, Title="under_score", SystemModstamp=NOW - 5 * DAY),
        _lead(3, NumberOfEmployees=500, Title='O\'Brien \\ "x"', OwnerId=_id("00G", 1), Rating="Hot"),
        _lead(4, Title="line\nbreak", Rating="Cold", CreatedDate=NOW - 40 * DAY),
        _lead(5, IsDeleted=True, _DeletedAt=NOW - DAY),
        _lead(6, IsDeleted=True, _DeletedAt=NOW - 16 * DAY),
    ]
    for row in rows:
        org.tables["Lead"].put(row)
    return org


def _numbers(state: OrgState, where: str, *, all_rows: bool = False) -> list[int]:
    result = run(f"SELECT Id FROM Lead WHERE {where} ORDER BY Id", state.query_org(all_rows=all_rows), BASE)
    return [int(str(row["Id"])[6:15]) for row in result.rows]


def _refused(state: OrgState, statement: str) -> tuple[str, str]:
    with pytest.raises(ApiError) as caught:
        run(statement, state.query_org(), BASE)
    assert caught.value.status == 400
    return caught.value.code, str(caught.value.body[0]["message"])


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Email = 'A@X.EXAMPLE'", [1]),
        ("Email != 'a@x.example'", [2, 3, 4]),
        ("Email = null", [3, 4]),
        ("Email != null", [1, 2]),
        ("NumberOfEmployees > 5", [2, 3]),
        ("NumberOfEmployees >= 5 AND NumberOfEmployees < 500", [1, 2]),
        ("NOT NumberOfEmployees > 5", [1, 4]),
        ("(NumberOfEmployees = 5 OR NumberOfEmployees = 500) AND Email = null", [3]),
        ("NOT (Rating = 'Hot' OR Rating = 'Cold')", [1, 2]),
        ("Rating IN ('hot', 'COLD')", [3, 4]),
        ("Rating NOT IN ('Hot')", [1, 2, 4]),
        ("Rating IN ('Hot', null)", [1, 2, 3]),
        ("HasOptedOutOfEmail = true", [1]),
        ("HasOptedOutOfEmail = FALSE", [2, 3, 4]),
        ("Title LIKE '100\\% %'", [1]),
        ("Title LIKE '%\\_score'", [2]),
        ("Title LIKE '_nder%'", [2]),
        ("Title = 'O\\'Brien \\\\ \\\"x\\\"'", [3]),
        ("Title = 'line\\nbreak'", [4]),
        ("Owner.Name = 'ann rep'", [1, 2, 4]),
        ("Owner.Type = 'Group'", [3]),
        ("Lead.Owner.IsActive = true", [1, 2, 4]),
        ("SystemModstamp = LAST_N_DAYS:2", [1, 3, 4]),
        ("SystemModstamp < LAST_N_DAYS:2", [2]),
        ("CreatedDate = LAST_MONTH", [4]),
        ("SystemModstamp >= TODAY", [1, 3, 4]),
        (f"SystemModstamp < {render(NOW - DAY)[:19]}Z", [2]),
        (f"SystemModstamp < {render(NOW - DAY)[:19]}+02:00", [2]),
        ("Id IN (SELECT WhoId FROM Task)", []),
        (f"Id IN ('{_id('00Q', 1)}', '{_id('00Q', 3)[:15]}')", [1, 3]),
        (f"OwnerId IN ('{_id('00G', 1)}')", [3]),
        (f"OwnerId NOT IN ('{_id('00G', 1)}')", [1, 2, 4]),
        (f"Id = '{_id('00Q', 2)[:15]}'", [2]),
        ("OwnerId IN (SELECT Id FROM User WHERE IsActive = true)", [1, 2, 4]),
        ("Id > '000000000000000000'", [1, 2, 3, 4]),
    ],
)
def test_conditions_mean_what_the_vendor_means(state: OrgState, where: str, expected: list[int]) -> None:
    assert _numbers(state, where) == expected


def test_query_all_shows_the_bin_for_fifteen_days(state: OrgState) -> None:
    assert _numbers(state, "IsDeleted = true") == []
    assert _numbers(state, "IsDeleted = true", all_rows=True) == [5]


def test_an_object_may_be_named_like_a_word_of_the_language(state: OrgState) -> None:
    result = run("SELECT Id, Name FROM Group WHERE Type = 'Queue' ORDER BY Name", state.query_org(), BASE)
    assert [result.emit(row)["Name"] for row in result.rows] == ["Queue"]


def test_multiselect_includes(state: OrgState) -> None:
    kind = state.schema.get("Lead")
    assert kind is not None
    kind.add(replace(picklist("Topics__c", "Topics", "a|b|c"), type="multipicklist", permissionable=False))
    lead = state.tables["Lead"].get(_id("00Q", 1))
    assert lead is not None
    state.put(kind, {**lead, "Topics__c": "a;c"})
    assert _numbers(state, "Topics__c INCLUDES ('a;c', 'b')") == [1]
    assert _numbers(state, "Topics__c INCLUDES ('a;b')") == []
    assert _numbers(state, "Topics__c EXCLUDES ('c')") == [2, 3, 4]


@pytest.mark.parametrize(
    ("statement", "code", "message"),
    [
        ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY", "ERROR at Row:1:Column:26\nunexpected token: '<EOF>'"),
        ("SELECT FROM Lead", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("SELECT Id FROM Lead WHERE Name = 'x", "MALFORMED_QUERY", "<EOF>"),
        ("SELECT Id FROM Lead WHERE Name = 'x' OR 1=1 --", "MALFORMED_QUERY", ""),
        ("SELECT Id FROM Lead WHERE Name = '\\x'", "MALFORMED_QUERY", "Illegal character sequence '\\x'"),
        ("SELECT Id FROM Lead WHERE CreatedDate > LAST_N_YEARS:99999", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Lead; DELETE", "MALFORMED_QUERY", ""),
        ("SELECT Id FROM Lead WHERE Name='a' AND Name='b' OR Name='c'", "MALFORMED_QUERY", "unexpected token: 'OR'"),
        ("SELECT Id FROM Lead LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        ("SELECT Id FROM Lead OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        ("SELECT Id FROM Lead WHERE " + "(" * 5000, "MALFORMED_QUERY", ""),
        ("SELECT Id FROM Lead WHERE " + "NOT " * 5000 + "Id = null", "MALFORMED_QUERY", ""),
        ("SELECT Foo__c FROM Lead", "INVALID_FIELD", "No such column 'Foo__c' on entity 'Lead'. If you are attempting"),
        ("SELECT Id FROM Lead ORDER BY Foo", "INVALID_FIELD", "No such column 'Foo' on entity 'Lead'"),
        ("SELECT Foo.Name FROM Lead", "INVALID_FIELD", "Didn't understand relationship 'Foo' in field path"),
        ("SELECT Id, id FROM Lead", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Id FROM Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported"),
        ("SELECT Id FROM CustomField", "INVALID_TYPE", "sObject type 'CustomField' is not supported"),
        ("SELECT FIELDS(ALL) FROM Lead", "MALFORMED_QUERY", "LIMIT of at most 200"),
        ("SELECT FIELDS(CUSTOM) FROM Lead LIMIT 201", "MALFORMED_QUERY", "LIMIT of at most 200"),
        (
            "SELECT Id FROM Lead WHERE SystemModstamp > '2026-01-01T00:00:00Z'",
            "INVALID_FIELD",
            "value of filter criterion for field 'SystemModstamp' must be of type dateTime and should not be "
            "enclosed in quotes",
        ),
        ("SELECT Id FROM Lead WHERE Name = 5", "INVALID_FIELD", "of type string and should be enclosed in quotes"),
        ("SELECT Id FROM Lead WHERE IsDeleted = 'true'", "INVALID_FIELD", "of type boolean and should not be"),
        ("SELECT Id FROM Lead WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: abc"),
        ("SELECT Id FROM Lead WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Status, COUNT(Id) FROM Lead", "MALFORMED_QUERY", "Field must be grouped or aggregated: Status"),
    ],
)
def test_refusals_name_place_and_reason(state: OrgState, statement: str, code: str, message: str) -> None:
    got, text = _refused(state, statement)
    assert got == code
    assert message in text
    assert "ERROR at Row:1:Column:" in text


def test_a_hidden_field_is_an_unknown_field(state: OrgState) -> None:
    state.settings.hidden_fields = ["Lead.Email"]
    hidden = _refused(state, "SELECT Email FROM Lead")
    assert hidden == (hidden[0], hidden[1].replace("Foo", "Email"))
    assert hidden[0] == "INVALID_FIELD"
    assert _refused(state, "SELECT Id FROM Lead WHERE Email = 'x'")[0] == "INVALID_FIELD"


def test_aggregates_group_count_and_name_their_columns(state: OrgState) -> None:
    statement = "SELECT Rating, COUNT(Id), MAX(SystemModstamp) newest, SUM(NumberOfEmployees) FROM Lead GROUP BY Rating"
    result = run(f"{statement} ORDER BY COUNT(Id) DESC, Rating", state.query_org(), BASE)
    records = [result.emit(row) for row in result.rows]
    assert [(record["Rating"], record["expr0"]) for record in records] == [(None, 2), ("Cold", 1), ("Hot", 1)]
    assert list(records[0]) == ["attributes", "Rating", "expr0", "newest", "expr1"]
    assert records[0]["newest"] == render(NOW - 1000)
    assert records[2]["expr1"] == 500.0
    assert run("SELECT COUNT() FROM Lead", state.query_org(), BASE).count == 4
    having = run("SELECT Rating FROM Lead GROUP BY Rating HAVING COUNT(Id) > 1", state.query_org(), BASE)
    assert [having.emit(row)["Rating"] for row in having.rows] == [None]


def test_order_by_several_keys_with_nulls(state: OrgState) -> None:
    def order(by: str) -> list[int]:
        result = run(f"SELECT Id FROM Lead ORDER BY {by}", state.query_org(), BASE)
        return [int(str(row["Id"])[6:15]) for row in result.rows]

    assert order("NumberOfEmployees, Id") == [4, 1, 2, 3]
    assert order("NumberOfEmployees DESC NULLS LAST, Id") == [3, 2, 1, 4]
    assert order("Rating NULLS LAST, Id DESC") == [4, 3, 2, 1]
    assert order("Owner.Name DESC, SystemModstamp, Id LIMIT 2 OFFSET 1") == [2, 1]


def test_records_nest_parents_and_keep_select_order(state: OrgState) -> None:
    result = run("SELECT Owner.Name, Id, Owner.Type, Email FROM Lead l WHERE l.Rating = 'Hot'", state.query_org(), BASE)
    record = result.emit(result.rows[0])
    assert list(record) == ["attributes", "Owner", "Id", "Email"]
    assert record["Owner"]["Name"] == "Queue"
    assert record["Owner"]["Type"] == "Group"
    assert record["Owner"]["attributes"]["url"] == f"{BASE}/sobjects/Group/{_id('00G', 1)}"
    assert record["Email"] is None


class _Wrapped:
    """Seeds that are the rows themselves, each in a tuple."""

    names = frozenset({"Id", "SystemModstamp"})

    def stamp(self, seed: tuple[Row]) -> int:
        return int(str(seed[0]["SystemModstamp"]))

    def value(self, name: str, seed: tuple[Row]) -> Value:
        return seed[0].get(name)

    def brief(self, record_id: str, seed: tuple[Row]) -> Row:
        return {"Id": record_id, "SystemModstamp": seed[0]["SystemModstamp"]}

    def make(self, record_id: str, seed: tuple[Row]) -> Row:
        assert seed[0]["Id"] == record_id
        return seed[0]


@pytest.fixture
def reads(crowd: OrgState, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the rows that were looked at, briefly or in full."""
    found: list[str] = []
    table = crowd.tables["Lead"]
    brief, made = table.brief, table.made

    def seen(record_id: str) -> Row | None:
        found.append(record_id)
        return brief(record_id)

    def whole(record_id: str, held: Any) -> Row:
        found.append(record_id)
        return made(record_id, held)

    monkeypatch.setattr(table, "brief", seen)
    monkeypatch.setattr(table, "made", whole)
    return found


@pytest.fixture
def crowd(state: OrgState) -> OrgState:
    """25,000 leads of one stamp between two others."""
    rows = [_lead(number, SystemModstamp=NOW - 60_000) for number in range(100, 25_100)]
    random.Random(3).shuffle(rows)
    table = Table(state.tables["Lead"].kind)
    table.seed(((str(row["Id"]), (row,)) for row in rows), _Wrapped())
    table.put(_lead(1, SystemModstamp=NOW - 120_000))
    table.put(_lead(2, SystemModstamp=NOW))
    state.tables["Lead"] = table
    return state


def _keyset(state: OrgState, page: int) -> Iterator[str]:
    where = ""
    while True:
        statement = f"SELECT Id, SystemModstamp FROM Lead {where} ORDER BY SystemModstamp, Id LIMIT {page}"
        rows = run(statement, state.query_org(), BASE).rows
        yield from (str(row["Id"]) for row in rows)
        if len(rows) < page:
            return
        at, last = render(int(str(rows[-1]["SystemModstamp"])))[:19] + "Z", rows[-1]["Id"]
        where = f"WHERE (SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > '{last}'))"


def test_a_keyset_walks_25000_rows_of_one_stamp_once_and_in_order(crowd: OrgState) -> None:
    ids = list(_keyset(crowd, 2000))
    assert len(ids) == 25_002
    assert ids == [_id("00Q", 1), *(_id("00Q", number) for number in range(100, 25_100)), _id("00Q", 2)]


def test_a_range_reads_only_its_rows(crowd: OrgState, reads: list[str]) -> None:
    table = crowd.tables["Lead"]
    assert len(table.between()) == 25_002
    reads.clear()
    at = render(NOW - 60_000)[:19] + "Z"
    last = _id("00Q", 25_090)
    where = f"SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > '{last}')"
    assert len(run(f"SELECT Id FROM Lead WHERE {where}", crowd.query_org(), BASE).rows) == 10
    assert len(reads) < 30
    reads.clear()
    rows = run(
        f"SELECT Id FROM Lead WHERE SystemModstamp >= {at} ORDER BY SystemModstamp, Id LIMIT 5", crowd.query_org(), BASE
    )
    assert len(rows.rows) == 5
    assert len(reads) < 30
    reads.clear()
    assert len(run(f"SELECT Id FROM Lead WHERE Id = '{last}'", crowd.query_org(), BASE).rows) == 1
    assert set(reads) == {last}


def test_a_keyset_over_ids_reads_only_its_page(crowd: OrgState, reads: list[str]) -> None:
    seen, last = 0, "000000000000000"
    while True:
        rows = run(f"SELECT Id FROM Lead WHERE Id > '{last}' ORDER BY Id LIMIT 2000", crowd.query_org(), BASE).rows
        if not rows:
            break
        seen, last = seen + len(rows), str(rows[-1]["Id"])
    assert seen == 25_002
    assert len(reads) < 26_000


def test_a_first_query_looks_at_no_row_and_its_pages_stay_as_they_were(crowd: OrgState, reads: list[str]) -> None:
    table = crowd.tables["Lead"]
    assert len(table.between()) == 25_002
    reads.clear()
    rows = run("SELECT Name FROM Lead ORDER BY SystemModstamp, Id", crowd.query_org(), BASE).rows
    assert len(rows) == 25_002
    assert len(reads) < 5
    table.put({**table.made(_id("00Q", 200), table.held(_id("00Q", 200))), "Name": "Changed", "SystemModstamp": NOW})
    table.patch([_id("00Q", 201)], {"Name": "Patched", "SystemModstamp": NOW})
    assert [row["Name"] for row in rows[101:103]] == ["Name200", "Name201"]
    again = run("SELECT Name FROM Lead ORDER BY SystemModstamp, Id", crowd.query_org(), BASE).rows
    assert [row["Name"] for row in again[-3:]] == ["Name2", "Changed", "Patched"]


def test_spans_of_and_never_lose_rows(crowd: OrgState) -> None:
    low, high = render(NOW - 60_000)[:19] + "Z", render(NOW - 30_000)[:19] + "Z"
    last = _id("00Q", 25_090)
    keyset = f"(SystemModstamp > {low} OR (SystemModstamp = {low} AND Id > '{last}'))"
    assert _numbers(crowd, f"{keyset} AND SystemModstamp >= {high}") == [2]
    assert len(_numbers(crowd, f"{keyset} AND SystemModstamp < {high}")) == 9


@given(st.text(alphabet="ab%_\\'", max_size=12), st.text(alphabet="ab%_", max_size=12))
def test_like_agrees_with_a_slow_match(pattern: str, text: str) -> None:
    parts = tuple((char, False) for char in pattern)

    def slow(left: str, right: str) -> bool:
        if not left:
            return not right
        if left[0] == "%":
            return any(slow(left[1:], right[start:]) for start in range(len(right) + 1))
        return bool(right) and (left[0] in ("_", right[0])) and slow(left[1:], right[1:])

    assert like(parts)(text) == slow(pattern, text)


@given(st.text(max_size=60))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    org = OrgState(Clock(NOW, 0), Settings())
    for statement in (text, f"SELECT Id FROM Lead WHERE Name = '{text}'", f"SELECT Id FROM Lead WHERE {text}"):
        with suppress(ApiError):
            assert not run(statement, org.query_org(), BASE).rows


@given(st.text(alphabet="0123456789ABCxyz", min_size=15, max_size=15))
def test_an_id_survives_the_loss_of_case(fifteen: str) -> None:
    eighteen = fifteen + suffix(fifteen)
    assert to18(fifteen) == eighteen
    assert to18(eighteen.upper()) == eighteen
    assert to18(eighteen.lower()) == eighteen


@given(st.sampled_from(["00Q", "003", "701", "0RE"]), st.integers(0, 62**5 + 5))
def test_the_quick_way_to_an_id_is_the_slow_one(prefix: str, number: int) -> None:
    assert quick_id(prefix, number) == salesforce_id(prefix, number)


def test_known_ids_get_their_suffix() -> None:
    assert to18("00D50000000IZ3Z") == "00D50000000IZ3ZEAW"
    assert to18("nonsense") is None
    assert to18("00D50000000IZ3!") is None


def test_moments_read_and_print() -> None:
    assert render(NOW) == "2026-09-21T14:13:20.000+0000"
    for text in ("2026-09-21T14:13:20Z", "2026-09-21T16:13:20+02:00", "2026-09-21T16:13:20.000+0200"):
        assert parse_moment(text) == NOW
    assert parse_moment("2026-02-30T00:00:00Z") is None
    assert parse_moment("9999-01-01T00:00:00Z") is None
