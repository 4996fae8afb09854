"""Lead, Contact, Account: fields, lengths and picklists of a freshly made org with a few custom fields."""

from dataclasses import replace

from crmhub.sandbox.salesforce.schema.field import (
    Field,
    address,
    area,
    day,
    email,
    flag,
    moment,
    number,
    phone,
    picklist,
    read_only,
    reference,
    text,
)
from crmhub.sandbox.salesforce.schema.object import Child, ObjectType
from crmhub.sandbox.salesforce.schema.system import by_name, record_fields

INDUSTRIES = (
    "Agriculture|Apparel|Banking|Biotechnology|Chemicals|Communications|Construction|Consulting|Education|"
    "Electronics|Energy|Engineering|Entertainment|Environmental|Finance|Food & Beverage|Government|Healthcare|"
    "Hospitality|Insurance|Machinery|Manufacturing|Media|Not For Profit|Recreation|Retail|Shipping|Technology|"
    "Telecommunications|Transportation|Utilities|Other"
)
LEAD_SOURCES = "Web|Phone Inquiry|Partner Referral|Purchased List|Other"
LEAD_STATUSES = "*Open - Not Contacted|Working - Contacted|Closed - Converted|Closed - Not Converted"
SALUTATIONS = "Mr.|Ms.|Mrs.|Dr.|Prof.|Mx."
PRODUCTS = "Analytics|Automation|Integration|Security"


def _person() -> list[Field]:
    return [
        text("LastName", "Last Name", 80, nillable=False, permissionable=False),
        text("FirstName", "First Name", 40),
        picklist("Salutation", "Salutation", SALUTATIONS),
        read_only(text("Name", "Full Name", 121, nillable=False, name_field=True)),
        text("Title", "Title", 128),
    ]


def _address(prefix: str, label: str) -> list[Field]:
    lead = f"{label} " if label else ""
    return [
        area(f"{prefix}Street", f"{lead}Street", 255),
        text(f"{prefix}City", f"{lead}City", 40),
        text(f"{prefix}State", f"{lead}State/Province", 80),
        text(f"{prefix}PostalCode", f"{lead}Zip/Postal Code", 20),
        text(f"{prefix}Country", f"{lead}Country", 80),
        number(f"{prefix}Latitude", f"{lead}Latitude", "double", 18, 15),
        number(f"{prefix}Longitude", f"{lead}Longitude", "double", 18, 15),
        picklist(
            f"{prefix}GeocodeAccuracy",
            f"{lead}Geocode Accuracy",
            "Address|Street|Zip|City|State",
            restricted=True,
        ),
        address(f"{prefix}Address", f"{lead}Address", prefix),
    ]


def _activity_children() -> tuple[Child, ...]:
    return Child("Tasks", "Task", "WhoId"), Child("Events", "Event", "WhoId")


def _bounce() -> list[Field]:
    return [
        text("EmailBouncedReason", "Email Bounced Reason"),
        moment("EmailBouncedDate", "Email Bounced Date"),
    ]


def _custom(field: Field) -> Field:
    return replace(field, custom=True)


def _product_interest() -> Field:
    return _custom(picklist("Product_Interest__c", "Product Interest", PRODUCTS, restricted=True))


def _hubspot_id() -> Field:
    return _custom(text("HubSpot_Contact_ID__c", "HubSpot Contact ID", 40))


def lead() -> ObjectType:
    """Company is required; the owner is a user or a queue; read-only once converted."""
    fields = [
        *record_fields(),
        reference("MasterRecordId", "Master Record ID", "Lead", createable=False, updateable=False),
        *_person(),
        text("Company", "Company", 255, nillable=False, permissionable=False),
        *_address("", ""),
        phone("Phone", "Phone"),
        phone("MobilePhone", "Mobile Phone"),
        phone("Fax", "Fax"),
        email("Email", "Email"),
        Field("Website", "url", "Website", length=255),
        area("Description", "Description"),
        picklist("LeadSource", "Lead Source", LEAD_SOURCES),
        picklist(
            "Status",
            "Status",
            LEAD_STATUSES,
            nillable=False,
            default="Open - Not Contacted",
            permissionable=False,
        ),
        picklist("Industry", "Industry", INDUSTRIES),
        picklist("Rating", "Rating", "Hot|Warm|Cold"),
        number("AnnualRevenue", "Annual Revenue", "currency", 18, 0),
        number("NumberOfEmployees", "Employees", "int", 8, 0),
        reference("OwnerId", "Owner ID", "Group User", nillable=False, default="", permissionable=False),
        flag("HasOptedOutOfEmail", "Email Opt Out"),
        flag("HasOptedOutOfFax", "Fax Opt Out"),
        flag("DoNotCall", "Do Not Call"),
        flag("IsConverted", "Converted", updateable=False, permissionable=False),
        read_only(day("ConvertedDate", "Converted Date")),
        read_only(reference("ConvertedAccountId", "Converted Account ID", "Account")),
        read_only(reference("ConvertedContactId", "Converted Contact ID", "Contact")),
        read_only(reference("ConvertedOpportunityId", "Converted Opportunity ID", "Opportunity")),
        flag("IsUnreadByOwner", "Unread By Owner", permissionable=False),
        read_only(day("LastActivityDate", "Last Activity")),
        *_bounce(),
        _product_interest(),
        _hubspot_id(),
        _custom(picklist("Budget_Confirmed__c", "Budget Confirmed", "Yes|No|Unknown")),
    ]
    return ObjectType("Lead", "Lead", "Leads", "00Q", by_name(fields), _activity_children(), mergeable=True)


