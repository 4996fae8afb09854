"""Record ids: 15 case-sensitive characters, or 18 with a suffix that carries the case.

Vendor page: "Field Types: ID Field Type" in the Object Reference.
"""

from collections.abc import Iterator

_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ALPHABET = frozenset(_BASE62)


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
            if upper and not char.isalpha():
                return None
            body.append(char.upper() if upper else char.lower())
    return "".join(body) + tail


def key_prefix(record_id: str) -> str:
    """The first three characters: which object the id belongs to."""
    return record_id[:3]


def make_id(prefix: str, number: int, pod: str = "Ws") -> str:
    """The 18-character id of the number-th record of an object: prefix, pod, counter in base 62."""
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    id15 = f"{prefix}{pod}0{digits.rjust(9, '0')}"
    return id15 + suffix(id15)


def id_sequence(prefix: str, start: int = 1) -> Iterator[str]:
    """Endless ascending ids of one object (ascending as text, as in the vendor)."""
    number = start
    while True:
        yield make_id(prefix, number)
        number += 1
