"""Whether labelled documents are what `docs/labelling.md` says: every fault, with file, line and field.

Reading for training (`corpus.load`) stops at the first line that it cannot use; this looks at all of them, and for what
training could use but should not: blocks that nearly repeat others. Examples made from a template teach a model
nothing new, and let it look better than it is when one of them is held out. Real pages are not looked at for that,
since repeating themselves is what real publishers do.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CorpusError
from ..types import Label, TitleLabel
from .corpus import files

__all__ = ["CheckReport", "check_paths"]

_KINDS = ("feed_item", "article")
_DOCUMENT = frozenset(("id", "lang", "kind", "style", "title", "title_label", "blocks"))
_DOCUMENT_MAY = _DOCUMENT | {"source", "unsure"}
_BLOCK_MAY = frozenset(("html", "label", "index", "digest", "unsure", "containers"))
_OPTIONAL = (("unsure", bool, "true or false"), ("index", int, "a number"), ("digest", str, "text"))
_TAG = re.compile(r"<[^>]*>")
_NUMBER = r"\d[\d.,%]*"
_MASK_GERMAN = re.compile(_NUMBER)  # German nouns begin with capitals: only numbers are masked
_MASK = re.compile(rf"{_NUMBER}|\b[A-ZÄÖÜ]\w+")
_SHORT = 8  # runs of three words; a block with fewer of them is too short to repeat another
_SHARE = 0.6  # of the shorter block's runs


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What labelled files hold, and what is wrong with them."""

    documents: int
    blocks: int
    faults: tuple[str, ...]  # "file:line: field: what"
    counts: Mapping[str, Mapping[str, int]]  # "language" (documents), "label" (blocks), "title", each by value


def check_paths(paths: Sequence[Path]) -> CheckReport:
    """Check files, or the `.jsonl` files of folders.

    Raises:
        CorpusError: a path does not exist, or a folder holds no such file. Faults inside files are in the report.
    """
    check = _Check()
    for path in files(paths):
        check.file(path)
    counts = {name: dict(counter.most_common()) for name, counter in check.counts.items()}
    return CheckReport(check.documents, check.blocks, tuple(check.faults), counts)


