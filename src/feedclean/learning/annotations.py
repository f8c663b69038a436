"""Real pages are annotated, not copied (D13): labels by digest, and the documents they belong to.

An annotation names a document of a public source and, for each of its blocks, the place, the digest of its text and
the label. It holds none of the text. `materialise` puts text and labels together again, from a folder that has the
documents or from the files they were published in; what is missing or has changed is reported and left out.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CorpusError, OutputError
from ..judging.blocks import whole
from ..model_home import replace_file
from .downloads import Downloads
from .matching import digest, found_again
from .sources import File, Table

Json = dict[str, Any]


Find = Callable[[Json], "tuple[str, list[Json | None]] | None"]
"""The title of an annotated document, and for each of its annotated blocks `html` and `containers`, or `None`."""


@dataclass(slots=True)
class Tally:
    """What became of the documents of one set."""

    documents: int = 0  # written, with at least one block
    blocks: int = 0
    missing: int = 0  # annotated documents that are not there
    changed: int = 0  # blocks of those that are there whose text is not found in them


@dataclass(frozen=True, slots=True)
class Fetched:
    """What `materialise` found, by the set that documents are of."""

    sets: Mapping[str, Tally]
    missing: tuple[str, ...]  # annotated documents that are not there, each as `"set/document"`
    unlike: tuple[tuple[str, str], ...]  # set and document of those in which no annotated block was found

    @property
    def total(self) -> Tally:
        """All sets together."""
        told = [(one.documents, one.blocks, one.missing, one.changed) for one in self.sets.values()]
        return Tally(*map(sum, zip(*told, strict=True))) if told else Tally()


def annotation(document: Mapping[str, Any]) -> Json:
    """A labelled real document without its text.

    Raises:
        KeyError: the document lacks a field of the schema, or its `source`.
    """
    kept = ("id", "lang", "kind", "style", "title_label")
    blocks = []
    for block in document["blocks"]:
        one = {"index": block["index"], "digest": block["digest"], "label": block["label"]}
        blocks.append({**one, "unsure": True} if block.get("unsure") else one)
    return {
        **{name: document[name] for name in kept if document.get(name)},
        "source": document["source"],
        "blocks": blocks,
    }


def annotate(source: Path, target: Path) -> int:
    """Write the annotations of a file of labelled real documents; how many there are.

    Raises:
        CorpusError: the file cannot be read, or holds a document that is not of a source.
        OutputError: the target cannot be written.
    """
    lines: list[str] = []
    for document in documents(source):
        try:
            lines.append(json.dumps(annotation(document), separators=(",", ":")))
        except KeyError as error:
            raise CorpusError(f"document {document.get('id')!r} has no {error}", where=str(source)) from error
    _write(target, lines)
    return len(lines)


def materialise(annotated: Path, find: Find, target: Path) -> Fetched:
    """Put annotations and documents together, one file in `target` for each file of annotations.

    Nothing is written before all of them have been looked for, and each file as a whole or not at all.

    Args:
        annotated: a file of annotations, or a folder of them; folders in it are kept.
        find: where the documents are: `in_folder` or `in_downloads`.
        target: folder for the labelled documents; it must not be committed.

    Raises:
        CorpusError: an input cannot be read.
        OutputError: the target cannot be written.
    """
    sets: dict[str, Tally] = {}
    missing: list[str] = []
    unlike: list[tuple[str, str]] = []
    written: dict[Path, list[str]] = {}
    for path, wanted in annotations_in(annotated):
        name, document, _ = _key(wanted)
        tally = sets.setdefault(name, Tally())
        found = find(wanted)
        if found is None:
            missing.append(f"{name}/{document}")
            tally.missing += 1
            continue
        title, texts = found
        pairs = zip(texts, wanted["blocks"], strict=True)
        blocks = [{"html": text["html"], **one, **text} for text, one in pairs if text is not None]
        tally.changed += len(texts) - len(blocks)
        if blocks:
            merged = {**wanted, "kind": wanted.get("kind", "article"), "title": title, "blocks": blocks}
            written.setdefault(path, []).append(json.dumps(merged, ensure_ascii=False))
            tally.documents += 1
            tally.blocks += len(blocks)
        else:
            unlike.append((name, document))
    for path, lines in written.items():
        _write(target / path, lines)
    return Fetched(sets, tuple(missing), tuple(unlike))


def in_folder(folder: Path) -> Find:
    """The documents in a folder: `.jsonl` or `.jsonl.xz` files of the corpus schema; labels in them are ignored.

    Raises:
        CorpusError: there is no such folder, or a file in it cannot be read.
    """
    if not folder.is_dir():
        raise CorpusError("no such folder", where=str(folder), hint="give the folder that holds the real documents")
    known = {_key(document): document for path in _sources(folder) for document in documents(path)}

    def find(wanted: Json) -> tuple[str, list[Json | None]] | None:
        document = known.get(_key(wanted))
        if document is None:
            return None
        by_index = {block["index"]: block for block in document["blocks"]}
        return document.get("title", ""), [_same(by_index.get(one.get("index")), one) for one in wanted["blocks"]]

    return find


def in_downloads(downloads: Downloads) -> Find:
    """The documents as their publishers' pages have them, whose blocks are found again by their digests."""

    def find(wanted: Json) -> tuple[str, list[Json | None]] | None:
        name, document, _ = _key(wanted)
        pieces = downloads.find(name, document)
        if pieces is None:
            return None
        found = found_again([one["digest"] for one in wanted["blocks"]], pieces)
        return pieces.title, [None if piece is None else _told(piece.html, piece.containers) for piece in found]

    return find


