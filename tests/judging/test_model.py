"""The model gives probabilities for whatever it is shown, and refuses weights that could not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from feedclean.errors import ModelError
from feedclean.judging.layers import Network
from feedclean.judging.model import SHAPES
from feedclean.types import Passage
from tests.judging.test_features import PITCH, article, feeds, few
from tests.learning.models import model_of, random_arrays, random_model


@few
@given(feeds)
def test_every_judged_block_gets_probabilities_that_sum_to_one(feed: list[Passage]) -> None:
    verdicts = random_model().judge(feed)
    assert [len(own) for own in verdicts] == [len(passage.blocks) for passage in feed]
    for own in verdicts:
        for verdict in own:
            assert sum(verdict.probabilities) == pytest.approx(1)
            assert len(verdict.probabilities) == 5 and min(verdict.probabilities) >= 0 and not verdict.clues


@few
@given(feeds)
def test_every_title_gets_probabilities_that_sum_to_one(feed: list[Passage]) -> None:
    verdicts = random_model().judge_titles(feed)
    assert len(verdicts) == len(feed)
    for verdict in verdicts:
        assert len(verdict.probabilities) == 2 and sum(verdict.probabilities) == pytest.approx(1)


@few
@given(feeds)
def test_a_title_is_judged_by_itself_and_its_own_text(feed: list[Passage]) -> None:
    together = random_model().judge_titles(feed)
    for passage, verdict in zip(feed, together, strict=True):
        (alone,) = random_model().judge_titles([passage])
        assert alone.probabilities == pytest.approx(verdict.probabilities, abs=1e-6)


@few
@given(feeds)
def test_judging_again_gives_the_same(feed: list[Passage]) -> None:
    np.testing.assert_array_equal(random_model().probabilities(feed), random_model().probabilities(feed))


def test_the_order_of_items_does_not_matter() -> None:
    feed = [article(f"News number {word} of today", PITCH) for word in ("one", "two", "three")]
    forth, back = random_model().judge(feed), random_model().judge(feed[::-1])[::-1]
    for one, other in zip(forth, back, strict=True):
        for verdict, again in zip(one, other, strict=True):
            assert verdict.probabilities == pytest.approx(again.probabilities, abs=1e-6)


@pytest.mark.parametrize("feed", [[], [Passage(())], [Passage((), "Title")], [Passage(()), article("News.")]])
def test_items_without_a_text_are_allowed(feed: list[Passage]) -> None:
    assert [len(own) for own in random_model().judge(feed)] == [len(passage.blocks) for passage in feed]
    assert len(random_model().judge_titles(feed)) == len(feed)


@few
@given(feeds, feeds, st.data())
def test_what_was_seen_before_does_not_matter(feed: list[Passage], other: list[Passage], data: st.DataObject) -> None:
    """A model remembers the passages of its last document, and must judge them beside others as if it did not."""
    model = model_of(random_arrays())
    model.judge(feed)
    mixed = data.draw(st.permutations([*other, *feed[1:]]))
    for own, fresh in zip(model.judge(mixed), model_of(random_arrays()).judge(mixed), strict=True):
        for verdict, expected in zip(own, fresh, strict=True):
            assert verdict.probabilities == pytest.approx(expected.probabilities, abs=1e-6)


@few
@given(feeds)
def test_verdicts_are_the_probabilities(feed: list[Passage]) -> None:
    """Whether asked about by hand or remembered."""
    model = model_of(random_arrays())
    rows = [verdict.probabilities for own in model.judge(feed) for verdict in own]
    np.testing.assert_allclose(np.array(rows).reshape(len(rows), 5), model.probabilities(feed), atol=1e-6)


def test_the_name_tells_the_weights() -> None:
    assert random_model().name == "random-000000000000"


# ── Calibration ──────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.lists(st.floats(0.001, 0.999), min_size=2, max_size=20), st.integers(0, 4))
def test_calibration_keeps_the_order_of_a_label_and_sums_to_one(chances: list[float], label: int) -> None:
    """Where one label grows at the others' equal cost."""
    network = Network(random_arrays(), "block")
    network.calibration = np.full(5, 1.7)  # vector scaling with one temperature, and any biases
    rows = np.repeat((1 - np.array(sorted(chances)))[:, None] / 4, 5, axis=1)
    rows[:, label] = sorted(chances)
    found = network.calibrated(rows)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (np.diff(found[:, label]) >= -1e-12).all()


def test_calibration_that_learned_nothing_changes_nothing() -> None:
    network = Network(random_arrays(), "block")
    network.calibration, network.calibration_bias = np.ones(5), np.zeros(5)
    rows = np.array([[0.7, 0.1, 0.1, 0.05, 0.05], [1.0, 0.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(network.calibrated(rows), rows, atol=1e-8)


def test_weights_below_the_normal_numbers_are_nothing() -> None:
    arrays = random_arrays()
    for name in ("block_hidden", "block_out"):
        arrays[name] = arrays[name].copy()
        arrays[name][0, ::2] = 1e-40
    network = Network(arrays, "block")
    for weights in (network.hidden, network.out):
        assert (np.abs(weights[weights != 0]) > np.finfo(np.float32).tiny).all()


def test_no_odd_page_carries_the_network_away() -> None:
    network = Network(random_arrays(), "block")
    far = np.full((1, len(network.mean)), 1e300)
    assert np.isfinite(network(np.vstack((far, -far)))).all()


# ── Weights that cannot be used ──────────────────────────────────────────────────────────────────────────────────


def _spoiled(name: str, how: str) -> dict[str, NDArray[Any]]:
    arrays = random_arrays()
    array = arrays[name].copy()
    if how == "missing":
        del arrays[name]
        return arrays
    if how in ("nan", "inf"):
        array.flat[0] = float(how)
    elif how == "integers":
        array = array.astype(np.int32)
    elif how == "objects":
        array = array.astype(object)
    elif how == "complex":
        array = array.astype(np.complex64)
    elif how == "longer":
        array = np.concatenate((array, array[-1:]))
    elif how == "wider":
        array = np.concatenate((array, array[..., -1:]), axis=-1)
    elif how == "deeper":
        array = array[None]
    elif how == "empty":
        array = array[:0]
    elif how == "scalar":
        array = np.array(0.5, np.float32)
    arrays[name] = array
    return arrays


_HOWS = ("nan", "inf", "integers", "objects", "complex", "longer", "deeper", "empty", "scalar")


@pytest.mark.parametrize(
    ("name", "how"),
    [
        *((name, "missing") for name in SHAPES),
        *((name, "wider") for name in SHAPES if name != "common_words"),  # there may be any number of those
        *(("block_out_bias", how) for how in _HOWS),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(name: str, how: str) -> None:
    with pytest.raises(ModelError) as caught:
        model_of(_spoiled(name, how))
    assert name.partition("_")[0] in str(caught.value) and "\n" not in str(caught.value)


def test_a_scale_of_zero_is_refused() -> None:
    arrays = random_arrays()
    arrays["block_scale"] = np.zeros_like(arrays["block_scale"])
    with pytest.raises(ModelError, match="block_scale"):
        model_of(arrays)


def test_networks_without_fits_or_units_are_refused() -> None:
    arrays = random_arrays()
    for name in ("hidden", "hidden_bias", "out", "out_bias"):
        arrays[f"title_{name}"] = arrays[f"title_{name}"][:0]
    with pytest.raises(ModelError, match="title_"):
        model_of(arrays)
