"""Deals become entities: who takes part, whose company, what they are worth, whatever happens to their records."""

from __future__ import annotations

import pytest

from connectors.contract import Link
from core.model import Value
from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import USUAL, World, mapping_text
from tests.jobs.memory import DAY, DEAL
from tests.jobs.test_two_way import NAMES

COMPANY = ("name", "domain")
DEALS = tuple(f for f in DEAL if f != "deal_owner_email")


@pytest.fixture
def w(make: MakeWorld) -> World:
    """Two CRMs with people, companies and deals."""
    return make(mapping=mapping_text(NAMES, (*USUAL, *COMPANY, *DEALS)))


def ann(w: World) -> tuple[str, str]:
    """The same person in both CRMs."""
    return w.alpha.add(email="ann@acme.fr", last_name="Lee"), w.beta.add(email="ann@acme.fr", last_name="Lee")


def deal_of(w: World, crm: str, remote_id: str) -> dict[str, Value]:
    """Canonical values of a deal."""
    entity = w.id_of(crm, remote_id, "deals")
    return w.hub.entities.load("deal", [entity])[entity].values


def parts(w: World, crm: str, remote_id: str) -> dict[int, str | None]:
    """person -> role in a deal."""
    entity = w.id_of(crm, remote_id, "deals")
    rows = w.db.rows("SELECT person_id, role FROM deal_person WHERE deal_id = ?", (entity,))
    return {r["person_id"]: r["role"] for r in rows}


def state(w: World, crm: str, remote_id: str) -> str:
    entity = w.id_of(crm, remote_id, "deals")
    return str(w.db.value("SELECT state FROM deal WHERE id = ?", (entity,)))


def company(w: World, crm: str, remote_id: str) -> int | None:
    entity = w.id_of(crm, remote_id, "deals")
    found: int | None = w.db.value("SELECT company_id FROM deal WHERE id = ?", (entity,))
    return found


# ------------------------------------------------------------------------------------------ what they are


def test_a_deal_knows_its_people_its_company_and_its_worth(w: World) -> None:
    a, _ = ann(w)
    acme = w.alpha.add("companies", name="Acme", domain="acme.fr")
    deal = w.alpha.deal("Big one", a, companies=[acme], deal_amount=12500.5, deal_currency="EUR", deal_probability=40)
    w.settle()
    said = deal_of(w, "alpha", deal)
    assert (said["deal_name"], said["deal_stage"], said["deal_amount"]) == ("Big one", "Proposal", 1_250_050)
    assert parts(w, "alpha", deal) == {w.id_of("alpha", a): None}
    assert company(w, "alpha", deal) == w.id_of("alpha", acme, "companies")
    assert state(w, "alpha", deal) == "open"


def test_nothing_is_ever_written_to_a_deal(w: World) -> None:
    a, b = ann(w)
    w.alpha.deal("Big one", a, deal_amount=5)
    w.beta.deal("Big one", b, deal_amount=7)
    w.settle()
    assert {stream for crm in (w.alpha, w.beta) for stream, _ in crm.pushed} <= {"contacts", "leads", "companies"}


def test_two_deals_of_one_name_are_two_deals_and_one_when_a_crm_names_the_other(w: World) -> None:
    a, b = ann(w)
    mine = w.alpha.deal("Big one", a, deal_amount=5)
    theirs = w.beta.deal("Big one", b, deal_amount=5)
    w.settle()
    assert w.id_of("alpha", mine, "deals") != w.id_of("beta", theirs, "deals")
    w.alpha.edit(mine, "deals", twin=theirs)
    w.settle()
    assert w.id_of("alpha", mine, "deals") == w.id_of("beta", theirs, "deals")
    assert parts(w, "beta", theirs) == {w.id_of("alpha", a): None}
    assert w.db.value("SELECT COUNT(*) FROM deal_person") == 1
    w.beta.edit(theirs, "deals", deal_stage="Negotiation")
    w.settle()
    assert deal_of(w, "alpha", mine)["deal_stage"] == "Negotiation"


