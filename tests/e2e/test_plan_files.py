"""A plan is a file: reviewed, then executed exactly; refused when the world or the rules moved on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.e2e.calm import nothing, undisturbed
from tests.e2e.world import World, differences

Json = dict[str, Any]


def planned(world: World) -> tuple[Path, list[Json]]:
    """pull, resolve, qualify, then a plan in a file."""
    for verb in ("pull", "resolve", "qualify"):
        assert world.run(verb).code == 0
    before = world.state()
    file = world.home / "plan.jsonl"
    ran = world.run("plan", "--out", str(file))
    assert ran.code == 0, ran.err
    assert not differences(before, world.state()), "a plan writes nothing"
    header, *items = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    assert header["ops"] == len(items) > 5
    return file, items


def push(world: World, file: Path) -> Json:
    ran = world.run("push", "--plan", str(file), "--json")
    assert ran.code == 0, (ran.out, ran.err)
    return ran.data


def fields_of(world: World) -> dict[tuple[str, str], Json]:
    return {(v, r["id"]): r["fields"] for v in ("hubspot", "salesforce") for r in world.rows(v)}


def test_push_executes_exactly_the_plan(world: World) -> None:
    wanted = undisturbed(world, nothing).state
    file, items = planned(world)
    before = fields_of(world)
    done = push(world, file)
    assert done["ops"]["applied"] == len(items)
    after = fields_of(world)
    by_record = {(i["connection"], i["id"]): i for i in items}
    for record, fields in after.items():
        changed = {k for k, v in fields.items() if before[record].get(k) != v}
        item = by_record.get(record, {"after": {}})
        asked = {k for k, v in item["after"].items() if v != before[record].get(k)}
        stamps = {"lastmodifieddate", "hs_lastmodifieddate", "LastModifiedDate", "SystemModstamp", "LastModifiedById"}
        assert asked <= changed
        # Salesforce shows some fields a second time inside others
        more = {k for k in changed - asked - stamps if not k.startswith("hs_") and not k.endswith(("Address", "Name"))}
        assert not more, record
    assert not differences(wanted, world.state())
    assert world.sync()["ops"]["planned"] == 0


def test_records_edited_meanwhile_are_not_written_but_listed(world: World) -> None:
    file, items = planned(world)
    filling = next(i for i in items if i["connection"] == "hubspot" and i["stream"] == "contacts")
    field = next(iter(filling["after"]))
    # somebody else was faster with the same field
    if field.startswith("crmhub_"):
        world.run("check", "--create-fields")
    world.advance(60)
    world.edit("hubspot", "contacts", filling["id"], **{field: "cold" if field.endswith("band") else "12"})
    world.advance(60)
    done = push(world, file)
    assert done["ops"]["superseded"] == 1
    assert done["ops"]["applied"] == len(items) - 1
    record = fields_of(world)["hubspot", filling["id"]]
    assert all(record.get(k) != v for k, v in filling["after"].items() if v is not None and k != field)
    assert world.one("SELECT COUNT(*) FROM op WHERE state = 'superseded' AND remote_id = ?", filling["id"]) == 1
    assert any(filling["id"] in line and "changed in the CRM" in line for line in done["left"])


def test_a_plan_of_another_configuration_is_refused(world: World) -> None:
    file, _ = planned(world)
    before = world.state()
    world.edit_config("points = 20", "points = 25")
    ran = world.run("push", "--plan", str(file))
    assert ran.code == 2
    assert "another configuration" in ran.err
    assert "crmhub plan --out" in ran.err
    assert not differences(before, world.state())


def test_a_plan_older_than_a_day_is_refused(world: World) -> None:
    file, _ = planned(world)
    before = world.state()
    world.advance(25 * 3600)
    ran = world.run("push", "--plan", str(file))
    assert ran.code == 2
    assert "older than 24 hours" in ran.err
    assert not differences(before, world.state())


def test_a_plan_is_not_executed_twice(world: World) -> None:
    file, items = planned(world)
    push(world, file)
    after = world.state()
    again = push(world, file)
    assert again["ops"].get("applied", 0) == 0
    assert again["ops"]["unchanged"] == len(items)
    assert not differences(after, world.state())


def test_a_killed_push_of_a_plan_file_is_completed_by_the_next(world: World) -> None:
    wanted = undisturbed(world, nothing).state
    file, _ = planned(world)
    sends = world.boundaries("push", "--plan", str(file))["wire"]
    world.fresh()
    file, _ = planned(world)
    assert world.killed("push", "--plan", str(file), fault=f"wire:{sends // 2}")
    push(world, file)
    assert not differences(wanted, world.state())
    assert world.sync()["ops"]["planned"] == 0


def test_observe_mode_pushes_nothing(world: World) -> None:
    world.edit_config('mode = "live"', 'mode = "observe"')
    before = world.state()
    report = world.sync()
    assert report["ops"]["planned"] > 0
    assert report["ops"]["applied"] == 0
    assert not differences(before, world.state())


def test_a_plan_file_that_was_changed_is_refused(world: World) -> None:
    file, items = planned(world)
    before = world.state()
    lines = file.read_text(encoding="utf-8").splitlines()
    item = dict(items[0], before={}, after={"HasOptedOutOfEmail": False})
    for changed in ([*lines, json.dumps(item)], lines[:-1], [*lines[:-1], lines[-1].replace('"update"', '"create"')]):
        file.write_text("\n".join(changed) + "\n", encoding="utf-8")
        ran = world.run("push", "--plan", str(file))
        assert (ran.code, "Traceback" in ran.err) == (2, False)
        assert "was changed since it was written" in ran.err
    assert not differences(before, world.state())


def test_a_line_that_is_no_plan_is_named(world: World) -> None:
    file = world.home / "plan.jsonl"
    for text, where in (("", ":1"), ("[]\n", ":1"), ('{"crmhub_plan": 1}\n{"connection": 1}\n', ":2")):
        file.write_text(text, encoding="utf-8")
        ran = world.run("push", "--plan", str(file))
        assert ran.code == 2
        assert f"plan.jsonl{where}" in ran.err
