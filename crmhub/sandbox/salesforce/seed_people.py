"""The world's people as leads and contacts, its companies as accounts."""

from functools import cached_property

from crmhub.sandbox.deals import Deal
from crmhub.sandbox.ids import hubspot_contact_id
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.org import ADMIN_NUMBER, LOADER_NUMBER
from crmhub.sandbox.salesforce.rules import person_name
from crmhub.sandbox.salesforce.schema.field import Value
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import day_of
from crmhub.sandbox.seen import Seen, company_times_of, email_of, see, see_company, times_of
from crmhub.sandbox.world import BIT, DAY, TOUCH_KINDS, Activity, KnownCompany, KnownPerson, World, chance, fraction

INDUSTRY = {
    "software": "Technology", "it_services": "Technology", "finance": "Finance", "manufacturing": "Manufacturing",
    "retail": "Retail", "healthcare": "Healthcare", "consulting": "Consulting", "education": "Education",
    "construction": "Construction", "non_profit": "Not For Profit",
}  # fmt: skip
SOURCE = {
    "web": "Web", "event": "Other", "referral": "Partner Referral", "import": "Purchased List",
    "outbound": "Phone Inquiry",
}  # fmt: skip
STATUS = {"mql": "Working - Contacted", "opportunity": "Working - Contacted"}
CONVERTED = "Closed - Converted"
QUEUES = ((1, "Inbound Leads", "Inbound_Leads"), (2, "Web Leads", "Web_Leads"))


class Known:
    """Which record shows whom, by the ids of the org."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.records = world.records("salesforce")
        self.companies = world.company_records("salesforce")
        self._accounts: dict[int, list[str]] = {}
        for company in self.companies:
            self._accounts.setdefault(company.company.number, []).append(salesforce_id("001", company.number))
        leads = sum(1 for record in self.records if record.kind == "lead")
        self._former = {
            record.person.number: leads + place for place, record in enumerate(filter(was_lead, self.records), 1)
        }

    def record_id(self, record: KnownPerson) -> str:
        """The id of a person's record."""
        return salesforce_id("00Q" if record.kind == "lead" else "003", record.number)

    def former_id(self, record: KnownPerson) -> str:
        """The id of the converted lead behind a contact."""
        return salesforce_id("00Q", self._former[record.person.number])

    def who_id(self, person: int) -> str:
        """The id of a person's first record."""
        return self.record_id(self.world.record_of["salesforce", person])

    @cached_property
    def _deals(self) -> dict[int, Deal]:
        return {deal.person.number: deal for deal in self.world.deals if deal.places & BIT["salesforce"]}

    def deal_of(self, act: Activity) -> str | None:
        """The opportunity that an activity with its starter is about: while it was open."""
        deal = self._deals.get(act.person.number) if act.kind in TOUCH_KINDS else None
        if deal is None or act.at < deal.created_at or (deal.closed and act.at > deal.close_at):
            return None
        return salesforce_id("006", deal.number)

    def account_id(self, company: int) -> str | None:
        """The id of a company's first account."""
        found = self._accounts.get(company)
        return found[0] if found else None

    def account_of(self, record: KnownPerson) -> str | None:
        """The account of a contact: now and then the duplicate, or none."""
        accounts, seed = self._accounts.get(record.person.company.number, []), record.person.seed
        if not accounts or chance(seed, "sf private contact", 0.03):
            return None
        return accounts[-1 if chance(seed, "sf other account", 0.3) else 0]


def was_lead(record: KnownPerson) -> bool:
    """A contact whose former, converted lead is still there."""
    return record.kind == "contact" and record.copy == 0 and chance(record.person.seed, "sf was lead", 0.3)


def owner_id(rep: int | None, queue: int | None) -> str:
    """The user of a rep; nobody's records are the administrator's or a queue's."""
    if rep is not None:
        return salesforce_id("005", rep + 1)
    return salesforce_id("005", ADMIN_NUMBER) if queue is None else salesforce_id("00G", QUEUES[queue][0])


def stamp_of(world: World, modified: int, seed: int) -> int:
    """Some stamps were moved later by the system itself."""
    late = 0
    if chance(seed, "sf moved", 0.1):
        late = int(fraction(seed, "sf late") * min(DAY, max(0, world.now - 60_000 - modified)))
    return (modified + late) // 1000 * 1000


class AccountSeeds:
    """Companies."""

    names = frozenset({"Id", "SystemModstamp", "IsDeleted", "MasterRecordId", "ParentId"})

    def __init__(self, world: World) -> None:
        self._world = world

    def stamp(self, seed: KnownCompany) -> int:
        """See `Seeds`."""
        return stamp_of(self._world, company_times_of(self._world, seed)[1], seed.company.seed)

    def value(self, name: str, seed: KnownCompany) -> Value:
        """See `Seeds`."""
        return self.stamp(seed) if name == "SystemModstamp" else None

    def brief(self, record_id: str, seed: KnownCompany) -> Row:
        """See `Seeds`."""
        return {"Id": record_id, "SystemModstamp": self.stamp(seed)}

    def make(self, record_id: str, seed: KnownCompany) -> Row:
        """See `Seeds`."""
        seen = see_company(self._world, seed)
        row: Row = {
            "Id": record_id,
            "Name": seen.name,
            "Type": "Customer - Direct" if seen.customer else "Prospect",
            "BillingCity": seen.city,
            "BillingPostalCode": seen.zip,
            "BillingState": seen.state,
            "BillingCountry": seen.country,
            "Phone": seen.phone,
            "Website": f"https://www.{seen.domain}" if seen.domain else "",
            "Industry": INDUSTRY.get(seen.industry, ""),
            "NumberOfEmployees": seen.employees,
            "AnnualRevenue": None if seen.revenue is None else float(seen.revenue),
            "OwnerId": owner_id(seen.rep, queue=None),
        }
        return finished(self._world, row, seen.created_at, seen.modified_at, seed.company.seed)


