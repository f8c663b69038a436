"""Where feedclean keeps what it is not told another place for."""

from __future__ import annotations

from pathlib import Path

import platformdirs

__all__ = ["cache_folder", "data_folder", "default_store"]


def data_folder() -> Path | None:
    """The platform's folder for what a user keeps; `None` for a user without a home, as some have in a container."""
    try:
        return Path(platformdirs.user_data_dir("feedclean", appauthor=False))
    except RuntimeError:
        return None


def cache_folder() -> Path | None:
    """The platform's folder for what can be had again; `None` for a user without a home."""
    try:
        return Path(platformdirs.user_cache_dir("feedclean", appauthor=False))
    except RuntimeError:
        return None


def default_store() -> Path | None:
    """The store of a proxy that is told nothing else: a file in that folder."""
    folder = data_folder()
    return folder / "store.db" if folder else None
