"""What was done to a document, to be read in a terminal: `--diff`, `--explain`, or both as one view.

    --diff             what is gone, with a little of what stands around it
    --explain          every block: label, probability, the words that decided, action, guard
    --diff --explain   the document as it reads, what is gone struck out, and why

In a terminal it is coloured and fitted to the width; in a pipe it is plain, complete, and one block a line. What
was done is told by a sign before each line (`-` cut, `~` collapsed, `!` marked), never by colour alone.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..bulk import Outcome
from ..types import Action, CleanedItem, Clue, Decision, Judged, Kind, Label, TitleLabel
from .ledger import counted, summary

__all__ = ["View"]

_SIGN = {Action.KEEP: " ", Action.CUT: "-", Action.COLLAPSE: "~", Action.MARK: "!"}
_STYLE = {Action.KEEP: "dim", Action.CUT: "red", Action.COLLAPSE: "yellow", Action.MARK: "magenta"}
_PIPE_WIDTH = 1_000_000  # nothing is wrapped or shortened in a pipe
_CLUES = 4
_AROUND = 1  # blocks shown before and after what is gone


@dataclass(frozen=True, slots=True)
class View:
    """How outcomes are shown on standard output.

    Args:
        diff: show what is gone.
        explain: say why.
    """

    diff: bool
    explain: bool

    def page(self, outcome: Outcome) -> bytes:
        """One document, in the encoding of standard output."""
        terminal = sys.stdout is not None and sys.stdout.isatty()
        console = Console(
            file=StringIO(),
            force_terminal=True if terminal else None,
            width=None if terminal else _PIPE_WIDTH,
            markup=False,
            highlight=False,
            emoji=False,
        )
        painter = _Painter(console, shorten=console.is_terminal)
        painter.head(outcome)
        for number, item in enumerate(outcome.cleaned.items if outcome.cleaned else (), 1):
            painter.title(item, number, of=len(outcome.cleaned.items) if outcome.cleaned else 0)
            for name, blocks in _bodies(item):
                if name:
                    painter.line(Text(f"  in {name}:", "dim italic"))
                if self.diff and self.explain:
                    painter.reading(blocks)
                elif self.diff:
                    painter.difference(blocks)
                else:
                    painter.table(blocks)
        painter.foot(outcome)
        written = console.file.getvalue() if isinstance(console.file, StringIO) else ""
        return written.encode((sys.stdout.encoding if sys.stdout is not None else None) or "utf-8", "replace")


def _bodies(item: CleanedItem) -> Iterator[tuple[str, list[tuple[int, Judged]]]]:
    """The fields of an item that show anything; each named if there are several."""
    shown = [
        (field.name, [(place, one) for place, one in enumerate(blocks) if one.block.kind is not Kind.GLUE])
        for field, blocks in zip(item.item.bodies, item.bodies, strict=True)
    ]
    shown = [(name, blocks) for name, blocks in shown if blocks]
    for name, blocks in shown:
        yield name if len(shown) > 1 else "", blocks


class _Painter:
    def __init__(self, console: Console, *, shorten: bool) -> None:
        self._console = console
        self._shorten = shorten

    def line(self, text: Text) -> None:
        if self._shorten:
            text.truncate(self._console.width, overflow="ellipsis")
        self._console.print(text, soft_wrap=True)

    def paragraph(self, text: Text, indent: int) -> None:
        """Wrapped in a terminal, with the same indent for every line."""
        if not self._shorten:
            self._console.print(Text.assemble(" " * indent, text), soft_wrap=True)
            return
        for part in text.wrap(self._console, max(self._console.width - indent - 2, 20)):
            part.rstrip()
            self._console.print(Text.assemble(" " * indent, part), soft_wrap=True)

    def head(self, outcome: Outcome) -> None:
        text = Text.assemble(("━━ ", "dim"), (outcome.source.name, "bold"))
        if outcome.cleaned is not None:
            items = len(outcome.cleaned.items)
            told = f"  {outcome.cleaned.format.value}, {items} item{'' if items == 1 else 's'}"
            text.append(f"{told}, model {_visible(outcome.cleaned.model)}", "dim")
        self.line(text)

    def title(self, item: CleanedItem, number: int, *, of: int) -> None:
        said = _visible(item.item.title.text if item.item.title else "") or "(no title)"
        self._console.print()
        place = f"{number}/{of}  " if of > 1 else ""
        if item.title is None:
            self.paragraph(Text.assemble((place, "dim"), (said, "bold")), 0)
            return
        decision = item.title.decision
        bait = decision.label is TitleLabel.CLICKBAIT
        sign = "! " if bait else "  "
        self.paragraph(Text.assemble((sign + place, "magenta" if bait else "dim"), (said, "bold")), 0)
        told = f"clickbait {_percent(decision)}" if bait else f"plain title (clickbait {_percent(decision)})"
        self.line(Text(f"  {told}", "magenta" if bait else "dim"))

    def reading(self, blocks: list[tuple[int, Judged]]) -> None:
        """All blocks: what stays dimmed and on one line, what is gone in full, with the reasons below."""
        for _, one in blocks:
            if one.decision.action is Action.KEEP:
                self.line(Text(f"    {_said(one)}", "dim"))
                if one.decision.unsure:
                    self._reason(one, "yellow", "kept, but ")
                continue
            self._gone(one)
            self._reason(one, _STYLE[one.decision.action], "")

    def difference(self, blocks: list[tuple[int, Judged]]) -> None:
        """What is gone, one line of what stands before and after it, and how much lies between."""
        acted = [number for number, (_, one) in enumerate(blocks) if one.decision.action is not Action.KEEP]
        near = {number + step for number in acted for step in range(-_AROUND, _AROUND + 1)}
        passed = 0
        for number, (_, one) in enumerate(blocks):
            if number not in near:
                passed += 1
                continue
            self._passed(passed)
            passed = 0
            if one.decision.action is Action.KEEP:
                self.line(Text(f"    {_said(one)}", "dim"))
            else:
                self._gone(one, label=True)
        self._passed(passed)

    def table(self, blocks: list[tuple[int, Judged]]) -> None:
        """One row for each block."""
        if not self._shorten:
            for place, one in blocks:
                self._console.print(_row(place, one), soft_wrap=True)
            return
        table = Table(box=None, padding=(0, 1), expand=True, header_style="dim", pad_edge=False)
        for name, width in (("", 1), ("#", 3), ("action", 8), ("label", 10), ("", 5)):
            table.add_column(name, width=width, no_wrap=True, justify="right" if width in {3, 5} else "left")
        table.add_column("text", ratio=3, no_wrap=True, overflow="ellipsis")
        table.add_column("because of", ratio=2, overflow="fold")
        for place, one in blocks:
            action = one.decision.action
            style = _STYLE[action]
            table.add_row(
                Text(_SIGN[action], style),
                Text(str(place), "dim"),
                Text(action.value, style),
                Text(one.decision.label.value if one.decision.label else "", style),
                Text(_share(one.decision), style),
                Text(_said(one), style),
                Text(_because(one), "dim" if action is Action.KEEP else ""),
            )
        self._console.print(table)

    def foot(self, outcome: Outcome) -> None:
        self._console.print()
        counts = counted(outcome)
        text = Text.assemble("   ", (summary(counts), "bold"))
        if outcome.cleaned is not None:
            total = sum(1 for item in outcome.cleaned.items for _, blocks in _bodies(item) for _ in blocks)
            baits = sum(
                1
                for item in outcome.cleaned.items
                if item.title is not None and item.title.decision.label is TitleLabel.CLICKBAIT
            )
            text.append(f", of {total} blocks" if counts else f", {total} blocks kept")
            if baits:
                text.append(f"; {baits} clickbait title{'' if baits == 1 else 's'}", "magenta")
        self.line(text)
        self._console.print()

    def _gone(self, one: Judged, *, label: bool = False) -> None:
        action = one.decision.action
        style = _STYLE[action]
        said = Text(_said(one), f"{style} strike" if action is Action.CUT else style)
        if label:
            said = Text.assemble((f"[{one.decision.label} {_percent(one.decision)}] ", f"bold {style}"), said)
        if not self._shorten:
            self._console.print(Text.assemble(f"  {_SIGN[action]} ", said), soft_wrap=True)
            return
        for number, part in enumerate(said.wrap(self._console, max(self._console.width - 6, 20))):
            part.rstrip()
            self._console.print(Text.assemble((f"  {'' if number else _SIGN[action]:1} ", style), part), soft_wrap=True)

    def _reason(self, one: Judged, style: str, before: str) -> None:
        decision = one.decision
        told = Text.assemble((f"{before}{decision.label} {_share(decision)}", f"bold {style}"))
        because = _because(one)
        if because:
            told.append(f"  {because}", "italic")
        self.paragraph(told, 8)

    def _passed(self, count: int) -> None:
        if count:
            self.line(Text(f"    … {count} block{'' if count == 1 else 's'} kept", "dim"))


def _row(place: int, one: Judged) -> Text:
    """A block as one plain line: sign, position, action, label, probability, text, clues, guard."""
    decision = one.decision
    label = decision.label.value if decision.label else "-"
    share = _share(decision) or "-"
    because = _because(one)
    tail = f"  <- {because}" if because else ""
    facts = f"{_SIGN[decision.action]} {place:>4} {decision.action.value:<8} {label:<10} {share:>5}"
    return Text(f"{facts}  {_said(one)}{tail}")


def _said(one: Judged) -> str:
    block = one.block
    if block.text:
        return _visible(block.text)
    return f"({block.kind.value}{', ' + _visible(block.tag) if block.tag else ''})"


def _because(one: Judged) -> str:
    """The clues (words of the block in quotation marks), the guard, and that the model was not sure."""
    decision = one.decision
    clues: tuple[Clue, ...] = decision.verdict.clues if decision.verdict else ()
    said = _words(one.block.text)
    words = [f'"{clue.text}"' if _words(clue.text) in said else clue.text for clue in clues[:_CLUES]]
    told = [_visible(", ".join(words))] if words else []
    if decision.guard:
        told.append(f"not cut: {decision.guard}")
    if decision.unsure:
        told.append("unsure")
    return "; ".join(told)


def _words(text: str) -> str:
    """The words alone: a clue runs across punctuation."""
    words = re.findall(r"\w+", text.lower())
    return f" {' '.join(words)} "


def _share(decision: Decision) -> str:
    """The probability of what a block was taken for; if it was acted upon, that of all labels that are acted upon."""
    if decision.verdict is None:
        return ""
    if decision.action is Action.KEEP and isinstance(decision.label, Label):
        return f"{round(decision.verdict.probabilities[list(Label).index(decision.label)] * 100)} %"
    return _percent(decision)


def _percent(decision: Decision) -> str:
    return f"{round(decision.probability * 100)} %"


def _visible(text: str) -> str:
    """Text that does nothing to a terminal: controls become spaces, invisible formatting goes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _instead(c) for c in text)


def _instead(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) == "Cf" else "\N{REPLACEMENT CHARACTER}"
