"""HubSpot's refusals in the contract's words. https://developers.hubspot.com/docs/api-reference/error-handling"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.contract import (
    AuthFailed,
    ContractBroken,
    MissingScope,
    QuotaExhausted,
    Rejected,
    Throttled,
    Unavailable,
)
from connectors.transport import OK, Classify, Verdict

#: waits without Retry-After, seconds times attempt: HubSpot's own Node client
BURST_WAIT_S = 10.0
SEARCH_WAIT_S = 1.0
LOCKED_WAIT_S = 2.0

REMEDIES = {
    "PROPERTY_DOESNT_EXIST": "create it in HubSpot (crmhub check --create-fields) or unmap it",
    "READ_ONLY_VALUE": "HubSpot computes this property: set its direction to pull",
    "INVALID_OPTION": "list this value under [options] in the mapping, or add it to the property in HubSpot",
    "INVALID_INTEGER": "send a whole number; for an owner, the owner's id",
    "INVALID_FLOAT": "send a number without thousands separators",
    "INVALID_NUMBER": "send a number without thousands separators",
    "INVALID_DATE": "send a date as YYYY-MM-DD",
    "INVALID_EMAIL": "correct the e-mail address where it comes from",
    "CONFLICTING_UNIQUE_VALUE": "another record holds this value: merge the two in HubSpot or correct one",
    "CONFLICT": "the record exists already: it will be linked once it has been pulled",
    "OBJECT_NOT_FOUND": "the record was deleted in HubSpot",
    "REQUIRED_FIELDS_MISSING": "an administrator made properties obligatory: map them or relax the rule",
}

#: what the edge's 530 means
WRONG_FORM = "the token is of a form or region that HubSpot does not know (status 530)"

_EXISTING_ID = re.compile(r"Existing ID:\s*(\d+)")
_VALIDATION_LIST = re.compile(r"Property values were not valid:\s*(\[.*\])", re.DOTALL)
#: categories that a later attempt may cure
_TRANSIENT = frozenset({"RATE_LIMITS", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT"})


class Forbidden(Rejected):
    """A 403 that names no scope: the account's edition, or a right of the user."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error object of HubSpot.

    `fields`: the properties it complains of; `trace_ids` and `ids`: which inputs are meant.
    """

    category: str
    code: str
    message: str
    remedy: str
    fields: tuple[str, ...] = ()
    trace_ids: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    existing_id: str | None = None
    sub_category: str = ""

    @property
    def transient(self) -> bool:
        return self.category in _TRANSIENT

    @property
    def gone(self) -> bool:
        return self.category == "OBJECT_NOT_FOUND"


def read_refusal(body: Mapping[str, Any], default: str = "VALIDATION_ERROR") -> Refusal:
    """HubSpot's error body, of a whole answer or of one entry of a partial batch. Every key is optional."""
    status = body.get("status")
    # token endpoints say it in `status` (legacy) or `error`
    category = str(body.get("category") or body.get("error") or (status if status != "error" else "") or default)
    complaints = list(_complaints(body, str(body.get("message") or "")))
    fields = tuple(dict.fromkeys(name for name, _, _ in complaints if name))
    code = next((why for _, why, _ in complaints if why), category)
    told = [f"{name}: {text}" if name and name not in text else text for name, _, text in complaints if text]
    message = "; ".join(told) or str(body.get("message") or body.get("error_description") or "no reason given")
    context = _context(body)
    existing = _EXISTING_ID.search(message)
    return Refusal(
        category=category,
        code=code,
        message=message,
        remedy=REMEDIES.get(code, REMEDIES.get(category, "")),
        fields=fields,
        trace_ids=context.get("objectWriteTraceId", ()),
        ids=context.get("ids", ()) or context.get("id", ()),
        existing_id=existing.group(1) if existing else None,
        sub_category=str(body.get("subCategory") or ""),
    )


