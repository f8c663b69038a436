"""Everything but the feeds themselves: the start page, what was removed, and what watches over the proxy asks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request

from ..errors import ForbiddenError, StoreError
from ..settings import Open
from ..types import Format
from .access import is_known, may_correct
from .asking import caller, suffixed, target, values, wanted_url
from .envelope import tell
from .house import House
from .negotiation import chosen, http_date, same_as, tag
from .our_forms import forms_for
from .pages.removed import Removals, keys_of, removed_feed, removed_page
from .pages.start import TARGETS, Built, Feed, start_page
from .records import ledger_key
from .reply import Problem, Reply
from .shelf import Served
from .spelling import canonical_url

__all__ = ["Views"]

_ROWS = 100  # on a page
_PATIENCE = 3.0  # seconds for the store to say that it is well
_KEY = re.compile(r"[0-9a-f]{40}")
_CLOSED = {
    Open.OFF: "This proxy serves only the feeds that it was set up for.",
    Open.LOOPBACK: "Addresses are made only for those who sit at the machine that this proxy runs on.",
    Open.TOKEN: "Addresses are made only for those who know the token: open /?token=… with it.",
    Open.SIGNED: "Addresses are made only by whoever runs this proxy: open /?token=… with the token.",
}


class Views:
    """Handlers of requests."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def start(self, request: Request) -> Reply:
        """`/`: with an address, also the proxied one."""
        given = values(request, "url", "to", "token")
        proxy, who = self._house.settings.proxy, caller(request, given)
        known = may_correct(proxy, who)
        may = known and proxy.access is not Open.OFF
        built = self._built(given) if may and given.get("url") else Built()
        feeds = [self._listed(name) for name in self._house.settings.feeds] if known else []
        closed = _CLOSED[proxy.access]
        return start_page(feeds, built, may_build=may, closed=closed, token=given.get("token", "") if may else "")

    async def removed(self, request: Request) -> Reply:
        """`/removed/NAME`, a page; with a format behind a dot, a feed."""
        given = values(request, "before", "token")
        name, suffix = suffixed(request.path_params["name"])
        url = self._house.url_of(name)
        if url is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no-such-feed", "The settings of this proxy name no such feed.")
        title = self._house.settings.feeds[name].title or name
        query = f"?{urlencode({'token': given['token']})}" if "token" in given else ""
        page = f"/removed/{name}{query}"
        own = self._house.addresses.removed(name, f".{suffix}" if suffix else "")
        paths = (page, f"/removed/{name}.atom", f"/feeds/{name}", f"/items/{name}{query}")
        return await self._removals(request, given, url, title, target(suffix), paths, own)

    async def removed_any(self, request: Request) -> Reply:
        """`/removed?url=…`, for those who may have any feed cleaned."""
        given = values(request, "url", "to", "sig", "token", "before")
        url = wanted_url(given)
        self._house.admit(caller(request, given), url, given.get("sig"))
        shown = {key: value for key, value in given.items() if key in {"url", "sig", "token"}}
        page = f"/removed?{urlencode(shown)}"
        paths = (page, f"{page}&to=atom", f"/feed?{urlencode(shown)}", f"/items?{urlencode(shown)}")
        return await self._removals(request, given, url, url, target(given.get("to")), paths, None)

    async def healthz(self, request: Request) -> Reply:
        """The process lives and answers."""
        values(request)
        return _text("alive\n")

    async def readyz(self, request: Request) -> Reply:
        """It can do its work: the model is there, and the store."""
        values(request)
        try:
            await asyncio.wait_for(asyncio.to_thread(self._house.store.check), _PATIENCE)
        except (StoreError, TimeoutError):
            told = "The store cannot be used just now; copies are served as they come from their publishers."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "store-failed", told, retry_after=10) from None
        return _text("ready\n")

    async def metrics(self, request: Request) -> Reply:
        """For Prometheus, on this machine or with the token."""
        given = values(request, "token")
        if not is_known(self._house.settings.proxy, caller(request, given)):
            raise Problem(HTTPStatus.FORBIDDEN, "not-local", "Metrics are for this machine, or for the token.")
        body = self._house.metrics.text()
        return Reply(HTTPStatus.OK, body, self._house.metrics.content_type, {"cache-control": "no-store"})

    async def nothing(self, request: Request) -> Reply:
        """There is no icon, and browsers need not ask again."""
        values(request)
        return Reply(HTTPStatus.NO_CONTENT, headers={"cache-control": "max-age=604800"})

    async def robots(self, request: Request) -> Reply:
        """Nothing here is for search engines."""
        values(request)
        return _text("User-agent: *\nDisallow: /\n")

    def _listed(self, name: str) -> Feed:
        title = self._house.settings.feeds[name].title or name
        return Feed(name, title, f"/feeds/{name}", f"/removed/{name}")

    def _built(self, given: dict[str, str]) -> Built:
        """What comes of an address that was typed in."""
        typed, to = given["url"].strip(), given.get("to", "")
        if to not in TARGETS:
            raise Problem(HTTPStatus.BAD_REQUEST, "no-such-format", "A feed can be had as rss, atom or json.")
        try:
            url = canonical_url(typed if "://" in typed else f"https://{typed}")
        except ForbiddenError as fault:
            return Built(given=typed, to=to, fault=fault.what)
        addresses = self._house.addresses
        known = next((name for name, one in self._house.urls.items() if one == url), None)
        if known:
            path = f"/feeds/{known}{f'.{to}' if to else ''}"
            return Built(typed, to, addresses.named(known, to or None) or path, path, f"/removed/{known}")
        token = given.get("token") if self._house.settings.proxy.access is Open.TOKEN else None
        path = addresses.any_path(url, to or None, token=token)
        removed = "/removed" + addresses.any_path(url, token=token).removeprefix("/feed")
        return Built(typed, to, f"{addresses.base or ''}{path}", path, removed)

    async def _removals(
        self,
        request: Request,
        given: Mapping[str, str],
        url: str,
        title: str,
        to: Format | None,
        paths: tuple[str, str, str, str],
        own: str | None,
    ) -> Reply:
        """What was removed from the feed at `url`; `paths`: this page, its feed, the cleaned feed, corrections."""
        tell(request.scope, feed=url)
        before = given.get("before")
        corrects = to is None and may_correct(self._house.settings.proxy, caller(request, given))
        if before is not None and not _KEY.fullmatch(before):
            raise Problem(HTTPStatus.BAD_REQUEST, "no-such-page", "There is no such page.")
        try:
            rows = await asyncio.to_thread(self._house.store.ledger, url, _ROWS + 1, before)
            said = await asyncio.to_thread(self._house.store.labels, keys_of(rows)) if corrects else {}
        except StoreError:
            told = "What was removed cannot be read just now."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "store-failed", told, retry_after=10) from None
        page, itself, feed, items = paths
        join = "&" if "?" in page else "?"
        older = f"{page}{join}before={ledger_key(rows[_ROWS - 1])}" if len(rows) > _ROWS else ""
        found = Removals(title, rows[:_ROWS], feed, itself, older)
        if corrects:
            forms, state = forms_for(self._house, url, page, given), await self._house.refresher.state(url)
            found = replace(found, forms=forms, items=items, said=said, state=state)
        if to is None:
            return await asyncio.to_thread(removed_page, found)
        content, kind = await asyncio.to_thread(removed_feed, found, to, own)
        modified = max((row.first_seen for row in rows), default=0.0)
        digest = blake2b(content, digest_size=16).hexdigest()
        return await _conditional(request, Served(content, kind, digest, "", modified))


async def _conditional(request: Request, served: Served) -> Reply:
    asked = request.headers
    headers = {
        "cache-control": "private, max-age=300",
        "vary": "Accept-Encoding",
        "last-modified": http_date(int(served.modified)),
    }
    known = same_as(served.etag, served.modified, asked.get("if-none-match"), None)
    if known is not None:
        return Reply(HTTPStatus.NOT_MODIFIED, headers=headers | {"etag": known})
    coding, content = await served.in_coding(chosen(asked.get("accept-encoding", "")))
    headers["etag"] = tag(served.etag, coding)
    if coding:
        headers["content-encoding"] = coding
    return Reply(HTTPStatus.OK, content, served.content_type, headers)


def _text(text: str) -> Reply:
    return Reply(HTTPStatus.OK, text.encode(), "text/plain; charset=utf-8", {"cache-control": "no-store"})
