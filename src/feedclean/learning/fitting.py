"""Fits of one part of the model, side by side in processes: for each fold on the others, and for everything.

Each fit runs on one thread, since sums of several may differ in their last bits from run to run. Processes get the
whole matrix, which joblib shares between them, and take their rows of it: so memory holds it once, and one part of it
for each process.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

import numpy as np
from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from ..errors import ModelError, OutputError
from ..interrupts import uninterrupted
from .corpus import UNLABELLED
from .heads import Ensemble, LinearHead, PerceptronHead

Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Part = TypeVar("Part", LinearHead, PerceptronHead, Ensemble)
Stage = Callable[[str, int], Callable[[], None]]  # told of a stage and its steps; what it returns, of each step


def without_each(folds: Ints, labels: Ints, count: int) -> list[Mask]:
    """The labelled rows outside each fold, then all labelled ones."""
    labelled = labels != UNLABELLED
    return [labelled & (folds != fold) for fold in range(count)] + [labelled]


def fitted(
    X: sparse.csr_matrix | Matrix,
    y: Ints,
    weights: Matrix,
    asked: Sequence[tuple[Part, Mask]],
    jobs: int,
    step: Callable[[], None],
) -> list[Part]:
    """Each part that is asked for, fitted on the rows that are asked for with it."""
    return _each((delayed(_fit)(part, X, y, weights, mask) for part, mask in asked), jobs, step)


def unseen(heads: Sequence[LinearHead] | Sequence[PerceptronHead], X: sparse.csr_matrix, folds: Ints) -> Matrix:
    """Scores for every row from the head that had not seen its fold; the last head has seen all."""
    scores = np.zeros((X.shape[0], heads[-1].decision_function(X[:1]).shape[1]))
    for fold in range(len(heads) - 1):
        rows = folds == fold
        if rows.any():
            scores[rows] = heads[fold].decision_function(X[rows])
    return scores


def unseen_probabilities(ensembles: Sequence[Ensemble], X: Matrix, folds: Ints, labels: int) -> Matrix:
    """Probabilities for every row from the ensemble that had not seen its fold."""
    found = np.zeros((len(folds), labels))
    for fold, ensemble in enumerate(ensembles):
        rows = folds == fold
        if rows.any():
            found[rows] = ensemble.predict_proba(X[rows])
    return found


def _each(tasks: Iterable[Any], jobs: int, step: Callable[[], None]) -> list[Any]:
    """What the tasks give, in order.

    Raises:
        OutputError: there is no room for what the processes share.
        ModelError: one of them was killed.
    """
    found = []
    try:
        asked = (delayed(_with)(os.getpid(), task) for task in tasks)
        with uninterrupted():
            made = Parallel(n_jobs=jobs, max_nbytes="1M", return_as="generator", pre_dispatch="n_jobs")(asked)
        for one in made:
            found.append(one)
            step()
    except TerminatedWorkerError as error:
        told = "a process of the training was killed, most likely because memory ran out"
        raise ModelError(told, hint="train with --jobs 1, or on less data") from error
    except OSError as error:
        told = f"no room for what the processes share: {(error.strerror or str(error)).lower()}"
        hint = "free some, name another place in JOBLIB_TEMP_FOLDER, or train with --jobs 1"
        raise OutputError(told, where=error.filename, hint=hint) from error
    return found


def _with(parent: int, task: Any) -> Any:
    """A task, in a process that ends with the one that asked: were that killed, it would wait without end."""
    if os.getpid() != parent:
        _end_with(parent)
    function, arguments, keywords = task
    return function(*arguments, **keywords)


@cache
def _end_with(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _fit(part: Part, X: Any, y: Ints, weights: Matrix, mask: Mask) -> Part:
    with threadpool_limits(1):
        return part.fit(X if mask.all() else X[mask], y[mask], weights[mask])
