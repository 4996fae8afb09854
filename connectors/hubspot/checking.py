"""What `check` finds out: account, scopes, what is left to spend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from connectors.hubspot.errors import WRONG_FORM, Forbidden
from connectors.hubspot.memberships import contact_lists
from connectors.hubspot.page_views import ENTERPRISE, views
from connectors.hubspot.routes import ACCOUNT, EMAIL_EVENTS, FORMS, OBJECTS, PROPERTIES, USAGE
from connectors.hubspot.rows import to_ms
from connectors.hubspot.sdk import Sdk
from connectors.hubspot.streams import OBJECTS as STREAMS

#: where keys are made; accounts show one of the two ways
WHERE = "Development > Keys > Service keys, or Settings > Integrations > Service Keys"
_NEW_KEY = f"make or rotate a service key in HubSpot ({WHERE}) and put it into access_token"
_NEW_INSTALL = "install the app in the account once more and put the new refresh_token into the configuration"
_WRONG_FORM = (
    "copy the key again, whole and without blanks: it begins with pat-na1-, pat-eu1- or another region of HubSpot's"
)


def check(api: Api, sdk: Sdk) -> CheckReport:
    """About two dozen calls. Raises only Unavailable and Throttled."""
    try:
        return _check(api, sdk)
    except AuthFailed as e:
        return _refused(api, e)
    except QuotaExhausted as e:
        quota = api.budget.quota()
        text = "The daily allowance of API calls is spent" + (f": {e.detail}" if e.detail else "")
        return _in_the_way(text, "wait for the next day or raise the budget", (quota,) if quota else ())
    except (MissingScope, Rejected, ContractBroken) as e:
        return _in_the_way(str(e), "check base_url, api_version and the token's scopes")


def _refused(api: Api, e: AuthFailed) -> CheckReport:
    what = "access token" if api.settings.access_token else "OAuth app"
    renewed = _NEW_KEY if api.settings.access_token else _NEW_INSTALL
    remedy = _WRONG_FORM if WRONG_FORM in e.detail else renewed
    return _in_the_way(f"HubSpot refuses the {what}: {e.detail}", remedy)


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


@dataclass(frozen=True, slots=True)
class _Trial:
    """One thing that the hub does, tried without changing anything."""

    effect: str  # "read deals"
    call: Callable[[], Any]
    needed: bool = False
    probes: bool = False  # a request without content: refused as such, its scope is there


def _trials(api: Api, sdk: Sdk) -> list[_Trial]:
    trials = [_Trial("read owners", sdk.owners)]
    for name, stream in STREAMS.items():
        kind = stream.object_type
        trials.append(_Trial(f"read {name}", _get(api, f"{OBJECTS}/{kind}", limit=1), needed=stream.spec.writable))
        if stream.spec.entity != "activity":
            trials.append(_Trial(f"read the fields of {name}", _get(api, f"{PROPERTIES}/{kind}/hs_object_id")))
        if stream.spec.writable:
            trials.append(_Trial(f"write {name}", _post(api, f"{OBJECTS}/{kind}/batch/update"), probes=True))
            trials.append(
                _Trial(f"create fields of {name}", _post(api, f"{PROPERTIES}/{kind}/batch/create"), probes=True)
            )
    return [
        *trials,
        _Trial("read form submissions", _get(api, FORMS, limit=1)),
        _Trial("read marketing e-mail events", _get(api, EMAIL_EVENTS, limit=1)),
        _Trial("read lists", lambda: contact_lists(api, 1)),
        _Trial("read page views", lambda: views(api, 0, 1)),
    ]


def _scope_problems(api: Api, sdk: Sdk) -> list[Problem]:
    """Asks each stream for one record, and each writable one to write nothing; one problem per missing scope."""
    missing: dict[str, list[_Trial]] = {}
    problems: list[Problem] = []
    for trial in _trials(api, sdk):
        try:
            trial.call()
        except MissingScope as e:
            missing.setdefault(e.scope, []).append(trial)
        except Rejected as e:
            if trial.probes and not isinstance(e, Forbidden):
                continue
            problems.append(Problem(f"HubSpot refuses to {trial.effect}: {e.message}", e.remedy, trial.needed))
    for scope, trials in missing.items():
        needed = any(t.needed for t in trials)
        effects = _joined([t.effect for t in trials])
        if scope == ENTERPRISE:
            remedy = f"nothing, unless page views shall count: they need {ENTERPRISE}"
            problems.append(Problem(f"This account has no {scope}, so the hub cannot {effects}.", remedy, fatal=False))
            continue
        remedy = f"grant the scope {scope} to the service key ({WHERE}) or app"
        remedy += "" if needed else f"; without it the hub does everything but {effects}"
        problems.append(Problem(f"The token may not {effects}: the scope {scope} is missing.", remedy, needed))
    return problems


def _joined(effects: Sequence[str]) -> str:
    return effects[0] if len(effects) == 1 else f"{', '.join(effects[:-1])} and {effects[-1]}"


def _get(api: Api, path: str, **params: Any) -> Callable[[], Any]:
    return lambda: api.call("GET", path, params=params)


def _post(api: Api, path: str) -> Callable[[], Any]:
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
