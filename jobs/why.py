"""why: everything the hub knows about one person, as one timeline, and the ledger that sums to the score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core import lifecycle, scoring
from core.deals import Deal
from core.errors import Refused
from core.model import FIELDS, Band, Stage
from core.store.db import Row, loads
from core.values import money
from jobs.qualify import event_of
from jobs.rules import rules_of
from jobs.runtime import Hub


@dataclass(slots=True)
class Entry:
    """One thing that happened: when (ms), a word for its kind (seen, linked, did, written ...), the story."""

    at: int
    what: str
    text: str
    source: str = ""


@dataclass(slots=True)
class Why:
    """One person explained. `points`: (label, points in thousandths, evidence); they sum to the score."""

    person: int
    name: str
    facts: dict[str, Any]
    stage: str
    reason: str
    score: int
    band: str
    grade: str
    points: list[tuple[str, int, str]] = field(default_factory=list)
    action: str = ""
    action_reason: str = ""
    records: list[dict[str, Any]] = field(default_factory=list)
    deals: list[dict[str, Any]] = field(default_factory=list)
    clocks: list[dict[str, Any]] = field(default_factory=list)
    timeline: list[Entry] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """Stable keys; points as decimals."""
        return {
            "person": self.person,
            "name": self.name,
            "facts": self.facts,
            "stage": self.stage,
            "reason": self.reason,
            "score": self.score / 1000,
            "band": self.band,
            "grade": self.grade,
            "points": [{"label": lab, "points": p / 1000, "evidence": e} for lab, p, e in self.points],
            "next_action": {"action": self.action, "reason": self.action_reason},
            "records": self.records,
            "deals": self.deals,
            "clocks": self.clocks,
            "timeline": [{"at": e.at, "what": e.what, "text": e.text, "source": e.source} for e in self.timeline],
        }


_YES_NO = frozenset(f.name for f in FIELDS.values() if f.type == "bool")


def why(hub: Hub, who: str) -> Why:
    """Explain a person by e-mail, hub id or remote id. Raises Refused when nobody is known by that."""
    person = hub.entities.find_person(who)
    if person is None:
        raise Refused(f"nobody is known by {who!r}", "give an e-mail, a hub id, or a record id of a CRM; pull first")
    row = hub.entities.load("person", [person])[person]
    score, stage = hub.scores.scores([person]).get(person), hub.scores.stages([person]).get(person)
    facts = {k: v for k, v in row.values.items() if v is not None}
    name = " ".join(str(facts[n]) for n in ("first_name", "last_name") if n in facts) or str(facts.get("email", who))
    if score is None or stage is None:
        raise Refused(f"{name} is not qualified yet", "run `crmhub sync`")
    found = Why(person, name, facts, stage.stage, stage.reason, score["total"], score["band"], score["grade"])
    _ledger(hub, found, score)
    action = lifecycle.next_best_action(Stage(stage.stage), Band(score["band"]))
    found.action, found.action_reason = action.action, action.reason
    _records(hub, found)
    _timeline(hub, found)
    for deal in hub.deals.of_people([person]).get(person, ()):
        _deal(hub, found, deal)
    found.timeline.sort(key=lambda e: e.at)
    return found


def _ledger(hub: Hub, found: Why, score: Row) -> None:
    """The points as of the stored score: recomputed, and the same to the unit."""
    rules = rules_of(hub.settings, hub.mapping)
    labels = {r.id: r.label for r in rules.set.fit}
    hits = hub.scores.which_hold(rules.fit, rules.custom, [found.person])[found.person]
    events = [event_of(r) for r in hub.activities.of_people([found.person])[found.person]]
    book = scoring.ledger(rules.set, {h: labels[h] for h in hits}, scoring.filter_events(events), score["as_of"])
    for p in sorted(book.points, key=lambda p: (p.side != "fit", -(p.at or 0))):
        faded = f", faded from {scoring.shown(p.full_points)}" if p.full_points != p.points and p.kind != "cap" else ""
        when = "" if p.at is None else f" on {_day(p.at, hub)}"
        said = "" if p.evidence == p.label else f"{p.evidence}"
        found.points.append((p.label, p.points, f"{said}{when}{faded}".strip()))


def _records(hub: Hub, found: Why) -> None:
    for r in hub.records.by_entity("person", [found.person])[found.person]:
        shown = hub.mapping.canonical(r.connection, r.stream, r.remote)
        state = "live" if r.live else f"merged into {r.merged_into}" if r.merged_into else "deleted"
        found.records.append(
            {
                "connection": r.connection,
                "stream": r.stream,
                "id": r.remote_id,
                "state": r.read_only or state,
                "says": {k: v for k, v in shown.items() if v is not None},
                "shows": {
                    t.field.name: r.remote.get(t.remote)
                    for t in hub.mapping.targets(r.connection, r.stream)
                    if t.field.decision
                },
            }
        )


def _timeline(hub: Hub, found: Why) -> None:
    p, out = found.person, found.timeline
    for r in hub.entities.history("record", p):
        out.append(
            Entry(
                r["created_at"] or r["seen_at"],
                "seen",
                f"record {r['remote_id']} created",
                f"{r['connection']} {r['stream']}",
            )
        )
    for r in hub.entities.history("link", p):
        out.append(
            Entry(
                r["at"],
                "linked",
                f"{r['evidence']} (rule {r['rule']}, weight {r['weight']})",
                f"{r['connection']} {r['stream']} {r['remote_id']}",
            )
        )
    for r in hub.activities.of_people([p])[p]:
        words = " ".join(
            x
            for x in (
                r["kind"].replace("_", " "),
                f"“{r['title']}”" if r["title"] else "",
                f"({r['outcome']})" if r["outcome"] else "",
            )
            if x
        )
        out.append(Entry(r["occurred_at"], "did", words, r["connection"]))
    for r in hub.entities.history("change", p):
        out.append(
            Entry(
                r["at"],
                "changed",
                f"{r['field']}: {_shown(r['old'])} -> {_shown(r['new'])} by {r['actor']}",
                r["source"],
            )
        )
    for r in hub.entities.history("stage", p):
        out.append(Entry(r["at"], "staged", f"{r['old'] or 'new'} -> {r['new']}: {r['reason']}", r["rule"]))
    for r in hub.entities.history("score", p):
        out.append(Entry(r["at"], "scored", f"{scoring.shown(r['total'])} points, {r['band']}, {r['grade']}", ""))
    for r in hub.entities.history("clock", p):
        found.clocks.append({k: r[k] for k in ("policy", "started_at", "due_at", "stopped_at", "stopped_by")})
        out.append(Entry(r["started_at"], "clock", f"{r['policy']} starts, due {_day(r['due_at'], hub)}", ""))
        if r["stopped_at"]:
            late = "late" if r["stopped_at"] > r["due_at"] else "in time"
            out.append(Entry(r["stopped_at"], "clock", f"{r['policy']} met {late} by {r['stopped_by']}", ""))
    for r in hub.entities.history("conflict", p):
        sides = "; ".join(f"{c['connection']}: {_shown(c['value'])}" for c in loads(r["candidates"]))
        kind = {"edit": "changed on both sides", "adoption": "disagree since before the first sync", "noted": "differ"}[
            r["kind"]
        ]
        out.append(
            Entry(
                r["opened_at"],
                "waits" if r["closed_at"] is None and r["kind"] != "noted" else "noted",
                f"{r['field']} {kind}: {sides}",
                "",
            )
        )
    for r in hub.outbox.of_entity("person", p):
        if r["state"] == "superseded":
            continue
        before, after = loads(r["before"]), loads(r["after"])
        words = "; ".join(f"{k}: {_shown(before.get(k))} -> {_shown(v)}" for k, v in after.items())
        what = {"applied": "written", "unchanged": "written", "rejected": "refused"}.get(r["state"], r["state"])
        error = f" ({r['error']})" if r["error"] and what == "refused" else ""
        out.append(
            Entry(
                r["done_at"] or r["queued_at"],
                what,
                words + error,
                f"{r['connection']} {r['stream']} {r['remote_id'] or ''}".strip(),
            )
        )


def _deal(hub: Hub, found: Why, deal: Deal) -> None:
    """What a deal of theirs is now, and its story."""
    records = hub.deals.records(deal.id)
    name = f"“{deal.name}”" if deal.name else f"deal {deal.id}"
    found.deals.append(
        {
            "deal": deal.id,
            "name": deal.name,
            "state": deal.state,
            "since": deal.since,
            "stage": deal.stage,
            "pipeline": deal.pipeline,
            "amount": None if deal.amount is None else deal.amount / 10 ** money.digits(deal.currency),
            "currency": deal.currency,
            "probability": deal.probability,
            "close_date": deal.close_date,
            "owner": deal.owner,
            "role": deal.role,
            "primary": deal.primary,
            "records": [{"connection": r["connection"], "stream": r["stream"], "id": r["remote_id"]} for r in records],
        }
    )
    for r in records:
        at = r["created_at"] or r["seen_at"]
        found.timeline.append(Entry(at, "deal", f"{name} created", f"{r['connection']} {r['stream']}"))
    for r in hub.deals.history(deal.id):
        old, new = (_deal_value(r["field"], r[side], deal.currency) for side in ("old", "new"))
        found.timeline.append(Entry(r["at"], "deal", f"{name}: {r['field']} {old} -> {new}", r["source"]))


def _deal_value(name: str, value: object, currency: str | None) -> str:
    if name == "deal_amount" and isinstance(value, int):
        return money.major(value, currency)
    if name in _YES_NO and value in (0, 1):
        return "yes" if value else "no"
    return _shown(value)


def _shown(value: object) -> str:
    return "(blank)" if value is None else str(value)


def _day(ms: int, hub: Hub) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(ms / 1000, hub.settings.hub.zone).strftime("%d %b %Y %H:%M")
