"""Deals: what became of them, and what they say about the people who take part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from core.model import Value
from core.values import money, normal

DealState = Literal["open", "won", "lost", "unknown", "gone"]


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal as it stands for one person. `amount` in minor units of `currency`, `probability` in percent.

    `state`: open, won, lost or unknown, known to be so `since` (ms UTC); `role` and `primary` are the person's.
    """

    id: int
    name: str | None
    state: str
    since: int
    stage: str | None
    pipeline: str | None
    amount: int | None
    currency: str | None
    probability: float | None
    close_date: str | None
    owner: str | None
    role: str | None
    primary: bool

    @property
    def words(self) -> str:
        """For reasons: deal “Big one” (Proposal, 12,500.00 EUR)."""
        worth = None if self.amount is None else money.major(self.amount, self.currency)
        more = ", ".join(part for part in (self.stage, worth) if part)
        name = f"deal “{self.name}”" if self.name else f"deal {self.id}"
        return f"{name} ({more})" if more else name


@dataclass(frozen=True, slots=True)
class DealFact:
    """One deal that counts: how to name it, since when we know, when it happened (both ms UTC)."""

    words: str
    since: int
    at: int


@dataclass(frozen=True, slots=True)
class DealFacts:
    """What a person's deals say. `open`: the furthest open one; `won`, `lost`: the latest."""

    open: DealFact | None = None
    won: DealFact | None = None
    lost: DealFact | None = None

    @property
    def newest(self) -> int:
        """Since when we know the newest of it; 0 without any deal."""
        return max((f.since for f in (self.open, self.won, self.lost) if f is not None), default=0)


def deal_state(closed: Value, won: Value, *, live: bool, told: bool) -> DealState:
    """What became of a deal: open unless some CRM closed it, gone when no CRM has it any more.

    `told`: a CRM tells whether it is closed or won at all; else nothing follows from it.
    """
    if not live or not told:
        return "unknown" if live else "gone"
    if won is True:
        return "won"
    return "lost" if closed is True else "open"


def deal_facts(deals: Iterable[Deal], now: int) -> DealFacts:
    """What counts of a person's deals, the furthest open one first among them."""
    found: dict[str, DealFact] = {}
    for d in deals:
        fact = DealFact(d.words, d.since, _closed_at(d, now))
        best = found.get(d.state)
        if best is None or (d.state != "open" and fact.at > best.at):
            found[d.state] = fact
    return DealFacts(found.get("open"), found.get("won"), found.get("lost"))


def _closed_at(deal: Deal, now: int) -> int:
    """When it was closed: its close date, unless that still lies ahead; else when we learned of it."""
    day = normal("datetime", deal.close_date)
    return day if isinstance(day, int) and day <= now else deal.since
