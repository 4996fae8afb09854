"""Merge of duplicates and conversion of leads: done by people on the screens, or by SOAP.

Vendor page: SOAP API Developer Guide, "merge()" and "convertLead()".
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from crmhub.sandbox.salesforce.errors import reject
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import add_months, day_of, today
from crmhub.sandbox.salesforce.writer import Changes, Writer

MAX_LOSERS = 2
_WHO = (("Task", "WhoId"), ("Event", "WhoId"), ("EmailMessageRelation", "RelationId"))
_REPARENTED = {
    "Lead": (*_WHO, ("CampaignMember", "LeadId")),
    "Contact": (
        *_WHO,
        ("CampaignMember", "ContactId"),
        ("OpportunityContactRole", "ContactId"),
        ("Contact", "ReportsToId"),
    ),
    "Account": (
        ("Contact", "AccountId"),
        ("Opportunity", "AccountId"),
        ("Account", "ParentId"),
        ("Task", "WhatId"),
        ("Event", "WhatId"),
    ),
}
_TO_CONTACT = (
    "FirstName", "LastName", "Salutation", "Title", "Email", "Phone", "MobilePhone", "Fax", "LeadSource",
    "HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall", "Description",
)  # fmt: skip
_TO_ACCOUNT = ("Website", "Industry", "NumberOfEmployees", "AnnualRevenue")
_PLACES = ("Street", "City", "State", "PostalCode", "Country")


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a lead is to be converted; ids are of existing targets. `status` None: the first converted one."""

    lead_id: str
    account_id: str | None = None
    contact_id: str | None = None
    opportunity_id: str | None = None
    opportunity: bool = False
    opportunity_name: str | None = None
    owner_id: str | None = None
    status: str | None = None
    overwrite_source: bool = False


