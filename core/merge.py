"""Three-way merge of one field: the votes of all records of an entity -> canonical value, conflict, new bases.

A *vote* is what one record says about a field, seen against its base (what the record and the hub last agreed on).
`settle` is a pure function of the votes, the current canonical value and the field's `wins`; the order in which CRMs
were pulled does not matter. The rules:

- first      the field was never agreed on: times prove nothing. A blank is filled; a disagreement waits (adoption)
- same       nothing happened there since
- edited     changed in the CRM since base. An edit that had seen the canonical value beats it; edits that had not
             seen each other are compared by `wins`, and held as a conflict when times cannot tell
- cleared    emptied since base. By a person: clears the copies that hold just that value. By anyone else: the
             canonical value stays and that record is not refilled
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.model import Stage, Value, Wins

State = Literal["first", "same", "edited", "cleared"]
Same = Callable[[Value, Value], bool]

_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_HUMAN_RANK = {"person": 2, "unknown": 1}  # a person beats a bot; a bot is anything else


@dataclass(frozen=True, slots=True)
class Vote:
    """What one record says. `value`, `base` canonical; `lo`..`hi` ms: the change happened in (lo, hi].

    `order` sorts records of equal weight: (connection position, contact before lead, latest activity, id)."""

    record: int
    connection: str
    value: Value
    base: Value
    state: State
    lo: int | None = None
    hi: int | None = None
    actor: str = "unknown"
    order: tuple[int, ...] = ()
    remote: str = ""  # the remote field this was read from


@dataclass(frozen=True, slots=True)
class Current:
    """The canonical value before, with the stamp of the edit that made it (None = a first value)."""

    value: Value
    lo: int | None = None
    hi: int | None = None
    actor: str = "unknown"
    record: int | None = None
    #: value before that edit, when it was a clearing: copies that still hold it are cleared
    cleared: Value = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One side of a conflict, kept with its time and source."""

    record: int | None
    connection: str
    value: Value
    lo: int | None
    hi: int | None
    actor: str


@dataclass(frozen=True, slots=True)
class Conflict:
    kind: Literal["edit", "adoption", "noted"]
    candidates: tuple[Candidate, ...]


@dataclass(slots=True)
class Settled:
    """The outcome for one field.

    agreed      records whose base becomes what they show now
    conflict    what waits, None when nothing (an open one is then closed)
    source      the vote that made a new value, None when the value stayed
    refused     records that emptied the field without being a person: do not refill while value stays
    """

    value: Value
    agreed: set[int] = field(default_factory=set)
    conflict: Conflict | None = None
    source: Vote | None = None
    refused: set[int] = field(default_factory=set)

    def changed(self, before: Value) -> bool:
        return self.source is not None or self.value != before


def settle(
    wins: Wins | Sequence[str],
    current: Current,
    votes: Sequence[Vote],
    *,
    same: Same,
    skew_ms: int,
    open_conflict: Conflict | None = None,
    stage_like: bool = False,
) -> Settled:
    """Settle one field of one entity. `same` compares canonical values in normal form."""
    if wins == "hub":
        return Settled(current.value, agreed={v.record for v in votes})
    if wins == "most_restrictive":
        return _most_restrictive(current, votes)
    if wins in ("max", "union"):
        return _joined(wins, current, votes, same, stage_like)
    if not isinstance(wins, str):
        return _by_order(wins, current, votes, same)
    return _three_way(wins, current, votes, same, skew_ms, open_conflict)


# ------------------------------------------------------------------------------------------ latest, ask


def _three_way(
    wins: str,
    current: Current,
    votes: Sequence[Vote],
    same: Same,
    skew_ms: int,
    open_conflict: Conflict | None,
) -> Settled:
    edits = [v for v in votes if v.state == "edited" and not same(v.value, current.value)]
    settled = True
    if open_conflict is not None and open_conflict.kind == "adoption":
        # machines do not settle what waits for a person: at most the value follows its own record
        settled = any(_HUMAN_RANK.get(v.actor, 0) > 0 for v in edits)
        edits = [v for v in edits if _HUMAN_RANK.get(v.actor, 0) > 0 or same(v.base, current.value)]
    out = Settled(current.value, agreed={v.record for v in votes if v.state in ("same", "edited") and v not in edits})

    rivals = _rivals(edits, current, same)
    if len(_distinct([r.value for r in rivals], same)) > 1:
        winner = None if wins == "ask" else _latest(rivals, same, skew_ms)
        if winner is None:
            out.conflict = Conflict("edit", tuple(sorted(rivals, key=_candidate_key)))
            return out
        out.agreed |= {v.record for v in edits}
        chosen = [v for v in edits if v.record == winner.record and same(v.value, winner.value)]
        if chosen:
            out.value, out.source = chosen[0].value, chosen[0]
    elif edits:
        best = min(edits, key=lambda v: (v.hi or 0, v.order))
        out.value, out.source = best.value, best
        out.agreed |= {v.record for v in edits}

    _clear(out, current, votes, same, open_conflict, edited=bool(edits))
    _adopt(out, current, votes, same, open_conflict, edited=bool(edits) and settled)
    return out


