"""Rules that make answers go wrong, added on the control port or by --hostile."""

from __future__ import annotations

import random
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from crmhub.sandbox.messages import Request

KINDS = {
    "status": "answer `status` without doing anything",
    "quota": "answer as if the daily quota were full",
    "slow": "do it, then answer after `seconds` (when: before = wait first, then do it)",
    "cut": "do it, then send only half of the body (close: true also cuts the connection)",
    "garbage": "do it, then answer 200 with a page of HTML",
    "drop_after_commit": "do it, then close the connection without an answer",
    "drop_before": "close the connection without doing anything",
    "duplicate": "repeat the last row of the answer's list",
    "replay": "do it twice, as when a proxy sends a request again",
}
_DEFAULTS: dict[str, Any] = {
    "status": 500,
    "seconds": 1.0,
    "when": "after",
    "retry_after": None,
    "body": None,
    "close": False,
    "times": None,
    "skip": 0,
    "probability": 1.0,
}


class FaultError(ValueError):
    """A rule that makes no sense; the message says why."""


@dataclass(slots=True)
class Rule:
    """One fault. `times` None means for ever; `skip` lets that many matching requests pass first."""

    id: int
    kind: str
    vendor: str = ""
    method: str = ""
    route: str = ""
    status: int = 500
    seconds: float = 1.0
    when: str = "after"
    retry_after: float | None = None
    body: Any = None
    close: bool = False
    times: int | None = None
    skip: int = 0
    probability: float = 1.0
    hits: int = 0
    pattern: re.Pattern[str] | None = field(default=None, repr=False)

    def fits(self, vendor: str, request: Request) -> bool:
        if (self.vendor and self.vendor != vendor) or (self.method and self.method != request.method):
            return False
        if self.pattern is None:
            return True
        return bool(self.pattern.match(request.route) or self.pattern.match(request.path))

    def as_json(self) -> dict[str, Any]:
        row = asdict(self)
        del row["pattern"]
        row["match"] = {"method": row.pop("method"), "route": row.pop("route")}
        return row


class Faults:
    """The rules in force; the first that fits a request and is not used up decides."""

    def __init__(self, seed: int, hostile: bool = False) -> None:
        self._seed = seed
        self._hostile = hostile
        self._rules: list[Rule] = []
        self._next = 1
        self._dice = random.Random(seed)
        self.reset()

    def reset(self) -> None:
        """Back to the start: only the rules of --hostile, and the same dice."""
        self._rules = []
        self._next = 1
        self._dice = random.Random(self._seed)
        for wish in HOSTILE if self._hostile else ():
            self.add(wish)

    def clear(self) -> None:
        self._rules = []

    def rules(self) -> list[dict[str, Any]]:
        return [rule.as_json() for rule in self._rules]

    def add(self, wish: dict[str, Any]) -> Rule:
        """Add a rule (shape: sandbox/README.md). Raises FaultError."""
        kind = wish.get("kind", "status")
        if kind == "dead":
            kind, wish = "drop_before", {**wish, "kind": "drop_before", "times": None}
        if kind not in KINDS:
            raise FaultError(f"kind {kind!r} is none of: {', '.join(KINDS)}, dead")
        match = wish.get("match") or {}
        unknown = (set(wish) - {"kind", "vendor", "match", *_DEFAULTS}) | (set(match) - {"method", "route"})
        if unknown:
            raise FaultError("unknown keys: " + ", ".join(sorted(unknown)))
        route = str(match.get("route", ""))
        try:
            pattern = re.compile(_as_regex(route)) if route else None
        except re.error as problem:
            raise FaultError(f"match.route is neither a prefix nor a regular expression: {problem}") from problem
        values = {key: wish.get(key, default) for key, default in _DEFAULTS.items()}
        rule = Rule(
            id=self._next,
            kind=kind,
            vendor=wish.get("vendor", ""),
            method=str(match.get("method", "")).upper(),
            route=route,
            pattern=pattern,
            **values,
        )
        self._next += 1
        self._rules.append(rule)
        return rule

    def pick(self, vendor: str, request: Request, token_route: bool) -> Rule | None:
        """The fault for this request, counted against its rule."""
        for rule in self._rules:
            if not rule.fits(vendor, request) or rule.times == 0:
                continue
            if rule.kind == "status" and rule.status == 401 and token_route and not rule.route:
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            if rule.probability < 1.0 and self._dice.random() >= rule.probability:
                continue
            if rule.times is not None:
                rule.times -= 1
            rule.hits += 1
            return rule
        return None


def _as_regex(route: str) -> str:
    """A route with regex signs beyond a template's braces is a regex; everything else is a prefix."""
    return route if re.search(r"[\\^$*+?|()\[\]]", route) else re.escape(route)


HOSTILE: list[dict[str, Any]] = [
    {"kind": "status", "status": 429, "retry_after": 1, "probability": 0.01},
    {"kind": "status", "status": 429, "probability": 0.005},
    {"kind": "status", "status": 503, "probability": 0.01},
    {"kind": "status", "status": 502, "probability": 0.005},
    {"kind": "slow", "seconds": 0.4, "probability": 0.01},
    {"kind": "cut", "probability": 0.01},
    {"kind": "garbage", "probability": 0.003, "match": {"method": "GET"}},
    {"kind": "drop_after_commit", "probability": 0.005},
    {"kind": "drop_before", "probability": 0.005},
    {"kind": "duplicate", "probability": 0.02, "match": {"method": "GET"}},
    {"kind": "duplicate", "probability": 0.02, "match": {"method": "POST", "route": r".*/search$"}},
    {"kind": "replay", "probability": 0.01, "match": {"method": "PATCH"}},
]
