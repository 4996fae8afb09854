"""What a job title says: how senior somebody is and in which function. English, French, German, Spanish.

Words, not guesses: a title nobody here knows gives None. The rules are read on the folded title, cut into
segments at commas, slashes and dashes; former posts ("ex-CEO") do not count; whoever assists a chief is none.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from core.values.text import fold

Seniority = Literal["owner", "c_level", "vp", "director", "head", "manager", "senior", "staff", "intern"]
Function = Literal[
    "sales",
    "marketing",
    "it",
    "finance",
    "hr",
    "operations",
    "legal",
    "product",
    "engineering",
    "purchasing",
    "general",
]

#: Characters of a title that are read.
MAX_TITLE = 200

#: Highest first.
SENIORITIES: tuple[Seniority, ...] = (
    "owner", "c_level", "vp", "director", "head", "manager", "senior", "staff", "intern",
)  # fmt: skip
FUNCTIONS: tuple[Function, ...] = (
    "sales", "marketing", "it", "finance", "hr", "operations", "legal", "product", "engineering",
    "purchasing", "general",
)  # fmt: skip


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?:{p})" for p in patterns))


_SPLIT = re.compile(r"[,/|;()\[\]•·]| - | -|- |:")
_FORMER = _any(
    r"^(?:ex|former|formerly|ancien|ancienne|ehemalige[rs]?|exdirector\w*|previous|retired|retraitee?)\b",
)
_INTERN = _any(
    r"\bintern(?:ship)?\b", r"\bstagiaire\b", r"\bpraktikant(?:in)?\b", r"\bbecari[oa]\b",
    r"\balternante?\b", r"\bapprentie?\b", r"\bapprentice\b", r"\btrainee\b", r"\bauszubildende[rn]?\b",
    r"\bazubi\b", r"\bwerkstudent(?:in)?\b", r"\bstudent(?:in)?\b", r"\betudiante?\b", r"\bestudiante\b",
    r"\ben practicas\b",
)  # fmt: skip
# assistants of somebody, whatever that somebody is
_ASSISTANT = _any(
    r"\bassistant(?:e|in)?\b(?! (?:general )?(?:manager|director|vice|vp|head|controller|professor|chief))",
    r"\bassistant(?:e|in)? to\b", r"assistent(?:in)?\b", r"assistenz\b",
    r"\basistente\b(?! de (?:ventas|marketing))", r"\bsecretar(?:y|ia|io)\b(?! general)",
    r"\bsecretaire\b(?! generale?\b)", r"sekretar(?:in)?\b", r"\b(?:pa|ea) to\b",
    r"\boffice of (?:the )?\w+", r"\b(?:ceo|cfo|coo|cto)(?:'s)? office\b", r"\bcabinet du\b",
    r"\breferent(?:in)? (?:der|des) ", r"\bburo der\b",
)  # fmt: skip
_SERVED = re.compile(
    r"\b(?:reporting )?to (?:the |our |a )?\w+.*$|\brattachee? .*$|\bbei der geschaftsfuhrung.*$",
)

_OWNER = _any(
    r"(?<!product )(?<!process )(?<!data )(?<!service )(?<!system )\bowner\b",
    r"\b(?:co-?)?founder\b", r"\bco founder\b", r"\b(?:co-?)?fonda(?:teur|trice)\b",
    r"\b(?:mit)?grunder(?:in)?\b", r"\b(?:co-?)?fundador[a]?\b", r"\binhaber(?:in)?\b",
    r"\bproprietaire\b", r"\bpropietari[oa]\b", r"\bgerante?\b(?! d[eu']| technique)",
    r"\bmanaging partner\b", r"\bchef(?:fe)? d'entreprise\b", r"\bgesellschafter(?:in)?\b",
    r"\bassociee? gerante?\b", r"^(?:senior |founding |equity |general )?partner$", r"^associee?$",
    r"^soci[oa](?: director[a]?)?$", r"\bentrepreneur\b", r"\bselbststandige?r?\b", r"\bself-employed\b",
    r"\bautonomo\b", r"\bdirigeante?\b",
)  # fmt: skip
_C_LEVEL = _any(
    r"\bc(?:e|f|t|o|m|i|p|r|d|s|c|l|n|a)o\b", r"\bciso\b", r"\bchro\b",
    r"\bchief (?:[\w&]+ ){1,4}officer\b",
    r"\bchief (?:executive|financial|technology|marketing|operating|revenue)\b",
    r"\bchief (?:commercial|information|people|product)\b",
    r"(?<!vice )(?<!vice-)\bpresident[ea]?\b(?! (?:of sales|sales))", r"\bpdg\b", r"\bdg\b",
    r"\bmanaging director\b", r"\bgeneraldirektor(?:in)?\b", r"geschaftsfuhrer(?:in)?\b",
    r"geschaftsfuhrung\b", r"geschaftsleitung\b", r"geschaftsfuhrende[rn]?\b", r"\bvorstand(?:s\w*)?\b",
    r"\bdirec(?:teur|trice) generale?\b(?! (?:adjoint|delegue))", r"\bdirector[a]? general\b(?! adjunt)",
    r"\bdirector[a]? gerente\b", r"\bdirector[a]? ejecutiv[oa]\b", r"\bconsejer[oa] delegad[oa]\b",
    r"\badministrateur delegue\b", r"\bamministratore delegato\b", r"\bexecutive director\b",
    r"\bprasident(?:in)?\b", r"\bchairman\b", r"\bchairwoman\b", r"\bchairperson\b",
    r"\bsecretaire generale?\b",
)  # fmt: skip
_VP = _any(
    r"\b[se]?vp\b", r"\bavp\b", r"\bvice[ -]?president[ea]?\b", r"vizeprasident(?:in)?\b", r"\bdga\b",
    r"\bdirec(?:teur|trice) generale? (?:adjoint|delegue)e?\b", r"\bdirector[a]? general adjunt[oa]\b",
)  # fmt: skip
_DIRECTOR = _any(
    r"\bdirectors?\b", r"\bdirec(?:teur|trice)\b", r"\bdirectora\b", r"direktor(?:in)?\b", r"\bdir\b",
    r"\bdaf\b", r"\bdrh\b", r"\bdsi\b", r"\bdircom\b", r"\bdirecteurs?\b", r"\bdirettore\b",
    r"\bchief of staff\b", r"\bcodir\b", r"\bcomite de direction\b", r"prokurist(?:in)?\b",
)  # fmt: skip
_HEAD = _any(
    r"\bhead\b(?!hunt)", r"(?<!team)(?<!projekt)(?<!filial)(?<!schicht)(?<!markt)leiter(?:in)?\b",
    r"(?<!beg)leitung\b", r"\bleitende[rn]?\b",
    r"\bjef[ea] (?:de|del)\b(?! (?:equipo|proyecto|producto))",
    r"\bchefs? (?:de|des|du) (?!projet|produit|publicite|groupe)",
    r"\bchef de (?:service|departement)\b", r"\bchief (?!of staff)\w+", r"\bglobal lead\b",
    r"\bchefin\b",
)  # fmt: skip
_NOT_LEADING = re.compile(
    r"\b(?:(?:key )?account|community|case|office|customer success|social media|content) manager(?:in)?\b",
)
_MANAGER = _any(
    r"manager(?:in)?\b", r"\bmgr\b", r"\bgerente\b", r"\bgerante?\b", r"\bresponsables?\b", r"\bresp\b",
    r"\bsupervisor[a]?\b", r"\bsuperviseur\b", r"(?:team|projekt|filial|schicht|markt)leiter(?:in)?\b",
    r"\b(?:team|tech|squad)[ -]?lead(?:er)?\b", r"\bchef(?:fe)? de (?:projet|produit|groupe)\b",
    r"\bjef[ea] de (?:equipo|proyecto|producto)s?\b", r"\bencargad[oa]\b", r"\bforeman\b",
    r"\bverantwortliche[rn]?\b", r"beauftragte[rn]?\b",
)  # fmt: skip
_SENIOR = _any(
    r"\bsenior\b", r"\bsr\b", r"\bprincipal\b", r"\blead\b(?! (?:gen|nurtur|manage|qualif))",
    r"\bexpert(?:e|in)?\b", r"\bconfirmee?\b", r"\bstaff engineer\b", r"\barchitekt?e?(?:in)?\b",
    r"\barchitect\b", r"\bexpert[oa]\b",
)  # fmt: skip
_STAFF = _any(
    r"engineer", r"\bingenieure?\b", r"ingenieur(?:in)?\b", r"\binginier[oa]?\b", r"\bingenier[oa]\b",
    r"developer", r"entwickler", r"\bdeveloppeu(?:r|se)\b", r"\bdesarrollador[a]?\b", r"consultante?\b",
    r"\bberater(?:in)?\b", r"berater(?:in)?\b", r"analyste?\b", r"\banalista\b", r"analytiker",
    r"specialiste?\b", r"spezialist", r"\bespecialista\b", r"sachbearbeiter", r"mitarbeiter",
    r"referent(?:in)?\b", r"representative\b", r"\brep\b", r"associate\b", r"\bagente?\b",
    r"\bcommerciale?\b", r"\bcomercial\b", r"\bcomptable\b", r"accountant\b", r"buchhalter",
    r"\bcontable\b", r"coordinator\b", r"\bcoordina(?:teur|trice|dor|dora)\b", r"koordinator",
    r"executive\b", r"\bcharge[e]? d[e']", r"\bacheteu(?:r|se)\b", r"\bbuyer\b", r"einkaufer",
    r"\bcomprador[a]?\b", r"technici?[ae]n", r"techniker", r"\btecnic[oa]\b", r"designer",
    r"\bgraphiste\b", r"programm", r"clerk\b", r"officer\b", r"kaufmann|kauffrau", r"recruiter",
    r"\brecruteu(?:r|se)\b", r"controller", r"\bvendeu(?:r|se)\b", r"verkaufer", r"\bvendedor[a]?\b",
    r"\badministrator", r"\badministrativ[oa]\b", r"\bproduct owner\b", r"advisor\b", r"adviser\b",
    r"scientist", r"\bjurist", r"\battorney\b", r"\blawyer\b", r"\bavocate?\b", r"\bteacher\b",
    r"\bemployee?\b", r"\bnurse\b", r"\boperator\b", r"\bassistant", r"\bvertreter",
)  # fmt: skip
_LADDER: tuple[tuple[Seniority, re.Pattern[str]], ...] = (
    ("owner", _OWNER), ("vp", _VP), ("c_level", _C_LEVEL), ("director", _DIRECTOR), ("head", _HEAD),
    ("manager", _MANAGER), ("senior", _SENIOR), ("staff", _STAFF),
)  # fmt: skip


@lru_cache(maxsize=8_192)
def _segments(title: str) -> tuple[str, ...]:
    text = fold(title[:MAX_TITLE]).replace("_", " ")
    text = re.sub(
        r"\b([a-z])\.(?:([a-z])\.)(?:([a-z])\.?)?", lambda m: "".join(g or "" for g in m.groups()) + " ", text
    )
    text = re.sub(r"\b[mfhw]\s?/\s?[mfhwd](?:\s?/\s?[mfhwdx])?\b", " ", text)  # (m/w/d), H/F
    text = re.sub(r"(?<=[a-z])[*:_]in\b|/-?(?:in|trice|rice|e)\b", "", text)  # Leiter:in, Leiter/-in
    parts = (" ".join(part.split()).strip(" .-'\"") for part in _SPLIT.split(text))
    return tuple(p for p in parts if p and not _FORMER.search(p))


@lru_cache(maxsize=8_192)
def seniority(title: str | None) -> Seniority | None:
    """How senior a job title is; None when blank, former or unknown.

    >>> seniority("Directeur commercial"), seniority("Assistant to the CEO"), seniority("Geschäftsführer")
    ('director', 'staff', 'c_level')
    """
    segments = _segments(title or "")
    if any(_INTERN.search(s) for s in segments):
        return "intern"
    if any(_ASSISTANT.search(s) for s in segments):
        return "staff"
    found = [level for s in segments if (level := _level(s)) is not None]
    return min(found, key=SENIORITIES.index) if found else None


def _level(segment: str) -> Seniority | None:
    own = _SERVED.sub("", segment)
    if _NOT_LEADING.search(own):
        own = _NOT_LEADING.sub("agent", own)
    for level, pattern in _LADDER:
        if pattern.search(own):
            return level
    return None


_FUNCTIONS: tuple[tuple[Function, re.Pattern[str]], ...] = (
    ("marketing", _any(
        r"marketing", r"\bcmo\b", r"\bgrowth\b", r"\bbrand", r"\bcommunications?\b", r"\bkommunikation",
        r"\bcomunicacion", r"\bdircom\b", r"\bdemand gen", r"\bcontent\b", r"\bseo\b",
        r"\bsocial media\b", r"\bpublicite\b", r"\bcommunity manager", r"\bpublic relations\b",
        r"\bwerbung\b", r"werbeleiter",
    )),
    ("sales", _any(
        r"\bsales\b", r"\bcommercial[e]?s?\b", r"\bcommerciaux\b", r"\bcomercial", r"vertrieb",
        r"verkauf", r"\bventas?\b", r"\bventes?\b", r"\bvendeu", r"\bvendedor",
        r"\baccount (?:executive|manager)", r"\bkey account", r"\bbusiness develop", r"\bcro\b",
        r"\brevenue\b", r"\bcco\b", r"\b[sb]dr\b", r"\bingenieur d'affaires", r"\bcharge[e]? d'affaires",
        r"\bcompte?s? cles?\b", r"aussendienst", r"\bdeveloppement commercial",
        r"\bdesarrollo de negocio", r"\bpresales\b", r"\bavant-vente",
    )),
    ("it", _any(
        r"\bit\b", r"\bcio\b", r"\bciso\b", r"\bdsi\b",
        r"\binformation (?:technology|systems?|security)", r"informati", r"\bedv\b",
        r"\bsysteme?s? d'information", r"\bsysadmin", r"\bsystem(?:s|e)? admin", r"\bsystemadmin",
        r"\binfrastructure\b", r"\bcyber", r"\bcto\b", r"\bdevops\b", r"\bsistemas\b",
        r"\bchief (?:technology|information|digital|data)", r"\bnetwork\b", r"\brssi\b",
        r"\bsecurite informatique", r"\bcrm\b", r"\bhelp ?desk\b", r"\bdata\b(?! entry)", r"\bit-",
        r"\bdigitali",
    )),
    ("finance", _any(
        r"financ", r"\bfinanz", r"\bcfo\b", r"\bdaf\b", r"account(?:ant|ing)", r"\bcompta",
        r"\bbuchhalt", r"\bcontroll", r"\bcontable", r"\bcontabilidad", r"\btreasur", r"\btresor",
        r"\baudit", r"\bsteuer(?!ung)", r"\btax\b", r"\bpayroll\b", r"\bfiscal", r"\brechnungswesen",
    )),
    ("hr", _any(
        r"\bhr\b", r"\brh\b", r"\bdrh\b", r"\bchro\b", r"\bhuman resources?\b",
        r"\bressources humaines\b", r"\brecursos humanos\b", r"\brrhh\b",
        r"\bpersonal(?:leit|refer|wesen|chef|abteil|entwick|manag|berat)", r"\bpeople\b", r"\btalent",
        r"recruit", r"\brecrut", r"\bpaie\b", r"\blearning\b", r"\bformation\b", r"personalabteilung",
    )),
    ("legal", _any(
        r"\blegal\b", r"\bjuridi", r"\bjurist", r"\brecht", r"\bcounsel\b", r"\blawyer", r"\battorney",
        r"\bavocat", r"\babogad", r"\bcompliance\b", r"\bdpo\b", r"\bdata protection", r"\bdatenschutz",
        r"\bgeneral counsel\b", r"anwalt", r"\bjuridico",
    )),
    ("purchasing", _any(
        r"purchas", r"procure", r"\bbuyer", r"\bachats?\b", r"\bacheteu", r"einkauf", r"\bcompras\b",
        r"\bcomprador", r"\bsourcing\b", r"\bapprovisionn", r"beschaffung", r"\bcpo procurement",
    )),
    ("product", _any(
        r"\bproducts?\b", r"\bproduits?\b", r"\bprodukt[ml]", r"\bproductos?\b", r"\bux\b", r"\bcpo\b",
    )),
    ("engineering", _any(
        r"engineer", r"\bingenie", r"ingenieur", r"develop(?:er|ment)", r"\bdeveloppeu", r"entwickl",
        r"\bsoftware\b", r"\br ?& ?d\b", r"\bresearch\b", r"\brecherche\b", r"\bdesarroll",
        r"\barchitect", r"\bprogramm", r"\btechnical\b", r"\btechnique\b", r"\btechnisch", r"\btecnic",
        r"\bforschung", r"konstruk", r"\bbureau d'etudes\b", r"\bf ?& ?e\b", r"\bqa\b",
    )),
    ("operations", _any(
        r"\boperation", r"\bops\b", r"\bcoo\b", r"\boperating\b", r"\boperacion", r"\blogisti",
        r"\bsupply chain\b", r"\bproduction\b", r"produktion", r"\bproduccion\b", r"\bfertigung",
        r"\bbetriebsleit", r"\bplant\b", r"\bmanufactur", r"\bqualit", r"\bwarehouse\b",
        r"\bexploitation\b", r"\busine\b", r"\bwerkleit", r"\bwerksleit", r"\bfacilit",
        r"\bcustomer (?:success|service|support)", r"\bkundenservice", r"\bservice client\b",
        r"\bsupport\b", r"\blager",
    )),
)  # fmt: skip
# phrases in which an earlier word would mislead
_PHRASES: tuple[tuple[str, Function], ...] = (
    ("product marketing", "marketing"), ("sales engineer", "sales"), ("ingenieur commercial", "sales"),
    ("ingenieure commerciale", "sales"), ("technico-commercial", "sales"), ("it recruiter", "hr"),
    ("it sales", "sales"), ("legal counsel", "legal"), ("data protection", "legal"),
    ("chief people", "hr"), ("software sales", "sales"), ("product developer", "engineering"),
    ("product engineer", "engineering"), ("it einkauf", "purchasing"),
    ("chief product officer", "product"), ("content manager", "marketing"),
    ("business developer", "sales"), ("business development", "sales"),
    ("production engineer", "engineering"), ("engineering operations", "engineering"),
)  # fmt: skip


@lru_cache(maxsize=8_192)
def function(title: str | None) -> Function | None:
    """Which function a job title belongs to: the one named first; 'general' for heads of all; else None."""
    segments = _segments(title or "")
    if any(_ASSISTANT.search(s) for s in segments):
        return None
    best: tuple[int, int, Function] | None = None
    for at, segment in enumerate(segments):
        for phrase, found in _PHRASES:
            where = segment.find(phrase)
            if where >= 0 and (best is None or (at, where - 1) < best[:2]):
                best = (at, where - 1, found)
        for found, pattern in _FUNCTIONS:
            hit = pattern.search(segment)
            if hit is not None and (best is None or (at, hit.start()) < best[:2]):
                best = (at, hit.start(), found)
    if best is not None:
        return best[2]
    return "general" if seniority(title) in ("owner", "c_level") else None
