"""Around every request: a number, one way to fail, a line in the log and a count; and a limit for those that cost."""

from __future__ import annotations

import secrets
import time
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .logs import Log, Seldom
from .metrics import Metrics
from .reply import Problem

__all__ = ["MOST_AT_ONCE", "Envelope", "Limit", "tell"]

MOST_AT_ONCE = 512  # requests under way that cost something; what is more is told to come again
_CROWDS = {"overloaded", "store-failed", "too-many-requests"}  # problems of many at once
_SLOW = 1.0  # seconds from which a good answer is worth a line


def tell(scope: Scope, **facts: Any) -> None:
    """Add facts to the line that the log will have about a request."""
    scope["feedclean"].update(facts)


class Limit:
    """An application around another one that has no more than so many requests to answer at once."""

    def __init__(self, inner: ASGIApp, most: int) -> None:
        self._inner, self._most = inner, most
        self._busy = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it at once."""
        if self._busy >= self._most:
            told = "More is asked of this proxy at once than it can answer."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", told, retry_after=5)
        self._busy += 1
        try:
            await self._inner(scope, receive, send)
        finally:
            self._busy -= 1


class Envelope:
    """An application around another one.

    Args:
        inner: answers; may raise `Problem`.
        metrics: are told.
        log: is told.
        seldom: is told in its place what many requests may meet at once.
    """

    def __init__(self, inner: ASGIApp, metrics: Metrics, log: Log, seldom: Seldom) -> None:
        self._inner, self._metrics, self._log, self._seldom = inner, metrics, log, seldom

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever happens."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        began, number, status = time.perf_counter(), secrets.token_hex(6), 0
        facts: dict[str, Any] = {"route": "none"}
        scope["feedclean"], scope["app"] = facts, self

        async def numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", number.encode())]
            await send(message)

        try:
            await self._inner(scope, receive, numbered)
        except Exception as fault:  # noqa: BLE001 - this is where all of them end
            problem = self._problem(fault, number)
            facts["problem"] = problem.kind
            if not status:
                await problem.reply(number)(scope, receive, numbered)
        finally:
            took = time.perf_counter() - began
            self._metrics.answered(facts["route"], status, took)
            line = {
                "request": number,
                "method": scope["method"],
                "status": status,
                "ms": round(took * 1000, 1),
                **facts,
            }
            if facts.get("problem") in _CROWDS:
                self._seldom.warning(facts["problem"], "request", **line)
            elif status < HTTPStatus.BAD_REQUEST and took < _SLOW:
                self._log.debug("request", **line)
            else:
                self._log.info("request", **line)

    def _problem(self, fault: Exception, number: str) -> Problem:
        if isinstance(fault, Problem):
            return fault
        if isinstance(fault, HTTPException):  # of the router: no such path, no such method
            headers = dict(fault.headers or {})
            status = HTTPStatus(fault.status_code)
            kind = {404: "not-found", 405: "method-not-allowed"}.get(status, "refused")
            told = "There is nothing at this address." if status == HTTPStatus.NOT_FOUND else f"{status.phrase}."
            return Problem(status, kind, told, headers=[(key.lower(), value) for key, value in headers.items()])
        self._metrics.event("unexpected")
        self._log.error("unexpected", request=number, exc_info=fault)
        return Problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, "unexpected", "Something went wrong in this proxy; see its log."
        )
