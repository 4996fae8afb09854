"""The app's certificate and what it signed: assertions of the JWT bearer flow.

Vendor page: help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration".
"""

from dataclasses import dataclass
from functools import cache
from typing import Any


class BadAssertionError(Exception):
    """No JWT, not signed with the app's key by RS256, or not valid now."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """PEM texts."""

    private: str
    public: str


@cache
def key_pair() -> KeyPair:
    """The app's pair of keys; it stays the same as long as the process runs, whatever is reset."""
    from cryptography.hazmat.primitives import serialization  # the OAuth client's libraries, slow to import
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(private.decode(), public.decode())


def checked(assertion: str, keys: KeyPair, now: int, max_ahead: int) -> dict[str, Any]:
    """The claims; `exp` is in seconds and at most `max_ahead` seconds after `now` (ms), 0: any time after it."""
    import jwt  # comes with the OAuth client

    try:
        # times are the sandbox clock's and audiences the org's: both are looked at by hand
        claims: dict[str, Any] = jwt.decode(
            assertion,
            keys.public,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False},
        )
        expires = int(claims["exp"])
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as problem:
        raise BadAssertionError(str(problem)) from problem
    ahead = expires - now / 1000
    if ahead <= 0 or (max_ahead and ahead > max_ahead):
        raise BadAssertionError("exp lies in the past or too far ahead")
    return claims
