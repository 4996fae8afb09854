"""Deals, campaigns, lists, marketing e-mails and page views follow from the people of the world."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from crmhub.sandbox import campaigns, deals, mails
from crmhub.sandbox.seen import see
from crmhub.sandbox.visits import page_views
from crmhub.sandbox.world import BIT, DAY, FORM_KINDS, Activity, KnownPerson, World, kind_in

NOW = 1_793_606_400_000
PEOPLE = 3000
DISTINCT = 4


@pytest.fixture(scope="module")
def world() -> World:
    return World(PEOPLE, 1, NOW)


def _forms(world: World) -> dict[int, list[Activity]]:
    found: dict[int, list[Activity]] = defaultdict(list)
    for act in world.activities:
        if act.kind in FORM_KINDS and act.places & BIT["hubspot"]:
            found[act.person.number].append(act)
    return found


def test_facts_add_nothing_to_the_worlds_dice() -> None:
    untouched, asked = World(60, 1, NOW), World(60, 1, NOW)
    assert asked.deals is asked.deals
    assert [mail.number for mail in asked.mails] == list(range(1, 17))
    assert [person.seed for person in asked.people] == [person.seed for person in untouched.people]
    assert [(act.at, act.detail) for act in asked.activities] == [(act.at, act.detail) for act in untouched.activities]


def test_same_seed_same_facts() -> None:
    def picture(seed: int) -> list[object]:
        made = World(400, seed, NOW)
        people = [deals.people_of(made, deal, "hubspot") for deal in made.deals]
        return [
            [(deal.name, deal.amount, deal.stage, deal.close_at) for deal in made.deals],
            [[(one.person.number, one.role, one.primary) for one in row] for row in people],
            [
                (member.campaign.number, member.status)
                for one in made.people
                for member in campaigns.memberships(made, one)
            ],
            [(event.at, event.kind) for person in made.people for event in mails.events_of(made, person)],
        ]

    assert picture(1) == picture(1)
    assert picture(1) != picture(2)


def test_deals_follow_from_what_people_are(world: World) -> None:
    by_person = {deal.person.number: deal for deal in world.deals}
    assert [deal.number for deal in world.deals] == list(range(1, len(world.deals) + 1))
    assert [deal.created_at for deal in world.deals] == sorted(deal.created_at for deal in world.deals)
    for person in world.people:
        deal = by_person.get(person.number)
        if person.stage == "opportunity":
            assert deal is not None
            assert not deal.closed
        elif person.buys_at is not None and person.buys_at <= NOW:
            assert deal is not None
            assert (deal.stage, deal.close_at) == (deals.WON, person.buys_at)
        elif person.stage != "customer" and deal is not None:
            # customers of old may have a colleague who bought
            assert deal.stage == deals.LOST or person.company.customer
    assert set(Counter(deal.stage for deal in world.deals)) == set(range(7))
    for deal in world.deals:
        assert deal.person.created_at <= deal.created_at < NOW
        assert deal.created_at <= deal.close_at
        assert (deal.close_at < NOW) or not deal.closed


def test_every_customer_company_has_bought_something(world: World) -> None:
    won = {deal.company.number for deal in world.deals if deal.stage == deals.WON}
    staffed = {person.company.number for person in world.people}
    assert {company.number for company in world.companies if company.customer} & staffed <= won


@pytest.mark.parametrize("crm", ["hubspot", "salesforce"])
def test_a_deal_has_one_primary_contact_where_it_is_kept(world: World, crm: str) -> None:
    sizes: Counter[int] = Counter()
    for deal in world.deals:
        people = deals.people_of(world, deal, crm)
        assert all(one.person.known & BIT[crm] and one.role in deals.ROLES for one in people)
        assert all(one.person.company is deal.company for one in people)
        assert len({one.person.number for one in people}) == len(people) <= DISTINCT
        if crm == "salesforce":
            assert all(kind_in(one.person, crm) == "contact" for one in people)
        if deal.places & BIT[crm]:
            assert [one.primary for one in people] == [True] + [False] * (len(people) - 1)
            sizes[len(people)] += 1
    assert len(sizes) > 2


def test_stages_of_a_deal_are_entered_in_order(world: World) -> None:
    for deal in world.deals:
        way = deals.stages_of(world, deal)
        assert [stage for stage, _ in way] == sorted({stage for stage, _ in way})
        assert [at for _, at in way] == sorted(at for _, at in way)
        assert way[-1][0] == deal.stage
        assert way[0][1] == deal.created_at
        assert way[-1][1] == deal.close_at if deal.closed else way[-1][1] < NOW


def test_the_crms_disagree_about_some_deals(world: World) -> None:
    both = [deal for deal in world.deals if deal.places == BIT["hubspot"] | BIT["salesforce"]]
    pairs = [(deals.see_deal(world, deal, "hubspot"), deals.see_deal(world, deal, "salesforce")) for deal in both]
    assert sum(left != right for left, right in pairs) > 0
    assert sum(left[:4] == right[:4] for left, right in pairs) > 0
    assert all(shown.created_at <= shown.modified_at < NOW for pair in pairs for shown in pair)


def test_members_of_a_campaign_are_those_of_its_people(world: World) -> None:
    by_campaign = Counter(m.campaign.number for one in world.people for m in campaigns.memberships(world, one)
                          if one.known & BIT["salesforce"])  # fmt: skip
    for campaign in world.campaigns:
        found = list(campaigns.members(world, campaign, "salesforce"))
        assert len(found) == by_campaign[campaign.number] > 0
        for member in found:
            assert (member.status, member.responded) in campaigns.STATUSES[campaign.kind]
            assert (member.responded_at is not None) == member.responded
            assert member.person.created_at <= member.joined_at <= member.modified_at < NOW
    assert {campaign.kind for campaign in world.campaigns} == set(campaigns.CAMPAIGN_KINDS)


def test_dynamic_lists_follow_their_rule_and_static_ones_take_no_duplicates(world: World) -> None:
    sizes: dict[str, int] = {}
    for segment in world.segments:
        joined = [(known, campaigns.joined_at(world, segment, known)) for known in world.records("hubspot")]
        inside = [(known, at) for known, at in joined if at is not None]
        sizes[segment.name] = len(inside)
        assert all(max(segment.created_at, known.person.created_at) <= at < NOW for known, at in inside)
        assert segment.dynamic or not any(known.copy for known, _ in inside)
    assert all(sizes.values())
    customers = [known for known in world.records("hubspot") if known.person.stage == "customer"]
    assert sizes["Customers"] == len(customers)


def test_mail_events_of_a_person_make_sense(world: World) -> None:
    kinds: Counter[str] = Counter()
    for person in world.people:
        events = mails.events_of(world, person)
        assert not events or person.known & BIT["hubspot"]
        by_mail: dict[int, list[mails.MailEvent]] = defaultdict(list)
        for event in events:
            by_mail[event.mail.number].append(event)
            kinds[event.kind] += 1
            assert event.mail.sent_at < event.at < NOW
            assert (event.kind == "click") == bool(event.url)
        for found in by_mail.values():
            first = {event.kind for event in found} & {"delivered", "bounce"}
            assert len(first) == 1
            assert found[0].kind in first
            assert first == {"delivered"} or len(found) == 1
    assert set(kinds) == set(mails.EVENT_KINDS)


def test_scanners_click_every_link_within_seconds(world: World) -> None:
    scanned = 0
    for mail in world.mails:
        delivered: dict[int, int] = {}
        clicks: dict[int, list[mails.MailEvent]] = defaultdict(list)
        for event in mails.events_of_mail(world, mail):
            if event.kind == "delivered":
                delivered[event.person.number] = event.at
            elif event.scanner:
                clicks[event.person.number].append(event)
        for number, found in clicks.items():
            assert {event.url for event in found} == set(mail.links)
            assert all(0 < event.at - delivered[number] < 10_000 for event in found)
            scanned += 1
    assert scanned > 10


def test_who_unsubscribes_is_opted_out_and_gets_no_more(world: World) -> None:
    left = 0
    for person in world.people:
        events = mails.events_of(world, person)
        gone = [event for event in events if event.kind == "unsubscribe"]
        if gone:
            left += 1
            assert see(world, KnownPerson("hubspot", "contact", 0, person, 0)).opted_out
            assert max(event.mail.number for event in events) == gone[0].mail.number
    assert left > 5


def test_events_of_a_mail_are_those_of_its_people(world: World) -> None:
    mine = [event for person in world.people for event in mails.events_of(world, person)]
    found = [event for mail in world.mails for event in mails.events_of_mail(world, mail)]

    def key(event: mails.MailEvent) -> tuple[int, int, int, str, str]:
        return event.mail.number, event.person.number, event.at, event.kind, event.url

    assert sorted(map(key, mine)) == sorted(map(key, found))
    assert all(event.at < event.mail.sent_at + 15 * DAY for event in found)


def test_page_views_are_as_many_as_hubspot_counts(world: World) -> None:
    pricing = 0
    for number, forms in _forms(world).items():
        views = page_views(world.people[number], forms)
        assert len(views) == 3 * len(forms) + forms[0].detail % 40
        assert views[-1].at == forms[-1].at
        assert [view.at for view in views] == sorted(view.at for view in views)
        pricing += any(view.url.endswith("/pricing") for view in views)
    assert pricing > 100
    assert page_views(world.people[0], []) == []
