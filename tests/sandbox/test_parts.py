"""Clock, router, faults and ids, without a process."""

from __future__ import annotations

import pytest

from crmhub.sandbox.calls import NO_ANSWER, Calls, limits_of
from crmhub.sandbox.clock import Clock, ClockError, http_date, parse_moment
from crmhub.sandbox.faults import FaultError, Faults
from crmhub.sandbox.ids import eighteen, salesforce_id
from crmhub.sandbox.messages import Match, Query, Request, Response, Router
from crmhub.sandbox.vendor import ControlError


def _nothing(_: Request) -> Response:
    return Response(204)


def _request(method: str = "GET", route: str = "/a") -> Request:
    return Request(method, route, Query(""), {}, route=route)


def test_a_pinned_clock_stands_still_and_moves_when_told() -> None:
    clock = Clock(1000, rate=0)
    assert clock.now() == clock.now() == 1000
    assert clock.change({"advance": 500}) == {"now": 1500, "rate": 0}
    assert clock.change({"now": 10, "advance": 5}) == {"now": 15, "rate": 0}
    clock.reset()
    assert clock.now() == 1000


def test_a_running_clock_keeps_its_moment_when_the_rate_changes() -> None:
    clock = Clock(1_000_000)
    clock.change({"rate": 0})
    assert 1_000_000 <= clock.now() < 1_010_000


@pytest.mark.parametrize("wish", [{}, {"then": 1}, {"rate": -1}, {"now": "soon"}, {"advance": True}])
def test_a_clock_refuses_nonsense(wish: dict[str, object]) -> None:
    with pytest.raises(ClockError):
        Clock(0, rate=0).change(wish)


def test_moments() -> None:
    assert parse_moment("1793606400000") == parse_moment("2026-11-02T08:00:00Z") == 1_793_606_400_000
    assert parse_moment("2026-11-02T08:00:00") == 1_793_606_400_000
    assert http_date(1_793_606_400_999) == "Mon, 02 Nov 2026 08:00:00 GMT"


def test_router_prefers_words_and_decodes_parameters() -> None:
    router = Router()
    for template in ("/o/{type}", "/o/{type}/search", "/o/{type}/{id}"):
        router.add("POST", template, _nothing)
    router.add("GET", "/o/{type}/{id}", _nothing)
    found = router.match("POST", "/o/contacts/search/")
    assert isinstance(found, Match)
    assert (found.route, found.params) == ("/o/{type}/search", {"type": "contacts"})
    found = router.match("GET", "/o/contacts/search")
    assert isinstance(found, Match)
    assert found.params == {"type": "contacts", "id": "search"}
    found = router.match("GET", "/o/contacts/a%40b.fr%2Fc")
    assert isinstance(found, Match)
    assert found.params["id"] == "a@b.fr/c"
    assert router.match("PUT", "/o/contacts/1") == ["GET", "POST"]
    assert router.match("GET", "/elsewhere") == []


def test_query_takes_repeated_and_joined_names() -> None:
    query = Query("p=a,b&p=c&empty=&x=1")
    assert query.names("p") == ["a", "b", "c"]
    assert query.get("empty", "no") == ""
    assert "x" in query
    assert "y" not in query


def test_faults_match_count_and_end() -> None:
    faults = Faults(1)
    faults.add({"kind": "status", "status": 503, "match": {"method": "post", "route": "/a"}, "times": 2, "skip": 1})
    picked = [faults.pick("hubspot", _request("POST", "/a/b"), False) for _ in range(4)]
    assert [rule is not None for rule in picked] == [False, True, True, False]
    assert faults.pick("hubspot", _request("GET", "/a"), False) is None
    assert faults.rules()[0]["hits"] == 2


def test_a_401_leaves_token_routes_alone_unless_named() -> None:
    faults = Faults(1)
    faults.add({"kind": "status", "status": 401})
    assert faults.pick("hubspot", _request(route="/oauth/v1/token"), True) is None
    assert faults.pick("hubspot", _request(), False) is not None
    faults.clear()
    faults.add({"kind": "status", "status": 401, "match": {"route": "/oauth"}})
    assert faults.pick("hubspot", _request(route="/oauth/v1/token"), True) is not None


