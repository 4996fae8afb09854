"""The configuration that `crmhub init` writes, commented. config.example.toml is this text for two connections."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from core.config_structs import NEVER_TOUCH, Mode
from core.lifecycle import DEFAULT_MOVES


@dataclass(frozen=True, slots=True)
class NewConnection:
    """A connection to write: the kind's own keys in order, secrets as "${NAME}"."""

    name: str
    kind: str
    keys: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    comment: str = ""


EXAMPLE = (
    NewConnection(
        "hubspot",
        "hubspot",
        {"access_token": "${HUBSPOT_TOKEN}", "ours": "crmhub@example.com"},
        "the key names the connection; several of one kind are fine",
    ),
    NewConnection(
        "salesforce",
        "salesforce",
        {
            "base_url": "https://example.my.salesforce.com",
            "client_id": "${SALESFORCE_CLIENT_ID}",
            "client_secret": "${SALESFORCE_CLIENT_SECRET}",
            "ours": "crmhub@example.com",
        },
    ),
)

_HEAD = """\
# crmhub configuration. Check it with: crmhub check
# Secrets: "${NAME}" of the environment, "file:/run/secrets/name" or "keyring:name"; never write them here.
# Durations: a number and s, m, h, d or w. Conditions (when, canary, never_touch) are SQL conditions over
# person.*, company.* and score.*.

[hub]
store = "crmhub.db"                 # relative to this file
mapping = "mapping.toml"            # which fields are synced, and where they live in each CRM
"""

_SCORING = """\
# ------------------------------------------------------------------------------------------------ scoring
# A score is the sum of its points, and every point can be shown. Rule names are stable ids, labels are free.
# Fit: who they are. No decay.

[scoring.fit.decision_maker]
label = "Decision maker"
when = "person.seniority in ('owner', 'c_level', 'vp', 'director', 'head')"
points = 20
[scoring.fit.manager]
label = "Manager or senior role"
when = "person.seniority in ('manager', 'senior')"
points = 8
[scoring.fit.function]
label = "Works where our product is bought"
when = "person.function in ('sales', 'marketing', 'it', 'operations', 'general')"
points = 10
[scoring.fit.company_size]
label = "Company of 50 to 5,000 people"
when = "company.employees between 50 and 5000"
points = 15
[scoring.fit.company_large]
label = "Company of more than 5,000 people"
when = "company.employees > 5000"
points = 10
[scoring.fit.industry]
label = "Industry we know"
when = "company.industry in ('technology', 'finance', 'banking', 'manufacturing', 'consulting', 'telecommunications')"
points = 10
[scoring.fit.country]
label = "Country we sell to"
when = "person.country in ('FR', 'DE', 'GB', 'ES', 'US')"
points = 5
[scoring.fit.business_mail]
label = "Business e-mail address"
when = "person.email is not null and not person.is_free_mail"
points = 5
[scoring.fit.free_mail]
label = "Free e-mail address"
when = "person.is_free_mail"
points = -10
[scoring.fit.student]
label = "Student or intern"
when = "person.seniority = 'intern' or person.job_title like '%student%' or person.job_title like '%étudiant%'"
points = -40
[scoring.fit.competitor]
label = "Works for a competitor"
when = "company.domain in ('competitor.example')"
points = -100

# Engagement: what they did. Halved each half_life; all activities of one rule count at most cap.

[scoring.engagement.page_view]
label = "Visited the site"
on = "page_view"
points = 1
half_life = "14d"
cap = 10
[scoring.engagement.pricing_view]
label = "Looked at the prices"
on = "pricing_view"
points = 8
half_life = "14d"
cap = 24
[scoring.engagement.content]
label = "Downloaded content"
on = "content_download"
points = 8
half_life = "30d"
cap = 24
[scoring.engagement.newsletter]
label = "Subscribed to the newsletter"
on = "newsletter_subscribed"
points = 3
half_life = "90d"
cap = 3
[scoring.engagement.email_click]
label = "Clicked in an e-mail"
on = "email_click"                  # opens count nothing: mail programs open by themselves
points = 3
half_life = "14d"
cap = 12
[scoring.engagement.email_reply]
label = "Answered an e-mail"
on = "email_reply"
points = 15
half_life = "30d"
cap = 45
[scoring.engagement.form]
label = "Filled in a form"
on = "form_submitted"
points = 5
half_life = "30d"
cap = 15
[scoring.engagement.webinar]
label = "Took part in a webinar"
on = "webinar_attended"
points = 12
half_life = "30d"
cap = 36
[scoring.engagement.event]
label = "Met us at an event"
on = "event_attended"
points = 15
half_life = "45d"
cap = 45
[scoring.engagement.campaign]
label = "Answered a campaign"
on = "campaign_response"            # webinars and events count as such, above; list_joined counts nothing by itself
points = 8
half_life = "30d"
cap = 24
[scoring.engagement.social]
label = "Reacted on social media"
on = "social_interaction"
points = 2
half_life = "14d"
cap = 6
[scoring.engagement.call]
label = "Talked on the phone"
on = "call"
points = 10
half_life = "30d"
cap = 30
[scoring.engagement.meeting]
label = "Met us"
on = "meeting"
points = 25
half_life = "45d"
cap = 75
[scoring.engagement.contact]
label = "Asked to be contacted"
on = "contact_requested"
points = 30
half_life = "30d"
cap = 60
[scoring.engagement.quote]
label = "Asked for a quote"
on = "quote_requested"
points = 40
half_life = "30d"
cap = 80
[scoring.engagement.demo]
label = "Asked for a demo"
on = "demo_requested"
points = 40
half_life = "30d"
cap = 80
[scoring.engagement.unsubscribed]
label = "Unsubscribed"
on = "unsubscribed"
points = -30
half_life = "180d"
cap = 30
[scoring.engagement.bounced]
label = "Mail bounced"
on = "bounced"
points = -10
half_life = "180d"
cap = 20

[scoring]
intent_days = 30                    # a demo, quote or contact request counts as intent this long
bands = { warm = 30, hot = 60 }     # engagement points
grades = { fit = [60, 40, 20], engagement = [60, 40, 20] }  # A, B, C, else D; 1, 2, 3, else 4
"""

