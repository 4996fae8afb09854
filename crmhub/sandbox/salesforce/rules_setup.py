"""What the org insists on when rights are saved."""

from crmhub.sandbox.salesforce.errors import reject
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.table import Row


def permission_set(org: OrgState, row: Row, before: Row | None) -> None:
    """Names are unique."""
    row["IsCustom"] = True
    same = org.tables["PermissionSet"].find("Name", row.get("Name")) - {str(row["Id"])}
    if before is None and same:
        found = sorted(same)[0]
        message = f"duplicate value found: Name duplicates value on record with id: {found[:15]}"
        raise reject("DUPLICATE_DEVELOPER_NAME", message, "Name")


def assignment(org: OrgState, row: Row, _before: Row | None) -> None:
    """A user gets a permission set once."""
    row["IsActive"] = True
    table = org.tables["PermissionSetAssignment"]
    for found in table.find("AssigneeId", row["AssigneeId"]) - {str(row["Id"])}:
        other = table.get(found)
        if other is not None and other["PermissionSetId"] == row.get("PermissionSetId"):
            message = (
                f"Duplicate PermissionSetAssignment. Assignee: {row['AssigneeId']}; "
                f"Permission Set: {row.get('PermissionSetId')}"
            )
            raise reject("DUPLICATE_VALUE", message, "PermissionSetId", "AssigneeId")


def field_permissions(org: OrgState, row: Row, _before: Row | None) -> None:
    """Field-level security of one field in one permission set."""
    kind = org.schema.get(str(row.get("SobjectType")))
    owner, _, name = str(row.get("Field")).partition(".")
    field = kind.field(name) if kind else None
    if kind is None or field is None or owner.lower() != kind.name.lower():
        message = f"Field Name: bad value for restricted picklist field: {row.get('Field')}"
        raise reject("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, "Field")
    if not field.permissionable:
        message = f"You cannot deploy to a required field: {kind.name}.{field.name}"
        raise reject("FIELD_INTEGRITY_EXCEPTION", message, "Field")
    if row.get("PermissionsEdit") and not row.get("PermissionsRead"):
        message = "Field permissions must allow reading where they allow editing"
        raise reject("FIELD_INTEGRITY_EXCEPTION", message, "PermissionsRead")
    row["SobjectType"], row["Field"] = kind.name, f"{kind.name}.{field.name}"
    table = org.tables["FieldPermissions"]
    for found in table.find("Field", row["Field"]) - {str(row["Id"])}:
        other = table.get(found)
        if other is not None and other["ParentId"] == row["ParentId"]:
            message = f"duplicate value found: Field, ParentId duplicates value on record with id: {found[:15]}"
            raise reject("DUPLICATE_VALUE", message, "Field", "ParentId")