class PersonSeeds:
    """Leads and contacts. `last` is the time of each person's last activity."""

    names = frozenset(
        {
            "Id", "SystemModstamp", "IsDeleted", "MasterRecordId", "IsConverted", "ConvertedContactId", "ReportsToId",
            "Email",
        }
    )  # fmt: skip

    def __init__(self, known: Known, last: dict[int, int], *, leads: bool) -> None:
        self._world = known.world
        self._known = known
        self._last = last
        self._leads = leads
        if not leads:
            self.names = self.names | {"AccountId"}

    def stamp(self, seed: KnownPerson) -> int:
        """See `Seeds`."""
        created, modified = times_of(self._world, seed)
        former = self._leads and seed.kind == "contact"
        return stamp_of(self._world, created if former else modified, seed.person.seed)

    def value(self, name: str, seed: KnownPerson) -> Value:
        """See `Seeds`."""
        if name == "AccountId":
            return None if self._leads else self._known.account_of(seed)
        if name == "Email":
            return email_of(seed) or None
        return self.brief("", seed).get(name)

    def brief(self, record_id: str, seed: KnownPerson) -> Row:
        """See `Seeds`."""
        row: Row = {"Id": record_id, "SystemModstamp": self.stamp(seed), "Email": email_of(seed) or None}
        if not self._leads:
            row["AccountId"] = self._known.account_of(seed)
        elif seed.kind == "contact":
            row |= {"IsConverted": True, "ConvertedContactId": self._known.record_id(seed)}
        return row

    def make(self, record_id: str, seed: KnownPerson) -> Row:
        """See `Seeds`."""
        return self._lead(record_id, seed) if self._leads else self._contact(record_id, seed)

    def _contact(self, record_id: str, record: KnownPerson) -> Row:
        seen = see(self._world, record)
        row: Row = {"Id": record_id, **self._person(record, seen), **_place("Mailing", seen)}
        row["AccountId"] = self._known.account_of(record)
        row["Department"] = record.person.department.capitalize()
        row["OwnerId"] = owner_id(seen.rep, queue=None)
        return finished(self._world, row, seen.created_at, seen.modified_at, record.person.seed)

    def _lead(self, record_id: str, record: KnownPerson) -> Row:
        """An open lead, or the converted one that a contact came from."""
        seen = see(self._world, record)
        person, company = record.person, record.person.company
        row: Row = {"Id": record_id, **self._person(record, seen), **_place("", seen)}
        sized = chance(person.seed, "sf size", 0.5)
        row.update(
            {
                "Company": seen.company or company.name,
                "Website": seen.website,
                "Industry": INDUSTRY.get(seen.industry, ""),
                "NumberOfEmployees": company.employees if sized else None,
                "AnnualRevenue": float(company.revenue) if sized and company.employees > 50 else None,
                "Status": STATUS.get(seen.stage, "Open - Not Contacted"),
                "Rating": "Hot" if seen.stage == "mql" and chance(person.seed, "sf hot", 0.5) else "",
                "OwnerId": owner_id(seen.rep, queue=person.number % len(QUEUES)),
            }
        )
        if seen.stage in ("subscriber", "lead") and chance(person.seed, "sf closed", 0.08):
            row["Status"] = "Closed - Not Converted"
        if record.kind != "contact":
            return finished(self._world, row, seen.created_at, seen.modified_at, person.seed)
        row.update({"IsConverted": True, "Status": CONVERTED, "ConvertedDate": day_of(seen.created_at)})
        row["ConvertedContactId"] = self._known.record_id(record)
        row["ConvertedAccountId"] = self._known.account_of(record)
        row["LastActivityDate"] = None
        return finished(self._world, row, seen.created_at - 30 * DAY, seen.created_at, person.seed)

    def _person(self, record: KnownPerson, seen: Seen) -> Row:
        row: Row = {
            "FirstName": seen.first,
            "LastName": seen.last,
            "Email": seen.email,
            "Phone": seen.phone,
            "MobilePhone": seen.mobile,
            "Title": seen.title[:128],
            "LeadSource": SOURCE.get(seen.source, ""),
            "HasOptedOutOfEmail": seen.opted_out,
            "Product_Interest__c": seen.interest.capitalize(),
        }
        at = self._last.get(record.person.number)
        if at is not None:
            row["LastActivityDate"] = day_of(at)
        person_name(row)
        other = self._world.record_of.get(("hubspot", record.person.number))
        if other is not None and chance(record.person.seed, "sf knows hubspot", 0.1):
            row["HubSpot_Contact_ID__c"] = hubspot_contact_id(other.number)
        return row


def finished(world: World, row: Row, created: int, modified: int, seed: int) -> Row:
    """Blank texts are null; times to the second; some records are kept by a machine."""
    by = salesforce_id("005", LOADER_NUMBER) if chance(seed, "sf bot", 0.2) else row["OwnerId"]
    if not str(by).startswith("005"):
        by = salesforce_id("005", ADMIN_NUMBER)
    full: Row = {name: value for name, value in row.items() if value not in ("", None, False)}
    full.update(
        {
            "CreatedDate": created // 1000 * 1000,
            "CreatedById": by,
            "LastModifiedDate": modified // 1000 * 1000,
            "LastModifiedById": by,
            "SystemModstamp": stamp_of(world, modified, seed),
        }
    )
    return full


def _place(prefix: str, seen: Seen) -> Row:
    return {
        f"{prefix}City": seen.city,
        f"{prefix}PostalCode": seen.zip,
        f"{prefix}State": seen.state,
        f"{prefix}Country": seen.country,
    }
