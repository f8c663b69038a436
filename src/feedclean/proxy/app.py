"""The application: routes, who may ask for what, and the one place that decides to fail open (D7).

    /                   start page                       /healthz   it lives
    /feed?url=…         any feed, for those who may      /readyz    it can serve
    /feeds/NAME         a feed of the settings           /metrics   for those who may
    /removed/NAME       what was cut from it, and why    /removed?url=…   the same of any feed

While there is a last good copy, nothing that goes wrong reaches a reader as an error: neither upstream (the copy is
served, and says how old it is) nor in cleaning (the publisher's own bytes are served, and say why).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from ..types import Format
from .access import check_any
from .answer import CrowdedError, FailedBeforeError, Order, reason_of
from .asking import caller, suffixed, target, values, wanted_url
from .envelope import MOST_AT_ONCE, Envelope, tell
from .house import House
from .negotiation import chosen, http_date, same_as, tag
from .nouns import Body, FeedState
from .outage import no_copy, too_old
from .reply import Problem, Reply
from .shelf import Served
from .views import Views

__all__ = ["create_app"]

_HOT = 1.0  # seconds for which an answer is given again without asking what is new
_MOST_HOT = 256
_LONGEST = 86_400.0  # seconds that a reader is told to wait at most

Handler = Callable[[Request], Awaitable[Reply]]


def create_app(house: House, most_at_once: int = MOST_AT_ONCE) -> ASGIApp:
    """The application that serves from a house."""
    app, views = _App(house), Views(house)
    handlers: Mapping[str, tuple[str, Handler]] = {
        "/": ("start", views.start),
        "/feed": ("feed", app.any),
        "/feeds/{name}": ("feeds", app.named),
        "/removed": ("removed", views.removed_any),
        "/removed/{name}": ("removed", views.removed),
        "/healthz": ("healthz", views.healthz),
        "/readyz": ("readyz", views.readyz),
        "/metrics": ("metrics", views.metrics),
        "/favicon.ico": ("favicon", views.nothing),
        "/robots.txt": ("robots", views.robots),
    }
    routes = [
        Route(path, _Endpoint(name, handler, house), methods=["GET"]) for path, (name, handler) in handlers.items()
    ]
    return Envelope(Router(routes, redirect_slashes=False), house.metrics, house.log, most_at_once)


class _Endpoint:
    """A handler as an application."""

    def __init__(self, name: str, handler: Handler, house: House) -> None:
        self._name, self._handler, self._house = name, handler, house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tell(scope, route=self._name)
        request = Request(scope)
        if "cdn-loop" in request.headers and self._house.is_own_request(request.headers):
            raise Problem(HTTPStatus.LOOP_DETECTED, "loop", "This proxy was about to ask itself.")
        reply = await self._handler(request)
        await reply(scope, receive, send)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A feed that a reader asks for."""

    url: str
    name: str | None
    to: Format | None
    own: str | None  # where it is served
    private: bool  # not for caches that others use


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a reader gets, and what there is to say about its age."""

    served: Served
    checked: float  # when it was last known to be current
    next_fetch: float
    stale: str  # why it is not


class _App:
    def __init__(self, house: House) -> None:
        self._house = house
        self._hot: OrderedDict[tuple[object, ...], tuple[float, _Shown]] = OrderedDict()

    async def any(self, request: Request) -> Reply:
        """`/feed?url=…`."""
        house, given = self._house, values(request, "url", "to", "sig", "token")
        url = wanted_url(given)
        check_any(house.settings.proxy, caller(request, given), url, given.get("sig"))
        to = target(given.get("to"))
        private = "token" in given or "authorization" in request.headers or bool(house.manners(url).headers)
        return await self._feed(request, _Wanted(url, None, to, house.addresses.any(url, given.get("to")), private))

    async def named(self, request: Request) -> Reply:
        """`/feeds/NAME`, perhaps with the format behind a dot."""
        values(request)
        name, suffix = suffixed(request.path_params["name"])
        url = self._house.url_of(name)
        if url is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no-such-feed", "The settings of this proxy name no such feed.")
        own = self._house.addresses.named(name, suffix)
        private = bool(self._house.settings.feeds[name].headers)
        return await self._feed(request, _Wanted(url, name, target(suffix), own, private))

    async def _feed(self, request: Request, wanted: _Wanted) -> Reply:
        """A feed: from what was said a moment ago, or else from what is known now."""
        house = self._house
        key = (wanted.url, wanted.name, wanted.to, wanted.own, house.generation)
        now = house.clock.monotonic()
        hot = self._hot.get(key)
        if hot is None or not 0 <= now - hot[0] < _HOT:
            hot = (now, await self._shown(request.scope, wanted))
            self._hot.pop(key, None)
            self._hot[key] = hot
            while len(self._hot) > _MOST_HOT or now - next(iter(self._hot.values()))[0] >= _HOT:
                self._hot.popitem(last=False)  # the oldest first; what is over must not keep its copy in memory
        return await self._reply(request, hot[1], wanted.private)

    async def _shown(self, scope: Scope, wanted: _Wanted) -> _Shown:
        """What to serve of a feed."""
        house = self._house
        tell(scope, feed=wanted.name or wanted.url)
        state, body = await house.refresher.current(wanted.url, wait=True)
        now = house.clock.now()
        if body is None:
            raise no_copy(state, now)
        refusal = too_old(state, now, house.settings.proxy.stale_limit)
        if refusal is not None:
            raise refusal
        served = await self._served(scope, body, wanted)
        stale = str(state.last_outcome) if state.failures else ""
        return _Shown(served, state.last_success or body.fetched, _planned(state, now), stale)

    async def _served(self, scope: Scope, body: Body, wanted: _Wanted) -> Served:
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
            house.metrics.bypassed(reason)
            tell(scope, bypassed=reason)
            if not isinstance(fault, FailedBeforeError):
                house.log.warning("bypassed", feed=wanted.name or wanted.url, reason=reason, exc_info=fault)
            return house.cleaner.untouched(body, order, reason)

    async def _reply(self, request: Request, shown: _Shown, private: bool) -> Reply:
        """The copy in the form that the reader can take, or that it has it already."""
        served, asked, now = shown.served, request.headers, self._house.clock.now()
        age = max(0, int(now - shown.checked))
        left = int(min(max(shown.next_fetch - now, 0.0), _LONGEST))
        fresh = left + age if left else 0  # caches take `Age` off again (RFC 9111, 4.2)
        headers = {
            "cache-control": f"{'private, ' if private else ''}max-age={fresh}",
            "age": str(age),
            "vary": "Accept-Encoding",
            "last-modified": http_date(int(served.modified)),
            "feedclean": served.note + (f"; stale={shown.stale}" if shown.stale else ""),
        }
        known = same_as(served.etag, served.modified, asked.get("if-none-match"), asked.get("if-modified-since"))
        if known is not None:
            return Reply(HTTPStatus.NOT_MODIFIED, headers=headers | {"etag": known})
        coding, content = await served.in_coding(chosen(asked.get("accept-encoding", "")))
        headers["etag"] = tag(served.etag, coding)
        if coding:
            headers["content-encoding"] = coding
        return Reply(HTTPStatus.OK, content, served.content_type, headers)


def _planned(state: FeedState, now: float) -> float:
    """When there may be news; a moment in the past is none to wait for."""
    return max(state.next_fetch, now)
