"""What is served is what was trained, and the same data give the same bytes."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joblib import delayed
from sklearn.utils.validation import check_is_fitted

from feedclean.errors import CorpusError, ModelError, OutputError
from feedclean.judging import context, ngrams, reading
from feedclean.judging.layers import Network
from feedclean.judging.model import Model
from feedclean.learning import choosing, corpus, fitting, training, views
from feedclean.learning.corpus import Example
from feedclean.learning.folds import by_style
from feedclean.learning.heads import Calibration, Ensemble, LinearHead, PerceptronHead, matrix
from feedclean.model_files import load_model, save_model
from tests.learning.models import DATA, FITS, UNITS, hurried, random_arrays, recipe, train, trained


def examples() -> list[Example]:
    return corpus.load([DATA])


# ── Parity ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_serving_gives_what_scikit_learn_gives() -> None:
    """From text to calibrated probability, part by part fitted here."""
    some = examples()[:40]
    passages = [example.passage for example in some]
    labels = np.array([label for example in some for label in example.labels])
    assert set(labels) == set(range(5))
    seen = reading.read(passages, random_arrays()["common_words"])
    read = {
        "text": matrix(seen.text, ngrams.TEXT[2]),
        "words": matrix(seen.words, ngrams.WORDS[2]),
        "markup": matrix(seen.markup, ngrams.MARKUP[2]),
    }
    text_head = PerceptronHead(UNITS, steps=9).fit(read["text"], labels)
    words_head, markup_head = (LinearHead(max_iter=3).fit(read[name], labels) for name in ("words", "markup"))
    text = text_head.decision_function(read["text"])
    words, markup = words_head.decision_function(read["words"]), markup_head.decision_function(read["markup"])
    structure = np.hstack((seen.structure, seen.repetition))
    inputs = context.stack(text, words, markup, seen.known, structure, seen.sizes)
    network = Ensemble(UNITS, FITS, epochs=2).fit(inputs, labels)
    calibration = Calibration().fit(network.predict_proba(inputs), labels)
    arrays = {
        **random_arrays(),
        **text_head.arrays("text"),
        **words_head.arrays("words"),
        **markup_head.arrays("markup"),
        **network.arrays("block"),
        **calibration.arrays("block"),
    }
    served = Model(arrays, {}).probabilities(passages)
    expected = calibration.transform(network.predict_proba(inputs))
    assert np.abs(served - expected).max() <= 1e-6


def test_two_labels_are_served_as_scikit_learn_fits_them() -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(80, len(random_arrays()["title_mean"])))
    labels = (inputs[:, 0] > 0).astype(np.int64)
    ensemble = Ensemble(UNITS, FITS, epochs=3).fit(inputs, labels)
    served = Network({**random_arrays(), **ensemble.arrays("title")}, "title").raw(inputs)
    assert np.abs(served - ensemble.predict_proba(inputs)).max() <= 1e-6


@pytest.mark.slow
def test_the_card_says_how_well_serving_and_scikit_learn_agree() -> None:
    assert trained().card["parity"] <= 1e-6


def test_sums_are_what_a_sparse_product_gives() -> None:
    texts = [block.text for example in examples()[:20] for block in example.passage.blocks]
    table = np.random.default_rng(0).integers(-9, 9, size=(1 << 12, 3), dtype=np.int16)
    found = ngrams.grams(ngrams.read(texts), (3, 4), (1, 2), 12)
    np.testing.assert_allclose(ngrams.sums(table, found) * found.scale, matrix(found, 12) @ table, atol=1e-4)


# ── The parts ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_parts_keep_the_conventions_of_estimators() -> None:
    assert LinearHead(C=2).get_params()["C"] == 2 and PerceptronHead(steps=3).get_params()["steps"] == 3
    assert Ensemble(units=3).set_params(units=5).units == 5


def test_weights_of_heads_are_those_that_are_shipped() -> None:
    counts = matrix(ngrams.grams(ngrams.read(["buy now", "news", "buy", "rates"]), (3,), (1,), 8), 8)
    head = LinearHead().fit(counts, np.array([1, 0, 2, 0]))
    check_is_fitted(head)
    shipped = head.arrays("x")
    assert (head.regression_.coef_ == (shipped["x_weights"] * shipped["x_step"].astype(np.float64)).T).all()
    deep = PerceptronHead(3, steps=5).fit(counts, np.array([1, 0, 2, 0]))
    check_is_fitted(deep)
    shipped = deep.arrays("x")
    assert shipped["x_weights"].dtype == np.int8 and shipped["x_weights"].shape == (256, 3)
    assert (deep.network_.coefs_[0] == shipped["x_weights"] * shipped["x_step"].astype(np.float64)).all()
    for fitted, name in ((deep.network_.coefs_[1], "x_out"), (deep.network_.intercepts_[0], "x_bias")):
        np.testing.assert_array_equal(fitted, shipped[name])


def test_calibration_keeps_the_order_of_a_label_and_sums_to_one() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 5, 400)
    logs = random.normal(0, 1, (400, 5)) + 3 * np.eye(5)[labels]
    raw = context.softmax(7 * logs)  # far too sure: three would be right
    calibration = Calibration().fit(raw, labels)
    assert (calibration.weights_ > 0).all() and (calibration.weights_ < 1).all()
    given = calibration.transform(raw)
    np.testing.assert_allclose(given.sum(axis=1), 1)
    chances = np.linspace(0.01, 0.99, 50)
    rows = np.repeat((1 - chances)[:, None] / 4, 5, axis=1)
    rows[:, 1] = chances
    assert (np.diff(calibration.transform(rows)[:, 1]) > 0).all()

    def surprise(probabilities: context.Matrix) -> float:
        return float(-np.log(probabilities[np.arange(400), labels]).mean())

    assert surprise(given) < surprise(raw)


# ── Folds ────────────────────────────────────────────────────────────────────────────────────────────────────────


def folds(given: list[Example]) -> tuple[training.Ints, int]:
    return by_style(given, 2, 0, lambda _: None)


def read(given: list[Example], own: float = 1.0) -> list[views.View]:
    """All arrangements of some documents."""
    fold_of, _ = folds(given)
    by_id = {example.id: int(fold) for example, fold in zip(given, fold_of, strict=True)}
    common = views.common_words(given, 10)
    return [views.read(feeds, by_id, common, 0.5, own) for feeds in views.arrangements(given, 0)]


def test_a_style_is_trained_on_or_tested_on_and_never_both() -> None:
    fold_of, count = folds(examples())
    found: dict[str, set[int]] = {}
    for example, fold in zip(examples(), fold_of.tolist(), strict=True):
        found.setdefault(example.style, set()).add(fold)
    assert all(len(own) == 1 for own in found.values())
    assert set(fold_of.tolist()) == set(range(count)) == {0, 1}


def test_documents_of_a_single_style_are_dealt_out_singly_and_that_is_said() -> None:
    told: list[str] = []
    fold_of, count = by_style([replace(one, style="same") for one in examples()], 3, 0, told.append)
    assert count == 3 and len(told) == 1 and "one style" in told[0]
    sizes = np.bincount(fold_of)
    assert sizes.max() - sizes.min() <= 1 + len(examples()) // 10


def test_every_arrangement_of_a_document_lies_in_its_fold() -> None:
    given = examples()
    fold_of, _ = folds(given)
    found = read(given)
    rows = [int(fold) for example, fold in zip(given, fold_of, strict=True) for _ in example.labels]
    assert all(view.folds.tolist() == rows for view in found[:3])
    for view in found:
        assert view.text.shape[0] == len(view.labels) == len(view.folds) == len(view.weights) == view.sizes.sum()
    assert (found[1].known == 0).all() and len(found) == 4


def test_scores_are_given_by_the_head_that_has_not_seen_the_fold() -> None:
    counts = matrix(ngrams.grams(ngrams.read(["a b c", "buy now", "a b d", "buy it"] * 4), (3,), (1,), 8), 8)
    labels, fold = np.array([0, 1, 0, 2] * 4), np.repeat([0, 1], 8)
    heads = [LinearHead().fit(counts[fold != one], labels[fold != one]) for one in (0, 1)]
    unseen = fitting.unseen([*heads, heads[0]], counts, fold)
    for one in (0, 1):
        np.testing.assert_array_equal(unseen[fold == one], heads[one].decision_function(counts[fold == one]))


def test_guesses_are_read_with_the_document_and_not_learned_from() -> None:
    """Neighbours say much about a block, so what nobody has labelled yet stands there, and counts for nothing."""
    given = [replace(one, labels=tuple(label if place else corpus.UNLABELLED for place, label in enumerate(one.labels)))
             for one in examples()]  # fmt: skip
    before, after = read(examples())[0], read(given)[0]
    np.testing.assert_array_equal(after.structure, before.structure)
    assert (~after.labelled).sum() == len(given) and (after.sizes == before.sizes).all()
    masks = fitting.without_each(after.folds, after.labels, 2)
    assert [mask.sum() for mask in masks] == [
        (after.labelled & rows).sum() for rows in (after.folds != 0, after.folds != 1, after.folds >= 0)
    ]
    with hurried(2):
        made = training.train_on(given, recipe=recipe(), say=lambda _: None)
    left = int(after.labelled.sum())
    assert made.card["data"]["written"]["blocks"] == len(made.blocks.labels) == left
    assert made.card["folds"]["blocks"]["blocks"] == left and set(made.blocks.labels.tolist()) == set(range(5))


def test_fits_in_several_processes_are_those_of_one() -> None:
    (view, *_) = read(examples()[:40])
    masks = fitting.without_each(np.arange(len(view.labels)) % 2, view.labels, 2)

    def asked() -> list[tuple[LinearHead, fitting.Mask]]:
        return [(LinearHead(), mask) for mask in masks]

    steps: list[int] = []
    one, two = (
        fitting.fitted(view.markup, view.labels, view.weights, asked(), jobs, lambda: steps.append(1))
        for jobs in (1, 2)
    )
    assert len(steps) == 6
    for mine, theirs in zip(one, two, strict=True):
        np.testing.assert_array_equal(mine.regression_.coef_, theirs.regression_.coef_)


def _killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _full() -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "/shared/x")


@pytest.mark.slow
def test_a_process_that_is_killed_ends_training_in_one_line() -> None:
    with pytest.raises(ModelError, match="memory ran out") as caught:
        fitting._each([delayed(_killed)()] * 2, 2, lambda: None)
    assert caught.value.hint and "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_when_training_is_killed_its_processes_end_and_free_their_memory(tmp_path: Path) -> None:
    """Even one with a result that nobody takes, and that fits into no pipe."""
    code = f"""
