"""What a request says: its parameters, each at most once and none unknown, and who sent it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from ..errors import ForbiddenError
from ..types import Format
from .access import Caller
from .reply import Problem
from .spelling import canonical_url

__all__ = ["caller", "form", "suffixed", "target", "values", "wanted_url"]

_TARGETS = {"rss": Format.RSS, "atom": Format.ATOM, "json": Format.JSONFEED}
_MOST = 64 << 10  # bytes of a form
_PATIENCE = 10.0  # seconds in which it must have come
_SUFFIXED = re.compile(r"(?P<name>[^.]+?)(?:\.(?P<to>rss|atom|json))?")


def values(request: Request, *known: str) -> dict[str, str]:
    """The parameters of a request.

    Raises:
        Problem: there is one that is not known, or one twice. An address that was pasted without being encoded looks
            like that, and another feed would be fetched.
    """
    given = request.query_params.multi_items() if request.url.query else []
    for name, _ in given:
        if name not in known:
            told = f"There is no parameter {name[:40]!r} here; an address must be percent-encoded to be one."
            raise Problem(HTTPStatus.BAD_REQUEST, "unknown-parameter", told)
    found = dict(given)
    if len(found) < len(given):
        raise Problem(HTTPStatus.BAD_REQUEST, "repeated-parameter", "A parameter is given more than once.")
    return found


def caller(request: Request, given: Mapping[str, str]) -> Caller:
    """Who asks."""
    return Caller(request.client.host if request.client else None, request.headers, given.get("token"))


def wanted_url(given: Mapping[str, str]) -> str:
    """The address of the feed that is asked for, in its one spelling.

    Raises:
        Problem: there is none, or it can be none.
    """
    if not given.get("url"):
        raise Problem(HTTPStatus.BAD_REQUEST, "no-address", "The address of a feed is missing: /feed?url=…")
    try:
        return canonical_url(given["url"].strip())
    except ForbiddenError as fault:
        told = f"That is no address of a feed: {fault.what}."
        raise Problem(HTTPStatus.BAD_REQUEST, "no-address", told) from None


def target(name: str | None) -> Format | None:
    """The format that is asked for.

    Raises:
        Problem: there is no such format.
    """
    if not name:
        return None
    if name not in _TARGETS:
        raise Problem(HTTPStatus.BAD_REQUEST, "no-such-format", "A feed can be had as rss, atom or json.")
    return _TARGETS[name]


def suffixed(path: str) -> tuple[str, str | None]:
    """A name and the format behind its dot.

    Raises:
        Problem: it is no name of a feed.
    """
    match = _SUFFIXED.fullmatch(path)
    if match is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no-such-feed", "The settings of this proxy name no such feed.")
    return match["name"], match["to"]


async def form(request: Request, known: Collection[str], *, must: tuple[str, ...]) -> dict[str, str]:
    """The fields of a form, each at most once and none unknown.

    Raises:
        Problem: it is no form, too large, does not arrive, or is not one of ours.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "no-form", "A form is wanted here.")
    try:
        content = await asyncio.wait_for(_content(request), _PATIENCE)
    except (TimeoutError, ClientDisconnect):
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "no-form", "The form has not arrived.") from None
    bad = Problem(HTTPStatus.BAD_REQUEST, "no-form", "That is no form of ours.")
    try:
        fields = parse_qsl(content.decode("ascii"), strict_parsing=True, max_num_fields=2 * len(known))
    except ValueError:
        raise bad from None
    found = dict(fields)
    if len(found) < len(fields) or not found.keys() <= set(known) or not found.keys() >= set(must):
        raise bad
    return found


async def _content(request: Request) -> bytes:
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > _MOST:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", "That is more than any form here holds.")
    return bytes(content)
