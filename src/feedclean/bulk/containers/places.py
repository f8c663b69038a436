"""Where results stand: relative, printable paths that cannot leave the output folder, whoever thought of the name."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePath, PurePosixPath
from urllib.parse import unquote, urlsplit

__all__ = ["is_other", "of_member", "of_url"]

# What lies beside documents in a folder or an archive and is none, told by its name; anything else is opened.
_OTHER = frozenset(
    ".7z .avi .avif .bin .bmp .class .css .db .dll .doc .docx .eot .epub .exe .flac .gif .ico .jar .jpeg .jpg"
    " .js .lock .m4a .m4v .map .mjs .mkv .mov .mp3 .mp4 .npy .npz .o .odt .ogg .otf .pdf .pickle .pkl .png .ppt .pptx"
    " .pyc .rar .so .sqlite .sqlite3 .svg .swf .ttf .tif .tiff .wasm .wav .webm .webp .woff .woff2 .xls .xlsx".split()
)
_LONGEST = 100  # characters of one part of a path; file systems take 255 bytes
_ODD = re.compile(r'[\x00-\x1f\x7f-\x9f\\:*?"<>|\ud800-\udfff]+')  # what some file system refuses, or a terminal obeys
_WORDS = re.compile(r"[^\w.-]+")


def is_other(path: PurePath) -> bool:
    """Whether a name says that it is hidden, or no document."""
    return path.suffix.lower() in _OTHER or any(part.startswith(".") and part not in {".", ".."} for part in path.parts)


def of_member(name: str) -> PurePosixPath:
    r"""The place of what an archive calls `name`.

    >>> of_member("../../etc/passwd"), of_member("C:\\news\\a.html"), of_member("/")
    (PurePosixPath('etc/passwd'), PurePosixPath('C_/news/a.html'), PurePosixPath('unnamed'))
    """
    parts = [_part(part) for part in name.replace("\\", "/").split("/") if part not in {"", ".", ".."}]
    return PurePosixPath(*(parts or ["unnamed"]))


def of_url(url: str) -> PurePosixPath:
    """The place of what was published at `url`: its host, its last words, and a digest that tells queries apart.

    >>> of_url("https://news.example/2026/acme-up/?page=2")
    PurePosixPath('news.example/acme-up-823525a61a8d.html')
    """
    try:
        parts = urlsplit(url)
        host, path = parts.hostname or "", unquote(parts.path, errors="replace")
    except ValueError:
        host, path = "", ""
    last = path.rstrip("/").rpartition("/")[2]
    stem = _WORDS.sub("-", re.sub(r"\.(?:html?|php|aspx?|xml)$", "", last, flags=re.IGNORECASE)).strip(".-")
    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return PurePosixPath(_part(host) or "unknown", f"{_part(stem or 'index')}-{digest}.html")


def _part(text: str) -> str:
    """One part of a path: never empty, `.` or `..`, nor too long for a disk."""
    part = _ODD.sub("_", text).strip(" ").rstrip(".")
    if len(part.encode()) > _LONGEST:
        digest = hashlib.sha256(part.encode()).hexdigest()[:12]
        stem, dot, suffix = part.rpartition(".")
        kept = dot + suffix if stem and len(suffix.encode()) <= 8 else ""
        room = _LONGEST - len(digest) - 1 - len(kept.encode())
        part = f"{(stem if kept else part).encode()[:room].decode(errors='ignore')}-{digest}{kept}"
    return part or "_"
