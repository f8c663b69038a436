"""Addresses of the proxy itself, as its settings know them; never taken from a request's headers."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, quote, urlsplit

from ..errors import ForbiddenError
from ..formats.opml import Left
from ..settings import Open, Settings
from .access import sign
from .spelling import canonical_url

__all__ = ["Addresses", "proxied"]

_EVERYWHERE = ("0.0.0.0", "::", "[::]", "")  # noqa: S104 - compared, not bound
_FEED = re.compile(r"feed:(?:(?://)?(?=https?://)|(//))", re.IGNORECASE)  # a scheme that only feed readers know


class Addresses:
    """Where readers find what.

    Args:
        settings: of the proxy.
        base: the proxy's own address, if it is another than the settings say.
    """

    def __init__(self, settings: Settings, base: str | None = None) -> None:
        self._proxy = settings.proxy
        self._base = base or self._proxy.public_url or _bound(self._proxy.host, self._proxy.port)

    @property
    def base(self) -> str | None:
        """The proxy's own address; `None` if it listens everywhere and nobody said how it is reached."""
        return self._base

    def named(self, name: str, to: str | None = None) -> str | None:
        """A named feed."""
        return self._at(f"/feeds/{name}{f'.{to}' if to else ''}")

    def any(self, url: str, to: str | None = None) -> str | None:
        """The feed at an address, signed if that is how the proxy is set up."""
        return self._at(self.any_path(url, to))

    def any_path(self, url: str, to: str | None = None, *, token: str | None = None) -> str:
        """The same without the proxy's own address, and perhaps with the token."""
        tail = f"&to={to}" if to else ""
        if self._proxy.open is Open.SIGNED and self._proxy.secret:
            tail += f"&sig={sign(self._proxy.secret, url)}"
        if token:
            tail += f"&token={quote(token, safe='')}"
        return f"/feed?url={quote(url, safe='')}{tail}"

    def removed(self, name: str, suffix: str = "") -> str | None:
        """What was removed from a named feed."""
        return self._at(f"/removed/{name}{suffix}")

    def _at(self, path: str) -> str | None:
        return None if self._base is None else f"{self._base}{path}"


def proxied(settings: Settings, base: str) -> Callable[[str], str | Left]:
    """Makes addresses of feeds addresses of the proxy at `base`; what is one already, and what is no feed, stays.

    `feed://x` is `http://x`, and `feed:https://x` is `https://x`, as readers have it. A feed that the settings name
    goes by its name. Where the proxy wants a token, the addresses hold it.
    """
    token = settings.proxy.token if settings.proxy.open is Open.TOKEN else None
    addresses = Addresses(settings, base)
    names = {_canonical(feed.url): name for name, feed in settings.feeds.items()}

    def new(url: str) -> str | Left:
        url = _FEED.sub(lambda found: "http://" if found[1] else "", url, count=1) if _FEED.match(url) else url
        if _is_proxied(url, base):
            return Left("behind the proxy already")
        try:
            known = canonical_url(url)
        except ForbiddenError as fault:
            return Left(fault.what)
        name = names.get(known)
        return f"{base}/feeds/{name}" if name else f"{base}{addresses.any_path(known, token=token)}"

    return new


def _is_proxied(url: str, base: str) -> bool:
    if not url.startswith(f"{base}/"):
        return False
    path = urlsplit(url.removeprefix(base))
    return path.path.startswith("/feeds/") or (path.path == "/feed" and "url" in parse_qs(path.query))


def _canonical(url: str) -> str | None:
    try:
        return canonical_url(url)
    except ForbiddenError:
        return None


def _bound(host: str, port: int) -> str | None:
    if host in _EVERYWHERE:
        return None
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{host}{'' if port == 80 else f':{port}'}"
