"""LIKE patterns."""

import re


def like_pattern(characters: tuple[tuple[str, bool], ...]) -> re.Pattern[str]:
    """`%` any text, `_` one character, unless escaped; without regard to case. Runs of % count once."""
    pieces: list[str] = []
    for char, escaped in characters:
        if char == "%" and not escaped:
            if not pieces or pieces[-1] != ".*":
                pieces.append(".*")
        elif char == "_" and not escaped:
            pieces.append(".")
        else:
            pieces.append(re.escape(char))
    return re.compile("".join(pieces), re.IGNORECASE | re.DOTALL)
