"""Deals, pipelines and associations of the HubSpot sandbox, in plain HTTP and by the official client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import HubSpotAccount

DEALS = "/crm/v3/objects/deals"
CONTACTS = "/crm/v3/objects/contacts"
PIPELINE = "/crm/v3/pipelines/deals"
NAMES = "dealname,amount,dealstage,pipeline,closedate,hs_is_closed,hs_is_closed_won,hs_deal_stage_probability"


@pytest.fixture
def client(account: HubSpotAccount) -> Any:
    from hubspot import HubSpot

    return HubSpot(access_token=account.token, host=account.base, base_url=account.base)


def _deal(account: HubSpotAccount, **values: str) -> str:
    props = {"dealname": "Test", "dealstage": "qualifiedtobuy", **values}
    return str(account.post(DEALS, {"properties": props}, 201)["id"])


def _props(account: HubSpotAccount, path: str, *names: str) -> dict[str, Any]:
    found: dict[str, Any] = account.get(path, properties=",".join(names))["properties"]
    return found


def _switch(account: HubSpotAccount, **switches: Any) -> None:
    account.steer("/settings", {"vendor": "hubspot", **switches})


def test_seeded_deals_say_what_their_stage_means(account: HubSpotAccount) -> None:
    stages = {row["id"]: row["metadata"] for row in account.get(f"{PIPELINE}/default")["stages"]}
    rows = account.get(DEALS, limit=100, properties=NAMES, associations="contacts,companies")["results"]
    assert len(rows) > 5
    for row in rows:
        props = row["properties"]
        stage = stages[props["dealstage"]]
        assert props["hs_is_closed"] == stage["isClosed"]
        assert float(props["hs_deal_stage_probability"]) == float(stage["probability"])
        assert props["hs_is_closed_won"] == ("true" if props["dealstage"] == "closedwon" else "false")
        assert props["pipeline"] == "default"
        assert props["closedate"] is not None
        assert row["associations"]["contacts"]["results"]
    assert any(row["properties"]["amount"] is None for row in rows) or len(rows) < 40
    assert {"closedwon", "closedlost"} & {row["properties"]["dealstage"] for row in rows}


def test_seeded_deals_are_seen_from_both_ends(account: HubSpotAccount) -> None:
    deal = account.get(DEALS, limit=1)["results"][0]["id"]
    there = account.get(f"/crm/v4/objects/deals/{deal}/associations/contacts")["results"]
    types = {one["typeId"]: one for one in there[0]["associationTypes"]}
    assert types.pop(3) == {"category": "HUBSPOT_DEFINED", "typeId": 3, "label": None}
    (role,) = types.values()
    assert role["category"] == "USER_DEFINED"
    contact = there[0]["toObjectId"]
    back = account.get(f"/crm/v4/objects/contacts/{contact}/associations/deals")["results"]
    mine = next(row for row in back if row["toObjectId"] == deal)
    assert {one["label"] for one in mine["associationTypes"]} == {None, role["label"]}
    props = _props(account, f"{CONTACTS}/{contact}", "num_associated_deals")
    assert props["num_associated_deals"] == str(len(back))
    company = account.get(f"/crm/v4/objects/deals/{deal}/associations/companies")["results"][0]
    assert {one["typeId"] for one in company["associationTypes"]} == {5, 341}


def test_a_deal_needs_name_and_stage(account: HubSpotAccount) -> None:
    answer = account.call("POST", DEALS, {"properties": {"dealname": "No stage"}})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["context"]["properties"] == ["dealstage"]
    bad = account.call("POST", DEALS, {"properties": {"dealname": "x", "dealstage": "Closed Won"}})
    assert bad.json()["errors"][0]["code"] == "INVALID_OPTION"
    assert _props(account, f"{DEALS}/{_deal(account)}", "pipeline")["pipeline"] == "default"


def test_closing_a_deal_closes_what_follows_from_it(account: HubSpotAccount) -> None:
    number = _deal(account, amount="1000", createdate="2026-01-05T10:00:00Z")
    found = account.get(f"{DEALS}/{number}", properties=NAMES + ",hs_projected_amount,createdate")
    assert found["properties"]["hs_projected_amount"] == "400"
    assert found["properties"]["createdate"] == "2026-01-05T10:00:00.000Z" == found["createdAt"]
    account.steer("/clock", {"advance": 5000})
    account.call("PATCH", f"{DEALS}/{number}", {"properties": {"dealstage": "closedwon"}})
    props = _props(account, f"{DEALS}/{number}", *NAMES.split(","), "hs_lastmodifieddate")
    assert (props["hs_is_closed"], props["hs_is_closed_won"], props["hs_deal_stage_probability"]) == (
        "true",
        "true",
        "1",
    )
    assert props["closedate"] == props["hs_lastmodifieddate"] == "2026-11-02T08:00:05.000Z"
    rule = {"propertyName": "hs_is_closed_won", "operator": "EQ", "value": "true"}
    mine = {"propertyName": "hs_object_id", "operator": "EQ", "value": number}
    assert account.post(f"{DEALS}/search", {"filterGroups": [{"filters": [rule, mine]}]})["total"] == 1


def test_read_only_deal_properties_are_refused(account: HubSpotAccount) -> None:
    for name in ("hs_is_closed", "hs_is_closed_won", "hs_deal_stage_probability"):
        answer = account.call("PATCH", f"{DEALS}/{_deal(account)}", {"properties": {name: "1"}})
        assert answer.json()["errors"][0]["code"] == "READ_ONLY_VALUE"


def test_pipelines_can_be_made_and_stages_belong_to_one(account: HubSpotAccount) -> None:
    stage = {"label": "Pilot", "displayOrder": 0, "metadata": {"probability": "0.5"}}
    won = {"label": "Signed", "displayOrder": 1, "metadata": {"probability": "1.0"}}
    made = account.post(PIPELINE, {"label": "Partners", "displayOrder": 1, "stages": [stage, won]}, 201)
    assert [row["metadata"]["isClosed"] for row in made["stages"]] == ["false", "true"]
    pilot, signed = (row["id"] for row in made["stages"])
    assert pilot.isdigit()
    options = account.get("/crm/v3/properties/deals/dealstage")["options"]
    assert pilot in {row["value"] for row in options}
    answer = account.call("POST", DEALS, {"properties": {"dealname": "x", "dealstage": pilot}})
    assert answer.status_code == 400
    number = _deal(account, pipeline=made["id"], dealstage=signed)
    assert _props(account, f"{DEALS}/{number}", "hs_is_closed_won")["hs_is_closed_won"] == "true"
    used = account.call("DELETE", f"{PIPELINE}/{made['id']}/stages/{signed}")
    assert used.json()["subCategory"] == "PipelineError.STAGE_ID_IN_USE"
    assert account.call("DELETE", f"{PIPELINE}/{made['id']}/stages/{pilot}").status_code == 204
    assert len(account.get("/crm/pipelines/2026-09/deals")["results"]) == 2
    assert account.get(f"/crm/pipelines/2026-03/deals/{made['id']}/stages")["results"][0]["id"] == signed


def test_a_stage_changed_in_the_settings_changes_deals_without_a_stamp(account: HubSpotAccount) -> None:
    number = _deal(account, dealstage="contractsent")
    before = account.get(f"{DEALS}/{number}")["updatedAt"]
    account.steer("/clock", {"advance": 60_000})
    path = f"{PIPELINE}/default/stages/contractsent"
    account.call("PATCH", path, {"metadata": {"probability": "0.95", "isClosed": "false"}})
    found = account.get(f"{DEALS}/{number}", properties="hs_deal_stage_probability")
    assert found["properties"]["hs_deal_stage_probability"] == "0.95"
    assert found["updatedAt"] == before


def test_deals_move_lifecycle_stages_when_the_switch_is_on(account: HubSpotAccount) -> None:
    _switch(account, deal_moves_stage=True)
    contact = account.post(CONTACTS, {"properties": {"lastname": "Buyer", "lifecyclestage": "lead"}}, 201)["id"]
    tie = {"to": {"id": contact}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]}
    body = {"properties": {"dealname": "Big", "dealstage": "qualifiedtobuy"}, "associations": [tie]}
    deal = account.post(DEALS, body, 201)["id"]
    found = account.get(f"{CONTACTS}/{contact}", properties="lifecyclestage", propertiesWithHistory="lifecyclestage")
    assert found["properties"]["lifecyclestage"] == "opportunity"
    assert found["propertiesWithHistory"]["lifecyclestage"][0]["sourceType"] == "DEALS"
    account.call("PATCH", f"{DEALS}/{deal}", {"properties": {"dealstage": "closedwon"}})
    assert _props(account, f"{CONTACTS}/{contact}", "lifecyclestage")["lifecyclestage"] == "customer"
    _switch(account, deal_moves_stage=False)
    other = account.post(CONTACTS, {"properties": {"lastname": "Other"}}, 201)["id"]
    account.call("PUT", f"/crm/v4/objects/deals/{deal}/associations/default/contacts/{other}")
    assert _props(account, f"{CONTACTS}/{other}", "lifecyclestage")["lifecyclestage"] == "lead"


def test_deals_remember_their_stages(account: HubSpotAccount) -> None:
    rows = account.get(DEALS, limit=50, properties="dealstage", propertiesWithHistory="dealstage")["results"]
    history = {row["id"]: row["propertiesWithHistory"]["dealstage"] for row in rows}
    assert any(len(versions) > 2 for versions in history.values())
    for row in rows:
        times = [version["timestamp"] for version in history[row["id"]]]
        assert times == sorted(times, reverse=True)
        assert history[row["id"]][0]["value"] == row["properties"]["dealstage"]
    number = next(row["id"] for row in rows if row["properties"]["dealstage"] != "closedwon")
    account.call("PATCH", f"{DEALS}/{number}", {"properties": {"dealstage": "closedwon"}})
    found = account.get(f"{DEALS}/{number}", propertiesWithHistory="dealstage")["propertiesWithHistory"]["dealstage"]
    assert found[1:] == history[number]
    assert (found[0]["value"], found[0]["sourceType"]) == ("closedwon", "INTEGRATION")


def test_conditional_rules_hold_on_2026_09_alone(account: HubSpotAccount) -> None:
    _switch(account, required_when={"deals": {"dealstage=closedlost": ["closed_lost_reason"]}})
    number = _deal(account)
    body = {"properties": {"dealstage": "closedlost"}}
    answer = account.call("PATCH", f"/crm/objects/2026-09/deals/{number}", body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["context"]["properties"] == ["closed_lost_reason"]
    batch = {"inputs": [{"id": number, **body, "objectWriteTraceId": "t"}]}
    assert account.post("/crm/objects/2026-09/deals/batch/update", batch, 207)["numErrors"] == 1
    assert account.call("PATCH", f"/crm/objects/2026-03/deals/{number}", body).status_code == 200


def test_a_move_to_another_company_leaves_the_stamps_alone(account: HubSpotAccount) -> None:
    companies = [row["id"] for row in account.get("/crm/v3/objects/companies", limit=2)["results"]]
    contact = account.post(CONTACTS, {"properties": {"lastname": "Mover"}}, 201)["id"]
    for company in companies:
        account.steer("/clock", {"advance": 60_000})
        wish = {"vendor": "hubspot", "action": "associate", "object": "contacts", "id": contact, "to": "companies"}
        account.steer("/act", {**wish, "target": company, "label": "primary"})
        found = account.get(f"{CONTACTS}/{contact}", properties="associatedcompanyid")
        assert found["properties"]["associatedcompanyid"] == company
        assert found["updatedAt"] == found["createdAt"]
    held = account.get(f"/crm/v4/objects/contacts/{contact}/associations/companies")["results"]
    labels = {row["toObjectId"]: {one["label"] for one in row["associationTypes"]} for row in held}
    assert labels == {companies[0]: {None}, companies[1]: {None, "Primary"}}
    _switch(account, link_stamps=True)
    account.call("DELETE", f"/crm/v4/objects/contacts/{contact}/associations/companies/{companies[1]}")
    assert account.get(f"{CONTACTS}/{contact}")["updatedAt"] > found["createdAt"]


def test_thousands_of_associations_page_fully(account: HubSpotAccount) -> None:
    contact = account.post(CONTACTS, {"properties": {"lastname": "Popular"}}, 201)["id"]
    wish = {"vendor": "hubspot", "action": "flood", "object": "contacts", "id": contact, "to": "notes", "count": 1203}
    made = account.steer("/act", wish)["ids"]
    path, seen, pages, after = f"/crm/v4/objects/contacts/{contact}/associations/notes", [], 0, None
    while True:
        page = account.get(path, **({"after": after} if after else {}))
        seen += [row["toObjectId"] for row in page["results"]]
        pages += 1
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
    assert (seen, pages) == (made, 3)
    seen, row = [], {"id": contact}
    while True:
        found = account.post("/crm/v4/associations/contacts/notes/batch/read", {"inputs": [row]})["results"][0]
        seen += [one["toObjectId"] for one in found["to"]]
        if "paging" not in found:
            break
        row = {"id": contact, "after": found["paging"]["next"]["after"]}
    assert seen == made
    assert account.call("GET", path, limit=501).status_code == 400
    inline = account.get(f"{CONTACTS}/{contact}", associations="notes")["associations"]["notes"]
    assert [one["id"] for one in inline["results"]] == made[:100]
    rest = account.get(path, after=inline["paging"]["next"]["after"])["results"]
    assert rest[0]["toObjectId"] == made[100]


def test_archived_ends_are_in_no_association(account: HubSpotAccount) -> None:
    contact = account.post(CONTACTS, {"properties": {"lastname": "Tied"}}, 201)["id"]
    deal = _deal(account)
    account.call("PUT", f"/crm/v4/objects/deals/{deal}/associations/default/contacts/{contact}")
    account.call("DELETE", f"{DEALS}/{deal}")
    path = f"/crm/v4/objects/contacts/{contact}/associations/deals"
    assert account.get(path)["results"] == []
    assert _props(account, f"{CONTACTS}/{contact}", "num_associated_deals")["num_associated_deals"] is None
    account.steer("/act", {"vendor": "hubspot", "action": "restore", "object": "deals", "id": deal})
    assert [row["toObjectId"] for row in account.get(path)["results"]] == [deal]


def test_another_company_becomes_the_primary_one_when_it_is_archived(account: HubSpotAccount) -> None:
    companies = [
        account.post("/crm/v3/objects/companies", {"properties": {"name": name}}, 201)["id"] for name in ("A", "B")
    ]
    contact = account.post(CONTACTS, {"properties": {"lastname": "Tied"}}, 201)["id"]
    account.call("PUT", f"/crm/v4/objects/contacts/{contact}/associations/default/companies/{companies[0]}")
    account.call("DELETE", f"/crm/v3/objects/companies/{companies[0]}")
    assert _props(account, f"{CONTACTS}/{contact}", "associatedcompanyid")["associatedcompanyid"] is None
    account.call("PUT", f"/crm/v4/objects/companies/{companies[1]}/associations/default/contacts/{contact}")
    assert _props(account, f"{CONTACTS}/{contact}", "associatedcompanyid")["associatedcompanyid"] == companies[1]
    account.steer("/act", {"vendor": "hubspot", "action": "restore", "object": "companies", "id": companies[0]})
    held = account.get(f"/crm/v4/objects/contacts/{contact}/associations/companies")["results"]
    primary = [row["toObjectId"] for row in held if 1 in {one["typeId"] for one in row["associationTypes"]}]
    assert primary == [companies[1]]


def test_labels_can_be_made_and_taken_away(account: HubSpotAccount) -> None:
    path = "/crm/v4/associations/contacts/companies/labels"
    made = account.post(path, {"name": "advisor", "label": "Advisor", "inverseLabel": "Advised by"})["results"]
    assert [row["label"] for row in made] == ["Advisor", "Advised by"]
    company = account.get("/crm/v3/objects/companies", limit=1)["results"][0]["id"]
    contact = account.post(CONTACTS, {"properties": {"lastname": "Wise"}}, 201)["id"]
    spec = [{"associationCategory": "USER_DEFINED", "associationTypeId": made[0]["typeId"]}]
    tie = f"/crm/v4/objects/contacts/{contact}/associations/companies/{company}"
    answer = account.call("PUT", tie, spec)
    assert (answer.status_code, sorted(answer.json()["labels"])) == (201, ["Advisor", "Primary"])
    wrong = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": made[0]["typeId"]}]
    assert account.call("PUT", tie, wrong).status_code == 400
    back = account.get(f"/crm/v4/objects/companies/{company}/associations/contacts")["results"]
    mine = next(row for row in back if row["toObjectId"] == contact)
    assert "Advised by" in {one["label"] for one in mine["associationTypes"]}
    row = {"from": {"id": contact}, "to": {"id": company}, "types": spec}
    gone = "/crm/v4/associations/contacts/companies/batch/labels/archive"
    assert account.call("POST", gone, {"inputs": [row]}).status_code == 204
    held = account.get(f"/crm/v4/objects/contacts/{contact}/associations/companies")["results"]
    assert {one["typeId"] for one in held[0]["associationTypes"]} == {1, 279}
    assert account.call("DELETE", f"{path}/{made[0]['typeId']}").status_code == 204
    assert len(account.get(path)["results"]) == 2


def test_search_finds_what_is_associated(account: HubSpotAccount) -> None:
    deal = account.get(DEALS, limit=1)["results"][0]["id"]
    people = [
        row["toObjectId"] for row in account.get(f"/crm/v4/objects/deals/{deal}/associations/contacts")["results"]
    ]

    def found(kind: str, **rule: Any) -> list[str]:
        body = {"filterGroups": [{"filters": [rule]}]}
        return [row["id"] for row in account.post(f"/crm/v3/objects/{kind}/search", body)["results"]]

    assert found("contacts", propertyName="associations.deal", operator="EQ", value=deal) == people
    assert deal in found("deals", propertyName="associations.contact", operator="IN", values=[*people, "1"])
    assert found("deals", propertyName="associations.contact", operator="EQ", value="1") == []
    body = {"filterGroups": [{"filters": [{"propertyName": "associations.owner", "operator": "EQ", "value": "1"}]}]}
    assert account.call("POST", f"{DEALS}/search", body).status_code == 400


def test_the_official_client_reads_and_writes_deals(client: Any) -> None:
    api = client.crm.deals
    made = api.basic_api.create({"properties": {"dealname": "By client", "dealstage": "contractsent"}})
    assert made.properties["hs_object_id"] == made.id
    everyone = api.get_all(properties=["dealstage", "hs_is_closed"])
    assert made.id in {row.id for row in everyone}
    wish = {"inputs": [{"id": made.id, "properties": {"dealstage": "closedlost"}, "objectWriteTraceId": "1"}]}
    assert api.batch_api.update(wish).results[0].properties["dealstage"] == "closedlost"
    other = api.basic_api.create({"properties": {"dealname": "Twin", "dealstage": "contractsent"}})
    wish = {"primaryObjectId": made.id, "objectIdToMerge": other.id}
    survivor = api.basic_api.merge(wish) if hasattr(api.basic_api, "merge") else api.public_object_api.merge(wish)
    assert api.basic_api.get_by_id(other.id).id == survivor.id != made.id


def test_the_official_client_reads_pipelines_and_labels(client: Any) -> None:
    pipelines = client.crm.pipelines.pipelines_api.get_all("deals").results
    assert [stage.metadata["isClosed"] for stage in pipelines[0].stages][-3:] == ["false", "true", "true"]
    stages = client.crm.pipelines.pipeline_stages_api.get_all("deals", "default").results
    assert [stage.id for stage in stages] == [stage.id for stage in pipelines[0].stages]
    labels = client.crm.associations.v4.schema.definitions_api.get_all("deals", "contacts").results
    assert {row.category for row in labels} == {"HUBSPOT_DEFINED", "USER_DEFINED"}
    deal = client.crm.deals.basic_api.get_page(limit=1).results[0]
    tied = client.crm.associations.v4.batch_api.get_page("deals", "contacts", {"inputs": [{"id": deal.id}]})
    assert tied.results[0].to[0].association_types[0].category == "HUBSPOT_DEFINED"


def test_the_official_client_still_speaks_the_old_associations(client: Any, account: HubSpotAccount) -> None:
    api = client.crm.associations.batch_api
    contact = client.crm.contacts.basic_api.create({"properties": {"lastname": "Old"}}).id
    company = client.crm.companies.basic_api.get_page(limit=1).results[0].id
    row = {"from": {"id": contact}, "to": {"id": company}, "type": "contact_to_company"}
    assert len(api.create("contacts", "companies", {"inputs": [row]}).results) == 1
    read = api.read("contacts", "companies", {"inputs": [{"id": contact}, {"id": "1"}]})
    assert {(end.id, end.type) for end in read.results[0].to} == {
        (company, "contact_to_company"),
        (company, "contact_to_company_unlabeled"),
    }
    assert read.num_errors == 1
    api.archive("contacts", "companies", {"inputs": [row]})
    held = account.get(f"/crm/v4/objects/contacts/{contact}/associations/companies")["results"]
    assert held == []
    types = client.crm.associations.schema.types_api.get_all("deals", "contacts").results
    assert {"deal_to_contact", "decision_maker"} <= {one.name for one in types}
