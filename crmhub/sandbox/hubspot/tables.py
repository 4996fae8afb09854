"""The default properties of a HubSpot portal, plus the few custom ones of ours. Data, and its reader.

A line is `name|label|type|fieldType|flags|options`; flags: r read-only value, c calculated, u unique,
x custom (made in this portal), f usable in forms. Options: a set named with `@`, or `value=Label;...`.
"""

from __future__ import annotations

from crmhub.sandbox.hubspot.schema import Option, Property

STAGES: tuple[str, ...] = (
    "subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer",
    "evangelist", "other",
)  # fmt: skip

OPTION_SETS: dict[str, str] = {
    "stage": (
        "subscriber=Subscriber;lead=Lead;marketingqualifiedlead=Marketing Qualified Lead;"
        "salesqualifiedlead=Sales Qualified Lead;opportunity=Opportunity;customer=Customer;"
        "evangelist=Evangelist;other=Other"
    ),
    "lead_status": (
        "NEW=New;OPEN=Open;IN_PROGRESS=In Progress;OPEN_DEAL=Open Deal;UNQUALIFIED=Unqualified;"
        "ATTEMPTED_TO_CONTACT=Attempted to Contact;CONNECTED=Connected;BAD_TIMING=Bad Timing"
    ),
    "industry": (
        "ACCOUNTING;AUTOMOTIVE;BANKING;BIOTECHNOLOGY;CHEMICALS;COMPUTER_HARDWARE;COMPUTER_SOFTWARE;"
        "CONSTRUCTION;CONSUMER_GOODS;DESIGN;EDUCATION_MANAGEMENT;FINANCIAL_SERVICES;FOOD_BEVERAGES;"
        "GOVERNMENT_ADMINISTRATION;HIGHER_EDUCATION;HOSPITAL_HEALTH_CARE;HUMAN_RESOURCES;INSURANCE;"
        "INFORMATION_TECHNOLOGY_AND_SERVICES;INTERNET;LAW_PRACTICE;LOGISTICS_AND_SUPPLY_CHAIN;MACHINERY;"
        "MANAGEMENT_CONSULTING;MARKETING_AND_ADVERTISING;MECHANICAL_OR_INDUSTRIAL_ENGINEERING;"
        "MEDIA_PRODUCTION;NON_PROFIT_ORGANIZATION_MANAGEMENT;REAL_ESTATE;RETAIL;TELECOMMUNICATIONS;"
        "TRANSPORTATION_TRUCKING_RAILROAD;UTILITIES;WHOLESALE"
    ),
    "source": (
        "ORGANIC_SEARCH=Organic Search;PAID_SEARCH=Paid Search;EMAIL_MARKETING=Email Marketing;"
        "SOCIAL_MEDIA=Organic Social;REFERRALS=Referrals;OTHER_CAMPAIGNS=Other Campaigns;"
        "DIRECT_TRAFFIC=Direct Traffic;OFFLINE=Offline Sources;PAID_SOCIAL=Paid Social;"
        "AI_REFERRALS=AI Referrals"
    ),
    "bool": "true=True;false=False",
    "yes_no": "true=Yes;false=No",
    "role": (
        "BUDGET_HOLDER=Budget Holder;BLOCKER=Blocker;CHAMPION=Champion;DECISION_MAKER=Decision Maker;"
        "END_USER=End User;EXECUTIVE_SPONSOR=Executive Sponsor;INFLUENCER=Influencer;OTHER=Other"
    ),
    "call_status": ("COMPLETED;BUSY;NO_ANSWER;FAILED;CANCELED;QUEUED;RINGING;IN_PROGRESS;CONNECTING;CALLING_CRM_USER"),
    "disposition": (
        "f240bbac-87c9-4f6e-bf70-924b57d47db7=Connected;73a0d17f-1163-4015-bdd5-ec830791da20=No answer;"
        "b2cf5968-551e-4856-9783-52b3da59a7d0=Left voicemail;"
        "a4c4c377-d246-4b32-a13b-75a56a4cd0ff=Left live message;"
        "9d9162e7-6cf3-4944-bf63-4dff82258764=Busy;17b47fee-58de-441e-a44c-c6300d46f273=Wrong number"
    ),
    "hs_legal_basis": ("Legitimate interest – prospect/lead;Freely given consent from contact;Not applicable"),
    "product_interest": ("analytics=Analytics;automation=Automation;integration=Integration;security=Security"),
    "lead_origin": ("web=Web;event=Event;referral=Referral;import=Import;outbound=Outbound"),
    "hs_meeting_outcome": (
        "SCHEDULED=Scheduled;COMPLETED=Completed;RESCHEDULED=Rescheduled;NO_SHOW=No Show;CANCELED=Canceled"
    ),
    "hs_task_status": (
        "NOT_STARTED=Not started;IN_PROGRESS=In progress;WAITING=Waiting;COMPLETED=Completed;DEFERRED=Deferred"
    ),
    "hs_email_direction": ("EMAIL=Email;INCOMING_EMAIL=Incoming Email;FORWARDED_EMAIL=Forwarded Email"),
}

