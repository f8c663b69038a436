"""Whether labelled documents are what `docs/labelling.md` says: every fault, with file, line and field.

Reading for training (`corpus.load`) stops at the first line that it cannot use; this looks at all of them, and at what
training could use but should not:

    fault     a document breaks the schema (`documents.py`), an id stands twice, a written block nearly repeats another:
              examples made from a template teach a model nothing, and flatter it when one of them is held out
    warning   nearly the same text has two labels, or stands in two styles: a leak between folds. Real publishers repeat
              each other and themselves, so this is no fault by itself
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .corpus import files
from .documents import Document, faults_of, lines, told

__all__ = ["CheckReport", "check_paths"]

_TAG = re.compile(r"<[^>]*>")
_NUMBER = r"\d[\d.,%]*"
_MASK_GERMAN = re.compile(_NUMBER)  # German nouns begin with capitals: only numbers are masked
_MASK = re.compile(rf"{_NUMBER}|\b[A-ZÄÖÜ]\w+")
_WORD = re.compile(r"\w+")
_SHORT = 8  # runs of three words; a block with fewer of them is too short to repeat another
_WORDS = 4  # of a shorter one, whose label may otherwise depend on what stands around it
_SHARE = 0.6  # of the shorter block's runs, for a repetition; of the longer one's, for nearly the same text


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What labelled files hold, and what is wrong with them."""

    documents: int
    blocks: int
    faults: tuple[str, ...]  # "file:line: field: what"
    warnings: tuple[str, ...]  # the same
    counts: Mapping[str, Mapping[str, int]]  # "language" (documents), "label" and "guess" (blocks), "title", by value


def check_paths(paths: Sequence[Path]) -> CheckReport:
    """Check files, or the `.jsonl` files of folders.

    Raises:
        CorpusError: a path does not exist, or a folder holds no such file. Faults inside files are in the report.
    """
    check = _Check()
    for path in files(paths):
        check.file(path)
    counts = {name: dict(counter.most_common()) for name, counter in check.counts.items()}
    return CheckReport(check.documents, check.blocks, tuple(check.faults), tuple(check.warnings), counts)


class _Check:
    def __init__(self) -> None:
        self.faults: list[str] = []
        self.warnings: list[str] = []
        self.documents = 0
        self.blocks = 0
        self.counts = {name: Counter[str]() for name in ("language", "label", "guess", "title")}
        self._ids: dict[str, str] = {}  # and where each stands
        self._seen = _Seen()

    def file(self, path: Path) -> None:
        for line in lines(path):
            if line.document is None:
                self.faults.append(f"{line.where}: line: {line.fault}")
                continue
            self._document(line.where, line.document)

    def _document(self, where: str, document: Document) -> None:
        self.documents += 1
        self.faults += [f"{where}: {field}: {what}" for field, what in faults_of(document)]
        identity = document.get("id")
        if isinstance(identity, str) and self._ids.setdefault(identity, where) != where:
            self.faults.append(f"{where}: id: {told(identity)} stands at {self._ids[identity]} already")
        if document.get("title_label") is not None:
            self.counts["title"][str(document["title_label"])] += 1
        self.counts["language"][str(document.get("lang"))] += 1
        blocks = document.get("blocks")
        for number, block in enumerate(blocks if isinstance(blocks, list) else ()):
            self.blocks += 1
            if isinstance(block, dict):
                name = "guess" if "guess" in block and "label" not in block else "label"
                self.counts[name][str(block.get(name))] += 1
                if isinstance(block.get("html"), str):
                    self._compare(f"{where}: block {number}", document, block)

    def _compare(self, where: str, document: Document, block: Mapping[str, Any]) -> None:
        """Look for the block among those seen before."""
        real, label = "source" in document, block.get("label")
        new = _Block(where, str(document.get("style")), str(label) if label else "", real)
        for old, share, nearly_same in self._seen.like(new, block["html"], str(document.get("lang"))):
            if share and not real and not old.real:
                self.faults.append(f"{where}: html: nearly repeats {old.where}")
            if nearly_same and new.label and old.label and new.label != old.label:
                self.warnings.append(
                    f"{where}: label: {new.label}, but {old.label} at {old.where}: nearly the same text"
                )
            if nearly_same and share and new.style != old.style:
                told_style = f"style {told(old.style)} has nearly the same text"
                self.warnings.append(f"{where}: html: {told_style} at {old.where}: a leak between folds")


@dataclass(frozen=True, slots=True)
class _Block:
    """A block, as far as others are compared with it."""

    where: str
    style: str
    label: str  # "" for a guess
    real: bool


class _Seen:
    """Blocks seen so far, by their runs of three words, and short ones by all their words."""

    def __init__(self) -> None:
        self._blocks: list[tuple[_Block, int]] = []
        self._holders: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        self._short: dict[tuple[str, ...], _Block] = {}

    def like(self, new: _Block, html: str, language: str) -> Iterator[tuple[_Block, bool, bool]]:
        """The block seen before that a new one is most like, whether it repeats it, and whether both are the same.

        The new one is seen from now on.
        """
        mask = _MASK_GERMAN if language == "de" else _MASK
        words = _WORD.findall(mask.sub("X", _TAG.sub(" ", html)).lower())
        runs = {tuple(words[place : place + 3]) for place in range(len(words) - 2)}
        if len(runs) < _SHORT:
            exact = tuple(_WORD.findall(_TAG.sub(" ", html).lower()))
            if len(exact) >= _WORDS and (old := self._short.setdefault(exact, new)) is not new:
                yield old, False, True
            return
        shared = Counter(holder for run in runs for holder in self._holders.get(run, ()))
        for holder, count in shared.most_common(1):
            old, size = self._blocks[holder]
            yield old, count / min(len(runs), size) > _SHARE, count / max(len(runs), size) > _SHARE
        for run in runs:
            self._holders[run].append(len(self._blocks))
        self._blocks.append((new, len(runs)))
