"""The rehearsal fixture: two CRMs of few people under a pinned clock, and a hub folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import StartSandbox
from tests.e2e.world import World

MakeWorld = Callable[..., World]


@pytest.fixture
def worlds(sandbox: StartSandbox, tmp_path: Path) -> Iterator[MakeWorld]:
    """`worlds(people=12, ...more sandbox arguments)` -> a fresh rehearsal."""
    made: list[World] = []

    def make(*arguments: str, people: int = 12) -> World:
        found = sandbox("--people", str(people), "--rate", "0", *arguments)
        world = World(found.control, tmp_path / f"hub{len(made)}")
        made.append(world)
        world.fresh()
        return world

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(worlds: MakeWorld) -> World:
    """Twelve people in two CRMs, clock pinned, limits and index lag as they are."""
    return worlds()
