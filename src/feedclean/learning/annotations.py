"""Real pages are annotated, not copied (D13): labels by digest, and the documents they belong to.

An annotation names a document of a public source and, for each of its blocks, the place, the digest of its text and
the label. It holds none of the text. `materialise` puts text and labels together again from a folder that has the
documents; what is missing or has changed is reported and left out.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CorpusError, OutputError
from ..judging.blocks import whole

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What `materialise` found."""

    documents: int  # written, with at least one block
    blocks: int
    missing: tuple[str, ...]  # annotated documents that the folder does not have
    changed: int  # blocks whose text is not what was annotated


def digest(text: str) -> str:
    """The first 16 hexadecimal digits of SHA-256 over a block's visible text, white space folded."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


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


def materialise(annotated: Path, folder: Path, target: Path) -> Fetched:
    """Put annotations and documents together, one file in `target` for each file of annotations.

    Args:
        annotated: a file of annotations, or a folder of them; folders in it are kept.
        folder: holds the documents, as `.jsonl` or `.jsonl.xz` files of the corpus schema; labels in them are ignored.
        target: folder for the labelled documents; it must not be committed.

    Raises:
        CorpusError: an input cannot be read.
        OutputError: the target cannot be written.
    """
    if not folder.is_dir():
        raise CorpusError("no such folder", where=str(folder), hint="give the folder that holds the real documents")
    known = {_key(document): document for path in _sources(folder) for document in documents(path)}
    missing: list[str] = []
    written = total = changed = 0
    base = annotated.parent if annotated.is_file() else annotated
    for path in [annotated] if annotated.is_file() else sorted(annotated.rglob("*.jsonl")):
        lines: list[str] = []
        for wanted in documents(path):
            document = known.get(_key(wanted))
            if document is None:
                missing.append("/".join(_key(wanted)[:2]))
                continue
            blocks, differ = _labelled(wanted, document)
            changed += differ
            if blocks:
                merged = {**wanted, "kind": wanted.get("kind", "article"), "title": document.get("title", "")}
                lines.append(json.dumps({**merged, "blocks": blocks}, ensure_ascii=False))
                written += 1
                total += len(blocks)
        if lines:
            _write(target / path.relative_to(base), lines)
    return Fetched(written, total, tuple(missing), changed)


def _labelled(wanted: Json, document: Json) -> tuple[list[Json], int]:
    """The document's blocks that are annotated and unchanged, and how many are not."""
    by_index = {block["index"]: block for block in document["blocks"]}
    blocks: list[Json] = []
    changed = 0
    for one in wanted["blocks"]:
        block = by_index.get(one["index"])
        if block is None or one["digest"] not in (block.get("digest"), digest(whole(block["html"]).text)):
            changed += 1
            continue
        found = {"html": block["html"], **one}
        blocks.append({**found, "containers": block["containers"]} if block.get("containers") else found)
    return blocks, changed


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
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=str(path)) from error
