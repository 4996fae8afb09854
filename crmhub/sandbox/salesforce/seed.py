"""The org at the start: the world's people as leads and contacts, companies as accounts, reps as users."""

from collections.abc import Iterator

from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.org import (
    ADMIN_NUMBER,
    AUTOMATED_NUMBER,
    INTEGRATION_NUMBER,
    LOADER_NUMBER,
    NO_API_NUMBER,
    SMALL_NUMBER,
    OrgState,
)
from crmhub.sandbox.salesforce.rules import person_name
from crmhub.sandbox.salesforce.schema.deals import FORECAST_NAMES, RECORD_TYPES, STAGES
from crmhub.sandbox.salesforce.schema.people import LEAD_STATUSES
from crmhub.sandbox.salesforce.seed_activities import EmailSeeds, EventSeeds, RelationSeeds, TaskSeeds, last_times
from crmhub.sandbox.salesforce.seed_campaigns import MemberSeeds, campaign_rows, status_rows
from crmhub.sandbox.salesforce.seed_deals import OpportunitySeeds, RoleSeeds
from crmhub.sandbox.salesforce.seed_people import CONVERTED, QUEUES, AccountSeeds, Known, PersonSeeds, was_lead
from crmhub.sandbox.salesforce.settings import INTEGRATION_NAME, NO_API_NAME, SMALL_NAME
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.world import DAY, KnownPerson, World

PROFILE_ID = salesforce_id("00e", 1)


class Seed:
    """Fills an org from a world and remembers which records show whom."""

    def __init__(self, world: World, org: OrgState) -> None:
        self._world = world
        self._org = org
        self._known = Known(world)

    def fill(self) -> None:
        """Load every table."""
        self._setup()
        known, tables = self._known, self._org.tables
        accounts = ((salesforce_id("001", one.number), one) for one in known.companies)
        tables["Account"].seed(accounts, AccountSeeds(self._world))
        last = last_times(known)
        contacts = (record for record in known.records if record.kind == "contact")
        made = ((known.record_id(record), record) for record in contacts)
        tables["Contact"].seed(made, PersonSeeds(known, last, leads=False))
        tables["Lead"].seed(self._leads(), PersonSeeds(known, last, leads=True))
        messages = EmailSeeds(known)
        for name, source in (
            ("Task", TaskSeeds(known)),
            ("Event", EventSeeds(known)),
            ("EmailMessage", messages),
            ("EmailMessageRelation", RelationSeeds(known, messages)),
            ("Opportunity", OpportunitySeeds(known)),
            ("OpportunityContactRole", RoleSeeds(known)),
            ("CampaignMember", MemberSeeds(known)),
        ):
            tables[name].seed(source.seeds(), source)
        for kind, rows in (
            ("Campaign", campaign_rows(self._world)),
            ("CampaignMemberStatus", status_rows(self._world)),
        ):
            for row in rows:
                tables[kind].put(row)

    def _leads(self) -> Iterator[tuple[str, KnownPerson]]:
        """The open ones, then those that contacts once were."""
        known = self._known
        for record in known.records:
            if record.kind == "lead":
                yield known.record_id(record), record
        for record in filter(was_lead, known.records):
            yield known.former_id(record), record

    def external_ids(self) -> dict[int, list[dict[str, str]]]:
        """Person number -> records as seeded; the former lead of a contact included."""
        found: dict[int, list[dict[str, str]]] = {}
        for record in self._known.records:
            mine = found.setdefault(record.person.number, [])
            mine.append({"object": record.kind.capitalize(), "id": self._known.record_id(record)})
            if was_lead(record):
                mine.append({"object": "Lead", "id": self._known.former_id(record)})
        return found

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
        yield "OpportunityStage", list(_stages())
        yield (
            "RecordType",
            [
                {
                    "Id": salesforce_id("012", place),
                    "Name": label,
                    "DeveloperName": name,
                    "SobjectType": "Opportunity",
                    "IsActive": True,
                }
                for place, (name, label) in enumerate(RECORD_TYPES, 1)
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
        yield _user(SMALL_NUMBER, "Small", "crmhub", SMALL_NAME, SMALL_NAME)
        yield _user(NO_API_NUMBER, "No API", "crmhub", NO_API_NAME, NO_API_NAME)
        loader = "data.loader@ourfirm.example"
        yield _user(LOADER_NUMBER, "Data", "Loader", loader, loader)
        automated = _user(
            AUTOMATED_NUMBER, "Automated", "Process", "autoproc@ourfirm.example", "noreply@ourfirm.example"
        )
        yield {**automated, "UserType": "AutomatedProcess"}


def _stages() -> Iterator[Row]:
    for place, (name, (probability, category, closed, won)) in enumerate(STAGES.items(), 1):
        yield {
            "Id": salesforce_id("01J", 100 + place),
            "MasterLabel": name,
            "ApiName": name,
            "IsActive": True,
            "SortOrder": place,
            "IsClosed": closed,
            "IsWon": won,
            "ForecastCategory": category,
            "ForecastCategoryName": FORECAST_NAMES[category],
            "DefaultProbability": float(probability),
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
