"""How a feed stands with its publisher, for those who may change that: a sentence, and a button to ask again."""

from __future__ import annotations

from datetime import UTC, datetime

from ..nouns import FeedState, Outcome
from .forms import Forms, hidden
from .layout import escaped

__all__ = ["standing"]


def standing(state: FeedState, forms: Forms) -> str:
    """What there is to say of a feed that cannot be had from its publisher just now; nothing of one that can."""
    if state.last_outcome in {None, Outcome.FRESH, Outcome.UNCHANGED}:
        return ""
    why = escaped(state.last_reason or str(state.last_outcome))
    if state.stopped:
        told = f"Its publisher says that this feed is gone ({why}). It is not asked for any more."
    elif state.failures:
        often = "" if state.failures == 1 else f", {state.failures} times in a row"
        told = f"Its publisher cannot give it ({why}{often}). It is asked for again {_moment(state.next_fetch)}."
    else:
        return '<p class="note" id="standing">It is being asked for again: load this page in a moment.</p>'
    return (
        f'<form method="post" action="/resume" id="standing"><strong>{told}</strong>{hidden(forms)}'
        "<button>Ask again now</button></form>"
    )


def _moment(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):after %Y-%m-%d %H:%M UTC}"
    except (ValueError, OverflowError, OSError):  # a clock beyond all calendars
        return "later"
