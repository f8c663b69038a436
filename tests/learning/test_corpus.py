"""Labelled documents are read whole or refused by line, and stay beside their labels however they are arranged."""

from __future__ import annotations

import codecs
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedclean.errors import CorpusError
from feedclean.learning import corpus
from feedclean.learning.corpus import Example
from feedclean.learning.documents import holds_documents
from feedclean.types import Block, Kind
from tests.learning.models import DATA

DOCUMENT: dict[str, Any] = {
    "id": "x-1",
    "lang": "en",
    "kind": "article",
    "style": "wire",
    "title": "Acme beats forecast",
    "title_label": "plain",
    "blocks": [
        {"html": "<p>Revenue rose 4 %.</p>", "label": "editorial"},
        {"html": "<p>Get our report!</p>", "label": "promo", "unsure": True, "containers": ["div.box", "body"]},
    ],
}


@cache
def examples() -> list[Example]:
    return corpus.load([DATA])


def lines(path: Path, *documents: object) -> Path:
    told = [one if isinstance(one, str) else json.dumps(one) for one in documents]
    path.write_text("\n".join(told) + "\n", encoding="utf-8")
    return path


def changed(**changes: object) -> dict[str, Any]:
    return {**DOCUMENT, **changes}


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_document_is_read_with_its_labels(tmp_path: Path) -> None:
    (example,) = corpus.load([lines(tmp_path / "a.jsonl", DOCUMENT)])
    assert [block.text for block in example.passage.blocks] == ["Revenue rose 4 %.", "Get our report!"]
    assert [corpus.LABELS[label] for label in example.labels] == ["editorial", "promo"]
    assert example.unsure == (False, True) and example.title_label == 0 and not example.real
    assert example.passage.blocks[1].containers == ("div.box", "body")


def test_a_guess_is_no_label_and_stands_where_it_stood(tmp_path: Path) -> None:
    guessed = {"html": "<p>And more.</p>", "guess": "promo", "probability": 0.9}
    mixed = changed(blocks=[guessed, *DOCUMENT["blocks"]])
    (example,) = corpus.load([lines(tmp_path / "a.jsonl", mixed, changed(id="x-2", blocks=[guessed]))])
    assert example.labels == (corpus.UNLABELLED, 0, 1)
    assert [block.text for block in example.passage.blocks] == ["And more.", "Revenue rose 4 %.", "Get our report!"]


def test_a_title_may_be_without_a_label_and_a_source_tells_real_pages(tmp_path: Path) -> None:
    (example,) = corpus.load([lines(tmp_path / "a.jsonl", changed(title_label=None, source={"set": "s"}))])
    assert example.title_label == -1 and example.real


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('{"id": "x-1", "lang": "en", "blo', "not JSON"),
        ("[1, 2]", "an object is wanted, not a list"),
        ("null", "an object is wanted, not null"),
        (changed(blocks=[{"html": "<p>x</p>", "label": "advert"}]), 'block 0: label: "advert" is not one of'),
        (changed(blocks=[{"html": "<p>x</p>"}]), "label"),
        (changed(blocks=[{"label": "promo"}]), "html"),
        (changed(blocks=[{"html": 5, "label": "promo"}]), "block 0: html: text is wanted, not 5"),
        (changed(blocks=["<p>x</p>"]), "block 0: an object is wanted"),
        (changed(blocks={"html": "x"}), "blocks: a list"),
        (changed(blocks=None), "blocks: a list"),
        (changed(title_label="bait"), "bait"),
        ({key: value for key, value in DOCUMENT.items() if key != "style"}, "style"),
        ({key: value for key, value in DOCUMENT.items() if key != "blocks"}, "blocks"),
        ("[" * 100_000, ""),
    ],
)
def test_a_line_that_cannot_be_used_is_named_by_file_and_number(tmp_path: Path, line: object, named: str) -> None:
    path = lines(tmp_path / "a.jsonl", DOCUMENT, "", line, DOCUMENT)
    with pytest.raises(CorpusError) as caught:
        corpus.load([path])
    told = str(caught.value)
    assert f"{path}:3" in told and named in told and "\n" not in told and "corpus check" in told


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0b", "\x1e"])
def test_only_line_feeds_end_a_line(tmp_path: Path, separator: str) -> None:
    document = changed(blocks=[{"html": f"<p>a{separator}b</p>", "label": "editorial"}])
    told = json.dumps(document, ensure_ascii=False)
    (example,) = corpus.load([lines(tmp_path / "a.jsonl", told)])
    assert example.passage.blocks[0].source == f"<p>a{separator}b</p>"


