"""What to write: the canonical entity x mapping x what a record shows -> field writes with reasons. Pure.

No difference, no write. What must not be written now is *held*, with the reason; what the mapping leaves out
deliberately is neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core import values
from core.mapping_structs import Target, Unwritable
from core.model import Value

Same = Callable[[str, Value, Value], bool]

DAY_MS = 24 * 3600 * 1000
#: decisions whose change is always worth a write; the others follow them
LEADING = frozenset({"stage", "band", "grade"})
FOLLOWING = frozenset({"score", "why"})


@dataclass(frozen=True, slots=True)
class FieldWrite:
    """One field of one record: remote form, canonical name, the reason in words."""

    remote: str
    name: str
    before: Value
    after: Value
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """A write that does not happen now. `kind`: edit, adoption, hold, unwritable, unsound, rejected, untouched,
    economy."""

    name: str
    kind: str
    reason: str


@dataclass(slots=True)
class View:
    """What a record shows and what we know about our writes to it."""

    remote: Mapping[str, Value]
    #: remote field -> (sent, confirmed, known) of our last write
    pushed: Mapping[str, tuple[Value, Value, bool]]
    #: remote field -> (canonical value it is held for, until ms, reason)
    holds: Mapping[str, tuple[Value, int | None, str]]
    #: remote values of the last write that the CRM refused and nothing followed, None when there is none
    refused: Mapping[str, Value] | None = None
    #: when this record last got a score from us, ms
    scored_at: int | None = None
    #: another live record of the same person in the same connection
    twin: bool = False


@dataclass(slots=True)
class Wanted:
    """The canonical side: values by canonical name, decisions included, and what waits."""

    values: Mapping[str, Value]
    reasons: Mapping[str, str]
    #: field -> kind of its open conflict (edit, adoption)
    conflicts: Mapping[str, str]
    #: field -> value that a person emptied: copies that hold just it are emptied, too
    cleared: Mapping[str, Value]
    #: only opt-outs may be written (customers, open deals); the reason, else None
    untouched: str | None = None


@dataclass(slots=True)
class RecordPlan:
    """The outcome for one record. `again`: ask again later though nothing changes (economy)."""

    writes: list[FieldWrite] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    again: bool = False

    @property
    def opts_out(self) -> bool:
        return bool(self.only_opt_outs())

    def only_opt_outs(self) -> list[FieldWrite]:
        """The writes that go to everybody, whatever the limits of the rollout."""
        return [w for w in self.writes if w.name == "opted_out"]


def plan_record(
    wanted: Wanted,
    view: View,
    targets: Sequence[Target],
    *,
    same: Same,
    now: int,
    min_delta: float,
    owners: Mapping[str, str],
    to_create: frozenset[str],
) -> RecordPlan:
    """Field writes for one live, writable record.

    `owners`: e-mail -> owner id there. `to_create`: remote fields that do not exist yet, made before the write.
    """
    plan = RecordPlan()
    for target in targets:
        found = _field(wanted, view, target, same, owners, to_create, now)
        if isinstance(found, FieldWrite):
            plan.writes.append(found)
        elif found is not None:
            plan.held.append(found)
    _economise(plan, view, now, min_delta)
    if plan.writes and view.refused is not None:
        after = {w.remote: w.after for w in plan.writes}
        if all(k in view.refused and view.refused[k] == v for k, v in after.items()):
            plan.held += [Held(w.name, "rejected", "the CRM refused just this write") for w in plan.writes]
            plan.writes = []
    return plan


def _field(
    wanted: Wanted,
    view: View,
    target: Target,
    same: Same,
    owners: Mapping[str, str],
    to_create: frozenset[str],
    now: int,
) -> FieldWrite | Held | None:
    name, remote = target.field.name, target.remote
    if remote not in view.remote and remote not in to_create:
        return None  # absent is never a target
    shown = view.remote.get(remote)
    value = wanted.values.get(name)
    after = _desired(wanted, target, value, shown, same, owners, view)
    if isinstance(after, Unwritable):
        return None if after.deliberate else Held(name, "unwritable", after.reason)
    if isinstance(after, _Nothing) or after == shown or _shows(target, shown, after, value, same, view):
        return None
    if name == "opted_out":
        return None if value is not True else FieldWrite(remote, name, shown, after, _reason(wanted, name, shown))
    if wanted.untouched is not None:
        return Held(name, "untouched", wanted.untouched)
    if name in wanted.conflicts:
        kind = wanted.conflicts[name]
        words = "the CRMs disagree since before the first sync" if kind == "adoption" else "changed on both sides"
        return Held(name, kind, words)
    if shown is not None and target.write == "if_blank":
        return None
    if target.field.name == "owner_email" and shown is not None:
        return None  # owners are filled only when blank
    if name == "email" and (shown is not None or view.twin):
        return None  # unique: only the record that holds it
    if shown is not None and not _sound(target, value) and _sound(target, target.to_canonical(shown)):
        return Held(name, "unsound", f"{value!r} is no {target.field.type}; it does not replace one that is")
    held = view.holds.get(remote)
    if held is not None and (held[1] is None or held[1] > now) and same(name, held[0], value):
        return Held(name, "hold", held[2])
    return FieldWrite(remote, name, shown, after, _reason(wanted, name, shown))


def _sound(target: Target, value: Value) -> bool:
    """Whether a value is what its type promises: a phone number, an address, a country that exists."""
    if value is None or target.owner or target.field.decision:
        return True
    normal = values.normal(target.field.type, value)
    return normal is not None and (target.field.type != "country" or len(str(normal)) == 2)


class _Nothing:
    """No value is wanted here."""


_NOTHING = _Nothing()


def _desired(
    wanted: Wanted, target: Target, value: Value, shown: Value, same: Same, owners: Mapping[str, str], view: View
) -> Value | Unwritable | _Nothing:
    name = target.field.name
    if value is None:
        if shown is None or name not in wanted.cleared or target.field.decision:
            return _NOTHING
        sent, confirmed, known = view.pushed.get(target.remote, (None, None, False))
        held = sent if sent is not None and shown == (confirmed if known else sent) else shown
        return None if same(name, target.to_canonical(held), wanted.cleared[name]) else _NOTHING
    if target.owner:
        found = owners.get(str(value))
        return found if found is not None else Unwritable("no such user in this CRM", deliberate=True)
    return target.to_remote(value)


def _shows(target: Target, shown: Value, after: Value, value: Value, same: Same, view: View) -> bool:
    """Whether the record already shows the value, perhaps in the CRM's own spelling of what we sent."""
    if shown is None:
        return False
    sent = view.pushed.get(target.remote)
    if sent is not None and sent[0] == after and shown == (sent[1] if sent[2] else sent[0]):
        return True
    return value is not None and not target.owner and same(target.field.name, target.to_canonical(shown), value)


