"""Opportunity, who has a part in it, and the stages it goes through."""

from crmhub.sandbox.salesforce.schema.field import (
    area,
    computed,
    day,
    flag,
    moment,
    number,
    picklist,
    read_only,
    reference,
    text,
)
from crmhub.sandbox.salesforce.schema.object import Child, ObjectType
from crmhub.sandbox.salesforce.schema.people import LEAD_SOURCES
from crmhub.sandbox.salesforce.schema.system import audit_fields, by_name, id_field, record_fields

# name: (probability, forecast category, closed, won), in the order of a new org
STAGES: dict[str, tuple[int, str, bool, bool]] = {
    "Prospecting": (10, "Pipeline", False, False),
    "Qualification": (10, "Pipeline", False, False),
    "Needs Analysis": (20, "Pipeline", False, False),
    "Value Proposition": (50, "Pipeline", False, False),
    "Id. Decision Makers": (60, "Pipeline", False, False),
    "Perception Analysis": (70, "Pipeline", False, False),
    "Proposal/Price Quote": (75, "Pipeline", False, False),
    "Negotiation/Review": (90, "Pipeline", False, False),
    "Closed Won": (100, "Closed", True, True),
    "Closed Lost": (0, "Omitted", True, False),
}
FORECAST_NAMES = {
    "Omitted": "Omitted", "Pipeline": "Pipeline", "BestCase": "Best Case", "Forecast": "Commit", "Closed": "Closed",
}  # fmt: skip
ROLES = (
    "Business User|Decision Maker|Economic Buyer|Economic Decision Maker|Evaluator|Executive Sponsor|Influencer|"
    "Technical Buyer|Other"
)
RECORD_TYPES = (("New_Business", "New Business"), ("Renewal", "Renewal"))
"""Kinds of opportunity, as orgs use them for what others call pipelines; the first one is the default."""
TYPES = "Existing Customer - Upgrade|Existing Customer - Replacement|New Customer"


def opportunity() -> ObjectType:
    """A deal. IsClosed, IsWon, ForecastCategory and, unless given, Probability follow StageName."""
    names, categories = "|".join(FORECAST_NAMES.values()), "|".join(FORECAST_NAMES)
    fields = [
        *record_fields(),
        reference("AccountId", "Account ID", "Account"),
        text("Name", "Name", 120, nillable=False, name_field=True, permissionable=False),
        area("Description", "Description"),
        picklist("StageName", "Stage", "|".join(STAGES), nillable=False, permissionable=False),
        number("Amount", "Amount", "currency", 18, 2),
        number("Probability", "Probability (%)", "percent", 3, 0),
        computed(number("ExpectedRevenue", "Expected Amount", "currency", 18, 2)),
        number("TotalOpportunityQuantity", "Quantity", "double", 18, 2),
        day("CloseDate", "Close Date", nillable=False, permissionable=False),
        picklist("Type", "Opportunity Type", TYPES),
        text("NextStep", "Next Step"),
        picklist("LeadSource", "Lead Source", LEAD_SOURCES),
        read_only(flag("IsClosed", "Closed")),
        read_only(flag("IsWon", "Won")),
        read_only(picklist("ForecastCategory", "Forecast Category", categories, nillable=False, restricted=True)),
        picklist("ForecastCategoryName", "Forecast Category", names, restricted=True),
        reference("CampaignId", "Campaign ID", "Campaign"),
        reference("RecordTypeId", "Record Type ID", "RecordType", permissionable=False),
        read_only(flag("HasOpportunityLineItem", "Has Line Item")),
        flag("IsPrivate", "Private", permissionable=False),
        reference("OwnerId", "Owner ID", "User", nillable=False, default="", permissionable=False),
        read_only(day("LastActivityDate", "Last Activity")),
        read_only(moment("LastStageChangeDate", "Last Stage Change Date")),
        computed(number("FiscalQuarter", "Fiscal Quarter", "int", 9, 0)),
        computed(number("FiscalYear", "Fiscal Year", "int", 9, 0)),
        computed(text("Fiscal", "Fiscal Period", 6)),
    ]
    children = (
        Child("OpportunityContactRoles", "OpportunityContactRole", "OpportunityId"),
        Child("Tasks", "Task", "WhatId"),
        Child("Events", "Event", "WhatId"),
    )
    return ObjectType("Opportunity", "Opportunity", "Opportunities", "006", by_name(fields), children)


def opportunity_contact_role() -> ObjectType:
    """A contact's part in an opportunity; at most one is the primary one."""
    fields = [
        *record_fields(),
        reference(
            "OpportunityId", "Opportunity ID", "Opportunity", nillable=False, updateable=False, permissionable=False
        ),
        reference("ContactId", "Contact ID", "Contact", nillable=False, permissionable=False),
        picklist("Role", "Role", ROLES),
        flag("IsPrimary", "Primary", permissionable=False),
    ]
    return ObjectType(
        "OpportunityContactRole", "Opportunity Contact Role", "Opportunity Contact Role", "00K", by_name(fields)
    )


def opportunity_stage() -> ObjectType:
    """One value of Opportunity.StageName and what it stands for."""
    names, categories = "|".join(FORECAST_NAMES.values()), "|".join(FORECAST_NAMES)
    fields = [
        id_field(),
        text("MasterLabel", "Master Label", 255, permissionable=False),
        text("ApiName", "API Name", 255, permissionable=False),
        flag("IsActive", "Is Active", permissionable=False),
        number("SortOrder", "Sort Order", permissionable=False),
        flag("IsClosed", "Closed", permissionable=False),
        flag("IsWon", "Won", permissionable=False),
        picklist("ForecastCategory", "Forecast Category", categories, permissionable=False),
        picklist("ForecastCategoryName", "Forecast Category Name", names, permissionable=False),
        number("DefaultProbability", "Probability (%)", "percent", 3, 0, permissionable=False),
        text("Description", "Description", 255, permissionable=False),
        *audit_fields(),
    ]
    return ObjectType(
        "OpportunityStage", "Opportunity Stage", "Opportunity Stage", "01J", by_name(fields), createable=False,
        updateable=False, deletable=False, binned=False, replicateable=False,
    )  # fmt: skip
