"""What stands in the way of a connection, as a sentence that says what to do."""

from __future__ import annotations

from connectors.contract import (
    AuthFailed,
    ConnectorError,
    MissingScope,
    QuotaExhausted,
    Rejected,
    Throttled,
    Unavailable,
)

#: code of a Rejected that comes from `check()`: its words are whole sentences already
CHECK_FAILED = "CHECK_FAILED"


#: characters of a CRM's own words that are shown
LONGEST = 300


def told(error: ConnectorError) -> str:
    """An error of a connection as a sentence that says what to do."""
    where, what = error.connection or "a CRM", str(error).rstrip(". ")
    if isinstance(error, Rejected) and error.code == CHECK_FAILED:
        return f"{where}: {error.message} → {error.remedy}; then: crmhub check {where}"
    if isinstance(error, AuthFailed):
        return f"{where}: {what}. Renew them for [connections.{where}] in the configuration, then: crmhub check {where}"
    if isinstance(error, MissingScope):
        return f"{where}: {what}; have it granted to our user or app, then: crmhub check {where}"
    if isinstance(error, Throttled):
        return f"{where}: {what}; other tools may be using up the limit; sync again later"
    if isinstance(error, QuotaExhausted):
        return f"{where}: {what}; the rest waits, the next sync after the reset continues"
    if isinstance(error, Unavailable):
        return f"{where}: {what}; check the CRM's status page and the network, then sync again"
    if isinstance(error, Rejected):
        remedy = error.remedy or "see what the CRM says"
        return f"{where}: {error.code}: {_short(error.message)} → {remedy}; then: crmhub check {where}"
    return f"{where}: {what}"


def _short(text: str) -> str:
    """One line that fits a screen; the end of a long answer says what was wrong."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else "… " + line[-LONGEST:]