def _reason(wanted: Wanted, name: str, shown: Value) -> str:
    given = wanted.reasons.get(name)
    if given:
        return given
    return "fills a blank" if shown is None else "newer value"


def _economise(plan: RecordPlan, view: View, now: int, min_delta: float) -> None:
    """Scores are written with a change of band, grade or stage, else at most daily and only when moved enough."""
    if any(w.name in LEADING for w in plan.writes):
        return
    following = [w for w in plan.writes if w.name in FOLLOWING]
    if not following or any(w.before is None or _edited(w, view) for w in following):
        return
    score = next((w for w in following if w.name == "score"), None)
    moved = score is not None and _distance(score.before, score.after) >= min_delta
    rested = view.scored_at is None or now - view.scored_at >= DAY_MS
    if moved and rested:
        return
    plan.writes = [w for w in plan.writes if w.name not in FOLLOWING]
    plan.held += [Held(w.name, "economy", "moved too little or written today") for w in following]
    plan.again = moved


def _edited(write: FieldWrite, view: View) -> bool:
    """Whether somebody changed what we wrote there: it is put right at once."""
    sent = view.pushed.get(write.remote)
    return sent is not None and write.before != (sent[1] if sent[2] else sent[0])


def _distance(a: Value, b: Value) -> float:
    try:
        return abs(float(str(a)) - float(str(b)))
    except ValueError:
        return float("inf")
