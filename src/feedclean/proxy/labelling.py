"""`feedclean label` in a browser of this machine: one page that asks, one route that is answered.

    GET /?token=…     the question that is being asked
    POST /answer      a label, skip or undo ──> kept on the disk ──> the next question

Whoever runs it is told the address with the token, and nobody else is answered: neither other people of this machine
nor pages of others in the same browser, which cannot read the token.
"""

from __future__ import annotations

import asyncio
import hmac
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import FeedcleanError
from ..types import Label, Progress, Question
from .access import is_ours
from .asking import caller, form, values
from .envelope import Envelope
from .logs import Log, Seldom
from .metrics import Metrics
from .pages.label import SKIP, UNDO, done_page, question_page
from .recall import SystemClock
from .reply import Problem, Reply

__all__ = ["Labelling", "create_labelling"]


class Labelling(Protocol):
    """One person's labelling; `learning.labelling.Session` is one."""

    @property
    def number(self) -> int | None:
        """The number of the question that is being asked."""
        ...

    @property
    def question(self) -> Question | None:
        """The question that is being asked."""
        ...

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        ...

    def answer(self, number: int, label: Label) -> None:
        """Label a question; returns when that is safe."""
        ...

    def skip(self, number: int) -> None:
        """Leave a question."""
        ...

    def undo(self) -> bool:
        """Take the last answer back."""
        ...


def create_labelling(session: Labelling, token: str, log: Log) -> ASGIApp:
    """The application.

    Args:
        session: asks and is answered.
        token: what a caller must show.
        log: is told what goes wrong.
    """
    pages = _Pages(session, token)
    routes = [
        Route("/", _Endpoint(pages.ask), methods=["GET"]),
        Route("/answer", _Endpoint(pages.answer), methods=["POST"]),
        Route("/favicon.ico", _Endpoint(pages.icon), methods=["GET"]),
    ]
    return Envelope(Router(routes, redirect_slashes=False), Metrics(), log, Seldom(log, SystemClock().monotonic))


class _Endpoint:
    """A handler as an application."""

    def __init__(self, handler: object) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = await self._handler(Request(scope, receive))  # type: ignore[operator]
        await reply(scope, receive, send)


class _Pages:
    def __init__(self, session: Labelling, token: str) -> None:
        self._session, self._token = session, token
        self._turn = asyncio.Lock()
        self._fault = ""

    async def ask(self, request: Request) -> Reply:
        """`/`."""
        given = values(request, "token")
        self._check(request, given.get("token", ""))
        async with self._turn:
            session, fault = self._session, self._fault
            self._fault = ""
            if session.question is None or session.number is None:
                return done_page(session.progress, self._token)
            return question_page(session.question, session.number, session.progress, self._token, fault)

    async def answer(self, request: Request) -> Reply:
        """`POST /answer`; the answer is on the disk before this one is given."""
        given = await form(request, {"token", "number", "answer"}, must=("token", "number", "answer"))
        self._check(request, given["token"])
        number, answer = given["number"], given["answer"]
        if answer not in {*Label, SKIP, UNDO} or not number.lstrip("-").isdecimal():
            raise Problem(HTTPStatus.BAD_REQUEST, "no-such-label", "There is no such label.")
        async with self._turn:
            try:
                if answer == UNDO:
                    await asyncio.to_thread(self._session.undo)
                elif answer == SKIP:
                    self._session.skip(int(number))
                else:
                    await asyncio.to_thread(self._session.answer, int(number), Label(answer))
            except FeedcleanError as fault:
                self._fault = f"That could not be kept: {fault.what}. Try again."
        location = f"/?{urlencode({'token': self._token})}"
        return Reply(HTTPStatus.SEE_OTHER, headers={"location": location, "cache-control": "no-store"})

    async def icon(self, request: Request) -> Reply:
        """There is none."""
        values(request)
        return Reply(HTTPStatus.NO_CONTENT, headers={"cache-control": "max-age=604800"})

    def _check(self, request: Request, token: str) -> None:
        """Refuse everybody but the one who was told the token.

        Raises:
            Problem: it is not they, or their browser was made to ask by another page.
        """
        shown = hmac.compare_digest(self._token.encode(), token.encode("utf-8", "replace"))
        ours = is_ours(request.headers.get("origin"), request.headers.get("host"))
        if not (shown and ours and caller(request, {}).is_local):
            told = "This page is for whoever started `feedclean label`: open the address that it has told."
            raise Problem(HTTPStatus.FORBIDDEN, "not-yours", told)
