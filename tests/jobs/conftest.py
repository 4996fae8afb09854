"""Worlds of CRMs in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.kit import World, make_world

MakeWorld = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeWorld]:
    """`make("alpha", "beta", ...)` opens a hub on CRMs in memory; closed after the test."""
    made: list[World] = []

    def one(*names: str, **given: Any) -> World:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(make_world(folder, *names, **given))
        return made[-1]

    yield one
    for world in made:
        world.db.close()


@pytest.fixture
def world(make: MakeWorld) -> World:
    """alpha and beta, live and approved."""
    return make()
