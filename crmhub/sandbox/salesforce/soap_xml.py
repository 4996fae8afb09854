"""Envelopes of the SOAP API: reading a request, writing an answer or a fault.

Vendor page: SOAP API Developer Guide, "Core Calls". Elements inside a result come in the WSDL's order.
"""

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from crmhub.sandbox.messages import Response

PARTNER = "urn:partner.soap.sforce.com"
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
    'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="{namespace}" '
    'xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "{header}<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


class SoapFaultError(Exception):
    """The whole call is refused."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Call:
    """`name` of the operation, its arguments, and the session id of the header."""

    name: str
    arguments: ElementTree.Element
    session_id: str


def read(body: bytes) -> Call:
    """Raises SoapFaultError for what is no envelope."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise SoapFaultError("INVALID_TYPE", "Document type declarations are not allowed")
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  # loopback, and no entities, see above
    except ElementTree.ParseError as problem:
        raise SoapFaultError("INVALID_TYPE", f"Content is not allowed: {problem}") from problem
    place = next((one for one in root if tag_of(one) == "Body"), None)
    call = next(iter(place), None) if place is not None else None
    if call is None:
        raise SoapFaultError("INVALID_TYPE", "No operation available for request")
    session = next((one.text or "" for one in root.iter() if tag_of(one) == "sessionId"), "")
    return Call(tag_of(call), call, session.strip())


def tag_of(element: ElementTree.Element) -> str:
    """The name without its namespace."""
    return element.tag.rpartition("}")[2]


def children(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """The children of that name."""
    return [one for one in element if tag_of(one) == name]


def text(element: ElementTree.Element, name: str) -> str | None:
    """The text of the first child of that name; None: missing or blank."""
    found = children(element, name)
    return (found[0].text or "").strip() or None if found else None


def texts(element: ElementTree.Element, name: str) -> list[str]:
    """The texts of all children of that name."""
    return [(one.text or "").strip() for one in children(element, name)]


def fields(element: ElementTree.Element) -> dict[str, str | None]:
    """The fields of an sObject: `fieldsToNull` and nil ones are None, type and Id are left out."""
    found: dict[str, str | None] = {}
    for one in element:
        name = tag_of(one)
        if name == "fieldsToNull":
            found[(one.text or "").strip()] = None
        elif name not in ("type", "Id"):
            found[name] = None if one.get(_NIL) == "true" else one.text or ""
    return found


def answer(call: str, results: list[dict[str, Any]], used: int, limit: int) -> Response:
    """One `result` per request, and how many calls are used."""
    body = "".join(f"<result>{_written(result)}</result>" for result in results)
    info = f"<limitInfo><current>{used}</current><limit>{limit}</limit><type>API REQUESTS</type></limitInfo>"
    header = f"<soapenv:Header><LimitInfoHeader>{info}</LimitInfoHeader></soapenv:Header>"
    return _response(f"<{call}Response>{body}</{call}Response>", header, 200)


def fault(code: str, message: str) -> Response:
    """HTTP 500 with the code twice, as the vendor has it."""
    detail = f"<exceptionCode>{code}</exceptionCode><exceptionMessage>{escape(message)}</exceptionMessage>"
    body = (
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {escape(message)}</faultstring>"
        f"<detail><sf:UnexpectedErrorFault>{detail}</sf:UnexpectedErrorFault></detail></soapenv:Fault>"
    )
    return _response(body, "", 500)


def _response(body: str, header: str, status: int) -> Response:
    page = _ENVELOPE.format(namespace=PARTNER, header=header, body=body)
    return Response.text(page, status, "text/xml; charset=UTF-8")


def _written(values: dict[str, Any]) -> str:
    parts = []
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if one is None:
                parts.append(f'<{name} xsi:nil="true"/>')
            elif isinstance(one, dict):
                parts.append(f"<{name}>{_written(one)}</{name}>")
            else:
                shown = str(one).lower() if isinstance(one, bool) else str(one)
                parts.append(f"<{name}>{escape(shown)}</{name}>")
    return "".join(parts)