@dataclass(frozen=True, slots=True)
class Converted:
    """What a converted lead became."""

    account_id: str
    contact_id: str
    opportunity_id: str | None


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Both raise RowRejectedError. `writer` says who does it; what follows by itself asks no security."""

    org: OrgState
    writer: Writer

    def merge(self, kind: ObjectType, winner_id: str, loser_ids: list[str], changes: Changes) -> list[str]:
        """Losers go to the bin with MasterRecordId, children move; -> the ids of the children."""
        if not kind.mergeable or not 0 < len(loser_ids) <= MAX_LOSERS or winner_id in loser_ids:
            raise reject("INVALID_OPERATION", f"cannot merge {len(loser_ids)} records into one {kind.name}")
        for record_id in (winner_id, *loser_ids):
            row = self.writer.live(kind, record_id)
            if row.get("IsConverted"):
                raise reject("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        self.writer.update(kind, winner_id, changes)
        moved: list[str] = []
        for loser_id in loser_ids:
            for name, key in _REPARENTED[kind.name]:
                moved += self._move(name, key, loser_id, winner_id)
            loser = self.writer.live(kind, loser_id)
            gone = {**loser, "IsDeleted": True, "MasterRecordId": winner_id, "_DeletedAt": self.org.clock.now()}
            self._stamped(kind, gone)
        return moved

    def convert(self, wish: Conversion) -> Converted:
        """The lead stays, read-only; existing targets get only what they lack; activities and campaigns move.

        Custom fields come along only where the org's `lead_mapping` says so.
        """
        lead_kind = self._kind("Lead")
        lead = self.writer.live(lead_kind, wish.lead_id)
        if lead.get("IsConverted"):
            raise reject("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        status = self._status(wish.status)
        owner = wish.owner_id or str(lead["OwnerId"])
        owner = owner if owner.startswith("005") else self.writer.user_id
        account_id = wish.account_id
        if account_id is None and wish.contact_id is not None:
            contact = self.writer.live(self._kind("Contact"), wish.contact_id)
            account_id = str(contact["AccountId"]) if contact.get("AccountId") else None
        account_id = self._filled("Account", account_id, self._account(lead, owner))
        contact_id = self._contact(lead, owner, account_id, wish)
        opportunity_id = self._opportunity(lead, owner, account_id, contact_id, wish)
        for name, key in _WHO:
            self._move(name, key, wish.lead_id, contact_id)
        self._members(wish.lead_id, contact_id)
        done = {
            **lead,
            "Status": status,
            "IsConverted": True,
            "ConvertedDate": day_of(self.org.clock.now()),
            "ConvertedAccountId": account_id,
            "ConvertedContactId": contact_id,
            "ConvertedOpportunityId": opportunity_id,
        }
        self._stamped(lead_kind, done)
        return Converted(account_id, contact_id, opportunity_id)

    def _status(self, wanted: str | None) -> str:
        names = [str(row["ApiName"]) for row in self.org.tables["LeadStatus"].all() if row.get("IsConverted")]
        if wanted is None:
            return names[0]
        if wanted not in names:
            raise reject("INVALID_STATUS", f"invalid convertedStatus: {wanted}")
        return wanted

    def _account(self, lead: Row, owner: str) -> Row:
        account: Row = {"Name": lead.get("Company"), "OwnerId": owner, "Phone": lead.get("Phone")}
        account |= {name: lead.get(name) for name in _TO_ACCOUNT}
        account |= {f"Billing{name}": lead.get(name) for name in _PLACES}
        return account | self._mapped("Account", lead)

    def _contact(self, lead: Row, owner: str, account_id: str, wish: Conversion) -> str:
        contact: Row = {name: lead.get(name) for name in _TO_CONTACT}
        contact |= {f"Mailing{name}": lead.get(name) for name in _PLACES}
        contact |= {"AccountId": account_id, "OwnerId": owner, **self._mapped("Contact", lead)}
        made = self._filled("Contact", wish.contact_id, contact)
        if wish.overwrite_source and wish.contact_id is not None and lead.get("LeadSource"):
            kind = self._kind("Contact")
            source = kind.field("LeadSource")
            assert source is not None
            self.writer.update(kind, made, {source: lead["LeadSource"]})
        return made

    def _opportunity(self, lead: Row, owner: str, account_id: str, contact_id: str, wish: Conversion) -> str | None:
        if not wish.opportunity and wish.opportunity_id is None:
            return None
        today_ = today(self.org.clock.now())
        quarter_end = add_months(today_, 3 - (today_.month - 1) % 3) - timedelta(days=1)
        stages = [row for row in self.org.tables["OpportunityStage"].all() if row.get("IsActive")]
        first = min(stages, key=lambda row: int(row["SortOrder"] or 0))
        member = self._latest_campaign(str(lead["Id"]))
        values: Row = {
            "Name": wish.opportunity_name or f"{lead.get('Company')}-",
            "StageName": first["ApiName"],
            "CloseDate": quarter_end.isoformat(),
            "AccountId": account_id,
            "OwnerId": owner,
            "LeadSource": lead.get("LeadSource"),
            "CampaignId": member,
            **self._mapped("Opportunity", lead),
        }
        made = self._filled("Opportunity", wish.opportunity_id, values)
        kind = self._kind("OpportunityContactRole")
        there = self.org.tables[kind.name].find("OpportunityId", made)
        if not any((self.org.tables[kind.name].get(one) or {}).get("ContactId") == contact_id for one in there):
            names: Row = {"OpportunityId": made, "ContactId": contact_id, "IsPrimary": not there}
            self._filled(kind.name, None, names)
        return made

    def _latest_campaign(self, lead_id: str) -> str | None:
        table = self.org.tables["CampaignMember"]
        rows = [row for one in table.find("LeadId", lead_id) if (row := table.get(one)) and not row.get("IsDeleted")]
        latest = max(rows, key=lambda row: (str(row.get("FirstRespondedDate") or ""), str(row["Id"])), default=None)
        return None if latest is None else str(latest["CampaignId"])

    def _members(self, lead_id: str, contact_id: str) -> None:
        """The lead's memberships are the contact's too; where it is a member already, the lead's row goes."""
        kind, table = self._kind("CampaignMember"), self.org.tables["CampaignMember"]
        there = {row["CampaignId"] for one in table.find("ContactId", contact_id) if (row := table.get(one))}
        for member_id in sorted(table.find("LeadId", lead_id)):
            row = self.org.current(kind, member_id)
            if row is None or row.get("IsDeleted"):
                continue
            if row["CampaignId"] in there:
                replace(self.writer, secured=False).delete(kind, member_id)
            else:
                self._moved(kind, {**row, "ContactId": contact_id})

    def _mapped(self, target: str, lead: Row) -> Row:
        """What the admin's field mapping takes along: {"Budget__c": "Contact.Budget__c"}."""
        found: Row = {}
        for name, path in self.org.settings.lead_mapping.items():
            owner, _, field = path.partition(".")
            if owner == target:
                found[field] = lead.get(name)
        return found

    def _kind(self, name: str) -> ObjectType:
        kind = self.org.schema.get(name)
        assert kind is not None
        return kind

    def _filled(self, name: str, record_id: str | None, values: Row) -> str:
        """A new record with these values, or an existing one with its blanks filled."""
        kind = self._kind(name)
        fields = {name: kind.field(name) for name in values}
        given = {field: values[name] for name, field in fields.items() if field is not None and values[name]}
        system = replace(self.writer, secured=False)
        if record_id is None:
            return system.create(kind, given)
        row = self.writer.live(kind, record_id)
        system.update(kind, record_id, {field: v for field, v in given.items() if row.get(field.name) is None})
        return record_id

    def _move(self, name: str, key: str, from_id: str, to_id: str) -> list[str]:
        kind, table = self._kind(name), self.org.tables[name]
        moved = []
        for child in sorted(table.find(key, from_id)):
            row = self.org.current(kind, child)
            if row is None or row.get("IsDeleted"):
                continue
            if name == "CampaignMember" and self._is_member(row, key, to_id):
                replace(self.writer, secured=False).delete(kind, child)
            else:
                self._moved(kind, {**row, key: to_id})
                moved.append(child)
        return moved

    def _is_member(self, row: Row, key: str, person_id: str) -> bool:
        """Whether the winner of a merge is in the loser's campaign already."""
        table = self.org.tables["CampaignMember"]
        others = (table.get(one) for one in table.find(key, person_id))
        return any(one and one["CampaignId"] == row["CampaignId"] and not one.get("IsDeleted") for one in others)

    def _moved(self, kind: ObjectType, row: Row) -> None:
        """Work of the system: nobody's modification."""
        self.org.put(kind, {**row, "SystemModstamp": self.org.stamp()})

    def _stamped(self, kind: ObjectType, row: Row) -> None:
        stamp = self.org.stamp()
        row |= {"SystemModstamp": stamp, "LastModifiedDate": stamp, "LastModifiedById": self.writer.user_id}
        self.org.put(kind, row)
