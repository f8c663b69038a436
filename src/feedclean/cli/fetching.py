"""Pages of the web as sources: fetched by the proxy's guarded client, and by no other."""

from __future__ import annotations

import asyncio
import os

from ..bulk import Source, printable
from ..bulk.containers.places import of_url
from ..errors import FeedcleanError, ForbiddenError, SourceError
from ..formats.encodings import sent_charset

__all__ = ["fetch"]


def fetch(url: str) -> Source:
    """What is published at an address, or a source with a fault.

    Settings hold as for the proxy (`FEEDCLEAN_CONFIG`, `FEEDCLEAN_PROXY_…`): `allow_networks`, `deadline`, `max_body`,
    `user_agent_contact`.

    Raises:
        SettingsError: they cannot be used.
    """
    from ..proxy.nouns import Outcome
    from ..proxy.once import fetch_once
    from ..settings import load

    name = printable(url)
    answer = asyncio.run(fetch_once(url, load(None, os.environ).proxy))
    if answer.outcome is Outcome.FRESH and answer.body is not None:
        place = of_url(url)
        charset = sent_charset(answer.headers.get("content-type", ""))
        return Source(name, None, place, data=answer.body, url=answer.url, charset=charset, key=url)
    told: FeedcleanError
    if answer.outcome is Outcome.FORBIDDEN:
        hint = "only public addresses are fetched; allow_networks in the settings opens networks of your own"
        told = ForbiddenError(answer.reason or "an address that is not public", where=name, hint=hint)
    else:
        told = SourceError(f"cannot be fetched: {answer.reason}", where=name)
    return Source(name, None, fault=told, key=url)
