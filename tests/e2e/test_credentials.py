"""Credentials that are wrong, revoked, narrowed or somebody else's: named, nothing deleted, nothing written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import MakeWorld
from tests.e2e.life import known_in_both
from tests.e2e.world import Ran, World

#: people enough that a share of them is no accident
PEOPLE = 60


@pytest.fixture
def settled(worlds: MakeWorld) -> World:
    """Two CRMs at rest, with an edit in each that would be carried to the other."""
    world = worlds(people=PEOPLE)
    world.sync()
    world.advance(600)
    world.sync()
    world.advance(600)
    people = [k for k in known_in_both(world) if k.kind == "Lead"]
    for known in people[:3]:
        world.edit("hubspot", "contacts", known.contact, jobtitle="Edited in hubspot")
    for known in people[3:6]:
        world.edit("salesforce", "Lead", known.other, Title="Edited in salesforce")
    world.advance(60)
    return world


def unharmed(world: World, vendor: str, before: list[str]) -> None:
    """Nothing was written to this CRM, and nothing of it was deleted in the store."""
    assert world.state(vendor) == before
    gone = "SELECT COUNT(*) FROM record WHERE connection = ? AND (deleted_at IS NOT NULL OR read_only LIKE '%shown%')"
    assert world.one(gone, vendor) == 0


def refused(world: World, vendor: str, *words: str) -> Ran:
    """A sync that names what is wrong with one CRM and leaves it alone."""
    before = world.state(vendor)
    ran = world.run("sync")
    assert ran.code == 3, (ran.code, ran.out, ran.err)
    line = next((x for x in ran.err.splitlines() if x.startswith(f"{vendor}:")), "")
    for word in words:
        assert word in line, (word, ran.err)
    assert "→" in line or "crmhub check" in line, line
    unharmed(world, vendor, before)
    return ran


def other_key(world: World, vendor: str, key: str, value: str) -> None:
    """Change one key of a connection in config.toml."""
    import re

    path = world.home / "config.toml"
    text = path.read_text(encoding="utf-8")
    head, mark, tail = text.partition(f"[connections.{vendor}]")
    assert mark
    path.write_text(head + mark + re.sub(rf'(?m)^{key} *= *"[^"]*"', f'{key} = "{value}"', tail, count=1), "utf-8")


def recovers(world: World, vendor: str) -> None:
    """Once the credentials are good again, what waited is done."""
    world.advance(600)
    world.sync()
    world.advance(600)
    assert world.sync()["ops"]["planned"] == 0
    field, kind = {"hubspot": ("jobtitle", "contacts"), "salesforce": ("Title", "Lead")}[vendor]
    other = {"hubspot": "salesforce", "salesforce": "hubspot"}[vendor]
    shown = [r["fields"].get(field) for r in world.rows(vendor) if r["object"] == kind]
    assert f"Edited in {other}" in shown


@pytest.mark.parametrize(("vendor", "key"), [("hubspot", "access_token"), ("salesforce", "client_secret")])
def test_wrong_credentials(settled: World, vendor: str, key: str) -> None:
    good = (settled.home / "config.toml").read_text(encoding="utf-8")
    other_key(settled, vendor, key, "pat-eu1-00000000-0000-0000-0000-000000000000")
    refused(settled, vendor, "refuse")
    (settled.home / "config.toml").write_text(good, encoding="utf-8")
    recovers(settled, vendor)


def test_a_revoked_hubspot_token(settled: World) -> None:
    settled.switch("hubspot", revoked=True)
    refused(settled, "hubspot", "refuse")
    settled.switch("hubspot", revoked=False)
    recovers(settled, "hubspot")


def test_a_hubspot_token_that_may_no_longer_read_contacts(settled: World) -> None:
    settled.switch("hubspot", scopes=scopes(settled, without="crm.objects.contacts.read"))
    refused(settled, "hubspot", "crm.objects.contacts.read")
    settled.switch("hubspot", scopes=[])
    recovers(settled, "hubspot")


def test_a_hubspot_token_that_may_no_longer_write(settled: World) -> None:
    settled.switch("hubspot", scopes=scopes(settled, without="crm.objects.contacts.write"))
    refused(settled, "hubspot", "crm.objects.contacts.write")
    settled.switch("hubspot", scopes=[])
    recovers(settled, "hubspot")


def test_a_hubspot_token_of_another_account(settled: World) -> None:
    good = (settled.home / "config.toml").read_text(encoding="utf-8")
    other = settled.act("hubspot", "token", account="other")
    other_key(settled, "hubspot", "access_token", other["access_token"])
    before = settled.state("hubspot")
    for command in ("sync", "pull", "push"):
        ran = settled.run(command)
        assert ran.code == 2 or command == "push", (command, ran.out, ran.err)
        assert command == "push" or str(other["portal_id"]) in ran.err, ran.err
        unharmed(settled, "hubspot", before)
    (settled.home / "config.toml").write_text(good, encoding="utf-8")
    recovers(settled, "hubspot")


def test_a_hubspot_token_that_shows_fewer_contacts(settled: World) -> None:
    settled.switch("hubspot", sight=0.5)
    refused(settled, "hubspot", "show only", "contacts", "--accept-fewer")
    settled.switch("hubspot", sight=1.0)
    recovers(settled, "hubspot")


def test_a_salesforce_app_that_was_deleted(settled: World) -> None:
    settled.switch("salesforce", oauth_refusal="deleted")
    settled.act("salesforce", "revoke", what="sessions")
    refused(settled, "salesforce", "refuse")
    settled.switch("salesforce", oauth_refusal="")
    recovers(settled, "salesforce")


def test_a_salesforce_user_without_the_api(settled: World) -> None:
    settled.switch("salesforce", api_enabled=False)
    refused(settled, "salesforce", "API")
    settled.switch("salesforce", api_enabled=True)
    recovers(settled, "salesforce")


def test_a_salesforce_user_that_may_no_longer_see_leads(settled: World) -> None:
    settled.switch("salesforce", object_access={"Lead": "none"})
    refused(settled, "salesforce", "Lead")
    settled.switch("salesforce", object_access={})
    recovers(settled, "salesforce")


def test_a_salesforce_user_that_may_no_longer_write_leads(settled: World) -> None:
    before = settled.state("salesforce")
    settled.switch("salesforce", object_access={"Lead": "read"})
    ran = settled.run("sync")
    assert ran.code == 3, (ran.code, ran.out, ran.err)
    assert "edit leads" in ran.err
    unharmed(settled, "salesforce", before)
    assert "lets us read Title" in settled.run("plan").out
    settled.switch("salesforce", object_access={})
    settled.advance(3600)  # what may be written is asked again within the hour
    recovers(settled, "salesforce")


def test_a_salesforce_user_that_is_shown_fewer_leads(settled: World) -> None:
    settled.switch("salesforce", visible_share=0.4)
    refused(settled, "salesforce", "show only", "--accept-fewer")
    settled.switch("salesforce", visible_share=1.0)
    recovers(settled, "salesforce")


def test_salesforce_credentials_of_another_org(settled: World) -> None:
    good = (settled.home / "config.toml").read_text(encoding="utf-8")
    other = settled.steer("/")["connections"]["salesforce"]["more"]["other_org"]
    for key in ("client_id", "client_secret"):
        other_key(settled, "salesforce", key, other[key])
    before = settled.state("salesforce")
    for command in ("sync", "pull", "push"):
        ran = settled.run(command)
        assert ran.code == 2 or command == "push", (command, ran.out, ran.err)
        assert command == "push" or other["org_id"][:15] in ran.err, ran.err
        unharmed(settled, "salesforce", before)
    (settled.home / "config.toml").write_text(good, encoding="utf-8")
    recovers(settled, "salesforce")


def scopes(world: World, *, without: str) -> list[str]:
    """Everything that the hub needs in HubSpot, but one."""
    kinds = ("contacts", "companies", "deals")
    found: list[Any] = [f"crm.objects.{k}.{way}" for k in kinds for way in ("read", "write")]
    found += [f"crm.schemas.{k}.{way}" for k in kinds for way in ("read", "write")]
    found += ["crm.objects.owners.read", "forms", "content", "crm.lists.read", "sales-email-read"]
    found += [f"crm.objects.{k}.read" for k in ("calls", "emails", "meetings", "notes", "tasks")]
    assert without in found, world
    return [s for s in found if s != without]
