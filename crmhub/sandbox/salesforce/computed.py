"""Fields that are worked out when they are read: they change although their row's stamp stays."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from crmhub.sandbox.salesforce.schema.campaigns import COUNTS, PERSON
from crmhub.sandbox.salesforce.schema.field import Compute, Value
from crmhub.sandbox.salesforce.schema.object import Schema
from crmhub.sandbox.salesforce.soql.scope import is_archived
from crmhub.sandbox.salesforce.table import Row, Table

Tables = Mapping[str, Table]
_RENAMED = {"CompanyOrAccount": "Company", "LeadOrContactOwnerId": "OwnerId", "Name": "Name"}
_ADDRESS = frozenset({"Street", "City", "State", "PostalCode", "Country"})


def attach(schema: Schema, tables: Tables, archived_before: Callable[[], str]) -> None:
    """Give the standard fields of this kind their meaning in one org."""
    found: dict[str, dict[str, Compute]] = {
        "Opportunity": {
            "ExpectedRevenue": _expected,
            "FiscalQuarter": lambda row: _month(row) and (_month(row) + 2) // 3,
            "FiscalYear": lambda row: int(str(row.get("CloseDate"))[:4]) if row.get("CloseDate") else None,
            "Fiscal": lambda row: f"{str(row['CloseDate'])[:4]} {(_month(row) + 2) // 3}" if _month(row) else None,
        },
        "Campaign": {name: _count(tables, name) for name, _, _ in COUNTS},
        "CampaignMember": _member(tables),
    }
    for name in ("Task", "Event"):
        found[name] = {"IsArchived": lambda row: is_archived(row, archived_before())}
    for kind_name, computes in found.items():
        kind = schema.get(kind_name)
        assert kind is not None
        for name, compute in computes.items():
            kind.add(replace(kind.fields[name], compute=compute))


def _expected(row: Row) -> Value:
    amount, probability = row.get("Amount"), row.get("Probability")
    if not isinstance(amount, int | float) or not isinstance(probability, int | float):
        return None
    return round(amount * probability / 100, 2)


def _month(row: Row) -> int:
    day = row.get("CloseDate")
    return int(day[5:7]) if isinstance(day, str) else 0


def _member(tables: Tables) -> dict[str, Compute]:
    last: list[tuple[str, object, Row]] = [("", None, {})]

    def person(row: Row) -> tuple[str, Row]:
        """The contact if there is one, else the lead. Several fields are asked of one person in a row."""
        name = "Contact" if row.get("ContactId") else "Lead"
        record_id = str(row.get(f"{name}Id"))
        held = tables[name].held(record_id)
        if held is not last[0][1] or name != last[0][0]:
            last[0] = name, held, tables[name].get(record_id) or {}
        return name, last[0][2]

    def shown(field: str) -> Compute:
        def compute(row: Row) -> Value:
            name, found = person(row)
            if name == "Contact" and field in _ADDRESS:
                return found.get(f"Mailing{field}")
            if name == "Contact" and field == "CompanyOrAccount":
                account = tables["Account"].get(str(found.get("AccountId")))
                return account.get("Name") if account else None
            return found.get(_RENAMED.get(field, field))

        return compute

    fields = [field.name for field in PERSON] + list(_RENAMED)
    return {name: shown(name) for name in fields} | {
        "Type": lambda row: "Contact" if row.get("ContactId") else "Lead",
        "LeadOrContactId": lambda row: row.get("ContactId") or row.get("LeadId"),
    }


def _count(tables: Tables, name: str) -> Compute:
    """One of a campaign's sums."""
    of_deals = "Opportunities" in name

    def compute(row: Row) -> Value:
        table = tables["Opportunity" if of_deals else "CampaignMember"]
        found = (table.get(one) for one in table.find("CampaignId", row["Id"]))
        rows = [one for one in found if one is not None and not one.get("IsDeleted")]
        if name in ("NumberOfWonOpportunities", "AmountWonOpportunities"):
            rows = [one for one in rows if one.get("IsWon")]
        if name.startswith("Amount"):
            amounts = [one.get("Amount") for one in rows]
            return float(sum(amount for amount in amounts if isinstance(amount, int | float)))
        if name == "NumberOfLeads":
            rows = [one for one in rows if one.get("LeadId")]
        elif name == "NumberOfConvertedLeads":
            rows = [one for one in rows if one.get("LeadId") and one.get("ContactId")]
        elif name == "NumberOfContacts":
            rows = [one for one in rows if one.get("ContactId") and not one.get("LeadId")]
        elif name == "NumberOfResponses":
            rows = [one for one in rows if one.get("HasResponded")]
        return len(rows)

    return compute