def contact() -> ObjectType:
    """Belongs to an account, or to none (a private contact)."""
    fields = [
        *record_fields(),
        reference("MasterRecordId", "Master Record ID", "Contact", createable=False, updateable=False),
        reference("AccountId", "Account ID", "Account"),
        *_person(),
        *_address("Mailing", "Mailing"),
        *_address("Other", "Other"),
        phone("Phone", "Business Phone"),
        phone("Fax", "Business Fax"),
        phone("MobilePhone", "Mobile Phone"),
        phone("HomePhone", "Home Phone"),
        phone("OtherPhone", "Other Phone"),
        text("AssistantName", "Assistant's Name", 40),
        phone("AssistantPhone", "Asst. Phone"),
        reference("ReportsToId", "Reports To ID", "Contact"),
        email("Email", "Email"),
        text("Department", "Department", 80),
        picklist("LeadSource", "Lead Source", LEAD_SOURCES),
        day("Birthdate", "Birthdate"),
        area("Description", "Contact Description"),
        reference("OwnerId", "Owner ID", "User", nillable=False, default="", permissionable=False),
        flag("HasOptedOutOfEmail", "Email Opt Out"),
        flag("HasOptedOutOfFax", "Fax Opt Out"),
        flag("DoNotCall", "Do Not Call"),
        read_only(flag("IsEmailBounced", "Is Email Bounced")),
        read_only(day("LastActivityDate", "Last Activity")),
        *_bounce(),
        _product_interest(),
        _hubspot_id(),
    ]
    children = (*_activity_children(), Child("Contacts", "Contact", "ReportsToId"))
    return ObjectType("Contact", "Contact", "Contacts", "003", by_name(fields), children, mergeable=True)


def account() -> ObjectType:
    """A company; Type tells prospects from customers."""
    types = (
        "Prospect|Customer - Direct|Customer - Channel|Channel Partner / Reseller|Installation Partner|"
        "Technology Partner|Other"
    )
    fields = [
        *record_fields(),
        reference("MasterRecordId", "Master Record ID", "Account", createable=False, updateable=False),
        text("Name", "Account Name", 255, nillable=False, name_field=True, permissionable=False),
        picklist("Type", "Account Type", types),
        reference("ParentId", "Parent Account ID", "Account"),
        *_address("Billing", "Billing"),
        *_address("Shipping", "Shipping"),
        phone("Phone", "Account Phone"),
        phone("Fax", "Account Fax"),
        Field("Website", "url", "Website", length=255),
        picklist("Industry", "Industry", INDUSTRIES),
        number("AnnualRevenue", "Annual Revenue", "currency", 18, 0),
        number("NumberOfEmployees", "Employees", "int", 8, 0),
        area("Description", "Account Description"),
        picklist("Rating", "Account Rating", "Hot|Warm|Cold"),
        picklist("AccountSource", "Account Source", LEAD_SOURCES),
        reference("OwnerId", "Owner ID", "User", nillable=False, default="", permissionable=False),
        read_only(day("LastActivityDate", "Last Activity")),
    ]
    children = (
        Child("Contacts", "Contact", "AccountId"),
        Child("Opportunities", "Opportunity", "AccountId"),
        Child("ChildAccounts", "Account", "ParentId"),
        Child("Tasks", "Task", "WhatId"),
        Child("Events", "Event", "WhatId"),
    )
    return ObjectType("Account", "Account", "Accounts", "001", by_name(fields), children, mergeable=True)
