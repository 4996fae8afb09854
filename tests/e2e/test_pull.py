"""Pulls lose nothing and store nothing twice: one stamp for 25,000 rows, edits during a pull, an index that lags."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.e2e.conftest import MakeWorld
from tests.e2e.world import World

#: vendor -> (objects of people, stream of each, fields to compare)
PEOPLE: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "hubspot": {"contacts": ("contacts", ("email", "firstname", "lastname", "jobtitle", "phone"))},
    "salesforce": {
        "Lead": ("leads", ("Email", "LastName", "Title", "Phone")),
        "Contact": ("contacts", ("Email", "LastName", "Title", "Phone")),
    },
}
TITLE = {"hubspot": ("contacts", "jobtitle"), "salesforce": ("Lead", "Title")}


def missed(world: World, vendor: str) -> list[str]:
    """People whom the store shows otherwise than the CRM does; empty when all is well."""
    held: dict[tuple[str, str], dict[str, Any]] = {}
    with world.store() as db:
        rows = db.execute(
            "SELECT stream, remote_id, remote FROM record WHERE connection = ? AND entity = 'person' "
            "AND deleted_at IS NULL AND merged_into IS NULL",
            (vendor,),
        ).fetchall()
    for stream, remote_id, remote in rows:
        assert (stream, remote_id) not in held
        held[stream, remote_id] = json.loads(remote)
    found = []
    seen = 0
    for row in world.rows(vendor):
        if row["object"] not in PEOPLE[vendor] or row["deleted"] or row["merged_into"]:
            continue
        if row["fields"].get("IsConverted"):
            continue
        seen += 1
        stream, names = PEOPLE[vendor][row["object"]]
        known = held.pop((stream, row["id"]), None)
        shown = {n: row["fields"].get(n) or None for n in names}
        if known is None or {n: known.get(n) for n in names} != shown:
            found.append(f"{stream} {row['id']}: {shown} held as {known}")
    assert seen > 0
    found += [
        f"{stream} {i} is not in the CRM" for (stream, i), values in held.items() if not values.get("IsConverted")
    ]
    return found


def ids_of(world: World, vendor: str, kind: str) -> list[str]:
    return [r["id"] for r in world.rows(vendor) if r["object"] == kind and not r["fields"].get("IsConverted")]


def pull(world: World) -> dict[str, Any]:
    ran = world.run("pull", "--json", timeout=240)
    assert ran.code == 0, (ran.out, ran.err)
    connections: dict[str, Any] = ran.data["connections"]
    return connections


@pytest.mark.parametrize("vendor", ["hubspot", "salesforce"])
def test_25000_rows_of_one_modification_time(worlds: MakeWorld, vendor: str) -> None:
    """A mass update gives every row one stamp; the rows that really changed are found among them, once."""
    people = {"hubspot": 33000, "salesforce": 50000}[vendor]
    world = worlds("--vendors", vendor, "--no-limits", "--lag", "0", people=people)
    kind, title = TITLE[vendor]
    first = pull(world)[vendor]
    assert first["pulled"] > 25_000
    ids = world.column(
        "SELECT remote_id FROM record WHERE stream = ? AND read_only IS NULL ORDER BY id", PEOPLE[vendor][kind][0]
    )
    assert len(ids) >= 25_000
    world.advance(3600)
    edited = random.Random(5).sample(ids, 40)
    for n, record in enumerate(edited):
        world.edit(vendor, kind, record, **{title: f"Edited {n}"})
    if vendor == "hubspot":
        now = world.steer("/clock")["now"]
        world.steer("/settings", {"vendor": vendor, "stamp": {"object": kind, "at": now}})
    else:
        world.steer("/settings", {"vendor": vendor, "touch": kind})
    world.advance(120)
    second = pull(world)[vendor]
    assert second["pulled"] >= len(ids)
    assert second["changed"] == len(edited)
    world.advance(3600)
    assert pull(world)[vendor]["changed"] == 0
    assert not missed(world, vendor)


@pytest.mark.parametrize("vendor", ["hubspot", "salesforce"])
@pytest.mark.parametrize("incremental", [False, True])
def test_rows_changed_during_a_pull(worlds: MakeWorld, vendor: str, incremental: bool) -> None:
    """People go on working while pages are read; what the first pull missed, the next one brings."""
    world = worlds("--vendors", vendor, people=900)
    kind, title = TITLE[vendor]
    if vendor == "salesforce":
        world.steer("/settings", {"vendor": vendor, "page_size": 200})
    dice = random.Random(7)
    ids = ids_of(world, vendor, kind)
    if incremental:
        pull(world)
        world.advance(3600)
        for record in dice.sample(ids, len(ids) // 2):
            world.edit(vendor, kind, record, **{title: "Before the pull"})
        world.advance(90)
    reads = r"/crm/.*" if vendor == "hubspot" else r"/services/data/.*/query.*"
    world.fault({"kind": "slow", "seconds": 0.1, "vendor": vendor, "match": {"route": reads}})
    edits = 0
    with world.start("pull", "--json") as process:
        while process.poll() is None:
            world.edit(vendor, kind, dice.choice(ids), **{title: f"During the pull {edits}"})
            world.advance(0.2)
            edits += 1
        out, err = process.communicate()
    assert process.returncode == 0, (out, err)
    assert edits > 20
    world.clear_faults()
    world.advance(120)
    pull(world)
    assert not missed(world, vendor)
    world.advance(120)
    assert pull(world)[vendor]["changed"] == 0


@pytest.mark.parametrize("vendor", ["hubspot", "salesforce"])
def test_an_index_that_lags_a_minute(worlds: MakeWorld, vendor: str) -> None:
    """Edits show up to 60 s late and out of order, with pulls all the while: the first pull after that has them all."""
    world = worlds("--vendors", vendor, "--lag", "60", people=150)
    kind, title = TITLE[vendor]
    world.advance(300)
    pull(world)
    ids = ids_of(world, vendor, kind)
    dice = random.Random(11)
    for turn in range(3):
        for record in dice.sample(ids, 12):
            world.edit(vendor, kind, record, **{title: f"Turn {turn}"})
            world.advance(2)
        pull(world)
    assert missed(world, vendor)  # some cannot be seen yet
    world.advance(60)
    pull(world)
    assert not missed(world, vendor)
    world.advance(3600)
    assert pull(world)[vendor]["changed"] == 0
    assert not missed(world, vendor)


def test_a_killed_pull_of_many_goes_on(worlds: MakeWorld) -> None:
    """kill -9 in the middle of pages, several times; every page is kept and none is stored twice."""
    world = worlds("--no-limits", people=900)
    pages = world.boundaries("pull")["commit"]
    world.fresh()
    for at in (pages // 4, pages // 5, pages // 6):
        held = world.one("SELECT COUNT(*) FROM record")
        assert world.killed("pull", fault=f"commit:{at}")
        assert world.one("SELECT COUNT(*) FROM record") >= held
    pull(world)
    for vendor in ("hubspot", "salesforce"):
        assert not missed(world, vendor)
