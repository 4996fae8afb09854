"""Lifecycle stages: how a person enters, moves, is claimed by a CRM, and what to do with them next.

Every answer carries its reason. Rules move people forward; only the exits (recycled, disqualified) lead back.
Whether somebody is an opportunity or a customer is a fact of the CRMs: no rule moves them there or away. It follows
from their deals where there are any, else from the stages that the CRMs show.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.deals import DealFacts
from core.model import Band, Stage

DAY_MS = 86_400_000
#: How long a stage set by hand in a CRM holds against the rules.
HAND_SET_MS = 30 * DAY_MS

EXITS = frozenset({Stage.RECYCLED, Stage.DISQUALIFIED})
#: Set by deals in the CRMs only.
FACT_STAGES = frozenset({Stage.OPPORTUNITY, Stage.CUSTOMER})

Phase = Literal["need", "research", "evaluation", "vendor_contact", "negotiation"]


@dataclass(frozen=True, slots=True)
class StageState:
    """Where a person stands; times in ms UTC.

    Rules wait until `hand_set_until` (set by hand) and `cooldown_until` (given back), or until new intent comes.
    `by_deal`: a deal made them so.
    """

    stage: Stage
    since: int
    reason: str
    hand_set_until: int | None = None
    cooldown_until: int | None = None
    by_deal: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """A rule: whoever `when` (a condition) holds for goes `to`. `id` is stable, `label` is for people."""

    id: str
    to: Stage
    when: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What moving needs besides the conditions: the newest explicit intent and its time, and the deals now.

    `shown`: the stages that CRMs themselves show; `before`: the last stage that was no fact of a deal.
    """

    intent_at: int | None = None
    intent: str | None = None
    deals: DealFacts = field(default_factory=DealFacts)
    shown: frozenset[Stage] = frozenset()
    before: Stage = Stage.LEAD


@dataclass(frozen=True, slots=True)
class StageChange:
    """The stage to take, why, and the id of the rule that says so ("deal" for facts of the CRMs)."""

    to: Stage
    reason: str
    rule: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """The stage on first sight, and why."""

    stage: Stage
    reason: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a stage set in a CRM. An accepted one holds until `hand_set_until`."""

    accepted: bool
    stage: Stage
    reason: str
    hand_set_until: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What to do next with somebody, and why that."""

    action: str
    reason: str


#: Intent with fit makes a prospect at any score; a high score alone makes an MQL, never a prospect.
DEFAULT_MOVES: tuple[Move, ...] = (
    Move(
        "intent_with_fit",
        Stage.PROSPECT,
        "score.fit >= 30 and person.intent in ('demo', 'quote')",
        "Fits and asked to buy",
    ),
    Move("score_mql", Stage.MQL, "score.total >= 60", "Score of 60"),
    Move("engaged_lead", Stage.LEAD, "score.engagement > 0", "Showed interest"),
)


def adopt(seen: Mapping[str, Stage | None], *, has_email: bool = False, has_engagement: bool = False) -> Adopted:
    """The stage of somebody new: the most advanced any connection reports; once a customer, a customer.

    `seen`: stage by connection, None where it says nothing. When nobody says anything: lead with an e-mail or
    any engagement, else subscriber. An exit counts only where no connection knows a living stage.
    """
    said = {connection: stage for connection, stage in sorted(seen.items()) if stage is not None}
    living = {c: s for c, s in said.items() if s not in EXITS}
    if not said:
        stage = Stage.LEAD if has_email or has_engagement else Stage.SUBSCRIBER
        known = "engagement" if has_engagement else "an e-mail" if has_email else "nothing to reach them by"
        return Adopted(stage, f"first seen with {known}")
    best = max((living or said).items(), key=lambda item: item[1].rank)
    others = [f"{c} says {s}" for c, s in said.items() if s != best[1]]
    return Adopted(best[1], f"adopted from {best[0]}" + (f" ({', '.join(others)})" if others else ""))


def move(
    current: StageState,
    moves: Sequence[Move],
    true_rules: Collection[str],
    now: int,
    facts: Facts,
    lost_to: Stage = Stage.RECYCLED,
) -> StageChange | None:
    """What the first rule from the top that holds makes of this person, or None: they stay.

    `true_rules`: ids of the moves whose condition holds. The first of them decides, also when it leads nowhere:
    a rule to a stage already reached or passed keeps the rules below it from moving anybody. Facts of deals come
    first (`by_deals`). A stage set by hand holds for 30 days, a cool-down until its end; an explicit intent since
    then ends both. Rules move backwards only into an exit, never out of opportunity and customer, and revive the
    disqualified only on new intent.
    """
    if change := by_deals(current, now, facts, lost_to):
        return change
    if current.stage in FACT_STAGES:
        return None
    if not _has_new_intent(current, facts) and _waits(current, now):
        return None
    first = next((rule for rule in moves if rule.id in true_rules and rule.to not in FACT_STAGES), None)
    if first is None or first.to == current.stage:
        return None
    if first.to in EXITS or first.to.rank > current.stage.rank:
        return StageChange(first.to, _reason(first, current, facts), first.id)
    return None


