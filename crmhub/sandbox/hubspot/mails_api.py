"""Marketing e-mails: their events (legacy v1), the campaigns behind them, and the list of e-mails (v3)."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from crmhub.sandbox.hubspot.errors import invalid, not_found
from crmhub.sandbox.hubspot.mail_log import TYPES, Entry
from crmhub.sandbox.hubspot.paths import VERSIONS, flag, whole_number
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.schema import iso, to_ms
from crmhub.sandbox.mails import Mail
from crmhub.sandbox.messages import Request, Response, Router

EVENTS_MAX = 1000
APP_ID, APP_NAME = 113, "Batch"
CAMPAIGN_BASE, GROUP_BASE, MAIL_BASE = 412_700_000, 398_100_000, 187_500_000_000
SUBSCRIPTION = 1_847_220
_BROWSER = {
    "name": "Chrome", "family": "Chrome", "producer": "Google Inc.", "producerUrl": "https://www.google.com",
    "type": "Browser", "url": "https://www.google.com/chrome", "version": ["130"],
}  # fmt: skip
_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"


class MailsApi:
    """`/email/public/v1/events`, `/email/public/v1/campaigns` and `/marketing/v3/emails`."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def routes(self, router: Router) -> None:
        router.add("GET", "/email/public/v1/events", self.events)
        router.add("GET", "/email/public/v1/events/{created}/{id}", self.event)
        router.add("GET", "/email/public/v1/campaigns", self.campaigns)
        router.add("GET", "/email/public/v1/campaigns/by-id", self.campaigns)
        router.add("GET", "/email/public/v1/campaigns/{id}", self.campaign)
        for root in ("/marketing/v3/emails", *(f"/marketing/emails/{version}" for version in VERSIONS)):
            router.add("GET", root, self.mails)
            router.add("GET", f"{root}/{{id}}", self.mail)
            router.add("GET", f"{root}/statistics/list", self.statistics)

    def events(self, request: Request) -> Response:
        """Newest first. `offset` is opaque; the window is inclusive on both ends."""
        query, log = request.query, self._portal.mail_log
        limit = whole_number(query.get("limit"), "limit", 1, EVENTS_MAX, 10)
        low = whole_number(query.get("startTimestamp"), "startTimestamp", 0, 1 << 53, 0)
        high = whole_number(query.get("endTimestamp"), "endTimestamp", 0, 1 << 53, self._portal.now())
        kind, recipient, campaign = query.get("eventType"), query.get("recipient").lower(), query.get("campaignId")
        if kind and kind not in TYPES:
            raise invalid(f"eventType {kind} is not one of: {', '.join(TYPES)}")
        filtered = flag(request, "excludeFilteredEvents")
        found: list[Entry] = []
        for entry in log.backwards(low, high, kind, _place(query.get("offset"))):
            if (recipient and entry.recipient.lower() != recipient) or (filtered and entry.filtered):
                continue
            if campaign and campaign != str(CAMPAIGN_BASE + entry.mail.number):
                continue
            found.append(entry)
            if len(found) > limit:
                break
        page = found[:limit]
        return Response.json(
            {
                "hasMore": len(found) > limit,
                "offset": _offset(page[-1]) if page else query.get("offset"),
                "events": [self._event(entry) for entry in page],
            }
        )

    def event(self, request: Request) -> Response:
        created = request.params["created"]
        entry = self._portal.mail_log.find(int(created), request.params["id"]) if created.isdecimal() else None
        if entry is None:
            raise not_found(f"No event {request.params['id']} created at {created}")
        return Response.json(self._event(entry))

    def campaigns(self, request: Request) -> Response:
        limit = whole_number(request.query.get("limit"), "limit", 1, EVENTS_MAX, 10)
        text = request.query.get("offset")
        start = _start(text)
        mails = self._portal.seed.world.mails
        page = mails[start : start + limit]
        rows = [
            {
                "id": CAMPAIGN_BASE + mail.number,
                "lastUpdatedTime": mail.sent_at + 900_000,
                "appId": APP_ID,
                "appName": APP_NAME,
            }
            for mail in page
        ]
        more = start + limit < len(mails)
        offset = base64.urlsafe_b64encode(str(start + len(page)).encode()).decode()
        return Response.json({"hasMore": more, "offset": offset, "campaigns": rows})

    def campaign(self, request: Request) -> Response:
        mail = self._mail(request, CAMPAIGN_BASE)
        counts = self._portal.mail_log.counts(mail)
        return Response.json(
            {
                "id": CAMPAIGN_BASE + mail.number,
                "appId": APP_ID,
                "appName": APP_NAME,
                "contentId": MAIL_BASE + mail.number,
                "groupId": GROUP_BASE + mail.number,
                "name": mail.name,
                "subject": mail.subject,
                "type": "BATCH_EMAIL",
                "subType": "",
                "numIncluded": counts.get("SENT", 0),
                "numQueued": 0,
                "processingState": "PROCESSED",
                "lastProcessingStartedAt": mail.sent_at,
                "lastProcessingFinishedAt": mail.sent_at + 900_000,
                "lastProcessingStateChangeAt": mail.sent_at + 900_000,
                "counters": {kind.lower(): count for kind, count in counts.items()},
            }
        )

    def mails(self, request: Request) -> Response:
        query = request.query
        limit = whole_number(query.get("limit"), "limit", 1, 300, 10)
        start = whole_number(query.get("after"), "after", 0, 1 << 31, 0)
        low, high = (to_ms(query.get(name)) for name in ("createdAfter", "createdBefore"))
        changed, unchanged = (to_ms(query.get(name)) for name in ("updatedAfter", "updatedBefore"))
        if flag(request, "archived") or query.get("isPublished").lower() == "false":
            held: list[Mail] = []
        else:
            held = [
                mail
                for mail in self._portal.seed.world.mails
                if (low is None or _made(mail) > low)
                and (high is None or _made(mail) < high)
                and (changed is None or mail.sent_at > changed)
                and (unchanged is None or mail.sent_at < unchanged)
            ]
        page = held[start : start + limit]
        answer: dict[str, Any] = {
            "total": len(held),
            "results": [self._mail_row(mail, flag(request, "includeStats")) for mail in page],
        }
        if start + limit < len(held):
            answer["paging"] = {"next": {"after": str(start + limit)}}
        return Response.json(answer)

    def mail(self, request: Request) -> Response:
        return Response.json(self._mail_row(self._mail(request, MAIL_BASE), flag(request, "includeStats")))

    def statistics(self, request: Request) -> Response:
        """Counters of the e-mails sent in a span of time, added up."""
        low, high = (to_ms(request.query.get(name)) for name in ("startTimestamp", "endTimestamp"))
        if low is None or high is None:
            raise invalid("startTimestamp and endTimestamp are required, as ISO 8601")
        wanted = set(request.query.names("emailIds"))
        held = [
            mail
            for mail in self._portal.seed.world.mails
            if low <= mail.sent_at <= high and (not wanted or str(MAIL_BASE + mail.number) in wanted)
        ]
        total: dict[str, int] = {}
        for mail in held:
            for name, count in self._counters(mail).items():
                total[name] = total.get(name, 0) + count
        each = {str(CAMPAIGN_BASE + mail.number): _stats(self._counters(mail)) for mail in held}
        return Response.json(
            {
                "aggregate": _stats(total),
                "campaignAggregations": each,
                "emails": [MAIL_BASE + mail.number for mail in held],
            }
        )

    def _mail(self, request: Request, base: int) -> Mail:
        text = request.params["id"]
        number = int(text) - base if text.isdecimal() else 0
        mails = self._portal.seed.world.mails
        if not 1 <= number <= len(mails):
            raise not_found()
        return mails[number - 1]

    def _event(self, entry: Entry) -> dict[str, Any]:
        found: dict[str, Any] = {
            "id": entry.id,
            "created": entry.at,
            "type": entry.type,
            "recipient": entry.recipient,
            "portalId": self._portal.id,
            "appId": APP_ID,
            "appName": APP_NAME,
            "emailCampaignId": CAMPAIGN_BASE + entry.mail.number,
            "emailCampaignGroupId": GROUP_BASE + entry.mail.number,
            "filteredEvent": entry.filtered,
        }
        if entry.type == "SENT":
            found |= {"subject": entry.mail.subject, "from": "Our firm <hello@ourfirm.example>", "cc": [], "bcc": []}
        else:
            found["sentBy"] = {"id": entry.sent_id, "created": entry.sent_at}
        if entry.type == "BOUNCE":
            found |= {"category": "UNKNOWN_USER", "response": "550 5.1.1 no such user", "status": "5.1.1"}
        elif entry.type == "DELIVERED":
            found |= {"response": "250 2.0.0 OK", "smtpId": f"<{entry.sent_id}@ourfirm.example>"}
        elif entry.type == "STATUSCHANGE":
            found |= {
                "source": "SOURCE_RECIPIENT",
                "requestedBy": entry.recipient,
                "portalSubscriptionStatus": "UNSUBSCRIBED",
                "bounced": False,
                "subscriptions": [{"id": SUBSCRIPTION, "status": "UNSUBSCRIBED"}],
            }
        elif entry.type in ("OPEN", "CLICK"):
            found |= _visitor(entry)
        return found

    def _counters(self, mail: Mail) -> dict[str, int]:
        counts = self._portal.mail_log.counts(mail)
        return {
            "sent": counts.get("SENT", 0),
            "delivered": counts.get("DELIVERED", 0),
            "open": counts.get("OPEN", 0),
            "click": counts.get("CLICK", 0),
            "bounce": counts.get("BOUNCE", 0),
            "unsubscribed": counts.get("STATUSCHANGE", 0),
            "spamreport": counts.get("SPAMREPORT", 0),
        }

    def _mail_row(self, mail: Mail, stats: bool) -> dict[str, Any]:
        made, sent = iso(_made(mail)), iso(mail.sent_at)
        found: dict[str, Any] = {
            "id": str(MAIL_BASE + mail.number),
            "name": mail.name,
            "subject": mail.subject,
            "state": "PUBLISHED",
            "type": "BATCH_EMAIL",
            "subcategory": "batch",
            "language": "en",
            "isPublished": True,
            "isTransactional": False,
            "sendOnPublish": True,
            "archived": False,
            "createdAt": made,
            "updatedAt": sent,
            "publishDate": sent,
            "publishedAt": sent,
            "primaryEmailCampaignId": str(CAMPAIGN_BASE + mail.number),
            "allEmailCampaignIds": [str(CAMPAIGN_BASE + mail.number)],
            "content": {"templatePath": "@hubspot/email/dnd/welcome.html", "plainTextVersion": mail.subject},
            "from": {"fromName": "Our firm", "replyTo": "hello@ourfirm.example"},
            "to": {"suppressGraymail": True, "contactLists": {"include": [], "exclude": []}},
            "subscriptionDetails": {"subscriptionId": str(SUBSCRIPTION)},
        }
        if stats:
            found["stats"] = _stats(self._counters(mail))
        return found


