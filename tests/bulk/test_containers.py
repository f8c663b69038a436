"""Files that hold many documents: all of them come out, whatever is wrong with some."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import sys
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path, PurePath, PurePosixPath

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.bulk import Source
from feedclean.bulk.containers import open_container, packed, places
from feedclean.bulk.containers.archives import tar_sources
from feedclean.bulk.containers.lines import line_sources
from feedclean.formats.limits import Limits
from tests.bulk import crawls
from tests.bulk.crawls import PAGE, chunked, record

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

URL = "https://news.example/a"
PACKERS: list[Callable[[bytes], bytes]] = [gzip.compress, bz2.compress, lzma.compress, zstd.compress]


def opened(path: Path) -> tuple[list[Source], int]:
    """All sources of a container, and how many entries were skipped."""
    skipped: list[None] = []
    container = open_container(path, path.name, PurePath(path.name))
    assert container is not None
    return list(container.sources(lambda: skipped.append(None))), len(skipped)


def contents(path: Path) -> list[bytes | str]:
    """What each source holds, or its fault."""
    return [str(source.fault) if source.fault else source.data or b"" for source in opened(path)[0]]


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write(name: str, data: bytes) -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


Put = Callable[[str, bytes], Path]


@pytest.mark.parametrize(
    ("http", "body"),
    [
        ("", PAGE),
        ("Content-Encoding: gzip", gzip.compress(PAGE)),
        ("Content-Encoding: br", brotli.compress(PAGE)),
        ("Content-Encoding: deflate", zlib.compress(PAGE)),
        ("Content-Encoding: deflate", zlib.compress(PAGE)[2:-4]),
        ("Content-Encoding: zstd", zstd.compress(PAGE)),
        ("Transfer-Encoding: chunked", chunked(PAGE)),
        ("Transfer-Encoding: chunked\nContent-Encoding: gzip", chunked(gzip.compress(PAGE))),
        ("Content-Encoding: gzip", PAGE),  # unpacked by the crawler, which kept the header
        ("Transfer-Encoding: chunked", PAGE),
    ],
    ids="plain gzip br deflate raw-deflate zstd chunked chunked-gzip not-gzip not-chunked".split(),
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_warc_record_gives_the_page_as_a_reader_would_see_it(
    put: Put, http: str, body: bytes, pack: Callable[[bytes], bytes]
) -> None:
    path = put("crawl.warc.gz", pack(record(URL, body, http=f"Content-Type: text/html\n{http}")))
    (source,), skipped = opened(path)
    assert (source.data, source.url, source.fault, skipped) == (PAGE, URL, None, 0)
    assert source.name == f"crawl.warc.gz!{URL}"
    assert source.place.parts[:2] == ("crawl", "news.example")


def test_the_character_set_of_the_answer_comes_along(put: Put) -> None:
    path = put("crawl.warc", record(URL, PAGE, http='Content-Type: text/html; charset="Windows-1251"'))
    assert [source.charset for source in opened(path)[0]] == ["Windows-1251"]


def test_only_good_answers_with_pages_and_feeds_are_documents(put: Put) -> None:
    records = [
        record(URL),
        record(URL + "?2", http="Content-Type: application/rss+xml; charset=utf-8"),
        record(URL + "?3", http=""),  # who knows
        record(URL, http="Content-Type: image/png"),
        record(URL, status=404),
        record(URL, status=301),
        b"WARC/1.0\r\nWARC-Type: request\r\nContent-Length: 4\r\n\r\nGET \r\n\r\n",
    ]
    found, skipped = opened(put("c.warc", b"".join(records)))
    assert ([source.fault for source in found], skipped) == ([None] * 3, 3)


@pytest.mark.parametrize("pack", [crawls.packed, lambda *records: b"".join(records)], ids=["packed", "plain"])
def test_a_record_that_is_cut_off_fails_and_the_others_are_read(put: Put, pack: Callable[..., bytes]) -> None:
    """Wherever the file ends."""
    whole = pack(record(URL), record(URL))
    second = len(whole) // 2
    for end in [*range(second + 1, len(whole) - 4, 23), len(whole) - 9]:
        first, *more, last = contents(put("c.warc", whole[:end]))
        assert first == PAGE
        assert not more or (more == [PAGE] and whole[:2] == b"\x1f\x8b")  # only the check sum was lost
        assert isinstance(last, str) and ("cut off" in last or "a damaged record" in last)
    assert contents(put("c.warc", whole)) == [PAGE, PAGE]
    assert contents(put("c.warc", whole[:second])) == [PAGE]


@pytest.mark.parametrize("pack", [crawls.packed, lambda *records: b"".join(records)], ids=["packed", "plain"])
def test_a_damaged_record_fails_alone(put: Put, pack: Callable[..., bytes]) -> None:
    whole = bytearray(pack(record(URL), record(URL), record(URL)))
    start = len(whole) // 3
    whole[start + 8 : start + 40] = b"\xff" * 32
    found = contents(put("c.warc", bytes(whole)))
    assert found.count(PAGE) == 2
    assert any(isinstance(one, str) and "damaged record after byte 0" in one for one in found)


def test_a_record_that_the_crawler_cut_off_says_so(put: Put) -> None:
    (told,) = contents(put("c.warc", record(URL, warc="WARC-Truncated: length")))
    assert isinstance(told, str) and told.startswith(f"c.warc!{URL}: cut off by the crawler (length)")


def test_a_body_that_is_a_bomb_is_refused_and_the_next_is_read(put: Put) -> None:
    bomb = record(URL, gzip.compress(bytes(40 << 20)), http="Content-Encoding: gzip")
    told, page = contents(put("c.warc", bomb + record(URL)))
    assert isinstance(told, str) and "too large: more than 16,777,216 bytes" in told
    assert page == PAGE


def test_json_lines_are_pages_and_a_broken_line_is_named(put: Put) -> None:
    data = crawls.lines(
        {"url": URL, "html": "<p>One"},
        b"{broken\n",
        {"url": URL},
        b"\n",
        ["x"],
        {"url": 7, "html": ""},
        {"html": "<p>Ü"},
    )
    for path in (put("pages.jsonl", data), put("pages.jsonl.gz", gzip.compress(data))):
        found, _ = opened(path)
        assert [source.name for source in found] == [f"{path.name}:{number}" for number in (1, 2, 3, 5, 6, 7)]
        assert [source.data for source in found if source.fault is None] == [b"<p>One", "<p>Ü".encode()]
        assert found[0].url == URL and found[0].place.parts[:2] == ("pages", "news.example")
        assert str(found[1].fault).startswith(f"{path.name}:2: not JSON (")
        assert "no page in this line" in str(found[2].fault)


def test_json_lines_are_known_by_their_first_line_but_a_feed_is_none(put: Put) -> None:
    assert len(contents(put("data", crawls.lines({"html": "<p>x", "url": URL})))) == 1
    for other in (b'{"version": "https://jsonfeed.org/version/1.1"}', b'{\n "html": "x"}', b"{", b"{{title}}\n<p>x"):
        path = put("data", other)
        assert open_container(path, "data", PurePath("data")) is None


def test_archives_give_their_files_with_their_places(tmp_path: Path) -> None:
    files = {"news/a.html": b"<p>A", "b.xml": b"<rss/>", ".hidden/c.html": b"", "logo.png": b""}
    archives = [
        crawls.tarred(tmp_path / f"x.tar{suffix}", files, f"w:{suffix[1:]}") for suffix in ("", ".gz", ".bz2", ".xz")
    ]
    (tmp_path / "x.tar.zst").write_bytes(zstd.compress(archives[0].read_bytes()))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    for path in [*archives, tmp_path / "x.tar.zst", tmp_path / "x.zip"]:
        found, skipped = opened(path)
        assert [(source.place, source.data) for source in found] == [
            (PurePath("x/news/a.html"), b"<p>A"),
            (PurePath("x/b.xml"), b"<rss/>"),
        ], path
        assert skipped == 2
        assert found[0].name == f"{path.name}!news/a.html"


@pytest.mark.parametrize("pack", PACKERS, ids=["gzip", "bzip2", "xz", "zstd"])
def test_a_packed_document_is_one_document(put: Put, pack: Callable[[bytes], bytes]) -> None:
    (source,), _ = opened(put("page.html.gz", pack(PAGE)))
    assert (source.data, source.place, source.name) == (PAGE, PurePath("page.html"), "page.html.gz")


@pytest.mark.parametrize("pack", PACKERS, ids=["gzip", "bzip2", "xz", "zstd"])
def test_a_packed_document_in_an_archive_is_one_document(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    files = {"a.html.gz": pack(PAGE), "b": pack(PAGE), "c.gz": pack(PAGE)[:-9], "d.gz": pack(bytes(17 << 20))}
    for path in (crawls.tarred(tmp_path / "x.tar", files), crawls.zipped(tmp_path / "y.zip", a=pack(PAGE))):
        found, _ = opened(path)
        assert found[0].data == PAGE
    found, _ = opened(tmp_path / "x.tar")
    assert [str(source.place) for source in found[:2]] == ["x/a.html", "x/b"]
    assert found[1].data == PAGE
    assert "packing is cut off" in str(found[2].fault)
    assert str(found[3].fault).startswith("x.tar!d.gz: too large")


def test_packed_documents_in_an_archive_count_as_what_they_unpack_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "FREE", 1 << 20)
    bombs = {f"{number}.gz": gzip.compress(bytes(1 << 20)) for number in range(9)}
    found = contents(crawls.tarred(tmp_path / "x.tar.gz", bombs, "w:gz"))
    assert len(found) == 2 and "unpacks to more than" in str(found[-1])


@pytest.mark.parametrize("pack", PACKERS, ids=["gzip", "bzip2", "xz", "zstd"])
def test_what_is_packed_and_cut_off_or_a_bomb_is_one_clear_fault(put: Put, pack: Callable[[bytes], bytes]) -> None:
    (told,) = contents(put("page.html.gz", pack(os.urandom(5000))[:-1000]))
    assert isinstance(told, str) and "packing is cut off" in told
    (told,) = contents(put("bomb.gz", pack(bytes(Limits().bytes + 1))))
    assert isinstance(told, str) and told.startswith("bomb.gz: too large: more than 16,777,216 bytes")


def test_an_archive_that_unpacks_to_too_much_ends_there(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "FREE", 1 << 20)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, size in (("a.html", 4), ("zeros.html", 30 << 20), ("b.html", 4)):
            entry = tarfile.TarInfo(name)
            entry.size = size
            archive.addfile(entry, io.BytesIO(bytes(size)))
    first, too_large, bomb = contents(put("x.tgz", buffer.getvalue()))
    assert first == bytes(4)
    assert isinstance(too_large, str) and too_large.startswith("x.tgz!zeros.html: too large")
    assert isinstance(bomb, str) and bomb.startswith("x.tgz: it unpacks to more than 250 times its size")


def test_files_of_a_zip_that_overlap_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from feedclean.bulk.containers import archives

    monkeypatch.setattr(archives, "FREE", 1 << 20)
    path = crawls.zipped(tmp_path / "x.zip", **{f"f{number}": bytes(1 << 20) for number in range(9)})
    assert "unpacks to more than 250 times" in str(contents(path)[-1])
    assert len(contents(path)) < 9


def test_a_zip_that_is_damaged_encrypted_or_has_a_huge_directory_is_refused(tmp_path: Path, put: Put) -> None:
    whole = crawls.zipped(tmp_path / "x.zip", a=PAGE, b=PAGE).read_bytes()
    (told,) = contents(put("y.zip", whole[:-30]))
    assert isinstance(told, str) and "cut off or damaged" in told
    broken = bytearray(whole)
    broken[45:55] = bytes(10)
    told, page = contents(put("y.zip", bytes(broken)))
    assert isinstance(told, str) and told.startswith("y.zip!a.html: cut off or damaged") and page == PAGE
    newer = bytearray(whole)
    struct.pack_into("<H", newer, whole.index(b"PK\x01\x02") + 10, 77)  # a compression that nobody has
    told, page = contents(put("y.zip", bytes(newer)))
    assert isinstance(told, str) and "in a way that is not known here" in told and page == PAGE
    struct.pack_into("<H", newer, whole.index(b"PK\x01\x02") + 6, 99)
    (told,) = contents(put("y.zip", bytes(newer)))
    assert isinstance(told, str) and told.startswith("y.zip: a zip file of a kind that is not known here")
    locked = bytearray(whole)
    locked[whole.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in str(contents(put("y.zip", bytes(locked)))[0])
    huge = bytearray(whole)
    struct.pack_into("<I", huge, whole.index(b"PK\x05\x06") + 12, 1 << 30)
    assert "a zip directory of more than 64 MiB" in str(contents(put("y.zip", bytes(huge)))[0])


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_file_that_is_cut_off_gives_what_came_before(tmp_path: Path, put: Put, mode: str) -> None:
    noise = {name: os.urandom(5000) for name in ("a.html", "b.html")}
    whole = crawls.tarred(tmp_path / "x.tar", noise, mode).read_bytes()
    for end in range(7000, 10000, 700):
        first, told = contents(put("y.tar", whole[:end]))
        assert first == noise["a.html"]
        assert isinstance(told, str) and "cut off" in told and "what came before it was read" in told


def test_an_office_document_is_no_archive(put: Put) -> None:
    path = put("a.docx", b"PK\x03\x04\x14\0\6\0\x08\0\0\0!\0" + bytes(16) + b"[Content_Types].xml")
    assert open_container(path, "a.docx", PurePath("a.docx")) is None


def test_a_tar_header_that_would_fill_the_memory_is_refused(put: Put) -> None:
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = tarfile.XHDTYPE, 1 << 40
    (told,) = contents(put("x.tar", entry.tobuf(tarfile.USTAR_FORMAT if entry.size < 1 << 33 else tarfile.GNU_FORMAT)))
    assert isinstance(told, str) and "a tar header of 1,099,511,627,776 bytes" in told


def test_containers_inside_containers_stay_shut(tmp_path: Path) -> None:
    """What is inside is one document that cannot be read, and says what it is."""
    from feedclean.bulk import Options, clean_one
    from tests.cli.fake_judge import FakeJudge

    zipped = crawls.zipped(tmp_path / "inner.zip", a=PAGE).read_bytes()
    tarred = crawls.tarred(tmp_path / "inner.tar.gz", {"a.html": PAGE}, "w:gz").read_bytes()
    crawl = gzip.compress(record(URL))
    inner = {"a zip file": zipped, "a gzip file": tarred, "a gzip file ": crawl}
    found, _ = opened(crawls.tarred(tmp_path / "x.tar", inner))
    for source, told in zip(found, inner, strict=True):
        assert f"{told.strip()}; unpack it first" in str(clean_one(source, Options(model=FakeJudge())).fault)


@given(st.text())
def test_no_name_leads_out_of_the_output_folder(name: str) -> None:
    for place in (places.of_member(name), places.of_url(name), places.of_url(f"https://{name}/{name}")):
        assert not place.is_absolute() and ".." not in place.parts and place.parts
        assert all(
            len(part.encode()) <= 120 and part.isprintable() for part in map(str, place.parts) if part.isprintable()
        )
        assert not any(character in str(place) for character in "\0\n\\:")


@given(st.binary(max_size=400), st.sampled_from(["", "a.jsonl", "b.warc", "c.zip"]))
def test_any_bytes_are_a_container_with_sources_or_none(data: bytes, name: str) -> None:
    import tempfile

    starts = {"": b"", "a.jsonl": b"{", "b.warc": b"WARC/1.0\r\n", "c.zip": b"PK\x03\x04"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (name or "x")
        path.write_bytes(starts[name] + data)
        container = open_container(path, "x", PurePath("x"))
        if container is not None:
            assert all(source.fault or source.data is not None for source in container.sources(lambda: None))


def test_a_container_is_streamed_whatever_its_size() -> None:
    """Lines and files of archives leave nothing in memory."""

    class Endless(io.RawIOBase):
        """A tar of small files, or JSON lines, without end."""

        def __init__(self, one: bytes) -> None:
            self._one, self._left = one, b""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            self._left = self._left or self._one * 100
            part, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
            buffer[: len(part)] = part
            return len(part)

    entry = tarfile.TarInfo("a.html")
    entry.size = 512
    readers = {
        "lines": line_sources(io.BufferedReader(Endless(b'{"html": "<p>News"}\n')), "x", PurePath("x")),
        "tar": tar_sources(io.BufferedReader(Endless(entry.tobuf() + bytes(512))), "x", PurePath("x"), lambda: None),
    }
    for name, sources in readers.items():
        for _ in islice(sources, 500):
            pass
        peaks = []
        for _ in range(2):  # tables of the interpreter may grow once
            tracemalloc.start()
            for source in islice(sources, 2000):
                assert source.fault is None
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert min(peaks) < 300_000, name


def test_places_tell_addresses_apart() -> None:
    urls = [
        "https://x.example/a",
        "https://x.example/a?b",
        "https://x.example/a#b",
        "https://x.example/",
        "nonsense",
        "",
    ]
    found = [places.of_url(url) for url in urls]
    assert len(set(found)) == len(urls)
    assert found[3].name.startswith("index-")
    assert isinstance(found[0], PurePosixPath)
