"""Thousands of half-right requests: the account answers each in the vendor's form and never breaks."""

from __future__ import annotations

import copy
import random
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.hubspot.server import HubSpot
from crmhub.sandbox.messages import BadJsonError, Match, Query, Request
from crmhub.sandbox.vendor import ControlError, Options
from crmhub.sandbox.world import World

NOW = 1_790_000_000_000
CONTACT, OTHER, DEAL, COMPANY = "150000000007", "150000000014", "31000000014", "24000000007"
ODD: list[Any] = [
    None, True, 0, -1, 1.5, 9 * 10**15, 1e300, "", " ", "x" * 300, "9999-99-99", "²", "--5", [], {}, ["x"], [[]],
    [{}], {"x": {}}, "\0", "🎉", "150000000007", "email", "hs_object_id", "closedwon",
]  # fmt: skip
FILTER = {"propertyName": "lastmodifieddate", "operator": "BETWEEN", "value": "0", "highValue": "9"}
SPEC = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}
ROW = {"id": CONTACT, "idProperty": "hs_object_id", "properties": {"city": "Lyon"}, "objectWriteTraceId": "t"}
STAGE = {"label": "S", "displayOrder": 1, "metadata": {"probability": "0.3", "isClosed": "false"}}
RIGHT: list[tuple[str, str, Any]] = [
    ("POST", "/crm/v3/objects/contacts", {"properties": {"email": "n@example.com", "closedate": "1793606400000"},
                                          "associations": [{"to": {"id": COMPANY}, "types": [SPEC]}]}),
    ("PATCH", f"/crm/v3/objects/contacts/{CONTACT}", {"properties": {"lifecyclestage": "lead", "city": "Lyon"}}),
    ("PATCH", f"/crm/objects/2026-09/deals/{DEAL}", {"properties": {"dealstage": "closedlost", "amount": 5}}),
    ("POST", "/crm/v3/objects/deals", {"properties": {"dealname": "N", "dealstage": "closedwon", "amount": "1"}}),
    ("POST", "/crm/v3/objects/contacts/search", {"filterGroups": [{"filters": [FILTER]}], "limit": 5, "after": "0",
                                                 "sorts": [{"propertyName": "email", "direction": "DESCENDING"}],
                                                 "properties": ["email"], "query": "a"}),
    ("POST", "/crm/v3/objects/deals/search", {"filterGroups": [{"filters": [{"propertyName": "dealstage",
                                              "operator": "IN", "values": ["closedwon"]}]}], "sorts": ["-amount"]}),
    ("POST", "/crm/v3/objects/deals/search", {"filterGroups": [{"filters": [{"propertyName": "associations.contact",
                                              "operator": "EQ", "value": CONTACT}]}]}),
    ("POST", "/crm/v3/associations/contacts/companies/batch/create", {"inputs": [{"from": {"id": CONTACT},
                                                        "to": {"id": COMPANY}, "type": "contact_to_company"}]}),
    ("POST", "/crm/v3/associations/contacts/companies/batch/read", {"inputs": [{"id": CONTACT}]}),
    ("POST", "/crm/v3/objects/contacts/batch/read", {"inputs": [{"id": CONTACT}], "properties": ["email"],
                                                     "propertiesWithHistory": ["city"], "idProperty": "email"}),
    ("POST", "/crm/v3/objects/contacts/batch/create", {"inputs": [{"properties": {"lastname": "B"},
                                                                   "objectWriteTraceId": "1"}]}),
    ("POST", "/crm/v3/objects/contacts/batch/update", {"inputs": [ROW, {**ROW, "id": OTHER}]}),
    ("POST", "/crm/objects/2026-03/contacts/batch/upsert", {"inputs": [{**ROW, "id": "u@example.com",
                                                                        "idProperty": "email"}]}),
    ("POST", "/crm/v3/objects/notes/batch/archive", {"inputs": [{"id": "68000000007"}]}),
    ("POST", "/crm/v3/objects/contacts/merge", {"primaryObjectId": CONTACT, "objectIdToMerge": OTHER}),
    ("POST", "/crm/v3/objects/contacts/gdpr-delete", {"objectId": "u@example.com", "idProperty": "email"}),
    ("POST", "/crm/v4/associations/contacts/companies/batch/read", {"inputs": [{"id": CONTACT, "after": "1"}]}),
    ("POST", "/crm/v4/associations/contacts/companies/batch/create", {"inputs": [{"from": {"id": CONTACT},
                                                        "to": {"id": COMPANY}, "types": [SPEC]}]}),
    ("POST", "/crm/v4/associations/contacts/companies/batch/archive", {"inputs": [{"from": {"id": CONTACT},
                                                                                   "to": [{"id": COMPANY}]}]}),
    ("POST", "/crm/v4/associations/contacts/companies/batch/labels/archive", {"inputs": [{"from": {"id": CONTACT},
                                                        "to": {"id": COMPANY}, "types": [SPEC]}]}),
    ("PUT", f"/crm/v4/objects/contacts/{CONTACT}/associations/companies/{COMPANY}", [SPEC]),
    ("POST", "/crm/v4/associations/contacts/companies/labels", {"name": "l", "label": "L", "inverseLabel": "I"}),
    ("PUT", "/crm/v4/associations/deals/contacts/labels", {"associationTypeId": 101, "label": "New"}),
    ("POST", "/crm/v3/properties/contacts", {"name": "p", "label": "P", "type": "enumeration", "fieldType": "select",
                                             "groupName": "contactinformation", "hasUniqueValue": False,
                                             "options": [{"label": "A", "value": "a", "displayOrder": 1}]}),
    ("PATCH", "/crm/v3/properties/contacts/product_interest", {"label": "P", "displayOrder": 2, "hidden": True,
                                                               "options": [{"label": "A", "value": "a"}]}),
    ("POST", "/crm/v3/properties/contacts/groups", {"name": "g", "label": "G"}),
    ("POST", "/crm/v3/properties/contacts/batch/read", {"inputs": [{"name": "email"}]}),
    ("POST", "/crm/v3/pipelines/deals", {"label": "P", "displayOrder": 1, "stages": [STAGE]}),
    ("PATCH", "/crm/v3/pipelines/deals/default/stages/contractsent", STAGE),
    ("POST", "/crm/v3/lists/search", {"query": "c", "count": 5, "offset": 0, "listIds": ["43"], "sort": "HS_NAME",
                                      "processingTypes": ["MANUAL"], "objectTypeId": "0-1"}),
    ("POST", "/crm/v3/lists", {"name": "L", "objectTypeId": "0-1", "processingType": "DYNAMIC", "filterBranch": {}}),
    ("PUT", "/crm/v3/lists/43/memberships/add-and-remove", {"recordIdsToAdd": [CONTACT], "recordIdsToRemove": ["1"]}),
    ("PUT", "/crm/v3/lists/43/memberships/add", [CONTACT]),
    ("POST", "/events/v3/send", {"eventName": "pe26500113_x", "objectId": CONTACT, "occurredAt": "2026-01-01",
                                 "properties": {"a": "b"}}),
    ("POST", "/events/v3/send/batch", {"inputs": [{"eventName": "pe26500113_x", "email": "a@b.co"}]}),
    ("PUT", "/webhooks/v3/4711001/settings", {"targetUrl": "https://h.example", "throttling":
                                              {"maxConcurrentRequests": 10}}),
    ("POST", "/webhooks/v3/4711001/subscriptions", {"eventType": "contact.propertyChange", "propertyName": "email",
                                                    "active": True, "objectTypeId": "0-1"}),
    ("POST", "/webhooks/v3/4711001/subscriptions/batch/update", {"inputs": [{"id": 2710002, "active": False}]}),
    ("GET", "/crm/v3/objects/contacts", None), ("GET", f"/crm/v3/objects/contacts/{CONTACT}", None),
    ("GET", "/crm/v3/owners", None), ("GET", "/email/public/v1/events", None), ("GET", "/events/v3/events", None),
    ("GET", "/crm/v3/lists/43/memberships", None), ("GET", "/marketing/v3/emails", None),
    ("GET", f"/crm/v4/objects/contacts/{CONTACT}/associations/companies", None),
    ("GET", "/marketing/v3/forms", None), ("GET", "/email/public/v1/campaigns/by-id", None),
    ("GET", "/marketing/v3/emails/statistics/list", None), ("GET", "/crm/v3/lists", None),
]  # fmt: skip
QUERIES = (
    "limit", "after", "before", "properties", "propertiesWithHistory", "associations", "archived", "idProperty", "sort",
    "eventType", "objectId", "objectType", "occurredAfter", "startTimestamp", "endTimestamp", "offset", "email",
    "recipient", "campaignId", "createdAfter", "updatedBefore", "emailIds", "id", "property.hs_url",
    "objectProperty.email", "listIds", "includeFilters", "isPublished",
)  # fmt: skip


