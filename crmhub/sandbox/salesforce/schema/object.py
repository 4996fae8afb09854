"""One kind of record and its fields, looked up without regard to case as the vendor does."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from crmhub.sandbox.salesforce.schema.field import Field


@dataclass(frozen=True, slots=True)
class Child:
    """A parent-to-child relationship: `name` is what a subquery selects from."""

    name: str
    object: str
    field: str


@dataclass(slots=True)
class ObjectType:
    """`binned`: deletes go to the recycle bin; `tooling`: served below /tooling only; `setup`: no feeds."""

    name: str
    label: str
    plural: str
    prefix: str
    fields: dict[str, Field]
    children: tuple[Child, ...] = ()
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    binned: bool = True
    mergeable: bool = False
    replicateable: bool = True
    custom: bool = False
    tooling: bool = False
    activity: bool = False
    _by_lower: dict[str, Field] = field(default_factory=dict)
    _relations: dict[str, Field] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for item in self.fields.values():
            self._note(item)

    def _note(self, item: Field) -> None:
        self._by_lower[item.name.lower()] = item
        if item.relationship:
            self._relations[item.relationship.lower()] = item

    def field(self, name: str) -> Field | None:
        """The field of that name in any case."""
        return self._by_lower.get(name.lower())

    def relation(self, name: str) -> Field | None:
        """The reference field behind a parent relationship name in any case."""
        return self._relations.get(name.lower())

    def child(self, name: str) -> Child | None:
        """The child relationship of that name in any case."""
        return next((child for child in self.children if child.name.lower() == name.lower()), None)

    def add(self, item: Field) -> None:
        """A new custom field."""
        self.fields[item.name] = item
        self._note(item)

    def remove(self, name: str) -> None:
        """Takes a custom field away."""
        item = self.fields.pop(name)
        del self._by_lower[name.lower()]
        if item.relationship:
            del self._relations[item.relationship.lower()]


class Schema:
    """All objects of the org."""

    def __init__(self, objects: Iterable[ObjectType]) -> None:
        self._objects = {item.name.lower(): item for item in objects}
        self._prefixes = {item.prefix: item for item in self._objects.values() if item.prefix}

    def get(self, name: str) -> ObjectType | None:
        """The object of that name in any case."""
        return self._objects.get(name.lower())

    def by_prefix(self, prefix: str) -> ObjectType | None:
        """The object whose ids start so."""
        return self._prefixes.get(prefix)

    def __iter__(self) -> Iterator[ObjectType]:
        return iter(sorted(self._objects.values(), key=lambda item: item.name))
