"""`check`: who we are in the org, what stands in the way, what is left to spend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from connectors.contract import (
    AuthFailed,
    CheckReport,
    ConnectorError,
    MissingScope,
    Problem,
    Quota,
    QuotaExhausted,
    Rejected,
    Throttled,
    Unavailable,
)
from connectors.salesforce import soql
from connectors.salesforce.config import host_hint
from connectors.salesforce.org import Org
from connectors.salesforce.streams import SOURCES, Source

_GRANT_REMEDY = (
    "check client_id and client_secret; the external client app must allow this grant, name a run-as "
    "user and be "
    "approved for the org"
)


def check(org: Org) -> CheckReport:
    """The report. Raises only Unavailable and Throttled: a refused token, a wrong host or a missing permission is a
    Problem."""
    hint = host_hint(org.settings.host)
    if hint is not None:
        return _stopped(Problem("the address is not the org's own", hint))
    try:
        token = org.auth.token()
        account, user, problems = _identity(org, token.user_id)
        org_id = token.org_id
        problems += [*_host_problems(org), *_stream_problems(org)]
        quotas = _quotas(org)
    except (Unavailable, Throttled):
        raise
    except ConnectorError as e:
        return _stopped(_problem(e))
    return CheckReport(org_id, account, user, tuple(problems), quotas)


def _stopped(problem: Problem) -> CheckReport:
    return CheckReport("", "", "", (problem,))


def _problem(e: ConnectorError) -> Problem:
    """What stopped the check, in plain words."""
    if isinstance(e, AuthFailed):
        return Problem(f"Salesforce refuses the credentials ({e.detail})", _GRANT_REMEDY)
    if isinstance(e, MissingScope):
        return Problem(
            f"the hub's user lacks the permission {e.scope} ({e.detail})",
            "give the run-as user API access, by its profile or a permission set",
        )
    if isinstance(e, QuotaExhausted):
        return Problem(str(e), "wait until the org's 24 hours have passed, or raise the org's API allowance")
    if isinstance(e, Rejected):
        return Problem(f"Salesforce refuses: {e.code}: {e.message}", e.remedy)
    return Problem(str(e), "check that base_url is a Salesforce org")


def _identity(org: Org, user_id: str) -> tuple[str, str, list[Problem]]:
    """The org's name, our user name, and whether `ours` is really us."""
    orgs = list(org.records(soql.select(["Id", "Name"], "Organization", []), all_rows=False))
    mine = soql.select(["Id", "Username", "Email"], "User", [soql.among("Id", [user_id])])
    users = list(org.records(mine, all_rows=False))
    account = str(orgs[0]["Name"]) if orgs else ""
    if not users:
        return account, user_id, []
    user, ours = str(users[0]["Username"]), org.settings.ours
    if ours is None or ours.lower() in (user.lower(), str(users[0].get("Email") or "").lower()):
        return account, user, []
    text = f"the credentials belong to {user}, not to {ours}: edits by {ours} would count as the hub's own"
    return account, user, [Problem(text, f"set ours to {user}", fatal=False)]


def _host_problems(org: Org) -> Iterator[Problem]:
    instance = urlsplit(org.auth.token().instance_url)
    configured = urlsplit(org.settings.base_url)
    if configured.scheme == "https" and instance.hostname and instance.hostname != configured.hostname:
        yield Problem(
            f"the org lives at {instance.hostname}, not at {configured.hostname}",
            f"set base_url to https://{instance.hostname}",
        )


def _stream_problems(org: Org) -> Iterator[Problem]:
    for source in SOURCES.values():
        if not source.spec.writable:
            continue
        try:
            described = org.describe(source.sobject)
        except Rejected:
            yield Problem(
                f"{source.spec.label} records are not visible to the hub's user",
                f"give the user read access to {source.spec.label}, by its profile or a permission set",
            )
            continue
        yield from _object_problems(source, described)


def _object_problems(source: Source, described: dict[str, Any]) -> Iterator[Problem]:
    label = source.spec.label
    if not described.get("queryable", True):
        yield Problem(f"{label} records cannot be queried", f"give the hub's user read access to {label}")
    if not described.get("updateable"):
        yield Problem(
            f"{label} records cannot be edited: stage and score cannot be written there",
            f"give the hub's user edit access to {label}",
            fatal=False,
        )


def _quotas(org: Org) -> tuple[Quota, ...]:
    """The limits that the hub spends from; the org counts rolling 24 hours, so there is no reset time."""
    quotas = []
    for name, limit in org.limits().items():
        if name in ("DailyApiRequests", "DailyBulkV2QueryJobs", "DailyBulkApiBatches") and isinstance(limit, dict):
            quotas.append(Quota(name, int(limit["Max"]), int(limit["Remaining"])))
    return tuple(quotas)
