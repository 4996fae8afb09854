"""The configuration's rules as the rule modules of core want them: compiled, in thousandths, once per run."""

from __future__ import annotations

from dataclasses import dataclass

from core import config, scoring
from core.config_structs import Points, Settings
from core.errors import ConfigInvalid, ConfigProblem
from core.expressions import Condition, Model, compile_condition, person_model
from core.lifecycle import Move
from core.mapping import Mapping

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything `qualify` decides by. `fit`, `moves`: rule id -> compiled SQL."""

    set: scoring.RuleSet
    fit: dict[str, str]
    moves: tuple[Move, ...]
    move_sql: dict[str, str]
    custom: tuple[str, ...]

    @property
    def hash(self) -> str:
        """Names all of it: another hash, and everybody is qualified again."""
        return self.set.hash + "/" + str(hash_of(tuple((m.id, m.to, m.when) for m in self.moves)))


def hash_of(value: object) -> str:
    """A short stable name of some plain data."""
    from hashlib import sha256

    return sha256(repr(value).encode()).hexdigest()[:12]


def model_of(mapping: Mapping) -> Model:
    """The names that conditions may use with this mapping."""
    return person_model(mapping.custom_fields.values())


def condition(settings: Settings, mapping: Mapping, model: Model, key: str, text: str) -> Condition:
    """Compile one condition. Raises ConfigInvalid with every condition of the file that is wrong."""
    found = compile_condition(text, model)
    if isinstance(found, Condition):
        return found
    problems = config.check_conditions(settings, mapping.custom_fields.values())
    one = ConfigProblem(settings.file, 0, key, f"{found.text} (character {found.column})", found.remedy)
    raise ConfigInvalid([p for p in problems if p.fatal] or [one])


def rules_of(settings: Settings, mapping: Mapping) -> Rules:
    """Compile all rules. Raises ConfigInvalid when a condition is wrong."""
    model = model_of(mapping)
    s = settings.scoring
    fit = tuple(scoring.FitRule(i, r.label or i, r.when, _thousandths(r.points)) for i, r in s.fit.items())
    engagement = tuple(
        scoring.EngagementRule(
            i,
            r.label or i,
            r.kinds,
            _thousandths(r.points),
            r.half_life_hours,
            None if r.cap is None else _thousandths(r.cap),
            r.window_hours,
        )
        for i, r in s.engagement.items()
    )
    bands = scoring.Bands(
        _thousandths(s.bands.warm), _thousandths(s.bands.hot), _thousandths(s.bands.hysteresis), s.intent_days
    )
    grades = scoring.Grades(_three(s.grades.fit), _three(s.grades.engagement))
    moves = tuple(Move(m.id or f"move_{n + 1}", m.to, m.when, m.label) for n, m in enumerate(settings.lifecycle.moves))
    return Rules(
        scoring.RuleSet(fit, engagement, bands, grades),
        {r.id: condition(settings, mapping, model, f"scoring.fit.{r.id}.when", r.when).sql for r in fit},
        moves,
        {m.id: condition(settings, mapping, model, f"lifecycle.moves.{m.id}.when", m.when).sql for m in moves},
        tuple(f.name for f in mapping.custom_fields.values() if f.entity == "person"),
    )


def _thousandths(points: Points) -> int:
    return round(points * 1000)


def _three(points: tuple[Points, Points, Points]) -> tuple[int, int, int]:
    a, b, c = (_thousandths(p) for p in points)
    return a, b, c
