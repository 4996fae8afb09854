"""Skewed clocks, webhooks that get lost, the native sync and latency: each a switch, each the same by seed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import requests

from crmhub.sandbox import hostile
from crmhub.sandbox.clock import Clock, VendorClock
from crmhub.sandbox.courier import Courier, post
from crmhub.sandbox.house import House
from crmhub.sandbox.native import NativeSync, Pair, pairs_of
from crmhub.sandbox.switches import Switches
from crmhub.sandbox.vendor import ControlError, Options, Outgoing, Sender

if TYPE_CHECKING:
    from tests.conftest import HubSpotAccount, StartSandbox

NOW = 1_793_606_400_000
CONTACTS = "/crm/v3/objects/contacts"
RUN = 300_001
"""Milliseconds after which the native sync looks again."""


class Letters:
    """A vendor's outgoing webhooks, as far as the courier sees them."""

    def __init__(self, count: int = 0) -> None:
        self.waiting = [Outgoing("http://127.0.0.1:1/", {}, b"", number) for number in range(count)]
        self.heard: list[tuple[int, int]] = []

    def due(self, now: int) -> list[Outgoing]:
        del now
        waiting, self.waiting = self.waiting, []
        return waiting

    def delivered(self, outgoing: Outgoing, status: int) -> None:
        self.heard.append((outgoing.tag, status))


def _sent(courier: Courier, now: int) -> list[int]:
    """What the courier would post now, each answered with 204."""
    found = []
    for parcel in courier.due(now):
        found.append(parcel.outgoing.tag)
        courier.posted(parcel, 204)
    return found


def test_webhooks_arrive_once_and_in_order_unless_told_otherwise() -> None:
    letters, courier = Letters(50), Courier(1, Switches())
    assert isinstance(letters, Sender)
    courier.collect(letters, NOW)
    assert _sent(courier, NOW) == list(range(50))
    assert letters.heard == [(number, 204) for number in range(50)]
    assert courier.snapshot(NOW) == {
        "sent": 50, "refused": 0, "lost": 0, "repeated": 0, "late": 0, "due": 0, "waiting": 0
    }  # fmt: skip


def test_lost_webhooks_were_sent_as_far_as_the_vendor_knows() -> None:
    letters, courier = Letters(400), Courier(1, Switches(webhook_lost=0.25))
    courier.collect(letters, NOW)
    sent = _sent(courier, NOW)
    assert sent == sorted(sent)
    assert 250 < len(sent) < 350
    assert sorted(letters.heard) == sorted(
        [(number, 204) for number in sent] + [(number, 200) for number in range(400) if number not in set(sent)]
    )


def test_repeated_webhooks_come_twice_and_the_vendor_hears_of_one() -> None:
    letters, courier = Letters(400), Courier(1, Switches(webhook_repeated=0.25))
    courier.collect(letters, NOW)
    sent = _sent(courier, NOW + 60_000)
    assert set(sent) == set(range(400))
    assert len(sent) - 400 == courier.counts["repeated"] > 50
    assert len(letters.heard) == 400


def test_late_webhooks_are_overtaken() -> None:
    letters, courier = Letters(200), Courier(1, Switches(webhook_late=0.5, webhook_late_seconds=10))
    courier.collect(letters, NOW)
    at_once = _sent(courier, NOW)
    assert 50 < len(at_once) < 150
    assert courier.snapshot(NOW)["waiting"] == 200 - len(at_once)
    assert len(letters.heard) == 200
    later = _sent(courier, NOW + 10_000)
    assert len(letters.heard) == 200
    assert later != sorted(later)
    assert sorted(at_once + later) == list(range(200))


def test_the_same_seed_loses_the_same_webhooks() -> None:
    def run(seed: int) -> list[int]:
        courier = Courier(seed, Switches(webhook_lost=0.3, webhook_repeated=0.3, webhook_late=0.3))
        courier.collect(Letters(100), NOW)
        return _sent(courier, NOW + 60_000)

    assert run(1) == run(1)
    assert run(1) != run(2)


