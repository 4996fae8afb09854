"""The pipelines API: what stages there are, and changing them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crmhub.sandbox.hubspot.errors import HubSpotError, invalid, not_found
from crmhub.sandbox.hubspot.paths import body_of, versioned
from crmhub.sandbox.hubspot.portal import Portal
from crmhub.sandbox.hubspot.stages import Pipeline, Pipelines, Stage
from crmhub.sandbox.messages import Request, Response, Router


class PipelinesApi:
    """`/crm/v3/pipelines/{type}` and the dated paths; only deals have pipelines here."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def routes(self, router: Router) -> None:
        for method, tail, handler in (
            ("GET", "", self.page),
            ("POST", "", self.create),
            ("GET", "/{pipeline}", self.get),
            ("PATCH", "/{pipeline}", self.update),
            ("DELETE", "/{pipeline}", self.archive),
            ("GET", "/{pipeline}/stages", self.stages),
            ("POST", "/{pipeline}/stages", self.create_stage),
            ("GET", "/{pipeline}/stages/{stage}", self.stage),
            ("PATCH", "/{pipeline}/stages/{stage}", self.update_stage),
            ("DELETE", "/{pipeline}/stages/{stage}", self.archive_stage),
        ):
            old, dated = f"/crm/v3/pipelines/{{type}}{tail}", f"/crm/pipelines/{{D}}/{{type}}{tail}"
            versioned(router, method, old, dated, handler)

    def page(self, request: Request) -> Response:
        return Response.json({"results": [one.as_json() for one in self._held(request).live()]})

    def get(self, request: Request) -> Response:
        return Response.json(self._one(request).as_json())

    def create(self, request: Request) -> Response:
        held, wish, now = self._held(request), body_of(request), self._portal.now()
        stages = wish.get("stages")
        if not isinstance(stages, list) or not stages:
            raise invalid("Invalid input JSON: stages is required to create a pipeline")
        made = Pipeline(held.number(), _label(wish), _order(wish, len(held.all)), now, now)
        if any(one.label == made.label for one in held.live()):
            raise HubSpotError(409, "CONFLICT", f"A pipeline named '{made.label}' already exists.")
        for row in stages:
            self._add_stage(held, made, row)
        held.all[made.id] = made
        held.follow()
        return Response.json(made.as_json(), 201)

    def update(self, request: Request) -> Response:
        held, pipeline, wish = self._held(request), self._one(request), body_of(request)
        if "label" in wish:
            pipeline.label = _label(wish)
        pipeline.order = _order(wish, pipeline.order)
        if wish.get("archived") is False:
            pipeline.archived_at = None
        pipeline.updated = self._portal.now()
        held.follow()
        return Response.json(pipeline.as_json())

    def archive(self, request: Request) -> Response:
        held, pipeline = self._held(request), self._one(request)
        if request.query.get("validateReferencesBeforeDelete") == "true":
            self._refuse_used("pipeline", [pipeline.id])
        if request.query.get("validateDealStageUsagesBeforeDelete") == "true":
            self._refuse_used("dealstage", pipeline.stages)
        pipeline.archived_at = self._portal.now()
        held.follow()
        return Response(204)

    def stages(self, request: Request) -> Response:
        return Response.json({"results": [stage.as_json() for stage in self._one(request).live()]})

    def stage(self, request: Request) -> Response:
        return Response.json(self._stage(request).as_json())

    def create_stage(self, request: Request) -> Response:
        held, pipeline = self._held(request), self._one(request)
        made = self._add_stage(held, pipeline, body_of(request))
        held.follow()
        return Response.json(made.as_json(), 201)

    def update_stage(self, request: Request) -> Response:
        held, stage, wish = self._held(request), self._stage(request), body_of(request)
        if "label" in wish:
            stage.label = _label(wish)
        stage.order = _order(wish, stage.order)
        if isinstance(wish.get("metadata"), dict):
            stage.probability, stage.closed = _metadata(wish["metadata"])
        stage.updated = self._portal.now()
        held.follow()
        self._portal.tables["deals"].version += 1  # what follows from the stage changes; no deal is stamped
        return Response.json(stage.as_json())

    def archive_stage(self, request: Request) -> Response:
        held, stage = self._held(request), self._stage(request)
        self._refuse_used("dealstage", [stage.id])
        stage.archived_at = self._portal.now()
        held.follow()
        return Response(204)

    def _held(self, request: Request) -> Pipelines:
        table = self._portal.table(request.params["type"])
        if table.kind.name != "deals":
            raise invalid(f"Pipelines are not enabled for object type {table.kind.type_id}")
        return self._portal.pipelines

    def _one(self, request: Request) -> Pipeline:
        pipeline = self._held(request).all.get(request.params["pipeline"])
        if pipeline is None or pipeline.archived_at is not None:
            raise not_found(f"Pipeline {request.params['pipeline']} does not exist")
        return pipeline

    def _stage(self, request: Request) -> Stage:
        stage = self._one(request).stages.get(request.params["stage"])
        if stage is None or stage.archived_at is not None:
            raise not_found(f"Stage {request.params['stage']} does not exist")
        return stage

    def _add_stage(self, held: Pipelines, pipeline: Pipeline, wish: Any) -> Stage:
        if not isinstance(wish, dict) or not isinstance(wish.get("metadata"), dict):
            raise invalid("Invalid input JSON: a stage needs label, displayOrder and metadata")
        now = self._portal.now()
        probability, closed = _metadata(wish["metadata"])
        made = Stage(held.number(), _label(wish), _order(wish, len(pipeline.stages)), probability, closed, now, now)
        pipeline.stages[made.id] = made
        return made

    def _refuse_used(self, name: str, values: Iterable[str]) -> None:
        """A stage or pipeline that deals are in cannot go."""
        table, taken = self._portal.tables["deals"], set(values)
        used = [str(one.id) for one in table.rows.values() if one.alive and table.props(one).get(name) in taken]
        if used:
            raise HubSpotError(
                400,
                "VALIDATION_ERROR",
                f"Stage IDs: {sorted(taken)} are being referenced by object IDs: {used[:10]}",
                sub_category="PipelineError.STAGE_ID_IN_USE",
            )


def _label(wish: dict[str, Any]) -> str:
    label = wish.get("label")
    if not isinstance(label, str) or not label:
        raise invalid("Invalid input JSON: label is required")
    return label


def _order(wish: dict[str, Any], default: int) -> int:
    order = wish.get("displayOrder", default)
    if not isinstance(order, int):
        raise invalid("Invalid input JSON: displayOrder must be a whole number")
    return order


def _metadata(wish: dict[str, Any]) -> tuple[str, bool]:
    """(probability, closed) of a stage: 0.0 and 1.0 are closed ones."""
    text = str(wish.get("probability", ""))
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise invalid(f"probability must be between 0.0 and 1.0: was {text}")
    return str(share), str(wish.get("isClosed", share in (0.0, 1.0))).lower() == "true"