class Caller:
    """Sends requests straight to the vendor object."""

    def __init__(self, seed: int) -> None:
        self.vendor = HubSpot(World(60, 1, NOW), Clock(NOW, 0), Options(limits=False, lag=0))
        self.dice = random.Random(seed)
        self.token = self.vendor.connection("http://hub")["access_token"]
        key = self.vendor.act("show_app", {})["developer_key"]
        self.key = ("hapikey", str(key))

    def send(self, method: str, path: str, query: list[tuple[str, str]], body: bytes) -> int:
        """The status; whatever a handler raises beside what the server expects comes through."""
        match = self.vendor.router.match(method, path)
        assert isinstance(match, Match), path
        request = Request(method, path, Query(urlencode(query)), {"authorization": f"Bearer {self.token}"}, body)
        request.route, request.params = match.route, match.params
        try:
            response = self.vendor.before(request) or match.handler(request)
        except BadJsonError:
            response = self.vendor.refuse(400, request)
        self.vendor.after(request, response)
        if response.body:
            assert "json" not in response.headers["Content-Type"] or orjson.loads(response.body) is not None
        return response.status

    def bent(self, body: Any) -> Any:
        """The body with one to three of its parts replaced, removed or doubled."""
        whole = {"": copy.deepcopy(body)}
        for _ in range(self.dice.randrange(1, 4)):
            holder, key = self.dice.choice(list(_places(whole)))
            way = self.dice.random()
            if way < 0.7 or key == "":
                holder[key] = copy.deepcopy(self.dice.choice(ODD))
            elif way < 0.85:
                del holder[key]
            elif isinstance(holder, list):
                holder.append(holder[key])
        return whole[""]


