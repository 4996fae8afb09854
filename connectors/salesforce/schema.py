"""What a stream's fields are, from the live describe: only those that these credentials may see.

Vendor page: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api (describeSObjects, Field).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.contract import FieldType, Option, RemoteField
from connectors.salesforce.org import Org
from connectors.salesforce.streams import Parent, Source

#: Salesforce's types by ours; compound and binary types are no values and are left out
TYPES: dict[str, FieldType] = {
    "id": "text",
    "string": "text",
    "textarea": "text",
    "email": "text",
    "phone": "text",
    "url": "text",
    "encryptedstring": "text",
    "combobox": "text",
    "time": "text",
    "anyType": "text",
    "int": "number",
    "long": "number",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "boolean": "bool",
    "date": "date",
    "datetime": "datetime",
    "picklist": "option",
    "multipicklist": "options",
    "reference": "reference",
}
_TRIGGERS = {
    "OwnerId": "a new owner can be told by e-mail, and sharing changes",
    "Status": "flows and reports of many orgs start from the status",
}
#: what Owner, Who and What have in common, whatever they point to
_COMMON = {"Name": "Name", "Email": "Email", "Type": "Type"}


def fields_of(org: Org, source: Source, *, fresh: bool = False) -> tuple[RemoteField, ...]:
    """The stream's own fields, then those of its parents (`Account.Type`), which are read-only and change
    without moving this record's modification time."""
    own = _own(org, source.sobject, fresh=fresh)
    parents = [field for parent in source.parents for field in _of_parent(org, parent)]
    return (*own, *parents)


def _own(org: Org, sobject: str, *, fresh: bool = False) -> list[RemoteField]:
    described = org.describe(sobject, fresh=fresh)["fields"]
    return [remote_field(f) for f in described if f.get("type") in TYPES]


def _of_parent(org: Org, parent: Parent) -> list[RemoteField]:
    prefix, label = f"{parent.relation}.", f"{parent.relation}: "
    if parent.sobject is None:
        return [
            RemoteField(f"{prefix}{name}", f"{label}{_COMMON[name]}", "text", writable=False, calculated=True)
            for name in parent.fields
        ]
    return [
        replace(
            field,
            name=f"{prefix}{field.name}",
            label=f"{label}{field.label}",
            writable=False,
            required=False,
            unique=False,
            calculated=True,
            may_trigger=None,
        )
        for field in _own(org, parent.sobject)
        if not parent.fields or field.name in parent.fields
    ]


def remote_field(described: Mapping[str, Any]) -> RemoteField:
    """One field of a describe answer."""
    type_ = TYPES[described["type"]]
    name = str(described["name"])
    updateable = bool(described.get("updateable"))
    options = tuple(
        Option(str(o["value"]), str(o.get("label") or o["value"]), bool(o.get("active", True)))
        for o in described.get("picklistValues") or ()
        if o.get("value") is not None
    )
    length = described.get("length") or None
    return RemoteField(
        name=name,
        label=str(described.get("label") or name),
        type=type_,
        options=options if type_ in ("option", "options") else (),
        closed=bool(described.get("restrictedPicklist")),
        writable=updateable,
        required=_required(described),
        unique=bool(described.get("unique")),
        custom=bool(described.get("custom")),
        max_length=int(length) if length and type_ == "text" else None,
        calculated=bool(described.get("calculated")),
        may_trigger=_TRIGGERS.get(name) if updateable else None,
    )


def _required(described: Mapping[str, Any]) -> bool:
    """Needed to create a record: no blank allowed and nothing fills it."""
    return (
        bool(described.get("createable"))
        and not described.get("nillable", True)
        and not described.get("defaultedOnCreate")
        and described.get("type") != "boolean"
    )
