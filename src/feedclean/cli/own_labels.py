"""What people said, for `feedclean clean`: from the store of their own proxy, or from a file that they name.

--labels FILE    a store, or labelled documents as JSON lines      unreadable: the end; a bad line is told
(nothing)        the store that `feedclean serve` would use         a fault is told, and the model decides alone
--no-labels      nobody is asked
"""

from __future__ import annotations

import os
from pathlib import Path

from ..bulk import printable, unreadable
from ..errors import FeedcleanError
from ..types import Correction
from .faults import say

__all__ = ["own_corrections"]


def own_corrections(given: Path | None) -> tuple[Correction, ...]:
    """What people said, in the order they said it.

    Args:
        given: the file to read; `None` is the own store, if there is one.

    Raises:
        FeedcleanError: the file that was given cannot be read.
    """
    if given is not None:
        return _read(given)
    try:
        store = _own_store()
        return _read(store) if store is not None and store.is_file() else ()
    except FeedcleanError as fault:
        say(f"{fault}; the model decides alone")
        return ()


def _read(path: Path) -> tuple[Correction, ...]:
    from ..proxy.label_reader import corrections_in, is_store

    name = printable(str(path))
    try:
        if is_store(path):
            return corrections_in(path)
    except OSError as fault:
        raise unreadable(fault, name) from fault
    from ..learning.documents import corrections_of

    return corrections_of(path, say)


def _own_store() -> Path | None:
    """The SQLite file that the own proxy uses, if it uses one."""
    if any(name.startswith(("FEEDCLEAN_CONFIG", "FEEDCLEAN_STORE_")) for name in os.environ):
        from ..settings import load

        url = load(None, os.environ).store.url
        return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
    from ..places import default_store

    return default_store()
