"""Form submissions: per form, newest first, until what is known.

HubSpot has no feed across forms and no time filter, so a pull lists the forms and asks each for its newest
page; at most FORMS_PER_PULL forms a pull, those asked longest ago first. Submissions carry no contact id,
only what was typed: they link by e-mail address.
https://developers.hubspot.com/docs/reference/api/marketing/forms
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from connectors.contract import Bookmark, Link, Page, RemoteField, Row, StreamSpec, Value
from connectors.hubspot.apart import Apart, listed, next_page
from connectors.hubspot.api import Api
from connectors.hubspot.routes import FORMS, SUBMISSIONS
from connectors.hubspot.streams import OVERLAP_S

PAGE = 50
#: a pull asks at most so many forms, those waiting longest first
FORMS_PER_PULL = 20
#: submitted values appear as value.<name>
VALUE_PREFIX = "value."
#: ids inside the overlap that a bookmark remembers per form; beyond it they are told again, which is harmless
MAX_REMEMBERED = 200

FORM_SUBMISSIONS = StreamSpec(
    name="form_submissions",
    entity="activity",
    label="Form submission",
    cursor_field="submittedAt",
    tie_break="conversionId",
    overlap_s=OVERLAP_S,
    idle_calls=1 + FORMS_PER_PULL,  # the list of forms (up to 50) and the newest page of each form asked
    page_size=PAGE,
)

FIELDS = (
    RemoteField("form_id", "Form id", "text", writable=False),
    RemoteField("form_name", "Form", "text", writable=False),
    RemoteField("page_url", "Page", "text", writable=False),
    RemoteField("submitted_at", "Submitted at", "datetime", writable=False),
    RemoteField("email", "E-mail", "text", writable=False),
)


def form_submissions(api: Api) -> Apart:
    """The stream."""
    return Apart(FORM_SUBMISSIONS, FIELDS, partial(_pull, api))


def list_forms(api: Api) -> dict[str, str]:
    """Form id -> name."""
    forms: dict[str, str] = {}
    after: str | None = None
    while True:
        params: dict[str, Any] = {"limit": PAGE}
        if after is not None:
            params["after"] = after
        data = api.call("GET", FORMS, params=params).data
        forms.update({str(f["id"]): str(f.get("name") or "") for f in listed(data)})
        after = next_page(data)
        if after is None:
            return forms


def _pull(api: Api, bookmark: Bookmark | None, fields: Sequence[str]) -> Iterator[Page]:
    """New submissions, form by form.

    Bookmark: per form {at: newest stamp seen, ids: those inside the overlap with stamps, asked: when}. A form's mark
    moves when its last page is out, because pages come newest first.
    """
    marks: dict[str, Any] = dict((bookmark or {}).get("forms") or {})
    forms = list_forms(api)
    marks = {form: mark for form, mark in marks.items() if form in forms}
    turn = sorted(forms, key=lambda f: (marks.get(f, {}).get("asked", 0), f))
    known = [f for f in turn if f in marks][:FORMS_PER_PULL]
    for form in (*(f for f in turn if f not in marks), *known):
        old = marks.get(form)
        asked = api.around.clock.now()
        seen: dict[str, int] = dict(old["ids"]) if old else {}
        newest = old["at"] if old else 0
        for rows, last in _of_form(api, form, forms[form], old, fields):
            seen |= {r.id: r.modified_at or 0 for r in rows}
            newest = max([newest, *seen.values()])
            if last:
                recent = sorted(seen.items(), key=lambda item: item[1])[-MAX_REMEMBERED:]
                ids = {i: at for i, at in recent if at >= newest - OVERLAP_S * 1000}
                marks[form] = {"at": newest, "ids": ids, "asked": asked}
            if rows:
                yield Page(rows, {"forms": dict(marks)})
    yield Page([], {"forms": marks}, done=True)


def _of_form(
    api: Api, form: str, name: str, mark: dict[str, Any] | None, fields: Sequence[str]
) -> Iterator[tuple[list[Row], bool]]:
    """Pages of rows that `mark` does not know yet, and whether it was the last page."""
    edge = mark["at"] - OVERLAP_S * 1000 if mark else 0
    known = set(mark["ids"]) if mark else set()
    after: str | None = None
    while True:
        params: dict[str, Any] = {"limit": PAGE}
        if after is not None:
            params["after"] = after
        path = f"{SUBMISSIONS}/{form}"
        data = api.call("GET", path, params=params, route=f"{SUBMISSIONS}/{{formId}}").data
        rows = [_row(form, name, s, fields) for s in listed(data)]
        fresh = [r for r in rows if (r.modified_at or 0) >= edge and r.id not in known]
        known.update(r.id for r in rows)  # new submissions shift the pages: the same row may come again
        after = next_page(data)
        over = after is None or any((r.modified_at or 0) < edge for r in rows)
        yield fresh, over
        if over:
            return


def _row(form: str, name: str, submission: dict[str, Any], fields: Sequence[str]) -> Row:
    said: dict[str, str] = {}
    for item in submission.get("values") or ():
        key, value = str(item["name"]), str(item.get("value") or "")
        said[key] = f"{said[key]};{value}" if key in said else value  # a multi-value field repeats its name
    at = int(submission["submittedAt"])
    email = said.get("email", "").strip() or None
    values: dict[str, Value] = {
        "form_id": form,
        "form_name": name or None,
        "page_url": submission.get("pageUrl") or None,
        "submitted_at": at,
        "email": email,
        **{VALUE_PREFIX + k: v or None for k, v in said.items()},
    }
    wanted = {f: values.get(f) for f in fields if f in values or f.startswith(VALUE_PREFIX)}
    links = (Link("email", email),) if email else ()
    return Row(str(submission["conversionId"]), wanted, at, at, links=links)
