"""query, queryAll and their further pages. Vendor page: REST API Developer Guide, "Query"."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from crmhub.sandbox.messages import Request, Response
from crmhub.sandbox.salesforce.errors import ApiError
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.paths import base_of
from crmhub.sandbox.salesforce.soql.run import run
from crmhub.sandbox.salesforce.times import DAY

CURSOR_LIFE = 2 * DAY
SMALLEST_PAGE, LARGEST_PAGE = 200, 2000


@dataclass(frozen=True, slots=True)
class Cursor:
    """A result that did not fit on one page."""

    rows: Sequence[Any]
    emit: Callable[[Any], dict[str, Any]]
    resource: str
    made_at: int
    table: str
    width: int


class QueryApi:
    """Handlers; locators are `<18 characters>-<offset>` and live two days of the sandbox clock."""

    def __init__(self, org: OrgState) -> None:
        self._org = org
        self._cursors: dict[str, Cursor] = {}
        self._made = 0

    def query(self, request: Request) -> Response:
        """GET query: live rows."""
        return self._first(request, "query", all_rows=False, tooling=False)

    def query_all(self, request: Request) -> Response:
        """GET queryAll: deleted, merged and archived rows too."""
        return self._first(request, "query", all_rows=True, tooling=False)

    def tooling(self, request: Request) -> Response:
        """GET tooling/query."""
        return self._first(request, "tooling/query", all_rows=False, tooling=True)

    def more(self, request: Request) -> Response:
        """GET query/{locator}."""
        locator, _, start = request.params["locator"].rpartition("-")
        cursor = self._cursors.get(locator)
        if cursor is None or not start.isdigit() or self._org.clock.now() - cursor.made_at >= CURSOR_LIFE:
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(request, locator, cursor, int(start))

    def _first(self, request: Request, resource: str, *, all_rows: bool, tooling: bool) -> Response:
        if "q" not in request.query:
            raise ApiError(400, "MALFORMED_QUERY", "SOQL statement is missing: parameter q")
        org = self._org.query_org(all_rows=all_rows, tooling=tooling)
        result = run(request.query.get("q"), org, base_of(request))
        if self._org.settings.query_timeouts > 0:
            self._org.settings.query_timeouts -= 1
            raise ApiError(400, "QUERY_TIMEOUT", "Your query request was running for too long.")
        if result.count is not None:
            return Response.json({"totalSize": result.count, "done": True, "records": []})
        width = 0 if result.shape is None else len(result.shape.bounds)
        cursor = Cursor(result.rows, result.emit, resource, self._org.clock.now(), result.table, width)
        size = self._size(request, cursor)
        if len(result.rows) <= size:
            return self._page(request, "", cursor, 0)
        self._forget_old()
        self._made += 1
        locator = salesforce_id(self._org.settings.locator_prefix, self._made)
        self._cursors[locator] = cursor
        return self._page(request, locator, cursor, 0)

    def _page(self, request: Request, locator: str, cursor: Cursor, start: int) -> Response:
        end = start + self._size(request, cursor)
        rows = cursor.rows[start:end]
        if start and self._org.settings.fresh_pages and cursor.table:
            table = self._org.tables[cursor.table]
            rows = [table.get(str(row["Id"])) or row for row in rows]
        answer: dict[str, Any] = {"totalSize": len(cursor.rows), "done": end >= len(cursor.rows)}
        if not answer["done"]:
            answer["nextRecordsUrl"] = f"{base_of(request)}/{cursor.resource}/{locator}-{end}"
        answer["records"] = [cursor.emit(row) for row in rows]
        return Response.json(answer)

    def _size(self, request: Request, cursor: Cursor) -> int:
        """Rows on a page; wide rows make small pages."""
        settings = self._org.settings
        size = _batch_size(request, settings.page_size)
        if cursor.width <= settings.wide_fields:
            return size
        return min(size, max(SMALLEST_PAGE, LARGEST_PAGE * settings.wide_fields // cursor.width))

    def _forget_old(self) -> None:
        oldest = self._org.clock.now() - CURSOR_LIFE
        for locator in [key for key, cursor in self._cursors.items() if cursor.made_at <= oldest]:
            del self._cursors[locator]


def _batch_size(request: Request, largest: int) -> int:
    for option in request.headers.get("sforce-query-options", "").split(","):
        name, _, value = option.partition("=")
        if name.strip().lower() == "batchsize" and value.strip().isdigit():
            return min(largest, max(SMALLEST_PAGE, int(value)))
    return min(largest, LARGEST_PAGE)
