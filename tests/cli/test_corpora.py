"""`feedclean corpus add`, `merge`, `export-labels`, and `clean` with labels: a guess is no label, and nothing is lost."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from feedclean.learning import corpus
from feedclean.proxy.block_keys import block_key, title_key
from feedclean.proxy.nouns import LabelRow
from feedclean.proxy.store import Store
from tests.cli.conftest import Run, page

PITCH = "Get our big dossier on Acme Holdings before March 3 and read what others pay for it"
ALIKE = "Get our big dossier on Globex before 17 May and read what others pay for it"


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the store of one's own proxy is."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("FEEDCLEAN_CONFIG", "FEEDCLEAN_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "data" / "feedclean" / "store.db"


def row(text: str, label: str = "promo", given: float = 1.0, **more: str) -> LabelRow:
    source = f"<p>{text}</p>"
    where = {"item": "https://x.example/1", "title": "Acme earns more", "language": "en", **more}
    return LabelRow(block_key(text, source), label, text, source, "https://x.example/feed", given, **where)


def keep(path: Path, *rows: LabelRow) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(Store(str(path), clock=lambda: 1.0)) as store:
        for one in rows:
            store.label(one)


def read(path: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text("utf-8").split("\n") if line]


def written(**changed: Any) -> dict[str, Any]:
    whole = {"id": "a", "lang": "en", "kind": "article", "style": "s", "title": "T", "title_label": "plain"}
    return {**whole, "blocks": [{"html": "<p>One</p>", "label": "editorial"}], **changed}


def save(path: str, *documents: dict[str, Any]) -> None:
    Path(path).write_text("".join(json.dumps(one) + "\n" for one in documents), "utf-8")


# ── add ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_added_has_guesses_and_training_learns_from_none_of_them(run: Run) -> None:
    Path("a.html").write_text(page("More news of Acme, which is as long as it needs to be."))
    added = run("corpus", "add", "a.html", "-o", "mine.jsonl", "--language", "en")
    assert (added.exit_code, "1 document, 3 blocks added" in added.stderr) == (0, True)
    (document,) = read("mine.jsonl")
    assert [block["guess"] for block in document["blocks"]] == ["editorial", "editorial", "promo"]
    assert not any("label" in block for block in document["blocks"])
    assert run("corpus", "check", "mine.jsonl").exit_code == 0
    assert corpus.load([Path("mine.jsonl")]) == []
    document["blocks"][2] = {"html": document["blocks"][2]["html"], "label": "promo"}
    save("mine.jsonl", document)
    (example,) = corpus.load([Path("mine.jsonl")])
    assert example.labels == (corpus.UNLABELLED, corpus.UNLABELLED, corpus.LABELS.index("promo")) and example.real


def test_the_same_is_added_once_and_standard_input_is_a_source(run: Run) -> None:
    Path("a.html").write_text(page("x"))
    run("corpus", "add", "a.html", "-o", "mine.jsonl")
    before = Path("mine.jsonl").read_bytes()
    assert "0 documents" in run("corpus", "add", "a.html", "-o", "mine.jsonl").stderr
    assert Path("mine.jsonl").read_bytes() == before
    url = "https://paper.example/news/1"
    run("corpus", "add", "-", "-o", "mine.jsonl", "--url", url, input=page("other words").encode())
    last = read("mine.jsonl")[-1]
    assert (last["style"], last["source"]["document"]) == ("paper-example", url)


def test_a_folder_that_holds_the_file_itself_is_no_trap(run: Run) -> None:
    Path("saved").mkdir()
    Path("saved/a.html").write_text(page("x"))
    run("corpus", "add", "saved", "-o", "saved/mine.jsonl")
    before = Path("saved/mine.jsonl").read_bytes()
    again = run("corpus", "add", "saved", "-o", "saved/mine.jsonl")
    assert (again.exit_code, again.stderr) == (0, "feedclean: 0 documents, 0 blocks added to saved/mine.jsonl\n")
    other = run("corpus", "add", "saved", "-o", "other.jsonl")
    assert other.exit_code == 0 and "saved/mine.jsonl: labelled documents already" in other.stderr
    assert Path("saved/mine.jsonl").read_bytes() == before and before.count(b"\n") == 1


def test_what_cannot_be_read_does_not_keep_the_rest_from_being_added(run: Run) -> None:
    Path("a.html").write_text(page("x"))
    Path("mine.jsonl").write_text('{"id": "half a li')
    added = run("corpus", "add", "a.html", "nowhere.html", "-o", "mine.jsonl")
    assert added.exit_code == 1
    assert "nowhere.html: no such file" in added.stderr and "mine.jsonl:1: line: half a line" in added.stderr
    first, second = Path("mine.jsonl").read_text().splitlines()
    assert first == '{"id": "half a li' and json.loads(second)["blocks"]


# ── merge ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_good_lines_are_kept_and_bad_ones_named(run: Run) -> None:
    bad = [{"id": 7}, written(id="b", blocks=[{"html": "x", "label": "advert"}])]
    save("a.jsonl", written(), *bad)
    with Path("a.jsonl").open("a") as file:
        file.write('{"id": "c", "la')
    merged = run("corpus", "merge", "a.jsonl", "-o", "out.jsonl")
    assert merged.exit_code == 1
    assert read("out.jsonl") == [written()]
    for told in (
        "a.jsonl:2: id: some text is wanted",
        'a.jsonl:3: block 0: label: "advert"',
        "a.jsonl:4: line: half a line",
    ):
        assert told in merged.stderr


def test_the_later_label_wins_and_a_label_beats_a_guess_whichever_comes_later(run: Run) -> None:
    guess = {"html": "<p>One</p>", "guess": "promo", "probability": 0.9}
    save("a.jsonl", written(), written(id="g", blocks=[guess]))
    save("b.jsonl", written(blocks=[{"html": "<p>One</p>", "label": "teaser"}]), written(id="g"), written(id="n"))
    merged = run("corpus", "merge", "a.jsonl", "b.jsonl", "-o", "out.jsonl")
    assert [(one["id"], one["blocks"][0].get("label")) for one in read("out.jsonl")] == [
        ("a", "teaser"), ("g", "editorial"), ("n", "editorial"),
    ]  # fmt: skip
    assert "b.jsonl:1: block 0: label: teaser takes the place of editorial at a.jsonl:1" in merged.stderr
    assert merged.exit_code == 0
    run("corpus", "merge", "b.jsonl", "a.jsonl", "-o", "out.jsonl")
    assert read("out.jsonl")[1]["blocks"][0]["label"] == "editorial"


def test_of_different_documents_with_one_id_the_one_with_more_labels_is_taken_and_told(run: Run) -> None:
    two = [{"html": "<p>1</p>", "label": "promo"}, {"html": "<p>2</p>", "label": "promo"}]
    save("a.jsonl", written(blocks=two))
    save("b.jsonl", written())
    merged = run("corpus", "merge", "a.jsonl", "b.jsonl", "-o", "out.jsonl")
    assert read("out.jsonl") == [written(blocks=two)]
    assert "b.jsonl:1: id: 'a' stands at a.jsonl:1 with other blocks" in merged.stderr


def test_merging_into_one_of_the_files_changes_it_as_a_whole(run: Run) -> None:
    save("a.jsonl", written())
    save("b.jsonl", written(id="b"))
    assert run("corpus", "merge", "a.jsonl", "b.jsonl", "-o", "a.jsonl").exit_code == 0
    assert [one["id"] for one in read("a.jsonl")] == ["a", "b"]
    assert run("corpus", "merge", "a.jsonl", "gone.jsonl", "-o", "a.jsonl").exit_code == 1
    assert len(read("a.jsonl")) == 2


# ── check ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_labels_for_nearly_the_same_text_and_leaks_are_warnings(run: Run) -> None:
    text = "The maker of pumps will deliver nine towns with what they need until spring, says its chief Ms Kowalk, in writing"
    real = {"source": {"set": "s", "document": "d"}}
    save("a.jsonl", written(blocks=[{"html": f"<p>{text}</p>", "label": "editorial"}], **real),
         written(id="b", style="t", blocks=[{"html": f"<p>{text}.</p>", "label": "promo"}], **real),
         written(id="c", blocks=[{"html": "Click here to read on", "label": "promo"}]),
         written(id="d", blocks=[{"html": "<a>Click here to read on</a>", "label": "teaser"}]))  # fmt: skip
    checked = run("corpus", "check", "a.jsonl")
    assert checked.exit_code == 0
    assert [line for line in checked.stdout.splitlines() if line.startswith("warning")] == [
        "warning: a.jsonl:2: block 0: label: promo, but editorial at a.jsonl:1: block 0: nearly the same text",
        'warning: a.jsonl:2: block 0: html: style "s" has nearly the same text at a.jsonl:1: block 0: a leak between folds',
        "warning: a.jsonl:4: block 0: label: teaser, but promo at a.jsonl:3: block 0: nearly the same text",
    ]
    assert "0 faults, 3 warnings" in checked.stderr


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"guess": "promo"}, "block 0: guess: a block has a label or a guess, not both"),
        ({"probability": 2}, "block 0: probability: a number from 0 to 1 is wanted, not 2"),
        ({"probability": "x"}, 'block 0: probability: a number from 0 to 1 is wanted, not "x"'),
        ({"probability": True}, "block 0: probability: a number from 0 to 1 is wanted, not true"),
    ],
)
def test_a_guess_is_checked_too(run: Run, change: dict[str, Any], told: str) -> None:
    save("a.jsonl", written(blocks=[{"html": "<p>One</p>", "label": "editorial", **change}]))
    assert told in run("corpus", "check", "a.jsonl").stdout
    save("a.jsonl", written(blocks=[{"html": "<p>One</p>", "guess": "advert"}], title_guess="bait"))
    checked = run("corpus", "check", "a.jsonl").stdout
    assert 'block 0: guess: "advert" is not one of' in checked and 'title_guess: "bait" is not one of' in checked


# ── export-labels ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_labels_become_documents_to_train_with(run: Run, place: Path) -> None:
    title = LabelRow(title_key("Acme earns more"), "plain", "Acme earns more", "", "https://x.example/feed", 3.0)
    lone = LabelRow(title_key("Alone"), "clickbait", "Alone", "", "https://x.example/feed", 4.0)
    keep(place, row(PITCH), row("Acme earned more", "editorial", 2.0), title, lone)
    exported = run("corpus", "export-labels", "-o", "labels.jsonl")
    assert exported.exit_code == 0 and "3 labels in 1 document" in exported.stderr and "1 title left" in exported.stderr
    (document,) = read("labels.jsonl")
    assert (document["lang"], document["style"], document["title_label"]) == ("en", "x-example", "plain")
    assert [(block["html"], block["label"]) for block in document["blocks"]] == [
        (f"<p>{PITCH}</p>", "promo"), ("<p>Acme earned more</p>", "editorial"),
    ]  # fmt: skip
    assert run("corpus", "check", "labels.jsonl").exit_code == 0
    assert len(corpus.load([Path("labels.jsonl")])) == 1
    assert run("corpus", "export-labels").stdout == Path("labels.jsonl").read_text("utf-8")


def test_what_was_added_gets_the_labels_in_its_place(run: Run, place: Path) -> None:
    Path("a.html").write_text(page(PITCH))
    run("corpus", "add", "a.html", "-o", "mine.jsonl")
    keep(place, row(PITCH), row("Words from elsewhere", "editorial", 2.0))
    exported = run("corpus", "export-labels", "mine.jsonl", "-o", "mine.jsonl")
    assert "2 labels in 2 documents, 1 of them in FILEs" in exported.stderr
    first, second = read("mine.jsonl")
    assert [("guess" in block, block.get("label")) for block in first["blocks"]] == [
        (True, None), (False, "promo"), (True, None),
    ]  # fmt: skip
    assert second["blocks"] == [{"html": "<p>Words from elsewhere</p>", "label": "editorial"}]
    before = Path("mine.jsonl").read_bytes()
    run("corpus", "export-labels", "mine.jsonl", "-o", "mine.jsonl")
    assert Path("mine.jsonl").read_bytes() == before


# ── clean with labels ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_said_in_the_proxy_holds_on_the_command_line_too(run: Run, place: Path) -> None:
    Path("a.html").write_text(page(ALIKE))
    assert ALIKE in run("clean", "a.html").stdout
    keep(place, row(PITCH))
    cleaned = run("clean", "a.html")
    assert ALIKE not in cleaned.stdout and "earned 4 million" in cleaned.stdout and not cleaned.stderr
    assert "labelled by you" in run("clean", "a.html", "--explain").stdout
    assert ALIKE in run("clean", "a.html", "--no-labels").stdout
    assert run("clean", "a.html", "--no-labels", "--labels", "x").exit_code == 2


def test_several_processes_heed_it(run: Run, place: Path) -> None:
    keep(place, row(PITCH))
    for name in ("a.html", "b.html"):
        Path(name).write_text(page(ALIKE))
    assert run("clean", "a.html", "b.html", "-o", "out", "--jobs", "2").exit_code == 0
    assert not [path for path in Path("out").iterdir() if ALIKE in path.read_text()]


def test_a_file_of_labels_can_be_named(run: Run, tmp_path: Path) -> None:
    Path("a.html").write_text(page(ALIKE))
    save("mine.jsonl", written(blocks=[{"html": f"<p>{PITCH}</p>", "label": "promo"}]))
    keep(tmp_path / "other.db", row(PITCH))
    for name in ("mine.jsonl", "other.db"):
        assert ALIKE not in run("clean", "a.html", "--labels", name).stdout
    save("mine.jsonl", written(blocks=[{"html": f"<p>{PITCH}</p>", "guess": "promo"}]))
    assert ALIKE in run("clean", "a.html", "--labels", "mine.jsonl").stdout


def test_of_a_half_written_file_of_labels_the_good_lines_hold_and_the_others_are_named(run: Run) -> None:
    Path("a.html").write_text(page(ALIKE))
    good = json.dumps(written(blocks=[{"html": f"<p>{PITCH}</p>", "label": "promo"}]))
    Path("mine.jsonl").write_text(good + "\n" + good[:80])
    cleaned = run("clean", "a.html", "--labels", "mine.jsonl")
    assert cleaned.exit_code == 0 and ALIKE not in cleaned.stdout
    assert "mine.jsonl:2: line: half a line" in cleaned.stderr and "left out" in cleaned.stderr


def test_labels_that_cannot_be_read_are_one_line(run: Run, place: Path) -> None:
    Path("a.html").write_text(page("x"))
    Path("bad.jsonl").write_text("{")
    for name, told in (("nowhere", "nowhere: no such file"), ("bad.jsonl", "bad.jsonl:1: line: half a line")):
        cleaned = run("clean", "a.html", "--labels", name)
        assert cleaned.exit_code == 1 and cleaned.stderr.startswith(f"feedclean: {told}")
        assert not cleaned.stdout
    place.parent.mkdir(parents=True)
    place.write_bytes(b"SQLite format 3\0 and nothing else")
    cleaned = run("clean", "a.html")
    assert (
        cleaned.exit_code == 0 and "the model decides alone" in cleaned.stderr and "earned 4 million" in cleaned.stdout
    )


def test_the_store_that_the_settings_name_is_the_own_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("a.html").write_text(page(ALIKE))
    keep(tmp_path / "other.db", row(PITCH))
    monkeypatch.setenv("FEEDCLEAN_STORE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    assert ALIKE not in run("clean", "a.html").stdout
    assert "1 label in 1 document" in run("corpus", "export-labels").stderr
    monkeypatch.setenv("FEEDCLEAN_STORE_URL", "postgresql://db.example/feedclean")
    assert ALIKE in run("clean", "a.html").stdout


def test_a_store_from_before_is_read_as_it_is(run: Run, place: Path) -> None:
    """And one that cannot be written beside, as when it is another's."""
    keep(place, row(PITCH))
    with closing(sqlite3.connect(place)) as store, store:
        for name in ("item", "title", "language"):
            store.execute(f"ALTER TABLE labels DROP COLUMN {name}")
        store.execute("UPDATE version SET version = 1")
    Path("a.html").write_text(page(ALIKE))
    assert ALIKE not in run("clean", "a.html").stdout
