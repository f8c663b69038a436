"""Connections to publishers: names looked up in threads of our own, addresses checked when they are dialled.

    host ── Lookup ──> addresses ── dialler(guard) ──> socket

The dialler is asked for every connection, whether the address was looked up, written in the URL or come by in a
redirect. It is the only place of the proxy that makes a socket for one.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from feedclean.errors import ForbiddenError
from feedclean.proxy.guard import Guard

__all__ = ["Lookup", "NotDialledError", "new_session"]

LOOKUPS = 64  # threads at most; each name whose server hangs holds one, until the system gives up


class NotDialledError(OSError):
    """The guard refused an address. All say the same, so that many of them are reported as one."""

    def __str__(self) -> str:
        return "an address that is not public"


class Lookup(AbstractResolver):
    """The system's look-up, in threads of its own: a name server that hangs holds up nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, "feedclean-lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of a host.

        Raises:
            OSError: it has none, or nobody knows.
        """
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        )
        return [address(host, str(ip[0]), port, kind) for kind, _, _, _, ip in found]

    async def close(self) -> None:
        """Let no more look-ups begin."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def address(host: str, ip: str, port: int, family: int) -> ResolveResult:
    """One result of a look-up, in aiohttp's terms."""
    return ResolveResult(hostname=host, host=ip, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)


def new_session(guard: Guard, resolver: AbstractResolver) -> aiohttp.ClientSession:
    """A client whose every connection is checked by `guard`; no proxies, cookies, reuse or time limits of its own."""
    connector = aiohttp.TCPConnector(resolver=resolver, socket_factory=_dialler(guard), force_close=True, limit=0)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # the deadline is the caller's
        trust_env=False,
        auto_decompress=False,
        max_line_size=16 << 10,
        max_field_size=32 << 10,
    )


def _dialler(guard: Guard) -> Callable[[Any], socket.socket]:
    def dial(info: Any) -> socket.socket:
        family, kind, protocol, _, ip = info
        try:
            guard.check_address(ip[0], ip[1])
        except ForbiddenError:
            raise NotDialledError from None
        return socket.socket(family, kind, protocol)

    return dial
