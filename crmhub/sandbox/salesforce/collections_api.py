"""sObject Collections: up to 200 records a call, each with its own fate.

Vendor page: REST API Developer Guide, "sObject Collections".
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from crmhub.sandbox.messages import Request, Response
from crmhub.sandbox.salesforce.errors import ApiError, RowError, RowRejectedError, reject
from crmhub.sandbox.salesforce.ids import to18
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.paths import bad_input, base_of, object_of
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.sobjects_api import body_of, named_fields, record_json, writer_for
from crmhub.sandbox.salesforce.upserts import Upserts
from crmhub.sandbox.salesforce.writer import Changes, Writer

MAX_RECORDS = 200
MAX_CHUNKS = 10
MAX_RETRIEVED = 2000
ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)
Result = dict[str, Any]
Step = Callable[[], Result]
"""Writes one record and tells its result; raises RowRejectedError."""


class CollectionsApi:
    """Handlers below composite/sobjects."""

    def __init__(self, org: OrgState) -> None:
        self._org = org

    def create(self, request: Request) -> Response:
        """POST composite/sobjects."""
        body, records = self._records(request)
        writer = writer_for(self._org, request)
        steps = [self._create_step(writer, record) for record in records]
        return self._run(steps, [None] * len(records), _all_or_none(body))

    def update(self, request: Request) -> Response:
        """PATCH composite/sobjects."""
        body, records = self._records(request)
        writer = writer_for(self._org, request)
        seen: set[str] = set()
        steps = [self._update_step(writer, record, seen) for record in records]
        return self._run(steps, [_id_in(record) for record in records], _all_or_none(body))

    def upsert(self, request: Request) -> Response:
        """PATCH composite/sobjects/{T}/{field}."""
        kind = object_of(self._org, request)
        body, records = self._records(request)
        upserts = Upserts(self._org, writer_for(self._org, request))
        field = upserts.key(kind, request.params["field"])
        values = [str(_value_of(record, field.name) or "").strip() for record in records]
        times = Counter(value.lower() for value in values)

        def step(record: dict[str, Any], value: str) -> Step:
            if self._object(record) is not kind:
                raise bad_input(f"All records must be of type {kind.name}")
            self._deserialized(upserts.writer, kind, record, skip=("Id", field.name))

            def write() -> Result:
                if times[value.lower()] > 1 and value:
                    message = f"Duplicate external id specified: {value}"
                    raise reject("DUPLICATE_VALUE", message, field.name)
                matches = upserts.matches(kind, field, value)
                record_id, created = upserts.write(kind, field, value, record, matches)
                return {"id": record_id, "success": True, "errors": [], "created": created}

            return write

        steps = [step(record, value) for record, value in zip(records, values, strict=True)]
        return self._run(steps, [None] * len(steps), _all_or_none(body), extra={"created": False})

    def delete(self, request: Request) -> Response:
        """DELETE composite/sobjects?ids=a,b&allOrNone=false."""
        ids = request.query.names("ids")
        if not ids:
            raise bad_input("The ids parameter is missing", "MISSING_ARGUMENT")
        _few(len(ids))
        writer = writer_for(self._org, request)
        seen: set[str] = set()

        def step(text: str) -> Step:
            def write() -> Result:
                kind, record_id = self._target(text, seen)
                writer.delete(kind, record_id)
                return {"id": record_id, "success": True, "errors": []}

            return write

        steps = [step(text) for text in ids]
        return self._run(steps, list(ids), request.query.get("allOrNone").lower() == "true")

    def retrieve(self, request: Request) -> Response:
        """POST composite/sobjects/{T} {ids, fields}: records or null, in the order of the ids."""
        body = body_of(request)
        return self._retrieved(request, body.get("ids"), body.get("fields"))

    def retrieve_by_query(self, request: Request) -> Response:
        """GET composite/sobjects/{T}?ids=&fields=."""
        return self._retrieved(request, request.query.names("ids"), request.query.names("fields"))

    def _retrieved(self, request: Request, ids: Any, names: Any) -> Response:
        kind = object_of(self._org, request)
        if not isinstance(ids, list) or not isinstance(names, list) or not ids or not names:
            raise bad_input("ids and fields are both needed", "MISSING_ARGUMENT")
        if len(ids) > MAX_RETRIEVED:
            raise bad_input(f"maximum records exceeded: {MAX_RETRIEVED}", "EXCEEDED_ID_LIMIT")
        fields = named_fields(self._org, kind, [str(name) for name in names])
        found = []
        for text in ids:
            record_id = to18(str(text))
            if record_id is None:
                raise ApiError(400, "MALFORMED_ID", f"malformed id {text}")
            row = self._org.row(kind, record_id)
            gone = row is None or row.get("IsDeleted") or not self._org.visible(kind, row)
            found.append(None if gone or row is None else record_json(kind, row, fields, base_of(request)))
        return Response.json(found)

    def _records(self, request: Request) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        body = body_of(request)
        records = body.get("records")
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise bad_input("Missing or invalid property: records", "JSON_PARSER_ERROR")
        _few(len(records))
        kinds = [self._object(record).name for record in records]
        chunks = sum(1 for place, name in enumerate(kinds) if place == 0 or kinds[place - 1] != name)
        if chunks > MAX_CHUNKS:
            raise bad_input(f"Operation failed: more than {MAX_CHUNKS} chunks of different types")
        return body, records

    def _object(self, record: dict[str, Any]) -> ObjectType:
        attributes = record.get("attributes")
        name = attributes.get("type") if isinstance(attributes, dict) else None
        if not isinstance(name, str):
            raise bad_input("The SObject type is missing: attributes.type", "INVALID_TYPE")
        kind = self._org.schema.get(name)
        if kind is None or kind.tooling or not self._org.access.reads(kind):
            message = f"sObject type '{name}' is not supported."
            raise bad_input(message, "INVALID_TYPE")
        return kind

    def _create_step(self, writer: Writer, record: dict[str, Any]) -> Step:
        kind = self._object(record)
        changes, problem = self._deserialized(writer, kind, record)

        def write() -> Result:
            if problem is not None:
                raise problem
            if _id_in(record) is not None:
                raise reject("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", "Id")
            return {"id": writer.create(kind, changes), "success": True, "errors": []}

        return write

    def _update_step(self, writer: Writer, record: dict[str, Any], seen: set[str]) -> Step:
        kind = self._object(record)
        changes, problem = self._deserialized(writer, kind, record, skip=("Id",))

        def write() -> Result:
            if problem is not None:
                raise problem
            text = _id_in(record)
            if text is None:
                raise reject("MISSING_ARGUMENT", "Id not specified in an update call", "Id")
            target, record_id = self._target(text, seen)
            if target is not kind:
                raise reject("MALFORMED_ID", f"Record ID: id value of incorrect type: {text}", "Id")
            writer.update(kind, record_id, changes)
            return {"id": record_id, "success": True, "errors": []}

        return write

    def _deserialized(
        self, writer: Writer, kind: ObjectType, record: dict[str, Any], skip: tuple[str, ...] = ()
    ) -> tuple[Changes, RowRejectedError | None]:
        """An unknown field refuses the whole request or its row, by the org's switch."""
        try:
            plain = {name: value for name, value in record.items() if name.lower() != "id"}
            return writer.deserialize(kind, plain, skip), None
        except RowRejectedError as problem:
            if self._org.settings.unknown_field_fails == "request":
                raise
            return {}, problem

    def _target(self, text: str, seen: set[str]) -> tuple[ObjectType, str]:
        record_id = to18(text)
        kind = None if record_id is None else self._org.schema.by_prefix(record_id[:3])
        if record_id is None or kind is None:
            raise reject("MALFORMED_ID", f"Record ID: id value of incorrect type: {text}", "Id")
        if record_id in seen:
            message = (
                "Maximum number of duplicate updates in one batch (12 allowed). Attempt to update Id more than once "
                f"in this Api call: {record_id}"
            )
            raise reject("DUPLICATE_VALUE", message, "Id")
        seen.add(record_id)
        return kind, record_id

    def _run(
        self, steps: list[Step], ids: list[str | None], all_or_none: bool, extra: Result | None = None
    ) -> Response:
        """Every step in order; with allOrNone one refusal undoes all."""
        self._org.begin()
        results: list[Result] = []
        failed = False
        for step, given in zip(steps, ids, strict=True):
            self._org.begin()
            try:
                results.append(step())
                self._org.end(rollback=False)
            except RowRejectedError as refused:
                failed = True
                self._org.end(rollback=True)
                results.append(self._failed(given, refused.errors) | (extra or {}))
        undo = failed and all_or_none
        self._org.end(rollback=undo)
        if undo:
            results = [
                self._failed(given, (ROLLED_BACK,)) | (extra or {}) if result["success"] else result
                for result, given in zip(results, ids, strict=True)
            ]
        return Response.json(results)

    def _failed(self, given: str | None, errors: tuple[RowError, ...]) -> Result:
        result: Result = {"success": False, "errors": [error.as_row() for error in errors]}
        if given is not None and self._org.settings.echo_failed_id:
            return {"id": given, **result}
        return result


def _few(count: int) -> None:
    if count > MAX_RECORDS:
        raise bad_input(f"maximum records exceeded: at most {MAX_RECORDS} records are allowed in one request")


def _all_or_none(body: dict[str, Any]) -> bool:
    return body.get("allOrNone") is True


def _id_in(record: dict[str, Any]) -> str | None:
    value = _value_of(record, "id")
    return None if value is None else str(value)


def _value_of(record: dict[str, Any], name: str) -> Any:
    return next((value for key, value in record.items() if key.lower() == name.lower()), None)
