"""Owners: a small list without a modification filter, read whole, through the official client.

https://developers.hubspot.com/docs/api-reference/crm-owners-v3
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from connectors.contract import Bookmark, Deletion, Page, ReadResult, RemoteField, Row, StreamSpec, Value
from connectors.hubspot.apart import Apart
from connectors.hubspot.api import Api
from connectors.hubspot.sdk import Sdk

#: how often owners that were removed are asked for: the second list is as long as the first
REMOVED_EVERY_MS = 86_400_000

OWNERS = StreamSpec(
    name="owners",
    entity="owner",
    label="Owner",
    cursor_field=None,
    tie_break=None,
    overlap_s=0,
    idle_calls=1,  # up to 500 owners; one more for each further 500
    page_size=500,
)

FIELDS = (
    RemoteField("id", "Owner id", "text", writable=False, unique=True),
    RemoteField("email", "E-mail", "text", writable=False),
    RemoteField("firstName", "First name", "text", writable=False),
    RemoteField("lastName", "Last name", "text", writable=False),
    RemoteField("userId", "User id", "text", writable=False),
    RemoteField("type", "Person or queue", "text", writable=False),
    RemoteField("team", "Primary team", "text", writable=False),
)


def owners(api: Api, sdk: Sdk) -> Apart:
    """The stream."""
    return Apart(OWNERS, FIELDS, partial(_pull, api, sdk), partial(_read, sdk), partial(_find, sdk))


def _pull(api: Api, sdk: Sdk, bookmark: Bookmark | None, fields: Sequence[str]) -> Iterator[Page]:
    """One page with every active owner; once a day also those that were removed."""
    at = api.around.clock.now()
    rows = [_row(owner, fields) for owner in sdk.owners()]
    seen = api.transport.vendor_time(at)
    if bookmark is None:
        yield Page(rows, {"swept_at": seen}, done=True, total=len(rows))
        return
    deletions: list[Deletion] = []
    if seen - bookmark["swept_at"] >= REMOVED_EVERY_MS:
        deletions = [Deletion(str(o.id), _ms(o.updated_at)) for o in sdk.owners(archived=True)]
        bookmark = {"swept_at": seen}
    yield Page(rows, dict(bookmark), deletions=deletions, done=True, total=len(rows))


def _read(sdk: Sdk, ids: Sequence[str], fields: Sequence[str]) -> ReadResult:
    wanted = set(ids)
    rows = {str(o.id): _row(o, fields) for o in sdk.owners() if str(o.id) in wanted}
    return ReadResult(rows, missing=[i for i in ids if i not in rows])


def _find(sdk: Sdk, key: str, values: Sequence[str], fields: Sequence[str]) -> list[Row]:
    wanted = set(values)
    rows = (_row(owner, tuple(dict.fromkeys((*fields, key)))) for owner in sdk.owners())
    return [r for r in rows if r.values.get(key) in wanted]


def _row(owner: Any, fields: Sequence[str]) -> Row:
    primary = next((t.name for t in owner.teams or () if t.primary), None)
    values: dict[str, Value] = {
        "id": str(owner.id),
        "email": owner.email or None,
        "firstName": owner.first_name or None,
        "lastName": owner.last_name or None,
        "userId": str(owner.user_id) if owner.user_id is not None else None,
        "type": owner.type,
        "team": primary,
    }
    return Row(
        id=str(owner.id),
        values={f: values[f] for f in fields if f in values},
        modified_at=_ms(owner.updated_at),
        created_at=_ms(owner.created_at),
        links=(),
    )


def _ms(moment: Any) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
