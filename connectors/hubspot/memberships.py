"""Who joined which list. Leaving is told by no feed: `links` and `read` look for it.

One call finds the lists that somebody joined since the last pull; each is read in order of joining from where the
last pull ended, 250 members a call. https://developers.hubspot.com/docs/api-reference/crm-lists-v3

    bookmark   {lists: {id: [cursor, newest, added]}}: where reading ended, the newest member's time, and what
               HubSpot then called the last time of joining (None: the list was not read to its end)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.contract import (
    Bookmark,
    Deletion,
    Link,
    Page,
    ReadResult,
    Rejected,
    RemoteField,
    Row,
    StreamSpec,
    Value,
)
from connectors.hubspot.apart import Apart, each_once, listed, next_page
from connectors.hubspot.api import Api, Record
from connectors.hubspot.routes import LISTS
from connectors.hubspot.rows import to_merges, to_ms
from connectors.hubspot.streams import LIST_PAGE

VERSION = 1
PAGE = 250
LISTS_PAGE = 500
#: lists are of one object type; contacts have this id
CONTACTS = "0-1"
#: a last joining that reading did not come across, older than this: the cursor led astray
STRAY_MS = 60_000
ADDED = "hs_last_record_added_at"

SPEC = StreamSpec(
    name="list_memberships",
    entity="activity",
    label="List membership",
    cursor_field="membershipTimestamp",
    tie_break="recordId",
    overlap_s=0,
    idle_calls=1,  # up to 500 lists; one more for each further 500
    page_size=PAGE,
    link_batch=50_000,  # a list is read whole, however few of its members are asked for
    lasting=True,
)

FIELDS = (
    RemoteField("list_id", "List id", "text", writable=False),
    RemoteField("list_name", "List", "text", writable=False),
    RemoteField("list_type", "Kind of list", "text", writable=False),
    RemoteField("joined_at", "Joined at", "datetime", writable=False),
)


def list_memberships(api: Api) -> Apart:
    """The stream."""
    found = _Memberships(api)
    return Apart(SPEC, FIELDS, found.pull, found.read, links=found.links)


class _Memberships:
    def __init__(self, api: Api) -> None:
        self._api = api

    def pull(self, bookmark: Bookmark | None, fields: Sequence[str]) -> Iterator[Page]:
        """Who joined since the bookmark, list by list."""
        now = self._api.around.clock.now()
        old = bookmark if bookmark is not None and bookmark.get("v") == VERSION else {}
        lists = {str(one["listId"]): one for one in self._lists()}
        marks: dict[str, list[Any]] = {i: m for i, m in (old.get("lists") or {}).items() if i in lists}
        asked = old.get("asked", now)
        blind = now - asked >= self._api.around.refresh_s * 1000  # lists that do not tell are read on a rhythm
        for list_id, one in lists.items():
            added, mark = _added(one), marks.get(list_id)
            if mark is not None and mark[2] is not None and (mark[2] == added if added else not blind):
                continue
            for rows, after, newest, last in self._joined(one, mark, added, fields):
                marks[list_id] = [after, newest, (added or 1) if last else None]
                yield Page(rows, {"v": VERSION, "lists": dict(marks), "asked": asked})
        yield Page([], {"v": VERSION, "lists": marks, "asked": now if blind else asked}, done=True)

    def _joined(
        self, one: Record, mark: list[Any] | None, added: int, fields: Sequence[str]
    ) -> Iterator[tuple[list[Row], str | None, int, bool]]:
        """(rows, cursor of their page, newest time, whether it was the last page)."""
        after, known = (mark[0], mark[1]) if mark is not None else (None, 0)
        newest, tail = known, after is not None
        while True:
            try:
                data = self._members(str(one["listId"]), after, by_joining=True)
            except Rejected as e:
                if e.code == "OBJECT_NOT_FOUND":
                    return  # deleted since the lists were told
                if not tail:
                    raise
                after, tail = None, False  # a cursor that HubSpot does not know any more
                continue
            rows = each_once(_row(one, m, fields) for m in listed(data))
            newest = max([newest, *(r.modified_at or 0 for r in rows)])
            following = next_page(data)
            if following is None and tail and newest < added - STRAY_MS:
                after, tail = None, False
                continue
            yield [r for r in rows if (r.modified_at or 0) >= known], after, newest, following is None
            if following is None:
                return
            after = following

    def links(self, ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
        """The memberships among `ids` that still are; one call per 250 members of each list."""
        found: dict[str, tuple[Link, ...]] = {}
        for list_id, wanted in _by_list(ids).items():
            members = self._all(list_id)
            found.update({f"{list_id}:{r}": (Link("contacts", r),) for r in wanted if r in members})
        return found

    def read(self, ids: Sequence[str], fields: Sequence[str]) -> ReadResult:
        """Members as rows, those who left as deleted; who was merged is a member under the new id."""
        result = ReadResult({})
        lists = {str(one["listId"]): one for one in self._lists()}
        for list_id, wanted in _by_list(ids).items():
            one = lists.get(list_id)
            members = self._all(list_id) if one is not None else {}
            left = [r for r in wanted if r not in members]
            if one is not None:
                survivors = [new for new in self._survivors(left).values() if new in members]
                for record in (*(r for r in wanted if r in members), *survivors):
                    result.rows[f"{list_id}:{record}"] = _row(one, members[record], fields)
            result.deleted += [Deletion(f"{list_id}:{r}") for r in left]
        return result

    def _survivors(self, ids: Sequence[str]) -> dict[str, str]:
        """Old id -> new id of contacts that were merged."""
        found: dict[str, str] = {}
        for start in range(0, len(ids), LIST_PAGE):
            batch = ids[start : start + LIST_PAGE]
            records = self._api.batch_read("contacts", batch, ("hs_merged_object_ids",))["results"]
            found.update({m.old_id: m.new_id for r in records for m in to_merges(r) if m.old_id in set(batch)})
        return found

    def _all(self, list_id: str) -> dict[str, Record]:
        """Record id -> membership; empty when there is no such list any more."""
        members: dict[str, Record] = {}
        after: str | None = None
        while True:
            try:
                data = self._members(list_id, after)
            except Rejected as e:
                if e.code == "OBJECT_NOT_FOUND":
                    return {}
                raise
            members.update({str(m["recordId"]): m for m in listed(data)})
            after = next_page(data)
            if after is None:
                return members

    def _members(self, list_id: str, after: str | None, *, by_joining: bool = False) -> Record:
        tail = "/join-order" if by_joining else ""
        params: dict[str, Any] = {"limit": PAGE} | ({"after": after} if after is not None else {})
        path = f"{LISTS}/{list_id}/memberships{tail}"
        data: Record = self._api.call("GET", path, params=params, route=f"{LISTS}/{{listId}}/memberships{tail}").data
        return data

    def _lists(self) -> list[Record]:
        return contact_lists(self._api, LISTS_PAGE)


def contact_lists(api: Api, size: int) -> list[Record]:
    """All lists of contacts, `size` a call."""
    found: list[Record] = []
    seen = 0
    while True:
        wish = {
            "objectTypeId": CONTACTS,
            "count": size,
            "offset": seen,
            "sort": "HS_LIST_ID",
            "additionalProperties": [ADDED],
        }
        data = api.call("POST", f"{LISTS}/search", json=wish).data
        page = listed(data, "lists")
        seen += len(page)
        found += [one for one in page if str(one.get("objectTypeId") or CONTACTS) == CONTACTS]
        if not data.get("hasMore") or not page or size < LISTS_PAGE:
            return found


def _added(one: Record) -> int:
    """When somebody last joined, ms; 0 when HubSpot does not tell."""
    return to_ms(str((one.get("additionalProperties") or {}).get(ADDED) or "")) or 0


def _by_list(ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in ids:
        list_id, _, record = one.partition(":")
        found.setdefault(list_id, []).append(record)
    return found


def _row(one: Record, member: Record, fields: Sequence[str]) -> Row:
    at = to_ms(member.get("membershipTimestamp"))
    values: dict[str, Value] = {
        "list_id": str(one["listId"]),
        "list_name": one.get("name") or None,
        "list_type": one.get("processingType") or None,
        "joined_at": at,
    }
    record = str(member["recordId"])
    wanted = {f: values[f] for f in fields if f in values}
    return Row(f"{one['listId']}:{record}", wanted, at, at, links=(Link("contacts", record),))
