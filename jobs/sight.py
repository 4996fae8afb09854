"""Whose data a connection shows, and whether it still shows all of it.

Credentials may be exchanged, revoked or narrowed at any time. Nothing that is merely not shown any more is taken for
deleted: the connection stops with a sentence, and nothing is written to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from connectors.contract import Capability, Rejected, StreamSpec
from core.errors import Refused
from core.store.db import dumps, loads
from jobs.runtime import Hub
from jobs.told import CHECK_FAILED

CHECK_EVERY_MS = 24 * 3600 * 1000
#: fewer records than this, or this share of them, may be missing: rows in flight, an index that lags
SLACK = 10
SLACK_SHARE = 0.05
ENTITIES = ("person", "company", "deal")


def pin_account(hub: Hub, name: str) -> None:
    """Know whose data this is: asked at the first contact, once a day, and whenever the credentials are other ones.

    Raises Refused for another account, Rejected for credentials that do not do.
    """
    kept = hub.runs.connection(name)
    now = hub.clock.now()
    print_ = _fingerprint(hub, name)
    known = hub.runs.setting(f"credentials {name}") == print_
    fresh = kept is not None and kept["checked_at"] is not None and now - kept["checked_at"] < CHECK_EVERY_MS
    if known and fresh:
        return
    report = hub.connector(name).check()
    fatal = [p for p in report.problems if p.fatal]
    if fatal:
        raise Rejected(CHECK_FAILED, fatal[0].text, fatal[0].remedy)
    if kept is not None and kept["account_id"] not in (None, report.account_id):
        raise Refused(
            f"the credentials of {name!r} now open account {report.account_id} ({report.account}), "
            f"but the store holds account {kept['account_id']} ({kept['account']})",
            "give the old account's credentials back, or use another store for the new account",
        )
    hub.runs.pin_account(name, hub.connection(name).kind, report.account_id, report.account, report.user, now=now)
    if not known:
        hub.runs.set_setting(f"credentials {name}", print_, now=now)


def _fingerprint(hub: Hub, name: str) -> str:
    """Tells other credentials from the same ones; salted by the store, so that it says nothing elsewhere."""
    told = msgspec.json.encode(hub.connection(name).settings)
    return blake2b(told, key=hub.store_id().encode(), digest_size=16).hexdigest()


def counted(hub: Hub, name: str) -> list[StreamSpec]:
    """Streams whose records are counted after each pull: one call each."""
    mapped = {s.name for s in hub.mapping.streams(name)}
    return [s for s in hub.connector(name).streams() if s.entity in ENTITIES and s.name in mapped]


def idle_calls(hub: Hub, name: str) -> int:
    """What a sync without changes costs: each stream's look for news, and the counts."""
    mapped = {s.name for s in hub.mapping.streams(name)}
    return sum(s.idle_calls for s in hub.connector(name).streams() if s.name in mapped) + len(counted(hub, name))


def missing(hub: Hub, name: str, spec: StreamSpec) -> int:
    """How many records more the store holds than the CRM shows; below 0 when the CRM shows more. One call.

    What was made a moment ago, by us or by others, may not be counted there yet.
    """
    have, shown = hub.records.count(name, spec.name), hub.connector(name).count(spec.name)
    if shown >= have:
        return have - shown
    young = hub.records.made_since(name, spec.name, hub.clock.now() - spec.overlap_s * 1000)
    return max(0, have - young - shown)


@dataclass(slots=True)
class Known:
    """What is known of records that the CRM does not show. `looked`: how many were missing when the bin was last
    read; `accepted`: how many a person said are really gone."""

    looked: int = 0
    accepted: int = 0


def known(hub: Hub, name: str, stream: str) -> Known:
    """As stored."""
    return Known(**loads(hub.runs.setting(f"missing {name} {stream}") or "{}"))


def judge(hub: Hub, name: str, spec: StreamSpec, n: int, *, accept: bool) -> None:
    """`n` records are not shown and nothing explains it. Raises Rejected when these are too many."""
    before, n = known(hub, name, spec.name), max(0, n)
    after = Known(n, n if accept else min(before.accepted, n))
    if after != before:
        text = dumps({"looked": after.looked, "accepted": after.accepted})
        hub.runs.set_setting(f"missing {name} {spec.name}", text, now=hub.clock.now())
    have = hub.records.count(name, spec.name)
    if n - after.accepted > max(SLACK, have * SLACK_SHARE):
        raise Rejected(
            CHECK_FAILED,
            f"the credentials show only {have - n:,} of the {have:,} {spec.name} in the store, and the CRM does not "
            "say that the others were deleted; nothing was deleted here and nothing is written",
            f"let our user see all {spec.name} again; if they are really gone: crmhub pull {name} --accept-fewer",
        )


def has_bin(hub: Hub, name: str) -> bool:
    """Whether deletions have to be looked for."""
    return Capability.BIN in hub.connector(name).capabilities
