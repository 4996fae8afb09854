"""qualify: scores, stages and claims of people, when facts, rules or time move them."""

from __future__ import annotations

from core.scoring import shown
from jobs.why import why
from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import RULES, World, config_text
from tests.jobs.memory import DAY
from tests.jobs.test_two_way import NAMES, pair


def _stage(w: World, who: str = "ann@acme.fr") -> tuple[str, str]:
    person = w.hub.entities.find_person(who)
    assert person is not None
    row = w.stage(person)
    return row.stage, row.reason


def test_a_rule_that_changes_scores_everybody_again(world: World) -> None:
    for n in range(7):
        world.alpha.add(email=f"p{n}@acme.fr", job_title="CEO")
    world.settle()
    world.open(config_text(NAMES, rules=RULES.replace("points = 40", "points = 30")))
    report = world.sync()
    assert report.qualified.people == 7
    assert {r["total"] for r in world.db.rows("SELECT total FROM score")} == {30_000}
    assert world.sync(wait=DAY).qualified.people == 0
    assert {world.alpha.shows(i, "hub_score") for i in world.alpha.held["contacts"]} == {30}


def test_a_label_or_stop_if_does_not_score_anybody_again(world: World) -> None:
    pair(world)
    world.open(config_text(NAMES, rollout="stop_if = { updates = 9 }"))
    assert world.sync().qualified.people == 0


def test_a_score_is_acted_on_when_its_time_comes(world: World) -> None:
    a, b = pair(world)
    for _ in range(4):
        world.alpha.happened("page_view", a)
    world.settle()
    assert world.beta.shows(b, "hub_band") == "warm"
    person = world.id_of("alpha", a)
    due = world.hub.scores.scores([person])[person]["next_due"]
    assert due > world.clock.now()
    world.clock.at = due - 20 * 60_000
    assert world.sync().qualified.people == 0, "nothing is polled"
    world.clock.at = due
    assert world.sync().qualified.people == 1
    for _ in range(30):  # every crossing in turn, until nothing is left to fade
        due = world.hub.scores.scores([person])[person]["next_due"]
        if due is None or world.beta.shows(b, "hub_band") == "cold":
            break
        world.clock.at = due
        world.sync()
    assert world.beta.shows(b, "hub_band") == "cold"


def test_decay_lowers_the_band_but_never_the_stage(world: World) -> None:
    a, _ = pair(world, job_title="CEO")
    for _ in range(3):
        world.alpha.happened("page_view", a)
    world.settle()
    assert _stage(world)[0] == "mql"
    for _ in range(20):
        world.clock.pass_(20 * DAY)
        world.sync()
    person = world.id_of("alpha", a)
    assert world.hub.scores.scores([person])[person]["band"] == "cold"
    assert _stage(world)[0] == "mql"


def test_intent_with_fit_makes_a_prospect_at_any_score(world: World) -> None:
    a, b = pair(world, job_title="CEO")
    world.beta.happened("demo_requested", b)
    world.settle()
    person = world.id_of("alpha", a)
    assert world.hub.scores.scores([person])[person]["total"] < 60_000
    assert _stage(world)[0] == "prospect"
    assert world.alpha.shows(a, "hub_stage") == world.beta.shows(b, "hub_stage") == "prospect"


def test_a_high_score_without_fit_is_no_prospect(world: World) -> None:
    a, _ = pair(world)
    for _ in range(10):
        world.alpha.happened("page_view", a)
    world.alpha.happened("demo_requested", a)
    world.settle()
    assert _stage(world)[0] == "mql"


def test_the_stage_of_the_crms_is_adopted_on_first_sight(world: World) -> None:
    world.alpha.add(email="ann@acme.fr", crm_stage="mql")
    world.beta.add(email="ann@acme.fr", crm_stage="customer")
    world.settle()
    stage, reason = _stage(world)
    assert stage == "customer"
    assert "beta" in reason
    assert "alpha says mql" in reason


