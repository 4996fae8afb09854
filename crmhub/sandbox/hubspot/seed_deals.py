"""The deals of the world as HubSpot's records."""

from __future__ import annotations

from crmhub.sandbox.deals import Deal, see_deal, stages_of
from crmhub.sandbox.hubspot.kinds import KINDS, STEP
from crmhub.sandbox.hubspot.owners import owner_id
from crmhub.sandbox.hubspot.records import Record
from crmhub.sandbox.hubspot.schema import iso
from crmhub.sandbox.world import BIT, World, chance

STAGE_OF: tuple[str, ...] = (
    "appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "contractsent",
    "closedwon", "closedlost",
)  # fmt: skip
"""In the order of deals.STAGES."""


class SeedDeals:
    """Rows of the seeded deals, and the computation of their properties."""

    def __init__(self, world: World) -> None:
        self._world = world

    def rows(self) -> list[Record]:
        found: list[Record] = []
        for deal in self._world.deals:
            if deal.places & BIT["hubspot"]:
                seen = see_deal(self._world, deal, "hubspot")
                number = KINDS["deals"].first_id + STEP * deal.number
                found.append(Record(number, seen.created_at, seen.modified_at, deal))
        return found

    def props(self, record: Record) -> dict[str, str]:
        deal: Deal = record.seed
        seen = see_deal(self._world, deal, "hubspot")
        values = {
            "dealname": seen.name,
            "amount": "" if seen.amount is None else str(seen.amount),
            "deal_currency_code": seen.currency,
            "pipeline": "default",
            "dealstage": STAGE_OF[seen.stage],
            "createdate": iso(seen.created_at),
            "closedate": iso(seen.close_at),
            "dealtype": "existingbusiness" if chance(deal.seed, "hubspot again", 0.2) else "newbusiness",
            "hubspot_owner_id": owner_id(seen.rep),
            "hs_object_source": "CRM_UI",
        }
        return {name: value for name, value in values.items() if value}

    def past(self, record: Record, name: str) -> list[tuple[str, int]]:
        """When a deal entered the stages that HubSpot knows of."""
        if name != "dealstage":
            return []
        deal: Deal = record.seed
        last = see_deal(self._world, deal, "hubspot").stage
        held = [(STAGE_OF[stage], at) for stage, at in stages_of(self._world, deal)]
        names = [name for name, _ in held]
        return held[: names.index(STAGE_OF[last]) + 1] if STAGE_OF[last] in names else []
