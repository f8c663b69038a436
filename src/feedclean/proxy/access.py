"""Who may have what: any address cleaned, the metrics, a list of all feeds.

The socket says who asks; no header can make somebody local. A header that says the request was passed on can only make
somebody less: behind a web server on this machine everybody comes from the loopback address.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from ..settings import Open, ProxySettings
from ..settings.shape import is_loopback
from .reply import Problem

__all__ = ["TELLING", "Caller", "check_any", "form_key", "is_known", "is_ours", "may_correct", "sign"]

_PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
TELLING = ("host", "authorization", *_PASSED_ON)  # headers that say who asks
_CHALLENGE = [("www-authenticate", 'Basic realm="feedclean", charset="UTF-8"')]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what they show."""

    address: str | None  # of the other end of the socket
    headers: Mapping[str, str]  # lower-case names
    token: str | None = None  # as given in the query

    @property
    def is_local(self) -> bool:
        """Whether the request comes from this machine itself, and was meant for it.

        A page in a browser can be made to ask 127.0.0.1 under a name of its own (DNS rebinding); the `Host` header
        then holds that name.
        """
        if self.address is None or not is_loopback(self.address.removeprefix("::ffff:")):
            return False
        try:
            host = urlsplit(f"//{self.headers.get('host', '')}").hostname
        except ValueError:
            return False
        return host is not None and is_loopback(host) and not any(name in self.headers for name in _PASSED_ON)


def sign(secret: str, url: str) -> str:
    """What shows that an address was made by whoever knows the secret."""
    digest = hmac.new(secret.encode(), b"feedclean feed\0" + url.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


def check_any(proxy: ProxySettings, caller: Caller, url: str, signature: str | None) -> None:
    """Refuse to clean any address for somebody who may not ask for that.

    Raises:
        Problem: 401 where a token would help, else 403.
    """
    if proxy.access is not Open.OFF and is_known(proxy, caller, local=proxy.access is Open.LOOPBACK):
        return
    if proxy.access is Open.SIGNED:
        wanted = sign(proxy.secret or "", url)
        if proxy.secret and signature and hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
            return
        raise Problem(HTTPStatus.FORBIDDEN, "not-signed", "This address was not signed by whoever runs this proxy.")
    if proxy.access is Open.TOKEN:
        raise Problem(HTTPStatus.UNAUTHORIZED, "no-token", "This proxy wants a token.", headers=_CHALLENGE)
    raise Problem(
        HTTPStatus.FORBIDDEN, "closed", "This proxy serves only the feeds that it was set up for, to you at least."
    )


def may_correct(proxy: ProxySettings, caller: Caller) -> bool:
    """Whether somebody may say what a block is; behind a web server all may look local, so there the token counts."""
    return is_known(proxy, caller, local=proxy.access is Open.LOOPBACK or proxy.public_url is None)


def form_key(secret: str, feed: str) -> str:
    """What a form about a feed must hold, so that no other site can send it: nobody else can read our pages."""
    return hmac.new(secret.encode(), b"feedclean form\0" + feed.encode(), hashlib.sha256).hexdigest()


def is_ours(origin: str | None, *hosts: str | None) -> bool:
    """Whether a request comes from a page of ours by its `Origin`; a page in a sandbox, as ours are, has none."""
    if origin is None or origin == "null":
        return True
    try:
        return urlsplit(origin).netloc in {host for host in hosts if host}
    except ValueError:
        return False


def is_known(proxy: ProxySettings, caller: Caller, *, local: bool = True) -> bool:
    """Whether somebody is trusted: comes from this machine (if that counts), or shows the token."""
    if local and caller.is_local:
        return True
    shown = caller.token or _shown(caller.headers.get("authorization", ""))
    if proxy.token is None or not shown:
        return False
    return hmac.compare_digest(proxy.token.encode(), shown.encode("utf-8", "replace"))


def _shown(header: str) -> str | None:
    """The token in an `Authorization` header: after `Bearer`, or as the password of anybody."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return None
    return None
