"""`feedclean corpus check` and `stats`: every fault of labelled data, with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

NEWS = (
    "The group sold 4,100 pumps to nine towns along the river and hopes for a second order in the spring of next year"
)


def document(**changed: Any) -> dict[str, Any]:
    """A document without a fault, some keys changed (or left out, if `None`)."""
    whole: dict[str, Any] = {
        "id": "en-1",
        "lang": "en",
        "kind": "article",
        "style": "plain-note",
        "title": "Pumps for Nine Towns",
        "title_label": "plain",
        "blocks": [{"html": f"<p>{NEWS}</p>", "label": "editorial"}, {"html": "<p>Ad</p>", "label": "promo"}],
    }
    return {key: value for key, value in {**whole, **changed}.items() if value is not None}


def block(**changed: Any) -> list[dict[str, Any]]:
    whole = {"html": "<p>News</p>", "label": "editorial"}
    return [{key: value for key, value in {**whole, **changed}.items() if value is not None}]


def test_data_without_a_fault_is_counted(run: Run) -> None:
    Path("data").mkdir()
    Path("data/a.jsonl").write_text(json.dumps(document()) + "\n\n")
    for command in ("check", "stats"):
        result = run("corpus", command, "data")
        assert result.exit_code == 0
        assert [line.split() for line in result.stdout.splitlines()] == [
            ["language", "en", "1", "100.0%"],
            ["label", "editorial", "1", "50.0%"],
            ["label", "promo", "1", "50.0%"],
            ["title", "plain", "1", "100.0%"],
        ]
    assert run("corpus", "check", "data").stderr == "feedclean: 1 documents, 2 blocks, 0 faults\n"


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (document(lang=None), "lang: missing"),
        (document(style=""), 'style: some text is wanted, not ""'),
        (document(id=7), "id: some text is wanted, not 7"),
        (document(kind="tweet"), 'kind: "tweet" is not one of feed_item, article'),
        (document(title=["x"]), 'title: text is wanted, not ["x"]'),
        (document(title_label="bait"), 'title_label: "bait" is not one of plain, clickbait'),
        (document(title_lable="plain"), "title_lable: no such key"),
        (document(blocks=[]), "blocks: a list with at least one block is wanted"),
        (document(blocks={}), "blocks: a list with at least one block is wanted"),
        (document(blocks=["x"]), 'block 0: an object is wanted, not "x"'),
        (document(blocks=block(label="advert")), 'block 0: label: "advert" is not one of editorial, promo'),
        (document(blocks=block(label=None)), "block 0: label: missing"),
        (document(blocks=block(html=" ")), "block 0: html: empty"),
        (document(blocks=block(html=3)), "block 0: html: text is wanted, not 3"),
        (document(blocks=block(unsure="yes")), 'block 0: unsure: true or false is wanted, not "yes"'),
        (document(blocks=block(containers="div")), "block 0: containers: a list of texts is wanted"),
        (document(blocks=block(lable="x")), "block 0: lable: no such key"),
        ([1], "line: an object is wanted, not a list"),
    ],
)
def test_every_fault_is_one_line_with_its_place(run: Run, bad: object, told: str) -> None:
    Path("a.jsonl").write_text(json.dumps(document(id="good")).replace(NEWS, "x") + "\n" + json.dumps(bad) + "\n")
    result = run("corpus", "check", "a.jsonl")
    assert result.exit_code == 1
    faults = [line for line in result.stdout.splitlines() if line.startswith("a.jsonl")]
    assert len(faults) == 1 and faults[0].startswith(f"a.jsonl:2: {told}")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data + data[:40], "a.jsonl:2: line: half a line: the file ends before the object does"),
        (lambda data: data[:40] + b"\n" + data, "a.jsonl:1: line: not JSON: "),
        (lambda data: data.replace(b"Nine", b"\xff"), "a.jsonl:1: line: not UTF-8 at byte "),
        (lambda data: data + data, 'a.jsonl:2: id: "en-1" stands at a.jsonl:1 already'),
        (
            lambda data: data + data.replace(b"en-1", b"en-2").replace(b"nine", b"ten").replace(b"4,100", b"77"),
            "a.jsonl:2: block 0: html: nearly repeats a.jsonl:1: block 0",
        ),
    ],
)
def test_broken_lines_and_repeats_are_found(run: Run, change: Callable[[bytes], bytes], told: str) -> None:
    Path("a.jsonl").write_bytes(change(json.dumps(document()).encode() + b"\n"))
    result = run("corpus", "check", "a.jsonl")
    assert result.exit_code == 1
    assert any(line.startswith(told) for line in result.stdout.splitlines())
    assert "tells what is wrong with them" in run("corpus", "stats", "a.jsonl").stderr


def test_a_line_separator_inside_a_text_parts_no_line(run: Run) -> None:
    Path("a.jsonl").write_text(json.dumps(document(title="One\u2028Two\x85"), ensure_ascii=False) + "\n", "utf-8")
    assert run("corpus", "check", "a.jsonl").exit_code == 0


def test_real_pages_may_repeat_themselves_and_have_no_title(run: Run) -> None:
    real = {"source": {"set": "s", "document": "d"}, "title_label": None}
    extra = {"index": 3, "digest": "00", "unsure": True, "containers": ["div.a"]}
    blocks = [{"html": f"<p>{NEWS}</p>", "label": "editorial", **extra}]
    lines = [json.dumps(document(id=str(number), blocks=blocks, **real)) for number in range(2)]
    Path("a.jsonl").write_text("\n".join(lines))
    assert run("corpus", "check", "a.jsonl").exit_code == 0


def test_a_missing_path_is_one_line(run: Run) -> None:
    result = run("corpus", "check", "nowhere")
    assert (result.exit_code, result.stderr) == (1, "feedclean: nowhere: no such file or folder\n")
