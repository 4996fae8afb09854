"""Owners: a small list without a modification filter, read whole, through the official client.

https://developers.hubspot.com/docs/api-reference/crm-owners-v3
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.contract import Bookmark, Deletion, Page, RemoteField, Row, Value
from connectors.hubspot.sdk import Sdk
from connectors.transport import Transport

#: how often owners that were removed are asked for: the second list is as long as the first
REMOVED_EVERY_MS = 86_400_000

FIELDS = (
    RemoteField("id", "Owner id", "text", writable=False, unique=True),
    RemoteField("email", "E-mail", "text", writable=False),
    RemoteField("firstName", "First name", "text", writable=False),
    RemoteField("lastName", "Last name", "text", writable=False),
    RemoteField("userId", "User id", "text", writable=False),
    RemoteField("type", "Person or queue", "text", writable=False),
    RemoteField("team", "Primary team", "text", writable=False),
)


def owner_rows(sdk: Sdk, fields: Sequence[str]) -> list[Row]:
    """All active owners."""
    return [_row(owner, fields) for owner in sdk.owners()]


def pull_owners(
    sdk: Sdk, transport: Transport, now: int, bookmark: Bookmark | None, fields: Sequence[str]
) -> Iterator[Page]:
    """One page with every active owner; once a day also those that were removed."""
    rows = owner_rows(sdk, fields)
    seen = transport.vendor_time(now)
    if bookmark is None:
        yield Page(rows, {"swept_at": seen}, done=True, total=len(rows))
        return
    deletions: list[Deletion] = []
    if seen - bookmark["swept_at"] >= REMOVED_EVERY_MS:
        deletions = [Deletion(str(o.id), _ms(o.updated_at)) for o in sdk.owners(archived=True)]
        bookmark = {"swept_at": seen}
    yield Page(rows, dict(bookmark), deletions=deletions, done=True, total=len(rows))


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
