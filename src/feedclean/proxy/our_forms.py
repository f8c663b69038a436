"""Forms that change something: who may send them, and how they show that they are ours.

Only those on this machine may, by the address of the socket, or who shows the token; and only with a form that we made,
so that no other page can have their browser do it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Mapping
from http import HTTPStatus

from starlette.requests import Request

from .access import form_key, is_ours, may_correct
from .asking import caller, form
from .house import House
from .pages.forms import Forms
from .reply import Problem

__all__ = ["forms_for", "our_form"]

_MUST = ("feed", "key", "back")
_BACK = re.compile(r"/(?:removed|items)[/?][!-~]*")


def forms_for(house: House, url: str, back: str, given: Mapping[str, str]) -> Forms:
    """What the forms of a page about a feed hold."""
    return Forms(url, form_key(house.form_secret, url), back, given.get("token", ""))


async def our_form(house: House, request: Request, fields: Collection[str] = ()) -> dict[str, str]:
    """The fields of a form about a feed: `feed`, `key`, `back`, perhaps `token`, and those of `fields` that it has.

    Raises:
        Problem: its sender may not change anything, or it is no form of ours.
    """
    given = await form(request, {*_MUST, "token", *fields}, must=_MUST)
    if not may_correct(house.settings.proxy, caller(request, given)):
        raise Problem(HTTPStatus.FORBIDDEN, "not-yours", "Corrections are for this machine, or for the token.")
    base = house.addresses.base or ""
    ours = is_ours(request.headers.get("origin"), request.headers.get("host"), base.partition("://")[2])
    wanted = form_key(house.form_secret, given["feed"])
    if not ours or not hmac.compare_digest(wanted.encode(), given["key"].encode("utf-8", "replace")):
        told = "This form is not of this proxy, or older than its last start: load the page again."
        raise Problem(HTTPStatus.FORBIDDEN, "not-our-form", told)
    if not _BACK.fullmatch(given["back"]):
        raise Problem(HTTPStatus.BAD_REQUEST, "no-such-page", "There is no such page to come back to.")
    return given
