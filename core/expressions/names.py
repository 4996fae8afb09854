"""The names a condition may use, their types, and the columns they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.model import FIELDS, INTENT_KINDS, Band, Field, FieldType, Stage
from core.values import FUNCTIONS, SENIORITIES

#: Alias of the relation a compiled condition reads: one row per person, one column per name (`column_of`).
FACTS = "f"


@dataclass(frozen=True, slots=True)
class Name:
    """What a dotted name means. `sql` is a trusted column expression; `options` empty means not known."""

    type: FieldType
    sql: str
    options: frozenset[str] = frozenset()


Model = Mapping[str, Name]

_DERIVED: tuple[tuple[str, FieldType, frozenset[str]], ...] = (
    ("person.seniority", "option", frozenset(SENIORITIES)),
    ("person.function", "option", frozenset(FUNCTIONS)),
    ("person.intent", "option", frozenset(INTENT_KINDS.values())),
    ("person.has_open_deal", "bool", frozenset()),
    ("person.has_won_deal", "bool", frozenset()),
    ("person.open_deals", "number", frozenset()),
    ("person.deal_stage", "option", frozenset()),
    ("company.has_open_deal", "bool", frozenset()),
    ("company.has_won_deal", "bool", frozenset()),
    ("person.is_free_mail", "bool", frozenset()),
    ("score.total", "number", frozenset()),
    ("score.fit", "number", frozenset()),
    ("score.engagement", "number", frozenset()),
    ("score.since_recycle", "number", frozenset()),
)
_DECISIONS = {"stage": frozenset(Stage), "band": frozenset(Band), "grade": frozenset[str]()}


def column_of(name: str) -> str:
    """The facts column of a dotted name: person.country -> person__country."""
    return name.replace(".", "__")


def dotted(field: Field) -> str:
    """The name a field has in conditions: person.country, company.country (of company_country)."""
    bare = field.name.removeprefix("company_") if field.entity == "company" else field.name
    return f"{field.entity}.{bare}"


def person_model(custom: Iterable[Field] = (), options: Mapping[str, Iterable[str]] | None = None) -> dict[str, Name]:
    """Every name a condition about a person may use.

    `custom`: the own fields of the mapping; `options`: known options by field name, where the list is closed.
    score.* count in points, not thousandths. person.intent is the newest explicit intent, if any; person.deal_stage is
    that of the furthest open deal.
    """
    known = {name: frozenset(str(o) for o in found) for name, found in (options or {}).items()}
    model: dict[str, Name] = {}
    for field in (*FIELDS.values(), *custom):
        if field.entity == "deal" or (field.decision and field.name not in _DECISIONS):
            continue  # a person may have many deals: conditions ask person.has_open_deal and the like
        name = dotted(field)
        choices = _DECISIONS.get(field.name) if field.decision else known.get(field.name)
        model[name] = Name(field.type, _sql(name), frozenset(str(c) for c in choices or ()))
    for name, kind, choices in _DERIVED:
        model[name] = Name(kind, _sql(name), choices)
    return model


def _sql(name: str) -> str:
    quoted = column_of(name).replace('"', '""')
    return f'{FACTS}."{quoted}"'
