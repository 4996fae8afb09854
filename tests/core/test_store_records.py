"""What the store keeps of pages, edits and pushes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.model import Value
from core.store.db import Db
from core.store.records import Records
from core.store.rows import Seen, StoredRecord
from core.store.runs import Runs

NOW = 1_800_000_000_000


class Store:
    """A store in memory and a stream of people in it."""

    def __init__(self) -> None:
        self.db = Db(":memory:")
        self.records, self.runs = Records(self.db), Runs(self.db)

    def page(
        self, *rows: Seen, fields: str = "city title", now: int = NOW, since: int | None = None
    ) -> tuple[int, int]:
        """Store a page; (created, changed)."""
        with self.db.write():
            fetched = self.records.field_set(fields.split())
            made = self.records.store("crm", "people", "person", rows, fetched=fetched, now=now, since=since)
        return made.created, made.changed

    def agree(self) -> None:
        """What resolve does when nothing waits."""
        with self.db.write():
            self.records.save_agreement((None, {}, i) for i in self.records.dirty("person", 99))

    def one(self, remote_id: str = "1") -> StoredRecord:
        found = self.records.by_remote("crm", "people", remote_id)
        assert found is not None
        return self.records.by_id([found.id])[found.id]

    def push(self, confirmed: dict[str, Value] | None = None, *, now: int = NOW, **sent: Value) -> None:
        with self.db.write():
            self.records.pushed(self.one().id, sent, confirmed, modified_at=now, at=now, op_id=None)


def row(at: int = NOW, remote_id: str = "1", actor: str = "person", **values: Value) -> Seen:
    return Seen(remote_id, values, at, NOW - 9, actor)


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.db.close()


# ------------------------------------------------------------------------------------------ pages


def test_a_page_and_its_bookmark_are_committed_together(store: Store) -> None:
    def broken() -> None:
        with store.db.write():
            fetched = store.records.field_set(["city"])
            store.records.store("crm", "people", "person", [row(city="Paris")], fetched=fetched, now=NOW, since=None)
            store.runs.set_mark("crm", "people", {"at": 1}, fetched=fetched, started_at=NOW, done_at=None)
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        broken()
    assert store.records.by_remote("crm", "people", "1") is None
    assert store.runs.mark("crm", "people").value is None


def test_storing_a_page_again_changes_nothing(store: Store) -> None:
    page = row(city="Paris", title=None), row(remote_id="2", city=None, title="CEO")
    assert store.page(*page) == (2, 2)
    store.agree()
    before = store.db.rows("SELECT * FROM record ORDER BY id")
    assert store.page(*page, now=NOW + 5) == (0, 0)
    assert [tuple(r) for r in store.db.rows("SELECT * FROM record ORDER BY id")] == [tuple(r) for r in before]
    assert store.records.dirty("person", 9) == []


def test_a_record_that_comes_twice_in_a_page_counts_once(store: Store) -> None:
    assert store.page(row(city="Paris"), row(city="Lyon", at=NOW + 1)) == (1, 1)
    assert store.one().remote == {"city": "Lyon"}


def test_a_stale_row_is_ignored(store: Store) -> None:
    store.page(row(city="Lyon", at=NOW + 10))
    store.agree()
    assert store.page(row(city="Paris", at=NOW)) == (0, 0)
    assert store.one().remote == {"city": "Lyon"}


def test_an_edit_keeps_the_base_and_when_it_can_have_happened(store: Store) -> None:
    store.page(row(city="Paris", title="CEO"))
    store.agree()
    store.page(row(city="Lyon", title="CEO", at=NOW + 500), now=NOW + 900, since=NOW + 100)
    r = store.one()
    assert (r.remote["city"], r.base_value("city"), r.base_value("title")) == ("Lyon", "Paris", "CEO")
    assert r.stamps == {"city": [NOW + 100, NOW + 500, "person"]}


def test_a_second_edit_has_the_time_of_its_own(store: Store) -> None:
    store.page(row(city="Paris"))
    store.agree()
    store.page(row(city="Lyon", at=NOW + 500), now=NOW + 900)
    store.page(row(city="Metz", at=NOW + 2000), now=NOW + 2500)
    assert store.one().base_value("city") == "Paris"
    assert store.one().stamps == {"city": [NOW + 900, NOW + 2000, "person"]}


def test_an_edit_taken_back_before_it_was_resolved_is_none(store: Store) -> None:
    store.page(row(city="Paris"))
    store.agree()
    store.page(row(city="Lyon", at=NOW + 500))
    store.page(row(city="Paris", at=NOW + 600))
    assert (store.one().base, store.one().stamps) == (None, {})


def test_a_newly_fetched_field_is_a_first_contact(store: Store) -> None:
    store.page(row(city="Paris"), fields="city")
    store.agree()
    store.page(row(city="Paris", title="CEO"))
    r = store.one()
    assert r.agreed_field("city")
    assert not r.agreed_field("title")
    assert r.stamps == {}
    store.agree()
    assert store.one().agreed_field("title")


def test_a_field_out_of_sight_is_absent_not_blank(store: Store) -> None:
    store.page(row(city="Paris", title="CEO"))
    store.agree()
    store.page(row(city="Paris"), fields="city")
    assert "title" not in store.one().remote


def test_new_records_agree_on_nothing(store: Store) -> None:
    store.page(row(city="Paris"))
    assert store.one().base == {}
    assert not store.one().agreed_field("city")


def test_a_row_brings_a_deleted_record_back(store: Store) -> None:
    store.page(row(city="Paris"))
    store.agree()
    with store.db.write():
        assert store.records.mark_deleted("crm", "people", [("1", None)], now=NOW + 1) == 1
        assert store.records.mark_deleted("crm", "people", [("1", None)], now=NOW + 1) == 0
    assert not store.one().live
    assert store.records.count("crm", "people") == 0
    assert store.page(row(city="Paris", at=NOW + 2)) == (0, 1)
    assert store.one().live


def test_a_merge_is_remembered_once(store: Store) -> None:
    store.page(row(city="Paris"))
    with store.db.write():
        assert store.records.mark_merged("crm", "people", [("1", "9", None)], now=NOW) == 1
        assert store.records.mark_merged("crm", "people", [("1", "9", None)], now=NOW) == 0
    assert store.one().merged_into == "people/9"


def test_links_that_were_not_fetched_stay(store: Store) -> None:
    def links() -> list[str]:
        return [r["to_id"] for r in store.db.rows("SELECT to_id FROM association ORDER BY to_id")]

    store.page(
        Seen("1", {"city": None}, NOW, links=(("companies", "c1", True, None), ("companies", "c2", False, None)))
    )
    store.page(Seen("1", {"city": None}, NOW + 1))
    assert links() == ["c1", "c2"]
    assert store.page(Seen("1", {"city": None}, NOW + 2, links=(("companies", "c2", True, None),))) == (0, 1)
    assert links() == ["c2"]
    store.page(Seen("1", {"city": None}, NOW + 3, links=()))
    assert links() == []


def test_a_role_that_changes_is_a_change_of_the_record(store: Store) -> None:
    buyer, user = (("people", "p1", False, role) for role in ("Buyer", "User"))
    store.page(Seen("1", {}, NOW, links=(buyer,)))
    store.agree()
    assert store.page(Seen("1", {}, NOW, links=(buyer,))) == (0, 0)
    assert store.page(Seen("1", {}, NOW, links=(user,))) == (0, 1)
    assert store.db.value("SELECT role FROM association") == "User"
    assert store.records.dirty("person", 9)


def test_two_labels_on_one_link_are_one_link_with_both_roles(store: Store) -> None:
    both = (("people", "p1", False, "User"), ("people", "p1", True, "Buyer"))
    for at in (NOW, NOW + 1):
        assert store.page(Seen("1", {}, at, links=both)) == ((1, 1) if at == NOW else (0, 0))
    assert [tuple(r) for r in store.db.rows("SELECT is_primary, role FROM association")] == [(1, "Buyer; User")]


def test_links_read_again_touch_only_the_records_that_point_elsewhere(store: Store) -> None:
    store.page(*(Seen(i, {}, NOW, links=(("people", "p1", False, None),)) for i in "123"))
    store.agree()
    with store.db.write():
        moved = store.records.relink(
            "crm",
            "people",
            {"1": (("people", "p1", False, None),), "2": (), "3": (("people", "p1", True, None),)},
            now=9,
        )
    assert moved == 2
    assert len(store.records.dirty("person", 9)) == 2


# ------------------------------------------------------------------------------------------ pushes


def test_a_confirmed_push_is_agreed_at_once(store: Store) -> None:
    store.page(row(city="Paris"))
    store.agree()
    store.push({"city": "STRASBOURG"}, city="Strasbourg")
    r = store.one()
    assert (r.remote["city"], r.base) == ("STRASBOURG", None)
    assert r.pushed == {"city": ("Strasbourg", "STRASBOURG", True)}
    assert store.page(row(city="STRASBOURG", at=NOW, actor="hub")) == (0, 0)


def test_an_unconfirmed_push_is_confirmed_by_the_next_row(store: Store) -> None:
    store.page(row(city="Paris"))
    store.agree()
    store.push(city=" Strasbourg ")
    assert store.one().pushed == {"city": (" Strasbourg ", None, False)}
    store.page(row(city="Strasbourg", at=NOW + 10, actor="hub"))
    r = store.one()
    assert r.pushed == {"city": (" Strasbourg ", "Strasbourg", True)}
    assert (r.base, r.stamps) == (None, {})


@pytest.mark.parametrize(
    ("actor", "at", "shown"),
    [("person", NOW + 10, "Strasbourg"), ("hub", NOW + 60_000, "Strasbourg"), ("hub", NOW + 10, "Metz")],
    ids=["by a person", "much later", "something else"],
)
def test_what_is_no_form_of_our_write_is_an_edit(store: Store, actor: str, at: int, shown: str) -> None:
    store.page(row(city="Paris"))
    store.agree()
    store.push(city=" Strasbourg ")
    store.page(row(city=shown, at=at, actor=actor))
    r = store.one()
    assert r.base_value("city") == " Strasbourg "
    assert r.stamps["city"][1:] == [at, actor]


def test_a_push_leaves_other_edits_open(store: Store) -> None:
    store.page(row(city="Paris", title="CEO"))
    store.agree()
    store.page(row(city="Lyon", title="CEO", at=NOW + 1))
    store.push(now=NOW + 2, title="CFO")
    r = store.one()
    assert (r.base_value("city"), r.base_value("title"), list(r.stamps)) == ("Paris", "CFO", ["city"])


def test_fields_we_just_created_are_blank_and_agreed(store: Store) -> None:
    store.page(row(city="Paris"))
    store.agree()
    with store.db.write():
        store.records.add_blank_fields("crm", "people", ["hub_score"])
        store.records.add_blank_fields("crm", "people", ["city"])
    r = store.one()
    assert r.remote == {"city": "Paris", "hub_score": None}
    assert r.agreed_field("hub_score")


# ------------------------------------------------------------------------------------------ bookmarks


def test_a_mark_says_when_the_last_complete_pull_began(store: Store) -> None:
    def mark(at: int, done: int | None) -> None:
        with store.db.write():
            fields = store.records.field_set(["city"])
            store.runs.set_mark("crm", "people", {"at": at}, fetched=fields, started_at=at, done_at=done)

    mark(10, None)
    first = store.runs.mark("crm", "people")
    assert (first.value, first.started_at, first.completed_at, first.passes) == ({"at": 10}, None, None, 0)
    mark(20, 25)
    mark(30, None)
    found = store.runs.mark("crm", "people")
    assert (found.value, found.started_at, found.completed_at, found.passes) == ({"at": 30}, 20, 25, 1)
    assert found.fetched == {"city"}
