"""profile: the data before the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from crmhub.cli.common import config_option, echo_json, hub_at, json_option, say, table
from jobs.profile import profile as make_profile


@click.command(
    "profile", help="What the data is like: fill rates, unmapped options, disagreements, reach of each rule."
)
@config_option
@json_option
@click.option("--samples", default=2, show_default=True, type=click.IntRange(0), help="Examples per disagreement.")
def profile(config: Path, as_json: bool, samples: int) -> None:
    with hub_at(config, quiet=True) as hub:
        found = make_profile(hub, samples=samples)
    if as_json:
        echo_json(found)
        return
    if not found["fill"]:
        say("the store is empty; run `crmhub pull` first")
        return
    _fill(found["fill"])
    if found["unmapped_options"]:
        say("", "option values that no table translates (they pass through as they are; add them to [options]):")
        rows = [
            (f"{o['connection']} {o['stream']}.{o['remote']}", o["value"], o["records"], o["table"])
            for o in found["unmapped_options"]
        ]
        say(*table(rows, ("field", "value", "records", "table")))
    if found["deals"]:
        say("", "deals: " + ", ".join(f"{n:,} {words.replace('_', ' ')}" for words, n in found["deals"].items()))
    _disagreements(found["disagreements"])
    say("", "how many people each rule reaches")
    say(
        *table(
            [(r["people"], _share(r["people"], r["of"]), r["rule"], r["label"]) for r in found["rules"]],
            ("people", "", "rule", ""),
        )
    )


def _fill(fill: list[dict[str, Any]]) -> None:
    places = list(dict.fromkeys((f["connection"], f["stream"], f["records"]) for f in fill))
    fields = list(dict.fromkeys(f["field"] for f in fill))
    share = {(f["field"], f["connection"], f["stream"]): f"{f['share']:.0%}" for f in fill}
    say("filled, by field")
    rows = [[name, *(share.get((name, c, s), "") for c, s, _ in places)] for name in fields]
    say(*table(rows, ("field", *(f"{c} {s} ({n:,})" for c, s, n in places))))


def _disagreements(found: list[dict[str, Any]]) -> None:
    for title, kinds in (
        ("fields on which CRMs disagree; they wait for a `wins` in mapping.toml or an edit", ("adoption", "edit")),
        ("differences that stop nothing: nobody writes these fields", ("noted",)),
    ):
        mine = [d for d in found if d["kind"] in kinds]
        if not mine:
            continue
        say("", title)
        for d in mine:
            some = "; ".join(", ".join(f"{k}: {v}" for k, v in s.items() if k != "id") for s in d["samples"])
            say(f"  {d['count']:>6,}  {d['field']:<18} {some}"[:140])


def _share(n: int, of: int) -> str:
    return f"{n / of:.0%}" if of else "-"