def _visitor(entry: Entry) -> dict[str, Any]:
    """What an open or click tells of the reader."""
    found: dict[str, Any] = {
        "browser": _BROWSER,
        "deviceType": "COMPUTER",
        "userAgent": _AGENT,
        "location": {"city": "PARIS", "state": "ILE-DE-FRANCE", "country": "FRANCE", "zipcode": "75001"},
        "ipAddress": "192.0.2.10",
    }
    if entry.type == "OPEN":
        found["duration"] = 500 + entry.number % 9000
    else:
        found |= {"url": entry.url, "linkId": entry.mail.links.index(entry.url) if entry.url in entry.mail.links else 0}
    return found


def _stats(counters: dict[str, int]) -> dict[str, Any]:
    delivered, sent = max(1, counters.get("delivered", 0)), max(1, counters.get("sent", 0))
    return {
        "counters": counters,
        "deviceBreakdown": {"open_device_type": {"computer": counters.get("open", 0)}},
        "qualifierStats": {},
        "ratios": {
            "deliveredratio": round(100 * counters.get("delivered", 0) / sent, 4),
            "openratio": round(100 * counters.get("open", 0) / delivered, 4),
            "clickratio": round(100 * counters.get("click", 0) / delivered, 4),
            "bounceratio": round(100 * counters.get("bounce", 0) / sent, 4),
        },
    }


def _made(mail: Mail) -> int:
    return mail.sent_at - 3 * 86_400_000


def _offset(entry: Entry) -> str:
    return base64.urlsafe_b64encode(f"{entry.at}|{entry.number}".encode()).decode()


def _place(text: str) -> tuple[int, int] | None:
    """(created, number) of the last event of the page before; raises 400."""
    if not text:
        return None
    at, _, number = _decoded(text).partition("|")
    if not at.isdecimal() or not number.isdecimal():
        raise invalid(f"The offset value {text} is not valid")
    return int(at), int(number)


def _start(text: str) -> int:
    place = _decoded(text) if text else "0"
    if not place.isdecimal():
        raise invalid(f"The offset value {text} is not valid")
    return int(place)


def _decoded(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text.encode()).decode()
    except (binascii.Error, ValueError):
        return ""
