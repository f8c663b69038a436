"""What people say of blocks, taken down and heeded at once: the pages that ask, and the one route that changes.

    /items/NAME, /items?url=…   the last items, block by block, with buttons
    POST /labels                form ──> caller known? form ours? ──> block ──> Store.label ──> all copies made anew

The form names a block; what the block holds is read here, from the ledger or the feed, so that nobody can put words
into the store. Who may send one: `our_forms.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request

from ..errors import FeedcleanError, StoreError
from ..types import CleanedItem, Label, TitleLabel
from .access import may_correct
from .answer import Order
from .asking import caller, values, wanted_url
from .block_keys import block_key, title_key
from .envelope import tell
from .house import House
from .nouns import LabelRow
from .our_forms import forms_for, our_form
from .outage import no_copy
from .pages.forms import UNDO
from .pages.items import MOST_ITEMS, Shown, items_page, keys_of
from .reply import Problem, Reply

__all__ = ["Correcting"]

_FIELDS = frozenset(("removal", "item", "block", "title", "label"))
_LABELS = frozenset(label.value for label in (*Label, *TitleLabel)) | {UNDO}


class Correcting:
    """Handlers of requests."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def items(self, request: Request) -> Reply:
        """`/items/NAME`."""
        given = values(request, "token")
        name = request.path_params["name"]
        url = self._house.url_of(name)
        if url is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no-such-feed", "The settings of this proxy name no such feed.")
        query = f"?{urlencode(given)}" if given else ""
        paths = (f"/items/{name}{query}", f"/feeds/{name}", f"/removed/{name}{query}")
        return await self._items(request, given, url, name, self._house.settings.feeds[name].title or name, paths)

    async def items_any(self, request: Request) -> Reply:
        """`/items?url=…`, for those who may have any feed cleaned."""
        given = values(request, "url", "sig", "token")
        url = wanted_url(given)
        self._house.admit(caller(request, given), url, given.get("sig"))
        query = urlencode(given)
        paths = (f"/items?{query}", f"/feed?{query}", f"/removed?{query}")
        return await self._items(request, given, url, None, url, paths)

    async def label(self, request: Request) -> Reply:
        """`POST /labels`."""
        given = await our_form(self._house, request, _FIELDS)
        feed, back = given["feed"], given["back"]
        tell(request.scope, feed=feed)
        label = given.get("label", "")
        if label not in _LABELS:
            raise Problem(HTTPStatus.BAD_REQUEST, "no-such-label", "There is no such label.")
        row, anchor = await self._row(feed, given)
        if label != UNDO and (label in tuple(TitleLabel)) is not (row.block == title_key(row.text)):
            raise Problem(HTTPStatus.BAD_REQUEST, "no-such-label", "That label is for something else.")
        try:
            if label == UNDO:
                await asyncio.to_thread(self._house.store.unlabel, row.block)
            else:
                said = LabelRow(
                    row.block, label, row.text, row.source, feed, self._house.clock.now(),
                    row.item, row.title, row.language,
                )  # fmt: skip
                await asyncio.to_thread(self._house.store.label, said)
            await self._house.heed_labels()
        except StoreError:
            told = "That could not be written down just now; nothing has changed."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "store-failed", told, retry_after=10) from None
        self._house.metrics.event("labelled")
        return Reply(HTTPStatus.SEE_OTHER, headers={"location": f"{back}#{anchor}", "cache-control": "no-store"})

    async def _items(
        self, request: Request, given: Mapping[str, str], url: str, name: str | None, title: str,
        paths: tuple[str, str, str],
    ) -> Reply:  # fmt: skip
        tell(request.scope, feed=name or url)
        house = self._house
        if not may_correct(house.settings.proxy, caller(request, given)):
            raise Problem(HTTPStatus.FORBIDDEN, "not-yours", "Corrections are for this machine, or for the token.")
        items = await self._looked(url, name)
        try:
            said = await asyncio.to_thread(house.store.labels, keys_of(items))
        except StoreError:
            told = "What was said of it cannot be read just now."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "store-failed", told, retry_after=10) from None
        itself, feed, removed = paths
        state = await house.refresher.state(url)
        shown = Shown(title, items, said, forms_for(house, url, itself, given), feed, removed, state)
        return await asyncio.to_thread(items_page, shown)

    async def _looked(self, url: str, name: str | None) -> tuple[CleanedItem, ...]:
        """The last items of a feed."""
        house = self._house
        state, body = await house.refresher.current(url, wait=True)
        if body is None:
            raise no_copy(state, house.clock.now())
        try:
            cleaned = await house.cleaner.looked(body, Order(url, house.policies[name]))
        except FeedcleanError as fault:
            told = f"This feed cannot be taken apart: {fault.what}."
            raise Problem(HTTPStatus.BAD_GATEWAY, "not-cleaned", told) from None
        except TimeoutError:
            told = "Taking this feed apart takes longer than you should wait."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", told, retry_after=10) from None
        return cleaned.items[:MOST_ITEMS]

    async def _row(self, feed: str, given: Mapping[str, str]) -> tuple[LabelRow, str]:
        """The block that a form names, as it is to be labelled, and where it is on the page."""
        gone = Problem(HTTPStatus.NOT_FOUND, "no-such-block", "There is no such block any more: load the page again.")
        if "removal" in given:
            try:
                found = await asyncio.to_thread(self._house.store.removal, given["removal"])
            except StoreError:
                told = "What was removed cannot be read just now."
                raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "store-failed", told, retry_after=10) from None
            if found is None or found.feed != feed:
                raise gone
            if found.label in tuple(TitleLabel):
                return LabelRow(title_key(found.text), "", found.text, "", feed, 0.0, found.item), given["removal"]
            key = block_key(found.text, found.source)
            return LabelRow(key, "", found.text, found.source, feed, 0.0, found.item), given["removal"]
        name = next((name for name, url in self._house.urls.items() if url == feed), None)
        for item in await self._looked(feed, name):
            if item.item.key == given.get("item"):
                row = _in_item(item, feed, given)
                if row is not None:
                    return row, row.block
        raise gone


def _in_item(item: CleanedItem, feed: str, given: Mapping[str, str]) -> LabelRow | None:
    title = item.title.block.text if item.title else ""
    about = (item.item.key, title, item.item.language or "")
    if "title" in given:
        key = title_key(title)
        return LabelRow(key, "", title, "", feed, 0.0, *about) if key == given["title"] else None
    for body in item.bodies:
        for one in body:
            key = block_key(one.block.text, one.block.source)
            if key == given.get("block") and one.decision.verdict is not None:
                return LabelRow(key, "", one.block.text, one.block.source, feed, 0.0, *about)
    return None
