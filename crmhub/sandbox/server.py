"""One process, one event loop, one loopback port per vendor and one for control. Raw ASGI under uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, cast

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from crmhub.sandbox.calls import NO_ANSWER
from crmhub.sandbox.clock import Clock, http_date
from crmhub.sandbox.control import Control
from crmhub.sandbox.courier import post
from crmhub.sandbox.faults import Rule
from crmhub.sandbox.house import House
from crmhub.sandbox.messages import BadJsonError, Match, Query, Request, Response
from crmhub.sandbox.vendor import Vendor

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
CONTROL = "control"
_TICK = 0.02
"""Seconds of real time between two looks at what happens by itself."""


class _Protocol(HttpToolsProtocol):
    """Hands the transport to the application, so that a fault can close the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: Scope = cast(Scope, self.scope)
        scope["sandbox.transport"] = self.transport


class _Server(uvicorn.Server):
    """SIGTERM and SIGINT are a wish to stop, not a reason to die by the signal: the process exits with 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.should_exit = True


class Application:
    """The ASGI application: which port was called says which vendor is meant."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.control = Control(house)
        self.ports: dict[int, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        request = await _read(scope, receive)
        if request is None:
            return  # the caller went away before the whole request was here: it never happened
        self.house.tick()
        place = self.ports[scope["server"][1]]
        if place == CONTROL:
            await self._send(send, self.house.clock, self.control.answer(request), head=request.method == "HEAD")
            return
        await self._vendor(place, request, scope, send)

    async def _vendor(self, name: str, request: Request, scope: Scope, send: Send) -> None:
        house = self.house
        vendor = house.vendors[name]
        match = vendor.router.match(request.method, request.path)
        if isinstance(match, Match):
            request.route, request.params = match.route, match.params
        house.calls.arrive(name, request.method, request.route or "(none)")
        rule = house.faults.pick(name, request, vendor.is_token_route(request.route))
        if rule is not None and (rule.kind == "drop_before" or (rule.kind == "slow" and rule.when == "before")):
            if rule.kind == "drop_before":
                return await self._drop(name, request, scope)
            await asyncio.sleep(rule.seconds)
        response = _faulted(vendor, request, rule) or _handled(vendor, request, match)
        if rule is not None:
            if rule.kind == "replay":
                response = _handled(vendor, request, match)
            if rule.kind == "drop_after_commit":
                return await self._drop(name, request, scope)
            if rule.kind == "slow" and rule.when != "before":
                await asyncio.sleep(rule.seconds)
            response = _spoiled(response, rule)
        if wait := house.latency():
            await asyncio.sleep(wait)
        house.calls.add(name, request.method, request.route or "(none)", response.status)
        cut = rule is not None and rule.kind == "cut"
        await self._send(send, house.clocks[name], response, cut=cut, head=request.method == "HEAD")
        if cut and rule is not None and rule.close:
            await self._abort(scope)
        return None

    async def _drop(self, name: str, request: Request, scope: Scope) -> None:
        self.house.calls.add(name, request.method, request.route or "(none)", NO_ANSWER)
        await self._abort(scope)

    @staticmethod
    async def _abort(scope: Scope) -> None:
        scope["sandbox.transport"].abort()
        await asyncio.sleep(0)  # lets the protocol learn that the connection is gone
        await asyncio.sleep(0)

    async def live(self) -> None:
        """What happens by itself, for ever: other writers and webhooks, one at a time so that they keep their order."""
        while True:
            self.house.tick()
            courier = self.house.courier
            for parcel in courier.due(self.house.clock.now()):
                courier.posted(parcel, await asyncio.to_thread(post, parcel.outgoing))
                if courier is not self.house.courier:
                    break  # a reset came in between: what was waiting is of another life
            await asyncio.sleep(_TICK)

    async def _send(self, send: Send, clock: Clock, response: Response, cut: bool = False, head: bool = False) -> None:
        body = response.body
        headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
        headers.append((b"date", http_date(clock.now()).encode()))
        if response.lines is not None:
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            for chunk in response.chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return
        if cut:
            body = body[: len(body) // 2]
        if response.status not in (204, 304):
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else body})


async def _read(scope: Scope, receive: Receive) -> Request | None:
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    path = scope.get("raw_path") or scope["path"].encode()
    return Request(
        method=scope["method"],
        path=path.decode("ascii", "replace").partition("?")[0],
        query=Query(scope["query_string"].decode("latin-1")),
        headers=headers,
        body=body,
    )


def _faulted(vendor: Vendor, request: Request, rule: Rule | None) -> Response | None:
    """The answer of a fault that replaces the work, or None."""
    if rule is None or rule.kind not in ("status", "quota"):
        return None
    if rule.kind == "quota":
        response = vendor.quota_full()
    elif rule.body is None:
        response = vendor.refuse(rule.status, request)
    elif isinstance(rule.body, str):
        response = Response.text(rule.body, rule.status)
    else:
        response = Response.json(rule.body, rule.status)
    if rule.retry_after is not None:
        response.headers["Retry-After"] = f"{rule.retry_after:g}"
    return response


def _handled(vendor: Vendor, request: Request, match: Match | list[str]) -> Response:
    """The vendor's own answer."""
    refusal = vendor.before(request)
    if refusal is not None:
        response = refusal
    elif isinstance(match, Match):
        try:
            response = match.handler(request)
        except BadJsonError:
            response = vendor.refuse(400, request)
    else:
        response = vendor.unmatched(request, match)
    vendor.after(request, response)
    return response


def _spoiled(response: Response, rule: Rule) -> Response:
    """The answer after a fault that only changes what is sent."""
    if rule.kind == "garbage":
        return Response.text("<html><body><h1>Scheduled maintenance</h1></body></html>", 200, "text/html")
    if rule.kind == "duplicate" and response.status == 200 and response.body[:1] == b"{":
        answer = orjson.loads(response.body)
        for key in ("results", "records"):
            rows = answer.get(key)
            if isinstance(rows, list) and rows:
                rows.append(rows[-1])
                return Response(response.status, orjson.dumps(answer), response.headers)
    return response


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes any free one."""
    # with its protocol named, asyncio sets TCP_NODELAY; without, each answer waits 40 ms for an acknowledgement
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind(("127.0.0.1", port))
    opened.listen(256)
    opened.setblocking(False)
    return opened


def serve(application: Application, sockets: dict[str, socket.socket], ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is called once every port answers."""
    application.ports = {opened.getsockname()[1]: name for name, opened in sockets.items()}
    config = uvicorn.Config(
        application,
        http=_Protocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    asyncio.run(_run(application, _Server(config), list(sockets.values()), ready))


async def _run(
    application: Application, server: _Server, sockets: list[socket.socket], ready: Callable[[], None]
) -> None:
    serving = asyncio.create_task(server.serve(sockets=sockets))
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    if server.started:
        ready()
    living = asyncio.create_task(application.live())
    await asyncio.wait((serving, living), return_when=asyncio.FIRST_COMPLETED)
    if living.done():
        server.should_exit = True
    await serving
    living.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await living
