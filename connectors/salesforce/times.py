"""Salesforce's time forms and ours: `2026-11-23T19:11:41.000+0000` against milliseconds UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from connectors.contract import ContractBroken

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


@lru_cache(maxsize=8_192)  # a page's stamps are asked for twice, and bulk changes give thousands of rows one stamp
def parse(text: object) -> int | None:
    """Milliseconds UTC of a datetime field; None for null. Raises ContractBroken for anything else."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise ContractBroken("a time that is no text", type(text).__name__)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ContractBroken("a time that is not ISO 8601", f"{len(text)} characters") from None
    if moment.tzinfo is None:
        raise ContractBroken("a time without zone", "a naive datetime")
    return (moment - _EPOCH) // _MS


def moment(at: int) -> datetime:
    """ms UTC as an aware datetime."""
    return _EPOCH + timedelta(milliseconds=at)


def literal(at: int) -> str:
    """A SOQL datetime literal; exact to the millisecond, which equality with a stamp needs."""
    seconds, ms = divmod(at, 1000)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{ms:03d}Z" if ms else f"{text}Z"
