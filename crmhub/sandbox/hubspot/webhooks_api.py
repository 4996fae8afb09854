"""The management of webhooks: where they go and which events the app wants (developer key, no token)."""

from __future__ import annotations

from typing import Any

from crmhub.sandbox.hubspot.batches import inputs_of
from crmhub.sandbox.hubspot.errors import HubSpotError, invalid, not_found
from crmhub.sandbox.hubspot.kinds import ALIASES
from crmhub.sandbox.hubspot.paths import body_of
from crmhub.sandbox.hubspot.portal import APP, Portal
from crmhub.sandbox.hubspot.schema import iso
from crmhub.sandbox.hubspot.webhooks import TYPES, Subscription, Webhooks
from crmhub.sandbox.messages import Request, Response, Router

DEVELOPER_KEY = "dece55ed-4b1d-4000-8000-c0ffee00cafe"
"""The key of the developer account that owns the app, sent as `hapikey`."""
ROOTS = ("/webhooks/v3", "/webhooks/2026-03", "/app-webhooks/2025-09", "/app-webhooks/2026-09")
CONCURRENT_MIN = 6


class WebhooksApi:
    """`/webhooks/v3/{appId}/...` and the dated paths."""

    def __init__(self, portal: Portal, webhooks: Webhooks) -> None:
        self._portal = portal
        self._webhooks = webhooks

    def routes(self, router: Router) -> None:
        for root in ROOTS:
            for method, tail, handler in (
                ("GET", "settings", self.settings),
                ("PUT", "settings", self.put_settings),
                ("DELETE", "settings", self.delete_settings),
                ("GET", "subscriptions", self.page),
                ("POST", "subscriptions", self.create),
                ("POST", "subscriptions/batch/update", self.batch_update),
                ("GET", "subscriptions/{id}", self.get),
                ("PATCH", "subscriptions/{id}", self.update),
                ("DELETE", "subscriptions/{id}", self.delete),
            ):
                router.add(method, f"{root}/{{app}}/{tail}", handler)

    def settings(self, request: Request) -> Response:
        self._allowed(request)
        return Response.json(self._settings())

    def put_settings(self, request: Request) -> Response:
        self._allowed(request)
        wish = body_of(request)
        target, throttling = wish.get("targetUrl"), wish.get("throttling")
        concurrent = throttling.get("maxConcurrentRequests") if isinstance(throttling, dict) else None
        if not isinstance(target, str) or not target.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise invalid("targetUrl must be an https URL")
        if not isinstance(concurrent, int) or concurrent < CONCURRENT_MIN:
            raise invalid(f"maxConcurrentRequests must be at least {CONCURRENT_MIN}")
        self._webhooks.aim(target, concurrent)
        return Response.json(self._settings())

    def delete_settings(self, request: Request) -> Response:
        self._allowed(request)
        self._webhooks.hook.target = ""
        return Response(204)

    def page(self, request: Request) -> Response:
        self._allowed(request)
        return Response.json({"results": [_shape(one) for one in self._webhooks.hook.subscriptions.values()]})

    def get(self, request: Request) -> Response:
        self._allowed(request)
        return Response.json(_shape(self._one(request.params["id"])))

    def create(self, request: Request) -> Response:
        self._allowed(request)
        wish = body_of(request)
        kind, name, type_id = wish.get("eventType"), wish.get("propertyName"), str(wish.get("objectTypeId") or "")
        if not isinstance(kind, str) or kind not in TYPES:
            raise invalid(f"eventType {kind} is not a known subscription type")
        if kind.endswith(".propertyChange") and not name:
            raise invalid("propertyName is required for propertyChange subscriptions")
        if kind.startswith("object.") and type_id not in ALIASES:
            raise invalid("objectTypeId is required for object subscriptions")
        for held in self._webhooks.hook.subscriptions.values():
            if (held.type, held.property, held.type_id) == (kind, str(name or ""), type_id):
                raise HubSpotError(409, "CONFLICT", f"There is a subscription for {kind} already: {held.id}")
        made = self._webhooks.subscribe(kind, str(name or ""), type_id, bool(wish.get("active")))
        return Response.json(_shape(made), 201)

    def update(self, request: Request) -> Response:
        self._allowed(request)
        return Response.json(_shape(self._switch(request.params["id"], body_of(request).get("active"))))

    def batch_update(self, request: Request) -> Response:
        self._allowed(request)
        rows = [self._switch(str(row.get("id")), row.get("active")) for row in inputs_of(body_of(request), 100)]
        now = iso(self._portal.now())
        done = {"status": "COMPLETE", "results": [_shape(one) for one in rows], "startedAt": now, "completedAt": now}
        return Response.json(done)

    def delete(self, request: Request) -> Response:
        self._allowed(request)
        del self._webhooks.hook.subscriptions[self._one(request.params["id"]).id]
        return Response(204)

    def _switch(self, number: str, active: Any) -> Subscription:
        if not isinstance(active, bool):
            raise invalid("active is required")
        one = self._one(number)
        one.active, one.updated = active, self._portal.now()
        return one

    def _one(self, number: str) -> Subscription:
        one = self._webhooks.hook.subscriptions.get(int(number)) if number.isdecimal() else None
        if one is None:
            raise not_found(f"Subscription {number} does not exist")
        return one

    def _allowed(self, request: Request) -> None:
        if request.query.get("hapikey") != DEVELOPER_KEY:
            raise HubSpotError(401, "INVALID_AUTHENTICATION", "The API key used to make this call is not valid.")
        if request.params["app"] != APP:
            raise HubSpotError(404, "OBJECT_NOT_FOUND", f"App {request.params['app']} does not exist")

    def _settings(self) -> dict[str, Any]:
        hook = self._webhooks.hook
        if not hook.target:
            raise not_found("There are no webhook settings for this app")
        return {
            "targetUrl": hook.target,
            "throttling": {"maxConcurrentRequests": hook.concurrent},
            "createdAt": iso(hook.created),
            "updatedAt": iso(hook.updated),
        }


def _shape(one: Subscription) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": str(one.id),
        "eventType": one.type,
        "active": one.active,
        "createdAt": iso(one.created),
        "updatedAt": iso(one.updated),
    }
    if one.property:
        found["propertyName"] = one.property
    if one.type_id:
        found["objectTypeId"] = one.type_id
    return found