def test_deals_that_look_alike_in_two_crms_are_asked_about_once(w: World) -> None:
    a, b = ann(w)
    for crm, one, name in ((w.alpha, a, "Big one"), (w.alpha, a, "Big one"), (w.beta, b, "BIG  one")):
        crm.deal(name, one, deal_amount=5000, deal_close_date="2027-03-31")
    w.beta.deal("Big one", b, deal_amount=6000, deal_close_date="2027-03-31")
    w.settle()
    w.settle()
    assert w.db.value("SELECT COUNT(*) FROM deal WHERE merged_into IS NULL") == 4
    assert w.hub.links.waiting("deal") == 2, "each of alpha's two may be beta's; the two of one CRM are two"


def test_amounts_of_two_currencies_are_never_compared(w: World) -> None:
    a, b = ann(w)
    theirs = w.beta.deal("Big one", b, deal_amount=1080, deal_currency="USD")
    mine = w.alpha.deal("Big one", a, deal_amount=1000, deal_currency="EUR", twin=theirs)
    w.settle()
    said = deal_of(w, "alpha", mine)
    kept = (said["deal_amount"], said["deal_currency"])
    assert kept in ((100_000, "EUR"), (108_000, "USD"))
    crm, one = (w.beta, theirs) if kept[1] == "EUR" else (w.alpha, mine)
    crm.edit(one, "deals", deal_amount=9999)
    w.settle()
    assert deal_of(w, "alpha", mine)["deal_amount"] == kept[0], "in another currency: it has no vote"
    assert [c[0] for c in w.conflicts("edit", "adoption", "noted")] == ["deal_currency"]


def test_an_amount_that_is_no_number_is_blank(w: World) -> None:
    a, _ = ann(w)
    deal = w.alpha.deal("Big one", a, deal_amount="ask Bob", deal_is_won="perhaps", deal_probability="high")
    w.settle()
    assert deal_of(w, "alpha", deal)["deal_amount"] is None
    assert state(w, "alpha", deal) == "open"


def test_edits_of_one_deal_at_one_time_wait_for_nobody(w: World) -> None:
    a, b = ann(w)
    theirs = w.beta.deal("Big one", b)
    mine = w.alpha.deal("Big one", a, twin=theirs)
    w.settle()
    w.alpha.edit(mine, "deals", deal_stage="Negotiation")
    w.beta.edit(theirs, "deals", deal_stage="Contract")
    report = w.sync()
    assert (report.new_conflicts, report.exit_code) == (0, 0)
    assert deal_of(w, "alpha", mine)["deal_stage"] == "Negotiation", "of equals the connection that comes first"
    w.clock.pass_(DAY)
    w.beta.edit(theirs, "deals", deal_stage="Signed")
    w.settle()
    assert deal_of(w, "alpha", mine)["deal_stage"] == "Signed"


def test_a_deal_is_open_until_a_crm_closes_it(w: World) -> None:
    a, _ = ann(w)
    lost, won = w.alpha.deal("Lost", a), w.alpha.deal("Won", a)
    w.settle()
    w.alpha.close_deal(lost, won=False)
    w.alpha.close_deal(won, won=True)
    w.settle()
    assert (state(w, "alpha", lost), state(w, "alpha", won)) == ("lost", "won")
    w.alpha.edit(lost, "deals", deal_is_closed=False, deal_stage="Proposal")
    w.settle()
    assert state(w, "alpha", lost) == "open"


# ------------------------------------------------------------------------------------------ who takes part


def test_roles_come_with_the_link_and_change_with_it(w: World) -> None:
    a, _ = ann(w)
    deal = w.alpha.deal("Big one")
    w.alpha.relink(deal, Link("contacts", a, role="Decision maker"), stream="deals")
    w.settle()
    assert parts(w, "alpha", deal) == {w.id_of("alpha", a): "Decision maker"}
    w.alpha.relink(deal, Link("contacts", a, role="User"), stream="deals")
    w.sync(wait=DAY)
    assert parts(w, "alpha", deal) == {w.id_of("alpha", a): "User"}


