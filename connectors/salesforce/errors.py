"""What Salesforce's refusals mean. The error code decides, never the HTTP status alone.

Bodies: a list of {"errorCode", "message", "fields"} (REST), one object {"error", "error_description"}
(OAuth), or a page of HTML from the edge.

Vendor page: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.contract import (
    AuthFailed,
    ConnectorError,
    MissingScope,
    Outcome,
    QuotaExhausted,
    Rejected,
    Throttled,
    Unavailable,
)
from connectors.transport import OK, Verdict

#: seconds, times attempt, between tries of a locked row and of a crowded org; Salesforce sends no Retry-After
LOCK_WAIT_S = 1.0
CROWD_WAIT_S = 3.0
#: when to come back for a row of a batch that found its record locked
ROW_RETRY_S = 5.0

_API_OFF = frozenset({"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"})
_TRANSIENT = frozenset({"UNKNOWN_EXCEPTION", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG"})
_NO_ACCESS = frozenset({"INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY"})
_TOO_FAST = frozenset({406, 420, 429})
_GONE_VERSION = frozenset({"GONE", "UNSUPPORTED_API_VERSION"})

#: an object that the org lacks, or that these credentials may not see
NO_OBJECT = frozenset({"INVALID_TYPE", "NOT_FOUND"})

_GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
_RETRY = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"})

REMEDIES: dict[str, str] = {
    "CANNOT_UPDATE_CONVERTED_LEAD": "write to the contact that the lead became",
    "DUPLICATES_DETECTED": "a duplicate rule blocks this record: merge the duplicates in Salesforce, or "
    "let the rule allow saving for the hub's user",
    "DUPLICATE_VALUE": "another record already holds this unique value: merge the two or correct one",
    "ENTITY_IS_LOCKED": "the record is locked by an approval: finish or recall the approval",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "a validation rule of your org refuses this value: correct the "
    "record or exempt the hub's user from the rule",
    "FIELD_FILTER_VALIDATION_EXCEPTION": "a lookup filter of your org refuses this value: correct the reference",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "a trigger of your org refuses the record: ask its author",
    "CANNOT_EXECUTE_FLOW_TRIGGER": "a flow of your org fails on this record: ask its author",
    "INACTIVE_OWNER_OR_USER": "the owner is inactive: choose another owner",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "give the hub's user access to the referenced record",
    "INSUFFICIENT_ACCESS_OR_READONLY": "give the hub's user edit access to the record",
    "INVALID_EMAIL_ADDRESS": "correct the e-mail address",
    "INVALID_FIELD": "name a field that the object has, or grant the field to the hub's user",
    "INVALID_FIELD_FOR_INSERT_UPDATE": "grant edit access to the field to the hub's user, or stop writing it",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "add the value to the picklist, or correct the option table",
    "INVALID_TYPE_ON_FIELD_IN_RECORD": "the field holds another type of value: map one of the right type",
    "INVALID_TYPE": "give the hub's user read access to this object, by its profile or a permission set",
    "OPERATION_TOO_LARGE": "give the hub's user View All on this object: sharing makes the query too large",
    "JSON_PARSER_ERROR": "the field holds another type of value: map one of the right type",
    "LIMIT_EXCEEDED": "a limit of your org is reached: ask your administrator",
    "NUMBER_OUTSIDE_VALID_RANGE": "the number does not fit the field: correct the value or widen the field",
    "REQUIRED_FIELD_MISSING": "map the required fields, or fill them in the source",
    "STORAGE_LIMIT_EXCEEDED": "the org's data storage is full: free or buy storage",
    "STRING_TOO_LONG": "shorten the value, or lengthen the field",
}
_REMEDY_OTHERWISE = "look the error code up in your org's set-up, then correct the record or the mapping"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error of an answer: `code` is errorCode or statusCode."""

    code: str
    message: str
    fields: tuple[str, ...] = ()


