"""Custom fields through the Tooling API. A new field is granted to nobody, its maker included.

Vendor page: Tooling API, "CustomField".
"""

import re
from dataclasses import replace
from typing import Any

from crmhub.sandbox.messages import Request, Response
from crmhub.sandbox.salesforce.admin import Admin
from crmhub.sandbox.salesforce.errors import ApiError, not_found
from crmhub.sandbox.salesforce.ids import to18
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.paths import base_of
from crmhub.sandbox.salesforce.schema.field import Field, Option
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.sobjects_api import body_of
from crmhub.sandbox.salesforce.table import Row

_NAME = re.compile(r"([A-Za-z]\w*)\.([A-Za-z](?:_?[A-Za-z0-9])*)__c")
_TYPES = {
    "Text": "string", "TextArea": "textarea", "LongTextArea": "textarea", "Html": "textarea", "Email": "email",
    "Phone": "phone", "Url": "url", "Checkbox": "boolean", "Date": "date", "DateTime": "datetime",
    "Number": "double", "Currency": "currency", "Percent": "percent", "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist", "Lookup": "reference",
}  # fmt: skip
_LENGTHS = {
    "Email": 80,
    "Phone": 40,
    "Url": 255,
    "TextArea": 255,
    "Picklist": 255,
    "MultiselectPicklist": 4099,
}
_NUMERIC = frozenset({"Number", "Currency", "Percent"})


