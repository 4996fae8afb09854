"""SOQL statements. Values are quoted by simple-salesforce; names must look like names; nothing is pasted in.

Vendor page: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl (quoted string
escapes, date formats). The whole address of a call must stay under some 16 kB, so long lists are split here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote_plus

from connectors.contract import Rejected
from connectors.salesforce import times

#: encoded length that the field list, and the list of ids or values, may have in one statement
FIELDS_ROOM = 7_000
VALUES_ROOM = 11_500
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}(?:\.[A-Za-z][A-Za-z0-9_]{0,79}){0,5}")


def name(text: str) -> str:
    """A field name or parent path, or Rejected: nothing else may enter a statement unquoted."""
    if not _NAME.fullmatch(text):
        remedy = (
            "write the field's API name in mapping.toml, as Object Manager shows it: Title, Region__c, Account.Name"
        )
        raise Rejected("INVALID_FIELD", f"{text!r} is not a field name", remedy)
    return text


def fill(template: str, *args: object) -> str:
    """A template with quoted values ({}) and with pieces that this module made ({:literal})."""
    from simple_salesforce.format import format_soql  # 0.4 s to import

    return str(format_soql(template, *args))


def since(low: int) -> str:
    """Stamped at or after a moment."""
    return fill("SystemModstamp >= {:literal}", times.literal(low))


def beyond(stamp: int, last_id: str) -> str:
    """After a row in the order (SystemModstamp, Id)."""
    at = times.literal(stamp)
    return fill("(SystemModstamp > {:literal} OR (SystemModstamp = {:literal} AND Id > {}))", at, at, last_id)


def from_(stamp: int, first_id: str) -> str:
    """From and with a row in the order (SystemModstamp, Id)."""
    at = times.literal(stamp)
    return fill("(SystemModstamp > {:literal} OR (SystemModstamp = {:literal} AND Id >= {}))", at, at, first_id)


def up_to(stamp: int, last_id: str) -> str:
    """Up to and with a row in the order (SystemModstamp, Id)."""
    at = times.literal(stamp)
    return fill("(SystemModstamp < {:literal} OR (SystemModstamp = {:literal} AND Id <= {}))", at, at, last_id)


def among(field: str, values: Sequence[str]) -> str:
    """The field holds one of the values."""
    return fill("{:literal} IN {}", name(field), list(values))


BY_STAMP = ("SystemModstamp", "Id")
BY_ID = ("Id",)


def select(
    fields: Sequence[str],
    sobject: str,
    conditions: Sequence[str | None],
    *,
    order: Sequence[str] = (),
    children: str | None = None,
) -> str:
    """One statement; conditions come from the functions of this module or are constants, `children` from
    `child_records`."""
    where = " AND ".join(c for c in conditions if c)
    columns = [name(f) for f in fields]
    return fill(
        "SELECT {:literal} FROM {:literal}{:literal}{:literal}",
        ",".join([*columns, children] if children else columns),
        name(sobject),
        f" WHERE {where}" if where else "",
        f" ORDER BY {', '.join(name(f) for f in order)}" if order else "",
    )


def child_records(relation: str, fields: Sequence[str]) -> str:
    """The live child records of each row, as a piece of a field list: queryAll would show the deleted ones, too."""
    columns = ",".join(name(f) for f in fields)
    return fill("(SELECT {:literal} FROM {:literal} WHERE IsDeleted = false)", columns, name(relation))


def above(last_id: str) -> str:
    """After a row in the order of ids."""
    return fill("Id > {}", last_id)


def counted(sobject: str, conditions: Sequence[str | None]) -> str:
    """SELECT COUNT() with conditions."""
    where = " AND ".join(c for c in conditions if c)
    return fill("SELECT COUNT() FROM {:literal}{:literal}", name(sobject), f" WHERE {where}" if where else "")


def probe(sobject: str, conditions: Sequence[str | None]) -> str:
    """How many rows, and the newest stamp: one call that tells whether a window has moved."""
    where = " AND ".join(c for c in conditions if c)
    template = "SELECT COUNT(Id), MAX(SystemModstamp) FROM {:literal} WHERE {:literal}"
    return fill(template, name(sobject), where)


def field_chunks(fixed: Sequence[str], wanted: Sequence[str], room: int = FIELDS_ROOM) -> list[list[str]]:
    """Field lists of the statements that together ask for everything: the first holds the fixed fields, each
    other one starts with Id."""
    chunks = [list(dict.fromkeys(fixed))]
    used = sum(len(quote_plus(f)) + 3 for f in chunks[0])
    for field in dict.fromkeys(wanted):
        if any(field in chunk for chunk in chunks):
            continue
        cost = len(quote_plus(field)) + 3
        if used + cost > room:
            chunks.append(["Id"])
            used = 5
        chunks[-1].append(field)
        used += cost
    return chunks


def value_chunks(values: Sequence[str], fields_cost: int, most: int) -> Iterator[list[str]]:
    """Slices of a value list that fit into a statement beside a field list of this encoded length."""
    room = max(1_000, VALUES_ROOM - fields_cost)
    chunk: list[str] = []
    used = 0
    for value in values:
        cost = len(quote_plus(fill("{}", value))) + 3
        if chunk and (used + cost > room or len(chunk) >= most):
            yield chunk
            chunk, used = [], 0
        chunk.append(value)
        used += cost
    if chunk:
        yield chunk


def encoded_length(fields: Sequence[str]) -> int:
    """What a field list costs in the address."""
    return sum(len(quote_plus(f)) + 3 for f in fields)
