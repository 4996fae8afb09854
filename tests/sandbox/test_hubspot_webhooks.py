"""Webhooks of the HubSpot sandbox: subscriptions, what is sent, how it is signed, and what happens when it fails."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from crmhub.sandbox.hubspot import signature

if TYPE_CHECKING:
    from tests.conftest import HubSpotAccount

CONTACTS = "/crm/v3/objects/contacts"
SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
EXAMPLE = b"{'example_field':'example_value'}"


class Receiver:
    """A web server that keeps what it is sent; `answers` are used up one by one, then it answers 204."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing to standard error."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook?source=crm%3Atest"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def wait(self, account: HubSpotAccount, enough: Callable[[], bool]) -> None:
        """Until enough is here and the sandbox has nothing more to send."""
        for _ in range(500):
            if enough() and account.steer("/webhooks")["waiting"] == 0:
                return
            time.sleep(0.01)
        pytest.fail(f"only {len(self.got)} webhooks came")

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, body in self.got for event in json.loads(body)]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def _subscribe(account: HubSpotAccount, receiver: Receiver, *events: Any) -> Any:
    wish = {"vendor": "hubspot", "action": "subscribe", "target": receiver.url, "events": list(events)}
    return account.steer("/act", wish)["ids"]


def _act(account: HubSpotAccount, action: str, **wish: Any) -> Any:
    return account.steer("/act", {"vendor": "hubspot", "action": action, **wish})


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (1693657560000, "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="),
        (1700000300000, "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw="),
    ],
)
def test_known_answers_of_signature_three(timestamp: int, expected: str) -> None:
    uri = "https://www.example.com/webhook_uri"
    assert signature.version_three(SECRET, "POST", uri, EXAMPLE, timestamp) == expected


def test_only_some_escapes_are_resolved() -> None:
    uri = "https://h.example/a%2Fb?x=%3A%2c&y=%20%26%C3%A9"
    assert signature.decoded(uri) == "https://h.example/a/b?x=:,&y=%20%26%C3%A9"


def test_old_signatures_are_what_the_official_client_expects() -> None:
    from hubspot.utils.signature import Signature

    body, uri = '[{"eventId":1}]', "https://www.example.com/hook"
    one = signature.version_one(SECRET, body.encode())
    assert Signature.is_valid(one, SECRET, body, signature_version="v1")
    two = signature.version_two(SECRET, "POST", uri, body.encode())
    assert Signature.is_valid(two, SECRET, body, uri, "POST", "v2")


def test_deliveries_are_signed_and_batched(account: HubSpotAccount, receiver: Receiver) -> None:
    ids = _subscribe(account, receiver, "contact.creation", {"type": "contact.propertyChange", "property": "email"})
    inputs = [{"properties": {"email": f"w{n}@example.com"}, "objectWriteTraceId": str(n)} for n in range(80)]
    made = account.post(f"{CONTACTS}/batch/create", {"inputs": inputs}, 201)["results"]
    receiver.wait(account, lambda: len(receiver.events) >= 160)
    assert [len(json.loads(body)) for _, body in receiver.got] == [100, 60]
    secret = account.connection["client_secret"]
    for headers, body in receiver.got:
        stamp = int(headers["x-hubspot-request-timestamp"])
        assert stamp == account.steer("/clock")["now"]
        wanted = signature.version_three(secret, "POST", receiver.url, body, stamp)
        assert headers["x-hubspot-signature-v3"] == wanted
        assert headers["x-hubspot-signature-version"] == "v1"
        assert headers["x-hubspot-signature"] == signature.version_one(secret, body)
    events = receiver.events
    assert {event["subscriptionId"] for event in events} == set(ids)
    assert {event["objectId"] for event in events} == {int(row["id"]) for row in made}
    assert len({event["eventId"] for event in events}) < 160 - 1
    first = events[0]
    assert (first["subscriptionType"], first["attemptNumber"], first["changeFlag"]) == (
        "contact.creation",
        0,
        "CREATED",
    )
    assert first["changeSource"] == "INTEGRATION"
    change = next(event for event in events if event["subscriptionType"] == "contact.propertyChange")
    assert (change["propertyName"], change["propertyValue"]) == ("email", "w0@example.com")


