"""Requests that cannot even be made: a typed error leaves, without the token and without what carried it."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

import pytest
import requests
import responses
from urllib3.exceptions import InvalidHeader

from connectors.budget import Budget
from connectors.contract import AuthFailed, ConnectorError, ContractBroken
from connectors.transport import OK, StaticAuth, Transport, UnknownFate, Verdict
from tests.connectors.hubspot_kit import BASE, World

SECRET = "pat-na1-s3cret"


def classify(_status: int, _headers: Mapping[str, str], _body: bytes) -> Verdict:
    return OK


def transport(token: str = SECRET, base: str = BASE, world: World | None = None) -> Transport:
    around = (world or World()).surroundings()
    return Transport(around, base, StaticAuth(token), classify, Budget(around))


def said(e: BaseException) -> str:
    """All that a log, a journal or a crash report may show of an exception, its causes included."""
    parts = [str(e), repr(e), "".join(traceback.format_exception(e))]
    parts += [said(other) for other in (e.__cause__, e.__context__) if other is not None]
    return " ".join(parts)


@pytest.mark.parametrize("form", ["{}\n", "{}\r\nX-Other: 1", "{}\x00", "{} ", "{}\u2013", "\u201c{}\u201d"])
@pytest.mark.parametrize("fate", ["read", "write"])
def test_a_token_that_no_header_can_carry(form: str, fate: Any) -> None:
    world = World()
    t = transport(form.format(SECRET), base="http://127.0.0.1:9", world=world)
    with pytest.raises(AuthFailed, match="copy it again") as caught:
        t.request("GET", "/things", endpoint="GET /things", fate=fate)
    assert caught.value.connection == "hs"
    assert "s3cret" not in said(caught.value)
    assert world.ledger.calls == []


@pytest.mark.parametrize(
    "base",
    ["nonsense", "https://", "http://[", f"https://{'a' * 70}.example", "https://.example", "https://host:port"],
)
def test_an_address_that_is_none(base: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        transport(base=base).request("GET", f"/{SECRET}", endpoint="GET /x", fate="read")
    assert isinstance(caught.value, ContractBroken)
    assert "base_url" in str(caught.value)
    assert "s3cret" not in said(caught.value)


QUOTING = [
    (requests.exceptions.InvalidHeader(SECRET), AuthFailed),
    (requests.exceptions.InvalidURL(SECRET), ContractBroken),
    (UnicodeEncodeError("latin-1", SECRET, 0, 1, SECRET), ContractBroken),
    (requests.exceptions.InvalidJSONError(SECRET), ContractBroken),
]


@responses.activate
@pytest.mark.parametrize(("raised", "kind"), QUOTING)
@pytest.mark.parametrize("fate", ["read", "write"])
def test_what_requests_says_of_a_request_stays_inside(raised: Exception, kind: type[ConnectorError], fate: Any) -> None:
    responses.get(f"{BASE}/things", body=raised)
    with pytest.raises(kind) as caught:
        transport().request("GET", "/things", endpoint="GET /things", fate=fate)
    assert "s3cret" not in said(caught.value)


@responses.activate
@pytest.mark.parametrize("raised", [ValueError(SECRET), InvalidHeader(SECRET)])
def test_an_unreadable_answer_to_a_write_is_of_unknown_fate(raised: Exception) -> None:
    responses.post(f"{BASE}/things", body=raised)
    with pytest.raises(UnknownFate, match="could not be read") as caught:
        transport().request("POST", "/things", endpoint="POST /things", fate="write")
    assert "s3cret" not in said(caught.value)