def _places(value: Any) -> Any:
    """Every (container, key) inside of a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(pairs):
        yield value, key
        yield from _places(part)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_request_breaks_the_account(seed: int) -> None:
    caller = Caller(seed)
    seen: Counter[int] = Counter()
    for method, path, body in RIGHT:
        assert caller.send(method, path, [caller.key], orjson.dumps(body)) < 500, path
    for _ in range(4000):
        method, path, body = caller.dice.choice(RIGHT)
        names = caller.dice.choices(QUERIES, k=caller.dice.randrange(4))
        query = [(name, str(caller.dice.choice(ODD))) for name in names]
        raw = orjson.dumps(caller.bent(body)) if caller.dice.random() < 0.97 else b'{"inputs": [}'
        seen[caller.send(method, path, [caller.key, *query], raw)] += 1
    assert max(seen) < 500
    assert {200, 201, 204, 207, 400, 404} <= set(seen)
    state = list(caller.vendor.state())
    assert len({(row["object"], row["id"]) for row in state}) == len(state)
    assert caller.vendor.least()["first_pull"]["contacts"] >= 1


WISHES: dict[str, list[Any]] = {
    "object": ["contacts", "deals"], "id": [CONTACT, DEAL], "to": ["companies", "notes"], "target": [COMPANY],
    "property": ["jobtitle", "lifecyclestage"], "list": ["43"], "email": ["q@example.com"], "type": ["OPEN"],
    "count": [2], "options": [["a", {"value": "b"}]], "fields": [{"city": "Lyon"}], "label": ["primary"], "mail": [3],
    "scopes": [["oauth"]], "sight": [0.5], "events": [["contact.creation"]], "primary": [CONTACT], "other": [OTHER],
    "name": ["own"], "url": ["https://x.example"], "grace_days": [1], "token": ["pat"], "queue": ["Q"],
}  # fmt: skip


def test_no_act_and_no_switch_breaks_the_account() -> None:
    caller = Caller(1)
    vendor, dice = caller.vendor, caller.dice
    with pytest.raises(ControlError) as refused:
        vendor.act("?", {})
    actions = str(refused.value).partition("known: ")[2].split(", ")
    done: Counter[str] = Counter()
    refusals = 0
    for _ in range(6000):
        wish = {
            name: dice.choice(WISHES[name] if dice.random() < 0.7 else ODD)
            for name in dice.sample(list(WISHES), dice.randrange(4, len(WISHES)))
        }
        name = dice.choice(list(vendor.settings({})))
        try:
            if dice.random() < 0.15:
                before = vendor.settings({})[name]
                vendor.settings({name: dice.choice(ODD)})
                vendor.settings({name: before})
            else:
                action = dice.choice(actions)
                vendor.act(action, wish)
                done[action] += 1
        except ControlError:
            refusals += 1
    assert len(done) > len(actions) / 2
    assert refusals > 1000
    assert len(list(vendor.state())) > 50
