"""The connector's requests against HubSpot's interface data, where a copy of it lies beside the repository."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest

from connectors.contract import FieldRequest, Option, WriteOp
from tests.connectors.hubspot_portal import Portal, create, pull, sandbox, some_contacts, update

SPECS = Path(__file__).parents[3] / "shared" / "specs" / "hubspot"
#: routes that the copy does not hold
NOT_COVERED = ("/account-info/", "/form-integrations/", "/email/public/")

pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="no copy of HubSpot's interface data here")


@cache
def spec(name: str, base_url: str) -> OpenAPI:
    data = orjson.loads((SPECS / f"{name}.json").read_bytes())
    data["servers"] = [{"url": base_url}]
    return OpenAPI.from_dict(data)


def spec_name(path: str) -> str:
    parts = path.strip("/").split("/")
    if parts[:3] == ["crm", "v3", "objects"]:
        return f"crm-{parts[3]}"
    if parts[:3] == ["crm", "v4", "associations"]:
        return "crm-associations-v4"
    return {"crm": f"crm-{parts[2]}", "marketing": f"marketing-{parts[2]}", "oauth": "oauth", "events": "events"}[
        parts[0]
    ]


def test_every_request_fits_the_interface_data(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[requests.PreparedRequest] = []
    real = requests.Session.send

    def watch(self: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        sent.append(request)
        return real(self, request, **kwargs)

    with sandbox(120) as portal:
        base = portal.credentials["base_url"]
        monkeypatch.setattr(requests.Session, "send", watch)
        use_everything(portal)
        monkeypatch.undo()
    ours = [r for r in sent if r.url and r.url.startswith(base)]
    checked = set()
    for request in ours:
        path = (request.url or "").removeprefix(base).partition("?")[0]
        if path.startswith(NOT_COVERED):
            continue
        spec(spec_name(path), base).validate_request(RequestsOpenAPIRequest(request))
        checked.add((request.method, path))
    assert len(checked) > 25


def use_everything(portal: Portal) -> None:
    connector = portal.connector()
    connector.check()
    stage = FieldRequest("crmhub_stage", "Stage", "option", (Option("lead", "Lead"),))
    key = FieldRequest("crmhub_id", "crmhub id", "text", unique=True)
    connector.ensure_fields("contacts", [stage, key])
    more = FieldRequest("crmhub_stage", "Stage", "option", (Option("mql", "MQL"),))
    connector.ensure_fields("contacts", [more])
    for stream in connector.streams():
        connector.describe(stream.name)
        connector.count(stream.name)
        rows, bookmark = pull(connector, stream.name, None, "hs_object_id", "email_name")
        portal.later(90_000)
        pull(connector, stream.name, bookmark, "hs_object_id", "email_name")
        ids = [r.id for r in rows[:3]]
        assert len(connector.links(stream.name, ids)) in (0, len(ids))
        assert list(connector.bin(stream.name)) or stream.entity in ("owner", "activity")
    (one,) = some_contacts(portal, 1)
    connector.read("contacts", [one, "1"], ("email",))
    connector.find("contacts", "email", ["a@example.com"], ("email",))
    connector.find("contacts", "lastname", ["Martin"], ("email",))
    email = WriteOp("c2", "create", None, {"email": "c2@example.com"}, ("email", "c2@example.com"))
    ops = [update(one, "u", firstname=None), create("c", "k1", email="c1@example.com"), email]
    assert [r.outcome for r in connector.push("contacts", ops)] == ["applied"] * 3
