"""Reading `mappings/<kind>.toml`: what the hub knows of a CRM. A connector author writes such a file.

kind, label, form = "strings" | "native"      how values travel: HubSpot sends "17", Salesforce 17
[streams.NAME]      entity, alias (the word used as key below), order, key (unique field for creates), cross_ids
[streams.NAME.activity]  and  [streams.NAME.owner]      how rows read, see the structs here
[fields.CANONICAL]  ALIAS = "remote name"; owner = true for owner ids; pull_only = true: never suggest writing;
                    scale = 100: the number counts in hundredths of ours (a share of 1 read as percent)
[targets.CANONICAL] the same for what the hub decides
[options.CANONICAL] canonical = "remote" | ["first is written", ...] | false
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from core.config_decode import decode
from core.config_report import Report, choose
from core.errors import ConfigProblem
from core.mapping_activity import name_words
from core.mapping_structs import (
    ActivityRules,
    CrossId,
    Form,
    OwnerRules,
    Shipped,
    StreamEntity,
    StreamMap,
)
from core.model import FIELDS, ActivityKind
from core.toml_lines import Path

Names = str | tuple[str, ...]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Rule(_Table, frozen=True, kw_only=True):
    """The rule holds when `field` has one of `values`."""

    field: str
    values: tuple[str, ...]


class KindTable(_Table, frozen=True, kw_only=True):
    """The kind by the value of a field; false = such a row is no activity."""

    field: str
    table: dict[str, ActivityKind | bool]


class Words(_Table, frozen=True, kw_only=True):
    """The kind when a name holds one of these words or phrases, whatever their case and accents."""

    kind: ActivityKind
    words: tuple[str, ...]


class WordTable(_Table, frozen=True, kw_only=True):
    """Names are tried in the order of `fields`, rules from top to bottom."""

    fields: tuple[str, ...]
    rules: tuple[Words, ...]


class NeverWords(_Table, frozen=True, kw_only=True):
    """A name with one of these words tells that it did not take place."""

    fields: tuple[str, ...]
    words: tuple[str, ...]


class Translated(_Table, frozen=True, kw_only=True):
    """A field whose values are put into our words; others pass as they are."""

    field: str
    table: dict[str, str] = {}


class DirectionTable(_Table, frozen=True, kw_only=True):
    field: str
    table: dict[str, Literal["in", "out"]]


class ActivityTable(_Table, frozen=True, kw_only=True):
    """[streams.X.activity]. `kind` holds when neither `kinds` nor `words` decides; false = no activity."""

    kind: ActivityKind | bool
    occurred_at: Names
    kinds: KindTable | None = None
    words: WordTable | None = None
    completed: Rule | None = None
    never: Rule | None = None
    never_words: NeverWords | None = None
    ends_at: str | None = None
    title: Names = ()
    direction: DirectionTable | None = None
    outcome: Translated | None = None
    owner: str | None = None
    email: str | None = None


class QueueRule(_Table, frozen=True, kw_only=True):
    field: str
    value: str


class OwnerTable(_Table, frozen=True, kw_only=True):
    """[streams.X.owner]. `queue`: true, false or the field and value that tell."""

    name: Names
    email: str | None = None
    active: str | None = None
    inactive: str | None = None
    queue: bool | QueueRule = False


class StreamTable(_Table, frozen=True, kw_only=True):
    entity: StreamEntity
    alias: str
    order: int = 0
    key: str | None = None
    cross_ids: dict[str, str] = {}
    activity: ActivityTable | None = None
    owner: OwnerTable | None = None


class File(_Table, frozen=True, kw_only=True):
    """The whole file; fields, targets and options are read apart."""

    kind: str
    label: str
    form: Form
    streams: dict[str, StreamTable]


def read_shipped(kind: str, text: str) -> tuple[Shipped | None, list[ConfigProblem]]:
    """What the file of `kind` says, or its problems."""
    report = Report.of(f"mappings/{kind}.toml", text)
    if report.fatal:
        return None, report.problems
    file = decode(File, report.data, (), report, also=("fields", "targets", "options"))
    if file is None:
        return None, report.problems
    if file.kind != kind:
        report.add(("kind",), f"says {file.kind!r} in the file of {kind!r}", f'write kind = "{kind}"')
    aliases = {s.alias: s.entity for s in file.streams.values()}
    fields = _Fields(report, aliases)
    shipped = Shipped(
        kind=kind,
        label=file.label,
        form=file.form,
        streams={name: _stream(kind, name, one, report) for name, one in file.streams.items()},
        fields=fields.names,
        also=fields.also,
        owner_fields=frozenset(fields.owners),
        options=_options(report),
        pull_only=frozenset(fields.pull_only),
        scales=fields.scales,
    )
    return (None if report.fatal else shipped), report.problems


class _Fields:
    """[fields] and [targets]."""

    def __init__(self, report: Report, aliases: Mapping[str, StreamEntity]) -> None:
        self.report, self.aliases = report, aliases
        self.names: dict[str, dict[str, str]] = {}
        self.also: dict[str, dict[str, tuple[str, ...]]] = {}
        self.owners: set[str] = set()
        self.pull_only: set[str] = set()
        self.scales: dict[str, int | float] = {}
        for section in ("fields", "targets"):
            for name, table in report.data.get(section, {}).items():
                self._block(section, name, table)

    def _block(self, section: str, name: str, table: Any) -> None:
        decision = section == "targets"
        if name not in FIELDS or FIELDS[name].decision != decision:
            known = [f.name for f in FIELDS.values() if f.decision == decision]
            self.report.add((section, name), "unknown canonical field", choose(name, known))
            return
        if not isinstance(table, dict):
            self.report.add((section, name), "must be a table", f"write it as [{section}.{name}]")
            return
        self.names[name] = {}
        for key, value in table.items():
            if key == "owner" and value is True:
                self.owners.add(name)
            elif key == "pull_only" and value is True:
                self.pull_only.add(name)
            elif key == "scale" and is_scale(value) and FIELDS[name].type == "number":
                self.scales[name] = value
            else:
                self._alias(section, name, key, value)

    def _alias(self, section: str, name: str, key: str, value: Any) -> None:
        entity, alias = FIELDS[name].entity, key.removesuffix("_also")
        if self.aliases.get(alias) == entity and isinstance(value, str) and alias == key:
            self.names[name][alias] = value
        elif self.aliases.get(alias) == entity and isinstance(value, list) and alias != key:
            self.also.setdefault(name, {})[alias] = tuple(str(v) for v in value)
        else:
            fit = [a for a, e in self.aliases.items() if e == entity]
            self.report.add((section, name, key), "no stream of this entity has this alias", choose(key, fit))


def is_scale(value: object) -> bool:
    """Whether a number can be multiplied by this and still tell what it was."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9


