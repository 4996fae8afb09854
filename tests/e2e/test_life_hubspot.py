"""What people do to records in HubSpot is in the store and in Salesforce after one cycle, calm and hostile."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.e2e.life import DAY_S, Known, Life, life

__all__ = ["life"]


def test_an_archived_contact_is_deleted_here_and_nowhere_else(life: Life) -> None:
    known = life.take()
    life.world.act("hubspot", "archive", object="contacts", id=known.contact)
    before = life.salesforce(known)
    life.cycle()
    assert life.record("hubspot", "contacts", known.contact)["deleted_at"] is not None
    assert life.salesforce(known)["LastName"] == before["LastName"]


def test_an_archived_contact_takes_no_writes_and_restored_it_takes_part_again(life: Life) -> None:
    known = life.take("Lead")
    life.world.act("hubspot", "archive", object="contacts", id=known.contact)
    life.cycle()
    life.world.edit("salesforce", "Lead", known.other, Title="Chief Restorer")
    life.cycle()
    life.world.act("hubspot", "restore", object="contacts", id=known.contact)
    life.cycle()
    assert life.record("hubspot", "contacts", known.contact)["deleted_at"] is None
    assert life.hubspot(known.contact)["jobtitle"] == "Chief Restorer"


def test_merged_contacts_live_on_under_a_new_id(life: Life) -> None:
    one, two = life.take("Lead"), life.take("Lead")
    done = life.world.act("hubspot", "merge", object="contacts", primary=one.contact, other=two.contact)
    new = done["id"]
    assert new not in (one.contact, two.contact)
    life.cycle()
    person = life.person_of("hubspot", "contacts", new)
    assert {life.person_of("hubspot", "contacts", k.contact) for k in (one, two)} == {person}
    assert {life.person_of("salesforce", "leads", k.other) for k in (one, two)} == {person}
    assert life.record("hubspot", "contacts", one.contact)["merged_into"] == f"contacts/{new}"
    life.edit_hubspot(new, jobtitle="Survivor")
    life.cycle()
    assert life.salesforce(one)["Title"] == life.salesforce(two)["Title"] == "Survivor"
    assert life.hubspot(new)["crmhub_stage"] == life.stage(person)


def test_merged_contacts_may_keep_the_primary_id(life: Life) -> None:
    one, two = life.take("Lead"), life.take("Lead")
    life.world.switch("hubspot", merge_mode="keep_primary")
    life.world.act("hubspot", "merge", object="contacts", primary=one.contact, other=two.contact)
    life.world.switch("hubspot", merge_mode="new_id")
    life.cycle()
    person = life.person_of("hubspot", "contacts", one.contact)
    assert life.person_of("hubspot", "contacts", two.contact) == person
    assert life.record("hubspot", "contacts", two.contact)["merged_into"] == f"contacts/{one.contact}"
    assert life.person_of("salesforce", "leads", two.other) == person


def test_activities_of_merged_contacts_follow(life: Life) -> None:
    one, two = life.take(), life.take()
    done = life.world.act("hubspot", "flood", object="contacts", id=two.contact, to="calls", count=1)
    life.cycle()
    assert _person_of_call(life, done["ids"][0]) == two.person
    new = life.world.act("hubspot", "merge", object="contacts", primary=one.contact, other=two.contact)["id"]
    life.cycle()
    assert _person_of_call(life, done["ids"][0]) == life.person_of("hubspot", "contacts", new)


def test_a_contact_forgotten_for_privacy_is_not_written_and_nothing_else_goes(life: Life) -> None:
    known = life.take("Lead")
    life.world.act("hubspot", "gdpr_delete", object="contacts", id=known.contact)
    life.world.edit("salesforce", "Lead", known.other, Title="Still here")
    life.cycle()
    life.cycle()
    assert life.salesforce(known)["Title"] == "Still here"
    assert life.world.one("SELECT COUNT(*) FROM dead_letter WHERE remote_id = ? AND state = 'open'", known.contact) == 0


def test_a_contact_that_moves_to_another_company_without_a_stamp_is_seen_within_a_day(life: Life) -> None:
    known, other = life.take(), life.take()
    company = life.world.one(
        "SELECT to_id FROM association WHERE connection = 'hubspot' AND to_stream = 'companies' AND remote_id <> ? "
        "AND remote_id IN (SELECT remote_id FROM record WHERE deleted_at IS NULL) LIMIT 1",
        known.contact,
    )
    for held in life.world.column(
        "SELECT to_id FROM association WHERE connection = 'hubspot' AND stream = 'contacts' AND remote_id = ?",
        known.contact,
    ):
        life.world.act("hubspot", "dissociate", object="contacts", id=known.contact, to="companies", target=held)
    stamp = life.hubspot(known.contact)["lastmodifieddate"]
    wish = {"object": "contacts", "id": known.contact, "to": "companies", "target": company, "label": "primary"}
    life.world.act("hubspot", "associate", **wish)
    assert life.hubspot(known.contact)["lastmodifieddate"] == stamp, "the sandbox is to keep the stamp"
    life.cycle(wait=DAY_S + 60)
    linked = life.world.column(
        "SELECT to_id FROM association WHERE connection = 'hubspot' AND stream = 'contacts' AND remote_id = ?",
        known.contact,
    )
    assert linked == [company]
    assert other.person != known.person
    home = life.world.one("SELECT company_id FROM person WHERE id = ?", known.person)
    assert home == life.person_of("hubspot", "companies", company)


def test_thousands_of_links_of_one_company_are_all_there(life: Life) -> None:
    known = life.take()
    done = life.world.act("hubspot", "flood", object="contacts", id=known.contact, to="calls", count=600)
    life.cycle()
    n = life.world.one(
        "SELECT COUNT(*) FROM activity_party WHERE connection = 'hubspot' AND stream = 'contacts' AND ref = ?",
        known.contact,
    )
    assert n >= len(done["ids"]) == 600


def test_a_won_deal_makes_a_customer_in_both_crms(life: Life) -> None:
    known = life.take()
    deal = life.world.act("hubspot", "flood", object="contacts", id=known.contact, to="deals", count=1)["ids"][0]
    life.cycle()
    assert life.stage(known.person) in ("opportunity", "customer")
    life.world.edit("hubspot", "deals", deal, dealstage="closedwon")
    life.cycle()
    assert life.stage(known.person) == "customer"
    assert life.hubspot(known.contact)["crmhub_stage"] == "customer"
    assert life.salesforce(known)["crmhub_stage__c"] == "customer"


def test_an_archived_deal_counts_no_more(life: Life) -> None:
    known = life.take()
    deal = life.world.act("hubspot", "flood", object="contacts", id=known.contact, to="deals", count=1)["ids"][0]
    life.cycle()
    assert life.record("hubspot", "deals", deal)["deleted_at"] is None
    life.world.act("hubspot", "archive", object="deals", id=deal)
    life.cycle()
    assert life.record("hubspot", "deals", deal)["deleted_at"] is not None


def test_a_property_in_the_bin_is_left_out_and_comes_back(life: Life) -> None:
    known = life.take("Lead")
    life.world.act("hubspot", "archive_property", object="contacts", property="jobtitle")
    life.world.edit("salesforce", "Lead", known.other, Title="Chief Archivist")
    life.cycle()
    life.cycle(wait=DAY_S + 60)
    assert life.world.one("SELECT COUNT(*) FROM dead_letter WHERE state = 'open' AND reason LIKE '%jobtitle%'") == 0
    life.world.act("hubspot", "restore_property", object="contacts", property="jobtitle")
    life.cycle(wait=DAY_S + 60)
    life.cycle()
    assert life.hubspot(known.contact)["jobtitle"] == "Chief Archivist"


def test_an_option_that_was_taken_away_parks_nothing(life: Life) -> None:
    known = life.take("Lead")
    life.world.act("hubspot", "set_options", object="companies", property="industry", options=["COMPUTER_SOFTWARE"])
    life.cycle(wait=DAY_S + 60)
    life.edit_hubspot(known.contact, jobtitle="Chief Optionist")
    life.cycle()
    assert life.salesforce(known)["Title"] == "Chief Optionist"
    assert life.world.one("SELECT COUNT(*) FROM dead_letter WHERE state = 'open' AND reason LIKE '%industry%'") == 0


def test_a_page_view_a_click_and_a_list_are_activities_of_the_person(life: Life) -> None:
    known = life.take()
    address = life.hubspot(known.contact)["email"]
    act, before = life.world.act, _kinds(life, known.person)
    act("hubspot", "page_view", id=known.contact, url="https://www.example.com/pricing", title="Pricing")
    act("hubspot", "mail_event", email=address, type="CLICK", url="https://www.example.com/offer")
    act("hubspot", "list_join", list=_a_list(life, known), id=known.contact)
    life.cycle(wait=DAY_S + 60)
    news = _kinds(life, known.person) - before
    assert {"pricing_view", "email_click", "list_joined"} <= set(news)


def test_leaving_a_list_takes_the_membership_back(life: Life) -> None:
    known = life.take()
    joined = _a_list(life, known)
    life.world.act("hubspot", "list_join", list=joined, id=known.contact)
    life.cycle(wait=DAY_S + 60)
    before = _kinds(life, known.person)["list_joined"]
    life.world.act("hubspot", "list_leave", list=joined, id=known.contact)
    life.cycle(wait=DAY_S + 60)
    assert _kinds(life, known.person)["list_joined"] == before - 1


def _kinds(life: Life, person: int) -> Counter[str]:
    """What a person did, as the store has it."""
    return Counter(
        life.world.column(
            "SELECT a.kind FROM activity a JOIN activity_party p ON p.activity_id = a.id "
            "WHERE p.person_id = ? AND a.deleted_at IS NULL AND a.completed = 1",
            person,
        )
    )


def _a_list(life: Life, known: Known) -> str:
    """A list that somebody is not a member of."""
    base = life.world.steer("/")["connections"]["hubspot"]
    headers = {"Authorization": f"Bearer {base['access_token']}"}

    def call(method: str, path: str, body: object = None) -> Any:
        answer = life.world.http.request(method, base["base_url"] + path, json=body, headers=headers, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    # the hub's own calls are hindered in a hostile rehearsal, a person's are not
    rules = life.world.steer("/faults")
    life.world.clear_faults()
    mine = {m["listId"] for m in call("GET", f"/crm/v3/lists/records/0-1/{known.contact}/memberships")["results"]}
    known_lists = call("POST", "/crm/v3/lists/search", {"count": 100})["lists"]
    life.world.fault(*[{k: v for k, v in r.items() if k not in ("hits", "id")} for r in rules])
    return str(next(x["listId"] for x in known_lists if x["listId"] not in mine))


def _person_of_call(life: Life, call: str) -> int:
    found = life.world.one(
        "SELECT p.person_id FROM activity a JOIN activity_party p ON p.activity_id = a.id "
        "WHERE a.connection = 'hubspot' AND a.stream = 'calls' AND a.remote_id = ?",
        call,
    )
    assert found is not None
    return int(found)
