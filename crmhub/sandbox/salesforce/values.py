"""From JSON to stored values: forms, lengths, picklists, e-mail addresses."""

import re
from typing import Any

from crmhub.sandbox.salesforce.errors import ApiError, RowError
from crmhub.sandbox.salesforce.ids import to18
from crmhub.sandbox.salesforce.schema.field import Field, Value
from crmhub.sandbox.salesforce.times import parse_day, parse_moment

_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z]{2,}")
_INT_MAX = 2_147_483_647
_JSON_WORDS = (
    (bool, "VALUE_TRUE"),
    (int, "VALUE_NUMBER_INT"),
    (float, "VALUE_NUMBER_FLOAT"),
    (str, "VALUE_STRING"),
)


class NotDeserializableError(ApiError):
    """A JSON value of a kind the field's type cannot hold: the vendor refuses the whole request."""

    def __init__(self, wanted: str, value: object) -> None:
        token = next((word for kind, word in _JSON_WORDS if isinstance(value, kind)), None)
        if token is None:
            token = "START_ARRAY" if isinstance(value, list) else "START_OBJECT"  # a parser's token
        shown = f" value {value}" if not isinstance(value, list | dict) else ""
        message = (
            f"Cannot deserialize instance of {wanted} from {token}{shown} or request may be missing a required field "
            "at [line:1, column:1]"
        )
        super().__init__(400, "JSON_PARSER_ERROR", message)


def read(field: Field, value: Any) -> Value:
    """The stored form of a JSON value; raises NotDeserializableError. Lengths and options are checked apart."""
    if value is None:
        return None
    kind = field.type
    if kind == "boolean":
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise NotDeserializableError("boolean", value)
    if kind in ("int", "double", "currency", "percent"):
        return _number(field, value)
    if kind == "datetime":
        moment = parse_moment(value) if isinstance(value, str) else None
        if moment is None:
            raise NotDeserializableError("datetime", value)
        return moment // 1000 * 1000
    if kind == "date":
        day = parse_day(value) if isinstance(value, str) else None
        if day is None:
            raise NotDeserializableError("date", value)
        return day
    if not isinstance(value, str):
        raise NotDeserializableError("reference" if kind in ("reference", "id") else "string", value)
    text = value.replace("\r\n", "\n").strip()
    return text or None


def _number(field: Field, value: Any) -> Value:
    wanted = "int" if field.type == "int" else "double" if field.type == "double" else field.type
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise NotDeserializableError(wanted, value)
    try:
        number = float(value)
    except ValueError:
        raise NotDeserializableError(wanted, value) from None
    if number != number or number in (float("inf"), float("-inf")):
        raise NotDeserializableError(wanted, value)
    if field.type == "int" or field.scale == 0:
        rounded = int(number + (0.5 if number >= 0 else -0.5))
        return rounded if field.type == "int" else float(rounded)
    return round(number, field.scale)


def problems(field: Field, value: Value) -> RowError | None:
    """What is wrong with a stored value, or None."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _number_problem(field, value)
    if field.type in ("reference", "id") and to18(value) is None:
        return RowError("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", (field.name,))
    if field.type in ("picklist", "multipicklist"):
        return _option_problem(field, value)
    if field.type == "email" and _EMAIL.fullmatch(value) is None:
        return RowError("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {value}", (field.name,))
    if field.length and len(value) > field.length and field.type not in ("reference", "id", "date"):
        shown = value if len(value) <= 255 else value[:255]
        message = f"{field.label}: data value too large: {shown} (max length={field.length})"
        return RowError("STRING_TOO_LONG", message, (field.name,))
    return None


def _number_problem(field: Field, value: float) -> RowError | None:
    if field.type in ("datetime", "date") or not field.precision:
        return None
    digits = field.precision - field.scale
    if abs(value) >= 10**digits or (field.type == "int" and abs(value) > _INT_MAX):
        message = f"{field.label}: value outside of valid range on numeric field: {value:g}"
        return RowError("NUMBER_OUTSIDE_VALID_RANGE", message, (field.name,))
    return None


def _option_problem(field: Field, value: str) -> RowError | None:
    parts = value.split(";") if field.type == "multipicklist" else [value]
    if field.restricted:
        known = {option.value.lower() for option in field.options if option.active}
        for part in parts:
            if part.lower() not in known:
                message = f"{field.label}: bad value for restricted picklist field: {part}"
                return RowError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (field.name,))
    if any(len(part) > 255 for part in parts):
        message = f"{field.label}: data value too large: {value[:255]} (max length=255)"
        return RowError("STRING_TOO_LONG", message, (field.name,))
    return None


def settle(field: Field, value: Value) -> Value:
    """What the org makes of a good value: ids in 18 characters, options in their own spelling."""
    if isinstance(value, str):
        if field.type in ("reference", "id"):
            return to18(value)
        if field.type in ("picklist", "multipicklist"):
            spelling = {option.value.lower(): option.value for option in field.options}
            parts = [spelling.get(part.strip().lower(), part.strip()) for part in value.split(";")]
            return ";".join(parts) if field.type == "multipicklist" else spelling.get(value.lower(), value)
    return value


def rewritten(mode: str, value: Value) -> Value:
    """What an admin's automation makes of a text (the `rewrite` switch)."""
    if not isinstance(value, str):
        return value
    if mode.isdigit():
        return value[: int(mode)]
    if mode == "digits":
        return "".join(char for char in value if char.isdigit() or char == "+") or value
    return {"upper": value.upper(), "lower": value.lower(), "title": value.title()}.get(mode, value)
