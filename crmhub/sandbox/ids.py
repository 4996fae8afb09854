"""Ids that two vendors must agree on, because each CRM may hold the other's."""

from __future__ import annotations

_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SALESFORCE_PREFIX: dict[str, str] = {
    "account": "001", "contact": "003", "lead": "00Q", "user": "005", "task": "00T", "event": "00U",
    "group": "00G", "organization": "00D", "opportunity": "006",
}  # fmt: skip
HUBSPOT_CONTACT_BASE = 150_000_000_000
"""HubSpot contact ids are this plus 7 times the record number."""


def salesforce_id(prefix: str, number: int) -> str:
    """The 18-character id of record `number` of the object with this key prefix (instance digits `gL0`)."""
    tail = ""
    for _ in range(7):
        number, digit = divmod(number, 62)
        tail = _DIGITS[digit] + tail
    return eighteen(f"{prefix}gL{'0' * (12 - 2 - 7)}{tail}")


def eighteen(fifteen: str) -> str:
    """The case-safe form of a 15-character id."""
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << place for place, sign in enumerate(fifteen[start : start + 5]) if "A" <= sign <= "Z")
        suffix += _SUFFIX[bits]
    return fifteen + suffix


def hubspot_contact_id(number: int) -> str:
    """The id of HubSpot contact record `number`."""
    return str(HUBSPOT_CONTACT_BASE + 7 * number)
