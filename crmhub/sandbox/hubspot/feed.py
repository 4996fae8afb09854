"""What happens to records, told to whoever listens: automations of the portal, and its webhooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from crmhub.sandbox.hubspot.records import Actor


class Happening(NamedTuple):
    """One event. `facts` by verb: propertyChange {name, value}; merge {primary, merged, new, moved};
    associationChange {to, target, types, removed, primary}; the others none.
    """

    verb: str
    """creation | deletion | privacyDeletion | restore | merge | propertyChange | associationChange"""
    kind: str
    """Name of the object type, such as contacts."""
    number: int
    at: int
    actor: Actor
    facts: dict[str, Any]


Listener = Callable[[Happening], None]


class Feed:
    """Tells every listener of every event, in the order in which things happen."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def tell(self, happening: Happening) -> None:
        for listener in self._listeners:
            listener(happening)