class _Check:
    def __init__(self) -> None:
        self.faults: list[str] = []
        self.ids: dict[str, str] = {}  # and where each stands
        self.documents = 0
        self.blocks = 0
        self.counts = {name: Counter[str]() for name in ("language", "label", "title")}
        self._repeats = _Repeats()

    def file(self, path: Path) -> None:
        try:
            data = path.read_bytes()
        except OSError as fault:
            raise CorpusError(f"cannot be read: {(fault.strerror or str(fault)).lower()}", where=str(path)) from fault
        # Only line feeds part the lines: a JSON string may hold any of the others that `splitlines` knows.
        lines = data.split(b"\n")
        for number, line in enumerate(lines, 1):
            if line.strip():
                self._line(f"{path}:{number}", line, last=number == len(lines))

    def _line(self, where: str, line: bytes, *, last: bool) -> None:
        try:
            value = json.loads(line.decode("utf-8"))
        except UnicodeDecodeError as fault:
            self._fault(where, "line", f"not UTF-8 at byte {fault.start + 1}")
            return
        except (ValueError, RecursionError) as fault:
            told = "half a line: the file ends before the object does" if last else f"not JSON: {fault}"
            self._fault(where, "line", told)
            return
        if not isinstance(value, dict):
            self._fault(where, "line", f"an object is wanted, not {_kind(value)}")
            return
        self.documents += 1
        for field, what in self._document(where, value):
            self._fault(where, field, what)

    def _fault(self, where: str, field: str, what: str) -> None:
        self.faults.append(f"{where}: {field}: {what}")

    def _document(self, where: str, document: dict[str, Any]) -> Iterator[tuple[str, str]]:
        real = "source" in document
        # A real page may have no title that says anything.
        optional = {"title_label"} if real else set[str]()
        yield from ((key, "missing") for key in sorted(_DOCUMENT - document.keys() - optional))
        yield from ((key, "no such key") for key in sorted(document.keys() - _DOCUMENT_MAY))
        for key in ("id", "lang", "style"):
            if key in document and not (isinstance(document[key], str) and document[key].strip()):
                yield key, f"some text is wanted, not {_told(document[key])}"
        identity = document.get("id")
        if isinstance(identity, str):
            if identity in self.ids:
                yield "id", f"{_told(identity)} stands at {self.ids[identity]} already"
            self.ids.setdefault(identity, where)
        if "kind" in document and document["kind"] not in _KINDS:
            yield "kind", _not_one_of(document["kind"], _KINDS)
        if "title" in document and not isinstance(document["title"], str):
            yield "title", f"text is wanted, not {_told(document['title'])}"
        label = document.get("title_label")
        if "title_label" in document and label not in tuple(TitleLabel) and not (real and label is None):
            yield "title_label", _not_one_of(label, tuple(TitleLabel))
        if real and not isinstance(document["source"], dict):
            yield "source", f"an object is wanted, not {_told(document['source'])}"
        if label is not None:
            self.counts["title"][str(label)] += 1
        self.counts["language"][str(document.get("lang"))] += 1
        blocks = document.get("blocks")
        if isinstance(blocks, list) and blocks:
            for number, block in enumerate(blocks):
                self.blocks += 1
                for field, what in self._block(f"{where}: block {number}", block, str(document.get("lang")), real):
                    yield f"block {number}{field and ': ' + field}", what
        elif "blocks" in document:
            yield "blocks", "a list with at least one block is wanted"

    def _block(self, where: str, block: object, language: str, real: bool) -> Iterator[tuple[str, str]]:
        if not isinstance(block, dict):
            yield "", f"an object is wanted, not {_told(block)}"
            return
        label, html = block.get("label"), block.get("html")
        self.counts["label"][str(label)] += 1
        if label not in tuple(Label):
            yield "label", _not_one_of(label, tuple(Label)) if "label" in block else "missing"
        yield from ((key, "no such key") for key in sorted(block.keys() - _BLOCK_MAY))
        for key, kind, wanted in _OPTIONAL:
            if key in block and not isinstance(block[key], kind):
                yield key, f"{wanted} is wanted, not {_told(block[key])}"
        containers = block.get("containers", [])
        if not isinstance(containers, list) or not all(isinstance(one, str) for one in containers):
            yield "containers", "a list of texts is wanted"
        if not isinstance(html, str):
            yield "html", f"text is wanted, not {_told(html)}" if "html" in block else "missing"
        elif not html.strip():
            yield "html", "empty"
        elif not real:
            other = self._repeats.of(where, html, language)
            if other:
                yield "html", f"nearly repeats {other}"


class _Repeats:
    """Blocks seen so far, by their runs of three words."""

    def __init__(self) -> None:
        self._seen: list[tuple[str, int]] = []
        self._holders: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)

    def of(self, where: str, html: str, language: str) -> str:
        """The block among those seen that this one nearly repeats, or `""`; it is seen from now on."""
        mask = _MASK_GERMAN if language == "de" else _MASK
        words = re.findall(r"\w+", mask.sub("X", _TAG.sub(" ", html)).lower())
        runs = {tuple(words[place : place + 3]) for place in range(len(words) - 2)}
        if len(runs) < _SHORT:
            return ""
        shared = Counter(holder for run in runs for holder in self._holders.get(run, ()))
        found = ""
        for holder, count in shared.most_common(1):
            other, size = self._seen[holder]
            if count / min(len(runs), size) > _SHARE:
                found = other
        for run in runs:
            self._holders[run].append(len(self._seen))
        self._seen.append((where, len(runs)))
        return found


def _not_one_of(value: object, allowed: Sequence[str]) -> str:
    return f"{_told(value)} is not one of {', '.join(allowed)}"


def _told(value: object) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= 40 else _kind(value)


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
