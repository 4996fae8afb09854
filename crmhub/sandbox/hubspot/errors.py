"""HubSpot's error bodies (vendor page: API reference, "Error handling")."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import orjson

from crmhub.sandbox.messages import Response

SCOPE_MESSAGE = (
    "This app hasn't been granted all required scopes to make this call. "
    "Read more about required scopes here: https://developers.hubspot.com/scopes."
)
NO_CREDENTIALS = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
    "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
_CORRELATION = uuid.UUID("5f0e2f8c-7b2c-4f6e-9c55-0d6a3e8f1b01")


class HubSpotError(Exception):
    """An error answer; raised anywhere below a handler and turned into a Response once."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        errors: list[dict[str, Any]] | None = None,
        context: dict[str, list[str]] | None = None,
        sub_category: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.category = category
        self.message = message
        self.errors = errors
        self.context = context
        self.sub_category = sub_category
        self.extra = extra or {}

    def body(self) -> dict[str, Any]:
        """The JSON of a whole failed request."""
        found: dict[str, Any] = {
            "status": "error",
            "message": self.message,
            "correlationId": correlation(self.message),
            "category": self.category,
        }
        if self.sub_category:
            found["subCategory"] = self.sub_category
        if self.errors:
            found["errors"] = self.errors
        if self.context:
            found["context"] = self.context
        return {**found, **self.extra}

    def response(self) -> Response:
        if self.status == 530:  # not HubSpot's own, but of the edge before it
            return Response.text(self.message, 530)
        return Response.json(self.body(), self.status)

    def in_batch(self, context: dict[str, list[str]]) -> dict[str, Any]:
        """The entry of this error in `errors` of a 207 answer."""
        entry: dict[str, Any] = {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "errors": self.errors or [],
            "context": {**(self.context or {}), **context},
            "links": {},
        }
        if self.sub_category:
            entry["subCategory"] = self.sub_category
        return entry


def correlation(text: str) -> str:
    """A correlation id that is the same for the same message, so that runs can be compared."""
    return str(uuid.uuid5(_CORRELATION, text))


def invalid(message: str, code: str | None = None, **context: list[str]) -> HubSpotError:
    """400 VALIDATION_ERROR."""
    detail: dict[str, Any] = {"message": message}
    if code:
        detail["code"] = code
    if context:
        detail["context"] = context
    return HubSpotError(400, "VALIDATION_ERROR", message, errors=[detail] if code or context else None)


def not_found(message: str = "resource not found") -> HubSpotError:
    return HubSpotError(404, "OBJECT_NOT_FOUND", message)


def conflict(message: str) -> HubSpotError:
    return HubSpotError(409, "CONFLICT", message)


def bad_properties(portal: int, problems: list[tuple[str, str, str]]) -> HubSpotError:
    """400 for property values; problems are (property, code, message)."""
    rows = [
        {
            "isValid": False,
            "message": message,
            "error": code,
            "name": name,
            "localizedErrorMessage": message,
            "portalId": portal,
        }
        for name, code, message in problems
    ]
    return HubSpotError(
        400,
        "VALIDATION_ERROR",
        "Property values were not valid: " + orjson.dumps(rows).decode(),
        errors=[
            {"message": message, "code": code, "context": {"propertyName": [name]}} for name, code, message in problems
        ],
    )


def generic(status: int) -> Response:
    """The body of a status that no handler made: proxies, faults, an overloaded or migrating portal."""
    makers: dict[int, Callable[[], HubSpotError]] = {
        400: lambda: invalid("Invalid input JSON on line 1, column 1: unexpected character"),
        401: lambda: HubSpotError(401, "INVALID_AUTHENTICATION", NO_CREDENTIALS),
        403: lambda: missing_scopes(["crm.objects.contacts.read"]),
        404: not_found,
        423: lambda: HubSpotError(423, "LOCKED", "The resource is locked by many writes at once. Try again later."),
        429: burst_limit,
        477: lambda: HubSpotError(477, "MIGRATION_IN_PROGRESS", "This account's data is moving to another location."),
    }
    if status in makers:
        response = makers[status]().response()
        if status == 477:
            response.headers["Retry-After"] = "120"
        return response
    if status == 530:
        return Response.text("error code: 1016", status)
    if status in (502, 503, 504) or 520 <= status <= 529:
        return Response.text(f"<html><body><h1>{status}</h1></body></html>", status, "text/html")
    return HubSpotError(status, "INTERNAL_ERROR", "internal error").response()


def missing_scopes(scopes: list[str]) -> HubSpotError:
    return HubSpotError(
        403,
        "MISSING_SCOPES",
        SCOPE_MESSAGE,
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": scopes},
            }
        ],
        extra={"links": {"scopes": "https://developers.hubspot.com/scopes"}},
    )


def burst_limit(portal: int = 1, oauth: bool = False) -> HubSpotError:
    """429 of calls per 10 s, the body with a policy name."""
    kind = "app-api-calls" if oauth else "private-app-api-calls"
    return HubSpotError(
        429,
        "RATE_LIMITS",
        "You have reached your ten_secondly_rolling limit.",
        extra={
            "errorType": "RATE_LIMIT",
            "policyName": "TEN_SECONDLY_ROLLING",
            "groupName": f"publicapi:{kind}-ten-secondly:{portal}",
        },
    )


def daily_limit(portal: int = 1) -> HubSpotError:
    """429 of calls per day."""
    return HubSpotError(
        429,
        "RATE_LIMITS",
        "You have reached your daily limit.",
        extra={
            "errorType": "RATE_LIMIT",
            "policyName": "DAILY",
            "groupName": f"publicapi:private-app-api-calls-daily:{portal}",
        },
    )


def search_limit(policy: bool = False) -> HubSpotError:
    """429 of searches per second; some answers name their policy."""
    extra = {"errorType": "RATE_LIMIT", "policyName": "SECONDLY"} if policy else None
    return HubSpotError(429, "RATE_LIMITS", "You have reached your secondly limit.", extra=extra)
