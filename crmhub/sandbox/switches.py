"""Switches of the whole sandbox, changed on the control port as those of the vendor `sandbox`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from crmhub.sandbox.vendor import ControlError

NATIVE_FIELDS = ("jobtitle", "city", "zip", "mobilephone")
"""What the native sync can copy, by the HubSpot name."""
_SHARES = ("webhook_lost", "webhook_repeated", "webhook_late")


@dataclass(slots=True)
class Switches:
    """Every switch with its value outside --hostile."""

    latency_ms: float = 0.0
    """Real time that every answer of a vendor takes; calls in parallel wait in parallel."""
    latency_jitter_ms: float = 0.0
    """Up to this much more or less, drawn from the seed."""
    skew_ms: dict[str, int] = field(default_factory=dict)
    """vendor -> how far its clock is ahead of the sandbox's (behind: negative)."""
    webhook_lost: float = 0.0
    """Share of webhooks that are never sent, though the vendor believes they were."""
    webhook_repeated: float = 0.0
    """Share of webhooks that are sent twice."""
    webhook_late: float = 0.0
    """Share of webhooks that wait up to `webhook_late_seconds`, so that later ones overtake them."""
    webhook_late_seconds: float = 30.0
    native_sync: bool = False
    """HubSpot and Salesforce copy a few fields of their linked people both ways."""
    native_sync_seconds: float = 300.0
    native_sync_fields: list[str] = field(default_factory=lambda: list(NATIVE_FIELDS))

    def change(self, wish: dict[str, Any], vendors: list[str]) -> dict[str, Any]:
        """Set some switches; -> all of them. Raises ControlError for unknown names and values that make no sense."""
        known = asdict(self)
        unknown = set(wish) - set(known)
        if unknown:
            raise ControlError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
        for name, value in wish.items():
            _check(name, value, known[name])
        for name in ("skew_ms",):
            strange = set(wish.get(name, {})) - set(vendors)
            if strange:
                raise ControlError(
                    f"{name} names no vendor: {', '.join(sorted(strange))}; there are {', '.join(vendors)}"
                )
        for name, value in wish.items():
            setattr(self, name, value)
        return {one.name: getattr(self, one.name) for one in fields(self)}


def _check(name: str, value: Any, now: Any) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(now, float):
        if not number or value < 0 or (name in _SHARES and value > 1):
            raise ControlError(f"{name} wants a number {'from 0 to 1' if name in _SHARES else 'of 0 or more'}")
    elif not isinstance(value, type(now)):
        raise ControlError(f"{name} wants a value like {now!r}")
    if name == "skew_ms" and not all(isinstance(one, int) and not isinstance(one, bool) for one in value.values()):
        raise ControlError("skew_ms wants {vendor: whole milliseconds}")
    if name == "native_sync_fields" and not set(value) <= set(NATIVE_FIELDS):
        raise ControlError(f"native_sync_fields knows: {', '.join(NATIVE_FIELDS)}")
