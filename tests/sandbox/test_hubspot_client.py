"""The unmodified hubspot-api-client against the sandbox; only its base URL differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import HubSpotAccount


@pytest.fixture
def client(account: HubSpotAccount) -> Any:
    from hubspot import HubSpot

    return HubSpot(access_token=account.token, host=account.base, base_url=account.base)


def test_list_and_get_all(client: Any, account: HubSpotAccount) -> None:
    api = client.crm.contacts.basic_api
    page = api.get_page(limit=10, properties=["email", "jobtitle", "no_such_thing"], associations=["companies"])
    assert len(page.results) == 10
    assert "no_such_thing" not in page.results[0].properties
    assert any(row.associations for row in page.results)
    everyone = client.crm.contacts.get_all(properties=["email"])
    expected = [row["id"] for row in account.state() if row["object"] == "contacts"]
    assert [row.id for row in everyone] == expected
    assert len(everyone) > 100


def test_get_all_with_history_pages_by_fifty(client: Any) -> None:
    rows = client.crm.contacts.get_all(properties=["email"], properties_with_history=["lifecyclestage"])
    assert len(rows) > 100
    assert rows[0].properties_with_history["lifecyclestage"][0].value


def test_create_update_archive(client: Any) -> None:
    from hubspot.crm.contacts.exceptions import ApiException, NotFoundException

    api = client.crm.contacts.basic_api
    made = api.create({"properties": {"email": "Zoë.New@Example.com", "firstname": "Zoë 🎉"}})
    assert made.properties["email"] == "zoë.new@example.com"
    assert api.update(made.id, {"properties": {"jobtitle": "CEO"}}).properties["jobtitle"] == "CEO"
    assert api.get_by_id("zoë.new@example.com", id_property="email").id == made.id
    with pytest.raises(ApiException) as caught:
        api.create({"properties": {"email": "zoë.new@example.com"}})
    assert caught.value.status == 409
    assert f"Existing ID: {made.id}" in caught.value.body
    api.archive(made.id)
    with pytest.raises(NotFoundException):
        api.get_by_id(made.id)
    assert api.get_by_id(made.id, archived=True).archived
    assert [row.id for row in api.get_page(archived=True).results] == [made.id]


def test_search(client: Any) -> None:
    api = client.crm.contacts.search_api
    rule = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": "0"}
    body = {
        "filterGroups": [{"filters": [rule]}],
        "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
        "properties": ["email"],
        "limit": 60,
    }
    ids: list[str] = []
    stamps: list[Any] = []
    after: str | None = None
    while True:
        page = api.do_search({**body, **({"after": after} if after else {})})
        ids += [row.id for row in page.results]
        stamps += [row.updated_at for row in page.results]
        if page.paging is None:
            break
        after = page.paging.next.after
    assert len(ids) == len(set(ids)) == page.total
    assert stamps == sorted(stamps)


def test_batches(client: Any) -> None:
    contacts = client.crm.contacts.batch_api
    made = contacts.create(
        {"inputs": [{"properties": {"email": f"b{n}@example.com"}, "objectWriteTraceId": str(n)} for n in range(3)]}
    )
    assert len(made.results) == 3
    ids = [row.id for row in made.results]
    read = contacts.read({"inputs": [{"id": one} for one in [*ids, "999"]], "properties": ["email"],
                          "propertiesWithHistory": []})  # fmt: skip
    assert {row.id for row in read.results} == set(ids)
    assert read.num_errors == 1
    assert read.errors[0].context["ids"] == ["999"]
    done = contacts.update(
        {
            "inputs": [
                {"id": ids[0], "properties": {"jobtitle": "CTO"}, "objectWriteTraceId": "a"},
                {"id": ids[1], "properties": {"lifecyclestage": "Lead!"}, "objectWriteTraceId": "b"},
                {"id": "999", "properties": {"jobtitle": "x"}, "objectWriteTraceId": "c"},
            ]
        }
    )
    assert [row.id for row in done.results] == [ids[0]]
    assert [error.context["objectWriteTraceId"] for error in done.errors] == [["b"], ["c"]]
    put = contacts.upsert(
        {
            "inputs": [
                {"id": "b0@example.com", "idProperty": "email", "properties": {"city": "Köln"}},
                {"id": "fresh@example.com", "idProperty": "email", "properties": {"city": "Lyon"}},
            ]
        }
    )
    assert {row.properties["city"]: row.new for row in put.results} == {"Köln": False, "Lyon": True}
    contacts.archive({"inputs": [{"id": one} for one in ids]})
    read = contacts.read({"inputs": [{"id": one} for one in ids], "properties": [], "propertiesWithHistory": []})
    assert read.errors[0].context["ids"] == ids


def test_properties(client: Any) -> None:
    from hubspot.crm.properties.exceptions import ApiException

    api = client.crm.properties.core_api
    names = {row.name for row in api.get_all("contacts").results}
    assert {"email", "lifecyclestage", "hs_email_optout", "marketing_opt_out"} <= names
    wish = {"name": "crm_score", "label": "Score", "type": "number", "fieldType": "number",
            "groupName": "contactinformation"}  # fmt: skip
    assert api.create("contacts", wish).modification_metadata.read_only_value is False
    with pytest.raises(ApiException) as caught:
        api.create("contacts", wish)
    assert caught.value.status == 409
    stage = api.get_by_name("contacts", "lifecyclestage")
    assert [option.value for option in stage.options][:2] == ["subscriber", "lead"]
    groups = client.crm.properties.groups_api
    groups.create("contacts", {"name": "hub", "label": "Hub"})
    assert groups.get_by_name("contacts", "hub").label == "Hub"
    done = client.crm.properties.batch_api.create("contacts", {"inputs": [{**wish, "groupName": "hub"}, {
        **wish, "name": "crm_band", "groupName": "hub"}]})  # fmt: skip
    assert [row.name for row in done.results] == ["crm_band"]
    assert done.num_errors == 1


def test_owners_and_pipelines(client: Any) -> None:
    owners = client.crm.owners.get_all()
    assert {owner.type for owner in owners} == {"PERSON", "QUEUE"}
    gone = client.crm.owners.owners_api.get_page(archived=True).results
    assert len(gone) == 1
    assert client.crm.owners.owners_api.get_by_id(int(owners[0].id)).email == owners[0].email
    assert len(client.crm.pipelines.pipelines_api.get_all("deals").results[0].stages) == 7


def test_associations(client: Any) -> None:
    contact = client.crm.contacts.basic_api.create({"properties": {"lastname": "Tied"}})
    company = client.crm.companies.basic_api.create({"properties": {"name": "Tied SAS"}})
    api = client.crm.associations.v4
    api.basic_api.create_default("contacts", contact.id, "companies", company.id)
    held = api.basic_api.get_page("contacts", contact.id, "companies").results
    assert [row.to_object_id for row in held] == [company.id]
    assert {kind.type_id for kind in held[0].association_types} == {1, 279}
    alone = client.crm.contacts.basic_api.create({"properties": {"lastname": "Alone"}})
    read = api.batch_api.get_page("contacts", "companies", {"inputs": [{"id": contact.id}, {"id": alone.id}]})
    assert [row.to[0].to_object_id for row in read.results] == [company.id]
    assert read.num_errors == 1
    assert client.crm.contacts.basic_api.get_by_id(
        contact.id, properties=["associatedcompanyid"]
    ).properties["associatedcompanyid"] == company.id  # fmt: skip
    api.basic_api.archive("contacts", contact.id, "companies", company.id)
    assert api.basic_api.get_page("companies", company.id, "contacts").results == []


def test_forms(client: Any, account: HubSpotAccount) -> None:
    forms = client.marketing.forms.forms_api.get_page(limit=50).results
    assert len(forms) == 6
    page = account.get(f"/form-integrations/v1/submissions/forms/{forms[4].id}", limit=50)
    times = [row["submittedAt"] for row in page["results"]]
    assert times == sorted(times, reverse=True)


def test_errors(client: Any, account: HubSpotAccount) -> None:
    import urllib3
    from hubspot import HubSpot
    from hubspot.crm.companies.exceptions import ForbiddenException
    from hubspot.crm.contacts.exceptions import ApiException, UnauthorizedException

    stranger = HubSpot(access_token="pat-eu1-nobody", host=account.base, base_url=account.base)
    with pytest.raises(UnauthorizedException):
        stranger.crm.contacts.basic_api.get_page()
    account.steer("/settings", {"vendor": "hubspot", "scopes": ["crm.objects.contacts.read"]})
    with pytest.raises(ForbiddenException) as caught:
        client.crm.companies.basic_api.get_page()
    assert "crm.objects.companies.read" in caught.value.body
    assert client.crm.contacts.basic_api.get_page(limit=1).results
    account.steer("/settings", {"vendor": "hubspot", "scopes": []})
    account.steer("/faults", {"vendor": "hubspot", "kind": "status", "status": 429, "times": 1})
    patient = HubSpot(access_token=account.token, host=account.base, retry=urllib3.Retry(0))
    with pytest.raises(ApiException) as limited:
        patient.crm.contacts.basic_api.get_page()
    assert limited.value.status == 429
    assert "TEN_SECONDLY_ROLLING" in limited.value.body
