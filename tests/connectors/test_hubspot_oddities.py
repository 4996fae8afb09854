"""HubSpot's odd replies, each an exhibit under hubspot_exhibits named after its oddity."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import orjson
import pytest
import responses

from connectors.contract import (
    AuthFailed,
    ConnectorError,
    ContractBroken,
    Deletion,
    Link,
    Merge,
    MissingScope,
    QuotaExhausted,
    Rejected,
    Throttled,
    Unavailable,
    WriteOp,
)
from connectors.hubspot.config import Settings
from connectors.hubspot.errors import classifier, read_refusal
from connectors.hubspot.routes import versioned
from connectors.hubspot.rows import to_ms, to_values
from connectors.hubspot.writing import to_text
from tests.connectors.hubspot_kit import BASE, NOW, TOKEN, MemorySecrets, World, batch, page, record

EXHIBITS = Path(__file__).parent / "hubspot_exhibits"
CONTACTS = f"{BASE}/crm/v3/objects/contacts"
DAY_END = NOW + 1


def exhibit(name: str) -> Any:
    return orjson.loads((EXHIBITS / f"{name}.json").read_bytes())


def verdict(status: int, body: bytes, **headers: str) -> tuple[str, ConnectorError | None, float | None]:
    found = classifier(lambda: DAY_END)(status, headers, body)
    return found.action, found.error, found.wait_s


def shown(name: str) -> tuple[str, ConnectorError | None, float | None]:
    return verdict(int(name[:3]), (EXHIBITS / f"{name}.json").read_bytes())


# ------------------------------------------------------------------------------------------------ refusals


def test_429_of_the_burst_waits_ten_seconds_times_attempt() -> None:
    action, error, wait = shown("429_burst")
    assert (action, wait) == ("throttle", 10)
    assert isinstance(error, Throttled)


def test_429_of_search_waits_one_second_times_attempt() -> None:
    action, _, wait = shown("429_search_without_policy")
    assert (action, wait) == ("throttle", 1)


def test_429_of_the_day_stops_until_it_ends() -> None:
    action, error, _ = shown("429_daily")
    assert action == "stop"
    assert isinstance(error, QuotaExhausted)
    assert error.resets_at == DAY_END


def test_429_from_the_edge_is_text() -> None:
    action, _, wait = verdict(429, b"error code: 1015")
    assert (action, wait) == ("throttle", 10)


def test_403_names_the_scopes() -> None:
    _, error, _ = shown("403_scopes_in_error_context")
    assert isinstance(error, MissingScope)
    assert error.scope == "crm.objects.contacts.write or crm.objects.companies.write"


@pytest.mark.parametrize(
    ("status", "action", "kind"),
    [
        (401, "auth", AuthFailed),
        (530, "auth", AuthFailed),  # Cloudflare's answer to a token of another region
        (403, "stop", Rejected),
        (404, "stop", Rejected),
        (414, "stop", Rejected),
        (423, "throttle", Throttled),
        (477, "stop", Unavailable),
        (500, "retry", Unavailable),
        (521, "retry", Unavailable),
        (302, "stop", ContractBroken),
    ],
)
def test_an_html_page_is_read_by_its_status(status: int, action: str, kind: type[ConnectorError]) -> None:
    found, error, _ = verdict(status, b"<html>sorry</html>")
    assert found == action
    assert isinstance(error, kind)


def test_503_with_retry_after_is_a_clear_refusal() -> None:
    classify = classifier(lambda: DAY_END)
    assert classify(503, {"Retry-After": "1"}, b"").refused
    assert not classify(503, {}, b"").refused


def test_the_reasons_inside_the_message_are_unpacked() -> None:
    refusal = read_refusal(exhibit("400_reasons_as_json_inside_the_message"))
    assert refusal.fields == ("size", "colour")
    assert refusal.code == "INVALID_OPTION"
    assert refusal.message == (
        'size: big was not one of the allowed options: [small, large]; Property "colour" does not exist'
    )
    assert "[options]" in refusal.remedy


def test_the_reasons_in_errors_are_unpacked() -> None:
    refusal = read_refusal(exhibit("400_reasons_in_errors"))
    assert (refusal.code, refusal.fields) == ("INVALID_EMAIL", ("email",))
    assert refusal.message == "email: not a valid e-mail"


def test_409_tells_the_existing_record() -> None:
    assert read_refusal(exhibit("409_existing_id")).existing_id == "12345"


def test_an_error_body_may_be_empty() -> None:
    refusal = read_refusal({})
    assert (refusal.code, refusal.message) == ("VALIDATION_ERROR", "no reason given")


# ------------------------------------------------------------------------------------------------ writing


def update(op_id: str, remote_id: str = "1") -> WriteOp:
    return WriteOp(op_id, "update", remote_id, {"firstname": "A"})


@responses.activate
def test_an_error_that_names_nobody_is_meant_for_the_silent_one() -> None:
    responses.post(f"{CONTACTS}/batch/update", json=exhibit("207_error_that_names_nobody"), status=207)
    results = World().connector().push("contacts", [update("a", "1"), update("b", "2")])
    assert [(r.outcome, r.message) for r in results] == [("applied", ""), ("rejected", "someone is wrong")]


@responses.activate
def test_a_record_merged_away_names_its_survivor() -> None:
    responses.post(f"{CONTACTS}/batch/update", json=exhibit("207_survivor_answers_for_a_merged_record"))
    (result,) = World().connector().push("contacts", [update("op1")])
    assert (result.outcome, result.remote_id, result.code) == ("gone", "9", "MERGED")


@responses.activate
def test_a_passing_trouble_of_one_op_is_a_retry() -> None:
    responses.post(f"{CONTACTS}/batch/update", json=exhibit("207_transient_for_one"), status=207)
    (result,) = World().connector().push("contacts", [update("op1")])
    assert result.outcome == "retry"
    assert result.retry_after


@responses.activate
def test_a_batch_refused_as_a_whole_is_halved_until_the_culprit_is_alone() -> None:
    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        inputs = orjson.loads(request.body)["inputs"]
        if any(i["id"] == "3" for i in inputs):
            return 400, {}, orjson.dumps({"status": "error", "message": "bad", "category": "VALIDATION_ERROR"})
        return 200, {}, orjson.dumps(batch(*(record(int(i["id"]), firstname="A") for i in inputs)))

    responses.add_callback(responses.POST, f"{CONTACTS}/batch/update", answer)
    results = World().connector().push("contacts", [update(f"o{i}", str(i)) for i in range(1, 7)])
    assert [r.outcome for r in results] == ["applied", "applied", "rejected", "applied", "applied", "applied"]


@responses.activate
def test_an_op_that_the_answer_forgets_is_unknown() -> None:
    responses.post(f"{CONTACTS}/batch/update", json=batch())
    assert World().connector().push("contacts", [update("a"), update("b", "2")])[1].outcome == "unknown"


@responses.activate
def test_nothing_attempted_is_raised() -> None:
    responses.post(f"{CONTACTS}/batch/update", json=exhibit("429_daily"), status=429)
    with pytest.raises(QuotaExhausted):
        World().connector().push("contacts", [update("a")])


@responses.activate
def test_inputs_carry_trace_ids_and_text() -> None:
    responses.post(f"{CONTACTS}/batch/update", json=batch(record(1)))
    op = WriteOp("op1", "update", "1", {"a": None, "b": True, "c": 3, "d": 2.5, "e": "ü"})
    World().connector().push("contacts", [op])
    (sent,) = orjson.loads(responses.calls[0].request.body or b"")["inputs"]
    properties = {"a": "", "b": "true", "c": "3", "d": "2.5", "e": "ü"}
    assert sent == {"id": "1", "objectWriteTraceId": "op1", "properties": properties}


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e15, "1000000000000000"), (0.1 + 0.2, "0.3"), (-0.5, "-0.5"), (12345678.0, "12345678"), (False, "false")],
)
def test_numbers_have_no_separators_and_no_exponent(value: float, text: str) -> None:
    assert to_text(value) == text


# ------------------------------------------------------------------------------------------------ reading


@responses.activate
def test_labelled_and_unlabelled_associations_are_one_link() -> None:
    responses.get(CONTACTS, json=exhibit("200_labelled_and_unlabelled_association"))
    (found,) = World().connector().pull("contacts", None, ())
    assert found.rows[0].links == (Link("companies", "71", primary=True), Link("companies", "72"))


@responses.activate
def test_associations_cut_off_are_read_apart_page_by_page() -> None:
    responses.get(CONTACTS, json=exhibit("200_associations_cut_off"))
    links = f"{BASE}/crm/v4/associations/contacts/companies/batch/read"
    responses.post(links, json=exhibit("207_links_number_ids_and_a_second_page"), status=207)
    second = {"from": {"id": "1"}, "to": [{"toObjectId": "72", "associationTypes": []}]}
    responses.post(links, json=batch(second))
    (found,) = World().connector().pull("contacts", None, ())
    assert found.rows[0].links == (Link("companies", "71", primary=True), Link("companies", "72"))
    assert orjson.loads(responses.calls[2].request.body or b"") == {"inputs": [{"id": "1", "after": "x2"}]}


@responses.activate
def test_an_association_that_is_told_twice_is_one_link() -> None:
    entry = {"from": {"id": "1"}, "to": [{"toObjectId": "71", "associationTypes": []}] * 2}
    responses.post(f"{BASE}/crm/v4/associations/contacts/companies/batch/read", json=batch(entry, entry))
    assert World().connector().links("contacts", ["1"]) == {"1": (Link("companies", "71"),)}


@responses.activate
def test_a_survivor_that_does_not_tell_what_it_absorbed_is_asked_for_by_id() -> None:
    survivor = exhibit("200_survivor_without_its_merged_ids")
    responses.post(f"{CONTACTS}/batch/read", json=survivor, status=207)
    responses.post(f"{CONTACTS}/batch/read", json=batch({**record(5), "archivedAt": "2027-01-15T08:00:00Z"}))
    responses.get(f"{CONTACTS}/1", json=survivor["results"][0])
    responses.get(f"{CONTACTS}/4", status=404, json={"category": "OBJECT_NOT_FOUND"})
    result = World().connector().read("contacts", ["1", "4", "5"], ("email",))
    assert result.merges == [Merge("1", "9")]
    assert result.rows["9"].values == {"email": "a@example.com"}
    assert result.deleted == [Deletion("5", NOW)]
    assert result.missing == ["4"]


@responses.activate
@pytest.mark.parametrize("body", [{}, [], {"results": None}, {"results": [], "total": None}])
def test_an_answer_of_another_shape_is_named(body: Any) -> None:
    responses.post(f"{CONTACTS}/search", json=body)
    with pytest.raises(ContractBroken):
        World().connector().count("contacts")


@responses.activate
def test_a_search_that_ignores_the_keyset_does_not_run_for_ever() -> None:
    responses.post(f"{CONTACTS}/search", json=page(record(1), total=500))
    world = World()
    bookmark = {"v": 1, "state": "delta", "low": NOW, "start": NOW, "last_id": "7"}
    with pytest.raises(ContractBroken, match="does not advance"):
        list(world.connector().pull("contacts", bookmark | {"n": 0, "hwm": 0, "digest": 0}, ()))


def test_blank_is_none_and_unseen_is_missing() -> None:
    assert to_values({"a": "", "b": None, "c": "x"}, ("a", "b", "c", "d")) == {"a": None, "b": None, "c": "x"}


@pytest.mark.parametrize("text", ["2027-01-15T08:00:00Z", "2027-01-15T08:00:00.000Z", "1800000000000"])
def test_all_forms_of_time(text: str) -> None:
    assert to_ms(text) == NOW


def test_a_time_that_is_none_is_named() -> None:
    with pytest.raises(ContractBroken):
        to_ms("yesterday")


# ------------------------------------------------------------------------------------------- the connector


def test_streams_that_cannot_are_told_so() -> None:
    connector = World().connector()
    with pytest.raises(Rejected, match="takes no writes"):
        connector.push("calls", [update("a")])
    with pytest.raises(Rejected, match="streams that can"):
        connector.read("form_submissions", ["1"], ())
    with pytest.raises(ValueError, match="100 is the most"):
        connector.push("contacts", [update(str(i)) for i in range(101)])


@pytest.mark.parametrize(
    ("path", "dated"),
    [
        ("/crm/v3/objects/contacts/search", "/crm/objects/2026-09/contacts/search"),
        ("/crm/v4/associations/calls/contacts/batch/read", "/crm/associations/2026-09/calls/contacts/batch/read"),
        ("/crm/v3/properties/contacts/x", "/crm/properties/2026-09/contacts/x"),
        ("/crm/v3/owners/", "/crm/owners/2026-09/"),
        ("/account-info/v3/details", "/account-info/2026-09/details"),
        ("/oauth/v1/token", "/oauth/2026-09/token"),
        ("/form-integrations/v1/submissions/forms/x", "/form-integrations/v1/submissions/forms/x"),
    ],
)
def test_paths_of_the_dated_api(path: str, dated: str) -> None:
    assert versioned(path, "2026-09") == dated
    assert versioned(path, "v3") == path


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({}, "give access_token, or"),
        ({"access_token": "a", "client_id": "b"}, "remove one of the two"),
        ({"client_id": "b"}, "give access_token, or"),
        ({"access_token": "a", "base_url": "http://api.hubapi.com"}, "base_url must begin with https"),
        ({"access_token": "a", "acess": "b"}, "unknown field"),
        ({"access_token": "a", "api_version": "v9"}, "v9"),
    ],
)
def test_settings_say_what_is_wrong(keys: dict[str, str], complaint: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.convert(keys, Settings)


@responses.activate
def test_no_secret_in_reprs_logs_or_the_clients_own_chatter(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    responses.get(f"{BASE}/crm/v3/properties/contacts", status=401, json={"message": f"bad token {TOKEN}"})
    connector = World().connector()
    with pytest.raises(AuthFailed) as caught:
        connector.describe("contacts")
    settings = Settings(access_token=TOKEN)
    assert TOKEN not in " ".join([repr(connector), repr(settings), str(caught.value), caplog.text])


@responses.activate
def test_a_rotated_refresh_token_is_stored_before_its_first_use() -> None:
    order: list[str] = []

    class Spy(MemorySecrets):
        def put(self, name: str, value: str) -> None:
            order.append("stored")
            super().put(name, value)

    def search(_request: Any) -> tuple[int, dict[str, str], bytes]:
        order.append("used")
        return 200, {}, orjson.dumps(page(total=3))

    world = World(secrets=Spy())
    grant = {"access_token": "at-1", "refresh_token": "rt-2", "expires_in": 1800}
    responses.post(f"{BASE}/oauth/v1/token", json=grant)
    responses.add_callback(responses.POST, f"{CONTACTS}/search", search)
    oauth = {"access_token": None, "client_id": "c", "client_secret": "s", "refresh_token": "rt-1"}
    assert world.connector(**oauth).count("contacts") == 3
    assert order == ["stored", "used"]
    (kept,) = world.secrets.kept.values()
    assert "rt-2" in kept


@responses.activate
def test_a_replaced_refresh_token_is_used_until_another_one_is_configured() -> None:
    asked: list[str] = []

    def token(request: Any) -> tuple[int, dict[str, str], bytes]:
        asked.append(
            parse_qs(request.body.decode() if isinstance(request.body, bytes) else request.body)["refresh_token"][0]
        )
        return 200, {}, orjson.dumps({"access_token": "at", "refresh_token": "rotated"})

    responses.add_callback(responses.POST, f"{BASE}/oauth/v1/token", token)
    responses.post(f"{CONTACTS}/search", json=page(total=3))
    secrets = MemorySecrets()
    for given in ("first", "first", "second"):
        oauth = {"access_token": None, "client_id": "c", "client_secret": "s", "refresh_token": given}
        World(secrets=secrets).connector(**oauth).count("contacts")
    assert asked == ["first", "rotated", "second"]


@responses.activate
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"status": "BAD_REFRESH_TOKEN", "message": "missing or unknown refresh token"}, "revoked"),
        ({"error": "invalid_grant", "error_description": "refresh token is invalid"}, "revoked"),
        ({"status": "BAD_CLIENT_ID"}, "client_id or client_secret"),
        ({"error": "invalid_client"}, "client_id or client_secret"),
        ({"error": "temporarily_unavailable", "error_description": "later"}, "temporarily_unavailable: later"),
    ],
)
def test_a_revoked_refresh_token_is_an_auth_failure(body: dict[str, str], said: str) -> None:
    responses.post(f"{BASE}/oauth/v1/token", status=400, json=body)
    oauth = {"access_token": None, "client_id": "c", "client_secret": "s", "refresh_token": "rt-1"}
    with pytest.raises(AuthFailed, match=said) as caught:
        World().connector(**oauth).count("contacts")
    assert caught.value.connection == "hs"
    (problem,) = World().connector(**oauth).check().problems
    assert "refuses the OAuth app" in problem.text
    assert "refresh_token" in problem.remedy


@responses.activate
@pytest.mark.parametrize(
    ("status", "body", "said", "remedy"),
    [
        (530, b"error code: 1033", "form or region", "pat-eu1-"),
        (401, b'{"category":"EXPIRED_AUTHENTICATION","message":"over"}', "it has expired", "service key"),
        (401, b'{"category":"INVALID_AUTHENTICATION","message":"not found or invalid"}', "not found or", "service key"),
    ],
)
def test_a_refused_token_is_told_with_a_way_out(status: int, body: bytes, said: str, remedy: str) -> None:
    responses.get(f"{BASE}/account-info/v3/details", status=status, body=body)
    report = World().connector().check()
    (problem,) = report.problems
    assert said in problem.text
    assert remedy in problem.remedy
    assert problem.fatal
