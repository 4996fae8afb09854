"""What goes wrong between us and a server, in plain words: no URL and no header, which may hold what is secret."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests
from requests.exceptions import ChunkedEncodingError, ContentDecodingError, ProxyError, SSLError
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationValueError, MaxRetryError, NewConnectionError

from connectors.contract import AuthFailed

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0

#: what may come instead of an answer; HTTPError and ValueError where requests wraps nothing around them
Trouble = requests.RequestException | HTTPError | ValueError


def check_header(value: str) -> None:
    """Raises AuthFailed for an Authorization header that HTTP cannot carry; the value is not shown.

    http.client would raise a ValueError that quotes the header.
    """
    if not value.isascii() or not value.isprintable() or value != value.strip():
        detail = (
            "the token holds a line break, a blank at its end or another character that no token has; copy it again"
        )
        raise AuthFailed(detail)


def host_of(url: str) -> str | None:
    """The host name. Raises InvalidURL where urllib would raise a ValueError."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        raise requests.exceptions.InvalidURL("no address") from None


def why_no_answer(e: Trouble) -> str | None:
    """Why no answer came; None when the request could not even be made."""
    if isinstance(e, requests.ConnectTimeout):
        return f"no connection within {CONNECT_TIMEOUT_S:g} s"
    if isinstance(e, requests.Timeout):
        return f"no answer within {READ_TIMEOUT_S:g} s"
    if isinstance(e, SSLError):
        return "the TLS handshake failed"
    if isinstance(e, requests.ConnectionError):
        return "no connection" if never_sent(e) else "the connection was cut"
    if isinstance(e, ChunkedEncodingError | ContentDecodingError):
        return "the answer was cut off"
    if isinstance(e, requests.RequestException | LocationValueError | UnicodeError):
        return None
    return "the answer could not be read"


def never_sent(e: Trouble) -> bool:
    """True when no byte of the request can have reached the server."""
    if isinstance(e, requests.ConnectTimeout | SSLError | ProxyError):
        return True
    cause = e.args[0] if e.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)
