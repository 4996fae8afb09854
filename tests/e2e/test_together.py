"""Two processes at once, a killed holder of leases, the kill switch, Ctrl-C, and what a sync without news costs."""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import Any

import pytest

from crmhub.cli import main
from tests.e2e.calm import edited, nothing, undisturbed
from tests.e2e.world import World, differences, wait_until

WRITES = r".*/batch/update$|.*/composite/sobjects$"


def slow(world: World, seconds: float, route: str = "/", **more: Any) -> None:
    """Answers take a while, so that a process can be met at work."""
    world.fault({"kind": "slow", "seconds": seconds, "match": {"route": route}, **more})


def writes_sent(world: World) -> int:
    """Batches of updates that the CRMs got; the checks of what we may do are no such."""
    rows = world.steer("/calls")
    return sum(r["count"] for r in rows if r["route"].endswith(("/batch/update", "/composite/sobjects")))


def test_two_syncs_at_once_send_every_op_once(world: World) -> None:
    world.clear_calls()
    world.sync()
    wanted, batches = world.state(), writes_sent(world)
    world.fresh()
    slow(world, 0.03)
    with world.start("sync", "--json") as first:
        wait_until(lambda: world.one("SELECT COUNT(*) FROM lease WHERE holder <> ''") > 0, "the first lease")
        second = world.run("sync", "--json")
        _, err = first.communicate()
    assert first.returncode == 0, err
    assert second.code == 0, second.err
    assert not differences(wanted, world.state())
    assert world.one("SELECT MAX(attempts) FROM op") == 1
    assert writes_sent(world) == batches
    twice = "SELECT COUNT(*) FROM (SELECT 1 FROM op WHERE state = 'applied' GROUP BY record_id HAVING COUNT(*) > 1)"
    assert world.one(twice) == 0
    world.clear_faults()
    assert world.sync()["ops"]["planned"] == 0
    assert world.column("SELECT DISTINCT status FROM run") == ["done"]


@pytest.mark.parametrize("lease", ["connection hubspot", "connection salesforce", "decisions"])
def test_a_killed_holders_lease_is_taken_over_at_once(world: World, lease: str) -> None:
    wanted = undisturbed(world, nothing).state
    slow(world, 0.02)
    held = "SELECT COUNT(*) FROM lease WHERE name = ? AND holder <> ''"
    with world.start("sync") as process:
        wait_until(lambda: world.one(held, lease) > 0, f"the lease {lease}")
        process.kill()
        process.communicate()
    world.clear_faults()
    began = time.monotonic()
    world.sync()
    assert time.monotonic() - began < 20, "a dead process was waited for"
    assert not differences(wanted, world.state())
    assert world.column("SELECT status FROM run ORDER BY id") == ["killed", "done"]


def test_a_busy_connection_is_named_with_its_holder(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process that stays at work: the second waits (here not 30 s), then says in one sentence who it is."""
    monkeypatch.setattr("jobs.runtime.LEASE_WAIT_S", 0.5)
    monkeypatch.setattr(sys, "argv", ["crmhub", "pull", "hubspot", "--config", str(world.home / "config.toml")])
    monkeypatch.setenv("CRMHUB_CLOCK", f"{world.control}/clock")
    slow(world, 4, "/crm/v3/owners", times=1)
    with world.start("sync") as process:
        wait_until(lambda: world.hits() > 0, "the slow call")
        with pytest.raises(SystemExit) as left:
            main()
        process.kill()
        process.communicate()
    assert left.value.code == 3
    (sentence,) = capsys.readouterr().err.splitlines()
    assert f"process {process.pid}" in sentence
    assert "connection hubspot" in sentence


def test_writes_off_stops_a_running_sync_before_the_next_batch(world: World) -> None:
    wanted = undisturbed(world, nothing).state
    slow(world, 1.5, r".*/objects/contacts/batch/update$", skip=1, times=1)
    with world.start("sync", "--json") as process:
        wait_until(lambda: world.hits() == 1, "the first batch")
        world.clear_calls()
        assert world.run("writes", "off").code == 0
        out, err = process.communicate()
    assert process.returncode == 1, (out, err)  # a brake held
    assert "writes were switched off" in out
    assert json.loads(out)["status"] == "partial"
    # the batch on its way was let through, and nothing after it
    assert writes_sent(world) == 1
    assert world.one("SELECT COUNT(*) FROM op WHERE state = 'applied'") > 0
    world.clear_faults()
    assert world.run("sync", "--json").data["ops"]["applied"] == 0
    assert writes_sent(world) == 1
    assert world.run("writes", "on").code == 0
    world.sync()
    assert not differences(wanted, world.state())
    assert world.sync()["ops"]["planned"] == 0


@pytest.mark.parametrize("route", [r"/crm/v3/objects/contacts$", r"/services/data/.*/queryAll.*", WRITES])
def test_ctrl_c_is_safe_and_says_so(world: World, route: str) -> None:
    wanted = undisturbed(world, nothing).state
    slow(world, 1, route, skip=2 if route == WRITES else 0, times=1)
    with world.start("sync") as process:
        wait_until(lambda: world.hits() == 1, "the slow call")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert err.strip().splitlines() == ["stopped; everything committed so far stays, the next run continues"]
    world.clear_faults()
    world.sync()
    assert not differences(wanted, world.state())
    assert world.sync()["ops"]["planned"] == 0


def test_a_sync_without_news_costs_what_the_streams_publish(world: World) -> None:
    edited(world)
    world.sync()
    world.advance(600)
    world.sync()
    world.advance(600)
    world.clear_calls()
    third = world.sync()
    checked = world.run("check", "--json").data
    for vendor, calls in world.published_idle_calls().items():
        figures = third["connections"][vendor]
        assert figures["changed"] == figures["created"] == figures["updated"] == figures["deleted"] == 0
        assert 0 < figures["calls"] <= calls
        assert any(line.startswith(f"{vendor}: ") and f" {calls} calls" in line for line in checked["connections"])
    assert third["ops"]["planned"] == 0


def test_idle_calls_as_the_sandbox_counts_them(world: World) -> None:
    world.sync()
    for _ in range(2):
        world.advance(900)
        world.sync()
    world.clear_calls()
    world.advance(900)
    world.sync()
    published = world.published_idle_calls()
    for vendor, counted in world.calls().items():
        assert counted <= published[vendor]
