"""Labelling in a terminal, for SSH: one key for each answer, and each answer is kept before the next question.

Without a terminal (a pipe, a script) the keys are read as they come, white space aside; the end of them ends it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from ..errors import FeedcleanError
from ..learning.labelling import Session
from ..types import Label, Question
from .faults import say

__all__ = ["ask"]

_KEYS = {str(number): label for number, label in enumerate(Label, 1)}
_MOST = 1200  # characters of a block
_END = {"q", "\x03", "\x04"}
_MEANT = {*_KEYS, "s", "u", *_END}


def ask(session: Session) -> None:
    """Ask until nothing is left or somebody quits."""
    console = Console(markup=False, highlight=False, emoji=False)
    with _keys() as keys:
        while session.question is not None and session.number is not None:
            _show(console, session.question, session)
            # Other keys mean nothing, and need not show the question again.
            key = next((one for one in keys if one in _MEANT), "q")
            if key in _END:
                break
            try:
                _obey(session, session.number, key)
            except FeedcleanError as fault:
                say(f"that could not be kept: {fault}")
    console.print()


def _obey(session: Session, number: int, key: str) -> None:
    if key in _KEYS:
        session.answer(number, _KEYS[key])
    elif key == "s":
        session.skip(number)
    elif not session.undo():
        say("nothing to undo")


def _show(console: Console, question: Question, session: Session) -> None:
    progress = session.progress
    skipped = f", {progress.skipped} skipped" if progress.skipped else ""
    console.print()
    console.rule(Text(f"{progress.answered} answered{skipped}, at most {progress.left} left", "dim"))
    console.print(Text(_visible(question.title) or "(no title)", "bold"))
    console.print(Text(_visible(question.origin), "dim"))
    for text in question.before:
        console.print(Text(f"    {_short(text, console.width - 6)}", "dim"))
    console.print(Text(f"  > {_visible(question.text)[:_MOST] or _visible(question.source)[:_MOST]}", "bold cyan"))
    for text in question.after:
        console.print(Text(f"    {_short(text, console.width - 6)}", "dim"))
    unsure = ", not sure" if question.unsure else ""
    console.print(Text(f"  model: {question.guess.value} {question.probability * 100:.0f} %{unsure}", "yellow"))
    keys = "  ".join(f"{key} {label.value}" for key, label in _KEYS.items())
    console.print(Text(f"  {keys}\n  s skip  u undo  q quit", "dim"))


def _short(text: str, width: int) -> str:
    shown = _visible(text)
    return shown if len(shown) <= width else f"{shown[: max(width - 1, 1)]}…"


def _visible(text: str) -> str:
    """A text that cannot make a terminal do anything."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@contextlib.contextmanager
def _keys() -> Iterator[Iterator[str]]:
    """What is typed, a key at a time."""
    if not sys.stdin.isatty():
        yield (key for line in sys.stdin for key in line if not key.isspace())
        return
    try:
        import termios
        import tty
    except ImportError:  # not a Unix
        yield (line.strip()[:1] or " " for line in sys.stdin)
        return
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    try:
        tty.setcbreak(handle)
        yield iter(lambda: sys.stdin.read(1), "")
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)
