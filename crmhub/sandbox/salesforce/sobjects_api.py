"""Describe and single records. Vendor page: REST API Developer Guide, "sObject Rows"."""

from typing import Any

from crmhub.sandbox.messages import Request, Response
from crmhub.sandbox.salesforce.describe import brief, full, global_list
from crmhub.sandbox.salesforce.errors import ApiError, RowRejectedError, not_found
from crmhub.sandbox.salesforce.ids import to18
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.paths import base_of, object_of
from crmhub.sandbox.salesforce.schema.field import Field
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.soql.select import json_field
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.upserts import Upserts
from crmhub.sandbox.salesforce.writer import Writer, path_id


def writer_for(org: OrgState, request: Request) -> Writer:
    """Writes of the API run as the session's user; headers may let duplicates pass and keep assignment rules off."""
    rule = request.headers.get("sforce-duplicate-rule-header", "").lower().replace(" ", "")
    assigns = request.headers.get("sforce-auto-assign", "").lower() != "false"
    return Writer(org, org.user_id, allow_duplicates="allowsave=true" in rule, assigns=assigns)


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object of a write."""
    body = request.json()
    if not isinstance(body, dict):
        message = "Cannot deserialize instance of SObject from START_ARRAY at [line:1, column:1]"
        raise ApiError(400, "JSON_PARSER_ERROR", message)
    return body


def record_json(kind: ObjectType, row: Row, fields: list[Field], base: str) -> dict[str, Any]:
    """A record with the given fields, Id last unless asked for, as the vendor has it."""
    url = f"{base}/sobjects/{kind.name}/{row['Id']}"
    record: dict[str, Any] = {"attributes": {"type": kind.name, "url": url}}
    for field in fields:
        record[field.name] = json_field(field, row)
    record.setdefault("Id", row["Id"])
    return record


def named_fields(org: OrgState, kind: ObjectType, names: list[str]) -> list[Field]:
    """Visible fields by name; raises INVALID_FIELD."""
    found = []
    for name in names:
        field = kind.field(name)
        if field is None or not org.access.sees(kind, field):
            raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {kind.name}")
        found.append(field)
    return found


class SObjectsApi:
    """Handlers below /sobjects."""

    def __init__(self, org: OrgState) -> None:
        self._org = org

    def listing(self, request: Request) -> Response:
        """GET sobjects."""
        return Response.json(global_list(self._org.schema, self._org.access, base_of(request)))

    def basic(self, request: Request) -> Response:
        """GET sobjects/{T}."""
        described = brief(object_of(self._org, request), base_of(request))
        return Response.json({"objectDescribe": described, "recentItems": []})

    def describe(self, request: Request) -> Response:
        """GET sobjects/{T}/describe."""
        return Response.json(full(object_of(self._org, request), self._org.access, base_of(request)))

    def create(self, request: Request) -> Response:
        """POST sobjects/{T}: 201 and Location."""
        kind = object_of(self._org, request)
        writer = writer_for(self._org, request)
        record_id = writer.create(kind, writer.deserialize(kind, body_of(request)))
        return self._created(request, kind, record_id, {})

    def create_by_upsert_form(self, request: Request) -> Response:
        """POST sobjects/{T}/Id: a plain create."""
        return self.create(request)

    def get(self, request: Request) -> Response:
        """GET sobjects/{T}/{id}?fields=A,B."""
        kind = object_of(self._org, request)
        row = self._org.row(kind, self._record_id(kind, request))
        if row is None or row.get("IsDeleted") or not self._org.visible(kind, row):
            raise not_found()
        return self._shown(request, kind, row)

    def update(self, request: Request) -> Response:
        """PATCH sobjects/{T}/{id}: 204."""
        kind = object_of(self._org, request)
        writer = writer_for(self._org, request)
        body = body_of(request)
        if any(name.lower() == "id" for name in body):
            message = "The Id field should not be specified in the sobject data."
            raise ApiError(400, "INVALID_FIELD", message, ["Id"])
        record_id = self._record_id(kind, request)
        changes = writer.deserialize(kind, body)
        if self._org.current(kind, record_id) is None:
            raise not_found()
        writer.update(kind, record_id, changes)
        return Response(204)

    def delete(self, request: Request) -> Response:
        """DELETE sobjects/{T}/{id}: 204."""
        kind = object_of(self._org, request)
        record_id = self._record_id(kind, request)
        if self._org.current(kind, record_id) is None:
            raise not_found()
        writer_for(self._org, request).delete(kind, record_id)
        return Response(204)

    def get_by_external_id(self, request: Request) -> Response:
        """GET sobjects/{T}/{field}/{value}."""
        kind = object_of(self._org, request)
        row = self._org.row(kind, self._by_external_id(request, kind))
        if row is None:
            raise not_found()
        return self._shown(request, kind, row)

    def delete_by_external_id(self, request: Request) -> Response:
        """DELETE sobjects/{T}/{field}/{value}: 204."""
        kind = object_of(self._org, request)
        writer_for(self._org, request).delete(kind, self._by_external_id(request, kind))
        return Response(204)

    def upsert(self, request: Request) -> Response:
        """PATCH sobjects/{T}/{field}/{value}: 201 created, 200 updated, 300 several."""
        kind = object_of(self._org, request)
        upserts = Upserts(self._org, writer_for(self._org, request))
        field = upserts.key(kind, request.params["field"])
        value = request.params["value"]
        matches = upserts.matches(kind, field, value)
        if len(matches) > 1:
            return self._several(request, kind, matches)
        body = body_of(request)
        if any(name.lower() in ("id", field.name.lower()) for name in body):
            message = f"The {field.name} field should not be specified in the sobject data."
            raise ApiError(400, "INVALID_FIELD", message, [field.name])
        if not matches and request.query.get("updateOnly").lower() == "true":
            raise not_found()
        record_id, created = upserts.write(kind, field, value, body, matches)
        if created:
            return self._created(request, kind, record_id, {"created": True})
        return Response.json({"id": record_id, "success": True, "errors": [], "created": False})

    def _by_external_id(self, request: Request, kind: ObjectType) -> str:
        upserts = Upserts(self._org, writer_for(self._org, request))
        field = upserts.key(kind, request.params["field"])
        matches = upserts.matches(kind, field, request.params["value"])
        if len(matches) != 1:
            raise not_found()
        return matches[0]

    def _several(self, request: Request, kind: ObjectType, matches: list[str]) -> Response:
        return Response.json([f"{base_of(request)}/sobjects/{kind.name}/{found}" for found in matches], 300)

    def _created(self, request: Request, kind: ObjectType, record_id: str, extra: dict[str, Any]) -> Response:
        location = f"{base_of(request)}/sobjects/{kind.name}/{record_id}"
        answer = {"id": record_id, "success": True, "errors": [], **extra}
        return Response.json(answer, 201, {"Location": location})

    def _shown(self, request: Request, kind: ObjectType, row: Row) -> Response:
        names = request.query.names("fields")
        if names:
            fields = named_fields(self._org, kind, names)
        else:
            fields = [field for field in kind.fields.values() if self._org.access.sees(kind, field)]
        return Response.json(record_json(kind, row, fields, base_of(request)))

    def _record_id(self, kind: ObjectType, request: Request) -> str:
        text = request.params["id"]
        record_id = path_id(kind, text)
        if record_id is None:
            if to18(text) is None and len(text) in (15, 18):
                raise ApiError(400, "MALFORMED_ID", f"malformed id {text}")
            message = f"Provided external ID field does not exist or is not accessible: {text}"
            raise ApiError(404, "NOT_FOUND", message)
        return record_id


def rejected(error: RowRejectedError) -> Response:
    """A single record's refusal as the answer of the whole request."""
    return Response.json([item.as_rest() for item in error.errors], error.errors[0].status)
