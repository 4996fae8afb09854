"""What goes wrong on the CRMs' side: a refused token, a dead server, a spent quota, and what passes by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.calm import edited, nothing, undisturbed
from tests.e2e.conftest import MakeWorld
from tests.e2e.world import World, differences, wait_until

VENDORS = ("hubspot", "salesforce")
#: routes that write records
WRITES = r".*/batch/(update|create|upsert)$|.*/composite/sobjects.*"

#: trouble that lasts -> words of the sentence that says what to do
LASTING: dict[str, tuple[dict[str, Any], str]] = {
    "expired session": ({"kind": "status", "status": 401}, "Renew them"),
    "dead server": ({"kind": "dead"}, "check the CRM's status page and the network, then sync again"),
    "full quota": ({"kind": "quota"}, "the next sync after the reset continues"),
    "writes refused with 503": (
        {"kind": "status", "status": 503, "match": {"route": WRITES}},
        "then sync again",
    ),
    "writes never answered": ({"kind": "drop_before", "match": {"route": WRITES}}, "then sync again"),
}

#: trouble that passes within one sync
PASSING: dict[str, dict[str, Any]] = {
    "429 with Retry-After": {"kind": "status", "status": 429, "retry_after": 2, "skip": 9, "times": 4},
    "429 without": {"kind": "status", "status": 429, "skip": 9, "times": 3},
    "429 on writes": {"kind": "status", "status": 429, "match": {"route": WRITES}, "times": 2},
    "503": {"kind": "status", "status": 503, "skip": 9, "times": 4},
    "500": {"kind": "status", "status": 500, "skip": 30, "times": 3},
    "502 on writes": {"kind": "status", "status": 502, "match": {"route": WRITES}, "times": 2},
    "cut bodies": {"kind": "cut", "skip": 9, "times": 4},
    "cut connections": {"kind": "cut", "close": True, "skip": 20, "times": 4},
    "cut answers to writes": {"kind": "cut", "match": {"route": WRITES}, "times": 2},
    "slow": {"kind": "slow", "seconds": 0.1, "skip": 5, "times": 5},
    "a page of HTML": {"kind": "garbage", "skip": 9, "times": 3},
    "a page of HTML to writes": {"kind": "garbage", "match": {"route": WRITES}, "times": 2},
    "dropped requests": {"kind": "drop_before", "skip": 11, "times": 4},
    "dropped answers to writes": {"kind": "drop_after_commit", "match": {"route": WRITES}, "times": 3},
    "duplicate rows": {"kind": "duplicate", "match": {"method": "GET"}},
    "duplicate results of writes": {"kind": "duplicate", "match": {"route": WRITES}},
    "writes done twice": {"kind": "replay", "match": {"route": WRITES}},
}


def failed_sentence(world: World, vendor: str, words: str) -> dict[str, Any]:
    """A sync that one CRM refuses: exit 3 and one sentence about that CRM, for people and for programs."""
    ran = world.run("sync", "--json")
    assert ran.code == 3, (ran.code, ran.out, ran.err)
    assert ran.data["status"] == "partial"
    (sentence,) = ran.data["messages"]
    assert sentence.startswith(f"{vendor}: ")
    assert words in sentence
    return ran.data


@pytest.mark.parametrize("trouble", list(LASTING))
@pytest.mark.parametrize("vendor", VENDORS)
def test_lasting_trouble_of_one_crm_leaves_the_other_done(world: World, vendor: str, trouble: str) -> None:
    wanted = undisturbed(world, edited).state
    edited(world)
    rule, words = LASTING[trouble]
    world.fault({**rule, "vendor": vendor})
    other = VENDORS[1 - VENDORS.index(vendor)]
    report = failed_sentence(world, vendor, words)
    assert report["connections"][other]["changed"] > 0
    assert report["connections"][vendor]["updated"] == 0
    assert world.one("SELECT COUNT(*) FROM dead_letter") == 0
    assert world.one("SELECT COUNT(*) FROM record WHERE dirty = 1") == 0

    world.clear_faults()
    world.sync()
    assert not differences(wanted, world.state())
    assert world.sync()["ops"]["planned"] == 0


@pytest.mark.parametrize("vendor", VENDORS)
def test_refused_credentials_from_the_start(world: World, vendor: str) -> None:
    """The first sync of all meets a token that does not do; people are told in words, not in a traceback."""
    if vendor == "hubspot":
        world.steer("/settings", {"vendor": vendor, "revoked": True})
    else:
        refusal = {"error": "invalid_client", "error_description": "invalid client credentials"}
        route = {"route": "/services/oauth2/token"}
        world.fault({"kind": "status", "vendor": vendor, "status": 400, "body": refusal, "match": route})
        world.steer("/settings", {"vendor": vendor, "end_sessions": True})
    ran = world.run("sync")
    assert ran.code == 3, (ran.code, ran.out, ran.err)
    lines = [line for line in ran.err.splitlines() if line.strip()]
    assert len(lines) == 1
    assert lines[0].startswith(f"{vendor}: ")
    assert {"hubspot": "Service Keys", "salesforce": "External Client App"}[vendor] in lines[0]
    assert world.one("SELECT COUNT(*) FROM record WHERE connection = ?", vendor) == 0
    other = VENDORS[1 - VENDORS.index(vendor)]
    assert world.one("SELECT COUNT(*) FROM op WHERE connection = ? AND state = 'applied'", other) > 0

    world.clear_faults()
    if vendor == "hubspot":
        world.steer("/settings", {"vendor": vendor, "revoked": False})
    assert world.sync()["connections"][vendor]["updated"] > 0
    assert world.sync()["ops"]["planned"] == 0


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_pull_cut_short_goes_on_where_it_stopped(world: World, vendor: str) -> None:
    """What was pulled before the server died is kept; the next sync needs fewer calls than a whole one."""
    world.clear_calls()
    world.sync()
    whole = world.calls()[vendor]
    facts = facts_of(world)
    world.fresh()
    world.fault({"kind": "dead", "vendor": vendor, "skip": whole // 2})
    failed_sentence(world, vendor, "cannot be reached")
    assert world.one("SELECT COUNT(*) FROM record WHERE connection = ?", vendor) > 0
    world.clear_faults()
    world.clear_calls()
    world.sync()
    assert world.calls()[vendor] < whole
    assert world.sync()["ops"]["planned"] == 0
    # the other CRM's decisions were made without this one, so only facts can be the same
    assert facts_of(world) == facts


def facts_of(world: World) -> list[str]:
    """Everything the CRMs hold beside the hub's own fields and marks of who wrote last."""
    lines = []
    for line in world.state():
        where, _, text = line.partition(" [{")
        fields, gone = json.loads("[{" + text)
        ours = {k for k in fields if k.startswith("crmhub_")} | {
            "LastModifiedById",
            "LastModifiedDate",
            "SystemModstamp",
        }
        kept = {k: v for k, v in fields.items() if k not in ours and not k.endswith("lastmodifieddate")}
        lines.append(f"{where} {json.dumps([kept, gone], sort_keys=True)}")
    return sorted(lines)


