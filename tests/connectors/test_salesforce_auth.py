"""Logging in: the three grants, rotation, and what `check` says about every way that it can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import responses
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.contract import AuthFailed, MissingScope
from connectors.salesforce.config import Settings
from connectors.salesforce.connector import build
from tests.connectors.salesforce_kit import (
    BASE,
    NOW,
    ORG,
    QUERY_ALL,
    TOKEN_URL,
    MemorySecrets,
    Sandbox,
    World,
    ids,
    page,
    refusal,
    sent,
    settings,
    token_answer,
    used_sandbox,
)


@pytest.fixture
def http() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def world() -> World:
    return World()


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def pem() -> str:
    form = serialization.PrivateFormat.PKCS8
    return key().private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def jwt_settings(**changes: object) -> Settings:
    signed = {"client_secret": None, "private_key": pem(), "username": "hub@acme.com"}
    return settings(**(signed | changes))


def test_the_jwt_grant_signs_who_we_are(http: responses.RequestsMock, world: World) -> None:
    http.post(TOKEN_URL, json=token_answer())
    http.get(QUERY_ALL, json=page())
    list(build(jwt_settings(), world.surroundings()).pull("leads", None, []))
    form = parse_qs(str(sent(http, TOKEN_URL)[0].body))
    assert form.keys() == {"grant_type", "assertion"}
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = jwt.decode(
        form["assertion"][0],
        key().public_key(),
        algorithms=["RS256"],
        audience=BASE,
        options={"verify_exp": False},
    )
    assert (claims["iss"], claims["sub"]) == ("id", "hub@acme.com")
    assert 60 <= claims["exp"] - NOW // 1000 <= 180


def test_a_key_in_one_line_is_understood(http: responses.RequestsMock, world: World) -> None:
    http.post(TOKEN_URL, json=token_answer())
    http.get(QUERY_ALL, json=page())
    one_line = jwt_settings(private_key=pem().replace("\n", "\\n"))
    list(build(one_line, world.surroundings()).pull("leads", None, []))
    assert sent(http, TOKEN_URL)


def test_the_vendors_clock_dates_the_claim(http: responses.RequestsMock, world: World) -> None:
    http.post(TOKEN_URL, json=token_answer(), headers={"Date": "Fri, 15 Jan 2027 07:00:00 GMT"})
    http.get(QUERY_ALL, status=401, json=refusal("INVALID_SESSION_ID"))
    http.get(QUERY_ALL, json=page())
    list(build(jwt_settings(), world.surroundings()).pull("leads", None, []))
    second = parse_qs(str(sent(http, TOKEN_URL)[1].body))["assertion"][0]
    claims = jwt.decode(second, options={"verify_signature": False})
    assert claims["exp"] < NOW // 1000 - 3_000


@pytest.mark.parametrize(
    ("base_url", "audience"),
    [
        ("https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"),
    ],
)
def test_the_audience_follows_from_the_address(base_url: str, audience: str) -> None:
    assert jwt_settings(base_url=base_url).jwt_audiences == (base_url, audience)
    assert jwt_settings(base_url=base_url, audience="https://x.my.site.com").jwt_audiences == ("https://x.my.site.com",)


def test_an_older_app_wants_another_audience(http: responses.RequestsMock, world: World) -> None:
    wrong = {"error": "invalid_grant", "error_description": "audience is invalid"}
    http.post(TOKEN_URL, status=400, json=wrong)
    http.post(TOKEN_URL, json=token_answer())
    http.get(QUERY_ALL, json=page())
    http.get(QUERY_ALL, status=401, json=refusal("INVALID_SESSION_ID"))
    http.get(QUERY_ALL, json=page())
    crm = build(jwt_settings(), world.surroundings())
    for _ in range(2):
        list(crm.pull("leads", None, []))
    told = [parse_qs(str(r.body))["assertion"][0] for r in sent(http, TOKEN_URL)]
    audiences = [jwt.decode(t, options={"verify_signature": False})["aud"] for t in told]
    assert audiences == [BASE, "https://login.salesforce.com", "https://login.salesforce.com"]


def test_a_broken_key_is_told_and_not_shown(http: responses.RequestsMock, world: World) -> None:
    wrong = pem()[:200]
    report = build(jwt_settings(private_key=wrong), world.surroundings()).check()
    (problem,) = report.problems
    assert "private_key" in problem.text
    assert "-----BEGIN" in problem.remedy
    assert wrong[40:80] not in problem.text
    assert wrong[40:80] not in repr(jwt_settings(private_key=wrong))
    assert not http.calls


@pytest.mark.parametrize(
    ("wrong", "key_name"),
    [
        ({"client_secret": None}, "client_secret"),
        ({"private_key": "x"}, "username"),
        ({"private_key": "x", "username": "y", "refresh_token": "z"}, "refresh_token"),
    ],
)
def test_a_grant_that_lacks_something_is_told(wrong: dict[str, str | None], key_name: str) -> None:
    with pytest.raises(ValueError, match=f"^{key_name} "):
        settings(**wrong)


def test_a_refresh_token_needs_no_secret(http: responses.RequestsMock, world: World) -> None:
    http.post(TOKEN_URL, json=token_answer())
    http.get(QUERY_ALL, json=page())
    list(build(settings(client_secret=None, refresh_token="r"), world.surroundings()).pull("leads", None, []))
    form = parse_qs(str(sent(http, TOKEN_URL)[0].body))
    assert form == {"grant_type": ["refresh_token"], "refresh_token": ["r"], "client_id": ["id"]}


def test_rotated_refresh_tokens_outlive_the_process(http: responses.RequestsMock, world: World) -> None:
    given = settings(refresh_token="first")
    for number, token in enumerate(("second", "third"), 1):
        http.post(TOKEN_URL, json=token_answer(number, refresh_token=token))
    http.get(QUERY_ALL, json=page())
    http.get(QUERY_ALL, status=401, json=refusal("INVALID_SESSION_ID"))
    http.get(QUERY_ALL, json=page())
    for _ in range(2):
        list(build(given, world.surroundings()).pull("leads", None, []))
    assert [parse_qs(str(r.body))["refresh_token"] for r in sent(http, TOKEN_URL)] == [["first"], ["second"]]
    assert "third" in world.secrets.kept["refresh-token"]


def test_a_token_that_another_process_fetched_is_used(http: responses.RequestsMock, world: World) -> None:
    http.post(TOKEN_URL, json=token_answer(1))
    http.post(TOKEN_URL, json=token_answer(2))
    http.get(QUERY_ALL, json=page())
    first, second = (build(settings(), world.surroundings()) for _ in range(2))
    list(first.pull("leads", None, []))
    list(second.pull("leads", None, []))
    http.replace(responses.GET, QUERY_ALL, status=401, json=refusal("INVALID_SESSION_ID"))
    with pytest.raises(AuthFailed):
        list(first.pull("leads", None, []))
    http.replace(responses.GET, QUERY_ALL, status=401, json=refusal("INVALID_SESSION_ID"))
    http.get(QUERY_ALL, json=page())
    list(second.pull("leads", None, []))
    assert len(sent(http, TOKEN_URL)) == 2
    assert sent(http, QUERY_ALL)[-1].headers["Authorization"] == f"Bearer {ORG[:15]}!token2"


def test_an_old_token_of_another_process_is_not_tried(http: responses.RequestsMock, world: World) -> None:
    http.post(TOKEN_URL, json=token_answer(1))
    http.post(TOKEN_URL, json=token_answer(2))
    http.post(TOKEN_URL, json=token_answer(3))
    http.get(QUERY_ALL, json=page())
    first, second = (build(settings(), world.surroundings()) for _ in range(2))
    list(first.pull("leads", None, []))
    http.replace(responses.GET, QUERY_ALL, status=401, json=refusal("INVALID_SESSION_ID"))
    http.get(QUERY_ALL, json=page())
    list(second.pull("leads", None, []))
    world.clock.at += 3 * 3_600_000
    http.replace(responses.GET, QUERY_ALL, status=401, json=refusal("INVALID_SESSION_ID"))
    http.get(QUERY_ALL, json=page())
    list(first.pull("leads", None, []))
    assert sent(http, QUERY_ALL)[-1].headers["Authorization"] == f"Bearer {ORG[:15]}!token3"


@pytest.mark.parametrize(
    ("error", "description", "remedy"),
    [
        ("invalid_client", "invalid client credentials", "copy the consumer secret"),
        ("invalid_client_id", "client identifier invalid", "copy the consumer key"),
        ("invalid_client", "app must be installed into org", "install it for this org"),
        ("invalid_grant", "no client credentials user enabled", "Run As user"),
        ("invalid_grant", "user hasn't approved this consumer", "pre-authorized"),
        ("invalid_grant", "audience is invalid", "https://test.salesforce.com"),
        ("app_not_found", "External client app is not installed in this org", "remove audience"),
        ("invalid_grant", "invalid assertion", "certificate"),
        ("invalid_grant", "expired access/refresh token", "connect the org again"),
        ("invalid_grant", "request not supported on this domain", "My Domain"),
        ("unsupported_grant_type", "grant type not supported", "enable the flow"),
        ("inactive_user", "user is inactive", "activate it"),
        ("invalid_grant", "authentication failure", "check client_id"),
    ],
)
def test_check_names_why_a_log_in_fails(
    http: responses.RequestsMock, world: World, error: str, description: str, remedy: str
) -> None:
    http.post(TOKEN_URL, status=400, json={"error": error, "error_description": description})
    (problem,) = build(settings(), world.surroundings()).check().problems
    assert problem.fatal
    assert description in problem.text
    assert remedy in problem.remedy


def test_check_names_a_session_that_is_refused_for_good(http: responses.RequestsMock, world: World) -> None:
    http.post(TOKEN_URL, json=token_answer())
    text = "This session is not valid for use with the REST API"
    http.get(f"{BASE}/services/data/v67.0/query/", status=401, json=refusal("INVALID_SESSION_ID", text))
    (problem,) = build(settings(), world.surroundings()).check().problems
    assert "high assurance" in problem.remedy


# ------------------------------------------------------------------------------------------------ sandbox


@pytest.fixture
def org(sandbox: Callable[..., Any]) -> Iterator[Sandbox]:
    yield from used_sandbox(sandbox)


def test_the_jwt_grant_logs_in(org: Sandbox) -> None:
    crm = org.connector(client_secret=None, private_key=org.more["private_key"], username=org.username)
    report = crm.check()
    assert report.account_id == org.more["org_id"]
    assert report.user == org.username
    org.act("revoke", what="sessions")
    assert crm.count("leads")


@pytest.mark.parametrize("domain_only", [True, False])
def test_the_jwt_grant_finds_its_audience(org: Sandbox, domain_only: bool) -> None:
    org.switch(jwt_my_domain_only=domain_only)
    crm = org.connector(client_secret=None, private_key=org.more["private_key"], username=org.username)
    assert crm.count("leads")


def test_a_user_that_the_app_is_not_approved_for_is_told(org: Sandbox) -> None:
    org.switch(jwt_approved=[])
    crm = org.connector(client_secret=None, private_key=org.more["private_key"], username=org.username)
    assert "pre-authorized" in crm.check().problems[0].remedy


def test_a_foreign_key_is_told(org: Sandbox) -> None:
    crm = org.connector(client_secret=None, private_key=pem(), username=org.username)
    assert "certificate" in crm.check().problems[0].remedy


def test_rotation_and_revocation_in_an_org(org: Sandbox) -> None:
    org.switch(rotate_refresh_tokens=True)
    kept = MemorySecrets()
    for _ in range(3):
        crm = org.connector(kept, refresh_token=org.more["refresh_token"])
        assert crm.count("leads")
        org.act("revoke", what="sessions")
    org.act("revoke", what="tokens")
    (problem,) = crm.check().problems
    assert "connect the org again" in problem.remedy
    with pytest.raises(AuthFailed):
        list(crm.pull("leads", None, []))


@pytest.mark.parametrize(
    ("refusal_", "remedy"),
    [
        ("uninstalled", "install it for this org"),
        ("no_run_as_user", "Run As user"),
        ("wrong_domain", "My Domain"),
        ("deleted", "consumer key"),
        ("inactive_org", "ask Salesforce"),
    ],
)
def test_what_an_org_says_of_its_app_has_a_remedy(org: Sandbox, refusal_: str, remedy: str) -> None:
    org.switch(oauth_refusal=refusal_)
    (problem,) = org.connector().check().problems
    assert remedy in problem.remedy


def test_a_user_without_the_api_is_told(org: Sandbox) -> None:
    name = org.more["users"]["no_api"]
    crm = org.connector(client_secret=None, private_key=org.more["private_key"], username=name)
    (problem,) = crm.check().problems
    assert "API Enabled" in problem.text
    assert "Permission Sets" in problem.remedy


def test_credentials_of_another_org_show_another_account(org: Sandbox) -> None:
    other = org.more["other_org"]
    keys = {key: other[key] for key in ("client_id", "client_secret")}
    assert org.connector(**keys).check().account_id != org.connector().check().account_id


def test_an_object_that_is_taken_away_is_named_and_nothing_is_deleted(org: Sandbox) -> None:
    crm = org.connector()
    mark = [page.bookmark for page in crm.pull("opportunities", None, ["Name"])][-1]
    org.switch(object_access={"Opportunity": "none"})
    org.advance(600)
    with pytest.raises(MissingScope, match="read access to Opportunity"):
        list(crm.pull("opportunities", mark, ["Name"]))
    problems = crm.check().problems
    assert any("Opportunity records are not visible" in p.text for p in problems)
    assert not any(p.fatal for p in problems)
    assert crm.describe("opportunities") == ()
    fresh = list(crm.pull("opportunities", None, ["Name"]))
    assert [(p.rows, p.deletions, p.done) for p in fresh] == [([], [], True)]
    org.switch(object_access={})
    org.advance(3_600)
    assert ids(list(crm.pull("opportunities", fresh[-1].bookmark, ["Name"])))


def test_contact_roles_that_are_hidden_are_named(org: Sandbox) -> None:
    org.switch(object_access={"OpportunityContactRole": "none"})
    (problem,) = org.connector().check().problems
    assert "OpportunityContactRole records are not visible" in problem.text
    assert "Opportunity" in problem.remedy


def test_smaller_sight_deletes_nothing(org: Sandbox) -> None:
    crm = org.connector()
    mark = [page.bookmark for page in crm.pull("leads", None, ["Email"])][-1]
    before = crm.count("leads")
    org.switch(visible_share=0.3)
    org.advance(600)
    assert not [d for page in crm.pull("leads", mark, ["Email"]) for d in page.deletions]
    assert not [d for page in crm.pull("leads", None, ["Email"]) for d in page.deletions]
    assert crm.count("leads") < before
