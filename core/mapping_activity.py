"""Rows of activity and owner streams in our words, by tables: constant, option table, words in a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import unquote

from core.mapping_structs import ActivityFacts, ActivityRules, OwnerFacts, OwnerRules
from core.mapping_values import written
from core.model import ActivityKind, Value
from core.values import blank, fold, normal

_WORD = re.compile(r"[^\W_]+")
_URL = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)


def activity_fields(rules: ActivityRules) -> list[str]:
    """Remote names that the rules read."""
    names: list[str | None] = [rules.kind_field, *rules.words_fields, *rules.occurred_at, rules.ends_at]
    names += [pair[0] for pair in (rules.completed, rules.never, rules.direction, rules.outcome) if pair]
    names += [*rules.never_fields, *rules.title, rules.owner, rules.email]
    return [n for n in dict.fromkeys(names) if n is not None]


def activity_facts(rules: ActivityRules, values: Mapping[str, Value]) -> ActivityFacts | None:
    """The row in the fixed vocabulary; None when the tables say that it is no activity."""
    kind = _kind(rules, values)
    if kind is None:
        return None
    completed, ends_at = _completion(rules, values)
    happened = completed or ends_at is not None
    return ActivityFacts(
        kind=kind,
        occurred_at=_moment(values, rules.occurred_at) if happened else None,
        completed=completed,
        title=_first(values, rules.title),
        direction=None if rules.direction is None else rules.direction[1].get(_get(values, rules.direction[0])),
        outcome=_outcome(rules, values),
        ends_at=ends_at,
        owner_id=_first(values, (rules.owner,)),
        email=_first(values, (rules.email,)),
    )


def _kind(rules: ActivityRules, values: Mapping[str, Value]) -> ActivityKind | None:
    if rules.kind_field is not None:
        text = _get(values, rules.kind_field)
        if text in rules.kind_table:
            return rules.kind_table[text]
    for name in rules.words_fields:
        text = _get(values, name)
        found = next((kind for kind, phrases in rules.words if _says(text, phrases)), None)
        if found is not None:
            return found
    return rules.kind


@lru_cache(maxsize=16_384)
def name_words(text: str) -> tuple[str, ...]:
    """Folded words of a name or of the path of a URL (its host and query say nothing about the form)."""
    bare = _URL.sub("", text)
    if bare != text:
        bare = unquote(re.split(r"[?#]", bare, maxsplit=1)[0])
    return tuple(_WORD.findall(fold(bare)))


def _says(text: str, phrases: Iterable[tuple[str, ...]]) -> bool:
    if not text:
        return False
    words = name_words(text)
    return any(words[i : i + len(phrase)] == phrase for phrase in phrases for i in range(len(words) - len(phrase) + 1))


def _completion(rules: ActivityRules, values: Mapping[str, Value]) -> tuple[bool, int | None]:
    if rules.never is not None and _get(values, rules.never[0]) in rules.never[1]:
        return False, None
    if any(_says(_get(values, n), rules.never_words) for n in rules.never_fields):
        return False, None
    if rules.completed is not None and _get(values, rules.completed[0]) in rules.completed[1]:
        return True, None
    if rules.ends_at is not None:
        return False, _moment(values, (rules.ends_at,))
    return rules.completed is None, None


def _outcome(rules: ActivityRules, values: Mapping[str, Value]) -> str | None:
    if rules.outcome is None:
        return None
    text = _get(values, rules.outcome[0])
    return rules.outcome[1].get(text, text) or None


def owner_fields(rules: OwnerRules) -> list[str]:
    """Remote names that the rules read."""
    names = [rules.email, *rules.name, rules.active, rules.inactive]
    if not isinstance(rules.queue, bool):
        names.append(rules.queue[0])
    return [n for n in dict.fromkeys(names) if n is not None]


def owner_facts(rules: OwnerRules, values: Mapping[str, Value]) -> OwnerFacts:
    """A rep or a queue in our words; e-mail in lower case."""
    email = _first(values, (rules.email,))
    active = rules.active is None or _get(values, rules.active) != "false"
    inactive = rules.inactive is not None and _get(values, rules.inactive) == "true"
    queue = rules.queue if isinstance(rules.queue, bool) else _get(values, rules.queue[0]) == rules.queue[1]
    return OwnerFacts(
        email=None if email is None else email.strip().lower(),
        name=" ".join(part for n in rules.name if (part := _get(values, n))),
        active=active and not inactive,
        queue=queue,
    )


def _get(values: Mapping[str, Value], name: str) -> str:
    value = values.get(name)
    return "" if blank(value) else written(value)


def _first(values: Mapping[str, Value], names: Iterable[str | None]) -> str | None:
    return next((text for n in names if n is not None and (text := _get(values, n))), None)


def _moment(values: Mapping[str, Value], names: Iterable[str]) -> int | None:
    for name in names:
        found = normal("datetime", values.get(name))
        if isinstance(found, int):
            return found
    return None
