"""Buttons by which people say what a block is: forms without scripts, each for one block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .layout import escaped

__all__ = ["UNDO", "Forms", "buttons", "hidden", "told_label"]

UNDO = "undo"
_TOLD = {
    "editorial": "news",
    "promo": "an ad",
    "teaser": "bait",
    "boilerplate": "boilerplate",
    "disclosure": "a disclosure",
    "plain": "a plain title",
    "clickbait": "clickbait",
}


@dataclass(frozen=True, slots=True)
class Forms:
    """What all forms of a page hold."""

    feed: str  # URL of the feed
    key: str  # shows that the form is ours
    back: str  # path of the page to come back to
    token: str = ""  # of the caller, if they showed one


def told_label(label: str) -> str:
    """A label as a word for people."""
    return _TOLD.get(label, label)


def hidden(forms: Forms, others: Mapping[str, str] | None = None) -> str:
    """The fields of a form that nobody fills in."""
    fields = {"feed": forms.feed, "key": forms.key, "back": forms.back, "token": forms.token, **(others or {})}
    return "".join(
        f'<input type="hidden" name="{name}" value="{escaped(value)}">' for name, value in fields.items() if value
    )


def buttons(forms: Forms, block: Mapping[str, str], choices: Sequence[tuple[str, str]], said: str = "") -> str:
    """A form about one block.

    Args:
        forms: what all of the page hold.
        block: what names it: fields and values.
        choices: label and caption of each button.
        said: the label that a person gave this very block; it can be taken back.
    """
    if said:
        choices = [*(one for one in choices if one[0] != said), (UNDO, "Undo")]
    shown = "".join(f'<button name="label" value="{label}">{escaped(told)}</button>' for label, told in choices)
    note = f"<strong>You said: {escaped(told_label(said))}.</strong>" if said else ""
    return f'<form method="post" action="/labels">{note}{hidden(forms, block)}{shown}</form>'
