"""Conditions that people write: `when = "person.country = 'FR' and company.employees >= 50"`.

A condition is a SQL expression over the names of a model. It is parsed, every node is checked against an
allow-list and typed, and a new expression is built from what passed: no text of the user reaches the store.
"""

from __future__ import annotations

from core.expressions.names import FACTS, Model, Name, column_of, person_model
from core.expressions.problem import Condition, ExpressionProblem

__all__ = [
    "FACTS",
    "Condition",
    "ExpressionProblem",
    "Model",
    "Name",
    "column_of",
    "compile_condition",
    "person_model",
]


def compile_condition(text: str, model: Model) -> Condition | ExpressionProblem:
    """The condition as SQLite SQL over the relation `f`, or what is wrong with it. Never raises.

    The SQL is 1 or 0, never NULL: what is unknown is not true. Division is real and by zero unknown.
    """
    # the parser takes 180 ms to import: only when a rule is compiled
    from core.expressions.compiler import compile_text

    return compile_text(text, model)
