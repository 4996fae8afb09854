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

#: where things stand in the screens of 2026
_APP = "Setup → External Client App Manager → the hub's app"
#: words of Salesforce's log-in errors -> what to do, first match
_LOGIN_REMEDIES: tuple[tuple[str, str], ...] = (
    ("no client credentials user", f"{_APP} → Policies: enable the client credentials flow and name a Run As user"),
    ("app must be installed", f"{_APP}: install it for this org, or approve its use by the hub's user"),
    (
        "hasn't approved",
        f"{_APP} → Policies: admin approved users are pre-authorized, and assign the app to the hub's user by a "
        "permission set or profile",
    ),
    (
        "audience",
        "remove audience, or set it to the My Domain address, https://login.salesforce.com, or, for a sandbox, "
        "https://test.salesforce.com",
    ),
    ("app_not_found", f"{_APP} → Settings → OAuth: copy the consumer key into client_id; remove audience"),
    (
        "assertion",
        f"{_APP} → Settings → OAuth: the certificate there must belong to private_key; username must be the user's",
    ),
    ("refresh token", "the access was revoked or has run out: connect the org again and set the new refresh_token"),
    ("not supported on this domain", "set base_url to the org's My Domain, https://NAME.my.salesforce.com"),
    (
        "invalid_client_id",
        f"{_APP} → Settings → OAuth: copy the consumer key into client_id; is it an app of this org?",
    ),
    ("invalid_client", f"{_APP} → Settings → OAuth: copy the consumer secret into client_secret again"),
    ("unsupported_grant_type", f"{_APP} → Settings → OAuth: enable the flow that the configuration uses"),
    ("inactive_user", "the user is inactive or frozen: activate it, or choose another Run As user"),
    ("inactive_org", "the org is locked or closed: ask Salesforce"),
    ("high-assurance", "the hub user's profile asks for high assurance sessions: set its session security to Standard"),
    ("private_key", "give the PEM text that begins with -----BEGIN, as file:/path or ${NAME}"),
)
_LOGIN_REMEDY = (
    f"check client_id and client_secret, and {_APP}: the flow must be enabled, with a Run As user, and the app approved"
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
        return Problem(f"Salesforce refuses the credentials ({e.detail})", login_remedy(e.detail))
    if isinstance(e, MissingScope):
        return Problem(
            f"the hub's user lacks the permission {e.scope} ({e.detail})",
            "Setup → Permission Sets → the hub's set → System Permissions: API Enabled; editions without API access "
            "need the API add-on",
        )
    if isinstance(e, QuotaExhausted):
        return Problem(str(e), "wait until the org's 24 hours have passed, or raise the org's API allowance")
    if isinstance(e, Rejected):
        return Problem(f"Salesforce refuses: {e.code}: {e.message}", e.remedy)
    return Problem(str(e), "check that base_url is a Salesforce org")


def login_remedy(detail: str) -> str:
    """What to do about a refused log-in, by Salesforce's own words."""
    text = detail.lower()
    return next((remedy for words, remedy in _LOGIN_REMEDIES if words in text), _LOGIN_REMEDY)


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
        if not source.usual or not (source.needs or source.spec.writable):
            continue
        described = org.seen(source.sobject, fresh=True)
        if described is None:
            yield _invisible(source)
        else:
            org.spare(source.sobject)
            yield from _object_problems(source, described)
            yield from _children_problems(org, source)


def _children_problems(org: Org, source: Source) -> Iterator[Problem]:
    children = source.children
    if children is not None and org.seen(children.feed.sobject) is None:
        label = source.spec.label
        yield Problem(
            f"{children.feed.sobject} records are not visible to the hub's user: {label} records are not read",
            f"Setup → Permission Sets → the hub's set → Object Settings: Read on {label} and on Contact",
            fatal=False,
        )


def _invisible(source: Source) -> Problem:
    if source.optional:
        text = f"{source.spec.label} records are not visible to the hub's user, or this org has none: they are not read"
    else:
        text = f"{source.spec.label} records are not visible to the hub's user"
    return Problem(text, _read_access(source), fatal=not source.optional)


def _read_access(source: Source) -> str:
    return (
        f"Setup → Permission Sets → the hub's set → Object Settings → {source.spec.label}: Read, and View All Records "
        "to see more than its own"
    )


def _object_problems(source: Source, described: dict[str, Any]) -> Iterator[Problem]:
    label = source.spec.label
    if not described.get("queryable", True):
        yield Problem(f"{label} records cannot be queried", _read_access(source), fatal=not source.optional)
    shown = {f["name"] for f in described["fields"]}
    for field in source.needs:
        if field not in shown:
            yield Problem(
                f"the field {source.sobject}.{field} is hidden from the hub's user: {label} records cannot be read",
                f"Setup → Permission Sets → the hub's set → Object Settings → {label}: Field Permissions, Read {field}",
            )
    if source.spec.writable and not described.get("updateable"):
        yield Problem(
            f"{label} records cannot be edited: stage and score cannot be written there",
            f"Setup → Permission Sets → the hub's set → Object Settings → {label}: Edit",
            fatal=False,
        )


def _quotas(org: Org) -> tuple[Quota, ...]:
    """The limits that the hub spends from; the org counts rolling 24 hours, so there is no reset time."""
    quotas = []
    for name, limit in org.limits().items():
        if name in ("DailyApiRequests", "DailyBulkV2QueryJobs", "DailyBulkApiBatches") and isinstance(limit, dict):
            quotas.append(Quota(name, int(limit["Max"]), int(limit["Remaining"])))
    return tuple(quotas)
