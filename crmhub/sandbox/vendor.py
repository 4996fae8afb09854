"""What one simulated CRM offers to the process around it, and the list of those that exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.messages import Request, Response, Router
from crmhub.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Options:
    """Command line switches that concern vendors."""

    seed: int = 1
    limits: bool = True
    lag: float | None = None
    """Index lag in seconds; None: the vendor's own default."""
    hostile: bool = False
    """Everything of README's --hostile from the start."""
    faults: bool = False
    """Of it only the faults."""


class ControlError(ValueError):
    """A wish on the control port that cannot be followed; answered with 400 and this message."""


class Vendor(Protocol):
    """One CRM. Built anew by every reset; all methods are synchronous and run one at a time."""

    name: str
    router: Router

    def connection(self, base_url: str) -> dict[str, Any]:
        """This vendor's entry in the ready line: base_url and credentials."""

    def before(self, request: Request) -> Response | None:
        """Credentials, scopes, limits (`request.route` is set): an answer that ends the request, or None."""

    def after(self, request: Request, response: Response) -> None:
        """Add the headers that every answer carries."""

    def unmatched(self, request: Request, allowed: list[str]) -> Response:
        """No such path (allowed empty) or no such method."""

    def refuse(self, status: int, request: Request | None = None) -> Response:
        """This vendor's own body for an error status that a fault asks for."""

    def quota_full(self) -> Response:
        """This vendor's answer when the daily quota is used up."""

    def is_token_route(self, route: str) -> bool:
        """Whether the route hands out tokens (faults with status 401 leave those alone)."""

    def state(self) -> Iterable[dict[str, Any]]:
        """{object, id, fields, deleted, merged_into} of every record, in a fixed order."""

    def external_ids(self) -> Mapping[int, list[dict[str, str]]]:
        """person number -> [{object, id}] as seeded, duplicates included."""

    def edit(self, kind: str, remote_id: str, fields: dict[str, Any], actor: str) -> dict[str, Any]:
        """A person's edit in the CRM's own screens; -> the record as in `state`. Raises ControlError."""

    def delete(self, kind: str, remote_id: str) -> None:
        """A person's delete. Raises ControlError."""

    def act(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """What else a person does in the CRM's screens: delete, restore, merge, convert, add an option ...

        `body` is the wish without `vendor` and `action`; -> a JSON object. Raises ControlError, which names the
        actions there are when this one is unknown.
        """

    def settings(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Change switches; -> all switches with their values. Raises ControlError."""

    def least(self) -> dict[str, Any]:
        """The least possible number of calls per kind of work, from the documented page and batch sizes."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request that a vendor sends by itself: a webhook. Headers and signature are ready."""

    url: str
    headers: dict[str, str]
    body: bytes
    tag: Any = None
    """The vendor's own; comes back with the outcome."""


@runtime_checkable
class Sender(Protocol):
    """A vendor that sends webhooks. The server asks often, also when nobody calls and while the clock is pinned."""

    def due(self, now: int) -> list[Outgoing]:
        """What is to be sent by now, each handed out once; retries are handed out again when their time comes."""

    def delivered(self, outgoing: Outgoing, status: int) -> None:
        """How it ended: the receiver's HTTP status, 0 without an answer. Called once for each that was handed out."""


@runtime_checkable
class Limited(Protocol):
    """A vendor with limits per time, of which `GET /calls/pace` tells how much was used."""

    def rate_limits(self) -> list[dict[str, Any]]:
        """[{name, calls, window_ms, match: regex of `METHOD route`}], as they are set now."""


# In the order of the ready line. A vendor joins with one line.
VENDORS: dict[str, str] = {
    "hubspot": "crmhub.sandbox.hubspot.server:HubSpot",
    "salesforce": "crmhub.sandbox.salesforce.server:Salesforce",
}


def build(name: str, world: World, clock: Clock, options: Options) -> Vendor:
    """A fresh server of this vendor, seeded from the world."""
    module, _, attribute = VENDORS[name].partition(":")
    made: Vendor = getattr(import_module(module), attribute)(world, clock, options)
    return made
