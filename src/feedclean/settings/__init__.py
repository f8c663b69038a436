"""Settings of the proxy: defaults < file (TOML) < environment (`FEEDCLEAN_…`) < flags, as frozen values.

    feedclean.toml         [proxy] port = 8420
    environment            FEEDCLEAN_PROXY_PORT=8420      FEEDCLEAN_FEEDS_ACME_URL=https://…
    flags                  --port 8420

Whatever is not known is refused by its name, with the nearest known one; whatever cannot be is refused by where it
stands. A secret can stand in a file of its own (`token_file`, `secret_file`, and `url_file` of the store).
"""

from __future__ import annotations

from .shape import FeedSettings, LogLevel, Open, ProxySettings, Rules, Settings, StoreSettings, TitleRule
from .shown import render, schema
from .sources import load

__all__ = [
    "FeedSettings",
    "LogLevel",
    "Open",
    "ProxySettings",
    "Rules",
    "Settings",
    "StoreSettings",
    "TitleRule",
    "load",
    "render",
    "schema",
]
