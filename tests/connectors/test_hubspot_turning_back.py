"""A lifecycle stage that goes backwards: cleared, set in a later request, read back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from tests.connectors.hubspot_kit import BASE, NOW, World, batch, record
from tests.connectors.hubspot_portal import Portal, sandbox, some_contacts, update

UPDATE = "POST /crm/v3/objects/contacts/batch/update"
READ = "POST /crm/v3/objects/contacts/batch/read"
CONTACTS = f"{BASE}/crm/v3/objects/contacts"


@pytest.fixture(scope="module")
def process() -> Iterator[Portal]:
    with sandbox(300) as ready:
        yield ready


@pytest.fixture
def portal(process: Portal) -> Portal:
    return process.renewed()


def stage(portal: Portal, contact: str) -> object:
    return portal.state("contacts")[contact]["fields"].get("lifecyclestage")


def customers(portal: Portal, number: int) -> list[str]:
    found = some_contacts(portal, number)
    for i in found:
        portal.edit("contacts", i, lifecyclestage="customer")
    return found


def test_an_earlier_stage_takes_three_calls_more_for_the_whole_batch(portal: Portal) -> None:
    back, forward = customers(portal, 40), some_contacts(portal, 60)[40:]
    for i in forward:
        portal.edit("contacts", i, lifecyclestage="subscriber")
    connector = portal.connector()
    ops = [update(i, f"b{i}", lifecyclestage="lead", jobtitle="Boss") for i in back]
    ops += [update(i, f"f{i}", lifecyclestage="opportunity") for i in forward]
    portal.ledger.calls.clear()
    results = connector.push("contacts", ops)
    assert portal.ledger.endpoints() == [UPDATE, UPDATE, UPDATE, READ]
    assert [r.op_id for r in results] == [op.op_id for op in ops]
    assert {r.outcome for r in results} == {"applied"}
    assert all(r.values == {"lifecyclestage": "lead", "jobtitle": "Boss"} for r in results[:40])
    assert all(r.values == {"lifecyclestage": "opportunity"} for r in results[40:])
    assert {stage(portal, i) for i in back} == {"lead"}


def test_what_a_workflow_made_of_it_is_what_is_told(portal: Portal) -> None:
    (one,) = customers(portal, 1)
    flow = {"object": "contacts", "when": "lifecyclestage", "set": {"lifecyclestage": "opportunity"}}
    portal.switch(workflows=[flow])
    (result,) = portal.connector().push("contacts", [update(one, lifecyclestage="lead")])
    assert result.outcome == "applied"
    assert result.values == {"lifecyclestage": stage(portal, one)}


@pytest.mark.parametrize("skip", [1, 2])
@pytest.mark.parametrize("kind", ["drop_after_commit", "drop_before", "cut"])
def test_a_lost_answer_on_the_way_back_is_asked_again(portal: Portal, kind: str, skip: int) -> None:
    (one,) = customers(portal, 1)
    portal.fault(kind, "/crm/v3/objects/contacts/batch/update", "POST", skip=skip, times=1)
    (result,) = portal.connector().push("contacts", [update(one, lifecyclestage="lead")])
    portal.clear_faults()
    assert (result.outcome, result.values) == ("applied", {"lifecyclestage": "lead"})
    assert stage(portal, one) == "lead"


@pytest.mark.parametrize("skip", [1, 2])
def test_no_answer_at_all_on_the_way_back_is_unknown(portal: Portal, skip: int) -> None:
    (one,) = customers(portal, 1)
    portal.fault("drop_after_commit", "/crm/v3/objects/contacts/batch/update", "POST", skip=skip)
    (result,) = portal.connector().push("contacts", [update(one, lifecyclestage="lead")])
    portal.clear_faults()
    assert result.outcome == "unknown"
    assert result.remote_id == one


def test_the_day_ending_before_the_way_back_leaves_the_stage(portal: Portal) -> None:
    (one,) = customers(portal, 1)
    portal.fault("quota", "/crm/v3/objects/contacts/batch/update", "POST", skip=1)
    (result,) = portal.connector().push("contacts", [update(one, lifecyclestage="lead", jobtitle="Boss")])
    portal.clear_faults()
    assert result.outcome == "applied"
    assert result.values == {"lifecyclestage": "customer", "jobtitle": "Boss"}
    assert stage(portal, one) == "customer"


def test_the_day_ending_after_the_clearing_is_tried_again_whole(portal: Portal) -> None:
    (one,) = customers(portal, 1)
    portal.fault("quota", "/crm/v3/objects/contacts/batch/update", "POST", skip=2)
    op = update(one, lifecyclestage="lead")
    (result,) = portal.connector().push("contacts", [op])
    portal.clear_faults()
    assert result.outcome == "retry"
    assert result.retry_after is not None
    (again,) = portal.connector().push("contacts", [op])
    assert (again.outcome, again.values) == ("applied", {"lifecyclestage": "lead"})


@responses.activate
def test_a_stage_that_is_refused_after_the_clearing_is_put_back() -> None:
    old = {"id": "1", "properties": {"lifecyclestage": "customer"}, "updatedAt": record(1)["updatedAt"]}
    blank = {"id": "1", "properties": {"lifecyclestage": ""}, "updatedAt": record(1)["updatedAt"]}
    refused = {"category": "VALIDATION_ERROR", "message": "closedate is required"}
    responses.post(f"{CONTACTS}/batch/update", json=batch(old))
    responses.post(f"{CONTACTS}/batch/update", json=batch(blank))
    responses.post(f"{CONTACTS}/batch/update", json=refused, status=400)
    responses.post(f"{CONTACTS}/batch/update", json=batch(old))
    (result,) = World().connector().push("contacts", [update("1", lifecyclestage="lead")])
    assert (result.outcome, result.message) == ("rejected", "closedate is required")
    assert b"customer" in (responses.calls[3].request.body or b"")


@responses.activate
def test_a_stage_that_only_one_record_refuses_is_put_back() -> None:
    def shown(number: int, value: str) -> dict[str, object]:
        return {"id": str(number), "properties": {"lifecyclestage": value}, "updatedAt": record(1, NOW)["updatedAt"]}

    error = {"category": "VALIDATION_ERROR", "message": "no", "context": {"ids": ["2"]}}
    responses.post(f"{CONTACTS}/batch/update", json=batch(shown(1, "customer"), shown(2, "customer")))
    responses.post(f"{CONTACTS}/batch/update", json=batch(shown(1, ""), shown(2, "")))
    responses.post(f"{CONTACTS}/batch/update", json=batch(shown(1, "lead"), errors=[error]), status=207)
    responses.post(f"{CONTACTS}/batch/read", json=batch(shown(1, "lead"), shown(2, "")))
    responses.post(f"{CONTACTS}/batch/update", json=batch(shown(2, "customer")))
    responses.post(f"{CONTACTS}/batch/read", json=batch(shown(1, "lead"), shown(2, "customer")))
    ops = [update("1", "a", lifecyclestage="lead"), update("2", "b", lifecyclestage="lead")]
    results = World().connector().push("contacts", ops)
    assert [r.values for r in results] == [{"lifecyclestage": "lead"}, {"lifecyclestage": "customer"}]
    assert results[0].modified_at == NOW