_REST = """\
# ------------------------------------------------------------------------------------------------ promises
# A clock starts at an event and stops at the first human touch in any CRM.

[sla.first_touch]
label = "First touch of a new MQL"
starts = "stage:mql"
stops = "first_touch"
within = "4 business hours"
on_breach = ["notify:owner", "notify:manager"]

[sla.prospect_answer]
label = "Answer to a prospect"
starts = "stage:prospect"
stops = "first_touch"
within = "4 business hours"
on_breach = ["notify:owner", "notify:manager"]

[calendar]
hours = "09:00-18:00"
days = ["mon", "tue", "wed", "thu", "fri"]
holidays = []                       # dates: [2027-01-01, 2027-12-25]

[jobs.frequent]
run = "sync"
every = "5m"
"""


def default_config_text(
    connections: Sequence[NewConnection] = EXAMPLE,
    *,
    mode: Mode = "observe",
    timezone: str = "Europe/Paris",
    language: str = "en",
    region: str = "FR",
    live_from: date | None = None,
    stop_if: Mapping[str, int | float] | None = None,
) -> str:
    """A commented config.toml. `stop_if` replaces the limits of a push ({} = none)."""
    limits = {"updates": 500, "creates": 0, "owner_changes": 0, "share": 0.05} if stop_if is None else stop_if
    parts = [
        _HEAD
        + f"timezone = {_toml(timezone)}\n"
        + f"language = {_toml(language)}\n"
        + f"region = {_toml(region):<28}# how phone numbers without a country code are read\n",
        "\n".join(_connection(c) for c in connections),
        _rollout(mode, live_from, limits),
        _SCORING,
        _moves(),
        _REST,
    ]
    return "\n".join(parts)


def _connection(connection: NewConnection) -> str:
    head = f"[connections.{connection.name}]"
    if connection.comment:
        head = f"{head:<44}# {connection.comment}"
    lines = [head, f"kind = {_toml(connection.kind)}"]
    lines += [f"{key} = {_toml(value)}" for key, value in connection.keys.items()]
    lines.append("# budget = { daily = 250_000, reserve = 0.2 }    # calls a day; share left to other tools")
    return "\n".join(lines) + "\n"


def _rollout(mode: Mode, live_from: date | None, limits: Mapping[str, int | float]) -> str:
    lines = [
        "[rollout]",
        f"mode = {_toml(mode):<29}# observe: nothing is ever written; canary: one segment; live: all",
        "# canary = \"person.country = 'FR'\"",
    ]
    if live_from is None:
        lines.append("# live_from = 2027-01-11            # earlier events start no clock, task or alert")
    else:
        lines.append(f"live_from = {live_from.isoformat():<24}# earlier events start no clock, task or alert")
    lines.append(f"never_touch = {_toml(NEVER_TOUCH)}")
    if limits:
        inside = ", ".join(f"{key} = {_toml(value)}" for key, value in limits.items())
        lines.append(f"stop_if = {{ {inside} }}")
    return "\n".join(lines) + "\n"


def _moves() -> str:
    lines = [
        "# " + "-" * 96 + " stages",
        "# Moves are read from top to bottom, the first true one wins. Intent with fit makes a prospect at any score.",
        "",
    ]
    for move in DEFAULT_MOVES:
        lines += [
            "[[lifecycle.moves]]",
            f"id = {_toml(move.id)}",
            f"to = {_toml(move.to.value)}",
            f"when = {_toml(move.when)}",
            f"label = {_toml(move.label)}",
        ]
    lines += [
        "",
        "[lifecycle]",
        'hold = "30d"                        # a stage set by hand in a CRM holds this long',
        'lost_deal = "recycled"              # where an opportunity goes when the last open deal is lost',
        'cooldown = "30d"                    # rules leave the recycled alone this long',
    ]
    return "\n".join(lines) + "\n"


def _toml(value: str | float | bool) -> str:
    # a JSON string is a TOML basic string
    return json.dumps(value, ensure_ascii=False)
