"""deleted and updated: who went and who changed in a span of time.

Vendor page: REST API Developer Guide, "sObject Get Deleted" and "sObject Get Updated".
"""

from crmhub.sandbox.messages import Request, Response
from crmhub.sandbox.salesforce.errors import ApiError
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.paths import object_of
from crmhub.sandbox.salesforce.times import DAY, parse_moment, render

MINUTE = 60_000
DELETED_BACK, UPDATED_BACK = 15 * DAY, 30 * DAY
MAX_IDS = 600_000


class Feeds:
    """Handlers; seconds are ignored in start and end, as in the vendor."""

    def __init__(self, org: OrgState) -> None:
        self._org = org

    def deleted(self, request: Request) -> Response:
        """GET sobjects/{T}/deleted?start&end."""
        kind = object_of(self._org, request)
        start, end = self._span(request, kind.replicateable, DELETED_BACK)
        found = []
        self._org.commit()
        table = self._org.tables[kind.name]
        reach = self._org.clock.now() - self._org.settings.delete_log_hours * 3_600_000
        asked, start = start, max(start, reach)
        for record_id in table.between((asked, "")):
            row = {} if table.untouched(record_id) else table.brief(record_id) or {}
            at = row.get("_DeletedAt")
            if row.get("IsDeleted") and isinstance(at, int) and start <= at < end and self._org.visible(kind, row):
                found.append({"deletedDate": render(at // 1000 * 1000), "id": row["Id"]})
        found.extend(
            {"deletedDate": render(gone.at // 1000 * 1000), "id": gone.record_id}
            for gone in self._org.gone
            if gone.kind == kind.name and start <= gone.at < end
        )
        self._few(len(found))
        return Response.json(
            {
                "deletedRecords": found,
                "earliestDateAvailable": render(reach // MINUTE * MINUTE),
                "latestDateCovered": render(min(end, self._org.clock.now()) // MINUTE * MINUTE),
            }
        )

    def updated(self, request: Request) -> Response:
        """GET sobjects/{T}/updated?start&end."""
        kind = object_of(self._org, request)
        start, end = self._span(request, kind.replicateable, UPDATED_BACK)
        self._org.commit()
        table = self._org.tables[kind.name]
        found = table.between((start, ""), (end - 1, "\uffff"))
        rows = filter(None, map(table.brief, found))
        ids = [row["Id"] for row in rows if not row.get("IsDeleted") and self._org.visible(kind, row)]
        self._few(len(ids))
        covered = render(min(end, self._org.clock.now()) // MINUTE * MINUTE)
        return Response.json({"ids": ids, "latestDateCovered": covered})

    def _span(self, request: Request, replicateable: bool, back: int) -> tuple[int, int]:
        if not replicateable:
            raise ApiError(400, "CANNOT_REPLICATE", "object is not replicable")
        now = self._org.clock.now()
        moments = []
        for name in ("start", "end"):
            moment = parse_moment(request.query.get(name).replace(" ", "+"))
            if moment is None:
                raise ApiError(400, "INVALID_REPLICATION_DATE", f"{name}Date is not a valid datetime")
            moments.append(moment // MINUTE * MINUTE)
        start, end = moments
        if start >= end:
            raise ApiError(400, "INVALID_REPLICATION_DATE", "startDate before endDate or replication window too small")
        if start < now - back - MINUTE:
            raise ApiError(400, "INVALID_REPLICATION_DATE", "startDate cannot be more than the allowed days ago")
        return start, end

    def _few(self, count: int) -> None:
        if count > MAX_IDS:
            raise ApiError(400, "EXCEEDED_ID_LIMIT", "too many ids for one call: narrow the span")
