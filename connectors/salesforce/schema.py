"""What a stream's fields are, from the live describe: only those that these credentials may see.

Vendor page: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api (describeSObjects, Field).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.contract import FieldType, Option, RemoteField
from connectors.salesforce.messages import INCOMING
from connectors.salesforce.org import Org
from connectors.salesforce.streams import RECORD_TYPE, Parent, Source

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
    without moving this record's modification time. None at all where the org has no such objects."""
    described = org.fresh(source.sobject) if fresh else org.seen(source.sobject)
    if described is None and source.optional:
        return ()
    described = described if described is not None else org.describe(source.sobject)  # raises what is wrong
    relations = {f.get("relationshipName") for f in described["fields"]}
    parents = [p for p in source.parents if p.relation in relations]
    of_parents = [field for parent in parents for field in _of_parent(org, parent, described)]
    return (*_own(described), *of_parents, *(_derived(name, described) for name in source.derived))


def _derived(name: str, described: Mapping[str, Any]) -> RemoteField:
    """The one field that the connector makes: `messages`."""
    subtype: Mapping[str, Any] = next((f for f in described["fields"] if f["name"] == "TaskSubtype"), {})
    options = (*_options(subtype), Option(INCOMING, "Email, incoming"))
    return RemoteField(name, "Task subtype, incoming e-mails told apart", "option", options, writable=False)


def _own(described: Mapping[str, Any]) -> list[RemoteField]:
    return [remote_field(f) for f in described["fields"] if f.get("type") in TYPES]


def _of_parent(org: Org, parent: Parent, child: Mapping[str, Any]) -> list[RemoteField]:
    prefix, label = f"{parent.relation}.", f"{parent.relation}: "
    if parent is RECORD_TYPE:
        return _of_record_type(child)
    if parent.sobject is None:
        return [
            RemoteField(f"{prefix}{name}", f"{label}{_COMMON[name]}", "text", writable=False, calculated=True)
            for name in parent.fields
        ]
    described = org.seen(parent.sobject)
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
        for field in (_own(described) if described is not None else ())
        if not parent.fields or field.name in parent.fields
    ]


def _of_record_type(child: Mapping[str, Any]) -> list[RemoteField]:
    """Record types are told by the child's own describe, so they cost no call."""
    kinds = [k for k in child.get("recordTypeInfos") or () if not k.get("master")]
    codes = tuple(
        Option(str(k["developerName"]), str(k["name"]), bool(k.get("active", True)))
        for k in kinds
        if k.get("developerName")
    )
    return [
        RemoteField("RecordType.DeveloperName", "Record type", "option", codes, writable=False, calculated=True),
        RemoteField("RecordType.Name", "Record type: name", "text", writable=False, calculated=True),
    ]


def remote_field(described: Mapping[str, Any]) -> RemoteField:
    """One field of a describe answer."""
    type_ = TYPES[described["type"]]
    name = str(described["name"])
    updateable = bool(described.get("updateable"))
    length = described.get("length") or None
    return RemoteField(
        name=name,
        label=str(described.get("label") or name),
        type=type_,
        options=_options(described) if type_ in ("option", "options") else (),
        closed=bool(described.get("restrictedPicklist")),
        writable=updateable,
        required=_required(described),
        unique=bool(described.get("unique")),
        custom=bool(described.get("custom")),
        max_length=int(length) if length and type_ == "text" else None,
        calculated=bool(described.get("calculated")),
        may_trigger=_TRIGGERS.get(name) if updateable else None,
    )


def _options(described: Mapping[str, Any]) -> tuple[Option, ...]:
    return tuple(
        Option(str(o["value"]), str(o.get("label") or o["value"]), bool(o.get("active", True)))
        for o in described.get("picklistValues") or ()
        if o.get("value") is not None
    )


def _required(described: Mapping[str, Any]) -> bool:
    """Needed to create a record: no blank allowed and nothing fills it."""
    return (
        bool(described.get("createable"))
        and not described.get("nillable", True)
        and not described.get("defaultedOnCreate")
        and described.get("type") != "boolean"
    )