def _rivals(edits: Sequence[Vote], current: Current, same: Same) -> list[Candidate]:
    """The edits, and the canonical value itself when one of them was made without having seen it."""
    rivals = [Candidate(v.record, v.connection, v.value, v.lo, v.hi, v.actor) for v in edits]
    blind = any(not same(v.base, current.value) for v in edits)
    if blind and current.hi is not None and current.value is not None:
        rivals.append(Candidate(current.record, "hub", current.value, current.lo, current.hi, current.actor))
    return rivals


def _latest(rivals: Sequence[Candidate], same: Same, skew_ms: int) -> Candidate | None:
    """The one that is later than every other value beyond doubt, or a person's against bots'; else None."""
    humans = max(_HUMAN_RANK.get(r.actor, 0) for r in rivals)
    if humans == 2:  # a person beats a bot
        rivals = [r for r in rivals if _HUMAN_RANK.get(r.actor, 0) > 0] or list(rivals)
    top = max(rivals, key=lambda r: (r.hi or 0, r.lo or 0))
    for other in rivals:
        if same(other.value, top.value):
            continue
        top_from = top.lo if top.lo is not None else top.hi
        if top_from is None or other.hi is None or top_from < other.hi + skew_ms:
            return None
    return top


def _clear(
    out: Settled, current: Current, votes: Sequence[Vote], same: Same, open_conflict: Conflict | None, *, edited: bool
) -> None:
    cleared = [v for v in votes if v.state == "cleared"]
    out.agreed |= {v.record for v in cleared}
    if edited or current.value is None:
        return
    meant = [v for v in cleared if v.actor == "person" and same(v.base, current.value)]
    waiting = open_conflict is not None and open_conflict.kind == "adoption"
    left = [v for v in votes if v.value is not None and not same(v.value, current.value)] if waiting else []
    if meant and left:  # one side of a disagreement was given up: the other is what is known
        out.source = min(left, key=lambda v: v.order)
        out.value = out.source.value
        out.refused |= {v.record for v in cleared}
    elif meant:
        out.value, out.source = None, min(meant, key=lambda v: (v.hi or 0, v.order))
    else:
        out.refused |= {v.record for v in cleared}


def _adopt(
    out: Settled,
    current: Current,
    votes: Sequence[Vote],
    same: Same,
    open_conflict: Conflict | None,
    *,
    edited: bool,
) -> None:
    """First contact: fill blanks, let disagreements wait; keep an open adoption until the values converge.

    While it waits, the value of the first connection stands for the rest, whichever was pulled first; when only one
    value is left, that one.
    """
    firsts = [v for v in votes if v.state == "first"]
    out.agreed |= {v.record for v in firsts}
    if not out.agreed:
        return
    filled = sorted((v for v in firsts if v.value is not None), key=lambda v: v.order)
    if filled and out.value is None and out.source is None:
        out.value = filled[0].value
    disagree = [v for v in filled if not same(v.value, out.value)]
    waiting = open_conflict is not None and open_conflict.kind != "edit" and not edited
    if not disagree and not waiting:
        return
    holding = sorted((v for v in votes if v.value is not None), key=lambda v: v.order)
    if len(_distinct([v.value for v in holding], same)) > 1:
        sides = (Candidate(v.record, v.connection, v.value, None, None, v.actor) for v in holding)
        out.conflict = Conflict("adoption", tuple(sides))
    if holding and out.source is None and current.hi is None and not same(holding[0].value, out.value):
        out.value = holding[0].value


# ------------------------------------------------------------------------------------------ the other policies


def _by_order(wins: Sequence[str], current: Current, votes: Sequence[Vote], same: Same) -> Settled:
    """The first connection in the list that has a value; a person clearing it there clears the copies."""
    rank = {name: i for i, name in enumerate(wins)}
    out = Settled(current.value, agreed={v.record for v in votes})
    cleared = [v for v in votes if v.state == "cleared"]
    gone = [v.base for v in cleared if v.actor == "person" and same(v.base, current.value)]
    out.refused = {v.record for v in cleared if v.actor != "person"}
    if current.value is None and current.cleared is not None:
        gone.append(current.cleared)  # its copies may still wait to be cleared
    filled = [
        v for v in votes if v.value is not None and (v.state == "edited" or not any(same(v.value, g) for g in gone))
    ]
    if filled:
        best = min(filled, key=lambda v: (rank.get(v.connection, len(rank)), v.order))
        if not same(best.value, current.value) or current.value is None:
            out.value = best.value
            out.source = best if best.state != "first" or current.value is not None else None
    elif gone:
        meant = [v for v in cleared if v.actor == "person" and same(v.base, current.value)]
        if meant:
            out.value, out.source = None, min(meant, key=lambda v: (v.hi or 0, v.order))
    return out


