"""Whatever happened on the way: deals stand as if the CRMs were read for the first time."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import Link
from core.store.db import Db
from tests.jobs.kit import USUAL, World, make_world, mapping_text
from tests.jobs.memory import DAY, DEAL
from tests.jobs.test_two_way import NAMES

MAPPING = mapping_text(NAMES, (*USUAL, "name", "domain", *DEAL))
PEOPLE, DEALS = ("ann", "bob", "eve"), ("one", "two")

_who = st.sampled_from(PEOPLE)
_deal = st.sampled_from(DEALS)
_steps = st.one_of(
    st.tuples(st.just("link"), _deal, st.lists(_who, unique=True, max_size=3), st.booleans()),
    st.tuples(st.just("point"), _who, st.lists(_deal, unique=True, max_size=2), st.booleans()),
    st.tuples(st.just("close"), _deal, st.sampled_from([None, True, False]), st.none()),
    st.tuples(st.just("person"), _who, st.booleans(), st.none()),
    st.tuples(st.just("deal"), _deal, st.booleans(), st.none()),
    st.tuples(st.just("company"), st.just("acme"), st.booleans(), st.none()),
    st.tuples(st.just("sync"), st.none(), st.none(), st.none()),
)


class Life:
    """People in two CRMs; deals and a company in one."""

    def __init__(self, folder: Path) -> None:
        self.w = make_world(folder, mapping=MAPPING)
        alpha = self.w.alpha
        self.acme = alpha.add("companies", name="Acme", domain="acme.fr")
        self.people = {n: alpha.add(email=f"{n}@mail.fr", last_name=n) for n in PEOPLE}
        for n in PEOPLE:
            self.w.beta.add(email=f"{n}@mail.fr", last_name=n)
        self.deals = {n: alpha.deal(n, self.people["ann"], companies=[self.acme]) for n in DEALS}
        self.w.sync()

    def do(self, what: str, name: str | None, how: object, role: bool | None) -> None:
        alpha = self.w.alpha
        said = "Buyer" if role else None
        if what == "link":
            assert isinstance(how, list)
            people = [Link("contacts", self.people[p], role=said) for p in how]
            alpha.relink(self.deals[str(name)], *people, Link("companies", self.acme, primary=True), stream="deals")
        elif what == "point":
            assert isinstance(how, list)
            alpha.relink(self.people[str(name)], *(Link("deals", self.deals[d]) for d in how))
        elif what == "close":
            alpha.edit(self.deals[str(name)], "deals", deal_is_closed=how is not None, deal_is_won=how is True)
        elif what == "sync":
            self.w.sync()
        else:
            stream = {"person": "contacts", "deal": "deals", "company": "companies"}[what]
            one = {"person": self.people, "deal": self.deals, "company": {"acme": self.acme}}[what][str(name)]
            if how and alpha.held[stream][one].deleted_at is None:
                alpha.delete(one, stream)
            elif not how:
                alpha.restore(one, stream)

    def again(self, folder: Path) -> World:
        """The same CRMs, seen by a hub that was never there."""
        new = World(self.w.clock, self.w.crms, Db(":memory:"), folder)
        new.open(mapping=MAPPING)
        new.approve()
        return new


def stands(w: World) -> list[tuple[object, ...]]:
    """Deal, state, company, who takes part, whether the hub calls them an opportunity or a customer."""
    found: list[tuple[object, ...]] = []
    for r in w.db.rows(
        "SELECT d.id, d.deal_name, d.state, c.name AS company FROM deal d LEFT JOIN company c ON c.id = d.company_id "
        "WHERE d.state <> 'gone' ORDER BY d.deal_name"
    ):
        people = w.db.rows(
            "SELECT p.email, t.role, (SELECT COUNT(*) FROM deal_person x CROSS JOIN deal y ON y.id = x.deal_id "
            "WHERE x.person_id = p.id AND y.state = 'won') AS won, g.stage FROM deal_person t "
            "JOIN person p ON p.id = t.person_id JOIN stage g ON g.person_id = p.id WHERE t.deal_id = ? ORDER BY 1",
            (r["id"],),
        )
        for p in people:
            assert (p["stage"] == "customer") == bool(p["won"]), dict(p)
            if r["state"] == "open" and not p["won"]:
                assert p["stage"] == "opportunity"
        found.append((r["deal_name"], r["state"], r["company"], [(p["email"], p["role"]) for p in people]))
    return found


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_steps, min_size=1, max_size=9))
def test_deals_stand_as_if_read_for_the_first_time(steps: list[tuple[str, str | None, object, bool | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder))
        for step in steps:
            life.do(*step)
        life.w.sync(3, wait=DAY)
        after = stands(life.w)
        fresh = life.again(Path(folder))
        fresh.sync(2)
        assert after == stands(fresh)
        for world in (life.w, fresh):
            world.db.close()
