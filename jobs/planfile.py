"""Plan files: a header line and one line per planned write, to review, approve and push exactly as they stand."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from core.errors import ConfigInvalid, ConfigProblem, PlanStale, Refused
from core.store.outbox import PlanItem
from jobs.plan import Plan
from jobs.runtime import Hub

VERSION = 1
LIFE_MS = 24 * 3600 * 1000
_AGAIN = "write it again: crmhub plan --out FILE"


def item_json(i: PlanItem) -> dict[str, Any]:
    """One planned write; stable keys."""
    return {
        "connection": i.connection,
        "stream": i.stream,
        "record": i.record_id,
        "id": i.remote_id,
        "entity": i.entity,
        "entity_id": i.entity_id,
        "action": i.action,
        "before": i.before,
        "after": i.after,
        "reasons": i.reasons,
        "priority": i.priority,
        "key": i.key,
    }


def write_plan(hub: Hub, plan: Plan, path: Path) -> None:
    """The plan as a file. Its header holds a digest of the lines. Raises OSError."""

    def lines() -> Iterator[bytes]:
        for item in hub.outbox.items(plan.id) if plan.id is not None else ():
            yield orjson.dumps(item_json(item))

    digest = sha256()
    for line in lines():
        digest.update(line + b"\n")
    with path.open("wb") as f:
        f.write(orjson.dumps({"crmhub_plan": VERSION, **plan.summary(), "digest": digest.hexdigest()}) + b"\n")
        for line in lines():
            f.write(line + b"\n")


def read_plan(path: Path) -> tuple[dict[str, Any], list[PlanItem]]:
    """Header and items. Raises ConfigInvalid with the line that is wrong, PlanStale when lines were changed."""
    try:
        raw = path.read_bytes().splitlines()
    except OSError as e:
        problem = ConfigProblem(str(path), 0, "", "cannot be read", "give the file that plan --out wrote")
        raise ConfigInvalid([problem]) from e
    header = _line(path, 1, raw[0]) if raw else {}
    if header.get("crmhub_plan") != VERSION:
        raise ConfigInvalid([ConfigProblem(str(path), 1, "", "this is not a plan of this crmhub", _AGAIN)])
    digest = sha256()
    for line in raw[1:]:
        digest.update(line + b"\n")
    items = [_item(path, n, line) for n, line in enumerate(raw[1:], 2)]
    if header.get("digest") != digest.hexdigest():
        raise PlanStale(
            f"{path} was changed since it was written",
            "a plan is pushed as it was planned: change the mapping or the rules and write a new one",
        )
    return header, items


def check_plan(hub: Hub, header: dict[str, Any], items: list[PlanItem]) -> None:
    """Refuse a plan of another configuration, older than a day, or with a write that the mapping does not allow.

    Raises PlanStale, Refused.
    """
    if header.get("config_hash") != hub.config_hash:
        raise PlanStale("this plan was made under another configuration or mapping", "run `crmhub plan --out` again")
    made = header.get("created_at")
    if not isinstance(made, int) or hub.clock.now() - made > LIFE_MS:
        raise PlanStale("this plan is older than 24 hours", "run `crmhub plan --out` again")
    if hub.runs.setting("writes") == "off":
        raise Refused("writes are off", "`crmhub writes on` allows them again")
    for n, item in enumerate(items, 2):
        if item.action == "update" and (wrong := _forbidden(hub, item)):
            raise Refused(f"line {n} of the plan writes {wrong}", _AGAIN)


def _forbidden(hub: Hub, item: PlanItem) -> str:
    """What an item writes that the mapping does not allow, "" when all is well."""
    targets = {t.remote: t for t in hub.mapping.targets(item.connection, item.stream)}
    for remote, value in item.after.items():
        target = targets.get(remote)
        if target is None:
            return f"{remote}, which the mapping does not write"
        if target.field.name == "opted_out" and target.to_canonical(value) is not True:
            return f"{remote}: an opt-out is never taken back"
    return ""


def _line(path: Path, n: int, line: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(line)
    except orjson.JSONDecodeError as e:
        raise ConfigInvalid([ConfigProblem(str(path), n, "", "is not a line of a plan", _AGAIN)]) from e
    return data if isinstance(data, dict) else {}


def _item(path: Path, n: int, line: bytes) -> PlanItem:
    data = _line(path, n, line)
    try:
        key = data["key"]
        return PlanItem(
            data["connection"],
            data["stream"],
            data["record"],
            data["id"],
            data["entity"],
            data["entity_id"],
            data["action"],
            dict(data["before"]),
            dict(data["after"]),
            dict(data["reasons"]),
            int(data["priority"]),
            (str(key[0]), str(key[1])) if key else None,
        )
    except (KeyError, TypeError, ValueError, IndexError) as e:
        raise ConfigInvalid([ConfigProblem(str(path), n, "", "is not a line of a plan", _AGAIN)]) from e