def test_every_kind_of_event_of_contacts(account: HubSpotAccount, receiver: Receiver) -> None:
    verbs = ("creation", "deletion", "restore", "merge", "associationChange", "privacyDeletion")
    _subscribe(account, receiver, *(f"contact.{verb}" for verb in verbs))
    one, two, three = (account.post(CONTACTS, {"properties": {"lastname": "N"}}, 201)["id"] for _ in range(3))
    company = account.get("/crm/v3/objects/companies", limit=1)["results"][0]["id"]
    account.call("PUT", f"/crm/v4/objects/contacts/{one}/associations/default/companies/{company}")
    account.call("DELETE", f"/crm/v4/objects/contacts/{one}/associations/companies/{company}")
    account.call("DELETE", f"{CONTACTS}/{one}")
    _act(account, "restore", object="contacts", id=one)
    survivor = account.post(f"{CONTACTS}/merge", {"primaryObjectId": one, "objectIdToMerge": two})["id"]
    account.post(f"{CONTACTS}/gdpr-delete", {"objectId": three}, 204)
    receiver.wait(account, lambda: len(receiver.events) >= 9)
    found = [(event["subscriptionType"].partition(".")[2], event.get("objectId")) for event in receiver.events]
    assert found == [
        ("creation", int(one)),
        ("creation", int(two)),
        ("creation", int(three)),
        ("associationChange", None),
        ("associationChange", None),
        ("deletion", int(one)),
        ("restore", int(one)),
        ("merge", int(survivor)),
        ("privacyDeletion", int(three)),
    ]
    tied, untied = (event for event in receiver.events if event["subscriptionType"] == "contact.associationChange")
    assert tied["associationType"] == "CONTACT_TO_COMPANY"
    assert (tied["fromObjectId"], tied["toObjectId"], tied["isPrimaryAssociation"]) == (int(one), int(company), True)
    assert (tied["associationRemoved"], untied["associationRemoved"]) == (False, True)
    merge = receiver.events[7]
    assert merge["newObjectId"] == int(survivor)
    assert (merge["primaryObjectId"], merge["mergedObjectIds"]) == (int(one), [int(one), int(two)])
    restored = receiver.events[6]
    assert (restored["changeSource"], restored["sourceId"]) == ("CRM_UI", "userId:7000001")


def test_companies_deals_and_objects(account: HubSpotAccount, receiver: Receiver) -> None:
    _subscribe(
        account,
        receiver,
        "company.deletion",
        {"type": "deal.propertyChange", "property": "dealstage"},
        {"type": "object.creation", "object": "0-27"},
        {"type": "object.associationChange", "object": "0-3"},
    )
    deal = account.get("/crm/v3/objects/deals", limit=1)["results"][0]["id"]
    account.call("PATCH", f"/crm/v3/objects/deals/{deal}", {"properties": {"dealstage": "appointmentscheduled"}})
    contact = account.post(CONTACTS, {"properties": {"lastname": "N"}}, 201)["id"]
    account.call("PUT", f"/crm/v4/objects/deals/{deal}/associations/default/contacts/{contact}")
    account.post("/crm/v3/objects/tasks", {"properties": {"hs_timestamp": "1793606400000"}}, 201)
    company = account.get("/crm/v3/objects/companies", limit=1)["results"][0]["id"]
    account.steer("/edit", {"vendor": "hubspot", "object": "deals", "id": deal, "fields": {"dealstage": "closedlost"}})
    account.call("DELETE", f"/crm/v3/objects/companies/{company}")
    receiver.wait(account, lambda: len(receiver.events) >= 5)
    kinds = [(event["subscriptionType"], event.get("propertyValue")) for event in receiver.events]
    assert kinds[-2:] == [("deal.propertyChange", "closedlost"), ("company.deletion", None)]
    by_type = {event["subscriptionType"]: event for event in receiver.events}
    assert by_type["object.creation"]["objectTypeId"] == "0-27"
    tied = by_type["object.associationChange"]
    assert (tied["fromObjectTypeId"], tied["toObjectTypeId"], tied["associationTypeId"]) == ("0-3", "0-1", 3)
    assert tied["associationCategory"] == "HUBSPOT_DEFINED"


