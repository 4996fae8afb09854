"""Paths of HubSpot's API in its versions: v3/v4, and the dated ones that HubSpot replaces them with."""

from __future__ import annotations

import re

#: v3/v4 path -> dated path ({d} = the date), first match wins; paths not listed have no dated form
_DATED = (
    (re.compile(r"^/crm/v3/objects/"), "/crm/objects/{d}/"),
    (re.compile(r"^/crm/v4/objects/"), "/crm/objects/{d}/"),
    (re.compile(r"^/crm/v4/associations/"), "/crm/associations/{d}/"),
    (re.compile(r"^/crm/v3/properties/"), "/crm/properties/{d}/"),
    (re.compile(r"^/crm/v3/owners"), "/crm/owners/{d}"),
    (re.compile(r"^/crm/v3/pipelines/"), "/crm/pipelines/{d}/"),
    (re.compile(r"^/crm/v3/lists"), "/crm/lists/{d}"),
    (re.compile(r"^/events/v3/events"), "/events/event-occurrences/{d}"),
    (re.compile(r"^/marketing/v3/emails"), "/marketing/emails/{d}"),
    (re.compile(r"^/account-info/v3/"), "/account-info/{d}/"),
    (re.compile(r"^/oauth/v1/"), "/oauth/{d}/"),
)

OBJECTS = "/crm/v3/objects"
PROPERTIES = "/crm/v3/properties"
OWNERS = "/crm/v3/owners"
ASSOCIATIONS = "/crm/v4/associations"
PIPELINES = "/crm/v3/pipelines"
LISTS = "/crm/v3/lists"
EVENTS = "/events/v3/events/"
EMAILS = "/marketing/v3/emails/"
EMAIL_EVENTS = "/email/public/v1/events"
ACCOUNT = "/account-info/v3/details"
USAGE = "/account-info/v3/api-usage/daily/private-apps"
FORMS = "/marketing/v3/forms/"
SUBMISSIONS = "/form-integrations/v1/submissions/forms"
TOKEN = "/oauth/v1/token"  # noqa: S105 - a path


def versioned(path: str, version: str) -> str:
    """`path` (written for v3/v4) in the API version of the connection."""
    if version != "v3":
        for pattern, dated in _DATED:
            if pattern.match(path):
                return pattern.sub(dated.format(d=version), path, count=1)
    return path
