"""What `POST /settings` can change: limits, lags, and every fact that the sources leave unsure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from crmhub.sandbox.vendor import ControlError

_RETRIES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 240.0, 480.0)
REWRITES = ("trim", "lower", "upper", "e164", "round")
_CHOICES = {
    "merge_mode": ("new_id", "keep_primary"),
    "retry_after": ("always", "sometimes", "never"),
    "search_body": ("category", "policy"),
    "webhook_signature": ("v1", "v2"),
    "oauth_errors": ("path", "status", "error", "both"),
}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _lists(value: Any) -> bool:
    return isinstance(value, dict) and all(_texts(one) for one in value.values())


_SHAPES: dict[str, Callable[[Any], bool]] = {
    "rewrite": lambda value: all(one in REWRITES for one in value.values()),
    "scopes": _texts,
    "hidden_properties": _lists,
    "required": _lists,
    "required_when": lambda value: all(_lists(one) for one in value.values()),
    "workflows": lambda value: all(isinstance(one, dict) and isinstance(one.get("set"), dict) for one in value),
    "webhook_retries": lambda value: all(isinstance(one, int | float) and one >= 0 for one in value),
}


@dataclass(slots=True)
class Switches:
    """One account's switches; README.md of this folder says which fact each one stands for."""

    merge_mode: str = "new_id"
    """new_id | keep_primary"""
    index_lag: float = 3.0
    """Seconds until a write is searchable, at the most."""
    limits: bool = True
    burst_limit: int = 190
    """Calls per 10 s and token."""
    oauth_burst_limit: int = 110
    """Calls per 10 s with OAuth tokens."""
    search_limit: int = 5
    """Searches per second and account."""
    daily_limit: int = 650_000
    daily_used: int = 0
    retry_after: str = "sometimes"
    """Whether 429 answers carry Retry-After: always | sometimes | never"""
    search_body: str = "category"
    """category: the short body of a search 429; policy: the one that names its policy"""
    token_life: int = 1800
    """Seconds an OAuth access token lives."""
    grace_days: float = 7.0
    """Days that the old service key lives on after a rotation."""
    revoked: bool = False
    """True: the given token, the refresh token and what came from it are refused."""
    oauth_errors: str = "path"
    """Body of a refused refresh token: status (v1), error (newer), both, or what the path called says"""
    refresh_rotates: bool = False
    """Whether a refresh answers with a new refresh token, which ends the old one."""
    wrong_region_530: bool = False
    """Whether a token of another region is answered by the edge with 530 instead of 401."""
    scopes: list[str] = field(default_factory=list)
    """Granted scopes; empty: all."""
    sight: float = 1.0
    """Share of the records that tokens see; the same ones every time."""
    enterprise: bool = True
    """False: event occurrences answer 403, as on smaller editions."""
    event_page_max: int = 100
    """Largest limit of event occurrences."""
    null_clears: bool = True
    """Whether JSON null clears a value (else it changes nothing)."""
    stage_forward_only: bool = True
    same_value_stamps: bool = False
    """Whether writing the value that is already there moves the modification time."""
    activity_stamps: bool = True
    """Whether a new activity moves the contact's modification time."""
    link_stamps: bool = False
    """Whether a change of an association moves the modification times of its ends."""
    restore_stamps: bool = False
    """Whether a restore from the recycle bin moves the modification time."""
    merged_ids_in_search: bool = True
    """Whether search shows hs_merged_object_ids of contacts."""
    inline_associations: int = 100
    """Rows per record of inline associations before they are cut."""
    close_stamps: bool = True
    """Whether moving a deal to a closed stage sets its close date."""
    deal_moves_stage: bool = False
    """Whether a new deal makes its contacts and companies opportunities, a won one customers."""
    company_moves_stage: bool = False
    """Whether a company's lifecycle stage moves its contacts forward."""
    workflows: list[dict[str, Any]] = field(default_factory=list)
    """[{object, when: property, set: {property: value}}]: the account's workflows answer a write with another"""
    hidden_properties: dict[str, list[str]] = field(default_factory=dict)
    """object -> properties that tokens cannot see"""
    rewrite: dict[str, str] = field(default_factory=dict)
    """property -> trim | lower | upper | e164 | round: what HubSpot makes of written values."""
    required: dict[str, list[str]] = field(default_factory=dict)
    """object -> properties that 2026-09 demands on create"""
    required_when: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """object -> {"property=value": [properties]} that 2026-09 demands on every write"""
    webhook_retries: list[float] = field(default_factory=lambda: list(_RETRIES))
    """Seconds of the sandbox's clock, give or take a quarter, before each new attempt of a delivery that failed."""
    webhook_delay: float = 0.0
    """Seconds of the sandbox's clock for which events are gathered before they are sent."""
    webhook_signature: str = "v1"
    """Version of the old signature header: v1 (CRM events) | v2 (workflows); v3 is always there."""
    webhook_association_object_id: bool = False
    """Whether associationChange events carry objectId beside both ends."""

    def change(self, wish: dict[str, Any]) -> None:
        """Set some; raises ControlError before anything is set."""
        known = {one.name: getattr(self, one.name) for one in fields(self)}
        for name, value in wish.items():
            if name not in known:
                raise ControlError(f"no switch {name!r}; known: {', '.join(known)}, stamp")
            if name in _CHOICES and value not in _CHOICES[name]:
                raise ControlError(f"{name} is one of: {', '.join(_CHOICES[name])}")
            wanted = (int, float) if isinstance(known[name], float) else type(known[name])
            if not isinstance(value, wanted) or (isinstance(value, bool) != isinstance(known[name], bool)):
                raise ControlError(f"{name} wants a value like {known[name]!r}")
            if name in _SHAPES and not _SHAPES[name](value):
                raise ControlError(f"{name} has another shape: see README.md of crmhub/sandbox/hubspot")
        for name, value in wish.items():
            setattr(self, name, value)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
