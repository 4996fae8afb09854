"""Changes to records: checked against the property metadata, with history. Life and death are in `life`."""

from __future__ import annotations

import re
from typing import Any

from crmhub.sandbox.hubspot.errors import HubSpotError, bad_properties, conflict, invalid, not_found
from crmhub.sandbox.hubspot.portal import API, Portal
from crmhub.sandbox.hubspot.records import Actor, Record, Table, Version
from crmhub.sandbox.hubspot.schema import BadValueError, iso, to_ms
from crmhub.sandbox.hubspot.stages import DEFAULT, Pipelines


def clean(portal: Portal, table: Table, wish: Any, record: Record | None, by_person: bool = False) -> dict[str, str]:
    """Written properties in stored form ("" clears). Raises 400 naming each bad one, 409 for an e-mail."""
    if not isinstance(wish, dict):
        raise invalid(
            "Invalid input JSON on line 1, column 1: Cannot build SimplePublicObjectInput, missing properties"
        )
    found: dict[str, str] = {}
    problems: list[tuple[str, str, str]] = []
    hidden = portal.hidden(table)
    for name, value in wish.items():
        prop = table.properties.get(name)
        if prop is None or prop.archived_at is not None or (name in hidden and not by_person):
            problems.append((name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
            continue
        if prop.locked and not by_person:
            message = f'"{name}" is a read only property; its value cannot be set.'
            problems.append((name, "READ_ONLY_VALUE", message))
            continue
        if value is None:
            if not portal.switches.null_clears:
                continue
            value = ""
        try:
            text = prop.normal(value)
        except BadValueError as problem:
            problems.append((name, problem.code, problem.message))
            continue
        if name == "hubspot_owner_id" and text and text not in portal.owner_ids:
            problems.append((name, "INVALID_OWNER_ID", f"{text} is not a valid owner id."))
            continue
        found[name] = _rewritten(text, portal.switches.rewrite.get(name, ""))
    if not problems and table.kind.name == "deals":
        problems = wrong_stage(portal.pipelines, found, {} if record is None else table.props(record))
    if problems:
        raise bad_properties(portal.id, problems)
    _check_unique(portal, table, found, record)
    return found


def create(portal: Portal, table: Table, values: dict[str, str], actor: Actor = API, enforce: bool = False) -> Record:
    """Add a record from cleaned values."""
    require(portal, table, values, enforce)
    now = portal.now()
    record = Record(table.next_id(), now, now)
    table.add(record, portal.switches.index_lag, now)
    if table.kind.name == "contacts":
        values = {"lifecyclestage": "lead", **values}
    elif table.kind.name == "deals":
        values = {"pipeline": DEFAULT, **values}
    _put(table, record, values, actor, now)
    table.version += 1
    portal.tell("creation", table, record, actor)
    for name, value in values.items():
        if value:
            portal.tell("propertyChange", table, record, actor, name=name, value=value, new=True)
    return record


def require(portal: Portal, table: Table, values: dict[str, str], enforce: bool) -> None:
    """Raise 400 when a create lacks what its type needs; `enforce` adds the portal's own rules."""
    if not any(values.get(name) for name in table.kind.needed):
        needed = " or ".join(table.kind.needed)
        raise _unset(table, [needed])
    missing = [name for name in table.kind.demanded if not values.get(name)]
    if missing:
        raise _unset(table, missing)
    if enforce:
        missing = [name for name in portal.switches.required.get(table.kind.name, []) if not values.get(name)]
        if missing:
            raise _unset(table, missing)
        require_when(portal, table, values, {})


def require_when(portal: Portal, table: Table, values: dict[str, str], props: dict[str, str]) -> None:
    """The portal's conditional rules (2026-09 only): raise 400 when a written value demands others."""
    for rule, names in portal.switches.required_when.get(table.kind.name, {}).items():
        name, _, value = rule.partition("=")
        if values.get(name) == value:
            missing = [one for one in names if not values.get(one, props.get(one))]
            if missing:
                raise _unset(table, missing)


def update(portal: Portal, table: Table, record: Record, values: dict[str, str], actor: Actor = API) -> Record:
    """Change a record to cleaned values; what is already so stays untouched, also in its time stamp."""
    if actor.source_type == API.source_type and portal.locks.get((table.kind.name, record.id), 0) > portal.now():
        raise HubSpotError(423, "LOCKED", f"{table.kind.singular} {record.id} is locked by other writes. Try again.")
    props = table.props(record)
    changed = {name: value for name, value in values.items() if props.get(name, "") != value}
    if not changed and not (values and portal.switches.same_value_stamps):
        return record
    forward = portal.switches.stage_forward_only and actor.source_type != "CRM_UI"
    stage = changed.get("lifecyclestage")
    if stage and forward and stage_rank(table, stage) < stage_rank(table, props.get("lifecyclestage", "")):
        del changed["lifecyclestage"]  # answered with 200 and left as it is
        if not changed:
            return record
    now = portal.now()
    if "dealstage" in changed and portal.switches.close_stamps and "closedate" not in values:
        found = portal.pipelines.stage(changed["dealstage"])
        if found is not None and found[1].closed:
            changed["closedate"] = iso(now)
    table.before_write(record)
    _put(table, record, changed, actor, now)
    touch(portal, table, record, started=True)
    for name, value in changed.items():
        portal.tell("propertyChange", table, record, actor, name=name, value=value)
    return record


def stage_rank(table: Table, stage: str) -> int:
    """Place of a lifecycle stage in the order of the portal; none before all, unknown ones last."""
    if not stage:
        return -1
    options = table.properties["lifecyclestage"].options
    return next((one.order for one in options if one.value == stage), len(options))


def wrong_stage(pipelines: Pipelines, values: dict[str, str], props: dict[str, str]) -> list[tuple[str, str, str]]:
    """Problems of a deal whose stage does not belong to its pipeline."""
    if not values.get("dealstage") and not values.get("pipeline"):
        return []
    pipeline = values.get("pipeline") or props.get("pipeline") or DEFAULT
    stage = values.get("dealstage") or props.get("dealstage", "")
    found = pipelines.stage(stage)
    if not stage or (found is not None and found[0].id == pipeline):
        return []
    return [("dealstage", "INVALID_OPTION", f"{stage} is not a stage of the pipeline {pipeline}")]


def calculate(portal: Portal, table: Table, record: Record, values: dict[str, str]) -> None:
    """Set values that HubSpot works out by itself: the index hears of them, the modification time does not."""
    table.before_write(record)
    _put(table, record, values, Actor("CALCULATED", "CalculatedPropertyComputer"), portal.now())
    table.after_write(record, portal.switches.index_lag, portal.now())


def touch(portal: Portal, table: Table, record: Record, started: bool = False) -> None:
    """Move the modification time."""
    now = portal.now()
    if not started:
        table.before_write(record)
    record.updated = max(record.updated, now)
    table.after_write(record, portal.switches.index_lag, now)


def live(table: Table, text: Any, archived: bool = False) -> Record:
    """The record with this id (or its survivor); raises 404."""
    record = table.find(int(text)) if isinstance(text, str | int) and str(text).isdecimal() else None
    if record is None or (record.archived_at is not None) != archived:
        raise not_found()
    return record


def by_property(table: Table, name: str, value: Any) -> Record | None:
    """The live record with this unique value."""
    number = table.unique.get(name, {}).get(_key(name, str(value)))
    return None if number is None else table.find(number)


def identifying(table: Table, name: str) -> bool:
    """Whether records can be addressed by this property."""
    prop = table.properties.get(name)
    return (name == "email" and table.kind.name == "contacts") or (prop is not None and prop.unique)


def _check_unique(portal: Portal, table: Table, values: dict[str, str], record: Record | None) -> None:
    for name, value in values.items():
        if not value or not identifying(table, name):
            continue
        holder = by_property(table, name, value)
        if holder is not None and holder is not record:
            if name == "email":
                raise conflict(f"Contact already exists. Existing ID: {holder.id}")
            message = f'{{"{name}":"{value}"}} already has that value. Conflicting record: {holder.id}'
            raise bad_properties(portal.id, [(name, "CONFLICTING_UNIQUE_VALUE", message)])
        if name == "email" and value in portal.blocked_emails:
            raise invalid(f"Contact with email {value} was deleted for privacy and cannot be created again")


def _unset(table: Table, names: list[str]) -> HubSpotError:
    message = f"Error creating {table.kind.singular.upper()}. Some required properties were not set."
    return invalid(message, "REQUIRED_FIELD", properties=names)


def _put(table: Table, record: Record, values: dict[str, str], actor: Actor, now: int) -> None:
    props = table.own(record)
    history = record.history = record.history if record.history is not None else {}
    new = record.created == now and record.seed is None
    if values.get("lifecyclestage"):
        values = {**values, f"hs_lifecyclestage_{values['lifecyclestage']}_date": iso(now)}
    if values.get("hs_task_status") == "COMPLETED":
        values = {**values, "hs_task_completion_date": iso(now)}
    release(table, record)
    for name, value in values.items():
        if value.startswith(";") and table.properties[name].field_type == "checkbox":
            held = [part for part in props.get(name, "").split(";") if part]
            value = ";".join(dict.fromkeys(held + [part for part in value.split(";") if part]))
        if name not in history:
            history[name] = [] if new else table.versions(record, name)[::-1]
        history[name].append(Version(value, now, *actor))
        if value == "":
            props.pop(name, None)
        else:
            props[name] = value
    if values.get("createdate"):  # deals alone let it be written
        record.created = to_ms(values["createdate"]) or record.created
    if "email" in values:
        domain = values["email"].partition("@")[2]
        props.pop("hs_email_domain", None)
        if domain:
            props["hs_email_domain"] = domain
    claim(table, record)


def _keys(table: Table, record: Record) -> list[tuple[str, str]]:
    """(property, key) of every unique value that a record holds."""
    props = table.props(record)
    found = [(name, _key(name, props[name])) for name in table.unique if name in props]
    if "hs_additional_emails" in props:
        found += [("email", _key("email", email)) for email in more_emails(props)]
    return found


def claim(table: Table, record: Record) -> None:
    for name, key in _keys(table, record):
        table.unique[name].setdefault(key, record.id)


def release(table: Table, record: Record) -> None:
    for name, key in _keys(table, record):
        if table.unique[name].get(key) == record.id:
            del table.unique[name][key]


def _key(name: str, value: str) -> str:
    return value.strip().lower() if name == "email" else value


def more_emails(props: dict[str, str]) -> list[str]:
    return [email for email in props.get("hs_additional_emails", "").split(";") if email]


def _rewritten(text: str, how: str) -> str:
    """What the switch `rewrite` makes of a written value."""
    if how == "trim":
        return " ".join(text.split())
    if how == "lower":
        return text.lower()
    if how == "upper":
        return text.upper()
    if how == "e164" and text:
        digits = re.sub(r"\D", "", text)
        return f"+{digits.removeprefix('00')}" if text.startswith(("+", "00")) else digits
    if how == "round" and text:
        return str(round(float(text)))
    return text
