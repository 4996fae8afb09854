"""LIKE patterns, matched piece by piece so that no pattern takes more than length x pieces."""

import re
from collections.abc import Callable


def like(characters: tuple[tuple[str, bool], ...]) -> Callable[[str], bool]:
    """`%` any text, `_` one character, unless escaped; without regard to case."""
    pieces = [""]
    for char, escaped in characters:
        if char == "%" and not escaped:
            pieces.append("")
        else:
            pieces[-1] += "." if char == "_" and not escaped else re.escape(char)
    compiled = [re.compile(piece, re.IGNORECASE | re.DOTALL) for piece in pieces]
    if len(compiled) == 1:
        whole = compiled[0]
        return lambda text: whole.fullmatch(text) is not None
    head, *middle = compiled[:-1]
    tail = re.compile(f"(?:{pieces[-1]})\\Z", re.IGNORECASE | re.DOTALL)

    def matches(text: str) -> bool:
        found = head.match(text)
        for piece in middle:
            if found is None:
                return False
            found = piece.search(text, found.end())
        return found is not None and tail.search(text, found.end()) is not None

    return matches