def _complaints(body: Mapping[str, Any], message: str) -> Iterable[tuple[str, str, str]]:
    """(property, code, message) of each; the list inside `message` is the older form, `errors` the newer."""
    listed = _VALIDATION_LIST.search(message)
    if listed:
        try:
            items = orjson.loads(listed.group(1))
        except orjson.JSONDecodeError:
            items = []
        for item in items:
            yield str(item.get("name") or ""), str(item.get("error") or ""), str(item.get("message") or "")
        if items:
            return
    for item in body.get("errors") or ():
        names = _context(item).get("propertyName", ())
        for name in names or ("",):
            yield name, str(item.get("code") or ""), str(item.get("message") or "")


def _context(body: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found = body.get("context") or {}
    return {k: tuple(map(str, v if isinstance(v, list) else [v])) for k, v in found.items()}


def classifier(day_end: Callable[[], int]) -> Classify:
    """The table status -> verdict. `day_end`: when the daily allowance comes back, ms UTC."""

    def classify(status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        if 200 <= status < 300:
            return OK
        said = _json(body)
        if status == 530:
            return Verdict("auth", AuthFailed(WRONG_FORM))
        if status == 401:
            return Verdict("auth", AuthFailed(_unauthorized(said)))
        if status == 403:
            return _forbidden(said)
        if status == 429:
            return _too_fast(said, day_end)
        if status == 423:
            return Verdict("throttle", Throttled(LOCKED_WAIT_S, "records are locked"), wait_s=LOCKED_WAIT_S)
        if status == 477:
            return Verdict("stop", Unavailable("HubSpot is moving this account to another data centre"))
        if status >= 500:
            refused = status == 503 and "Retry-After" in headers
            return Verdict("retry", Unavailable(f"HubSpot answers {status}"), refused=refused)
        if status < 400:
            return Verdict("stop", ContractBroken("a redirect", f"status {status}"))
        refusal = read_refusal(said, _DEFAULT_CODES.get(status, "VALIDATION_ERROR"))
        return Verdict("stop", Rejected(refusal.code, refusal.message, refusal.remedy))

    return classify


_DEFAULT_CODES = {
    404: "OBJECT_NOT_FOUND",
    405: "WRONG_METHOD",
    409: "CONFLICT",
    414: "URL_TOO_LONG",
    415: "WRONG_TYPE",
}


def _unauthorized(said: Mapping[str, Any]) -> str:
    message = str(said.get("message") or "status 401")
    return f"it has expired ({message})" if said.get("category") == "EXPIRED_AUTHENTICATION" else message


def _forbidden(said: Mapping[str, Any]) -> Verdict:
    message = str(said.get("message") or "forbidden")
    scopes: list[str] = []
    for error in said.get("errors") or ():
        context = _context(error)
        scopes += context.get("requiredGranularScopes", ()) or context.get("requiredScopes", ())
    if said.get("category") == "MISSING_SCOPES" or scopes:
        return Verdict("stop", MissingScope(" or ".join(dict.fromkeys(scopes)) or "unknown", message))
    return Verdict("stop", Forbidden(str(said.get("category") or "FORBIDDEN"), message, "ask a HubSpot administrator"))


def _too_fast(said: Mapping[str, Any], day_end: Callable[[], int]) -> Verdict:
    policy = str(said.get("policyName") or "")
    message = str(said.get("message") or "")
    if policy == "DAILY" or "daily limit" in message:
        return Verdict("stop", QuotaExhausted(day_end(), "HubSpot says that the daily limit is reached"))
    searching = policy == "SECONDLY" or "secondly limit" in message
    wait = SEARCH_WAIT_S if searching else BURST_WAIT_S
    return Verdict("throttle", Throttled(wait, message or "too many calls in a short time"), wait_s=wait, refused=True)


def _json(body: bytes) -> dict[str, Any]:
    """The error body; edge servers answer text or HTML, then the status has to do."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
