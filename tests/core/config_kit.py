"""A configuration that is right, and a way to break it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.config import load
from core.config_structs import Settings
from core.errors import ConfigProblem


class Crm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings of a made-up connector kind."""

    token: str
    base_url: str = "https://crm.example"
    ours: str | None = None
    retries: int = 3

    def __post_init__(self) -> None:
        if not self.base_url.startswith("https://"):
            raise ValueError("base_url must start with https://")


KINDS: dict[str, type] = {"crm": Crm, "other": Crm}
ENV = {"CRM_TOKEN": "s3cret-t0ken", "EMPTY": ""}

GOOD = """\
[hub]
timezone = "Europe/Paris"
region = "FR"
[connections.crm]
kind = "crm"
token = "${CRM_TOKEN}"
ours = "hub@example.com"
[rollout]
mode = "live"
live_from = 2027-01-11
[scoring.fit.size]
when = "company.employees >= 50"
points = 20
[scoring.engagement.demo]
on = "demo_requested"
points = 40
half_life = "30d"
cap = 80
[[lifecycle.moves]]
to = "prospect"
when = "score.fit >= 30"
[[lifecycle.moves]]
to = "mql"
when = "score.total >= 60"
[sla.first_touch]
starts = "stage:mql"
stops = "first_touch"
within = "4 business hours"
[jobs.frequent]
run = "sync"
every = "5m"
"""


def read(tmp_path: Path, text: str = GOOD, *, deep: bool = False) -> tuple[Settings | None, list[ConfigProblem]]:
    """Load `text` from a file of its own."""
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, KINDS, env=ENV, deep=deep)


def settings(tmp_path: Path, text: str = GOOD) -> Settings:
    """Settings of a text that must be right."""
    found, problems = read(tmp_path, text, deep=True)
    assert problems == []
    assert found is not None
    return found
