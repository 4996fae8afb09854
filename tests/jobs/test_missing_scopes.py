"""Credentials that lack a permission: what the rest of the hub does without."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connectors.contract import MissingScope, RemoteField
from jobs.check import check_live
from tests.jobs.kit import World
from tests.jobs.memory import MemoryCrm


def _forbid(crm: MemoryCrm, streams: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = crm.describe

    def describe(stream: str) -> tuple[RemoteField, ...]:
        if stream in streams:
            raise MissingScope(f"read {stream}")
        return allowed(stream)

    monkeypatch.setattr(crm, "describe", describe)


def test_check_names_the_streams_that_are_left_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _forbid(world.alpha, ("deals", "events"), monkeypatch)
    found = check_live(world.hub, "alpha")
    left = [line for line in found.lines if "left out" in line]
    assert [line.partition(":")[0] for line in left] == ["alpha", "alpha"]
    assert {s for s in ("deals", "events") for line in left if f"{s} are left out" in line and f"read {s}" in line} == {
        "deals", "events",
    }  # fmt: skip
    assert not found.refused


def test_without_people_there_is_nothing_to_check(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _forbid(world.alpha, ("contacts",), monkeypatch)
    with pytest.raises(MissingScope):
        check_live(world.hub, "alpha")
