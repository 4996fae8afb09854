"""The configuration file: TOML -> (Settings, every problem at once), each with file, line, key and remedy.

Secrets are resolved here and nowhere shown. Conditions are compiled only when asked (`deep`, `check_conditions`):
the parser takes a while to import, and the user's own fields stand in mapping.toml.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from core import config_checks as checks
from core.config_connections import read_connections
from core.config_decode import decode
from core.config_files import check_paths, read_text
from core.config_report import Report, choose
from core.config_structs import (
    BusinessTime,
    Connection,
    Hub,
    Identity,
    Job,
    Lifecycle,
    Rollout,
    Scoring,
    Settings,
    Sla,
)
from core.errors import ConfigProblem
from core.model import Field
from core.toml_lines import Lines, dotted
from core.toml_lines import Path as KeyPath

__all__ = ["Outline", "Settings", "check_conditions", "config_hash", "load", "outline"]

T = TypeVar("T")

_TABLES: dict[str, type[Any]] = {
    "hub": Hub,
    "rollout": Rollout,
    "identity": Identity,
    "scoring": Scoring,
    "lifecycle": Lifecycle,
    "calendar": BusinessTime,
}
_KEYS = (*_TABLES, "connections", "sla", "jobs")


def load(
    path: str | Path,
    kinds: Mapping[str, type[Any]],
    *,
    env: Mapping[str, str] | None = None,
    deep: bool = False,
    custom: Iterable[Field] = (),
) -> tuple[Settings | None, list[ConfigProblem]]:
    """Read a configuration file. Settings are None when a problem is fatal; warnings come with settings.

    `kinds`: connector kind -> msgspec struct of its own keys. Secrets ("${NAME}", "file:/path", "keyring:name") are
    resolved, from `env` (default: the process's environment). `deep` also compiles every condition; `custom`: the own
    fields of mapping.toml that conditions may name.
    """
    file = Path(path)
    text = read_text(file)
    if isinstance(text, ConfigProblem):
        return None, [text]
    report = Report.of(str(path), text)
    if report.fatal:
        return None, report.problems
    settings = _settings(report, file, kinds, os.environ if env is None else env)
    if deep:
        report.problems += _uncompiled(report.file, report.lines, _conditions(report.data), custom)
    problems = sorted(report.problems, key=lambda p: p.line)
    return (None if any(p.fatal for p in problems) else settings), problems


@dataclass(frozen=True)
class Outline:
    """What mapping.toml is read with: `mapping` the file, `kinds` connection -> kind of those that are enabled."""

    mapping: Path
    kinds: dict[str, str]


def outline(path: str | Path, kinds: Iterable[str]) -> Outline | None:
    """The outline of a configuration that may have problems, so that those of its mapping come in the same report.

    `kinds`: the known ones. None when the file cannot be read, is no TOML or names no connection of a known kind.
    """
    file, known = Path(path), set(kinds)
    text = read_text(file)
    data = {} if isinstance(text, ConfigProblem) else Report.of(str(file), text).data
    hub, tables = data.get("hub"), data.get("connections")
    named = hub.get("mapping") if isinstance(hub, dict) else None
    found = {
        name: table["kind"]
        for name, table in (tables.items() if isinstance(tables, dict) else ())
        if isinstance(table, dict) and isinstance(table.get("kind"), str) and table["kind"] in known
        if table.get("enabled") is not False
    }
    return Outline(file.parent / (named if isinstance(named, str) else Hub().mapping), found) if found else None


def _settings(report: Report, file: Path, kinds: Mapping[str, type[Any]], env: Mapping[str, str]) -> Settings | None:
    data = report.data
    for key in data:
        if key not in _KEYS:
            report.add((key,), "unknown table", choose(key, _KEYS))
    connections = read_connections(report, kinds, env, file.parent)
    names = list(data["connections"]) if isinstance(data.get("connections"), dict) else []
    hub = _table(report, Hub, "hub")
    rollout = _table(report, Rollout, "rollout")
    identity = _table(report, Identity, "identity")
    scoring = _table(report, Scoring, "scoring")
    lifecycle = _table(report, Lifecycle, "lifecycle")
    calendar = _table(report, BusinessTime, "calendar")
    sla = _each(report, Sla, "sla")
    jobs = _each(report, Job, "jobs")
    if hub:
        checks.check_hub(report, hub)
        check_paths(report, hub, file)
    if rollout:
        checks.check_rollout(report, rollout)
    if identity:
        checks.check_identity(report, identity)
    if scoring:
        checks.check_scoring(report, scoring)
    if lifecycle:
        checks.check_lifecycle(report, lifecycle, names)
        lifecycle = _with_ids(lifecycle)
    if calendar:
        checks.check_calendar(report, calendar)
    checks.check_sla(report, sla)
    checks.check_jobs(report, jobs, names)
    if not (hub and rollout and identity and scoring and lifecycle and calendar) or report.fatal:
        return None
    return Settings(
        file=report.file,
        directory=str(file.parent),
        hub=hub,
        connections=connections,
        rollout=rollout,
        identity=identity,
        scoring=scoring,
        lifecycle=lifecycle,
        sla=sla,
        calendar=calendar,
        jobs=jobs,
        conditions=_conditions(data),
        lines=report.lines,
    )


def _table(report: Report, kind: type[T], name: str) -> T | None:
    return decode(kind, report.data.get(name, {}), (name,), report)


def _each(report: Report, kind: type[T], name: str) -> dict[str, T]:
    tables = report.data.get(name, {})
    if not isinstance(tables, dict):
        report.add((name,), "must be a table", f"write [{name}.NAME] headers")
        return {}
    found = {key: decode(kind, table, (name, key), report) for key, table in tables.items()}
    return {key: one for key, one in found.items() if one is not None}


def _with_ids(lifecycle: Lifecycle) -> Lifecycle:
    """Moves without an id get one that does not change when moves are added below them."""
    taken = {m.id for m in lifecycle.moves if m.id}
    moves = []
    for move in lifecycle.moves:
        name, number = move.id or move.to.value, 2
        while not move.id and name in taken:
            name, number = f"{move.to.value}_{number}", number + 1
        taken.add(name)
        moves.append(msgspec.structs.replace(move, id=name))
    return msgspec.structs.replace(lifecycle, moves=tuple(moves))


# ------------------------------------------------------------------------------------------------ conditions


_Found = tuple[KeyPath, str]


def _conditions(data: Mapping[str, Any]) -> tuple[_Found, ...]:
    """Every condition of the file with its key path, and the default that holds when one is not written."""
    patterns: tuple[tuple[str, ...], ...] = (
        ("rollout", "canary"),
        ("rollout", "never_touch"),
        ("connections", "*", "create", "person"),
        ("scoring", "fit", "*", "when"),
        ("lifecycle", "moves", "*", "when"),
    )
    found = [one for pattern in patterns for one in _matches(data, pattern, ())]
    key: KeyPath = ("rollout", "never_touch")
    if all(path != key for path, _ in found):
        found.append((key, Rollout().never_touch))
    found = [(path, text) for path, text in found if path != key or text.strip()]  # "" exempts nobody
    return tuple(found)


def _matches(data: Any, pattern: tuple[str, ...], path: KeyPath) -> Iterator[_Found]:
    if not pattern:
        if isinstance(data, str):
            yield path, data
        return
    if pattern[0] == "*":
        items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
        for key, value in items:
            yield from _matches(value, pattern[1:], (*path, key))
    elif isinstance(data, dict) and pattern[0] in data:
        yield from _matches(data[pattern[0]], pattern[1:], (*path, pattern[0]))


def check_conditions(settings: Settings, custom: Iterable[Field] = ()) -> list[ConfigProblem]:
    """Compile every condition; problems name the position inside it. `custom`: own fields of mapping.toml."""
    return _uncompiled(settings.file, settings.lines, settings.conditions, custom)


def _uncompiled(file: str, lines: Lines, texts: Iterable[_Found], custom: Iterable[Field]) -> list[ConfigProblem]:
    from core.expressions import Condition, compile_condition, person_model

    model = person_model(custom)
    problems: list[ConfigProblem] = []
    for path, text in texts:
        found = compile_condition(text, model)
        if isinstance(found, Condition):
            continue
        where = f"character {found.column}"
        if "\n" in text.strip():
            where = f"line {found.line}, {where}"
        remedy = found.remedy or "write a condition such as: person.country = 'FR' and score.total >= 60"
        problems.append(ConfigProblem(file, lines.line(path), dotted(path), f"{found.text} ({where})", remedy))
    return problems


# ------------------------------------------------------------------------------------------------ hash


def config_hash(settings: Settings, mapping_hash: str) -> str:
    """A stable hash of everything that decides what is planned; of connections only who they are, no secret.

    `mapping_hash`: `Mapping.hash`. Schedules, call budgets and `stop_if` do not decide what is planned.
    """
    rollout = msgspec.to_builtins(settings.rollout)
    rollout.pop("stop_if")
    if rollout["mode"] == "observe":
        rollout["mode"] = "live"  # they plan the same; only one of them writes
    content = {
        "mapping": mapping_hash,
        "hub": {k: getattr(settings.hub, k) for k in ("timezone", "region", "clock_skew")},
        "connections": {n: _identity(c) for n, c in settings.connections.items()},
        "rollout": rollout,
        "rest": [
            msgspec.to_builtins(part)
            for part in (
                settings.identity,
                settings.scoring,
                settings.lifecycle,
                settings.sla,
                settings.calendar,
            )
        ],
    }
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _identity(connection: Connection) -> dict[str, object]:
    create = connection.create.person if connection.create else None
    return {
        "kind": connection.kind,
        "ours": connection.ours,
        "bots": sorted(connection.bots),
        "enabled": connection.enabled,
        "create": create,
    }
