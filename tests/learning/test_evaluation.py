"""Measures are what they say, and their intervals hold them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedclean.learning import corpus, evaluation, examination
from feedclean.learning.evaluation import LOSSES, Scored, promo_recall_at, threshold
from feedclean.types import Label
from tests.learning.models import DATA, random_model

PAIR = [Label.PROMO, Label.TEASER]
few = settings(max_examples=settings().max_examples // 5)


def of(probabilities: Any, labels: Any, documents: Any = None, languages: Any = None) -> Scored:
    """Blocks of ten characters each, of one style."""
    rows = len(labels)
    return Scored(
        probabilities,
        labels,
        np.arange(rows) if documents is None else documents,
        np.array(["en"] * rows) if languages is None else languages,
        np.array(["plain-note"] * rows),
        np.full(rows, 10),
        np.zeros(rows, np.int64),
    )


def scored(seed: int, rows: int = 60, documents: int = 12) -> Scored:
    """Blocks with probabilities that know something of their labels."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 5, rows)
    labels[:3] = 0, 1, 2
    logs = random.normal(0, 1.5, (rows, 5)) + 2 * np.eye(5)[labels]
    probabilities = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    languages = np.where(random.random(rows) < 0.5, "en", "de")
    return of(probabilities, labels, np.sort(random.integers(0, documents, rows)), languages)


def certain(*rows: tuple[float, int]) -> Scored:
    """Blocks given as probability of being a promo and label."""
    chances = np.array([chance for chance, _ in rows])
    probabilities = np.zeros((len(rows), 5))
    probabilities[:, 0], probabilities[:, 1] = 1 - chances, chances
    labels = np.array([label for _, label in rows])
    return of(probabilities, labels)


# ── Measures ─────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(0, 10**6))
def test_promo_recall_grows_with_what_may_be_lost(seed: int) -> None:
    found = [promo_recall_at(scored(seed), loss) for loss in (0, 0.001, 0.01, 0.1, 0.3, 0.7, 1)]
    assert found == sorted(found) and found[0] >= 0 and found[-1] <= 1


@given(st.integers(0, 10**6), st.floats(0, 0.5))
def test_promo_recall_never_costs_more_editorial_than_it_says(seed: int, loss: float) -> None:
    given_ = scored(seed)
    score = given_.probabilities[:, 1] + given_.probabilities[:, 2]
    editorial = score[given_.labels == 0]
    limit = min(score[(given_.labels == 1)], default=1.0)
    if promo_recall_at(given_, loss) == 1:
        assert (editorial >= limit).mean() <= loss + 1e-12


def test_measures_of_a_case_counted_by_hand() -> None:
    found = certain((0.9, 1), (0.8, 2), (0.7, 0), (0.6, 1), (0.2, 1), (0.1, 0), (0.05, 0), (0.01, 3))
    cut = evaluation.acted(found, {"promo": 0.65, "teaser": 0.65})
    assert cut.tolist() == [True, True, True, False, False, False, False, False]
    assert evaluation.cut_f1(found, cut) == pytest.approx(2 * 2 / (4 + 3))
    assert evaluation.editorial_cut(found, cut) == pytest.approx(1 / 3)
    assert promo_recall_at(found, 0) == pytest.approx(1 / 3)
    assert promo_recall_at(found, 0.34) == pytest.approx(1)


def test_a_guess_is_not_measured_and_every_label_keeps_its_place() -> None:
    given_ = [replace(one, labels=(corpus.UNLABELLED, *one.labels[1:])) for one in corpus.load([DATA])[:5]]
    blocks = [(number, place) for number, one in enumerate(given_) for place in range(len(one.labels))]
    found = evaluation.blocks_of(given_, np.array([[number, place, 0, 0, 0] for number, place in blocks], float))
    there = [(number, place) for number, place in blocks if place]
    assert [tuple(row[:2]) for row in found.probabilities.tolist()] == there
    assert list(zip(found.documents.tolist(), found.places.tolist(), strict=True)) == there
    assert found.labels.tolist() == [given_[number].labels[place] for number, place in there]


def test_each_label_has_a_threshold_of_its_own() -> None:
    given_ = scored(1)
    likelier = given_.probabilities[:, 1] >= given_.probabilities[:, 2]
    cut = evaluation.acted(given_, {"promo": 0.0, "teaser": 1.1})
    assert (cut == likelier).all()


@pytest.mark.parametrize("labels", [[], [0], [1], [3, 4]])
def test_measures_of_next_to_nothing_are_numbers(labels: list[int]) -> None:
    found = certain(*((0.5, label) for label in labels))
    row = evaluation.block_row(found, {"promo": 0.5, "teaser": 0.5})
    assert row["blocks"] == len(labels) and json.loads(json.dumps(row, allow_nan=False)) == row


def test_calibration_error_is_what_is_promised_too_much() -> None:
    assert evaluation.calibration_error(certain(*[(0.9, 1)] * 9, (0.9, 0))) == pytest.approx(0)
    assert evaluation.calibration_error(certain(*[(0.9, 0)] * 10)) == pytest.approx(0.9)


# ── Thresholds ───────────────────────────────────────────────────────────────────────────────────────────────────


def _lost(found: Scored, limit: float) -> float:
    cut = (found.probabilities[:, 1] + found.probabilities[:, 2]) >= limit
    return float(cut[found.labels == 0].mean())


