"""The one way out: every request that the proxy makes to a publisher is made here.

    fetch ──> Guard.check_url ──> connection (`dial.py`: Guard.check_address) ──> request
                    ^                                                               │
                    └── redirect, five at most, without secrets elsewhere <─────────┤
                                                                                    v
                                Answer <── unpacked and counted piece by piece <── body

Nothing a publisher does raises: a lie, a bomb, silence or a stranger's certificate are all an `Answer`. The deadline
is for the whole of it, look-ups and redirects included.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from importlib.metadata import version
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict
from yarl import URL

from feedclean.errors import ForbiddenError
from feedclean.proxy.dial import Lookup, new_session
from feedclean.proxy.guard import Guard
from feedclean.proxy.hops import REDIRECTS, Hops, fault, flat, is_sendable, meaning
from feedclean.proxy.nouns import Answer, Outcome, Validators
from feedclean.proxy.spelling import canonical_url
from feedclean.proxy.unpack import ACCEPT_ENCODING, BadPackingError, CutShortError, TooLargeError, Unpacker

__all__ = ["Upstream", "user_agent"]

MIB = 1 << 20
CHUNK = 1 << 16  # bytes read in one go
LARGE = MIB  # bodies beyond it take turns, so that many at once cannot fill the memory
LARGE_AT_ONCE = 8
ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.9, text/html;q=0.5, */*;q=0.1"
)
# What a setting may not send: it is the connection's business, or ours.
_OURS = frozenset(
    "host connection keep-alive proxy-connection proxy-authorization te trailer transfer-encoding upgrade "
    "content-length content-type expect range if-range if-match if-none-match if-modified-since "
    "if-unmodified-since accept-encoding cdn-loop".split()
)


def user_agent(contact: str) -> str:
    """Who asks, and where to complain.

    Args:
        contact: URL or mail address of whoever runs this proxy; empty if they gave none.

    >>> user_agent("https://example.org/feeds").partition(" ")[2], user_agent("").partition(" ")[2]
    ('(+https://example.org/feeds)', '(no contact given)')
    """
    return f"feedclean/{version('feedclean')} ({f'+{contact}' if contact else 'no contact given'})"


class Upstream:
    """Fetches feeds.

    Args:
        guard: says what may be connected to.
        user_agent: as `user_agent()` makes it.
        max_body: bytes of a body, packed or unpacked.
        deadline: seconds for one `fetch`, all in all.
        max_redirects: redirects followed.
        resolver: looks names up; the system's by default.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        user_agent: str,
        max_body: int = 15 * MIB,
        deadline: float = 20.0,
        max_redirects: int = 5,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._guard = guard
        self._user_agent = user_agent
        self._max_body = max_body
        self._deadline = deadline
        self._max_redirects = max_redirects
        self._resolver = resolver or Lookup()
        self._session: aiohttp.ClientSession | None = None
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._loop_mark = f"feedclean-{secrets.token_hex(8)}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections. Requests under way end as `UNREACHABLE`."""
        if self._session is not None:
            await self._session.close()
        await self._resolver.close()

    def is_own_request(self, headers: Mapping[str, str]) -> bool:
        """Whether a request that came in was made by this very proxy (RFC 8586): answering it would be a loop.

        Args:
            headers: of the request, lower-case names (or case-insensitive).
        """
        return self._loop_mark in headers.get("cdn-loop", "")

    async def fetch(self, url: str, validators: Validators, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask a publisher for a feed. Never raises, whatever the publisher does.

        Args:
            url: http or https.
            validators: of the copy one has; none for an unconditional request.
            headers: of one's own (`Authorization`, …); sent to the origin of `url` only.
        """
        hops = Hops(url)
        try:
            async with asyncio.timeout(self._deadline):
                answer = await self._follow(hops, validators, headers or {})
        except TimeoutError:
            answer = Answer(Outcome.UNREACHABLE, hops.status, reason=f"no full answer within {self._deadline:g} s")
        except (ForbiddenError, aiohttp.ClientError, OSError, EOFError, ValueError, RuntimeError) as error:
            outcome, reason = fault(error)
            answer = Answer(outcome, hops.status, reason=reason)
        return hops.told(answer)

    async def _follow(self, hops: Hops, validators: Validators, own: Mapping[str, str]) -> Answer:
        """Ask, and go where one is sent."""
        own = {name: value for name, value in own.items() if name.lower() not in _OURS}
        for _ in range(self._max_redirects + 1):
            self._guard.check_url(hops.url)
            async with self._ask(hops.url, validators, own) as response:
                hops.status = response.status
                target = response.headers.get("Location", "").strip()
                if response.status not in REDIRECTS or not target:
                    return await self._read(response, conditional=validators != Validators())
            if not hops.go(target, permanent=REDIRECTS[response.status]):
                own = {}
        return Answer(Outcome.BROKEN, hops.status, reason=f"more than {self._max_redirects} redirects")

    def _ask(
        self, url: str, validators: Validators, own: Mapping[str, str]
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """One request, redirects not followed."""
        if self._session is None:
            self._session = new_session(self._guard, self._resolver)
        headers = CIMultiDict({"User-Agent": self._user_agent, "Accept": ACCEPT})
        headers.update(own)
        headers.update({"Accept-Encoding": ACCEPT_ENCODING, "CDN-Loop": self._loop_mark})
        conditions = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
        headers.update({name: value for name, value in conditions.items() if value is not None and is_sendable(value)})
        return self._session.get(URL(canonical_url(url), encoded=True), headers=headers, allow_redirects=False)

    async def _read(self, response: aiohttp.ClientResponse, *, conditional: bool) -> Answer:
        """What the last hop answered."""
        headers = flat(response.headers)
        outcome, reason = meaning(response.status, conditional=conditional)
        answer = Answer(outcome, response.status, None, headers, reason=reason)
        if outcome is not Outcome.FRESH:
            return answer
        try:
            body = await self._body(response, headers.get("content-encoding", ""))
        except TooLargeError:
            return replace(answer, outcome=Outcome.TOO_MUCH, reason=f"more than {self._max_body:,} bytes")
        except BadPackingError as error:
            cut = isinstance(error, CutShortError)
            return replace(answer, outcome=Outcome.UNREACHABLE if cut else Outcome.BROKEN, reason=f"{error}")
        if not body.strip():
            return replace(answer, outcome=Outcome.BROKEN, reason="an empty answer")
        return replace(answer, body=body)

    async def _body(self, response: aiohttp.ClientResponse, encoding: str) -> bytes:
        """The unpacked body.

        Raises:
            TooLargeError: beyond the limit.
            BadPackingError: it cannot be unpacked, or ends before its packing does.
        """
        if (response.content_length or 0) > self._max_body:
            raise TooLargeError
        unpacker, body, packed, large = Unpacker(encoding, self._max_body), bytearray(), 0, False
        try:
            async for chunk in response.content.iter_chunked(CHUNK):
                packed += len(chunk)
                for piece in unpacker.feed(chunk):
                    body += piece
                    if max(packed, len(body)) > self._max_body:
                        raise TooLargeError
                    if len(body) > LARGE and not large:
                        large = await self._large.acquire()
                    await asyncio.sleep(0)  # others have their turn between two pieces
                if packed > self._max_body:
                    raise TooLargeError
        finally:
            if large:
                self._large.release()
        unpacker.finish()
        return bytes(body)
