"""The transport: what is retried, what it costs, how errors look, and that no secret leaks."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
import requests
import responses

from connectors.budget import Budget
from connectors.contract import (
    AuthFailed,
    ContractBroken,
    MissingScope,
    Rejected,
    Throttled,
    Unavailable,
)
from connectors.transport import OK, StaticAuth, Transport, UnknownFate, Verdict
from tests.connectors.hubspot_kit import BASE, NOW, TOKEN, World

URL = f"{BASE}/things"


def classify(status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
    """A vendor of few words."""
    if status < 300:
        return OK
    if status == 401:
        return Verdict("auth", AuthFailed(body.decode()))
    if status == 403:
        return Verdict("stop", MissingScope("things.read"))
    if status == 429:
        return Verdict("throttle", Throttled(10, "slow down"), wait_s=10)
    if status >= 500:
        return Verdict("retry", Unavailable(f"status {status}"), refused=status == 503)
    return Verdict("stop", Rejected(str(status), "no"))


class Renewable:
    """A token that can be renewed `times` times."""

    def __init__(self, times: int = 1) -> None:
        self.times, self.number = times, 1
        self.refreshes = 0

    def header(self) -> str:
        return f"Bearer token{self.number}"

    def refresh(self) -> bool:
        self.refreshes += 1
        if self.number > self.times:
            return False
        self.number += 1
        return True


def transport(world: World, auth: Any = None, base: str = BASE, places: int = 1) -> Transport:
    around = world.surroundings()
    return Transport(around, base, auth or StaticAuth(TOKEN), classify, Budget(around), places)


def get(t: Transport, **more: Any) -> Any:
    return t.request("GET", "/things", endpoint="GET /things", fate="read", **more).data


def post(t: Transport) -> Any:
    return t.request("POST", "/things", endpoint="POST /things", fate="write", json={"a": 1}).data


@responses.activate
def test_a_good_answer_is_counted_between_its_boundaries() -> None:
    world = World()
    responses.get(URL, json={"a": "ü"})
    assert get(transport(world)) == {"a": "ü"}
    assert world.sides == [("send", "GET /things"), ("answer", "GET /things")]
    assert world.ledger.calls == [("GET /things", 200)]
    sent = responses.calls[0].request.headers
    assert sent["Authorization"] == f"Bearer {TOKEN}"
    assert sent["User-Agent"].startswith("crmhub/")


@responses.activate
def test_retry_after_in_seconds_is_obeyed() -> None:
    world = World()
    responses.get(URL, status=429, headers={"Retry-After": "3"})
    responses.get(URL, json=1)
    assert get(transport(world)) == 1
    assert world.clock.slept == [3]
    assert world.ledger.calls == [("GET /things", 429), ("GET /things", 200)]


@responses.activate
def test_retry_after_as_a_date_is_obeyed() -> None:
    world = World()
    responses.get(URL, status=503, headers={"Retry-After": "Fri, 15 Jan 2027 08:00:07 GMT"})
    responses.get(URL, json=1)
    assert get(transport(world)) == 1
    assert world.clock.slept == [7]


@responses.activate
def test_without_retry_after_the_vendors_usual_wait_grows_with_each_attempt() -> None:
    world = World()
    responses.get(URL, status=429)
    responses.get(URL, status=429)
    responses.get(URL, json=1)
    assert get(transport(world)) == 1
    assert world.clock.slept == [10, 20]


@responses.activate
def test_throttling_that_lasts_is_raised_with_the_time_to_come_back() -> None:
    world = World()
    responses.get(URL, status=429, headers={"Retry-After": "3600"})
    with pytest.raises(Throttled) as caught:
        get(transport(world))
    assert caught.value.retry_after == 3600
    assert world.clock.slept == []


@responses.activate
@pytest.mark.parametrize("status", [500, 502, 504])
def test_server_trouble_that_lasts_costs_at_most_thirty_seconds(status: int) -> None:
    world = World()
    responses.get(URL, status=status)
    with pytest.raises(Unavailable) as caught:
        get(transport(world))
    assert caught.value.connection == "hs"
    assert 10_000 < world.clock.now() - NOW <= 30_000


@responses.activate
def test_cut_json_is_read_again() -> None:
    world = World()
    responses.get(URL, body='{"results": [{"id": ')
    responses.get(URL, json=[])
    assert get(transport(world)) == []
    assert len(world.ledger.calls) == 2


@responses.activate
def test_json_that_stays_broken_is_unavailable() -> None:
    responses.get(URL, body="<html>maintenance</html>")
    with pytest.raises(Unavailable, match="broken JSON"):
        get(transport(World()))


@responses.activate
def test_a_write_with_a_broken_answer_is_of_unknown_fate_and_sent_once() -> None:
    world = World()
    responses.post(URL, body='{"results": [')
    with pytest.raises(UnknownFate):
        post(transport(world))
    assert len(world.ledger.calls) == 1


@responses.activate
def test_a_write_is_repeated_after_a_clear_refusal_only() -> None:
    world = World()
    responses.post(URL, status=429)
    responses.post(URL, status=503)
    responses.post(URL, json="done")
    assert post(transport(world)) == "done"
    responses.reset()
    responses.post(URL, status=500)
    with pytest.raises(UnknownFate):
        post(transport(world))
    assert [s for _, s in world.ledger.calls] == [429, 503, 200, 500]


@responses.activate
def test_a_write_that_times_out_is_of_unknown_fate() -> None:
    world = World()
    responses.post(URL, body=requests.ReadTimeout("x"))
    with pytest.raises(UnknownFate, match="no answer within 60 s"):
        post(transport(world))
    assert world.ledger.calls == [("POST /things", 0)]
    assert world.sides == [("send", "POST /things")]


@responses.activate
def test_401_refreshes_exactly_once() -> None:
    world, auth = World(), Renewable(times=5)
    responses.get(URL, status=401, body="expired")
    with pytest.raises(AuthFailed, match="expired"):
        get(transport(world, auth))
    assert auth.refreshes == 1
    assert [s for _, s in world.ledger.calls] == [401, 401]


@responses.activate
def test_after_a_refresh_the_call_goes_on_with_the_new_token() -> None:
    auth = Renewable()
    responses.get(URL, status=401)
    responses.get(URL, json=1)
    assert get(transport(World(), auth)) == 1
    assert responses.calls[1].request.headers["Authorization"] == "Bearer token2"


@responses.activate
def test_a_static_token_that_is_refused_costs_one_call() -> None:
    world = World()
    responses.get(URL, status=401)
    with pytest.raises(AuthFailed):
        get(transport(world))
    assert len(world.ledger.calls) == 1


@responses.activate
def test_stop_is_raised_at_once() -> None:
    world = World()
    responses.get(URL, status=403)
    with pytest.raises(MissingScope):
        get(transport(world))
    assert len(world.ledger.calls) == 1


@responses.activate
def test_no_secret_reaches_errors_reprs_or_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    responses.get(URL, status=500)
    responses.get(URL, status=401, body=f"the token {TOKEN} is unknown")
    t = transport(World())
    with pytest.raises(AuthFailed) as caught:
        get(t)
    said = " ".join([str(caught.value), repr(caught.value), repr(t), repr(StaticAuth(TOKEN)), caplog.text])
    assert TOKEN not in said
    assert "the token *** is unknown" in said


@responses.activate
def test_a_token_endpoint_gets_no_token() -> None:
    responses.post(f"{BASE}/token", json={})
    transport(World()).request("POST", "/token", endpoint="POST /token", fate="read", data={"a": "b"}, authorized=False)
    assert "Authorization" not in responses.calls[0].request.headers
    assert responses.calls[0].request.body == "a=b"


@responses.activate
def test_a_redirect_is_not_followed() -> None:
    responses.get(URL, status=302, headers={"Location": "https://evil.example/"})
    with pytest.raises(Rejected, match="302"):
        get(transport(World()))
    assert len(responses.calls) == 1


@responses.activate
def test_the_vendors_clock_is_read_from_date_when_it_differs() -> None:
    world = World()
    t = transport(world)
    responses.get(URL, json=1, headers={"Date": "Fri, 15 Jan 2027 08:05:00 GMT"})
    get(t)
    assert t.vendor_now() == NOW + 300_000
    assert t.vendor_time(NOW - 5) == NOW + 299_995
    responses.reset()
    responses.get(URL, json=1, headers={"Date": "Fri, 15 Jan 2027 08:00:01 GMT"})
    get(t)
    assert t.vendor_now() == NOW  # within the header's coarseness


@responses.activate
def test_a_url_that_is_none_is_a_bug_not_an_outage() -> None:
    with pytest.raises(ContractBroken):
        transport(World(), base="nonsense").request("GET", "/x", endpoint="GET /x", fate="read")


def test_nobody_listens() -> None:
    world = World()
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    t = transport(world, base=f"http://127.0.0.1:{port}")
    with pytest.raises(Unavailable, match="no connection"):
        post(t)  # a write that surely was not sent is retried too
    assert len(world.ledger.calls) == 6
    assert world.clock.now() - NOW <= 30_000


@contextmanager
def rude_server(talk: Callable[[socket.socket, int], None]) -> Iterator[str]:
    """A server that reads a request and does with the connection what `talk` likes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def serve() -> None:
            number = 0
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    talk(connection, number)
                number += 1

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"