def by_deals(current: StageState, now: int, facts: Facts, lost_to: Stage = Stage.RECYCLED) -> StageChange | None:
    """What the deals make of a person, or None: as they are.

    A won deal makes a customer, an open one an opportunity; both stay until the deals say otherwise: when the last
    open one is lost they go to `lost_to`, when all are gone back to `before`. A CRM that itself calls them so keeps
    them so, but for a lost deal. A stage set by hand holds against deals that were known before it.
    An opportunity by a CRM's word stays one, for the reason of its deal from now on.
    """
    deals, stage = facts.deals, current.stage
    by_hand = current.hand_set_until is not None and now < current.hand_set_until
    if by_hand and deals.newest <= current.since:
        return None
    if deals.won is not None:
        return _because(Stage.CUSTOMER, f"{deals.won.words} was won") if stage != Stage.CUSTOMER else None
    bought = stage == Stage.CUSTOMER and (not current.by_deal or stage in facts.shown)
    if bought:
        return None
    if deals.open is not None:
        known = stage == Stage.OPPORTUNITY and current.by_deal
        return None if known else _because(Stage.OPPORTUNITY, f"{deals.open.words} is open")
    if stage not in FACT_STAGES:
        return None
    if deals.lost is not None:
        return _because(lost_to, f"{deals.lost.words} was lost")
    if current.by_deal and stage not in facts.shown:
        return _because(facts.before, f"the deal that made them {stage} is gone")
    return None


def _because(to: Stage, reason: str) -> StageChange:
    return StageChange(to, reason, "deal")


def _has_new_intent(current: StageState, facts: Facts) -> bool:
    return facts.intent_at is not None and facts.intent_at > current.since


def _waits(current: StageState, now: int) -> bool:
    """Set by hand, cooling down, or disqualified for good."""
    if current.stage == Stage.DISQUALIFIED:
        return True
    return any(until is not None and now < until for until in (current.hand_set_until, current.cooldown_until))


def _reason(rule: Move, current: StageState, facts: Facts) -> str:
    said = rule.label or f"rule {rule.id}: {rule.when}"
    held = current.hand_set_until is not None or current.cooldown_until is not None
    if held and _has_new_intent(current, facts):
        return f"{said} (new intent: {facts.intent or 'explicit'})"
    return said


def claim(
    current: Stage, claimed: Stage, by: str, now: int, allowed: Iterable[Stage] = (), *, reason: str = ""
) -> Claim:
    """Answer a stage that somebody set in a CRM. `by` names who and where, for the reason.

    Forward is accepted, and so are stages in `allowed` (the configuration's claims, backwards too); the rest is
    refused. A claim of opportunity or customer is forward like any other: people know of deals first.
    """
    until = now + HAND_SET_MS
    why = f": {reason}" if reason else ""
    if claimed == current:
        return Claim(True, current, f"{by} confirms {current}{why}")
    if claimed in frozenset(allowed):
        return Claim(True, claimed, f"set by {by}, which may set {claimed}{why}", until)
    if claimed not in EXITS and claimed.rank > current.rank:
        return Claim(True, claimed, f"set by {by}{why}", until)
    way = "an exit" if claimed in EXITS else "backwards"
    text = f"{by} set {claimed}: refused, {way} from {current} (see lifecycle.claims)"
    return Claim(False, current, text)


_NURTURE: dict[Band, Action] = {
    Band.COLD: Action("nurture:introduction", "only visits so far: show what the subject is about"),
    Band.WARM: Action("nurture:content", "reads content: send the next piece on the same interest"),
    Band.HOT: Action("invite:demo", "strong recent engagement: offer a demo"),
}
_PROSPECT: dict[Phase, Action] = {
    "need": Action("call:discovery", "the need is seen, not yet described: ask"),
    "research": Action("send:comparison", "compares approaches: help them compare"),
    "evaluation": Action("offer:demo", "evaluates: show it on their own case"),
    "vendor_contact": Action("send:proposal", "talks to vendors: a tailored proposal"),
    "negotiation": Action("negotiate", "close to a decision: settle terms and the next step"),
}
_BY_STAGE: dict[Stage, Action] = {
    Stage.SAL: Action("call:qualify", "sales accepted them: find out need, budget and time"),
    Stage.OPPORTUNITY: Action("negotiate", "a deal is open: the next step belongs to its owner"),
    Stage.CUSTOMER: Action("care", "a customer: no nurture mail, the account team speaks"),
    Stage.DISQUALIFIED: Action("none", "disqualified: leave alone until they come back themselves"),
}


def next_best_action(stage: Stage, band: Band, phase: Phase | None = None) -> Action:
    """What to do next, by stage, then band (marketing's people) or phase (a prospect's journey)."""
    if found := _BY_STAGE.get(stage):
        return found
    if stage == Stage.PROSPECT:
        return _PROSPECT[phase or "need"]
    if stage == Stage.MQL:
        urgent = band == Band.HOT
        return Action(
            "call:first_touch",
            "handed over and hot: call now" if urgent else "handed over: sales owes an answer",
        )
    if stage == Stage.RECYCLED and band != Band.HOT:
        return Action("nurture:content", "given back by sales: keep in touch until something new happens")
    return _NURTURE[band]
