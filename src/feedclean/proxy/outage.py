"""What a reader is told when there is no copy to give: which status, and when to come again."""

from __future__ import annotations

from http import HTTPStatus

from .nouns import FeedState, Outcome
from .reply import Problem

__all__ = ["no_copy", "too_old"]

_STATUS = {
    Outcome.GONE: (HTTPStatus.GONE, "publisher-gone"),
    Outcome.BUSY: (HTTPStatus.SERVICE_UNAVAILABLE, "publisher-busy"),
    Outcome.UNREACHABLE: (HTTPStatus.GATEWAY_TIMEOUT, "publisher-unreachable"),
    Outcome.FORBIDDEN: (HTTPStatus.FORBIDDEN, "address-refused"),
    Outcome.REFUSED: (HTTPStatus.BAD_GATEWAY, "publisher-refused"),
    Outcome.BROKEN: (HTTPStatus.BAD_GATEWAY, "publisher-broken"),
    Outcome.TOO_MUCH: (HTTPStatus.BAD_GATEWAY, "feed-too-large"),
}
_SOONEST, _LATEST = 30.0, 86_400.0  # seconds


def no_copy(state: FeedState, now: float) -> Problem:
    """The refusal for a feed of which there is no copy (yet)."""
    if state.last_outcome not in _STATUS:
        told = "The feed is being fetched for the first time."
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "not-yet", told, retry_after=5)
    status, kind = _STATUS[state.last_outcome]
    told = f"There is no copy of the feed, and none is to be had: {state.last_reason or state.last_outcome}."
    if state.last_outcome is Outcome.FORBIDDEN:
        told = f"This address is not fetched: {state.last_reason}."
    if state.stopped:
        told += " It is not asked for again until whoever runs this proxy says so: feedclean resume."
    again = None if status in (HTTPStatus.GONE, HTTPStatus.FORBIDDEN) else _again(state, now)
    return Problem(status, kind, told, retry_after=again)


def too_old(state: FeedState, now: float, limit: float) -> Problem | None:
    """The refusal for a copy that is too old to be served, if it is: in an outage, not because nobody asked."""
    if not state.failures or state.last_success is None or now - state.last_success <= limit:
        return None
    return no_copy(state, now)


def _again(state: FeedState, now: float) -> float:
    return min(max(state.next_fetch - now, _SOONEST), _LATEST)
