"""Models for tests: one of random weights, at once and without scikit-learn, and one that is really trained."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from feedclean.judging import context, features
from feedclean.judging.model import SHAPES, Model

if TYPE_CHECKING:
    from feedclean.learning.training import Recipe, Trained

DATA = Path(__file__).parents[2] / "training_data" / "en-a.jsonl"  # eight styles, all labels
FITS, UNITS = 2, 4
_SMALL, _SMALL_STEPS = ("text_weights", "title_text_weights"), ("text_step", "title_text_step")


@cache
def _random(seed: int) -> dict[str, NDArray[Any]]:
    sides = {"labels": len(context.LABELS), "fits": FITS, "units": UNITS, "words": 3}
    arrays: dict[str, NDArray[Any]] = {}
    for name, shape in SHAPES.items():
        random = np.random.default_rng([seed, zlib.crc32(name.encode())])  # so that no array hangs on the others
        drawn = random.normal(
            0, 0.5, tuple(sides[side.split()[-1]] if isinstance(side, str) else side for side in shape)
        )
        if name.endswith("_weights"):
            drawn[np.arange(len(drawn)) % 8 > 0] = 0  # packs faster
            drawn *= 40 if name in _SMALL else 1000
        if name.endswith(("_scale", "_calibration")):
            drawn = np.abs(drawn) + 0.5
        if name.endswith("_step"):
            drawn = np.full_like(drawn, 0.1 if name in _SMALL_STEPS else 1e-3)
        kind = np.int16 if name.endswith("_weights") else np.float32
        arrays[name] = drawn.astype(np.int8 if name in _SMALL else kind)
    arrays["common_words"] = np.arange(3, dtype=np.uint64)
    return arrays


def random_arrays(seed: int = 0) -> dict[str, NDArray[Any]]:
    """Weights of the right shapes that have learned nothing."""
    return dict(_random(seed))


def card(name: str = "random") -> dict[str, Any]:
    """What a card must say at least, but for the digest, which `save_model` adds."""
    return {
        "name": name,
        "feature_version": features.VERSION,
        "labels": list(context.LABELS),
        "thresholds": dict.fromkeys(context.LABELS, 0.75),
        "title_threshold": 0.75,
    }


def model_of(arrays: Mapping[str, NDArray[Any]]) -> Model:
    return Model(arrays, {**card(), "weights": {"sha256": "0" * 64}})


@cache
def random_model(seed: int = 0) -> Model:
    return model_of(_random(seed))


def recipe() -> Recipe:
    """As small as it goes: what is tested is that all parts fit together, not what they find."""
    from feedclean.learning.training import Recipe

    return Recipe(folds=2, text_units=UNITS, title_text_units=UNITS, units=UNITS, fits=FITS, epochs=3, jobs=1)


@contextmanager
def hurried(steps: int) -> Iterator[None]:
    """Heads that are fitted in so many steps of their optimiser: 40 of the linear one and 400 of the other are usual."""
    from feedclean.learning import heads

    with (
        mock.patch.object(heads.LinearHead.__init__, "__defaults__", (3.0, steps)),
        mock.patch.object(heads.PerceptronHead.__init__, "__defaults__", (UNITS, 10 * steps, 1e-3, 256, 0)),
    ):
        yield


@cache
def trained() -> Trained:
    """A model trained once for each process that tests."""
    return train([DATA])


def train(paths: Sequence[Path]) -> Trained:
    from feedclean.learning import training

    with hurried(4):
        return training.train(paths, name="small", recipe=recipe(), say=lambda _: None)
