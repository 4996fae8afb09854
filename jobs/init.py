"""init: read the live schema of every connection, propose config.toml and mapping.toml.

Real connections start in observe mode with facts pulled only. A sandbox gets a configuration that works at once: live,
facts both ways, the first push approved.
"""

from __future__ import annotations

import os
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import requests

from connectors.contract import MissingScope, RemoteField
from connectors.registry import kinds
from core.config_default import EXAMPLE, NewConnection, default_config_text
from core.config_structs import NEVER_TOUCH
from core.errors import Refused
from core.mapping_propose import propose_mapping
from jobs.pull import OPTIONAL
from jobs.runtime import Progress, make_clock, open_hub, shipped_mappings


@dataclass(slots=True)
class Written:
    """What init wrote and found. `next`: what to do now, in order."""

    files: list[str] = field(default_factory=list)
    connections: list[str] = field(default_factory=list)
    fields: int = 0
    next: list[str] = field(default_factory=list)


def init(config: Path, *, progress: Progress, force: bool = False) -> Written:
    """Write what is missing: first config.toml (from the environment's credentials), then mapping.toml."""
    done = Written()
    if not config.exists():
        found = [c for c in EXAMPLE if all(_env_name(v) in os.environ for v in c.keys.values() if _env_name(v))]
        config.write_text(default_config_text(found or EXAMPLE), encoding="utf-8")
        done.files.append(config.name)
        if not found:
            names = sorted({_env_name(v) for c in EXAMPLE for v in c.keys.values() if _env_name(v)})
            done.next = [
                f"edit {config.name}: keep the connections you have, set {', '.join(names)} in the environment",
                "crmhub init    (again: it reads the CRMs' fields and writes mapping.toml)",
            ]
            return done
    _write_mapping(config, done, "pull", progress, force=force)
    done.next = ["crmhub check", "crmhub pull", "crmhub profile", "crmhub sync    (observe mode: nothing is written)"]
    return done


def init_sandbox(config: Path, control: str, *, progress: Progress, force: bool = False) -> Written:
    """A configuration for the sandbox at `control` that works at once, live. Raises Refused."""
    if config.exists() and not force:
        raise Refused(f"{config.name} is there already", "use another folder, or --force to replace it")
    try:
        ready = requests.get(control.rstrip("/") + "/", timeout=10).json()
        given: MappingOf[str, MappingOf[str, str]] = ready["connections"]
    except (requests.RequestException, ValueError, KeyError, TypeError) as e:
        raise Refused(
            f"{control} is not the control port of a sandbox",
            "start one with `crmhub sandbox` and copy its control URL",
        ) from e
    known = shipped_mappings()
    connections = [
        NewConnection(name, name, _credentials(name, keys), "simulated by the sandbox")
        for name, keys in given.items()
        if name in known
    ]
    start = datetime.fromtimestamp(make_clock().now() / 1000, UTC).date() - timedelta(days=7)
    text = default_config_text(connections, mode="live", live_from=start, stop_if={"creates": 0, "owner_changes": 0})
    text = text.replace(
        f'never_touch = "{NEVER_TOUCH}"',
        f'never_touch = ""                    # a rehearsal; on real CRMs keep: "{NEVER_TOUCH}"',
    )
    config.write_text(text, encoding="utf-8")
    done = Written(files=[config.name])
    _write_mapping(config, done, "both", progress, force=True)
    hub = open_hub(config)
    try:
        for name in hub.names():
            hub.runs.approve(name, hub.connection(name).kind, "init --sandbox", now=hub.clock.now())
    finally:
        hub.close()
    done.next = ["crmhub sync", "crmhub status", "crmhub why EMAIL"]
    return done


def _write_mapping(config: Path, done: Written, direction: str, progress: Progress, *, force: bool) -> None:
    hub = open_hub(config, progress=progress, mapping_text="")
    try:
        path = Path(hub.settings.directory) / hub.settings.hub.mapping
        schemas: dict[tuple[str, str], tuple[RemoteField, ...]] = {}
        for name in hub.names():
            progress(f"reading the fields of {name}")
            for spec in hub.mapping.streams(name):
                try:
                    schemas[name, spec.name] = hub.schema(name, spec.name, fresh=True)
                except MissingScope as e:
                    if spec.entity not in OPTIONAL:
                        raise
                    progress(f"{name} {spec.name} is left out: {e}")
                    continue
                done.fields += len(schemas[name, spec.name])
            done.connections.append(name)
        if path.exists() and not force:
            path = path.with_suffix(".proposed.toml")
        text = propose_mapping(
            hub.settings.kinds, shipped_mappings(), schemas, facts_direction="both" if direction == "both" else "pull"
        )
        path.write_text(text, encoding="utf-8")
        done.files.append(path.name)
    finally:
        hub.close()


def _credentials(kind: str, given: MappingOf[str, str]) -> dict[str, str | int | float | bool]:
    """Of what a sandbox offers, the keys that a connection takes; a ready token rather than the way to one."""
    known = {f.name for f in msgspec.structs.fields(kinds()[kind].settings())} - {"kind"}
    if "access_token" in given:
        known -= {"client_id", "client_secret", "refresh_token"}
    elif "client_secret" in given:
        known -= {"private_key", "username"}
    keys: dict[str, str | int | float | bool] = {k: v for k, v in given.items() if k in known}
    if "username" in given:
        keys["ours"] = given["username"]
    return keys


def _env_name(value: object) -> str:
    text = str(value)
    return text[2:-1] if text.startswith("${") and text.endswith("}") else ""