class _Ears(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self.server.got.append((self.path, self.headers.get("X-Sign"), self.rfile.read(size)))  # type: ignore[attr-defined]  # set by the fixture
        self.send_response(202)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def ears() -> Iterator[HTTPServer]:
    """A receiver of webhooks; `got` holds (path, signature, body)."""
    server = HTTPServer(("127.0.0.1", 0), _Ears)
    server.got = []  # type: ignore[attr-defined]  # a place for what comes
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_webhooks_are_posted_as_they_are(ears: HTTPServer) -> None:
    url = f"http://127.0.0.1:{ears.server_port}/hook?a=1"
    assert post(Outgoing(url, {"X-Sign": "abc"}, b"[1]")) == 202
    assert ears.got == [("/hook?a=1", "abc", b"[1]")]  # type: ignore[attr-defined]  # set by the fixture
    assert post(Outgoing("http://127.0.0.1:9/nobody", {}, b"")) == 0


@pytest.mark.parametrize(("switches", "wanted"), [({}, 1), ({"webhook_repeated": 1}, 2), ({"webhook_lost": 1}, 0)])
def test_what_becomes_of_a_vendors_webhook(
    account: HubSpotAccount, ears: HTTPServer, switches: dict[str, float], wanted: int
) -> None:
    url = f"http://127.0.0.1:{ears.server_port}/hook"
    account.steer("/act", {"vendor": "hubspot", "action": "subscribe", "target": url, "events": ["contact.creation"]})
    account.steer("/settings", {"vendor": "sandbox", **switches})
    account.post(CONTACTS, {"properties": {"lastname": "New"}}, 201)
    for _ in range(500):
        account.steer("/clock", {"advance": 1000})
        found = account.steer("/webhooks")
        if not found["waiting"] and found["sent"] + found["lost"]:
            break
        time.sleep(0.01)
    assert len(ears.got) == found["sent"] == wanted  # type: ignore[attr-defined]  # set by the fixture


def test_a_vendors_clock_runs_beside_the_sandboxes() -> None:
    house = Clock(NOW, 0)
    mine = VendorClock(house)
    assert mine.now() == NOW
    mine.skew = -20_000
    house.advance(1000)
    assert mine.now() == NOW - 19_000
    assert house.now() == NOW + 1000


def test_skew_moves_stamps_and_the_date_header(account: HubSpotAccount) -> None:
    account.steer("/clock", {"now": 1_800_000_000_000})
    account.steer("/settings", {"vendor": "sandbox", "skew_ms": {"hubspot": -60_000}})
    made = account.post(CONTACTS, {"properties": {"lastname": "Early"}}, 201)
    assert made["createdAt"] == "2027-01-15T07:59:00.000Z"
    assert account.call("GET", CONTACTS, limit=1).headers["Date"] == "Fri, 15 Jan 2027 07:59:00 GMT"
    assert account.steer("/clock")["now"] == 1_800_000_000_000
    account.steer("/reset", {})
    assert account.steer("/settings/sandbox")["skew_ms"] == {}


@pytest.mark.parametrize(
    "wish",
    [
        {"weather": 1},
        {"latency_ms": -1},
        {"latency_ms": True},
        {"webhook_lost": 1.5},
        {"native_sync": "yes"},
        {"skew_ms": {"acme": 5}},
        {"skew_ms": {"hubspot": "5"}},
        {"native_sync_fields": ["email"]},
    ],
)
def test_switches_refuse_nonsense(wish: dict[str, Any]) -> None:
    switches = Switches()
    with pytest.raises(ControlError):
        switches.change(wish, ["hubspot"])
    assert switches == Switches()


def test_answers_take_their_time_and_wait_in_parallel(account: HubSpotAccount) -> None:
    account.steer("/settings", {"vendor": "sandbox", "latency_ms": 200, "latency_jitter_ms": 50})
    begun = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: requests.get(account.base + "/crm/v3/owners", timeout=10), range(6)))
    assert 0.15 <= time.monotonic() - begun < 0.9
    pace = account.steer("/calls/pace/hubspot")
    assert pace["calls"] == 6
    assert pace["in_flight"] > 1