_STAGE_DATES = "\n".join(f"hs_lifecyclestage_{stage}_date|Became a {stage} date|datetime|date|r|" for stage in STAGES)
_COMMON = """
hs_object_id|Record ID|number|number|r|
hs_createdate|Object create date/time|datetime|date|r|
hubspot_owner_id|Owner|enumeration|select|o|
hubspot_team_id|Team|enumeration|select|r|
hs_merged_object_ids|Merged object IDs|enumeration|checkbox|r|
hs_created_by_user_id|Created by user ID|number|number|r|
hs_object_source|Record creation source|string|text|r|
hs_object_source_label|Record source|enumeration|select|r|
"""

CONTACTS = f"""
email|Email|string|text|f|
firstname|First Name|string|text|f|
lastname|Last Name|string|text|f|
salutation|Salutation|string|text|f|
jobtitle|Job Title|string|text|f|
hs_role|Employment Role|string|text||
hs_seniority|Employment Seniority|string|text||
phone|Phone Number|string|phonenumber|f|
mobilephone|Mobile Phone Number|string|phonenumber|f|
fax|Fax Number|string|text|f|
company|Company Name|string|text|f|
website|Website URL|string|text|f|
address|Street Address|string|text|f|
city|City|string|text|f|
state|State/Region|string|text|f|
zip|Postal Code|string|text|f|
country|Country/Region|string|text|f|
industry|Industry|string|text|f|
numemployees|Number of Employees|enumeration|select|f|1-5;5-25;25-50;50-100;100-500;500-1000;1000+
annualrevenue|Annual Revenue|string|text|f|
date_of_birth|Date of birth|string|text|f|
message|Message|string|textarea|f|
hs_language|Preferred language|enumeration|select||de=German;en=English;es=Spanish;fr=French
lifecyclestage|Lifecycle Stage|enumeration|radio||@stage
hs_lead_status|Lead Status|enumeration|radio||@lead_status
hs_buying_role|Buying Role|enumeration|checkbox||@role
hs_persona|Persona|enumeration|radio||
createdate|Create Date|datetime|date|r|
lastmodifieddate|Last Modified Date|datetime|date|r|
closedate|Close Date|datetime|date||
associatedcompanyid|Primary Associated Company ID|number|number|r|
hs_additional_emails|Additional email addresses|enumeration|checkbox||
hs_calculated_merged_vids|Merged vids with timestamps of a contact|string|text|c|
hs_email_domain|Email Domain|string|text|c|
hs_email_optout|Unsubscribed from all email|bool|booleancheckbox|r|@yes_no
hs_email_bounce|Marketing emails bounced|number|number|r|
hs_email_open|Marketing emails opened|number|number|r|
hs_email_click|Marketing emails clicked|number|number|r|
hs_email_delivered|Marketing emails delivered|number|number|r|
hs_email_last_open_date|Last marketing email open date|datetime|date|r|
hs_email_last_click_date|Last marketing email click date|datetime|date|r|
hs_email_hard_bounce_reason_enum|Email hard bounce reason|enumeration|select|r|
hs_analytics_source|Original Traffic Source|enumeration|select|r|@source
hs_latest_source|Latest Traffic Source|enumeration|select|r|@source
hs_analytics_num_page_views|Number of Pageviews|number|number|r|
hs_analytics_num_visits|Number of Sessions|number|number|r|
hs_analytics_last_timestamp|Time Last Seen|datetime|date|r|
hs_analytics_last_url|Last Page Seen|string|text|r|
num_conversion_events|Number of Form Submissions|number|number|r|
recent_conversion_event_name|Recent Conversion|string|text|r|
recent_conversion_date|Recent Conversion Date|datetime|date|r|
first_conversion_date|First Conversion Date|datetime|date|r|
num_associated_deals|Number of Associated Deals|number|number|c|
notes_last_contacted|Last Contacted|datetime|date|c|
notes_last_updated|Last Activity Date|datetime|date|c|
num_contacted_notes|Number of times contacted|number|number|c|
hubspotscore|HubSpot Score|number|number|c|
hs_marketable_status|Marketing contact status|enumeration|booleancheckbox|r|@bool
hs_legal_basis|Legal basis for processing contact's data|enumeration|checkbox||@hs_legal_basis
hs_all_owner_ids|All owner IDs|enumeration|checkbox|c|
hubspot_owner_assigneddate|Owner assigned date|datetime|date|r|
salesforceleadid|Salesforce Lead ID|string|text||
salesforcecontactid|Salesforce Contact ID|string|text||
salesforceaccountid|Salesforce Account ID|string|text||
product_interest|Product interest|enumeration|select|xf|@product_interest
consent_marketing|Marketing consent|bool|booleancheckbox|xf|@yes_no
marketing_opt_out|Marketing opt-out|bool|booleancheckbox|x|@yes_no
lead_origin|Lead origin|enumeration|select|x|@lead_origin
{_STAGE_DATES}{_COMMON}"""

