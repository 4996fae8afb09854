"""Association types between object types: HubSpot's own, and the labels that people of the portal made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crmhub.sandbox.deals import ROLES
from crmhub.sandbox.hubspot.kinds import LINKS, PRIMARY

_FIRST_LABEL = 101


@dataclass(slots=True)
class Label:
    """One direction of a label; the other one has the id `inverse`."""

    type_id: int
    name: str
    label: str
    inverse: int


class Labels:
    """Every association type of one portal."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], dict[int, Label]] = {}
        self._next = _FIRST_LABEL
        self._mirror: dict[int, int] = {}
        for (kind, to), (plain, primary) in LINKS.items():
            back_plain, back_primary = LINKS[to, kind]
            self._mirror[plain] = back_plain
            if primary:
                self._mirror[primary] = back_primary
        self.roles: dict[str, int] = {
            role: self.add("deals", "contacts", role.lower().replace(" ", "_"), role)[0].type_id for role in ROLES
        }
        """role of deals.ROLES -> its type id from deal to contact"""

    def add(self, kind: str, to: str, name: str, label: str, inverse: str = "") -> list[Label]:
        """A new label in both directions; without an inverse both are called the same."""
        number = self._next
        self._next += 2
        there, back = Label(number, name, label, number + 1), Label(number + 1, name, inverse or label, number)
        self._made.setdefault((kind, to), {})[there.type_id] = there
        self._made.setdefault((to, kind), {})[back.type_id] = back
        self._mirror |= {there.type_id: back.type_id, back.type_id: there.type_id}
        return [there, back]

    def drop(self, kind: str, to: str, type_id: int) -> None:
        label = self._made[kind, to].pop(type_id)
        self._made[to, kind].pop(label.inverse)

    def get(self, kind: str, to: str, type_id: int) -> Label | None:
        """A label of this direction."""
        return self._made.get((kind, to), {}).get(type_id)

    def named(self, kind: str, to: str, text: str) -> Label | None:
        """A label of this direction by its internal name or its wording."""
        made = self._made.get((kind, to), {}).values()
        return next((one for one in made if text in (one.name, one.label)), None)

    def mirror(self, type_id: int) -> int:
        """The same relation seen from the other side."""
        return self._mirror[type_id]

    def all(self, kind: str, to: str) -> list[dict[str, Any]]:
        """Every type of this direction as JSON, the primary one first."""
        plain, primary = LINKS[kind, to]
        made = self._made.get((kind, to), {})
        return [self.spec(one) for one in (*((primary,) if primary else ()), plain, *made)]

    def known(self, kind: str, to: str, type_id: int, category: str) -> bool:
        """Whether a written type is one of this direction and category (none given: any)."""
        if type_id in self._made.get((kind, to), {}):
            return category in ("USER_DEFINED", "")
        return type_id != 0 and type_id in LINKS[kind, to] and category in ("HUBSPOT_DEFINED", "")

    def spec(self, type_id: int) -> dict[str, Any]:
        """{category, typeId, label} of a type; plain ones have no label."""
        for made in self._made.values():
            if type_id in made:
                return {"category": "USER_DEFINED", "typeId": type_id, "label": made[type_id].label}
        return {
            "category": "HUBSPOT_DEFINED",
            "typeId": type_id,
            "label": "Primary" if type_id in PRIMARY else None,
        }

    def word(self, kind: str, to: str, type_id: int, singular: tuple[str, str]) -> str:
        """The v3 name of a type, such as contact_to_company; labels have their own name."""
        made = self.get(kind, to, type_id)
        if made is not None:
            return made.name
        word = f"{singular[0]}_to_{singular[1]}"
        return f"{word}_unlabeled" if LINKS[kind, to][1] and type_id not in PRIMARY else word
