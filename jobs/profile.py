"""profile: what the data is like before any rule is believed. Reads the store only."""

from __future__ import annotations

from typing import Any

from core.model import ENTITIES
from core.store.overview import Overview
from jobs.rules import rules_of
from jobs.runtime import Hub

BATCH = 500


def profile(hub: Hub, *, samples: int = 3) -> dict[str, Any]:
    """Fill rates, unmapped options, disagreements, and how many people each rule can reach; stable keys."""
    view = Overview(hub.db)
    return {
        "fill": _fill(hub, view),
        "unmapped_options": _options(hub, view),
        "disagreements": view.disagreements(samples),
        "rules": _reach(hub, view),
        "deals": hub.deals.counts(),
    }


def _fill(hub: Hub, view: Overview) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in hub.names():
        for spec in hub.mapping.streams(name):
            targets = hub.mapping.fields(name, spec.name)
            if spec.entity not in ENTITIES or not targets:
                continue
            rows, filled = view.fill(name, spec.name, [t.remote for t in targets])
            found += [
                {
                    "connection": name,
                    "stream": spec.name,
                    "remote": t.remote,
                    "field": t.field.name,
                    "records": rows,
                    "filled": filled[t.remote],
                    "share": round(filled[t.remote] / rows, 4),
                }
                for t in (targets if rows else ())
            ]
    return found


def _options(hub: Hub, view: Overview) -> list[dict[str, Any]]:
    """Option values in the data that no option table translates: they pass through as their own text."""
    found = []
    for name in hub.names():
        for spec in hub.mapping.streams(name):
            for t in hub.mapping.fields(name, spec.name):
                if t.field.type != "option" or t.options is None or not t.pulled:
                    continue
                for value, n in view.values_of(name, spec.name, t.remote, 200):
                    if t.to_canonical(value) == value and value not in t.options.write:
                        found.append(
                            {
                                "connection": name,
                                "stream": spec.name,
                                "remote": t.remote,
                                "field": t.field.name,
                                "value": value,
                                "records": n,
                                "table": t.options.key,
                            }
                        )
    return found


def _reach(hub: Hub, view: Overview) -> list[dict[str, Any]]:
    rules = rules_of(hub.settings, hub.mapping)
    hits = dict.fromkeys((*rules.fit, *rules.move_sql), 0)
    people, last = 0, 0
    while ids := view.people_ids(last, BATCH):
        last, people = ids[-1], people + len(ids)
        for true in hub.scores.which_hold({**rules.fit, **rules.move_sql}, rules.custom, ids).values():
            for key in true:
                hits[key] += 1
    kinds = view.people_by_kind()
    found = [
        {"rule": f"scoring.fit.{r.id}", "label": r.label, "people": hits[r.id], "of": people} for r in rules.set.fit
    ]
    found += [
        {
            "rule": f"scoring.engagement.{r.id}",
            "label": r.label,
            "people": max((kinds.get(k, 0) for k in r.on), default=0),
            "of": people,
        }
        for r in rules.set.engagement
    ]
    found += [
        {"rule": f"lifecycle.moves.{m.id}", "label": m.label or m.id, "people": hits[m.id], "of": people}
        for m in rules.moves
    ]
    return found
