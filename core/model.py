"""The canonical model: what the hub calls things, whatever a CRM calls them. Pure data.

Times are integer ms UTC, dates ISO text, money with an ISO code integer minor units (deals;
revenue has no code and counts as its CRM shows it). Points are thousandths.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NewType

PersonId = NewType("PersonId", int)
CompanyId = NewType("CompanyId", int)
DealId = NewType("DealId", int)
RecordId = NewType("RecordId", int)
OwnerId = NewType("OwnerId", int)

#: A canonical value as the store keeps it. Multi-option values are "a;b" in sorted order.
Value = str | int | float | bool | None

Entity = Literal["person", "company", "deal"]
ENTITIES: tuple[Entity, ...] = ("person", "company", "deal")

FieldType = Literal[
    "text",
    "name",
    "email",
    "phone",
    "domain",
    "country",
    "number",
    "money",
    "bool",
    "date",
    "datetime",
    "option",
    "options",
]


class Stage(StrEnum):
    """Lifecycle stages, least to most advanced; the last two are exits. PROSPECT = sales qualified lead."""

    SUBSCRIBER = "subscriber"
    LEAD = "lead"
    MQL = "mql"
    SAL = "sal"
    PROSPECT = "prospect"
    OPPORTUNITY = "opportunity"
    CUSTOMER = "customer"
    RECYCLED = "recycled"
    DISQUALIFIED = "disqualified"

    @property
    def rank(self) -> int:
        """Position on the way to customer; recycled ranks with lead, disqualified below all."""
        return _RANK[self]


_RANK = {
    Stage.DISQUALIFIED: -1,
    Stage.SUBSCRIBER: 0,
    Stage.LEAD: 1,
    Stage.RECYCLED: 1,
    Stage.MQL: 2,
    Stage.SAL: 3,
    Stage.PROSPECT: 4,
    Stage.OPPORTUNITY: 5,
    Stage.CUSTOMER: 6,
}


class Band(StrEnum):
    """How warm a lead is. cold = visits, warm = content, hot = explicit intent or strong recent engagement."""

    COLD = "cold"
    WARM = "warm"
    HOT = "hot"


class ActivityKind(StrEnum):
    """The fixed vocabulary of things that happen. Connectors' mappings translate into it."""

    PAGE_VIEW = "page_view"
    PRICING_VIEW = "pricing_view"
    CONTENT_DOWNLOAD = "content_download"
    EMAIL_OPEN = "email_open"
    EMAIL_CLICK = "email_click"
    EMAIL_REPLY = "email_reply"
    EMAIL_SENT = "email_sent"  # one-to-one mail by a rep
    FORM_SUBMITTED = "form_submitted"
    DEMO_REQUESTED = "demo_requested"
    QUOTE_REQUESTED = "quote_requested"
    CONTACT_REQUESTED = "contact_requested"
    NEWSLETTER_SUBSCRIBED = "newsletter_subscribed"
    WEBINAR_ATTENDED = "webinar_attended"
    EVENT_ATTENDED = "event_attended"
    CAMPAIGN_RESPONSE = "campaign_response"  # answered a campaign that is neither webinar nor event
    LIST_JOINED = "list_joined"  # became a member of a list or segment
    SOCIAL_INTERACTION = "social_interaction"
    CALL = "call"
    MEETING = "meeting"
    NOTE = "note"
    TASK = "task"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"


#: Activities in which the person said in so many words that they want to buy.
INTENT_KINDS = {
    ActivityKind.DEMO_REQUESTED: "demo",
    ActivityKind.QUOTE_REQUESTED: "quote",
    ActivityKind.CONTACT_REQUESTED: "contact",
}

Wins = Literal["latest", "hub", "ask", "most_restrictive", "max", "union"]


@dataclass(frozen=True, slots=True)
class Field:
    """One canonical field. `decision`: the hub decides it and CRMs only receive it."""

    name: str
    entity: Entity
    type: FieldType
    label: str
    decision: bool = False


def _fields() -> tuple[Field, ...]:
    person: list[tuple[str, FieldType, str]] = [
        ("email", "email", "E-mail"),
        ("first_name", "name", "First name"),
        ("last_name", "name", "Last name"),
        ("phone", "phone", "Phone"),
        ("mobile", "phone", "Mobile phone"),
        ("job_title", "text", "Job title"),
        ("company_name", "text", "Company as written"),
        ("company_industry", "option", "Industry as written on the person"),
        ("company_employees", "number", "Employees as written on the person"),
        ("company_revenue", "money", "Revenue as written on the person"),
        ("country", "country", "Country"),
        ("city", "text", "City"),
        ("state", "text", "State or region"),
        ("postal_code", "text", "Postal code"),
        ("lead_source", "option", "Lead source"),
        ("lead_status", "option", "Lead status"),
        ("opted_out", "bool", "Opted out of marketing"),
        ("crm_stage", "option", "Stage as the CRM sees it"),
        ("owner_email", "email", "Owner"),
    ]
    company: list[tuple[str, FieldType, str]] = [
        ("name", "text", "Company name"),
        ("domain", "domain", "Web domain"),
        ("company_phone", "phone", "Company phone"),
        ("industry", "option", "Industry"),
        ("employees", "number", "Employees"),
        ("revenue", "money", "Annual revenue"),
        ("company_country", "country", "Country of the company"),
        ("company_city", "text", "City of the company"),
        ("relationship", "option", "Relationship"),
    ]
    deal: list[tuple[str, FieldType, str]] = [
        ("deal_name", "text", "Deal name"),
        ("deal_stage", "option", "Deal stage"),
        ("deal_pipeline", "option", "Pipeline"),
        ("deal_amount", "money", "Amount"),
        ("deal_currency", "text", "Currency of the amount"),
        ("deal_probability", "number", "Probability in percent"),
        ("deal_close_date", "date", "Close date"),
        ("deal_is_closed", "bool", "Closed"),
        ("deal_is_won", "bool", "Won"),
        ("deal_owner_email", "email", "Owner of the deal"),
    ]
    decisions: list[tuple[str, FieldType, str]] = [
        ("stage", "option", "Lifecycle stage"),
        ("score", "number", "Score"),
        ("band", "option", "Band"),
        ("grade", "text", "Grade"),
        ("why", "text", "Why this score and stage"),
    ]
    return (
        *(Field(n, "person", t, lab) for n, t, lab in person),
        *(Field(n, "company", t, lab) for n, t, lab in company),
        *(Field(n, "deal", t, lab) for n, t, lab in deal),
        *(Field(n, "person", t, lab, decision=True) for n, t, lab in decisions),
    )


#: Every standard field by name; names are unique across entities. Own fields are added by mapping.toml.
FIELDS: dict[str, Field] = {f.name: f for f in _fields()}

#: Consent: any "no" wins, always.
MOST_RESTRICTIVE_FIELDS = frozenset({"opted_out"})
