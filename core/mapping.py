"""Mapping tables: a remote row -> canonical values, and back. Tables only: rename, type, option table, constant.

Two layers. The shipped `mappings/<kind>.toml` says what the hub knows of a CRM: its streams, how its activities read,
what its usual fields are called. The user's `mapping.toml` says which fields are synced: a field without a block there
is neither pulled nor pushed. Nothing here touches a file: texts come in as parameters.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from core.config_report import Report
from core.errors import ConfigProblem
from core.mapping_activity import activity_facts, activity_fields, owner_facts, owner_fields
from core.mapping_shipped import read_shipped
from core.mapping_structs import (
    ActivityFacts,
    FieldRule,
    OwnerFacts,
    Reader,
    Schemas,
    Shipped,
    StreamMap,
    Target,
    Unwritable,
)
from core.mapping_user import read_user
from core.mapping_values import bind, reader
from core.model import FIELDS, MOST_RESTRICTIVE_FIELDS, Field, Value, Wins
from core.values import money, normal

__all__ = ["ActivityFacts", "Mapping", "OwnerFacts", "StreamMap", "Target", "Unwritable", "load_mapping"]

#: (canonical name, remote name, how to read it, is an owner id)
_Slot = tuple[str, str, Reader, bool]


@dataclass(frozen=True, eq=False)
class Mapping:
    """All tables of a configuration. Immutable; `hash` changes exactly when what the tables say changes."""

    file: str
    hash: str
    connections: abc.Mapping[str, str]  # name -> kind
    shipped: abc.Mapping[str, Shipped]  # kind -> what the hub knows of it
    rules: abc.Mapping[str, FieldRule]  # canonical name -> its block
    all_streams: abc.Mapping[str, abc.Mapping[str, StreamMap]]  # connection -> stream -> map
    all_fields: abc.Mapping[tuple[str, str], tuple[Target, ...]]  # (connection, stream) -> its fields
    _slots: abc.Mapping[tuple[str, str], tuple[_Slot, ...]]

    # -------------------------------------------------------------------------------------------- fields

    def field(self, name: str) -> Field:
        """The canonical field, standard or declared in mapping.toml. KeyError when there is none."""
        rule = self.rules.get(name)
        return rule.field if rule is not None else FIELDS[name]

    @property
    def custom_fields(self) -> dict[str, Field]:
        """The user's own fields by name."""
        return {name: rule.field for name, rule in self.rules.items() if name not in FIELDS}

    def wins(self, name: str) -> Wins | tuple[str, ...]:
        """Merge policy: a list of connections in order, or a word. Absent = "latest"."""
        if name in MOST_RESTRICTIVE_FIELDS:
            return "most_restrictive"
        rule = self.rules.get(name)
        return rule.wins if rule is not None else "latest"

    def same(self, name: str, a: Value, b: Value, region: str = "") -> bool:
        """Whether two canonical values are one fact (compared in normal form; blanks are equal).

        A value that is not what its type promises has no normal form; it is compared as it stands, and is not blank.
        """
        if a == b:
            return True
        if a is None or b is None:
            return False
        kind = self.field(name).type
        x, y = normal(kind, a, region=region), normal(kind, b, region=region)
        return x == y if x is not None and y is not None else False

    # -------------------------------------------------------------------------------------------- streams

    def streams(self, connection: str) -> tuple[StreamMap, ...]:
        """Every stream that the shipped mapping of this connection's kind knows."""
        return tuple(self.all_streams.get(connection, {}).values())

    def stream(self, connection: str, stream: str) -> StreamMap:
        """One stream. KeyError when the shipped mapping does not know it."""
        return self.all_streams[connection][stream]

    def remote_fields(self, connection: str, stream: str) -> tuple[str, ...]:
        """Remote names to ask a pull for: mapped fields, cross-ids, activity and owner fields, and pushed targets.

        Pushed targets that the CRM does not have yet (`create = true`) are in it: intersect with `describe`.
        """
        spec = self.stream(connection, stream)
        names = [t.remote for t in self.fields(connection, stream)]
        names += [c.remote for c in spec.cross_ids]
        if spec.activity is not None:
            names += activity_fields(spec.activity)
        if spec.owner is not None:
            names += owner_fields(spec.owner)
        return tuple(dict.fromkeys(names))

    def fields(self, connection: str, stream: str) -> tuple[Target, ...]:
        """Every mapped field of the stream, whatever its direction."""
        return self.all_fields.get((connection, stream), ())

    def targets(self, connection: str, stream: str) -> tuple[Target, ...]:
        """The fields that the hub may write: direction push or both."""
        return tuple(t for t in self.fields(connection, stream) if t.pushed)

    def bound(self, schemas: Schemas) -> Mapping:
        """The same mapping, its targets told what the live schema says (type, length, closed option lists)."""
        known = {key: {f.name: f for f in fields} for key, fields in schemas.items()}
        fields = {
            key: tuple(bind(t, known.get(key, {}).get(t.remote)) for t in targets)
            for key, targets in self.all_fields.items()
        }
        return replace(self, all_fields=fields)

    # -------------------------------------------------------------------------------------------- rows

    def canonical(
        self,
        connection: str,
        stream: str,
        values: abc.Mapping[str, Value],
        owners: abc.Mapping[str, str] | None = None,
    ) -> dict[str, Value]:
        """Canonical values of a row, from the fields that are pulled.

        A remote field missing from `values` is absent from the result; a blank one is None. Numbers are int or float,
        dates ISO text, date-times ms UTC, options in canonical words, everything else text as written; the amount of a
        deal in minor units of its currency.
        `owners`: remote owner id -> e-mail; an unknown id (a queue) reads as None. Without it owners are absent.
        """
        result: dict[str, Value] = {}
        for name, remote, read, owner in self._slots.get((connection, stream), ()):
            if remote not in values:
                continue
            value = read(values[remote])
            if owner:
                if owners is None:
                    continue
                value = None if value is None else owners.get(str(value))
            result[name] = _or(result.get(name), value) if name in MOST_RESTRICTIVE_FIELDS else value
        if "deal_amount" in result:
            result["deal_amount"] = _in_minor_units(result["deal_amount"], result.get("deal_currency"))
        return result

    def activity(self, connection: str, stream: str, values: abc.Mapping[str, Value]) -> ActivityFacts | None:
        """The row in the fixed vocabulary; None when it is no activity of ours (mass mail, another kind)."""
        rules = self.stream(connection, stream).activity
        return None if rules is None else activity_facts(rules, values)

    def owner(self, connection: str, stream: str, values: abc.Mapping[str, Value]) -> OwnerFacts | None:
        """The row as a rep or queue; None when the stream holds none."""
        rules = self.stream(connection, stream).owner
        return None if rules is None else owner_facts(rules, values)


