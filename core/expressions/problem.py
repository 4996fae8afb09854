"""What compiling a condition gives: SQL, or what is wrong and where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """`sql` is 1 or 0 for a row of the facts relation; `names` are the model names it reads."""

    sql: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class ExpressionProblem:
    """Why a condition is refused. Line and column start at 1 and count within the condition."""

    text: str
    line: int = 1
    column: int = 1
    remedy: str = ""

    def __str__(self) -> str:
        what = f"{self.line}:{self.column}: {self.text}"
        return f"{what} → {self.remedy}" if self.remedy else what