def test_a_connection_that_is_cut_after_sending() -> None:
    def talk(connection: socket.socket, number: int) -> None:
        if number:
            connection.sendall(GOOD + b"true")

    with rude_server(talk) as base:
        assert get(transport(World(), base=base)) is True
    with rude_server(talk) as base, pytest.raises(UnknownFate, match="the connection was cut"):
        post(transport(World(), base=base))


def test_a_body_that_is_cut() -> None:
    def talk(connection: socket.socket, number: int) -> None:
        connection.sendall(GOOD + (b"true" if number else b"tr"))

    with rude_server(talk) as base:
        assert get(transport(World(), base=base)) is True
    with rude_server(talk) as base, pytest.raises(UnknownFate, match="cut"):
        post(transport(World(), base=base))


def test_no_more_calls_at_once_than_there_are_places() -> None:
    world = World()
    inside: list[int] = []
    most: list[int] = []

    def watch(side: str, endpoint: str) -> None:
        inside.append(1) if side == "send" else inside.pop()
        most.append(len(inside))

    around = world.surroundings()
    t = Transport(
        type(around)("hs", world.clock, world.ledger, world.secrets, watch),
        BASE,
        StaticAuth(TOKEN),
        classify,
        Budget(around),
        2,
    )
    with responses.RequestsMock() as mock:
        mock.get(URL, json=1)
        threads = [Thread(target=lambda: [get(t) for _ in range(20)]) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert max(most) <= 2
    assert len(world.ledger.calls) == 120
