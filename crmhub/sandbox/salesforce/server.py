"""The simulated org as the sandbox's server sees it: routes, sessions, limits, state, edits."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crmhub.sandbox.clock import Clock
from crmhub.sandbox.messages import Match, Request, Response, Router
from crmhub.sandbox.salesforce.acts import Acts
from crmhub.sandbox.salesforce.bearer import key_pair
from crmhub.sandbox.salesforce.bulk_ingest import BulkIngest
from crmhub.sandbox.salesforce.bulk_query import BulkQuery
from crmhub.sandbox.salesforce.collections_api import CollectionsApi
from crmhub.sandbox.salesforce.composite_api import CompositeApi
from crmhub.sandbox.salesforce.desk import Desk
from crmhub.sandbox.salesforce.errors import ApiError, RowRejectedError
from crmhub.sandbox.salesforce.feeds import Feeds
from crmhub.sandbox.salesforce.ids import salesforce_id
from crmhub.sandbox.salesforce.least import least_calls
from crmhub.sandbox.salesforce.org import NO_API_NUMBER, OrgState
from crmhub.sandbox.salesforce.other_org import OtherOrg
from crmhub.sandbox.salesforce.paths import NEWEST, OLDEST, base_of, resources, version_number, versions
from crmhub.sandbox.salesforce.query_api import QueryApi
from crmhub.sandbox.salesforce.refusals import quota_refusal, refusal
from crmhub.sandbox.salesforce.seed import Seed
from crmhub.sandbox.salesforce.sessions import Sessions, credentials_of
from crmhub.sandbox.salesforce.settings import INTEGRATION_NAME, NO_API_NAME, SMALL_NAME, Settings
from crmhub.sandbox.salesforce.soap_api import SoapApi
from crmhub.sandbox.salesforce.sobjects_api import SObjectsApi, rejected
from crmhub.sandbox.salesforce.times import DAY
from crmhub.sandbox.salesforce.tooling_api import ToolingApi
from crmhub.sandbox.salesforce.usage import Usage
from crmhub.sandbox.vendor import Options
from crmhub.sandbox.world import World

Handler = Callable[[Request], Response]
OAUTH = "/services/oauth2"
TOKEN_ROUTE = f"{OAUTH}/token"  # a path
DATA = "/services/data"
ROOT = f"{DATA}/{{version}}"
HTML = "text/html;charset=iso-8859-1"
MAX_URI = 16_384


class Salesforce:
    """See `crmhub.sandbox.vendor.Vendor`."""

    name = "salesforce"

    def __init__(self, world: World, clock: Clock, options: Options, number: int = 1) -> None:
        self._options = options
        self._clock = clock
        self._org = OrgState(clock, Settings(lag=options.lag or 0.0), number)
        self._seed = Seed(world, self._org)
        self._seed.fill()
        self._sessions = Sessions(self._org, credentials_of(options.seed, number), key_pair())
        self._usage = Usage(self._org, limited=options.limits)
        self._desk = Desk(self._org)
        self._acts = Acts(self._org, self._desk, self._sessions)
        self._other = OtherOrg(self._build_other, options.seed) if number == 1 else None
        self.router = Router()
        self._routes()

    def connection(self, base_url: str) -> dict[str, Any]:
        """base_url and the client's credentials; `username` is the integration user's; `more`: other ways in."""
        given = self._sessions.credentials
        shown: dict[str, Any] = {
            "base_url": base_url,
            "client_id": given.client_id,
            "client_secret": given.client_secret,
            "username": INTEGRATION_NAME,
        }
        if self._other is not None:
            shown["more"] = {
                "org_id": self._org.org_id,
                "refresh_token": given.refresh_token,
                "private_key": key_pair().private,
                "users": {"small": SMALL_NAME, "no_api": NO_API_NAME},
                "other_org": self._other.connection(base_url),
            }
        return shown

    def _build_other(self) -> "Salesforce":
        """A small org of somebody else's, built when its credentials are first used."""
        world = World(40, self._options.seed + 7919, self._clock.start)
        return Salesforce(world, self._clock, self._options, number=2)

    def before(self, request: Request) -> Response | None:
        """URI length, version, session, daily allowance, in this order."""
        if self._other is not None and self._other.is_meant(request):
            return self._other.answer(request)
        settings = self._org.settings
        if len(request.path) + len(request.query.raw) > MAX_URI:
            page = "<h1>Bad Message {0}</h1><pre>reason: {1}</pre>"
            reason = "URI Too Long" if settings.uri_status == 414 else "Request Header Fields Too Large"
            return Response.text(page.format(settings.uri_status, reason), settings.uri_status, HTML)
        refused = self._version_refused(request)
        if refused is not None or not _protected(request.path):
            return refused
        session = self._sessions.alive(_token_of(request))
        if session is None or (request.path.startswith(DATA) and not self._has_api_scope()):
            return self._dead_session()
        self._org.user_id = session.user_id
        if not request.path.startswith(DATA):
            return None
        return self._api_refused(session.user_id)

    def _api_refused(self, user_id: str) -> Response | None:
        settings = self._org.settings
        if not settings.api_enabled or user_id == salesforce_id("005", NO_API_NUMBER):
            message = "The REST API is not enabled for this Organization."
            return Response.json([{"message": message, "errorCode": "API_DISABLED_FOR_ORG"}], 403)
        if settings.concurrent_refusals > 0:
            settings.concurrent_refusals -= 1
            return refusal(403)
        return None if self._usage.take() else quota_refusal()

    def after(self, request: Request, response: Response) -> None:
        """Sforce-Limit-Info on every JSON answer of the API to a live session."""
        self._org.user_id = self._org.hub_id
        if request.path.startswith(DATA) and response.status != 401:
            response.headers.setdefault("Sforce-Limit-Info", self._usage.header())

    def unmatched(self, request: Request, allowed: list[str]) -> Response:
        """405 with the methods that are allowed, or 404."""
        if allowed:
            message = f"HTTP Method '{request.method}' not allowed. Allowed are {','.join(allowed)}"
            body = [{"errorCode": "METHOD_NOT_ALLOWED", "message": message}]
            return Response.json(body, 405, {"Allow": ",".join(allowed)})
        return refusal(404)

    def refuse(self, status: int, request: Request | None = None) -> Response:  # noqa: ARG002  # the protocol's
        """The vendor's own body for an error status."""
        return refusal(status)

    def quota_full(self) -> Response:
        """403 REQUEST_LIMIT_EXCEEDED."""
        return quota_refusal()

    def is_token_route(self, route: str) -> bool:
        """The OAuth token endpoint."""
        return route == TOKEN_ROUTE

    def state(self) -> Iterable[dict[str, Any]]:
        """Every business record, deleted ones included."""
        return self._desk.state()

    def external_ids(self) -> Mapping[int, list[dict[str, str]]]:
        """Person number -> [{object, id}] as seeded."""
        return self._seed.external_ids()

    def edit(self, kind: str, remote_id: str, fields: dict[str, Any], actor: str) -> dict[str, Any]:
        """An edit in the CRM's own screens. Raises ControlError."""
        return self._desk.edit(kind, remote_id, fields, actor)

    def delete(self, kind: str, remote_id: str) -> None:
        """A person's delete. Raises ControlError."""
        self._desk.delete(kind, remote_id)

    def settings(self, wish: dict[str, Any]) -> dict[str, Any]:
        """All switches (see `Settings`). {"end_sessions": true} and {merge, convert, touch: ...} act as well."""
        if wish.pop("end_sessions", False):
            self._sessions.end_all()
        for name in ("merge", "convert"):
            if name in wish:
                self._acts.do(name, dict(wish.pop(name)))
        if "touch" in wish:
            self._acts.do("touch", {"object": wish.pop("touch")})
        return self._org.settings.change(wish)

    def act(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """What else people do on the screens. Raises ControlError."""
        return self._acts.do(action, body)

    def rate_limits(self) -> list[dict[str, Any]]:
        """The org's calls per rolling 24 hours; there is no limit on shorter times."""
        if not self._options.limits:
            return []
        settings = self._org.settings
        free = max(1, settings.daily_limit - settings.daily_used)
        return [{"name": "daily", "calls": free, "window_ms": DAY, "match": r"\w+ /services/(data/\{|Soap/)"}]

    def least(self) -> dict[str, Any]:
        """The least possible calls for what is there now."""
        return least_calls(self._org)

    def _version_refused(self, request: Request) -> Response | None:
        parts = request.path.split("/")
        if not request.path.startswith(DATA + "/") or len(parts) < 4 or not parts[3]:
            return None
        number = version_number(parts[3])
        if number is None or number > NEWEST:
            return refusal(404)
        if number >= OLDEST:
            return None
        if self._org.settings.removed_status == 400:
            message = f"API version {number}.0 is not supported"
            return Response.json([{"message": message, "errorCode": "UNSUPPORTED_API_VERSION"}], 400)
        return refusal(410)

    def _dead_session(self) -> Response:
        message = "Session expired or invalid"
        if self._org.settings.high_assurance or not self._has_api_scope():
            message = "This session is not valid for use with the REST API"
        return Response.json([{"message": message, "errorCode": "INVALID_SESSION_ID"}], 401)

    def _has_api_scope(self) -> bool:
        return bool({"api", "full"} & set(self._org.settings.scopes.split()))

    def _routes(self) -> None:
        soap = SoapApi(self._org, self._sessions, self._usage)
        plain: list[tuple[str, str, Handler]] = [
            ("POST", TOKEN_ROUTE, lambda request: self._sessions.token(request, _own_url(request))),
            ("POST", f"{OAUTH}/revoke", self._sessions.revoke),
            ("GET", f"{OAUTH}/revoke", self._sessions.revoke),
            ("POST", f"{OAUTH}/introspect", lambda request: self._sessions.introspect(request, _own_url(request))),
            ("GET", f"{OAUTH}/userinfo", self._user_info),
            ("POST", f"{OAUTH}/userinfo", self._user_info),
            ("POST", "/services/Soap/u/{version}", soap.post),
            ("POST", "/services/Soap/u/{version}/{org}", soap.post),
            ("POST", "/services/Soap/c/{version}", soap.post),
            ("POST", "/services/Soap/c/{version}/{org}", soap.post),
            ("GET", "/id/{org}/{user}", self._user_info),
            ("GET", DATA, lambda _: Response.json(versions())),
        ]
        for method, template, handler in plain:
            self.router.add(method, template, _guarded(handler))
        for method, template, handler in (*self._versioned(), *self._bulk()):
            self.router.add(method, ROOT + template, _guarded(handler))

    def _versioned(self) -> list[tuple[str, str, Handler]]:
        org = self._org
        query, sobjects, feeds = QueryApi(org), SObjectsApi(org), Feeds(org)
        collections, tooling = CollectionsApi(org), ToolingApi(org)
        composite = CompositeApi(org, self._dispatch, self._usage.take)
        field = "/tooling/sobjects/CustomField"
        return [
            ("GET", "", lambda request: Response.json(resources(base_of(request)))),
            ("GET", "/limits", lambda _: Response.json(self._usage.limits())),
            ("GET", "/query", query.query),
            ("GET", "/queryAll", query.query_all),
            ("GET", "/query/{locator}", query.more),
            ("GET", "/queryAll/{locator}", query.more),
            ("GET", "/tooling/query", query.tooling),
            ("GET", "/tooling/query/{locator}", query.more),
            ("POST", field, tooling.create),
            ("GET", f"{field}/{{id}}", tooling.get),
            ("PATCH", f"{field}/{{id}}", tooling.update),
            ("DELETE", f"{field}/{{id}}", tooling.delete),
            ("GET", "/sobjects", sobjects.listing),
            ("GET", "/sobjects/{object}", sobjects.basic),
            ("POST", "/sobjects/{object}", sobjects.create),
            ("GET", "/sobjects/{object}/describe", sobjects.describe),
            ("GET", "/sobjects/{object}/deleted", feeds.deleted),
            ("GET", "/sobjects/{object}/updated", feeds.updated),
            ("POST", "/sobjects/{object}/Id", sobjects.create_by_upsert_form),
            ("GET", "/sobjects/{object}/{id}", sobjects.get),
            ("PATCH", "/sobjects/{object}/{id}", sobjects.update),
            ("DELETE", "/sobjects/{object}/{id}", sobjects.delete),
            ("GET", "/sobjects/{object}/{field}/{value}", sobjects.get_by_external_id),
            ("PATCH", "/sobjects/{object}/{field}/{value}", sobjects.upsert),
            ("DELETE", "/sobjects/{object}/{field}/{value}", sobjects.delete_by_external_id),
            ("POST", "/composite", composite.composite),
            ("POST", "/composite/batch", composite.batch),
            ("POST", "/composite/sobjects", collections.create),
            ("PATCH", "/composite/sobjects", collections.update),
            ("DELETE", "/composite/sobjects", collections.delete),
            ("POST", "/composite/sobjects/{object}", collections.retrieve),
            ("GET", "/composite/sobjects/{object}", collections.retrieve_by_query),
            ("PATCH", "/composite/sobjects/{object}/{field}", collections.upsert),
        ]

    def _bulk(self) -> list[tuple[str, str, Handler]]:
        query, ingest = BulkQuery(self._org, self._usage), BulkIngest(self._org, self._usage)
        return [
            ("POST", "/jobs/query", query.create),
            ("GET", "/jobs/query", query.listing),
            ("GET", "/jobs/query/{job}", query.get),
            ("PATCH", "/jobs/query/{job}", query.abort),
            ("DELETE", "/jobs/query/{job}", query.delete),
            ("GET", "/jobs/query/{job}/results", query.results),
            ("GET", "/jobs/query/{job}/resultPages", query.pages),
            ("POST", "/jobs/ingest", ingest.create),
            ("GET", "/jobs/ingest", ingest.listing),
            ("GET", "/jobs/ingest/{job}", ingest.get),
            ("PATCH", "/jobs/ingest/{job}", ingest.patch),
            ("DELETE", "/jobs/ingest/{job}", ingest.delete),
            ("PUT", "/jobs/ingest/{job}/batches", ingest.upload),
            ("GET", "/jobs/ingest/{job}/successfulResults", ingest.successful),
            ("GET", "/jobs/ingest/{job}/failedResults", ingest.failed),
            ("GET", "/jobs/ingest/{job}/unprocessedrecords", ingest.unprocessed),
        ]

    def _dispatch(self, request: Request) -> Response:
        """One inner request of a composite."""
        refused = self._version_refused(request)
        if refused is not None:
            return refused
        match = self.router.match(request.method, request.path)
        if not isinstance(match, Match):
            return self.unmatched(request, match)
        request.route, request.params = match.route, match.params
        return match.handler(request)

    def _user_info(self, request: Request) -> Response:
        org, base_url = self._org, _own_url(request)
        me = org.tables["User"].get(org.user_id)
        assert me is not None
        identity = f"{base_url}/id/{org.org_id}/{org.user_id}"
        return Response.json(
            {
                "sub": identity,
                "user_id": org.user_id,
                "organization_id": org.org_id,
                "preferred_username": me["Username"],
                "nickname": me["Alias"],
                "name": me["Name"],
                "email": me["Email"],
                "email_verified": True,
                "given_name": me.get("FirstName"),
                "family_name": me["LastName"],
                "zoneinfo": me["TimeZoneSidKey"],
                "active": me["IsActive"],
                "user_type": "STANDARD",
                "language": me["LanguageLocaleKey"],
                "locale": me["LocaleSidKey"],
                "utcOffset": 0,
                "is_app_installed": True,
                "urls": {"rest": f"{base_url}/services/data/v{{version}}/"},
            }
        )


def _token_of(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() in ("bearer", "oauth") else ""


def _own_url(request: Request) -> str:
    """The org's address as the caller knows it."""
    return f"http://{request.headers.get('host', '127.0.0.1')}"


def _protected(path: str) -> bool:
    """Everything but OAuth and the list of versions needs a session; SOAP has it in the envelope."""
    if path.startswith("/services/Soap/"):
        return False
    if path.startswith(f"{OAUTH}/"):
        return path.rstrip("/").endswith("/userinfo")
    return path.rstrip("/") != DATA


def _guarded(handler: Handler) -> Handler:
    """Refusals become answers."""

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except ApiError as error:
            return Response.json(error.body, error.status)
        except RowRejectedError as error:
            return rejected(error)

    return answer
