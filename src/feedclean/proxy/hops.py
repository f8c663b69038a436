"""Where a request has gone, and what came of it in the terms of `Outcome`."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import SplitResult, urljoin, urlsplit

import aiohttp

from feedclean.errors import ForbiddenError
from feedclean.proxy.dial import NotDialledError
from feedclean.proxy.nouns import Answer, Outcome
from feedclean.proxy.spelling import PORTS, canonical_url

__all__ = ["REDIRECTS", "Hops", "fault", "flat", "is_sendable", "meaning", "same_origin"]

REDIRECTS = {301: True, 302: False, 303: False, 307: False, 308: True}  # status: whether it is permanent
_QUOTED = re.compile(r"(?: when reading)?:? b?['\"]")  # before the bytes that aiohttp quotes
_LISTS = frozenset("cache-control content-encoding link vary".split())  # headers whose repetitions add up


class Hops:
    """The way of one request through its redirects."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status: int | None = None
        self._count = 0
        self._permanent = True
        self._downgraded = False

    def go(self, target: str, *, permanent: bool) -> bool:
        """Take a redirect; whether it stays at the same origin, where secrets may come along.

        Raises:
            ForbiddenError: what it leads to is no address.
        """
        old = canonical_url(self.url)
        self.url = canonical_url(urljoin(old, target.replace(" ", "%20")))
        self._count += 1
        self._permanent &= permanent
        self._downgraded |= old.startswith("https:") and self.url.startswith("http:")
        return same_origin(old, self.url)

    def told(self, answer: Answer) -> Answer:
        """The answer with what the way to it has shown.

        `moved_to` is given for a good answer alone, and never for one that came from https to http.
        """
        good = answer.outcome in (Outcome.FRESH, Outcome.UNCHANGED)
        moved = good and self._count > 0 and self._permanent and not self._downgraded
        if answer.outcome is Outcome.GONE and not self._permanent:
            # What is gone is where we were sent this time, not what was asked for.
            answer = replace(answer, outcome=Outcome.REFUSED)
        note = "redirected from https to http" if self._downgraded else ""
        reason = "; ".join(part for part in (answer.reason, note) if part)
        return replace(answer, url=self.url, moved_to=self.url if moved else None, reason=reason)


def same_origin(old: str, new: str) -> bool:
    """Whether secrets meant for one URL may be sent to another: same scheme, host and port, or from http to https.

    Raises:
        ForbiddenError: one of them is no URL.
    """
    a, b = urlsplit(canonical_url(old)), urlsplit(canonical_url(new))
    secured = (a.scheme, b.scheme, a.port, b.port) == ("http", "https", None, None)
    return a.hostname == b.hostname and (secured or _port(a) == _port(b))


def meaning(status: int, *, conditional: bool) -> tuple[Outcome, str]:
    """What a status means for a feed, and a clause for people."""
    if status in (200, 203):
        return Outcome.FRESH, ""
    if status == 304:
        return (Outcome.UNCHANGED, "") if conditional else (Outcome.BROKEN, "answered 304 though it was not asked")
    reason = f"answered {status}"
    if status == 410:
        return Outcome.GONE, reason
    if status in (429, 503):
        return Outcome.BUSY, reason
    return (Outcome.REFUSED if 400 <= status < 500 else Outcome.BROKEN), reason


def fault(error: Exception) -> tuple[Outcome, str]:
    """What an error of the client means, and a clause for people. It names no address that a name led to."""
    if isinstance(error, ForbiddenError):
        return Outcome.FORBIDDEN, error.what
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, NotDialledError):
            return Outcome.FORBIDDEN, f"{error.os_error}"
        return Outcome.UNREACHABLE, f"no connection ({_clause(error.os_error)})"
    if isinstance(error, aiohttp.ClientPayloadError):
        return Outcome.UNREACHABLE, "the answer was cut short"
    if isinstance(error, (aiohttp.ClientResponseError, ValueError)):
        return Outcome.BROKEN, f"no HTTP ({_clause(error)})"
    return Outcome.UNREACHABLE, f"connection lost ({_clause(error)})"


def flat(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by lower-case name. Repeated lists add up, else the first one counts; what is no UTF-8 is left out."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        if not is_sendable(value):
            continue
        if key not in found:
            found[key] = value
        elif key in _LISTS:
            found[key] += f", {value}"
    return found


def is_sendable(value: str) -> bool:
    """Whether a header value can be sent back byte for byte: aiohttp drops what was no UTF-8."""
    return not any(0xD800 <= ord(character) <= 0xDFFF or character in "\r\n\0" for character in value)


def _port(parts: SplitResult) -> tuple[str, int]:
    return parts.scheme, parts.port or PORTS[parts.scheme]


def _clause(error: BaseException) -> str:
    """An error in a few words, without addresses and bytes that it was met with."""
    if isinstance(error, aiohttp.ClientResponseError):
        told = _QUOTED.split(error.message)[0]
    elif isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        code = error.errno or 0
        told = os.strerror(code) if code > 0 else error.strerror or "no address answered"
    else:
        told = str(error)
    return next(iter(told.strip().splitlines()), "").strip(" :.")[:200] or type(error).__name__
