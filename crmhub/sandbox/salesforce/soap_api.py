"""The calls that only the SOAP API has: merge, convertLead, undelete, emptyRecycleBin; and who I am.

Vendor page: SOAP API Developer Guide, "merge()", "convertLead()", "undelete()", "emptyRecycleBin()".
"""

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from crmhub.sandbox.messages import Request, Response
from crmhub.sandbox.salesforce import soap_xml as xml
from crmhub.sandbox.salesforce.errors import ApiError, RowError, RowRejectedError, reject
from crmhub.sandbox.salesforce.ids import to18
from crmhub.sandbox.salesforce.lifecycle import Conversion, Lifecycle
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.paths import NEWEST, OLDEST, version_number
from crmhub.sandbox.salesforce.schema.object import ObjectType
from crmhub.sandbox.salesforce.sessions import Sessions
from crmhub.sandbox.salesforce.times import render
from crmhub.sandbox.salesforce.usage import Usage
from crmhub.sandbox.salesforce.writer import Writer

MAX_REQUESTS = 200
Result = dict[str, Any]


class SoapApi:
    """POST /services/Soap/u/{version}."""

    def __init__(self, org: OrgState, sessions: Sessions, usage: Usage) -> None:
        self._org = org
        self._sessions = sessions
        self._usage = usage
        self._calls: dict[str, Callable[[Element], list[Result]]] = {
            "merge": self._merge,
            "convertLead": self._convert,
            "undelete": self._undelete,
            "emptyRecycleBin": self._empty,
            "getUserInfo": self._user_info,
            "getServerTimestamp": lambda _: [{"timestamp": render(self._org.stamp()).replace("+0000", "Z")}],
        }

    def post(self, request: Request) -> Response:
        """Any call; a refused one is a fault with HTTP 500."""
        try:
            number = version_number(f"v{request.params['version']}")
            if number is None or not OLDEST <= number <= NEWEST:
                raise xml.SoapFaultError("UNSUPPORTED_API_VERSION", f"Invalid Api version: {request.params['version']}")
            call = xml.read(request.body)
            if call.name == "login":
                message = "Invalid username, password, security token; or user locked out."
                raise xml.SoapFaultError("INVALID_LOGIN", message)
            session = self._sessions.alive(call.session_id)
            if session is None:
                message = "Invalid Session ID found in SessionHeader: Illegal Session"
                raise xml.SoapFaultError("INVALID_SESSION_ID", message)
            if not self._usage.take():
                raise xml.SoapFaultError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            act = self._calls.get(call.name)
            if act is None:
                raise xml.SoapFaultError("INVALID_OPERATION", f"No operation available for request {call.name}")
            self._org.user_id = session.user_id
            return xml.answer(call.name, act(call.arguments), self._usage.used(), self._usage.limit)
        except xml.SoapFaultError as refused:
            return xml.fault(refused.code, refused.message)
        except ApiError as refused:
            return xml.fault(refused.code, str(refused.body[0]["message"]))
        finally:
            self._org.user_id = self._org.hub_id

    def _merge(self, arguments: Element) -> list[Result]:
        def one(request: Element) -> Result:
            masters = xml.children(request, "masterRecord")
            if not masters:
                raise reject("MISSING_ARGUMENT", "masterRecord not specified")
            master = masters[0]
            kind = self._kind(xml.text(master, "type"))
            winner, losers = self._id(xml.text(master, "Id")), xml.texts(request, "recordToMergeIds")
            writer = self._writer()
            changes = writer.deserialize(kind, xml.fields(master))
            ids = [self._id(loser) for loser in losers]
            moved = Lifecycle(self._org, writer).merge(kind, winner, ids, changes)
            return {"id": winner, "mergedRecordIds": ids, "success": True, "updatedRelatedIds": moved}

        return self._each(self._several(arguments, "request"), one)

    def _convert(self, arguments: Element) -> list[Result]:
        def one(wish: Element) -> Result:
            ids = {name: xml.text(wish, name) for name in ("accountId", "contactId", "opportunityId", "ownerId")}
            given = {name: self._id(value) for name, value in ids.items() if value}
            conversion = Conversion(
                self._id(xml.text(wish, "leadId")),
                given.get("accountId"),
                given.get("contactId"),
                given.get("opportunityId"),
                xml.text(wish, "doNotCreateOpportunity") != "true" and "opportunityId" not in given,
                xml.text(wish, "opportunityName"),
                given.get("ownerId"),
                xml.text(wish, "convertedStatus") or "",
                xml.text(wish, "overwriteLeadSource") == "true",
            )
            done = Lifecycle(self._org, self._writer()).convert(conversion)
            return {
                "accountId": done.account_id,
                "contactId": done.contact_id,
                "leadId": conversion.lead_id,
                "opportunityId": done.opportunity_id,
                "success": True,
            }

        return self._each(self._several(arguments, "leadConverts"), one)

    def _undelete(self, arguments: Element) -> list[Result]:
        def one(element: Element) -> Result:
            record_id = self._id(element.text)
            kind = self._org.schema.by_prefix(record_id[:3])
            if kind is None:
                raise reject("MALFORMED_ID", f"malformed id {record_id}")
            self._writer().undelete(kind, record_id)
            return {"id": record_id, "success": True}

        return self._each(self._several(arguments, "ids"), one)

    def _empty(self, arguments: Element) -> list[Result]:
        def one(element: Element) -> Result:
            record_id = self._id(element.text)
            kind = self._org.schema.by_prefix(record_id[:3])
            row = None if kind is None else self._org.row(kind, record_id)
            if kind is None or row is None or not row.get("IsDeleted"):
                raise reject("INVALID_ID_FIELD", "Record is not in the recycle bin")
            self._org.drop(kind, record_id)
            return {"id": record_id, "success": True}

        return self._each(self._several(arguments, "ids"), one)

    def _user_info(self, _arguments: Element) -> list[Result]:
        me = self._org.tables["User"].get(self._org.user_id) or {}
        return [
            {
                "organizationId": self._org.org_id,
                "organizationName": "Our Firm",
                "userEmail": me.get("Email"),
                "userFullName": me.get("Name"),
                "userId": self._org.user_id,
                "userName": me.get("Username"),
                "userType": "Standard",
            }
        ]

    def _each(self, requests: list[Element], one: Callable[[Element], Result]) -> list[Result]:
        """Each request has its own fate."""
        results = []
        for request in requests:
            self._org.begin()
            try:
                results.append(one(request))
                self._org.end(rollback=False)
            except (RowRejectedError, ApiError) as refused:
                self._org.end(rollback=True)
                results.append({"errors": _errors(refused), "success": False})
        return results

    def _several(self, arguments: Element, name: str) -> list[Element]:
        found = xml.children(arguments, name)
        if len(found) > MAX_REQUESTS:
            raise xml.SoapFaultError("EXCEEDED_ID_LIMIT", f"at most {MAX_REQUESTS} in one call")
        return found

    def _writer(self) -> Writer:
        return Writer(self._org, self._org.user_id, allow_duplicates=True)

    def _kind(self, name: str | None) -> ObjectType:
        kind = self._org.schema.get(name or "")
        if kind is None:
            raise reject("INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return kind

    def _id(self, value: str | None) -> str:
        record_id = to18((value or "").strip())
        if record_id is None:
            raise reject("MALFORMED_ID", f"malformed id {value}")
        return record_id


def _errors(refused: RowRejectedError | ApiError) -> list[Result]:
    if isinstance(refused, ApiError):
        errors: tuple[RowError, ...] = (RowError(refused.code, str(refused.body[0]["message"])),)
    else:
        errors = refused.errors
    return [{"fields": list(one.fields), "message": one.message, "statusCode": one.code} for one in errors]
