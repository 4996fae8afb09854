"""CSV as Bulk API 2.0 writes and reads it.

Vendor page: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest" (valid data files) and "Query".
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence

from crmhub.sandbox.salesforce.schema.field import Field, Value
from crmhub.sandbox.salesforce.table import Row
from crmhub.sandbox.salesforce.times import render

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


def line(cells: list[str], delimiter: str, end: str) -> bytes:
    """Quoted cells as one line."""
    return f"{delimiter.join(cells)}{end}".encode()


def cell_writer(field: Field, get: Callable[[Row], Value], zone: str) -> Callable[[Row], str]:
    """One value of a row in bulk form, quoted: empty for null, datetimes with the zone as Z (or +0000)."""
    if field.type == "boolean":
        return lambda row: '"true"' if get(row) else '"false"'
    if field.type == "datetime":
        return lambda row: f'"{render(value)[:-5]}{zone}"' if isinstance(value := get(row), int) else '""'
    if field.type in ("double", "currency", "percent"):
        return lambda row: f'"{float(value)}"' if isinstance(value := get(row), int | float) else '""'
    if field.type in ("id", "reference", "date", "int"):
        return lambda row: f'"{value}"' if (value := get(row)) is not None else '""'
    return lambda row: _quoted(get(row))


def _quoted(value: Value) -> str:
    if value is None:
        return '""'
    text = str(value)
    return f'"{text}"' if '"' not in text else '"' + text.replace('"', '""') + '"'
