"""Users, queues, permissions and the tooling objects; and the whole schema of a new org."""

from crmhub.sandbox.salesforce.schema.activities import email_message, email_message_relation, event, task
from crmhub.sandbox.salesforce.schema.campaigns import campaign, campaign_member, campaign_member_status
from crmhub.sandbox.salesforce.schema.deals import opportunity, opportunity_contact_role, opportunity_stage
from crmhub.sandbox.salesforce.schema.field import (
    Field,
    area,
    flag,
    moment,
    number,
    phone,
    picklist,
    reference,
    text,
)
from crmhub.sandbox.salesforce.schema.object import Child, ObjectType, Schema
from crmhub.sandbox.salesforce.schema.people import account, contact, lead
from crmhub.sandbox.salesforce.schema.system import audit_fields, by_name, id_field


def user() -> ObjectType:
    """Never deleted, only inactive."""
    fields = [
        id_field(),
        text("Username", "Username", 80, nillable=False, unique=True, id_lookup=True, permissionable=False),
        text("LastName", "Last Name", 80, nillable=False, permissionable=False),
        text("FirstName", "First Name", 40, permissionable=False),
        text(
            "Name",
            "Full Name",
            121,
            createable=False,
            updateable=False,
            name_field=True,
            permissionable=False,
        ),
        text("CompanyName", "Company Name", 80),
        text("Department", "Department", 80),
        text("Title", "Title", 80),
        Field("Email", "email", "Email", length=128, nillable=False, id_lookup=True, permissionable=False),
        phone("Phone", "Phone"),
        phone("MobilePhone", "Mobile"),
        text("Alias", "Alias", 8, nillable=False, permissionable=False),
        flag("IsActive", "Active", permissionable=False),
        text("TimeZoneSidKey", "Time Zone", 40, nillable=False, permissionable=False),
        text("LocaleSidKey", "Locale", 40, nillable=False, permissionable=False),
        text("LanguageLocaleKey", "Language", 40, nillable=False, permissionable=False),
        reference("ProfileId", "Profile ID", "Profile", nillable=False, permissionable=False),
        reference("ManagerId", "Manager ID", "User", permissionable=False),
        picklist("UserType", "User Type", "*Standard|AutomatedProcess|CsnOnly", createable=False, updateable=False),
        moment("LastLoginDate", "Last Login", createable=False, updateable=False, permissionable=False),
        *audit_fields(),
    ]
    return ObjectType("User", "User", "People", "005", by_name(fields), createable=False, deletable=False, binned=False)


def group() -> ObjectType:
    """Public groups and queues (Type = Queue)."""
    fields = [
        id_field(),
        text("Name", "Name", 40, nillable=False, name_field=True, permissionable=False),
        text("DeveloperName", "Developer Name", 80, permissionable=False),
        picklist(
            "Type",
            "Type",
            "*Regular|Role|Queue|Organization",
            nillable=False,
            restricted=True,
            permissionable=False,
        ),
        Field("Email", "email", "Email", length=255, permissionable=False),
        flag("DoesSendEmailToMembers", "Send Email to Members", permissionable=False),
        *audit_fields(),
    ]
    return ObjectType(
        "Group", "Group", "Group", "00G", by_name(fields), createable=False, deletable=False, binned=False
    )


def profile() -> ObjectType:
    """Read only here."""
    fields = [id_field(), text("Name", "Name", 255, name_field=True, permissionable=False), *audit_fields()]
    return ObjectType(
        "Profile", "Profile", "Profile", "00e", by_name(fields), createable=False, updateable=False, deletable=False,
        binned=False, replicateable=False,
    )  # fmt: skip


def organization() -> ObjectType:
    """One row: the account's identity."""
    fields = [
        id_field(),
        text("Name", "Name", 80, name_field=True, permissionable=False),
        text("InstanceName", "Instance Name", 5, permissionable=False),
        flag("IsSandbox", "Is Sandbox", permissionable=False),
        text("OrganizationType", "Edition", 40, permissionable=False),
        text("DefaultLocaleSidKey", "Locale", 40, permissionable=False),
        text("TimeZoneSidKey", "Time Zone", 40, permissionable=False),
        *audit_fields(),
    ]
    return ObjectType(
        "Organization", "Organization", "Organizations", "00D", by_name(fields), createable=False, updateable=False,
        deletable=False, binned=False, replicateable=False,
    )  # fmt: skip


def lead_status() -> ObjectType:
    """Which Lead.Status values mean converted."""
    fields = [
        id_field(),
        text("MasterLabel", "Master Label", 255, permissionable=False),
        text("ApiName", "Api Name", 255, permissionable=False),
        number("SortOrder", "Sort Order", permissionable=False),
        flag("IsDefault", "Is Default", permissionable=False),
        flag("IsConverted", "Is Converted", permissionable=False),
        *audit_fields(),
    ]
    return ObjectType(
        "LeadStatus", "Lead Status Value", "Lead Status Value", "01J", by_name(fields), createable=False,
        updateable=False, deletable=False, binned=False, replicateable=False,
    )  # fmt: skip


