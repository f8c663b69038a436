"""What was cut, collapsed or marked: counted, and as `--removed FILE`.

The file holds one JSON object a line, with all that is needed to restore the block.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from ..bulk import Outcome
from ..types import Action, Cut
from .atomic import Replacement, part_of

__all__ = ["Ledger", "counted", "line", "summary"]

_VERB = {Action.CUT: "cut", Action.COLLAPSE: "collapsed", Action.MARK: "marked"}


def line(source: str, cut: Cut) -> bytes:
    """One line of the ledger.

    Its keys are `source`, `item`, `field`, `position` (of the block in the field, glue included), `action`, `label`,
    `probability` (0 to 1), `clues` (`text` and `weight` in log-odds, strongest first), `text` (what a reader saw) and
    `source_html` (the exact characters of the field).
    """
    value = {
        "source": source,
        "item": cut.item,
        "field": cut.field,
        "position": cut.position,
        "action": cut.action.value,
        "label": cut.label.value,
        "probability": round(cut.probability, 4),
        "clues": [{"text": clue.text, "weight": round(clue.weight, 3)} for clue in cut.clues],
        "text": cut.text,
        "source_html": cut.source,
    }
    try:
        return (json.dumps(value, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON feeds may hold: escaped, it survives
        return (json.dumps(value) + "\n").encode()


def counted(outcome: Outcome) -> Counter[tuple[Action, str]]:
    """How many blocks of a document were acted upon, by action and label."""
    cuts = outcome.cleaned.ledger if outcome.cleaned is not None else ()
    return Counter((cut.action, cut.label.value) for cut in cuts)


def summary(counts: Counter[tuple[Action, str]]) -> str:
    """Those numbers in words: `"5 blocks cut (4 promo, 1 teaser), 1 marked (1 promo)"`."""
    parts: list[str] = []
    for action, verb in _VERB.items():
        labels = {label: count for (done, label), count in counts.items() if done is action}
        if labels:
            told = ", ".join(f"{count} {label}" for label, count in sorted(labels.items()))
            total = sum(labels.values())
            noun = "" if parts else " block" if total == 1 else " blocks"
            parts.append(f"{total}{noun} {verb} ({told})")
    return ", ".join(parts) or "nothing cut"


class Ledger:
    """The file that `--removed` names.

    It is begun before the first document is touched, so that a ledger that cannot be written stops everything. When
    the work is broken off after documents were put in their places, the lines about these are kept: they are the only
    record of what is missing there.

    Args:
        path: the file.
        kept: whether results stay although the work is broken off.
        lasting: whether the next run may have to go on with it, whatever happens to this one.
        begun: bytes that earlier runs have written.

    Raises:
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path, *, kept: bool, lasting: bool = False, begun: int = 0) -> None:
        self._file = Replacement(path, part=part_of(path) if lasting else None, kept=begun)
        self._kept = kept
        self._documents = 1 if begun else 0

    @property
    def position(self) -> int:
        """Bytes in it."""
        return self._file.position()

    def rewind(self, position: int) -> None:
        """Take back what came after a position."""
        self._file.rewind(position)

    @contextmanager
    def noting(self, outcome: Outcome) -> Iterator[None]:
        """Note what is done to a document, unless the block that puts its result in place fails.

        It is noted first and taken back on failure, because an interrupt may fall anywhere: broken off, there is
        rather too much on record than too little.
        """
        before = self._file.position()
        noted = False
        try:
            if outcome.cleaned is not None and outcome.cleaned.ledger:
                self._file.write(b"".join(line(outcome.source.name, cut) for cut in outcome.cleaned.ledger))
                self._file.flush()
            noted = True
            yield
        except BaseException as fault:
            if isinstance(fault, Exception) or not noted:
                self._file.rewind(before)
            else:
                self._documents += 1
            raise
        self._documents += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._documents and (kind is None or self._kept):
            self._file.commit()
        else:
            self._file.discard()