def _options(report: Report) -> dict[str, dict[str, tuple[str, ...]]]:
    tables: dict[str, dict[str, tuple[str, ...]]] = {}
    given = report.data.get("options", {})
    for name, table in given.items():
        source = given.get(table) if isinstance(table, str) else table
        found = option_values(report, ("options", name), source)
        if found is not None:
            tables[name] = found
    return tables


def option_values(report: Report, path: Path, table: object) -> dict[str, tuple[str, ...]] | None:
    """`canonical = "remote" | [...] | false` as canonical -> remote values; () for false."""
    if not isinstance(table, dict):
        report.add(path, "must be a table", 'write canonical = "remote value" below its header')
        return None
    result: dict[str, tuple[str, ...]] = {}
    for canonical, value in table.items():
        remotes = _remotes(value)
        if remotes is None:
            report.add(
                (*path, canonical),
                "must be a remote value in quotes, a list of them, or false",
                'write "VALUE", ["VALUE", "OTHER"], or false when it is not written',
            )
        else:
            result[canonical] = remotes
    return result


def _remotes(value: Any) -> tuple[str, ...] | None:
    if value is False:
        return ()
    if isinstance(value, str) and value:
        return (value,)
    if isinstance(value, list) and value and all(isinstance(v, str) and v for v in value):
        return tuple(value)
    return None


def _stream(kind: str, name: str, table: StreamTable, report: Report) -> StreamMap:
    cross: list[CrossId] = []
    for remote, other in table.cross_ids.items():
        other_kind, _, other_stream = other.partition(".")
        if not other_stream:
            path = ("streams", name, "cross_ids", remote)
            report.add(path, "must name a kind and a stream", 'write it as "salesforce.contacts"')
        cross.append(CrossId(remote, other_kind, other_stream, ()))
    return StreamMap(
        name=name,
        connection="",
        kind=kind,
        entity=table.entity,
        alias=table.alias,
        order=table.order,
        key_field=table.key,
        cross_ids=tuple(cross),
        activity=None if table.activity is None else _activity(table.activity),
        owner=None if table.owner is None else _owner(table.owner),
    )


def _activity(table: ActivityTable) -> ActivityRules:
    kinds, words = table.kinds, table.words
    return ActivityRules(
        kind=_activity_kind(table.kind),
        kind_field=kinds.field if kinds else None,
        kind_table={value: _activity_kind(k) for value, k in kinds.table.items()} if kinds else {},
        words_fields=words.fields if words else (),
        words=tuple((r.kind, tuple(name_words(w) for w in r.words)) for r in words.rules) if words else (),
        occurred_at=_names(table.occurred_at),
        ends_at=table.ends_at,
        completed=_rule(table.completed),
        never=_rule(table.never),
        never_fields=table.never_words.fields if table.never_words else (),
        never_words=tuple(name_words(w) for w in table.never_words.words) if table.never_words else (),
        title=_names(table.title),
        direction=(table.direction.field, table.direction.table) if table.direction else None,
        outcome=(table.outcome.field, table.outcome.table) if table.outcome else None,
        owner=table.owner,
        email=table.email,
    )


def _activity_kind(kind: ActivityKind | bool) -> ActivityKind | None:
    return kind if isinstance(kind, ActivityKind) else None


def _owner(table: OwnerTable) -> OwnerRules:
    queue = table.queue if isinstance(table.queue, bool) else (table.queue.field, table.queue.value)
    return OwnerRules(table.email, _names(table.name), table.active, table.inactive, queue)


def _rule(rule: Rule | None) -> tuple[str, frozenset[str]] | None:
    return None if rule is None else (rule.field, frozenset(rule.values))


def _names(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names
