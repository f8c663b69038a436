"""One page or feed, asked for once: the guarded way out for those who run no proxy."""

from __future__ import annotations

from ..formats.limits import Limits
from ..settings.shape import ProxySettings
from .guard import Guard
from .nouns import Answer, Validators
from .upstream import Upstream, user_agent

__all__ = ["fetch_once"]

_CONTACT = "command line, no contact given"
_ACCEPT = (
    "text/html, application/xhtml+xml, application/atom+xml, application/rss+xml, application/feed+json, */*;q=0.5"
)


async def fetch_once(url: str, proxy: ProxySettings) -> Answer:
    """Ask for what is published at an address. Never raises, whatever the publisher does.

    Args:
        url: http or https.
        proxy: which networks of one's own may be reached, how long it may take, how much may come.

    Raises:
        SettingsError: they cannot be used.
    """
    upstream = Upstream(
        Guard(proxy.allow_networks),
        user_agent=user_agent(proxy.user_agent_contact or _CONTACT),
        max_body=min(proxy.max_body, Limits().bytes),
        deadline=proxy.deadline,
    )
    async with upstream:
        return await upstream.fetch(url, Validators(), {"Accept": _ACCEPT})