def test_hostile_dice_fall_the_same_way_again() -> None:
    def run(faults: Faults) -> list[str]:
        picked = [faults.pick("hubspot", _request(), False) for _ in range(400)]
        return [rule.kind if rule else "" for rule in picked]

    faults = Faults(7, hostile=True)
    first = run(faults)
    faults.reset()
    assert run(faults) == first
    assert len(set(first)) > 4


@pytest.mark.parametrize(
    "wish", [{"kind": "melt"}, {"kind": "slow", "speed": 3}, {"match": {"path": "/"}}, {"match": {"route": "/(a"}}]
)
def test_faults_refuse_nonsense(wish: dict[str, object]) -> None:
    with pytest.raises(FaultError):
        Faults(1).add(wish)


def test_salesforce_ids_have_their_checksum() -> None:
    assert eighteen("00Dxx0000001gPL") == "00Dxx0000001gPLEAY"
    made = salesforce_id("00Q", 12345)
    assert len(made) == 18
    assert made.startswith("00QgL")
    assert len({salesforce_id("00Q", number) for number in range(5000)}) == 5000


def _paced(every: int, count: int, route: str = "/a") -> tuple[Clock, Calls]:
    """`count` calls, one each `every` ms."""
    clock = Clock(1_000_000, rate=0)
    calls = Calls(clock)
    for _ in range(count):
        calls.arrive("hubspot", "GET", route)
        calls.add("hubspot", "GET", route, 200)
        clock.advance(every)
    return clock, calls


def test_who_calls_as_fast_as_allowed_is_at_the_limit() -> None:
    _, calls = _paced(every=100, count=600)
    found = calls.pace("hubspot", limits_of([{"name": "burst", "calls": 100, "window_ms": 10_000}]))
    assert (found["calls"], found["refused"], found["in_flight"], found["took_ms"]) == (600, 0, 1, 59_900)
    assert found["at_limit"] == found["limits"][0]["share"]
    # only the first window is not full from its start
    assert 0.83 < found["at_limit"] < 0.87
    assert found["limits"][0]["least_ms"] == 50_000


def test_who_calls_half_as_fast_never_is() -> None:
    _, calls = _paced(every=200, count=600)
    assert calls.pace("hubspot", limits_of({"calls": 100, "window_ms": 10_000}))["at_limit"] == 0


def test_time_at_any_of_two_limits_counts() -> None:
    clock, calls = _paced(every=200, count=100, route="/x/search")
    for _ in range(100):
        calls.arrive("hubspot", "GET", "/list")
        calls.add("hubspot", "GET", "/list", 200)
        clock.advance(100)
    wish = [
        {"name": "search", "calls": 5, "window_ms": 1000, "match": "/search$"},
        {"name": "burst", "calls": 10, "window_ms": 1000, "match": "/list$"},
    ]
    found = calls.pace("hubspot", limits_of(wish))
    search, burst = found["limits"]
    assert (search["calls"], burst["calls"]) == (100, 100)
    assert 0.6 < search["share"] < 0.7
    assert 0.28 < burst["share"] < 0.36
    assert found["at_limit"] > 0.93


def test_pace_counts_refusals_and_calls_in_the_air() -> None:
    calls = Calls(Clock(0, rate=0))
    for _ in range(3):
        calls.arrive("hubspot", "GET", "/a")
    calls.add("hubspot", "GET", "/a", 429)
    calls.add("hubspot", "GET", "/a", NO_ANSWER)
    calls.arrive("salesforce", "GET", "/a")
    found = calls.pace("hubspot", [])
    assert (found["calls"], found["refused"], found["in_flight"]) == (3, 1, 3)
    assert found["at_limit"] == 0
    calls.clear()
    assert calls.pace("hubspot", [])["calls"] == 0


@pytest.mark.parametrize(
    "wish", ["burst", {"calls": 0, "window_ms": 1}, {"calls": 5}, {"calls": 1, "window_ms": 1, "match": "("}]
)
def test_pace_refuses_nonsense(wish: object) -> None:
    with pytest.raises(ControlError):
        limits_of(wish)
