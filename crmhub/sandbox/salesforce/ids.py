"""Record ids: 15 case-sensitive characters, or 18 with a suffix that carries the case.

Vendor page: "Field Types: ID Field Type" in the Object Reference.
"""

import string
from functools import cache

from crmhub.sandbox.ids import salesforce_id as slow_id

_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ALPHABET = frozenset(string.ascii_letters + string.digits)
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_UPPER = [int(digit.isupper()) for digit in _DIGITS]
_PAIRS = [(a + b, int(a.isupper()) | int(b.isupper()) << 1) for a in _DIGITS for b in _DIGITS]


def suffix(id15: str) -> str:
    """The three characters that make a 15-character id safe to compare without case."""
    letters = []
    for start in (0, 5, 10):
        bits = sum(1 << i for i, char in enumerate(id15[start : start + 5]) if "A" <= char <= "Z")
        letters.append(_SUFFIX[bits])
    return "".join(letters)


def to18(text: str) -> str | None:
    """Any accepted spelling of an id as its 18-character form, or None if it is not an id.

    An 18-character id may come with its case lost; the suffix restores it.
    """
    if not _ALPHABET.issuperset(text):
        return None
    if len(text) == 15:
        return text + suffix(text)
    if len(text) != 18:
        return None
    tail = text[15:].upper()
    if any(char not in _SUFFIX for char in tail):
        return None
    body = []
    for group, letter in enumerate(tail):
        bits = _SUFFIX.index(letter)
        for i, char in enumerate(text[group * 5 : group * 5 + 5]):
            upper = bool(bits >> i & 1)
            if upper and not char.isalpha():  # no checksum, such as the 18 zeros people start a keyset with
                return text[:15] + suffix(text[:15])
            body.append(char.upper() if upper else char.lower())
    return "".join(body) + tail


def salesforce_id(prefix: str, number: int) -> str:
    """`crmhub.sandbox.ids.salesforce_id`, several times as fast: a million rows need a few of them each."""
    high, low = divmod(number, len(_PAIRS))
    top, middle = divmod(high, len(_PAIRS))
    if top >= len(_DIGITS):
        return slow_id(prefix, number)
    head, tail = _head(prefix)
    bits = _UPPER[top] | _PAIRS[middle][1] << 1 | _PAIRS[low][1] << 3
    return f"{head}{_DIGITS[top]}{_PAIRS[middle][0]}{_PAIRS[low][0]}{tail}{_SUFFIX[bits]}"


@cache
def _head(prefix: str) -> tuple[str, str]:
    """What the ids of an object have in common: the first ten characters, and two of the suffix."""
    first = slow_id(prefix, 0)
    return first[:10], first[15:17]


def key_prefix(record_id: str) -> str:
    """The first three characters: which object the id belongs to."""
    return record_id[:3]