import os, time
from joblib import delayed
from feedclean.learning import fitting
def task(number):
    open(os.path.join({str(tmp_path)!r}, str(os.getpid())), "w").close()
    time.sleep(3)
    return b"x" * (1 << 22)
fitting._each([delayed(task)(number) for number in range(2)], 2, lambda: None)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )

    def begun() -> list[int]:
        return [int(path.name) for path in tmp_path.iterdir()]

    def alive(number: int) -> bool:
        asked = ["ps", "-o", "stat=", "-p", str(number)]
        told = subprocess.run(asked, capture_output=True, text=True, check=False)
        return bool(told.stdout.strip()) and "Z" not in told.stdout  # nobody may be there to bury it

    _until(lambda: len(begun()) == 2)
    process.kill()
    process.wait(10)
    _until(lambda: not any(map(alive, begun())))


def _until(there: Callable[[], bool]) -> None:
    for _ in range(600):
        if there():
            return
        time.sleep(0.1)
    raise AssertionError("it never came")


def test_no_room_for_what_processes_share_is_one_line_with_the_place() -> None:
    with pytest.raises(OutputError, match="no space left") as caught:
        fitting._each([delayed(_full)()], 1, lambda: None)
    assert caught.value.where == "/shared/x" and "--jobs 1" in str(caught.value)