def refusals(body: bytes) -> list[Refusal]:
    """The errors that a body tells; empty when it is not JSON (an edge's HTML page, nothing)."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    if isinstance(data, dict):
        if "error" in data:
            return [Refusal(str(data["error"]), str(data.get("error_description", "")))]
        data = [data]
    return [refusal(item) for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def refusal(item: Mapping[str, Any]) -> Refusal:
    """One error object of a REST answer or of a row of a collections answer."""
    code = item.get("errorCode") or item.get("statusCode") or item.get("exceptionCode") or ""
    fields = item.get("fields") or ()
    return Refusal(str(code), str(item.get("message", "")), tuple(str(f) for f in fields))


def classify(status: int, _headers: Mapping[str, str], body: bytes) -> Verdict:
    """The meaning of a whole answer, for the transport."""
    if 200 <= status < 300:
        return OK
    found = refusals(body)
    first = found[0] if found else Refusal("", "")
    verdict = _by_code(first, status)
    if verdict is not None:
        return verdict
    if status in _TOO_FAST:
        return Verdict("throttle", wait_s=CROWD_WAIT_S, refused=True)
    if status >= 500:
        return Verdict("retry", Unavailable(f"status {status} {first.code}".strip()))
    if 300 < status < 400:
        return Verdict("stop", Rejected("REDIRECT", f"status {status}", "set base_url to the org's My Domain address"))
    return Verdict("stop", rejected(first, status))


def _by_code(first: Refusal, status: int) -> Verdict | None:
    code, message = first.code, first.message
    if code == "INVALID_SESSION_ID" or (status == 401 and not code):
        if "not valid for use with the REST API" in message:
            return Verdict("stop", AuthFailed(f"{message}: the profile demands high-assurance sessions"))
        return Verdict("auth", AuthFailed(message or "the session is refused"))
    if code == "REQUEST_LIMIT_EXCEEDED":
        if "concurrent" in message.lower():
            return Verdict("throttle", Throttled(CROWD_WAIT_S, message), wait_s=CROWD_WAIT_S, refused=True)
        return Verdict("stop", QuotaExhausted(None, message))
    if code == "UNABLE_TO_LOCK_ROW":
        return Verdict("retry", Unavailable("a record is locked"), wait_s=LOCK_WAIT_S, refused=True)
    if code in _API_OFF:
        return Verdict("stop", MissingScope("API Enabled", message))
    if code in _NO_ACCESS:
        return Verdict("stop", MissingScope("access", message))
    if code in _TRANSIENT:
        return Verdict("retry", Unavailable(f"{code} (status {status})"))
    if code in _GONE_VERSION or status == 410:
        remedy = "set api_version to one that your org offers, such as 67.0"
        return Verdict("stop", Rejected(code or "GONE", message or "this API version is retired", remedy))
    return Verdict("stop", _oauth(first)) if _is_oauth(first) else None


def _is_oauth(first: Refusal) -> bool:
    """OAuth codes are lower case, all others upper case."""
    return bool(first.code) and first.code == first.code.lower()


def _oauth(first: Refusal) -> ConnectorError:
    if first.code == "rate_limit_exceeded":
        return Throttled(60.0, first.message or "too many log-ins")
    detail = f"{first.code}: {first.message}" if first.message else first.code
    return AuthFailed(detail)


def rejected(first: Refusal, status: int = 400) -> Rejected:
    """The refusal as the contract's error, with what to do about it."""
    code = first.code or f"HTTP_{status}"
    return Rejected(code, first.message or f"status {status}", REMEDIES.get(code, _REMEDY_OTHERWISE))


def outcome_of(first: Refusal) -> tuple[Outcome, float | None]:
    """What one row's refusal means for its op, and after how many seconds to try again."""
    if first.code == "REQUEST_LIMIT_EXCEEDED" and "concurrent" not in first.message.lower():
        return "retry", None
    if first.code in _RETRY:
        return "retry", ROW_RETRY_S
    in_a_field = set(first.fields) - {"Id", "id"}  # a bad reference in a field: the record itself is there
    if first.code in _GONE and not in_a_field:
        return "gone", None
    return "rejected", None


_COLUMN = re.compile(r"[Nn]o such column '([^']+)'")


def unknown_columns(error: Rejected) -> set[str]:
    """The field names that an INVALID_FIELD refusal complains about."""
    return set(_COLUMN.findall(error.message))
