"""What the store keeps of canonical entities, whatever CRMs say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.model import Value
from core.store.db import Db
from core.store.entities import Entities

NOW = 1_800_000_000_000


@pytest.fixture
def entities() -> Iterator[Entities]:
    db = Db(":memory:")
    yield Entities(db)
    db.close()


def _saved(entities: Entities, name: str, value: Value) -> Value:
    with entities.db.write():
        (made,) = entities.create("company", 1, now=NOW)
        row = entities.load("company", [made])[made]
        row.values[name] = value
        entities.save("company", [row], derived={}, now=NOW)
    return entities.load("company", [made])[made].values[name]


@pytest.mark.parametrize("value", [0, 5_000_000, 1234.5, -0.01, "a lot", None])
def test_revenue_is_kept_as_it_is_told(entities: Entities, value: Value) -> None:
    assert _saved(entities, "revenue", value) == value


def test_a_number_beyond_all_bounds_breaks_nothing(entities: Entities) -> None:
    assert _saved(entities, "employees", 10**40) == 1e40


def test_a_deal_keeps_its_values_its_own_fields_and_its_state(entities: Entities) -> None:
    with entities.db.write():
        (made,) = entities.create("deal", 1, now=NOW)
        row = entities.load("deal", [made])[made]
        assert (row.state, row.since) == ("open", 0)
        row.values |= {"deal_name": "Big", "deal_amount": 1250, "deal_is_won": True, "competitor": "Initech"}
        row.state, row.since = "won", NOW
        entities.save("deal", [row], derived={}, now=NOW)
    again = entities.load("deal", [made])[made]
    told = {k: v for k, v in again.values.items() if v is not None}
    assert told == {"deal_name": "Big", "deal_amount": 1250, "deal_is_won": True, "competitor": "Initech"}
    assert (again.state, again.since) == ("won", NOW)
