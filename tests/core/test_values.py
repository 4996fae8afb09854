"""Normal forms of facts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model import FieldType, Value
from core.values import (
    blank,
    company_key,
    country,
    fold,
    is_free_mail,
    is_role_address,
    money,
    normal,
    placeholder,
    registrable,
)

ALL_TYPES: tuple[FieldType, ...] = (
    "text", "name", "email", "phone", "domain", "country", "number", "money", "bool", "date", "datetime",
    "option", "options",
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("email", " Jane <JANE.Doe+crm@Acme.com> ", "jane.doe+crm@acme.com"),
        ("email", "mailto:a@b.fr?subject=x", "a@b.fr"),
        ("email", "jo@münchen.de", "jo@xn--mnchen-3ya.de"),
        ("email", "jane at acme.com", None),
        ("email", "a@b.com; c@d.com", None),
        ("email", "a@b", None),
        ("domain", "https://www.Acme.co.uk:8080/about?x=1", "acme.co.uk"),
        ("domain", "jane@acme.fr", "acme.fr"),
        ("domain", "192.168.0.1", None),
        ("domain", "Acme Inc", None),
        ("name", "  José   LUIS ", "josé luis"),
        ("name", "Ｊｏｓｅ", "jose"),
        ("text", "  Head  of\tSales ", "Head of Sales"),
        ("text", "HEAD of Sales", "HEAD of Sales"),
        ("text", 42.0, "42"),
        ("text", "Cafe\u0301", "Café"),
        ("number", "1 234,5", 1234.5),
        ("number", "1\u202f234,50 €", 1234.5),
        ("number", "1,234", 1234),
        ("number", "1.234", 1.234),
        ("number", "1.234.567", 1234567),
        ("number", "1.234,50", 1234.5),
        ("number", "$1,234.50", 1234.5),
        ("number", 3.0, 3),
        ("number", "51-200", None),
        ("number", "nan", None),
        ("money", "9007199254740993", 9007199254740993),
        ("bool", "Oui", True),
        ("bool", "nein", False),
        ("bool", 1, True),
        ("bool", "maybe", None),
        ("date", "2024-01-02", "2024-01-02"),
        ("date", "2024-01-02T23:04:05+02:00", "2024-01-02"),
        ("date", 1704153600000, "2024-01-02"),
        ("date", "1704153600000", "2024-01-02"),
        ("date", "2024-02-31", None),
        ("datetime", "2024-01-02T03:04:05.678Z", 1704164645678),
        ("datetime", "2024-01-02T03:04:05.678+0000", 1704164645678),
        ("datetime", "2024-01-02T04:04:05.678+01:00", 1704164645678),
        ("datetime", "2024-01-02 03:04:05.678", 1704164645678),
        ("datetime", 1704164645678, 1704164645678),
        ("datetime", "soon", None),
        ("option", " Closed  Won ", "Closed Won"),
        ("option", True, "true"),
        ("options", "b; a;;a", "a;b"),
        ("options", ";", None),
    ],
)
def test_normal(kind: FieldType, value: Value, expected: Value) -> None:
    found = normal(kind, value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("01 42 68 53 00", "FR", "+33142685300"),
        ("142685300", "FR", "+33142685300"),
        ("+33 (0)1 42 68 53 00", "", "+33142685300"),
        ("0033142685300", "US", "+33142685300"),
        ("(212) 555-0100", "us", "+12125550100"),
        ("+1 212 555 0100 ext. 12", "", "+12125550100;ext=12"),
        ("01 42 68 53 00", "", "0142685300"),
        ("555-01", "", None),
        ("call me", "FR", None),
    ],
)
def test_phone(text: str, region: str, expected: str | None) -> None:
    assert normal("phone", text, region=region) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("France", "FR"), ("ALLEMAGNE", "DE"), ("Deutschland", "DE"), ("Etats-Unis", "US"), ("U.S.A.", "US"),
        ("Vereinigte Staaten", "US"), ("Reino Unido", "GB"), ("Inghilterra", "GB"), ("UK", "GB"), ("gbr", "GB"),
        ("the Netherlands", "NL"), ("Côte d’Ivoire", "CI"), ("Korea, Republic of", None), ("Suiza", "CH"),
        ("Grèce", "GR"), ("Türkiye", "TR"), ("república checa", "CZ"), ("Bosnia and Herzegovina", "BA"),
        ("Namibia", "NA"), ("NA", "NA"), ("Kosovo", "XK"), ("Hong-Kong", "HK"), ("fr", "FR"),
    ],
)  # fmt: skip
def test_country_names(text: str, code: str | None) -> None:
    assert country(text) == (code or fold(text))


@settings(deadline=None)
@given(st.sampled_from(ALL_TYPES), st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.booleans()))
def test_normal_never_raises_and_is_stable(kind: FieldType, value: Value) -> None:
    once = normal(kind, value)
    again = normal(kind, once)
    assert again == once
    assert type(again) is type(once)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_fold_is_stable_and_ignores_case(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(text.casefold()) == fold(text)


def test_fold_drops_accents_and_transliterates() -> None:
    assert fold("MÜLLER-Łukasz") == "muller-lukasz"
    assert fold("Søren Ægir") == "soren aegir"
    assert fold("Иванов") == "ivanov"
    assert fold("Straße") == "strasse"


def test_blank_and_placeholder_are_two_things() -> None:
    assert all(blank(v) for v in (None, "", "  \t", "\u200b"))
    assert not any(blank(v) for v in (0, False, "0", "n/a"))
    said = ["n/a", "-", "--", "[not provided]", "[[Unknown]]", "Non renseigné", "Keine Angabe", "0000000000"]
    assert all(placeholder(v) for v in [*said, "noemail@noemail.com", "?", "+1234567890"])
    assert not any(placeholder(v) for v in (None, "", "NA", "Jean", 0, "Nil Sen", "+33142685300", "1990-01-01"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ACME S.A.S.", "acme"), ("Acme, Inc.", "acme"), ("Müller GmbH & Co. KG", "muller"),
        ("Foo Sp. z o.o.", "foo"), ("Ørsted A/S", "orsted"), ("Sociedad Ejemplo, S.L.", "sociedad ejemplo"),
        ("SARL Dupont", "dupont"), ("The Widget Company Ltd", "widget"), ("Grupo Bimbo SA de CV", "grupo bimbo"),
        ("AT&T Inc.", "at and t"), ("SAS", "sas"), ("Smith & Co", "smith"), ("", ""), ("J.P. Morgan", "jp morgan"),
    ],
)  # fmt: skip
def test_company_key(text: str, key: str) -> None:
    assert company_key(text) == key


def test_domains_by_who_owns_them() -> None:
    assert registrable("mail.eu.acme.co.uk") == "acme.co.uk"
    assert registrable("https://shop.acme.com/x") == "acme.com"
    assert registrable("tenant.github.io") == "tenant.github.io"
    assert registrable("co.uk") is None
    assert all(is_free_mail(d) for d in ("gmail.com", "yahoo.co.uk", "jane@GMX.at", "t-online.de"))
    assert not any(is_free_mail(d) for d in ("acme.com", "live.acme.com", "", "outlook.consulting"))


def test_role_addresses() -> None:
    assert all(
        is_role_address(f"{r}@acme.com") for r in ("info", "Contact", "sales-fr", "vertrieb", "noreply", "info2")
    )
    assert not any(is_role_address(f"{p}@acme.com") for p in ("jane", "infante", "m.sales", "infoway"))
    assert not is_role_address("info")


@pytest.mark.parametrize(
    ("amount", "currency", "cents"),
    [
        (12.5, "EUR", 1250),
        (12500, "usd ", 1250000),
        (0.29, "EUR", 29),
        (1.005, "EUR", 101),
        (-1.005, "EUR", -101),
        (12.5, "JPY", 13),
        (1.2345, "KWD", 1235),
        (1, "XYZ", 100),
        (1, None, 100),
        (10**30, "EUR", None),
        (float("inf"), "EUR", None),
    ],
)
def test_amounts_are_kept_in_the_smallest_coin_of_their_currency(
    amount: float, currency: str | None, cents: int | None
) -> None:
    assert money.minor(amount, currency) == cents


def test_amounts_are_shown_as_people_write_them() -> None:
    assert money.major(1250000, "eur") == "12,500.00 EUR"
    assert money.major(13, "JPY") == "13 JPY"
    assert money.major(-5, None) == "-0.05"