# ── One's own documents ──────────────────────────────────────────────────────────────────────────────────────────


def test_own_documents_count_as_often_as_they_are_told_to() -> None:
    given = [replace(one, own=place % 3 == 0) for place, one in enumerate(examples()[:60])]
    plain, weighted = read(given), read(given, own=4.0)
    for before, after in zip(plain, weighted, strict=True):
        np.testing.assert_array_equal(after.weights, before.weights * np.where(before.own, 4.0, 1.0))
        assert before.own.any() and not before.own.all()


def test_the_weight_of_own_documents_is_one_that_does_not_harm_the_others() -> None:
    """A weight is chosen by folds among a few; where there is little to choose by, the usual one holds and that is said."""
    given = [replace(one, own=one.style == examples()[0].style) for one in examples()]
    fold_of, _ = folds(given)
    by_id = {one.id: int(fold) for one, fold in zip(given, fold_of, strict=True)}
    view = views.read([[one] for one in given], by_id, views.common_words(given, 10), 0.5, 1.0)
    told: list[str] = []

    def stage(name: str, steps: int) -> Callable[[], None]:
        assert steps == 9
        return lambda: None

    with hurried(2):
        assert choosing.own_weight(view, given, PerceptronHead, 1, stage, told.append) in choosing.OWN_WEIGHTS
    few = [replace(one, own=place < 2) for place, one in enumerate(given)]
    assert choosing.own_weight(view, few, PerceptronHead, 1, stage, told.append) == choosing.USUAL
    assert "log loss" in told[0] and "too few" in told[1]
    mine = [replace(one, own=True) for one in given]
    all_own = replace(view, own=np.ones(len(view.labels), bool))
    assert choosing.own_weight(all_own, mine, PerceptronHead, 1, stage, told.append) == 1 and "your own" in told[2]


