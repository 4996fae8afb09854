"""What `check` finds out: account, scopes, what is left to spend."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.budget import next_utc_midnight
from connectors.contract import (
    AuthFailed,
    CheckReport,
    ContractBroken,
    MissingScope,
    Problem,
    Quota,
    QuotaExhausted,
    Rejected,
)
from connectors.hubspot.api import Api
from connectors.hubspot.forms import list_forms
from connectors.hubspot.routes import ACCOUNT, OBJECTS, USAGE
from connectors.hubspot.rows import to_ms
from connectors.hubspot.sdk import Sdk
from connectors.hubspot.streams import OBJECTS as STREAMS

_NEW_TOKEN = "make a new service key or private app token in HubSpot (Settings, Integrations) and configure it"  # noqa: S105 - a sentence


def check(api: Api, sdk: Sdk) -> CheckReport:
    """About a dozen calls. Raises only Unavailable and Throttled."""
    try:
        return _check(api, sdk)
    except AuthFailed as e:
        return _in_the_way(f"HubSpot refuses the token: {e.detail}", _NEW_TOKEN)
    except QuotaExhausted as e:
        quota = api.budget.quota()
        text = "The daily allowance of API calls is spent" + (f": {e.detail}" if e.detail else "")
        return _in_the_way(text, "wait for the next day or raise the budget", (quota,) if quota else ())
    except (MissingScope, Rejected, ContractBroken) as e:
        return _in_the_way(str(e), "check base_url, api_version and the token's scopes")


def _in_the_way(text: str, remedy: str, quotas: tuple[Quota, ...] = ()) -> CheckReport:
    return CheckReport("", "", "", (Problem(text, remedy),), quotas)


def _check(api: Api, sdk: Sdk) -> CheckReport:
    account = api.call("GET", ACCOUNT).data
    if not isinstance(account, dict) or "portalId" not in account:
        raise ContractBroken("account details without a portal id", "no portalId")
    api.budget.day_ends = day_end_in(str(account.get("timeZone") or "UTC"))
    kind = str(account.get("accountType") or "standard").lower().replace("_", " ")
    return CheckReport(
        account_id=str(account["portalId"]),
        account=f"HubSpot {kind} account {account['portalId']}",
        user=api.settings.ours or ("access token" if api.settings.access_token else "OAuth app"),
        problems=tuple(_scope_problems(api, sdk)),
        quotas=tuple(_quotas(api)),
    )


def day_end_in(zone_name: str) -> Callable[[int], int]:
    """The portal's midnight, when HubSpot's daily counter starts again."""
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError):
        return next_utc_midnight

    def day_end(at: int) -> int:
        local = datetime.fromtimestamp(at / 1000, zone)
        midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return round(midnight.timestamp() * 1000)

    return day_end


def _scope_problems(api: Api, sdk: Sdk) -> list[Problem]:
    """Asks each stream for one record, and each writable one to write nothing."""
    problems: list[Problem] = []
    trials: list[tuple[str, bool, Callable[[], Any]]] = [("read owners", False, sdk.owners)]
    for name, stream in STREAMS.items():
        kind = stream.object_type
        trials.append((f"read {name}", stream.spec.writable, _reader(api, kind)))
        if stream.spec.writable:
            trials.append((f"write {name}", False, _writer(api, kind)))
    trials.append(("read form submissions", False, lambda: list_forms(api)))
    for what, fatal, trial in trials:
        try:
            trial()
        except MissingScope as e:
            remedy = f"grant the scope {e.scope} to the app or service key in HubSpot"
            problems.append(Problem(f"The token may not {what}.", remedy, fatal))
        except Rejected as e:
            if what.startswith("write "):
                continue  # refused because there is nothing in it: the scope is there
            problems.append(Problem(f"HubSpot refuses to {what}: {e.message}", e.remedy, fatal))
    return problems


def _reader(api: Api, object_type: str) -> Callable[[], Any]:
    path = f"{OBJECTS}/{object_type}"
    return lambda: api.call("GET", path, params={"limit": 1})


def _writer(api: Api, object_type: str) -> Callable[[], Any]:
    path = f"{OBJECTS}/{object_type}/batch/update"
    return lambda: api.call("POST", path, json={"inputs": []})  # no input: nothing can be written


def _quotas(api: Api) -> list[Quota]:
    """The day's figures: HubSpot's own list for static tokens, else what the headers said."""
    try:
        data = api.call("GET", USAGE).data
    except (MissingScope, Rejected, QuotaExhausted):
        data = {}
    for usage in data.get("results") or ():
        limit, spent = usage.get("usageLimit"), usage.get("currentUsage")
        if limit:
            left = max(0, limit - (spent or 0))
            resets_at = to_ms(usage.get("resetsAt"))
            return [Quota(str(usage.get("name") or "calls a day"), limit, left, resets_at)]
    quota = api.budget.quota()
    return [quota] if quota else []
