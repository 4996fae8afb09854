"""[connections.NAME]: the keys that all kinds share, and each kind's own struct."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from core.config_decode import decode, struct_keys
from core.config_report import Report, choose
from core.config_secrets import check_credentials, resolve
from core.config_structs import Budget, Connection, Create
from core.durations import duration_ms
from core.toml_lines import Path as KeyPath

NAME = re.compile(r"[a-z][a-z0-9_-]*")
MINUTE_MS = 60_000
DAY_MS = 86_400_000
#: words that mapping.toml uses beside connection names
_TAKEN = frozenset({"wins", "type", "entity", "label", "fields", "options"})


class _Shared(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    kind: str
    ours: str | None = None
    bots: tuple[str, ...] = ()
    budget: Budget = Budget()
    create: Create | None = None
    enabled: bool = True
    sweep_every: str = "1d"


def read_connections(
    report: Report, kinds: Mapping[str, type[Any]], env: Mapping[str, str], directory: Path
) -> dict[str, Connection]:
    """Every good connection; problems of the others go to `report`."""
    tables = report.data.get("connections")
    if not isinstance(tables, dict) or not tables:
        example = next(iter(kinds), "hubspot")
        text = "there is no connection"
        report.add(("connections",), text, f'add [connections.{example}] with kind = "{example}"')
        return {}
    result: dict[str, Connection] = {}
    for name, table in tables.items():
        found = _connection(report, name, table, kinds, env, directory)
        if found is not None:
            result[name] = found
    if result and not any(c.enabled for c in result.values()):
        report.add(("connections",), "no connection is enabled", "remove enabled = false from one")
    return result


def _connection(
    report: Report, name: str, table: Any, kinds: Mapping[str, type[Any]], env: Mapping[str, str], directory: Path
) -> Connection | None:
    path: KeyPath = ("connections", name)
    before = len(report.problems)
    if not NAME.fullmatch(name) or name in _TAKEN:
        text = f"{name!r} cannot name a connection"
        report.add(path, text, "use lower-case letters, digits, _ and -, starting with a letter")
    if not isinstance(table, dict):
        report.add(path, "must be a table", f"write it as [connections.{name}]")
        return None
    kind = table.get("kind")
    if not isinstance(kind, str):
        report.add(path, 'the key "kind" is missing', f'add kind = "{name if name in kinds else next(iter(kinds))}"')
        return None
    if kind not in kinds:
        report.add((*path, "kind"), f"unknown kind {kind!r}", choose(kind, sorted(kinds)))
        return None
    own = struct_keys(kinds[kind])
    if table.get("enabled") is not False:  # a switched-off connection needs no secrets
        table = resolve(table, path, env, directory, report)
    elif len(report.problems) == before:
        return Connection(name=name, kind=kind, settings=None, enabled=False)
    check_credentials(table, path, report)
    resolved = len(report.problems) == before
    shared = decode(_Shared, table, path, report, also=own)
    # a missing secret says enough: no complaint about its placeholder, but everything else at once
    given = {k: v for k, v in table.items() if k in own}
    settings = decode(kinds[kind], given, path, report, build=resolved)
    if shared is not None:
        _check_budget(report, path, shared.budget)
        _check_sweeps(report, path, shared.sweep_every)
    if shared is None or settings is None:
        return None
    return Connection(
        name=name,
        kind=kind,
        settings=settings,
        ours=shared.ours,
        bots=shared.bots,
        budget=shared.budget,
        create=shared.create,
        enabled=shared.enabled,
        sweep_every=shared.sweep_every,
    )


def _check_sweeps(report: Report, path: KeyPath, text: str) -> None:
    try:
        found = duration_ms(text)
    except ValueError as e:
        report.add((*path, "sweep_every"), str(e).partition(";")[0], str(e).partition("; ")[2])
        return
    if not MINUTE_MS <= found <= 30 * DAY_MS:
        remedy = 'write "1d"; at least "1m", at most "30d"'
        report.add((*path, "sweep_every"), f"{text!r} is too short or too long", remedy)


def _check_budget(report: Report, path: KeyPath, budget: Budget) -> None:
    if budget.daily is not None and budget.daily < 1:
        report.add((*path, "budget", "daily"), "must be at least 1", "write the calls a day that we may make")
    if not 0 <= budget.reserve < 1:
        text = "must be at least 0 and below 1"
        report.add((*path, "budget", "reserve"), text, "0.2 leaves a fifth of the daily allowance to others")
