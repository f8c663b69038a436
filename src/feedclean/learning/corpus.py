"""Labelled documents: read, digested, and as the passages the model learns from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import CorpusError
from ..judging.blocks import whole
from ..types import Block, Kind, Label, Passage, TitleLabel
from . import documents

LABELS = tuple(Label)
TITLE_LABELS = tuple(TitleLabel)
UNLABELLED = -1  # a block that only a model has guessed about
_TOLD = 10  # lines of a file that are named when they are left out
_EDITORIAL = LABELS.index(Label.EDITORIAL)


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled document as the model sees it.

    `labels` has an index into `LABELS` for each block of the passage, or `UNLABELLED`: what only a model has guessed
    about is there because it stands beside the others. `title_label` is an index into `TITLE_LABELS`, or -1.
    `real` tells annotated pages of publishers from documents written for this project, `own` those that whoever trains
    has labelled for themselves: they may count more.
    """

    id: str
    style: str
    language: str
    passage: Passage
    labels: tuple[int, ...]
    unsure: tuple[bool, ...]
    title_label: int
    real: bool
    own: bool = False


def files(paths: Sequence[Path]) -> list[Path]:
    """The `.jsonl` files among and directly below `paths`, in a fixed order.

    Raises:
        CorpusError: a path does not exist, or there is no such file.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise CorpusError("no such file or folder", where=str(path))
        found.extend(sorted(path.glob("*.jsonl")) + sorted(path.glob("real/*.jsonl")) if path.is_dir() else [path])
    if not found:
        raise CorpusError(
            "no .jsonl files", where=", ".join(map(str, paths)), hint="see docs/labelling.md for the form"
        )
    return found


def load(paths: Sequence[Path], tell: Callable[[str], None] | None = None) -> list[Example]:
    """All documents of the files that have a labelled block.

    Args:
        paths: files of labelled documents, or folders of them.
        tell: is told of lines that cannot be used, which are then left out.

    Raises:
        CorpusError: a line that cannot be used, named with its file and number, if there is nobody to tell.
            `feedclean corpus check` lists all.
    """
    return [example for path in files(paths) for example in _examples(path, tell)]


def _examples(path: Path, tell: Callable[[str], None] | None) -> Iterator[Example]:
    faults = 0
    for line in documents.lines(path):
        try:
            example = _read(line)
        except CorpusError as fault:
            if tell is None:
                raise
            faults += 1
            if faults <= _TOLD:
                tell(f"left out: {line.where}: {fault.what}")
            continue
        if any(label != UNLABELLED for label in example.labels):
            yield example
    if faults > _TOLD and tell is not None:
        tell(f"left out: {faults - _TOLD} more lines of {path}; run `feedclean corpus check` for all faults")


def _read(line: documents.Line) -> Example:
    """The document of a line, which may lack what training does not need.

    Raises:
        CorpusError: it cannot be used, in the words of `feedclean corpus check`.
    """
    error: Exception | None = None
    try:
        if line.document is not None:
            return _example(line.document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as caught:
        error = caught
    wrong = (f"{field}: {what}" for field, what in documents.faults_of(line.document or {}))
    told = line.fault or next(wrong, str(error))
    raise CorpusError(told, where=line.where, hint="run `feedclean corpus check` for all faults") from error


def _example(document: dict[str, object]) -> Example:
    blocks = document["blocks"]
    if not isinstance(blocks, list):
        raise TypeError("'blocks' is not a list")
    title = document.get("title") or ""
    title_label = str(document.get("title_label") or "")
    return Example(
        id=str(document["id"]),
        style=str(document["style"]),
        language=str(document["lang"]),
        passage=Passage(tuple(whole(block["html"], block.get("containers", ())) for block in blocks), str(title)),
        labels=tuple(UNLABELLED if "guess" in block else LABELS.index(Label(block["label"])) for block in blocks),
        unsure=tuple(bool(block.get("unsure")) for block in blocks),
        title_label=TITLE_LABELS.index(TitleLabel(title_label)) if title_label else -1,
        real="source" in document,
    )


def digest(paths: Sequence[Path]) -> str:
    """SHA-256 over the contents of the files, by name and in order: what a model was trained on."""
    total = hashlib.sha256()
    for path in files(paths):
        total.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def plain(example: Example) -> Example:
    """The document as a feed would carry it that sends text only."""
    blocks = tuple(Block(block.text, Kind.TEXT, block.text) for block in example.passage.blocks)
    return replace(example, passage=replace(example.passage, blocks=blocks))


def bare(example: Example) -> Example:
    """The document as a feed would carry it that drops class names and the page around an article."""
    kept = {"ul", "ol", "figure", "blockquote", "table"}
    blocks = tuple(
        replace(
            block,
            names=(),
            containers=tuple(name for full in block.containers if (name := full.partition(".")[0]) in kept)[:1],
        )
        for block in example.passage.blocks
    )
    return replace(example, passage=replace(example.passage, blocks=blocks))


def feeds(examples: Sequence[Example], seed: int) -> list[list[Example]]:
    """Feeds of three to eight written documents of one style, in which a publisher's fixed blocks repeat (D9).

    The corpus has no repetition, because near-repeats teach an n-gram nothing. In a feed the same pitch stands under
    every item, so here some items lend the others their pitch, notice or byline; they also lend editorial blocks (fixed
    headings, "About the company"), and now and then a whole item comes twice, since repetition alone must not convict.
    """
    random = np.random.default_rng(seed)
    by_style: dict[str, list[Example]] = {}
    for example in examples:
        if not example.real and example.passage.blocks:
            by_style.setdefault(example.style, []).append(example)
    found: list[list[Example]] = []
    for style in sorted(by_style):
        members = by_style[style]
        order = random.permutation(len(members))
        place = 0
        while place < len(members):
            size = int(random.integers(3, 9))
            feed = [members[i] for i in order[place : place + size]]
            place += size
            if len(feed) > 1:
                found.append(_with_repeats(feed, random))
    return found


def _with_repeats(feed: list[Example], random: np.random.Generator) -> list[Example]:
    lender = feed[0]
    result = list(feed)
    for label in range(len(LABELS)):
        own = [block for block, given in zip(lender.passage.blocks, lender.labels, strict=True) if given == label]
        if label == _EDITORIAL:
            # What repeats of the news itself is mostly headings: "How the shares fared", under every note.
            own = [block for block in own if block.kind is Kind.HEADING or len(block.text) < 40] or own
        if not own or random.random() > (0.3 if label == _EDITORIAL else 0.6):
            continue
        lent = own[int(random.integers(len(own)))]
        result = [_borrowing(example, lent, label, random) for example in result]
    if random.random() < 0.15:
        result.append(result[int(random.integers(len(result)))])
    return result


def _borrowing(example: Example, lent: Block, label: int, random: np.random.Generator) -> Example:
    """The document with its last block of a label replaced by another document's, or that one added at the end."""
    places = [place for place, given in enumerate(example.labels) if given == label]
    if random.random() < 0.2:
        return example
    at = places[-1] if places else len(example.labels)
    blocks, labels, unsure = list(example.passage.blocks), list(example.labels), list(example.unsure)
    blocks[at : at + 1], labels[at : at + 1], unsure[at : at + 1] = [lent], [label], [False]
    passage = replace(example.passage, blocks=tuple(blocks))
    return replace(example, passage=passage, labels=tuple(labels), unsure=tuple(unsure))
