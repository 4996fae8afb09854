"""What the portal does by itself when records change: deals move lifecycle stages, workflows answer writes."""

from __future__ import annotations

from crmhub.sandbox.hubspot import writes
from crmhub.sandbox.hubspot.feed import Happening
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.records import Actor, Record, Table

_BY_DEAL = Actor("DEALS", "deal-triggered-lifecycle-stage")
_BY_COMPANY = Actor("COMPANIES", "company-contact-lifecycle-sync")
_BY_WORKFLOW = Actor("AUTOMATION_PLATFORM", "enrollmentId:4711")


class Automations:
    """Listens to the portal's feed. Everything here is off until its switch is on."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        portal.feed.listen(self.hear)

    def hear(self, happening: Happening) -> None:
        switches = self._portal.switches
        facts = happening.facts
        if switches.deal_moves_stage and happening.kind == "deals":
            tied = happening.verb == "associationChange" and not facts["removed"]
            if tied or (happening.verb == "propertyChange" and facts["name"] == "dealstage"):
                self._follow_deal(happening.number)
        if happening.verb != "propertyChange":
            return
        if switches.company_moves_stage and happening.kind == "companies" and facts["name"] == "lifecyclestage":
            for contact, _ in self._portal.links.live("companies", happening.number, "contacts"):
                self._raise("contacts", contact, facts["value"], _BY_COMPANY)
        if switches.workflows and happening.actor is not _BY_WORKFLOW:
            self._work(happening)

    def _follow_deal(self, number: int) -> None:
        """A deal makes opportunities of the people and companies around it, a won one customers."""
        portal, table = self._portal, self._portal.tables["deals"]
        found = portal.pipelines.stage(table.props(table.rows[number]).get("dealstage", ""))
        if found is None or (found[1].closed and not found[1].won):
            return
        for kind in ("contacts", "companies"):
            for target, _ in portal.links.live("deals", number, kind):
                self._raise(kind, target, "customer" if found[1].won else "opportunity", _BY_DEAL)

    def _raise(self, kind: str, number: int, stage: str, actor: Actor) -> None:
        """Move a lifecycle stage forward; it never goes back by itself."""
        table = self._portal.tables[kind]
        held = table.props(table.rows[number]).get("lifecyclestage", "")
        if writes.stage_rank(table, stage) > writes.stage_rank(table, held):
            writes.update(self._portal, table, table.rows[number], {"lifecyclestage": stage}, actor)

    def _work(self, happening: Happening) -> None:
        table = self._portal.tables[happening.kind]
        for flow in self._portal.switches.workflows:
            if flow.get("object") == happening.kind and flow.get("when") == happening.facts["name"]:
                self._answer(table, table.rows[happening.number], dict(flow.get("set") or {}))

    def _answer(self, table: Table, record: Record, wish: dict[str, str]) -> None:
        values = writes.clean(self._portal, table, wish, record, by_person=True)
        writes.update(self._portal, table, record, values, _BY_WORKFLOW)
