"""The org's switches, changed on the control port. What the facts leave unsure is a switch here."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from crmhub.sandbox.vendor import ControlError

INTEGRATION_NAME = "crmhub@example.com"
SMALL_NAME, NO_API_NAME = "crmhub.small@example.com", "crmhub.noapi@example.com"
API_USERS = (INTEGRATION_NAME, SMALL_NAME, NO_API_NAME)
"""The integration user, one with smaller sight, and one whose profile lacks "API Enabled"."""


@dataclass(slots=True)
class Settings:
    """Every switch with its default; seconds unless said otherwise."""

    token_life: int = 7200
    """Idle time after which a session ends; each use starts it anew."""
    sessions_dead: bool = False
    """Every session is refused, new ones included: 401 for ever."""
    high_assurance: bool = False
    """401 with the message that refreshing never helps."""
    oauth_refusal: str = ""
    """Every grant is refused: uninstalled, no_run_as_user, wrong_domain, deleted, inactive_org or rate_limit."""
    run_as: str = ""
    """User name that client credentials run as; empty: the integration user."""
    scopes: str = "api refresh_token"
    """What the app grants; without `api` the REST API refuses its sessions."""
    rotate_refresh_tokens: bool = False
    """Each refresh gives a new refresh token and ends the old one."""
    jwt_approved: list[str] = field(default_factory=lambda: list(API_USERS))
    """User names that JWT bearer tokens may be had for."""
    jwt_max_ahead: int = 300
    """How many seconds ahead `exp` may lie; 0: any."""
    jwt_my_domain_only: bool = False
    """As for an external client app of today: login.salesforce.com is no audience any more (app_not_found)."""
    api_enabled: bool = True
    """False: API_DISABLED_FOR_ORG for everybody."""
    visible_share: float = 1.0
    """The share of leads, contacts, accounts and opportunities that sharing lets the users of the API see."""
    small_share: float = 0.4
    """The same for the user with the smaller sight."""
    object_access: dict[str, str] = field(default_factory=dict)
    """{"Opportunity": "none"}: the object does not exist for users of the API; "read": they cannot write to it."""
    enhanced_email: bool = True
    """EmailMessage and EmailMessageRelation are there, as in orgs of today; else an e-mail is a task alone."""
    daily_limit: int = 100_000
    daily_used: int = 0
    """Calls that others made today; raise it to exhaust the limit."""
    lag: float = 0.0
    """Edits by people become visible this long after their stamp (long transactions)."""
    archive_days: int = 365
    """Done tasks and past events older than this many days are archived; 0: never."""
    query_timeouts: int = 0
    """So many of the next queries end with QUERY_TIMEOUT, as after 120 seconds."""
    concurrent_refusals: int = 0
    """So many of the next calls meet the limit of concurrent long requests."""
    uri_status: int = 431
    """How the edge refuses a long address: 431 or 414."""
    wide_fields: int = 120
    """Above this many selected fields query pages shrink in proportion, down to 200 rows."""
    page_size: int = 2000
    """The largest query page the org gives."""
    fresh_pages: bool = False
    """Later pages of a query show values as of the page, not of the query."""
    unknown_field_fails: str = "request"
    """An unknown field in a collection refuses the whole "request" or its "row"."""
    echo_failed_id: bool = False
    """Failed updates of a collection carry their id."""
    duplicate_key: str = "duplicateResut"
    """How DUPLICATES_DETECTED spells its key."""
    deleted_status: int = 404
    """HTTP status of ENTITY_IS_DELETED."""
    lock_status: int = 400
    """HTTP status of UNABLE_TO_LOCK_ROW."""
    removed_status: int = 410
    """HTTP status of removed API versions: 410 GONE or 400 UNSUPPORTED_API_VERSION."""
    locator_prefix: str = "0r8"
    """How query locators begin: 0r8 or, in older orgs, 01g."""
    bulk_zone: str = "Z"
    """How datetimes end in bulk CSV: Z or +0000."""
    duplicate_field_code: str = "DUPLICATE_DEVELOPER_NAME"
    """Error code of a custom field that is there already."""
    hidden_fields: list[str] = field(default_factory=list)
    """"Lead.AnnualRevenue": field-level security hides it from the integration user."""
    read_only_fields: list[str] = field(default_factory=list)
    """"Lead.Rating": seen but not editable."""
    rewrite: dict[str, str] = field(default_factory=dict)
    """"Lead.Phone": upper, lower, title, digits, or a number of characters to cut at."""
    locked: dict[str, int] = field(default_factory=dict)
    """Record id -> how many writes meet UNABLE_TO_LOCK_ROW."""
    validation_rules: list[dict[str, Any]] = field(default_factory=list)
    """{object, field, value, message}: refused while the field holds the value (null: blank)."""
    assign_leads_to: str = ""
    """Lead assignment rule: leads made by the API go to this user or queue unless Sforce-Auto-Assign says FALSE."""
    duplicate_rules: list[dict[str, Any]] = field(default_factory=list)
    """{object, field, allowSave}: refused when another record holds the same value."""
    workflows: list[dict[str, Any]] = field(default_factory=list)
    """{object, field, value?, set: {field: value}}: when a save changes `field` (to `value`), the org's own
    automation sets others in the same transaction, so they carry the writer's name."""
    delete_log_hours: int = 360
    """How far back the feed of deletions reaches; the vendor purges a huge log after two hours."""
    campaign_members_binned: bool = True
    """Deleted campaign members go to the recycle bin; else only the feed of deletions tells of them."""
    lead_mapping: dict[str, str] = field(default_factory=dict)
    """What conversion takes along of a lead's custom fields: {"Budget__c": "Contact.Budget__c"}."""
    rollups_stamp: bool = False
    """A roll-up summary that changes moves its record's SystemModstamp."""
    picklist_rename: str = "stamped"
    """What renaming a picklist value does to records that hold it: "stamped" (changed, SystemModstamp moves),
    "silent" (changed, no stamp moves) or "kept" (they keep the old value)."""
    inactive_options_shown: bool = False
    """Describe lists deactivated picklist values, with active: false."""
    bulk_seconds: float = 0.0
    """A bulk job takes this long of the sandbox clock at least (and two polls)."""
    bulk_failures: int = 0
    """So many of the next bulk query jobs end as Failed."""
    bulk_unsupported: list[str] = field(default_factory=lambda: ["LeadStatus"])
    """Objects that the Bulk API refuses."""
    bulk_view_all: bool = True
    """False: bulk queries are refused as for a user without View All Data."""
    bulk_jobs_limit: int = 10_000
    bulk_batches_limit: int = 15_000
    """Query jobs, and batches of 10,000 rows of ingest jobs, per rolling 24 hours."""
    customize_application: bool = True
    """The integration user may create fields."""

    def change(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Set some switches; -> all of them. Raises ControlError for unknown names and wrong types."""
        known = {item.name for item in fields(self)}
        unknown = set(wish) - known
        if unknown:
            raise ControlError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
        for name, value in wish.items():
            wanted = type(getattr(self, name))
            if wanted is float and type(value) is int:
                value = float(value)
            if type(value) is not wanted:
                raise ControlError(f"{name} must be of type {wanted.__name__}")
            setattr(self, name, value)
        return asdict(self)
