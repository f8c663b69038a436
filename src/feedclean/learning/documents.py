"""Labelled documents in files, line by line: the schema of `docs/labelling.md`, and every breach of it by its field.

    file ── lines ──> Line ── a document, or why there is none ──> faults_of ──> field, what

A block has a `label`, which a person gave or confirmed, or a `guess` of the model that nobody has confirmed yet.
Training learns from labels alone.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CorpusError
from ..judging.blocks import whole
from ..types import Correction, Label, TitleLabel

__all__ = ["Document", "Line", "corrections_of", "faults_of", "holds_documents", "lines", "read_good", "told"]

Document = dict[str, Any]

_KINDS = ("feed_item", "article")
_MUST = frozenset(("id", "lang", "kind", "style", "title", "title_label", "blocks"))
_MAY = _MUST | {"source", "unsure", "title_guess"}
_BLOCK_MAY = frozenset(("html", "label", "guess", "probability", "index", "digest", "unsure", "containers"))
_OPTIONAL = (("unsure", bool, "true or false"), ("index", int, "a number"), ("digest", str, "text"))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file that is not empty."""

    where: str  # "file:line"
    document: Document | None  # what it holds, if that is an object
    fault: str = ""  # why it does not


def lines(path: Path) -> Iterator[Line]:
    """The lines of a file. A bad one does not touch the others.

    Raises:
        CorpusError: the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as fault:
        what = (getattr(fault, "strerror", None) or str(fault)).lower()
        raise CorpusError(f"cannot be read: {what}", where=str(path)) from fault
    # Only line feeds part the lines: a JSON string may hold any of the others that `splitlines` knows.
    parts = data.removeprefix(codecs.BOM_UTF8).split(b"\n")
    for number, part in enumerate(parts, 1):
        if part.strip():
            yield _line(f"{path}:{number}", part, last=number == len(parts))


def holds_documents(path: Path) -> bool:
    """Whether a file is meant to hold labelled documents: JSON lines may hold pages, too, as the first one tells.

    Of one that cannot be read, whoever tries to will tell.
    """
    first = None
    with suppress(OSError):
        if path.suffix == ".jsonl":
            with path.open("rb") as file:  # it may be a whole crawl
                first = next((line for line in file if line.strip()), None)
    if first is None:
        return False
    document = _line(str(path), first.removeprefix(codecs.BOM_UTF8), last=False).document
    return document is None or "blocks" in document


def _line(where: str, data: bytes, *, last: bool) -> Line:
    try:
        value = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as fault:
        return Line(where, None, f"not UTF-8 at byte {fault.start + 1}")
    except (ValueError, RecursionError) as fault:
        half = "half a line: the file ends before the object does"
        return Line(where, None, half if last else f"not JSON: {fault}")
    if not isinstance(value, dict):
        return Line(where, None, f"an object is wanted, not {_kind(value)}")
    return Line(where, value)


def faults_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with a document by itself: field and fault."""
    real = "source" in document
    # A real page may have no title that says anything, and what was added says what the model thinks of it.
    optional = {"title_label"} if real or "title_guess" in document else set[str]()
    yield from ((key, "missing") for key in sorted(_MUST - document.keys() - optional))
    yield from ((key, "no such key") for key in sorted(document.keys() - _MAY))
    for key in ("id", "lang", "style"):
        if key in document and not (isinstance(document[key], str) and document[key].strip()):
            yield key, f"some text is wanted, not {told(document[key])}"
    if "kind" in document and document["kind"] not in _KINDS:
        yield "kind", _not_one_of(document["kind"], _KINDS)
    if "title" in document and not isinstance(document["title"], str):
        yield "title", f"text is wanted, not {told(document['title'])}"
    for key in ("title_label", "title_guess"):
        missing = real and document.get(key) is None
        if key in document and document[key] not in tuple(TitleLabel) and not missing:
            yield key, _not_one_of(document[key], tuple(TitleLabel))
    if real and not isinstance(document["source"], dict):
        yield "source", f"an object is wanted, not {told(document['source'])}"
    blocks = document.get("blocks")
    if isinstance(blocks, list) and blocks:
        for number, block in enumerate(blocks):
            for field, what in _block_faults(block):
                yield f"block {number}{field and ': ' + field}", what
    elif "blocks" in document:
        yield "blocks", "a list with at least one block is wanted"


def _block_faults(block: object) -> Iterator[tuple[str, str]]:
    if not isinstance(block, dict):
        yield "", f"an object is wanted, not {told(block)}"
        return
    named = "label" if "label" in block or "guess" not in block else "guess"
    if "label" in block and "guess" in block:
        yield "guess", "a block has a label or a guess, not both"
    if block.get(named) not in tuple(Label):
        yield named, _not_one_of(block[named], tuple(Label)) if named in block else "missing"
    yield from ((key, "no such key") for key in sorted(block.keys() - _BLOCK_MAY))
    for key, kind, wanted in _OPTIONAL:
        if key in block and not isinstance(block[key], kind):
            yield key, f"{wanted} is wanted, not {told(block[key])}"
    probability = block.get("probability", 0)
    if isinstance(probability, bool) or not isinstance(probability, int | float) or not 0 <= probability <= 1:
        yield "probability", f"a number from 0 to 1 is wanted, not {told(probability)}"
    containers = block.get("containers", [])
    if not isinstance(containers, list) or not all(isinstance(one, str) for one in containers):
        yield "containers", "a list of texts is wanted"
    html = block.get("html")
    if not isinstance(html, str):
        yield "html", f"text is wanted, not {told(html)}" if "html" in block else "missing"
    elif not html.strip():
        yield "html", "empty"


def read_good(path: Path, faults: list[str]) -> Iterator[Line]:
    """The lines that hold a document of the schema; what is wrong with the others is added to `faults`.

    Raises:
        CorpusError: the file cannot be read.
    """
    for line in lines(path):
        wrong = [f"line: {line.fault}"] if line.document is None else []
        wrong += [f"{field}: {what}" for field, what in faults_of(line.document or {})] if not wrong else []
        faults += [f"{line.where}: {what}" for what in wrong]
        if not wrong:
            yield line


def corrections_of(path: Path, tell: Callable[[str], None]) -> tuple[Correction, ...]:
    """What people said in a file of labelled documents, in its order; `tell` is told of lines that are left out.

    Raises:
        CorpusError: the file cannot be read, or nothing but faults is in it.
    """
    faults: list[str] = []
    found: list[Correction] = []
    good = [line.document for line in read_good(path, faults) if line.document is not None]
    if faults and not good:
        raise CorpusError(faults[0], hint="`feedclean corpus check` tells all that is wrong")
    for fault in faults:
        tell(f"{fault}; left out")
    for document in good:
        if document.get("title_label") and document["title"]:
            found.append(Correction(TitleLabel(document["title_label"]), document["title"]))
        found.extend(
            Correction(Label(block["label"]), whole(block["html"]).text, block["html"])
            for block in document["blocks"]
            if "label" in block and not block.get("unsure")
        )
    return tuple(found)


def _not_one_of(value: object, allowed: Sequence[str]) -> str:
    return f"{told(value)} is not one of {', '.join(allowed)}"


def told(value: object) -> str:
    """A value in a message: as it is written, if that is short."""
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= 40 else _kind(value)


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
