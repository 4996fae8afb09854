"""The API budget: bursts are waited for, the day's reserve is kept."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Thread

import pytest

from connectors.budget import DAY_MS, Budget, Signals, Window, next_utc_midnight, slack_of
from connectors.contract import QuotaExhausted
from tests.connectors.hubspot_kit import NOW, World


def signals(headers: Mapping[str, str]) -> Signals | None:
    if "max" in headers:
        return Signals("burst", int(headers["max"]), int(headers["left"]))
    return None


def call(budget: Budget, world: World, endpoint: str = "GET /x") -> None:
    """A call that is answered at once."""
    budget.take(endpoint)
    budget.done(endpoint, world.clock.now())


def test_a_burst_is_waited_for_not_provoked() -> None:
    world = World()
    budget = Budget(world.surroundings(), [Window("burst", 3, 10)])
    for _ in range(3):
        call(budget, world)
    assert world.clock.slept == []
    call(budget, world)
    assert world.clock.now() == NOW + 10_000 + slack_of(10)


def test_a_window_slides() -> None:
    world = World()
    budget = Budget(world.surroundings(), [Window("burst", 2, 10)])
    call(budget, world)
    world.clock.at += 6_000
    call(budget, world)
    call(budget, world)  # waits for the first to leave the window, not for both
    assert world.clock.now() == NOW + 10_000 + slack_of(10)
    call(budget, world)
    assert world.clock.now() == NOW + 16_000 + slack_of(10)


def test_a_slow_call_counts_until_the_window_has_passed_since_its_answer() -> None:
    world = World()
    budget = Budget(world.surroundings(), [Window("burst", 2, 10)])
    budget.take("GET /x")
    call(budget, world)
    world.clock.at += 4_000
    budget.done("GET /x", world.clock.now())  # it may have arrived just now
    call(budget, world)
    assert world.clock.now() == NOW + 10_000 + slack_of(10)
    call(budget, world)
    assert world.clock.now() == NOW + 14_000 + slack_of(10)


def test_windows_count_their_own_endpoints() -> None:
    world = World()
    budget = Budget(
        world.surroundings(),
        [
            Window("burst", 100, 10, applies=lambda e: not e.endswith("/search")),
            Window("search", 1, 1, applies=lambda e: e.endswith("/search")),
        ],
    )
    call(budget, world, "POST /search")
    for _ in range(50):
        call(budget, world)
    assert world.clock.slept == []
    call(budget, world, "POST /search")
    assert world.clock.slept == [1 + slack_of(1) / 1000]


def test_the_vendors_headers_correct_limit_and_count() -> None:
    world = World()
    budget = Budget(world.surroundings(), [Window("burst", 190, 10)], signals)
    call(budget, world)
    budget.learn("GET /x", {"max": "100", "left": "1"}, NOW)  # a smaller edition, and others are calling too
    call(budget, world)
    assert world.clock.slept == []
    call(budget, world)
    assert world.clock.now() == NOW + 10_000 + slack_of(10)


def test_calls_of_others_are_not_hidden_by_ours_under_way() -> None:
    world = World()
    budget = Budget(world.surroundings(), [Window("burst", 10, 10)], signals)
    for _ in range(3):
        budget.take("GET /x")
    call(budget, world)
    budget.learn("GET /x", {"max": "10", "left": "4"}, NOW)  # one of ours and five of others had arrived
    call(budget, world)
    assert world.clock.slept == []
    budget.take("GET /x")  # 3 under way, 2 done, 5 of others: full
    assert world.clock.now() >= NOW + 10_000


def test_a_refusal_holds_everybody_back() -> None:
    world = World()
    budget = Budget(world.surroundings(), [Window("burst", 100, 10)])
    budget.hold("GET /x", 7)
    call(budget, world, "GET /y")
    assert world.clock.slept == [7]


def test_the_reserve_of_the_vendors_day_is_kept_for_others() -> None:
    world = World()
    budget = Budget(world.surroundings(budget_reserve=0.2))
    budget.tell_daily(1000, 201, resets_at=NOW + 5_000)
    budget.take("GET /x")
    budget.tell_daily(1000, 200, resets_at=NOW + 5_000)
    with pytest.raises(QuotaExhausted) as caught:
        budget.take("GET /x")
    assert caught.value.resets_at == NOW + 5_000
    assert caught.value.connection == "hs"
    world.clock.at += 5_000
    budget.take("GET /x")  # a new day: the next answer tells


def test_the_admins_grant_counts_all_processes() -> None:
    world = World()
    world.ledger.others = 79
    budget = Budget(world.surroundings(budget_daily=100, budget_reserve=0.2))
    budget.take("GET /x")
    with pytest.raises(QuotaExhausted) as caught:
        budget.take("GET /x")
    assert caught.value.resets_at == next_utc_midnight(NOW)


def test_the_grant_is_new_on_the_next_utc_day() -> None:
    world = World()
    world.ledger.others = 80
    budget = Budget(world.surroundings(budget_daily=100, budget_reserve=0.2))
    with pytest.raises(QuotaExhausted):
        budget.take("GET /x")
    world.clock.at += DAY_MS
    world.ledger.others = 0
    budget.take("GET /x")


def test_without_any_limit_nothing_is_refused() -> None:
    world = World()
    budget = Budget(world.surroundings())
    for _ in range(1000):
        budget.take("GET /x")
    assert budget.quota() is None


def test_threads_share_a_window() -> None:
    world = World()
    budget = Budget(world.surroundings(), [Window("burst", 5, 10)])

    def five() -> None:
        for _ in range(5):
            call(budget, world)

    threads = [Thread(target=five) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # 20 calls at 5 in 10 s: three windows have to pass, whoever waits
    assert world.clock.now() >= NOW + 3 * (10_000 + slack_of(10))
