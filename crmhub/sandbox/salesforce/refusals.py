"""Error bodies by status, for faults and for what no handler answers."""

from crmhub.sandbox.messages import Response

_JSON: dict[int, tuple[str, str]] = {
    400: ("JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]"),
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    405: ("METHOD_NOT_ALLOWED", "HTTP Method not allowed."),
    409: ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records"),
    410: ("GONE", "The requested resource is no longer available: this API version was removed"),
    415: ("UNSUPPORTED_MEDIA_TYPE", "Content type of the request is not supported"),
    500: (
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1",
    ),
}
_PAGE = "<html><head><title>{status}</title></head><body><h1>{text}</h1></body></html>"
_TEXTS = {
    406: "Not Acceptable",
    420: "Enhance your calm",
    429: "Too Many Requests",
    502: "Bad Gateway",
    503: "Server unavailable",
    504: "Gateway Timeout",
}


def refusal(status: int) -> Response:
    """The vendor's array, or a page of HTML from its edge."""
    if status in _JSON:
        code, message = _JSON[status]
        return Response.json([{"message": message, "errorCode": code}], status)
    page = _PAGE.format(status=status, text=_TEXTS.get(status, "Error"))
    return Response.text(page, status, "text/html;charset=utf-8")


def quota_refusal() -> Response:
    """The daily allowance is used up."""
    body = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    return Response.json(body, 403)