def test_people_who_join_or_leave_a_deal_are_seen_though_the_deal_did_not_change(w: World) -> None:
    a, _ = ann(w)
    bob = w.alpha.add(email="bob@acme.fr", last_name="Ray")
    deal = w.alpha.deal("Big one", a)
    w.settle()
    w.alpha.relink(deal, Link("contacts", bob), stream="deals")
    w.sync(wait=DAY)
    assert list(parts(w, "alpha", deal)) == [w.id_of("alpha", bob)]


def test_a_link_that_the_contact_tells_counts_as_well(w: World) -> None:
    deal = w.alpha.deal("Big one")
    a = w.alpha.add(email="ann@acme.fr", links=[Link("deals", deal, role="Buyer")])
    w.settle()
    assert parts(w, "alpha", deal) == {w.id_of("alpha", a): "Buyer"}
    w.alpha.relink(a)
    w.alpha.edit(a, city="Paris")
    w.settle()
    assert parts(w, "alpha", deal) == {}


def test_a_deal_waits_for_people_and_companies_that_come_later(w: World) -> None:
    deal = w.alpha.deal("Big one", "a2", companies=["a3"])
    w.settle()
    assert parts(w, "alpha", deal) == {}
    assert company(w, "alpha", deal) is None
    assert w.alpha.add(email="ann@acme.fr") == "a2"
    assert w.alpha.add("companies", name="Acme", domain="acme.fr") == "a3"
    w.settle()
    assert list(parts(w, "alpha", deal)) == [w.id_of("alpha", "a2")]
    assert company(w, "alpha", deal) == w.id_of("alpha", "a3", "companies")


def test_a_deal_follows_when_its_people_turn_out_to_be_one(w: World) -> None:
    a = w.alpha.add(email="ann@acme.fr", last_name="Lee")
    b = w.beta.add(last_name="Lee")
    mine, theirs = w.alpha.deal("Mine", a), w.beta.deal("Theirs", b)
    w.settle()
    assert w.id_of("alpha", a) != w.id_of("beta", b)
    w.beta.edit(b, email="ann@acme.fr")
    w.settle()
    person = w.id_of("alpha", a)
    assert list(parts(w, "alpha", mine)) == list(parts(w, "beta", theirs)) == [person]
    assert {d.name for d in w.hub.deals.of_people([person])[person]} == {"Mine", "Theirs"}


def test_a_deal_follows_when_its_companies_turn_out_to_be_one(w: World) -> None:
    one = w.alpha.add("companies", name="Acme", domain="acme.fr")
    other = w.beta.add("companies", name="Acme")
    w.beta.add(email="ann@acme.fr", links=[Link("companies", other, primary=True)])
    deal = w.beta.deal("Big one", companies=[other])
    w.settle()
    w.beta.edit(other, "companies", domain="acme.fr")
    w.settle()
    left = w.id_of("alpha", one, "companies")
    assert company(w, "beta", deal) == w.id_of("beta", other, "companies") == left
    assert w.db.value("SELECT company_id FROM person") == left


# ------------------------------------------------------------------------------------------ what becomes of records


def test_a_deleted_deal_is_nobodys_and_a_restored_one_is_again(w: World) -> None:
    a, _ = ann(w)
    deal = w.alpha.deal("Big one", a)
    w.settle()
    w.alpha.delete(deal, "deals")
    w.settle()
    assert state(w, "alpha", deal) == "gone"
    assert parts(w, "alpha", deal) == {}
    w.alpha.restore(deal, "deals")
    w.sync(wait=DAY)
    assert state(w, "alpha", deal) == "open"
    assert list(parts(w, "alpha", deal)) == [w.id_of("alpha", a)]


def test_a_deal_that_one_of_two_crms_deleted_lives(w: World) -> None:
    a, b = ann(w)
    theirs = w.beta.deal("Big one", b)
    mine = w.alpha.deal("Big one", a, twin=theirs)
    w.settle()
    w.beta.delete(theirs, "deals")
    w.settle()
    assert state(w, "alpha", mine) == "open"
    assert list(parts(w, "alpha", mine)) == [w.id_of("alpha", a)]


