"""What an admin changes in a CRM under our feet: fields hidden and shown again, options added and removed."""

from __future__ import annotations

from dataclasses import replace

from connectors.contract import Option, WriteOp
from tests.jobs.conftest import MakeWorld
from tests.jobs.kit import World
from tests.jobs.memory import DAY, MemoryCrm
from tests.jobs.test_two_way import pair


def hide(crm: MemoryCrm, name: str, stream: str = "contacts") -> None:
    """Field-level security takes the field away: it is not described, not read, not written."""
    crm.hidden_fields.add((stream, crm.prefix + name))


def show(crm: MemoryCrm, name: str, stream: str = "contacts") -> None:
    crm.hidden_fields.discard((stream, crm.prefix + name))


def options(crm: MemoryCrm, name: str, *values: str, stream: str = "contacts") -> None:
    """The field becomes a closed list of options."""
    remote = crm.prefix + name
    crm.schema[stream][remote] = replace(
        crm.schema[stream][remote], type="option", closed=True, options=tuple(Option(v, v) for v in values)
    )


def refuses_unlisted(crm: MemoryCrm) -> None:
    """Like every CRM with closed lists."""

    def why(op: WriteOp) -> str | None:
        for name, value in op.values.items():
            field = crm.schema["contacts"].get(name)
            if ("contacts", name) in crm.hidden_fields or field is None:
                return f"no such field {name}"
            if field.closed and value is not None and str(value) not in {o.value for o in field.options}:
                return f"{value} is no option of {name}"
        return None

    crm.refuse = why


def test_a_hidden_field_is_named_and_not_written(world: World) -> None:
    a, b = pair(world)
    refuses_unlisted(world.beta)
    hide(world.beta, "city")
    world.alpha.edit(a, city="Lyon")
    report = world.sync()
    assert report.new_dead == 0
    report = world.sync(wait=2 * DAY)
    assert report.plan is not None
    assert report.plan.held_samples["unwritable"] == ["beta contacts does not show our user b_city"]
    assert report.plan.ops == 0
    assert world.beta.shows(b, "city") == "Paris"
    assert world.person("ann@acme.fr")["city"] == "Lyon"


def test_a_field_that_is_shown_again_is_read_and_written_again(world: World) -> None:
    a, b = pair(world)
    refuses_unlisted(world.beta)
    hide(world.beta, "city")
    hide(world.beta, "job_title")
    world.sync(wait=2 * DAY)
    world.beta.edit(b, job_title="CEO")  # nobody sees it
    world.alpha.edit(a, city="Lyon")
    world.sync()
    assert world.alpha.shows(a, "job_title") is None
    show(world.beta, "city")
    show(world.beta, "job_title")
    world.sync(wait=2 * DAY)
    world.settle()
    assert world.beta.shows(b, "city") == "Lyon"
    assert world.alpha.shows(a, "job_title") == "CEO"


def test_an_option_that_is_gone_makes_no_dead_letter(make: MakeWorld) -> None:
    w = make()
    a, b = pair(w)
    options(w.beta, "city", "Paris", "Lyon")
    refuses_unlisted(w.beta)
    w.sync(wait=2 * DAY)
    options(w.beta, "city", "Paris")
    w.alpha.edit(a, city="Lyon")
    report = w.sync()
    assert report.pushed["beta"].outcomes == {"superseded": 1}
    assert report.new_dead == 0
    report = w.sync()
    assert report.plan is not None
    assert report.plan.held["unwritable"] == 1
    assert w.beta.shows(b, "city") == "Paris"


def test_an_option_added_in_the_crm_is_written_within_the_hour(make: MakeWorld) -> None:
    w = make()
    a, b = pair(w)
    options(w.beta, "city", "Paris")
    refuses_unlisted(w.beta)
    w.sync(wait=2 * DAY)
    w.alpha.edit(a, city="Lyon")
    w.sync()
    assert w.beta.shows(b, "city") == "Paris"
    options(w.beta, "city", "Paris", "Lyon")
    w.sync(wait=DAY // 20)
    w.settle()
    assert w.beta.shows(b, "city") == "Lyon"


def test_a_record_that_is_not_shown_is_not_deleted(world: World) -> None:
    a, b = pair(world)
    world.beta.before_read = lambda: world.beta.hidden.add(b)
    world.alpha.edit(a, city="Lyon")
    world.sync()
    world.settle()
    row = world.hub.records.by_remote("beta", "contacts", b)
    assert row is not None
    assert row.deleted_at is None
    assert row.read_only == "not shown to our user any more"
    world.beta.before_read = lambda: None
    world.beta.hidden.clear()
    world.beta.edit(b, job_title="CEO")
    world.settle()
    assert world.beta.shows(b, "city") == "Lyon"
    assert world.alpha.shows(a, "job_title") == "CEO"
