"""Making the custom fields that write-back needs, and making them visible.

A field made through the Tooling API is invisible to everybody, its maker included, until field-level security
grants it. The hub owns one permission set for that, assigned to the user that it works as.

Vendor page: https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling (CustomField) and
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta (FieldPermissions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from connectors.contract import FieldRequest, MissingScope, Rejected, RemoteField, Unavailable
from connectors.salesforce import schema, soql
from connectors.salesforce.org import Org
from connectors.salesforce.streams import Source
from connectors.transport import UnknownFate

PERMISSION_SET = "Hub_Integration"
PERMISSION_SET_LABEL = "Hub Integration"
_SUFFIX = "__c"
_TEXT_LENGTH = 255
_LABEL_LENGTH = 40
_NUMBER = {"precision": 18, "scale": 2}
_EXISTS = frozenset({"DUPLICATE_DEVELOPER_NAME", "DUPLICATE_VALUE"})
#: lost answers with none between them before the CRM counts as away, and the wait after the first, then doubled
LOST_IN_A_ROW = 5
FIRST_WAIT_S = 0.5


def ensure(org: Org, source: Source, wanted: Sequence[FieldRequest]) -> list[str]:
    """Create what is missing and grant what is hidden; names created.

    Safe to run twice and after a kill at any point. Raises Rejected for a name without `__c` or a field of
    another type, MissingScope when the user may not customise the org.
    """
    shown = {f.name.lower(): f for f in schema.fields_of(org, source, fresh=True)}
    hidden = [w for w in wanted if not _usable(w, shown.get(w.name.lower()))]
    if not hidden:
        return []
    for request in hidden:
        if not request.name.endswith(_SUFFIX):
            raise Rejected("NOT_CUSTOM", f"{request.name} is no custom field", f"give it a name that ends in {_SUFFIX}")
    work = _Work(org, source, hidden)
    try:
        work.done()
    except MissingScope as e:
        scope = "Customize Application, Manage Profiles and Permission Sets"
        raise MissingScope(scope, e.detail) from None
    org.describe(source.sobject, fresh=True)
    return [w.name for w in hidden if w.name in work.created]


class _Work:
    """What is still to be made and granted. After a lost answer it looks what is there, and goes on from that."""

    def __init__(self, org: Org, source: Source, wanted: Sequence[FieldRequest]) -> None:
        self._org, self._source, self._wanted = org, source, wanted
        self.created: set[str] = set()
        self._sent: set[str] = set()  # asked for, the answer was lost
        self._written = 0  # answers that came

    def done(self) -> None:
        """Raises Unavailable when LOST_IN_A_ROW answers were lost and none came between them."""
        lost = 0
        while True:
            before = self._written
            try:
                self._round()
                return
            except UnknownFate as e:
                lost = 1 if self._written > before else lost + 1
                if lost >= LOST_IN_A_ROW:
                    raise Unavailable(f"{e}; run it again, what was made is left alone") from None
            self._org.clock.sleep(FIRST_WAIT_S * (1 << (lost - 1)))

    def _round(self) -> None:
        known = _defined(self._org, self._source, self._wanted)
        for request in self._wanted:
            if request.name.lower() not in known:
                again = request.name in self._sent
                self._sent.add(request.name)
                if _create(self._org, self._source, request) or again:
                    self.created.add(request.name)
                self._sent.discard(request.name)
                self._written += 1
            elif request.name in self._sent:
                self.created.add(request.name)
        for grant in _grants(self._org, self._source, [w.name for w in self._wanted]):
            grant()
            self._written += 1


def _usable(request: FieldRequest, field: RemoteField | None) -> bool:
    """Whether the field is there, of the right type and writable. Raises Rejected for another type."""
    if field is None:
        return False
    if field.type != request.type:
        raise Rejected(
            "WRONG_TYPE",
            f"{field.name} exists as a {field.type} field, and a {request.type} field is needed",
            "rename one of the two, or map the field that exists",
        )
    return field.writable


def _defined(org: Org, source: Source, wanted: Sequence[FieldRequest]) -> set[str]:
    """Lower-case names of the custom fields that exist, visible or not (describe shows visible ones only)."""
    names = [w.name.removesuffix(_SUFFIX) for w in wanted]
    found: set[str] = set()
    for part in soql.value_chunks(names, 0, len(names)):
        statement = soql.select(
            ["Id", "DeveloperName"],
            "CustomField",
            [soql.among("TableEnumOrId", [source.definitions]), soql.among("DeveloperName", part)],
        )
        found |= {f"{r['DeveloperName']}{_SUFFIX}".lower() for r in org.tooling_records(statement)}
    return found


def _create(org: Org, source: Source, request: FieldRequest) -> bool:
    """One field; False when it is there already, by somebody else or by a call whose answer was lost."""
    body = {"FullName": f"{source.definitions}.{request.name}", "Metadata": metadata(request)}
    try:
        org.tooling_create("CustomField", body)
    except Rejected as e:
        if e.code in _EXISTS or "already a field named" in e.message:
            return False
        raise
    return True


def metadata(request: FieldRequest) -> dict[str, Any]:
    """The Metadata of a CustomField request."""
    common = {"label": request.label[:_LABEL_LENGTH], "description": request.description}
    match request.type:
        case "text":
            key = {"unique": True, "caseSensitive": False} if request.unique else {"unique": False}
            body = {
                "type": "Text",
                "length": _TEXT_LENGTH,
                "externalId": request.unique,
                "required": False,
                **key,
            }
        case "number":
            body = {"type": "Number", **_NUMBER, "required": False, "unique": request.unique}
        case "bool":
            body = {"type": "Checkbox", "defaultValue": "false"}
        case "date":
            body = {"type": "Date", "required": False}
        case "datetime":
            body = {"type": "DateTime", "required": False}
        case "option":
            body = {"type": "Picklist", "required": False, "valueSet": _value_set(request)}
        case "options":
            body = {
                "type": "MultiselectPicklist",
                "visibleLines": 4,
                "required": False,
                "valueSet": _value_set(request),
            }
        case "reference":
            remedy = "make the lookup field by hand"
            raise Rejected("UNSUPPORTED_TYPE", f"{request.name}: references are not made", remedy)
    return {**common, **body}


def _value_set(request: FieldRequest) -> dict[str, Any]:
    values = [{"fullName": o.value, "label": o.label, "default": False} for o in request.options]
    return {"restricted": True, "valueSetDefinition": {"sorted": False, "value": values}}


# ------------------------------------------------------------------------------------------------ permissions


def _grants(org: Org, source: Source, names: Sequence[str]) -> Iterator[Callable[[], object]]:
    """The writes that give the user that the hub works as read and edit permission on the fields."""
    parent = _permission_set(org)
    fields = {f"{source.sobject}.{name}": name for name in names}
    held = {
        str(r["Field"]).lower(): r
        for part in soql.value_chunks(list(fields), 0, len(fields))
        for r in _rows(
            org,
            "FieldPermissions",
            ["Id", "Field", "PermissionsEdit"],
            [
                soql.among("ParentId", [parent]),
                soql.among("SobjectType", [source.sobject]),
                soql.among("Field", part),
            ],
        )
    }
    for field in fields:
        old = held.get(field.lower())
        rights = {"PermissionsRead": True, "PermissionsEdit": True}
        if old is None:
            key = {"ParentId": parent, "SobjectType": source.sobject, "Field": field}
            yield partial(_create_once, org, "FieldPermissions", {**key, **rights})
        elif not old["PermissionsEdit"]:
            yield partial(org.update, "FieldPermissions", str(old["Id"]), rights)


def _permission_set(org: Org) -> str:
    """The id of the hub's own permission set, made and assigned if need be."""
    found = _rows(org, "PermissionSet", ["Id"], [soql.among("Name", [PERMISSION_SET])])
    if found:
        parent = str(found[0]["Id"])
    else:
        parent = org.create("PermissionSet", {"Name": PERMISSION_SET, "Label": PERMISSION_SET_LABEL})
    user = org.auth.token().user_id
    conditions = [soql.among("AssigneeId", [user]), soql.among("PermissionSetId", [parent])]
    if not _rows(org, "PermissionSetAssignment", ["Id"], conditions):
        _create_once(org, "PermissionSetAssignment", {"AssigneeId": user, "PermissionSetId": parent})
    return parent


def _create_once(org: Org, sobject: str, values: dict[str, Any]) -> None:
    """A record that may be there already, although a query does not show it yet."""
    try:
        org.create(sobject, values)
    except Rejected as e:
        if e.code not in _EXISTS:
            raise


def _rows(org: Org, sobject: str, fields: Sequence[str], conditions: Sequence[str]) -> list[dict[str, Any]]:
    return list(org.records(soql.select(fields, sobject, conditions), all_rows=False))
