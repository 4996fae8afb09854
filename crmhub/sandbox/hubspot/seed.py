"""From the world to HubSpot: which records there are, and the properties of one when somebody looks."""

from __future__ import annotations

from crmhub.sandbox.activities import call_outcome, email_incoming, meeting_outcome, task_done
from crmhub.sandbox.hubspot.kinds import KINDS, STEP
from crmhub.sandbox.hubspot.owners import owner_id
from crmhub.sandbox.hubspot.records import Record
from crmhub.sandbox.hubspot.schema import iso
from crmhub.sandbox.hubspot.seed_deals import SeedDeals
from crmhub.sandbox.ids import SALESFORCE_PREFIX, hubspot_contact_id, salesforce_id
from crmhub.sandbox.mails import events_of
from crmhub.sandbox.seen import company_times_of, email_of, has_more_email, see, see_company, times_of
from crmhub.sandbox.world import (
    BIT,
    DAY,
    FORM_KINDS,
    Activity,
    KnownCompany,
    KnownPerson,
    World,
    chance,
    fraction,
)

STAGE_OF = {"subscriber": "subscriber", "lead": "lead", "mql": "marketingqualifiedlead",
            "opportunity": "opportunity", "customer": "customer"}  # fmt: skip
INDUSTRY_OF = {
    "software": "COMPUTER_SOFTWARE", "it_services": "INFORMATION_TECHNOLOGY_AND_SERVICES",
    "finance": "FINANCIAL_SERVICES", "manufacturing": "MACHINERY", "retail": "RETAIL",
    "healthcare": "HOSPITAL_HEALTH_CARE", "consulting": "MANAGEMENT_CONSULTING",
    "education": "EDUCATION_MANAGEMENT", "construction": "CONSTRUCTION",
    "non_profit": "NON_PROFIT_ORGANIZATION_MANAGEMENT",
}  # fmt: skip
FORM_NAMES = {
    "demo_request": "Demo request", "pricing_request": "Pricing request", "contact_request": "Contact us",
    "webinar": "Webinar registration", "download": "Guide download", "newsletter": "Newsletter signup",
}  # fmt: skip
_SOURCE_OF = {"web": "ORGANIC_SEARCH", "event": "OFFLINE", "referral": "REFERRALS", "import": "OFFLINE",
              "outbound": "DIRECT_TRAFFIC"}  # fmt: skip
_TABLE_OF = {"call": "calls", "meeting": "meetings", "email": "emails", "note": "notes", "task": "tasks"}
_DISPOSITION = {
    "connected": "f240bbac-87c9-4f6e-bf70-924b57d47db7", "no_answer": "73a0d17f-1163-4015-bdd5-ec830791da20",
    "voicemail": "b2cf5968-551e-4856-9783-52b3da59a7d0", "busy": "9d9162e7-6cf3-4944-bf63-4dff82258764",
}  # fmt: skip
_EMPLOYEES = ((5, "1-5"), (25, "5-25"), (50, "25-50"), (100, "50-100"), (500, "100-500"), (1000, "500-1000"))


