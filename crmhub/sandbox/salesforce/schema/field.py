"""One field of an object: what describe says of it, and what writing it allows."""

from collections.abc import Callable
from dataclasses import dataclass, replace

Value = None | bool | int | float | str
"""A stored value: datetime as integer milliseconds UTC, date as ISO text, reference as 18-character id."""

Compute = Callable[[dict[str, Value]], Value]
"""The value of a formula, roll-up or borrowed field, worked out of the row whenever it is read."""

TEXT_TYPES = frozenset({"string", "textarea", "picklist", "multipicklist", "email", "phone", "url", "combobox"})
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent", "long"})


@dataclass(frozen=True, slots=True)
class Option:
    """A picklist value: `value` is stored, `label` is shown; people cannot choose an inactive one any more."""

    value: str
    label: str
    default: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Compared by identity: an org has one object per field.

    `createable` and `updateable` are the vendor's words; `components` names an address field's prefix;
    `compute` is set once the org is there, and then nothing is stored.
    """

    name: str
    type: str
    label: str
    length: int = 0
    createable: bool = True
    updateable: bool = True
    nillable: bool = True
    default: Value = None
    options: tuple[Option, ...] = ()
    restricted: bool = False
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    custom: bool = False
    unique: bool = False
    external_id: bool = False
    case_sensitive: bool = False
    id_lookup: bool = False
    calculated: bool = False
    filterable: bool = True
    sortable: bool = True
    permissionable: bool = True
    precision: int = 0
    scale: int = 0
    name_field: bool = False
    components: str | None = None
    visible_lines: int = 0
    description: str | None = None
    formula: str | None = None
    compute: Compute | None = None

    def of(self, row: dict[str, Value]) -> Value:
        """The value in a row; a missing key is null, or false for a checkbox."""
        value = row.get(self.name) if self.compute is None else self.compute(row)
        return False if value is None and self.type == "boolean" else value

    @property
    def required(self) -> bool:
        """Must be given on create: not nillable, writable, and nothing fills it in."""
        return not self.nillable and self.createable and self.default is None and self.type != "boolean"

    @property
    def polymorphic(self) -> bool:
        """A reference to more than one kind of object."""
        return len(self.reference_to) > 1


def text(name: str, label: str, length: int = 255, **more: object) -> Field:
    """A line of text."""
    return _make(name, "string", label, length=length, **more)


def area(name: str, label: str, length: int = 32_000, **more: object) -> Field:
    """Long text; the vendor neither filters nor sorts by it."""
    long = length > 255
    return _make(name, "textarea", label, length=length, filterable=not long, sortable=not long, **more)


def email(name: str, label: str, **more: object) -> Field:
    """A checked e-mail address."""
    return _make(name, "email", label, **{"length": 80, "id_lookup": True, **more})


def phone(name: str, label: str) -> Field:
    """Free text, 40 characters."""
    return Field(name, "phone", label, length=40)


def flag(name: str, label: str, **more: object) -> Field:
    """True or false, never null."""
    return _make(name, "boolean", label, nillable=False, default=False, **more)


def number(name: str, label: str, kind: str = "int", precision: int = 18, scale: int = 0, **more: object) -> Field:
    """int, double, currency or percent."""
    return _make(name, kind, label, precision=precision, scale=scale, **more)


def moment(name: str, label: str, **more: object) -> Field:
    """A datetime."""
    return _make(name, "datetime", label, **more)


def day(name: str, label: str, **more: object) -> Field:
    """A date."""
    return _make(name, "date", label, **more)


def picklist(name: str, label: str, values: str, *, restricted: bool = False, **more: object) -> Field:
    """`values` are separated by `|`; a leading `*` marks the default."""
    options = []
    for item in values.split("|"):
        value = item.removeprefix("*")
        options.append(Option(value, value, item.startswith("*")))
    return _make(name, "picklist", label, length=255, options=tuple(options), restricted=restricted, **more)


def reference(name: str, label: str, to: str, relationship: str | None = None, **more: object) -> Field:
    """`to` lists objects separated by blanks; the relationship name defaults to the field's without Id."""
    relationship = relationship or name.removesuffix("Id")
    return _make(name, "reference", label, length=18, reference_to=tuple(to.split()), relationship=relationship, **more)


def address(name: str, label: str, prefix: str) -> Field:
    """A compound address, read-only and built from the component fields."""
    return Field(
        name,
        "address",
        label,
        createable=False,
        updateable=False,
        sortable=False,
        filterable=True,
        components=prefix,
    )


def read_only(field: Field) -> Field:
    """The same field, kept by the system."""
    return replace(field, createable=False, updateable=False, permissionable=False)


def computed(field: Field) -> Field:
    """The same field, worked out when read."""
    return replace(field, createable=False, updateable=False, calculated=True)


def _make(name: str, kind: str, label: str, **more: object) -> Field:
    return Field(name, kind, label, **more)  # type: ignore[arg-type]  # keywords are Field's own, checked at import
