"""Streams of one connection, pulled from several threads at once over one org."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from connectors.contract import Row
from connectors.salesforce.connector import SalesforceConnector
from tests.connectors.salesforce_kit import MemoryLedger, Sandbox, used_sandbox

STREAMS = {
    "leads": ["Email", "Company"], "contacts": ["Email", "Account.Name"], "accounts": ["Name"],
    "opportunities": ["Name", "ExpectedRevenue"], "tasks": ["Subject", "Message.Kind"], "events": ["Subject"],
    "campaign_members": ["Status", "Campaign.Name"], "users": ["Name"],
}  # fmt: skip


@pytest.fixture
def org(sandbox: Callable[..., Any]) -> Iterator[Sandbox]:
    yield from used_sandbox(sandbox)


def rows_of(crm: SalesforceConnector, stream: str) -> dict[str, Row]:
    return {row.id: row for page in crm.pull(stream, None, STREAMS[stream]) for row in page.rows}


def test_streams_pulled_side_by_side_are_those_pulled_in_turn(org: Sandbox) -> None:
    one = org.connector()
    in_turn = {stream: rows_of(one, stream) for stream in STREAMS}
    org.switch(page_size=10)
    ledger = MemoryLedger()
    crm = org.connector(ledger=ledger)
    together = Barrier(len(STREAMS))

    def pull(stream: str) -> dict[str, Row]:
        together.wait(timeout=30)
        return rows_of(crm, stream)

    with ThreadPoolExecutor(len(STREAMS)) as pool:
        side_by_side = dict(zip(STREAMS, pool.map(pull, STREAMS), strict=True))
    assert side_by_side == in_turn
    assert [e for e, _ in ledger.calls].count("oauth2/token") == 1


def test_a_session_that_ends_under_many_threads_is_renewed_once(org: Sandbox) -> None:
    ledger = MemoryLedger()
    crm = org.connector(ledger=ledger)
    crm.count("leads")
    org.switch(end_sessions=True)
    with ThreadPoolExecutor(len(STREAMS)) as pool:
        counts = list(pool.map(crm.count, STREAMS))
    assert all(counts)
    assert [e for e, _ in ledger.calls].count("oauth2/token") == 2
