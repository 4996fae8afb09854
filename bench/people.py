"""Made-up contacts of 30 fields in HubSpot's shape: what the server renders and what the mapping names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

#: id of the first contact; they count up from here
FIRST_ID = 1_000_001
#: when the account was filled: long ago, so that no contact lies inside a search overlap (ms)
FILLED_AT = 1_740_000_000_000

_FIRST = ("Anna", "Björn", "Chloé", "David", "Elena", "Farid", "Grace", "Hugo", "Inès", "Jan", "Kenji", "Lucía")
_LAST = ("Almeida", "Berg", "Costa", "Dupont", "Eriksen", "Fischer", "García", "Hoffmann", "Ito", "Jansen", "Kowalski")
_TITLES = ("Head of Marketing", "Sales Manager", "CTO", "Buyer", "Operations Director", "Founder", "Data Engineer")
_CITIES = (("Lyon", "FR"), ("Berlin", "DE"), ("Porto", "PT"), ("Leeds", "GB"), ("Austin", "US"), ("Kraków", "PL"))
_STAGES = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "customer")
_SOURCES = ("ORGANIC_SEARCH", "PAID_SEARCH", "REFERRALS", "DIRECT_TRAFFIC", "EMAIL_MARKETING")
_STATUSES = ("NEW", "OPEN", "IN_PROGRESS", "CONNECTED", "BAD_TIMING")
_INDUSTRIES = ("BANKING", "COMPUTER_SOFTWARE", "HOSPITALITY", "INSURANCE", "RETAIL", "MACHINERY")
_LANGUAGES = ("en", "fr", "de", "pl", "pt")
_PERSONAS = ("persona_1", "persona_2", "persona_3")


@dataclass(frozen=True, slots=True)
class Property:
    """A HubSpot property and how mapping.toml declares it: standard fields have no `own` type."""

    remote: str
    canonical: str
    kind: str  # HubSpot's (type/fieldType)
    own: str | None = None
    options: tuple[str, ...] = ()


PROPERTIES = (
    Property("email", "email", "string/text"),
    Property("firstname", "first_name", "string/text"),
    Property("lastname", "last_name", "string/text"),
    Property("phone", "phone", "string/phonenumber"),
    Property("mobilephone", "mobile", "string/phonenumber"),
    Property("jobtitle", "job_title", "string/text"),
    Property("company", "company_name", "string/text"),
    Property("industry", "company_industry", "enumeration/select", options=_INDUSTRIES),
    Property("annualrevenue", "company_revenue", "number/number"),
    Property("country", "country", "string/text"),
    Property("city", "city", "string/text"),
    Property("state", "state", "string/text"),
    Property("zip", "postal_code", "string/text"),
    Property("hs_analytics_source", "lead_source", "enumeration/select", options=_SOURCES),
    Property("hs_lead_status", "lead_status", "enumeration/radio", options=_STATUSES),
    Property("hs_email_optout", "opted_out", "bool/booleancheckbox"),
    Property("lifecyclestage", "crm_stage", "enumeration/radio", options=_STAGES),
    Property("hubspot_owner_id", "owner_email", "enumeration/select"),
    Property("address", "street", "string/text", "text"),
    Property("website", "website", "string/text", "text"),
    Property("salutation", "salutation", "string/text", "text"),
    Property("hs_language", "language", "enumeration/select", "option", _LANGUAGES),
    Property("hs_persona", "persona", "enumeration/radio", "option", _PERSONAS),
    Property("numemployees", "team_size", "number/number", "number"),
    Property("num_associated_deals", "deals", "number/number", "number"),
    Property("date_of_birth", "born", "date/date", "date"),
    Property("closedate", "closed", "datetime/date", "datetime"),
    Property("recent_conversion_date", "converted", "datetime/date", "datetime"),
    Property("hs_linkedin_url", "linkedin", "string/text", "text"),
    Property("message", "message", "string/textarea", "text"),
)
NAMES = tuple(p.remote for p in PROPERTIES)


def iso(ms: int) -> str:
    """HubSpot's form of a time."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _pick(values: tuple[Any, ...], n: int) -> Any:
    return values[n % len(values)]


