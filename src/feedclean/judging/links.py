"""Where a link leads, told without the name of any host: the same site, another one, a redirector, an affiliate."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

_TRACKING = re.compile(
    r"(?:^|&)(?:utm_\w+|ref|referrer|src|source|cid|icid|ftag|tag|campaign|cmp\w*|pk_\w+|mc_\w+|gclid|fbclid|trk\w*"
    r"|ncid|wt_mc|xtor|at_\w+|origin|via|medium)=",
    re.IGNORECASE,
)
_AFFILIATE = re.compile(
    r"(?:^|&)(?:aff\w*|partner\w*|subid\d?|clickid|awc|irclickid|sid|pid|promo\w*|coupon\w*|offer\w*|a_aid|tduid)=",
    re.IGNORECASE,
)
_REDIRECT_PATH = re.compile(
    r"/(?:r|go|out|click|redirect|redir|track|visit|link|l|away|exit|recommends|refer)(?:/|$|\.)"
)
_WORD = re.compile(r"[a-z]{3,}")
_NATIONAL = frozenset("ac co com edu go gob gov gv ltd me ne net nom or org plc".split())
_MOST = 2000  # characters of an address that are read, and remembered: some hold whole pictures


@dataclass(frozen=True, slots=True)
class Target:
    """What a link's address tells about where it leads."""

    kind: str  # "none", "anchor", "script", "mail", "same" (a relative one, too) or "other"
    redirects: bool = False  # passes through a redirector
    tracked: bool = False  # carries tracking parameters
    affiliate: bool = False  # carries partner or offer parameters
    slug: int = 0  # words in its last path segment: articles have long ones
    depth: int = 0  # path segments
    words: tuple[str, ...] = ()  # of the path, for short segments only: section, service, "newsletter"


_NONE = Target("none")


def target(href: str, home: str) -> Target:
    """Read `href` as a link on a page of the host `home` (`""` if unknown)."""
    return _target(href[:_MOST], home)


@lru_cache(maxsize=8192)
def _target(href: str, home: str) -> Target:
    if not href:
        return _NONE
    if href[0] == "#":
        return Target("anchor" if len(href) > 1 else "none")
    try:
        parts = urlsplit(href)
        host = parts.hostname or ""
    except ValueError:
        return _NONE
    if parts.scheme in ("javascript", "data", "vbscript"):
        return Target("script")
    if parts.scheme in ("mailto", "tel", "sms", "whatsapp"):
        return Target("mail")
    path = parts.path.lower()
    segments = [segment for segment in path.split("/") if segment]
    kind = "same" if not host or (home and _site(host) == _site(home)) else "other"
    slug = segments[-1].count("-") + segments[-1].count("_") + 1 if segments else 0
    words = tuple(word for segment in segments if segment.count("-") < 3 for word in _WORD.findall(segment))
    query = parts.query
    return Target(
        kind,
        redirects=bool(_REDIRECT_PATH.search(path)) or "http" in query or "http%3a" in path,
        tracked=bool(query and _TRACKING.search(query)),
        affiliate=bool(query and _AFFILIATE.search(query)),
        slug=min(slug, 20),
        depth=min(len(segments), 8),
        words=words[:6],
    )


def home(url: str | None, hrefs: Iterable[str]) -> str:
    """The host a document is published on: that of its URL, else the one that most of its own links lead to.

    Saved pages and labelled documents often come without their URL; `""` if nothing tells.
    """
    own = _host((url or "")[:_MOST])
    if own:
        return own
    hosts = Counter(name for href in hrefs if (name := _host(href[:_MOST])))
    if not hosts:
        return ""
    name, count = hosts.most_common(1)[0]
    return name if count >= 3 and 2 * count >= hosts.total() else ""


@lru_cache(maxsize=4096)
def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _site(name: str) -> str:
    """A host without its first labels: two are kept, three where the last but one is a country's own (`.co.uk`)."""
    labels = name.lower().strip(".").split(".")
    national = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _NATIONAL
    return ".".join(labels[-3 if national else -2 :])
