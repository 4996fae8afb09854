"""The keys of a Salesforce connection under [connections.NAME]."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

#: the three kinds of address that people paste and that cannot work, with what to use instead
LOGIN_HOST, TEST_HOST = "login.salesforce.com", "test.salesforce.com"
LOGIN_HOSTS = frozenset({LOGIN_HOST, TEST_HOST})
LIGHTNING_SUFFIX = ".lightning.force.com"
_VERSION = re.compile(r"[1-9]\d\.0")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One Salesforce org.

    Which OAuth grant is used follows from the keys: `private_key` with `username` the JWT bearer grant,
    `refresh_token` the refresh token grant, else client credentials (the run-as user is fixed on the external
    client app).
    """

    base_url: str  # My Domain: https://acme.my.salesforce.com
    client_id: str
    client_secret: str | None = None
    kind: str = "salesforce"
    refresh_token: str | None = None
    private_key: str | None = None  # PEM, as text
    username: str | None = None  # whom the JWT bearer grant logs in
    audience: str | None = None  # of the JWT; found out otherwise
    api_version: str = "67.0"
    ours: str | None = None  # user name or e-mail of the user that the hub works as
    #: user names or e-mails of other integrations: their edits count as a machine's
    bots: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        address = urlsplit(self.base_url)
        remedy = 'write your My Domain: base_url = "https://acme.my.salesforce.com"'
        if not address.hostname or address.path.strip("/") or address.query:
            raise ValueError(f"base_url must be a plain address without a path; {remedy}")
        if address.scheme != "https" and not (address.scheme == "http" and address.hostname in _LOOPBACK):
            raise ValueError(f"base_url must start with https://; {remedy}")
        if not _VERSION.fullmatch(self.api_version):
            raise ValueError('api_version is no version of the API; remove it, or write api_version = "67.0"')
        self._check_grant()

    def _check_grant(self) -> None:
        if self.private_key is not None and self.refresh_token is not None:
            raise ValueError("refresh_token and private_key are two ways to log in; keep one of them")
        if self.private_key is not None and self.username is None:
            raise ValueError('username is missing beside private_key; add username = "hub@acme.com", the run-as user')
        if self.private_key is None and self.refresh_token is None and self.client_secret is None:
            remedy = 'add client_secret = "${SALESFORCE_CLIENT_SECRET}", or private_key and username'
            raise ValueError(f"client_secret is missing; {remedy}")

    @property
    def jwt_audiences(self) -> tuple[str, ...]:
        """Whom the JWT may be for: what is configured, else the org itself, which external client apps want, or the
        log-in page of everybody, which older connected apps want."""
        if self.audience is not None:
            return (self.audience,)
        everybody = f"https://{TEST_HOST if '.sandbox.' in self.host else LOGIN_HOST}"
        return (self.base_url.rstrip("/"), everybody)

    def __repr__(self) -> str:
        return f"Settings(kind={self.kind!r}, base_url={self.base_url!r}, api_version={self.api_version!r})"

    @property
    def host(self) -> str:
        """The host name of base_url."""
        return urlsplit(self.base_url).hostname or ""


def host_hint(host: str) -> str | None:
    """Why this host cannot serve the API, with the remedy; None when nothing speaks against it."""
    if host.endswith(LIGHTNING_SUFFIX):
        name = host.removesuffix(LIGHTNING_SUFFIX)
        return f"{host} serves screens only; set base_url to https://{name}.my.salesforce.com"
    if host in LOGIN_HOSTS:
        return f"{host} is the log-in page of everybody; set base_url to your own https://NAME.my.salesforce.com"
    return None