def test_a_stage_set_forward_in_a_crm_is_accepted_and_held_for_thirty_days(world: World) -> None:
    a, _ = pair(world, crm_stage="lead")
    world.alpha.edit(a, crm_stage="sal")
    world.settle()
    assert _stage(world) == ("sal", "set by alpha")
    row = world.stage(world.id_of("alpha", a))
    assert 29 * DAY < row.hand_set_until - world.clock.now() <= 30 * DAY


def test_a_held_stage_waits_for_rules_but_not_for_new_intent(world: World) -> None:
    a, _ = pair(world, job_title="CEO", crm_stage="lead")
    world.alpha.edit(a, crm_stage="mql")
    world.settle()
    world.open(config_text(NAMES, rules=RULES.replace('to = "mql"', 'to = "sal"')))
    for _ in range(3):
        world.alpha.happened("page_view", a)
    world.settle()
    assert _stage(world)[0] == "mql", "set by hand: rules wait"
    world.alpha.happened("demo_requested", a)
    world.settle()
    assert _stage(world)[0] == "prospect"


def test_a_stage_set_backward_in_a_crm_is_refused_with_a_reason(world: World) -> None:
    a, b = pair(world, crm_stage="sal")
    world.alpha.edit(a, crm_stage="lead")
    world.settle()
    stage, reason = _stage(world)
    assert stage == "sal"
    assert "refused: alpha set lead" in reason
    assert "refused: alpha set lead" in why(world.hub, "ann@acme.fr").reason
    assert world.beta.shows(b, "hub_stage") == "sal"


def test_a_crm_that_may_set_a_stage_sets_it_backward_and_only_it(make: MakeWorld) -> None:
    w = make(config_=config_text(NAMES, rules=RULES + '[lifecycle]\nclaims = { beta = ["disqualified"] }\n'))
    a, b = pair(w, crm_stage="sal")
    w.alpha.edit(a, crm_stage="disqualified")
    w.settle()
    assert _stage(w)[0] == "sal"
    w.beta.edit(b, crm_stage="disqualified")
    w.settle()
    assert _stage(w)[0] == "disqualified"


def test_the_ledger_the_stored_score_and_why_agree(world: World) -> None:
    a, b = pair(world, job_title="CEO")
    world.alpha.happened("page_view", a, at=world.clock.now() - 9 * DAY)
    world.alpha.happened("page_view", a)
    world.beta.happened("demo_requested", b, at=world.clock.now() - 40 * DAY)
    world.settle()
    world.clock.pass_(5 * DAY)
    found = why(world.hub, "ann@acme.fr")
    person = world.id_of("alpha", a)
    assert sum(p for _, p, _ in found.points) == found.score == world.hub.scores.scores([person])[person]["total"]
    assert {label for label, _, _ in found.points} == {"Decides", "Visited", "Asked for a demo"}
    assert world.beta.shows(b, "hub_score") == round(found.score / 1000)
    assert shown(found.score)


def test_activities_of_both_crms_count_for_one_person(world: World) -> None:
    a, b = pair(world)
    world.alpha.happened("page_view", a)
    world.beta.happened("page_view", b)
    world.settle()
    person = world.id_of("alpha", a)
    assert world.hub.scores.scores([person])[person]["engagement"] == 20_000


def test_scores_are_written_sparingly(world: World) -> None:
    a, b = pair(world)
    world.alpha.happened("page_view", a)
    world.settle()
    before = world.beta.shows(b, "hub_score")
    world.forget_writes()
    world.clock.pass_(6 * 3_600_000)
    world.beta.happened("page_view", b)
    world.sync(3)
    assert world.beta.shows(b, "hub_score") == before, "written today"
    assert world.pushes() == 0
    world.clock.pass_(DAY)
    world.sync()
    assert world.beta.shows(b, "hub_score") == 20
