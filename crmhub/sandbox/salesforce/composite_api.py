"""composite and composite/batch: several requests in one.

Vendor page: REST API Developer Guide, "Composite" and "Composite Batch".
"""

import re
from collections.abc import Callable
from typing import Any

import orjson

from crmhub.sandbox.messages import Query, Request, Response
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.paths import bad_input
from crmhub.sandbox.salesforce.sobjects_api import body_of

MAX_REQUESTS = 25
MAX_HEAVY = 5
Dispatch = Callable[[Request], Response]
_REFERENCE = re.compile(r"@\{([A-Za-z]\w*)((?:\.\w+|\[\d+\])*)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


class CompositeApi:
    """`dispatch` answers one inner request without counting or checking the session again."""

    def __init__(self, org: OrgState, dispatch: Dispatch, take: Callable[[], bool]) -> None:
        self._org = org
        self._dispatch = dispatch
        self._take = take

    def batch(self, request: Request) -> Response:
        """POST composite/batch: independent requests, each of which counts as a call."""
        body = body_of(request)
        inner = _requests(body, "batchRequests")
        results: list[dict[str, Any]] = []
        for item in inner:
            if results and body.get("haltOnError") and results[-1]["statusCode"] >= 400:
                halted = [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}]
                results.append({"statusCode": 412, "result": halted})
                continue
            if len(results) > 0:
                self._take()
            url = str(item.get("url", ""))
            if _is_nested(url):
                raise bad_input(f"Illegal url of a subrequest: {url}")
            full = url if url.startswith("/services/data/") else f"/services/data/{url.lstrip('/')}"
            answer = self._dispatch(_request(request, item, full, item.get("richInput")))
            results.append({"statusCode": answer.status, "result": _parsed(answer)})
        failed = any(result["statusCode"] >= 400 for result in results)
        return Response.json({"hasErrors": failed, "results": results})

    def composite(self, request: Request) -> Response:
        """POST composite: requests in order that may use earlier results as @{ref.field}."""
        body = body_of(request)
        inner = _requests(body, "compositeRequest")
        heavy = sum(1 for item in inner if re.search(r"/(query|queryAll|composite)", str(item.get("url", ""))))
        if heavy > MAX_HEAVY:
            raise bad_input(f"Cannot have more than {MAX_HEAVY} queries and collections in one composite request")
        names = [str(item.get("referenceId", "")) for item in inner]
        if not all(names) or len(set(names)) != len(names):
            raise bad_input("Every subrequest needs its own referenceId")
        whole = body.get("allOrNone") is True
        self._org.begin()
        answers = self._answers(request, inner, names)
        failed = any(answer.status >= 400 for answer in answers)
        self._org.end(rollback=whole and failed)
        shown = []
        for name, answer in zip(names, answers, strict=True):
            shown.append(_halted(name) if whole and failed and answer.status < 400 else _shown(name, answer))
        return Response.json({"compositeResponse": shown})

    def _answers(self, request: Request, inner: list[dict[str, Any]], names: list[str]) -> list[Response]:
        results: dict[str, Any] = {}
        failed: set[str] = set()
        answers = []
        for item, name in zip(inner, names, strict=True):
            used = {found.group(1) for found in _REFERENCE.finditer(orjson.dumps(item).decode())}
            if used & failed or not used <= set(results):
                answer = _processing_halted()
            else:
                url = str(_filled(item.get("url", ""), results))
                if not url.startswith("/services/data/") or _is_nested(url):
                    raise bad_input(f"Illegal url of a subrequest: {url}")
                answer = self._dispatch(_request(request, item, url, _filled(item.get("body"), results)))
            results[name] = _parsed(answer)
            if answer.status >= 400:
                failed.add(name)
            answers.append(answer)
        return answers


def _is_nested(url: str) -> bool:
    """A composite or batch inside another is refused; collections are fine."""
    return re.search(r"/composite(/batch)?/?$", url.partition("?")[0]) is not None


def _requests(body: dict[str, Any], key: str) -> list[dict[str, Any]]:
    inner = body.get(key)
    if not isinstance(inner, list) or not inner or not all(isinstance(item, dict) for item in inner):
        raise bad_input(f"Missing or invalid property: {key}", "JSON_PARSER_ERROR")
    if len(inner) > MAX_REQUESTS:
        raise bad_input(f"The maximum number of subrequests is {MAX_REQUESTS}", "LIMIT_EXCEEDED")
    return inner


def _request(outer: Request, item: dict[str, Any], url: str, body: Any) -> Request:
    path, _, query = url.partition("?")
    given = item.get("httpHeaders") or {}
    headers = {**outer.headers, **{str(name).lower(): str(value) for name, value in given.items()}}
    content = b"" if body is None else orjson.dumps(body)
    return Request(str(item.get("method", "GET")).upper(), path, Query(query), headers, content)


def _parsed(answer: Response) -> Any:
    return orjson.loads(answer.body) if answer.body else None


def _shown(name: str, answer: Response) -> dict[str, Any]:
    headers = {key: value for key, value in answer.headers.items() if key == "Location"}
    return {
        "body": _parsed(answer),
        "httpHeaders": headers,
        "httpStatusCode": answer.status,
        "referenceId": name,
    }


def _processing_halted() -> Response:
    text = "The transaction was rolled back since another operation in the same transaction failed."
    return Response.json([{"errorCode": "PROCESSING_HALTED", "message": text}], 400)


def _halted(name: str) -> dict[str, Any]:
    return _shown(name, _processing_halted())


def _filled(value: Any, results: dict[str, Any]) -> Any:
    """@{ref.path} replaced everywhere; a text that is nothing but one reference takes the value's own type."""
    if isinstance(value, dict):
        return {key: _filled(item, results) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, results) for item in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole is not None:
        return _looked_up(whole, results)
    return _REFERENCE.sub(lambda found: str(_looked_up(found, results)), value)


def _looked_up(found: re.Match[str], results: dict[str, Any]) -> Any:
    value = results[found.group(1)]
    for step in _STEP.finditer(found.group(2)):
        name, place = step.groups()
        try:
            value = value[int(place)] if name is None else value[name]
        except (KeyError, IndexError, TypeError):
            raise bad_input(f"Invalid reference specified: {found.group(0)}") from None
    return value