# ---------------------------------------------------------------------------------------------- native sync


@pytest.fixture
def house() -> House:
    made = House(400, ["hubspot", "salesforce"], Clock(NOW, 0), Options(limits=False, lag=0))
    made.change({"native_sync": True})
    return made


def _native(house: House) -> NativeSync:
    assert house.native is not None
    return house.native


def _fields(house: House, pair: Pair) -> tuple[dict[str, Any], dict[str, Any]]:
    rows = {(row["object"], row["id"]): row["fields"] for vendor in house.vendors.values() for row in vendor.state()}
    return rows["contacts", pair.hubspot], rows[pair.object, pair.salesforce]


def _pass(house: House, milliseconds: int = RUN) -> None:
    house.clock.advance(milliseconds)
    house.tick()


def test_the_native_sync_knows_the_pairs_that_hubspot_shows(house: House) -> None:
    contacts = {row["id"]: row["fields"] for row in house.vendors["hubspot"].state() if row["object"] == "contacts"}
    shown = {
        (number, fields.get("salesforceleadid") or fields.get("salesforcecontactid"))
        for number, fields in contacts.items()
        if fields.get("salesforceleadid") or fields.get("salesforcecontactid")
    }
    assert {(pair.hubspot, pair.salesforce) for pair in pairs_of(house.world)} == shown
    assert len(shown) > 5


def test_the_native_sync_does_nothing_while_nobody_does(house: House) -> None:
    before = [list(vendor.state()) for vendor in house.vendors.values()]
    _pass(house)
    _pass(house)
    assert [list(vendor.state()) for vendor in house.vendors.values()] == before


def test_the_native_sync_copies_both_ways_under_its_own_names(house: House) -> None:
    one, other = pairs_of(house.world)[:2]
    house.vendors["hubspot"].edit("contacts", one.hubspot, {"jobtitle": "Boss", "lastname": "Kept"}, "person")
    house.vendors["salesforce"].edit(other.object, other.salesforce, {"Title": "Chief"}, "person")
    house.tick()
    assert _fields(house, one)[1]["Title"] != "Boss"
    _pass(house)
    assert _fields(house, one)[1]["Title"] == "Boss"
    assert _fields(house, one)[1]["LastName"] != "Kept"
    assert _fields(house, other)[0]["jobtitle"] == "Chief"
    assert _native(house).writes == 2
    _pass(house)
    assert _native(house).writes == 2


def test_salesforce_wins_and_blanks_stay_at_home(house: House) -> None:
    pair = pairs_of(house.world)[0]
    here, there = house.vendors["hubspot"], house.vendors["salesforce"]
    city = "MailingCity" if pair.object == "Contact" else "City"
    here.edit("contacts", pair.hubspot, {"jobtitle": "Left", "city": "Metz"}, "person")
    there.edit(pair.object, pair.salesforce, {"Title": "Right"}, "person")
    _pass(house)
    left, right = _fields(house, pair)
    assert (left["jobtitle"], right["Title"], right[city]) == ("Right", "Right", "Metz")
    here.edit("contacts", pair.hubspot, {"city": ""}, "person")
    _pass(house)
    assert _fields(house, pair)[1][city] == "Metz"


def test_the_native_sync_comes_to_rest_where_both_sides_rewrite(house: House) -> None:
    pair = pairs_of(house.world)[0]
    here, there = house.vendors["hubspot"], house.vendors["salesforce"]
    here.settings({"rewrite": {"jobtitle": "lower"}})
    there.settings({"rewrite": {f"{pair.object}.Title": "upper"}, "lag": 30.0})
    here.edit("contacts", pair.hubspot, {"jobtitle": "Boss"}, "person")
    for _ in range(6):
        _pass(house)
    writes = _native(house).writes
    before = [list(vendor.state()) for vendor in house.vendors.values()]
    for _ in range(6):
        _pass(house)
    assert _native(house).writes == writes <= 3
    assert [list(vendor.state()) for vendor in house.vendors.values()] == before


