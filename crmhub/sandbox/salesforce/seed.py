"""The org at the start: the world's people as leads and contacts, companies as accounts, reps as users."""

from collections.abc import Iterator

from crmhub.sandbox.ids import hubspot_contact_id, salesforce_id
from crmhub.sandbox.salesforce.org import (
    ADMIN_NUMBER,
    AUTOMATED_NUMBER,
    INTEGRATION_NAME,
    INTEGRATION_NUMBER,
    LOADER_NUMBER,
    OrgState,
)
from crmhub.sandbox.salesforce.rules import person_name
from crmhub.sandbox.salesforce.schema.people import LEAD_STATUSES
from crmhub.sandbox.salesforce.seed_activities import ActivitySeed
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import day_of
from crmhub.sandbox.seen import Seen, see, see_company
from crmhub.sandbox.world import DAY, KnownCompany, KnownPerson, World, chance, fraction

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
PROFILE_ID = salesforce_id("00e", 1)


class Seed:
    """Fills an org from a world and remembers which records show whom."""

    def __init__(self, world: World, org: OrgState) -> None:
        self._world = world
        self._org = org
        records = world.records("salesforce")
        self._leads = sum(1 for record in records if record.kind == "lead")
        self._accounts: dict[int, list[str]] = {}
        self._activities = ActivitySeed(world, self.record_id)
        self._converted = {
            record.person.number: self._leads + place for place, record in enumerate(filter(_was_lead, records), 1)
        }

    def fill(self) -> None:
        """Load every table."""
        self._setup()
        companies = self._world.company_records("salesforce")
        for company in companies:
            self._accounts.setdefault(company.company.number, []).append(salesforce_id("001", company.number))
        tables, records = self._org.tables, self._world.records("salesforce")
        tables["Account"].seed(((salesforce_id("001", one.number), one) for one in companies), self._account)
        contacts = (record for record in records if record.kind == "contact")
        tables["Contact"].seed(((self.record_id(record), record) for record in contacts), self._contact)
        leads = ((self.record_id(record), record) for record in records if record.kind == "lead")
        tables["Lead"].seed(leads, self._lead)
        former = filter(_was_lead, records)
        tables["Lead"].seed(((self._former_id(record), record) for record in former), self._lead)
        tables["Task"].seed(self._activities.tasks(), self._activities.task)
        tables["Event"].seed(self._activities.events(), self._activities.event)

    def record_id(self, record: KnownPerson) -> str:
        """The id of a person's record."""
        return salesforce_id("00Q" if record.kind == "lead" else "003", record.number)

    def external_ids(self) -> dict[int, list[dict[str, str]]]:
        """Person number -> records as seeded; the former lead of a contact included."""
        found: dict[int, list[dict[str, str]]] = {}
        for record in self._world.records("salesforce"):
            mine = found.setdefault(record.person.number, [])
            mine.append({"object": record.kind.capitalize(), "id": self.record_id(record)})
            if _was_lead(record):
                mine.append({"object": "Lead", "id": self._former_id(record)})
        return found

    def _former_id(self, record: KnownPerson) -> str:
        return salesforce_id("00Q", self._converted[record.person.number])

    def _setup(self) -> None:
        born = (self._world.now - 1600 * DAY) // 1000 * 1000
        for kind, rows in self._setup_rows():
            made = self._org.schema.get(kind)
            assert made is not None
            for row in rows:
                for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp"):
                    row[name] = born
                row["CreatedById"] = row["LastModifiedById"] = salesforce_id("005", ADMIN_NUMBER)
                self._org.put(made, row)

    def _setup_rows(self) -> Iterator[tuple[str, list[Row]]]:
        yield "Profile", [{"Id": PROFILE_ID, "Name": "System Administrator"}]
        yield (
            "Organization",
            [
                {
                    "Id": self._org.org_id,
                    "Name": "Our Firm",
                    "InstanceName": "EU1",
                    "OrganizationType": "Enterprise Edition",
                    "DefaultLocaleSidKey": "en_US",
                    "TimeZoneSidKey": "Europe/Paris",
                }
            ],
        )
        yield "User", list(self._users())
        yield (
            "Group",
            [
                {
                    "Id": salesforce_id("00G", number),
                    "Name": name,
                    "DeveloperName": developer,
                    "Type": "Queue",
                }
                for number, name, developer in QUEUES
            ],
        )
        yield (
            "LeadStatus",
            [
                {
                    "Id": salesforce_id("01J", place),
                    "MasterLabel": text.removeprefix("*"),
                    "ApiName": text.removeprefix("*"),
                    "SortOrder": place,
                    "IsDefault": text.startswith("*"),
                    "IsConverted": text == CONVERTED,
                }
                for place, text in enumerate(LEAD_STATUSES.split("|"), 1)
            ],
        )
        name = "X00eProfileAdministrator"
        owned = {"Id": salesforce_id("0PS", 1), "Name": name, "Label": name, "ProfileId": PROFILE_ID}
        yield "PermissionSet", [{**owned, "IsOwnedByProfile": True}]

    def _users(self) -> Iterator[Row]:
        for rep in self._world.reps:
            yield _user(rep.number + 1, rep.first, rep.last, rep.email, rep.email, active=rep.active)
        yield _user(ADMIN_NUMBER, "Ada", "Admin", "admin@ourfirm.example", "admin@ourfirm.example")
        yield _user(INTEGRATION_NUMBER, "", "crmhub", INTEGRATION_NAME, INTEGRATION_NAME)
        loader = "data.loader@ourfirm.example"
        yield _user(LOADER_NUMBER, "Data", "Loader", loader, loader)
        automated = _user(
            AUTOMATED_NUMBER, "Automated", "Process", "autoproc@ourfirm.example", "noreply@ourfirm.example"
        )
        yield {**automated, "UserType": "AutomatedProcess"}

    def _account(self, record_id: str, record: KnownCompany) -> Row:
        seen = see_company(self._world, record)
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
            "OwnerId": self._owner(seen.rep, queue=None),
        }
        return self._finished(row, seen.created_at, seen.modified_at, record.company.seed)

    def _contact(self, record_id: str, record: KnownPerson) -> Row:
        seen = see(self._world, record)
        row: Row = {"Id": record_id, **self._person(record, seen), **_place("Mailing", seen)}
        person = record.person
        accounts = self._accounts.get(person.company.number, [])
        if accounts and not chance(person.seed, "sf private contact", 0.03):
            row["AccountId"] = accounts[-1 if chance(person.seed, "sf other account", 0.3) else 0]
        row["Department"] = person.department.capitalize()
        row["OwnerId"] = self._owner(seen.rep, queue=None)
        return self._finished(row, seen.created_at, seen.modified_at, person.seed)

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
                "OwnerId": self._owner(seen.rep, queue=person.number % len(QUEUES)),
            }
        )
        if seen.stage in ("subscriber", "lead") and chance(person.seed, "sf closed", 0.08):
            row["Status"] = "Closed - Not Converted"
        if record.kind != "contact":
            return self._finished(row, seen.created_at, seen.modified_at, person.seed)
        contact = self._org.tables["Contact"].get(self.record_id(record))
        assert contact is not None
        row.update({"IsConverted": True, "Status": CONVERTED, "ConvertedDate": day_of(seen.created_at)})
        row["ConvertedContactId"], row["ConvertedAccountId"] = contact["Id"], contact.get("AccountId")
        row["LastActivityDate"] = None
        return self._finished(row, seen.created_at - 30 * DAY, seen.created_at, person.seed)

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
            "LastActivityDate": self._activities.last.get(record.person.number),
        }
        person_name(row)
        other = self._world.record_of.get(("hubspot", record.person.number))
        if other is not None and chance(record.person.seed, "sf knows hubspot", 0.1):
            row["HubSpot_Contact_ID__c"] = hubspot_contact_id(other.number)
        return row

    def _owner(self, rep: int | None, queue: int | None) -> str:
        if rep is not None:
            return salesforce_id("005", rep + 1)
        return salesforce_id("005", ADMIN_NUMBER) if queue is None else salesforce_id("00G", QUEUES[queue][0])

    def _finished(self, row: Row, created: int, modified: int, seed: int) -> Row:
        """Blank texts are null; times to the second; some stamps were moved later by the system itself."""
        bot = chance(seed, "sf bot", 0.2)
        by = salesforce_id("005", LOADER_NUMBER) if bot else row["OwnerId"]
        if not str(by).startswith("005"):
            by = salesforce_id("005", ADMIN_NUMBER)
        late = 0
        if chance(seed, "sf moved", 0.1):
            late = int(fraction(seed, "sf late") * min(DAY, max(0, self._world.now - 60_000 - modified)))
        full: Row = {name: value for name, value in row.items() if value not in ("", None, False)}
        full.update(
            {
                "CreatedDate": created // 1000 * 1000,
                "CreatedById": by,
                "LastModifiedDate": modified // 1000 * 1000,
                "LastModifiedById": by,
                "SystemModstamp": (modified + late) // 1000 * 1000,
            }
        )
        return full


def _was_lead(record: KnownPerson) -> bool:
    """A contact whose former, converted lead is still there."""
    return record.kind == "contact" and record.copy == 0 and chance(record.person.seed, "sf was lead", 0.3)


def _place(prefix: str, seen: Seen) -> Row:
    return {
        f"{prefix}City": seen.city,
        f"{prefix}PostalCode": seen.zip,
        f"{prefix}State": seen.state,
        f"{prefix}Country": seen.country,
    }


def _user(number: int, first: str, last: str, username: str, email: str, *, active: bool = True) -> Row:
    row: Row = {
        "Id": salesforce_id("005", number),
        "Username": username,
        "FirstName": first or None,
        "LastName": last,
        "Email": email,
        "Alias": (first[:1] + last)[:8].lower(),
        "IsActive": active,
        "TimeZoneSidKey": "Europe/Paris",
        "LocaleSidKey": "en_GB",
        "LanguageLocaleKey": "en_US",
        "ProfileId": PROFILE_ID,
        "UserType": "Standard",
    }
    person_name(row)
    return row
