"""A learning curve tests on what no model has seen, and a few documents of a new style are worth having."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest

from feedclean.errors import CorpusError
from feedclean.learning import corpus, curve
from feedclean.learning.corpus import Example
from tests.learning.models import DATA, hurried, recipe

STYLE = "syndicated-stock-note"


def examples() -> list[Example]:
    return corpus.load([DATA])


class Learner:
    """Stands for training: knows the more of the advertising, the more documents of the style it was given."""

    def __init__(self) -> None:
        self.given: list[list[Example]] = []
        self.tested: list[str] = []

    def train(self, documents: Sequence[Example], **_: Any) -> Any:
        self.given.append(list(documents))
        return len([one for one in documents if one.style == STYLE])

    def model(self, known: int) -> Any:
        return SimpleNamespace(
            thresholds={"promo": 0.5, "teaser": 0.5}, probabilities=lambda passages: self._judge(passages[0], known)
        )

    def _judge(self, passage: Any, known: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        (example,) = [one for one in examples() if one.passage == passage]
        self.tested.append(example.id)
        rows = np.zeros((len(example.labels), 5))
        for place, label in enumerate(example.labels):
            rows[place, label if label not in (1, 2) or place % 8 < known else 0] = 1
        return rows


@pytest.fixture
def learner() -> Any:
    made = Learner()
    with mock.patch.object(curve, "train_on", made.train), mock.patch.object(curve, "_model", made.model):
        yield made


def test_no_model_has_seen_what_it_is_tested_on(learner: Learner) -> None:
    found = curve.learning_curve(examples(), STYLE, sizes=(0, 2, 6), rounds=2, say=lambda _: None)
    own = {one.id for one in examples() if one.style == STYLE}
    tests = [set(learner.tested[start : start + 3]) for start in range(0, len(learner.tested), 3)]
    assert len(tests) == len(learner.given) == 8 and set.union(*tests) <= own
    assert len({frozenset(test) for test in tests}) == 2  # rounds
    for test, given in zip(tests, learner.given, strict=True):
        assert not test & {one.id for one in given}
        assert len({one.id for one in given} - own) == len(examples()) - len(own)
    assert [one.documents for one in found.points] == [0, 2, 6, len(own) - 3]
    assert found.tested == 6 and found.documents == len(own)


def test_a_few_documents_are_ones_own_and_all_of_them_are_not(learner: Learner) -> None:
    curve.learning_curve(examples(), STYLE, sizes=(0, 2), rounds=1, say=lambda _: None)
    assert [sum(one.own for one in given) for given in learner.given] == [0, 0, 2]


def test_each_point_is_kept_at_once_and_not_measured_again_with_the_same_data_and_recipe(learner: Learner) -> None:
    kept: list[curve.Curve] = []
    common: dict[str, Any] = {"sizes": (0, 2, 6), "rounds": 2, "say": lambda _: None}
    whole = curve.learning_curve(examples(), STYLE, data="d", keep=kept.append, **common)
    own = whole.points[-1].documents
    assert [[one.documents for one in part.points] for part in kept] == [[own], [0, own], [0, 2, own], [0, 2, 6, own]]
    assert kept[-1] == whole and kept[0].closed == 0.0
    for part in kept:
        begun = curve.from_json(curve.to_json([part]))[0]
        learner.given.clear()
        assert curve.learning_curve(examples(), STYLE, data="d", begun=begun, **common) == whole
        assert len(learner.given) == 2 * (4 - len(part.points))
    learner.given.clear()
    for other in ({"data": "e"}, {"data": ""}, {"data": "d", "rounds": 1}, {"data": "d", "recipe": recipe()}):
        curve.learning_curve(examples(), STYLE, begun=whole, **{**common, **other})
    assert len(learner.given) == 8 + 8 + 4 + 8


def test_a_curve_that_ends_at_the_number_of_all_others_has_both_points(learner: Learner) -> None:
    """What is learned from the same number of documents as one's own is another point."""
    kept: list[curve.Curve] = []
    own = len([one for one in examples() if one.style == STYLE])
    common: dict[str, Any] = {"sizes": (0, own - 3), "rounds": 1, "say": lambda _: None, "data": "d"}
    whole = curve.learning_curve(examples(), STYLE, keep=kept.append, **common)
    learner.given.clear()
    assert curve.learning_curve(examples(), STYLE, begun=kept[1], **common) == whole and len(learner.given) == 1


def test_the_share_of_the_gap_is_that_of_the_points(learner: Learner) -> None:
    found = curve.learning_curve(examples(), STYLE, sizes=(0, 4), rounds=1, say=lambda _: None)
    lacks, learned, knew = (one.cut_f1 for one in found.points)
    assert lacks == 0 < learned < knew
    assert found.closed == pytest.approx((learned - lacks) / (knew - lacks))


def test_a_pattern_names_a_family_of_styles(learner: Learner) -> None:
    some = [replace(one, style=f"crypto-{number % 3}") if number < 30 else one for number, one in enumerate(examples())]
    found = curve.learning_curve(some, "crypto-*", sizes=(0, 5), rounds=1, say=lambda _: None)
    assert found.documents == 30
    assert not any(one.style.startswith("crypto-") for one in learner.given[1])  # the first knew it


def test_a_style_of_too_few_documents_is_refused() -> None:
    with pytest.raises(CorpusError, match="needs 23"):
        curve.learning_curve(examples(), STYLE)


@pytest.mark.slow
def test_eight_documents_of_a_style_close_half_of_the_gap() -> None:
    """The smallest corpus and training on which it can be seen; `feedclean learning-curve` measures it in earnest."""
    small = replace(recipe(), units=16, epochs=20, own_weight=3.0)
    with hurried(12):
        found = curve.learning_curve(
            examples(), "auto-institutional-holdings", sizes=(0, 8), rounds=1, recipe=small, say=lambda _: None
        )
    assert found.points[0].documents == 0 and found.closed >= 0.5
