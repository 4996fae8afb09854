"""The sandbox's answers against the machine-readable descriptions of HubSpot's API, where those are present."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from tests.conftest import HubSpotAccount

SPECS = Path(__file__).parents[3] / "shared" / "specs" / "hubspot"
pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="the descriptions are not part of the project")
CONTACTS = "/crm/v3/objects/contacts"


def _plain(schema: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: nullable becomes a type; what the descriptions get wrong is let through."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _plain(value) for key, value in schema.items() if key not in ("nullable", "format", "example")}
    if schema.get("nullable") and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found


def _check(file: str, path: str, method: str, status: int, answer: Any) -> None:
    spec = json.loads((SPECS / f"{file}.json").read_text())
    responses = spec["paths"][path][method]["responses"]
    schema = responses.get(str(status), responses["default"])["content"]
    body = next(iter(schema.values()))["schema"]
    components = _plain(spec["components"])
    schemas = components["schemas"]
    if "StandardError" in schemas:  # live answers have a word here, and so has the captured one of the fact sheet
        schemas["StandardError"]["properties"]["subCategory"] = {"type": ["object", "string"]}
    for name in ("SimplePublicObject", "SimplePublicObjectWithAssociations", "SimplePublicUpsertObject"):
        if name in schemas:  # unset properties are null
            schemas[name]["properties"]["properties"] = {
                "type": "object", "additionalProperties": {"type": ["string", "null"]}
            }  # fmt: skip
    if "AssociationSpecWithLabel" in schemas:  # plain associations have no label
        schemas["AssociationSpecWithLabel"]["properties"]["label"] = {"type": ["string", "null"]}
    if "LegalConsentOptionsNone" in schemas:  # the description demands the keys of all kinds at once
        schemas["HubSpotFormDefinitionAllOfLegalConsentOptions"] = schemas["LegalConsentOptionsNone"]
        fields = [{"$ref": f"#/components/schemas/{name}"} for name in ("EmailField", "SingleLineTextField")]
        schemas["DependentFieldDependentField"] = {"anyOf": fields}
    jsonschema.validate(answer, {**_plain(body), "components": components})


def test_objects(account: HubSpotAccount) -> None:
    page = account.get(CONTACTS, limit=20, associations="companies", propertiesWithHistory="jobtitle,email")
    _check("crm-contacts", CONTACTS, "get", 200, page)
    number = page["results"][0]["id"]
    one = account.get(f"{CONTACTS}/{number}", properties="email,city")
    _check("crm-contacts", CONTACTS + "/{contactId}", "get", 200, one)
    made = account.post(CONTACTS, {"properties": {"email": "spec@example.com"}}, 201)
    _check("crm-contacts", CONTACTS, "post", 201, made)
    clash = account.call("POST", CONTACTS, {"properties": {"email": "spec@example.com"}})
    _check("crm-contacts", CONTACTS, "post", 409, clash.json())
    bad = account.call("PATCH", f"{CONTACTS}/{number}", {"properties": {"nope": "1"}})
    _check("crm-contacts", CONTACTS + "/{contactId}", "patch", 400, bad.json())
    for kind in ("companies", "calls", "meetings", "notes", "tasks", "emails"):
        path = f"/crm/v3/objects/{kind}"
        _check(f"crm-{kind}", path, "get", 200, account.get(path, limit=20, associations="contacts"))


def test_batches_and_search(account: HubSpotAccount) -> None:
    ids = [row["id"] for row in account.get(CONTACTS, limit=3)["results"]]
    inputs = [{"id": one} for one in [*ids, "1"]]
    read = account.post(f"{CONTACTS}/batch/read", {"inputs": inputs, "properties": ["email"]}, 207)
    _check("crm-contacts", f"{CONTACTS}/batch/read", "post", 207, read)
    change = [{"id": one, "properties": {"city": "Lyon"}, "objectWriteTraceId": one} for one in [*ids, "1"]]
    done = account.post(f"{CONTACTS}/batch/update", {"inputs": change}, 207)
    _check("crm-contacts", f"{CONTACTS}/batch/update", "post", 207, done)
    row = {"id": "up@example.com", "idProperty": "email", "properties": {"city": "Köln"}}
    put = account.post(f"{CONTACTS}/batch/upsert", {"inputs": [row]})
    _check("crm-contacts", f"{CONTACTS}/batch/upsert", "post", 200, put)
    found = account.post(f"{CONTACTS}/search", {"limit": 5, "properties": ["email"]})
    _check("crm-contacts", f"{CONTACTS}/search", "post", 200, found)
    merged = account.post(f"{CONTACTS}/merge", {"primaryObjectId": ids[0], "objectIdToMerge": ids[1]})
    _check("crm-contacts", f"{CONTACTS}/merge", "post", 200, merged)


def test_properties(account: HubSpotAccount) -> None:
    root = "/crm/v3/properties/{objectType}"
    for kind in ("contacts", "companies", "tasks"):
        _check("crm-properties", root, "get", 200, account.get(f"/crm/v3/properties/{kind}"))
    wish = {"name": "hub", "label": "Hub", "type": "enumeration", "fieldType": "select",
            "groupName": "contactinformation", "options": [{"label": "A", "value": "a", "hidden": False}]}  # fmt: skip
    made = account.post("/crm/v3/properties/contacts", wish, 201)
    _check("crm-properties", root, "post", 201, made)
    again = account.call("POST", "/crm/v3/properties/contacts", wish)
    _check("crm-properties", root, "post", 409, again.json())
    groups = account.get("/crm/v3/properties/contacts/groups")
    _check("crm-properties", f"{root}/groups", "get", 200, groups)
    read = account.post("/crm/v3/properties/contacts/batch/read", {"inputs": [{"name": "hub"}], "archived": False})
    _check("crm-properties", f"{root}/batch/read", "post", 200, read)


def test_associations_owners_pipelines_forms(account: HubSpotAccount) -> None:
    ids = [row["id"] for row in account.get(CONTACTS, limit=30)["results"]]
    tied = account.post(
        "/crm/v4/associations/contacts/companies/batch/read", {"inputs": [{"id": one} for one in ids]}, 207
    )
    batch = "/crm/v4/associations/{fromObjectType}/{toObjectType}/batch/read"
    _check("crm-associations-v4", batch, "post", 207, tied)
    company = account.get("/crm/v3/objects/companies", limit=1)["results"][0]["id"]
    put = account.call("PUT", f"/crm/v4/objects/contacts/{ids[0]}/associations/default/companies/{company}")
    path = "/crm/v4/objects/{fromObjectType}/{fromObjectId}/associations/default/{toObjectType}/{toObjectId}"
    _check("crm-associations-v4", path, "put", 200, put.json())
    held = account.get(f"/crm/v4/objects/contacts/{ids[0]}/associations/companies")
    path = "/crm/v4/objects/{objectType}/{objectId}/associations/{toObjectType}"
    _check("crm-associations-v4", path, "get", 200, held)
    _check("crm-owners", "/crm/v3/owners/", "get", 200, account.get("/crm/v3/owners/"))
    _check("crm-pipelines", "/crm/v3/pipelines/{objectType}", "get", 200, account.get("/crm/v3/pipelines/deals"))
    _check("marketing-forms", "/marketing/v3/forms/", "get", 200, account.get("/marketing/v3/forms/"))


def test_deals_and_pipelines(account: HubSpotAccount) -> None:
    path = "/crm/v3/objects/deals"
    page = account.get(path, limit=20, associations="contacts,companies", properties="hs_is_closed,amount")
    _check("crm-deals", path, "get", 200, page)
    made = account.post(path, {"properties": {"dealname": "Spec", "dealstage": "contractsent"}}, 201)
    _check("crm-deals", path, "post", 201, made)
    pipelines = "/crm/v3/pipelines/{objectType}"
    stage = {"label": "Only", "displayOrder": 0, "metadata": {"probability": "1.0"}}
    wish = {"label": "Second", "displayOrder": 1, "stages": [stage]}
    made = account.post("/crm/v3/pipelines/deals", wish, 201)
    _check("crm-pipelines", pipelines, "post", 201, made)
    stages = account.get(f"/crm/v3/pipelines/deals/{made['id']}/stages")
    _check("crm-pipelines", pipelines + "/{pipelineId}/stages", "get", 200, stages)
    labels = account.get("/crm/v4/associations/deals/contacts/labels")
    path = "/crm/v4/associations/{fromObjectType}/{toObjectType}/labels"
    _check("crm-associations-v4-schema", path, "get", 200, labels)


def test_lists(account: HubSpotAccount) -> None:
    root = "/crm/v3/lists"
    found = account.post(f"{root}/search", {"count": 100})
    _check("crm-lists", f"{root}/search", "post", 200, found)
    number = found["lists"][0]["listId"]
    _check("crm-lists", root + "/{listId}", "get", 200, account.get(f"{root}/{number}"))
    for tail in ("/memberships", "/memberships/join-order"):
        members = account.get(f"{root}/{number}{tail}", limit=3)
        _check("crm-lists", root + "/{listId}" + tail, "get", 200, members)
    contact = members["results"][0]["recordId"]
    held = account.get(f"{root}/records/0-1/{contact}/memberships")
    _check("crm-lists", root + "/records/{objectTypeId}/{recordId}/memberships", "get", 200, held)
    done = account.call("PUT", f"{root}/{number}/memberships/add", [contact, "1"]).json()
    _check("crm-lists", root + "/{listId}/memberships/add", "put", 200, done)


def test_events_and_mails(account: HubSpotAccount) -> None:
    page = account.get("/events/v3/events/", eventType="e_visited_page", limit=20)
    _check("events", "/events/v3/events/", "get", 200, page)
    types = account.get("/events/v3/events/event-types")
    _check("events", "/events/v3/events/event-types", "get", 200, types)
    mails = account.get("/marketing/v3/emails/", includeStats="true")
    path = "/marketing/v3/emails/{emailId}"
    one = account.get(f"/marketing/v3/emails/{mails['results'][0]['id']}")
    _check("marketing-emails", "/marketing/v3/emails/", "get", 200, mails)
    _check("marketing-emails", path, "get", 200, one)
    span = {"startTimestamp": "2020-01-01T00:00:00Z", "endTimestamp": "2030-01-01T00:00:00Z"}
    stats = account.get("/marketing/v3/emails/statistics/list", **span)
    _check("marketing-emails", "/marketing/v3/emails/statistics/list", "get", 200, stats)


def test_webhooks_and_tokens(account: HubSpotAccount) -> None:
    app = account.steer("/act", {"vendor": "hubspot", "action": "show_app"})
    path, key = f"/webhooks/v3/{app['app_id']}", f"?hapikey={app['developer_key']}"
    root = "/webhooks/v3/{appId}"
    target = {"targetUrl": "https://hooks.example/x", "throttling": {"maxConcurrentRequests": 10}}
    settings = account.call("PUT", f"{path}/settings{key}", target)
    _check("webhooks", root + "/settings", "put", 200, settings.json())
    wish = {"eventType": "contact.propertyChange", "propertyName": "email", "active": True}
    made = account.post(f"{path}/subscriptions{key}", wish, 201)
    _check("webhooks", root + "/subscriptions", "post", 201, made)
    _check("webhooks", root + "/subscriptions", "get", 200, account.get(f"{path}/subscriptions{key}"))
    change = {"inputs": [{"id": made["id"], "active": False}]}
    done = account.post(f"{path}/subscriptions/batch/update{key}", change)
    _check("webhooks", root + "/subscriptions/batch/update", "post", 200, done)
    names = ("client_id", "client_secret", "refresh_token")
    form = {"grant_type": "refresh_token", **{name: account.connection[name] for name in names}}
    token = account.http.post(f"{account.base}/oauth/v1/token", data=form, timeout=30).json()
    _check("oauth", "/oauth/v1/token", "post", 200, token)
    about = account.get(f"/oauth/v1/access-tokens/{token['access_token']}")
    _check("oauth", "/oauth/v1/access-tokens/{token}", "get", 200, about)
    refresh = account.get(f"/oauth/v1/refresh-tokens/{token['refresh_token']}")
    _check("oauth", "/oauth/v1/refresh-tokens/{token}", "get", 200, refresh)
