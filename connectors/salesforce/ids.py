"""Record ids: 15 characters with case, or the same with a three character check suffix.

Vendor page: https://help.salesforce.com/s/articleView?id=000385585 (15 and 18 character ids).
"""

from __future__ import annotations

import re

_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
#: key prefix -> stream, for references that may point to several objects
STREAM_OF_PREFIX = {
    "00Q": "leads",
    "003": "contacts",
    "001": "accounts",
    "006": "opportunities",
    "005": "users",
    "00G": "queues",
}


def full_id(text: str) -> str:
    """The 18 character form; an 18 character id is returned as it is."""
    if len(text) != 15:
        return text
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << i for i, c in enumerate(text[start : start + 5]) if "A" <= c <= "Z")
        suffix += _SUFFIX[bits]
    return text + suffix


def is_id(text: str) -> bool:
    """Whether this has the form of an id; anything else makes the vendor refuse the whole statement."""
    return _ID.fullmatch(text) is not None


def stream_of(text: str) -> str | None:
    """The stream that an id belongs to, by its key prefix; None for objects that are not read."""
    return STREAM_OF_PREFIX.get(text[:3])
