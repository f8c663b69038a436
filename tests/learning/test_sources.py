"""The table of sources says what it means or is refused by name, and its files are read or one fault each."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from feedclean.errors import CorpusError
from feedclean.formats.limits import Limits
from feedclean.learning.annotations import annotations_in, files_of
from feedclean.learning.downloads import Downloads
from feedclean.learning.sources import TABLE, File, table_of

ANNOTATIONS = Path(__file__).parents[2] / "training_data" / "annotations"
COMMIT, OTHER = "1" * 40, "2" * 40
PAGES: dict[str, Any] = {"repository": "who/pages", "form": "html", "commit": COMMIT, "path": "html/{document}.html.gz"}
NEWS: dict[str, Any] = {
    "repository": "who/news",
    "form": "json",
    "files": {"a.json": COMMIT, "b c.json": OTHER},
    "fields": {"document": "id", "title": "title", "text": "text"},
}
ADDRESS = "https://raw.example/{repository}/{commit}/{path}"


def table(folder: Path, sources: object, address: object = ADDRESS, **more: object) -> Path:
    (folder / TABLE).write_text(json.dumps({"address": address, "sources": sources, **more}), encoding="utf-8")
    return folder


def test_the_table_of_the_project_knows_every_annotated_document() -> None:
    known = table_of(ANNOTATIONS)
    for path, document in annotations_in(ANNOTATIONS):
        source = document["source"]
        assert known.sources[source["set"]].of(source["document"]), f"{path}: {source}"
    urls = {known.url(file) for file in files_of(ANNOTATIONS, known)}
    assert len(urls) > 500 and all(url.startswith("https://raw.githubusercontent.com/") for url in urls)


def test_a_document_becomes_a_path_and_a_path_an_address(tmp_path: Path) -> None:
    folders = {**PAGES, "path": "{folder}/html/{name}.gz", "commits": {"dev/7": OTHER}}
    known = table_of(table(tmp_path, {"pages": PAGES, "folders": folders, "news": NEWS}))
    (plain,), (moved,), (kept,) = (
        known.sources[s].of(d) for s, d in (("pages", "ab"), ("folders", "dev/7"), ("folders", "x/8"))
    )
    assert plain == File("who/pages", COMMIT, "html/ab.html.gz")
    assert (moved.commit, moved.path, kept.commit) == (OTHER, "dev/html/7.gz", COMMIT)
    assert [known.url(file) for file in known.sources["news"].of("any")] == [
        f"https://raw.example/who/news/{COMMIT}/a.json",
        f"https://raw.example/who/news/{OTHER}/b%20c.json",
    ]


def test_a_document_that_no_commit_is_known_to_have_is_in_no_file(tmp_path: Path) -> None:
    rare = {"repository": "who/rare", "form": "html", "path": "{document}", "commits": {"a": COMMIT}}
    source = table_of(table(tmp_path, {"rare": rare})).sources["rare"]
    assert source.of("b") == () and len(source.of("a")) == 1


@pytest.mark.parametrize("name", ["../../x", "a/../b", "", "/etc", "a\\b", "a\nb"])
def test_no_document_leads_out_of_the_repository(tmp_path: Path, name: str) -> None:
    source = table_of(table(tmp_path, {"pages": {**PAGES, "path": "{document}"}})).sources["pages"]
    with pytest.raises(CorpusError, match="no file of a repository"):
        source.of(name)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"form": "xml"}, "form"),
        ({"repository": "pages"}, "OWNER/NAME"),
        ({"repository": "../pages"}, "OWNER/NAME"),
        ({"commit": "main"}, "40 hexadecimal"),
        ({"commit": 4}, "commit: a text"),
        ({"commits": {"a": 4}}, "commits: an object of texts"),
        ({"commits": []}, "commits: an object of texts"),
        ({"path": "index.html"}, "{document}"),
        ({"path": ""}, "either `path` or `files`"),
        ({"files": {"a": COMMIT}}, "either `path` or `files`"),
        ({"branch": "main"}, "'branch' is not known"),
        ({"form": "csv"}, "json and csv have `files`"),
        ({"path": "", **NEWS, "fields": {"document": "id"}}, "document, text, title"),
        ({"path": "", **NEWS, "files": {"../a": COMMIT}}, "inside the repository"),
    ],
)
def test_a_source_that_makes_no_sense_is_named_with_what_is_wrong(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(CorpusError) as fault:
        table_of(table(tmp_path, {"pages": {**PAGES, **change}}))
    assert told in str(fault.value) and "pages: " in str(fault.value) and TABLE in str(fault.value)


@pytest.mark.parametrize("address", ["ftp://x/{repository}/{commit}/{path}", "https://x/{repository}/{path}", 4])
def test_an_address_that_makes_no_sense_is_refused(tmp_path: Path, address: object) -> None:
    with pytest.raises(CorpusError, match="address: "):
        table_of(table(tmp_path, {}, address))


def test_what_is_no_table_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"no sources\.json there"):
        table_of(tmp_path)
    for content in ("[]", "{", '{"address": ""}', "[" * 100_000):
        (tmp_path / TABLE).write_text(content, encoding="utf-8")
        with pytest.raises(CorpusError, match=TABLE):
            table_of(tmp_path)
    with pytest.raises(CorpusError, match="is wanted"):
        table_of(table(tmp_path, {}, more=1))
    with pytest.raises(CorpusError, match="pages: an object"):
        table_of(table(tmp_path, {"pages": 4}))


def test_the_table_of_a_folder_holds_for_a_file_and_a_folder_in_it(tmp_path: Path) -> None:
    table(tmp_path, {})
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "a.jsonl").touch()
    for annotated in (tmp_path, tmp_path / "dev", tmp_path / "dev" / "a.jsonl"):
        assert table_of(annotated).sources == {}


# ── What the files hold ───────────────────────────────────────────────────────────────────────────────────────────


def downloads(folder: Path, files: dict[str, bytes]) -> Downloads:
    return Downloads(table_of(table(folder, {"pages": PAGES, "news": NEWS})), lambda file: files.get(file.path))


def test_pages_are_read_packed_or_not(tmp_path: Path) -> None:
    page = b"<p>Acme rose.</p>"
    for data in (page, gzip.compress(page)):
        found = downloads(tmp_path, {"html/a.html.gz": data}).find("pages", "a")
        assert found is not None and [piece.text for piece in found.blocks()] == ["Acme rose."]


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    known = downloads(tmp_path, {"a.json": b"[]"})
    assert known.find("pages", "a") is known.find("news", "a") is known.find("others", "a") is None
    assert not known.faults


def test_an_entry_is_found_in_whichever_file_has_it(tmp_path: Path) -> None:
    known = downloads(tmp_path, {"a.json": b"broken", "b c.json": b'[{"id": "7", "title": "T", "text": "a"}]'})
    found = known.find("news", "7")
    assert found is not None and found.title == "T"
    assert [file.path for file in known.faults] == ["a.json"]
    assert known.find("news", "8") is None


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(b"<p>Acme rose.</p>")[:-9],
        b"\x1f\x8bnothing",
        gzip.compress(b" " * (Limits().bytes + 1)),
        b" " * (Limits().bytes + 1),
    ],
    ids=["cut short", "not packed", "bomb", "large"],
)
def test_a_file_that_cannot_be_read_is_a_fault_and_its_document_missing(tmp_path: Path, data: bytes) -> None:
    known = downloads(tmp_path, {"html/a.html.gz": data})
    assert known.find("pages", "a") is None and len(known.faults) == 1
