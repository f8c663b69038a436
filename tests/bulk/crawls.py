"""Containers as crawlers and people make them, in memory."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

PAGE = b"<html><body><p>Acme earned 4 million euros.</p><p>Acme shares: buy or sell?</p></body></html>"


def chunked(body: bytes, size: int = 40) -> bytes:
    """A body in HTTP's chunks."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def record(
    url: str, body: bytes = PAGE, *, status: int = 200, http: str = "Content-Type: text/html", warc: str = ""
) -> bytes:
    """One WARC record with an HTTP answer; `http` and `warc` are further headers, one a line."""
    lines = [f"HTTP/1.1 {status} X", *filter(None, http.split("\n"))]
    block = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    head = [
        "WARC/1.1",
        "WARC-Type: response",
        f"WARC-Target-URI: {url}",
        "Content-Type: application/http; msgtype=response",
    ]
    head += [*filter(None, warc.split("\n")), f"Content-Length: {len(block)}"]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + block + b"\r\n\r\n"


def packed(*records: bytes) -> bytes:
    """Records as WARC files are packed: one by one."""
    return b"".join(gzip.compress(one) for one in records)


def lines(*values: object) -> bytes:
    """JSON lines; what is bytes already stays as it is."""
    return b"".join(value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n" for value in values)


def zipped(path: Path, **files: bytes) -> Path:
    """A zip archive; `__` in a name stands for `/`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/") + ".html", data)
    return path


def tarred(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    """A tar archive."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path
