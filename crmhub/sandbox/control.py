"""The control port: time, faults, counted calls, state and truth, edits as a person would make them."""

from __future__ import annotations

from typing import Any

from crmhub.sandbox.calls import Limit, limits_of
from crmhub.sandbox.clock import ClockError
from crmhub.sandbox.faults import FaultError
from crmhub.sandbox.house import OWN, House
from crmhub.sandbox.messages import BadJsonError, Match, Request, Response, Router
from crmhub.sandbox.vendor import ControlError, Limited


class Control:
    """Answers requests on the control port; every error is {"error": sentence}."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._router = Router()
        for method, route, handler in (
            ("GET", "/", self._ready),
            ("GET", "/clock", lambda _: Response.json(house.clock.snapshot())),
            ("POST", "/clock", lambda request: Response.json(house.clock.change(_wish(request)))),
            ("GET", "/faults", lambda _: Response.json(house.faults.rules())),
            ("POST", "/faults", self._add_faults),
            ("DELETE", "/faults", self._clear_faults),
            ("GET", "/calls", lambda _: Response.json(house.calls.rows())),
            ("DELETE", "/calls", self._clear_calls),
            ("GET", "/calls/least", self._least),
            ("GET", "/calls/pace/{vendor}", self._pace),
            ("POST", "/calls/pace/{vendor}", self._pace),
            ("GET", "/webhooks", lambda _: Response.json(house.courier.snapshot(house.clock.now()))),
            ("GET", "/state/{vendor}", self._state),
            ("GET", "/truth/people", lambda _: Response.ndjson(house.truth())),
            ("POST", "/reset", self._reset),
            ("POST", "/edit", self._edit),
            ("POST", "/delete", self._delete),
            ("POST", "/act", self._act),
            ("GET", "/settings/{vendor}", self._show_settings),
            ("POST", "/settings", self._settings),
        ):
            self._router.add(method, route, handler)

    def answer(self, request: Request) -> Response:
        match = self._router.match(request.method, request.path)
        if not isinstance(match, Match):
            return Response.json({"error": "no such call"}, 405 if match else 404)
        request.params, request.route = match.params, match.route
        try:
            return match.handler(request)
        except (ControlError, ClockError, FaultError, BadJsonError) as problem:
            return Response.json({"error": str(problem)}, 400)

    def _ready(self, _: Request) -> Response:
        return Response.json(self._house.ready())

    def _add_faults(self, request: Request) -> Response:
        wish = request.json()
        rules = [self._house.faults.add(_object(one)) for one in (wish if isinstance(wish, list) else [wish])]
        return Response.json([rule.as_json() for rule in rules], 201)

    def _clear_faults(self, _: Request) -> Response:
        self._house.faults.clear()
        return Response(204)

    def _clear_calls(self, _: Request) -> Response:
        self._house.calls.clear()
        return Response(204)

    def _least(self, _: Request) -> Response:
        return Response.json({name: vendor.least() for name, vendor in self._house.vendors.items()})

    def _pace(self, request: Request) -> Response:
        name = request.params["vendor"]
        vendor = self._house.vendor(name)
        limits: list[Limit] = []
        if request.method == "POST":
            limits = limits_of(request.json())
        elif isinstance(vendor, Limited):
            limits = limits_of(vendor.rate_limits())
        return Response.json(self._house.calls.pace(name, limits))

    def _state(self, request: Request) -> Response:
        return Response.ndjson(self._house.vendor(request.params["vendor"]).state())

    def _reset(self, _: Request) -> Response:
        self._house.reset()
        return Response.json(self._house.clock.snapshot())

    def _edit(self, request: Request) -> Response:
        wish = _wish(request)
        vendor = self._house.vendor(wish.get("vendor"))
        fields = _object(wish.get("fields"))
        return Response.json(
            vendor.edit(_text(wish, "object"), _text(wish, "id"), fields, str(wish.get("actor", "person")))
        )

    def _delete(self, request: Request) -> Response:
        wish = _wish(request)
        self._house.vendor(wish.get("vendor")).delete(_text(wish, "object"), _text(wish, "id"))
        return Response(204)

    def _act(self, request: Request) -> Response:
        wish = _wish(request)
        vendor, action = self._house.vendor(wish.pop("vendor", None)), _text(wish, "action")
        del wish["action"]
        return Response.json(vendor.act(action, wish))

    def _show_settings(self, request: Request) -> Response:
        name = request.params["vendor"]
        return Response.json(self._house.change({}) if name == OWN else self._house.vendor(name).settings({}))

    def _settings(self, request: Request) -> Response:
        wish = _wish(request)
        name = wish.pop("vendor", None)
        return Response.json(self._house.change(wish) if name == OWN else self._house.vendor(name).settings(wish))


def _wish(request: Request) -> dict[str, Any]:
    return _object(request.json())


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ControlError("a JSON object is wanted here")
    return value


def _text(wish: dict[str, Any], key: str) -> str:
    value = wish.get(key)
    if not isinstance(value, str | int) or value == "":
        raise ControlError(f"{key} is missing")
    return str(value)
