"""Normal forms: what two values must share to count as the same. For comparing and matching only.

Never for writing. A value that is not what its type promises (an address without @, a word in a number
field) has the normal form None, like a blank one; a country or option nobody knows keeps its text.
"""

from __future__ import annotations

from core.model import FieldType, Value
from core.values import quantities
from core.values.companies import company_key
from core.values.contact import domain, email, is_free_mail, is_role_address, phone, registrable
from core.values.countries import country
from core.values.text import blank, fold, name, placeholder, tidy
from core.values.titles import FUNCTIONS, SENIORITIES, Function, Seniority, function, seniority

__all__ = [
    "FUNCTIONS",
    "SENIORITIES",
    "Function",
    "Seniority",
    "blank",
    "company_key",
    "country",
    "domain",
    "email",
    "fold",
    "function",
    "is_free_mail",
    "is_role_address",
    "name",
    "normal",
    "options",
    "phone",
    "placeholder",
    "registrable",
    "seniority",
    "tidy",
]


def normal(type: FieldType, value: Value, *, region: str = "") -> Value:
    """The form of `value` in which two equal facts are equal; None for blank or not of that type.

    text, name, email, domain, phone, country, option, options, date -> str; bool -> bool; datetime -> ms
    UTC; number and money -> int, or float when it has a fraction.
    `region`: ISO2 for phones without a country code.
    """
    if value is None or value == "":
        return None
    if type in ("number", "money"):
        return quantities.number(value)
    if type == "bool":
        return quantities.boolean(value)
    if type == "datetime":
        return quantities.moment(value)
    if type == "date":
        return quantities.day(value)
    return _text(type, value if isinstance(value, str) else _written(value), region)


def _text(type: FieldType, text: str, region: str) -> str | None:
    if type == "name":
        return name(text) or None
    if type == "email":
        return email(text)
    if type == "phone":
        return phone(text, region)
    if type == "domain":
        return domain(text)
    if type == "country":
        return country(text)
    if type == "options":
        return options(text) or None
    return tidy(text) or None


def options(text: str) -> str:
    """Multi-option text "b; a;a" in its normal form "a;b"; '' when nothing is chosen."""
    return ";".join(sorted({part for raw in text.split(";") if (part := tidy(raw))}))


def _written(value: float) -> str:
    # a CRM that types a text field as number or bool: 42.0 and "42" are one fact
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
