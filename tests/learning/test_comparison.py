"""A model takes another's place only if it is no worse, and every decision that flips is listed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.learning import comparison, corpus
from feedclean.learning.comparison import Difference, objections
from feedclean.learning.corpus import Example
from feedclean.types import Action, Passage
from tests.fakes import KeywordJudge
from tests.learning.models import DATA, random_model


def examples() -> list[Example]:
    return corpus.load([DATA])[:60]


class Oracle:
    """A model that knows every label, but for a share of the editorial blocks and one of the advertisements."""

    def __init__(self, lost: float = 0.0, missed: float = 0.0) -> None:
        random = np.random.default_rng(7)
        self.thresholds = {"promo": 0.5, "teaser": 0.5}
        self._known: dict[tuple[str, ...], np.ndarray[tuple[int, int], np.dtype[np.float64]]] = {}
        for example in examples():
            rows = np.full((len(example.labels), 5), 0.01)
            for place, label in enumerate(example.labels):
                wrong = random.random() < (missed if label in (1, 2) else lost if label == 0 else 0)
                rows[place, label if not wrong else (0 if label in (1, 2) else 1)] = 0.96
            self._known[self._key(example)] = rows

    def probabilities(self, passages: list[Passage]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        return self._known[tuple(block.text for block in passages[0].blocks)]

    def _key(self, example: Example) -> tuple[str, ...]:
        return tuple(block.text for block in example.passage.blocks)


def judged(before: Oracle, after: Oracle) -> list[str]:
    return objections(comparison.compare(examples(), before, after))  # type: ignore[arg-type]


def test_a_model_is_as_good_as_itself() -> None:
    same = comparison.compare(examples(), random_model(), random_model())
    assert not objections(same) and all(one.by == 0 and one.interval == (0.0, 0.0) for one in same)
    assert not comparison.flips(examples(), random_model(), random_model())


def test_one_that_loses_more_of_the_news_is_refused_with_the_figures() -> None:
    (blocks, characters, precision) = judged(Oracle(), Oracle(lost=0.1))
    assert blocks.startswith("editorial blocks lost: 0.0% before, ") and characters.startswith("editorial text lost")
    assert precision.startswith("precision falls by")


def test_one_that_misses_more_is_refused_and_one_that_misses_less_is_not() -> None:
    assert [told.partition(" ")[0] for told in judged(Oracle(), Oracle(missed=0.1))] == ["recall"]
    assert not judged(Oracle(lost=0.1, missed=0.2), Oracle())


@given(st.floats(0, 1), st.floats(-1, 1))
def test_recall_may_fall_by_a_point_and_no_more(before: float, by: float) -> None:
    one = Difference("recall", before, before + by, (by - 0.1, by + 0.1))
    assert bool(objections([one])) == (one.by < -0.01)


@given(st.floats(0, 0.1), st.floats(0, 0.1), st.floats(0, 0.1))
def test_what_is_lost_may_grow_as_far_as_chance_explains_it(before: float, by: float, half: float) -> None:
    one = Difference("editorial_cut", before, before + by, (by - half, by + half))
    assert bool(objections([one])) == (by - half > 0)


def test_intervals_are_of_pairs_so_a_constant_difference_has_none() -> None:
    """Unpaired, the spread between documents would hide it."""
    found = {one.measure: one for one in comparison.compare(examples(), Oracle(), Oracle(lost=1.0))}  # type: ignore[arg-type]
    assert (found["editorial_cut"].by, *found["editorial_cut"].interval) == (1.0, 1.0, 1.0)


def test_folds_are_compared_where_there_is_nothing_held_out() -> None:
    def card(lost: float, f1: float) -> dict[str, object]:
        measures = {"editorial_cut": lost, "cut_f1": f1}
        blocks = {
            name: {"value": value, "interval": [value - 0.002, value + 0.002]} for name, value in measures.items()
        }
        return {"folds": {"blocks": blocks}}

    assert not objections(comparison.compare_folds(card(0.01, 0.9), card(0.011, 0.895)))
    assert len(objections(comparison.compare_folds(card(0.01, 0.9), card(0.02, 0.8)))) == 2


def test_every_flip_is_listed_with_both_decisions_and_the_label() -> None:
    found = comparison.flips(examples(), Oracle(), Oracle(missed=0.3))  # type: ignore[arg-type]
    assert found and all((one.before, one.after) == (Action.CUT, Action.KEEP) for one in found)
    assert {one.label for one in found} <= {"promo", "teaser"}
    labels = {f"{e.id}:{place}": e.passage.blocks[place].text for e in examples() for place in range(len(e.labels))}
    assert all(labels[one.place] == one.text for one in found)


class Lenient(KeywordJudge):
    """Takes promotion for news."""

    thresholds = dict.fromkeys(KeywordJudge.thresholds, 0.999)


def test_flips_in_a_feed_are_those_of_cleaning_it_twice() -> None:
    body = "&lt;p&gt;Acme earned more than in the year before.&lt;/p&gt;&lt;p&gt;PROMO here&lt;/p&gt;"
    feed = f'<rss version="2.0"><channel><item><guid>1</guid><description>{body}</description></item></channel></rss>'
    items, found = comparison.flips_in(feed.encode(), "https://x.example/feed", KeywordJudge(), Lenient())
    assert items == 1 and [one.text for one in found] == ["PROMO here"]
    assert (found[0].before, found[0].after) == (Action.CUT, Action.KEEP)
    assert found[0].probabilities == pytest.approx((0.9925, 0.9925))
    assert not comparison.flips_in(feed.encode(), "https://x.example/feed", KeywordJudge(), KeywordJudge())[1]


def test_documents_of_one_document_have_no_spread() -> None:
    single = [replace(examples()[0])]
    assert all(one.interval == (one.by, one.by) for one in comparison.compare(single, random_model(0), random_model(1)))
