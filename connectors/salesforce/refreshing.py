"""Which fields change without moving their record's stamp: formulas, roll-ups, fields of most parents, and values of
a picklist that an administrator renames."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from connectors.salesforce.fields import Sight
from connectors.salesforce.org import Org
from connectors.salesforce.streams import RECORD_TYPE, Source


def calculated(org: Org, source: Source, wanted: Sequence[str]) -> list[str]:
    """Those among the wanted fields. A parent that is watched is told when it changes, so only its own formulas
    count; names of record types are left to the next full pull."""
    watched = {p.relation for p in source.parents if p.watched}
    sight = Sight(org, source.sobject, fresh=False)
    found = []
    for path in wanted:
        relation = path.rpartition(".")[0]
        described = None if relation == RECORD_TYPE.relation else sight.find(path)
        if described is None:
            continue
        if (relation and relation not in watched) or described.get("calculated"):
            found.append(path)
    return found


def options_of(described: dict[str, Any] | None, wanted: Sequence[str]) -> str | None:
    """A digest of the values that the wanted picklists offer; None without any, or when nothing is known."""
    offered = [
        (field["name"], sorted(str(o.get("value")) for o in field["picklistValues"]))
        for field in (described or {}).get("fields", ())
        if field.get("picklistValues") and field["name"] in wanted
    ]
    return hashlib.sha256(repr(sorted(offered)).encode()).hexdigest()[:16] if offered else None