class Seed:
    """Rows of the seeded portal, and the computation of their properties."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.deals = SeedDeals(world)
        self.forms: dict[str, list[Activity]] = {kind: [] for kind in FORM_KINDS}
        self.forms_of: dict[int, list[Activity]] = {}
        self._touches: dict[str, list[Activity]] = {kind: [] for kind in _TABLE_OF}
        for act in world.activities:
            if not act.places & BIT["hubspot"]:
                continue
            if act.kind in self.forms:
                self.forms[act.kind].append(act)
                self.forms_of.setdefault(act.person.number, []).append(act)
            else:
                self._touches[act.kind].append(act)
        self.contact_of: dict[int, int] = {}
        """person number -> id of the first contact"""
        self.company_of: dict[int, int] = {}
        """company number -> id of the first company record"""
        self.emails: dict[str, int] = {}
        self._email_of: dict[int, str] = {}
        self._more_of: dict[int, str] = {}

    def contacts(self) -> list[Record]:
        rows: list[Record] = []
        late: list[tuple[Record, KnownPerson]] = []
        for known in self.world.records("hubspot"):
            number = int(hubspot_contact_id(known.number))
            created, updated = times_of(self.world, known)
            acts = self.forms_of.get(known.person.number) if known.copy == 0 else None
            if acts:
                updated = max(updated, acts[-1].at)
            record = Record(number, min(created, acts[0].at) if acts else created, updated, known)
            rows.append(record)
            self.contact_of.setdefault(known.person.number, number)
            email = email_of(known)
            if email and email not in self.emails:
                self._claim(number, email)
            elif acts:
                late.append((record, known))
        for record, known in late:  # whoever sent a form is known by the address they gave
            for email in (known.person.work_email, known.person.free_email):
                if email not in self.emails:
                    self._claim(record.id, email)
                    break
        for record in rows:  # further addresses are as unique as the first one
            known = record.seed
            if has_more_email(known) and record.id in self._email_of and known.person.free_email not in self.emails:
                self.emails[known.person.free_email] = record.id
                self._more_of[record.id] = known.person.free_email
        return rows

    def email(self, contact: int) -> str:
        """The main address that a contact was seeded with."""
        return self._email_of.get(contact, "")

    def _claim(self, number: int, email: str) -> None:
        self.emails[email] = number
        self._email_of[number] = email

    def companies(self) -> list[Record]:
        rows: list[Record] = []
        for known in self.world.company_records("hubspot"):
            number = KINDS["companies"].first_id + STEP * known.number
            rows.append(Record(number, *company_times_of(self.world, known), known))
            self.company_of.setdefault(known.company.number, number)
        return rows

    def activities(self, kind: str) -> list[Record]:
        """Rows of calls, meetings, emails, notes or tasks."""
        first = KINDS[_TABLE_OF[kind]].first_id
        rows: list[Record] = []
        for place, act in enumerate(self._touches[kind], 1):
            logged = act.at + act.detail % 3_600_000
            rows.append(Record(first + STEP * place, logged, logged, act))
        return rows

    def company_id(self, known: KnownPerson) -> int | None:
        """The company record that a contact is tied to; some are tied to none."""
        if not chance(known.person.seed, f"hubspot tied {known.copy}", 0.85):
            return None
        return self.company_of.get(known.person.company.number)

    def contact_props(self, record: Record) -> dict[str, str]:
        known: KnownPerson = record.seed
        person = known.person
        seen = see(self.world, known)
        email = self._email_of.get(record.id, "")
        stage = STAGE_OF[seen.stage]
        size = next((label for limit, label in _EMPLOYEES if person.company.employees <= limit), "1000+")
        values: dict[str, str | None] = {
            "email": email,
            "hs_email_domain": email.partition("@")[2],
            "hs_additional_emails": self._more_of.get(record.id, ""),
            "firstname": seen.first,
            "lastname": seen.last,
            "jobtitle": seen.title,
            "phone": seen.phone,
            "mobilephone": seen.mobile,
            "company": seen.company,
            "website": seen.website,
            "city": seen.city,
            "state": seen.state,
            "zip": seen.zip,
            "country": seen.country,
            "industry": INDUSTRY_OF[seen.industry].replace("_", " ").title() if seen.industry else "",
            "numemployees": size if seen.industry else "",
            "hs_language": person.company.country.language,
            "lifecyclestage": stage,
            f"hs_lifecyclestage_{stage}_date": iso(record.created),
            "hs_lead_status": _lead_status(seen.stage, person.seed),
            "hubspot_owner_id": "" if seen.rep is None else owner_id(seen.rep),
            "hs_email_optout": "true" if seen.opted_out else "",
            "marketing_opt_out": "true" if seen.opted_out and chance(person.seed, "own opt-out", 0.7) else "",
            "consent_marketing": ("true" if not person.opted_out else "false")
            if chance(person.seed, "consent asked", 0.4)
            else "",
            "product_interest": seen.interest,
            "lead_origin": seen.source,
            "hs_analytics_source": _SOURCE_OF[seen.source],
            "hs_object_source": "IMPORT" if seen.source == "import" else "FORMS",
            **self._conversions(known),
            **self._mailed(known),
            **self._salesforce_ids(known),
        }
        return {name: value for name, value in values.items() if value}

    def _conversions(self, known: KnownPerson) -> dict[str, str]:
        acts = self.forms_of.get(known.person.number, []) if known.copy == 0 else []
        if not acts:
            return {}
        return {
            "num_conversion_events": str(len(acts)),
            "recent_conversion_event_name": FORM_NAMES[acts[-1].kind],
            "recent_conversion_date": iso(acts[-1].at),
            "first_conversion_date": iso(acts[0].at),
            "hs_analytics_num_visits": str(len(acts) + acts[0].detail % 5),
            "hs_analytics_num_page_views": str(3 * len(acts) + acts[0].detail % 40),
            "hs_analytics_last_timestamp": iso(acts[-1].at),
        }

    def _mailed(self, known: KnownPerson) -> dict[str, str]:
        """The counters of marketing e-mail; duplicates have none."""
        times: dict[str, list[int]] = {}
        for event in events_of(self.world, known.person) if known.copy == 0 else ():
            times.setdefault(event.kind, []).append(event.at)
        found: dict[str, str] = {}
        for kind, name in (("delivered", "delivered"), ("open", "open"), ("click", "click"), ("bounce", "bounce")):
            if kind in times:
                found[f"hs_email_{name}"] = str(len(times[kind]))
                if kind in ("open", "click"):
                    found[f"hs_email_last_{name}_date"] = iso(times[kind][-1])
        return found

    def _salesforce_ids(self, known: KnownPerson) -> dict[str, str]:
        """A half-hearted native sync once carried a few percent of the ids over."""
        if known.copy or not chance(known.person.seed, "hubspot knows salesforce", 0.06):
            return {}
        other = self.world.record_of.get(("salesforce", known.person.number))
        if other is None:
            return {}
        name = "salesforceleadid" if other.kind == "lead" else "salesforcecontactid"
        return {name: salesforce_id(SALESFORCE_PREFIX[other.kind], other.number)}

    def company_props(self, record: Record) -> dict[str, str]:
        known: KnownCompany = record.seed
        seen = see_company(self.world, known)
        stage = "customer" if seen.customer else "lead"
        values: dict[str, str | None] = {
            "name": seen.name,
            "domain": seen.domain,
            "website": f"https://www.{seen.domain}" if seen.domain else "",
            "phone": seen.phone,
            "city": seen.city,
            "state": seen.state,
            "zip": seen.zip,
            "country": seen.country,
            "hs_country_code": seen.country_code if seen.country else "",
            "industry": INDUSTRY_OF[seen.industry] if seen.industry else "",
            "numberofemployees": "" if seen.employees is None else str(seen.employees),
            "annualrevenue": "" if seen.revenue is None else str(seen.revenue),
            "company_currency": "" if seen.revenue is None else seen.currency,
            "lifecyclestage": stage,
            f"hs_lifecyclestage_{stage}_date": iso(record.created),
            "hubspot_owner_id": "" if seen.rep is None else owner_id(seen.rep),
            "hs_analytics_source": "OFFLINE",
        }
        return {name: value for name, value in values.items() if value}

    def activity_props(self, record: Record) -> dict[str, str]:
        act: Activity = record.seed
        person = act.person
        values: dict[str, str] = {"hs_timestamp": iso(act.at), "hubspot_owner_id": owner_id(act.rep)}
        first = person.first
        if act.kind == "call":
            outcome = call_outcome(act)
            values |= {
                "hs_call_title": f"Call with {first}",
                "hs_call_body": f"<p>{_topic(act)}</p>",
                "hs_call_direction": "INBOUND" if act.detail % 7 == 0 else "OUTBOUND",
                "hs_call_status": {
                    "connected": "COMPLETED",
                    "voicemail": "COMPLETED",
                    "no_answer": "NO_ANSWER",
                }.get(outcome, "BUSY"),
                "hs_call_duration": str(act.detail % 1500 * 1000 if outcome == "connected" else 0),
                "hs_call_disposition": _DISPOSITION[outcome],
                "hs_call_to_number": person.phone,
            }
        elif act.kind == "meeting":
            minutes = 15 * (2 + act.detail % 3)
            values |= {
                "hs_meeting_title": f"{_topic(act)} – {first}",
                "hs_meeting_body": _topic(act),
                "hs_meeting_start_time": iso(act.at),
                "hs_meeting_end_time": iso(act.at + minutes * 60_000),
                "hs_meeting_outcome": meeting_outcome(act).upper(),
            }
        elif act.kind == "email":
            coming = email_incoming(act)
            values |= {
                "hs_email_subject": f"{'Re: ' if coming else ''}{_topic(act)}",
                "hs_email_text": f"Hello {first}, {_topic(act)}.",
                "hs_email_direction": "INCOMING_EMAIL" if coming else "EMAIL",
                "hs_email_status": "SENT",
                "hs_email_to_email": "" if coming else person.work_email,
                "hs_email_from_email": person.work_email if coming else self.world.reps[act.rep].email,
            }
        elif act.kind == "note":
            values["hs_note_body"] = f"<p>{first}: {_topic(act)}</p>"
        else:
            done = task_done(act)
            values |= {
                "hs_timestamp": iso(act.at + act.detail % 5 * DAY),
                "hs_task_subject": f"Follow up with {first}",
                "hs_task_body": _topic(act),
                "hs_task_status": "COMPLETED" if done else "NOT_STARTED",
                "hs_task_priority": ("NONE", "LOW", "MEDIUM", "HIGH")[act.detail % 4],
                "hs_task_type": ("TODO", "CALL", "EMAIL")[act.detail % 3],
            }
        return {name: value for name, value in values.items() if value}


def _topic(act: Activity) -> str:
    words = ("Pricing question", "Intro", "Demo follow-up", "Integration details", "Contract", "Check-in")
    return words[act.detail // 128 % len(words)]


def _lead_status(stage: str, seed: int) -> str:
    if stage == "customer":
        return ""
    draw = fraction(seed, "hubspot status")
    if draw < 0.4:
        return ""
    if stage == "opportunity":
        return "OPEN_DEAL"
    return ("NEW", "OPEN", "IN_PROGRESS", "ATTEMPTED_TO_CONTACT", "CONNECTED", "UNQUALIFIED")[int(draw * 10) % 6]
