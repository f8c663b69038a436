"""feedclean: an ad-and-clickbait filter for financial feeds.

>>> from feedclean import clean, load_model
>>> cleaned = clean("Acme's revenue rose 4 percent in the third quarter.", model=load_model())
>>> cleaned.content
b"Acme's revenue rose 4 percent in the third quarter."
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import FeedcleanError
from .types import Action, Block, Cleaned, CleanedItem, Clue, Cut, Decision, Item, Label, TitleAction, Verdict

if TYPE_CHECKING:
    from .cleaning import clean
    from .judging.policy import Policy
    from .model_files import load_model

__all__ = [
    "Action",
    "Block",
    "Cleaned",
    "CleanedItem",
    "Clue",
    "Cut",
    "Decision",
    "FeedcleanError",
    "Item",
    "Label",
    "Policy",
    "TitleAction",
    "Verdict",
    "clean",
    "load_model",
]

# Imported when they are first asked for: whoever only wants `feedclean --help` does not wait for numpy and lxml.
_LATER = {"clean": ".cleaning", "Policy": ".judging.policy", "load_model": ".model_files"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_LATER[name], __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