@given(st.integers(0, 10**6), st.sampled_from([0.001, 0.01, 0.1]))
def test_a_threshold_loses_no_more_than_it_may_and_no_lower_one_would_do(seed: int, loss: float) -> None:
    found = scored(seed)
    limit = threshold(found, PAIR, loss)
    assert 0.5 <= limit <= 0.98
    assert _lost(found, limit) <= loss or limit == 0.98
    if limit > 0.5:
        assert _lost(found, limit - 2e-4) > loss


@given(st.integers(0, 10**6))
def test_who_may_lose_less_never_cuts_more(seed: int) -> None:
    limits = [threshold(scored(seed), PAIR, loss) for loss in (0.2, 0.05, 0.01, 0.001, 0)]
    assert limits == sorted(limits)


def test_without_anything_to_go_by_little_is_done() -> None:
    assert threshold(certain((0.9, 1)), PAIR, 0.01) == 0.98  # no editorial block
    assert threshold(scored(0), [Label.EDITORIAL], 0.01) == 0.98


def test_the_price_of_a_threshold_is_what_it_finds_for_each_block_it_loses() -> None:
    assert evaluation.cost_at(certain((0.7, 1), (0.71, 1), (0.69, 0), (0.2, 0)), 0.7) == 2


def _titles(*rows: tuple[float, int]) -> Scored:
    chances = np.array([chance for chance, _ in rows])
    labels = np.array([label for _, label in rows])
    return of(np.column_stack((1 - chances, chances)), labels)


def test_titles_are_marked_where_nineteen_of_twenty_are_clickbait() -> None:
    good = [(0.9, 1)] * 19
    assert evaluation.title_threshold(_titles(*good, (0.8, 0), (0.7, 0))) == pytest.approx(0.8)
    assert evaluation.title_threshold(_titles((0.9, 0), (0.8, 1))) == 0.98


# ── Intervals ────────────────────────────────────────────────────────────────────────────────────────────────────


@few
@given(st.integers(0, 10**6))
def test_intervals_hold_their_value(seed: int) -> None:
    found = scored(seed, rows=200, documents=40)
    row = evaluation.block_row(found, {"promo": 0.6, "teaser": 0.6})
    measured = [row["cut_f1"], row["editorial_cut"], *row["promo_recall_at"].values()]
    for one in measured[:2]:
        low, high = one["interval"]
        assert low <= one["value"] <= high
    assert all(0 <= one["interval"][0] <= one["interval"][1] <= 1 for one in measured)


def test_intervals_are_over_documents_not_blocks() -> None:
    """Hundred blocks of two documents tell as much as two blocks."""
    found = certain(*[(0.9, 1)] * 50, *[(0.1, 1)] * 50)
    found = of(found.probabilities, found.labels, np.repeat([0, 1], 50), found.languages)
    low, high = evaluation.interval(found, lambda s: float((s.probabilities[:, 1] > 0.5).mean()))
    assert (low, high) == (0, 1)


def test_a_single_document_has_no_spread() -> None:
    found = replace(scored(0), documents=np.zeros(60, np.int64))
    assert evaluation.interval(found, lambda _: 0.3) == [0.3, 0.3]


# ── What is shown ────────────────────────────────────────────────────────────────────────────────────────────────


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [examination.row(one) for one in examination.examine([path], [random_model()])]


def test_evaluation_has_the_form_that_is_promised(tmp_path: Any) -> None:
    lines = DATA.read_text(encoding="utf-8").splitlines()
    for name, part in (("a.jsonl", lines[:4]), ("b.jsonl", lines[4:7])):
        (tmp_path / name).write_text("\n".join(part), encoding="utf-8")
    rows = rows_of(tmp_path)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert [row["file"] for row in rows] == [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]
    for row, documents in zip(rows, (4, 3), strict=True):
        assert row["documents"] == documents
        for part in (row, *row["languages"].values()):
            assert part["blocks"] > 0
            measured = [part["cut_f1"], part["editorial_cut"], *part["promo_recall_at"].values()]
            assert all(set(one) == {"value", "interval"} and len(one["interval"]) == 2 for one in measured)
            assert set(part["promo_recall_at"]) == {"0.001", "0.005", "0.01"} == {str(loss) for loss in LOSSES}
            assert set(part["labels"]) == set(Label)
            assert all(set(one) == {"blocks", "precision", "recall", "f1", "pr_auc"} for one in part["labels"].values())
        assert set(row["languages"]) == {"en"} and row["languages"]["en"]["blocks"] == row["blocks"]
        assert row["titles"]["titles"] > 0 and set(row["titles"]["roc_auc"]) == {"value", "interval"}


def test_for_programs_measures_are_numbers_beside_their_intervals(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"".join(DATA.read_bytes().splitlines(keepends=True)[:4]))
    rows = rows_of(tmp_path / "a.jsonl")
    bare = examination.numbers(rows[0])
    assert isinstance(bare["cut_f1"], float) and len(bare["intervals"]["cut_f1"]) == 2
    assert set(bare["promo_recall_at"]) == set(bare["intervals"]["promo_recall_at"]) == {"0.001", "0.005", "0.01"}
    promo = bare["languages"]["en"]["labels"]["promo"]
    assert isinstance(promo["f1"], float) and len(promo["intervals"]["f1"]) == 2
    assert json.loads(json.dumps(bare, allow_nan=False)) == bare
