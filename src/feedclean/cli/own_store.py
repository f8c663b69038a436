"""The store of one's own proxy, for commands that read or write labels."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .faults import say

if TYPE_CHECKING:
    from ..proxy.store import Store

__all__ = ["open_store"]


@contextmanager
def open_store(config: Path | None) -> Iterator[Store]:
    """The store that the settings name; made if it is not there.

    Raises:
        SettingsError: the settings make no sense.
        StoreError: it cannot be used.
    """
    from ..proxy.store import Store
    from ..settings import load

    with closing(Store(load(config, os.environ).store.url, clock=time.time, tell=say)) as store:
        yield store
