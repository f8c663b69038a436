"""The labels of a SQLite store, for a command that must not wait until SQLAlchemy is loaded (a quarter of a second).

Nothing is written, and a store that a proxy uses at the same time is not in its way.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ..errors import StoreError
from ..types import Correction, Label, TitleLabel
from .escapes import unescape

__all__ = ["corrections_in", "is_store"]

_MAGIC = b"SQLite format 3\0"
_QUERY = "SELECT label, text, source FROM labels ORDER BY given, block"
_PATIENCE = 2.0  # seconds
_LABELS: dict[str, Label | TitleLabel] = {label.value: label for label in (*Label, *TitleLabel)}


def is_store(path: Path) -> bool:
    """Whether a file is a SQLite database.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def corrections_in(path: Path) -> tuple[Correction, ...]:
    """What people said, in the order they said it.

    Raises:
        StoreError: it cannot be read.
    """
    rows: list[tuple[str, str, str]] = []
    # Without the right to write beside the file, its log cannot be opened; what is in the file itself can be read.
    for way in ("mode=ro", "immutable=1"):
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{way}", uri=True, timeout=_PATIENCE)) as store:
                rows = store.execute(_QUERY).fetchall()
            break
        except sqlite3.Error as error:
            if way == "mode=ro" and "unable to open" in str(error):
                continue
            raise StoreError(f"its labels cannot be read: {error}", where=str(path)) from error
    return tuple(
        Correction(_LABELS[label], unescape(text), unescape(source)) for label, text, source in rows if label in _LABELS
    )
