"""Files that hold many documents: zip and tar archives, WARC, JSON lines; and single documents that are packed.

    file ── kind, by its first bytes ──> zip ───────────────────────────────────> entries ──> Source
                                         gzip, bzip2, xz, zstd ── packed ──┐
                                         tar, WARC, JSON lines ────────────┴──> entries ──> Source

    packed    an unpacked stream that refuses to be a bomb
    archives  zip and tar
    warc      what crawlers keep
    lines     JSON lines of `{url, html}`
    places    where a result stands, whatever a member or an address calls itself

Every reader is a generator that holds one document at a time. A document that cannot be had is a `Source` with a
fault; so is what is lost when a container ends too early. Containers inside containers are not opened.
"""

from __future__ import annotations

from .opening import Container, open_container
from .places import is_other

__all__ = ["Container", "is_other", "open_container"]
