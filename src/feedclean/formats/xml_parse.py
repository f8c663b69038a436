"""The border to lxml: bytes to a tree, strictly, without network, files or a way to blow up.

`collect_ids` stays on. Switched off, it makes libxml2 2.14 fetch the external part of a DTD (from disk, too) although
`load_dtd` is off.
"""

from __future__ import annotations

import re
from typing import Any
from xml.parsers import expat

from lxml import etree

from feedclean.errors import FormatError, LimitError
from feedclean.formats.encodings import BOMS, candidates
from feedclean.formats.limits import Limits, check_size, check_tags
from feedclean.formats.xml_repair import bind, declared_encoding, repair

__all__ = ["parse_fragment", "parse_xml", "write_xml"]

_UTF8 = {None, "utf-8", "utf8", "UTF-8", "UTF8"}
_BLOWN = re.compile(r"too (?:big|long)|limit|depth|amplification|huge|entity reference loop|overflow", re.IGNORECASE)
_PLACE = re.compile(r",? line \d+, column \d+$")
_NAMESPACE_ERROR = 201


def parse_xml(data: bytes, limits: Limits) -> tuple[Any, bool]:
    """The root element of an XML document, and whether `data` is clean UTF-8 that was read without any repair.

    The bytes are first taken at their word. Only if that fails, other encodings and small repairs are tried.

    Raises:
        LimitError: reading it would cost too much (size, depth, entities, attributes).
        FormatError: it is not well-formed, and no small repair makes it so; `what` holds line and complaint.
    """
    check_size(data, limits)
    check_tags(data, limits)
    complaint: FormatError
    try:
        root = _parse(data)
        pristine = _is_utf8(data)
        _check_names(root, data, pristine)
    except etree.XMLSyntaxError as fault:
        complaint = told(fault)
    except FormatError as fault:
        complaint = fault
    else:
        _check_depth(root, limits)
        return root, pristine
    # The first reading that decodes is the one that its mark, its declaration or UTF-8 stands for: another one would
    # only be other characters with the same faults.
    mended = _mend(next(candidates(data, declared_encoding(data))))
    if mended is None:
        raise complaint
    _check_depth(mended, limits)
    return mended, False


def _mend(text: str) -> Any | None:
    """The root of a document that only has small faults, else `None`."""
    repaired = repair(text)
    try:
        try:
            root = _parse(repaired.encode(), encoding="utf-8")
        except etree.XMLSyntaxError as fault:
            told(fault)
            if fault.code != _NAMESPACE_ERROR:
                return None
            root = _parse(bind(repaired).encode(), encoding="utf-8")
        _check_names(root, b"", pristine=False)
    except LimitError:
        raise
    except (etree.XMLSyntaxError, FormatError):
        return None
    return root


def parse_fragment(xml: str) -> Any:
    """The root element of a piece of XML that was written by us around what a caller passed.

    Raises:
        FormatError: it is not well-formed.
    """
    try:
        return _parse(repair(xml).encode(), encoding="utf-8")
    except etree.XMLSyntaxError as fault:
        raise told(fault) from fault


def write_xml(root: Any) -> bytes:
    """The document of `root` in UTF-8, with its XML declaration, DOCTYPE and whatever stands around the root."""
    tree = root.getroottree()
    standalone = tree.docinfo.standalone or None  # lxml says False also where nothing was declared
    written: bytes = etree.tostring(tree, xml_declaration=True, encoding="UTF-8", standalone=standalone)
    return written + b"\n"


def told(fault: etree.XMLSyntaxError) -> FormatError:
    """An lxml error as ours; raises at once if it is about a limit, because no repair helps against that.

    Raises:
        LimitError: the fault is that reading on would cost too much.
    """
    # Not from `fault.error_log`: that is one log for the whole thread.
    message = _PLACE.sub("", " ".join((fault.msg or "no XML").split()))
    line = fault.lineno or 1
    if _BLOWN.search(message):
        # libxml2 ends with advice for programmers: which switch of its own to set.
        plain = re.split(r"[,;]? (?:see|use) \w*(?:xml|XML)", message)[0]
        hint = "it nests or expands more than any feed needs; ask its publisher"
        raise LimitError(f"too costly to read at line {line}: {plain}", hint=hint) from fault
    return FormatError(f"not well-formed at line {line}: {message}")


def _parse(data: bytes, encoding: str | None = None) -> Any:
    # A parser a call: lxml's are not to be shared between threads, and cost 10 microseconds.
    parser = etree.XMLParser(
        encoding=encoding,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        resolve_entities="internal",
        strip_cdata=False,
        remove_comments=False,
        remove_pis=False,
        recover=False,
    )
    return etree.fromstring(data, parser)


def _check_names(root: Any, data: bytes, pristine: bool) -> None:
    """Refuse names that only the fifth edition of XML 1.0 allows: half of all parsers, expat first, know the fourth."""
    if pristine and data.isascii():
        return
    parser = expat.ParserCreate()
    try:
        parser.Parse(data if pristine else write_xml(root), True)
    except expat.ExpatError as fault:
        raise FormatError(f"not well-formed at line {fault.lineno}: {expat.ErrorString(fault.code)}") from fault


def _check_depth(root: Any, limits: Limits) -> None:
    # libxml2 stops at 256 by itself, so this walks only for callers who want less.
    if limits.depth >= 256:
        return
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > limits.depth:
            raise LimitError(f"elements nested more than {limits.depth} deep")


def _is_utf8(data: bytes) -> bool:
    marked = next((name for mark, name in BOMS if data.startswith(mark)), "utf-8")
    named = declared_encoding(data)
    return marked == "utf-8" and b"\x00" not in data[:4] and (named in _UTF8 or (named or "").lower() == "utf-8")
