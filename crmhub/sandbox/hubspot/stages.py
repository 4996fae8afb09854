"""Pipelines and their stages, and what follows from a deal's stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from crmhub.sandbox.hubspot.schema import Option, Property, iso

MADE = 1_682_928_000_000
"""When the seeded pipeline was made: 2023-05-01T08:00:00Z."""
DEFAULT = "default"
_STAGES: tuple[tuple[str, str, str], ...] = (
    ("appointmentscheduled", "Appointment Scheduled", "0.2"), ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"), ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"), ("closedlost", "Closed Lost", "0.0"),
)  # fmt: skip
_RATES = {"EUR": 1.0, "GBP": 1.15, "USD": 0.86}
_FIRST_NUMBER = 142_930_112
"""Pipelines and stages that people make have numbers as ids."""


@dataclass(slots=True)
class Stage:
    id: str
    label: str
    order: int
    probability: str
    closed: bool
    created: int
    updated: int
    archived_at: int | None = None

    @property
    def won(self) -> bool:
        return self.closed and float(self.probability) == 1.0

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": self.order,
            "metadata": {"isClosed": "true" if self.closed else "false", "probability": self.probability},
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            **_dates(self.created, self.updated, self.archived_at),
        }


@dataclass(slots=True)
class Pipeline:
    id: str
    label: str
    order: int
    created: int
    updated: int
    archived_at: int | None = None
    stages: dict[str, Stage] = field(default_factory=dict)

    def live(self) -> list[Stage]:
        """Stages in use, in their order."""
        return sorted((one for one in self.stages.values() if one.archived_at is None), key=lambda one: one.order)

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": self.order,
            "stages": [stage.as_json() for stage in self.live()],
            **_dates(self.created, self.updated, self.archived_at),
        }


class Pipelines:
    """The pipelines of the deals of one portal. The options of `pipeline` and `dealstage` follow them."""

    def __init__(self, properties: dict[str, Property]) -> None:
        self._properties = properties
        self._next = _FIRST_NUMBER
        stages = {
            name: Stage(name, label, order, share, name.startswith("closed"), MADE, MADE)
            for order, (name, label, share) in enumerate(_STAGES)
        }
        self.all: dict[str, Pipeline] = {DEFAULT: Pipeline(DEFAULT, "Sales Pipeline", 0, MADE, MADE, stages=stages)}
        self.follow()

    def number(self) -> str:
        """An id for something new."""
        self._next += 1
        return str(self._next)

    def live(self) -> list[Pipeline]:
        return sorted((one for one in self.all.values() if one.archived_at is None), key=lambda one: one.order)

    def stage(self, name: str) -> tuple[Pipeline, Stage] | None:
        """A stage, archived ones included, and the pipeline it belongs to."""
        for pipeline in self.all.values():
            if name in pipeline.stages:
                return pipeline, pipeline.stages[name]
        return None

    def follow(self) -> None:
        """Make the options of the two properties what the pipelines are now."""
        live = self.live()
        self._properties["pipeline"].options = [Option(one.label, one.id, one.order) for one in live]
        stages = [stage for pipeline in live for stage in pipeline.live()]
        self._properties["dealstage"].options = [
            Option(one.label, one.id, place) for place, one in enumerate(stages)
        ]  # fmt: skip


def derive(pipelines: Pipelines) -> Callable[[dict[str, str]], dict[str, str]]:
    """The properties of a deal that follow from its stage and amount."""

    def follow(props: dict[str, str]) -> dict[str, str]:
        found = pipelines.stage(props.get("dealstage", ""))
        if found is None:
            return {}
        stage, amount = found[1], props.get("amount")
        values = {
            "hs_is_closed": "true" if stage.closed else "false",
            "hs_is_closed_won": "true" if stage.won else "false",
            "hs_is_closed_lost": "true" if stage.closed and not stage.won else "false",
            "hs_is_open_count": "0" if stage.closed else "1",
            "hs_deal_stage_probability": str(float(stage.probability)).removesuffix(".0"),
        }
        if amount:
            rate = _RATES.get(props.get("deal_currency_code", "EUR"), 1.0)
            values["amount_in_home_currency"] = f"{float(amount) * rate:.10g}"
            values["hs_projected_amount"] = f"{float(amount) * float(stage.probability):.10g}"
            values["hs_closed_amount"] = amount if stage.won else "0"
        return values

    return follow


def _dates(created: int, updated: int, archived_at: int | None) -> dict[str, Any]:
    found: dict[str, Any] = {"createdAt": iso(created), "updatedAt": iso(updated), "archived": archived_at is not None}
    if archived_at is not None:
        found["archivedAt"] = iso(archived_at)
    return found
