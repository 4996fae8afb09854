"""Whatever people do in two or three CRMs: the hub comes to rest, the CRMs agree or a conflict holds every value, and
nothing that a person entered is lost."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract import Value
from core.store.db import loads
from tests.jobs.kit import NAMES, make_world, mapping_text
from tests.jobs.memory import MINUTE

FIELDS = ("city", "job_title", "phone", "opted_out")
#: every entered value is another one, so that it can be found again
_PLACES = ("Lyon", "Metz", "Nice", "Lille", "Brest", "Tours", "Dijon", "Rennes")


class _Story:
    """People who edit, and everything they ever entered."""

    def __init__(self, folder: Path, crms: int, rng: random.Random, wins: str, *, rewriting: bool) -> None:
        names = NAMES[:crms]
        policies = {"city": wins} if wins else {}
        self.w = make_world(folder, *names, confirms=rng.random() < 0.5, mapping=mapping_text(names, wins=policies))
        self.rng, self.count = rng, 0
        self.entered: dict[tuple[str, str], set[Value]] = {}  # (person, field) -> values
        self.ids: dict[tuple[str, str], str] = {}
        self.seen: set[Value] = set()
        if rewriting:
            self.w.crms[names[0]].rewrite["city"] = lambda v: v.upper() if isinstance(v, str) else v
            self.w.crms[names[-1]].rewrite["city"] = lambda v: v.strip()[:8] if isinstance(v, str) else v
        for who in ("ann", "bob"):
            for n in names:
                if rng.random() < 0.85:
                    given = {f: self.value(who, f) if rng.random() < 0.5 else None for f in FIELDS}
                    self.ids[who, n] = self.w.crms[n].add("contacts", {**given, "email": f"{who}@acme.fr"})

    def value(self, who: str, name: str) -> Value:
        self.count += 1
        if name == "opted_out":
            return self.rng.random() < 0.3
        made = f"+3361{self.count:07d}" if name == "phone" else f"{self.rng.choice(_PLACES)} {self.count}"
        self.entered.setdefault((who, name), set()).add(made)
        return made

    def step(self) -> None:
        rng, w = self.rng, self.w
        what = rng.random()
        (who, n), one = rng.choice(sorted(self.ids.items()))
        if what < 0.55:
            name = rng.choice(FIELDS)
            value = None if rng.random() < 0.15 else self.value(who, name)
            actor = "person" if rng.random() < 0.8 or value is not None else "integration"
            w.crms[n].edit(one, given={name: value}, actor=actor)  # type: ignore[arg-type]  # one of the two words
            w.clock.pass_(rng.choice((1000, MINUTE, 20 * MINUTE)))
        elif what < 0.9:
            self.sync(rng.choice((MINUTE, 10 * MINUTE)))
        else:
            w.clock.pass_(rng.choice((MINUTE, 60 * MINUTE)))

    # ---- what must hold at the end

    def comes_to_rest(self) -> None:
        self.sync(10 * MINUTE)
        self.w.sync()
        report = self.w.sync()
        assert report.plan is not None
        assert report.plan.ops == 0, [
            (i.connection, i.before, i.after) for i in self.w.hub.outbox.items(report.plan.id or 0)
        ]
        assert report.resolved.records == 0, "nothing is news any more"

    def agree_or_wait(self) -> None:
        for who in {p for p, _ in self.ids}:
            person = self.w.hub.entities.find_person(f"{who}@acme.fr")
            assert person is not None
            row = self.w.hub.entities.load("person", [person])[person]
            for name in FIELDS:
                shows = {n: self.w.crms[n].shows(i, name) for (p, n), i in self.ids.items() if p == who}
                canonical = row.values.get(name)
                if name == "opted_out":
                    assert canonical is True or True not in shows.values()
                    assert canonical is not True or set(shows.values()) == {True}
                    continue
                held = {self._bare(v) for v in shows.values() if v is not None}
                conflict = row.conflicts.get(name)
                if conflict is not None:
                    # one that disagreed from the start waits behind two that were edited since
                    rows = self.w.db.rows(
                        "SELECT candidates FROM conflict WHERE entity_id = ? AND field = ?", (person, name)
                    )
                    said = {self._bare(c["value"]) for r in rows for c in loads(r["candidates"])}
                    said.add(self._bare(canonical))
                    assert all(any(s.startswith(h) for s in said) for h in held), (name, shows, conflict)
                else:
                    assert all(self._bare(canonical).startswith(h) for h in held), (name, canonical, shows)

    def sync(self, wait: int) -> None:
        """What stands in a CRM now is seen by the hub: from here on it must not be lost."""
        for (who, n), one in self.ids.items():
            for name in FIELDS[:-1]:
                value = self.w.crms[n].shows(one, name)
                if value in self.entered.get((who, name), ()):
                    self.seen.add(value)
        self.w.sync(wait=wait)

    def nothing_is_lost(self) -> None:
        """Canonical, a candidate, in the lineage, or in the journal as overwritten."""
        db = self.w.db
        kept = {v for r in db.rows("SELECT city, job_title, phone FROM person") for v in r}
        kept |= {v for r in db.rows("SELECT old, new FROM change") for v in r}
        kept |= {c["value"] for r in db.rows("SELECT candidates FROM conflict") for c in loads(r["candidates"])}
        kept |= {v for r in db.rows("SELECT before FROM op") for v in loads(r["before"]).values()}
        assert self.seen <= kept

    @staticmethod
    def _bare(value: Value) -> str:
        return "" if value is None else str(value).casefold().strip()


def _tell(folder: Path, seed: int, crms: int, wins: str, *, rewriting: bool, steps: int) -> None:
    rng = random.Random(seed)
    story = _Story(folder, crms, rng, wins, rewriting=rewriting)
    try:
        for _ in range(steps):
            story.step()
        story.comes_to_rest()
        story.agree_or_wait()
        story.nothing_is_lost()
    finally:
        story.w.db.close()


@pytest.mark.parametrize("crms", [2, 3])
@pytest.mark.parametrize("wins", ["", '"ask"', '["beta", "alpha"]'], ids=["latest", "ask", "list"])
def test_after_random_edits_the_hub_comes_to_rest(tmp_path: Path, crms: int, wins: str) -> None:
    for seed in range(3):
        _tell(tmp_path, seed, crms, wins, rewriting=False, steps=30)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), crms=st.sampled_from([2, 3]), steps=st.integers(5, 40))
def test_also_where_the_crms_rewrite_what_they_get(tmp_path: Path, seed: int, crms: int, steps: int) -> None:
    _tell(tmp_path, seed, crms, "", rewriting=True, steps=steps)
