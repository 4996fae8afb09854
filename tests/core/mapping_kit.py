"""A small HubSpot and a small Salesforce as their schemas describe them, and a mapping that fits both."""

from __future__ import annotations

from core.errors import ConfigProblem
from core.mapping import Mapping, load_mapping
from core.mapping_structs import RemoteOption, RemoteSchemaField
from mappings import shipped

CONNECTIONS = {"hubspot": "hubspot", "salesforce": "salesforce"}

MAPPING = """\
[fields.email]
hubspot = { field = "email" }
salesforce = { field = "Email" }

[fields.job_title]
wins = ["salesforce", "hubspot"]
hubspot = { field = "jobtitle", direction = "both", write = "if_blank" }
salesforce = { lead = "Title", contact = "Title", direction = "both" }

[fields.opted_out]
hubspot = [{ field = "hs_email_optout" }, { field = "marketing_opt_out", direction = "both" }]
salesforce = { field = "HasOptedOutOfEmail", direction = "both" }

[fields.industry]
hubspot = { field = "industry", direction = "both" }
salesforce = { field = "Industry", direction = "both" }

[fields.employees]
hubspot = { field = "numberofemployees", direction = "both" }
salesforce = { field = "NumberOfEmployees", direction = "both" }

[fields.crm_stage]
hubspot = {}
salesforce = {}

[fields.owner_email]
hubspot = {}
salesforce = {}

[fields.contract_end]
type = "date"
label = "Contract until"
hubspot = { field = "contract_end", direction = "both" }

[fields.stage]
hubspot = { field = "crmhub_stage", direction = "push", create = true }
salesforce = { field = "crmhub_stage__c", direction = "push", create = true }

[fields.score]
hubspot = { field = "crmhub_score", direction = "push", create = true }
salesforce = { field = "crmhub_score__c", direction = "push", create = true }
"""


def load(text: str = MAPPING) -> tuple[Mapping | None, list[ConfigProblem]]:
    """Read a mapping.toml against the shipped mappings of both kinds."""
    return load_mapping(text, "mapping.toml", shipped(), CONNECTIONS)


def good(text: str = MAPPING) -> Mapping:
    """A mapping that must load without any problem."""
    mapping, problems = load(text)
    assert mapping is not None
    assert problems == []
    return mapping


def text(name: str, label: str = "", *, writable: bool = True, length: int | None = None) -> RemoteSchemaField:
    return RemoteSchemaField(name, label or name, "text", writable=writable, max_length=length)


def of(kind: str, name: str, *, writable: bool = True, custom: bool = False) -> RemoteSchemaField:
    return RemoteSchemaField(name, name, kind, writable=writable, custom=custom)


def option(
    name: str, *values: str, closed: bool = True, writable: bool = True, label: str = "", custom: bool = False
) -> RemoteSchemaField:
    options = tuple(RemoteOption(v, v.replace("_", " ").title()) for v in values)
    return RemoteSchemaField(name, label or name, "option", options, closed=closed, writable=writable, custom=custom)


def schemas() -> dict[tuple[str, str], list[RemoteSchemaField]]:
    """Fresh lists, for tests to change."""
    person = [text("Email"), text("Title", length=128), of("bool", "HasOptedOutOfEmail"), of("reference", "OwnerId")]
    return {
        ("hubspot", "contacts"): [
            RemoteSchemaField("email", "Email", "text", unique=True),
            text("firstname", "First Name"),
            text("jobtitle", "Job Title"),
            of("bool", "hs_email_optout", writable=False),
            of("bool", "marketing_opt_out", custom=True),
            of("date", "contract_end", custom=True),
            option("lifecyclestage", "subscriber", "lead", "marketingqualifiedlead", "customer", "other"),
            option("hubspot_owner_id"),
            option("product_interest", "analytics", "security", label="Product interest", custom=True),
        ],
        ("hubspot", "companies"): [
            text("name"),
            option("industry", "BANKING", "COMPUTER_SOFTWARE", "INTERNET", "LAW_PRACTICE", "RETAIL"),
            of("number", "numberofemployees"),
        ],
        ("salesforce", "leads"): [
            *person,
            text("FirstName"),
            text("Company"),
            option("Status", "Open - Not Contacted", "Working - Contacted", "Closed - Converted", closed=False),
            option("Product_Interest__c", "Platform", "Services", label="Product Interest", custom=True),
        ],
        ("salesforce", "contacts"): [
            *person,
            text("FirstName"),
            text("Account.Name", writable=False),
            option("Account.Type", "Prospect", "Customer - Direct", closed=False, writable=False),
            option("Product_Interest__c", "Platform", "Services", label="Product Interest", custom=True),
        ],
        ("salesforce", "accounts"): [
            text("Name"),
            option("Industry", "Banking", "Technology", "Retail", closed=False),
            of("number", "NumberOfEmployees"),
        ],
    }
