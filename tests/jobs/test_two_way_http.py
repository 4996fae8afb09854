"""The same over HTTP: real connectors on simulated CRMs, with the configuration that `init --sandbox` makes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from jobs.init import init_sandbox
from jobs.runtime import Hub, open_hub
from jobs.sync import sync
from tests.conftest import StartSandbox

MINUTE = 60_000


class Rehearsal:
    """A hub on the sandbox, synced to rest, and the people's side of both CRMs."""

    def __init__(self, control: str, folder: Path) -> None:
        self.control, self.config = control, folder / "config.toml"
        init_sandbox(self.config, control, progress=lambda _text: None)
        self.hub: Hub = open_hub(self.config)

    def sync(self) -> Any:
        """Ten minutes later, one sync."""
        self.post("/clock", {"advance": 10 * MINUTE})
        return sync(self.hub)

    def rest(self) -> None:
        """Sync until nothing is planned."""
        for _ in range(4):
            report = self.sync()
            assert report.errors == []
            if report.plan.ops == 0:
                return
        pytest.fail("no rest after four syncs")

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = requests.post(self.control + path, json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def edit(self, vendor: str, remote_id: str, kind: str, **fields: Any) -> None:
        """What a person does on that CRM's screens."""
        self.post("/edit", {"vendor": vendor, "object": kind, "id": remote_id, "fields": fields})

    def shows(self, vendor: str, remote_id: str, field: str) -> Any:
        """What the CRM itself shows now."""
        lines = requests.get(f"{self.control}/state/{vendor}", timeout=30).iter_lines()
        return next(r["fields"].get(field) for r in map(json.loads, lines) if r["id"] == remote_id)

    def twins(self) -> tuple[str, str]:
        """(HubSpot contact, Salesforce contact) of one person who has one record in each and no open question."""
        row = self.hub.db.one(
            "SELECT h.remote_id AS h, s.remote_id AS s FROM record h JOIN record s ON s.entity_id = h.entity_id "
            "WHERE h.entity = 'person' AND s.entity = 'person' AND h.stream = 'contacts' AND s.stream = 'contacts' "
            "AND h.connection = 'hubspot' AND s.connection = 'salesforce' "
            "AND h.deleted_at IS NULL AND s.deleted_at IS NULL "
            "AND (SELECT COUNT(*) FROM record x WHERE x.entity = 'person' AND x.entity_id = h.entity_id) = 2 "
            "AND NOT EXISTS (SELECT 1 FROM conflict c WHERE c.entity = 'person' AND c.entity_id = h.entity_id "
            "AND c.closed_at IS NULL AND c.kind <> 'noted') "
            "AND EXISTS (SELECT 1 FROM person p WHERE p.id = h.entity_id AND COALESCE(p.opted_out, 0) = 0) "
            "ORDER BY h.id"
        )
        assert row is not None
        return row["h"], row["s"]


@pytest.fixture(scope="module")
def rehearsal(sandbox: StartSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """Both CRMs with three hundred people, the clock pinned, everything synced once."""
    running = sandbox("--people", "300", "--rate", "0", "--lag", "0", "--no-limits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMHUB_CLOCK", running.control + "/clock")
        made = Rehearsal(running.control, tmp_path_factory.mktemp("hub"))
        made.rest()
        yield made
        made.hub.close()


def test_an_edit_in_hubspot_shows_in_salesforce_after_one_sync_and_does_not_come_back(rehearsal: Rehearsal) -> None:
    contact, person = rehearsal.twins()
    rehearsal.edit("hubspot", contact, "contacts", jobtitle="Chief Rehearsal Officer")
    rehearsal.sync()
    assert rehearsal.shows("salesforce", person, "Title") == "Chief Rehearsal Officer"
    rehearsal.rest()
    assert rehearsal.shows("hubspot", contact, "jobtitle") == "Chief Rehearsal Officer"


def test_an_edit_in_salesforce_shows_in_hubspot_after_one_sync(rehearsal: Rehearsal) -> None:
    contact, person = rehearsal.twins()
    rehearsal.edit("salesforce", person, "Contact", MailingCity="Besançon")
    rehearsal.sync()
    assert rehearsal.shows("hubspot", contact, "city") == "Besançon"
    rehearsal.rest()
    assert rehearsal.shows("salesforce", person, "MailingCity") == "Besançon"


def test_hubspot_rewriting_what_we_send_causes_no_second_write(rehearsal: Rehearsal) -> None:
    contact, person = rehearsal.twins()
    rehearsal.post("/settings", {"vendor": "hubspot", "rewrite": {"city": "upper", "jobtitle": "trim"}})
    rehearsal.edit("salesforce", person, "Contact", MailingCity="Saint Malo")
    report = rehearsal.sync()
    assert report.pushed["hubspot"].updated >= 1
    assert rehearsal.shows("hubspot", contact, "city") == "SAINT MALO"
    for _ in range(2):
        report = rehearsal.sync()
        assert report.plan.ops == 0
        assert report.resolved.changes == 0
    assert rehearsal.shows("salesforce", person, "MailingCity") == "Saint Malo"
    rehearsal.post("/settings", {"vendor": "hubspot", "rewrite": {}})


def test_an_opt_out_in_salesforce_reaches_hubspot_and_stays(rehearsal: Rehearsal) -> None:
    contact, person = rehearsal.twins()
    targets = {t.remote for t in rehearsal.hub.mapping.targets("hubspot", "contacts") if t.field.name == "opted_out"}
    rehearsal.edit("salesforce", person, "Contact", HasOptedOutOfEmail=True)
    rehearsal.rest()
    for remote in targets:
        assert rehearsal.shows("hubspot", contact, remote) in (True, "true")
    rehearsal.edit("salesforce", person, "Contact", HasOptedOutOfEmail=False)
    rehearsal.rest()
    found = rehearsal.hub.entities.find_person(person)
    assert found is not None
    assert rehearsal.hub.entities.load("person", [found])[found].values["opted_out"] is True
    salesforce = {t.field.name for t in rehearsal.hub.mapping.targets("salesforce", "contacts")}
    if "opted_out" in salesforce:
        assert rehearsal.shows("salesforce", person, "HasOptedOutOfEmail") is True
