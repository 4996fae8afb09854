"""Which granular scopes a route asks for."""

from __future__ import annotations

from crmhub.sandbox.hubspot.kinds import ACTIVITIES, ALIASES, KINDS
from crmhub.sandbox.messages import Request

SCOPES: tuple[str, ...] = (
    "oauth", "forms", "content", "sales-email-read", "crm.objects.owners.read", "crm.lists.read", "crm.lists.write",
    "analytics.behavioral_events.send", "automation", "settings.users.read",
    *(f"crm.{what}.{kind}.{right}" for what in ("objects", "schemas") for kind in ("contacts", "companies", "deals")
      for right in ("read", "write")),
    *(f"crm.objects.{kind}.{right}" for kind in sorted(ACTIVITIES) for right in ("read", "write")),
)  # fmt: skip
"""All that the app can be granted."""
_READS = ("/search", "/batch/read")


def needed_scopes(request: Request) -> list[list[str]]:
    """Groups of scopes: one of each group is needed; none: any token will do."""
    route = request.route
    read = request.method == "GET" or route.endswith(_READS)
    right = "read" if read else "write"
    if "/owners" in route:
        return [["crm.objects.owners.read"]]
    if route.startswith(("/email/public", "/marketing/v3/emails", "/marketing/emails")):
        return [["content"]]
    if route.startswith(("/crm/v3/lists", "/crm/lists")):
        return [[f"crm.lists.{right}"]]
    if route.startswith(("/marketing/", "/form-integrations/")):
        return [["forms"]]
    if route.startswith("/events/") and not read:
        return [["analytics.behavioral_events.send"]]
    kind = ALIASES.get(request.params.get("type", "").lower(), "")
    if not kind:
        return []
    if route.startswith(("/crm/v3/properties", "/crm/properties")):
        return [[f"crm.schemas.{KINDS[kind].scope}.{right}"]]
    other = ALIASES.get(request.params.get("to", "").lower(), "")
    return [_object_scopes(name, right) for name in dict.fromkeys((kind, other)) if name]


def _object_scopes(kind: str, right: str) -> list[str]:
    """Activities have scopes of their own since 2026; those of contacts still open them."""
    scopes = [f"crm.objects.{KINDS[kind].scope}.{right}"]
    return [*scopes, f"crm.objects.{kind}.{right}"] if kind in ACTIVITIES else scopes