def test_own_documents_that_fill_a_fold_leave_others_to_be_measured_on() -> None:
    fold_of, _ = folds(examples())
    given = [replace(one, own=fold == 0) for one, fold in zip(examples(), fold_of.tolist(), strict=True)]
    told: list[str] = []
    with hurried(1):
        found = choosing.own_weight(read(given)[0], given, PerceptronHead, 1, lambda *_: lambda: None, told.append)
    assert found in {*choosing.OWN_WEIGHTS, choosing.USUAL} and len(told) == 1 and "nan" not in told[0]


def test_a_search_takes_the_strength_that_tells_most_about_unseen_folds() -> None:
    given = examples()[:60]
    view = read(given)[0]
    told: list[str] = []
    with hurried(2):
        found = choosing.head_strength(
            "markup_C", view.markup, view, 2, 1, lambda _, steps: lambda: told.append(str(steps)), told.append
        )
    losses = {float(one): float(loss) for one, loss in re.findall(r"([\d.]+): ([\d.]+)", told[-1])}
    assert found in choosing.STRENGTHS["markup_C"] and losses[found] == min(losses.values())
    assert told[:-1] == ["6"] * 6
    inputs = np.random.default_rng(0).normal(size=(len(view.labels), 3))
    alpha = choosing.network_strength(
        lambda alpha: Ensemble(2, 1, alpha, 2), inputs, view.labels, view.weights, view.folds, 2, 1,
        lambda *_: lambda: None, told.append,
    )  # fmt: skip
    assert alpha in choosing.STRENGTHS["alpha"]


def test_of_documents_with_one_id_the_own_one_stays_and_the_others_are_named() -> None:
    one, two = examples()[:2]
    told: list[str] = []
    kept = training._once([replace(one, own=True, language="xx"), two, one], told.append)
    assert [(e.id, e.own) for e in kept] == [(two.id, False), (one.id, True)] and kept[1].language == "xx"
    assert len(told) == 1 and one.id in told[0]


# ── The whole ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_a_trained_model_is_saved_with_its_card_and_learned_something(tmp_path: Path) -> None:
    found = trained()
    save_model(tmp_path / "small", found.arrays, found.card)
    model = load_model(tmp_path / "small")
    assert model.name.startswith("small-")
    card = json.loads((tmp_path / "small" / "card.json").read_text(encoding="utf-8"))
    assert card["data"]["sha256"] == corpus.digest([DATA]) and card["data"]["files"] == [DATA.name]
    assert card["data"]["written"]["documents"] == len(examples())
    assert set(card["thresholds"]) == set(context.LABELS) and card["cost_of_lost_editorial"] >= 0
    assert {"numpy", "scipy", "scikit-learn", "python"} <= set(card["versions"])
    guess = model.probabilities([example.passage for example in examples()]).argmax(axis=1)
    assert (guess == [label for example in examples() for label in example.labels]).mean() > 0.6


