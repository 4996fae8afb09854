"""The mapping.toml that `crmhub init` writes: every usual field that the live schemas have, all CRMs side by side."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Map
from dataclasses import dataclass
from typing import Literal

from rapidfuzz import fuzz

from core.errors import ConfigProblem
from core.mapping import load_mapping
from core.mapping_check import check_mapping
from core.mapping_shipped import read_shipped
from core.mapping_structs import SchemaField, Schemas, Shipped
from core.mapping_user import COMPLETE
from core.mapping_values import spelling
from core.model import ENTITIES, FIELDS, Entity, Field, FieldType

#: (connection, stream, remote field) -> share of records where it is filled, 0 to 1
Fill = Map[tuple[str, str, str], float]
#: labels this alike are taken for one custom field
_ALIKE = 88
_ROUNDS = 4
_OWN_TYPE: dict[str, FieldType] = {
    "text": "text", "number": "number", "bool": "bool", "date": "date", "datetime": "datetime", "option": "option",
    "options": "options",
}  # fmt: skip

_HEAD = """\
# Which fields are synced, and where they live in each CRM. Check it with: crmhub check
#
# direction: pull (when absent) | push | both          write: always (when absent) | if_blank
# wins: which CRM's value wins when they differ: a list of connections in order, or "latest" (when absent), "hub",
#       "ask", "most_restrictive", "max", "union"
# A field without a block here is neither read nor written.
"""


@dataclass
class _Place:
    """One inline table: stream alias -> remote name."""

    names: dict[str, str]
    every: bool  # the names of all streams of the entity, and all the same
    direction: Literal["pull", "push", "both"] = "pull"
    create: bool = False
    note: str = ""
    off: str = ""  # why it is commented out

    def text(self) -> str:
        if self.every:
            parts = [f"field = {_q(next(iter(self.names.values())))}"]
        else:
            parts = [f"{alias} = {_q(name)}" for alias, name in self.names.items()]
        if self.direction != "pull":
            parts.append(f"direction = {_q(self.direction)}")
        if self.create:
            parts.append("create = true")
        return f"{{ {', '.join(parts)} }}"


@dataclass
class _Block:
    field: Field
    places: dict[str, list[_Place]] = dataclasses.field(default_factory=dict)


def propose_mapping(
    connections: Map[str, str],
    shipped: Map[str, str],
    schemas: Schemas,
    fill: Fill | None = None,
    facts_direction: Literal["pull", "both"] = "pull",
) -> str:
    """A commented mapping.toml that loads and checks cleanly against the same schemas.

    `connections`: name -> kind; `shipped`: kind -> text. With facts_direction "both", facts that every CRM lets us
    write go both ways; e-mail, names and what identifies a company stay pull. Raises ValueError when a shipped
    mapping is broken.
    """
    known: dict[str, Shipped] = {}
    for kind in dict.fromkeys(connections.values()):
        found, problems = read_shipped(kind, shipped[kind])
        if found is None:
            raise ValueError("; ".join(map(str, problems)))
        known[kind] = found
    proposal = _Proposal(connections, known, schemas, fill or {}, facts_direction == "both")
    text = proposal.text()
    for _ in range(_ROUNDS):
        mapping, problems = load_mapping(text, "mapping.toml", shipped, connections)
        if mapping is not None:
            problems = problems + check_mapping(mapping, schemas)
        fatal = [p for p in problems if p.fatal]
        if not fatal or not proposal.step_back(fatal):
            break
        text = proposal.text()
    return text


class _Proposal:
    def __init__(
        self, connections: Map[str, str], shipped: Map[str, Shipped], schemas: Schemas, fill: Fill, both: bool
    ) -> None:
        self.connections, self.shipped, self.schemas, self.fill = connections, shipped, schemas, fill
        self.live = {key: {f.name: f for f in fields} for key, fields in schemas.items()}
        self.blocks = [b for f in FIELDS.values() if (b := self._block(f, both)).places]

    # -------------------------------------------------------------------------------------------- blocks

    def _streams(self, connection: str, entity: Entity) -> dict[str, str]:
        """alias -> stream of those that the connection has live."""
        streams = self.shipped[self.connections[connection]].streams.values()
        return {s.alias: s.name for s in streams if s.entity == entity and (connection, s.name) in self.live}

    def _block(self, one: Field, both: bool) -> _Block:
        block = _Block(one)
        for connection, kind in self.connections.items():
            aliases = self._streams(connection, one.entity)
            usual = self.shipped[kind].fields.get(one.name, {})
            names = {
                alias: usual[alias]
                for alias, stream in aliases.items()
                if alias in usual and (one.decision or self._has(connection, stream, usual[alias]))
            }
            if names:
                block.places[connection] = [self._place(connection, names, one.entity)]
            for alias, others in self.shipped[kind].also.get(one.name, {}).items():
                stream = aliases.get(alias, "")
                found = next((n for n in others if self._has(connection, stream, n)), None)
                if found is not None:
                    block.places.setdefault(connection, []).append(self._place(connection, {alias: found}, one.entity))
        self._direct(block, both)
        return block

    def _place(self, connection: str, names: dict[str, str], entity: Entity) -> _Place:
        every = len(set(names.values())) == 1 and set(names) == set(self._streams(connection, entity))
        return _Place(names, every, note=self._filled(connection, names, entity))

    def _has(self, connection: str, stream: str, remote: str) -> bool:
        found = self.live.get((connection, stream), {}).get(remote)
        return found is not None and found.readable

    def _filled(self, connection: str, names: Map[str, str], entity: Entity) -> str:
        streams = self._streams(connection, entity)
        rates = [(streams[a], self.fill.get((connection, streams[a], n))) for a, n in names.items()]
        known = [f"{stream} {rate:.0%}" for stream, rate in rates if rate is not None]
        return f"filled: {', '.join(known)}" if known else ""

    def _direct(self, block: _Block, both: bool) -> None:
        places = [(c, p) for c, ps in block.places.items() for p in ps]
        if block.field.decision:
            for _, place in places:
                place.direction, place.create = "push", True
            return
        name = block.field.name
        if block.field.entity == "deal":
            return
        if not both or len(block.places) < 2 or any(name in s.pull_only for s in self.shipped.values()):
            return
        writable = [p for c, p in places if self._writable(c, p, block.field.entity)]
        # consent goes out wherever it can be written; other facts only where every CRM takes them
        if name == "opted_out" or len(writable) == len(places):
            for place in writable:
                place.direction = "both"

    def _writable(self, connection: str, place: _Place, entity: Entity) -> bool:
        streams = self._streams(connection, entity)
        fields = [self.live[connection, streams[a]][n] for a, n in place.names.items()]
        return all(f.writable and not f.unique and "." not in f.name for f in fields)

    def step_back(self, problems: Iterable[ConfigProblem]) -> bool:
        """Make less of what the check refuses: pull only, then commented out. False when nothing was left to do."""
        changed = False
        reasons = {p.key: p.text for p in problems}
        for block in self.blocks:
            for connection, places in block.places.items():
                for index, place in enumerate(places):
                    key = f"fields.{block.field.name}.{connection}"
                    reason = reasons.get(key) or reasons.get(f"{key}[{index + 1}]")
                    if reason is None or place.off:
                        continue
                    changed = True
                    if place.direction == "both":
                        place.direction = "pull"
                    else:
                        place.off = reason
        return changed

    # -------------------------------------------------------------------------------------------- text

    def text(self) -> str:
        parts = [_HEAD, _section("people")]
        parts += self._each("person", decision=False)
        parts.append(_section("companies"))
        parts += self._each("company", decision=False)
        deals = self._each("deal", decision=False)
        if deals:
            parts += [_section("deals: only read"), *deals]
        parts.append(
            _section("decisions of the hub: written only, into fields of its own (crmhub check --create-fields)")
        )
        parts += self._each("person", decision=True)
        own = [text for entity in ENTITIES for text in self._own(entity)]
        if own:
            title = "fields of your own in two CRMs under the same label"
            parts.append(_section(f"{title}: to sync one, remove the first # of each of its lines"))
            parts += own
        tables = list(self._tables())
        if tables:
            parts.append(_section("options: canonical = what the CRM calls it; in a list the first is written"))
            parts += tables
        return "\n".join(parts)

    def _each(self, entity: Entity, *, decision: bool) -> list[str]:
        wanted = (b for b in self.blocks if b.field.entity == entity and b.field.decision == decision)
        return [self._render(b) for b in wanted]

    def _render(self, block: _Block) -> str:
        head = f"[fields.{block.field.name}]"
        if block.field.name == "opted_out":
            head = f"{head:<28}# any no wins, always"
        lines = [head]
        for connection, places in block.places.items():
            on = [p for p in places if not p.off]
            notes = [p.note for p in on if p.note]
            if on:
                value = on[0].text() if len(on) == 1 else f"[{', '.join(p.text() for p in on)}]"
                lines.append(f"{connection} = {value}" + (f"  # {'; '.join(notes)}" if notes else ""))
            lines += [f"# {connection} = {p.text()}  # {_comment(p.off)}" for p in places if p.off]
        return "\n".join(lines) + "\n"

    # -------------------------------------------------------------------------------------------- own fields

    def _own(self, entity: Entity) -> Iterator[str]:
        """Custom fields of two connections or more whose labels are alike, as commented blocks."""
        groups: list[tuple[str, dict[str, dict[str, SchemaField]]]] = []
        used = {n for b in self.blocks for ps in b.places.values() for p in ps for n in p.names.values()}
        for connection in self.connections:
            for alias, stream in self._streams(connection, entity).items():
                for remote in self.live[connection, stream].values():
                    if remote.custom and remote.name not in used and not remote.name.startswith("crmhub_"):
                        self._group(groups, remote, connection, alias)
        taken: set[str] = set(FIELDS)
        for label, members in groups:
            if len(members) < 2:
                continue
            name = spelling(label).replace(" ", "_")
            name = "".join(c for c in name if c.isalnum() or c == "_")
            if not name.isidentifier() or name in taken:
                continue
            taken.add(name)
            yield self._own_block(name, entity, members)

    @staticmethod
    def _group(
        groups: list[tuple[str, dict[str, dict[str, SchemaField]]]], remote: SchemaField, connection: str, alias: str
    ) -> None:
        for label, members in groups:
            if fuzz.ratio(spelling(label), spelling(remote.label)) >= _ALIKE:
                members.setdefault(connection, {}).setdefault(alias, remote)
                return
        groups.append((remote.label, {connection: {alias: remote}}))

    def _own_block(self, name: str, entity: Entity, members: Map[str, Map[str, SchemaField]]) -> str:
        fields = [f for by_alias in members.values() for f in by_alias.values()]
        kinds = {f.type for f in fields}
        kind = _OWN_TYPE.get(kinds.pop(), "text") if len(kinds) == 1 else "text"
        lines = [f"# [fields.{name}]", f"# type = {_q(kind)}", f"# label = {_q(fields[0].label)}"]
        if entity != "person":
            lines.append(f"# entity = {_q(entity)}")
        for connection, by_alias in members.items():
            place = self._place(connection, {a: f.name for a, f in by_alias.items()}, entity)
            note = f"  # {place.note}" if place.note else ""
            lines.append(f"# {connection} = {place.text()}{note}")
            options = [o.value for f in by_alias.values() for o in f.options if o.active]
            if options:
                # a second #, so that the line is a comment still when the block is switched on
                lines.append(f"# # options there: {_comment(', '.join(dict.fromkeys(options)))}")
        return "\n".join(lines) + "\n"

    # -------------------------------------------------------------------------------------------- options

    def _tables(self) -> Iterator[str]:
        for block in self.blocks:
            name = block.field.name
            if block.field.type != "option" or name in COMPLETE:
                continue
            tables = {c: t for c in block.places if (t := self._listed(block, c))}
            words = list(dict.fromkeys(w for t in tables.values() for w in t))
            for connection, table in tables.items():
                yield self._table(block, connection, table, words)

    def _live_values(self, block: _Block, connection: str) -> dict[str, str]:
        """Option value -> label, of every field of the block in this connection."""
        streams = self._streams(connection, block.field.entity)
        names = [(a, n) for p in block.places[connection] if not p.off for a, n in p.names.items()]
        fields = [self.live[connection, streams[a]][n] for a, n in names]
        return {o.value: o.label for f in fields for o in f.options if o.active}

    def _listed(self, block: _Block, connection: str) -> dict[str, list[str]]:
        """The shipped table as far as this account has its options; {} when there is nothing to list."""
        table = self.shipped[self.connections[connection]].options.get(block.field.name, {})
        live = self._live_values(block, connection)
        if block.field.entity == "deal" and not table:
            return _by_label(live)
        kept = {canonical: [v for v in values if v in live] for canonical, values in table.items()}
        return {canonical: values for canonical, values in kept.items() if values}

    def _table(self, block: _Block, connection: str, table: Map[str, list[str]], words: Iterable[str]) -> str:
        name = block.field.name
        lines = [f"[options.{name}.{connection}]"]
        for canonical, values in table.items():
            value = _q(values[0]) if len(values) == 1 else f"[{', '.join(map(_q, values))}]"
            lines.append(f"{_key(canonical)} = {value}")
        if any(p.direction != "pull" and not p.off for p in block.places[connection]):
            lines += [f"{_key(w)} = false" for w in words if w and w not in table]
        listed = {v for values in table.values() for v in values}
        for value, label in self._live_values(block, connection).items():
            if value not in listed:
                shown = f"  # {_comment(label)}" if label and label != value else ""
                lines.append(f"# ... = {_q(value)}{shown}")
        return "\n".join(lines) + "\n"


def _by_label(live: Map[str, str]) -> dict[str, list[str]]:
    """Stages and pipelines are every org's own, and some CRMs call them by ids: they are read as their labels."""
    found: dict[str, list[str]] = {}
    for value, label in live.items():
        found.setdefault(" ".join(label.split()) or value, []).append(value)
    return found if any(values != [label] for label, values in found.items()) else {}


def _section(title: str) -> str:
    return f"# {'-' * 40} {title}\n"


def _q(text: str) -> str:
    # a JSON string is a TOML basic string, but for the one control character that JSON lets through
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    """Text of a CRM on one line: TOML allows no control characters in comments."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _key(text: str) -> str:
    return text if text.isascii() and text.replace("_", "").replace("-", "").isalnum() else _q(text)
