"""Who gets in and what they may see: grants, refusals, users, another org, and calls that only SOAP has."""

import time
from typing import Any
from xml.etree import ElementTree

import jwt
import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from tests.conftest import StartSandbox
from tests.sandbox.salesforce_kit import START, Detour, Org, fresh_org

BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SMALL = "crmhub.small@example.com"
SHARED = ("Lead", "Contact", "Account", "Opportunity", "Task", "CampaignMember", "OpportunityContactRole")


@pytest.fixture
def org(sandbox: StartSandbox) -> Org:
    return fresh_org(sandbox)


def _oauth(org: Org, path: str = "token", **form: str) -> requests.Response:
    return requests.post(f"{org.base_url}/services/oauth2/{path}", data=form, timeout=10)


def _assertion(org: Org, key: str = "", algorithm: str = "RS256", **claims: Any) -> str:
    now = START // 1000
    wanted = {"iss": org.client_id, "sub": org.username, "aud": "https://login.salesforce.com", "exp": now + 180}
    return jwt.encode(wanted | claims, key or org.more["private_key"], algorithm=algorithm)


def _refused(answer: requests.Response) -> tuple[str, str]:
    assert answer.status_code == 400, answer.text
    body = answer.json()
    return body["error"], body["error_description"]


def _error(answer: requests.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()[0]["errorCode"])


def _totals(org: Org) -> dict[str, int]:
    return {
        name: org.call("GET", "/query", params={"q": f"SELECT COUNT() FROM {name}"}).json()["totalSize"]
        for name in SHARED
    }


