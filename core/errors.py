"""What can go wrong on our side, named by the cure.

    HubError
    ├── ConfigInvalid        fix the configuration: every problem with file, line, key and remedy
    ├── Refused              what was asked must not be done now; the sentence says what to do instead
    │   ├── LeaseHeld        another process is at work: wait or stop it
    │   ├── LeaseLost        our lease was taken over: stop, the other one goes on
    │   ├── PlanStale        the plan is old or of another configuration: plan again
    │   └── Stopped          a brake (stop_if, writes off, mass change upstream) holds: look, then allow
    └── StoreBroken          the store cannot be used: restore or repair

Data trouble (a bad row, a refused write) is a value, kept as a dead letter, never an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing wrong in a configuration file. `line` starts at 1, 0 when the file as a whole is meant."""

    file: str
    line: int
    key: str
    text: str
    remedy: str = ""
    fatal: bool = True

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        what = f"{where} {self.key}: {self.text}" if self.key else f"{where}: {self.text}"
        return f"{what} → {self.remedy}" if self.remedy else what


class HubError(Exception):
    """Root of the hub's own errors. `remedy` is the sentence to act on."""

    remedy: str = ""


class ConfigInvalid(HubError):
    """The configuration or a mapping cannot be used; all problems at once."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class Refused(HubError):
    """The hub will not do this now."""

    def __init__(self, text: str, remedy: str = "") -> None:
        self.text, self.remedy = text, remedy
        super().__init__(text + (f" → {remedy}" if remedy else ""))


class LeaseHeld(Refused):
    """Another process works on the same connection or store."""

    def __init__(self, name: str, holder: str, since_s: int) -> None:
        self.name, self.holder = name, holder
        super().__init__(
            f"{name} is being worked on by {holder}, {since_s} s ago still alive",
            "wait for it to finish, or stop that process; a killed one is taken over after 60 s",
        )


class LeaseLost(Refused):
    """This process was paused so long that another one took over."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the lease on {name} was taken over by another process", "run the command again")


class PlanStale(Refused):
    """A plan file that no longer fits."""


class Stopped(Refused):
    """A brake holds."""


class StoreBroken(HubError):
    """The store file cannot be used."""

    def __init__(self, path: str, detail: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(f"{path}: {detail} → {remedy}")