class ToolingApi:
    """Handlers below tooling/sobjects/CustomField. `metadata` is kept as it was given, by field id."""

    def __init__(self, org: OrgState) -> None:
        self._org = org
        self._metadata: dict[str, tuple[str, dict[str, Any]]] = {}
        self._admin = Admin(org)

    def create(self, request: Request) -> Response:
        """POST {FullName, Metadata}: 201."""
        self._allowed()
        body = body_of(request)
        full_name, metadata = body.get("FullName"), body.get("Metadata")
        if not isinstance(full_name, str) or not isinstance(metadata, dict):
            missing = "FullName" if not isinstance(full_name, str) else "Metadata"
            raise _error("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{missing}]", missing)
        match = _NAME.fullmatch(full_name)
        if match is None:
            message = f"The name must start with a letter and hold only letters, digits and underscores: {full_name}"
            raise _error("FIELD_INTEGRITY_EXCEPTION", message, "FullName")
        owner, name = match.groups()
        kinds = self._kinds(owner)
        if any(kind.field(f"{name}__c") is not None for kind in kinds):
            message = f"There is already a field named {name} on {owner}."
            raise _error(self._org.settings.duplicate_field_code, message, "DeveloperName")
        made = [self._made(f"{name}__c", metadata) for _ in kinds]
        for kind, (field, summary) in zip(kinds, made, strict=True):
            if summary is not None:
                self._admin.rollup_field(kind, field, summary)
            elif field.formula is not None:
                self._admin.formula_field(kind, field.name, field, field.formula)
            else:
                kind.add(field)
        return self._stored(request, owner, name, metadata)

    def get(self, request: Request) -> Response:
        """GET one custom field with its Metadata."""
        row, full_name, metadata = self._found(request)
        attributes = {
            "type": "CustomField",
            "url": f"{base_of(request)}/tooling/sobjects/CustomField/{row['Id']}",
        }
        shown = {name: row.get(name) for name in ("Id", "DeveloperName", "TableEnumOrId", "NamespacePrefix")}
        return Response.json({"attributes": attributes, **shown, "FullName": full_name, "Metadata": metadata})

    def update(self, request: Request) -> Response:
        """PATCH {Metadata}: new label or values of the field; 204."""
        self._allowed()
        row, full_name, _ = self._found(request)
        metadata = body_of(request).get("Metadata")
        if not isinstance(metadata, dict):
            raise _error("REQUIRED_FIELD_MISSING", "Required fields are missing: [Metadata]", "Metadata")
        name = full_name.partition(".")[2]
        for kind in self._kinds(str(row["TableEnumOrId"])):
            changed, _ = self._made(name, metadata)
            before = kind.field(name)
            if before is not None and before.type != changed.type:
                raise _error("FIELD_INTEGRITY_EXCEPTION", "The type of the field cannot be changed here", "type")
            if changed.formula is not None:
                self._admin.formula_field(kind, name, changed, changed.formula)
            elif before is None or before.compute is None:
                kind.add(changed)
        self._metadata[str(row["Id"])] = full_name, metadata
        return Response(204)

    def delete(self, request: Request) -> Response:
        """DELETE one custom field: 204."""
        self._allowed()
        row, full_name, _ = self._found(request)
        name = full_name.partition(".")[2]
        for kind in self._kinds(str(row["TableEnumOrId"])):
            self._org.forget_field(kind, name)
        self._org.drop(self._kind(), str(row["Id"]))
        del self._metadata[str(row["Id"])]
        return Response(204)

    def _made(self, name: str, metadata: dict[str, Any]) -> tuple[Field, dict[str, Any] | None]:
        """The field, and for a roll-up summary what it sums up."""
        if metadata.get("type") == "Summary":
            return _summary(name, metadata)
        formula = metadata.get("formula")
        if not isinstance(formula, str):
            return custom_field(name, metadata, self._org), None
        filled = {"length": 255, "defaultValue": "false", "precision": 18, "scale": 2, **metadata}
        return replace(custom_field(name, filled, self._org), formula=formula), None

    def _allowed(self) -> None:
        if not self._org.settings.customize_application:
            raise ApiError(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on cross-reference id")

    def _kind(self) -> ObjectType:
        kind = self._org.schema.get("CustomField")
        assert kind is not None
        return kind

    def _kinds(self, owner: str) -> list[ObjectType]:
        """Activity fields are shared by Task and Event."""
        names = ("Task", "Event") if owner == "Activity" else (owner,)
        kinds = [kind for kind in map(self._org.schema.get, names) if kind is not None and kind.binned]
        if not kinds or (kinds[0].activity and owner != "Activity"):
            message = f"Entity Enumeration Or ID: bad value for restricted picklist field: {owner}"
            raise _error("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, "TableEnumOrId")
        return kinds

    def _stored(self, request: Request, owner: str, name: str, metadata: dict[str, Any]) -> Response:
        org, kind = self._org, self._kind()
        stamp = org.stamp()
        row: Row = {
            "Id": org.new_id(kind),
            "DeveloperName": name,
            "TableEnumOrId": owner,
            "CreatedDate": stamp,
            "CreatedById": org.user_id,
            "LastModifiedDate": stamp,
            "LastModifiedById": org.user_id,
            "SystemModstamp": stamp,
        }
        org.put(kind, row)
        self._metadata[str(row["Id"])] = f"{owner}.{name}__c", metadata
        answer: dict[str, Any] = {"id": row["Id"], "success": True, "errors": [], "warnings": [], "infos": []}
        location = f"{base_of(request)}/tooling/sobjects/CustomField/{row['Id']}"
        return Response.json(answer, 201, {"Location": location})

    def _found(self, request: Request) -> tuple[Row, str, dict[str, Any]]:
        record_id = to18(request.params["id"]) or ""
        row = self._org.tables["CustomField"].get(record_id)
        if row is None:
            raise not_found()
        return row, *self._metadata[record_id]


def custom_field(name: str, metadata: dict[str, Any], org: OrgState) -> Field:
    """The field that the Metadata describes; raises ApiError for what is missing or out of range."""
    kind = metadata.get("type")
    label = metadata.get("label")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise _error("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", f"Type: bad value for field type: {kind}", "type")
    if not isinstance(label, str) or not 0 < len(label) <= 40:
        raise _error("FIELD_INTEGRITY_EXCEPTION", "Label: a label of 1 to 40 characters is needed", "label")
    length = _LENGTHS.get(kind, 0)
    if kind == "Text":
        length = _whole(metadata, "length", 1, 255)
    elif kind in ("LongTextArea", "Html"):
        length = _whole(metadata, "length", 256, 131_072)
        _whole(metadata, "visibleLines", 1, 100)
    elif kind == "MultiselectPicklist":
        _whole(metadata, "visibleLines", 3, 10)
    precision = _whole(metadata, "precision", 1, 18) if kind in _NUMERIC else 0
    scale = _whole(metadata, "scale", 0, precision) if kind in _NUMERIC else 0
    if kind == "Checkbox" and "defaultValue" not in metadata:
        raise _error("FIELD_INTEGRITY_EXCEPTION", "Default Value: a checkbox needs a default value", "defaultValue")
    options, restricted = _options(metadata) if "icklist" in kind else ((), False)
    required = metadata.get("required") is True
    checked = str(metadata.get("defaultValue", "")).lower() == "true"
    return Field(
        name,
        _TYPES[kind],
        label,
        length=18 if kind == "Lookup" else length,
        nillable=not required and kind != "Checkbox",
        default=checked if kind == "Checkbox" else None,
        options=options,
        restricted=restricted,
        reference_to=_referred(metadata, org) if kind == "Lookup" else (),
        relationship=name.removesuffix("c") + "r" if kind == "Lookup" else None,
        custom=True,
        unique=metadata.get("unique") is True,
        external_id=metadata.get("externalId") is True,
        id_lookup=metadata.get("externalId") is True,
        case_sensitive=metadata.get("caseSensitive") is True,
        filterable=kind not in ("LongTextArea", "Html"),
        sortable=kind not in ("LongTextArea", "Html", "MultiselectPicklist"),
        permissionable=not required,
        precision=precision,
        scale=scale,
        description=metadata.get("description"),
    )


def _summary(name: str, metadata: dict[str, Any]) -> tuple[Field, dict[str, Any]]:
    """{summaryOperation, summaryForeignKey: Child.Key, summarizedField?: Child.Field, summaryFilterItems?}."""
    child, _, key = str(metadata.get("summaryForeignKey")).partition(".")
    filters = metadata.get("summaryFilterItems") or []
    operators = {"equals": "=", "notEqual": "!=", "greaterThan": ">", "lessThan": "<", "greaterOrEqual": ">=",
                 "lessOrEqual": "<="}  # fmt: skip
    tests = []
    for item in filters if isinstance(filters, list) else []:
        value = str(item.get("value"))
        plain = value.lower() in ("true", "false") or value.replace(".", "", 1).isdigit()
        operator = operators.get(str(item.get("operation")), "=")
        tests.append(f"{str(item.get('field')).partition('.')[2]} {operator} {value if plain else repr(value)}")
    wish = {
        "child": child,
        "key": key,
        "function": metadata.get("summaryOperation", "count"),
        "field": str(metadata.get("summarizedField", "")).partition(".")[2],
        "where": " AND ".join(tests),
    }
    label = str(metadata.get("label") or name.removesuffix("__c").replace("_", " "))
    return Field(name, "double", label, precision=18, scale=2, custom=True), wish


def _options(metadata: dict[str, Any]) -> tuple[tuple[Option, ...], bool]:
    values = metadata.get("valueSet")
    definition = values.get("valueSetDefinition") if isinstance(values, dict) else None
    listed = definition.get("value") if isinstance(definition, dict) else None
    if not isinstance(values, dict) or not isinstance(listed, list) or not listed:
        raise _error("FIELD_INTEGRITY_EXCEPTION", "valueSet: a picklist needs values", "valueSet")
    options = []
    for item in listed:
        value = item.get("fullName", item.get("valueName")) if isinstance(item, dict) else None
        if not isinstance(value, str):
            raise _error("FIELD_INTEGRITY_EXCEPTION", "valueSet: every value needs a fullName", "valueSet")
        options.append(Option(value, str(item.get("label", value)), item.get("default") is True))
    return tuple(options), values.get("restricted") is True


def _referred(metadata: dict[str, Any], org: OrgState) -> tuple[str, ...]:
    kind = org.schema.get(str(metadata.get("referenceTo")))
    if kind is None or not metadata.get("relationshipName"):
        message = "referenceTo and relationshipName must name an object and a relationship"
        raise _error("FIELD_INTEGRITY_EXCEPTION", message, "referenceTo")
    return (kind.name,)


def _whole(metadata: dict[str, Any], name: str, low: int, high: int) -> int:
    value = metadata.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        message = f"Must specify a '{name}' between {low} and {high} for a CustomField of type {metadata.get('type')}"
        raise _error("FIELD_INTEGRITY_EXCEPTION", message, name)
    return value


def _error(code: str, message: str, field: str) -> ApiError:
    return ApiError(400, code, message, [field])
