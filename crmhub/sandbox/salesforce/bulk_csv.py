"""CSV as Bulk API 2.0 writes and reads it.

Vendor page: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest" (valid data files) and "Query".
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from crmhub.sandbox.salesforce.schema.field import Field

DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
NULL = "#N/A"


def write_rows(header: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str, line_ending: str) -> str:
    """Every cell quoted, the header first."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=line_ending, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def read_rows(text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """-> (header, rows); a short row is filled with empty cells."""
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    if not rows:
        return [], []
    width = len(rows[0])
    return rows[0], [row + [""] * (width - len(row)) for row in rows[1:] if row]


def cell(record: dict[str, Any], path: tuple[str, ...], field: Field) -> str:
    """One value of a REST record in bulk form: empty for null, datetimes with Z."""
    value: Any = record
    for step in path:
        value = None if value is None else value.get(step)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if field.type == "datetime":
        return str(value).replace("+0000", "Z")
    return str(value)