def _most_restrictive(current: Current, votes: Sequence[Vote]) -> Settled:
    """True (opted out) from anyone wins and stays."""
    out = Settled(current.value, agreed={v.record for v in votes})
    said_no = [v for v in votes if v.value is True or v.value == 1]
    if current.value in (True, 1):
        return out
    if said_no:
        first = min(said_no, key=lambda v: (v.hi or 0, v.order))
        out.value = True
        out.source = first if first.state == "edited" or current.value is not None else None
    elif current.value is None and any(v.value is not None for v in votes):
        out.value = False
    return out


def _joined(wins: str, current: Current, votes: Sequence[Vote], same: Same, stage_like: bool) -> Settled:
    """max: the highest of all; union: all options of all."""
    out = Settled(current.value, agreed={v.record for v in votes})
    filled = sorted((v for v in votes if v.value is not None), key=lambda v: (v.order, v.record))
    if not filled:
        return out
    if wins == "union":
        parts = {p for v in filled for p in str(v.value).split(";") if p}
        out.value = ";".join(sorted(parts))
    else:
        out.value = max(filled, key=lambda v: (_height(v.value, stage_like), tuple(-o for o in v.order))).value
    if not same(out.value, current.value):
        made = [v for v in filled if v.state == "edited" and same(v.value, out.value)]
        out.source = min(made, key=lambda v: (v.hi or 0, v.order), default=None)
    if stage_like and len(_distinct([v.value for v in filled], same)) > 1:
        out.conflict = Conflict(
            "noted", tuple(Candidate(v.record, v.connection, v.value, v.lo, v.hi, v.actor) for v in filled)
        )
    return out


def _height(value: Value, stage_like: bool) -> tuple[int, float, str]:
    if stage_like:
        try:
            return (1, Stage(str(value)).rank, "")
        except ValueError:
            return (0, 0, str(value))
    if isinstance(value, int | float):
        return (1, value, "")
    return (0, 0, str(value))


def _distinct(values: Sequence[Value], same: Same) -> list[Value]:
    kept: list[Value] = []
    for v in values:
        if not any(same(v, k) for k in kept):
            kept.append(v)
    return kept


def _candidate_key(c: Candidate) -> tuple[int, int, str]:
    return (c.hi or 0, c.record or 0, str(c.value))


# ------------------------------------------------------------------------------------------ from record to vote


def vote_state(*, agreed_before: bool, base: Value, value: Value, same: Same) -> State:
    """How a record's value stands to its base. `agreed_before`: the base has this field at all."""
    if not agreed_before:
        return "first"
    if same(base, value):
        return "same"
    return "cleared" if value is None else "edited"


def candidates_json(conflict: Conflict) -> list[Mapping[str, Value]]:
    """For the store: one table per candidate."""
    return [
        {
            "record": c.record,
            "connection": c.connection,
            "value": c.value,
            "lo": c.lo,
            "hi": c.hi,
            "actor": c.actor,
        }
        for c in conflict.candidates
    ]


def conflict_from(kind: str, candidates: Sequence[Mapping[str, Value]]) -> Conflict:
    """From the store; inverse of `candidates_json`."""
    return Conflict(
        kind,  # type: ignore[arg-type]  # written by us from the same literal
        tuple(Candidate(**c) for c in candidates),  # type: ignore[arg-type]  # JSON of the dataclass
    )


def looks_rewritten(sent: Value, seen: Value) -> bool:
    """Could a CRM have made `seen` out of what we `sent`: trimmed, cut, rounded, re-cased, re-punctuated?

    Only such a value, shown right after our write, counts as the CRM's own form of it; anything else is an edit.
    """
    if sent is None or seen is None:
        return sent is seen
    if isinstance(sent, int | float) and isinstance(seen, int | float):
        return abs(sent - seen) <= max(1.0, abs(sent) * 0.01)
    if all(_DECIMAL.fullmatch(str(v)) for v in (sent, seen)) and "." in f"{sent}{seen}":
        return abs(float(sent) - float(seen)) <= 1.0
    a, b = (_bare(str(v)) for v in (sent, seen))
    return bool(a and b) and (a == b or a.startswith(b) or a.endswith(b) or b.endswith(a))


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