@pytest.mark.parametrize("trouble", list(PASSING))
def test_trouble_that_passes_is_waited_out(world: World, trouble: str) -> None:
    wanted = undisturbed(world, nothing)
    world.fault(PASSING[trouble])
    report = world.sync()
    assert world.hits() >= PASSING[trouble].get("times", 1)
    assert report["status"] == "done"
    assert report["ops"]["dead"] == report["ops"]["rejected"] == 0
    assert not differences(wanted.state, world.state())
    world.clear_faults()
    assert world.sync()["ops"]["planned"] == 0
    found = world.knowledge()
    for what, lines in wanted.knowledge.items():
        assert not differences(lines, found[what]), what


def test_a_hostile_world_ends_like_a_plain_one(worlds: MakeWorld) -> None:
    """A fixed mix of 429, 5xx, cut, dropped and doubled answers: three syncs decide what one decides in peace."""
    plain, hostile = worlds(people=24), worlds("--hostile", people=24)
    for world in (plain, hostile):
        world.allow_creates("hubspot", "salesforce")
    # what the CRMs' own automation makes of writes is the same in both; a sync beside ours has its own tests
    hostile.switch("sandbox", native_sync=False)
    for vendor in VENDORS:
        theirs = hostile.steer(f"/settings/{vendor}")
        plain.switch(vendor, rewrite=theirs["rewrite"], workflows=theirs["workflows"])
    plain.sync()
    wanted = plain.state()
    plain.advance(600)
    plain.sync()
    knowledge = plain.knowledge()
    codes: list[int] = []
    while len(codes) < 3 or (codes[-1] == 3 and len(codes) < 8):  # a lost answer while fields are made ends a push
        codes.append(hostile.run("sync", "--json").code)
    assert hostile.hits() > 5
    assert set(codes) <= {0, 3}
    assert codes[-1] == 0
    assert not differences(wanted, hostile.state())
    hostile.clear_faults()
    hostile.advance(600)
    assert hostile.sync()["ops"]["planned"] == 0
    found = hostile.knowledge()
    for what, lines in knowledge.items():
        assert not differences(lines, found[what]), what
    for vendor in VENDORS:
        assert sorted(plain.emails(vendor)) == sorted(hostile.emails(vendor))


def test_a_vendor_that_rewrites_what_a_killed_sync_sent(world: World) -> None:
    """The answer was lost with the process, and HubSpot made something else of the values: still no news."""

    def rewriting() -> None:
        world.steer("/settings", {"vendor": "hubspot", "rewrite": {"jobtitle": "upper", "phone": "e164"}})

    rewriting()
    world.sync()
    world.advance(60)
    assert world.sync()["ops"]["planned"] == 0
    wanted = world.state()
    world.fresh()
    rewriting()
    route = {"route": r".*/objects/contacts/batch/update$"}
    # the first such call is how the check finds out whether we may write at all
    world.fault({"kind": "slow", "seconds": 1, "vendor": "hubspot", "match": route, "skip": 1, "times": 1})
    with world.start("sync") as process:
        wait_until(lambda: world.hits() == 1, "the write")
        process.kill()
        process.communicate()
    world.clear_faults()
    assert world.one("SELECT COUNT(*) FROM op WHERE state = 'sending'") > 0
    world.sync()
    world.advance(60)
    assert world.sync()["ops"]["planned"] == 0
    assert not differences(wanted, world.state())