def test_the_native_sync_lets_go_of_records_that_are_gone(house: House) -> None:
    pair = pairs_of(house.world)[0]
    house.vendors["salesforce"].delete(pair.object, pair.salesforce)
    house.vendors["hubspot"].edit("contacts", pair.hubspot, {"jobtitle": "Boss"}, "person")
    _pass(house)
    assert _native(house).writes == 0


# ---------------------------------------------------------------------------------------------- the whole mix


def test_hostile_switches_all_of_it_on_and_reset_brings_it_back() -> None:
    house = House(60, ["hubspot", "salesforce"], Clock(NOW, 0), Options(hostile=True))

    def shown() -> list[dict[str, Any]]:
        return [house.change({}), *(vendor.settings({}) for vendor in house.vendors.values())]

    first = shown()
    assert first[0]["skew_ms"] == hostile.SKEW_MS
    assert {name: first[0][name] for name in hostile.SWITCHES} == hostile.SWITCHES
    for settings, wish in zip(first[1:], hostile.VENDORS.values(), strict=True):
        assert {name: settings[name] for name in wish} == wish
    house.change({"native_sync": False, "skew_ms": {}})
    house.vendors["hubspot"].settings({"workflows": [], "rewrite": {}})
    house.reset()
    assert shown() == first


def test_a_lag_that_was_asked_for_stays() -> None:
    house = House(30, ["hubspot", "salesforce"], Clock(NOW, 0), Options(hostile=True, lag=1.5))
    assert house.vendors["hubspot"].settings({})["index_lag"] == 1.5
    assert house.vendors["salesforce"].settings({})["lag"] == 1.5
    assert house.vendors["hubspot"].settings({})["rewrite"] == hostile.VENDORS["hubspot"]["rewrite"]


def test_faults_alone_leave_the_switches_off() -> None:
    house = House(30, ["hubspot", "salesforce"], Clock(NOW, 0), Options(faults=True))
    mixed = House(30, ["hubspot", "salesforce"], Clock(NOW, 0), Options(hostile=True))
    assert house.faults.rules() == mixed.faults.rules() != []
    assert house.change({}) == Switches().change({}, [])


def test_a_plain_sandbox_has_all_of_it_off() -> None:
    house = House(60, ["hubspot", "salesforce"], Clock(NOW, 0), Options())
    assert house.change({}) == Switches().change({}, [])
    assert house.native is None
    assert house.faults.rules() == []
    for name, wish in hostile.VENDORS.items():
        settings = house.vendors[name].settings({})
        assert not any(settings[key] == value for key, value in wish.items())


def test_a_hostile_world_left_alone_comes_to_rest() -> None:
    house = House(400, ["hubspot", "salesforce"], Clock(NOW, 0), Options(hostile=True, limits=False))
    for pair in pairs_of(house.world):
        house.vendors["hubspot"].edit("contacts", pair.hubspot, {"jobtitle": " Boss ", "phone": "0033 1 44"}, "person")
        house.vendors["salesforce"].edit(pair.object, pair.salesforce, {"MobilePhone": "+33 6 1"}, "person")
    for _ in range(4):
        _pass(house)
    before = [list(vendor.state()) for vendor in house.vendors.values()]
    for _ in range(4):
        _pass(house)
    assert [list(vendor.state()) for vendor in house.vendors.values()] == before
    assert _native(house).writes >= 2 * len(pairs_of(house.world))


def test_hostile_starts_with_one_vendor_alone(sandbox: StartSandbox) -> None:
    found = sandbox("--people", "30", "--rate", "0", "--no-limits", "--hostile", "--vendors", "hubspot")
    settings = requests.get(f"{found.control}/settings/sandbox", timeout=10).json()
    assert settings["skew_ms"] == {"hubspot": hostile.SKEW_MS["hubspot"]}
    assert requests.get(f"{found.control}/webhooks", timeout=10).json()["waiting"] == 0
