"""The application: routes, who may ask for what, and the one place that decides to fail open (D7).

    /                   start page                       /healthz   it lives
    /feed?url=…         any feed, for those who may      /readyz    it can serve
    /feeds/NAME         a feed of the settings           /metrics   for those who may
    /removed/NAME       what was cut from it, and why    /removed?url=…   the same of any feed
    /items/NAME         its last items, to be corrected  /items?url=…     the same of any feed
    /labels             takes what people say of a block
    /resume             has a feed that is gone asked for again; these two are the only routes that are sent anything

While there is a last good copy, nothing that goes wrong reaches a reader as an error: neither upstream (the copy is
served, and says how old it is) nor in cleaning (the publisher's own bytes are served, and say why).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import StoreError
from .answer import CrowdedError, FailedBeforeError, Order, reason_of
from .asking import caller, suffixed, target, values, wanted_url
from .correcting import Correcting
from .envelope import MOST_AT_ONCE, Envelope, Limit, tell
from .hot import Few, Ready, Wanted, Wording, wording
from .house import House
from .making import feed_kind
from .negotiation import http_date
from .nouns import Body, FeedState, Outcome
from .outage import no_copy, too_old
from .reply import Problem
from .resuming import Resuming
from .shelf import Served
from .views import Views

__all__ = ["create_app"]

_HOT = 1.0  # seconds for which an answer is given again without asking what is new
_MOST_HOT = 256  # answers
_MOST_WORDINGS = 4096  # requests of which is known what they ask for
_NO_FEED = 600.0  # seconds until what is no feed is looked at again
_LONGEST = 86_400.0  # seconds that a reader is told to wait at most

Handler = Callable[[Request], Awaitable[ASGIApp]]


def create_app(house: House, most_at_once: int = MOST_AT_ONCE) -> ASGIApp:
    """The application that serves from a house."""
    app, views, correcting = _App(house), Views(house), Correcting(house)
    handlers: Mapping[str, tuple[str, Handler]] = {
        "/": ("start", views.start),
        "/feed": ("feed", app.any),
        "/feeds/{name}": ("feeds", app.named),
        "/removed": ("removed", views.removed_any),
        "/removed/{name}": ("removed", views.removed),
        "/items": ("items", correcting.items_any),
        "/items/{name}": ("items", correcting.items),
        "/healthz": ("healthz", views.healthz),
        "/readyz": ("readyz", views.readyz),
        "/metrics": ("metrics", views.metrics),
        "/favicon.ico": ("favicon", views.nothing),
        "/robots.txt": ("robots", views.robots),
    }
    routes = [
        Route(path, _Endpoint(name, handler, house), methods=["GET"]) for path, (name, handler) in handlers.items()
    ]
    posts: Mapping[str, Handler] = {"labels": correcting.label, "resume": Resuming(house).resume}
    routes += [Route(f"/{name}", _Endpoint(name, handler, house), methods=["POST"]) for name, handler in posts.items()]
    router = Router(routes, redirect_slashes=False)
    return Envelope(_Door(app, router, most_at_once), house.metrics, house.log, house.seldom)


class _Door:
    """Lets requests in: those that were asked a moment ago are answered here, and too many of the others refused.

    Who asked for something before, and got it, is never refused: there is a copy, and that costs next to nothing.
    """

    def __init__(self, app: _App, inner: ASGIApp, most_at_once: int) -> None:
        self._app, self._inner, self._limited = app, inner, Limit(inner, most_at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/feed"):
            await self._limited(scope, receive, send)
            return
        asked = wording(scope)
        wanted = self._app.wanted(scope, asked)
        ready = self._app.ready(scope, wanted) if wanted else None
        if ready is not None:
            await ready.send(scope, send, asked.form)
        else:
            await (self._inner if wanted else self._limited)(scope, receive, send)


class _Endpoint:
    """A handler as an application."""

    def __init__(self, name: str, handler: Handler, house: House) -> None:
        self._name, self._handler, self._house = name, handler, house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tell(scope, route=self._name)
        request = Request(scope, receive)
        if "cdn-loop" in request.headers and self._house.is_own_request(request.headers):
            raise Problem(HTTPStatus.LOOP_DETECTED, "loop", "This proxy was about to ask itself.")
        reply = await self._handler(request)
        await reply(scope, receive, send)


class _App:
    def __init__(self, house: House) -> None:
        self._house = house
        self._wanted: Few[object, Wanted] = Few(_MOST_WORDINGS)  # by wording
        self._hot: Few[Wanted, Ready] = Few(_MOST_HOT, _HOT)
        self._coming: dict[tuple[Wanted, int], asyncio.Task[Ready]] = {}
        self._generation = house.generation

    def wanted(self, scope: Scope, asked: Wording) -> Wanted | None:
        """What a request asks for, if somebody asked for it before in the same words, and got it."""
        house = self._house
        if self._generation != house.generation:  # other settings: others may have other things
            self._wanted.clear()
            self._hot.clear()
            self._generation = house.generation
        if scope["method"] not in {"GET", "HEAD"}:
            return None
        return self._wanted.get(asked.key, house.clock.monotonic())

    def ready(self, scope: Scope, wanted: Wanted) -> Ready | None:
        """The answer to a request, if it was given a moment ago."""
        ready = self._hot.get(wanted, self._house.clock.monotonic())
        if ready is not None:
            tell(scope, route="feeds" if wanted.name else "feed", feed=wanted.name or wanted.url)
        return ready

    async def any(self, request: Request) -> ASGIApp:
        """`/feed?url=…`."""
        house, given = self._house, values(request, "url", "to", "sig", "token")
        url = wanted_url(given)
        house.admit(caller(request, given), url, given.get("sig"))
        to = target(given.get("to"))
        private = "token" in given or "authorization" in request.headers or bool(house.manners(url).headers)
        return await self._feed(request, Wanted(url, None, to, house.addresses.any(url, given.get("to")), private))

    async def named(self, request: Request) -> ASGIApp:
        """`/feeds/NAME`, perhaps with the format behind a dot."""
        values(request)
        name, suffix = suffixed(request.path_params["name"])
        url = self._house.url_of(name)
        if url is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no-such-feed", "The settings of this proxy name no such feed.")
        own = self._house.addresses.named(name, suffix)
        private = bool(self._house.settings.feeds[name].headers)
        return await self._feed(request, Wanted(url, name, target(suffix), own, private))

    async def _feed(self, request: Request, wanted: Wanted) -> ASGIApp:
        """A feed: from what was said a moment ago, or else from what is known now."""
        house, asked = self._house, wording(request.scope)
        tell(request.scope, feed=wanted.name or wanted.url)
        generation = house.generation
        ready = self._hot.get(wanted, house.clock.monotonic()) or await self._once(wanted)
        if ready.bypassed:
            tell(request.scope, bypassed=ready.bypassed)
        if asked.key is not None and generation == house.generation:
            self._wanted.keep(asked.key, wanted, house.clock.monotonic())

        async def reply(scope: Scope, _receive: Receive, send: Send) -> None:
            await ready.send(scope, send, asked.form)

        return reply

    async def _once(self, wanted: Wanted) -> Ready:
        """A new answer, one for all who ask for it at once; a reader that goes away ends it for nobody else.

        Raises:
            Problem: there is nothing to serve.
        """
        house = self._house
        key = (wanted, house.generation)
        task = self._coming.get(key)
        if task is None:
            task = self._coming[key] = asyncio.create_task(self._anew(wanted))
            task.add_done_callback(lambda done: (self._coming.pop(key), done.cancelled() or done.exception()))
        await asyncio.wait([task])
        return task.result()

    async def _anew(self, wanted: Wanted) -> Ready:
        generation, began = self._house.generation, self._house.clock.monotonic()
        ready = await self._ready(wanted)
        if generation == self._house.generation:
            self._hot.keep(wanted, ready, began)
        return ready

    async def _ready(self, wanted: Wanted) -> Ready:
        """What to serve of a feed, and what there is to say about its age."""
        house = self._house
        state, body = await house.refresher.current(wanted.url, wait=True, more=not house.cleaner.crowded)
        now = house.clock.now()
        if body is None:
            raise no_copy(state, now)
        refusal = too_old(state, now, house.settings.proxy.stale_limit)
        if refusal is not None:
            raise refusal
        served = await self._served(body, wanted)
        return Ready(served, _headers(served, state, body, house.clock.now(), wanted.private))

    async def _served(self, body: Body, wanted: Wanted) -> Served:
        """The cleaned copy, or, if anything at all goes wrong with that, the publisher's own bytes (D7)."""
        house = self._house
        policy = house.policies[wanted.name]
        order = Order(wanted.url, policy, house.drops(wanted.name), wanted.to, wanted.own)
        try:
            return await house.cleaner.cleaned(body, order)
        except CrowdedError:
            # Not bypassed: items would change back a moment later, and readers show that as news.
            told = "Too many feeds are waiting to be cleaned."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", told, retry_after=10) from None
        except Exception as fault:  # whatever it is, the news goes on
            reason = reason_of(fault)
            if reason in {"format", "limit"} and feed_kind(body.content) is None:
                told = "What is at this address is no feed."  # and what it is nobody learns here
                raise Problem(HTTPStatus.BAD_GATEWAY, "no-feed", told, retry_after=_NO_FEED) from None
            house.metrics.bypassed(reason)
            if isinstance(fault, StoreError):  # the same for all feeds, as long as it lasts
                house.seldom.warning("bypassed", "bypassed", feed=wanted.name or wanted.url, reason=reason)
            elif not isinstance(fault, FailedBeforeError):
                house.log.warning("bypassed", feed=wanted.name or wanted.url, reason=reason, exc_info=fault)
            return house.cleaner.untouched(body, order, reason)


def _headers(served: Served, state: FeedState, body: Body, now: float, private: bool) -> dict[str, str]:
    """What there is to say about a copy in whatever form."""
    age = max(0, int(now - (state.last_success or body.fetched)))  # since it was last known to be current
    left = int(min(max(state.next_fetch - now, 0.0), _LONGEST))
    fresh = left + age if left else 0  # caches take `Age` off again (RFC 9111, 4.2)
    return {
        "cache-control": f"{'private, ' if private else ''}max-age={fresh}",
        "age": str(age),
        "vary": "Accept-Encoding",
        "last-modified": http_date(int(served.modified)),
        "feedclean": served.note
        + (f"; stale={state.last_outcome}" if _is_stale(state) else "")
        + ("; stopped" if state.stopped else ""),
    }


def _is_stale(state: FeedState) -> bool:
    """Whether the publisher could not say that a copy is current, or was not asked because its host wants a pause."""
    return state.last_outcome not in {None, Outcome.FRESH, Outcome.UNCHANGED}
