"""feedclean: an ad-and-clickbait filter for financial feeds.

    >>> from feedclean import clean, load_model
    >>> cleaned = clean("Acme's revenue rose 4 percent in the third quarter.", model=load_model())
    >>> cleaned.content
    b"Acme's revenue rose 4 percent in the third quarter."
"""

from __future__ import annotations

from .cleaning import clean
from .judging.policy import Policy
from .model_files import load_model
from .types import Action, Block, Cleaned, CleanedItem, Clue, Cut, Decision, Item, Label, TitleAction, Verdict

__all__ = [
    "Action",
    "Block",
    "Cleaned",
    "CleanedItem",
    "Clue",
    "Cut",
    "Decision",
    "Item",
    "Label",
    "Policy",
    "TitleAction",
    "Verdict",
    "clean",
    "load_model",
]
