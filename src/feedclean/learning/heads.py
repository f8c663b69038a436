"""The parts of the model as scikit-learn estimators, and their weights as arrays.

Whatever is rounded for shipping is rounded here, before the next part is fitted on top of it, so that what is trained
is what is served.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from ..judging import context
from ..judging.layers import CLIP
from ..judging.ngrams import Grams

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]

_MOST_STEPS, _MOST_SMALL_STEPS = 32_767, 127


def matrix(found: Grams, bits: int) -> sparse.csr_matrix:
    """Hashed n-grams as a sparse matrix of scaled counts, float32."""
    shape = (len(found.offsets) - 1, 1 << bits)
    counts = np.ones(len(found.columns), np.float32)
    result = sparse.csr_matrix((counts, found.columns, found.offsets), shape=shape)
    result.sum_duplicates()
    return sparse.diags(found.scale[:, 0].astype(np.float32)).dot(result).tocsr()


class LinearHead(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Multinomial logistic regression whose weights are rounded to 16-bit multiples of a step for each label.

    Args:
        C: inverse strength of the regularisation.
        max_iter: of the optimiser; the stacked network forgives an early stop.
    """

    def __init__(self, C: float = 3.0, max_iter: int = 40) -> None:
        self.C = C
        self.max_iter = max_iter

    def fit(self, X: sparse.csr_matrix, y: Labels, sample_weight: Matrix | None = None) -> LinearHead:
        """Fit to labels that count from 0."""
        fitted = LogisticRegression(C=self.C, max_iter=self.max_iter, tol=1e-3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # stopping early is intended
            fitted.fit(X, y, sample_weight=sample_weight)
        largest = np.maximum(np.abs(fitted.coef_).max(axis=1), 1e-6)
        self.step_ = (largest / _MOST_STEPS).astype(np.float32).astype(np.float64)
        self.steps_ = np.clip(np.round(fitted.coef_ / self.step_[:, None]), -_MOST_STEPS, _MOST_STEPS)
        fitted.coef_ = self.steps_ * self.step_[:, None]
        fitted.intercept_ = fitted.intercept_.astype(np.float32).astype(np.float64)
        self.regression_ = fitted
        return self

    def decision_function(self, X: sparse.csr_matrix) -> Matrix:
        """Scores, shape (rows, labels)."""
        scores: Matrix = np.asarray(self.regression_.decision_function(X), np.float64)
        return scores

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Weights for shipping."""
        return {
            f"{prefix}_weights": self.steps_.T.astype(np.int16),
            f"{prefix}_step": self.step_.astype(np.float32),
            f"{prefix}_bias": self.regression_.intercept_.astype(np.float32),
        }


class PerceptronHead(BaseEstimator):  # type: ignore[misc]
    """A network with one hidden layer over hashed n-grams, rounded to 8-bit multiples of a step for each unit.

    It is fitted for so many steps, not epochs: with few documents it goes over them more often.

    Args:
        units: in the hidden layer.
        steps: of the optimiser, at least, each on a batch; two epochs at least.
        alpha: L2 penalty.
        batch: rows of a step.
        seed: of the first weights and of the order of rows.
    """

    def __init__(self, units: int = 32, steps: int = 400, alpha: float = 1e-3, batch: int = 256, seed: int = 0) -> None:
        self.units = units
        self.steps = steps
        self.alpha = alpha
        self.batch = batch
        self.seed = seed

    def fit(self, X: sparse.csr_matrix, y: Labels, sample_weight: Matrix | None = None) -> PerceptronHead:
        """Fit to labels that count from 0."""
        batch = min(self.batch, X.shape[0])
        fitted = MLPClassifier(
            (self.units,),
            alpha=self.alpha,
            max_iter=max(2, math.ceil(self.steps * batch / X.shape[0])),
            batch_size=batch,
            learning_rate_init=2e-3,
            random_state=self.seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fixed number of epochs is intended
            fitted.fit(X, y, sample_weight=sample_weight)
        weights = fitted.coefs_[0]
        self.step_ = (np.maximum(np.abs(weights).max(axis=0), 1e-6) / _MOST_SMALL_STEPS).astype(np.float32)
        self.steps_ = np.clip(np.round(weights / self.step_), -_MOST_SMALL_STEPS, _MOST_SMALL_STEPS).astype(np.int8)
        fitted.coefs_ = [self.steps_ * self.step_.astype(np.float64), fitted.coefs_[1].astype(np.float64)]
        fitted.intercepts_ = [bias.astype(np.float64) for bias in fitted.intercepts_]
        self.network_ = fitted
        return self

    def decision_function(self, X: sparse.csr_matrix) -> Matrix:
        """Log-probabilities, shape (rows, labels)."""
        scores: Matrix = self.network_.predict_log_proba(X)
        return scores

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Weights for shipping."""
        out, out_bias = _of_all_labels(self.network_)
        named = {"step": self.step_, "bias": self.network_.intercepts_[0], "out": out, "out_bias": out_bias}
        single = {f"{prefix}_{name}": array.astype(np.float32) for name, array in named.items()}
        return {f"{prefix}_weights": self.steps_, **single}


class Ensemble(BaseEstimator):  # type: ignore[misc]
    """Several fits of a network with one hidden layer, averaged, over standardised and clipped inputs.

    Args:
        units: in the hidden layer.
        fits: how many networks are averaged.
        alpha: L2 penalty.
        epochs: passes over the data.
        seed: of the first fit; the others count up from it.
    """

    def __init__(
        self, units: int = 64, fits: int = 3, alpha: float = 1e-2, epochs: int = 20, batch: int = 512, seed: int = 0
    ) -> None:
        self.units = units
        self.fits = fits
        self.alpha = alpha
        self.epochs = epochs
        self.batch = batch
        self.seed = seed

    def fit(self, X: Matrix, y: Labels, sample_weight: Matrix | None = None) -> Ensemble:
        """Fit to labels that count from 0."""
        self.mean_ = X.mean(axis=0).astype(np.float32).astype(np.float64)
        spread = X.std(axis=0)
        self.scale_ = np.where(spread > 1e-6, spread, 1.0).astype(np.float32).astype(np.float64)
        given = self._standard(X)
        self.networks_ = []
        for number in range(self.fits):
            network = MLPClassifier(
                (self.units,),
                alpha=self.alpha,
                max_iter=self.epochs,
                batch_size=min(self.batch, len(given)),
                learning_rate_init=2e-3,
                random_state=self.seed + number,
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a fixed number of epochs is intended
                network.fit(given, y, sample_weight=sample_weight)
            network.coefs_ = [weights.astype(np.float32).astype(np.float64) for weights in network.coefs_]
            network.intercepts_ = [bias.astype(np.float32).astype(np.float64) for bias in network.intercepts_]
            self.networks_.append(network)
        return self

    def _standard(self, X: Matrix) -> Matrix:
        result: Matrix = np.clip((X - self.mean_) / self.scale_, -CLIP, CLIP)
        return result

    def predict_proba(self, X: Matrix) -> Matrix:
        """Probabilities before calibration, shape (rows, labels)."""
        given = self._standard(X)
        result: Matrix = np.mean([network.predict_proba(given) for network in self.networks_], axis=0)
        return result

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Weights for shipping."""
        outs, biases = zip(*map(_of_all_labels, self.networks_), strict=True)
        named = {
            "mean": self.mean_,
            "scale": self.scale_,
            "hidden": np.stack([network.coefs_[0] for network in self.networks_]),
            "hidden_bias": np.stack([network.intercepts_[0] for network in self.networks_]),
            "out": np.stack(outs),
            "out_bias": np.stack(biases),
        }
        return {f"{prefix}_{name}": array.astype(np.float32) for name, array in named.items()}


def _of_all_labels(network: MLPClassifier) -> tuple[Matrix, Matrix]:
    """The weights and bias of the outputs; two labels, which are fitted with one output, get a first that is zero."""
    out, bias = network.coefs_[1], network.intercepts_[1]
    if out.shape[1] > 1:
        return out, bias
    return np.hstack((np.zeros_like(out), out)), np.concatenate(([0.0], bias))


class Calibration(BaseEstimator):  # type: ignore[misc]
    """Vector scaling (Guo et al., 2017): each label's log-probability times a weight, plus a bias.

    Fitted by L-BFGS on the multinomial likelihood, on out-of-fold probabilities at real proportions (D14).
    """

    def fit(self, probabilities: Matrix, y: Labels, sample_weight: Matrix | None = None) -> Calibration:
        """Fit to out-of-fold probabilities (rows, labels) and labels."""
        logs = np.log(np.maximum(probabilities, 1e-9))
        labels = logs.shape[1]
        truth = np.eye(labels)[y]
        share = np.ones(len(y)) if sample_weight is None else sample_weight
        share = (share / share.sum())[:, None]

        def loss(flat: Matrix) -> tuple[float, Matrix]:
            weights, bias = flat[:labels], flat[labels:]
            given = context.softmax(logs * weights + bias)
            wrong = (given - truth) * share
            penalty = 1e-3 * ((weights - 1) ** 2).sum() + 1e-3 * (bias**2).sum()
            likely = np.log(np.maximum((given * truth).sum(axis=1), 1e-12))
            value = penalty - (likely * share[:, 0]).sum()
            slope = np.concatenate(((wrong * logs).sum(axis=0), wrong.sum(axis=0)))
            slope += 2e-3 * np.concatenate((weights - 1, bias))
            return float(value), slope

        start = np.concatenate((np.ones(labels), np.zeros(labels)))
        found = minimize(loss, start, jac=True, method="L-BFGS-B").x.astype(np.float32).astype(np.float64)
        self.weights_, self.bias_ = found[:labels], found[labels:]
        return self

    def transform(self, probabilities: Matrix) -> Matrix:
        """Calibrated probabilities."""
        logs = np.log(np.maximum(probabilities, 1e-9))
        return context.softmax(logs * self.weights_ + self.bias_)

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Weights for shipping."""
        return {
            f"{prefix}_calibration": self.weights_.astype(np.float32),
            f"{prefix}_calibration_bias": self.bias_.astype(np.float32),
        }
