"""Forms and their submissions (legacy endpoint: newest first, no filter, 50 a page)."""

from __future__ import annotations

import uuid
from typing import Any

from crmhub.sandbox.hubspot import writes
from crmhub.sandbox.hubspot.errors import not_found
from crmhub.sandbox.hubspot.paths import flag, whole_number
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.records import Actor
from crmhub.sandbox.hubspot.schema import iso
from crmhub.sandbox.hubspot.seed import FORM_NAMES
from crmhub.sandbox.messages import Request, Response, Router
from crmhub.sandbox.vendor import ControlError
from crmhub.sandbox.world import Activity

PAGE_MAX = 50
_SPACE = uuid.UUID("8a7b6c5d-4e3f-4a2b-9c1d-0e9f8a7b6c5d")
GUIDS: dict[str, str] = {kind: str(uuid.uuid5(_SPACE, kind)) for kind in FORM_NAMES}
_KINDS = {guid: kind for kind, guid in GUIDS.items()}
_FIELDS = (("email", "Email"), ("firstname", "First name"), ("lastname", "Last name"))
_PAGES = {
    "demo_request": "/demo", "pricing_request": "/pricing", "contact_request": "/contact",
    "webinar": "/events/webinar", "download": "/resources/guide", "newsletter": "/blog",
}  # fmt: skip


class FormsApi:
    """`/marketing/v3/forms` and `/form-integrations/v1/submissions/forms/{guid}`."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def routes(self, router: Router) -> None:
        router.add("GET", "/marketing/v3/forms", self.page)
        router.add("GET", "/marketing/v3/forms/{guid}", self.get)
        router.add("GET", "/marketing/forms/2026-09-beta", self.page)
        router.add("GET", "/form-integrations/v1/submissions/forms/{guid}", self.submissions)

    def page(self, request: Request) -> Response:
        limit = whole_number(request.query.get("limit"), "limit", 1, 500, 20)
        start = whole_number(request.query.get("after"), "after", 0, 1 << 31, 0)
        kinds = [] if flag(request, "archived") else list(FORM_NAMES)
        answer: dict[str, Any] = {"results": [_form(kind) for kind in kinds[start : start + limit]]}
        if start + limit < len(kinds):
            answer["paging"] = {"next": {"after": str(start + limit)}}
        return Response.json(answer)

    def get(self, request: Request) -> Response:
        kind = _KINDS.get(request.params["guid"])
        if kind is None:
            raise not_found(f"Form with id {request.params['guid']} does not exist")
        return Response.json(_form(kind))

    def submissions(self, request: Request) -> Response:
        kind = _KINDS.get(request.params["guid"])
        if kind is None:
            raise not_found(f"Form with id {request.params['guid']} does not exist")
        limit = whole_number(request.query.get("limit"), "limit", 1, PAGE_MAX, 20)
        start = whole_number(request.query.get("after"), "after", 0, 1 << 31, 0)
        fresh = self._portal.submissions.get(kind, [])
        seeded = self._portal.seed.forms[kind]
        total = len(fresh) + len(seeded)
        rows = [
            fresh[-1 - place] if place < len(fresh) else self._seeded(seeded[len(seeded) - 1 - place + len(fresh)])
            for place in range(start, min(start + limit, total))
        ]
        answer: dict[str, Any] = {"results": rows}
        if start + limit < total:
            answer["paging"] = {
                "next": {
                    "after": str(start + limit),
                    "link": f"https://api.hubapi.com{request.path}?limit={limit}&after={start + limit}",
                }
            }
        return Response.json(answer)

    def submit(self, form: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Somebody sends a form now: a submission, and the contact it creates or updates."""
        kind = form if form in GUIDS else _KINDS.get(form, "")
        if not kind or not fields.get("email"):
            raise ControlError(f"a submission wants a form ({', '.join(GUIDS)} or its guid) and an email")
        portal, now = self._portal, self._portal.now()
        table = portal.tables["contacts"]
        actor = Actor("FORM", GUIDS[kind])
        wish = {name: value for name, value in fields.items() if name in table.properties}
        contact = writes.by_property(table, "email", fields["email"])
        values = writes.clean(portal, table, wish, contact)
        if contact is None:
            contact = writes.create(portal, table, values, actor)
        else:
            writes.update(portal, table, contact, {**values, "email": table.props(contact)["email"]}, actor)
        count = int(table.props(contact).get("num_conversion_events", "0")) + 1
        conversion = {
            "num_conversion_events": str(count),
            "recent_conversion_event_name": FORM_NAMES[kind],
            "recent_conversion_date": iso(now),
        }
        writes.update(portal, table, contact, conversion, actor)
        held = portal.submissions.setdefault(kind, [])
        row = _submission(kind, f"{kind} live {len(held)}", now, {str(k): str(v) for k, v in fields.items()})
        held.append(row)
        return {
            "object": "submissions",
            "id": row["conversionId"],
            "fields": row,
            "deleted": False,
            "merged_into": None,
        }

    def count(self, kind: str) -> int:
        return len(self._portal.seed.forms[kind]) + len(self._portal.submissions.get(kind, []))

    def _seeded(self, act: Activity) -> dict[str, Any]:
        person = act.person
        contact = self._portal.seed.contact_of[person.number]
        values = {
            "email": self._portal.seed.email(contact) or person.work_email,
            "firstname": person.first,
            "lastname": person.last,
        }
        if act.kind in ("demo_request", "pricing_request"):
            values |= {
                "company": person.company.name,
                "jobtitle": person.title,
                "product_interest": person.interest,
            }
        return _submission(act.kind, f"{act.kind} {act.number}", act.at, values)


