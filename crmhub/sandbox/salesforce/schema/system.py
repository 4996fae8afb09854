"""The fields the system keeps on every record."""

from collections.abc import Iterable

from crmhub.sandbox.salesforce.schema.field import Field, flag, moment, read_only, reference


def by_name(fields: Iterable[Field]) -> dict[str, Field]:
    """In the given order."""
    return {field.name: field for field in fields}


def id_field() -> Field:
    """The record's own id."""
    return Field(
        "Id", "id", "Record ID", length=18, createable=False, updateable=False, nillable=False, permissionable=False,
        id_lookup=True,
    )  # fmt: skip


def audit_fields() -> list[Field]:
    """Who and when. SystemModstamp moves with every write, LastModifiedDate with those of people and apps."""
    return [
        read_only(moment("CreatedDate", "Created Date", nillable=False)),
        read_only(reference("CreatedById", "Created By ID", "User", nillable=False)),
        read_only(moment("LastModifiedDate", "Last Modified Date", nillable=False)),
        read_only(reference("LastModifiedById", "Last Modified By ID", "User", nillable=False)),
        read_only(moment("SystemModstamp", "System Modstamp", nillable=False)),
    ]


def record_fields() -> list[Field]:
    """What every binned business object has."""
    return [id_field(), read_only(flag("IsDeleted", "Deleted")), *audit_fields()]
