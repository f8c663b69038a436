"""Measure `feedclean.formats` on folders of odd, broken and hostile documents that other people collected.

    python benchmarks/feeds_torture.py FOLDER [FOLDER ...]

Every file is opened, written without a change, opened again and converted, in a process of its own, so that time and
memory are those of one file. Printed are the counts and every file that breaks a promise:

    crash       an exception that is not ours
    slow, fat   more than 3 s of CPU time, or 250 MiB more memory than before
    not strict  the output is not well-formed for lxml or for expat
    not kept    setting every text to itself changed a well-formed feed (C14N 2.0), or UTF-8 bytes
    not stable  the output, opened and written again, is other bytes
    other       a broken feed in which feedparser finds other entries before and after
    conversion  a target fails, or has another number of items
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import xml.parsers.expat
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import canonicalize

from lxml import etree

from feedclean.errors import FeedcleanError, LimitError
from feedclean.formats.convert import TARGETS, convert
from feedclean.formats.encodings import FORBIDDEN
from feedclean.formats.feed_reader import read_feed
from feedclean.formats.sniff import open_document
from feedclean.formats.xml_feed import XmlFeed
from feedclean.types import Document, Format

SECONDS, MEMORY = 3.0, 250 << 10  # KiB, as getrusage counts
NO_CHARACTERS = {ord(character): None for character in map(chr, range(32)) if character not in "\t\n\r"}


def main(folders: list[str]) -> int:
    """Measure every file of `folders` and print what came of it."""
    counts: Counter[str] = Counter()
    times: list[float] = []
    broken: list[str] = []
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if not path.is_file():
                continue
            result = in_a_child(path)
            times.append(result["seconds"])
            counts[result["kind"]] += 1
            counts["files"] += 1
            counts.update(result["counts"])
            for fault in result["faults"]:
                counts[f"! {fault.split(':')[0]}"] += 1
                broken.append(f"{path}: {fault}")
    for name, count in sorted(counts.items()):
        print(f"{count:7,}  {name}")
    print(f"\nCPU: {sum(times):.1f} s in all, {max(times, default=0):.2f} s for the slowest")
    print("\n".join(broken) if broken else "every promise kept")
    return 1 if broken else 0


def in_a_child(path: Path) -> dict[str, Any]:
    """What `measure` says about one file, from a process that can be lost."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        before = resource.getrusage(resource.RUSAGE_SELF)
        try:
            result = measure(path)
        except BaseException as fault:  # noqa: BLE001 - that is what is looked for
            result = {
                "kind": "crash",
                "counts": [],
                "faults": [f"crash: {type(fault).__name__}: {fault}"],
                "seconds": 0,
            }
        # Without what the checks themselves take.
        grown = result.pop("memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) - before.ru_maxrss
        if grown > MEMORY:
            result["faults"].append(f"fat: {grown >> 10} MiB")
        os.write(writer, json.dumps(result).encode("ascii")[:60_000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    lost = {"kind": "crash", "counts": [], "faults": ["crash: the process died"], "seconds": 0}
    return json.loads(answer) if answer else lost  # type: ignore[no-any-return]


def measure(path: Path) -> dict[str, Any]:
    """What becomes of one file: its kind, counts, faults and seconds."""
    data = path.read_bytes()
    result: dict[str, Any] = {"counts": [], "faults": []}
    start = time.process_time()
    try:
        document = open_document(data)
        written = document.to_bytes()
    except FeedcleanError as fault:
        result["kind"] = "refused: limit" if isinstance(fault, LimitError) else "refused: format"
    else:
        result["kind"] = f"read: {document.format}"
        result["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result["seconds"] = time.process_time() - start
        check(data, document, written, result)
    result.setdefault("seconds", time.process_time() - start)
    if result["seconds"] > SECONDS:
        result["faults"].append(f"slow: {result['seconds']:.1f} s")
    return result


def check(data: bytes, document: Document, written: bytes, result: dict[str, Any]) -> None:
    """Note what an output does not keep."""
    faults, counts = result["faults"], result["counts"]
    if open_document(written).to_bytes() != written:
        faults.append("not stable")
    well_formed = strict(data)
    if isinstance(document, XmlFeed):
        if not (strict(written) and for_expat(written)):
            faults.append("not strict")
            return
        if well_formed:
            counts.append("well-formed XML")
            keep_all(document)
            again = document.to_bytes()
            if again != written or canonical(written) != canonical(data):
                faults.append("not kept")
        elif len(data) < 1 << 20:
            compare(data, written, result)
    elif document.format in (Format.HTML, Format.TEXT) and written != data:
        faults.append("not kept")
    if len(written) < 1 << 20:
        transform(written, document, result)


def keep_all(document: Document) -> None:
    """Set every text of a document to itself."""
    for number, item in enumerate(document.items):
        if item.title:
            document.replace(number, None, item.title.text)
        for body, field in enumerate(item.bodies):
            document.replace(number, body, field.text)


def compare(data: bytes, written: bytes, result: dict[str, Any]) -> None:
    """Note where feedparser finds something else after than before."""
    try:
        before = read_feed(data).entries
    except FeedcleanError:  # feedparser trips over &#xD800;
        result["counts"].append("broken XML that feedparser does not read")
        return
    after = read_feed(written).entries
    result["counts"].append("broken XML" + (" with entries" if before else ""))
    for number, (old, new) in enumerate(zip(before, after, strict=False)):
        told, kept = facts(old), facts(new)
        for key in told:
            if told[key] != kept[key]:
                result["faults"].append(f"other: entry {number}: {key}: {told[key]!r:.200} -> {kept[key]!r:.200}")
    if len(before) != len(after):
        result["faults"].append(f"other: {len(before)} entries -> {len(after)}")


def facts(entry: Any) -> dict[str, Any]:
    """What identifies an entry, as feedparser tells it."""

    def details(key: str) -> list[Any]:
        held = [entry.get(f"{key}_detail")] if key != "content" else entry.get("content", [])
        return [[detail.get(name) for name in ("type", "value", "base")] for detail in held if detail]

    names = ("title", "link", "id", "guidislink", "author", "summary")
    told = {
        **{name: entry.get(name) for name in names},
        **{name: dict.get(entry, name) for name in ("published", "updated")},
        **{name: [dict(one) for one in entry.get(name, [])] for name in ("links", "authors", "enclosures", "tags")},
        **{f"{name}_detail": details(name) for name in ("title", "summary", "content")},
    }
    return {key: clean(value) for key, value in told.items()}


def clean(value: Any) -> Any:
    """Without the characters that no XML can hold."""
    if isinstance(value, str):
        held = value.translate(NO_CHARACTERS).encode("utf-8", "ignore").decode()
        return "".join(character for character in held if character not in FORBIDDEN[-2:])
    if isinstance(value, list):
        return [clean(one) for one in value]
    return {key: clean(one) for key, one in value.items() if one is not None} if isinstance(value, dict) else value


def transform(written: bytes, document: Document, result: dict[str, Any]) -> None:
    """Note which conversions fail."""
    for target in TARGETS:
        try:
            made = convert(written, document.format, target, url="https://example.org/")
            made.decode()
            if target in ("rss", "atom", "jsonfeed") and document.format != target:
                found = len(open_document(made).items)
                if found != len(document.items):
                    result["faults"].append(f"conversion: {target} has {found} items for {len(document.items)}")
        except Exception as fault:  # noqa: BLE001 - that is what is looked for
            result["faults"].append(f"conversion: {target}: {type(fault).__name__}: {fault}"[:300])


def strict(data: bytes) -> bool:
    """Whether lxml takes it."""
    try:
        etree.fromstring(data)
    except (etree.XMLSyntaxError, ValueError):
        return False
    return True


def for_expat(data: bytes) -> bool:
    """Whether expat takes it."""
    try:
        xml.parsers.expat.ParserCreate().Parse(data, True)
    except xml.parsers.expat.ExpatError:
        return False
    return True


def canonical(data: bytes) -> str:
    """The document as C14N 2.0 writes it."""
    tree = etree.fromstring(data).getroottree()
    return canonicalize(etree.tostring(tree, encoding="unicode"), with_comments=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
