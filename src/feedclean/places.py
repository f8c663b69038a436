"""Where feedclean keeps what it is not told another place for."""

from __future__ import annotations

from pathlib import Path

import platformdirs

__all__ = ["default_store"]


def default_store() -> Path:
    """The store of a proxy that is told nothing else: a file in the platform's data folder."""
    return Path(platformdirs.user_data_dir("feedclean", appauthor=False)) / "store.db"
