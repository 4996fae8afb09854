"""Pages that people looked at on our own site, in visits that end in the forms they sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from crmhub.sandbox.draws import bits, part
from crmhub.sandbox.mails import SITE
from crmhub.sandbox.world import DAY, Activity, Person

PAGES: tuple[tuple[str, str], ...] = (
    ("/", "Our firm"), ("/pricing", "Pricing"), ("/product", "Product"), ("/integrations", "Integrations"),
    ("/customers/nova", "Customer story: Nova"), ("/guides/automation", "Guide to automation"),
    ("/blog/security", "Blog: security"), ("/careers", "Careers"),
)  # fmt: skip
_FORM_PAGE = {
    "demo_request": ("/demo", "Request a demo"),
    "pricing_request": ("/pricing", "Pricing"),
    "contact_request": ("/contact", "Contact us"),
    "webinar": ("/webinars/next", "Next webinar"),
    "download": ("/guides/automation", "Guide to automation"),
    "newsletter": ("/newsletter", "Newsletter"),
}
_VIEW = 0x7E0


class PageView(NamedTuple):
    at: int
    url: str
    title: str
    person: Person


def page_views(person: Person, forms: Sequence[Activity]) -> list[PageView]:
    """What a person looked at, oldest first; `forms`: the forms they sent, oldest first (none: nobody knows them).

    As many views as HubSpot counts (`hs_analytics_num_page_views`): three per form and up to 39 more, the last one
    with the last form.
    """
    if not forms:
        return []
    found: list[PageView] = []
    for act in forms:
        path, title = _FORM_PAGE[act.kind]
        found.append(PageView(act.at, SITE + path, title, person))
    wanted = 3 * len(forms) + forms[0].detail % 40
    for place in range(wanted - len(forms)):
        form = forms[place % len(forms)]
        seed = bits(person.seed ^ form.detail, _VIEW + place)
        path, title = _page(person, seed)
        # half of them on the way to a form, the rest on days before
        minutes = 1 + seed % 20 if seed >> 40 & 1 else int(part(seed, 1) * 10 * DAY) // 60_000
        found.append(PageView(form.at - minutes * 60_000 - seed % 50_000, SITE + path, title, person))
    found.sort(key=lambda view: (view.at, view.url))
    return found


def _page(person: Person, seed: int) -> tuple[str, str]:
    """Who is likely to buy looks at prices."""
    if part(seed, 2) < 0.1 + 0.4 * person.probability:
        return PAGES[1]
    return PAGES[(seed >> 20) % len(PAGES)]
