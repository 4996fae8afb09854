"""Reading the user's mapping.toml: one block per field, all connections side by side.

    [fields.X]            wins = "latest" | "hub" | "ask" | "most_restrictive" | "max" | "union" | ["connection", ...]
    CONNECTION = { field = "remote" }                        in every stream of the field's entity
    CONNECTION = { contact = "Title", lead = "Title" }       stream by stream; {} = the usual names
      direction = "pull" | "push" | "both"    absent = pull
      write = "always" | "if_blank"    create = true: check --create-fields makes it    lossy = true: see below
    CONNECTION = [{...}, {...}]           the same field in two remote fields
    type, entity, label                   declare a field of your own
    [options.X.CONNECTION]                canonical = "remote" | ["first is written", ...] | false (not written)
                                          "" = [...]: remote values that say nothing, read as blank

A table in [options] replaces the shipped one of that connection. It belongs to the field as named here; the hub's own
crmhub_* fields keep their canonical words when the connection maps another remote field beside them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, get_args

import msgspec

from core.config_decode import decode
from core.config_report import Report, choose
from core.mapping_shipped import option_values
from core.mapping_structs import (
    Direction,
    FieldRule,
    OptionTable,
    Shipped,
    StreamMap,
    Target,
    Write,
)
from core.model import FIELDS, MOST_RESTRICTIVE_FIELDS, Band, Entity, Field, FieldType, Stage, Wins
from core.toml_lines import Path, dotted

_OWN_KEYS = ("wins", "type", "entity", "label")
_STANDARD_KEYS = ("wins", "label")
#: fields with a closed canonical vocabulary: the words that a table may list
VOCABULARY: dict[str, tuple[str, ...]] = {
    "stage": tuple(s.value for s in Stage),
    "band": tuple(b.value for b in Band),
    "crm_stage": tuple(s.value for s in Stage),
}
#: ... and must: what the hub decides is never written by guess
COMPLETE = frozenset({"stage", "band"})


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an inline table may say beside the aliases of its streams."""

    field: str | None = None
    direction: Direction | None = None
    write: Write = "always"
    create: bool = False
    lossy: bool = False


@dataclass(frozen=True)
class User:
    """mapping.toml, read."""

    hash: str
    rules: dict[str, FieldRule]
    streams: dict[str, dict[str, StreamMap]]
    fields: dict[tuple[str, str], tuple[Target, ...]]


def read_user(report: Report, shipped: Mapping[str, Shipped], connections: Mapping[str, str]) -> User | None:
    """Everything that the file says; problems go to `report`."""
    if report.fatal:
        return None
    return _Reader(report, shipped, connections).read()