COMPANIES = f"""
name|Company name|string|text|f|
domain|Company Domain Name|string|text|f|
website|Website URL|string|text|f|
phone|Phone Number|string|phonenumber|f|
address|Street Address|string|text|f|
address2|Street Address 2|string|text|f|
city|City|string|text|f|
state|State/Region|string|text|f|
zip|Postal Code|string|text|f|
country|Country/Region|string|text|f|
hs_country_code|Country/Region Code|string|text||
industry|Industry|enumeration|select|f|@industry
numberofemployees|Number of Employees|number|number|f|
annualrevenue|Annual Revenue|number|number|f|
description|Description|string|textarea|f|
type|Type|enumeration|radio||PROSPECT=Prospect;PARTNER=Partner;RESELLER=Reseller;VENDOR=Vendor;OTHER=Other
lifecyclestage|Lifecycle Stage|enumeration|radio||@stage
hs_lead_status|Lead Status|enumeration|radio||@lead_status
founded_year|Year Founded|string|text||
is_public|Is Public|bool|booleancheckbox||@bool
timezone|Time Zone|string|text||
linkedin_company_page|LinkedIn Company Page|string|text||
createdate|Create Date|datetime|date|r|
hs_lastmodifieddate|Last Modified Date|datetime|date|r|
closedate|Close Date|datetime|date||
num_associated_contacts|Number of Associated Contacts|number|number|c|
num_associated_deals|Number of Associated Deals|number|number|c|
hs_num_child_companies|Number of child companies|number|number|c|
hs_parent_company_id|Parent Company|number|number|r|
hs_analytics_source|Original Traffic Source|enumeration|select|r|@source
notes_last_contacted|Last Contacted|datetime|date|c|
hubspot_owner_assigneddate|Owner assigned date|datetime|date|r|
hs_is_target_account|Target Account|bool|booleancheckbox||@bool
salesforceaccountid|Salesforce Account ID|string|text||
company_currency|Company currency|enumeration|select|x|EUR;GBP;USD
{_STAGE_DATES}{_COMMON}"""

DEALS = f"""
dealname|Deal Name|string|text|f|
amount|Amount|number|number|f|
dealstage|Deal Stage|enumeration|radio||
pipeline|Pipeline|enumeration|select||
closedate|Close Date|datetime|date|f|
createdate|Create Date|datetime|date||
dealtype|Deal Type|enumeration|radio||newbusiness=New Business;existingbusiness=Existing Business
description|Deal Description|string|textarea||
deal_currency_code|Currency|enumeration|select||EUR;GBP;USD
hs_priority|Priority|enumeration|select||low=Low;medium=Medium;high=High
hs_next_step|Next step|string|text||
closed_lost_reason|Closed Lost Reason|string|textarea||
closed_won_reason|Closed Won Reason|string|textarea||
hs_is_closed|Is Deal Closed?|bool|booleancheckbox|c|@bool
hs_is_closed_won|Is Closed Won|bool|booleancheckbox|c|@bool
hs_is_closed_lost|Is Closed Lost|bool|booleancheckbox|c|@bool
hs_is_open_count|Is Open (numeric)|number|number|c|
hs_deal_stage_probability|Deal probability|number|number|c|
hs_projected_amount|Weighted amount|number|number|c|
hs_closed_amount|Closed Deal Amount|number|number|c|
amount_in_home_currency|Amount in company currency|number|number|c|
num_associated_contacts|Number of Associated Contacts|number|number|c|
hs_lastmodifieddate|Last Modified Date|datetime|date|r|
{_COMMON}"""

