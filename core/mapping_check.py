"""The mapping against the live schema of each CRM: all that is wrong, at once, with the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Map

from core.config_report import choose, nearest
from core.errors import ConfigProblem
from core.mapping import Mapping
from core.mapping_structs import OptionTable, SchemaField, Schemas, Target
from core.mapping_values import spelling
from core.model import FIELDS, FieldType

#: remote types that a canonical type may be read from; text reads from anything
_READS: dict[FieldType, frozenset[str]] = {
    "number": frozenset({"number", "text"}),
    "money": frozenset({"number", "text"}),
    "bool": frozenset({"bool", "option", "text"}),
    "date": frozenset({"date", "datetime", "text"}),
    "datetime": frozenset({"datetime", "date", "text"}),
    "option": frozenset({"option", "options", "text", "bool", "number"}),
    "options": frozenset({"options", "option", "text"}),
    "email": frozenset({"text"}),
    "phone": frozenset({"text"}),
    "domain": frozenset({"text"}),
    "country": frozenset({"text", "option"}),
    "name": frozenset({"text"}),
}
_ANY = frozenset({"text", "number", "bool", "date", "datetime", "option", "options", "reference"})
#: remote types that a canonical type may be written to without loss
_WRITES: dict[FieldType, frozenset[str]] = {
    "number": frozenset({"number", "text"}),
    "money": frozenset({"number", "text"}),
    "bool": frozenset({"bool"}),
    "date": frozenset({"date", "text"}),
    "datetime": frozenset({"datetime", "text"}),
    "option": frozenset({"option", "options", "text"}),
    "options": frozenset({"options", "text"}),
}
_WRITES_TEXT = frozenset({"text", "option"})
_SUGGEST = {"reference": "text"}  # what to declare for a field of this remote type, where the word differs


def check_mapping(mapping: Mapping, schemas: Schemas) -> list[ConfigProblem]:
    """Everything about the mapping that the live schemas contradict, all at once.

    Unknown, hidden or read-only fields, wrong types, unlisted options, values that do not fit, lossy round trips.
    `fatal` is False where the rest works all the same. Streams that `schemas` lacks are not checked.
    """
    check = _Check(mapping.file, _live_options(mapping, schemas))
    for (connection, stream), targets in mapping.all_fields.items():
        fields = schemas.get((connection, stream))
        if fields is None:
            continue
        known = {f.name: f for f in fields}
        for target in targets:
            remote = known.get(target.remote)
            if remote is None:
                check.unknown(target, known)
            else:
                check.field(target, remote)
    for shared in _by_table(t for ts in mapping.all_fields.values() for t in ts):
        check.table(shared)
    check.not_yet_made()
    unique = dict.fromkeys(check.problems)
    return sorted(unique, key=lambda p: (p.file != mapping.file, p.line))


def _live_options(mapping: Mapping, schemas: Schemas) -> dict[str, set[str]]:
    """The options that a table may name: those of every remote field that shares it (Lead.Status and Account.Type)."""
    live: dict[str, set[str]] = {}
    for key, targets in mapping.all_fields.items():
        known = {f.name: f for f in schemas.get(key, ())}
        for target in targets:
            if target.options is not None and target.remote in known:
                values = {o.value for o in known[target.remote].options if o.active}
                live.setdefault(target.options.key, set()).update(values)
    return live


def _by_table(targets: Iterable[Target]) -> Iterable[list[Target]]:
    """The written targets of each table, one per place: its streams, and several places of a field, share the table."""
    found: dict[str, dict[str, Target]] = {}
    for target in targets:
        if target.options is not None and target.options.own and target.pushed and not target.lossy:
            found.setdefault(target.options.key, {})[target.key] = target
    return [list(by_key.values()) for by_key in found.values()]


class _Check:
    def __init__(self, file: str, live: Map[str, set[str]]) -> None:
        self.file = file
        self.live = live
        self.problems: list[ConfigProblem] = []
        self.reported: set[tuple[str, str]] = set()
        self.missing: dict[str, list[Target]] = {}

    def add(self, target: Target, text: str, remedy: str, *, fatal: bool = True) -> None:
        self.problems.append(ConfigProblem(self.file, target.line, target.key, text, remedy, fatal))

    def not_yet_made(self) -> None:
        """Fields with `create = true` that the CRM lacks: no mistake, one line each."""
        for targets in self.missing.values():
            first, streams = targets[0], " and ".join(t.stream for t in targets)
            text = f"{first.connection} {streams} have no field {first.remote} yet"
            self.add(first, text, "the first push makes it, or now: crmhub check --create-fields", fatal=False)

    # -------------------------------------------------------------------------------------------- fields

    def unknown(self, target: Target, known: Map[str, SchemaField]) -> None:
        if target.create:
            self.missing.setdefault(target.key, []).append(target)
            return
        same = next((name for name in known if name.lower() == target.remote.lower()), None)
        by_label = next((f.name for f in known.values() if f.label.lower() == target.remote.lower()), None)
        best = same or by_label or nearest(target.remote, known)
        remedy = f'did you mean "{best}"?' if best else "look the name up in the CRM's field settings"
        text = f"{target.connection} {target.stream} has no field {target.remote}, or hides it from these credentials"
        self.add(target, text, f"{remedy} A hidden field needs read permission for the hub's user")

    def field(self, target: Target, remote: SchemaField) -> None:
        if target.pulled and not remote.readable:
            text = f"{remote.name} is hidden from these credentials"
            self.add(target, text, "give the hub's user read permission on it")
        if target.pushed and not remote.writable:
            why = "is calculated by the CRM" if remote.calculated else "is read-only for these credentials"
            remedy = 'write direction = "pull"' if not target.field.decision else "name another field"
            if not remote.calculated:
                remedy += ", or give the hub's user edit permission on it"
            self.add(target, f"{remote.name} {why} and cannot be written", remedy)
        if target.pushed and remote.unique:
            text = f"{remote.name} is unique in {target.connection}: pushing it can merge or refuse records"
            self.add(target, text, 'write direction = "pull"')
        if self._types(target, remote):
            self._options(target, remote)
            self._length(target, remote)

    def _types(self, target: Target, remote: SchemaField) -> bool:
        kind = target.field.type
        if target.owner:
            return False
        if target.pulled and remote.type not in _READS.get(kind, _ANY):
            fitting = _SUGGEST.get(remote.type, remote.type)
            if target.field.name in FIELDS:
                remedy = f"name a field of {target.connection} that holds a {kind}"
            else:
                remedy = f'write type = "{fitting}", or name another field'
            self.add(target, f"{remote.name} holds {_a(remote.type)}, {target.field.name} is {_a(kind)}", remedy)
            return False
        if target.pushed and remote.type not in _WRITES.get(kind, _WRITES_TEXT):
            text = f"{_a(kind)} cannot be written into {remote.name}, which holds {_a(remote.type)}"
            self.add(target, text, f'name a field that holds {_a(kind)}, or write direction = "pull"')
            return False
        return True

    # -------------------------------------------------------------------------------------------- options

    def _options(self, target: Target, remote: SchemaField) -> None:
        if not remote.options:
            return
        table = target.options
        if table is None:
            if target.pushed and remote.closed and target.field.type not in ("bool", "date", "datetime"):
                self._no_table(target, [o.value for o in remote.options if o.active])
            return
        live = self.live[table.key]
        if not table.own:
            self._not_there(target, table, live)
            return
        for canonical, remotes in table.listed.items():
            for value in remotes:
                if value not in live and (table.key, value) not in self.reported:
                    self.reported.add((table.key, value))
                    self._unlisted(target, remote, canonical, value, live)
        if target.pulled:
            self._left_out(target, table, remote)

    def _not_there(self, target: Target, table: OptionTable, live: set[str]) -> None:
        """A shipped table names what HubSpot or Salesforce come with; an account may have other options."""
        gone = [c for c, remotes in table.listed.items() if c and remotes and not live.intersection(remotes)]
        if not gone or not target.pushed:
            return
        shown = ", ".join(gone[:5]) + (", ..." if len(gone) > 5 else "")
        text = f"{target.connection} has no option for {len(gone)} of {len(table.listed)} values: {shown}"
        if target.field.decision:
            self.add(target, text, f"add these options to {target.remote} in the CRM")
            return
        self.add(target, f"{text}; they are not written", f"write a table [{table.key}] of your own", fatal=False)

    def _left_out(self, target: Target, table: OptionTable, remote: SchemaField) -> None:
        listed = {spelling(v) for v in table.read}
        missing = [o.value for o in remote.options if o.active and spelling(o.value) not in listed]
        if not missing:
            return
        shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        text = f"{target.connection} has options that the table does not list; they are read as they are: {shown}"
        remedy = "add them to the canonical value that they mean"
        self.problems.append(ConfigProblem(table.file, table.line, table.key, text, remedy, fatal=False))

    def _unlisted(self, target: Target, remote: SchemaField, canonical: str, value: str, live: Iterable[str]) -> None:
        table = target.options
        assert table is not None
        labelled = next((o.value for o in remote.options if o.active and o.label == value), None)
        remedy = f'did you mean "{labelled}"?' if labelled else choose(value, sorted(live))
        text = f"{target.connection} has no option {value!r} in {remote.name}"
        line = table.lines.get(canonical, table.line)
        self.problems.append(ConfigProblem(table.file, line, f"{table.key}.{canonical}", text, remedy))

    def _no_table(self, target: Target, live: list[str]) -> None:
        key = f"options.{target.field.name}.{target.connection}"
        shown = ", ".join(live[:4]) + (", ..." if len(live) > 4 else "")
        self.add(
            target,
            f"{target.remote} takes only its own options ({shown}); other CRMs' values cannot be written",
            f"add [{key}] with a line per canonical value",
            fatal=False,
        )

    def table(self, targets: Sequence[Target]) -> None:
        """Lossy round trips that the table alone shows; `targets`: those that share it."""
        table = targets[0].options
        assert table is not None
        for canonical, remote in table.write.items():
            back = canonical if remote is None else table.read.get(remote, canonical)
            if back == canonical:
                continue
            text = f"{back} and {canonical} are both written as {remote!r}; read back it is {back}"
            remedy = f"give them different values, or add lossy = true to {' and '.join(t.key for t in targets)}"
            line = table.lines.get(canonical, table.line)
            self.problems.append(ConfigProblem(table.file, line, f"{table.key}.{canonical}", text, remedy))

    def _length(self, target: Target, remote: SchemaField) -> None:
        if remote.max_length is None or not target.pushed or target.options is None:
            return
        for canonical, value in target.options.write.items():
            if value is not None and len(value) > remote.max_length:
                text = f"{value!r} ({canonical}) does not fit into {remote.name} ({remote.max_length} characters)"
                self.add(target, text, "write a shorter value, or name a longer field")


def _a(word: str) -> str:
    words = {
        "bool": "true/false",
        "text": "text",
        "money": "money",
        "options": "several options",
        "datetime": "a date-time",
    }
    return words.get(word) or ("an " if word[0] in "aeiou" else "a ") + word