def _submission(kind: str, name: str, at: int, values: dict[str, str]) -> dict[str, Any]:
    return {
        "conversionId": str(uuid.uuid5(_SPACE, name)),
        "submittedAt": at,
        "values": [{"name": key, "value": value, "objectTypeId": "0-1"} for key, value in values.items()],
        "pageUrl": f"https://www.ourfirm.example{_PAGES[kind]}",
    }


def _form(kind: str) -> dict[str, Any]:
    return {
        "id": GUIDS[kind],
        "name": FORM_NAMES[kind],
        "formType": "hubspot",
        "createdAt": "2024-02-01T09:00:00.000Z",
        "updatedAt": "2025-06-01T09:00:00.000Z",
        "archived": False,
        "fieldGroups": [
            {
                "groupType": "default_group",
                "richTextType": "text",
                "fields": [
                    {
                        "objectTypeId": "0-1",
                        "name": name,
                        "label": label,
                        "required": name == "email",
                        "hidden": False,
                        "fieldType": "email" if name == "email" else "single_line_text",
                        "dependentFields": [],
                        **({"validation": {"blockedEmailDomains": [], "useDefaultBlockList": False}}
                           if name == "email" else {}),
                    }
                    for name, label in _FIELDS
                ],
            }
        ],
        "configuration": {
            "language": "en",
            "cloneable": True,
            "postSubmitAction": {"type": "thank_you", "value": "Thanks!"},
            "editable": True,
            "archivable": True,
            "recaptchaEnabled": False,
            "notifyContactOwner": False,
            "notifyRecipients": [],
            "createNewContactForNewEmail": True,
            "prePopulateKnownValues": True,
            "allowLinkToResetKnownValues": False,
            "lifecycleStages": [],
        },
        "displayOptions": {
            "renderRawHtml": False,
            "theme": "default_style",
            "submitButtonText": "Submit",
            "style": {
                "fontFamily": "arial, helvetica, sans-serif",
                "backgroundWidth": "100%",
                "labelTextColor": "#33475b",
                "labelTextSize": "14px",
                "helpTextColor": "#7C98B6",
                "helpTextSize": "11px",
                "legalConsentTextColor": "#33475b",
                "legalConsentTextSize": "14px",
                "submitColor": "#ff7a59",
                "submitAlignment": "left",
                "submitFontColor": "#ffffff",
                "submitSize": "12px",
            },
        },
        "legalConsentOptions": {"type": "none"},
    }  # fmt: skip