def _or(first: Value, second: Value) -> Value:
    """Consent kept in two fields of one record: any yes counts, then any no."""
    if first is True or second is True:
        return True
    return second if first is None else first


def _in_minor_units(amount: Value, currency: Value) -> int | None:
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        return None  # no number: nothing to reckon with
    return money.minor(amount, None if currency is None else str(currency))


def load_mapping(
    user_text: str, user_file: str, shipped: abc.Mapping[str, str], connections: abc.Mapping[str, str]
) -> tuple[Mapping | None, list[ConfigProblem]]:
    """Read mapping.toml against the shipped mappings.

    `shipped`: kind -> text of mappings/<kind>.toml; `connections`: name -> kind. All problems at once; the mapping is
    None when one of them is fatal.
    """
    known: dict[str, Shipped] = {}
    problems: list[ConfigProblem] = []
    for kind in dict.fromkeys(connections.values()):
        text = shipped.get(kind)
        if text is None:
            problems.append(_no_mapping(user_file, kind, shipped))
            continue
        read, found = read_shipped(kind, text)
        problems += found
        if read is not None:
            known[kind] = read
    if problems:
        return None, problems
    report = Report.of(user_file, user_text)
    user = read_user(report, known, connections)
    problems = sorted(report.problems, key=lambda p: p.line)
    if user is None or report.fatal:
        return None, problems
    slots = {
        key: tuple((t.field.name, t.remote, reader(t), t.owner) for t in targets if t.pulled)
        for key, targets in user.fields.items()
    }
    mapping = Mapping(
        file=user_file,
        hash=user.hash,
        connections=dict(connections),
        shipped=known,
        rules=user.rules,
        all_streams=user.streams,
        all_fields=user.fields,
        _slots=slots,
    )
    return mapping, problems


def _no_mapping(file: str, kind: str, shipped: abc.Mapping[str, str]) -> ConfigProblem:
    return ConfigProblem(
        file,
        0,
        "",
        f"there is no mapping for the kind {kind!r}",
        f"known kinds: {', '.join(sorted(shipped))}",
    )