def values(n: int, changed: int = 0) -> dict[str, str | None]:
    """The 30 fields of contact number `n`; a few are blank, as they are in life. `changed`: how often it was edited."""
    first, last = _pick(_FIRST, n), _pick(_LAST, n // 7)
    city, country = _pick(_CITIES, n // 5)
    title = _pick(_TITLES, n // 3)
    return {
        "email": f"{first}.{last}.{n}@example-{n % 5000}.com".lower(),
        "firstname": first,
        "lastname": last,
        "phone": f"+33 1 {n % 100:02} {n // 100 % 100:02} {n // 10_000 % 100:02} 40",
        "mobilephone": None if n % 3 else f"+33 6 {n % 100:02} {n // 100 % 100:02} {n // 10_000 % 100:02} 41",
        "jobtitle": f"{title} (edit {changed})" if changed else title,
        "company": f"Example {n % 5000} {_pick(('GmbH', 'SAS', 'Ltd', 'Inc.'), n)}",
        "industry": _pick(_INDUSTRIES, n // 11),
        "annualrevenue": None if n % 4 else str(100_000 + n % 900 * 1000),
        "country": country,
        "city": city,
        "state": "" if n % 2 else "Region",
        "zip": f"{n % 90_000 + 10_000}",
        "hs_analytics_source": _pick(_SOURCES, n // 2),
        "hs_lead_status": _pick(_STATUSES, n // 13),
        "hs_email_optout": "true" if n % 40 == 0 else "false",
        "lifecyclestage": _pick(_STAGES, n // 17),
        "hubspot_owner_id": str(7_000_000 + n % 12),
        "address": f"{n % 200 + 1} rue de l'Exemple",
        "website": f"https://www.example-{n % 5000}.com",
        "salutation": None if n % 5 else "Dr",
        "hs_language": _pick(_LANGUAGES, n // 19),
        "hs_persona": _pick(_PERSONAS, n // 23),
        "numemployees": str(n % 5000 + changed),
        "num_associated_deals": str(n % 3),
        "date_of_birth": f"{1950 + n % 50}-{n % 12 + 1:02}-{n % 28 + 1:02}",
        "closedate": None if n % 6 else iso(FILLED_AT - n % 1000 * 3_600_000),
        "recent_conversion_date": iso(FILLED_AT - n % 700 * 3_600_000),
        "hs_linkedin_url": None if n % 2 else f"https://www.linkedin.com/in/{first}-{last}-{n}".lower(),
        "message": f"I saw your product at the fair and have question {n} about the price for {n % 90} seats.",
    }


def modified_at(n: int) -> int:
    """When contact `n` was last edited in the account as filled (ms)."""
    return FILLED_AT + n * 37


def record(n: int, *, linked: bool, changed: int = 0, at: int | None = None) -> dict[str, Any]:
    """Contact `n` as list and search show it. `linked`: with what our connector asks for beside the 30 fields."""
    remote_id = str(FIRST_ID + n)
    created, modified = iso(FILLED_AT - 86_400_000 - n * 11), iso(modified_at(n) if at is None else at)
    properties = values(n, changed)
    properties |= {"createdate": created, "hs_object_id": remote_id, "lastmodifieddate": modified}
    if linked:
        properties |= {"associatedcompanyid": str(company_of(n)), "hs_merged_object_ids": None}
    return {
        "id": remote_id,
        "properties": dict(sorted(properties.items())),
        "createdAt": created,
        "updatedAt": modified,
        "archived": False,
    }


def company_of(n: int) -> int:
    """Id of the company of contact `n`."""
    return 5_000_001 + n % 5000


def rendered(n: int, *, linked: bool, changed: int = 0, at: int | None = None, inline: bool = False) -> bytes:
    """The same as JSON. `inline`: with its company, as a list shows it when associations are asked for."""
    found = record(n, linked=linked, changed=changed, at=at)
    if inline:
        company = str(company_of(n))
        kinds = ("contact_to_company", "contact_to_company_unlabeled")
        found["associations"] = {"companies": {"results": [{"id": company, "type": kind} for kind in kinds]}}
    return orjson.dumps(found)


def described() -> bytes:
    """The properties as HubSpot's schema endpoint describes them."""
    found = []
    for p in PROPERTIES:
        kind, _, field_kind = p.kind.partition("/")
        options = [
            {"label": o.replace("_", " ").capitalize(), "value": o, "displayOrder": i, "hidden": False}
            for i, o in enumerate(p.options)
        ]
        found.append(
            {
                "name": p.remote,
                "label": p.remote,
                "description": "",
                "groupName": "contactinformation",
                "type": kind,
                "fieldType": field_kind,
                "options": options,
                "hubspotDefined": True,
            }
        )
    return orjson.dumps({"results": found})


def mapping_toml() -> str:
    """A user's mapping.toml that syncs the 30 fields."""
    blocks = []
    for p in PROPERTIES:
        own = f'type = "{p.own}"\n' if p.own else ""
        place = f'{{ contact = "{p.remote}" }}'
        blocks.append(f"[fields.{p.canonical}]\n{own}hubspot = {place}\n")
        if p.own and p.options:
            table = "\n".join(f'{o.lower()} = "{o}"' for o in p.options)
            blocks.append(f"[options.{p.canonical}.hubspot]\n{table}\n")
    return "\n".join(blocks)