def test_a_signed_assertion_gets_a_token(org: Org) -> None:
    for audience in ("https://login.salesforce.com", "https://test.salesforce.com", org.base_url):
        answer = _oauth(org, grant_type=BEARER, assertion=_assertion(org, aud=audience, exp=str(START // 1000 + 180)))
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) == {"access_token", "scope", "instance_url", "id", "token_type"}
        org.token = answer.json()["access_token"]
        assert org.call("GET", "/limits").status_code == 200


def test_assertions_are_refused_by_their_fault(org: Org) -> None:
    now = START // 1000
    invalid = ("invalid_grant", "invalid assertion")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = serialization.NoEncryption()
    pem = stranger.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
    cases: list[tuple[str, tuple[str, str]]] = [
        (_assertion(org, key=pem), invalid),
        (_assertion(org, exp=now - 1), invalid),
        (_assertion(org, exp=now + 3600), invalid),
        (jwt.encode({"iss": org.client_id}, "secret" * 6, algorithm="HS256"), invalid),
        ("nonsense", invalid),
        ("", invalid),
        (_assertion(org, aud="https://elsewhere.example"), ("invalid_grant", "audience is invalid")),
        (_assertion(org, iss="3MVG9other"), ("invalid_client_id", "client identifier invalid")),
        (_assertion(org, sub="nobody@example.com"), ("invalid_grant", "user hasn't approved this consumer")),
        (_assertion(org, sub="admin@ourfirm.example"), ("invalid_grant", "user hasn't approved this consumer")),
    ]
    for assertion, pair in cases:
        assert _refused(_oauth(org, grant_type=BEARER, assertion=assertion)) == pair
    org.set(jwt_my_domain_only=True)
    assert _refused(_oauth(org, grant_type=BEARER, assertion=_assertion(org)))[1] == "app_not_found"
    assert _oauth(org, grant_type=BEARER, assertion=_assertion(org, aud=org.base_url)).status_code == 200


def test_simple_salesforce_signs_its_own_assertion(org: Org) -> None:
    org.control("/clock", {"now": int(time.time() * 1000)})
    session = requests.Session()
    session.mount("https://", Detour(org.base_url))
    login: dict[str, Any] = {"consumer_key": org.client_id, "domain": "login", "session": session, "version": "67.0"}
    client = Salesforce(username=org.username, privatekey=org.more["private_key"], **login)
    assert client.query("SELECT COUNT() FROM Lead")["totalSize"] > 0
    with pytest.warns(UserWarning, match="self-authorize"), pytest.raises(SalesforceAuthenticationFailed):
        Salesforce(username="nobody@example.com", privatekey=org.more["private_key"], **login)


def test_refresh_tokens_rotate_and_end(org: Org) -> None:
    wish = {"grant_type": "refresh_token", "client_id": org.client_id, "client_secret": org.client_secret}
    first = org.more["refresh_token"]
    assert "refresh_token" not in _oauth(org, refresh_token=first, **wish).json()
    org.set(rotate_refresh_tokens=True)
    second = _oauth(org, refresh_token=first, **wish).json()["refresh_token"]
    gone = ("invalid_grant", "expired access/refresh token")
    assert _refused(_oauth(org, refresh_token=first, **wish)) == gone
    issued = _oauth(org, refresh_token=second, **wish).json()
    org.token = issued["access_token"]
    assert _oauth(org, "revoke", token=issued["refresh_token"]).status_code == 200
    assert _refused(_oauth(org, refresh_token=issued["refresh_token"], **wish)) == gone
    assert _error(org.call("GET", "/limits"), 401) == "INVALID_SESSION_ID"
    assert _refused(_oauth(org, "revoke", token="unknown"))[0] == "unsupported_token_type"


def test_an_administrator_ends_sessions_and_tokens(org: Org) -> None:
    org.act("revoke", what="tokens")
    assert _error(org.call("GET", "/limits"), 401) == "INVALID_SESSION_ID"
    wish = {"grant_type": "refresh_token", "client_id": org.client_id, "client_secret": org.client_secret}
    assert _refused(_oauth(org, refresh_token=org.more["refresh_token"], **wish))[0] == "invalid_grant"
    org.token = org.login()
    org.act("user", username=org.username, active=False)
    assert _error(org.call("GET", "/limits"), 401) == "INVALID_SESSION_ID"
    wish = {"grant_type": "client_credentials", "client_id": org.client_id, "client_secret": org.client_secret}
    assert _refused(_oauth(org, **wish))[0] == "inactive_user"


@pytest.mark.parametrize(
    ("reason", "pair"),
    [
        ("uninstalled", ("invalid_client", "app must be installed into org")),
        ("no_run_as_user", ("invalid_grant", "no client credentials user enabled")),
        ("wrong_domain", ("invalid_grant", "request not supported on this domain")),
        ("deleted", ("invalid_client_id", "client identifier invalid")),
    ],
)
def test_the_app_itself_can_be_the_trouble(org: Org, reason: str, pair: tuple[str, str]) -> None:
    org.set(oauth_refusal=reason)
    form = {"grant_type": "client_credentials", "client_id": org.client_id, "client_secret": org.client_secret}
    assert _refused(_oauth(org, **form)) == pair
    assert org.call("GET", "/limits").status_code == 200


def test_introspection_tells_whose_token_it_is(org: Org) -> None:
    app = {"client_id": org.client_id, "client_secret": org.client_secret}
    shown = _oauth(org, "introspect", token=org.token, **app).json()
    assert (shown["active"], shown["username"], shown["client_id"]) == (True, org.username, org.client_id)
    assert shown["exp"] == START // 1000 + 7200
    assert _oauth(org, "introspect", token="unknown", **app).json() == {"active": False}
    org.control("/clock", {"advance": 7_200_000})
    assert _oauth(org, "introspect", token=org.token, **app).json() == {"active": False}
    assert _refused(_oauth(org, "introspect", token=org.token, client_id=org.client_id))[0] == "invalid_client"


def test_a_token_of_the_smaller_user_sees_less_and_cannot_touch_the_rest(org: Org) -> None:
    everything = _totals(org)
    leads = {row["Id"] for row in org.query("SELECT Id FROM Lead WHERE IsConverted = false")}
    org.set(run_as=SMALL)
    org.token = org.login()
    me = requests.get(
        f"{org.base_url}/services/oauth2/userinfo", headers={"Authorization": f"Bearer {org.token}"}, timeout=10
    ).json()
    assert me["preferred_username"] == SMALL
    some = _totals(org)
    assert all(0 < some[name] < everything[name] for name in SHARED)
    seen = {row["Id"] for row in org.query("SELECT Id FROM Lead WHERE IsConverted = false")}
    assert seen < leads
    hidden = min(leads - seen)
    assert _error(org.call("GET", f"/sobjects/Lead/{hidden}"), 404) == "NOT_FOUND"
    refused = org.call("PATCH", f"/sobjects/Lead/{hidden}", json={"Title": "x"})
    assert _error(refused, 400) == "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
    body = {"ids": [min(seen), hidden], "fields": ["Id"]}
    assert [row and row["Id"] for row in org.call("POST", "/composite/sobjects/Lead", json=body).json()] == [
        min(seen),
        None,
    ]
    task = org.call("POST", "/sobjects/Task", json={"WhoId": hidden})
    assert _error(task, 400) == "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
    mine = org.create("Lead", LastName="Mine", Company="Acme")
    assert [
        row["CreatedBy"]["Username"] for row in org.query(f"SELECT CreatedBy.Username FROM Lead WHERE Id = '{mine}'")
    ] == [SMALL]
    job = org.call("POST", "/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Contact"}).json()["id"]
    states = [org.call("GET", f"/jobs/query/{job}").json() for _ in range(2)]
    assert states[-1]["numberRecordsProcessed"] == some["Contact"]


def test_a_token_may_suddenly_see_fewer_records(org: Org) -> None:
    everything = _totals(org)
    org.set(visible_share=0.5)
    some = _totals(org)
    assert all(0 < some[name] < everything[name] for name in SHARED)
    org.set(visible_share=1.0)
    assert _totals(org) == everything


def test_who_lacks_the_api_or_an_object_is_told_so(org: Org) -> None:
    form = _assertion(org, sub=org.more["users"]["no_api"])
    org.token = _oauth(org, grant_type=BEARER, assertion=form).json()["access_token"]
    assert _error(org.call("GET", "/query", params={"q": "SELECT Id FROM Lead"}), 403) == "API_DISABLED_FOR_ORG"
    org.token = org.login()
    org.set(object_access={"Opportunity": "none", "Lead": "read"})
    query = org.call("GET", "/query", params={"q": "SELECT Id FROM Opportunity"})
    assert _error(query, 400) == "INVALID_TYPE"
    assert _error(org.call("GET", "/sobjects/Opportunity/describe"), 404) == "NOT_FOUND"
    names = [item["name"] for item in org.call("GET", "/sobjects").json()["sobjects"]]
    assert "Opportunity" not in names
    parent = org.call("GET", "/query", params={"q": "SELECT Opportunity.Name FROM OpportunityContactRole"})
    assert _error(parent, 400) == "INVALID_FIELD"
    lead = org.query("SELECT Id FROM Lead WHERE IsConverted = false LIMIT 1")[0]["Id"]
    refused = org.call("PATCH", f"/sobjects/Lead/{lead}", json={"Title": "x"})
    assert _error(refused, 403) == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert org.call("GET", "/sobjects/Lead/describe").json()["updateable"] is False
    org.set(api_enabled=False)
    assert _error(org.call("GET", "/limits"), 403) == "API_DISABLED_FOR_ORG"


def test_the_other_org_shares_nothing(org: Org) -> None:
    mine = {row["Id"] for row in org.query("SELECT Id FROM Lead")}
    other = Org(org.base_url, org.more["other_org"]["client_id"], org.more["other_org"]["client_secret"], "", "", {})
    form = {"grant_type": "client_credentials", "client_id": other.client_id, "client_secret": other.client_secret}
    issued = _oauth(org, **form).json()
    other.token = issued["access_token"]
    signed = _oauth(org, grant_type=BEARER, assertion=_assertion(org, iss=other.client_id)).json()
    assert signed["id"].split("/")[-2] == org.more["other_org"]["org_id"]
    assert issued["id"].split("/")[-2] == org.more["other_org"]["org_id"] != org.more["org_id"]
    theirs = {row["Id"] for row in other.query("SELECT Id FROM Lead")}
    assert theirs
    assert not theirs & mine
    one = min(theirs)
    assert other.call("PATCH", f"/sobjects/Lead/{one}", json={"Title": "Seen"}).status_code == 204
    assert other.query(f"SELECT Title FROM Lead WHERE Id = '{one}'")[0]["Title"] == "Seen"
    assert _error(org.call("GET", f"/sobjects/Lead/{one}"), 404) == "NOT_FOUND"
    assert org.call("GET", "/limits").status_code == 200


def test_enhanced_e_mail_has_messages_beside_the_tasks(org: Org) -> None:
    org.set(enhanced_email=False)
    assert _error(org.call("GET", "/query", params={"q": "SELECT Id FROM EmailMessage"}), 400) == "INVALID_TYPE"
    org.set(enhanced_email=True)
    soql = "SELECT Id, ActivityId, Incoming, FromAddress, ToAddress, MessageDate, Subject FROM EmailMessage"
    messages = org.query(soql)
    tasks = {row["Id"] for row in org.query("SELECT Id FROM Task WHERE TaskSubtype = 'Email'")}
    assert {row["ActivityId"] for row in messages} == tasks
    assert {row["Incoming"] for row in messages} == {True, False}
    ours = [row["ToAddress"] if row["Incoming"] else row["FromAddress"] for row in messages]
    assert all(address.endswith("@ourfirm.example") for address in ours)
    relations = org.query("SELECT EmailMessageId, RelationObjectType, RelationType FROM EmailMessageRelation")
    assert len(relations) == 2 * len(messages)
    assert {row["RelationObjectType"] for row in relations} == {"User", "Lead", "Contact"}
    lead = org.create("Lead", LastName="Doe", Company="Acme")
    sent = org.create("EmailMessage", Subject="Hi", Status="3", ToAddress="doe@x.example")
    org.create("EmailMessageRelation", EmailMessageId=sent, RelationId=lead, RelationType="ToAddress")
    row = org.query(f"SELECT Activity.WhoId, Activity.TaskSubtype FROM EmailMessage WHERE Id = '{sent}'")[0]
    assert (row["Activity"]["WhoId"], row["Activity"]["TaskSubtype"]) == (lead, "Email")


def _soap(org: Org, body: str, token: str | None = None) -> tuple[int, dict[str, list[str]]]:
    """-> (HTTP status, texts of the elements by name)."""
    page = (
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:urn="urn:partner.soap.sforce.com" xmlns:o="urn:sobject.partner.soap.sforce.com"><s:Header>'
        f"<urn:SessionHeader><urn:sessionId>{token or org.token}</urn:sessionId></urn:SessionHeader></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )
    headers = {"Content-Type": "text/xml", "SOAPAction": '""'}
    answer = requests.post(f"{org.base_url}/services/Soap/u/67.0", data=page.encode(), headers=headers, timeout=10)
    found: dict[str, list[str]] = {}
    for element in ElementTree.fromstring(answer.content).iter():
        found.setdefault(element.tag.rpartition("}")[2], []).append(element.text or "")
    return answer.status_code, found


def test_soap_merges(org: Org) -> None:
    winner, loser = (org.create("Lead", LastName=name, Company="A") for name in "WL")
    task = org.create("Task", WhoId=loser)
    master = f"<o:type>Lead</o:type><o:Id>{winner}</o:Id><o:Title>CEO</o:Title><o:AnnualRevenue>5</o:AnnualRevenue>"
    request = f"<urn:masterRecord>{master}</urn:masterRecord><urn:recordToMergeIds>{loser}</urn:recordToMergeIds>"
    status, found = _soap(org, f"<urn:merge><urn:request>{request}</urn:request></urn:merge>")
    assert (status, found["success"], found["mergedRecordIds"], found["updatedRelatedIds"]) == (
        200,
        ["true"],
        [loser],
        [task],
    )
    row = org.query(f"SELECT Title, AnnualRevenue FROM Lead WHERE Id = '{winner}'")[0]
    assert (row["Title"], row["AnnualRevenue"]) == ("CEO", 5.0)
    status, found = _soap(org, f"<urn:merge><urn:request>{request}</urn:request></urn:merge>")
    assert (status, found["success"], found["statusCode"]) == (200, ["false"], ["ENTITY_IS_DELETED"])


def test_soap_converts(org: Org) -> None:
    lead = org.create("Lead", LastName="Doe", Company="Acme")
    status_name = org.query("SELECT MasterLabel FROM LeadStatus WHERE IsConverted = true")[0]["MasterLabel"]

    def wish(convert_status: str) -> str:
        inner = f"<urn:leadId>{lead}</urn:leadId><urn:convertedStatus>{convert_status}</urn:convertedStatus>"
        inner += "<urn:doNotCreateOpportunity>false</urn:doNotCreateOpportunity>"
        return f"<urn:convertLead><urn:leadConverts>{inner}</urn:leadConverts></urn:convertLead>"

    _, found = _soap(org, wish("Open - Not Contacted"))
    assert (found["success"], found["statusCode"]) == (["false"], ["INVALID_STATUS"])
    status, found = _soap(org, wish(status_name))
    assert (status, found["success"], found["leadId"]) == (200, ["true"], [lead])
    row = org.query(f"SELECT ConvertedContactId, ConvertedOpportunityId, OwnerId FROM Lead WHERE Id = '{lead}'")[0]
    assert [row["ConvertedContactId"], row["ConvertedOpportunityId"]] == [*found["contactId"], *found["opportunityId"]]
    _, found = _soap(org, wish(status_name))
    assert found["statusCode"] == ["CANNOT_UPDATE_CONVERTED_LEAD"]


def test_soap_undeletes_and_empties_the_bin(org: Org) -> None:
    lead = org.create("Lead", LastName="Doe", Company="Acme")
    org.call("DELETE", f"/sobjects/Lead/{lead}")
    org.control("/clock", {"advance": 60_000})
    _, found = _soap(org, f"<urn:undelete><urn:ids>{lead}</urn:ids></urn:undelete>")
    assert (found["id"], found["success"]) == ([lead], ["true"])
    row = org.query(f"SELECT SystemModstamp FROM Lead WHERE Id = '{lead}'")[0]
    assert row["SystemModstamp"] == "2026-09-21T14:14:20.000+0000"
    _, found = _soap(org, f"<urn:undelete><urn:ids>{lead}</urn:ids></urn:undelete>")
    assert found["statusCode"] == ["UNDELETE_FAILED"]
    org.call("DELETE", f"/sobjects/Lead/{lead}")
    _, found = _soap(org, f"<urn:emptyRecycleBin><urn:ids>{lead}</urn:ids></urn:emptyRecycleBin>")
    assert found["success"] == ["true"]
    everything = org.call("GET", "/queryAll", params={"q": f"SELECT Id FROM Lead WHERE Id = '{lead}'"})
    assert everything.json()["records"] == []


def test_soap_faults(org: Org) -> None:
    status, found = _soap(org, "<urn:getUserInfo/>", token="dead")
    assert (status, found["faultcode"]) == (500, ["sf:INVALID_SESSION_ID"])
    assert _soap(org, "<urn:getUserInfo/>")[1]["userName"] == [org.username]
    assert _soap(org, "<urn:login/>")[1]["faultcode"] == ["sf:INVALID_LOGIN"]
    assert _soap(org, "<urn:nothing/>")[1]["faultcode"] == ["sf:INVALID_OPERATION"]
    broken = requests.post(f"{org.base_url}/services/Soap/u/67.0", data=b"<x", timeout=10)
    assert broken.status_code == 500
    old = requests.post(f"{org.base_url}/services/Soap/u/20.0", data=b"<x", timeout=10)
    assert (old.status_code, "UNSUPPORTED_API_VERSION" in old.text) == (500, True)


def test_slow_queries_busy_orgs_long_addresses_and_wide_rows(org: Org) -> None:
    org.set(query_timeouts=1, concurrent_refusals=1)
    params = {"q": "SELECT Id FROM Lead"}
    busy = org.call("GET", "/query", params=params)
    assert (busy.status_code, "ConcurrentRequests" in busy.json()[0]["message"]) == (403, True)
    assert _error(org.call("GET", "/query", params=params), 400) == "QUERY_TIMEOUT"
    assert org.call("GET", "/query", params=params).status_code == 200
    org.set(uri_status=414)
    long = org.call("GET", "/query", params={"q": "SELECT Id FROM Lead WHERE Name = '" + "x" * 17_000 + "'"})
    assert (long.status_code, long.headers["Content-Type"].partition(";")[0]) == (414, "text/html")
    names = [field["name"] for field in org.call("GET", "/sobjects/Task/describe").json()["fields"]]
    org.set(wide_fields=2)
    wide = org.call("GET", "/query", params={"q": f"SELECT {','.join(names)} FROM Task"}).json()
    assert (len(wide["records"]), wide["done"]) == (200, False)


def test_an_app_without_the_api_scope_gets_tokens_that_the_api_refuses(org: Org) -> None:
    org.set(scopes="refresh_token")
    form = {"grant_type": "client_credentials", "client_id": org.client_id, "client_secret": org.client_secret}
    issued = _oauth(org, **form).json()
    assert issued["scope"] == "refresh_token"
    org.token = issued["access_token"]
    refused = org.call("GET", "/limits")
    assert _error(refused, 401) == "INVALID_SESSION_ID"
    assert refused.json()[0]["message"] == "This session is not valid for use with the REST API"
