"""What HubSpot's properties are to the hub, and creating those that write-back needs.

https://developers.hubspot.com/docs/api-reference/crm-properties-v3
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from connectors.contract import FieldRequest, FieldType, Option, Rejected, RemoteField, Unavailable
from connectors.hubspot.api import Api
from connectors.hubspot.pipelines import pipeline_options
from connectors.hubspot.sdk import Sdk
from connectors.hubspot.streams import ObjectStream
from connectors.transport import UnknownFate

GROUP, GROUP_LABEL = "crmhub", "crmhub"

_TYPES: dict[str, FieldType] = {
    "string": "text",
    "phone_number": "text",
    "number": "number",
    "bool": "bool",
    "date": "date",
    "datetime": "datetime",
}

#: how a requested field is made: (type, fieldType)
_MAKE: dict[FieldType, tuple[str, str]] = {
    "text": ("string", "text"),
    "number": ("number", "number"),
    "bool": ("bool", "booleancheckbox"),
    "date": ("date", "date"),
    "datetime": ("datetime", "date"),
    "option": ("enumeration", "select"),
    "options": ("enumeration", "checkbox"),
}

_MAX_TEXT = 65_536
#: lost answers without progress before the CRM counts as away, and the wait after the first, then doubled
LOST_IN_A_ROW = 5
FIRST_WAIT_S = 0.5

MAY_TRIGGER = {
    "lifecyclestage": (
        "HubSpot workflows and reports listen to the lifecycle stage; to move it back it is cleared first, "
        "which they see too"
    ),
    "hs_lead_status": "sales workflows often listen to the lead status",
    "hubspot_owner_id": "a new owner is notified, and rotation workflows may listen to it",
    "hs_marketable_status": "marketing contacts are billed: setting this can cost money",
    "hs_marketable_until_renewal": "marketing contacts are billed: setting this can cost money",
    "email": "changing the address changes whom marketing mail reaches",
    "hs_email_optout": "this decides whether marketing mail is sent",
}

_REQUIRED = frozenset({"hs_timestamp"})  # activities; contacts and companies need one of several


def describe(sdk: Sdk, api: Api, stream: ObjectStream) -> tuple[RemoteField, ...]:
    """All properties that these credentials see. Of deals, the stages as their pipelines tell them: one more call."""
    found = [to_field(stream, p) for p in sdk.properties(stream.object_type) if not p.archived]
    if stream.object_type != "deals":
        return tuple(found)
    options = pipeline_options(api)
    return tuple(replace(f, options=options[f.name]) if f.name in options else f for f in found)


def any_calculated(sdk: Sdk, stream: ObjectStream, fields: Sequence[str]) -> bool:
    """Whether HubSpot calculates one of these fields. One call."""
    wanted = set(fields)
    return any(p.calculated and p.name in wanted for p in sdk.properties(stream.object_type))


def to_field(stream: ObjectStream, p: Any) -> RemoteField:
    """A property (the client's model) in the contract's words."""
    kind = field_type(p)
    limits = p.modification_metadata
    read_only = bool(p.calculated) or bool(limits and limits.read_only_value)
    options = tuple(Option(o.value, o.label, active=not o.hidden) for o in p.options or ())
    return RemoteField(
        name=p.name,
        label=p.label,
        type=kind,
        options=options if kind in ("option", "options") else (),
        closed=kind in ("option", "options") and not p.external_options,
        writable=not read_only,
        required=p.name in _REQUIRED,
        unique=bool(p.has_unique_value) or (stream.object_type, p.name) == ("contacts", "email"),
        custom=not p.hubspot_defined,
        max_length=_MAX_TEXT if p.type == "string" else None,
        calculated=bool(p.calculated),
        may_trigger=None if read_only else MAY_TRIGGER.get(p.name),
    )


def field_type(p: Any) -> FieldType:
    """Type of a property: an enumeration with options from outside (owners) is a reference."""
    if p.type != "enumeration":
        return _TYPES.get(p.type, "text")
    if p.referenced_object_type or p.name == "hubspot_owner_id":
        return "reference"
    return "options" if p.field_type == "checkbox" else "option"


def ensure_fields(sdk: Sdk, stream: ObjectStream, wanted: Sequence[FieldRequest]) -> list[str]:
    """Create what is missing in the property group crmhub; complete options; names created.

    Raises Rejected when a property of the name exists that cannot serve (other type, not unique): neither can
    be changed.
    """
    made: dict[str, None] = {}  # asked for, in order
    lost, left = 0, len(wanted) + 1
    while True:
        present = {p.name: p for p in sdk.properties(stream.object_type)}
        missing = [w for w in wanted if w.name not in present]
        refused = next((w.name for w in missing if w.name in made), None)
        if refused is not None and not lost:
            remedy = "look for it among the properties in HubSpot's settings, then try again"
            raise Rejected("NOT_CREATED", f"HubSpot did not create the property {refused!r}", remedy)
        made |= dict.fromkeys(w.name for w in missing)
        progress, left = len(missing) < left, len(missing)
        try:
            for request in wanted:
                if request.name in present:
                    _fit(sdk, stream, present[request.name], request)
            if not missing:
                return list(made)
            _make(sdk, stream, missing)
            lost = 0
        except UnknownFate as e:  # the next round looks what came of it
            lost = 1 if progress else lost + 1
            if lost >= LOST_IN_A_ROW:
                raise Unavailable(f"{e}; run it again, what was made is left alone") from None
            sdk.clock.sleep(FIRST_WAIT_S * (1 << (lost - 1)))


def _make(sdk: Sdk, stream: ObjectStream, missing: Sequence[FieldRequest]) -> None:
    if GROUP not in sdk.groups(stream.object_type):
        _tolerant(lambda: sdk.create_group(stream.object_type, GROUP, GROUP_LABEL))
    for request in missing:
        body = _to_create(request)
        _tolerant(lambda body=body: sdk.create_property(stream.object_type, body))


def _tolerant(create: Any) -> None:
    """That it exists already is what we want."""
    try:
        create()
    except Rejected as e:
        if e.code not in ("CONFLICT", "OBJECT_ALREADY_EXISTS"):
            raise


def _fit(sdk: Sdk, stream: ObjectStream, p: Any, request: FieldRequest) -> None:
    """Whether an existing property can serve; its options are completed."""
    where = f"{stream.spec.name}.{request.name}"
    if field_type(p) != request.type:
        raise Rejected(
            "FIELD_TYPE",
            f"{where} exists as {field_type(p)}, but {request.type} is needed",
            "rename or delete the property in HubSpot, or map another one",
        )
    if request.unique and not p.has_unique_value:
        raise Rejected(
            "FIELD_NOT_UNIQUE",
            f"{where} exists, but without unique values",
            "delete the property in HubSpot, so that it can be created as unique",
        )
    have = [_option(i, o.value, o.label, o.hidden) for i, o in enumerate(p.options or ())]
    known = {o["value"] for o in have}
    more = [o for o in request.options if o.value not in known]
    if more and request.type in ("option", "options"):
        have += [_option(len(have) + i, o.value, o.label, not o.active) for i, o in enumerate(more)]
        sdk.update_options(stream.object_type, request.name, have)


def _to_create(request: FieldRequest) -> dict[str, Any]:
    if request.type not in _MAKE:
        raise Rejected("FIELD_TYPE", f"{request.name}: a {request.type} cannot be created", "use text instead")
    kind, field_kind = _MAKE[request.type]
    body: dict[str, Any] = {
        "name": request.name,
        "label": request.label,
        "type": kind,
        "fieldType": field_kind,
        "groupName": GROUP,
        "description": request.description,
        "hasUniqueValue": request.unique,
        "formField": False,
    }
    if request.type == "bool":
        body["options"] = [_option(0, "true", "Yes", False), _option(1, "false", "No", False)]
    elif request.type in ("option", "options"):
        body["options"] = [_option(i, o.value, o.label, not o.active) for i, o in enumerate(request.options)]
    return body


def _option(order: int, value: str, label: str, hidden: bool | None) -> dict[str, Any]:
    return {"value": value, "label": label, "displayOrder": order, "hidden": bool(hidden)}
