"""The world is the same for the same seed, and its noise is what good figures are measured against."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from crmhub.sandbox.seen import Seen, email_of, has_typo, misspelt, see, spell_phone
from crmhub.sandbox.world import DAY, HISTORY_DAYS, KnownPerson, World, fraction

NOW = 1_793_606_400_000
PEOPLE = 3000


@pytest.fixture(scope="module")
def world() -> World:
    return World(PEOPLE, 1, NOW)


def _both(world: World) -> set[int]:
    known = [{record.person.number for record in world.records(crm)} for crm in ("hubspot", "salesforce")]
    return known[0] & known[1]


def test_same_seed_same_world() -> None:
    def picture(seed: int) -> list[Seen]:
        made = World(150, seed, NOW)
        return [see(made, record) for record in made.records("hubspot")]

    assert picture(1) == picture(1)
    assert picture(1) != picture(2)


def test_activity_times_move_with_now() -> None:
    early, late = World(150, 1, NOW), World(150, 1, NOW + 5 * DAY)
    assert [act.kind for act in early.activities] == [act.kind for act in late.activities]
    assert max(act.at for act in late.activities) > max(act.at for act in early.activities)


def test_a_quarter_of_cross_pairs_share_no_email(world: World) -> None:
    emails: dict[str, dict[int, set[str]]] = {}
    for crm in ("hubspot", "salesforce"):
        emails[crm] = defaultdict(set)
        for record in world.records(crm):
            emails[crm][record.person.number].add(email_of(record))
    both = _both(world)
    apart = sum(not (emails["hubspot"][number] & emails["salesforce"][number]) - {""} for number in both)
    assert apart / len(both) >= 0.25


def test_email_alone_reaches_f1_below_080(world: World) -> None:
    by_email: dict[str, list[KnownPerson]] = defaultdict(list)
    for record in world.records("salesforce"):
        by_email[email_of(record)].append(record)
    joined = [
        (left.person, right.person)
        for left in world.records("hubspot")
        if email_of(left)
        for right in by_email[email_of(left)]
    ]
    right_ones = sum(left is right for left, right in joined)
    there = Counter(record.person.number for record in world.records("salesforce"))
    wanted = sum(there[record.person.number] for record in world.records("hubspot"))
    precision, recall = right_ones / len(joined), right_ones / wanted
    assert 0.6 < 2 * precision * recall / (precision + recall) < 0.80


def test_noise_shares(world: World) -> None:
    records = [record for crm in ("hubspot", "salesforce") for record in world.records(crm)]
    assert 0.04 < sum(map(has_typo, records)) / len(records) < 0.06
    assert 0.012 < sum(person.namesake for person in world.people) / PEOPLE < 0.028
    assert 0.02 < sum(person.shared_phone for person in world.people) / PEOPLE < 0.04
    doubles = sum(record.copy for record in records) / len(records)
    assert 0.03 < doubles < 0.07


def test_namesakes_work_elsewhere(world: World) -> None:
    names: dict[tuple[str, str], set[int]] = defaultdict(set)
    for person in world.people:
        names[person.first, person.last].add(person.company.number)
    assert all(len(names[one.first, one.last]) > 1 for one in world.people if one.namesake)


def test_a_typo_changes_the_name() -> None:
    slips = {misspelt("Lefèvre", seed, "hubspot 0") for seed in range(200)}
    assert len(slips) > 20
    assert sum(slip == "Lefèvre" for slip in slips) == 0


def test_phone_spellings_keep_the_digits(world: World) -> None:
    person = world.people[0]
    country = person.company.country
    local = person.phone.removeprefix(f"+{country.dial}")
    for step in range(20):
        text = spell_phone(person.phone, country, step / 20)
        assert "".join(filter(str.isdigit, text)).endswith(local)


def test_people_who_ask_buy_more_often(world: World) -> None:
    asked = {act.person.number for act in world.activities if act.kind in ("demo_request", "pricing_request")}
    yes = [person.probability for person in world.people if person.number in asked]
    no = [person.probability for person in world.people if person.number not in asked]
    assert sum(yes) / len(yes) > 3 * sum(no) / len(no)
    buyers = sum(person.buys_at is not None for person in world.people)
    assert abs(buyers - sum(person.probability for person in world.people)) < 4 * PEOPLE**0.5


def test_activities_lie_in_the_past_half_year(world: World) -> None:
    assert all(NOW - (HISTORY_DAYS + 1) * DAY <= act.at < NOW for act in world.activities)
    assert [act.at for act in world.activities] == sorted(act.at for act in world.activities)


def test_marketing_is_behind_on_customers(world: World) -> None:
    customers = [one for one in world.records("hubspot") if one.person.company.customer]
    called_lead = sum(see(world, record).stage in ("lead", "mql") for record in customers)
    assert 0.3 < called_lead / len(customers) < 0.7


def test_fraction_is_even() -> None:
    draws = [fraction(seed * 7919, "salt") for seed in range(2000)]
    assert 0.47 < sum(draws) / len(draws) < 0.53
    assert min(draws) < 0.01
    assert max(draws) > 0.99
