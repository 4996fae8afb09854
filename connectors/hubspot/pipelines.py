"""Pipelines of deals and their stages.

https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3
"""

from __future__ import annotations

from connectors.contract import MissingScope, Option
from connectors.hubspot.apart import listed
from connectors.hubspot.api import Api
from connectors.hubspot.routes import PIPELINES


def pipeline_options(api: Api) -> dict[str, tuple[Option, ...]]:
    """Options of the properties `pipeline` and `dealstage`; nothing when the credentials may not read pipelines.

    A stage is called after its pipeline where there are several ("Renewals: Won"), since its name alone says
    little then. Stages that deals can no longer be moved to are inactive.
    """
    try:
        found = listed(api.call("GET", f"{PIPELINES}/deals").data)
    except MissingScope:
        return {}  # the properties' own options have to do
    pipelines = sorted(found, key=lambda p: (bool(p.get("archived")), p.get("displayOrder") or 0))
    several = len(pipelines) > 1
    options = {"pipeline": tuple(Option(str(p["id"]), str(p["label"]), not p.get("archived")) for p in pipelines)}
    stages: list[Option] = []
    for p in pipelines:
        for s in sorted(p.get("stages") or (), key=lambda s: s.get("displayOrder") or 0):
            label = f"{p['label']}: {s['label']}" if several else str(s["label"])
            stages.append(Option(str(s["id"]), label, not (p.get("archived") or s.get("archived"))))
    return {**options, "dealstage": tuple(stages)}
