"""Writing, and trouble of all kinds, against the simulated HubSpot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.contract import (
    Bookmark,
    ConnectorError,
    QuotaExhausted,
    Throttled,
    Unavailable,
    WriteOp,
)
from tests.connectors.hubspot_portal import KEY, Portal, create, pull, sandbox, some_contacts, update


@pytest.fixture(scope="module")
def process() -> Iterator[Portal]:
    with sandbox(300) as ready:
        yield ready


@pytest.fixture
def portal(process: Portal) -> Portal:
    return process.renewed()


# ------------------------------------------------------------------------------------------------ writing


def test_updates_confirm_what_is_stored(portal: Portal) -> None:
    connector = portal.connector()
    one, two = some_contacts(portal, 2)
    results = connector.push(
        "contacts", [update(one, "a", firstname="Ann", jobtitle=None), update(two, "b", firstname="Bob")]
    )
    assert [(r.op_id, r.outcome, r.remote_id) for r in results] == [("a", "applied", one), ("b", "applied", two)]
    assert results[0].values == {"firstname": "Ann", "jobtitle": None}
    assert results[0].modified_at is not None
    state = portal.state("contacts")
    assert state[one]["fields"]["firstname"] == "Ann"
    assert not state[one]["fields"].get("jobtitle")


def test_each_bad_op_of_a_batch_fails_alone(portal: Portal) -> None:
    connector = portal.connector()
    ids = some_contacts(portal, 5)
    portal.delete("contacts", ids[4])
    results = connector.push(
        "contacts",
        [
            update(ids[0], "good", firstname="Good"),
            update(ids[1], "option", lifecyclestage="No Such Stage"),
            update(ids[2], "unknown", no_such_property="x"),
            update(ids[3], "readonly", hs_object_id="1"),
            update(ids[4], "gone", firstname="x"),
            update("424242", "never", firstname="x"),
            update(ids[0], "again", firstname="Better"),
        ],
    )
    assert [(r.op_id, r.outcome, r.code) for r in results] == [
        ("good", "applied", ""),
        ("option", "rejected", "INVALID_OPTION"),
        ("unknown", "rejected", "PROPERTY_DOESNT_EXIST"),
        ("readonly", "rejected", "READ_ONLY_VALUE"),
        ("gone", "gone", "OBJECT_NOT_FOUND"),
        ("never", "gone", "OBJECT_NOT_FOUND"),
        ("again", "applied", ""),
    ]
    assert "no_such_property" in results[2].message
    assert all(r.remedy for r in results if r.outcome == "rejected")
    assert portal.state("contacts")[ids[0]]["fields"]["firstname"] == "Better"


@pytest.mark.parametrize("kind", ["drop_after_commit", "cut", "garbage"])
def test_a_create_whose_answer_is_lost_is_unknown_and_makes_no_second_record(portal: Portal, kind: str) -> None:
    connector = portal.connector()
    connector.ensure_fields("contacts", [KEY])
    before = connector.count("contacts")
    portal.fault(kind, "/crm/v3/objects/contacts/batch/upsert", times=1)
    op = create("op", "p-1", email="p1@example.com", firstname="Pia")
    (lost,) = connector.push("contacts", [op])
    assert lost.outcome == "unknown"
    (row,) = connector.find("contacts", "crmhub_id", ["p-1"], ("email",))
    (again,) = connector.push("contacts", [op])
    assert (again.outcome, again.remote_id) == ("applied", row.id)
    assert connector.count("contacts") == before + 1


def test_a_create_that_a_proxy_repeats_makes_one_record(portal: Portal) -> None:
    connector = portal.connector()
    connector.ensure_fields("companies", [KEY])
    before = connector.count("companies")
    portal.fault("replay", "/crm/v3/objects/companies/batch/upsert")
    results = connector.push("companies", [create("a", "c-1", name="One"), create("b", "c-2", name="Two")])
    assert [r.outcome for r in results] == ["applied", "applied"]
    assert len({r.remote_id for r in results}) == 2
    assert connector.count("companies") == before + 2


def test_a_create_of_an_address_that_exists_names_the_record(portal: Portal) -> None:
    connector = portal.connector()
    connector.ensure_fields("contacts", [KEY])
    state = portal.state("contacts")
    there, email = next((i, r["fields"]["email"]) for i, r in state.items() if r["fields"].get("email"))
    results = connector.push(
        "contacts",
        [
            create("keyed", "p-9", email=email),
            WriteOp("plain", "create", None, {"email": email}, ("email", email)),
            create("new", "p-10", email="p10@example.com"),
        ],
    )
    assert [(r.outcome, r.code) for r in results[:2]] == [("rejected", "CONFLICT")] * 2
    assert [r.remote_id for r in results[:2]] == [there, there]
    assert results[2].outcome == "applied"


def test_a_push_stopped_half_way_postpones_the_rest(portal: Portal) -> None:
    connector = portal.connector()
    (one,) = some_contacts(portal, 1)
    portal.fault("status", "/crm/v3/objects/contacts/batch/update", status=503, retry_after=5, skip=1)
    ops = [update(one, "first", firstname="A"), update(one, "second", firstname="B")]
    results = connector.push("contacts", ops)
    assert [r.outcome for r in results] == ["applied", "retry"]
    assert (results[1].retry_after or 0) > 0
    portal.clear_faults()
    portal.post("/faults", {"kind": "dead", "vendor": "hubspot"})
    assert connector.push("contacts", ops[:1])[0].outcome == "unknown"  # sent, and cut


# ------------------------------------------------------------------------------------------------ trouble


@pytest.mark.parametrize("more", [{"retry_after": 4}, {}])
def test_429_is_waited_out(portal: Portal, more: dict[str, Any]) -> None:
    connector = portal.connector()
    portal.fault("status", "/crm/v3/objects", status=429, times=2, **more)
    rows, _ = pull(connector, "contacts", None, "email")
    assert len(rows) == connector.count("contacts")
    assert Counter(s for _, s in portal.ledger.calls)[429] == 2


def test_a_check_that_is_throttled_says_so(portal: Portal) -> None:
    portal.fault("status", "/account-info", status=429, times=4)
    with pytest.raises(Throttled, match=r"asks us to slow down for 40 s: \S"):
        portal.connector().check()
    assert [s for _, s in portal.ledger.calls] == [429] * 4


@pytest.mark.parametrize("kind", ["cut", "garbage", "drop_before", "drop_after_commit"])
def test_spoiled_pages_are_read_again(portal: Portal, kind: str) -> None:
    connector = portal.connector()
    portal.fault(kind, "/crm/v3/objects", times=2, skip=1)
    rows, _ = pull(connector, "contacts", None, "email")
    assert len({r.id for r in rows}) == len(rows) == connector.count("contacts")


def test_a_row_that_comes_twice_on_a_page_is_told_once(portal: Portal) -> None:
    connector = portal.connector()
    portal.fault("duplicate", "/crm/v3/objects")
    rows, bookmark = pull(connector, "contacts", None, "email")
    assert len({r.id for r in rows}) == len(rows)
    assert pull(connector, "contacts", bookmark, "email")[0] == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 500}, Unavailable),
        ({"kind": "dead"}, Unavailable),
        ({"kind": "quota"}, QuotaExhausted),
        ({"kind": "status", "status": 429, "retry_after": 3600}, Throttled),
    ],
)
def test_trouble_that_lasts_has_its_name_and_the_next_pull_goes_on(
    portal: Portal, fault: dict[str, Any], error: type[ConnectorError]
) -> None:
    connector = portal.connector()
    portal.post("/faults", {"vendor": "hubspot", "match": {"route": "/crm/v3/objects"}, "skip": 2, **fault})
    bookmark: Bookmark | None = None
    found: set[str] = set()
    with pytest.raises(error):
        for page in connector.pull("contacts", None, ("email",)):
            found |= {r.id for r in page.rows}
            bookmark = page.bookmark
    portal.clear_faults()
    rows, _ = pull(portal.connector(), "contacts", bookmark, "email")
    assert found.isdisjoint(r.id for r in rows)
    assert len(found) + len(rows) == connector.count("contacts")


def test_oauth_renews_once_after_a_401_and_ahead_of_its_end(portal: Portal) -> None:
    keys = {k: portal.credentials[k] for k in ("client_id", "client_secret", "refresh_token")}
    connector = portal.connector(access_token=None, **keys)
    portal.fault("status", "/crm/v3/objects", status=401, times=1)
    pull(connector, "contacts", None, "email")
    tokens = [s for e, s in portal.ledger.calls if e == "POST /oauth/v1/token"]
    assert tokens == [200, 200]
    portal.later(1500)  # 80 % of its life
    connector.count("contacts")
    assert [s for _, s in portal.ledger.calls].count(401) == 1
    assert len([e for e in portal.ledger.endpoints() if e == "POST /oauth/v1/token"]) == 3


def test_check_says_who_we_are_and_what_is_missing(portal: Portal) -> None:
    good = portal.connector().check()
    assert good.account_id.isdigit()
    assert good.problems == ()
    assert good.quotas[0].left < good.quotas[0].limit
    bad = portal.connector(access_token="pat-eu1-wrong").check()
    assert [p.fatal for p in bad.problems] == [True]
    assert "refuses the access token" in bad.problems[0].text
    assert "pat-eu1-wrong" not in repr(bad)
    portal.switch(scopes=["crm.objects.contacts.read", "oauth"])
    poor = portal.connector().check()
    missing = {p.text: p.fatal for p in poor.problems}
    assert missing["The token may not write contacts: the scope crm.objects.contacts.write is missing."] is False
    assert missing["The token may not read companies: the scope crm.objects.companies.read is missing."] is True
    assert missing["The token may not read lists: the scope crm.lists.read is missing."] is False
    assert "The token may not create fields of contacts: the scope crm.schemas.contacts.write is missing." in missing
    assert "The token may not read marketing e-mail events: the scope content is missing." in missing
    assert any("crm.objects.contacts.write" in p.remedy for p in poor.problems)
    portal.fault("quota", "/account-info")
    spent = portal.connector().check()
    assert "allowance" in spent.problems[0].text


@pytest.mark.parametrize("version", ["2026-03", "2026-09"])
def test_the_dated_api_serves_the_same(portal: Portal, version: str) -> None:
    connector = portal.connector(api_version=version)
    assert connector.check().problems == ()
    rows, bookmark = pull(connector, "contacts", None, "email")
    (one,) = some_contacts(portal, 1)
    portal.later(600)
    portal.edit("contacts", one, firstname="Dated")
    assert [r.id for r in pull(connector, "contacts", bookmark, "firstname")[0]] == [one]
    assert connector.ensure_fields("contacts", [KEY]) == ["crmhub_id"]
    assert connector.push("contacts", [create("op", "p-1", email="p1@example.com")])[0].outcome == "applied"
    assert connector.count("contacts") == len(rows) + 1
    for stream in connector.streams():
        assert connector.describe(stream.name)
        assert pull(connector, stream.name, None, "id")[0]


def test_bursts_never_provoke_a_429(portal: Portal) -> None:
    portal.switch(burst_limit=20)
    connector = portal.connector()
    for _ in range(60):
        connector.read("contacts", ["1"], ())
        connector.count("contacts")
    assert 429 not in {s for _, s in portal.ledger.calls}


def test_more_equal_stamps_than_search_can_page_are_all_found() -> None:
    with sandbox(13_500, "--no-limits") as portal:
        portal.later(600)
        connector = portal.connector()
        rows, bookmark = pull(connector, "contacts", None, "firstname")
        ids = [r.id for r in rows][:10_500]
        assert len(ids) == 10_500
        portal.later(600)
        for start in range(0, len(ids), 100):
            ops = [update(i, i, firstname="Same") for i in ids[start : start + 100]]
            assert {r.outcome for r in connector.push("contacts", ops)} == {"applied"}
        changed, bookmark = pull(connector, "contacts", bookmark, "firstname")
        assert len({r.modified_at for r in changed}) == 1  # the pinned clock
        assert sorted(r.id for r in changed) == sorted(ids)
        before = portal.calls()
        assert pull(connector, "contacts", bookmark, "firstname")[0] == []
        assert portal.calls() - before == 1
