"""Values from each CRM's form to ours and back."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from core.mapping_structs import Form, OptionTable, Target, Unwritable
from core.mapping_user import make_table
from core.mapping_values import bind
from core.model import Field, FieldType, Value
from tests.core.mapping_kit import good, option, text


def target(
    kind: FieldType, form: Form = "strings", table: OptionTable | None = None, name: str = "some_field"
) -> Target:
    return Target(
        field=Field(name, "person", kind, "Some field"),
        connection="crm",
        stream="contacts",
        remote="remote",
        direction="both",
        write="always",
        create=False,
        lossy=False,
        form=form,
        options=table,
        owner=False,
        key=f"fields.{name}.crm",
        line=1,
    )


def table(**values: tuple[str, ...]) -> OptionTable:
    return make_table("options.some_field.crm", "mapping.toml", values, None, ())


def test_hubspot_writes_everything_as_text() -> None:
    assert target("bool").to_remote(True) == "true"
    assert target("number").to_remote(17.0) == "17"
    assert target("number").to_remote(17.5) == "17.5"
    assert target("money").to_remote(1_000_000) == "1000000"
    assert target("date").to_remote("2027-01-31") == "2027-01-31"
    assert target("datetime").to_remote(1_767_323_045_678) == "2026-01-02T03:04:05.678Z"


def test_salesforce_writes_json_types() -> None:
    assert target("bool", "native").to_remote(False) is False
    assert target("number", "native").to_remote(17.5) == 17.5
    assert target("datetime", "native").to_remote(0) == "1970-01-01T00:00:00.000Z"
    assert target("email", "native").to_remote("a@b.co") == "a@b.co"


def test_a_number_goes_into_a_text_field_as_text() -> None:
    bound = bind(target("number", "native"), text("remote"))
    assert bound.to_remote(17.0) == "17"


def test_both_forms_read_the_same() -> None:
    for given_value, kind, expected in [
        ("true", "bool", True),
        (True, "bool", True),
        ("17", "number", 17),
        (17.0, "number", 17),
        ("2026-01-02T03:04:05.678Z", "datetime", 1_767_323_045_678),
        ("2026-01-02T03:04:05.678+0000", "datetime", 1_767_323_045_678),
        ("2027-01-31", "date", "2027-01-31"),
    ]:
        assert kind in get_args(FieldType)
        assert target(kind).to_canonical(given_value) == expected  # type: ignore[arg-type]  # checked one line above


def test_blank_is_none_and_none_clears() -> None:
    for kind in get_args(FieldType):
        assert target(kind).to_canonical("") is None
        assert target(kind).to_canonical("  ") is None
        assert target(kind).to_remote(None) is None


def test_an_unreadable_value_stays_as_its_text() -> None:
    assert target("number").to_canonical("50-100") == "50-100"
    refused = target("number").to_remote("50-100")
    assert refused == Unwritable("'50-100' is no number")


def test_options_both_ways() -> None:
    t = target("option", table=table(customer=("CUSTOMER", "EVANGELIST"), lead=("LEAD",), recycled=()))
    assert t.to_canonical("EVANGELIST") == "customer"
    assert t.to_remote("customer") == "CUSTOMER"
    refused = t.to_remote("recycled")
    assert isinstance(refused, Unwritable)
    assert refused.deliberate


def test_an_unknown_option_reads_as_its_own_text_and_is_not_written_elsewhere() -> None:
    t = target("option", table=table(lead=("LEAD",)))
    assert t.to_canonical("OTHER") == "OTHER"
    refused = t.to_remote("legal")
    assert refused == Unwritable("options.some_field.crm has no line for 'legal'")


def test_another_spelling_of_an_option_is_that_option() -> None:
    t = target("option", table=table(technology=("INFORMATION_TECHNOLOGY",)))
    assert t.to_canonical("Information Technology") == "technology"
    assert t.to_canonical("information-technology") == "technology"


def test_a_live_option_without_a_line_is_written_as_its_own_text() -> None:
    t = bind(target("option", table=table(lead=("LEAD",))), option("remote", "LEAD", "OTHER", closed=False))
    assert t.to_remote("OTHER") == "OTHER"
    assert isinstance(t.to_remote("legal"), Unwritable)


def test_without_a_table_only_live_options_are_written() -> None:
    assert target("option").to_remote("anything") == "anything"
    refused = bind(target("option"), option("remote", "A", "B")).to_remote("C")
    assert refused == Unwritable("crm has no option 'C' in remote")


def test_several_options() -> None:
    t = target("options", table=table(a=("A",), b=("B", "BB")))
    assert t.to_canonical("BB;A;x") == "a;b;x"
    assert t.to_remote("a;b") == "A;B"
    assert isinstance(t.to_remote("a;x"), Unwritable)


def test_what_does_not_fit_is_refused_but_reasons_are_shortened() -> None:
    short = bind(target("text"), text("remote", length=5))
    assert short.to_remote("12345") == "12345"
    assert short.to_remote("123456") == Unwritable("6 characters do not fit into remote (5)")
    why = bind(target("text", name="why"), text("remote", length=10))
    assert why.to_remote("twelve letters") == "twelve le…"


def test_an_owner_id_is_read_as_it_stands() -> None:
    assert replace(target("email"), owner=True).to_canonical("0077") == "0077"


FORMS = st.sampled_from(get_args(Form))
INTEGERS = st.integers(-(10**15), 10**15)


@given(FORMS, st.one_of(INTEGERS, st.floats(-1e9, 1e9, allow_nan=False)))
def test_numbers_survive_the_way_there_and_back(form: Form, value: float) -> None:
    t = target("number", form)
    read = t.to_canonical(value)
    sent = t.to_remote(read)
    assert not isinstance(sent, Unwritable)
    assert t.to_canonical(sent) == read


@given(FORMS, st.integers(-62_000_000_000_000, 250_000_000_000_000))
def test_moments_survive(form: Form, ms: int) -> None:
    t = target("datetime", form)
    sent = t.to_remote(ms)
    assert not isinstance(sent, Unwritable)
    assert t.to_canonical(sent) == ms


@given(FORMS, st.dates())
def test_dates_survive(form: Form, day: object) -> None:
    t = target("date", form)
    sent = t.to_remote(str(day))
    assert sent == str(day)
    assert t.to_canonical(str(day)) == str(day)


@given(FORMS, st.booleans())
def test_yes_and_no_survive(form: Form, value: bool) -> None:
    t = target("bool", form)
    sent = t.to_remote(value)
    assert not isinstance(sent, Unwritable)
    assert t.to_canonical(sent) is value


@given(st.text(max_size=40), st.sampled_from(("text", "name", "email", "phone", "domain", "country")))
def test_texts_survive_untouched(value: str, kind: FieldType) -> None:
    t = target(kind)
    read = t.to_canonical(value)
    assert read in (value, None)
    assert t.to_remote(read) == read


@given(st.data())
def test_shipped_option_tables_give_back_what_they_wrote(data: st.DataObject) -> None:
    mapping = good(
        "[fields.email]\nhubspot = {}\nsalesforce = {}\n"
        "[fields.industry]\nhubspot = { direction = 'both' }\nsalesforce = { direction = 'both' }\n"
    )
    connection, stream = data.draw(st.sampled_from([("hubspot", "companies"), ("salesforce", "accounts")]))
    (t,) = mapping.targets(connection, stream)
    assert t.options is not None
    word = data.draw(st.sampled_from(sorted(t.options.write)))
    sent: Value | Unwritable = t.to_remote(word)
    assert isinstance(sent, str)
    assert mapping.canonical(connection, stream, {t.remote: sent}) == {"industry": word}