def files_of(annotated: Path, table: Table) -> dict[File, str]:
    """The files that hold the annotated documents, in order, with the set each is of.

    Raises:
        CorpusError: the annotations cannot be read, or name a document that can be in no file.
    """
    found: dict[File, str] = {}
    for _, wanted in annotations_in(annotated):
        name, document, _ = _key(wanted)
        for file in table.sources[name].of(document) if name in table.sources else ():
            found.setdefault(file, name)
    return found


def annotations_in(annotated: Path) -> Iterator[tuple[Path, Json]]:
    """All annotated documents, each with its file as seen from the folder of annotations."""
    base = annotated.parent if annotated.is_file() else annotated
    for path in [annotated] if annotated.is_file() else sorted(annotated.rglob("*.jsonl")):
        for wanted in documents(path):
            if not all(isinstance(one.get("digest"), str) and "label" in one for one in wanted["blocks"]):
                told = f"document {wanted.get('id')!r} has blocks without digest or label"
                raise CorpusError(told, where=str(path), hint="`feedclean corpus annotate` writes annotations")
            yield path.relative_to(base), wanted


def _same(block: Json | None, annotated: Json) -> Json | None:
    """What a block of a folder's is, if it is the one that was annotated."""
    if block is None or annotated["digest"] not in (block.get("digest"), digest(whole(block["html"]).text)):
        return None
    return _told(block["html"], block.get("containers"))


def _told(html: str, containers: Sequence[str] | None) -> Json:
    return {"html": html, "containers": list(containers)} if containers else {"html": html}


def documents(path: Path) -> Iterator[Json]:
    """The documents of a `.jsonl` or `.jsonl.xz` file.

    Raises:
        CorpusError: it cannot be read, or a line is not a JSON object with blocks.
    """
    number = 0
    try:
        with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):  # noqa: B007  # named in the error
                if line.strip():
                    document = json.loads(line)
                    blocks = document.get("blocks") if isinstance(document, dict) else None
                    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
                        raise ValueError("not a document with blocks")
                    yield document
    except (OSError, ValueError, lzma.LZMAError, EOFError, RecursionError) as error:
        raise CorpusError(f"cannot be read: {error}", where=f"{path}:{number}") from error


def _sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.name.endswith((".jsonl", ".jsonl.xz")))


def _key(document: Json) -> tuple[str, str, str]:
    """A document of a source may be there in several windows: its first block tells them apart."""
    source = document.get("source") or {}
    first: Json = next(iter(document["blocks"]), {})
    return str(source.get("set")), str(source.get("document")), str(first.get("index"))


def _write(path: Path, lines: Sequence[str]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, "".join(line + "\n" for line in lines).encode("utf-8", "replace"))
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=str(path)) from error
