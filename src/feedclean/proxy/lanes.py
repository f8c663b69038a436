"""How many requests go out at once: few to any host, and readers who wait before work that can wait."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Lanes"]

URGENT = 8  # times as many requests for readers who wait as in the background: hanging publishers must not use them up


class Lanes:
    """Lets requests out.

    Args:
        per_host: requests to one host at once.
        total: requests in the background at once; for readers who wait there are eight times as many beside them.
        longest_wait: seconds for a turn.
    """

    def __init__(self, per_host: int, total: int, longest_wait: float = 30.0) -> None:
        self._per_host = per_host
        self._background = asyncio.Semaphore(total)
        self._urgent = asyncio.Semaphore(URGENT * total)
        self._longest_wait = longest_wait
        self._hosts: dict[str, asyncio.Semaphore] = {}
        self._users = Counter[str]()  # of each host's semaphore, so that it is forgotten with the last one

    @asynccontextmanager
    async def turn(self, host: str, *, urgent: bool) -> AsyncIterator[None]:
        """Hold a place on the way out.

        Raises:
            TimeoutError: none came free in time.
        """
        gate = self._hosts.setdefault(host, asyncio.Semaphore(self._per_host))
        lane = self._urgent if urgent else self._background
        self._users[host] += 1
        held: list[asyncio.Semaphore] = []
        try:
            async with asyncio.timeout(self._longest_wait):
                for semaphore in (gate, lane):  # in this order: who waits for a host holds up no other host
                    await semaphore.acquire()
                    held.append(semaphore)
            yield
        finally:
            for semaphore in held:
                semaphore.release()
            self._users[host] -= 1
            if not self._users[host]:
                del self._users[host], self._hosts[host]
