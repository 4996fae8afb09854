"""check: files, credentials and mappings; every problem at once, each with file, line and remedy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from connectors.contract import MissingScope, RemoteField
from core.errors import ConfigProblem
from core.mapping_check import check_mapping
from jobs.pull import OPTIONAL
from jobs.runtime import Hub, load_settings
from jobs.sight import idle_calls


@dataclass(slots=True)
class Live:
    """What a CRM said. `lines` for people; `refused`: credentials or scopes do not do."""

    lines: list[str] = field(default_factory=list)
    problems: list[ConfigProblem] = field(default_factory=list)
    refused: bool = False


def check_files(config: Path) -> list[ConfigProblem]:
    """Problems of configuration, conditions and mapping, without any network."""
    return load_settings(config, deep=True)[2]


def check_live(hub: Hub, name: str, *, create_fields: bool = False) -> Live:
    """Problems of one connection against the CRM as it is now. Raises ConnectorError when it does not answer."""
    found = Live()
    connector = hub.connector(name)
    report = connector.check()
    found.refused = any(p.fatal for p in report.problems)
    found.lines += [f"{name}: {p.text} → {p.remedy}" for p in report.problems]
    if found.refused:
        return found
    quota = "; ".join(f"{q.left:,} of {q.limit:,} {q.name} left" for q in report.quotas)
    found.lines.append(
        f"{name}: {report.account} ({report.account_id}) as {report.user}" + (f"; {quota}" if quota else "")
    )
    schemas: dict[tuple[str, str], tuple[RemoteField, ...]] = {}
    for spec in hub.mapping.streams(name):
        try:
            schemas[name, spec.name] = hub.schema(name, spec.name, fresh=True)
        except MissingScope as e:
            if spec.entity not in OPTIONAL:
                raise
            found.lines.append(f"{name}: {spec.name} are left out: {e}")
            continue
        missing = hub.missing_fields(name, spec.name)
        if missing and create_fields:
            created = connector.ensure_fields(spec.name, missing)
            found.lines.append(f"{name}: created {', '.join(created) or 'nothing'} in {spec.name}")
            schemas[name, spec.name] = hub.schema(name, spec.name, fresh=True)
    found.lines.append(f"{name}: a sync without changes costs {idle_calls(hub, name)} calls")
    found.problems += check_mapping(hub.mapping, schemas)
    return found
