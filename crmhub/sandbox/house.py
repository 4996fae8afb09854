"""Everything that lives in one sandbox process: clock, world, vendors, faults, counted calls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from crmhub.sandbox.calls import Calls
from crmhub.sandbox.clock import Clock
from crmhub.sandbox.faults import Faults
from crmhub.sandbox.vendor import ControlError, Options, Vendor, build
from crmhub.sandbox.world import World


class House:
    """Holds the parts together and can put all of them back to the start."""

    def __init__(self, people: int, names: list[str], clock: Clock, options: Options, hostile: bool = False) -> None:
        self.clock = clock
        self.options = options
        self.names = names
        self.urls: dict[str, str] = {}
        self.calls = Calls()
        self.faults = Faults(options.seed, hostile)
        started = time.perf_counter()
        self.world = World(people, options.seed, clock.start)
        self.vendors: dict[str, Vendor] = {}
        self._build()
        self.built_in = time.perf_counter() - started

    def _build(self) -> None:
        self.vendors = {name: build(name, self.world, self.clock, self.options) for name in self.names}

    def reset(self) -> None:
        """Back to the seeded start, clock, faults and counts included. The world itself never changes."""
        self.clock.reset()
        self.faults.reset()
        self.calls.clear()
        self._build()

    def vendor(self, name: Any) -> Vendor:
        if name not in self.vendors:
            raise ControlError(f"vendor {name!r} is none of: {', '.join(self.vendors)}")
        return self.vendors[name]

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {
            "control": self.urls["control"],
            "connections": {name: vendor.connection(self.urls[name]) for name, vendor in self.vendors.items()},
        }

    def truth(self) -> Iterator[dict[str, Any]]:
        """Who every record really is, and whether and when that person buys."""
        known = {name: vendor.external_ids() for name, vendor in self.vendors.items()}
        for person in self.world.people:
            yield {
                "person": person.number,
                "external_ids": {name: ids[person.number] for name, ids in known.items() if person.number in ids},
                "buys_at": person.buys_at,
                "probability": round(person.probability, 6),
            }
