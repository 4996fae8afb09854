"""Owners, and what the portal says of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from crmhub.sandbox.hubspot.errors import not_found
from crmhub.sandbox.hubspot.limits import TIME_ZONE, Limits
from crmhub.sandbox.hubspot.owners import Owner
from crmhub.sandbox.hubspot.paths import VERSIONS, flag, versioned, whole_number
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.schema import iso
from crmhub.sandbox.messages import Request, Response, Router

OWNERS_MAX = 500
_MADE = "2023-05-01T08:00:00.000Z"


class AccountApi:
    """`/crm/v3/owners` and `/account-info/v3`."""

    def __init__(self, portal: Portal, limits: Limits) -> None:
        self._portal = portal
        self._limits = limits

    def routes(self, router: Router) -> None:
        versioned(router, "GET", "/crm/v3/owners", "/crm/owners/{D}", self.owners)
        versioned(router, "GET", "/crm/v3/owners/{id}", "/crm/owners/{D}/{id}", self.owner)
        for version in ("v3", *VERSIONS):
            router.add("GET", f"/account-info/{version}/details", self.details)
            router.add("GET", f"/account-info/{version}/api-usage/daily/private-apps", self.usage)

    def owners(self, request: Request) -> Response:
        archived, email = flag(request, "archived"), request.query.get("email").lower()
        limit = whole_number(request.query.get("limit"), "limit", 1, OWNERS_MAX, 100)
        start = whole_number(request.query.get("after"), "after", 0, 1 << 60, 0)
        found = [
            owner
            for owner in self._portal.owners
            if owner.archived == archived and (not email or owner.email == email) and int(owner.id) >= start
        ]
        answer: dict[str, Any] = {"results": [self._shape(owner) for owner in found[:limit]]}
        if len(found) > limit:
            answer["paging"] = {"next": {"after": found[limit].id}}
        return Response.json(answer)

    def owner(self, request: Request) -> Response:
        by_user = request.query.get("idProperty") == "userId"
        for owner in self._portal.owners:
            key = str(owner.user_id) if by_user else owner.id
            if key == request.params["id"] and owner.archived == flag(request, "archived"):
                return Response.json(self._shape(owner))
        raise not_found(f"Owner with id {request.params['id']} does not exist")

    def details(self, _: Request) -> Response:
        offset = datetime.fromtimestamp(self._portal.now() / 1000, UTC).astimezone(ZoneInfo(TIME_ZONE)).utcoffset()
        seconds = int(offset.total_seconds()) if offset else 0
        return Response.json(
            {
                "portalId": self._portal.id,
                "accountType": "STANDARD",
                "timeZone": TIME_ZONE,
                "companyCurrency": "EUR",
                "additionalCurrencies": ["GBP", "USD"],
                "utcOffset": f"+{seconds // 3600:02d}:{seconds % 3600 // 60:02d}",
                "utcOffsetMilliseconds": seconds * 1000,
                "uiDomain": "app-eu1.hubspot.com",
                "dataHostingLocation": "eu1",
            }
        )

    def usage(self, _: Request) -> Response:
        self._limits.roll()
        switches = self._portal.switches
        now = self._portal.now()
        here = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(TIME_ZONE))
        midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
        next_day = int(midnight.timestamp() * 1000) + 86_400_000
        return Response.json(
            {
                "results": [
                    {
                        "name": "private-apps-api-calls-daily",
                        "usageLimit": switches.daily_limit,
                        "currentUsage": switches.daily_used,
                        "collectedAt": iso(now),
                        "fetchStatus": "SUCCESS",
                        "resetsAt": iso(next_day),
                    }
                ]
            }
        )

    @staticmethod
    def _shape(owner: Owner) -> dict[str, Any]:
        shaped: dict[str, Any] = {
            "id": owner.id,
            "type": owner.type,
            "firstName": owner.first,
            "lastName": owner.last,
            "createdAt": _MADE,
            "updatedAt": _MADE,
            "archived": owner.archived,
        }
        if owner.email:
            shaped["email"] = owner.email
        if owner.user_id is not None:
            shaped["userIdIncludingInactive"] = owner.user_id
            if not owner.archived:
                shaped["userId"] = owner.user_id
                shaped["teams"] = [{"id": "178588", "name": "Sales", "primary": True}]
        return shaped