_ACTIVITY = f"""
hs_timestamp|Activity date|datetime|date||
hs_lastmodifieddate|Object last modified date/time|datetime|date|r|
hs_attachment_ids|Attached file IDs|enumeration|checkbox||
hs_created_by|Activity created by|number|number|r|
hs_engagement_source|Engagement Source|string|text|r|
hs_unique_id|Unique ID|string|text||
{_COMMON}"""

CALLS = f"""
hs_call_title|Call Title|string|text||
hs_call_body|Call notes|string|html||
hs_call_direction|Call direction|enumeration|select||INBOUND=Inbound;OUTBOUND=Outbound
hs_call_status|Call status|enumeration|select||@call_status
hs_call_duration|Call duration|number|number||
hs_call_disposition|Call outcome|enumeration|select||@disposition
hs_call_from_number|From number|string|text||
hs_call_to_number|To Number|string|text||
hs_call_recording_url|Recording URL|string|text||
hs_activity_type|Call and meeting type|enumeration|select||Intro call;Discovery call;Follow-up
{_ACTIVITY}"""

MEETINGS = f"""
hs_meeting_title|Meeting name|string|text||
hs_meeting_body|Meeting description|string|html||
hs_internal_meeting_notes|Internal meeting notes|string|html||
hs_meeting_location|Meeting location|string|text||
hs_meeting_external_url|External Url|string|text||
hs_meeting_start_time|Meeting start time|datetime|date||
hs_meeting_end_time|Meeting end time|datetime|date||
hs_meeting_outcome|Meeting outcome|enumeration|select||@hs_meeting_outcome
hs_activity_type|Call and meeting type|enumeration|select||Intro call;Discovery call;Follow-up
{_ACTIVITY}"""

NOTES = f"""
hs_note_body|Note body|string|html||
{_ACTIVITY}"""

TASKS = f"""
hs_task_subject|Task Title|string|text||
hs_task_body|Task Notes|string|html||
hs_task_status|Task Status|enumeration|select||@hs_task_status
hs_task_priority|Priority|enumeration|select||NONE=None;LOW=Low;MEDIUM=Medium;HIGH=High
hs_task_type|Task Type|enumeration|select||TODO=To-do;CALL=Call;EMAIL=Email
hs_task_completion_date|Completed at|datetime|date|r|
{_ACTIVITY}"""

EMAILS = f"""
hs_email_subject|Email subject|string|text||
hs_email_text|Text body|string|textarea||
hs_email_html|Email body|string|html||
hs_email_direction|Email direction|enumeration|select||@hs_email_direction
hs_email_status|Email send status|enumeration|select||BOUNCED;FAILED;SCHEDULED;SENDING;SENT
hs_email_headers|Email headers|string|textarea||
hs_email_from_email|Email From Address|string|text|c|
hs_email_to_email|Email To Address|string|text|c|
hs_email_open_count|Number of email opens|number|number|r|
hs_email_click_count|Number of email clicks|number|number|r|
hs_email_reply_count|Number of email replies|number|number|r|
{_ACTIVITY}"""


def read_table(text: str, group: str) -> dict[str, Property]:
    """The properties of one table, by name."""
    found: dict[str, Property] = {}
    for line in text.strip().splitlines():
        if not line:
            continue
        name, label, kind, field_type, flags, options = line.split("|")
        found[name] = Property(
            name=name,
            label=label,
            type=kind,
            field_type=field_type,
            group=group,
            options=_options(options),
            unique="u" in flags or name == "hs_unique_id",
            form_field="f" in flags,
            calculated="c" in flags,
            read_only="r" in flags,
            hubspot_defined="x" not in flags,
            external_options="o" in flags,
            referenced="OWNER" if name == "hubspot_owner_id" else None,
        )
    return found


def _options(text: str) -> list[Option]:
    text = OPTION_SETS[text[1:]] if text.startswith("@") else text
    found: list[Option] = []
    for part in filter(None, text.split(";")):
        value, _, label = part.partition("=")
        found.append(Option(label or value, value, len(found)))
    return found