def record_type() -> ObjectType:
    """A kind of record of one object."""
    fields = [
        id_field(),
        text("Name", "Name", 80, nillable=False, name_field=True, permissionable=False),
        text("DeveloperName", "Record Type Name", 80, nillable=False, permissionable=False),
        text("SobjectType", "SObject Type Name", 40, permissionable=False),
        area("Description", "Description", 255, permissionable=False),
        flag("IsActive", "Active", permissionable=False),
        *audit_fields(),
    ]
    return ObjectType(
        "RecordType", "Record Type", "Record Types", "012", by_name(fields), createable=False, updateable=False,
        deletable=False, binned=False, replicateable=False,
    )  # fmt: skip


def permission_set() -> ObjectType:
    """A bundle of rights that users can be assigned."""
    fields = [
        id_field(),
        text("Name", "Permission Set Name", 80, nillable=False, name_field=True, permissionable=False),
        text("Label", "Permission Set Label", 80, nillable=False, permissionable=False),
        area("Description", "Description", 255, permissionable=False),
        reference("ProfileId", "Profile ID", "Profile", createable=False, updateable=False, permissionable=False),
        flag(
            "IsOwnedByProfile",
            "Is Owned By Profile",
            createable=False,
            updateable=False,
            permissionable=False,
        ),
        flag("IsCustom", "Custom", createable=False, updateable=False, permissionable=False),
        *audit_fields(),
    ]
    children = (
        Child("FieldPerms", "FieldPermissions", "ParentId"),
        Child("Assignments", "PermissionSetAssignment", "PermissionSetId"),
    )
    return ObjectType(
        "PermissionSet", "Permission Set", "Permission Sets", "0PS", by_name(fields), children, binned=False,
        replicateable=False,
    )  # fmt: skip


def permission_set_assignment() -> ObjectType:
    """User x permission set."""
    fields = [
        id_field(),
        reference("AssigneeId", "Assignee ID", "User", nillable=False, updateable=False, permissionable=False),
        reference(
            "PermissionSetId",
            "PermissionSet ID",
            "PermissionSet",
            nillable=False,
            updateable=False,
            permissionable=False,
        ),
        moment("SystemModstamp", "System Modstamp", createable=False, updateable=False, permissionable=False),
        flag("IsActive", "Active", createable=False, updateable=False, permissionable=False),
    ]
    return ObjectType(
        "PermissionSetAssignment", "Permission Set Assignment", "Permission Set Assignments", "0Pa", by_name(fields),
        updateable=False, binned=False, replicateable=False,
    )  # fmt: skip


def field_permissions() -> ObjectType:
    """Field-level security: permission set x field."""
    fields = [
        id_field(),
        reference("ParentId", "Parent ID", "PermissionSet", nillable=False, updateable=False, permissionable=False),
        text("SobjectType", "Sobject Type Name", 40, nillable=False, updateable=False, permissionable=False),
        text("Field", "Field Name", 255, nillable=False, updateable=False, permissionable=False),
        flag("PermissionsEdit", "Edit Field", permissionable=False),
        flag("PermissionsRead", "Read Field", permissionable=False),
        moment("SystemModstamp", "System Modstamp", createable=False, updateable=False, permissionable=False),
    ]
    return ObjectType(
        "FieldPermissions", "Field Permissions", "Field Permissions", "01k", by_name(fields), binned=False,
        replicateable=False,
    )  # fmt: skip


def custom_field() -> ObjectType:
    """Tooling: the definition of a custom field. Metadata and FullName are written and read apart."""
    fields = [
        id_field(),
        text("DeveloperName", "Developer Name", 40, permissionable=False),
        text("TableEnumOrId", "Entity", 40, permissionable=False),
        text("NamespacePrefix", "Namespace", 15, permissionable=False),
        *audit_fields(),
    ]
    return ObjectType(
        "CustomField", "Custom Field", "Custom Fields", "00N", by_name(fields), binned=False, replicateable=False,
        tooling=True,
    )  # fmt: skip


def new_schema() -> Schema:
    """Every object of an org before its administrators touched it."""
    return Schema(
        make()
        for make in (
            lead, contact, account, opportunity, opportunity_contact_role, opportunity_stage, campaign,
            campaign_member, campaign_member_status, task, event, email_message, email_message_relation, user, group,
            profile, organization, lead_status, record_type, permission_set,
            permission_set_assignment, field_permissions, custom_field,
        )
    )  # fmt: skip
