"""The benchmark runs and checks its clients' work; how fast they are is no test."""

from __future__ import annotations

import pytest

from bench.clients import named
from bench.measure import Usage
from bench.people import NAMES, rendered
from bench.pull import Wrong, serving, three_pulls
from bench.table import report

PEOPLE = 300


def test_the_hub_and_the_floor_pull_everything_and_every_edit() -> None:
    figures: dict[tuple[str, str], list[Usage]] = {}
    with serving(PEOPLE) as server:
        for client in named(["floor", "ours+"]):
            # raises Wrong when a contact or an edit is missing
            for pull, usage in three_pulls(server, client, PEOPLE).items():
                figures[client.name, pull] = [usage]
    assert {pull: figures["floor", pull][0].calls for pull in ("first", "unchanged", "edited")} == {
        "first": PEOPLE / 100,
        "unchanged": 1,
        "edited": 1,
    }
    assert all(u.cpu_s > 0 and u.peak_mib > 0 for us in figures.values() for u in us)
    text = "\n".join(report(figures, PEOPLE, 3))
    assert "| ours+ : floor |" in text
    assert "dlt" not in text  # a client that did not run is in no ratio


def test_a_client_that_loses_contacts_has_no_time() -> None:
    (floor,) = named(["floor"])
    with serving(PEOPLE) as server, pytest.raises(Wrong):
        three_pulls(server, floor, PEOPLE + 1)


def test_a_contact_has_thirty_fields() -> None:
    assert len(NAMES) == len(set(NAMES)) == 30
    assert b"associations" not in rendered(1, linked=False)
    assert b"associations" in rendered(1, linked=True, inline=True)
