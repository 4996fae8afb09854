"""The org: schema, tables, users, security and pending transactions, without any HTTP."""

from dataclasses import dataclass
from itertools import count

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.salesforce.access import Access
from crmhub.sandbox.salesforce.computed import attach
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.rollups import Rollups
from crmhub.sandbox.salesforce.schema.field import Value
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.schema.setup import new_schema
from crmhub.sandbox.salesforce.settings import Settings
from crmhub.sandbox.salesforce.sharing import Sharing
from crmhub.sandbox.salesforce.soql.scope import BIN_LIFE
from crmhub.sandbox.salesforce.soql.scope import Org as QueryOrg
from crmhub.sandbox.salesforce.table import Row, Table
from crmhub.sandbox.salesforce.times import DAY, day_of

ADMIN_NUMBER, INTEGRATION_NUMBER, AUTOMATED_NUMBER, LOADER_NUMBER = 901, 902, 903, 904
SMALL_NUMBER, NO_API_NUMBER = 905, 906
FIRST_NEW = 5_000_000
"""Ids of records made after the start count from here."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A row whose transaction commits later than its stamp."""

    visible_at: int
    kind: str
    row: Row


@dataclass(frozen=True, slots=True)
class Gone:
    """A row that left for good; only the feed of deletions still tells of it."""

    kind: str
    record_id: str
    at: int


class OrgState:
    """Everything the vendor keeps. Rows go through `put` so that lag and security stay right."""

    def __init__(self, clock: Clock, settings: Settings, number: int = 1) -> None:
        self.clock = clock
        self.settings = settings
        self.schema = new_schema()
        self.tables: dict[str, Table] = {kind.name: Table(kind) for kind in self.schema}
        self.number = number
        self.org_id = salesforce_id("00D", number)
        self.hub_id = salesforce_id("005", INTEGRATION_NUMBER)
        self.user_id = self.hub_id
        """Whom the request at hand runs as."""
        self.access = Access(self.schema, self.tables, settings, lambda: self.user_id)
        self.sharing = Sharing(self.schema, self.tables, settings, salesforce_id("005", SMALL_NUMBER))
        self._numbers = {kind.name: count(FIRST_NEW) for kind in self.schema}
        self.gone: list[Gone] = []
        self.rollups = Rollups(self.schema, self.tables)
        self._pending: list[Pending] = []
        self._journals: list[list[tuple[ObjectType, str, Row | None]]] = []
        attach(self.schema, self.tables, self.archived_before)

    def stamp(self) -> int:
        """Now, to the second: the resolution in which the vendor keeps times."""
        return self.clock.now() // 1000 * 1000

    def new_id(self, kind: ObjectType) -> str:
        """The next id of an object."""
        return salesforce_id(kind.prefix, next(self._numbers[kind.name]))

    def query_org(self, *, all_rows: bool = False, tooling: bool = False) -> QueryOrg:
        """What statements are bound against now."""
        self.commit()
        return QueryOrg(
            self.schema,
            self.tables,
            self.access.sees,
            self.clock.now(),
            all_rows,
            tooling,
            self.archived_before(),
            self.visible if self.sharing.limits(self.user_id) else None,
            self.access.reads,
        )

    def visible(self, kind: ObjectType, row: Row) -> bool:
        """Whether sharing shows a row to the running user."""
        return self.sharing.sees(kind, row, self.user_id)

    def archived_before(self) -> str:
        """Done activities of days before this one are archived; an ISO day, empty: none is."""
        days = self.settings.archive_days
        return day_of(self.clock.now() - days * DAY) if days else ""

    def row(self, kind: ObjectType, record_id: str) -> Row | None:
        """The committed row, deleted ones included until the bin is emptied."""
        self.commit()
        return self.tables[kind.name].get(record_id)

    def put(self, kind: ObjectType, row: Row, lag: float = 0.0) -> None:
        """Store a row; with a lag in seconds it is seen only later."""
        if lag > 0:
            self._pending.append(Pending(self.clock.now() + int(lag * 1000), kind.name, row))
            return
        self._note(kind, str(row["Id"]))
        moved = self.rollups.before(kind.name, row) if self.settings.rollups_stamp else []
        self.tables[kind.name].put(row)
        for parent_kind, parent in self.rollups.changed(moved):
            self.put(parent_kind, {**parent, "SystemModstamp": self.stamp()})
        if kind.name in ("PermissionSet", "PermissionSetAssignment", "FieldPermissions"):
            self.access.forget()

    def drop(self, kind: ObjectType, record_id: str) -> None:
        """Take a row away that has no bin to go to."""
        self._note(kind, record_id)
        row = self.tables[kind.name].get(record_id) or {}
        at = row.get("_DeletedAt")
        self.gone.append(Gone(kind.name, record_id, at if isinstance(at, int) else self.clock.now()))
        self.tables[kind.name].drop(record_id)
        self.access.forget()

    def forget_field(self, kind: ObjectType, name: str) -> None:
        """A custom field with its values and its rights is gone for good."""
        kind.remove(name)
        table, rights = self.tables[kind.name], self.tables["FieldPermissions"]
        table.patch([one for one in table.ids() if not table.untouched(one)], {name: None})
        for one in rights.find("Field", f"{kind.name}.{name}"):
            rights.drop(one)
        self.access.withdraw(f"{kind.name}.{name}")

    def in_bin(self, row: Row) -> bool:
        """Whether a deleted row is still in the recycle bin."""
        at = row.get("_DeletedAt")
        return isinstance(at, int) and at + BIN_LIFE > self.clock.now()

    def begin(self) -> None:
        """Start to remember what writes replace; may be nested."""
        self._journals.append([])

    def end(self, *, rollback: bool) -> None:
        """Stop remembering; with `rollback` everything since the matching `begin` is undone."""
        journal = self._journals.pop()
        if not rollback:
            if self._journals:
                self._journals[-1].extend(journal)
            return
        for kind, record_id, before in reversed(journal):
            if before is None:
                self.tables[kind.name].drop(record_id)
            else:
                self.tables[kind.name].put(before)
        self.access.forget()

    def _note(self, kind: ObjectType, record_id: str) -> None:
        if self._journals:
            self._journals[-1].append((kind, record_id, self.tables[kind.name].get(record_id)))

    def commit(self) -> None:
        """Make visible what is due."""
        now = self.clock.now()
        due = [item for item in self._pending if item.visible_at <= now]
        for item in due:
            self._pending.remove(item)
            self.tables[item.kind].put(item.row)

    def commit_record(self, record_id: str) -> None:
        """A writer waits for the transactions that hold the row: they commit first."""
        mine = [item for item in self._pending if item.row["Id"] == record_id]
        for item in mine:
            self._pending.remove(item)
            self.tables[item.kind].put(item.row)

    def current(self, kind: ObjectType, record_id: str) -> Row | None:
        """The newest version of a row, whether others see it yet or not."""
        for item in reversed(self._pending):
            if item.row["Id"] == record_id:
                return item.row
        return self.tables[kind.name].get(record_id)

    def newest(self, row: Row) -> Row:
        """The newest version of a committed row."""
        return next((item.row for item in reversed(self._pending) if item.row["Id"] == row["Id"]), row)

    def reference(self, value: Value) -> tuple[ObjectType, Row] | None:
        """The live row behind an id."""
        if not isinstance(value, str):
            return None
        kind = self.schema.by_prefix(value[:3])
        row = None if kind is None else self.current(kind, value)
        return None if kind is None or row is None or row.get("IsDeleted") else (kind, row)
