"""The way back for a feed that is not asked for any more, since its publisher said that it is gone (410).

POST /resume               form of ours ──> Refresher.resume ──> asked at once
feedclean resume FEED      `resume_stored`; a proxy that runs on the store asks for it when a reader next does
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Protocol

from starlette.requests import Request

from .envelope import tell
from .house import House
from .nouns import Body, FeedState
from .our_forms import our_form
from .reply import Reply
from .schedule import resumed

__all__ = ["Resuming", "resume_stored"]

_LEASE = 10.0  # seconds; writing a row takes none


class States(Protocol):
    """What is needed of `Store`."""

    def state(self, url: str) -> FeedState | None:
        """As `Store.state`."""
        ...

    def save(self, state: FeedState, body: Body | None) -> None:
        """As `Store.save`."""
        ...

    def lease(self, url: str, owner: str, until: float) -> bool:
        """As `Store.lease`."""
        ...

    def release(self, url: str, owner: str) -> None:
        """As `Store.release`."""
        ...


class Resuming:
    """Handler of requests."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def resume(self, request: Request) -> Reply:
        """`POST /resume`: have a feed asked for again, and go back to the page that the form was on."""
        given = await our_form(self._house, request)
        feed = given["feed"]
        tell(request.scope, feed=feed)
        await self._house.refresher.resume(feed)
        await self._house.refresher.current(feed, wait=True)
        self._house.metrics.event("resumed")
        return Reply(HTTPStatus.SEE_OTHER, headers={"location": given["back"], "cache-control": "no-store"})


def resume_stored(store: States, url: str, now: float) -> FeedState | None:
    """Let a feed be asked for again by whatever proxy is asked for it next; its state before, if anything is known.

    While a proxy is asking for it, nothing is changed: what comes of that counts.

    Raises:
        StoreError: the store fails.
    """
    owner = secrets.token_hex(16)
    free = store.lease(url, owner, now + _LEASE)
    try:
        state = store.state(url)
        if free and state is not None and (state.stopped or state.failures):
            store.save(resumed(state, now), None)
        return state
    finally:
        store.release(url, owner)