def _digest_of_training(environment: dict[str, str]) -> str:
    code = (
        "import hashlib; from tests.learning.models import trained; t = trained();"
        "print(hashlib.sha256(b''.join(k.encode() + t.arrays[k].tobytes() for k in sorted(t.arrays))).hexdigest(),"
        "t.card['thresholds'])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(root / "src"), str(root))), **environment},
    )
    return done.stdout


@pytest.mark.slow
def test_the_same_data_give_the_same_bytes_with_any_hash_seed_and_any_number_of_threads() -> None:
    one = _digest_of_training({"PYTHONHASHSEED": "1", "OPENBLAS_NUM_THREADS": "1"})
    assert one == _digest_of_training({"PYTHONHASHSEED": "77", "OPENBLAS_NUM_THREADS": "2"})


# ── What cannot be trained on ────────────────────────────────────────────────────────────────────────────────────


def _refused(tmp_path: Path, documents: list[dict[str, Any]]) -> str:
    path = tmp_path / "few.jsonl"
    path.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        train([path])
    told = str(caught.value)
    assert "\n" not in told and caught.value.hint
    return told


def _documents() -> list[dict[str, Any]]:
    return [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]


def test_a_single_document_is_refused(tmp_path: Path) -> None:
    assert "single document" in _refused(tmp_path, _documents()[:1])


def test_a_missing_label_is_named(tmp_path: Path) -> None:
    documents = _documents()
    for document in documents:
        document["blocks"] = [block for block in document["blocks"] if block["label"] != "disclosure"]
    assert "disclosure" in _refused(tmp_path, documents)


def test_titles_of_one_label_are_refused(tmp_path: Path) -> None:
    changed = [{**document, "title_label": "plain"} for document in _documents()]
    assert "no title is labelled clickbait" in _refused(tmp_path, changed)


def test_documents_without_blocks_train_nothing(tmp_path: Path) -> None:
    assert "no document with blocks" in _refused(tmp_path, [{**document, "blocks": []} for document in _documents()])


def test_a_label_that_only_one_style_has_is_refused_by_name(tmp_path: Path) -> None:
    """The folds without that style would have no example of it."""
    documents = _documents()
    for document in documents:
        if document["style"] != "ipo-spac-news":
            document["blocks"] = [block for block in document["blocks"] if block["label"] != "disclosure"]
    assert "disclosure" in _refused(tmp_path, documents)


def test_labels_count_at_the_proportions_of_real_pages() -> None:
    """And written documents count, label by label, as much as real ones."""
    fold_of, _ = folds(examples())
    mixed = [replace(example, real=bool(fold)) for example, fold in zip(examples(), fold_of, strict=True)]
    view = read(mixed)[0]
    weights = training._worldly(np.tile(view.labels, 3), np.tile(view.real, 3))
    for label in range(5):
        own = np.tile(view.labels == label, 3)
        real = np.tile(view.real, 3)
        assert weights[own & ~real].sum() == pytest.approx(weights[own & real].sum())
    assert (training._worldly(view.labels, view.real) == 1).all()  # too few real ones to go by


def test_of_a_half_written_file_the_good_lines_are_kept_and_the_bad_ones_named(tmp_path: Path) -> None:
    good = DATA.read_bytes().splitlines(keepends=True)[:3]
    path = tmp_path / "half.jsonl"
    torn = json.dumps({**json.loads(good[0]), "title": "Zürich"}, ensure_ascii=False).encode()
    path.write_bytes(b"".join(good) + b"{}\n" + b"\xff\n" * 20 + torn[: torn.index(b"rich") - 1])  # inside the ü
    with pytest.raises(CorpusError, match=r"half\.jsonl:4"):
        corpus.load([path])
    told: list[str] = []
    assert [one.id for one in corpus.load([path], told.append)] == [json.loads(line)["id"] for line in good]
    assert len(told) == 11 and told[0].startswith(f"left out: {path}:4: ") and "12 more lines" in told[-1]


def test_nothing_but_bad_lines_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"x\n" * 3)
    with pytest.raises(CorpusError, match="no document with blocks"):
        train([path])