class _Reader:
    def __init__(self, report: Report, shipped: Mapping[str, Shipped], connections: Mapping[str, str]) -> None:
        self.report = report
        self.shipped = shipped
        self.connections = connections
        self.rules: dict[str, FieldRule] = {}
        self.targets: dict[tuple[str, str], list[Target]] = {}
        self.options: dict[tuple[str, str], OptionTable] = {}
        self.used: set[tuple[str, str]] = set()

    def read(self) -> User:
        data = self.report.data
        for key in data:
            if key not in ("fields", "options"):
                self.report.add((key,), "unknown table", choose(key, ("fields", "options")))
        blocks = self._tables(data, "fields")
        for name, block in blocks.items():
            self._rule(name, block)
        self._read_options(self._tables(data, "options"))
        for name in self.rules:
            for connection in self.connections:
                if connection in blocks[name] and blocks[name][connection] is not False:
                    self._connection(name, connection, blocks[name][connection])
        for name, connection in self.options:
            if (name, connection) not in self.used:
                path = ("options", name, connection)
                text = f"{connection} does not map the field {name}"
                self.report.add(path, text, f"add {connection} = {{ ... }} to [fields.{name}], or remove the table")
        self._require_email()
        return User(self._hash(), self.rules, self._streams(), {k: tuple(v) for k, v in self.targets.items()})

    def _tables(self, data: Mapping[str, Any], section: str) -> dict[str, dict[str, Any]]:
        """The sub-tables of a section; what is no table is reported."""
        found = data.get(section, {})
        if not isinstance(found, dict):
            self.report.add((section,), "must be a table", f"write [{section}.NAME] headers")
            return {}
        tables = {}
        for name, block in found.items():
            if isinstance(block, dict):
                tables[name] = block
            else:
                self.report.add((section, name), "must be a table", f"write it as [{section}.{name}]")
        return tables

    # -------------------------------------------------------------------------------------------- blocks

    def _rule(self, name: str, block: dict[str, Any]) -> None:
        path: Path = ("fields", name)
        field = FIELDS.get(name)
        own = field is None
        if field is None:
            field = self._own_field(name, block, path)
            if field is None:
                return
        known = _OWN_KEYS if own else _STANDARD_KEYS
        for key in block:
            if key in known or key in self.connections:
                continue
            if key in _OWN_KEYS:
                text = f"{name} is a standard field, its {key} is fixed"
                self.report.add((*path, key), text, f"remove {key}, or declare a field under another name")
                continue
            what = "unknown connection or key"
            self.report.add((*path, key), what, choose(key, (*self.connections, *known)))
        label = block.get("label", field.label)
        if isinstance(label, str):
            field = replace(field, label=label)
        self.rules[name] = FieldRule(field, self._wins(name, block, path), self.report.lines.line(path))

    def _own_field(self, name: str, block: dict[str, Any], path: Path) -> Field | None:
        kinds, entities = get_args(FieldType), get_args(Entity)
        kind, entity = block.get("type"), block.get("entity", "person")
        if kind is None:
            text = "is no standard field, and a field of your own needs a type"
            near = choose(name, FIELDS) if len(FIELDS) else ""
            remedy = f'{near} Otherwise add type = "text"' if near.startswith("did") else 'add type = "text" (or ...)'
            self.report.add(path, text, remedy.replace("(or ...)", f"(or {', '.join(kinds[6:])})"))
            return None
        if kind not in kinds:
            self.report.add((*path, "type"), f"unknown type {kind!r}", choose(str(kind), kinds))
            return None
        if entity not in entities:
            self.report.add((*path, "entity"), f"unknown entity {entity!r}", choose(str(entity), entities))
            return None
        if not name.isidentifier() or name != name.lower():
            remedy = f"call it {name.lower().replace('-', '_').replace(' ', '_')}"
            self.report.add(path, "a field name is lower-case letters, digits and _", remedy)
            return None
        label = block.get("label")
        return Field(name, entity, kind, label if isinstance(label, str) else name.replace("_", " ").capitalize())

    def _wins(self, name: str, block: dict[str, Any], path: Path) -> Wins | tuple[str, ...]:
        given = block.get("wins")
        words = get_args(Wins)
        path = (*path, "wins")
        if name in MOST_RESTRICTIVE_FIELDS:
            if given not in (None, "most_restrictive"):
                self.report.add(path, f"{name} is always most_restrictive: any no wins", "remove wins")
            return "most_restrictive"
        if FIELDS.get(name) is not None and FIELDS[name].decision:
            if given not in (None, "hub"):
                self.report.add(path, f"the hub decides {name}", 'write wins = "hub", or remove wins')
            return "hub"
        if given is None:
            return "latest"
        if isinstance(given, list):
            for index, one in enumerate(given):
                if one not in self.connections:
                    self.report.add((*path, index), f"unknown connection {one!r}", choose(str(one), self.connections))
            return tuple(str(one) for one in given)
        if given not in words:
            self.report.add(path, f"unknown rule {given!r}", choose(str(given), words))
            return "latest"
        found: Wins = given
        return found

    # -------------------------------------------------------------------------------------------- options

    def _read_options(self, tables: Mapping[str, dict[str, Any]]) -> None:
        for name, by_connection in tables.items():
            if name not in self.rules:
                if name not in self.report.data.get("fields", {}):
                    remedy = choose(name, self.rules)
                    self.report.add(("options", name), f"there is no [fields.{name}]", remedy)
                continue
            for connection, table in by_connection.items():
                path: Path = ("options", name, connection)
                if connection not in self.connections:
                    self.report.add(path, "unknown connection", choose(connection, self.connections))
                    continue
                found = option_values(self.report, path, table)
                if found is not None:
                    self.options[name, connection] = self._table(name, path, found)

    def _table(self, name: str, path: Path, values: dict[str, tuple[str, ...]]) -> OptionTable:
        words = VOCABULARY.get(name)
        if words is not None:
            for canonical in values:
                if canonical and canonical not in words:
                    self.report.add((*path, canonical), f"is no {name.removeprefix('crm_')}", choose(canonical, words))
            missing = [w for w in words if w not in values and name in COMPLETE]
            if missing:
                text = f"every {name} must be listed; missing: {', '.join(missing)}"
                self.report.add(path, text, f'add {missing[0]} = "...", or {missing[0]} = false when it is not written')
        return make_table(dotted(path), self.report.file, values, self.report, path)

    # -------------------------------------------------------------------------------------------- places

    def _connection(self, name: str, connection: str, given: Any) -> None:
        path: Path = ("fields", name, connection)
        if isinstance(given, list):
            for index, one in enumerate(given):
                self._place(name, connection, one, (*path, index))
        else:
            self._place(name, connection, given, path)

    def _place(self, name: str, connection: str, given: Any, path: Path) -> None:
        shipped = self.shipped[self.connections[connection]]
        field = self.rules[name].field
        if not isinstance(given, dict):
            self.report.add(
                path, "must be an inline table", 'write { field = "remote name" }, or false to leave it out'
            )
            return
        aliases = {s.alias: s.name for s in shipped.streams.values() if s.entity == field.entity}
        place = decode(Place, given, path, self.report, also=aliases)
        if place is None:
            return
        direction = self._direction(field, place, path)
        for alias, stream in aliases.items():
            remote = given.get(alias)
            key = (*path, alias)
            if remote is None:
                remote = self._usual(shipped, name, alias, given, place)
                key = path
            if remote is None or remote is False:
                continue
            if not isinstance(remote, str) or not remote:
                self.report.add(key, "must be a remote field name in quotes", f'write {alias} = "..."')
                continue
            self._add(field, connection, stream, remote, place, direction, path, shipped)
        if not any(t.key == dotted(path) for ts in self.targets.values() for t in ts):
            text = f"the hub knows no usual {shipped.label} field for {name}"
            self.report.add(path, text, f'name it: {{ field = "..." }} or {{ {next(iter(aliases), "field")} = "..." }}')

    @staticmethod
    def _usual(shipped: Shipped, name: str, alias: str, given: Mapping[str, Any], place: Place) -> str | None:
        if place.field is not None:
            return place.field
        if any(s.alias in given for s in shipped.streams.values()):
            return None  # streams are named one by one
        return shipped.fields.get(name, {}).get(alias)

    def _direction(self, field: Field, place: Place, path: Path) -> Direction:
        direction = place.direction or "pull"
        if field.decision and direction == "pull":
            text = f"the hub decides {field.name}, it cannot be pulled"
            self.report.add((*path, "direction"), text, 'add direction = "push"')
        elif field.decision and direction == "both" and field.name != "stage":
            text = f"the hub decides {field.name}, a CRM cannot answer it"
            self.report.add((*path, "direction"), text, 'write direction = "push"')
        elif field.entity == "deal" and direction != "pull":
            text = f"deals are only read: {field.name} cannot be written"
            self.report.add((*path, "direction"), text, 'remove direction, or write direction = "pull"')
        elif place.create and direction == "pull":
            self.report.add(
                (*path, "create"),
                "a field that is only read is not created",
                'remove create, or add direction = "push"',
            )
        return direction

    def _add(
        self, field: Field, connection: str, stream: str, remote: str, place: Place, direction: Direction, path: Path,
        shipped: Shipped,
    ) -> None:  # fmt: skip
        usual = shipped.fields.get(field.name, {}).get(shipped.streams[stream].alias)
        owner = field.name in shipped.owner_fields and remote == usual
        if owner and direction != "pull":
            self.report.add((*path, "direction"), "owners are not written by mappings", 'write direction = "pull"')
        if "." in remote and direction != "pull":
            text = f"{remote} belongs to another record and cannot be written here"
            self.report.add((*path, "direction"), text, 'write direction = "pull"')
        target = Target(
            field=field,
            connection=connection,
            stream=stream,
            remote=remote,
            direction=direction,
            write=place.write,
            create=place.create,
            lossy=place.lossy,
            form=shipped.form,
            options=self._options_of(field, connection, remote, usual, path, shipped),
            owner=owner,
            scale=shipped.scales.get(field.name) if remote == usual else None,
            key=dotted(path),
            line=self.report.lines.line(path),
        )
        known = self.targets.setdefault((connection, stream), [])
        self._no_second(known, target, path)
        known.append(target)

    def _no_second(self, known: list[Target], target: Target, path: Path) -> None:
        for other in known:
            if other.remote == target.remote and other.pushed and target.pushed:
                text = f"{target.remote} is already written by {other.key} (line {other.line})"
                self.report.add(path, text, "let one of them pull only, or name another remote field")
            twice = other.field.name == target.field.name and target.field.name not in MOST_RESTRICTIVE_FIELDS
            if twice and other.pulled and target.pulled:
                text = f"{target.field.name} is already read from {other.remote} (line {other.line})"
                self.report.add(path, text, 'let one of them only push: direction = "push"')

    def _options_of(
        self, field: Field, connection: str, remote: str, usual: str | None, path: Path, shipped: Shipped
    ) -> OptionTable | None:
        if field.type not in ("option", "options"):
            if (field.name, connection) in self.options:
                self.used.add((field.name, connection))
                where: Path = ("options", field.name, connection)
                self.report.add(where, f"{field.name} is a {field.type}, not an option", "remove the table")
            return None
        user = self.options.get((field.name, connection))
        alone = path[-1] == connection
        if user is not None and (alone or remote != usual):
            self.used.add((field.name, connection))
            return user
        if remote == usual and field.name in shipped.options:
            key = f"options.{field.name}.{connection}"
            file = f"mappings/{shipped.kind}.toml"
            return make_table(key, file, shipped.options[field.name], None, ())
        if field.name == "stage":
            self.report.add(
                path,
                f"{remote} needs a table that says how each stage is written",
                f'add [options.stage.{connection}] with a line per stage: mql = "...", recycled = false',
            )
        return None

    # -------------------------------------------------------------------------------------------- the rest

    def _streams(self) -> dict[str, dict[str, StreamMap]]:
        of_kind: dict[str, tuple[str, ...]] = {}
        for name, kind in self.connections.items():
            of_kind[kind] = (*of_kind.get(kind, ()), name)
        result: dict[str, dict[str, StreamMap]] = {}
        for name, kind in self.connections.items():
            result[name] = {}
            for stream in self.shipped[kind].streams.values():
                cross = tuple(replace(c, connections=of_kind.get(c.kind, ())) for c in stream.cross_ids)
                result[name][stream.name] = replace(stream, connection=name, cross_ids=cross)
        return result

    def _require_email(self) -> None:
        for connection in self.connections:
            mapped = any(
                t.field.name == "email" and t.pulled
                for (name, _), ts in self.targets.items()
                if name == connection
                for t in ts
            )
            if not mapped:
                text = f"{connection} does not map email: its people are joined by other means only"
                remedy = f"add {connection} = {{}} to [fields.email]"
                self.report.add(("fields", "email"), text, remedy, fatal=False)

    def _hash(self) -> str:
        kinds = {k: msgspec.to_builtins(s, order="deterministic") for k, s in self.shipped.items()}
        content = {"user": self.report.data, "shipped": kinds, "connections": dict(self.connections)}
        return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def make_table(
    key: str, file: str, values: Mapping[str, tuple[str, ...]], report: Report | None, path: Path
) -> OptionTable:
    """Both ways of an option table. A remote value of two canonical ones reads as the first."""
    read: dict[str, str] = {}
    for canonical, remotes in values.items():
        for remote in remotes:
            read.setdefault(remote, canonical)
    lines = {c: report.lines.line((*path, c)) for c in values} if report is not None else {}
    return OptionTable(
        write={c: (remotes[0] if remotes else None) for c, remotes in values.items()},
        read=read,
        listed=dict(values),
        key=key,
        file=file,
        line=report.lines.line(path) if report is not None else 0,
        lines=lines,
        own=report is not None,
    )
