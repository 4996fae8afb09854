"""Everything that lives in one sandbox process: clock, world, vendors, faults, counted calls."""

from __future__ import annotations

import contextlib
import gc
import random
from collections.abc import Iterator
from typing import Any

from crmhub.sandbox import hostile
from crmhub.sandbox.calls import Calls
from crmhub.sandbox.clock import Clock, VendorClock
from crmhub.sandbox.courier import Courier
from crmhub.sandbox.faults import Faults
from crmhub.sandbox.native import NativeSync
from crmhub.sandbox.switches import Switches
from crmhub.sandbox.vendor import ControlError, Options, Sender, Vendor, build
from crmhub.sandbox.world import World

MANY = 50_000
"""From this many people on, what was built is kept out of Python's garbage collection: looking at it takes seconds."""
OWN = "sandbox"
"""The name under which the switches of the whole sandbox are set."""


@contextlib.contextmanager
def _still(people: int) -> Iterator[None]:
    """Garbage collection off while much is built, and blind to it afterwards."""
    if people < MANY:
        yield
        return
    gc.unfreeze()
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


class House:
    """Holds the parts together and can put all of them back to the start."""

    def __init__(
        self, people: int, names: list[str], clock: Clock, options: Options, switches: dict[str, Any] | None = None
    ) -> None:
        self.clock = clock
        self.options = options
        self.names = names
        self.urls: dict[str, str] = {}
        self.calls = Calls(clock)
        self.faults = Faults(options.seed, options.hostile or options.faults)
        self._start_switches = switches or {}
        with _still(people):
            self.world = World(people, options.seed, clock.start)
            self._build()

    def _build(self) -> None:
        """Vendors, switches and dice as at the start."""
        self.clocks = {name: VendorClock(self.clock) for name in self.names}
        self.vendors: dict[str, Vendor] = {
            name: build(name, self.world, self.clocks[name], self.options) for name in self.names
        }
        self._senders = [vendor for vendor in self.vendors.values() if isinstance(vendor, Sender)]
        self.switches = Switches()
        self.courier = Courier(self.options.seed, self.switches)
        self._dice = random.Random(f"latency {self.options.seed}")
        self.native: NativeSync | None = None
        self._native_at = 0
        self.change(self._start_switches)
        if self.options.hostile:
            skew = {name: value for name, value in hostile.SKEW_MS.items() if name in self.vendors}
            self.change({**hostile.SWITCHES, "skew_ms": skew, **self._start_switches})
            for name, wish in hostile.VENDORS.items():
                if name in self.vendors:
                    asked_for = hostile.LAGS if self.options.lag is not None else ()
                    self.vendors[name].settings({key: value for key, value in wish.items() if key not in asked_for})

    def change(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Switches of the whole sandbox; -> all of them. Raises ControlError."""
        found = self.switches.change(wish, self.names)
        for name, clock in self.clocks.items():
            clock.skew = self.switches.skew_ms.get(name, 0)
        if not self.switches.native_sync:
            self.native = None
        elif self.native is None and {"hubspot", "salesforce"} <= set(self.vendors):
            self.native = NativeSync(self.world, self.vendors["hubspot"], self.vendors["salesforce"], self.switches)
            self._native_at = self.clock.now()
        return found

    def tick(self) -> None:
        """What happens by itself, asked before every request and every few hundredths of a second."""
        now = self.clock.now()
        if self.native is not None and now >= self._native_at + self.switches.native_sync_seconds * 1000:
            self._native_at = now
            self.native.run()
        for sender in self._senders:
            self.courier.collect(sender, now)

    def latency(self) -> float:
        """Seconds that the next answer takes."""
        spread = self.switches.latency_jitter_ms
        more = self._dice.uniform(-spread, spread) if spread else 0.0
        return max(0.0, self.switches.latency_ms + more) / 1000

    def reset(self) -> None:
        """Back to the seeded start, clock, switches, faults and counts included. The world itself never changes."""
        self.clock.reset()
        self.faults.reset()
        self.calls.clear()
        with _still(len(self.world.people)):
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
