"""HubSpot's request signatures, versions 1 to 3 (vendor page: "Validating requests")."""

from __future__ import annotations

import base64
import hashlib
import hmac

_DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")",
    "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip


def version_one(secret: str, body: bytes) -> str:
    """Hex of SHA-256 over secret and body: webhooks of CRM objects."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


def version_two(secret: str, method: str, uri: str, body: bytes) -> str:
    """Hex of SHA-256 over secret, method, URI and body: webhooks of workflows."""
    return hashlib.sha256(f"{secret}{method}{uri}".encode() + body).hexdigest()


def version_three(secret: str, method: str, uri: str, body: bytes, timestamp: int) -> str:
    """Base64 of HMAC-SHA-256 over method, partly decoded URI, body and timestamp (ms)."""
    source = f"{method}{decoded(uri)}".encode() + body + str(timestamp).encode()
    return base64.b64encode(hmac.new(secret.encode(), source, hashlib.sha256).digest()).decode()


def decoded(uri: str) -> str:
    """The URI with the few escapes resolved that the signature wants resolved, and no others."""
    for escape, sign in _DECODED.items():
        uri = uri.replace(escape, sign).replace(escape.lower(), sign)
    return uri
