"""Ways to reach somebody: e-mail, web domain, phone."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import phonenumbers

from core.values.text import tidy, words

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"]+@[^\s@<>()\[\],;:\"/]+\.[^\s@<>()\[\],;:\"/.]{2,}")
_QUOTED_EMAIL = re.compile(r"\"[^\"@]+\"@[^\s@<>,;]+\.[^\s@<>,;.]{2,}")
_ANGLE = re.compile(r"<([^<>]*)>\s*$")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
_IPV4 = re.compile(r"\d+(\.\d+){3}")
_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)

_FREE_MAIL = words("""
    gmail.com googlemail.com aol.com aol.fr icloud.com me.com mac.com proton.me protonmail.com pm.me
    mail.com email.com mail.ru yandex.ru yandex.com ya.ru inbox.ru list.ru bk.ru rambler.ru zoho.com
    fastmail.com hey.com tutanota.com tuta.io tutanota.de hushmail.com rocketmail.com ymail.com qq.com
    163.com 126.com sina.com naver.com daum.net hanmail.net rediffmail.com comcast.net verizon.net
    att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net optonline.net orange.fr
    wanadoo.fr free.fr sfr.fr laposte.net neuf.fr bbox.fr numericable.fr club-internet.fr aliceadsl.fr
    cegetel.net noos.fr web.de t-online.de freenet.de arcor.de online.de posteo.de mailbox.org 1und1.de
    kabelmail.de vodafone.de bluewin.ch hispeed.ch sunrise.ch aon.at chello.at telefonica.net terra.es
    terra.com.br uol.com.br bol.com.br libero.it virgilio.it tiscali.it alice.it tin.it fastwebnet.it
    skynet.be telenet.be proximus.be ziggo.nl kpnmail.nl planet.nl home.nl xs4all.nl btinternet.com
    sky.com virginmedia.com ntlworld.com talktalk.net blueyonder.co.uk wp.pl o2.pl onet.pl interia.pl
    seznam.cz centrum.cz telia.com bigpond.com optusnet.com.au shaw.ca rogers.com sympatico.ca
    videotron.ca duck.com
""")
# these brands sell mail under many country endings: yahoo.co.uk, hotmail.fr, gmx.at ...
_FREE_BRANDS = words("yahoo hotmail outlook live msn gmx windowslive")

_ROLES = words("""
    info infos information contact contacts contacto kontakt contatto sales sale ventas vendite vertrieb
    verkauf commercial commerciale vente ventes support help helpdesk service services servicedesk
    kundenservice kundendienst hello bonjour hallo hola hi admin administrator administration
    administratif administracion verwaltung office buero buro bureau mail email mailbox post team
    marketing presse press media jobs job careers karriere carriere recrutement recruitment recruiting
    rrhh bewerbung empleo hr rh personal billing invoice invoices facturation facturacion rechnung
    rechnungen buchhaltung comptabilite comptable accounting accounts finance compras achat achats
    einkauf purchasing procurement orders order bestellung commande commandes noreply no-reply no_reply
    donotreply do-not-reply webmaster postmaster hostmaster abuse root security privacy dpo rgpd gdpr
    datenschutz legal newsletter news accueil secretariat sekretariat reception rezeption direction
    customerservice customer-service customercare sav export logistics technik it partner partners
    events enquiries inquiries enquiry booking bookings reservation reservations all everyone
""")
_ROLE = re.compile(rf"(?:{'|'.join(sorted(_ROLES, key=len, reverse=True))})(?:\d+|[._-][a-z0-9]{{1,4}})?")


def email(text: str) -> str | None:
    """Lower case, without "mailto:", display name and <>; plus-addresses stay. None when it is no address."""
    text = tidy(text)
    if angle := _ANGLE.search(text):
        text = angle.group(1)
    text = text.strip(" '<>.,;").lower()
    if text.startswith("mailto:"):
        text = text[7:].partition("?")[0]
    if not (_EMAIL.fullmatch(text) or _QUOTED_EMAIL.fullmatch(text)):
        return None
    if ".." in text.rpartition("@")[2]:
        return None
    if text.isascii():
        return text
    local, _, host = text.rpartition("@")
    return f"{local}@{_ascii_host(host) or host}"


@lru_cache(maxsize=8_192)
def domain(text: str) -> str | None:
    """Host of a URL, an e-mail address or a domain: lower case, without "www.", IDN as xn--. Else None.

    >>> domain("https://www.Acme.co.uk/about?x=1")
    'acme.co.uk'
    """
    host = _SCHEME.sub("", tidy(text)).lower()
    host = re.split(r"[/?#\\]", host, maxsplit=1)[0].removeprefix("mailto:")
    host = host.rpartition("@")[2].strip("<>., ")
    host = re.sub(r":\d*$", "", host)
    host = re.sub(r"^www\d?\.", "", host)
    ascii_host = _ascii_host(host)
    if ascii_host is None or _IPV4.fullmatch(ascii_host):
        return None
    return ascii_host


def _ascii_host(host: str) -> str | None:
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return host


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    # half a megabyte of suffixes: read when the first domain is asked for
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


@lru_cache(maxsize=8_192)
def registrable(text: str) -> str | None:
    """The part of a domain somebody registered: mail.eu.acme.co.uk -> acme.co.uk. A bare suffix has none.

    Shared hosts of the public suffix list (github.io, myshopify.com) keep the tenant's own label.
    """
    host = domain(text)
    if host is None:
        return None
    found = _suffixes().privatesuffix(host)
    return found if isinstance(found, str) else None


def is_free_mail(text: str) -> bool:
    """True for domains (or addresses) of mail providers, where the domain says nothing about an employer."""
    host = domain(text)
    if host is None:
        return False
    if host in _FREE_MAIL:
        return True
    brand, _, ending = host.partition(".")
    return brand in _FREE_BRANDS and len(ending) <= 6


def is_role_address(text: str) -> bool:
    """True for addresses of a desk, not of a person: info@, vertrieb@, sales-fr@, noreply@."""
    address = email(text)
    if address is None:
        return False
    local = address.rpartition("@")[0].partition("+")[0]
    return _ROLE.fullmatch(local) is not None


@lru_cache(maxsize=16_384)
def phone(text: str, region: str = "") -> str | None:
    """E.164, with ";ext=12" when there is an extension; `region` (ISO2) reads numbers without a country code.

    What cannot be read falls back to its digits when there are at least 6, else None.
    """
    raw = tidy(text)
    if raw.startswith("00") and len(raw) > 2 and raw[2] in " 123456789":
        raw = "+" + raw[2:].lstrip()
    try:
        number = phonenumbers.parse(raw, region.upper() or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is not None and phonenumbers.is_possible_number(number):
        main: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        return f"{main};ext={number.extension}" if number.extension else main
    digits = "".join(c for c in raw if c.isdecimal())
    return digits if len(digits) >= 6 else None
