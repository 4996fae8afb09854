"""What is written to one record, what is held, and why."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.mapping import load_mapping
from core.mapping_structs import Target
from core.model import Value
from core.planning import DAY_MS, RecordPlan, View, Wanted, plan_record

NOW = 1_800_000_000_000
SHIPPED = """
kind = "crm"
label = "CRM"
form = "native"
[streams.contacts]
entity = "person"
alias = "contact"
[fields.email]
contact = "Email"
[options.lead_source]
web = "Web"
"""
MAPPING = """
[fields.email]
crm = { field = "Email", direction = "both" }
[fields.city]
crm = { field = "City", direction = "both" }
[fields.job_title]
crm = { field = "Title", direction = "both", write = "if_blank" }
[fields.phone]
crm = { field = "Phone", direction = "both" }
[fields.company_employees]
crm = { field = "Size", direction = "both" }
[fields.opted_out]
crm = { field = "OptOut", direction = "both", write = "if_blank" }
[fields.lead_source]
crm = { field = "Source", direction = "both" }
[fields.owner_email]
crm = { field = "OwnerMail", direction = "both" }
[fields.score]
crm = { field = "Score", direction = "push" }
[fields.band]
crm = { field = "Band", direction = "push" }
[fields.why]
crm = { field = "Why", direction = "push" }
[options.lead_source.crm]
web = "Web"
secret = false
"""
loaded, problems = load_mapping(MAPPING, "mapping.toml", {"crm": SHIPPED}, {"crm": "crm"})
assert loaded is not None, problems
TABLES = loaded
TARGETS: tuple[Target, ...] = TABLES.targets("crm", "contacts")
BLANK: dict[str, Value] = {t.remote: None for t in TARGETS}


def plan(
    values: dict[str, Value],
    shown: dict[str, Value] | None = None,
    *,
    bare: bool = False,
    create: frozenset[str] = frozenset(),
    **more: Any,
) -> RecordPlan:
    """A plan for a record that shows `shown` (blank otherwise; `bare`: nothing else was fetched)."""
    wanted = Wanted(
        values,
        more.pop("reasons", {}),
        more.pop("conflicts", {}),
        more.pop("cleared", {}),
        more.pop("untouched", None),
    )
    remote = dict(shown or {}) if bare else {**BLANK, **(shown or {})}
    view = View(remote, more.pop("pushed", {}), more.pop("holds", {}), **more)
    return plan_record(
        wanted,
        view,
        TARGETS,
        same=lambda n, a, b: TABLES.same(n, a, b, "FR"),
        now=NOW,
        min_delta=5,
        owners={},
        to_create=create,
    )


def written(made: RecordPlan) -> dict[str, Value]:
    return {w.remote: w.after for w in made.writes}


def held(made: RecordPlan) -> dict[str, str]:
    return {h.name: h.kind for h in made.held}


# ------------------------------------------------------------------------------------------ facts


def test_no_difference_no_write() -> None:
    assert plan({"city": "Paris"}, {"City": "Paris"}).writes == []


def test_another_spelling_is_no_difference() -> None:
    made = plan({"city": "Paris", "phone": "+33612345678"}, {"City": " Paris ", "Phone": "06 12 34 56 78"})
    assert made.writes == []


def test_a_newer_value_is_written_with_before_and_reason() -> None:
    (w,) = plan({"city": "Lyon"}, {"City": "Paris"}).writes
    assert (w.remote, w.name, w.before, w.after, w.reason) == ("City", "city", "Paris", "Lyon", "newer value")
    (w,) = plan({"city": "Lyon"}).writes
    assert w.reason == "fills a blank"
    (w,) = plan({"city": "Lyon"}, {"City": "Paris"}, reasons={"city": "said so"}).writes
    assert w.reason == "said so"


def test_what_was_not_fetched_is_no_target() -> None:
    assert plan({"city": "Lyon"}, {}, bare=True).writes == []
    assert written(plan({"city": "Lyon"}, {}, bare=True, create=frozenset({"City"}))) == {"City": "Lyon"}


def test_nothing_known_clears_nothing() -> None:
    assert plan({"city": None}, {"City": "Paris"}).writes == []


def test_what_a_person_cleared_is_cleared_where_it_is_the_same() -> None:
    assert written(plan({"city": None}, {"City": "paris "}, cleared={"city": "paris"})) == {"City": None}
    assert plan({"city": None}, {"City": "Lyon"}, cleared={"city": "Paris"}).writes == []
    rewritten = plan({"city": None}, {"City": "Pa"}, cleared={"city": "Paris"}, pushed={"City": ("Paris", "Pa", True)})
    assert written(rewritten) == {"City": None}


def test_if_blank_fills_only() -> None:
    assert written(plan({"job_title": "CEO"})) == {"Title": "CEO"}
    assert plan({"job_title": "CEO"}, {"Title": "CTO"}).writes == []


def test_e_mail_is_unique() -> None:
    assert written(plan({"email": "a@acme.fr"})) == {"Email": "a@acme.fr"}
    assert plan({"email": "a@acme.fr"}, {"Email": "b@acme.fr"}).writes == []
    assert plan({"email": "a@acme.fr"}, twin=True).writes == []


def test_owners_are_filled_only_when_blank() -> None:
    assert written(plan({"owner_email": "rep@us.fr"})) == {"OwnerMail": "rep@us.fr"}
    assert plan({"owner_email": "rep@us.fr"}, {"OwnerMail": "other@us.fr"}).writes == []


def test_options_that_have_no_form_here_are_said_or_left_out() -> None:
    assert held(plan({"lead_source": "fair"})) == {"lead_source": "unwritable"}
    assert held(plan({"lead_source": "secret"})) == {}, "the mapping says so"
    assert written(plan({"lead_source": "web"})) == {"Source": "Web"}


# ------------------------------------------------------------------------------------------ what waits


@pytest.mark.parametrize("kind", ["edit", "adoption"])
def test_a_field_in_conflict_is_held_and_others_flow(kind: str) -> None:
    made = plan({"city": "Lyon", "phone": "+33612345678"}, {"City": "Paris"}, conflicts={"city": kind})
    assert held(made) == {"city": kind}
    assert written(made) == {"Phone": "+33612345678"}


def test_who_is_never_touched_gets_opt_outs() -> None:
    made = plan({"city": "Lyon", "opted_out": True}, untouched="customer")
    assert written(made) == {"OptOut": True}
    assert held(made) == {"city": "untouched"}
    assert made.opts_out


def test_opt_outs_are_set_whatever_stands_there_and_never_taken_off() -> None:
    assert written(plan({"opted_out": True}, {"OptOut": False})) == {"OptOut": True}
    assert written(plan({"opted_out": True}, {"OptOut": False}, conflicts={"opted_out": "edit"})) == {"OptOut": True}
    assert plan({"opted_out": False}, {"OptOut": True}).writes == []
    assert plan({"opted_out": False}).writes == []
    assert plan({"opted_out": None}, {"OptOut": True}, cleared={"opted_out": True}).only_opt_outs() == []


def test_only_opt_outs_leave_a_segment() -> None:
    made = plan({"city": "Lyon", "opted_out": True})
    assert [w.remote for w in made.only_opt_outs()] == ["OptOut"]


def test_a_hold_lasts_while_the_value_stays_or_until_its_time() -> None:
    assert held(plan({"city": "Lyon"}, holds={"City": ("Lyon", None, "emptied there")})) == {"city": "hold"}
    assert written(plan({"city": "Metz"}, holds={"City": ("Lyon", None, "emptied there")})) == {"City": "Metz"}
    assert held(plan({"city": "Lyon"}, holds={"City": ("Lyon", NOW + 1, "later")})) == {"city": "hold"}
    assert written(plan({"city": "Lyon"}, holds={"City": ("Lyon", NOW, "over")})) == {"City": "Lyon"}


# ------------------------------------------------------------------------------------------ what was sent before


def test_the_crm_s_form_of_what_was_sent_causes_no_second_write() -> None:
    told = {"City": ("Strasbourg", "Stra", True)}
    assert plan({"city": "Strasbourg"}, {"City": "Stra"}, pushed=told).writes == []
    assert written(plan({"city": "Metz"}, {"City": "Stra"}, pushed=told)) == {"City": "Metz"}
    assert written(plan({"city": "Strasbourg"}, {"City": "Nice"}, pushed=told)) == {"City": "Strasbourg"}


def test_a_refused_write_is_not_repeated_until_something_changes() -> None:
    refused: dict[str, Value] = {"City": "Atlantis", "Phone": "+33612345678"}
    both: dict[str, Value] = {"city": "Atlantis", "phone": "+33612345678"}
    assert held(plan(both, refused=refused)) == {"city": "rejected", "phone": "rejected"}
    assert held(plan({"city": "Atlantis"}, refused=refused)) == {"city": "rejected"}
    changed = plan({"city": "Lyon", "phone": "+33612345678"}, refused=refused)
    assert written(changed) == {"City": "Lyon", "Phone": "+33612345678"}


# ------------------------------------------------------------------------------------------ economy of scores

SHOWN: dict[str, Value] = {"Score": 40, "Band": "warm", "Why": "a"}


@pytest.mark.parametrize(
    ("score", "rested", "writes", "again"),
    [(44, True, False, False), (45, True, True, False), (45, False, False, True), (20, True, True, False)],
)
def test_a_score_alone_is_written_daily_and_when_it_moved(score: int, rested: bool, writes: bool, again: bool) -> None:
    at = NOW - DAY_MS if rested else NOW - DAY_MS + 1
    made = plan({"score": score, "band": "warm", "why": "b"}, SHOWN, scored_at=at)
    assert bool(made.writes) is writes
    assert made.again is again
    assert held(made) == ({} if writes else {"score": "economy", "why": "economy"})


def test_a_change_of_band_takes_the_score_along_at_once() -> None:
    made = plan({"score": 41, "band": "hot", "why": "b"}, SHOWN, scored_at=NOW)
    assert written(made) == {"Score": 41, "Band": "hot", "Why": "b"}


def test_a_first_score_is_written_at_once() -> None:
    assert written(plan({"score": 1, "why": "b"}, scored_at=NOW)) == {"Score": 1, "Why": "b"}


def test_an_economised_score_does_not_hold_up_facts() -> None:
    made = plan({"score": 41, "band": "warm", "why": "b", "city": "Lyon"}, SHOWN, scored_at=NOW)
    assert written(made) == {"City": "Lyon"}


# ------------------------------------------------------------------------------------------ properties

TEXTS = st.sampled_from([None, "Paris", "paris ", "Lyon", ""])


@settings(max_examples=80, deadline=None)
@given(
    st.fixed_dictionaries({"city": TEXTS, "job_title": TEXTS}), st.fixed_dictionaries({"City": TEXTS, "Title": TEXTS})
)
def test_a_plan_carried_out_leaves_nothing_to_plan(values: dict[str, Value], shown: dict[str, Value]) -> None:
    made = plan(values, shown)
    after = {**shown, **written(made)}
    assert plan(values, after).writes == []
    assert all(w.before == shown[w.remote] for w in made.writes)


def test_nonsense_does_not_replace_sense() -> None:
    made = plan({"phone": "call me maybe"}, {"Phone": "+1 617 419 5813"})
    assert not made.writes
    assert [(h.name, h.kind) for h in made.held] == [("phone", "unsound")]
    assert [w.after for w in plan({"phone": "call me maybe"}).writes] == ["call me maybe"]  # better than a blank
    better = plan({"phone": "+1 617 419 5814"}, {"Phone": "call me maybe"})
    assert [w.after for w in better.writes] == ["+1 617 419 5814"]


def test_a_score_that_somebody_edited_is_put_right_at_once() -> None:
    pushed = {"Score": (25, 25, True)}
    made = plan({"score": 25}, {"Score": 999}, pushed=pushed, scored_at=NOW - 1)
    assert [(w.remote, w.before, w.after) for w in made.writes] == [("Score", 999, 25)]
    assert not plan({"score": 27}, {"Score": 25}, pushed=pushed, scored_at=NOW - 1).writes
