"""The world's deals as opportunities, and who has a part in them."""

from collections.abc import Iterator

from crmhub.sandbox.deals import LOST, WON, Deal, DealPerson, people_of, see_deal, stages_of
from crmhub.sandbox.draws import bits, part
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.schema.deals import FORECAST_NAMES, STAGES
from crmhub.sandbox.salesforce.schema.field import Value
from crmhub.sandbox.salesforce.seed_people import Known
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import day_of
from crmhub.sandbox.world import BIT

# the world's stages in their order
STAGE_NAMES = (
    "Qualification", "Needs Analysis", "Value Proposition", "Proposal/Price Quote", "Negotiation/Review",
    "Closed Won", "Closed Lost",
)  # fmt: skip
_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Other")
_CAMPAIGN, _NEXT, _TYPE, _LATER = 0x5F1, 0x5F2, 0x5F3, 0x5F4
_AUDIT = frozenset({"Id", "SystemModstamp", "IsDeleted"})


def deals_in(known: Known) -> Iterator[Deal]:
    """The deals that this CRM keeps."""
    for deal in known.world.deals:
        if deal.places & BIT["salesforce"]:
            yield deal


def _deal_id(deal: Deal) -> str:
    return salesforce_id("006", deal.number)


class OpportunitySeeds:
    """Deals; a third name the campaign that brought them."""

    names = _AUDIT | {"AccountId", "CampaignId"}

    def __init__(self, known: Known) -> None:
        self._known = known
        self._world = known.world

    def seeds(self) -> Iterator[tuple[str, Deal]]:
        """(Id, deal)."""
        for deal in deals_in(self._known):
            yield _deal_id(deal), deal

    def stamp(self, seed: Deal) -> int:
        """See `Seeds`."""
        return see_deal(self._world, seed, "salesforce").modified_at // 1000 * 1000

    def value(self, name: str, seed: Deal) -> Value:
        """See `Seeds`."""
        if name == "AccountId":
            return self._known.account_id(seed.company.number)
        return self._campaign_id(seed) if name == "CampaignId" else self.brief("", seed).get(name)

    def brief(self, record_id: str, seed: Deal) -> Row:
        """See `Seeds`."""
        return {
            "Id": record_id,
            "SystemModstamp": self.stamp(seed),
            "AccountId": self._known.account_id(seed.company.number),
            "CampaignId": self._campaign_id(seed),
        }

    def make(self, record_id: str, seed: Deal) -> Row:
        """See `Seeds`."""
        seen = see_deal(self._world, seed, "salesforce")
        stage = STAGE_NAMES[seen.stage]
        probability, category, _, _ = STAGES[stage]
        owner = salesforce_id("005", seen.rep + 1)
        draw = bits(seed.seed, _NEXT)
        row: Row = {
            **self.brief(record_id, seed),
            "Name": seen.name[:120],
            "StageName": stage,
            "Probability": float(probability),
            "ForecastCategory": category,
            "ForecastCategoryName": FORECAST_NAMES[category],
            "IsClosed": seen.stage in (WON, LOST),
            "IsWon": seen.stage == WON,
            "Amount": None if seen.amount is None else float(seen.amount),
            "CloseDate": day_of(seen.close_at),
            "Type": "New Customer" if bits(seed.seed, _TYPE) % 3 else "Existing Customer - Upgrade",
            "LeadSource": _SOURCES[draw % len(_SOURCES)],
            "RecordTypeId": salesforce_id("012", 2 if seed.name.endswith(" renewal") else 1),
            "NextStep": "Send the offer" if seen.stage < WON and draw >> 8 & 1 else None,
            "OwnerId": owner,
            "LastStageChangeDate": stages_of(self._world, seed)[-1][1] // 1000 * 1000,
            "CreatedDate": seen.created_at // 1000 * 1000,
            "CreatedById": owner,
            "LastModifiedDate": seen.modified_at // 1000 * 1000,
            "LastModifiedById": owner,
        }
        return {name: value for name, value in row.items() if value is not None and value is not False}

    def _campaign_id(self, deal: Deal) -> str | None:
        if part(deal.seed, _CAMPAIGN) >= 0.35:
            return None
        before = [one for one in self._world.campaigns if one.start_at < deal.created_at]
        return salesforce_id("701", before[bits(deal.seed, _CAMPAIGN) % len(before)].number) if before else None


class RoleSeeds:
    """Who has a part in a deal: (deal, place in `people_of`)."""

    names = _AUDIT | {"OpportunityId", "ContactId"}

    def __init__(self, known: Known) -> None:
        self._known = known
        self._world = known.world

    def seeds(self) -> Iterator[tuple[str, tuple[Deal, int]]]:
        """(Id, seed), by deal."""
        number = 0
        for deal in deals_in(self._known):
            for place in range(len(people_of(self._world, deal, "salesforce"))):
                number += 1
                yield salesforce_id("00K", number), (deal, place)

    def stamp(self, seed: tuple[Deal, int]) -> int:
        """See `Seeds`."""
        return self._stamp(seed[0], people_of(self._world, seed[0], "salesforce")[seed[1]])

    def value(self, name: str, seed: tuple[Deal, int]) -> Value:
        """See `Seeds`."""
        return _deal_id(seed[0]) if name == "OpportunityId" else self.brief("", seed).get(name)

    def brief(self, record_id: str, seed: tuple[Deal, int]) -> Row:
        """See `Seeds`."""
        return self.make(record_id, seed)

    def make(self, record_id: str, seed: tuple[Deal, int]) -> Row:
        """Whoever is added later is added by the deal's owner."""
        deal, place = seed
        found = people_of(self._world, deal, "salesforce")[place]
        owner = salesforce_id("005", deal.rep + 1)
        stamp = self._stamp(deal, found)
        row: Row = {
            "Id": record_id,
            "OpportunityId": _deal_id(deal),
            "ContactId": self._known.who_id(found.person.number),
            "Role": found.role,
            "CreatedDate": stamp,
            "CreatedById": owner,
            "LastModifiedDate": stamp,
            "LastModifiedById": owner,
            "SystemModstamp": stamp,
        }
        if found.primary:
            row["IsPrimary"] = True
        return row

    def _stamp(self, deal: Deal, found: DealPerson) -> int:
        """Contacts are added some time after the deal was made; the first one when it was."""
        later = part(deal.seed ^ found.person.seed, _LATER) ** 2
        last = stages_of(self._world, deal)[-1][1]
        at = deal.created_at + (0 if found.primary else int(later * (last - deal.created_at)))
        return at // 1000 * 1000