def test_a_deleted_contact_takes_no_part_and_a_restored_one_does_again(w: World) -> None:
    a = w.alpha.add(email="ann@acme.fr")
    deal = w.alpha.deal("Big one", a)
    w.settle()
    w.alpha.delete(a)
    w.settle()
    assert parts(w, "alpha", deal) == {}
    w.alpha.restore(a)
    w.sync(wait=DAY)
    assert list(parts(w, "alpha", deal)) == [w.id_of("alpha", a)]


def test_deals_of_a_merged_contact_belong_to_the_survivor_though_it_is_new(w: World) -> None:
    a, b = ann(w)
    bo = w.alpha.add(email="bo@acme.fr", last_name="Lee")
    deal = w.alpha.deal("Big one", bo)
    w.settle()
    new = w.alpha.add(email="ann@acme.fr", last_name="Lee")
    for old in (a, bo):
        w.alpha.merge(old, new)
    w.settle()
    person = w.id_of("alpha", new)
    assert person == w.id_of("beta", b) == w.id_of("alpha", bo)
    assert list(parts(w, "alpha", deal)) == [person], "the deal still names the old id"
    w.alpha.relink(deal, Link("contacts", new), stream="deals")
    w.sync(wait=DAY)
    assert list(parts(w, "alpha", deal)) == [person]


def test_merged_deals_are_one_with_the_people_of_the_survivor(w: World) -> None:
    a, _ = ann(w)
    one, other = w.alpha.deal("One", a), w.alpha.deal("Other", a)
    w.settle()
    new = w.alpha.deal("Both", a)
    for old in (one, other):
        w.alpha.merge(old, new, "deals")
    w.settle()
    assert len({w.id_of("alpha", i, "deals") for i in (one, other, new)}) == 1
    assert deal_of(w, "alpha", one)["deal_name"] == "Both"
    assert w.db.value("SELECT COUNT(*) FROM deal_person") == 1


def test_a_converted_lead_takes_part_through_its_contact(w: World) -> None:
    lead = w.alpha.add("leads", email="ann@acme.fr", last_name="Lee")
    w.settle()
    contact = w.alpha.convert(lead)
    deal = w.alpha.deal("Big one", contact)
    w.settle()
    assert list(parts(w, "alpha", deal)) == [w.id_of("alpha", lead, "leads")]


# ------------------------------------------------------------------------------------------ again and again


def test_syncs_without_news_touch_no_deal(w: World) -> None:
    a, b = ann(w)
    theirs = w.beta.deal("Big one", b, deal_amount=5)
    w.alpha.deal("Big one", a, deal_amount=7, twin=theirs)
    w.settle()
    report = w.sync()
    assert (report.resolved.records, report.resolved.deals, report.qualified.people) == (0, 0, 0)
    before = [tuple(r) for r in w.db.rows("SELECT * FROM deal")]
    w.hub.records.soil("alpha", "deals")
    w.sync()
    w.hub.records.soil("alpha", "contacts")
    w.sync()
    after = [tuple(r) for r in w.db.rows("SELECT * FROM deal")]
    assert [r[:-1] for r in before] == [r[:-1] for r in after], "all but updated_at"


def test_deals_are_not_even_pulled_where_no_field_of_theirs_is_mapped(make: MakeWorld) -> None:
    w = make()
    w.alpha.deal("Big one", w.alpha.add(email="ann@acme.fr"))
    w.settle()
    assert w.db.value("SELECT COUNT(*) FROM record WHERE stream = 'deals'") == 0


def test_a_deal_says_nothing_where_nobody_says_whether_it_is_closed(make: MakeWorld) -> None:
    w = make(mapping=mapping_text(NAMES, (*USUAL, "deal_name", "deal_stage")))
    a = w.alpha.add(email="ann@acme.fr")
    deal = w.alpha.deal("Big one", a)
    w.settle()
    assert state(w, "alpha", deal) == "unknown"
    assert list(parts(w, "alpha", deal)) == [w.id_of("alpha", a)]