def test_failures_are_tried_again_on_the_clock(account: HubSpotAccount, receiver: Receiver) -> None:
    account.steer("/settings", {"vendor": "hubspot", "webhook_retries": [10.0, 20.0]})
    _subscribe(account, receiver, "contact.creation")
    receiver.answers = [500, 404, 503, 500]
    account.post(CONTACTS, {"properties": {"lastname": "N"}}, 201)
    receiver.wait(account, lambda: len(receiver.got) >= 1)
    for wait, count in ((7_000, 1), (6_000, 2), (14_000, 2), (12_000, 3), (600_000, 3)):
        account.steer("/clock", {"advance": wait})
        receiver.wait(account, lambda count=count: len(receiver.got) >= count)  # type: ignore[misc] # bound on purpose
        assert len(receiver.got) == count
    assert [event["attemptNumber"] for event in receiver.events] == [0, 1, 2]
    stamps = [int(headers["x-hubspot-request-timestamp"]) for headers, _ in receiver.got]
    assert stamps == sorted(set(stamps))


def test_events_of_a_while_go_together(account: HubSpotAccount, receiver: Receiver) -> None:
    account.steer("/settings", {"vendor": "hubspot", "webhook_delay": 5.0, "webhook_signature": "v2"})
    _subscribe(account, receiver, "contact.creation")
    for _ in range(3):
        account.post(CONTACTS, {"properties": {"lastname": "N"}}, 201)
        account.steer("/clock", {"advance": 1000})
    assert receiver.got == []
    account.steer("/clock", {"advance": 4000})
    receiver.wait(account, lambda: len(receiver.got) >= 1)
    assert len(receiver.events) == 3
    headers, body = receiver.got[0]
    wanted = signature.version_two(account.connection["client_secret"], "POST", receiver.url, body)
    assert (headers["x-hubspot-signature-version"], headers["x-hubspot-signature"]) == ("v2", wanted)


@pytest.mark.parametrize("root", ["/webhooks/v3", "/webhooks/2026-03", "/app-webhooks/2026-09"])
def test_management(account: HubSpotAccount, receiver: Receiver, root: str) -> None:
    app = _act(account, "show_app")
    path, key = f"{root}/{app['app_id']}", {"hapikey": app["developer_key"]}

    def call(method: str, tail: str, body: Any = None, **query: str) -> Any:
        return account.call(method, f"{path}/{tail}", body, **(query or key))

    assert call("GET", "settings", hapikey="wrong").status_code == 401
    assert account.call("GET", f"{root}/1/settings", **key).status_code == 404
    assert call("GET", "settings").status_code == 404
    wish = {"targetUrl": receiver.url, "throttling": {"maxConcurrentRequests": 6}}
    assert call("PUT", "settings", {**wish, "throttling": {"maxConcurrentRequests": 5}}).status_code == 400
    assert call("PUT", "settings", {**wish, "targetUrl": "http://plain.example"}).status_code == 400
    assert call("PUT", "settings", wish).json()["targetUrl"] == receiver.url
    assert call("POST", "subscriptions", {"eventType": "contact.propertyChange"}).status_code == 400
    assert call("POST", "subscriptions", {"eventType": "contact.flies"}).status_code == 400
    made = call("POST", "subscriptions", {"eventType": "contact.creation", "active": False})
    assert made.status_code == 201
    assert call("POST", "subscriptions", {"eventType": "contact.creation"}).status_code == 409
    number = made.json()["id"]
    account.post(CONTACTS, {"properties": {"lastname": "Silent"}}, 201)
    assert call("PATCH", f"subscriptions/{number}", {"active": True}).json()["active"] is True
    loud = account.post(CONTACTS, {"properties": {"lastname": "Loud"}}, 201)["id"]
    receiver.wait(account, lambda: len(receiver.events) >= 1)
    assert [event["objectId"] for event in receiver.events] == [int(loud)]
    done = call("POST", "subscriptions/batch/update", {"inputs": [{"id": number, "active": False}]}).json()
    assert [row["active"] for row in done["results"]] == [False]
    assert call("DELETE", f"subscriptions/{number}").status_code == 204
    assert call("GET", "subscriptions").json() == {"results": []}


def test_the_official_client_manages_subscriptions(account: HubSpotAccount, receiver: Receiver) -> None:
    from hubspot import HubSpot

    app = _act(account, "show_app")
    client = HubSpot(api_key=app["developer_key"], host=account.base, base_url=account.base)
    api = client.webhooks
    wish = {"targetUrl": receiver.url, "throttling": {"maxConcurrentRequests": 10}}
    assert api.settings_api.configure(app["app_id"], wish).target_url == receiver.url
    made = api.subscriptions_api.create(app["app_id"], {"eventType": "deal.creation", "active": True})
    assert [row.id for row in api.subscriptions_api.get_all(app["app_id"]).results] == [made.id]
