"""Properties of HubSpot objects: their metadata, how values are checked and in which form they are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

FIELD_TYPES: dict[str, tuple[str, ...]] = {
    "bool": ("booleancheckbox", "calculation_equation"),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox", "calculation_equation"),
    "date": ("date",),
    "datetime": ("date",),
    "number": ("number", "calculation_equation"),
    "string": ("text", "textarea", "html", "file", "phonenumber", "calculation_equation"),
    "phone_number": ("phonenumber",),
}
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,99}$")
_EMAIL = re.compile(r"^[^@\s,;<>()]+@[^@\s,;<>()]+\.[^@\s.,;<>()]{2,}$")
_WHOLE = re.compile(r"^-?\d{1,18}$")
_EARLIEST, _LATEST = -62_135_596_800_000, 253_402_300_799_999
"""The years 1 to 9999, in ms."""
_NUMBER = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$")


class BadValueError(ValueError):
    """A value that a property does not take: (code, message)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(slots=True)
class Option:
    label: str
    value: str
    order: int = -1
    hidden: bool = False
    description: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "value": self.value,
            "description": self.description,
            "displayOrder": self.order,
            "hidden": self.hidden,
        }


@dataclass(slots=True)
class Property:
    """One property of one object type. `read_only` and `calculated` ones refuse every write by API."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    group: str = "contactinformation"
    description: str = ""
    options: list[Option] = field(default_factory=list)
    order: int = -1
    unique: bool = False
    hidden: bool = False
    form_field: bool = False
    calculated: bool = False
    read_only: bool = False
    hubspot_defined: bool = True
    external_options: bool = False
    referenced: str | None = None
    formula: str | None = None
    created: int = 1_546_300_800_000
    updated: int = 1_546_300_800_000
    archived_at: int | None = None

    @property
    def locked(self) -> bool:
        return self.read_only or self.calculated

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "updatedAt": iso(self.updated),
            "createdAt": iso(self.created),
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [option.as_json() for option in self.options],
            "displayOrder": self.order,
            "calculated": self.calculated,
            "externalOptions": self.external_options,
            "archived": self.archived_at is not None,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "modificationMetadata": {
                "archivable": not self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined,
                "readOnlyValue": self.locked,
            },
            "formField": self.form_field,
            "dataSensitivity": "non_sensitive",
        }
        if self.hubspot_defined:
            found["hubspotDefined"] = True
        if self.type == "enumeration":
            found["modificationMetadata"]["readOnlyOptions"] = self.hubspot_defined and self.locked
        if self.referenced:
            found["referencedObjectType"] = self.referenced
        if self.formula:
            found["calculationFormula"] = self.formula
        if self.archived_at is not None:
            found["archivedAt"] = iso(self.archived_at)
        return found

    def normal(self, value: Any) -> str:
        """The stored form of a written value; "" clears. Raises BadValueError."""
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif isinstance(value, int | float):
            value = f"{value:.15g}" if isinstance(value, float) else str(value)
        elif not isinstance(value, str):
            raise BadValueError("INVALID_STRING", f"{value!r} was not a valid value.")
        if value == "":
            return ""
        return _CHECKS.get(self.type, _text)(self, value)


def _text(prop: Property, value: str) -> str:
    if len(value) > 65_536:
        raise BadValueError("PROPERTY_VALUE_TOO_LONG", "Property values cannot exceed 65536 characters.")
    if prop.name == "email":
        value = value.strip().lower()
        if not _EMAIL.match(value):
            raise BadValueError("INVALID_EMAIL", f"Email address {value} is invalid")
    return value


def _number(_: Property, value: str) -> str:
    if not _NUMBER.match(value.strip()):
        raise BadValueError("INVALID_NUMBER", f"{value} was not a valid number.")
    return value.strip()


def _enumeration(prop: Property, value: str) -> str:
    if prop.name == "hubspot_owner_id":
        if not value.isdecimal():
            raise BadValueError("INVALID_INTEGER", f"{value} was not a valid integer.")
        return value
    allowed = {option.value for option in prop.options}
    many = prop.field_type == "checkbox"
    for part in value.split(";") if many else [value]:
        if part not in allowed and not (many and part == ""):
            listed = ", ".join(option.value for option in prop.options)
            raise BadValueError("INVALID_OPTION", f"{part} was not one of the allowed options: [{listed}]")
    return value


def _bool(_: Property, value: str) -> str:
    if value.lower() not in ("true", "false"):
        raise BadValueError("INVALID_OPTION", f"{value} was not one of the allowed options: [true, false]")
    return value.lower()


def _date(_: Property, value: str) -> str:
    moment = to_ms(value) if _WHOLE.match(value) and len(value) > 8 else None
    if moment is not None:
        if moment % 86_400_000:
            raise BadValueError("INVALID_DATE", f"{value} is at {iso(moment)} and not midnight UTC.")
        return iso(moment)[:10]
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError as problem:
        raise BadValueError("INVALID_DATE", f"{value} was not a valid date.") from problem


def _datetime(_: Property, value: str) -> str:
    moment = to_ms(value)
    if moment is None:
        raise BadValueError("INVALID_DATE", f"{value} was not a valid date.")
    return iso(moment)


_CHECKS = {
    "number": _number,
    "enumeration": _enumeration,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
}


def valid_name(name: str) -> bool:
    """Lower-case letters, digits and underscores, beginning with a letter."""
    return bool(_NAME.match(name))


@lru_cache(maxsize=65_536)
def iso(milliseconds: int) -> str:
    """ISO 8601 UTC with milliseconds, as HubSpot writes times."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def to_ms(text: str) -> int | None:
    """Epoch milliseconds or ISO 8601 (UTC when it names no zone); None when it is neither."""
    if _WHOLE.match(text):
        return int(text) if _EARLIEST <= int(text) <= _LATEST else None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
