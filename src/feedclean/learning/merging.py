"""Files of labelled documents made one: an id stands once, a label beats a guess, the later label an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .documents import Document, read_good

__all__ = ["Merged", "merge"]


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of several files."""

    documents: tuple[Document, ...]  # in the order in which their ids were met first
    faults: tuple[str, ...]  # "file:line: field: what", for each line that was left out
    conflicts: tuple[str, ...]  # "file:line: …", for each label that took the place of another
    repeated: int  # documents that stood in more than one place


def merge(paths: Sequence[Path]) -> Merged:
    """Put files together.

    Two documents with one id and the same blocks become one, block by block. If their blocks differ, the one with more
    labels is taken, and of two with as many the later.

    Raises:
        CorpusError: a file cannot be read.
    """
    faults: list[str] = []
    conflicts: list[str] = []
    found: dict[str, tuple[str, Document]] = {}
    repeated = 0
    for path in paths:
        for line in read_good(path, faults):
            assert line.document is not None  # noqa: S101 - it is good
            identity = line.document["id"]
            if identity not in found:
                found[identity] = (line.where, line.document)
                continue
            repeated += 1
            conflicts += _put_together(found, identity, line.where, line.document)
    return Merged(tuple(document for _, document in found.values()), tuple(faults), tuple(conflicts), repeated)


def _put_together(found: dict[str, tuple[str, Document]], identity: str, where: str, new: Document) -> list[str]:
    """Take another document with a known id; what is to be told of it."""
    before, old = found[identity]
    if [block["html"] for block in old["blocks"]] != [block["html"] for block in new["blocks"]]:
        taken, other = (where, before) if _labels(new) >= _labels(old) else (before, where)
        if taken == where:
            found[identity] = (where, new)
        return [
            f"{where}: id: {identity!r} stands at {before} with other blocks; those of {taken} are taken, not {other}"
        ]
    told: list[str] = []
    blocks: list[Any] = []
    for number, (one, other) in enumerate(zip(old["blocks"], new["blocks"], strict=True)):
        later = other if "label" in other or "label" not in one else one
        blocks.append(later)
        if "label" in one and "label" in other and one["label"] != other["label"]:
            told.append(
                f"{where}: block {number}: label: {other['label']} takes the place of {one['label']} at {before}"
            )
    title, earlier = new.get("title_label"), old.get("title_label")
    if title and earlier and title != earlier:
        told.append(f"{where}: title_label: {title} takes the place of {earlier} at {before}")
    whole = {**old, **new, "blocks": blocks}
    if title or earlier:
        whole["title_label"] = title or earlier
        whole.pop("title_guess", None)
    found[identity] = (where, whole)
    return told


def _labels(document: Document) -> int:
    return sum("label" in block for block in document["blocks"]) + bool(document.get("title_label"))
