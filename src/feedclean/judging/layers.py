"""The parts a model is made of: linear heads over n-grams, and a small network, both plain arithmetic on arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import ngrams
from .context import softmax
from .ngrams import Grams

Matrix = NDArray[np.float64]
Arrays = Mapping[str, NDArray[Any]]

CLIP = 4.0  # standardised inputs are cut off here, so that no odd page carries the network away


class Linear:
    """A linear head over hashed n-grams."""

    def __init__(self, weights: NDArray[Any], bias: NDArray[Any]) -> None:
        self.weights = weights.astype(np.float32)
        self.bias = bias.astype(np.float64)

    def __call__(self, found: Grams) -> Matrix:
        """Scores of each text, shape (texts, labels)."""
        result: Matrix = ngrams.sums(self.weights, found) + self.bias
        return result


class Network:
    """A network with one hidden layer, several fits of it averaged, then calibrated.

    Calibration is vector scaling (Guo et al., 2017, "On Calibration of Modern Neural Networks").
    """

    def __init__(self, arrays: Arrays, prefix: str) -> None:
        def get(name: str) -> Matrix:
            return np.asarray(arrays[f"{prefix}_{name}"], np.float64)

        self.mean, self.scale = get("mean"), get("scale")
        self.hidden, self.hidden_bias = get("hidden"), get("hidden_bias")
        self.out, self.out_bias = get("out"), get("out_bias")
        self.calibration, self.calibration_bias = get("calibration"), get("calibration_bias")

    def __call__(self, inputs: Matrix) -> Matrix:
        """Probabilities, shape (rows, labels)."""
        return self.calibrated(self.raw(inputs))

    def raw(self, inputs: Matrix) -> Matrix:
        """Probabilities before calibration."""
        given = np.clip((inputs - self.mean) / self.scale, -CLIP, CLIP)
        total = np.zeros((len(inputs), self.out.shape[2]))
        for hidden, hidden_bias, out, out_bias in zip(
            self.hidden, self.hidden_bias, self.out, self.out_bias, strict=True
        ):
            total += softmax(np.maximum(given @ hidden + hidden_bias, 0) @ out + out_bias)
        return total / len(self.hidden)

    def calibrated(self, probabilities: Matrix) -> Matrix:
        """Probabilities as often right as they say."""
        logs = np.log(np.maximum(probabilities, 1e-9))
        return softmax(logs * self.calibration + self.calibration_bias)
