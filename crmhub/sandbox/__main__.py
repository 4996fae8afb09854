"""`python -m crmhub.sandbox`: start the simulated CRMs and print one JSON line when they answer."""

from __future__ import annotations

import argparse
import sys

import orjson

from crmhub.sandbox.clock import Clock, parse_moment
from crmhub.sandbox.house import House
from crmhub.sandbox.server import CONTROL, Application, listen, serve
from crmhub.sandbox.vendor import VENDORS, Options


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m crmhub.sandbox", description=__doc__)
    parser.add_argument("--people", type=int, default=2000, help="how many people live in the world")
    parser.add_argument("--seed", type=int, default=1, help="same seed, people and now: same world")
    parser.add_argument("--now", type=parse_moment, default=None, help="ISO 8601 or ms; default: now")
    parser.add_argument("--rate", type=float, default=1.0, help="speed of the clock; 0 pins it")
    parser.add_argument("--lag", type=float, default=None, help="index lag in seconds of every vendor")
    parser.add_argument("--no-limits", action="store_true", help="no rate limits and quotas")
    parser.add_argument("--faults", action="store_true", help="a seeded mix of answers that go wrong")
    parser.add_argument("--hostile", action="store_true", help="that, late rows, skewed clocks and other writers")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds that every answer takes")
    parser.add_argument("--latency-jitter", type=float, default=0.0, help="up to this many more or less")
    parser.add_argument("--vendors", default="", help="comma-separated; default: all")
    parser.add_argument("--port-control", type=int, default=0)
    for name in VENDORS:
        parser.add_argument(f"--port-{name}", type=int, default=0)
    arguments = parser.parse_args(argv)
    if min(arguments.people, arguments.rate, arguments.latency, arguments.latency_jitter) < 0:
        parser.error("--people, --rate and --latency cannot be negative")
    arguments.vendors = [name for name in arguments.vendors.split(",") if name] or list(VENDORS)
    unknown = [name for name in arguments.vendors if name not in VENDORS]
    if unknown:
        parser.error(f"unknown vendor {', '.join(unknown)}; known: {', '.join(VENDORS)}")
    return arguments


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM; -> exit status."""
    arguments = _arguments(argv)
    options = Options(
        seed=arguments.seed,
        limits=not arguments.no_limits,
        lag=arguments.lag,
        hostile=arguments.hostile,
        faults=arguments.faults,
    )
    clock = Clock(arguments.now, arguments.rate)
    sockets = {name: listen(getattr(arguments, f"port_{name}")) for name in [CONTROL, *arguments.vendors]}
    switches = {"latency_ms": arguments.latency, "latency_jitter_ms": arguments.latency_jitter}
    house = House(arguments.people, arguments.vendors, clock, options, switches)
    for name, opened in sockets.items():
        house.urls[name] = f"http://127.0.0.1:{opened.getsockname()[1]}"

    def ready() -> None:
        sys.stdout.buffer.write(orjson.dumps(house.ready(), option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()

    serve(Application(house), sockets, ready)
    return 0


if __name__ == "__main__":
    sys.exit(main())
