"""A clue is something that stands there and spoke for acting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.judging import clues, context, ngrams
from feedclean.judging.clues import by_groups, merged
from feedclean.judging.clues import words as words_of
from feedclean.judging.layers import Perceptron
from feedclean.types import Block, Clue, Kind, Passage
from tests.judging.test_features import NEWS, PITCH, article, feeds, few, said
from tests.learning.models import random_model


def head_for(*phrases: str) -> Perceptron:
    """A head that takes the n-grams of these phrases for advertising, and all others for news."""
    weights = np.zeros((1 << ngrams.TEXT[2], 2), np.int8)
    weights[:, 0] = 1
    for phrase in phrases:
        columns = ngrams.grams(ngrams.read([phrase]), *ngrams.TEXT).columns
        weights[columns, 0], weights[columns, 1] = 0, 30
    arrays = {
        "weights": weights,
        "step": np.full(2, 0.1),
        "bias": np.zeros(2),
        "out": np.eye(2, 5),
        "out_bias": np.zeros(5),
    }
    return Perceptron({f"head_{name}": array for name, array in arrays.items()}, "head")


def words(text: str, head: Perceptron) -> list[Clue]:
    """The words of a block that stands alone."""
    return words_of([Passage((Block(text, Kind.TEXT, text),))], head, np.zeros(1, np.uint64))[0]


def test_the_words_that_decided_are_named() -> None:
    found = words("Sales climbed. Get your free report today and save.", head_for("free report"))
    assert found and "free report" in found[0].text
    told = " ".join(clue.text for clue in found)
    assert "sales" not in told and "climbed" not in told


def test_the_stronger_words_come_first() -> None:
    found = words("save money. Nothing else here counts. free report for subscribers", head_for("save", "free report"))
    assert [clue.weight for clue in found] == sorted((clue.weight for clue in found), reverse=True)
    assert "free report" in found[0].text


def test_nothing_is_named_where_nothing_speaks_for_acting() -> None:
    assert words(NEWS[0], head_for()) == []


@pytest.mark.parametrize("text", ["", "…", "!!!", " "])
def test_a_text_without_words_has_no_clues(text: str) -> None:
    assert words(text, head_for("free")) == []


@given(said)
def test_clues_are_words_of_the_text(text: str) -> None:
    known = [run.decode("utf-8", "replace") for run in _runs(text)]
    for clue in words(text, random_model()._text):
        assert clue.weight > 0 and 1 <= len(clue.text.split(" ")) <= 5
        assert all(word in known for word in clue.text.split(" "))


def _runs(text: str) -> list[bytes]:
    read = ngrams.read([text])
    return [bytes(read.bytes[start:end]) for start, end in zip(read.starts, read.ends, strict=True)]


@few
@given(feeds)
def test_every_wanted_block_gets_at_most_six_clues(feed: list[Passage]) -> None:
    wanted = [(number, place) for number, passage in enumerate(feed) for place in range(len(passage.blocks))]
    found = random_model().clues(feed, wanted)
    assert len(found) == len(wanted) and all(len(own) <= 6 for own in found)


def test_clues_are_of_the_block_that_was_asked_for() -> None:
    model, feed = random_model(), [article(NEWS[0], PITCH), article(NEWS[1])]
    everything = model.clues(feed, [(0, 0), (0, 1), (1, 0)])
    for own, expected in zip(model.clues(feed, [(1, 0), (0, 1)]), (everything[2], everything[1]), strict=True):
        assert [clue.text for clue in own] == [clue.text for clue in expected]
        assert [clue.weight for clue in own] == pytest.approx([clue.weight for clue in expected])
    assert model.clues(feed, []) == []


def test_a_group_that_says_what_is_usual_is_no_clue() -> None:
    network = random_model()._network
    assert by_groups(network, np.tile(network.mean, (3, 1))) == [[], [], []]


def test_groups_are_columns_of_the_network_and_share_none() -> None:
    columns = [column for group in clues._GROUPS.values() for column in group]
    assert len(set(columns)) == len(columns) and max(columns) < context.WIDTH
    assert all(clues._GROUPS.values())


@given(st.lists(st.floats(0.3, 9), max_size=9), st.lists(st.floats(0.3, 9), max_size=5))
def test_words_come_first_and_the_two_strongest_groups_last(own: list[float], around: list[float]) -> None:
    spoken = [Clue("word", weight) for weight in sorted(own, reverse=True)]
    found = merged(spoken, [Clue("group", weight) for weight in around])
    groups = [clue.weight for clue in found if clue.text == "group"]
    assert groups == sorted(around, reverse=True)[:2] and len(found) <= 6
    assert found[: len(found) - len(groups)] == tuple(spoken[: len(found) - len(groups)])
