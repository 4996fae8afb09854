"""Connector kinds: dotted paths, imported only when a connection of that kind is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, cast

from connectors.contract import Connector, Surroundings

#: entry points of this group register third-party connectors: name = kind, object = module path of its package
ENTRY_POINT_GROUP = "crmhub.connectors"


@dataclass(frozen=True, slots=True)
class Kind:
    """One CRM product. `package` holds `config.py` (Settings) and `connector.py` (build)."""

    name: str
    label: str
    package: str
    extra: str | None = None  # the pip extra to install when an import fails

    def settings(self) -> type[Any]:
        """The msgspec struct of this kind's keys under [connections.NAME]."""
        return cast("type[Any]", self._load("config").Settings)

    def build(self, settings: Any, surroundings: Surroundings) -> Connector:
        """A connector for one connection."""
        make = cast("Callable[[Any, Surroundings], Connector]", self._load("connector").build)
        return make(settings, surroundings)

    def _load(self, module: str) -> Any:
        try:
            return import_module(f"{self.package}.{module}")
        except ModuleNotFoundError as e:
            if self.extra and not (e.name or "").startswith(self.package):
                raise ModuleNotFoundError(
                    f"connector {self.name!r} needs {e.name!r}; install it with: pip install 'crmhub[{self.extra}]'",
                    name=e.name,
                ) from e
            raise


BUILT_IN = (
    Kind("hubspot", "HubSpot", "connectors.hubspot"),
    Kind("salesforce", "Salesforce", "connectors.salesforce"),
)


def kinds() -> dict[str, Kind]:
    """All known kinds; a third party cannot replace a built-in one."""
    found = {e.name: Kind(e.name, e.name.capitalize(), e.value) for e in entry_points(group=ENTRY_POINT_GROUP)}
    found.update({k.name: k for k in BUILT_IN})
    return found
