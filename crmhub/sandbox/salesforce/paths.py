"""What the path of a request says: the version, the object, the record."""

from crmhub.sandbox.messages import Request
from crmhub.sandbox.salesforce.errors import ApiError, not_found
from crmhub.sandbox.salesforce.org import OrgState
from crmhub.sandbox.salesforce.schema.object import ObjectType

OLDEST, NEWEST = 31, 68
_SEASONS = ("Spring", "Summer", "Winter")


def base_of(request: Request) -> str:
    """`/services/data/vNN.0` of this request."""
    return f"/services/data/{request.params['version']}"


def version_number(segment: str) -> int | None:
    """67 for `v67.0`; None if it is no version."""
    number, _, rest = segment.removeprefix("v").partition(".")
    return int(number) if segment.startswith("v") and rest == "0" and number.isdigit() else None


def versions() -> list[dict[str, str]]:
    """GET /services/data/: label, url and version of each."""
    shown = []
    for number in range(OLDEST, NEWEST + 1):
        # 68 is Winter '27 and three come a year
        years, place = divmod(number - 68 + 2, 3)
        label = f"{_SEASONS[place]} '{(26 + years + (place == 2)) % 100:02d}"
        shown.append({"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"})
    return shown


def object_of(org: OrgState, request: Request) -> ObjectType:
    """The object named in the path; raises 404 NOT_FOUND."""
    kind = org.schema.get(request.params["object"])
    if kind is None or kind.tooling or not org.access.reads(kind):
        raise not_found()
    return kind


def resources(base: str) -> dict[str, str]:
    """GET /services/data/vNN.0/."""
    names = ("sobjects", "query", "queryAll", "limits", "composite", "tooling", "jobs", "search", "recent")
    return {name: f"{base}/{name}" for name in names} | {"identity": "/services/oauth2/userinfo"}


def bad_input(message: str, code: str = "INVALID_INPUT") -> ApiError:
    """A body of the wrong shape."""
    return ApiError(400, code, message)
