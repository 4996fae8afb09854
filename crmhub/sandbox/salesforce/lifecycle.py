"""Merge of duplicates and conversion of leads: done by people on the screens, or by SOAP.

Vendor page: SOAP API Developer Guide, "merge()" and "convertLead()".
"""

from dataclasses import dataclass

from crmhub.sandbox.salesforce.errors import reject
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import day_of
from crmhub.sandbox.salesforce.writer import Writer

MAX_LOSERS = 2
CONVERTED_STATUS = "Closed - Converted"
_REPARENTED = {
    "Lead": (("Task", "WhoId"), ("Event", "WhoId")),
    "Contact": (("Task", "WhoId"), ("Event", "WhoId"), ("Contact", "ReportsToId")),
    "Account": (("Contact", "AccountId"), ("Opportunity", "AccountId"), ("Task", "WhatId"), ("Event", "WhatId")),
}
_TO_CONTACT = (
    "FirstName", "LastName", "Salutation", "Title", "Email", "Phone", "MobilePhone", "Fax", "LeadSource",
    "HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall", "Description",
)  # fmt: skip
_TO_ACCOUNT = ("Website", "Industry", "NumberOfEmployees", "AnnualRevenue")
_PLACES = ("Street", "City", "State", "PostalCode", "Country")


@dataclass(frozen=True, slots=True)
class Converted:
    """What a converted lead became."""

    account_id: str
    contact_id: str


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Both raise RowRejectedError. `writer` says who does it."""

    org: OrgState
    writer: Writer

    def merge(self, kind: ObjectType, winner_id: str, loser_ids: list[str]) -> None:
        """Losers go to the bin with MasterRecordId; their children move; winner and children get new stamps."""
        if not kind.mergeable or not 0 < len(loser_ids) <= MAX_LOSERS or winner_id in loser_ids:
            raise reject("INVALID_OPERATION", f"cannot merge {len(loser_ids)} records into one {kind.name}")
        self.writer.live(kind, winner_id)
        for loser_id in loser_ids:
            self.writer.live(kind, loser_id)
        for loser_id in loser_ids:
            for name, key in _REPARENTED[kind.name]:
                self._move(name, key, loser_id, winner_id)
            loser = self.writer.live(kind, loser_id)
            gone = {**loser, "IsDeleted": True, "MasterRecordId": winner_id, "_DeletedAt": self.org.clock.now()}
            self._stamped(kind, gone)
        self._stamped(kind, dict(self.writer.live(kind, winner_id)))

    def convert(self, lead_id: str, account_id: str | None = None, contact_id: str | None = None) -> Converted:
        """The lead stays, read-only; an existing contact or account gets only what it lacks; activities move.

        Custom fields are not mapped, so what they held is not on the contact.
        """
        lead_kind, contact_kind, account_kind = (self._kind(name) for name in ("Lead", "Contact", "Account"))
        lead = self.writer.live(lead_kind, lead_id)
        if lead.get("IsConverted"):
            raise reject("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        owner = str(lead["OwnerId"])
        owner = owner if owner.startswith("005") else self.writer.user_id
        account: Row = {"Name": lead.get("Company"), "OwnerId": owner, "Phone": lead.get("Phone")}
        account |= {name: lead.get(name) for name in _TO_ACCOUNT}
        account |= {f"Billing{name}": lead.get(name) for name in _PLACES}
        account_id = self._filled(account_kind, account_id, account)
        contact: Row = {name: lead.get(name) for name in _TO_CONTACT}
        contact |= {f"Mailing{name}": lead.get(name) for name in _PLACES}
        contact |= {"AccountId": account_id, "OwnerId": owner}
        contact_id = self._filled(contact_kind, contact_id, contact)
        for name in ("Task", "Event"):
            self._move(name, "WhoId", lead_id, contact_id)
        done = {
            **lead,
            "Status": CONVERTED_STATUS,
            "IsConverted": True,
            "ConvertedDate": day_of(self.org.clock.now()),
            "ConvertedAccountId": account_id,
            "ConvertedContactId": contact_id,
        }
        self._stamped(lead_kind, done)
        return Converted(account_id, contact_id)

    def _kind(self, name: str) -> ObjectType:
        kind = self.org.schema.get(name)
        assert kind is not None
        return kind

    def _filled(self, kind: ObjectType, record_id: str | None, values: Row) -> str:
        """A new record with these values, or an existing one with its blanks filled."""
        fields = {name: kind.field(name) for name in values}
        given = {field: values[name] for name, field in fields.items() if field is not None and values[name]}
        if record_id is None:
            return self.writer.create(kind, given)
        row = self.writer.live(kind, record_id)
        self.writer.update(kind, record_id, {field: v for field, v in given.items() if row.get(field.name) is None})
        return record_id

    def _move(self, name: str, key: str, from_id: str, to_id: str) -> None:
        kind = self._kind(name)
        for child in sorted(self.org.tables[name].find(key, from_id)):
            row = self.org.current(kind, child)
            if row is not None and not row.get("IsDeleted"):
                self._stamped(kind, {**row, key: to_id})

    def _stamped(self, kind: ObjectType, row: Row) -> None:
        stamp = self.org.stamp()
        row |= {"SystemModstamp": stamp, "LastModifiedDate": stamp, "LastModifiedById": self.writer.user_id}
        self.org.put(kind, row)
