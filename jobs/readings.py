"""How each field was read when records were last resolved.

Another remote field, type or option table is a new mapping of that field: what the records hold meets the canonical
value as at first contact. It is no edit in a CRM, and no reason to write anything over what stands there. The same
when a field gets another `wins` or is written for the first time: what was only noted before waits or is decided now.
"""

from __future__ import annotations

from hashlib import sha256

from core.store.db import dumps, loads
from jobs.runtime import Hub

#: (connection, stream, canonical field)
Reading = tuple[str, str, str]
_SETTING = "readings"


def readings_of(hub: Hub) -> dict[Reading, str]:
    """Every field that is read -> a short name of how."""
    found: dict[Reading, list[str]] = {}
    written = {
        t.field.name
        for name in hub.names()
        for s in hub.mapping.streams(name)
        for t in hub.mapping.targets(name, s.name)
    }
    for name in hub.names():
        for stream in hub.mapping.streams(name):
            for t in hub.mapping.fields(name, stream.name):
                if t.pulled:
                    table = None if t.options is None else sorted(t.options.read.items())
                    policy = (hub.mapping.wins(t.field.name), t.field.name in written)
                    how = repr((t.remote, t.field.type, t.owner, table, policy))
                    if t.scale is not None:
                        how += f" times {t.scale}"
                    found.setdefault((name, stream.name, t.field.name), []).append(how)
    return {key: sha256("|".join(how).encode()).hexdigest()[:12] for key, how in found.items()}


def changed_readings(hub: Hub) -> frozenset[Reading]:
    """Fields that are read otherwise than when records were last resolved; none before the first time."""
    kept = hub.runs.setting(_SETTING)
    if kept is None:
        return frozenset()
    before = {tuple(key.split("\n")): how for key, how in loads(kept).items()}
    return frozenset(key for key, how in readings_of(hub).items() if before.get(key) != how)


def remember_readings(hub: Hub) -> None:
    """Records are resolved by the mapping as it is now."""
    text = dumps({"\n".join(key): how for key, how in readings_of(hub).items()})
    if hub.runs.setting(_SETTING) != text:
        hub.runs.set_setting(_SETTING, text, now=hub.clock.now())
