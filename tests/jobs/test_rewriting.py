"""CRMs that make something else of what they are sent: no second write, no edit that nobody made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.contract import Value
from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import mapping_text
from tests.jobs.test_two_way import NAMES, pair

Rewrite = Callable[[Value], Value]


def _text(change: Callable[[str], str]) -> Rewrite:
    return lambda v: change(v) if isinstance(v, str) else v


REWRITES: dict[str, tuple[str, Value, Value, Rewrite]] = {
    "trim": ("city", "  Saint Denis ", "Saint Denis", _text(str.strip)),
    "upper": ("city", "Lyon", "LYON", _text(str.upper)),
    "lower": ("city", "Lyon", "lyon", _text(str.lower)),
    "phone": ("phone", "06 12 34 56 78", "+33612345678", _text(lambda t: "+33" + t.replace(" ", "")[1:])),
    "cut": ("city", "Llanfairpwllgwyngyll", "Llanfairpw", _text(lambda t: t[:10])),
    "round": ("seats", 17.6, 18, lambda v: round(v) if isinstance(v, float) else v),
    "round_text": ("budget_note", "17.6", "18", _text(lambda t: "18" if t == "17.6" else t)),
    "punctuation": ("city", "St. Denis", "St Denis", _text(lambda t: t.replace(".", ""))),
}
OWN = """[fields.seats]
type = "number"
alpha = { field = "a_seats", direction = "both" }
beta = { field = "b_seats", direction = "both" }
[fields.budget_note]
type = "text"
alpha = { field = "a_budget_note", direction = "both" }
beta = { field = "b_budget_note", direction = "both" }
"""


@pytest.mark.parametrize("confirms", [True, False], ids=["told", "not told"])
@pytest.mark.parametrize("way", REWRITES)
def test_a_crm_that_rewrites_what_we_send_causes_no_second_write(make: MakeWorld, way: str, confirms: bool) -> None:
    name, sent, shown, rewrite = REWRITES[way]
    w = make(confirms=confirms, mapping=mapping_text(NAMES, more=OWN))
    for crm in (w.alpha, w.beta):
        crm.add_column("seats")
        crm.add_column("budget_note")
    w.beta.rewrite[name] = rewrite
    a, b = pair(w, city=None)
    w.alpha.edit(a, given={name: sent})
    w.sync()
    assert w.beta.shows(b, name) == shown
    w.sync(4)
    assert w.pushes() == 1
    assert w.alpha.shows(a, name) == sent, "the rewriting does not travel back"
    assert [new for _, new, _ in w.changes(name)] == [sent]
    assert w.conflicts() == []


@pytest.mark.parametrize("confirms", [True, False])
def test_a_person_who_edits_the_rewritten_value_wins(make: MakeWorld, confirms: bool) -> None:
    w = make(confirms=confirms)
    a, b = pair(w)
    w.beta.rewrite["city"] = _text(lambda t: t[:4])
    w.alpha.edit(a, city="Strasbourg")
    w.sync(2)
    assert w.beta.shows(b, "city") == "Stra"
    w.beta.edit(b, city="Metz")
    w.settle()
    assert (w.alpha.shows(a, "city"), w.beta.shows(b, "city")) == ("Metz", "Metz")
    assert w.conflicts() == []


@pytest.mark.parametrize("confirms", [True, False])
def test_an_edit_right_after_the_write_has_seen_it(make: MakeWorld, confirms: bool) -> None:
    w = make(confirms=confirms)
    a, b = pair(w)
    w.beta.rewrite["city"] = _text(lambda t: t[:4])
    w.alpha.edit(a, city="Strasbourg")
    w.sync(2, wait=10_000)
    w.clock.pass_(10_000)
    w.beta.edit(b, city="Metz")
    w.settle()
    assert w.alpha.shows(a, "city") == "Metz"
    assert w.conflicts() == []


@pytest.mark.parametrize("confirms", [True, False])
def test_clearing_reaches_rewritten_copies_from_both_sides(make: MakeWorld, confirms: bool) -> None:
    w = make(confirms=confirms)
    a, b = pair(w)
    w.beta.rewrite["city"] = _text(lambda t: t[:4])
    w.alpha.edit(a, city="Strasbourg")
    w.sync(2)
    w.alpha.edit(a, city=None)
    w.settle()
    assert w.beta.shows(b, "city") is None
    w.alpha.edit(a, city="Marseille")
    w.sync(2)
    assert w.beta.shows(b, "city") == "Mars"
    w.beta.edit(b, city=None)
    w.settle()
    assert w.alpha.shows(a, "city") is None


def test_a_ring_of_three_with_three_ways_of_rewriting_comes_to_rest(make: MakeWorld) -> None:
    w = make("alpha", "beta", "gamma", confirms=False)
    ids = {n: w.crms[n].add(email="ann@acme.fr", city="Paris") for n in w.crms}
    w.settle()
    w.forget_writes()
    w.alpha.rewrite["city"] = _text(str.upper)
    w.beta.rewrite["city"] = _text(lambda t: t.strip()[:6])
    w.gamma.rewrite["city"] = _text(str.lower)
    for n, city in (("alpha", "Saint Denis"), ("beta", "Villeurbanne"), ("gamma", "Aix en Provence")):
        w.crms[n].edit(ids[n], city=city)
        w.settle()
        assert w.person("ann@acme.fr")["city"] == city
    assert w.pushes("city") == 6
    assert w.conflicts() == []


def test_a_workflow_that_answers_a_write_with_another_value_is_an_edit(make: MakeWorld) -> None:
    w = make(confirms=False)
    a, b = pair(w)
    w.beta.rewrite["city"] = _text(lambda t: "Unknown place" if t == "Lyon" else t)
    w.alpha.edit(a, city="Lyon")
    w.sync(2)
    assert w.alpha.shows(a, "city") in ("Lyon", "Unknown place")
    w.settle()
    assert w.beta.shows(b, "city") == "Unknown place"
    assert w.pushes("city") <= 2
