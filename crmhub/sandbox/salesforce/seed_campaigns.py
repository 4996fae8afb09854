"""The world's campaigns, their statuses and members."""

from collections.abc import Iterator

from crmhub.sandbox.campaigns import STATUSES, Campaign, Member, memberships
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.org import ADMIN_NUMBER, AUTOMATED_NUMBER, LOADER_NUMBER
from crmhub.sandbox.salesforce.schema.field import Value
from crmhub.sandbox.salesforce.seed_people import Known, was_lead
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import day_of
from crmhub.sandbox.world import KnownPerson, World

TYPES = {"webinar": "Webinar", "trade_show": "Trade Show", "content": "Content", "email": "Email"}


def campaign_id(campaign: Campaign) -> str:
    """Campaigns have the world's numbers."""
    return salesforce_id("701", campaign.number)


def campaign_rows(world: World) -> Iterator[Row]:
    """Every campaign."""
    for one in world.campaigns:
        made = (one.start_at - 30 * 86_400_000) // 1000 * 1000
        # planned before it begins, put into its state when it begins and ends
        changed = one.start_at if one.active else one.end_at
        row: Row = {
            "Id": campaign_id(one),
            "Name": one.name,
            "Type": TYPES[one.kind],
            "Status": "In Progress" if one.active else "Completed",
            "StartDate": day_of(one.start_at),
            "EndDate": day_of(one.end_at),
            "IsActive": one.active,
            "BudgetedCost": float(one.budget),
            "OwnerId": salesforce_id("005", ADMIN_NUMBER),
        }
        yield _stamped(row, made, min(changed, world.now - 60_000) // 1000 * 1000, ADMIN_NUMBER)


def status_rows(world: World) -> Iterator[Row]:
    """What members of each campaign can be; the first one is the default."""
    number = 0
    for one in world.campaigns:
        made = (one.start_at - 30 * 86_400_000) // 1000 * 1000
        for place, (label, responded) in enumerate(STATUSES[one.kind], 1):
            number += 1
            row: Row = {
                "Id": salesforce_id("01Y", number),
                "CampaignId": campaign_id(one),
                "Label": label,
                "SortOrder": place,
                "IsDefault": place == 1,
                "HasResponded": responded,
            }
            yield _stamped(row, made, made, ADMIN_NUMBER)


class MemberSeeds:
    """Members as (record, place in `memberships` of the person)."""

    names = frozenset({"Id", "SystemModstamp", "IsDeleted", "CampaignId", "LeadId", "ContactId", "HasResponded"})

    def __init__(self, known: Known) -> None:
        self._known = known
        self._world = known.world

    def seeds(self) -> Iterator[tuple[str, tuple[KnownPerson, int]]]:
        """(Id, seed), by person."""
        number = 0
        for record in self._known.records:
            if record.copy == 0:
                for place in range(len(memberships(self._world, record.person))):
                    number += 1
                    yield salesforce_id("00v", number), (record, place)

    def stamp(self, seed: tuple[KnownPerson, int]) -> int:
        """See `Seeds`."""
        return self._member(seed).modified_at // 1000 * 1000

    def value(self, name: str, seed: tuple[KnownPerson, int]) -> Value:
        """See `Seeds`."""
        record = seed[0]
        if name == "ContactId":
            return self._known.record_id(record) if record.kind == "contact" else None
        if name == "LeadId":
            if record.kind == "lead":
                return self._known.record_id(record)
            return self._known.former_id(record) if was_lead(record) else None
        return self.brief("", seed).get(name)

    def brief(self, record_id: str, seed: tuple[KnownPerson, int]) -> Row:
        """See `Seeds`."""
        return self._brief(record_id, seed[0], self._member(seed))

    def make(self, record_id: str, seed: tuple[KnownPerson, int]) -> Row:
        """See `Seeds`."""
        member = self._member(seed)
        row = self._brief(record_id, seed[0], member)
        row["Status"] = member.status
        if member.responded_at is not None:
            row["FirstRespondedDate"] = day_of(member.responded_at)
        by = LOADER_NUMBER if member.campaign.kind == "trade_show" else AUTOMATED_NUMBER
        return _stamped(row, member.joined_at // 1000 * 1000, member.modified_at // 1000 * 1000, by)

    def _member(self, seed: tuple[KnownPerson, int]) -> Member:
        return memberships(self._world, seed[0].person)[seed[1]]

    def _brief(self, record_id: str, record: KnownPerson, member: Member) -> Row:
        row: Row = {
            "Id": record_id,
            "CampaignId": campaign_id(member.campaign),
            "SystemModstamp": member.modified_at // 1000 * 1000,
        }
        if record.kind == "lead":
            row["LeadId"] = self._known.record_id(record)
        else:
            row["ContactId"] = self._known.record_id(record)
            if was_lead(record):
                row["LeadId"] = self._known.former_id(record)
        if member.responded:
            row["HasResponded"] = True
        return row


def _stamped(row: Row, made: int, changed: int, by: int) -> Row:
    user = salesforce_id("005", by)
    return {
        **row,
        "CreatedDate": made,
        "CreatedById": user,
        "LastModifiedDate": max(made, changed),
        "LastModifiedById": user,
        "SystemModstamp": max(made, changed),
    }
