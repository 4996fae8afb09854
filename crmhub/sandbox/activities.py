"""What people did in the 180 days before the start, and what it does to their wish to buy."""

from __future__ import annotations

import math
import random

from crmhub.sandbox.names import SENIORITIES
from crmhub.sandbox.world import BIT, DAY, FORM_KINDS, HISTORY_DAYS, TOUCH_KINDS, Activity, Person, World

# kind: (how often per unit of interest, what one of them adds to the logit of buying, how many count)
_HABITS: dict[str, tuple[float, float, int]] = {
    "demo_request": (0.10, 1.9, 1),
    "pricing_request": (0.14, 1.3, 1),
    "contact_request": (0.10, 0.8, 1),
    "webinar": (0.30, 0.4, 2),
    "download": (0.50, 0.25, 3),
    "newsletter": (0.25, 0.05, 1),
    "call": (0.50, 0.5, 2),
    "meeting": (0.20, 1.0, 2),
    "email": (0.60, 0.1, 3),
    "note": (0.20, 0.0, 0),
    "task": (0.25, 0.0, 0),
}
_BASE = -5.4
_SENIORITY = {name: logit for name, _, logit in SENIORITIES}
_BOTH = BIT["hubspot"] | BIT["salesforce"]


def live(dice: random.Random, world: World) -> list[Activity]:
    """Make every activity, oldest first, and set stage, probability and buys_at of each person."""
    made: list[Activity] = []
    for person in world.people:
        mine = _acts(dice, person, world.now)
        made.extend(mine)
        _decide(dice, person, mine, world.now)
    made.sort(key=lambda act: (act.at, act.person.number, act.kind))
    return [
        Activity(number, act.at, act.kind, act.person, act.rep, act.detail, act.places)
        for number, act in enumerate(made, 1)
    ]


def call_outcome(act: Activity) -> str:
    """connected, no_answer, voicemail or busy."""
    draw = act.detail % 100
    return "connected" if draw < 55 else "no_answer" if draw < 80 else "voicemail" if draw < 92 else "busy"


def meeting_outcome(act: Activity) -> str:
    """completed, no_show or canceled; planned ones lie after the start and are made by nobody yet."""
    draw = act.detail % 100
    return "completed" if draw < 78 else "no_show" if draw < 90 else "canceled"


def task_done(act: Activity) -> bool:
    return act.detail % 100 < 70


def email_incoming(act: Activity) -> bool:
    return act.detail % 100 < 35


def fit(person: Person) -> float:
    """What a person is worth before doing anything, as a logit."""
    size = person.company.employees
    bonus = -0.4 if size < 20 else 0.0 if size < 50 else 0.6 if size < 1000 else 0.9
    return _SENIORITY[person.seniority] + person.company.industry.fit + bonus


def _acts(dice: random.Random, person: Person, now: int) -> list[Activity]:
    """Who fits is more interested, and a third of the people do nothing at all."""
    if dice.random() < 0.35:
        return []
    interest = math.exp(dice.gauss(-0.25 + 0.25 * fit(person), 0.8))
    since = max(now - HISTORY_DAYS * DAY, person.created_at)
    made: list[Activity] = []
    for kind, (rate, _, _) in _HABITS.items():
        for _ in range(_poisson(dice, rate * interest)):
            # the last weeks weigh more: people get warm, then ask
            at = now - 60_000 - int((now - since) * dice.random() ** 1.4)
            if kind in TOUCH_KINDS:
                at = _office_hours(at)
            made.append(Activity(0, at, kind, person, person.rep, dice.getrandbits(30), _places(dice, kind, person)))
    return made


def _office_hours(at: int) -> int:
    """The same day between 8:00 and 17:59 UTC, never later than `at` by a day's turn."""
    day, rest = divmod(at, DAY)
    return day * DAY + 8 * 3_600_000 + rest % (10 * 3_600_000) - (DAY if rest < 18 * 3_600_000 else 0)


def _places(dice: random.Random, kind: str, person: Person) -> int:
    """Forms live in HubSpot where it knows the person; a rep logs in one CRM, sometimes in both."""
    known = person.known & _BOTH
    if known != _BOTH:
        quiet = kind in FORM_KINDS and known == BIT["salesforce"] and kind in ("webinar", "download", "newsletter")
        return 0 if quiet else known
    if kind in FORM_KINDS:
        return BIT["hubspot"]
    draw = dice.random()
    return _BOTH if draw < 0.2 else BIT["hubspot"] if draw < 0.55 else BIT["salesforce"]


def _poisson(dice: random.Random, mean: float) -> int:
    limit, count, product = math.exp(-mean), 0, dice.random()
    while product > limit and count < 30:
        count += 1
        product *= dice.random()
    return count


def _decide(dice: random.Random, person: Person, mine: list[Activity], now: int) -> None:
    counted: dict[str, int] = {}
    for act in mine:
        good = call_outcome(act) == "connected" if act.kind == "call" else True
        good = meeting_outcome(act) == "completed" if act.kind == "meeting" else good
        counted[act.kind] = counted.get(act.kind, 0) + good
    logit = _BASE + fit(person) - (1.5 if person.opted_out else 0.0)
    logit += sum(worth * min(most, counted.get(kind, 0)) for kind, (_, worth, most) in _HABITS.items())
    person.probability = 1 / (1 + math.exp(-logit))
    buys = dice.random() < person.probability
    delay = int(math.exp(dice.gauss(3.3, 0.6)) * DAY)
    wanted = max((act.at for act in mine if act.kind in ("demo_request", "pricing_request", "meeting")), default=now)
    if buys:
        person.buys_at = wanted + delay
    person.stage = _stage(dice, person, counted, now)


def _stage(dice: random.Random, person: Person, counted: dict[str, int], now: int) -> str:
    if person.company.customer or (person.buys_at is not None and person.buys_at <= now):
        return "customer"
    if counted.get("meeting") and counted.get("pricing_request") and dice.random() < 0.6:
        return "opportunity"
    if counted.get("demo_request") or counted.get("pricing_request"):
        return "mql" if dice.random() < 0.6 else "lead"
    if not counted or set(counted) == {"newsletter"}:
        return "subscriber" if dice.random() < 0.5 else "lead"
    return "lead"
