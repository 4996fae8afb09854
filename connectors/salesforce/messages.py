"""E-mails are tasks, and with enhanced e-mail also messages: only the message tells who wrote to whom.

The field `Message.Kind` of tasks is made here: the task's subtype, or IncomingEmail where the message behind an
e-mail is an incoming one. A whole first pull looks all of them up in pages; later, tasks are looked up by id.

Vendor page: https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta (EmailMessage: Incoming,
ActivityId). The task is made with its message in one transaction, and neither fact ever changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from connectors.contract import Rejected
from connectors.salesforce import bulk, errors, soql
from connectors.salesforce.ids import full_id
from connectors.salesforce.org import Org
from connectors.salesforce.rows import Record, record_id
from connectors.salesforce.streams import IDS_IN_ADDRESS, MESSAGE_KIND, PAGE_SIZE, Source

INCOMING = "IncomingEmail"
_MESSAGES = "EmailMessage"
_FIELDS = ("Id", "ActivityId")
_ABOUT = "Incoming = true"
#: more pages than this are left to a query job
JOB_FROM_PAGES = 6


class Incoming:
    """Which tasks are incoming e-mails. `everything`: most tasks of the org will be asked for."""

    def __init__(self, org: Org, source: Source, wanted: Iterable[str], *, everything: bool) -> None:
        self._org = org
        self._asked = MESSAGE_KIND in wanted and MESSAGE_KIND in source.derived
        self._everything = everything
        self._all: frozenset[str] | None = None

    def tell(self, records: Iterable[Record]) -> None:
        """Put the field into these records."""
        if not self._asked:
            return
        records = list(records)
        mails = [record_id(r) for r in records if r.get("TaskSubtype") == "Email"]
        incoming = self._among(mails) if mails else frozenset()
        for record in records:
            kind = INCOMING if record_id(record) in incoming else record.get("TaskSubtype")
            record["Message"] = {"Kind": kind}

    def _among(self, tasks: list[str]) -> frozenset[str]:
        if self._everything:
            if self._all is None:
                self._all = self._tasks([_ABOUT, "ActivityId != null"])
            return self._all
        found: frozenset[str] = frozenset()
        for part in soql.value_chunks(tasks, soql.encoded_length(_FIELDS), IDS_IN_ADDRESS):
            found |= self._tasks([_ABOUT, soql.among("ActivityId", part)])
        return found

    def _tasks(self, conditions: list[str | None]) -> frozenset[str]:
        """Task ids; none in an org without e-mail messages."""
        statement = soql.select(_FIELDS, _MESSAGES, conditions)
        try:
            return frozenset(full_id(r["ActivityId"]) for r in self._found(statement) if r["ActivityId"])
        except Rejected as e:
            if e.code not in errors.NO_OBJECT and e.code != "INVALID_FIELD":
                raise
            self._everything, self._all = True, frozenset()
            return frozenset()

    def _found(self, statement: str) -> Iterator[Record]:
        """By pages, or by a job where these are many: a few calls for any number of ids."""
        pages = self._org.pages(statement)
        first = next(pages)
        if int(first["totalSize"]) > JOB_FROM_PAGES * max(1, len(first["records"])):
            try:
                job = bulk.start(self._org, statement)
                bulk.wait(self._org, job)
                names = list(_FIELDS)
                found = bulk.results(self._org, job, names, lambda _name: None, PAGE_SIZE, bulk.width(first["records"]))
                yield from chain.from_iterable(found)
                return
            except bulk.NoJob:  # the pages are there
                pass
        yield from first["records"]
        for page in pages:
            yield from page["records"]
