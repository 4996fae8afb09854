"""Who is the same: the ladder, rung by rung, and what is never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.identity import (
    Edge,
    Facts,
    Groups,
    company_identifiers,
    compare,
    facts_of,
    lead_order,
    names_agree,
    person_identifiers,
    region_of,
)
from core.model import Value


def person(record: int, first: str, last: str, email: str | None = None, company: str = "") -> Facts:
    told: dict[str, Value] = {"first_name": first, "last_name": last, "email": email, "company_name": company}
    return facts_of(record, "crm", "contacts", f"c{record}", "person", told)


def company(record: int, name: str) -> Facts:
    return facts_of(record, "crm", "companies", f"c{record}", "company", {"name": name})


def by_email(a: tuple[str, str], b: tuple[str, str], address: str = "ann.lee@acme.fr") -> Edge:
    return compare("email", address, person(1, *a, address), person(2, *b, address), "person")


def identifiers(**told: Value) -> dict[str, str]:
    return dict(
        person_identifiers(
            told,
            kind="hubspot",
            connection="hs",
            stream="contacts",
            remote_id="7",
            cross_ids=[],
            merged_into=None,
            region="FR",
        )
    )


# ------------------------------------------------------------------------------------------ certain rungs


def test_cross_ids_meet_whoever_names_the_other() -> None:
    here = set(
        person_identifiers(
            {},
            kind="hubspot",
            connection="hs",
            stream="contacts",
            remote_id="7",
            cross_ids=[("salesforce", "003A")],
            merged_into=None,
            region="FR",
        )
    )
    there = set(
        person_identifiers(
            {},
            kind="salesforce",
            connection="sf",
            stream="contacts",
            remote_id="003A",
            cross_ids=[],
            merged_into=None,
            region="FR",
        )
    )
    assert ("xid", "salesforce:003A") in here & there


def test_a_cross_id_links_whatever_the_names() -> None:
    edge = compare("cross_id", "salesforce:003A", person(1, "Ann", "Lee"), person(2, "Bob", "Ray"), "person")
    assert (edge.verdict, edge.weight) == ("link", 100)
    assert "003A" in edge.evidence


def test_a_merged_record_meets_its_survivor() -> None:
    told = {"kind": "k", "connection": "hs", "stream": "leads", "cross_ids": [], "region": ""}
    old = set(person_identifiers({}, remote_id="1", merged_into="contacts/9", **told))  # type: ignore[arg-type]  # spread
    new = set(person_identifiers({}, remote_id="9", merged_into=None, **{**told, "stream": "contacts"}))  # type: ignore[arg-type]  # spread
    assert ("rec", "hs:contacts/9") in old & new
    assert compare("merge", "hs:contacts/9", person(1, "", ""), person(2, "Ann", "Lee"), "person").verdict == "link"


def test_records_of_two_connections_with_one_id_are_not_merged_by_it() -> None:
    told: dict[str, object] = {
        "kind": "k", "stream": "contacts", "remote_id": "9", "cross_ids": [], "merged_into": None,
    }  # fmt: skip
    eu = set(company_identifiers({}, connection="hs-eu", **told))  # type: ignore[arg-type]  # spread
    us = set(company_identifiers({}, connection="hs-us", **told))  # type: ignore[arg-type]  # spread
    assert ("rec", "hs-eu:contacts/9") in eu - us


# ------------------------------------------------------------------------------------------ e-mail


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("Ann", "Lee"), ("Ann", "Lee")),
        (("Catherine", "Lefebvre"), ("Catherine", "Lefevbre")),  # typo
        (("Jérôme", "Noël"), ("Jerome", "Noel")),  # accents
        (("Ann", "Lee"), ("Lee", "Ann")),  # swapped
        (("Marie", "Durand"), ("Marie", "Martin")),  # married name
        (("A.", "Leroy"), ("Anne", "Leroy")),  # initial
        (("", "Leroy"), ("Anne", "Leroy")),
        (("", ""), ("Anne", "Leroy")),  # nothing known
    ],
)
def test_one_address_links_who_may_be_one(a: tuple[str, str], b: tuple[str, str]) -> None:
    assert by_email(a, b).verdict == "link"


@pytest.mark.parametrize(
    ("a", "b"), [(("Ann", "Lee"), ("Bob", "Ray")), (("Paul", "Durand"), ("Marie", "Durand"))], ids=["two", "couple"]
)
def test_one_address_with_two_names_is_for_a_person_to_judge(a: tuple[str, str], b: tuple[str, str]) -> None:
    edge = by_email(a, b)
    assert edge.verdict == "review"
    assert "names differ" in edge.evidence


@pytest.mark.parametrize("address", ["info@acme.fr", "sales@acme.fr", "kontakt@acme.de"])
def test_an_address_of_a_desk_links_only_the_same_name(address: str) -> None:
    assert by_email(("Ann", "Lee"), ("Bob", "Ray"), address).verdict == "apart"
    assert by_email(("", ""), ("Bob", "Ray"), address).verdict == "apart"
    assert by_email(("Ann", "Lee"), ("Ann", "Lee"), address).verdict == "link"


def test_addresses_are_compared_in_normal_form() -> None:
    assert identifiers(email=" Ann.Lee@ACME.fr ")["email"] == "ann.lee@acme.fr"
    assert "email" not in identifiers(email="none")


# ------------------------------------------------------------------------------------------ never guessed


def test_namesakes_at_different_companies_share_nothing() -> None:
    a = identifiers(first_name="Ann", last_name="Lee", company_name="Acme SAS")
    b = identifiers(first_name="Ann", last_name="Lee", company_name="Globex")
    assert a["name_company"] != b["name_company"]


def test_the_same_name_at_the_same_company_is_asked_about() -> None:
    a = identifiers(first_name="Ann", last_name="LEE", company_name="Acme S.A.S.")
    b = identifiers(first_name="ann", last_name="Lee", company_name="ACME")
    assert a["name_company"] == b["name_company"]
    edge = compare("name_company", a["name_company"], person(1, "Ann", "Lee"), person(2, "Ann", "Lee"), "person")
    assert edge.verdict == "review"


def test_a_shared_phone_alone_says_nothing() -> None:
    switchboard = "+33 1 40 00 00 00"
    a = identifiers(first_name="Ann", last_name="Lee", phone=switchboard)
    b = identifiers(first_name="Bob", last_name="Ray", phone=switchboard)
    assert a["phone_name"] != b["phone_name"]
    assert "phone_name" not in identifiers(phone=switchboard)


def test_phone_and_last_name_are_asked_about_unless_first_names_contradict() -> None:
    value = "+33140000000|durand"
    ask = compare("phone_name", value, person(1, "Anne", "Durand"), person(2, "Ann", "Durand"), "person")
    assert ask.verdict == "review"
    blank = compare("phone_name", value, person(1, "", "Durand"), person(2, "Ann", "Durand"), "person")
    assert blank.verdict == "review"
    apart = compare("phone_name", value, person(1, "Paul", "Durand"), person(2, "Marie", "Durand"), "person")
    assert apart.verdict == "apart"


def test_phones_are_read_by_the_country_of_whom_they_belong_to() -> None:
    german = identifiers(last_name="Braun", phone="030 901820", country="Germany")["phone_name"]
    assert german == "+4930901820|braun"
    assert region_of({"country": None}, "FR") == "FR"
    assert region_of({"company_country": "DE"}, "FR") == "DE"
    assert region_of({"country": "Nowhere land"}, "FR") == "FR"


def test_fuzzy_rungs_never_link() -> None:
    for rule in ("phone_name", "name_company"):
        assert compare(rule, "x|y", person(1, "Ann", "Lee"), person(2, "Ann", "Lee"), "person").verdict != "link"


# ------------------------------------------------------------------------------------------ companies


def test_one_web_domain_links_companies_unless_the_names_contradict() -> None:
    assert compare("domain", "acme.fr", company(1, "Acme SAS"), company(2, "ACME"), "company").verdict == "link"
    assert compare("domain", "acme.fr", company(1, "Acme France"), company(2, "Acme"), "company").verdict == "link"
    assert compare("domain", "acme.fr", company(1, ""), company(2, "Acme"), "company").verdict == "link"
    edge = compare("domain", "acme.fr", company(1, "Acme"), company(2, "Globex"), "company")
    assert edge.verdict == "review"
    assert "Globex" in edge.evidence


def test_companies_of_one_name_are_asked_about() -> None:
    assert compare("name_company", "acme|FR", company(1, "Acme"), company(2, "Acme"), "company").verdict == "review"


def test_a_mail_provider_is_no_company() -> None:
    def of(**told: Value) -> dict[str, str]:
        return dict(
            company_identifiers(
                told, kind="k", connection="c", stream="s", remote_id="1", cross_ids=[], merged_into=None
            )
        )

    assert "domain" not in of(domain="https://www.gmail.com")
    assert of(domain="https://www.eu.acme.co.uk/about")["domain"] == "acme.co.uk"


# ------------------------------------------------------------------------------------------ properties


NAMES = st.sampled_from(["", "Ann", "Anne", "Bob", "Lee", "Leigh", "Durand", "X"])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["email", "phone_name", "name_company", "cross_id", "merge"]),
    st.tuples(NAMES, NAMES),
    st.tuples(NAMES, NAMES),
)
def test_judging_does_not_depend_on_who_comes_first(rule: str, a: tuple[str, str], b: tuple[str, str]) -> None:
    x, y = person(1, *a), person(2, *b)
    value = "ann@acme.fr" if rule == "email" else "v|w"
    one, other = compare(rule, value, x, y, "person"), compare(rule, value, y, x, "person")
    assert (
        (one.a, one.b, one.verdict, one.weight)
        == (other.a, other.b, other.verdict, other.weight)
        == (
            1,
            2,
            one.verdict,
            one.weight,
        )
    )
    assert names_agree(x, y) == names_agree(y, x)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=20), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_and_the_lowest_id_survives(
    pairs: list[tuple[int, int]], rng: object
) -> None:
    def grouped(given: list[tuple[int, int]]) -> list[int]:
        groups = Groups()
        for a, b in given:
            groups.union(a, b)
        moved = groups.moved(range(1, 13))
        assert all(new < old for old, new in moved.items())
        return [groups.find(i) for i in range(1, 13)]

    mixed = list(pairs)
    rng.shuffle(mixed)  # type: ignore[attr-defined]  # random.Random
    found = grouped(pairs)
    assert found == grouped(mixed)
    assert all(found[root - 1] == root for root in found)


def test_the_lead_record_is_a_contact_then_the_latest_then_the_lowest_id() -> None:
    assert lead_order([(1, 900, 1), (0, 10, 2), (0, 500, 4), (0, 500, 3)]) == [3, 4, 2, 1]
