"""Text as people type it: white space, accents, blanks and the words that stand for nothing."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# zero-width and direction marks that copy and paste leaves behind
_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF])

_LETTERS = str.maketrans(
    {
        "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ł": "l", "ð": "d", "þ": "th", "ı": "i", "ħ": "h",
        "’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "‐": "-", "‑": "-", "–": "-", "—": "-",
        "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i", "к": "k",
        "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
        "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e",
        "ю": "yu", "я": "ya", "і": "i", "є": "ye", "ґ": "g",
        "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k",
        "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t",
        "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o",
    }
)  # fmt: skip


def words(text: str, separator: str | None = None) -> frozenset[str]:
    """The words of a table written as text, between white space or `separator`."""
    return frozenset(word.strip() for word in text.split(separator))


_PLACEHOLDERS = words(
    """
    n/a|n.a.|n.a|#n/a|n\\a|null|none|nil|undefined|nan|unknown|not known|not provided|not available
    |not applicable|not specified|not set|no value|empty|blank|tbd|tba|tbc|to be defined
    |inconnu|inconnue|non renseigne|non renseignee|non communique|non applicable|neant|a definir|a completer
    |unbekannt|nicht angegeben|keine angabe|keine angaben|k.a.|k. a.
    |desconocido|desconocida|no disponible|sin datos|no especificado|sconosciuto|non disponibile
    |xxx|xx|x
    """,
    separator="|",
)
_EMPTY_MAIL = words("""
    noemail no-email no.email no_email nomail no-mail none unknown notprovided not-provided pasdemail
    pas-de-mail
""")
_FAKE_DIGITS = words("0123456789 123456789 1234567890 12345678 1234567 123456 987654321")
# longer text says something, and would only fill the cache
_PLACEHOLDER_LENGTH = 60
_NOT_DIGITS = re.compile(r"\D+")
_PHONE_LIKE = re.compile(r"[\d\s().+/-]{6,}")


def tidy(text: str) -> str:
    """Trim, collapse inner white space to one space, NFC. Case and accents stay: editing them is an edit."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    return " ".join(text.split())


def name(text: str) -> str:
    """A name for comparing: NFKC, casefolded, white space collapsed; accents stay (José is not Jose)."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_INVISIBLE))
    return " ".join(text.casefold().split())


@lru_cache(maxsize=16_384)
def fold(text: str) -> str:
    """For matching only: `name` without accents, in Latin letters (Müller -> muller, Søren -> soren).

    Cyrillic and Greek are transliterated letter by letter; other scripts stay as they are.
    """
    folded = name(text)
    if folded.isascii():
        return folded.replace("`", "'")
    bare = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    return " ".join(bare.translate(_LETTERS).split())


def blank(value: object) -> bool:
    """True for None, '' and white space (zero-width characters included). 0 and False are values."""
    if isinstance(value, str):
        return not (value[:1].isalnum() or tidy(value))  # nearly every value begins with a letter or a digit
    return value is None


def placeholder(value: object) -> bool:
    """True for words that stand for no value: n/a, '-', '[not provided]', 'unknown', 0000000000, noemail@...

    A bare "NA" is not one: it is a family name and the code of Namibia.
    """
    return isinstance(value, str) and len(value) <= _PLACEHOLDER_LENGTH and _placeholder(value)


@lru_cache(maxsize=8_192)
def _placeholder(value: str) -> bool:
    text = fold(value).strip("[](){}<>\"'* ")
    if not text:
        return bool(tidy(value))
    if not any(c.isalnum() for c in text):
        return True
    if text in _PLACEHOLDERS or text.rstrip(".") in _PLACEHOLDERS:
        return True
    if "@" in text:
        return text.partition("@")[0] in _EMPTY_MAIL
    if _PHONE_LIKE.fullmatch(text):
        digits = _NOT_DIGITS.sub("", text)
        return len(digits) >= 6 and (len(set(digits)) == 1 or digits in _FAKE_DIGITS)
    return False
