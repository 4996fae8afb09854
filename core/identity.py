"""Who is the same: a ladder of deterministic rules over records, each link with rule, weight and evidence.

    cross_id     a CRM names the other CRM's id                       100  links
    merge        a CRM merged or converted one record into another    100  links
    email        same address (normal form)                            95  links, unless the names contradict
    domain       companies: same registrable web domain                90  links, unless the names contradict
    phone_name   same phone and same last name                         70  review queue
    name_company same full name at the same company                    60  review queue
    same_deal    deals of two CRMs: same name, amount and close date   60  review queue

What might be the same is never guessed: it waits in the review queue.
Deals are the same only when a CRM says so: cross-id or merge. Pure functions; the store finds the pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import JaroWinkler

from core import values
from core.model import Value

Verdict = Literal["link", "review", "apart"]

WEIGHTS = {
    "cross_id": 100,
    "merge": 100,
    "email": 95,
    "domain": 90,
    "phone_name": 70,
    "name_company": 60,
    "same_deal": 60,
}
#: Identifier kind -> rule. Cross-ids and record addresses link; the others ask.
RULES = {
    "xid": "cross_id",
    "rec": "merge",
    "email": "email",
    "domain": "domain",
    "phone_name": "phone_name",
    "name_company": "name_company",
    "deal": "same_deal",
}
_SIMILAR = 0.88  # Jaro-Winkler on folded names: a typo apart, not another name


@dataclass(frozen=True, slots=True)
class Facts:
    """What identity looks at in one record; canonical values."""

    record: int
    connection: str
    stream: str
    remote_id: str
    first_name: str
    last_name: str
    email: str | None
    company: str


@dataclass(frozen=True, slots=True)
class Edge:
    """Two records compared. `evidence` is short and meant to be read."""

    a: int
    b: int
    rule: str
    weight: int
    verdict: Verdict
    evidence: str


def facts_of(
    record: int, connection: str, stream: str, remote_id: str, entity: str, canonical: Mapping[str, Value]
) -> Facts:
    """The identity facts of a record from its canonical values."""

    def text(name: str) -> str:
        v = canonical.get(name)
        return "" if v is None else str(v)

    if entity == "company":
        return Facts(record, connection, stream, remote_id, "", text("name"), None, text("name"))
    mail = text("email")
    return Facts(
        record,
        connection,
        stream,
        remote_id,
        values.fold(text("first_name")),
        values.fold(text("last_name")),
        values.email(mail) if mail else None,
        text("company_name"),
    )


def person_identifiers(
    canonical: Mapping[str, Value],
    *,
    kind: str,
    connection: str,
    stream: str,
    remote_id: str,
    cross_ids: Sequence[tuple[str, str]],
    merged_into: str | None,
    region: str,
) -> Iterator[tuple[str, str]]:
    """(identifier kind, normal value) by which a person's record is recognised.

    `cross_ids`: (other CRM's kind, id there), as this record tells it."""
    yield from _addresses(kind, connection, stream, remote_id, cross_ids, merged_into)
    mail = canonical.get("email")
    address = values.email(str(mail)) if mail else None
    if address:
        yield "email", address
    first, last = (values.fold(str(canonical.get(n) or "")) for n in ("first_name", "last_name"))
    if not last:
        return
    for name in ("phone", "mobile"):
        raw = canonical.get(name)
        number = values.phone(str(raw), region_of(canonical, region)) if raw else None
        if number:
            yield "phone_name", f"{number}|{last}"
    company = values.company_key(str(canonical.get("company_name") or ""))
    if first and company:
        yield "name_company", f"{first} {last}|{company}"


def region_of(canonical: Mapping[str, Value], default: str) -> str:
    """How a phone number without a country code is read: by the country of whom it belongs to, else `default`."""
    told = canonical.get("country") or canonical.get("company_country")
    code = values.country(str(told)) if told else None
    return code if code is not None and len(code) == 2 else default


def company_identifiers(
    canonical: Mapping[str, Value],
    *,
    kind: str,
    connection: str,
    stream: str,
    remote_id: str,
    cross_ids: Sequence[tuple[str, str]],
    merged_into: str | None,
) -> Iterator[tuple[str, str]]:
    """(identifier kind, normal value) by which a company's record is recognised."""
    yield from _addresses(kind, connection, stream, remote_id, cross_ids, merged_into)
    web = canonical.get("domain")
    host = values.registrable(str(web)) if web else None
    if host and not values.is_free_mail(host):
        yield "domain", host
    key = values.company_key(str(canonical.get("name") or ""))
    if key:
        yield "name_company", f"{key}|{canonical.get('company_country') or ''}"


def deal_identifiers(
    canonical: Mapping[str, Value],
    *,
    kind: str,
    connection: str,
    stream: str,
    remote_id: str,
    cross_ids: Sequence[tuple[str, str]],
    merged_into: str | None,
) -> Iterator[tuple[str, str]]:
    """(identifier kind, normal value) by which a deal's record is recognised."""
    yield from _addresses(kind, connection, stream, remote_id, cross_ids, merged_into)
    name = values.fold(str(canonical.get("deal_name") or ""))
    amount, closes = canonical.get("deal_amount"), canonical.get("deal_close_date")
    if name and amount and closes:
        yield "deal", f"{name}|{amount}|{closes}"


def _addresses(
    kind: str,
    connection: str,
    stream: str,
    remote_id: str,
    cross_ids: Sequence[tuple[str, str]],
    merged_into: str | None,
) -> Iterator[tuple[str, str]]:
    yield "xid", f"{kind}:{remote_id}"
    for other, there in cross_ids:
        yield "xid", f"{other}:{there}"
    yield "rec", f"{connection}:{stream}/{remote_id}"
    if merged_into:
        yield "rec", f"{connection}:{merged_into}"


def compare(rule: str, value: str, a: Facts, b: Facts, entity: str) -> Edge:
    """Judge two records that share an identifier."""
    low, high = sorted((a, b), key=lambda f: f.record)

    def edge(verdict: Verdict, evidence: str) -> Edge:
        return Edge(low.record, high.record, rule, WEIGHTS[rule], verdict, evidence)

    if rule in ("cross_id", "merge"):
        words = "names the other's id" if rule == "cross_id" else "was merged or converted into the other"
        return edge("link", f"one record {words}: {value.split(':', 1)[-1]}")
    if rule == "same_deal":
        # two in one CRM are two: renewals, several orders of one day
        return edge("apart" if a.connection == b.connection else "review", "same name, amount and close date")
    if rule == "domain":
        if _similar_company(a.company, b.company):
            return edge("link", f"same web domain {value}")
        return edge("review", f"same web domain {value}, but named {a.company!r} and {b.company!r}")
    if rule == "email":
        return _by_email(value, a, b, edge)
    shown = value.replace("|", ", ")
    if entity == "company":
        return edge("review", f"same name: {shown}")
    if rule == "phone_name" and a.first_name and b.first_name and not _similar(a.first_name, b.first_name):
        return edge("apart", f"same phone and last name, but {a.first_name!r} and {b.first_name!r}")
    return edge(
        "review",
        f"{'same phone and last name' if rule == 'phone_name' else 'same name and company'}: {shown}",
    )


def _by_email(address: str, a: Facts, b: Facts, edge: Callable[[Verdict, str], Edge]) -> Edge:
    agree = names_agree(a, b)
    if values.is_role_address(address):
        if agree is True:
            return edge("link", f"same shared address {address} and same name")
        return edge("apart", f"{address} is a shared address")
    if agree is False:
        return edge("review", f"same address {address}, but the names differ")
    return edge("link", f"same address {address}")


def names_agree(a: Facts, b: Facts) -> bool | None:
    """True: same person by name (typos, swapped names, a married name tolerated); False: contradiction; None: too
    little to say."""
    if not (a.last_name and b.last_name) or not (a.first_name and b.first_name):
        if a.last_name and b.last_name:
            return True if _similar(a.last_name, b.last_name) else None
        return None
    first, last = _similar(a.first_name, b.first_name), _similar(a.last_name, b.last_name)
    swapped = _similar(a.first_name, b.last_name) and _similar(a.last_name, b.first_name)
    initial = last and a.first_name[0] == b.first_name[0] and min(len(a.first_name), len(b.first_name)) <= 2
    return first or swapped or initial


def _similar(a: str, b: str) -> bool:
    return a == b or JaroWinkler.similarity(a, b) >= _SIMILAR


def _similar_company(a: str, b: str) -> bool:
    x, y = values.company_key(a), values.company_key(b)
    if not x or not y:
        return True
    return x == y or x in y or y in x or JaroWinkler.similarity(x, y) >= 0.85


class Groups:
    """Union-find over entity ids; the lowest id survives."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def find(self, x: int) -> int:
        """The surviving id of x's group."""
        root = x
        while self._parent.get(root, root) != root:
            root = self._parent[root]
        while self._parent.get(x, x) != root:
            self._parent[x], x = root, self._parent[x]
        return root

    def union(self, a: int, b: int) -> None:
        low, high = sorted((self.find(a), self.find(b)))
        if low != high:
            self._parent[high] = low

    def moved(self, ids: Iterable[int]) -> dict[int, int]:
        """id -> survivor, for those that are not survivors themselves."""
        return {i: self.find(i) for i in ids if self.find(i) != i}


def lead_order(records: Iterable[tuple[int, int, int]]) -> list[int]:
    """Record ids, the lead record first: (stream order: contact before lead, latest activity ms, id)."""
    return [i for _, _, i in sorted((order, -latest, i) for order, latest, i in records)]