def test_a_mark_of_the_byte_order_before_the_first_line_is_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(codecs.BOM_UTF8 + json.dumps(DOCUMENT).encode() + b"\r\n")
    assert [example.id for example in corpus.load([path])] == ["x-1"] and holds_documents(path)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\xff\xfe\0")
    with pytest.raises(CorpusError, match=r"a\.jsonl"):
        corpus.load([tmp_path])


def test_places_without_documents_are_named(tmp_path: Path) -> None:
    for place in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(CorpusError, match=str(tmp_path)):
            corpus.load([place])


def test_a_folder_holds_written_and_real_documents_in_a_fixed_order(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for name in ("b.jsonl", "a.jsonl", "real/c.jsonl"):
        lines(tmp_path / name, changed(id=name))
    assert [example.id for example in corpus.load([tmp_path])] == ["a.jsonl", "b.jsonl", "real/c.jsonl"]


def test_the_digest_knows_contents_and_names_but_not_places(tmp_path: Path) -> None:
    for folder, document in (("one", DOCUMENT), ("two", DOCUMENT), ("three", changed(title="Other"))):
        (tmp_path / folder).mkdir()
        lines(tmp_path / folder / "a.jsonl", document)
    one, two, three = (corpus.digest([tmp_path / folder]) for folder in ("one", "two", "three"))
    assert one == two != three
    (tmp_path / "two" / "a.jsonl").rename(tmp_path / "two" / "b.jsonl")
    assert corpus.digest([tmp_path / "two"]) != one


# ── Other arrangements of the same documents ─────────────────────────────────────────────────────────────────────


def test_documents_as_text_only_keep_text_and_labels() -> None:
    for example in examples():
        plain = corpus.plain(example)
        assert plain.labels == example.labels
        for before, after in zip(example.passage.blocks, plain.passage.blocks, strict=True):
            assert after == Block(before.text, Kind.TEXT, before.text)


def test_documents_without_their_page_keep_text_links_and_labels() -> None:
    for example in examples():
        bare = corpus.bare(example)
        assert bare.labels == example.labels
        for before, after in zip(example.passage.blocks, bare.passage.blocks, strict=True):
            assert (after.text, after.links, after.tag) == (before.text, before.links, before.tag)
            assert not after.names and not any("." in name for name in after.containers)


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_blocks_that_feeds_borrow_keep_their_labels(seed: int) -> None:
    """Every text in a feed has a label that it has somewhere in the corpus."""
    known = {
        (block.text, label)
        for example in examples()
        for block, label in zip(example.passage.blocks, example.labels, strict=True)
    }
    feeds = corpus.feeds(examples(), seed)
    for feed in feeds:
        assert len({example.style for example in feed}) == 1 and len(feed) > 1
        for example in feed:
            assert len(example.labels) == len(example.unsure) == len(example.passage.blocks)
            assert known.issuperset(zip((b.text for b in example.passage.blocks), example.labels, strict=True))


def test_feeds_repeat_and_are_the_same_for_the_same_seed() -> None:
    feeds = corpus.feeds(examples(), 1)
    assert feeds == corpus.feeds(examples(), 1) != corpus.feeds(examples(), 2)
    repeats: Counter[int] = Counter()
    for feed in feeds:
        held = Counter(
            (block.text, label)
            for example in feed
            for block, label in set(zip(example.passage.blocks, example.labels, strict=True))
        )
        repeats.update(label for (_, label), count in held.items() if count > 1)
    assert repeats[1] and repeats[1] > repeats[0] / 5  # pitches, above all


def test_real_pages_are_left_out_of_feeds() -> None:
    from dataclasses import replace

    assert corpus.feeds([replace(example, real=True) for example in examples()], 0) == []
