"""Company names without what the law adds to them."""

from __future__ import annotations

import re
from functools import lru_cache

from core.values.text import fold, words

_FORMS = words("""
    sas sasu sarl sa sci scop snc eurl ei eirl selarl sca gie gmbh mbh ag kg kgaa ohg ug gbr ev eg se ek
    inc incorporated corp corporation co company companies llc llp lp ltd limited plc pllc pc pty pvt
    private sl slu slne sau coop srl srls spa sapa bv nv vof cv bvba sprl asbl ab oy oyj
    as asa aps ks doo dd kft zrt nyrt sro spol ooo oao zao pao jsc pjsc lda ltda eireli sapi cia kk gk
    sdn bhd pte fzco fzllc haftungsbeschrankt
""")
_PHRASES = tuple(
    tuple(phrase.split())
    for phrase in sorted(
        words(
            """
    sp z oo|sp zoo|s r o|spol sro|sa de cv|de rl de cv|de cv|de rl|societe anonyme|sociedad limitada
    |societe par actions simplifiee|sociedad anonima|gesellschaft mit beschrankter haftung|aktiengesellschaft
    |kommanditgesellschaft|besloten vennootschap|naamloze vennootschap
    """,
            separator="|",
        ),
        key=len,
        reverse=True,
    )
)
_LINKS = words("and et und y e en of")
_AHEAD = words("the sarl sas sasu eurl sci snc societe ste")
_DOTTED = re.compile(r"\b(?:\w[./]\s?)+\w\b\.?|\b\w\.")
_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=8_192)
def company_key(text: str) -> str:
    """For matching only: folded, without punctuation and legal form ("ACME S.A.S." -> "acme"). '' when blank.

    A name that is nothing but a legal form keeps its words.
    """
    joined = _DOTTED.sub(lambda m: re.sub(r"[./\s]", "", m.group()), fold(text).replace("&", " and "))
    parts = _WORD.findall(joined.replace("'", ""))
    return " ".join(_trim(parts) or parts)


def _trim(parts: list[str]) -> list[str]:
    kept = list(parts)
    if len(kept) > 1 and kept[0] in _AHEAD:
        kept.pop(0)
    while kept:
        tail = next((p for p in _PHRASES if tuple(kept[-len(p) :]) == p), None)
        if tail is not None:
            del kept[-len(tail) :]
        elif kept[-1] in _FORMS or (kept[-1] in _LINKS and len(kept) < len(parts)):
            kept.pop()
        else:
            break
    return kept
