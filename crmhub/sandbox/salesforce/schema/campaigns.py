"""Campaign, its members, and the statuses a member can have."""

from dataclasses import replace

from crmhub.sandbox.campaigns import STATUSES
from crmhub.sandbox.salesforce.schema.field import (
    area,
    computed,
    day,
    email,
    flag,
    number,
    phone,
    picklist,
    read_only,
    reference,
    text,
)
from crmhub.sandbox.salesforce.schema.object import Child, ObjectType
from crmhub.sandbox.salesforce.schema.people import LEAD_SOURCES
from crmhub.sandbox.salesforce.schema.system import by_name, record_fields

TYPES = (
    "Conference|Webinar|Trade Show|Public Relations|Partners|Referral Program|Advertisement|Banner Ads|Direct Mail|"
    "Email|Telemarketing|Content|Other"
)
MEMBER_STATUSES = "|".join(
    dict.fromkeys(["Sent", "Responded", *(label for ways in STATUSES.values() for label, _ in ways)])
)
"""Describe lists the statuses of all campaigns."""
PERSON = (
    text("Salutation", "Salutation", 40), text("FirstName", "First Name", 40), text("LastName", "Last Name", 80),
    text("Title", "Title", 128), area("Street", "Street", 255), text("City", "City", 40),
    text("State", "State/Province", 80), text("PostalCode", "Zip/Postal Code", 20), text("Country", "Country", 80),
    email("Email", "Email", id_lookup=False), phone("Phone", "Phone"), phone("MobilePhone", "Mobile"),
    phone("Fax", "Fax"), area("Description", "Description"), picklist("LeadSource", "Lead Source", LEAD_SOURCES),
    flag("DoNotCall", "Do Not Call"), flag("HasOptedOutOfEmail", "Email Opt Out"),
    flag("HasOptedOutOfFax", "Fax Opt Out"),
)  # fmt: skip
"""Fields of a member that are those of the lead or contact behind it."""
COUNTS = (
    ("NumberOfLeads", "Leads in Campaign", "int"),
    ("NumberOfConvertedLeads", "Converted Leads in Campaign", "int"),
    ("NumberOfContacts", "Contacts in Campaign", "int"),
    ("NumberOfResponses", "Responses in Campaign", "int"),
    ("NumberOfOpportunities", "Opportunities in Campaign", "int"),
    ("NumberOfWonOpportunities", "Won Opportunities in Campaign", "int"),
    ("AmountAllOpportunities", "Value Opportunities in Campaign", "currency"),
    ("AmountWonOpportunities", "Value Won Opportunities in Campaign", "currency"),
)


def campaign() -> ObjectType:
    """Something people are invited to or answer. Its counts are summed up whenever they are read."""
    fields = [
        *record_fields(),
        text("Name", "Name", 80, nillable=False, name_field=True, permissionable=False),
        reference("ParentId", "Parent Campaign ID", "Campaign"),
        picklist("Type", "Type", TYPES),
        picklist("Status", "Status", "*Planned|In Progress|Completed|Aborted"),
        day("StartDate", "Start Date"),
        day("EndDate", "End Date"),
        number("ExpectedRevenue", "Expected Revenue", "currency", 18, 0),
        number("BudgetedCost", "Budgeted Cost", "currency", 18, 0),
        number("ActualCost", "Actual Cost", "currency", 18, 0),
        number("ExpectedResponse", "Expected Response (%)", "percent", 8, 2),
        number("NumberSent", "Num Sent", "double", 18, 0),
        flag("IsActive", "Active"),
        area("Description", "Description"),
        *(computed(number(name, label, kind, 18 if kind == "currency" else 9, 0)) for name, label, kind in COUNTS),
        reference("OwnerId", "Owner ID", "User", nillable=False, default="", permissionable=False),
        read_only(day("LastActivityDate", "Last Activity")),
    ]
    children = (
        Child("CampaignMembers", "CampaignMember", "CampaignId"),
        Child("CampaignMemberStatuses", "CampaignMemberStatus", "CampaignId"),
        Child("ChildCampaigns", "Campaign", "ParentId"),
        Child("Opportunities", "Opportunity", "CampaignId"),
        Child("Tasks", "Task", "WhatId"),
        Child("Events", "Event", "WhatId"),
    )
    return ObjectType("Campaign", "Campaign", "Campaigns", "701", by_name(fields), children)


def campaign_member() -> ObjectType:
    """A lead or contact in a campaign; after the lead's conversion the same row names both."""
    fields = [
        *record_fields(),
        reference("CampaignId", "Campaign ID", "Campaign", nillable=False, updateable=False, permissionable=False),
        reference("LeadId", "Lead ID", "Lead", updateable=False, permissionable=False),
        reference("ContactId", "Contact ID", "Contact", updateable=False, permissionable=False),
        picklist("Status", "Status", MEMBER_STATUSES, permissionable=False),
        read_only(flag("HasResponded", "Responded")),
        read_only(day("FirstRespondedDate", "First Responded Date")),
        text("Name", "Name", 121, createable=False, updateable=False, name_field=True, permissionable=False),
        *(read_only(field) for field in PERSON),
        read_only(text("CompanyOrAccount", "Company (Account)", 255)),
        read_only(picklist("Type", "Type", "Contact|Lead")),
        # describe calls it a reference, but no relationship leads on from it
        read_only(replace(reference("LeadOrContactId", "Related Record ID", "Contact Lead"), relationship=None)),
        read_only(reference("LeadOrContactOwnerId", "Related Record Owner ID", "Group User")),
    ]
    return ObjectType("CampaignMember", "Campaign Member", "Campaign Members", "00v", by_name(fields))


def campaign_member_status() -> ObjectType:
    """A status of one campaign's members and whether it counts as a response."""
    fields = [
        *record_fields(),
        reference("CampaignId", "Campaign ID", "Campaign", nillable=False, updateable=False, permissionable=False),
        text("Label", "Label", 765, nillable=False, permissionable=False),
        number("SortOrder", "Sort Order", "int", 9, 0, permissionable=False),
        flag("IsDefault", "Is Default", permissionable=False),
        flag("HasResponded", "Responded", permissionable=False),
    ]
    return ObjectType(
        "CampaignMemberStatus", "Campaign Member Status", "Campaign Member Status", "01Y", by_name(fields)
    )
