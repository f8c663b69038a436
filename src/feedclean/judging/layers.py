"""The parts a model is made of: heads over hashed n-grams, and a small network, all plain arithmetic on arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import ngrams
from .context import log_softmax, softmax
from .ngrams import Grams

Matrix = NDArray[np.float64]
Single = NDArray[np.float32]
Arrays = Mapping[str, NDArray[Any]]

CLIP = 4.0  # standardised inputs are cut off here, so that no odd page carries the network away
_NOTHING = 1e-20


class Linear:
    """A linear head over hashed n-grams, its weights whole numbers of a step for each label.

    Whole numbers add up to the same in any order, and a table of 16-bit ones is half as large for a processor's cache.
    """

    def __init__(self, arrays: Arrays, prefix: str) -> None:
        self.weights = arrays[f"{prefix}_weights"].astype(np.int16)
        self.step = arrays[f"{prefix}_step"].astype(np.float64)
        self.bias = arrays[f"{prefix}_bias"].astype(np.float64)

    def __call__(self, found: Grams) -> Matrix:
        """Scores of each text, shape (texts, labels)."""
        result: Matrix = ngrams.sums(self.weights, found) * (found.scale * self.step) + self.bias
        return result


class Perceptron:
    """A head with a layer of hidden units between hashed n-grams and labels, their weights 8-bit numbers of a step.

    What n-grams say together ("report" beside "free", and beside "annual") no linear head can tell. A text is the mean
    of vectors of its n-grams, as in fastText (Joulin et al., 2017, "Bag of Tricks for Efficient Text Classification"),
    here with rectified units.
    """

    def __init__(self, arrays: Arrays, prefix: str) -> None:
        self.weights = ngrams.SmallTable(arrays[f"{prefix}_weights"].astype(np.int8))
        step, bias, out, out_bias = (
            arrays[f"{prefix}_{name}"].astype(np.float64) for name in ("step", "bias", "out", "out_bias")
        )
        self.step, self.bias, self.out, self.out_bias = step, bias, out, out_bias

    def __call__(self, found: Grams) -> Matrix:
        """Log-probabilities for each text, shape (texts, labels)."""
        return log_softmax(self.hidden(found) @ self.out + self.out_bias)

    def hidden(self, found: Grams) -> Matrix:
        """What the hidden units say of each text, shape (texts, units); 0 where one is silent."""
        return np.maximum(self.weights.sums(found) * (found.scale * self.step) + self.bias, 0)

    def weights_of(self, columns: NDArray[np.int32], speaking: NDArray[np.bool_]) -> Matrix:
        """What each column adds to the scores while just these units speak, shape (columns, labels).

        Args:
            columns: shape (columns,).
            speaking: which units do in the text of each column, shape (columns, units).
        """
        result: Matrix = (self.weights.rows(columns) * self.step * speaking) @ self.out
        return result


class Network:
    """A network with one hidden layer, several fits of it averaged, then calibrated.

    Calibration is vector scaling (Guo et al., 2017, "On Calibration of Modern Neural Networks").
    """

    def __init__(self, arrays: Arrays, prefix: str) -> None:
        def get(name: str) -> Single:
            return np.asarray(arrays[f"{prefix}_{name}"], np.float32)

        self.mean, self.scale = get("mean").astype(np.float64), get("scale").astype(np.float64)
        # The hidden layers of all fits side by side, (inputs, fits * units): one product is quicker than several.
        hidden, hidden_bias = _normal(get("hidden")), get("hidden_bias")
        self.hidden, self.hidden_bias = np.hstack(list(hidden)), hidden_bias.reshape(-1)
        self.out, self.out_bias = _normal(get("out")), get("out_bias")
        self.calibration = get("calibration").astype(np.float64)
        self.calibration_bias = get("calibration_bias").astype(np.float64)

    def __call__(self, inputs: Matrix) -> Matrix:
        """Probabilities, shape (rows, labels)."""
        return self.calibrated(self.raw(inputs))

    def raw(self, inputs: Matrix) -> Matrix:
        """Probabilities before calibration. Single precision is exact to 1e-6 here, and twice as fast."""
        given = np.clip((inputs - self.mean) / self.scale, -CLIP, CLIP).astype(np.float32)
        fits, units, _ = self.out.shape
        active = np.maximum(given @ self.hidden + self.hidden_bias, 0).reshape(len(inputs), fits, units)
        scores = active.transpose(1, 0, 2) @ self.out + self.out_bias[:, None]
        result: Matrix = softmax(scores.astype(np.float64)).mean(axis=0)
        return result

    def calibrated(self, probabilities: Matrix) -> Matrix:
        """Probabilities as often right as they say."""
        logs = np.log(np.maximum(probabilities, 1e-9))
        return softmax(logs * self.calibration + self.calibration_bias)


def _normal(weights: Single) -> Single:
    """Weights with nothing in place of next to nothing.

    The penalty of training leaves many at 1e-40: below the normal numbers of single precision, where processors take a
    hundred times as long for a product.
    """
    result: Single = np.where(np.abs(weights) < _NOTHING, np.float32(0), weights)
    return result
