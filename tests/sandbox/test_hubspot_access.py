"""Tokens, scopes and limits of the HubSpot sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import HubSpotAccount

CONTACTS = "/crm/v3/objects/contacts"
DAY = 86_400_000


def _act(account: HubSpotAccount, action: str, **wish: Any) -> Any:
    return account.steer("/act", {"vendor": "hubspot", "action": action, **wish})


def _switch(account: HubSpotAccount, **switches: Any) -> None:
    account.steer("/settings", {"vendor": "hubspot", **switches})


def _keys(account: HubSpotAccount, *more: str) -> dict[str, str]:
    return {name: account.connection[name] for name in ("client_id", "client_secret", *more)}


def _form(account: HubSpotAccount, path: str, **form: str) -> Any:
    return account.http.post(account.base + path, data=form, timeout=30)


def _denied(account: HubSpotAccount, method: str, path: str, body: Any = None) -> list[str]:
    """The scopes that a refusal names."""
    answer = account.call(method, path, body)
    assert answer.status_code == 403, answer.text
    found = answer.json()
    assert found["category"] == "MISSING_SCOPES"
    scopes: list[str] = found["errors"][0]["context"]["requiredGranularScopes"]
    return scopes


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/crm/v3/objects/companies", ["crm.objects.companies.read"]),
        ("POST", "/crm/v3/objects/0-3/search", ["crm.objects.deals.read"]),
        ("POST", "/crm/v3/objects/deals/batch/read", ["crm.objects.deals.read"]),
        ("POST", "/crm/v3/objects/deals/batch/update", ["crm.objects.deals.write"]),
        ("PATCH", "/crm/objects/2026-09/contacts/1", ["crm.objects.contacts.write"]),
        ("POST", "/crm/v3/objects/contacts/gdpr-delete", ["crm.objects.contacts.write"]),
        ("GET", "/crm/v3/properties/contacts", ["crm.schemas.contacts.read"]),
        ("POST", "/crm/properties/2026-03/deals", ["crm.schemas.deals.write"]),
        ("GET", "/crm/v3/owners", ["crm.objects.owners.read"]),
        ("GET", "/crm/v3/pipelines/deals", ["crm.objects.deals.read"]),
        ("GET", "/crm/v3/objects/calls", ["crm.objects.contacts.read", "crm.objects.calls.read"]),
        ("POST", "/crm/v4/associations/deals/companies/batch/read", ["crm.objects.deals.read",
                                                                    "crm.objects.companies.read"]),
        ("PUT", "/crm/v4/objects/deals/1/associations/default/companies/1", ["crm.objects.deals.write",
                                                                            "crm.objects.companies.write"]),
        ("GET", "/crm/v3/lists/1/memberships", ["crm.lists.read"]),
        ("PUT", "/crm/v3/lists/1/memberships/add", ["crm.lists.write"]),
        ("GET", "/marketing/v3/forms", ["forms"]),
        ("GET", "/email/public/v1/campaigns", ["content"]),
        ("POST", "/events/v3/send", ["analytics.behavioral_events.send"]),
    ],
)  # fmt: skip
def test_every_route_names_the_scopes_it_lacks(
    account: HubSpotAccount, method: str, path: str, needed: list[str]
) -> None:
    account.token = _act(account, "token", scopes=["oauth"])["access_token"]
    assert _denied(account, method, path, {}) == needed


def test_scopes_are_each_tokens_own(account: HubSpotAccount) -> None:
    first = account.token
    account.token = _act(account, "token", scopes=["crm.objects.calls.read"])["access_token"]
    assert account.call("GET", "/crm/v3/objects/calls").status_code == 200
    assert _denied(account, "GET", "/crm/v3/objects/notes") == ["crm.objects.contacts.read", "crm.objects.notes.read"]
    assert account.call("GET", "/account-info/v3/details").status_code == 200
    assert account.call("GET", "/events/v3/events/event-types").status_code == 200
    account.token = first
    assert account.call("GET", "/crm/v3/objects/notes").status_code == 200


def test_what_mails_say_needs_a_scope_of_its_own(account: HubSpotAccount) -> None:
    path, names = "/crm/v3/objects/emails", "hs_email_subject,hs_email_text"
    assert account.get(path, limit=1, properties=names)["results"][0]["properties"]["hs_email_text"]
    account.token = _act(account, "token", scopes=["crm.objects.contacts.read"])["access_token"]
    props = account.get(path, limit=1, properties=names)["results"][0]["properties"]
    assert props["hs_email_subject"]
    assert "hs_email_text" not in props


def test_a_token_of_another_account(account: HubSpotAccount) -> None:
    here = account.get("/account-info/v3/details")["portalId"]
    mine = account.get(CONTACTS, limit=100, properties="email")["results"]
    account.token = _act(account, "show_app")["other_access_token"]
    there = account.get("/account-info/v3/details")["portalId"]
    assert there != here
    others = {row["id"]: row["properties"] for row in account.get(CONTACTS, limit=100)["results"]}
    shared = [row for row in mine if row["id"] in others]
    assert len(shared) > 20
    assert sum(row["properties"]["email"] == others[row["id"]]["email"] for row in shared) < 5
    made = account.post(CONTACTS, {"properties": {"lastname": "There"}}, 201)["id"]
    bad = account.call("PATCH", f"{CONTACTS}/{made}", {"properties": {"nope": "1"}}).json()["message"]
    assert str(there) in bad
    account.token = account.connection["access_token"]
    assert account.call("GET", f"{CONTACTS}/{made}").status_code == 404
    wish = {"vendor": "hubspot", "action": "archive", "account": "other", "object": "contacts", "id": made}
    edited = account.steer("/act", wish)
    assert edited["deleted"] is True


def test_a_token_that_sees_fewer_records(account: HubSpotAccount) -> None:
    def seen() -> set[str]:
        found = account.post(f"{CONTACTS}/search", {"limit": 200})
        listed = account.get(CONTACTS, limit=100)["results"]
        assert {row["id"] for row in listed} >= {row["id"] for row in found["results"][:80]}
        assert found["total"] == len(found["results"])
        return {row["id"] for row in found["results"]}

    everything = seen()
    _switch(account, sight=0.5)
    some = seen()
    assert 0.3 * len(everything) < len(some) < 0.7 * len(everything)
    hidden = next(iter(everything - some))
    assert account.call("GET", f"{CONTACTS}/{hidden}").status_code == 404
    read = account.post(f"{CONTACTS}/batch/read", {"inputs": [{"id": hidden}]}, 207)
    assert read["errors"][0]["context"]["ids"] == [hidden]
    assert account.get(CONTACTS, archived="true")["results"] == []
    _switch(account, sight=1.0)
    assert seen() == everything
    account.token = _act(account, "token", sight=0.5)["access_token"]
    assert seen() == some


def test_a_rotated_service_key_lives_on_for_seven_days(account: HubSpotAccount) -> None:
    made = _act(account, "rotate_key")
    assert account.call("GET", CONTACTS).status_code == 200
    account.steer("/clock", {"advance": 7 * DAY - 1000})
    assert account.call("GET", CONTACTS).status_code == 200
    account.steer("/clock", {"advance": 1000})
    assert account.steer("/clock")["now"] == made["old_ends_at"]
    assert account.call("GET", CONTACTS).json()["category"] == "INVALID_AUTHENTICATION"
    account.token = made["access_token"]
    assert account.call("GET", CONTACTS).status_code == 200
    _act(account, "revoke")
    assert account.call("GET", CONTACTS).status_code == 401


def test_tokens_that_open_nothing(account: HubSpotAccount) -> None:
    for token in ("", "pat-eu1-unknown", "CK000000-unknown"):
        account.token = token
        answer = account.call("GET", CONTACTS)
        assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")
    account.token = "pat-na1-5ca1ab1e-0000-4000-8000-c0ffee00cafe"
    _switch(account, wrong_region_530=True)
    answer = account.call("GET", CONTACTS)
    assert (answer.status_code, answer.text) == (530, "error code: 1016")
    account.token = account.connection["access_token"]
    keys = _keys(account, "refresh_token")
    made = _form(account, "/oauth/v3/token", grant_type="refresh_token", **keys).json()
    _switch(account, revoked=True)
    assert account.call("GET", CONTACTS).status_code == 401
    account.token = made["access_token"]
    assert account.call("GET", CONTACTS).status_code == 401
    assert _form(account, "/oauth/v3/token", grant_type="refresh_token", **keys).status_code == 400


@pytest.mark.parametrize("version", ["v1", "v3", "2026-03", "2026-09"])
def test_oauth_refresh(account: HubSpotAccount, version: str) -> None:
    path = f"/oauth/{version}/token"
    made = _form(account, path, grant_type="refresh_token", **_keys(account, "refresh_token")).json()
    assert (made["expires_in"], made["token_type"]) == (1800, "bearer")
    assert made["refresh_token"] == account.connection["refresh_token"]
    account.token = made["access_token"]
    answer = account.call("GET", CONTACTS)
    assert answer.headers["X-HubSpot-RateLimit-Max"] == "110"
    assert "X-HubSpot-RateLimit-Daily" not in answer.headers
    account.steer("/clock", {"advance": 1_800_000})
    assert account.call("GET", CONTACTS).json()["category"] == "EXPIRED_AUTHENTICATION"
    wrong = _form(account, path, grant_type="refresh_token", refresh_token="stale", **_keys(account))
    assert wrong.status_code == 400
    if version == "v1":
        assert wrong.json()["status"] == "BAD_REFRESH_TOKEN"
    else:
        assert wrong.json()["error"] == "invalid_grant"
    for shape, keys in (("status", {"status"}), ("error", {"error"}), ("both", {"status", "error"})):
        _switch(account, oauth_errors=shape)
        body = _form(account, path, grant_type="refresh_token", refresh_token="stale", **_keys(account)).json()
        assert {"status", "error"} & set(body) == keys
    unknown = _form(account, path, grant_type="refresh_token", client_id="x", client_secret="y")
    assert unknown.json()["error"] == "invalid_client"


def test_refresh_tokens_may_rotate(account: HubSpotAccount) -> None:
    _switch(account, refresh_rotates=True)
    keys, path = _keys(account), "/oauth/2026-09/token"
    first = account.connection["refresh_token"]
    second = _form(account, path, grant_type="refresh_token", refresh_token=first, **keys).json()["refresh_token"]
    assert second != first
    assert _form(account, path, grant_type="refresh_token", refresh_token=first, **keys).status_code == 400
    assert _form(account, path, grant_type="refresh_token", refresh_token=second, **keys).status_code == 200


def test_an_app_is_installed_with_a_code(account: HubSpotAccount) -> None:
    code = _act(account, "authorize", scopes=["crm.objects.deals.read"])["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://127.0.0.1/back"}
    made = _form(account, "/oauth/v3/token", **form, **_keys(account)).json()
    assert made["scopes"] == ["crm.objects.deals.read"]
    account.token = made["access_token"]
    assert account.call("GET", "/crm/v3/objects/deals").status_code == 200
    assert _denied(account, "GET", CONTACTS) == ["crm.objects.contacts.read"]
    again = _form(account, "/oauth/v3/token", **form, **_keys(account))
    assert again.json()["error"] == "invalid_grant"
    renewed = {"grant_type": "refresh_token", "refresh_token": made["refresh_token"]}
    assert _form(account, "/oauth/v1/token", **renewed, **_keys(account)).json()["scopes"] == made["scopes"]


def test_introspection_and_revocation(account: HubSpotAccount) -> None:
    keys = _keys(account)
    made = _form(account, "/oauth/v3/token", grant_type="refresh_token", **_keys(account, "refresh_token")).json()
    token = made["access_token"]
    about = _form(account, "/oauth/2026-03/token/introspect", token=token, **keys).json()
    portal = account.get("/account-info/v3/details")["portalId"]
    assert (about["active"], about["hub_id"], about["expires_in"]) == (True, portal, 1800)
    old = account.get(f"/oauth/v1/access-tokens/{token}")
    assert (old["hub_id"], old["token"]) == (portal, token)
    refresh = made["refresh_token"]
    assert account.get(f"/oauth/v1/refresh-tokens/{refresh}")["client_id"] == keys["client_id"]
    assert _form(account, "/oauth/v3/token/revoke", token=refresh, **keys).status_code == 200
    assert _form(account, "/oauth/v3/token/introspect", token=token, **keys).json() == {"active": False}
    account.token = token
    assert account.call("GET", CONTACTS).status_code == 401
    assert account.call("GET", f"/oauth/v1/refresh-tokens/{refresh}").status_code == 404
    app = _form(account, "/oauth/v3/token", grant_type="client_credentials", scope="oauth", **keys).json()
    assert ("refresh_token" in app, app["token_use"]) == (False, "client_credentials")


def test_limits_are_per_app_and_searches_per_account(account: HubSpotAccount) -> None:
    _switch(account, limits=True, burst_limit=5, oauth_burst_limit=3, retry_after="always")
    made = _form(account, "/oauth/v3/token", grant_type="refresh_token", **_keys(account, "refresh_token")).json()
    static = account.token
    assert [account.call("GET", "/crm/v3/owners").status_code for _ in range(6)] == [200] * 5 + [429]
    account.token = _act(account, "token")["access_token"]
    assert account.call("GET", "/crm/v3/owners").status_code == 429
    account.token = made["access_token"]
    answers = [account.call("GET", "/crm/v3/owners") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429]
    assert answers[-1].json()["groupName"].startswith("publicapi:app-api-calls-ten-secondly:")
    assert answers[-1].headers["Retry-After"] == "10"
    account.call("POST", f"{CONTACTS}/search", {})
    account.token = static
    _switch(account, search_body="policy")
    searches = [account.call("POST", f"{CONTACTS}/search", {}) for _ in range(5)]
    assert [answer.status_code for answer in searches] == [200] * 4 + [429]
    assert searches[-1].json()["policyName"] == "SECONDLY"
    assert searches[-1].headers["Retry-After"] == "1"
    rows = account.steer("/calls/pace/hubspot")["limits"]
    assert {row["name"]: row["calls"] for row in rows} == {"burst": 11, "search": 6}


@pytest.mark.parametrize(
    ("status", "kind", "part"),
    [
        (423, "json", "LOCKED"),
        (429, "json", "TEN_SECONDLY_ROLLING"),
        (477, "json", "MIGRATION"),
        (500, "json", "internal error"),
        (502, "html", "<h1>502"),
        (530, "plain", "error code: 1016"),
    ],
)
def test_bodies_of_faults(account: HubSpotAccount, status: int, kind: str, part: str) -> None:
    account.steer("/faults", {"vendor": "hubspot", "kind": "status", "status": status, "times": 1})
    answer = account.call("GET", CONTACTS)
    assert answer.status_code == status
    assert kind in answer.headers["Content-Type"]
    assert part in answer.text
    assert ("Retry-After" in answer.headers) == (status == 477)


def test_the_edge_throttles_in_plain_text(account: HubSpotAccount) -> None:
    rule = {"vendor": "hubspot", "kind": "status", "status": 429, "body": "error code: 1015", "times": 1}
    account.steer("/faults", rule)
    answer = account.call("GET", CONTACTS)
    assert (answer.status_code, answer.text) == (429, "error code: 1015")
    account.steer("/faults", {"vendor": "hubspot", "kind": "quota", "times": 1})
    assert account.call("GET", CONTACTS).json()["policyName"] == "DAILY"


def test_the_official_client_gets_its_tokens(account: HubSpotAccount) -> None:
    from hubspot import HubSpot

    client = HubSpot(host=account.base, base_url=account.base)
    keys = _keys(account, "refresh_token")
    made = client.oauth.tokens_api.create(grant_type="refresh_token", **keys)
    client.access_token = made.access_token
    assert client.crm.contacts.basic_api.get_page(limit=1).results
    info = client.oauth.access_tokens_api.get(made.access_token)
    assert info.hub_id == account.get("/account-info/v3/details")["portalId"]
    assert client.oauth.refresh_tokens_api.get(made.refresh_token).token == made.refresh_token


def test_every_switch_and_every_act_is_documented(account: HubSpotAccount) -> None:
    from pathlib import Path

    import crmhub.sandbox.hubspot as package

    text = (Path(next(iter(package.__path__))) / "README.md").read_text()
    switches = account.steer("/settings/hubspot")
    refused = account.http.post(f"{account.control}/act", json={"vendor": "hubspot", "action": "?"}, timeout=30)
    acts = refused.json()["error"].partition("known: ")[2].split(", ")
    assert [name for name in [*switches, *acts] if f"`{name}`" not in text] == []
