"""Annotations hold no text, and find theirs again or say that it has changed."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from feedclean.errors import CorpusError
from feedclean.judging.blocks import whole
from feedclean.learning import corpus
from feedclean.learning.annotations import Fetched, Tally, annotate, annotation, documents, in_folder
from feedclean.learning.annotations import materialise as put_together
from feedclean.learning.matching import digest

TEXTS = ("<p>Revenue rose 4 %.</p>", "<p class=x>Get our <b>secret</b> report!</p>", "<p>© Publisher</p>")


def document(number: int = 1, texts: tuple[str, ...] = TEXTS) -> dict[str, Any]:
    labels = ("editorial", "promo", "boilerplate")
    blocks = [
        {"index": place, "digest": digest(whole(text, ()).text), "html": text, "label": label, "containers": ["div.a"]}
        for place, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]
    blocks[1]["unsure"] = True
    return {
        "id": f"real-{number}",
        "lang": "en",
        "kind": "article",
        "style": "real-publisher",
        "title": "Acme beats forecast",
        "title_label": "plain",
        "source": {"set": "pages", "document": f"{number}.html"},
        "blocks": blocks,
    }


def materialise(annotated: Path, folder: Path, target: Path) -> Fetched:
    return put_together(annotated, in_folder(folder), target)


def write(path: Path, *found: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    told = "".join(json.dumps(one) + "\n" for one in found)
    if path.suffix == ".xz":
        path.write_bytes(lzma.compress(told.encode()))
    else:
        path.write_text(told, encoding="utf-8")
    return path


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    source = write(tmp_path / "labelled.jsonl", document(1), document(2))
    assert annotate(source, tmp_path / "annotations" / "pages.jsonl") == 2
    return tmp_path / "annotations" / "pages.jsonl"


def test_annotations_hold_none_of_the_text(annotated: Path) -> None:
    told = annotated.read_text(encoding="utf-8")
    for word in ("Revenue", "secret", "Publisher", "forecast"):
        assert word not in told
    assert '"unsure":true' in told and '"label":"promo"' in told


@pytest.mark.parametrize("name", ["pages.jsonl", "pool.jsonl.xz", "deep/er/x.jsonl"])
def test_text_and_labels_come_together_again(annotated: Path, tmp_path: Path, name: str) -> None:
    found = document(1)
    for block in found["blocks"]:
        block["label"] = "editorial"  # labels of the folder are ignored
    write(tmp_path / "from" / name, found, document(2))
    done = materialise(annotated, tmp_path / "from", tmp_path / "real")
    assert (done.total, done.missing) == (Tally(2, 6, 0, 0), ()) and list(done.sets) == ["pages"]
    first, second = corpus.load([tmp_path / "real"])
    assert [corpus.LABELS[label] for label in first.labels] == ["editorial", "promo", "boilerplate"]
    assert first.unsure == (False, True, False) and first.real and first.passage.title == "Acme beats forecast"
    assert first.passage.blocks == tuple(whole(text, ("div.a",)) for text in TEXTS) == second.passage.blocks


def test_what_has_changed_is_counted_and_left_out(annotated: Path, tmp_path: Path) -> None:
    found = document(1, ("<p>Revenue fell.</p>", *TEXTS[1:]))
    del found["blocks"][2]
    write(tmp_path / "from" / "a.jsonl", found, document(2))
    done = materialise(annotated, tmp_path / "from", tmp_path / "real")
    assert done.total == Tally(2, 4, 0, 2)
    assert [len(example.labels) for example in corpus.load([tmp_path / "real"])] == [1, 3]


def test_a_digest_is_of_what_is_read_not_of_the_markup(annotated: Path, tmp_path: Path) -> None:
    found = document(1, ("<div>Revenue  rose\n4 %.</div>", *TEXTS[1:]))
    for block in found["blocks"]:
        del block["digest"]
    write(tmp_path / "from" / "a.jsonl", found)
    assert materialise(annotated, tmp_path / "from", tmp_path / "real").total.changed == 0


def test_missing_documents_are_named_and_skipped(annotated: Path, tmp_path: Path) -> None:
    write(tmp_path / "from" / "a.jsonl", document(2))
    done = materialise(annotated, tmp_path / "from", tmp_path / "real")
    assert done.missing == ("pages/1.html",) and done.total == Tally(1, 3, 1, 0)


def test_a_document_without_a_known_block_is_not_written(annotated: Path, tmp_path: Path) -> None:
    write(tmp_path / "from" / "a.jsonl", document(1, ("<p>a</p>", "<p>b</p>", "<p>c</p>")))
    done = materialise(annotated, tmp_path / "from", tmp_path / "real")
    assert done.total == Tally(0, 0, 1, 3) and not (tmp_path / "real").exists()
    assert done.unlike == (("pages", "1.html"),)


def test_inputs_that_cannot_be_read_are_named(annotated: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere"):
        materialise(annotated, tmp_path / "nowhere", tmp_path / "real")
    write(tmp_path / "from" / "a.jsonl", document(1))
    for name, data in (
        ("torn.jsonl", b'{"id": 1}\n{"id"'),
        ("list.jsonl", b"[]\n"),
        ("torn.jsonl.xz", lzma.compress(b"{}\n" * 9)[:-9]),
        ("not.jsonl.xz", b"{}"),
        ("bytes.jsonl", b"\xff\xfe\n"),
        ("empty.jsonl", b"{}\n"),
        ("strings.jsonl", b'{"blocks": ["x"]}\n'),
        ("deep.jsonl", b"[" * 100_000 + b"\n"),
    ):
        path = tmp_path / "from" / name
        path.write_bytes(data)
        with pytest.raises(CorpusError, match=name):
            materialise(annotated, tmp_path / "from", tmp_path / "real")
        path.unlink()


def test_documents_are_read_line_by_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl.xz", document(1), document(2))
    assert [one["id"] for one in documents(path)] == ["real-1", "real-2"]


def test_written_documents_among_the_real_ones_are_passed_over(annotated: Path, tmp_path: Path) -> None:
    written = {"id": "x", "blocks": [{"html": "<p>a</p>", "label": "promo"}]}
    write(tmp_path / "from" / "a.jsonl", written, {**written, "blocks": []}, document(1), document(2))
    assert materialise(annotated, tmp_path / "from", tmp_path / "real").total.documents == 2


@pytest.mark.parametrize("lost", ["source", "index", "digest", "label"])
def test_a_document_without_its_source_cannot_be_annotated(tmp_path: Path, lost: str) -> None:
    found = document(1)
    for part in (found, *found["blocks"]):
        part.pop(lost, None)
    with pytest.raises(KeyError, match=lost):
        annotation(found)
    with pytest.raises(CorpusError, match=f"real-1.*{lost}"):
        annotate(write(tmp_path / "a.jsonl", found), tmp_path / "b.jsonl")


def test_nothing_is_written_if_an_annotation_is_none(annotated: Path, tmp_path: Path) -> None:
    write(tmp_path / "from" / "a.jsonl", document(1), document(2))
    write(annotated.parent / "torn.jsonl", {"id": "x", "source": {}, "blocks": [{"index": 0, "label": "promo"}]})
    with pytest.raises(CorpusError, match=r"'x' has blocks without digest or label"):
        materialise(annotated.parent, tmp_path / "from", tmp_path / "real")
    assert not (tmp_path / "real").exists()


def test_a_file_is_replaced_as_a_whole(annotated: Path, tmp_path: Path) -> None:
    write(tmp_path / "from" / "a.jsonl", document(1), document(2))
    target = write(tmp_path / "real" / "pages.jsonl", document(9))
    materialise(annotated, tmp_path / "from", tmp_path / "real")
    assert [one["id"] for one in documents(target)] == ["real-1", "real-2"]
    assert [path.name for path in target.parent.iterdir()] == ["pages.jsonl"]
